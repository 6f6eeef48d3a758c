//! Instructions of an embedding, layer by layer, and of matching it, as text.

use core::fmt::Write;
use core::hint::black_box;

use app::StartError;
use app::serve::Meter;
use cortex::stack;
use format::layer::{Layer, Op, Tensor};
use nn::{EmbedError, RowSource};

use crate::{Board, Gauges, Room, load};

/// Pixels that stand for a photo: the same on every machine.
struct Pattern(u32);

impl RowSource for Pattern {
    type Error = core::convert::Infallible;

    fn row(&mut self, _y: u16, pixels: &mut [u8]) -> Result<(), Self::Error> {
        for pixel in pixels {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *pixel = (self.0 >> 24) as u8;
        }
        Ok(())
    }
}

/// Why there are no figures.
#[derive(Clone, Copy, Debug)]
pub enum BenchError {
    /// The image cannot be used.
    Start(StartError),
    /// There is no embedding.
    Embed(EmbedError<core::convert::Infallible>),
    /// Text could not be written.
    Write,
}

impl From<core::fmt::Error> for BenchError {
    fn from(_: core::fmt::Error) -> Self {
        BenchError::Write
    }
}

/// Embeds one pattern with the board's image and prints the instructions of each layer, in the order of the
/// layers: number, operator, output, multiply-accumulates, instructions; then totals, memory, and the sum of the
/// embedding's elements weighted by their place, which has to be the same on every machine. Then it matches the embedding
/// with the image's people, without their cohort and with it.
///
/// # Errors
/// [`BenchError`].
pub fn bench<B: Board, const N: usize>(
    arena: &mut [u8],
    room: &'static mut Room<N>,
    out: &mut impl Write,
) -> Result<(), BenchError> {
    stack::paint();
    let mut gauges = Gauges(B::counter());
    let recogniser = load::<B, N>(room).as_ref().map_err(|&error| BenchError::Start(error))?;
    let network = recogniser.network();
    let load_stack_bytes = gauges.stack_bytes();
    let mut embedding = [0; format::model::MAX_DIMENSION];
    let embedding = &mut embedding[..network.dimension()];
    let mut counts = [0u64; N];
    let start = gauges.instructions();
    let mut before = start;
    let count = |layer: usize, _, _: &[u8]| {
        let now = gauges.instructions();
        counts[layer] += now - before;
        before = now;
    };
    network.embed_observed(&mut Pattern(1), arena, embedding, count).map_err(BenchError::Embed)?;
    let total = gauges.instructions() - start;
    let stack_bytes = gauges.stack_bytes();
    let mut macs = 0;
    for (index, layer) in network.layers().iter().enumerate() {
        let (name, count) = work(network.layers(), layer);
        macs += count;
        let Tensor { height, width, channels, .. } = layer.output;
        writeln!(out, "{index:3} {name:9} {height}x{width}x{channels} {count} {}", counts[index])?;
    }
    writeln!(out, "macs {macs}")?;
    writeln!(out, "instructions {total}")?;
    writeln!(out, "instructions_per_1000_macs {}", total * 1000 / macs.max(1))?;
    writeln!(out, "arena_bytes {}", network.arena_bytes())?;
    writeln!(out, "stack_bytes {stack_bytes}")?;
    writeln!(out, "load_stack_bytes {load_stack_bytes}")?;
    let check = (1..).zip(&*embedding).map(|(place, &element)| place * i64::from(element)).sum::<i64>();
    writeln!(out, "embedding {check}")?;
    writeln!(out, "people {}", recogniser.image().gallery.people_count())?;
    writeln!(out, "centres {}", recogniser.image().gallery.owners.len())?;
    let matcher = recogniser.matcher();
    for (name, matcher) in
        [("match_instructions", matcher.without_cohort()), ("match_with_cohort_instructions", *matcher)]
    {
        let start = gauges.instructions();
        black_box(matcher.decide(black_box(embedding)));
        writeln!(out, "{name} {}", gauges.instructions() - start)?;
    }
    Ok(())
}

/// A layer's operator and its multiply-accumulates.
fn work(layers: &[Layer], layer: &Layer) -> (&'static str, u64) {
    let elements = layer.output.height as u64 * layer.output.row_elements() as u64;
    let [kernel_height, kernel_width] = layer.op.window().kernel.map(u64::from);
    match layer.op {
        Op::Input => ("input", 0),
        Op::Conv { input, .. } => {
            let channels = layers[input as usize].output.channels as u64;
            ("conv", elements * kernel_height * kernel_width * channels)
        }
        Op::Depthwise { .. } => ("depthwise", elements * kernel_height * kernel_width),
        Op::Add { .. } => ("add", 0),
        Op::MaxPool { .. } => ("max_pool", 0),
    }
}
