//! Elements replaced by their entries in a table.

use nn::kernels::Element;
use nn::op::table;

use crate::random::{Random, ends};
use crate::room::{Case, Outputs, SMALL};
use crate::{Counts, Failure};

fn naive<T: Element>(input: &[i8], entries: &[T], output: &mut [T]) {
    for (out, &element) in output.iter_mut().zip(input) {
        *out = entries[(i32::from(element) + 128) as usize];
    }
}

pub fn run<T: Element>(cases: u32, counts: &mut Counts) -> Result<(), Failure> {
    let random = &mut Random(0x510e_527f);
    let mut elements = [0i8; SMALL];
    let mut entries = [T::from_i32(0); 256];
    let outputs = &mut Outputs::<T, SMALL>::new();
    for number in 0..cases {
        random.fill(&mut elements, ends::<i8>());
        random.fill(&mut entries, ends::<T>());
        let input = &elements[..random.below(SMALL)];
        let mut case = Case { number, random: &mut *random, counts: &mut *counts, outputs: &mut *outputs };
        case.attempt(
            "table",
            input.len(),
            |output| table::look_up(input, &entries, output),
            |output| naive(input, &entries, output),
        )?;
    }
    Ok(())
}
