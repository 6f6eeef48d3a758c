//! The operators: one file for each, all with the same four functions.
//!
//! * `check(layer, inputs, blob)`: whether a record's fields are valid for tensors of these shapes.
//! * `rows(layer, input, height, row)`: the rows of input number `input` (of that height) that output row `row`
//!   needs.
//! * `macs(layer, inputs)`: multiply-accumulates of the whole layer.
//! * `run(work)`: makes one output row, or returns `None` when something does not fit.
//!
//! A new operator touches eight files: its code in [`format::layer::Operator`]; a file here (with its kernel, until a
//! kernel set has its own) and its line in `dispatch`; in the host a file of the module `op`, its lines in the
//! dispatch there, and its kind of cost; in the battery a file and a call.

pub(crate) mod add;
pub mod average;
pub mod concat;
mod conv;
mod depthwise;
pub mod enlarge;
mod input;
mod max_pool;
mod scale;
pub mod table;
mod window;

use core::ops::Range;

use format::bytes;
use format::layer::{self, Layer, MAX_INPUTS, MAX_SHIFT, Operator, Tensor};
use format::network::Model;

use crate::kernels::{Element, Scratch};
use crate::quant::Stage;

/// Calls a function of the operator's file.
macro_rules! dispatch {
    ($operator:expr, $function:ident($($argument:expr),*)) => {
        match $operator {
            Operator::Input => input::$function($($argument),*),
            Operator::Conv => conv::$function($($argument),*),
            Operator::Depthwise => depthwise::$function($($argument),*),
            Operator::Add => add::$function($($argument),*),
            Operator::MaxPool => max_pool::$function($($argument),*),
            Operator::Concat => concat::$function($($argument),*),
            Operator::Enlarge => enlarge::$function($($argument),*),
            Operator::Scale => scale::$function($($argument),*),
            Operator::Table => table::$function($($argument),*),
            Operator::Average => average::$function($($argument),*),
        }
    };
}

/// The tensors that a layer reads, in order.
#[derive(Clone, Copy, Debug)]
pub struct Inputs {
    tensors: [Option<Tensor>; MAX_INPUTS],
}

impl Inputs {
    /// Tensors of a layer, whose inputs are looked up by their numbers.
    pub fn of(layer: &Layer, tensor: impl Fn(usize) -> Tensor) -> Self {
        let mut tensors = [None; MAX_INPUTS];
        for (place, &input) in tensors.iter_mut().zip(layer.inputs()) {
            *place = Some(tensor(input.into()));
        }
        Inputs { tensors }
    }

    /// The tensors.
    pub fn iter(&self) -> impl Iterator<Item = &Tensor> {
        self.tensors.iter().flatten()
    }

    /// Exactly `N` tensors, or `None`.
    fn exactly<const N: usize>(&self) -> Option<[&Tensor; N]> {
        let (exactly, rest) = self.tensors.split_first_chunk::<N>()?;
        crate::ensure(rest.iter().all(Option::is_none))?;
        let mut all = [exactly.first()?.as_ref()?; N];
        for (place, tensor) in all.iter_mut().zip(exactly) {
            *place = tensor.as_ref()?;
        }
        Some(all)
    }
}

/// Checks a layer's record beyond what [`format::network`] has checked.
///
/// # Errors
/// The name of the field that is wrong.
pub fn check(layer: &Layer, inputs: &Inputs, blob: &[u8]) -> Result<(), &'static str> {
    dispatch!(layer.operator, check(layer, inputs, blob))
}

/// The rows that output row `row` of a layer needs of its input number `input` (0 is the first), which is `height`
/// rows high. Never empty for an existing row, and both ends never decrease with `row`.
#[inline(always)]
pub fn rows(layer: &Layer, input: usize, height: u16, row: u16) -> Range<u16> {
    dispatch!(layer.operator, rows(layer, input, height, row))
}

/// Multiply-accumulates of all rows of a layer. Other operations are not counted.
pub fn macs(layer: &Layer, inputs: &Inputs) -> u64 {
    dispatch!(layer.operator, macs(layer, inputs))
}

/// Makes one row of a layer. `None` when a tensor, an array or a row does not fit; see [`crate::kernels`].
pub(crate) fn run(work: &mut Work<'_>) -> Option<()> {
    dispatch!(work.layer().operator, run(work))
}

/// One output row to make: layer, inputs and destination.
pub(crate) struct Work<'a> {
    /// The network.
    pub model: &'a Model<'a>,
    /// The layer's number.
    pub number: usize,
    /// The layer's tensor.
    pub tensor: &'a Tensor,
    /// Number of the row.
    pub row: u16,
    /// The rings' memory around the row.
    pub around: Around<'a>,
    /// Scratch for kernels.
    pub scratch: &'a mut Scratch,
    /// The row.
    pub output: &'a mut [u8],
}

impl<'a> Work<'a> {
    /// A tensor that the layer reads.
    #[inline(never)]
    fn input(&self, index: usize) -> Option<Tensor> {
        let &number = self.model.reads(self.number).numbers().get(index)?;
        Some(self.model.layer(number.into()).output)
    }

    /// The layer. Only the fields in use are read.
    #[inline(always)]
    fn layer(&self) -> Layer {
        self.model.layer(self.number)
    }

    /// The layer's output stage.
    // Not inlined, because every operator that accumulates uses it.
    #[inline(never)]
    fn stage(&self) -> Option<Stage<'a>> {
        let (stage, output) = (self.layer().stage, self.tensor);
        let array = |offset| self.array(offset, output.channels.into());
        let positive = array(stage.positive)?;
        let is_linear = stage.negative == stage.positive;
        Some(Stage {
            bias: array(stage.bias)?,
            positive,
            negative: if is_linear { positive } else { array(stage.negative)? },
            shift: stage.shift.into(),
            zero_point: output.zero_point.into(),
            low: stage.low.into(),
            high: stage.high.into(),
        })
    }

    /// An array of the blob.
    fn array<T: bytemuck::Pod>(&self, offset: u32, count: usize) -> Option<&'a [T]> {
        bytes::array(self.model.blob(), offset, count)
    }
}

/// The rings' memory around the row that is being made.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// Before the row.
    pub before: &'a [u8],
    /// Place of the row.
    pub place: (usize, usize),
    /// From the end of the row on.
    pub after: &'a [u8],
}

impl<'a> Around<'a> {
    /// Another row. The rings of a layer's input and output were checked to be disjoint when loading.
    #[cfg_attr(arm_helium, inline(always))]
    #[cfg_attr(not(arm_helium), inline(never))]
    pub fn row(&self, tensor: &Tensor, row: u16) -> Option<&'a [u8]> {
        let Range { start, end } = slot(tensor, row)?;
        if end <= self.place.0 {
            self.before.get(start..end)
        } else {
            self.after.get(start.checked_sub(self.place.1)?..end - self.place.1)
        }
    }
}

/// Byte range of a row in the rings' memory. A tensor without a ring has none.
#[inline(always)]
pub(crate) fn slot(tensor: &Tensor, row: u16) -> Option<Range<usize>> {
    let bytes = tensor.row_bytes();
    let start = tensor.offset as usize + usize::from(row.checked_rem(tensor.ring)?) * bytes;
    Some(start..start + bytes)
}

fn cast<T: Element>(row: &mut [u8]) -> Option<&mut [T]> {
    crate::elements_mut(row)
}

/// Checks that the blob has an array.
fn check_array<T: bytemuck::Pod>(
    blob: &[u8],
    offset: u32,
    count: usize,
    field: &'static str,
) -> Result<(), &'static str> {
    bytes::array::<T>(blob, offset, count).map(|_| ()).ok_or(field)
}

fn check_stage(layer: &Layer, blob: &[u8]) -> Result<(), &'static str> {
    let layer::Stage { bias, positive, negative, shift, low, high } = layer.stage;
    let channels = layer.output.channels.into();
    for (offset, field) in [(bias, "bias"), (positive, "multipliers"), (negative, "negative multipliers")] {
        check_array::<i32>(blob, offset, channels, field)?;
    }
    if shift > MAX_SHIFT {
        return Err("shift");
    }
    let (least, most) = layer.output.element.range();
    if low < least || high > most || low > high {
        return Err("clamp");
    }
    Ok(())
}

/// Checks that input and output have the same element type and zero point, as operators that only move elements need.
fn check_same_grid(input: &Tensor, output: &Tensor) -> Result<(), &'static str> {
    match (input.element, input.zero_point) == (output.element, output.zero_point) {
        true => Ok(()),
        false => Err("element or zero point"),
    }
}
