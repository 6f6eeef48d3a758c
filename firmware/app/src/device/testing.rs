//! The device's tests of itself. Each is one bounded step, but two: the golden embedding makes some rows a step, and a frame of the
//! camera is waited for. Meanwhile nobody is looked at; door and lines go on.

use core::convert::Infallible;
use core::mem;

use embedded_storage::nor_flash::NorFlash;
use format::preprocess::Colour;
use link::Reply;
use link::message::{NO_ELEMENT, Outcome, Test, Tested};

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
#[derive(Clone, Copy)]
pub(super) struct Testing {
    test: Test,
    line: Line,
    since_ms: u64,
    said_ms: u64,
}

impl<'a, 'm, P: Platform, F: NorFlash> Device<'a, 'm, P, F> {
    /// Does a test. `None`: the answer comes when it is done.
    pub(super) fn test(&mut self, test: Test, line: Line, now_ms: u64) -> Option<Reply> {
        let is_updating = self.updater.as_ref().is_some_and(Updater::is_working);
        let is_busy = self.door.is_enrolling() || self.desk.task.is_some() || self.testing.is_some();
        let mut figures = [0; 4];
        let outcome = match test {
            _ if is_updating || is_busy => Outcome::Busy,
            Test::Golden | Test::Camera => match self.begin_test(test, now_ms) {
                Outcome::Done => {
                    self.testing = Some(Testing { test, line, since_ms: now_ms, said_ms: now_ms });
                    return None;
                }
                other => other,
            },
            Test::Flash => match &mut self.updater {
                Some(updater) => match updater.test_flash(self.platform.images()) {
                    Some(Ok(())) => Outcome::Done,
                    Some(Err((step, offset))) => {
                        figures = [step, offset, 0, 0];
                        Outcome::Failed
                    }
                    None => Outcome::Busy,
                },
                None => Outcome::Missing,
            },
            Test::Random => self.draw(&mut figures),
            Test::Store => self.test_store(&mut figures),
            Test::Stack => {
                figures = [self.platform.stack_bytes(), 0, 0, 0];
                Outcome::Done
            }
            Test::Watchdog if !self.platform.has_watchdog() => Outcome::Missing,
            Test::Watchdog => {
                self.desk.starve_ms = Some(now_ms + RESTART_MS);
                Outcome::Done
            }
        };
        Some(Reply::Tested(Tested { test, outcome, figures }))
    }

    /// Begins a test that takes several steps. Whatever the camera showed is given up.
    fn begin_test(&mut self, test: Test, now_ms: u64) -> Outcome {
        self.stop_seeing();
        self.platform.camera().release();
        if test == Test::Camera {
            return if !P::Camera::IS_THERE || self.about.frame_bytes == 0 {
                Outcome::Missing
            } else {
                Outcome::Done
            };
        }
        let Some(recogniser) = &self.recogniser else { return Outcome::Missing };
        let Some(golden) = recogniser.image().golden else { return Outcome::Missing };
        let run = recogniser.embedder().start::<Infallible>(mem::take(&mut self.arena));
        self.golden = run.ok().map(|run| (run, golden.crop));
        if self.golden.is_none() {
            // The arena was large enough at the start.
            self.fail(Fault::Image, now_ms);
            return Outcome::Failed;
        }
        Outcome::Done
    }

    /// A step of a test. Returns whether it took this step.
    pub(super) fn go_on_testing(&mut self, now_ms: u64) -> bool {
        if self.desk.starve_ms.is_some_and(|at_ms| now_ms >= at_ms) {
            self.desk.starve_ms = None;
            self.carry_out(&[Order::Close], now_ms);
            self.platform.starve();
            return true;
        }
        let Some(Testing { test, line, since_ms, said_ms }) = self.testing else { return false };
        self.camera_ms = now_ms;
        let mut figures = [0; 4];
        let outcome = match test {
            Test::Golden => self.advance_golden(&mut figures),
            _ => self.wait_for_frame(now_ms.saturating_sub(since_ms), &mut figures),
        };
        let reply = match outcome {
            Some(outcome) => {
                self.stop_testing();
                Reply::Tested(Tested { test, outcome, figures })
            }
            None if now_ms.saturating_sub(said_ms) >= WORKING_MS => {
                self.testing = Some(Testing { test, line, since_ms, said_ms: now_ms });
                Reply::Working
            }
            None => return true,
        };
        self.send(line, &reply);
        true
    }

    /// Some rows of the golden embedding. `None` while it is not complete.
    fn advance_golden(&mut self, figures: &mut [u32; 4]) -> Option<Outcome> {
        let golden = self.recogniser.as_ref().and_then(|recogniser| recogniser.image().golden);
        let result = match (golden, &mut self.golden) {
            (Some(golden), Some((run, crop))) => match run.advance(crop, STEP_ROWS, |_, _, _| ()) {
                Ok(false) => return None,
                Ok(true) => match bytemuck::try_cast_slice(run.outputs().bytes(0)) {
                    Ok(found) if found.len() == golden.embedding.len() => compare(golden.embedding, found),
                    _ => Err(SelfTestError::Run),
                },
                Err(_) => Err(SelfTestError::Run),
            },
            _ => Err(SelfTestError::Run),
        };
        let [element, expected, found] = match result {
            Ok(()) => return Some(Outcome::Done),
            Err(SelfTestError::Differs { element, expected, found }) => {
                [element.into(), expected as u32, found as u32]
            }
            Err(SelfTestError::Run) => [NO_ELEMENT, 0, 0],
        };
        *figures = [element, expected, found, 0];
        Some(Outcome::Failed)
    }

    /// Size, luminance and format of the camera's frame, as [`Test::Camera`] tells them. `None` while there is none.
    fn wait_for_frame(&mut self, waited_ms: u64, figures: &mut [u32; 4]) -> Option<Outcome> {
        let Device { platform, arena, .. } = self;
        let waited = waited_ms as u32;
        let Some(taken) = platform.camera().taken() else {
            *figures = [waited, 0, 0, 0];
            return (waited_ms >= CAMERA_MS).then_some(Outcome::Failed);
        };
        let Taken { width, height, format } = taken;
        let (mut least, mut most, mut sum) = (u8::MAX, 0, 0u32);
        if let (Some(frame), Some(row)) =
            (frame_of(platform.camera().memory(), &taken), arena.get_mut(..width.into()))
        {
            for y in 0..height {
                frame.row(y, Colour::Grey, row);
                for &pixel in row.iter() {
                    least = least.min(pixel);
                    most = most.max(pixel);
                    sum = sum.wrapping_add(pixel.into());
                }
            }
        }
        platform.camera().release();
        let light = u32::from_le_bytes([least, most, format as u8, 0]);
        *figures = [waited, u32::from(height) << 16 | u32::from(width), light, sum];
        Some(Outcome::Done)
    }

    /// Figures of random numbers, as [`Test::Random`] tells them.
    fn draw(&mut self, figures: &mut [u32; 4]) -> Outcome {
        // No byte is 256.
        let (mut ones, mut bytes, mut run, mut longest, mut last) = (0, 0, 0u32, 0, 256);
        for _ in 0..DRAWS {
            let Some(drawn) = self.platform.tested_random() else { return Outcome::Failed };
            for byte in drawn {
                ones += byte.count_ones();
                bytes += 1;
                run = if last == u16::from(byte) { run + 1 } else { 1 };
                longest = longest.max(run);
                last = byte.into();
            }
        }
        *figures = [ones, longest, bytes, 0];
        Outcome::Done
    }

    fn test_store(&mut self, figures: &mut [u32; 4]) -> Outcome {
        let Some(store) = &mut self.store else { return Outcome::Missing };
        let entries = store.people().len();
        let damaged = (0..entries).filter(|&index| store.show(index, &mut |_| ()).is_err()).count();
        *figures = [entries as u32, damaged as u32, store.free_bytes(), 0];
        let is_written = store.rewrite_counters().is_ok();
        if is_written && damaged == 0 { Outcome::Done } else { Outcome::Failed }
    }

    /// Ends a test that goes on; nobody hears of it.
    pub(super) fn stop_testing(&mut self) {
        self.testing = None;
        if let Some((run, _)) = self.golden.take() {
            self.arena = run.into_arena();
        }
    }
}
