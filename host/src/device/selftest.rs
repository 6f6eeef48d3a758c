//! A device's tests of itself: asked for one after another, judged, and put into a report that a maker can send in. It holds no
//! names, no keys and no picture.

use std::time::{Duration, Instant};

use anyhow::Result;
use format::PixelFormat;
use image::{Rgb, RgbImage};
use link::message::{NO_ELEMENT, Outcome, Test, Tested};
use serde::Serialize;

use super::camera::Mailbox;
use super::keys::Keys;
use super::people;
use super::session::Session;
use crate::board::Board;
use crate::output;
use crate::secret::hex;
use crate::sight::camera::Shot;

/// Time in which the watchdog restarts a device, and the device tests its image.
const RESTART: Duration = Duration::from_secs(60);
/// Between two questions whether it has restarted.
const PAUSE: Duration = Duration::from_millis(500);
/// Pictures with less between their darkest and brightest pixel are constant: noise alone.
const LEAST_CONTRAST: u8 = 16;
/// Mean luminance of a sane exposure.
const MEANS: std::ops::RangeInclusive<u8> = 16..=239;
/// Six standard deviations of the number of ones in random bits, for each square root of a bit: sqrt(n)/2 is one.
const ONES: f64 = 3.0;
/// Longer runs of equal bytes come once in 4 billion bytes.
const MOST_EQUAL: u32 = 4;
/// Less stack left is too little for what a test does not reach.
const LEAST_STACK: u32 = 512;

/// The report.
#[derive(Clone, Debug, Serialize)]
pub struct SelfTestReport {
    /// Name of the board.
    pub board: String,
    /// Version of the firmware.
    pub firmware: String,
    /// Version of this program.
    pub host: String,
    /// Name of the embedder.
    pub network: String,
    /// Digest of the image, hexadecimal.
    pub image: String,
    /// How often the device has started.
    pub starts: u32,
    /// Why it lets nobody in; empty if it does.
    pub trouble: String,
    /// Whether nothing failed.
    pub is_sound: bool,
    /// The tests.
    pub tests: Vec<TestRow>,
}

/// A test and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestRow {
    /// The test.
    pub test: Test,
    /// How it went.
    pub result: TestResult,
    /// What was found, for people.
    pub words: String,
    /// Figures of the device, as [`Test`] tells.
    pub figures: [u32; 4],
}

/// How a test went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TestResult {
    /// Well.
    Passed,
    /// Not well.
    Failed,
    /// It was not done, or the device has no such part.
    Skipped,
}

/// Has a device test itself, and its watchdog only if that is asked for. The camera of an emulated device shows this frame, or a ramp
/// from black to white.
///
/// # Errors
/// When the device does not answer from the beginning. A test in which it stops answering has failed.
pub fn run(
    session: &mut Session,
    mailbox: Option<&mut Mailbox>,
    keys: &Keys,
    shown: Option<&Shot>,
    has_watchdog: bool,
) -> Result<SelfTestReport> {
    let ramp = Shot::new("ramp", &ramp(), PixelFormat::Rgb565)?;
    let shown = shown.unwrap_or(&ramp);
    let board = Board::named(&session.hello().board).ok();
    let mut condition = people::condition(session)?;
    let mut connected = Connected { session, mailbox, keys, shown, starts: condition.starts };
    let (tests, is_there) = rows(&mut connected, board, has_watchdog)?;
    if is_there {
        condition = people::condition(session)?;
    }
    let hello = session.hello();
    Ok(SelfTestReport {
        board: hello.board.to_string(),
        firmware: condition.firmware.to_string(),
        host: env!("CARGO_PKG_VERSION").to_string(),
        network: hello.network.to_string(),
        image: hex(&hello.image),
        starts: condition.starts,
        trouble: hello.trouble.to_string(),
        is_sound: tests.iter().all(|row| row.result != TestResult::Failed),
        tests,
    })
}

/// What a report asks of a device.
trait Testable {
    /// Has it test a part of itself.
    ///
    /// # Errors
    /// When it does not answer.
    fn test(&mut self, test: Test) -> Result<Tested>;

    /// Waits until it was started anew; it stands still.
    fn wait_for_start(&mut self) -> TestRow;
}

/// A device with a session.
struct Connected<'a> {
    session: &'a mut Session,
    mailbox: Option<&'a mut Mailbox>,
    keys: &'a Keys,
    shown: &'a Shot,
    /// How often it had started before the tests.
    starts: u32,
}

impl Testable for Connected<'_> {
    fn test(&mut self, test: Test) -> Result<Tested> {
        match (test, self.mailbox.as_deref_mut()) {
            (Test::Camera, Some(mailbox)) => self.session.test(test, || mailbox.show(self.shown)),
            _ => self.session.test(test, || Ok(())),
        }
    }

    fn wait_for_start(&mut self) -> TestRow {
        let (session, keys) = (&mut *self.session, self.keys);
        started_anew(self.starts, RESTART, PAUSE, || {
            session.reopen(keys)?;
            Ok(people::condition(session)?.starts)
        })
    }
}

/// The tests, one after another, and whether the device answers after the last.
fn rows(
    device: &mut impl Testable,
    board: Option<&Board>,
    has_watchdog: bool,
) -> Result<(Vec<TestRow>, bool)> {
    let mut rows = Vec::new();
    let mut is_there = true;
    for test in Test::ALL {
        let row = |result, words: String| TestRow { test, result, words, figures: [0; 4] };
        if test == Test::Watchdog && !has_watchdog {
            rows.push(row(TestResult::Skipped, "not asked for: --watchdog".to_string()));
            continue;
        }
        if !is_there {
            rows.push(row(TestResult::Skipped, "the device did not answer any more".to_string()));
            continue;
        }
        let spinner = output::spinner(format!("test {test:?}"));
        rows.push(match device.test(test) {
            Ok(Tested { test: Test::Watchdog, outcome: Outcome::Done, .. }) => {
                let row = device.wait_for_start();
                is_there = row.result == TestResult::Passed;
                row
            }
            Ok(tested) => judge(&tested, board),
            Err(error) if rows.is_empty() => return Err(error),
            Err(error) => {
                is_there = false;
                row(TestResult::Failed, format!("{error:#}"))
            }
        });
        spinner.finish_and_clear();
    }
    Ok((rows, is_there))
}

/// A picture from black on the left to white on the right.
fn ramp() -> RgbImage {
    RgbImage::from_fn(320, 240, |x, _| Rgb([(x * 255 / 319) as u8; 3]))
}

/// Asks a device that stands still how often it has started, until that is more than before. It does not answer for a while, as it
/// has to restart.
fn started_anew(
    starts: u32,
    patience: Duration,
    pause: Duration,
    mut starts_now: impl FnMut() -> Result<u32>,
) -> TestRow {
    let start = Instant::now();
    let last = loop {
        std::thread::sleep(pause);
        let last = starts_now();
        if last.as_ref().is_ok_and(|now| *now > starts) || start.elapsed() >= patience {
            break last;
        }
    };
    let (result, words, now) = match last {
        Ok(now) if now > starts => {
            (TestResult::Passed, format!("the device stood still and was started anew (start {now})"), now)
        }
        Ok(now) => (TestResult::Failed, "the device stood still and was not started anew".to_string(), now),
        Err(error) => (
            TestResult::Failed,
            format!(
                "the device stands still, and its watchdog did not restart it: it has none, or it is not fed from its clock \
                 ({error:#})"
            ),
            starts,
        ),
    };
    TestRow { test: Test::Watchdog, result, words, figures: [starts, now, 0, 0] }
}

/// Judges what a device found.
fn judge(tested: &Tested, board: Option<&Board>) -> TestRow {
    let Tested { test, outcome, figures } = *tested;
    let (result, words) = match outcome {
        Outcome::Missing => (TestResult::Skipped, missing(test).to_string()),
        Outcome::Busy => (TestResult::Skipped, "the device did something else".to_string()),
        Outcome::Failed => (TestResult::Failed, failure(test, figures)),
        Outcome::Done => match faults(test, figures, board) {
            (words, None) => (TestResult::Passed, words),
            (words, Some(fault)) => (TestResult::Failed, format!("{words}: {fault}")),
        },
    };
    TestRow { test, result, words, figures }
}

fn missing(test: Test) -> &'static str {
    match test {
        Test::Golden => "there is no image, or it has no golden embedding: export it again",
        Test::Camera => "the board has no memory for frames",
        Test::Flash => "the board takes no updates",
        Test::Store => "there is no store",
        Test::Random | Test::Stack | Test::Watchdog => "the board has none",
    }
}

fn failure(test: Test, [first, second, third, _]: [u32; 4]) -> String {
    match test {
        Test::Golden if first == NO_ELEMENT => "the network does not run".to_string(),
        Test::Golden => format!(
            "element {first} is {} and should be {}: memory, processor or firmware are faulty",
            third as i32, second as i32
        ),
        Test::Camera => format!(
            "no frame came in {first} ms: look at the camera's plug, supply and clock; the chapter on cameras says what to measure"
        ),
        Test::Flash => {
            let step = ["erasing", "writing", "reading back"].get(first as usize).unwrap_or(&"a step");
            format!("{step} failed at {second:#x} of the images' flash: look at its soldering and its supply")
        }
        Test::Store if second > 0 => format!(
            "{second} of {first} entries cannot be opened: the flash has lost bits; restore a copy (`host device restore`)"
        ),
        Test::Store => "the counters cannot be written: the flash is worn or faulty".to_string(),
        Test::Random | Test::Stack | Test::Watchdog => "it failed".to_string(),
    }
}

/// What the figures of a test that was done say, and what is wrong with them.
fn faults(
    test: Test,
    [first, second, third, fourth]: [u32; 4],
    board: Option<&Board>,
) -> (String, Option<String>) {
    match test {
        Test::Golden => ("the embedding is as it must be, bit for bit".to_string(), None),
        Test::Camera => {
            let [least, most, format, _] = third.to_le_bytes();
            let format = PixelFormat::ALL.get(usize::from(format)).map_or("?", |format| format.name());
            let (width, height) = (second & 0xffff, second >> 16);
            let mean = (fourth / (width * height).max(1)) as u8;
            let words = format!(
                "a frame of {width}×{height} {format} in {first} ms, luminance {least} to {most}, mean {mean}"
            );
            let fault = if most.saturating_sub(least) < LEAST_CONTRAST {
                Some("it shows nothing: take the cap off, and look at the data lines")
            } else if mean < *MEANS.start() {
                Some("it is too dark: exposure, or too little light")
            } else if mean > *MEANS.end() {
                Some("it is too bright: exposure")
            } else {
                None
            };
            (words, fault.map(str::to_string))
        }
        Test::Flash => ("a page was erased, written and read back".to_string(), None),
        Test::Random => {
            let bits = 8.0 * f64::from(third);
            let words = format!("{first} of {bits} bits are one, at most {second} equal bytes in a row");
            let is_even = (f64::from(first) - bits / 2.0).abs() <= ONES * bits.sqrt();
            let fault = if third == 0 || !is_even {
                Some("they are not random: keys made by this board are worth nothing")
            } else if second > MOST_EQUAL {
                Some("they repeat: keys made by this board are worth nothing")
            } else {
                None
            };
            (words, fault.map(str::to_string))
        }
        Test::Store => {
            (format!("{first} entries open, the counters are written; {third} bytes are free"), None)
        }
        Test::Stack => {
            let Some(room) = board.map(Board::stack_room) else {
                return (format!("{first} bytes were in use at most"), None);
            };
            let left = room.saturating_sub(first);
            let words = format!("{first} of {room} bytes were in use at most, {left} are left");
            (words, (left < LEAST_STACK).then(|| "it is too small; see the chapter on budgets".to_string()))
        }
        Test::Watchdog => ("the device stands still".to_string(), None),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    /// A device that does not answer from one of the tests on, and gives one test another outcome than done.
    struct Scripted {
        other: (Test, Outcome),
        gone: Option<Test>,
        waited: usize,
    }

    impl Testable for Scripted {
        fn test(&mut self, test: Test) -> Result<Tested> {
            if self.gone == Some(test) {
                bail!("the device stopped answering");
            }
            let outcome = if self.other.0 == test { self.other.1 } else { Outcome::Done };
            Ok(Tested { test, outcome, figures: [0; 4] })
        }

        fn wait_for_start(&mut self) -> TestRow {
            self.waited += 1;
            started_anew(3, Duration::ZERO, Duration::ZERO, || bail!("no port"))
        }
    }

    fn scripted(other: (Test, Outcome), gone: Option<Test>) -> (Result<(Vec<TestRow>, bool)>, usize) {
        let mut device = Scripted { other, gone, waited: 0 };
        (rows(&mut device, None, true), device.waited)
    }

    fn row(rows: &[TestRow], test: Test) -> (TestResult, &str) {
        let row = rows.iter().find(|row| row.test == test).unwrap();
        (row.result, &row.words)
    }

    #[test]
    fn watchdog_is_waited_for_only_where_there_is_one() {
        let (found, waited) = scripted((Test::Watchdog, Outcome::Missing), None);
        let (rows, is_there) = found.unwrap();
        assert_eq!(row(&rows, Test::Watchdog), (TestResult::Skipped, "the board has none"));
        assert!(is_there && waited == 0);
    }

    #[test]
    fn watchdog_that_does_not_restart_the_device_is_a_row_of_the_report() {
        let (found, waited) = scripted((Test::Golden, Outcome::Done), None);
        let (rows, is_there) = found.unwrap();
        assert_eq!((rows.len(), waited, is_there), (Test::ALL.len(), 1, false));
        let (result, words) = row(&rows, Test::Watchdog);
        assert!(result == TestResult::Failed && words.contains("did not restart it"), "{words}");
        assert!(words.contains("no port"), "{words}");
    }

    #[test]
    fn device_that_is_back_after_a_while_was_restarted() {
        let mut answers = [None, None, Some(3), None, Some(4)].into_iter();
        let row = started_anew(3, RESTART, Duration::ZERO, || match answers.next().flatten() {
            Some(starts) => Ok(starts),
            None => bail!("the port is gone"),
        });
        assert_eq!((row.result, row.figures), (TestResult::Passed, [3, 4, 0, 0]));
        let row = started_anew(3, Duration::ZERO, Duration::ZERO, || Ok(3));
        assert_eq!((row.result, row.figures), (TestResult::Failed, [3, 3, 0, 0]));
    }

    #[test]
    fn device_that_is_occupied_or_stops_answering_leaves_the_other_rows() {
        let (rows, _) = scripted((Test::Flash, Outcome::Busy), None).0.unwrap();
        assert_eq!(row(&rows, Test::Flash), (TestResult::Skipped, "the device did something else"));
        assert_eq!((rows.len(), row(&rows, Test::Golden).0), (Test::ALL.len(), TestResult::Passed));
        let (rows, is_there) = scripted((Test::Golden, Outcome::Done), Some(Test::Flash)).0.unwrap();
        assert_eq!(row(&rows, Test::Flash), (TestResult::Failed, "the device stopped answering"));
        assert_eq!(row(&rows, Test::Golden).0, TestResult::Passed);
        assert_eq!(row(&rows, Test::Watchdog).0, TestResult::Skipped);
        assert!(!is_there);
        assert!(scripted((Test::Golden, Outcome::Done), Some(Test::Golden)).0.is_err());
    }

    fn judged(test: Test, outcome: Outcome, figures: [u32; 4]) -> (TestResult, String) {
        let row = judge(&Tested { test, outcome, figures }, Board::named("stm32h743").ok());
        (row.result, row.words)
    }

    fn camera(least: u8, most: u8, mean: u8) -> (TestResult, String) {
        let light = u32::from_le_bytes([least, most, 1, 0]);
        judged(Test::Camera, Outcome::Done, [40, 240 << 16 | 320, light, 320 * 240 * u32::from(mean)])
    }

    #[test]
    fn sane_frame_passes_and_constant_dark_and_bright_ones_fail() {
        let (result, words) = camera(10, 200, 90);
        assert_eq!(result, TestResult::Passed);
        assert!(
            words.contains("320×240") && words.contains("in 40 ms, luminance 10 to 200, mean 90"),
            "{words}"
        );
        for (frame, hint) in [
            (camera(90, 100, 95), "cap"),
            (camera(0, 60, 15), "too dark"),
            (camera(100, 255, 240), "too bright"),
        ] {
            assert!(frame.0 == TestResult::Failed && frame.1.contains(hint), "{frame:?}");
        }
        let (result, words) = judged(Test::Camera, Outcome::Failed, [5000, 0, 0, 0]);
        assert!(result == TestResult::Failed && words.contains("no frame came in 5000 ms"), "{words}");
    }

    #[test]
    fn random_numbers_must_be_even_and_not_repeat() {
        let random = |ones, run| judged(Test::Random, Outcome::Done, [ones, run, 1024, 0]).0;
        // A standard deviation of 8,192 bits is 45.25.
        for ones in [4096, 4096 - 271, 4096 + 271] {
            assert_eq!(random(ones, 4), TestResult::Passed, "{ones}");
        }
        for (ones, run) in [(0, 2), (4096 - 272, 2), (4096 + 272, 2), (8192, 2), (4096, 5)] {
            assert_eq!(random(ones, run), TestResult::Failed, "{ones} {run}");
        }
        assert_eq!(judged(Test::Random, Outcome::Done, [0; 4]).0, TestResult::Failed);
    }

    #[test]
    fn failures_say_where_and_what_helps() {
        let said = |test, figures| {
            let (result, words) = judged(test, Outcome::Failed, figures);
            assert_eq!(result, TestResult::Failed);
            words
        };
        assert!(said(Test::Golden, [7, 300, -2i32 as u32, 0]).contains("element 7 is -2 and should be 300"));
        assert!(said(Test::Golden, [NO_ELEMENT, 0, 0, 0]).contains("does not run"));
        assert!(said(Test::Flash, [2, 0x3b_f000, 0, 0]).contains("reading back failed at 0x3bf000"));
        assert!(said(Test::Store, [9, 2, 0, 0]).contains("2 of 9 entries"));
        assert!(said(Test::Store, [9, 0, 0, 0]).contains("counters cannot be written"));
        let missing = judged(Test::Golden, Outcome::Missing, [0; 4]);
        assert!(missing.0 == TestResult::Skipped && missing.1.contains("no golden embedding"), "{missing:?}");
    }

    #[test]
    fn stack_is_compared_with_the_board() {
        // 128 KiB of DTCM without the arena.
        let room = Board::named("stm32h743").unwrap().stack_room();
        assert_eq!(room, 131_072 - 89_216);
        let (result, words) = judged(Test::Stack, Outcome::Done, [room - 512, 0, 0, 0]);
        assert!(result == TestResult::Passed && words.contains("512 are left"), "{words}");
        assert_eq!(judged(Test::Stack, Outcome::Done, [room - 511, 0, 0, 0]).0, TestResult::Failed);
        let unknown = judge(&Tested { test: Test::Stack, outcome: Outcome::Done, figures: [9; 4] }, None);
        assert!(unknown.result == TestResult::Passed && unknown.words.contains("9 bytes"));
    }
}
