//! Instructions of start-up, of an embedding, layer by layer, and of matching it, as text.

use core::fmt::Write;
use core::hint::black_box;

use app::serve::Meter;
use app::{Recogniser, StartError};
use format::Image;
use format::gallery::Gallery;
use format::header;
use format::layer::{Layer, Op, Tensor};
use nn::{EmbedError, RowSource};

use crate::{BoardArena, Console, Gauges, MAX_LAYERS, Machine, image, load, stack};

/// Pixels that stand for a photo: the same on every machine.
struct Pattern(u32);

impl Pattern {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }
}

impl RowSource for Pattern {
    type Error = core::convert::Infallible;

    fn row(&mut self, _y: u16, pixels: &mut [u8]) -> Result<(), Self::Error> {
        pixels.iter_mut().for_each(|pixel| *pixel = (self.next() >> 24) as u8);
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

/// Embeds one pattern with the machine's image and prints the instructions of each layer, in the order of the
/// layers: number, operator, output, multiply-accumulates, instructions; then totals, memory, and the sum of the
/// embedding's elements weighted by their place, which has to be the same on every machine. Then [`start_up`] and [`matching`].
///
/// # Errors
/// [`BenchError`].
///
/// # Safety
/// The machine's addresses are what they say, and nothing else uses them. Called once.
pub unsafe fn bench(
    machine: &Machine,
    arena: &'static mut BoardArena,
    out: &mut Console,
) -> Result<(), BenchError> {
    stack::paint();
    let mut gauges = Gauges(machine.counter);
    gauges.0.start();
    let start = gauges.instructions();
    // SAFETY: passed on to the caller.
    let recogniser = unsafe { load(machine) }.as_ref().map_err(|&error| BenchError::Start(error))?;
    let start_instructions = gauges.instructions() - start;
    let network = recogniser.network();
    let load_stack_bytes = gauges.stack_bytes();
    let mut embedding = [0; format::network::MAX_DIMENSION];
    let embedding = &mut embedding[..network.dimension()];
    let mut counts = [0u64; MAX_LAYERS];
    let start = gauges.instructions();
    let mut before = start;
    let count = |layer: usize, _, _: &[u8]| {
        let now = gauges.instructions();
        counts[layer] += now - before;
        before = now;
    };
    network.embed_observed(&mut Pattern(1), &mut arena.0, embedding, count).map_err(BenchError::Embed)?;
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
    writeln!(out, "recogniser_bytes {}", size_of_val(recogniser))?;
    // SAFETY: passed on to the caller.
    start_up(unsafe { image(machine) }, start_instructions, &mut gauges, out)?;
    matching(recogniser, embedding, &mut gauges, out)
}

/// Instructions that something takes.
fn count<T>(gauges: &mut impl Meter, run: impl FnOnce() -> T) -> (u64, T) {
    let start = gauges.instructions();
    let result = black_box(run());
    (gauges.instructions() - start, result)
}

/// Prints what starting with an image took: all, then those of digests and of the image's other checks, both counted once more, and
/// the rest, which is the network's.
fn start_up(image: &[u8], all: u64, gauges: &mut impl Meter, out: &mut impl Write) -> Result<(), BenchError> {
    let (digests, _) = count(gauges, || header::parse(black_box(image)).is_ok());
    let (checked, _) = count(gauges, || Image::new_checked(black_box(image)).is_ok());
    writeln!(out, "start_instructions {all}")?;
    writeln!(out, "start_digest_instructions {digests}")?;
    writeln!(out, "start_check_instructions {}", checked.saturating_sub(digests))?;
    writeln!(out, "start_network_instructions {}", all.saturating_sub(checked))?;
    Ok(())
}

/// Matches an embedding with the image's people, without their cohort and with it; computes the confidence, and all that is shown;
/// then matches probes ever farther from the first person, and prints the most that one took that was certified.
fn matching<const N: usize>(
    recogniser: &Recogniser<'_, N>,
    embedding: &[i16],
    gauges: &mut impl Meter,
    out: &mut impl Write,
) -> Result<(), BenchError> {
    let gallery = &recogniser.image().gallery;
    writeln!(out, "people {}", gallery.people_count())?;
    writeln!(out, "centres {}", gallery.owners.len())?;
    let alone = recogniser.matcher().without_cohort();
    let (instructions, _) = count(gauges, || alone.decide(black_box(embedding)));
    writeln!(out, "match_instructions {instructions}")?;
    let (instructions, outcome) = count(gauges, || recogniser.decide(black_box(embedding)));
    writeln!(out, "match_with_cohort_instructions {instructions}")?;
    let (instructions, _) = count(gauges, || recogniser.confidence(black_box(embedding), &outcome));
    writeln!(out, "confidence_instructions {instructions}")?;
    let (instructions, _) = count(gauges, || recogniser.show(black_box(embedding), &outcome));
    writeln!(out, "show_instructions {instructions}")?;
    let mut certified = 0;
    for step in 0..16 {
        let mut probe = [0; format::model::MAX_DIMENSION];
        let Some(probe) = beside_first(gallery, step, &mut probe) else { break };
        let (instructions, outcome) = count(gauges, || alone.decide(black_box(probe)));
        if outcome.certified {
            certified = instructions.max(certified);
        }
    }
    writeln!(out, "match_certified_instructions {certified}")?;
    Ok(())
}

/// A probe about as far from the gallery's first centre as the angle whose tangent is `step / 16`, if there is a centre.
fn beside_first<'p>(gallery: &Gallery<'_>, step: u32, probe: &'p mut [i16]) -> Option<&'p [i16]> {
    let (dimension, norm) = (gallery.dimension(), *gallery.norms.first()?);
    let probe = &mut probe[..dimension];
    // Uniform numbers from −a to a have a mean square of a² / 3. The centre counts 64 times.
    let largest = (48 * step * step * (norm / dimension as u32)).isqrt() as i32;
    let mut noise = Pattern(1);
    for (element, &centre) in probe.iter_mut().zip(gallery.vectors) {
        *element = 64 * i16::from(centre) + ((noise.next() as i32 >> 16) * largest >> 15) as i16;
    }
    Some(probe)
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
