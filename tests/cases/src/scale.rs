//! Gain of each channel from a table.

use nn::kernels::Element;
use nn::quant::Stage;

use crate::naive::requantise;
use crate::random::{Random, ends};
use crate::room::{Case, Room, SMALL};
use crate::{Counts, Failure, Set};

fn naive<I: Element, O: Element>(
    input: &[I],
    zero_point: i32,
    gates: &[i8],
    table: &[i16],
    stage: &Stage<'_>,
    output: &mut [O],
) {
    for (index, out) in output.iter_mut().enumerate() {
        let c = index % gates.len();
        let gain = i64::from(table[(i32::from(gates[c]) + 128) as usize]);
        let centred = i64::from(input[index].into()) - i64::from(zero_point);
        // The sum's low half.
        let sum = (i64::from(stage.bias[c]) + centred * gain) as i32;
        *out = O::from_i32(requantise(stage, sum, c));
    }
}

pub fn run<S: Set, I: Element, O: Element>(cases: u32, counts: &mut Counts) -> Result<(), Failure> {
    let random = &mut Random(0x0bad_5eed);
    let mut room = Room::<I, O, SMALL>::new();
    let mut table = [0; 256];
    for number in 0..cases {
        room.randomise(random);
        random.fill(&mut table, ends::<i16>());
        let channels = 1 + random.below(100);
        let count = channels * random.below(9);
        let (input, gates) = (&room.input[..count], &room.weights[..channels]);
        let zero_point = random.between(ends::<I>());
        let stage = &room.arrays.stage::<O>(random, channels);
        let mut case =
            Case { number, random: &mut *random, counts: &mut *counts, outputs: &mut room.outputs };
        case.attempt(
            "scale",
            count,
            |output| S::scale(input, zero_point, gates, &table, stage, output),
            |output| naive(input, zero_point, gates, &table, stage, output),
        )?;
    }
    Ok(())
}
