//! People: enrolled from photos into an image, and changed there without the photos of the others.
//!
//! [`folder`] reads photos, [`enrol`] makes a person's centres of their embeddings, [`newcomers`] does both for everybody of a
//! folder. [`gallery`] reads and replaces the people of an image; [`closeness`] tells who cannot be told apart, [`copies`] which
//! photos are one. On these, [`list`] shows, [`change`] adds, removes and merges, [`statistics`] measures a gallery.

pub mod change;
pub mod closeness;
pub mod copies;
pub mod enrol;
pub mod folder;
pub mod gallery;
pub mod list;
pub mod newcomers;
pub mod statistics;
