//! The device's tests of itself. Each is one bounded step, but two: the golden embedding makes some rows a step, and a frame of the
//! camera is waited for. Meanwhile nobody is looked at; door and lines go on.

use core::convert::Infallible;
use core::mem;

use embedded_storage::nor_flash::NorFlash;
use format::preprocess::Colour;
use link::Reply;
use link::message::{NO_ELEMENT, Outcome, Test, Tested};
use nn::Run;
use store::Store;

use super::answer::{Line, WORKING_MS};
use super::camera::{Camera, Taken};
use super::updating::RESTART_MS;
use super::{CAMERA_MS, Device, Platform, frame_of};
use crate::door::{Fault, Order};
use crate::seeing::STEP_ROWS;
use crate::selftest::{SelfTestError, compare};
use crate::sight::FrameSource;
use crate::update::Updater;

/// How often 32 random bytes are drawn.
const DRAWS: usize = 32;

/// A test that takes several steps.
pub(super) struct Testing<'a, 'm> {
    line: Line,
    since_ms: u64,
    said_ms: u64,
    work: Work<'a, 'm>,
}

enum Work<'a, 'm> {
    Golden(Run<'a, 'm>),
    Camera,
}

impl<'a, 'm, P: Platform, F: NorFlash> Device<'a, 'm, P, F> {
    /// Does a test. `None`: the answer comes when it is done.
    pub(super) fn test(&mut self, test: Test, line: Line, now_ms: u64) -> Option<Reply> {
        let is_updating = self.updater.as_ref().is_some_and(Updater::is_working);
        let is_busy = self.door.is_enrolling() || self.desk.task.is_some() || self.testing.is_some();
        let (outcome, figures) = match test {
            _ if is_updating || is_busy => (Outcome::Busy, [0; 3]),
            Test::Golden | Test::Camera => {
                let work = self.begin_work(test, now_ms)?;
                match work {
                    Ok(work) => {
                        self.testing = Some(Testing { line, since_ms: now_ms, said_ms: now_ms, work });
                        return None;
                    }
                    Err(outcome) => (outcome, [NO_ELEMENT, 0, 0]),
                }
            }
            Test::Flash => match &mut self.updater {
                Some(updater) => match updater.test_flash(self.platform.images()) {
                    Some(Ok(())) => (Outcome::Done, [0; 3]),
                    Some(Err((step, offset))) => (Outcome::Failed, [step, offset, 0]),
                    None => (Outcome::Busy, [0; 3]),
                },
                None => (Outcome::Missing, [0; 3]),
            },
            Test::Random => (Outcome::Done, self.draw()),
            Test::Store => self.test_store(),
            Test::Stack => (Outcome::Done, [self.platform.stack_bytes(), 0, 0]),
            Test::Watchdog => {
                self.desk.starve_ms = Some(now_ms + RESTART_MS);
                (Outcome::Done, [0; 3])
            }
        };
        Some(Reply::Tested(Tested { test, outcome, figures }))
    }

    /// Begins a test that takes several steps. Whatever the camera showed is given up.
    fn begin_work(&mut self, test: Test, now_ms: u64) -> Option<Result<Work<'a, 'm>, Outcome>> {
        if test == Test::Camera {
            if self.about.frame_bytes == 0 {
                return Some(Err(Outcome::Missing));
            }
            self.stop_seeing();
            self.platform.camera().release();
            return Some(Ok(Work::Camera));
        }
        let golden = self.recogniser.as_ref().filter(|recogniser| recogniser.image().golden.is_some());
        if golden.is_none() {
            return Some(Err(Outcome::Missing));
        }
        self.stop_seeing();
        self.platform.camera().release();
        let recogniser = self.recogniser.as_ref()?;
        match recogniser.embedder().start::<Infallible>(mem::take(&mut self.arena)) {
            Ok(run) => Some(Ok(Work::Golden(run))),
            // The arena was large enough at the start.
            Err(_) => {
                self.fail(Fault::Image, now_ms);
                Some(Err(Outcome::Failed))
            }
        }
    }

    /// A step of a test. Returns whether it took this step.
    pub(super) fn go_on_testing(&mut self, now_ms: u64) -> bool {
        if self.desk.starve_ms.is_some_and(|at_ms| now_ms >= at_ms) {
            self.desk.starve_ms = None;
            self.carry_out(&[Order::Close], now_ms);
            self.platform.starve();
            return true;
        }
        let Some(mut testing) = self.testing.take() else { return false };
        self.camera_ms = now_ms;
        let waited_ms = now_ms.saturating_sub(testing.since_ms);
        let (test, outcome, figures) = match testing.work {
            Work::Golden(mut run) => match self.advance_golden(&mut run) {
                None => {
                    self.test_on(Testing { work: Work::Golden(run), ..testing }, now_ms);
                    return true;
                }
                Some(result) => {
                    self.arena = run.into_arena();
                    let (outcome, figures) = match result {
                        Ok(()) => (Outcome::Done, [0; 3]),
                        Err(SelfTestError::Differs { element, expected, found }) => {
                            (Outcome::Failed, [element.into(), expected as u32, found as u32])
                        }
                        Err(SelfTestError::Run) => (Outcome::Failed, [NO_ELEMENT, 0, 0]),
                    };
                    (Test::Golden, outcome, figures)
                }
            },
            Work::Camera => {
                let waited = u32::try_from(waited_ms).unwrap_or(u32::MAX);
                match self.platform.camera().taken() {
                    Some(taken) => {
                        let [size, light] = self.measure(&taken);
                        self.platform.camera().release();
                        (Test::Camera, Outcome::Done, [waited, size, light])
                    }
                    None if waited_ms >= CAMERA_MS => (Test::Camera, Outcome::Failed, [waited, 0, 0]),
                    None => {
                        testing.work = Work::Camera;
                        self.test_on(testing, now_ms);
                        return true;
                    }
                }
            }
        };
        self.send(testing.line, &Reply::Tested(Tested { test, outcome, figures }));
        true
    }

    /// Keeps a test, and says from time to time that the device works.
    fn test_on(&mut self, testing: Testing<'a, 'm>, now_ms: u64) {
        let is_silent = now_ms.saturating_sub(testing.said_ms) >= WORKING_MS;
        let said_ms = if is_silent { now_ms } else { testing.said_ms };
        let line = testing.line;
        self.testing = Some(Testing { said_ms, ..testing });
        if is_silent {
            self.send(line, &Reply::Working);
        }
    }

    /// Some rows of the golden embedding; `None` while it is not complete.
    fn advance_golden(&self, run: &mut Run<'a, 'm>) -> Option<Result<(), SelfTestError>> {
        let Some(golden) = self.recogniser.as_ref().and_then(|recogniser| recogniser.image().golden) else {
            return Some(Err(SelfTestError::Run));
        };
        let mut crop = golden.crop;
        match run.advance(&mut crop, STEP_ROWS, |_, _, _| ()) {
            Ok(false) => None,
            Ok(true) => Some(match bytemuck::try_cast_slice(run.outputs().bytes(0)) {
                Ok(found) if found.len() == golden.embedding.len() => compare(golden.embedding, found),
                _ => Err(SelfTestError::Run),
            }),
            Err(_) => Some(Err(SelfTestError::Run)),
        }
    }

    /// Size, luminance and format of a frame, as [`Test::Camera`] tells them.
    fn measure(&mut self, taken: &Taken) -> [u32; 2] {
        let Device { platform, arena, .. } = self;
        let row = arena.get_mut(..taken.width.into());
        let (Some(frame), Some(row)) = (frame_of(platform.camera().memory(), taken), row) else {
            return [0; 2];
        };
        let (mut least, mut most, mut sum) = (u8::MAX, 0, 0);
        for y in 0..taken.height {
            frame.row(y, Colour::Grey, row);
            for &pixel in row.iter() {
                least = least.min(pixel);
                most = most.max(pixel);
                sum += u64::from(pixel);
            }
        }
        let pixels = (u64::from(taken.width) * u64::from(taken.height)).max(1);
        let format = format::PixelFormat::ALL.iter().position(|&format| format == taken.format).unwrap_or(0);
        let light = u32::from_le_bytes([least, most, (sum / pixels) as u8, format as u8]);
        [u32::from(taken.height) << 16 | u32::from(taken.width), light]
    }

    /// Figures of random numbers, as [`Test::Random`] tells them.
    fn draw(&mut self) -> [u32; 3] {
        let (mut ones, mut bytes, mut run, mut longest, mut last) = (0, 0, 0u32, 0, None);
        for _ in 0..DRAWS {
            for byte in self.platform.random() {
                ones += byte.count_ones();
                bytes += 1;
                run = if last == Some(byte) { run + 1 } else { 1 };
                longest = longest.max(run);
                last = Some(byte);
            }
        }
        [ones, longest, bytes]
    }

    fn test_store(&mut self) -> (Outcome, [u32; 3]) {
        let Some(store) = &mut self.store else { return (Outcome::Missing, [0; 3]) };
        let entries = store.people().len();
        let damaged = (0..entries).filter(|&index| store.show(index, &mut |_| ()).is_err()).count();
        let is_written = store.rewrite_counters().is_ok();
        let outcome = if is_written && damaged == 0 { Outcome::Done } else { Outcome::Failed };
        (outcome, [entries as u32, damaged as u32, Store::free_bytes(store)])
    }

    /// Ends a test that goes on; nobody hears of it.
    pub(super) fn stop_testing(&mut self) {
        if let Some(Testing { work: Work::Golden(run), .. }) = self.testing.take() {
            self.arena = run.into_arena();
        }
    }
}
