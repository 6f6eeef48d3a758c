//! Decides which enrolled person an embedding belongs to, if any: by angle, in integers.
//!
//! An embedding and a centre are directions. Their lengths are scale factors of quantisation and have no meaning.
//! `cos θ = dot / √(n · p)`, with `n` and `p` the squared norms of the centre and of the probe.
//!
//! # Layers
//!
//! A module uses only modules above it in this list.
//!
//! * [`mod@dot`]: the inner product.
//! * [`kernels`]: the inner products of a probe and many centres, where nearly all the time goes.
//! * [`centres`]: a checked view of a gallery, or of a cohort of strangers.
//! * [`nearest`]: how near centres are to a probe.
//! * [`runs`]: everybody's centres, in one view or in several that are opened one after another; the nearest person, and
//!   the nearest other person. Knows no thresholds.
//! * [`root`], a real number known by its sign and square, and [`wide`], an integer wide enough for the largest such square.
//! * [`rules`]: the conditions of acceptance. Knows no galleries.
//! * [`cosine`]: rounded cosines.
//! * [`cap`]: the region where no other person can be within the margin.
//! * [`decision`]: applies all of these to one probe.
//! * [`blend`]: centres from embeddings, where people are enrolled on a board.
//!
//! # The decision
//!
//! θ₁ is the smallest angle from the probe to any centre, and the person it belongs to is the *best*; θ₂ is the
//! smallest angle to any centre of another person. The *runner-up* is that person, or a stranger of the cohort if
//! nearer.
//!
//! 1. Absolute rule: `cos θ₁ ≥ t`. A probe farther than that from everybody is a stranger.
//! 2. Margin rule: `θ₁ + m ≤ θ₂`, and no stranger of the cohort is nearer than θ₁. A probe that is about as near to
//!    another person, or nearer to a stranger, is ambiguous. The first condition is tested without trigonometry by
//!    the identity that puts the angular margin into training (ArcFace, Deng et al., CVPR 2019, section 2.1, equation
//!    3): `cos(θ₁ + m) = cos θ₁ cos m − sin θ₁ sin m ≥ cos θ₂`.
//! 3. Certificate: `θ₁ ≤ (φ − m) / 2`, with φ the angle between the best's centre and the nearest other person's. By
//!    geometry alone no other enrolled person can then be within m of the probe ([`cap`]). It can be made a rule.
//!
//! # Principles
//!
//! * Every comparison is exact. No verdict depends on rounding, and host and boards agree bit for bit. Rounded
//!   cosines are only displayed ([`Candidate::cosine_q30`]) or used as safe bounds ([`cap`]).
//! * A verdict depends on directions only: scaling the probe changes nothing.
//! * Ties go to the lowest person number, then to the earliest centre, and to an enrolled person before a stranger.
//!   They never turn a rejection into an acceptance.
//! * Views are checked when they are made ([`Centres::new_checked`], [`Margin::new_checked`],
//!   [`Matcher::new_checked`]) or with their image ([`Centres::of_gallery`]). After that every embedding of the right
//!   length gets an [`Outcome`], and any other an error.
//! * Nothing panics: a slice is a checked window, and what does not fit is an error ([`DecideError`], [`ScanError`]).
//!
//! No heap, no float. Largest values: `|dot| ≤ 127·32768·512 < 2³¹`, `n ≤ 127²·512 < 2²³`, `p ≤ 2³⁰·512 = 2³⁹`, and
//! by Cauchy–Schwarz `dot² ≤ n · p < 2⁶²`.
#![no_std]
#![warn(unused_results)]

#[cfg(test)]
extern crate std;

pub mod blend;
pub mod cap;
pub mod centres;
pub mod cosine;
pub mod decision;
pub mod dot;
pub mod kernels;
pub mod nearest;
pub mod root;
pub mod rules;
pub mod runs;
pub mod wide;

pub use blend::{Blend, BlendError};
pub use centres::{Centres, CentresError, MAX_CENTRES};
pub use decision::{
    Candidate, DimensionMismatch, Judge, Matcher, Outcome, Rejection, RunnerUp, Verdict, others_within,
};
pub use dot::MAX_DIMENSION;
pub use nearest::ScanError;
pub use rules::{Margin, MarginError, ONE_Q30, Rules};
pub use runs::{DecideError, Runs};
