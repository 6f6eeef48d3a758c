//! The host side of Geode. It makes a flash image from a face-embedding network and photos of people, and talks to
//! boards over the link.
//!
//! The modules form a library that knows no command line; the program of the same name parses, calls and prints.
//!
//! # Layers
//!
//! * [`onnx`] reads a file into a [`graph`], and runs it with tract as the reference; [`passes`] reduce it to the
//!   operators of the runtime; [`float`] runs these in `f32`. [`op`] has a file for each operator, from its ONNX node
//!   and its `f32` form to the layer's record.
//! * [`quantize`] converts it to integers, [`plan`] places every tensor in the arena, [`sections`] writes the image's
//!   parts.
//! * [`simulator`] is the board's own code on the host: the same crates, the same bits. [`embedding`] turns its
//!   results into vectors, [`agreement`] measures their distance from the float network's, [`noise`] does so for each
//!   tensor, and [`discrimination`] checks that unlike pictures get unlike embeddings.
//! * [`photo`] reads files, [`face`] finds and aligns faces, [`crops`] combines both.
//! * [`people`] are enrolled from photos into an image and changed there; [`calibrate`] derives thresholds from
//!   strangers; [`bounds`] computes confidence intervals of rates; [`arcface`] has the losses of training.
//! * [`mod@export`] makes an image with all of these: read, fit, thresholds, build.
//! * [`accuracy`] measures verification and open-set identification of the int8 and the float network.
//! * [`mod@inspect`], [`budget`] and [`cost`] tell in advance what a network needs on a board.
//! * [`board`] builds firmware, [`transport`] connects to a board, [`client`] talks to it; [`recognise`] recognises
//!   photos, here or on a board; [`containers`] writes files for flashers.
//! * [`mod@bench`] measures the cost of a network on boards and on this computer.
//! * [`report`] draws results into one page; [`output`] writes files atomically and shows progress.
//! * [`mod@demo`] shows the whole way.

pub mod accuracy;
pub mod agreement;
pub mod arcface;
pub mod bench;
pub mod board;
pub mod bounds;
pub mod budget;
pub mod calibrate;
pub mod client;
pub mod containers;
pub mod cost;
pub mod crops;
pub mod demo;
pub mod discrimination;
pub mod embedding;
pub mod export;
pub mod face;
pub mod float;
pub mod graph;
pub mod inspect;
pub mod noise;
pub mod onnx;
pub mod op;
pub mod outline;
pub mod output;
pub mod passes;
pub mod people;
pub mod photo;
pub mod plan;
pub mod quantize;
pub mod recognise;
pub mod report;
pub mod sections;
pub mod simulator;
pub mod transport;
