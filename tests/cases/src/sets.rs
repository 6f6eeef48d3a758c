//! The kernels, and their sets as types, so that the battery can run any of them.

use format::PixelFormat;
use matcher::kernels::{
    self as matching, Elements, dsp as matching_dsp, helium as matching_helium, portable as matching_portable,
};
use nn::kernels::{self, Element, Rows, dsp, helium, portable};
use nn::quant::Stage;
use vision::kernels::{self as sight, helium as sight_helium, portable as sight_portable};

/// Passes every kernel of [`nn::kernels`], as it is declared there, to a macro, after the macro's other arguments.
macro_rules! with_kernels {
    ($macro:ident $($arguments:tt)*) => {
        $macro! {
            $($arguments)*
            fn conv<I, O>(input: &Rows<'_, I>, weights: &[i8], stage: &Stage<'_>, scratch: &mut Self::Scratch, output: &mut [O]) -> Option<()>;
            fn grouped<I, O>(input: &Rows<'_, I>, groups: usize, weights: &[i8], stage: &Stage<'_>, scratch: &mut Self::Scratch, output: &mut [O]) -> Option<()>;
            fn depthwise<I, O>(input: &Rows<'_, I>, weights: &[i8], stage: &Stage<'_>, scratch: &mut Self::Scratch, output: &mut [O]) -> Option<()>;
            fn max_pool<T>(input: &Rows<'_, T>, output: &mut [T]) -> Option<()>;
            fn add<I, O>(a: &[I], b: &[I], gains: [i16; 2], stage: &Stage<'_>, output: &mut [O]) -> Option<()>;
            fn add_in_place<T>(a: &mut [T], b: &[T], gains: [i16; 2], stage: &Stage<'_>) -> Option<()>;
            fn scale<I, O>(input: &[I], zero_point: i32, gates: &[i8], table: &[i16], stage: &Stage<'_>, output: &mut [O]) -> Option<()>;
        }
    };
}

macro_rules! declare {
    ($(fn $kernel:ident<$($element:ident),+>($($name:ident: $type:ty),+) -> Option<()>;)+) => {
        /// A kernel set; see [`nn::kernels`], [`matcher::kernels`] and [`vision::kernels`].
        #[expect(missing_docs, reason = "each function is the contract's of the same name")]
        pub trait Set {
            type Scratch: Default;

            $(fn $kernel<$($element: Element),+>($($name: $type),+) -> Option<()>;)+
            fn first_above(probe: &[i16], centres: &[i8], bound: i32) -> Option<(usize, i32)>;
            fn grey(format: PixelFormat, pixels: &[u8], out: &mut [u8]);
            fn colours(format: PixelFormat, pixels: &[u8], out: &mut [u8]);
            fn halve<const C: usize>(rows: [&[u8]; 2], out: &mut [u8]);
        }

        /// Names of the kernels of a set, the matcher's and those of frames included.
        pub const KERNELS: &[&str] = &[$(stringify!($kernel),)+ "first_above", "grey", "colours", "halve"];
    };
}

macro_rules! implement {
    (
        $set:ident $module:ident $matching:ident $sight:ident
        $(fn $kernel:ident<$($element:ident),+>($($name:ident: $type:ty),+) -> Option<()>;)+
    ) => {
        impl Set for $set {
            type Scratch = $module::Scratch;

            $(fn $kernel<$($element: Element),+>($($name: $type),+) -> Option<()> {
                $module::$kernel($($name),+)
            })+

            fn first_above(probe: &[i16], centres: &[i8], bound: i32) -> Option<(usize, i32)> {
                $matching::Probe::new(Elements::new_checked(probe).unwrap()).first_above(centres, bound)
            }

            fn grey(format: PixelFormat, pixels: &[u8], out: &mut [u8]) {
                $sight::grey(format, pixels, out);
            }

            fn colours(format: PixelFormat, pixels: &[u8], out: &mut [u8]) {
                $sight::colours(format, pixels, out);
            }

            fn halve<const C: usize>(rows: [&[u8]; 2], out: &mut [u8]) {
                $sight::halve::<C>(rows, out);
            }
        }
    };
}

with_kernels!(declare);

/// The set of the machine this is compiled for.
#[derive(Clone, Copy, Debug)]
pub struct Chosen;
with_kernels!(implement Chosen kernels matching sight);

/// The definition of every operator.
#[derive(Clone, Copy, Debug)]
pub struct Portable;
with_kernels!(implement Portable portable matching_portable sight_portable);

/// Pairs of 16-bit numbers in core registers.
#[derive(Clone, Copy, Debug)]
pub struct Dsp;
with_kernels!(implement Dsp dsp matching_dsp sight_portable);

/// Helium's vectors.
#[derive(Clone, Copy, Debug)]
pub struct Helium;
with_kernels!(implement Helium helium matching_helium sight_helium);
