//! A device that remembers people and opens a door: how this computer pairs with it and administers it.
//!
//! * [`keys`]: the administrator's key, and the boards it is paired with.
//! * [`session`]: a secure session with a device.
//! * [`place`]: a device on a port, or an emulated one whose memory is kept in a file.
//! * [`camera`]: the camera of an emulated device.
//! * [`update`]: another image.
//! * [`people`]: enrolling, listing, deleting, and what else is asked of a device.
//! * [`selftest`]: the device's tests of itself.
//! * [`parcel`]: people on their way to another board, as a file.

pub mod camera;
pub mod keys;
pub mod parcel;
pub mod people;
pub mod place;
pub mod selftest;
pub mod session;
pub mod update;
