//! Counts instructions of people in a store: opening it, enrolling, and deciding over sealed records.

use core::fmt::Write;
use core::hint::black_box;

use app::device::enrolled::Enrolled;
use app::serve::Meter;
use cortex::stack;
use store::{Draft, Store, SubCentre};

use crate::bench::count;
use crate::{Counts, DoorBoard, Gauges, load};

/// People, and centres of each.
const PEOPLE: u32 = 50;
const CENTRES: usize = 3;
/// Most elements of a centre.
const MOST: usize = store::MAX_DIMENSION;

/// Why the count failed.
#[derive(Clone, Copy, Debug)]
pub enum RememberedError {
    /// The image was refused.
    Image,
    /// The store failed.
    Store,
    /// The decision is not what it must be.
    Decision,
    /// Text could not be written.
    Write,
}

impl From<core::fmt::Error> for RememberedError {
    fn from(_: core::fmt::Error) -> Self {
        RememberedError::Write
    }
}

/// Elements that look like a centre's.
fn fill(vector: &mut [i8], seed: &mut u32) {
    for element in vector {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *element = ((*seed >> 24) as i8).max(-127);
    }
}

/// Enrols people beside those of the image, and prints the instructions of opening the store, of the last enrolment, of a
/// decision on somebody enrolled (with its certificate, which opens the records a second time) and on a stranger.
///
/// # Errors
/// [`RememberedError`].
pub fn remembered<B: DoorBoard>(
    arena: &mut [u8],
    _counts: &mut Counts,
    out: &mut impl Write,
) -> Result<(), RememberedError> {
    let mut gauges = Gauges(B::counter());
    let recogniser = load::<B>(arena).map_err(|_| RememberedError::Image)?;
    let image = recogniser.image();
    let (network, dimension) = (image.model_id, image.dimension() as u16);
    let (flash, layout) = B::blank_flash();
    let store = Store::format(flash, layout, &[7; 32], network, dimension, 1);
    let mut store = store.map_err(|_| RememberedError::Store)?;
    let (mut seed, mut vectors) = (1, [[0i8; MOST]; CENTRES]);
    let mut enrol_instructions = 0;
    for _ in 0..PEOPLE {
        vectors.iter_mut().for_each(|vector| fill(&mut vector[..dimension.into()], &mut seed));
        let centres =
            vectors.each_ref().map(|vector| SubCentre { photos: 5, vector: &vector[..dimension.into()] });
        let draft = Draft { name: "somebody", flags: 0, centres: &centres };
        let (instructions, added) = count(&mut gauges, || store.add(&draft).is_ok());
        if !added {
            return Err(RememberedError::Store);
        }
        enrol_instructions = instructions;
    }
    drop(store);
    let (flash, layout) = B::flash();
    stack::paint();
    let (open_instructions, store) =
        count(&mut gauges, || Store::open(flash, layout, &[7; 32], network, dimension));
    let mut store = store.map_err(|_| RememberedError::Store)?;

    let mut probe = [0i16; MOST];
    let probe = &mut probe[..dimension.into()];
    probe.iter_mut().zip(&vectors[0]).for_each(|(wide, &element)| *wide = 100 * i16::from(element));
    let mut enrolled = Enrolled { recogniser: &recogniser, store: &mut store };
    let judge = recogniser.judge(enrolled.count());
    let (match_instructions, outcome) = count(&mut gauges, || judge.decide(&mut enrolled, black_box(probe)));
    let best = outcome.ok().and_then(|outcome| outcome.best).ok_or(RememberedError::Decision)?;
    if enrolled.id(best.person) != Some(PEOPLE) {
        return Err(RememberedError::Decision);
    }
    for element in probe.iter_mut() {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *element = (seed >> 16) as i16;
    }
    let (stranger_instructions, outcome) =
        count(&mut gauges, || judge.decide(&mut enrolled, black_box(probe)));
    outcome.map_err(|_| RememberedError::Store)?;
    writeln!(out, "people {PEOPLE} centres {CENTRES} dimension {dimension}")?;
    writeln!(out, "open_instructions {open_instructions}")?;
    writeln!(out, "enrol_instructions {enrol_instructions}")?;
    writeln!(out, "match_instructions {match_instructions}")?;
    writeln!(out, "stranger_instructions {stranger_instructions}")?;
    writeln!(out, "stack_bytes {}", gauges.stack_bytes())?;
    Ok(())
}
