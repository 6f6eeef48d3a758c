//! The host side of Geode: a face-embedding network and photos of people in, a flash image out; and the other end of
//! a board's link.
//!
//! # Layers
//!
//! * [`import`] reads ONNX (it alone knows tract) into a [`graph`]; [`passes`] leave what the runtime executes;
//!   [`float`] runs that in `f32`.
//! * [`quantize`] makes it integer, [`plan`] gives every tensor its place, [`sections`] writes the image's parts.
//! * [`simulator`] is the board's own code on the host: the same crates, the same bits.
//! * [`photo`] reads files, [`face`] finds and aligns faces, [`crops`] is both.
//! * [`noise`] compares each of the image's tensors with the float network's.
//! * [`embedding`], [`enrol`], [`gallery`] turn photos into centres, [`calibrate`] strangers into thresholds; [`arcface`]
//!   has the losses of training.
//! * [`budget`] and [`cost`] tell what a network needs on a board, before it is there.
//! * [`board`] builds firmware, [`transport`] reaches a board, [`client`] speaks to it; [`containers`] are for flashers.
//! * [`mod@bench`] measures what a network costs, on boards and on this computer.
//! * [`report`] draws what was measured into one page.
//! * [`commands`] are what the program does with all this; [`output`] writes files whole and shows progress.

pub mod arcface;
pub mod bench;
pub mod board;
pub mod budget;
pub mod calibrate;
pub mod cli;
pub mod client;
pub mod commands;
pub mod containers;
pub mod cost;
pub mod crops;
pub mod embedding;
pub mod enrol;
pub mod face;
pub mod float;
pub mod gallery;
pub mod graph;
pub mod import;
pub mod noise;
pub mod output;
pub mod passes;
pub mod photo;
pub mod plan;
pub mod quantize;
pub mod report;
pub mod sections;
pub mod simulator;
pub mod transport;
