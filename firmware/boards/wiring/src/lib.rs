//! A real board as the programs see it, made from its wiring.
//!
//! A chip says in [`Processor`] what it does without its pins, a board in [`Wiring`] what they lead to. All else is the same on
//! each: the macro [`board!`] implements the traits of the programs with the functions here.
//!
//! * [`frame`]: the memory for frames.
#![no_std]

pub mod frame;

use core::cell::Cell;
use core::marker::PhantomData;

use chips::button::Button;
use chips::flash::{Mapped, Part, Region};
use chips::keys;
use chips::line::Line;
use chips::platform::{self, Platform};
use chips::random::Generator;
use chips::trouble::Troubles;
use critical_section::Mutex;
use embassy_time::Instant;
use embedded_hal::digital::InputPin;
use embedded_storage::nor_flash::NorFlash;
use heapless::String;
use programs::app::device::MAX_SERIAL;
use programs::app::device::camera::Camera;
use programs::app::output::Output;
use programs::link::message::Text;
use programs::{Counter, cortex};

#[doc(hidden)] // Used by the macro.
pub use {chips, embedded_storage, heapless, programs};

/// Where the memories of a board lie: address and bytes of each, from its `board.toml`.
#[derive(Clone, Copy, Debug)]
pub struct Memories {
    /// The whole flash chip.
    pub flash: Region,
    /// The part of it for people and counters.
    pub store: Region,
    /// The parts of it for a device's images.
    pub slots: [Region; 2],
    /// Memories for an image of a program without a door, the second in the flash chip.
    pub images: [Region; 2],
}

/// What a board has before its memories are opened.
pub struct Begun<W: Wiring> {
    /// The random numbers.
    pub generator: W::Generator,
    /// What does not work.
    pub troubles: Troubles,
    /// What [`Wiring::open`] needs.
    pub rest: W::Rest,
}

/// What a board's pins lead to.
pub struct Opened<W: Wiring> {
    /// The link.
    pub link: Line,
    /// The line of a controller that knows modules HLK-FM22x, if there is one.
    pub controller: Option<Line>,
    /// The camera.
    pub camera: W::Camera,
    /// What opens the door.
    pub output: W::Output,
    /// The button.
    pub button: Button<<W::Processor as Processor>::Pin>,
}

/// What a chip does without its pins.
pub trait Processor {
    /// A pin that is read.
    type Pin: InputPin;

    /// Starts the watchdog, for ever; called before the clocks are started.
    fn start_watchdog();

    /// Tells the watchdog that something was achieved.
    fn feed();

    /// Starts the chip anew.
    fn restart() -> ! {
        cortex::reset()
    }

    /// The chip's own number, in hexadecimal digits; empty if it cannot be read.
    fn serial() -> String<MAX_SERIAL>;
}

/// Where a board's memories lie. The macro [`board!`] says it.
pub trait Placed {
    /// The memories.
    const MEMORIES: Memories;
}

/// A board.
pub trait Wiring: Placed + Sized {
    /// The chip.
    type Processor: Processor;
    /// The flash chip.
    type Flash: Mapped;
    /// The flash of the device's keys.
    type Keys: NorFlash;
    /// Random numbers.
    type Generator: Generator;
    /// The camera.
    type Camera: Camera;
    /// What opens the door.
    type Output: Output;
    /// What is left of the chip after [`Self::begin`].
    type Rest;

    /// The flash chip.
    const FLASH: Self::Flash;
    /// The core's clock.
    const CORE_MHZ: u64;

    /// Starts clocks and flash; called once. The caches are off.
    fn begin() -> Begun<Self>;

    /// The flash of the device's keys.
    fn keys() -> Self::Keys;

    /// Turns the caches on, and maps the flash if it was started.
    fn open_memories(troubles: &mut Troubles);

    /// Opens the link alone.
    fn open_link(rest: Self::Rest) -> Line;

    /// The link, once more.
    fn link() -> Line;

    /// Opens everything.
    fn open(rest: Self::Rest) -> Opened<Self>;

    /// RAM that no restart clears; it may be empty. Called once.
    fn retained() -> &'static mut [u8];

    /// Turns the relay off, whatever state program and chip are in.
    fn relay_off();

    /// Adds what does not work besides the usual to a text for the link.
    fn tell_more(_text: &mut Text) {}
}

/// What does not work, for the link.
static TROUBLES: Mutex<Cell<Troubles>> = Mutex::new(Cell::new(Troubles::NONE));

fn troubles() -> Troubles {
    critical_section::with(|section| TROUBLES.borrow(section).get())
}

/// What does not work, as a text. What does not fit is cut off.
pub fn trouble<W: Wiring>(text: &mut Text) {
    troubles().tell(text);
    W::tell_more(text);
}

fn tell(troubles: Troubles) {
    critical_section::with(|section| TROUBLES.borrow(section).set(troubles));
}

/// Whether the board was begun before; from now on it was.
fn is_begun() -> bool {
    static IS_BEGUN: Mutex<Cell<bool>> = Mutex::new(Cell::new(false));
    critical_section::with(|section| IS_BEGUN.borrow(section).replace(true))
}

/// The link of a program without a door; begins the board at the first call.
pub fn link<W: Wiring>() -> Line {
    if is_begun() {
        return W::link();
    }
    let Begun { mut troubles, rest, .. } = W::begin();
    W::open_memories(&mut troubles);
    tell(troubles);
    W::open_link(rest)
}

/// The board's parts and secrets.
///
/// # Panics
/// When the board was begun before.
pub fn platform<W: Wiring>() -> (Platform<Wired<W>>, [[u8; 32]; 2]) {
    // Before the clocks: whatever does not end starts the chip anew.
    W::Processor::start_watchdog();
    assert!(!is_begun(), "the board was begun before");
    let Begun { mut generator, mut troubles, rest } = W::begin();
    let from = (W::MEMORIES.store.0 - W::MEMORIES.flash.0) as u32;
    let blank = || W::FLASH.erase(from, from + W::MEMORIES.store.1 as u32).is_ok();
    // Without keys and random numbers nothing can be said on the link. The watchdog starts the chip anew.
    let keys =
        keys::start(&mut W::keys(), &mut generator, blank, &mut troubles).unwrap_or_else(|_| cortex::stop());
    W::open_memories(&mut troubles);
    tell(troubles);
    W::Processor::feed();
    let Opened { link, controller, camera, output, button } = W::open(rest);
    W::Processor::feed();
    let (images, retained) = (images::<W>(), W::retained());
    (Platform { link, controller, camera, output, images, button, random: generator, retained }, keys)
}

/// The part of the flash for a device's images.
pub const fn images<W: Wiring>() -> Part<W::Flash> {
    const { Part::images(W::FLASH, W::MEMORIES.flash, W::MEMORIES.slots) }
}

/// The part of the flash for people and counters.
pub fn store<W: Wiring>() -> Part<W::Flash> {
    Part::store(W::FLASH, W::MEMORIES.flash, W::MEMORIES.store, troubles().has_keys())
}

/// Memory for images of a program without a door that lies in the flash chip; nothing if that is not mapped.
pub fn external<W: Wiring>() -> &'static [u8] {
    let (address, bytes) = W::MEMORIES.images[1];
    match W::FLASH.is_mapped() {
        true => W::FLASH.memory((address - W::MEMORIES.flash.0) as u32, bytes as u32),
        false => &[],
    }
}

/// Cycles of the core since the clocks were started, in steps of a microsecond.
fn cycles<W: Wiring>() -> u64 {
    Instant::now().as_micros() * W::CORE_MHZ
}

/// A board as the platform of a device.
pub struct Wired<W>(PhantomData<W>);

impl<W> Wired<W> {
    /// The board.
    pub const NEW: Self = Wired(PhantomData);
}

/// Cycles of the core, in the place of instructions.
impl<W: Wiring> Counter for Wired<W> {
    fn instructions(&self) -> u64 {
        cycles::<W>()
    }
}

impl<W: Wiring> platform::Chip for Wired<W> {
    type Camera = W::Camera;
    type Output = W::Output;
    type Flash = W::Flash;
    type Pin = <W::Processor as Processor>::Pin;
    type Generator = W::Generator;

    fn cycles() -> u64 {
        cycles::<W>()
    }

    fn feed() {
        W::Processor::feed();
    }

    fn stack_bytes() -> u32 {
        cortex::stack::high_water_bytes()
    }

    fn restart() -> ! {
        W::Processor::restart()
    }
}

/// Implements the traits of the programs for a board that has a [`Wiring`], from the facts in its
/// `board.toml`. `frames` gives the memory for frames of a program without a door, and `internal` its images in internal flash.
#[macro_export]
macro_rules! board {
    ($board:ty, $facts:path, frames: $frames:ty = $take:expr, frame_bytes: $frame_bytes:expr, internal: $internal:expr) => {
        const _: () = {
            use $crate::chips::{flash, maker, wait};
            use $crate::embedded_storage::nor_flash::NorFlash as _;
            use $crate::heapless::String;
            use $crate::programs::app::device::MAX_SERIAL;
            use $crate::programs::link::message::Text;
            use $crate::programs::store::Layout;
            use $crate::{Memories, Placed, Processor, Wired, Wiring};
            use $facts as facts;

            type Part = flash::Part<<$board as Wiring>::Flash>;

            /// The store's layout.
            const LAYOUT: Layout = match flash::layout(facts::STORE_WORD, facts::STORE_PAGES) {
                Ok(layout) => layout,
                Err(_) => panic!("the layout of the store"),
            };

            impl Placed for $board {
                const MEMORIES: Memories = Memories {
                    flash: facts::FLASH,
                    store: facts::STORE,
                    slots: facts::SLOTS,
                    images: facts::IMAGES,
                };
            }

            const _: () = assert!(
                $crate::programs::keeps_limits(facts::LAYERS, facts::ROW_BYTES),
                "the limits of board.toml"
            );

            impl $crate::programs::Board for $board {
                const NAME: &'static str = facts::NAME;
                const ARENA_BYTES: usize = facts::ARENA_BYTES;

                type Stream = $crate::chips::line::Line;
                type Counter = Wired<$board>;
                type Frames = $frames;

                fn stream() -> Self::Stream {
                    $crate::link::<$board>()
                }

                fn counter() -> Wired<$board> {
                    Wired::NEW
                }

                fn frames() -> $frames {
                    $take
                }

                fn images() -> [&'static [u8]; 2] {
                    [$internal, $crate::external::<$board>()]
                }
            }

            impl $crate::programs::DoorBoard for $board {
                type Platform = $crate::chips::platform::Platform<Wired<$board>>;
                type Flash = Part;

                const FLASH_CYCLES: u32 = facts::STORE_CYCLES;
                const FRAME_BYTES: usize = $frame_bytes;

                fn platform() -> (Self::Platform, [[u8; 32]; 2]) {
                    $crate::platform::<$board>()
                }

                fn flash() -> (Part, Layout) {
                    ($crate::store::<$board>(), LAYOUT)
                }

                fn blank_flash() -> (Part, Layout) {
                    let (mut flash, layout) = Self::flash();
                    // Whoever uses it sees whether it is blank.
                    let _ = flash.erase(0, facts::STORE.1 as u32);
                    (flash, layout)
                }

                fn slot(is_second: bool) -> &'static [u8] {
                    $crate::images::<$board>().slot(is_second)
                }

                /// The 64 hexadecimal digits of the variable `GEODE_MAKER_KEY` when the firmware is built.
                fn maker_key() -> Option<[u8; 32]> {
                    const { maker::key(option_env!("GEODE_MAKER_KEY")) }
                }

                fn serial() -> String<MAX_SERIAL> {
                    <$board as Wiring>::Processor::serial()
                }

                fn now_ms() -> u64 {
                    wait::now_ms()
                }

                fn trouble(text: &mut Text) {
                    $crate::trouble::<$board>(text);
                }

                fn output_off() {
                    <$board as Wiring>::relay_off();
                }
            }
        };
    };
}
