//! Damaged bits in a store at rest.

use super::harness::{Disturbance, Gone, Op, PAGE, World};
use crate::record::RECORD_BYTES;
use crate::sim::Tear;

/// Damages one bit of each byte, one after another, in one store that goes on.
fn every_byte<const WORD: usize>() {
    let mut world = World::<WORD>::new(Tear::Both, 1);
    for op in [Op::Add(1), Op::AddKey(2), Op::Add(3), Op::Attempt] {
        let new = world.model.after(op);
        assert!(world.session(&[op], Disturbance::None).0.is_ok());
        assert_eq!(world.check(&new, true, &Gone::default()), []);
    }
    for place in 0..10 * PAGE {
        assert_eq!(world.damage(place, 1 << (place % 8)), [], "{place}");
    }
    assert_eq!(world.model.people.len(), 3);
}

#[test]
fn damaged_bit_of_any_byte_loses_nobody_for_good() {
    every_byte::<1>();
    every_byte::<4>();
    every_byte::<8>();
    every_byte::<32>();
}

/// The rest of the first page takes no records, so that the epoch of a commit is reserved in the second page. The commit is cut,
/// and then that record is lost.
fn skipped_slots<const WORD: usize>() {
    for steps in 0..60 {
        let mut world = World::<WORD>::new(Tear::Whole, 1);
        world.wear_out(2 * RECORD_BYTES..PAGE);
        let new = world.model.after(Op::Add(1));
        let result = world.session(&[Op::Add(1)], Disturbance::Cut(steps)).0;
        assert_eq!(world.check(&new, result.is_ok(), &Gone::default()), [], "{steps}");
        assert_eq!(world.damage(PAGE + 44, 0xfe), [], "{steps}");
    }
}

#[test]
fn record_behind_slots_that_stay_blank_is_missed_when_it_is_damaged() {
    skipped_slots::<8>();
    skipped_slots::<32>();
}
