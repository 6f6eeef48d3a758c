//! Accuracy of an image's network and, beside it, of the float one it was made from.
//!
//! What is compared comes from files or is dealt out of folders: [`pairs`] for verification, [`roles`] for open-set
//! identification. [`embedded`] runs both networks over the photos. [`verification`] and [`identification`] count; the latter
//! puts together what [`scene`] sees in [`decisions`], [`rules`], [`networks`] and [`labels`]. [`page`] draws.

pub mod decisions;
pub mod embedded;
mod galleries;
pub mod identification;
pub mod labels;
mod list;
pub mod networks;
pub mod page;
pub mod pairs;
pub mod roles;
pub mod rules;
pub mod scene;
pub mod verification;

/// Rates of accepting strangers that figures are given for.
const RATES: [f64; 2] = [0.003, 0.01];
