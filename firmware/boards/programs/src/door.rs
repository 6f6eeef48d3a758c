//! The firmware of a device that remembers people and opens a door.

use app::device::ready::{StartKeys, ready};
use app::device::{About, Device, Inbox, MAX_SERIAL, Platform};
use app::door::Settings;
use app::output::Output;
use app::update::Started;
use cortex::stack;
use embedded_storage::nor_flash::{ErrorType, NorFlash};
use heapless::String;
use link::message::Text;
use link::session::KeyPair;
use store::{Layout, Store};

use crate::Board;

/// A board that has what a device needs.
pub trait DoorBoard: Board {
    /// Its devices.
    type Platform: Platform;
    /// Its flash for people and counters.
    type Flash: NorFlash;

    /// How often a page of the flash can be erased.
    const FLASH_CYCLES: u32;
    /// Bytes of the memory for frames.
    const FRAME_BYTES: usize;

    /// Starts clock and watchdog, and opens the devices; called once. Also the secrets for the store and for sessions.
    fn platform() -> (Self::Platform, [[u8; 32]; 2]);

    /// Opens the flash, and says where in it the store lies. Only one is in use at a time.
    fn flash() -> (Self::Flash, Layout);

    /// [`Self::flash`], blank as it comes from the factory.
    fn blank_flash() -> (Self::Flash, Layout);

    /// Slot of an image. The program keeps that of the image which runs.
    fn slot(is_second: bool) -> &'static [u8];

    /// The maker's public key, if the board has one.
    fn maker_key() -> Option<[u8; 32]>;

    /// The serial number. By itself the board's name: emulated boards have no number of their own.
    fn serial() -> String<MAX_SERIAL> {
        // A longer name is none.
        Self::NAME.try_into().unwrap_or_default()
    }

    /// Milliseconds since the start.
    fn now_ms() -> u64;

    /// Rests for at most some milliseconds, unless a byte or a frame is there. By itself not at all.
    fn rest(_platform: &mut Self::Platform) {}

    /// Adds to a text what of the board does not work although it goes on. By itself nothing.
    fn trouble(_text: &mut Text) {}

    /// Turns the output off, also after a panic, a fault or an interrupt that nobody expects.
    fn output_off();
}

/// Version of the firmware.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the device for ever.
pub fn run_door<B: DoorBoard>(arena: &'static mut [u8], inbox: &'static mut Inbox) -> ! {
    B::output_off();
    stack::paint();
    let mut device = started::<B>(arena, inbox);
    loop {
        device.poll(B::now_ms());
        if device.is_waiting() {
            B::rest(device.platform());
        }
    }
}

/// The device after its start.
// Not inlined, so that the stack that a start takes is free again when it returns.
#[inline(never)]
fn started<B: DoorBoard>(
    arena: &'static mut [u8],
    inbox: &'static mut Inbox,
) -> Device<'static, 'static, B::Platform, B::Flash> {
    let (mut platform, [store_key, session_key]) = B::platform();
    let maker = B::maker_key();
    let keys = StartKeys { store: &store_key, maker: maker.as_ref() };
    let mut store = None;
    let (started, mut trouble) = ready(&mut platform, B::flash, B::slot, keys, arena, &mut store);
    B::trouble(&mut trouble);
    device::<B>(platform, started, store, session_key, maker, trouble, arena, inbox)
}

/// The device of a board.
// Not inlined, so that the stack that its making takes is free again when it returns.
#[inline(never)]
#[allow(clippy::too_many_arguments)]
fn device<B: DoorBoard>(
    platform: B::Platform,
    started: Started<'static, FlashError<B>>,
    store: Option<Store<B::Flash>>,
    session_key: [u8; 32],
    maker_key: Option<[u8; 32]>,
    trouble: Text,
    arena: &'static mut [u8],
    inbox: &'static mut Inbox,
) -> Device<'static, 'static, B::Platform, B::Flash> {
    let about = About {
        board: B::NAME,
        firmware: VERSION,
        serial: B::serial(),
        settings: Settings::default(),
        is_verify_open: true,
        frame_bytes: B::FRAME_BYTES as u32,
        flash_cycles: B::FLASH_CYCLES,
        start_ms: B::now_ms(),
        trouble,
        maker_key,
    };
    let keys = KeyPair::new(session_key);
    Device::new(about, platform, started, store, keys, arena, inbox, B::now_ms())
}

type FlashError<B> = <<B as DoorBoard>::Flash as ErrorType>::Error;

/// Opens the door and panics when the button is pressed, with the board's own devices and panic handler.
pub fn run_crash<B: DoorBoard>() -> ! {
    let (mut platform, _) = B::platform();
    // The door that it does not open stays closed, and whoever waits for it sees that.
    let _ = platform.output().open(1);
    loop {
        platform.feed();
        assert!(!platform.is_button_held(), "the button is pressed");
    }
}

/// Opens the door and lets the stack overflow when the button is pressed.
pub fn run_overflow<B: DoorBoard>() -> ! {
    let (mut platform, _) = B::platform();
    // As above.
    let _ = platform.output().open(1);
    loop {
        platform.feed();
        if platform.is_button_held() {
            core::hint::black_box(deep(1));
        }
    }
}

/// Calls itself until the stack ends.
#[allow(unconditional_recursion)]
#[inline(never)]
fn deep(depth: u32) -> u32 {
    let frame = core::hint::black_box([depth; 64]);
    // Not the last thing that it does, so that each call has a frame.
    deep(depth + 1).wrapping_add(frame.iter().sum())
}

/// Turns the output off and waits for the watchdog.
pub fn stop_door<B: DoorBoard>() -> ! {
    B::output_off();
    cortex::stop()
}
