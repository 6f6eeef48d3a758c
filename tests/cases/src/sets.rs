//! The kernel sets, as types, so that the battery can run any of them.

use nn::kernels::{self, Element, Rows};
use nn::quant::Stage;

/// A kernel set; see [`nn::kernels`] and [`matcher::kernels`].
#[expect(missing_docs, reason = "each function is the contract's of the same name")]
pub trait Set {
    type Scratch: Default;

    fn conv<I: Element, O: Element>(
        input: &Rows<'_, I>,
        weights: &[i8],
        stage: &Stage<'_>,
        scratch: &mut Self::Scratch,
        output: &mut [O],
    );
    fn depthwise<I: Element, O: Element>(
        input: &Rows<'_, I>,
        weights: &[i8],
        stage: &Stage<'_>,
        scratch: &mut Self::Scratch,
        output: &mut [O],
    );
    fn max_pool<T: Element>(input: &Rows<'_, T>, output: &mut [T]);
    fn add<I: Element, O: Element>(a: &[I], b: &[I], gains: [i16; 2], stage: &Stage<'_>, output: &mut [O]);
    fn add_in_place<T: Element>(a: &mut [T], b: &[T], gains: [i16; 2], stage: &Stage<'_>);
    fn first_above(probe: &[i16], centres: &[i8], bound: i32) -> Option<(usize, i32)>;
}

macro_rules! set {
    ($(#[$doc:meta])* $name:ident, $($module:ident)::+, $($matching:ident)::+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Set for $name {
            type Scratch = $($module)::+::Scratch;

            fn conv<I: Element, O: Element>(
                input: &Rows<'_, I>,
                weights: &[i8],
                stage: &Stage<'_>,
                scratch: &mut Self::Scratch,
                output: &mut [O],
            ) {
                $($module)::+::conv(input, weights, stage, scratch, output);
            }

            fn depthwise<I: Element, O: Element>(
                input: &Rows<'_, I>,
                weights: &[i8],
                stage: &Stage<'_>,
                scratch: &mut Self::Scratch,
                output: &mut [O],
            ) {
                $($module)::+::depthwise(input, weights, stage, scratch, output);
            }

            fn max_pool<T: Element>(input: &Rows<'_, T>, output: &mut [T]) {
                $($module)::+::max_pool(input, output);
            }

            fn add<I: Element, O: Element>(
                a: &[I],
                b: &[I],
                gains: [i16; 2],
                stage: &Stage<'_>,
                output: &mut [O],
            ) {
                $($module)::+::add(a, b, gains, stage, output);
            }

            fn add_in_place<T: Element>(a: &mut [T], b: &[T], gains: [i16; 2], stage: &Stage<'_>) {
                $($module)::+::add_in_place(a, b, gains, stage);
            }

            fn first_above(probe: &[i16], centres: &[i8], bound: i32) -> Option<(usize, i32)> {
                $($matching)::+::Probe::new(probe).first_above(centres, bound)
            }
        }
    };
}

set! {
    /// The set of the machine this is compiled for.
    Chosen, kernels, matcher::kernels
}
set! {
    /// The definition of every operator.
    Portable, kernels::portable, matcher::kernels::portable
}
set! {
    /// Pairs of 16-bit numbers in core registers.
    Dsp, kernels::dsp, matcher::kernels::dsp
}
set! {
    /// Helium's vectors.
    Helium, kernels::helium, matcher::kernels::helium
}
