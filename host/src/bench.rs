//! What running a network costs, measured: [`boards`] counts instructions on emulated boards, [`computer`] times this
//! computer beside other runtimes.

pub mod boards;
pub mod computer;
