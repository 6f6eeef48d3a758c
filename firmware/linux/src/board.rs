//! The computer as the device's platform, and the loop in which the device runs.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use app::device::ready::{StartKeys, ready};
use app::device::{About, Device, Inbox, Platform};
use app::door::Settings;
use app::sight::Observer;
use app::update::ImageFlash as _;
use link::session::KeyPair;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::camera::{Eye, FRAME_BYTES};
use crate::flash::Images;
use crate::line::Line;
use crate::panel::{Button, Door};
use crate::service::Service;
use crate::state::{Retained, State, mapped};
use crate::{Run, say};

/// Name of the board.
const NAME: &str = "linux";
/// Bytes of memory for the networks' rows.
pub const ARENA_BYTES: usize = 4 << 20;
/// How often a page may be erased: as often as in flash on QUADSPI. A disk levels its wear itself, and does not say how far it is.
const FLASH_CYCLES: u32 = 100_000;
/// Pause when there is nothing to do.
const PAUSE: Duration = Duration::from_millis(1);

/// Nanoseconds, in the place of instructions.
#[derive(Clone, Copy)]
pub struct Nanoseconds(Instant);

impl Nanoseconds {
    /// From now on.
    pub fn new() -> Self {
        Nanoseconds(Instant::now())
    }
}

impl Observer for Nanoseconds {
    fn instructions(&mut self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }

    fn breathe(&mut self) {}
}

/// All that outlives a restart of the device.
struct Parts {
    link: Line,
    controller: Option<Line>,
    eye: Eye,
    door: Door,
    button: Button,
    log: Retained,
    service: Service,
    is_ended: Arc<AtomicBool>,
}

/// The computer as a device's platform.
struct Computer<'p> {
    parts: &'p mut Parts,
    images: Images,
    meter: Nanoseconds,
    is_restarting: bool,
}

impl Platform for Computer<'_> {
    type Stream = Line;
    type Second = Line;
    type Camera = Eye;
    type Output = Door;
    type Meter = Nanoseconds;
    type Images = Images;

    fn stream(&mut self) -> &mut Line {
        &mut self.parts.link
    }

    fn second(&mut self) -> Option<&mut Line> {
        self.parts.controller.as_mut()
    }

    fn camera(&mut self) -> &mut Eye {
        &mut self.parts.eye
    }

    fn output(&mut self) -> &mut Door {
        &mut self.parts.door
    }

    fn meter(&mut self) -> Nanoseconds {
        self.meter
    }

    fn images(&mut self) -> &mut Images {
        &mut self.images
    }

    /// # Panics
    /// When the system gives no random numbers: nothing secret may be made without.
    fn random(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the system's random numbers");
        bytes
    }

    fn retained(&mut self) -> &mut [u8] {
        self.parts.log.memory()
    }

    fn is_button_held(&mut self) -> bool {
        self.parts.button.is_held()
    }

    /// The service manager's, where it has one for the program.
    fn has_watchdog(&self) -> bool {
        self.parts.service.has_watchdog()
    }

    fn feed(&mut self) {
        self.parts.service.feed();
    }

    /// Returns when the program is told to end.
    fn starve(&mut self) {
        while !self.parts.is_ended.load(Ordering::Relaxed) {
            std::thread::sleep(PAUSE);
        }
    }

    /// All of the stack that the system has given the program, in pages.
    fn stack_bytes(&mut self) -> u32 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let kilobytes =
            status.lines().find_map(|line| line.strip_prefix("VmStk:")?.trim().strip_suffix(" kB"));
        kilobytes.and_then(|number| number.parse::<u32>().ok()).map_or(0, |number| number * 1024)
    }

    fn restart(&mut self) {
        self.is_restarting = true;
    }
}

/// Runs the device until a signal ends it.
///
/// # Errors
/// When something of what it has cannot be used.
pub fn run(wanted: &Run) -> Result<()> {
    let is_ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, is_ended.clone()).context("cannot catch signals")?;
    }
    // Before anything that can fail: a program that was killed may have left the door open.
    let door = Door::new(wanted.relay.as_ref(), wanted.light.as_ref())?;
    let state = State::open(&wanted.state)?;
    let keys = state.keys()?;
    let images = state.images(wanted.image.as_deref())?;
    let people = state.people()?;
    let mut parts = Parts {
        door,
        button: Button::new(wanted.button.as_ref())?,
        link: Line::open(&wanted.link.clone().unwrap_or_else(|| state.path("link")), wanted.baud)?,
        controller: wanted.controller.as_ref().map(|path| Line::open(path, wanted.baud)).transpose()?,
        log: state.log()?,
        service: Service::of_environment(),
        is_ended: is_ended.clone(),
        // Last: from here on another thread may have something to say.
        eye: Eye::open(&wanted.camera, wanted.repeat)?,
    };
    parts.service.ready();
    let start = Instant::now();
    let mut arena = vec![0u128; ARENA_BYTES / 16];
    while !is_ended.load(Ordering::Relaxed) {
        let began = Instant::now();
        // What runs does not change; the device writes to the slot beside it.
        let running = mapped(images.clone())?;
        let mut computer = Computer {
            parts: &mut parts,
            images: mapped(images.clone())?,
            meter: Nanoseconds::new(),
            is_restarting: false,
        };
        let arena: &mut [u8] = bytemuck::cast_slice_mut(&mut arena);
        let mut store = None;
        let start_keys = StartKeys { store: &keys[0], maker: wanted.maker_key.as_ref() };
        let (started, trouble) = ready(
            &mut computer,
            || people.clone(),
            |is_second| running.mapped(is_second),
            start_keys,
            arena,
            &mut store,
        );
        match trouble.as_str() {
            "" => say(format_args!("started in {} ms", began.elapsed().as_millis())),
            why => say(format_args!("nobody is let in: {why}")),
        }
        let now_ms = || start.elapsed().as_millis() as u64;
        let about = About {
            board: NAME,
            firmware: env!("CARGO_PKG_VERSION"),
            serial: NAME.try_into().unwrap_or_default(),
            settings: Settings::default(),
            is_verify_open: true,
            frame_bytes: FRAME_BYTES as u32,
            flash_cycles: FLASH_CYCLES,
            start_ms: began.elapsed().as_millis() as u64,
            trouble,
            maker_key: wanted.maker_key,
        };
        let mut inbox = Inbox::new();
        let session = KeyPair::new(keys[1]);
        let mut device = Device::new(about, computer, started, store, session, arena, &mut inbox, now_ms());
        while !is_ended.load(Ordering::Relaxed) {
            device.poll(now_ms());
            let is_waiting = device.is_waiting();
            let Computer { parts, is_restarting, .. } = device.platform();
            parts.log.save();
            parts.eye.check()?;
            if *is_restarting {
                say(format_args!("restarting"));
                break;
            }
            let [is_blind, is_quiet] = [parts.eye.is_idle(), parts.link.is_quiet()];
            if is_waiting && is_blind && is_quiet {
                std::thread::sleep(PAUSE);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{Arguments, Command};

    #[test]
    fn door_is_closed_before_the_folder_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let damaged = folder.path().join("door");
        fs::write(&damaged, "no folder").unwrap();
        let run = |options: &[&str]| {
            let all = ["geode-door", "run", "--camera", "-", "--state", damaged.to_str().unwrap()];
            let Command::Run(wanted) = Arguments::parse_from(all.iter().chain(options)).command else {
                panic!("another command")
            };
            format!("{:#}", run(&wanted).unwrap_err())
        };
        assert!(State::open(&damaged).is_err());
        for option in ["--relay", "--light"] {
            let said = run(&[option, "/dev/no-such-chip:3"]);
            assert!(said.contains("cannot use line 3 of /dev/no-such-chip"), "{said}");
        }
    }
}
