//! The slot to start: a pure function of the store's slot, the floor, and what is known about the two images.
//!
//! [`start()`](super::start()) asks [`choose`], and does as it says until an image has passed its test, or nothing runs.

use link::message::UpdateStage;
use store::Slot;

/// Starts of a new image before it is given up.
pub const TRIALS: u8 = 3;

/// The slot's value for a new image that has not been started yet.
pub const NOT_STARTED: u8 = 1;

/// The slot's value for a new image of another embedder that has passed its test: the store is to forget the people of the
/// old one. It is not given up any more.
pub const ADOPTING: u8 = u8::MAX;

/// What is known about the image in a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing yet.
    #[default]
    Unknown,
    /// It may run.
    Good {
        /// Its version.
        version: u32,
    },
    /// It may not run, or its golden embedding differs.
    Bad,
}

/// What a board does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// Verify the image in this slot.
    Examine {
        /// Whether it is the second.
        is_second: bool,
    },
    /// Start the image that was kept.
    Kept {
        /// Whether it is in the second slot.
        is_second: bool,
    },
    /// Write the slot to the store, then start the new image on trial.
    Trial(Slot),
    /// Write the slot to the store, then start the other image, because the active one does not run.
    Reverted(Slot),
    /// Neither image runs.
    Service,
}

/// What to do, given the store's slot and the conditions about the first and the second slot.
pub fn choose(slot: Slot, conditions: [Condition; 2]) -> Boot {
    let of = |is_second: bool| {
        let [first, second] = conditions;
        if is_second { second } else { first }
    };
    let Slot { is_second, trial } = slot;
    let has_passed = trial == 0 || trial == ADOPTING;
    // Started as often as allowed, and never confirmed.
    let is_worn_out = trial > TRIALS && !has_passed;
    match of(is_second) {
        Condition::Unknown if !is_worn_out => return Boot::Examine { is_second },
        Condition::Good { .. } if has_passed => return Boot::Kept { is_second },
        Condition::Good { .. } if !is_worn_out => return Boot::Trial(Slot { is_second, trial: trial + 1 }),
        Condition::Unknown | Condition::Good { .. } | Condition::Bad => {}
    }
    let is_second = !is_second;
    match of(is_second) {
        Condition::Unknown => Boot::Examine { is_second },
        Condition::Good { .. } => Boot::Reverted(Slot { is_second, trial: 0 }),
        Condition::Bad => Boot::Service,
    }
}

/// What to write to the store when the started image has passed its test, in this order. Each is written even if it is
/// there already: a cut may have come between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The slot, confirmed.
    pub slot: Slot,
    /// The new floor.
    pub floor: u32,
    /// The stage of the update, for [`super::Updater::new`].
    pub stage: UpdateStage,
}

/// What a test that was passed changes; `None` if this start was none. `conditions` are those that led to it.
pub fn passed(boot: Boot, conditions: [Condition; 2]) -> Option<Passed> {
    let (is_second, stage) = match boot {
        Boot::Kept { is_second } => (is_second, UpdateStage::None),
        Boot::Trial(Slot { is_second, .. }) => (is_second, UpdateStage::Kept),
        Boot::Reverted(Slot { is_second, .. }) => (is_second, UpdateStage::Reverted),
        Boot::Examine { .. } | Boot::Service => return None,
    };
    let [first, second] = conditions;
    match if is_second { second } else { first } {
        Condition::Good { version } => {
            Some(Passed { slot: Slot { is_second, trial: 0 }, floor: version, stage })
        }
        Condition::Unknown | Condition::Bad => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Condition = Condition::Good { version: 7 };
    const UNKNOWN: Condition = Condition::Unknown;
    const BAD: Condition = Condition::Bad;

    fn slot(is_second: bool, trial: u8) -> Slot {
        Slot { is_second, trial }
    }

    #[test]
    fn kept_image_starts_without_a_look_at_the_other() {
        for is_second in [false, true] {
            let kept = slot(is_second, 0);
            assert_eq!(choose(kept, [UNKNOWN; 2]), Boot::Examine { is_second });
            let conditions = if is_second { [UNKNOWN, GOOD] } else { [GOOD, UNKNOWN] };
            assert_eq!(choose(kept, conditions), Boot::Kept { is_second });
            let passed = passed(Boot::Kept { is_second }, conditions);
            assert_eq!(passed, Some(Passed { slot: kept, floor: 7, stage: UpdateStage::None }));
        }
    }

    #[test]
    fn new_image_is_tried_so_often_and_then_given_up() {
        let mut in_store = slot(true, NOT_STARTED);
        for start in 1..=TRIALS {
            assert_eq!(choose(in_store, [UNKNOWN; 2]), Boot::Examine { is_second: true });
            in_store = slot(true, NOT_STARTED + start);
            assert_eq!(choose(slot(true, start), [UNKNOWN, GOOD]), Boot::Trial(in_store));
        }
        assert_eq!(choose(in_store, [UNKNOWN; 2]), Boot::Examine { is_second: false });
        assert_eq!(choose(in_store, [GOOD, UNKNOWN]), Boot::Reverted(slot(false, 0)));
        assert_eq!(choose(in_store, [BAD, GOOD]), Boot::Service);
    }

    #[test]
    fn every_state_ends_and_never_starts_a_bad_image() {
        for is_second in [false, true] {
            for trial in 0..=u8::MAX {
                for truth in [[GOOD, GOOD], [GOOD, BAD], [BAD, GOOD], [BAD, BAD]] {
                    let mut conditions = [UNKNOWN; 2];
                    let mut rounds = 0;
                    let started = loop {
                        rounds += 1;
                        assert!(rounds < 5);
                        match choose(slot(is_second, trial), conditions) {
                            Boot::Examine { is_second } => {
                                let at = usize::from(is_second);
                                assert_eq!(conditions[at], UNKNOWN);
                                conditions[at] = truth[at];
                            }
                            Boot::Kept { is_second: at } => {
                                assert_eq!(at, is_second);
                                assert!(trial == 0 || trial == ADOPTING);
                                break Some(at);
                            }
                            Boot::Trial(next) => {
                                assert_eq!(next, slot(is_second, trial + 1));
                                assert!((1..=TRIALS).contains(&trial));
                                break Some(next.is_second);
                            }
                            Boot::Reverted(next) => {
                                assert_eq!(next, slot(!is_second, 0));
                                break Some(next.is_second);
                            }
                            Boot::Service => break None,
                        }
                    };
                    match started {
                        Some(at) => assert_eq!(truth[usize::from(at)], GOOD),
                        None => assert!(truth == [BAD; 2] || trial > TRIALS && trial != ADOPTING),
                    }
                }
            }
        }
    }

    #[test]
    fn only_a_passed_test_of_a_good_image_changes_the_store() {
        assert_eq!(passed(Boot::Service, [GOOD; 2]), None);
        assert_eq!(passed(Boot::Examine { is_second: false }, [GOOD; 2]), None);
        assert_eq!(passed(Boot::Trial(slot(true, 2)), [GOOD, BAD]), None);
        let kept = Passed { slot: slot(true, 0), floor: 7, stage: UpdateStage::Kept };
        assert_eq!(passed(Boot::Trial(slot(true, 2)), [BAD, GOOD]), Some(kept));
        let reverted = Passed { slot: slot(false, 0), floor: 7, stage: UpdateStage::Reverted };
        assert_eq!(passed(Boot::Reverted(slot(false, 0)), [GOOD, BAD]), Some(reverted));
    }
}
