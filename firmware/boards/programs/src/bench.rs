//! Counts instructions of start-up, of an embedding (layer by layer) and of matching, and prints them as text. Embeds pictures in the
//! board's memory.

use core::fmt::Write;
use core::hint::black_box;

use app::pattern::{Pattern, check, check_elements};
use app::pictures;
use app::serve::Meter;
use app::{Recogniser, StartError};
use cortex::stack;
use format::gallery::Gallery;
use format::layer::Layer;
use format::network::{MAX_DIMENSION, MAX_LAYERS};
use format::{Image, Role, header};
use nn::network::ShortCrop;
use nn::op::{self, Inputs};
use nn::{Network, RunError};

use crate::{Board, Gauges, image, load};

/// Why the bench failed.
#[derive(Clone, Copy, Debug)]
pub enum BenchError {
    /// The image was refused.
    Start(StartError),
    /// A network failed to run.
    Run(RunError<core::convert::Infallible>),
    /// A picture in memory could not be embedded.
    Picture(RunError<ShortCrop>),
    /// An embedding could not be matched.
    Decision,
    /// Text could not be written.
    Write,
}

impl From<core::fmt::Error> for BenchError {
    fn from(_: core::fmt::Error) -> Self {
        BenchError::Write
    }
}

/// Instructions of each layer.
pub type Counts = [u64; MAX_LAYERS];
/// All counts zero.
pub const NO_COUNTS: Counts = [0; MAX_LAYERS];

/// Embeds one pattern with the board's image and prints a line for each layer in order: number, operator, output,
/// multiply-accumulates, instructions. Totals and memory follow, then the sum of the embedding's elements weighted by
/// their index, which must be the same on every machine. Then come [`start_up`], [`matching`], [`outputs`] and [`pictures`].
///
/// # Errors
/// [`BenchError`].
pub fn bench<B: Board>(
    arena: &mut [u8],
    counts: &'static mut Counts,
    out: &mut impl Write,
) -> Result<(), BenchError> {
    stack::paint();
    let mut gauges = Gauges(B::counter());
    let (start_instructions, recogniser) = count(&mut gauges, || load::<B>(arena));
    let recogniser = &recogniser.map_err(BenchError::Start)?;
    let load_stack_bytes = gauges.stack_bytes();
    let mut embedding = [0; MAX_DIMENSION];
    let embedding = &mut embedding[..recogniser.image().dimension()];
    let start = gauges.instructions();
    let mut before = start;
    let see = |layer: usize, _, _: &[u8]| {
        let now = gauges.instructions();
        counts[layer] += now - before;
        before = now;
    };
    recogniser
        .embedder()
        .embed_observed(&mut Pattern::new(1), arena, embedding, see)
        .map_err(BenchError::Run)?;
    let total = gauges.instructions() - start;
    let stack_bytes = gauges.stack_bytes();
    let model = recogniser.embedder().model();
    let mut macs = 0;
    for (index, (layer, count)) in model.layers().zip(&*counts).enumerate() {
        let of_layer = op::macs(&layer, &Inputs::of(&layer, |input| model.layer(input).output));
        macs += of_layer;
        let [height, width, channels] = layer.output.shape();
        let name = layer.operator.name();
        writeln!(out, "{index:3} {name:9} {height}x{width}x{channels} {of_layer} {count}")?;
    }
    writeln!(out, "macs {macs}")?;
    writeln!(out, "instructions {total}")?;
    writeln!(out, "instructions_per_1000_macs {}", total * 1000 / macs.max(1))?;
    writeln!(out, "arena_bytes {}", model.arena_bytes())?;
    writeln!(out, "stack_bytes {stack_bytes}")?;
    writeln!(out, "load_stack_bytes {load_stack_bytes}")?;
    let check = (1..).zip(&*embedding).map(|(place, &element)| place * i64::from(element)).sum::<i64>();
    writeln!(out, "embedding {check}")?;
    writeln!(out, "recogniser_bytes {}", size_of_val(recogniser))?;
    start_up(image::<B>(), start_instructions, &mut gauges, out)?;
    matching(recogniser, embedding, &mut gauges, out)?;
    outputs(recogniser, arena, &mut gauges, out)?;
    pictures(image::<B>(), recogniser, arena, embedding, out)
}

/// Embeds every picture behind the image and prints a checksum ([`check_elements`]) of each embedding.
// Not inlined, so that the stack that was measured is that of one embedding.
#[inline(never)]
fn pictures(
    memory: &[u8],
    recogniser: &Recogniser<'_>,
    arena: &mut [u8],
    embedding: &mut [i16],
    out: &mut impl Write,
) -> Result<(), BenchError> {
    let picture_bytes = recogniser.embedder().model().preprocess().crop_bytes();
    for (number, mut picture) in pictures::behind_image(memory, picture_bytes).enumerate() {
        recogniser.embed(&mut picture, arena, embedding).map_err(BenchError::Picture)?;
        writeln!(out, "picture {number} {:08x}", check_elements(embedding))?;
    }
    Ok(())
}

/// Runs every network of the image on a pattern. Prints each network's instructions and multiply-accumulates, and a
/// checksum ([`check`]) of each output.
fn outputs(
    recogniser: &Recogniser<'_>,
    arena: &mut [u8],
    gauges: &mut impl Meter,
    out: &mut impl Write,
) -> Result<(), BenchError> {
    for role in Role::ALL {
        let Some(model) = recogniser.image().network(role) else { continue };
        let network = Network::new(model, arena)
            .map_err(|error| BenchError::Start(StartError::Network(role, error)))?;
        let (instructions, made) = count(gauges, || network.run(&mut Pattern::new(1), arena));
        let made = made.map_err(BenchError::Run)?;
        let macs = |layer: &Layer| op::macs(layer, &Inputs::of(layer, |input| model.layer(input).output));
        let macs: u64 = model.layers().map(|layer| macs(&layer)).sum();
        writeln!(out, "network {} {instructions} {macs}", role.name())?;
        for number in 0..made.count() {
            writeln!(out, "output {} {number} {:08x}", role.name(), check(made.bytes(number)))?;
        }
    }
    Ok(())
}

/// Number of instructions that a function takes.
pub(crate) fn count<T>(gauges: &mut impl Meter, run: impl FnOnce() -> T) -> (u64, T) {
    let start = gauges.instructions();
    let result = black_box(run());
    (gauges.instructions() - start, result)
}

/// Prints the instructions of start-up: the total, the digests, the other checks of the image, and the remainder,
/// which the network takes. Digests and checks are counted in a second run.
fn start_up(image: &[u8], all: u64, gauges: &mut impl Meter, out: &mut impl Write) -> Result<(), BenchError> {
    let (digests, _) = count(gauges, || header::parse(black_box(image)).is_ok());
    let (checked, _) = count(gauges, || Image::new_checked(black_box(image)).is_ok());
    writeln!(out, "start_instructions {all}")?;
    writeln!(out, "start_digest_instructions {digests}")?;
    writeln!(out, "start_check_instructions {}", checked.saturating_sub(digests))?;
    writeln!(out, "start_network_instructions {}", all.saturating_sub(checked))?;
    Ok(())
}

/// Matches an embedding with the image's people, without the cohort and with it, and computes the confidence and the
/// other shown numbers. Then matches probes at growing distance from the first person and prints the largest count
/// among the certified probes.
fn matching(
    recogniser: &Recogniser<'_>,
    embedding: &[i16],
    gauges: &mut impl Meter,
    out: &mut impl Write,
) -> Result<(), BenchError> {
    let gallery = &recogniser.image().gallery;
    writeln!(out, "people {}", gallery.people_count())?;
    writeln!(out, "centres {}", gallery.owners.len())?;
    let alone = recogniser.matcher().without_cohort();
    let (instructions, outcome) = count(gauges, || alone.decide(black_box(embedding)));
    outcome.map_err(|_| BenchError::Decision)?;
    writeln!(out, "match_instructions {instructions}")?;
    let (instructions, outcome) = count(gauges, || recogniser.decide(black_box(embedding)));
    let outcome = outcome.map_err(|_| BenchError::Decision)?;
    writeln!(out, "match_with_cohort_instructions {instructions}")?;
    let centres = &mut { *recogniser.matcher().gallery() };
    let (instructions, confidence) =
        count(gauges, || recogniser.confidence(centres, black_box(embedding), &outcome));
    confidence.map_err(|_| BenchError::Decision)?;
    writeln!(out, "confidence_instructions {instructions}")?;
    let (instructions, decision) = count(gauges, || recogniser.show(black_box(embedding), &outcome));
    decision.map_err(|_| BenchError::Decision)?;
    writeln!(out, "show_instructions {instructions}")?;
    let mut certified = 0;
    for step in 0..16 {
        let mut probe = [0; MAX_DIMENSION];
        let Some(probe) = beside_first(gallery, step, &mut probe) else { break };
        let (instructions, outcome) = count(gauges, || alone.decide(black_box(probe)));
        if outcome.map_err(|_| BenchError::Decision)?.certified {
            certified = instructions.max(certified);
        }
    }
    writeln!(out, "match_certified_instructions {certified}")?;
    Ok(())
}

/// A probe whose angle to the gallery's first centre has about the tangent `step / 16`. `None` if there is no centre.
fn beside_first<'p>(gallery: &Gallery<'_>, step: u32, probe: &'p mut [i16]) -> Option<&'p [i16]> {
    let (dimension, norm) = (gallery.dimension(), *gallery.norms.first()?);
    let probe = &mut probe[..dimension];
    // Uniform numbers from −a to a have a mean square of a² / 3. The centre is weighted 64 times.
    let largest = (48 * step * step * (norm / dimension as u32)).isqrt() as i32;
    let mut noise = Pattern::new(1);
    for (element, &centre) in probe.iter_mut().zip(gallery.vectors) {
        *element = 64 * i16::from(centre) + (((noise.number() as i32 >> 16) * largest) >> 15) as i16;
    }
    Some(probe)
}
