//! Counts of refusals.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

/// A reason, and how often there was no answer because of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The gate's name, or another reason.
    pub reason: &'static str,
    /// How often.
    pub count: usize,
}

/// Counts reasons; the most frequent ones come first.
pub fn counted(reasons: impl Iterator<Item = &'static str>) -> Vec<Refused> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    reasons.for_each(|reason| *counts.entry(reason).or_default() += 1);
    let mut counted: Vec<Refused> =
        counts.into_iter().map(|(reason, count)| Refused { reason, count }).collect();
    counted.sort_by_key(|refused| Reverse(refused.count));
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_frequent_reasons_come_first() {
        let counted = counted(["blurred", "too dark", "inclined", "too dark"].into_iter());
        let counted: Vec<(&str, usize)> =
            counted.iter().map(|refused| (refused.reason, refused.count)).collect();
        assert_eq!(counted, [("too dark", 2), ("blurred", 1), ("inclined", 1)]);
    }
}
