//! Accuracy of an image's network, compared with the float network that it was made from; and of its eyes.
//!
//! The photos to compare come from list files or from folders: [`pairs`] for verification, [`roles`] for open-set
//! identification. [`reading`] reads them, [`embedded`] runs both networks over them. [`verification`] and [`identification`] compute
//! the figures; the latter combines [`scene`], [`decisions`], [`rules`], [`networks`] and [`labels`]. [`page`]
//! prepares the plots.
//!
//! [`detection`] measures what an image's eyes find of faces that [`marks`] name, [`attack`] whether its photo check tells
//! live people from attacks.

pub mod attack;
pub mod decisions;
pub mod detection;
pub mod embedded;
mod galleries;
pub mod identification;
pub mod labels;
mod list;
pub mod marks;
pub mod networks;
pub mod page;
pub mod pairs;
pub mod reading;
pub mod roles;
pub mod rules;
pub mod scene;
pub mod verification;

/// Rates of accepting strangers for which figures are given.
const RATES: [f64; 2] = [0.003, 0.01];
