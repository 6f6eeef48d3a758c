//! A network ready to run: layers are read in place in the image, rows are computed in an arena.

use core::fmt;

use format::network::Model;

use crate::kernels::Scratch;
use crate::op::{self, Around, Work, slot};
use crate::plan::{self, LoadError};
use crate::stream::{Order, Progress, Step, state_elements};

/// The source of the photo's rows: a camera, a link, a crop in memory.
pub trait RowSource {
    /// Errors of the source.
    type Error;

    /// Fills row `y` of the aligned crop, `width · channels` bytes in the image's colour order. Each row is requested
    /// once, from the top.
    ///
    /// # Errors
    /// An error ends the embedding.
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

/// Memory for rings of rows, aligned for the kernels.
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

/// Why a network did not run to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunError<E> {
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
    /// A row does not fit. A network that was checked has no such row, unless its image or its arena changed meanwhile.
    Broken,
}

impl<E: fmt::Display> fmt::Display for RunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arena { needed, given } => {
                write!(f, "arena: {needed} bytes aligned to 16 are needed, {given} were given")
            }
            Self::Dimension { needed, given } => {
                write!(f, "embedding: the network gives {needed} elements, the buffer has room for {given}")
            }
            Self::Source(error) => write!(f, "no more rows: {error}"),
            Self::Broken => write!(
                f,
                "network: its image or its memory changed since it was checked; start again, and flash the image anew \
                 if that does not help"
            ),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for RunError<E> {}

/// A network whose layers and weights stay in the image.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    model: Model<'a>,
}

impl<'a> Network<'a> {
    /// Checks the layers, and the plan with a dry run. The arena must be as large as for [`Self::run`].
    ///
    /// # Errors
    /// [`LoadError`].
    // Not inlined, so that loading and running do not occupy the stack at the same time.
    #[inline(never)]
    pub fn new(model: Model<'a>, arena: &mut [u8]) -> Result<Self, LoadError> {
        let network = Network { model };
        let needed = network.arena_bytes();
        let given = arena.len();
        let Some(arena) = fitting(arena, needed) else { return Err(LoadError::Arena { needed, given }) };
        let checked = plan::check_bytes(model.layer_count());
        if model.state_bytes() < 2 * state_elements(model.layer_count()) || needed < checked {
            return Err(LoadError::State);
        }
        plan::check(&model, arena.get_mut(..checked).ok_or(LoadError::State)?)?;
        Ok(network)
    }

    /// Bytes of arena it needs.
    pub fn arena_bytes(&self) -> usize {
        self.model.arena_bytes()
    }

    /// The network in the image.
    pub fn model(&self) -> &Model<'a> {
        &self.model
    }

    /// Runs the network on a photo and returns its outputs. The arena's initial content does not matter.
    ///
    /// # Errors
    /// [`RunError::Arena`], [`RunError::Source`], [`RunError::Broken`].
    pub fn run<'b, S: RowSource>(
        &self,
        source: &mut S,
        arena: &'b mut [u8],
    ) -> Result<Outputs<'a, 'b>, RunError<S::Error>> {
        self.run_observed(source, arena, |_, _, _| {})
    }

    /// [`Self::run`] that also passes every new row to a callback: number of the layer, number of the row, bytes of
    /// the row.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_observed<'b, S: RowSource>(
        &self,
        source: &mut S,
        arena: &'b mut [u8],
        mut observe: impl FnMut(usize, u16, &[u8]),
    ) -> Result<Outputs<'a, 'b>, RunError<S::Error>> {
        let mut run = self.start(arena)?;
        match run.advance(source, usize::MAX, &mut observe)? {
            true => Ok(run.finish()),
            false => Err(RunError::Broken),
        }
    }

    /// Begins a run that is made in parts: [`Run::advance`] until it is done, then [`Run::finish`].
    ///
    /// # Errors
    /// [`RunError::Arena`], [`RunError::Broken`].
    pub fn start<'b, E>(&self, arena: &'b mut [u8]) -> Result<Run<'a, 'b>, RunError<E>> {
        let given = arena.len();
        let needed = self.arena_bytes();
        let Some(used) = fitting(arena, needed) else { return Err(RunError::Arena { needed, given }) };
        let state = used.get_mut(..self.model.state_bytes()).and_then(crate::elements_mut);
        let order = state.and_then(|state| Order::new(&self.model, state)).ok_or(RunError::Broken)?;
        let progress = order.progress();
        Ok(Run { model: self.model, arena, progress, state: RunState::Making })
    }

    /// Runs the network on one aligned crop and copies the embedding out. The arena's content is meaningless
    /// afterwards.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn embed<S: RowSource>(
        &self,
        source: &mut S,
        arena: &mut [u8],
        embedding: &mut [i16],
    ) -> Result<(), RunError<S::Error>> {
        self.embed_observed(source, arena, embedding, |_, _, _| {})
    }

    /// [`Self::embed`] that also passes every new row to a callback, as [`Self::run_observed`] does.
    ///
    /// # Errors
    /// As [`Self::embed`].
    pub fn embed_observed<S: RowSource>(
        &self,
        source: &mut S,
        arena: &mut [u8],
        embedding: &mut [i16],
        observe: impl FnMut(usize, u16, &[u8]),
    ) -> Result<(), RunError<S::Error>> {
        // Networks of other roles have no embedding.
        let (needed, given) = (self.model.dimension().unwrap_or(0), embedding.len());
        if needed != given || needed == 0 {
            return Err(RunError::Dimension { needed, given });
        }
        let outputs = self.run_observed(source, arena, observe)?;
        crate::elements(outputs.bytes(0))
            .and_then(|made| crate::copy(made, embedding))
            .ok_or(RunError::Broken)
    }
}

/// The first `bytes` bytes of an arena, if it has them and is aligned.
fn fitting(arena: &mut [u8], bytes: usize) -> Option<&mut [u8]> {
    let aligned = arena.as_ptr().align_offset(format::ALIGNMENT) == 0;
    arena.get_mut(..bytes).filter(|_| aligned)
}

/// A network that has made some of its rows. It holds its arena until it is done or given up.
#[derive(Debug)]
pub struct Run<'a, 'b> {
    model: Model<'a>,
    arena: &'b mut [u8],
    progress: Progress,
    state: RunState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RunState {
    Making,
    Done,
    /// The source failed, or a row did not fit.
    Failed,
}

impl<'a, 'b> Run<'a, 'b> {
    /// Makes up to `rows` more rows of all layers together, and passes each to a callback as
    /// [`Network::run_observed`] does. Returns whether the run is done. Each call has a fixed cost of about a row, so that
    /// a few rows a call are best.
    ///
    /// # Errors
    /// [`RunError::Source`], [`RunError::Broken`]. The run is over then, and every further call is refused as broken.
    pub fn advance<S: RowSource>(
        &mut self,
        source: &mut S,
        rows: usize,
        mut observe: impl FnMut(usize, u16, &[u8]),
    ) -> Result<bool, RunError<S::Error>> {
        match self.state {
            RunState::Making => {}
            RunState::Done => return Ok(true),
            RunState::Failed => return Err(RunError::Broken),
        }
        let used = self.arena.get_mut(..self.model.arena_bytes()).ok_or(RunError::Broken)?;
        let mut failure = None;
        let mut is_read = |row, pixels: &mut [u8]| {
            failure = source.row(row, pixels).err();
            failure.is_none()
        };
        let is_done = make_rows(&self.model, used, &mut self.progress, rows, &mut is_read, &mut observe);
        self.state = RunState::Failed;
        if let Some(error) = failure {
            return Err(RunError::Source(error));
        }
        let is_done = is_done.ok_or(RunError::Broken)?;
        self.state = if is_done { RunState::Done } else { RunState::Making };
        Ok(is_done)
    }

    /// The outputs. They have no bytes when the run is not done.
    pub fn finish(self) -> Outputs<'a, 'b> {
        let is_done = self.state == RunState::Done;
        let rings = self.arena.get(self.model.state_bytes()..).filter(|_| is_done);
        Outputs { model: self.model, rings: rings.unwrap_or_default() }
    }

    /// The outputs, while the arena is still held.
    pub fn outputs(&self) -> Outputs<'a, '_> {
        let is_done = self.state == RunState::Done;
        let rings = self.arena.get(self.model.state_bytes()..).filter(|_| is_done);
        Outputs { model: self.model, rings: rings.unwrap_or_default() }
    }

    /// Gives up the run, or what is left of it, and returns its arena.
    pub fn into_arena(self) -> &'b mut [u8] {
        self.arena
    }
}

/// The complete outputs of a network.
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'a, 'b> {
    model: Model<'a>,
    rings: &'b [u8],
}

impl<'b> Outputs<'_, 'b> {
    /// An output's bytes, `[height][width][channels]` of its element type; none if the network has no output with this
    /// number.
    pub fn bytes(&self, number: usize) -> &'b [u8] {
        let Some(tensor) = self.model.output_tensors().nth(number) else { return &[] };
        let tensor = self.model.layer(tensor.into()).output;
        let ring = self.rings.get(tensor.offset as usize..).unwrap_or_default();
        ring.get(..tensor.ring_bytes()).unwrap_or_default()
    }

    /// Number of outputs.
    pub fn count(&self) -> usize {
        self.model.outputs().count()
    }
}

/// Makes up to `rows` rows, from where the order stands. Returns whether all rows are made. Ends early when `is_read`,
/// which fills a row of the input layer, says that it could not. `None` when a row does not fit.
// Not inlined, because it is the same for every source of rows and every observer.
#[inline(never)]
fn make_rows(
    model: &Model<'_>,
    arena: &mut [u8],
    progress: &mut Progress,
    rows: usize,
    is_read: &mut dyn FnMut(u16, &mut [u8]) -> bool,
    observe: &mut dyn FnMut(usize, u16, &[u8]),
) -> Option<bool> {
    let (state, rings) = arena.split_at_mut_checked(model.state_bytes())?;
    // A constant, so that it is not built in one place and copied to another.
    let scratch = &mut const { Scratch::new() };
    let mut order = Order::resume(model, crate::elements_mut(state)?, *progress)?;
    for _ in 0..rows {
        let Step::Row(number, row) = order.step()? else { return Some(true) };
        let output = model.layer(number).output;
        let place = slot(&output, row)?;
        let (before, rest) = rings.split_at_mut_checked(place.start)?;
        let (made, after) = rest.split_at_mut_checked(place.len())?;
        // The input layer only reads the pixels of its row.
        if number == 0 && !is_read(row, made) {
            break;
        }
        let around = Around { before, place: (place.start, place.end), after };
        let work = &mut Work { model, number, tensor: &output, row, around, scratch, output: made };
        op::run(work)?;
        observe(number, row, work.output);
    }
    *progress = order.progress();
    Some(false)
}
