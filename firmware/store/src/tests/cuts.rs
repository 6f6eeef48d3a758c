//! Cuts at every step, and at random ones.

use super::harness::{SCRIPT, Tally, exhaust, wander};
use crate::sim::Tear;

fn every_step<const WORD: usize>(seeds: u64) {
    for tear in Tear::ALL {
        let tally = exhaust::<WORD>(tear, &SCRIPT, seeds);
        assert!(tally.is_clean(), "{tear:?}: {tally:?}");
        assert_eq!(tally.operations, SCRIPT.len() as u64);
        std::println!("word {WORD} {tear:?}: {} cuts, {} silent failures", tally.cuts, tally.silent);
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

#[test]
fn random_cuts_are_survived() {
    for tear in Tear::ALL {
        let mut sum = Tally::default();
        for seed in 0..50 {
            sum.add(&wander::<1>(tear, seed, 40));
            sum.add(&wander::<4>(tear, seed, 40));
            sum.add(&wander::<8>(tear, seed, 40));
            sum.add(&wander::<32>(tear, seed, 40));
        }
        assert!(sum.is_clean(), "{tear:?}: {sum:?}");
        assert!(sum.cuts > 2000, "{sum:?}");
    }
}
