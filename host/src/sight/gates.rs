//! Names of the gates that a face passes before it is recognised, for counts of refusals.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use face::Fault;
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

/// The name of the gate that a face did not pass.
pub fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::TooSmall { .. } => "too small",
        Fault::NoFace { .. } => "landmarks do not stay in the mirror image",
        Fault::Nowhere => "landmarks of no face",
        Fault::TurnedAside { .. } => "turned aside",
        Fault::TurnedUpOrDown { .. } => "looks up or down",
        Fault::Inclined { .. } => "inclined",
        Fault::TooDark { .. } => "too dark",
        Fault::TooBright { .. } => "too bright",
        Fault::Clipped { .. } => "black or white altogether",
        Fault::Flat { .. } => "too little contrast",
        Fault::Blurred { .. } => "blurred",
    }
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
