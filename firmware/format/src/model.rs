//! The MODEL section: a quantised network and the plan of its memory.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::blob::{self, Halves};
use crate::header::Digest;
use crate::layer::{Element, Layer, MAX_EXTENT, MAX_KERNEL, MAX_SHIFT, Op, Stage, Tensor, Window};
use crate::{ALIGNMENT, ImageError, Section};

/// Most layers a network may have.
pub const MAX_LAYERS: usize = 256;
/// Most barriers a plan may have.
pub const MAX_BARRIERS: usize = 32;
/// Longest name of a network, in bytes.
pub const MAX_NAME: usize = 64;
/// Largest embedding: with this many `i16` elements and `i8` centres a dot product fits `i32`.
pub const MAX_DIMENSION: usize = 512;

/// How weights are ordered. Kernels of every target read every packing and give the same result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Packing {
    /// As [`Op`] documents.
    Plain,
}

/// First record of the section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head<'a> {
    /// Name of the network, for people.
    pub name: &'a str,
    /// SHA-256 of the file it was exported from.
    pub source: Digest,
    /// Order of the weights.
    pub packing: Packing,
    /// How many [`Layer`] records follow.
    pub layers: u16,
    /// Tensors that are completed one after another; the last is the embedding.
    pub barriers: Vec<u16, MAX_BARRIERS>,
    /// Bytes of arena that all rings together span.
    pub arena_bytes: u32,
}

/// A checked MODEL section.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    head: Head<'a>,
    layers: &'a [u8],
    blob: &'a [u8],
    input: Tensor,
    embedding: Tensor,
}

impl<'a> Model<'a> {
    /// Checks every record and every array bound.
    ///
    /// # Errors
    /// An [`ImageError`] with the number of the layer and the field that is wrong.
    // Not inlined, so that the stack it takes is free again when it returns.
    #[inline(never)]
    pub fn new_checked(section: &'a [u8]) -> Result<Self, ImageError> {
        let record = |field| ImageError::Record { section: Section::Model, field };
        let Halves { records, blob } = blob::parse(section).ok_or(record("record length"))?;
        if blob.as_ptr().align_offset(ALIGNMENT) != 0 {
            return Err(ImageError::Misaligned);
        }
        let (head, records): (Head, _) =
            postcard::take_from_bytes(records).map_err(|_| record("model head"))?;
        if head.name.len() > MAX_NAME {
            return Err(record("model name"));
        }
        if !(2..=MAX_LAYERS).contains(&(head.layers as usize)) {
            return Err(record("number of layers"));
        }
        if !head.barriers.is_sorted_by(|a, b| a < b) || head.barriers.last() != Some(&(head.layers - 1)) {
            return Err(record("barriers"));
        }

        let mut tensors: Vec<Tensor, MAX_LAYERS> = Vec::new();
        let mut rest = records;
        for index in 0..head.layers {
            let layer: Layer;
            (layer, rest) =
                postcard::take_from_bytes(rest).map_err(|_| ImageError::Layer { index, field: "record" })?;
            check_layer(&layer, &tensors, blob, head.arena_bytes)
                .map_err(|field| ImageError::Layer { index, field })?;
            // Room for MAX_LAYERS was checked above.
            let _ = tensors.push(layer.output);
        }
        if !rest.is_empty() {
            return Err(record("bytes after the last layer"));
        }
        let (input, embedding) = (tensors[0], tensors[tensors.len() - 1]);
        let flat = embedding.height == 1 && embedding.width == 1;
        if !flat || embedding.element != Element::I16 || embedding.zero_point != 0 {
            return Err(record("embedding: not a flat i16 tensor with zero point 0"));
        }
        if embedding.channels as usize > MAX_DIMENSION {
            return Err(record("embedding: more than 512 dimensions"));
        }
        Ok(Model { head, layers: records, blob, input, embedding })
    }

    /// The first record.
    pub fn head(&self) -> &Head<'a> {
        &self.head
    }

    /// The layers, in order; the first is the input, the last makes the embedding.
    pub fn layers(&self) -> impl Iterator<Item = Layer> + use<'a> {
        let mut rest = self.layers;
        core::iter::from_fn(move || {
            let (layer, after) = postcard::take_from_bytes(rest).ok()?;
            rest = after;
            Some(layer)
        })
    }

    /// The arrays that layers point into.
    pub fn blob(&self) -> &'a [u8] {
        self.blob
    }

    /// The input tensor.
    pub fn input(&self) -> Tensor {
        self.input
    }

    /// Dimensions of the embedding, 1 to 512.
    pub fn dimension(&self) -> usize {
        self.embedding.channels as usize
    }
}

fn check_layer(layer: &Layer, before: &[Tensor], blob: &[u8], arena_bytes: u32) -> Result<(), &'static str> {
    check_tensor(&layer.output, arena_bytes)?;
    let output = &layer.output;
    let tensor = |index: u16| before.get(index as usize).ok_or("input");
    match layer.op {
        Op::Input => {
            if !before.is_empty() {
                return Err("a second input");
            }
            if output.element != Element::I8 {
                return Err("element");
            }
        }
        Op::Conv { input, window, weights, ref stage } => {
            let input = tensor(input)?;
            check_window(&window, input, output)?;
            let taps = window.kernel[0] as usize * window.kernel[1] as usize;
            check_array::<i8>(blob, weights, taps * input.channels as usize * output.channels as usize)
                .ok_or("weights")?;
            check_stage(stage, output, blob)?;
        }
        Op::Depthwise { input, window, weights, ref stage } => {
            let input = tensor(input)?;
            check_window(&window, input, output)?;
            if input.channels != output.channels {
                return Err("channels");
            }
            let taps = window.kernel[0] as usize * window.kernel[1] as usize;
            check_array::<i8>(blob, weights, taps * output.channels as usize).ok_or("weights")?;
            check_stage(stage, output, blob)?;
        }
        Op::Add { inputs, ref stage, .. } => {
            let shape = |t: &Tensor| [t.height, t.width, t.channels];
            let [a, b] = [tensor(inputs[0])?, tensor(inputs[1])?];
            if shape(a) != shape(output) || shape(b) != shape(output) {
                return Err("shape");
            }
            if a.element != b.element {
                return Err("element");
            }
            // The output may take the place of one input, and the other is then read beside it.
            if inputs[0] == inputs[1] {
                return Err("inputs");
            }
            check_stage(stage, output, blob)?;
        }
        Op::MaxPool { input, window } => {
            let input = tensor(input)?;
            check_window(&window, input, output)?;
            let kind = |t: &Tensor| (t.channels, t.element, t.zero_point);
            if kind(input) != kind(output) {
                return Err("channels, element or zero point");
            }
        }
    }
    if before.is_empty() && layer.op != Op::Input {
        return Err("operator: the first layer is the input");
    }
    Ok(())
}

fn check_tensor(tensor: &Tensor, arena_bytes: u32) -> Result<(), &'static str> {
    let extents = [tensor.height, tensor.width, tensor.channels];
    if extents.iter().any(|extent| !(1..=MAX_EXTENT).contains(extent)) {
        return Err("shape");
    }
    let (low, high) = tensor.element.range();
    if !(low..=high).contains(&tensor.zero_point) {
        return Err("zero point");
    }
    if !(1..=tensor.height).contains(&tensor.ring) {
        return Err("ring");
    }
    let end = tensor.offset as u64
        + tensor.ring as u64 * tensor.width as u64 * tensor.channels as u64 * tensor.element.bytes() as u64;
    if !(tensor.offset as usize).is_multiple_of(ALIGNMENT) || end > arena_bytes as u64 {
        return Err("arena offset");
    }
    Ok(())
}

/// Every window covers at least one existing row and column.
fn check_window(window: &Window, input: &Tensor, output: &Tensor) -> Result<(), &'static str> {
    let axes = [(0, input.height, output.height), (1, input.width, output.width)];
    for (axis, input, output) in axes {
        let [kernel, stride, pad] =
            [window.kernel[axis], window.stride[axis], window.pad[axis]].map(i32::from);
        if !(1..=MAX_KERNEL as i32).contains(&kernel) || stride == 0 || pad >= kernel {
            return Err("window");
        }
        let last = (output as i32 - 1) * stride - pad;
        if last >= input as i32 {
            return Err("output size");
        }
    }
    Ok(())
}

fn check_stage(stage: &Stage, output: &Tensor, blob: &[u8]) -> Result<(), &'static str> {
    let channels = output.channels as usize;
    check_array::<i32>(blob, stage.bias, channels).ok_or("bias")?;
    check_array::<i32>(blob, stage.positive, channels).ok_or("multipliers")?;
    check_array::<i32>(blob, stage.negative, channels).ok_or("negative multipliers")?;
    let (low, high) = output.element.range();
    if stage.shift > MAX_SHIFT {
        return Err("shift");
    }
    if stage.low < low || stage.high > high || stage.low > stage.high {
        return Err("clamp");
    }
    Ok(())
}

fn check_array<T: bytemuck::Pod>(blob: &[u8], offset: u32, count: usize) -> Option<()> {
    blob::array::<T>(blob, offset, count).map(|_| ())
}
