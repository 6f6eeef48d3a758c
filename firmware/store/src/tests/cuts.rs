//! Cuts at every step, and at random ones.

use super::harness::{SCRIPT, Tally, exhaust, wander};
use crate::sim::Tear;
use crate::step::SEALED;

fn every_step<const WORD: usize>(seeds: u64) {
    for tear in Tear::ALL {
        let tally = exhaust::<WORD>(tear, &SCRIPT, seeds);
        assert!(tally.is_clean(), "{tear:?}: {tally:?}");
        assert_eq!(tally.operations, SCRIPT.len() as u64);
        assert!(tally.cuts > 3000 && tally.silent > 1500, "{tear:?}: {tally:?}");
    }
}

#[test]
fn cut_at_every_step_with_words_of_1_byte_is_survived() {
    every_step::<1>(1);
}

#[test]
fn cut_at_every_step_with_words_of_4_bytes_is_survived() {
    every_step::<4>(2);
}

#[test]
fn cut_at_every_step_with_words_of_8_bytes_is_survived() {
    every_step::<8>(4);
}

#[test]
fn cut_at_every_step_with_words_of_32_bytes_is_survived() {
    every_step::<32>(8);
}

/// Trials of random cuts, and whether a nonce has come twice.
pub fn random_cuts<const WORD: usize>(trials: u64) -> (Tally, bool) {
    let (mut sum, mut is_twice) = (Tally::default(), false);
    for (seed, tear) in (0..trials).zip(Tear::ALL.iter().cycle()) {
        SEALED.take();
        sum.add(&wander::<WORD>(*tear, seed, 40));
        is_twice |= SEALED.take().1;
    }
    (sum, is_twice)
}

#[test]
fn random_cuts_are_survived() {
    let trials = 300;
    let runs = [
        random_cuts::<1>(trials),
        random_cuts::<4>(trials),
        random_cuts::<8>(trials),
        random_cuts::<32>(trials),
    ];
    for (sum, is_twice) in runs {
        assert!(sum.is_clean() && !is_twice, "{sum:?}");
        assert!(sum.cuts > 3000, "{sum:?}");
    }
}
