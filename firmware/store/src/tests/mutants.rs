//! A store without one of its safety steps is caught by the same checks that the whole store passes.

use super::cuts::random_cuts;
use super::harness::{Op, Tally, Violation, exhaust};
use crate::sim::Tear;
use crate::step::{LEFT_OUT, Step};

const SCRIPT: [Op; 8] = [
    Op::Add(1),
    Op::Add(2),
    Op::Attempt,
    Op::Replace(0, 3),
    Op::Floor(9),
    Op::Delete(1),
    Op::Lock(77),
    Op::DeleteAll,
];

/// What the checks find when a step is left out, or nothing.
fn found(step: Option<Step>) -> (Tally, bool) {
    LEFT_OUT.set(step);
    let mut sum = Tally::default();
    for tear in Tear::ALL {
        sum.add(&exhaust::<4>(tear, &SCRIPT, 1));
        sum.add(&exhaust::<8>(tear, &SCRIPT, 1));
    }
    let (random, is_twice) = random_cuts::<4>(40);
    LEFT_OUT.set(None);
    sum.add(&random);
    (sum, is_twice)
}

#[track_caller]
fn is_caught(step: Step, as_any_of: &[Violation]) {
    let (tally, _) = found(Some(step));
    assert!(as_any_of.iter().any(|&kind| tally.count(kind) > 0), "{tally:?}");
}

#[test]
fn with_all_steps_nothing_is_found() {
    let (tally, is_twice) = found(None);
    assert!(tally.is_clean() && !is_twice, "{tally:?}");
}

#[test]
fn missing_final_erase_is_caught() {
    is_caught(Step::FinalErase, &[Violation::Left]);
}

#[test]
fn header_before_the_pieces_is_caught() {
    is_caught(Step::HeaderLast, &[Violation::Order]);
}

#[test]
fn missing_tag_check_is_caught() {
    is_caught(Step::Tag, &[Violation::Fails]);
    is_caught(Step::Tag, &[Violation::Back]);
}

#[test]
fn missing_read_back_is_caught() {
    is_caught(Step::ReadBack, &[Violation::Fails, Violation::Lost]);
    is_caught(Step::ReadBack, &[Violation::Back]);
}

#[test]
fn epoch_that_is_not_reserved_is_caught() {
    let (tally, is_twice) = found(Some(Step::Reserve));
    assert!(tally.count(Violation::Nonce) > 0 && is_twice, "{tally:?}");
}

#[test]
fn missing_scrub_is_caught() {
    is_caught(Step::Scrub, &[Violation::Left]);
}
