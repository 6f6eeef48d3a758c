//! Concatenation of tensors along the channels.

use nn::kernels::Element;
use nn::op::concat;

use crate::random::{Random, ends};
use crate::room::{Case, Outputs, SMALL};
use crate::{Counts, Failure};

/// Most inputs of a case.
const INPUTS: usize = 4;

fn naive<T: Element>(inputs: &[(&[T], usize)], output: &mut [T]) {
    let channels: usize = inputs.iter().map(|input| input.1).sum();
    for (index, out) in output.iter_mut().enumerate() {
        let (x, mut c) = (index / channels, index % channels);
        let mut number = 0;
        while c >= inputs[number].1 {
            c -= inputs[number].1;
            number += 1;
        }
        *out = inputs[number].0[x * inputs[number].1 + c];
    }
}

pub fn run<T: Element>(cases: u32, counts: &mut Counts) -> Result<(), Failure> {
    let random = &mut Random(0x3c6e_f372);
    let mut elements = [T::from_i32(0); SMALL];
    let outputs = &mut Outputs::<T, SMALL>::new();
    for number in 0..cases {
        random.fill(&mut elements, ends::<T>());
        let width = 1 + random.below(9);
        let mut inputs = [(&elements[..0], 0); INPUTS];
        let (mut start, count) = (0, 1 + random.below(INPUTS));
        for input in &mut inputs[..count] {
            let channels = 1 + random.below(50);
            *input = (&elements[start..start + width * channels], channels);
            start += width * channels;
        }
        let inputs = &inputs[..count];
        let mut case = Case { number, random: &mut *random, counts: &mut *counts, outputs: &mut *outputs };
        case.attempt(
            "concat",
            start,
            |output| concat::concat(inputs, output),
            |output| naive(inputs, output),
        )?;
    }
    Ok(())
}
