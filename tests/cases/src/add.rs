//! Weighted sum of two tensors.

use nn::kernels::Element;
use nn::quant::Stage;

use crate::naive::requantise;
use crate::random::Random;
use crate::room::{Case, Outputs, Room, SMALL};
use crate::{Counts, Failure, Set};

fn naive<I: Element, O: Element>(a: &[I], b: &[I], gains: [i16; 2], stage: &Stage<'_>, output: &mut [O]) {
    for (index, out) in output.iter_mut().enumerate() {
        let c = index % stage.bias.len();
        let [x, y]: [i32; 2] = [a[index].into(), b[index].into()];
        let sum = x.wrapping_mul(gains[0].into()).wrapping_add(y.wrapping_mul(gains[1].into()));
        *out = O::from_i32(requantise(stage, sum.wrapping_add(stage.bias[c]), c));
    }
}

pub fn run<S: Set, I: Element, O: Element>(cases: u32, counts: &mut Counts) -> Result<(), Failure> {
    let random = &mut Random(0x1234_5678);
    let mut room = Room::<I, O, SMALL>::new();
    let mut in_place = Outputs::<I, SMALL>::new();
    for number in 0..cases {
        room.randomise(random);
        let channels = 1 + random.below(64);
        let count = channels * (1 + random.below(8));
        let (a, b) = room.input.split_at(SMALL / 2);
        let (a, b) = (&a[..count], &b[..count]);
        let mut gains = [0; 2];
        random.fill(&mut gains, [i16::MIN.into(), i16::MAX.into()]);
        let stage = &room.arrays.stage::<O>(random, channels);
        let mut case =
            Case { number, random: &mut *random, counts: &mut *counts, outputs: &mut room.outputs };
        case.attempt(
            "add",
            count,
            |output| S::add(a, b, gains, stage, output),
            |output| naive(a, b, gains, stage, output),
        )?;
        if size_of::<I>() == size_of::<O>() {
            let outputs = &mut in_place;
            let mut case = Case { number, random: &mut *random, counts: &mut *counts, outputs };
            case.attempt(
                "add_in_place",
                count,
                |output| {
                    output.copy_from_slice(a);
                    S::add_in_place(output, b, gains, stage)
                },
                |output| naive(a, b, gains, stage, output),
            )?;
        }
    }
    Ok(())
}
