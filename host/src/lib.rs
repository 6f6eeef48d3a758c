//! The host side of Geode. It makes a flash image from a face-embedding network and photos of people, and talks to
//! boards over the link.
//!
//! The modules form a library that knows no command line; the program of the same name parses, calls and prints.
//!
//! # Layers
//!
//! * [`onnx`] reads a file into a [`graph`], and runs it by tract as the reference; [`passes`] leave what the runtime executes;
//!   [`float`] runs that in `f32`. [`op`] has a file an operator: from an ONNX node over `f32` to the layer's record.
//! * [`quantize`] makes it integer, [`plan`] gives every tensor its place, [`sections`] writes the image's parts.
//! * [`simulator`] is the board's own code on the host: the same crates, the same bits. [`embedding`] has what it gives as
//!   vectors, [`agreement`] how far they are from the float network's, [`noise`] the same of each tensor, [`discrimination`]
//!   whether unlike pictures get unlike ones.
//! * [`photo`] reads files, [`sight`] has the board's eyes, [`face`] finds and aligns faces with them or in float, [`crops`] is all
//!   of it.
//! * [`people`] are enrolled from photos into an image and changed there; [`calibrate`] turns strangers into thresholds;
//!   [`bounds`] tell how sure a rate is; [`arcface`] has the losses of training.
//! * [`mod@export`] makes an image of all this: read, fit, thresholds, build.
//! * [`signing`] has the maker's keys, and signs images for updates of boards in use.
//! * [`accuracy`] measures verification and open-set identification, int8 beside float.
//! * [`mod@inspect`], [`budget`] and [`cost`] tell what a network needs on a board, before it is there.
//! * [`board`] builds firmware, [`transport`] reaches a board, [`shared`] is its camera in an emulator, [`client`] speaks to
//!   it; [`recognise`] answers who is in photos and in frames, here or on a board; [`containers`] are for flashers, [`mod@flash`] writes to real boards; [`sniff`] tells what a file is that was given as something else.
//! * [`mod@bench`] measures what a network costs, on boards and on this computer.
//! * [`report`] draws what was measured into one page; [`output`] prints, writes files whole and shows progress;
//!   [`interrupt`] leaves nothing behind when the program is told to end; [`usage`] is the error of a wrong command line.
//! * [`mod@demo`] goes the whole way once.

// `print!` and `eprint!` panic where nobody reads: [`output`] prints.
#![deny(clippy::print_stdout, clippy::print_stderr)]

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
pub mod device;
pub mod discrimination;
pub mod embedding;
pub mod export;
pub mod face;
pub mod flash;
pub mod float;
pub mod graph;
pub mod inspect;
pub mod interrupt;
pub mod name;
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
pub mod secret;
pub mod sections;
pub mod shared;
pub mod sight;
pub mod signing;
pub mod simulator;
pub mod sizes;
pub mod sniff;
pub mod transport;
pub mod usage;
mod wire;
