//! A network ready to run: layers read from the image, rows computed in an arena.

use core::fmt;
use core::ops::Range;

use format::blob;
use format::layer::{self, Element, Layer, MAX_KERNEL, Op, Tensor};
use format::model::{MAX_BARRIERS, Model};
use heapless::Vec;

use crate::kernels::{self, Rows, Scratch};
use crate::quant::Stage;
use crate::stream::{Order, Progress};

/// Where the photo's rows come from: a camera, a link, a crop in memory.
pub trait RowSource {
    /// What can go wrong.
    type Error;

    /// Fills row `y` of the aligned crop, `width · channels` bytes in the image's colour order. Rows are asked
    /// for once each, from the top.
    ///
    /// # Errors
    /// Ends the embedding.
    fn row(&mut self, y: u16, pixels: &mut [u8]) -> Result<(), Self::Error>;
}

/// A crop in memory, `[height][width][channels]`.
impl RowSource for &[u8] {
    type Error = ShortCrop;

    fn row(&mut self, _y: u16, pixels: &mut [u8]) -> Result<(), ShortCrop> {
        let (row, rest) = self.split_at_checked(pixels.len()).ok_or(ShortCrop)?;
        pixels.copy_from_slice(row);
        *self = rest;
        Ok(())
    }
}

/// The crop has fewer bytes than the network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortCrop;

impl fmt::Display for ShortCrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the crop is smaller than the network's input")
    }
}

impl core::error::Error for ShortCrop {}

/// Memory for rings of rows, aligned as kernels want it.
#[repr(C, align(16))]
pub struct Arena<const BYTES: usize>(pub [u8; BYTES]);

impl<const BYTES: usize> Arena<BYTES> {
    /// All zero.
    pub const fn new() -> Self {
        Arena([0; BYTES])
    }
}

impl<const BYTES: usize> Default for Arena<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a checked image cannot be run here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// More layers than this build has room for.
    Layers {
        /// Layers of the network.
        layers: u16,
        /// Room.
        room: u16,
    },
    /// A layer overwrites rows that are still needed.
    Overlap {
        /// Its number.
        layer: u16,
    },
    /// A tensor's ring is too low: a row is overwritten before its last use.
    Ring {
        /// The tensor's number.
        tensor: u16,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Layers { layers, room } => {
                write!(f, "network has {layers} layers, this build has room for {room}")
            }
            Self::Overlap { layer } => write!(f, "plan: layer {layer} overwrites rows that are still needed"),
            Self::Ring { tensor } => write!(f, "plan: ring of tensor {tensor} is too low"),
        }
    }
}

impl core::error::Error for LoadError {}

/// Why there is no embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbedError<E> {
    /// The arena is too small or not aligned to 16 bytes.
    Arena {
        /// Bytes needed.
        needed: usize,
        /// Bytes given.
        given: usize,
    },
    /// The embedding slice does not have the network's dimension.
    Dimension {
        /// Elements needed.
        needed: usize,
        /// Elements given.
        given: usize,
    },
    /// The source of rows failed.
    Source(E),
}

impl<E: fmt::Display> fmt::Display for EmbedError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arena { needed, given } => {
                write!(f, "arena: {needed} bytes aligned to 16 are needed, {given} were given")
            }
            Self::Dimension { needed, given } => {
                write!(f, "embedding has {needed} elements, room for {given}")
            }
            Self::Source(error) => write!(f, "no more rows: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for EmbedError<E> {}

/// A network of at most `N` layers whose weights stay in the image.
#[derive(Clone, Debug)]
pub struct Network<'a, const N: usize> {
    layers: Vec<Layer, N>,
    barriers: Vec<u16, MAX_BARRIERS>,
    blob: &'a [u8],
    arena_bytes: usize,
}

impl<'a, const N: usize> Network<'a, N> {
    /// Reads the layers and checks the plan by running it dry.
    ///
    /// # Errors
    /// [`LoadError`].
    // Not inlined, so that what loading and embedding keep on the stack is not there at the same time.
    #[inline(never)]
    pub fn new(model: &Model<'a>) -> Result<Self, LoadError> {
        let head = model.head();
        let room = LoadError::Layers { layers: head.layers, room: N as u16 };
        if head.layers as usize > N {
            return Err(room);
        }
        let mut network = Network {
            layers: Vec::new(),
            barriers: head.barriers.clone(),
            blob: model.blob(),
            arena_bytes: head.arena_bytes as usize,
        };
        network.layers.extend(model.layers());
        for (index, layer) in network.layers.iter().enumerate() {
            let overlapping = |&input: &u16| {
                let input = &network.layers[input as usize].output;
                overlap(ring(input), ring(&layer.output)) && !in_place(layer, input)
            };
            if layer.op.inputs().any(|input| overlapping(&input)) {
                return Err(LoadError::Overlap { layer: index as u16 });
            }
        }
        let mut order = Order::<N>::new(&network.layers, &network.barriers);
        while let Some((layer, row)) = order.next() {
            check(&network.layers, layer, row, &order.progress())?;
        }
        Ok(network)
    }

    /// Bytes of arena it needs.
    pub fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    /// Elements of the embedding.
    pub fn dimension(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.output.row_elements())
    }

    /// The layers, first the input, last the one that makes the embedding.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Computes the embedding of one aligned crop. The arena's content before does not matter, and is of no use
    /// afterwards.
    ///
    /// # Errors
    /// [`EmbedError`].
    pub fn embed<S: RowSource>(
        &self,
        source: &mut S,
        arena: &mut [u8],
        embedding: &mut [i16],
    ) -> Result<(), EmbedError<S::Error>> {
        self.embed_observed(source, arena, embedding, |_, _, _| {})
    }

    /// [`Self::embed`], showing every row as it is made: number of the layer, number of the row, bytes of the row.
    ///
    /// # Errors
    /// [`EmbedError`].
    #[inline(never)]
    pub fn embed_observed<S: RowSource>(
        &self,
        source: &mut S,
        arena: &mut [u8],
        embedding: &mut [i16],
        mut observe: impl FnMut(usize, u16, &[u8]),
    ) -> Result<(), EmbedError<S::Error>> {
        let given = arena.len();
        let aligned = arena.as_ptr().align_offset(format::ALIGNMENT) == 0;
        let Some(arena) = arena.get_mut(..self.arena_bytes).filter(|_| aligned) else {
            return Err(EmbedError::Arena { needed: self.arena_bytes, given });
        };
        if embedding.len() != self.dimension() {
            return Err(EmbedError::Dimension { needed: self.dimension(), given: embedding.len() });
        }
        // A constant: else it may be made in one place and copied to another.
        let scratch = &mut const { Scratch::new() };
        for (index, row) in Order::<N>::new(&self.layers, &self.barriers) {
            let layer = &self.layers[index];
            let place = slot(&layer.output, row);
            if let Op::Input = layer.op {
                let pixels = &mut arena[place.clone()];
                source.row(row, pixels).map_err(EmbedError::Source)?;
                centre(pixels);
            } else {
                compute(&self.layers, self.blob, layer, row, arena, scratch);
            }
            observe(index, row, &arena[place]);
        }
        if let Some(layer) = self.layers.last() {
            embedding.copy_from_slice(bytemuck::cast_slice(&arena[slot(&layer.output, 0)]));
        }
        Ok(())
    }
}

fn ring(tensor: &Tensor) -> Range<usize> {
    let start = tensor.offset as usize;
    start..start + tensor.ring_bytes()
}

/// Bytes of the arena where a row lies.
fn slot(tensor: &Tensor, row: u16) -> Range<usize> {
    let bytes = tensor.row_bytes();
    let start = tensor.offset as usize + (row % tensor.ring) as usize * bytes;
    start..start + bytes
}

fn overlap(a: Range<usize>, b: Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Whether an addition's output takes the place of this input, row by row.
fn in_place(layer: &Layer, input: &Tensor) -> bool {
    let place = |t: &Tensor| (t.offset, t.ring, t.element);
    matches!(layer.op, Op::Add { .. }) && place(input) == place(&layer.output)
}

/// Refuses a plan in which making a row overwrites one before its last use.
fn check(layers: &[Layer], layer: usize, row: u16, progress: &Progress<'_>) -> Result<(), LoadError> {
    let output = &layers[layer].output;
    let oldest = progress.oldest_needed(layer).unwrap_or(row);
    if row.saturating_sub(oldest) >= output.ring {
        return Err(LoadError::Ring { tensor: layer as u16 });
    }
    let place = slot(output, row);
    for (other, Layer { output: tensor, .. }) in layers.iter().enumerate() {
        if other == layer || progress.made(other) == 0 || !overlap(ring(tensor), place.clone()) {
            continue;
        }
        let oldest = progress.oldest_needed(other).unwrap_or(u16::MAX);
        if (oldest..progress.made(other)).any(|row| overlap(slot(tensor, row), place.clone())) {
            return Err(LoadError::Overlap { layer: layer as u16 });
        }
    }
    Ok(())
}

/// The arena around the row that is being made.
struct Around<'a> {
    before: &'a [u8],
    row: Range<usize>,
    after: &'a [u8],
}

impl<'a> Around<'a> {
    /// Another row of the arena. Rings of a layer's input and output were found disjoint when loading.
    #[inline(never)]
    fn row(&self, tensor: &Tensor, row: u16) -> &'a [u8] {
        let place = slot(tensor, row);
        if place.end <= self.row.start {
            &self.before[place]
        } else {
            &self.after[place.start - self.row.end..place.end - self.row.end]
        }
    }
}

/// Pixels to elements: from 0 to 255 to from -128 to 127.
fn centre(pixels: &mut [u8]) {
    let (before, words, after) = bytemuck::pod_align_to_mut::<u8, u32>(pixels);
    words.iter_mut().for_each(|word| *word ^= 0x8080_8080);
    before.iter_mut().chain(after).for_each(|byte| *byte ^= 0x80);
}

/// Makes one row of a layer that is not the input.
// Not inlined: it is the same for every source of rows.
#[inline(never)]
fn compute(layers: &[Layer], blob: &[u8], layer: &Layer, row: u16, arena: &mut [u8], scratch: &mut Scratch) {
    let place = slot(&layer.output, row);
    let (before, rest) = arena.split_at_mut(place.start);
    let (output, after) = rest.split_at_mut(place.len());
    let around = &Around { before, row: place, after };
    let tensor = |index: u16| &layers[index as usize].output;
    match layer.op {
        Op::Input => {}
        Op::Add { inputs, gains, .. } => add(inputs.map(tensor), gains, blob, layer, row, around, output),
        Op::Conv { input, .. } | Op::Depthwise { input, .. } | Op::MaxPool { input, .. } => {
            let windowed = match tensor(input).element {
                Element::I8 => windowed::<i8>,
                Element::I16 => windowed::<i16>,
            };
            windowed(tensor(input), blob, layer, row, around, scratch, output);
        }
    }
}

fn array<T: bytemuck::Pod>(blob: &[u8], offset: u32, count: usize) -> &[T] {
    // Every array's bounds were checked with the image.
    blob::array(blob, offset, count).unwrap_or(&[])
}

#[inline(never)]
fn stage<'a>(blob: &'a [u8], stage: &layer::Stage, output: &Tensor) -> Stage<'a> {
    let channels = output.channels as usize;
    let array = |offset| array(blob, offset, channels);
    let positive = array(stage.positive);
    let is_linear = stage.negative == stage.positive;
    Stage {
        bias: array(stage.bias),
        positive,
        negative: if is_linear { positive } else { array(stage.negative) },
        shift: stage.shift as u32,
        zero_point: output.zero_point as i32,
        low: stage.low as i32,
        high: stage.high as i32,
    }
}

fn windowed<I: kernels::Element>(
    input: &Tensor,
    blob: &[u8],
    layer: &Layer,
    row: u16,
    around: &Around<'_>,
    scratch: &mut Scratch,
    output: &mut [u8],
) {
    use Element::{I8, I16};
    let window = layer.op.window();
    let mut rows: Vec<Option<&[I]>, MAX_KERNEL> = Vec::new();
    let start = row as i32 * window.stride[0] as i32 - window.pad[0] as i32;
    for y in (start..).take(window.kernel[0] as usize) {
        let is_inside = (0..input.height as i32).contains(&y);
        // No window is higher than there is room for.
        let _ = rows.push(is_inside.then(|| bytemuck::cast_slice(around.row(input, y as u16))));
    }
    let rows = &Rows {
        rows: &rows,
        width: input.width as usize,
        channels: input.channels as usize,
        zero_point: input.zero_point as i32,
        kernel_width: window.kernel[1] as usize,
        stride: window.stride[1] as usize,
        pad: window.pad[1] as usize,
        dilation: 1,
    };
    let taps = rows.rows.len() * rows.kernel_width * rows.channels;
    let tensor = &layer.output;
    match (layer.op, tensor.element) {
        (Op::Conv { weights, stage: s, .. }, element) => {
            let weights = array(blob, weights, taps * tensor.channels as usize);
            let stage = &stage(blob, &s, tensor);
            match element {
                I8 => kernels::conv(rows, weights, stage, scratch, cast::<i8>(output)),
                I16 => kernels::conv(rows, weights, stage, scratch, cast::<i16>(output)),
            }
        }
        (Op::Depthwise { weights, stage: s, .. }, element) => {
            let weights = array(blob, weights, taps);
            let stage = &stage(blob, &s, tensor);
            match element {
                I8 => kernels::depthwise(rows, weights, stage, scratch, cast::<i8>(output)),
                I16 => kernels::depthwise(rows, weights, stage, scratch, cast::<i16>(output)),
            }
        }
        (Op::MaxPool { .. }, _) => kernels::max_pool::<I>(rows, cast(output)),
        (Op::Input | Op::Add { .. }, _) => {}
    }
}

fn add(
    inputs: [&Tensor; 2],
    gains: [i16; 2],
    blob: &[u8],
    layer: &Layer,
    row: u16,
    around: &Around<'_>,
    output: &mut [u8],
) {
    use Element::{I8, I16};
    let Some(s) = layer.op.stage() else { return };
    let stage = &stage(blob, s, &layer.output);
    // What takes the place of an input comes first, and is there already.
    let (inputs, gains) = match inputs.map(|input| in_place(layer, input)) {
        [false, true] => ([inputs[1], inputs[0]], [gains[1], gains[0]]),
        _ => (inputs, gains),
    };
    let [first, second] = inputs;
    let b = around.row(second, row);
    if first.element == layer.output.element {
        if !in_place(layer, first) {
            output.copy_from_slice(around.row(first, row));
        }
        match first.element {
            I8 => kernels::add_in_place::<i8>(cast(output), bytemuck::cast_slice(b), gains, stage),
            I16 => kernels::add_in_place::<i16>(cast(output), bytemuck::cast_slice(b), gains, stage),
        }
    } else {
        let a = around.row(first, row);
        match first.element {
            I8 => kernels::add::<i8, i16>(
                bytemuck::cast_slice(a),
                bytemuck::cast_slice(b),
                gains,
                stage,
                cast(output),
            ),
            I16 => kernels::add::<i16, i8>(
                bytemuck::cast_slice(a),
                bytemuck::cast_slice(b),
                gains,
                stage,
                cast(output),
            ),
        }
    }
}

fn cast<T: kernels::Element>(row: &mut [u8]) -> &mut [T] {
    bytemuck::cast_slice_mut(row)
}
