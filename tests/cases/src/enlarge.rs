//! Enlarging by a whole factor.

use nn::kernels::Element;
use nn::op::enlarge;

use crate::random::{Random, ends};
use crate::room::{Case, Outputs, SMALL};
use crate::{Counts, Failure};

fn naive<T: Element>(input: &[T], channels: usize, factor: usize, output: &mut [T]) {
    for (index, out) in output.iter_mut().enumerate() {
        let (x, c) = (index / channels, index % channels);
        *out = input[x / factor * channels + c];
    }
}

pub fn run<T: Element>(cases: u32, counts: &mut Counts) -> Result<(), Failure> {
    let random = &mut Random(0xa54f_f53a);
    let mut elements = [T::from_i32(0); SMALL];
    let outputs = &mut Outputs::<T, SMALL>::new();
    for number in 0..cases {
        random.fill(&mut elements, ends::<T>());
        let (channels, factor) = (1 + random.below(70), 1 + random.below(4));
        let input = &elements[..channels * random.below(8)];
        let mut case = Case { number, random: &mut *random, counts: &mut *counts, outputs: &mut *outputs };
        case.attempt(
            "enlarge",
            input.len() * factor,
            |output| enlarge::enlarge(input, channels, factor, output),
            |output| naive(input, channels, factor, output),
        )?;
    }
    Ok(())
}
