//! Tests of a device by itself, which an administrator asks for one after another.

use serde::{Deserialize, Serialize};

/// A test. The figures of its [`Tested`] are told here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Test {
    /// The embedder gives the embedding of the image's GOLDEN section, bit for bit: processor, kernels, arena, image. If it
    /// fails: the first element that differs ([`NO_ELEMENT`] if the network does not run), what it should be and what it is, as
    /// two's complement.
    Golden,
    /// A new frame comes from the camera. Milliseconds until then; width, and from bit 16 height; the least luminance (0 to 255),
    /// from bit 8 the largest, from bit 16 the format's index in [`PixelFormat::ALL`](format::PixelFormat::ALL); the sum of all.
    Camera,
    /// The page of the images' flash that is in use only during an update is erased, written, read back and erased again. An update
    /// that was interrupted begins anew afterwards. If it fails: the step (0 erase, 1 write, 2 read), and the offset in the flash.
    Flash,
    /// 1,024 bytes of random numbers. Bits that are one; the longest run of equal bytes; bytes drawn.
    Random,
    /// The counters are written once more and read back, and everybody's seal is opened. Entries, entries that cannot be opened, free
    /// bytes for more. It fails if one cannot be opened, or the counters cannot be written.
    Store,
    /// Most bytes of stack ever in use.
    Stack,
    /// The watchdog restarts a device that stands still. The device closes its door, answers, and does nothing any more.
    Watchdog,
}

impl Test {
    /// All tests, in the order in which they are best done.
    pub const ALL: [Test; 7] =
        [Test::Golden, Test::Camera, Test::Flash, Test::Random, Test::Store, Test::Stack, Test::Watchdog];
}

/// The figure of [`Test::Golden`] when the network does not run.
pub const NO_ELEMENT: u32 = u32::MAX;

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was done. Whether its figures are good is for the host to say.
    Done,
    /// It failed.
    Failed,
    /// The device has no such part.
    Missing,
    /// The device does something else that the test would disturb: an enrolment, an update, another test.
    Busy,
}

/// A test and what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// The test.
    pub test: Test,
    /// What became of it.
    pub outcome: Outcome,
    /// Figures, as the test says; 0 where it says nothing.
    pub figures: [u32; 4],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::pins::{pin_replies, pin_requests};
    use crate::message::{Reply, Request};

    #[test]
    fn tests_are_pinned_byte_for_byte() {
        let coded = (0..).zip(Test::ALL);
        pin_requests(0, coded.map(|(code, test)| (Request::Test(test), 0x03, std::vec![code])));
        let outcomes = [Outcome::Done, Outcome::Failed, Outcome::Missing, Outcome::Busy];
        let coded = (0..).zip(outcomes);
        let replies = coded.map(|(code, outcome)| {
            let tested = Tested { test: Test::Flash, outcome, figures: [300, 0, 1, 5] };
            (Reply::Tested(tested), 0x84, std::vec![2, code, 0xac, 0x02, 0, 1, 5])
        });
        pin_replies(0, replies);
    }
}
