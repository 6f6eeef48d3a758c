//! The firmware of a device that remembers people and opens a door.

use core::fmt::{Display, Write as _};

use app::Recogniser;
use app::device::{About, Device, Inbox, MAX_SERIAL, Platform};
use app::door::Settings;
use app::output::Output;
use app::selftest;
use cortex::stack;
use embedded_storage::nor_flash::NorFlash;
use heapless::String;
use link::message::Text;
use link::session::KeyPair;
use store::{Layout, OpenError, Store};

use crate::{Board, load};

/// A board that has what a device needs.
pub trait DoorBoard: Board {
    /// Its devices.
    type Platform: Platform;
    /// Its flash for people and counters.
    type Flash: NorFlash;

    /// Bytes of the memory for frames.
    const FRAME_BYTES: usize;

    /// Starts clock and watchdog, and opens the devices; called once. Also the secrets for the store and for sessions.
    fn platform() -> (Self::Platform, [[u8; 32]; 2]);

    /// Opens the flash, and says where in it the store lies. Only one is in use at a time.
    fn flash() -> (Self::Flash, Layout);

    /// [`Self::flash`], blank as it comes from the factory.
    fn blank_flash() -> (Self::Flash, Layout);

    /// The serial number. By itself the board's name: emulated boards have no number of their own.
    fn serial() -> String<MAX_SERIAL> {
        // A longer name is none.
        Self::NAME.try_into().unwrap_or_default()
    }

    /// Milliseconds since the start.
    fn now_ms() -> u64;

    /// Turns the output off, also after a panic.
    fn output_off();
}

/// Version of the firmware.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the device for ever.
pub fn run_door<B: DoorBoard>(arena: &'static mut [u8], inbox: &'static mut Inbox) -> ! {
    B::output_off();
    stack::paint();
    let (mut platform, [store_key, session_key]) = B::platform();
    let mut trouble = String::new();
    let recogniser = kept(start::<B>(arena, &mut platform), &mut trouble);
    let store = recogniser.as_ref().and_then(|recogniser| {
        let random = platform.random();
        kept(open::<B>(recogniser, &store_key, random), &mut trouble)
    });
    let mut device = device::<B>(platform, recogniser, store, session_key, trouble, arena, inbox);
    loop {
        device.poll(B::now_ms());
    }
}

/// The device of a board.
// Not inlined, so that the stack that its making takes is free again when it returns.
#[inline(never)]
fn device<B: DoorBoard>(
    platform: B::Platform,
    recogniser: Option<Recogniser<'static>>,
    store: Option<Store<B::Flash>>,
    session_key: [u8; 32],
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
        start_ms: B::now_ms(),
        trouble,
    };
    let keys = KeyPair::new(session_key);
    Device::new(about, platform, recogniser, store, keys, arena, inbox, B::now_ms())
}

/// What came out well; otherwise its error, for whoever asks over the link.
fn kept<T>(result: Result<T, impl Display>, trouble: &mut Text) -> Option<T> {
    // A text that is too long is cut.
    result.map_err(|error| write!(trouble, "{error}")).ok()
}

/// Checks the image and the board itself.
// Not inlined, so that its stack is free again when it returns.
#[inline(never)]
fn start<B: DoorBoard>(arena: &mut [u8], platform: &mut B::Platform) -> Result<Recogniser<'static>, Trouble> {
    let recogniser = load::<B>(arena).map_err(Trouble::Start)?;
    platform.feed();
    if let Some(golden) = &recogniser.image().golden {
        selftest::run(recogniser.embedder(), golden, arena, &mut || platform.feed())
            .map_err(Trouble::SelfTest)?;
    }
    Ok(recogniser)
}

/// Opens the store; makes one at the first start.
#[inline(never)]
fn open<B: DoorBoard>(
    recogniser: &Recogniser<'_>,
    key: &[u8; 32],
    random: [u8; 32],
) -> Result<Store<B::Flash>, OpenError<<B::Flash as embedded_storage::nor_flash::ErrorType>::Error>> {
    let image = recogniser.image();
    let (network, dimension) = (image.model_id, image.dimension() as u16);
    let (flash, layout) = B::flash();
    let mut store = match Store::open(flash, layout, key, network, dimension) {
        Err(OpenError::Unformatted) => {
            let (flash, layout) = B::flash();
            let [a, b, c, d, e, f, g, h, ..] = random;
            let random = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
            Store::format(flash, layout, key, network, dimension, random)?
        }
        opened => opened?,
    };
    store.count_start()?;
    Ok(store)
}

/// Why a device starts in service mode.
enum Trouble {
    Start(app::StartError),
    SelfTest(selftest::SelfTestError),
}

impl Display for Trouble {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Trouble::Start(error) => error.fmt(f),
            Trouble::SelfTest(error) => error.fmt(f),
        }
    }
}

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

/// Turns the output off and waits for the watchdog.
pub fn stop_door<B: DoorBoard>() -> ! {
    B::output_off();
    cortex::stop()
}
