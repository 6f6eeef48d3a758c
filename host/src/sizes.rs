//! What the program of each board fills of its memories, as it was measured last: `cargo run -p bench -- sizes --write`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// What a program fills, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// `door` where the board remembers people, otherwise `firmware`.
    pub program: String,
    /// Code, constants and the values of statics, in flash.
    pub flash_bytes: u64,
    /// Statics besides the arena.
    pub statics_bytes: u64,
    /// RAM that is left for the stack.
    pub stack_left_bytes: u64,
}

/// Sizes by board.
pub type Baseline = BTreeMap<String, Sizes>;

static MEASURED: LazyLock<Baseline> = LazyLock::new(|| {
    serde_json::from_str(include_str!("sizes.json")).expect("sizes.json is checked by a test")
});

impl Sizes {
    /// Of this board; `None` where nobody has measured it.
    pub fn of_board(name: &str) -> Option<&'static Sizes> {
        MEASURED.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::names;

    #[test]
    fn every_board_was_measured() {
        assert!(names().into_iter().all(|name| Sizes::of_board(name).is_some()));
        assert_eq!(Sizes::of_board("toaster"), None);
    }
}
