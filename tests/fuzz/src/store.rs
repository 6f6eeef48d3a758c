//! A store that is used, cut, worn and damaged in any order loses nobody, revives nobody, leaves nothing of anybody behind, and
//! uses no id and no nonce twice. If it does not open, then with a reason.
#![no_main]

#[path = "../../../firmware/store/src/tests/harness.rs"]
#[allow(dead_code, reason = "the store's own tests use the rest")]
mod harness;

use fuzz::steps::{Step, steps};
use harness::{Disturbance, Op, World};
use libfuzzer_sys::fuzz_target;
use store::sim::Tear;

/// Does a step: an operation and what disturbs it, a start that is cut, or damage.
fn act<const WORD: usize>(world: &mut World<WORD>, step: &Step<'_>) {
    let [first, second] = [0, 2].map(|place| step.number_at(place));
    let (place, number) = (usize::from(first), u64::from(first));
    let op = match step.number {
        0 | 1 => Op::Add(number),
        2 => Op::Replace(place, number),
        3 => Op::Rename(place, number),
        4 => Op::Delete(place),
        5 => Op::DeleteLast,
        6 => Op::DeleteAll,
        7 => Op::Attempt,
        8 => Op::Clear,
        9 => Op::Lock(first as u8),
        10 => Op::Unlock,
        11 => Op::Floor(first.into()),
        12 => Op::Slot(first as u8),
        13 => Op::AddKey(number),
        14 => Op::DeletePeople,
        // A start that is cut.
        15 => {
            let _ = world.session(&[], Disturbance::Cut(first.into()));
            let model = world.model.clone();
            return check(world.check(&model, false, &harness::Gone::default()));
        }
        _ => return check(world.damage(place, second as u8)),
    };
    let op = world.model.possible(op);
    let new = world.model.after(op);
    let gone = world.gone(&new);
    // The upper three bits of the step's number say what disturbs it.
    let disturbance = match step.times {
        1..=8 => Disturbance::None,
        16 => Disturbance::Silent(u64::from(second % 1024)),
        _ => Disturbance::Cut(u64::from(second % 1024)),
    };
    let (result, _) = world.session(&[op], disturbance);
    assert!(result.is_ok() || disturbance != Disturbance::None, "{op:?}: {result:?}");
    check(world.check(&new, result.is_ok(), &gone));
}

#[track_caller]
fn check(violations: Vec<harness::Violation>) {
    assert!(violations.is_empty(), "{violations:?}");
}

fn run<const WORD: usize>(tear: Tear, input: &[u8]) {
    let mut world = World::<WORD>::new(tear, 1);
    steps(input).for_each(|step| act(&mut world, &step));
}

// The first byte says how large the words are, and how they tear.
fuzz_target!(|bytes: &[u8]| {
    let Some((&first, input)) = bytes.split_first() else { return };
    let tear = Tear::ALL[usize::from(first / 4) % Tear::ALL.len()];
    match first % 4 {
        0 => run::<1>(tear, input),
        1 => run::<4>(tear, input),
        2 => run::<8>(tear, input),
        _ => run::<32>(tear, input),
    }
});
