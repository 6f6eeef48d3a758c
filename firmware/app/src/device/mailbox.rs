//! The words through which an emulated board and its computer share a camera, a button and an output. They lie at the end
//! of the memory for frames, little-endian:
//!
//! ```text
//!  0  state    u32: 0 free for the camera, 1 the camera writes, 2 a frame is complete, 3 the board holds the memory
//!  4  width    u16, then height, u16
//!  8  format   u32, the number of the pixel format
//! 12  button   u32, 1 while it is held down
//! 16  output   u32, 1 while the door is open
//! 20  alive    u32, how often the watchdog was fed
//! 24  random   32 bytes, which the computer chooses anew for each start
//! 56  maker    u32: [`BURNT`] if the board knows a maker's key
//! 60  key      32 bytes, that key. A real board has it in its firmware, or in memory that is programmed once.
//! 92  mark     u32: [`MARK`], by which the computer knows the file
//! 96  zero     32 bytes
//! ```

/// Length of all words.
pub const BYTES: usize = 128;
/// Offset of the state.
pub const STATE: usize = 0;
/// Offset of width and height.
pub const SIZE: usize = 4;
/// Offset of the format.
pub const FORMAT: usize = 8;
/// Offset of the button.
pub const BUTTON: usize = 12;
/// Offset of the output.
pub const OUTPUT: usize = 16;
/// Offset of the watchdog's count.
pub const ALIVE: usize = 20;
/// Offset of the random bytes.
pub const RANDOM: usize = 24;
/// Offset of the word that says whether there is a maker's key.
pub const MAKER: usize = 56;
/// Offset of the maker's key.
pub const MAKER_KEY: usize = 60;

/// Offset of the mark.
pub const MARK_AT: usize = 92;

/// The file is the memory of an emulated device.
pub const MARK: u32 = u32::from_le_bytes(*b"GDV2");
/// There is a maker's key.
pub const BURNT: u32 = u32::from_le_bytes(*b"GMKR");

/// The camera may write.
pub const FREE: u32 = 0;
/// The camera writes.
pub const WRITING: u32 = 1;
/// A frame is complete.
pub const COMPLETE: u32 = 2;
/// The board holds the memory.
pub const HELD: u32 = 3;
