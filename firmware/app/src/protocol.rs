//! The messages between host and board.
//!
//! ```text
//! host                         board
//! Hello                  →
//!                        ←     Hello, or Failed when it has no usable image
//! Recognise, or Embed    →
//!                        ←     Row(0)
//! Pixels                 →
//!                        ←     Row(1) …
//!                        ←     Recognised or Embedding, or Failed
//! ```
//!
//! The board asks for each row when it needs it: neither side needs flow control or a buffer for a photo.

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

/// Version of these messages; both sides must have the same.
pub const VERSION: u16 = 2;
/// Most elements of an embedding in one message.
pub const CHUNK: usize = 64;
/// Longest text.
pub const MAX_TEXT: usize = 160;

/// A short text.
pub type Text = String<MAX_TEXT>;

/// From host to board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Who are you?
    Hello,
    /// Recognise the face whose rows follow.
    Recognise,
    /// Compute the embedding of the face whose rows follow.
    Embed,
    /// The row that was asked for: `width · channels` bytes in the image's colour order.
    Pixels(#[serde(borrow)] &'a [u8]),
}

/// From board to host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
// Messages live for one exchange, one at a time.
#[allow(clippy::large_enum_variant)]
pub enum Reply {
    /// What board and image this is.
    Hello(Hello),
    /// Send this row.
    Row(u16),
    /// Part of an embedding, in order; the last is followed by `Done`.
    Embedding(Vec<i16, CHUNK>),
    /// The embedding is complete.
    Done(Cost),
    /// Who it is, or why nobody.
    Recognised(Recognised),
    /// It did not work.
    Failed(Text),
}

/// A board and its image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`] of the firmware.
    pub version: u16,
    /// Name of the board.
    pub board: Text,
    /// Name of the network.
    pub network: Text,
    /// Digest of the image.
    pub image: [u8; 32],
    /// Height, width and channels of the crop it takes.
    pub crop: [u16; 3],
    /// Elements of an embedding.
    pub dimension: u16,
    /// People enrolled.
    pub people: u16,
}

/// What an embedding cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Instructions, where the board counts them; cycles where it counts those.
    pub instructions: u64,
    /// Bytes of arena in use.
    pub arena_bytes: u32,
    /// Most bytes of stack ever in use.
    pub stack_bytes: u32,
}

/// Whether a probe is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is the best candidate.
    Accepted,
    /// The best is not near enough.
    TooFar,
    /// Somebody else is nearly as near.
    Ambiguous,
    /// There is nobody to be.
    NobodyEnrolled,
    /// The embedding has no direction: a broken network or a broken camera.
    Degenerate,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Name; empty for a stranger of the cohort.
    pub name: String<{ format::gallery::MAX_NAME }>,
    /// Cosine of the angle to their centre, Q30.
    pub cosine_q30: i32,
    /// That angle in degrees, to show: within a tenth.
    pub angle_degrees: f32,
}

/// What became of a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether it is accepted.
    pub verdict: Verdict,
    /// Whether an accepted probe lies so near to its person that nobody else enrolled can be within the margin.
    pub certified: bool,
    /// Probability that it is the best candidate and not another enrolled person, to show: ArcFace's posterior, 0 to 1.
    pub confidence: f32,
    /// The nearest enrolled person.
    pub best: Option<Candidate>,
    /// The nearest other person, or a stranger of the cohort if nearer.
    pub runner_up: Option<Candidate>,
}

/// A decision and what it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recognised {
    /// The decision.
    pub decision: Decision,
    /// What it took.
    pub cost: Cost,
}
