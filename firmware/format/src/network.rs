//! The NETWORK section: a quantised network, the description of its input, and its memory plan.
//!
//! ```text
//!   0  layers       u16, how many
//!   2  outputs      u16, how many
//!   4  barriers     u16, how many
//!   6  zero         u16
//!   8  arena bytes  u32, all memory that the network needs
//!  12  state bytes  u32, the part of it at the front that holds the scheduler's state
//!  16  source       SHA-256 of the file that the network was exported from
//!  48  input        [`preprocess`](crate::preprocess), 40 bytes
//!  88  name         u8 length, then 64 bytes
//! 153  zero         7 bytes
//! 160  layers       64 bytes each: [`layer`](crate::layer)
//! ...  outputs      64 bytes each: tensor u16, function u8, name's length u8, scale f32, name 56 bytes
//! ...  barriers     u16 each, ascending, then zero up to a multiple of 16
//! ...  blob         arrays that kernels read in place, each at a multiple of 16
//! ```

use crate::bytes::{chunk_at, is_zero, put, u16_at, u32_at};
use crate::header::{Digest, Role};
use crate::layer::{self, Element, Layer, MAX_INPUTS, Operator, Reads, Tensor};
use crate::preprocess::{self, Preprocess};
use crate::{ALIGNMENT, ImageError, Section};

/// Most layers a network may have.
pub const MAX_LAYERS: usize = 1024;
/// Most rows that all tensors of a network may have together. It bounds the time in which a board checks a plan.
pub const MAX_ROWS: usize = 1 << 15;
/// Most outputs a network may have.
pub const MAX_OUTPUTS: usize = 32;
/// Most barriers a plan may have.
pub const MAX_BARRIERS: usize = 32;
/// Longest name of a network, in bytes.
pub const MAX_NAME: usize = 64;
/// Longest name of an output, in bytes.
pub const MAX_OUTPUT_NAME: usize = 56;
/// Largest embedding: a dot product of this many `i16` elements and `i8` centres fits in `i32`.
pub const MAX_DIMENSION: usize = 512;

mod field {
    pub const LAYERS: usize = 0;
    pub const OUTPUTS: usize = 2;
    pub const BARRIERS: usize = 4;
    pub const ZERO: usize = 6;
    pub const ARENA_BYTES: usize = 8;
    pub const STATE_BYTES: usize = 12;
    pub const SOURCE: usize = 16;
    pub const INPUT: usize = 48;
    pub const NAME: usize = 88;
    pub const NAME_END: usize = 153;
    pub const HEAD: usize = 160;

    pub const OUTPUT: usize = 64;
    pub const OUTPUT_TENSOR: usize = 0;
    pub const OUTPUT_FUNCTION: usize = 2;
    pub const OUTPUT_NAME: usize = 3;
    pub const OUTPUT_SCALE: usize = 4;
    pub const OUTPUT_TEXT: usize = 8;
}

/// An output: a tensor that is complete after the network has run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output<'a> {
    /// Name, 1 to [`MAX_OUTPUT_NAME`] bytes.
    pub name: &'a str,
    /// Number of the tensor.
    pub tensor: u16,
    /// Scale of its elements: real value = `scale` · (element − zero point).
    pub scale: f32,
    /// The function that the network's file applies to these values afterwards.
    pub function: Function,
}

/// A function that readers of an output apply to get the value that has the output's name in the network's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Function {
    /// Nothing.
    #[default]
    Identity = 0,
    /// `1 / (1 + e^−x)`, element by element.
    Sigmoid = 1,
    /// `x / |x|` , where `|x|` is the norm over all elements.
    Normalise = 2,
}

impl Function {
    /// All functions; a function's code is its index here.
    pub const ALL: [Function; 3] = [Function::Identity, Function::Sigmoid, Function::Normalise];

    /// Name for people and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Function::Identity => "identity",
            Function::Sigmoid => "sigmoid",
            Function::Normalise => "normalise",
        }
    }
}

/// Facts about the network as a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Head<'a> {
    /// Name of the network, for people.
    pub name: &'a str,
    /// SHA-256 of the file that the network was exported from.
    pub source: Digest,
    /// Description of its input.
    pub input: Preprocess,
    /// Bytes of arena: the scheduler's state, then all rings.
    pub arena_bytes: u32,
    /// Bytes of the scheduler's state; a multiple of 16.
    pub state_bytes: u32,
}

/// A checked NETWORK section. Its records and arrays are read in place.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    section: &'a [u8],
    layers: &'a [[u8; layer::BYTES]],
    blob: &'a [u8],
    outputs: u16,
    barriers: u16,
}

/// The record of a layer that does not exist.
const NO_LAYER: [u8; layer::BYTES] = [0; layer::BYTES];

/// Offsets of the parts of a section with these counts: outputs, barriers, blob.
fn places(layers: usize, outputs: usize, barriers: usize) -> [usize; 3] {
    let outputs_at = field::HEAD + layers * layer::BYTES;
    let barriers_at = outputs_at + outputs * field::OUTPUT;
    [outputs_at, barriers_at, (barriers_at + 2 * barriers).next_multiple_of(ALIGNMENT)]
}

impl<'a> Model<'a> {
    /// Checks every record, except the operators' own use of their fields.
    ///
    /// # Errors
    /// An [`ImageError`] with the number of the layer and the field that is wrong.
    // Not inlined, so that its stack is free again when it returns.
    #[inline(never)]
    pub fn new_checked(role: Role, section: &'a [u8]) -> Result<Self, ImageError> {
        let record = |field| ImageError::Record { section: Section::Network(role), field };
        if section.as_ptr().align_offset(ALIGNMENT) != 0 {
            return Err(ImageError::Misaligned);
        }
        let head = section.get(..field::HEAD).ok_or(record("length"))?;
        let [layers, outputs, barriers] =
            [field::LAYERS, field::OUTPUTS, field::BARRIERS].map(|at| usize::from(u16_at(head, at)));
        if !(2..=MAX_LAYERS).contains(&layers) {
            return Err(record("number of layers"));
        }
        if !(1..=MAX_OUTPUTS).contains(&outputs) {
            return Err(record("number of outputs"));
        }
        if barriers > MAX_BARRIERS {
            return Err(record("number of barriers"));
        }
        let [outputs_at, barriers_at, blob_at] = places(layers, outputs, barriers);
        let blob = section.get(blob_at..).ok_or(record("length"))?;
        let zeros = [field::ZERO..field::ZERO + 2, field::NAME_END..field::HEAD];
        if !zeros.into_iter().all(|range| is_zero(head, range)) {
            return Err(record("padding"));
        }
        if !is_zero(section, barriers_at + 2 * barriers..blob_at) {
            return Err(record("padding"));
        }
        head.get(field::NAME..field::NAME_END).and_then(text).ok_or(record("name"))?;
        let input = Preprocess::parse(head.get(field::INPUT..).unwrap_or_default()).map_err(record)?;
        let (layers, _) = section.get(field::HEAD..outputs_at).ok_or(record("length"))?.as_chunks();
        let model = Model { section, layers, blob, outputs: outputs as u16, barriers: barriers as u16 };

        let [arena_bytes, state_bytes] = [model.arena_bytes(), model.state_bytes()];
        if !state_bytes.is_multiple_of(ALIGNMENT) || state_bytes > arena_bytes {
            return Err(record("state bytes"));
        }
        for (index, record) in layers.iter().enumerate() {
            let named = |field| ImageError::Layer { role, index: index as u16, field };
            let layer = Layer::parse(record).map_err(named)?;
            check(&layer, index, arena_bytes - state_bytes).map_err(named)?;
        }
        if model.layers().map(|layer| usize::from(layer.output.height)).sum::<usize>() > MAX_ROWS {
            return Err(record("rows: more than 32768 in all tensors together"));
        }
        let first = model.layer(0).output;
        if [first.height, first.width, first.channels]
            != [input.height, input.width, input.colour.channels() as u16]
        {
            return Err(record("input: not the size of the first tensor"));
        }
        for index in 0..outputs {
            let start = outputs_at + index * field::OUTPUT;
            let bytes = section.get(start..start + field::OUTPUT);
            let output = bytes.and_then(parse_output).ok_or(record("output"))?;
            let tensor = usize::from(output.tensor);
            if tensor >= layers.len() || !(output.scale.is_finite() && output.scale > 0.0) {
                return Err(record("output: tensor or scale"));
            }
            let kept = model.layer(tensor).output;
            if kept.ring != kept.height {
                return Err(record("output: not kept whole"));
            }
        }
        let numbers = || (0..barriers).map(|index| model.barrier(index));
        if !numbers().is_sorted_by(|a, b| a < b)
            || numbers().any(|number| usize::from(number) >= layers.len())
        {
            return Err(record("barriers"));
        }
        Ok(model)
    }

    /// Facts about the network as a whole.
    pub fn head(&self) -> Head<'a> {
        Head {
            name: self.name(),
            source: chunk_at(self.section, field::SOURCE),
            input: self.preprocess(),
            arena_bytes: self.arena_bytes() as u32,
            state_bytes: self.state_bytes() as u32,
        }
    }

    /// Name of the network, for people.
    pub fn name(&self) -> &'a str {
        self.section.get(field::NAME..field::NAME_END).and_then(text).unwrap_or("")
    }

    /// Description of the input's pixels.
    pub fn preprocess(&self) -> Preprocess {
        // Checked with the section.
        let record = self.section.get(field::INPUT..).unwrap_or_default();
        Preprocess::parse(record).unwrap_or(Preprocess::NONE)
    }

    /// Bytes of arena that it needs, including the scheduler's state.
    pub fn arena_bytes(&self) -> usize {
        u32_at(self.section, field::ARENA_BYTES) as usize
    }

    /// Bytes of the scheduler's state at the front of the arena.
    pub fn state_bytes(&self) -> usize {
        u32_at(self.section, field::STATE_BYTES) as usize
    }

    /// Number of layers, including the input.
    pub fn layer_count(&self) -> usize {
        self.layers.len()
    }

    /// A layer by its number. One that does not exist is an input without rows.
    // Inlined, so that only the fields in use are read.
    #[inline(always)]
    pub fn layer(&self, number: usize) -> Layer {
        Layer::of_checked(self.layers.get(number).unwrap_or(&NO_LAYER))
    }

    /// Numbers of the tensors that a layer reads. Reads only this part of [`Self::layer`].
    #[inline(always)]
    pub fn reads(&self, number: usize) -> Reads {
        Reads::of_checked(self.layers.get(number).unwrap_or(&NO_LAYER))
    }

    /// The layers, in order; the first is the input.
    pub fn layers(&self) -> impl Iterator<Item = Layer> + use<'a> {
        self.layers.iter().map(Layer::of_checked)
    }

    /// The outputs, in order.
    pub fn outputs(&self) -> impl Iterator<Item = Output<'a>> + use<'a> {
        self.output_records().filter_map(|record| parse_output(record))
    }

    /// Numbers of the outputs' tensors, in order. Reads only this part of [`Self::outputs`].
    pub fn output_tensors(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.output_records().map(|record| u16_at(record, field::OUTPUT_TENSOR))
    }

    fn output_records(&self) -> impl Iterator<Item = &'a [u8; field::OUTPUT]> + use<'a> {
        let [outputs_at, ..] = places(self.layers.len(), 0, 0);
        let (records, _) = self.section.get(outputs_at..).unwrap_or_default().as_chunks();
        records.iter().take(self.outputs.into())
    }

    /// Number of barriers of the plan.
    pub fn barrier_count(&self) -> usize {
        self.barriers.into()
    }

    /// The tensor of barrier `number`, which must exist. It is completed before the tensor of the next barrier.
    pub fn barrier(&self, number: usize) -> u16 {
        let [_, barriers_at, _] = places(self.layers.len(), self.outputs.into(), 0);
        u16_at(self.section, barriers_at + 2 * number)
    }

    /// The arrays that layers refer to.
    pub fn blob(&self) -> &'a [u8] {
        self.blob
    }

    /// The input tensor.
    pub fn input(&self) -> Tensor {
        self.layer(0).output
    }

    /// Number of elements of the embedding, 1 to 512. Only an embedder has one.
    ///
    /// # Errors
    /// [`ImageError::Record`] when the network is not an embedder.
    pub fn dimension(&self) -> Result<usize, ImageError> {
        let record = |field| ImageError::Record { section: Section::Network(Role::Embedder), field };
        let mut outputs = self.outputs();
        let (Some(output), None) = (outputs.next(), outputs.next()) else {
            return Err(record("outputs: an embedder has one"));
        };
        let embedding = self.layer(output.tensor.into()).output;
        if output.function == Function::Sigmoid {
            return Err(record("embedding: the output has a sigmoid, which changes its direction"));
        }
        let flat = embedding.height == 1 && embedding.width == 1;
        if !flat || embedding.element != Element::I16 || embedding.zero_point != 0 {
            return Err(record("embedding: not a flat i16 tensor with zero point 0"));
        }
        if usize::from(embedding.channels) > MAX_DIMENSION {
            return Err(record("embedding: more than 512 dimensions"));
        }
        Ok(embedding.channels.into())
    }
}

/// Checks that apply to the layers of all operators.
fn check(layer: &Layer, index: usize, rings_bytes: usize) -> Result<(), &'static str> {
    if (layer.operator == Operator::Input) != (index == 0) {
        return Err("operator: the first layer must be the input, and no other layer may be");
    }
    if layer.inputs().iter().any(|&input| usize::from(input) >= index) {
        return Err("input");
    }
    layer.output.check(rings_bytes)
}

/// A text: one byte of length, then that many of UTF-8, then zeros.
fn text(bytes: &[u8]) -> Option<&str> {
    let (&length, text) = bytes.split_first()?;
    let (text, zeros) = text.split_at_checked(length.into())?;
    if zeros.iter().any(|&byte| byte != 0) {
        return None;
    }
    str::from_utf8(text).ok()
}

fn parse_output(record: &[u8]) -> Option<Output<'_>> {
    let length = usize::from(*record.get(field::OUTPUT_NAME)?);
    let (name, zeros) = record.get(field::OUTPUT_TEXT..)?.split_at_checked(length)?;
    if length == 0 || zeros.iter().any(|&byte| byte != 0) {
        return None;
    }
    Some(Output {
        name: str::from_utf8(name).ok()?,
        tensor: u16_at(record, field::OUTPUT_TENSOR),
        scale: f32::from_bits(u32_at(record, field::OUTPUT_SCALE)),
        function: *Function::ALL.get(usize::from(*record.get(field::OUTPUT_FUNCTION)?))?,
    })
}

/// Length of the section that [`emit`] writes for these counts and a blob of `blob_bytes` bytes.
pub fn emitted_bytes(layers: usize, outputs: usize, barriers: usize, blob: usize) -> usize {
    places(layers, outputs, barriers)[2] + blob
}

/// Writes a section.
///
/// # Panics
/// When the length of `out` differs from [`emitted_bytes`], a count is over its limit, a name is too long, or an
/// output's name is empty.
pub fn emit(
    head: &Head<'_>,
    layers: &[Layer],
    outputs: &[Output<'_>],
    barriers: &[u16],
    blob: &[u8],
    out: &mut [u8],
) {
    assert_eq!(out.len(), emitted_bytes(layers.len(), outputs.len(), barriers.len(), blob.len()));
    assert!(layers.len() <= MAX_LAYERS && outputs.len() <= MAX_OUTPUTS && barriers.len() <= MAX_BARRIERS);
    assert!(head.name.len() <= MAX_NAME);
    out.fill(0);
    for (at, count) in
        [(field::LAYERS, layers.len()), (field::OUTPUTS, outputs.len()), (field::BARRIERS, barriers.len())]
    {
        put(out, at, (count as u16).to_le_bytes());
    }
    put(out, field::ARENA_BYTES, head.arena_bytes.to_le_bytes());
    put(out, field::STATE_BYTES, head.state_bytes.to_le_bytes());
    put(out, field::SOURCE, head.source);
    out[field::INPUT..][..preprocess::BYTES].copy_from_slice(&head.input.emit());
    out[field::NAME] = head.name.len() as u8;
    out[field::NAME + 1..][..head.name.len()].copy_from_slice(head.name.as_bytes());
    let [outputs_at, barriers_at, blob_at] = places(layers.len(), outputs.len(), barriers.len());
    for (index, layer) in layers.iter().enumerate() {
        out[field::HEAD + index * layer::BYTES..][..layer::BYTES].copy_from_slice(&layer.emit());
    }
    for (index, output) in outputs.iter().enumerate() {
        assert!((1..=MAX_OUTPUT_NAME).contains(&output.name.len()));
        let record = &mut out[outputs_at + index * field::OUTPUT..][..field::OUTPUT];
        put(record, field::OUTPUT_TENSOR, output.tensor.to_le_bytes());
        record[field::OUTPUT_FUNCTION] = output.function as u8;
        record[field::OUTPUT_NAME] = output.name.len() as u8;
        put(record, field::OUTPUT_SCALE, output.scale.to_bits().to_le_bytes());
        record[field::OUTPUT_TEXT..][..output.name.len()].copy_from_slice(output.name.as_bytes());
    }
    for (index, barrier) in barriers.iter().enumerate() {
        put(out, barriers_at + 2 * index, barrier.to_le_bytes());
    }
    out[blob_at..].copy_from_slice(blob);
}

const _: () = assert!(field::INPUT + preprocess::BYTES == field::NAME);
const _: () = assert!(field::NAME + 1 + MAX_NAME == field::NAME_END && MAX_INPUTS <= 4);
const _: () = assert!(field::OUTPUT_TEXT + MAX_OUTPUT_NAME == field::OUTPUT);
