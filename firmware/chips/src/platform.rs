//! A chip as the platform of a device.

use core::marker::PhantomData;

use app::device::camera::Camera;
use app::output::Output;
use app::sight::Observer;
use embedded_hal::digital::InputPin;

use crate::button::Button;
use crate::flash::{Mapped, Part};
use crate::line::Line;
use crate::random::{Generator, draw};

/// What a chip does for its platform.
pub trait Chip {
    /// The camera.
    type Camera: Camera;
    /// What opens the door.
    type Output: Output;
    /// The flash of images.
    type Flash: Mapped;
    /// The button's pin.
    type Pin: InputPin;
    /// Random numbers.
    type Generator: Generator;

    /// Cycles of the core since the start, or instructions.
    fn cycles() -> u64;
    /// Tells the watchdog that something was achieved.
    fn feed();
    /// Most bytes of stack ever in use.
    fn stack_bytes() -> u32;
    /// Starts the chip anew.
    fn restart() -> !;
}

/// Counts a chip's cycles.
pub struct Cycles<C>(PhantomData<C>);

impl<C> Clone for Cycles<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Cycles<C> {}

impl<C: Chip> Observer for Cycles<C> {
    fn instructions(&mut self) -> u64 {
        C::cycles()
    }

    fn breathe(&mut self) {}
}

/// The parts of a device on a chip.
pub struct Platform<C: Chip> {
    /// The link.
    pub link: Line,
    /// The line of a controller that knows modules HLK-FM22x, if there is one.
    pub controller: Option<Line>,
    /// The camera.
    pub camera: C::Camera,
    /// What opens the door.
    pub output: C::Output,
    /// The flash of images.
    pub images: Part<C::Flash>,
    /// The button.
    pub button: Button<C::Pin>,
    /// Random numbers.
    pub random: C::Generator,
    /// Memory for the last decisions; it may be empty.
    pub retained: &'static mut [u8],
}

impl<C: Chip> app::device::Platform for Platform<C> {
    type Stream = Line;
    type Second = Line;
    type Camera = C::Camera;
    type Output = C::Output;
    type Meter = Cycles<C>;
    type Images = Part<C::Flash>;

    fn stream(&mut self) -> &mut Line {
        &mut self.link
    }

    fn second(&mut self) -> Option<&mut Line> {
        self.controller.as_mut()
    }

    fn camera(&mut self) -> &mut C::Camera {
        &mut self.camera
    }

    fn output(&mut self) -> &mut C::Output {
        &mut self.output
    }

    fn meter(&mut self) -> Cycles<C> {
        Cycles(PhantomData)
    }

    fn images(&mut self) -> &mut Part<C::Flash> {
        &mut self.images
    }

    fn random(&mut self) -> [u8; 32] {
        match draw(&mut self.random) {
            Ok(bytes) => bytes,
            // Nothing may be sealed or said under bytes that somebody foresees. At the next start the generator may work.
            Err(_) => {
                // The restart closes the door as well.
                let _ = self.output.close();
                C::restart()
            }
        }
    }

    fn tested_random(&mut self) -> Option<[u8; 32]> {
        draw(&mut self.random).ok()
    }

    fn retained(&mut self) -> &mut [u8] {
        self.retained
    }

    fn is_button_held(&mut self) -> bool {
        self.button.is_held()
    }

    fn feed(&mut self) {
        C::feed();
    }

    fn stack_bytes(&mut self) -> u32 {
        C::stack_bytes()
    }

    fn restart(&mut self) {
        self.link.drain();
        C::restart()
    }
}
