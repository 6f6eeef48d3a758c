//! What is seen in camera frames, and who: by the board's code on this computer, or by a board.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};
use app::Recogniser;
use app::sight::{self, Followed, Unobserved};
use link::message::{Attention, Decision, Ruling, Seen, SeenFace, View};
use serde::Serialize;

use super::board::{Place, open};
use super::reason;
use crate::client::Client;
use crate::name::visible;
use crate::output;
use crate::shared::SharedRam;
use crate::sight::camera::{Settings, Shot, Take, takes};
use crate::sight::no_eyes;
use crate::simulator::AlignedBytes;

/// Which frames are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Film {
    /// Photos, folders of photos, videos.
    pub paths: Vec<PathBuf>,
    /// Their format and size.
    pub settings: Settings,
    /// Let the first file that cannot be used be an error. Without, it is left out and named.
    pub is_strict: bool,
}

/// What was seen in a frame.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sighting {
    /// The frame.
    pub frame: String,
    /// The same in words.
    pub words: String,
    /// All figures.
    #[serde(flatten)]
    pub seen: Seen,
}

impl Sighting {
    /// Of a frame.
    pub fn new(shot: &Shot, seen: Seen) -> Self {
        Sighting { frame: shot.name.clone(), words: words(&seen, shot.attention), seen }
    }
}

/// What was seen, in words.
pub fn words(seen: &Seen, attention: Attention) -> String {
    let Some(SeenFace { frames, bounds_q8: [left, top, right, bottom], score_q16, look }) = &seen.face else {
        return "no face".to_string();
    };
    let side = |low: &i32, high: &i32| (i64::from(*high) - i64::from(*low)) / 256;
    let (width, height) = (side(left, right), side(top, bottom));
    let score = f64::from(*score_q16) / 65_536.0;
    let count = match (seen.faces, attention) {
        (1, _) => "one face".to_string(),
        (count, Attention::Photo) => format!("{count} faces, the largest"),
        (count, Attention::Video { .. }) => format!("{count} faces, the one followed"),
    };
    let mut words = format!("{count} of {width}×{height} pixels (score {score:.2}): ");
    let Some(look) = look else {
        words += &match attention {
            Attention::Video { steady } if *frames < u32::from(steady) => {
                format!("found in {frames} of {steady} frames before it is examined")
            }
            _ => "decided on already".to_string(),
        };
        return words;
    };
    // Writing to a string cannot fail.
    let _ = match (&look.refusal, &look.decided) {
        (Some(refusal), _) => write!(words, "{}", refusal),
        (None, Some(decided)) => write!(words, "{}", decision(&decided.decision)),
        (None, None) => write!(words, "examined"),
    };
    words
}

fn decision(decision: &Decision) -> String {
    let Decision { ruling, certified, best, runner_up, .. } = decision;
    let named = |name: &str, angle: f32| match name {
        "" => format!("a stranger at {angle:.1}°"),
        name => format!("{} at {angle:.1}°", visible(name)),
    };
    let best = best.as_ref().map_or(String::new(), |best| named(&best.name, best.angle_degrees));
    let next = runner_up.as_ref().map(|next| named(&next.name, next.angle_degrees));
    let next = next.map_or(String::new(), |next| format!(", next {next}"));
    match ruling {
        Ruling::Accepted if *certified => format!("ACCEPTED: {best}{next}, certified"),
        Ruling::Accepted => format!("ACCEPTED: {best}{next}"),
        _ if best.is_empty() => format!("rejected: {}", reason(*ruling)),
        _ => format!("rejected: {} ({best}{next})", reason(*ruling)),
    }
}

/// Sees every frame that can be read. What cannot is reported on standard error and left out, or is an error if the film
/// is strict.
fn see_all(film: &Film, takes: &[Take], mut see: impl FnMut(&Shot) -> Result<Seen>) -> Result<Vec<Sighting>> {
    let bar = output::bar(takes.len(), "looking at frames");
    let (mut sightings, mut unread) = (Vec::new(), Vec::new());
    for take in takes {
        match take.read() {
            Ok(shot) => sightings.push(Sighting::new(&shot, see(&shot)?)),
            Err(error) if film.is_strict || takes.len() == 1 => return Err(error),
            Err(error) => unread.push(format!("{error:#}")),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    ensure!(
        !sightings.is_empty(),
        "none of the {} frames can be read: {}",
        takes.len(),
        output::some_of(&unread)
    );
    if !unread.is_empty() {
        let count = unread.len();
        output::warn(&format!(
            "{count} of {} frames cannot be read: {}",
            takes.len(),
            output::some_of(&unread)
        ));
    }
    Ok(sightings)
}

/// Refuses an image without eyes.
fn check_eyes(has_eyes: bool, image: &Path) -> Result<()> {
    ensure!(has_eyes, no_eyes(image));
    Ok(())
}

/// Sees frames with the board's own code on this computer.
///
/// # Errors
/// When the image has no eyes or cannot be used, or no frame can be read.
pub fn simulated(image: &Path, film: &Film) -> Result<Vec<Sighting>> {
    let bytes = AlignedBytes::read(image)?;
    let mut eye = Simulated::new(&bytes, image)?;
    see_all(film, &takes(&film.paths, &film.settings, film.is_strict)?, |shot| eye.see(shot))
}

/// The board's own eyes on this computer.
pub struct Simulated<'a> {
    recogniser: Recogniser<'a>,
    arena: AlignedBytes,
    followed: Followed,
}

impl<'a> Simulated<'a> {
    /// The eyes of an image.
    ///
    /// # Errors
    /// When the image has none or cannot be used.
    pub fn new(bytes: &'a AlignedBytes, path: &Path) -> Result<Self> {
        let image = bytes.image(path)?;
        let mut arena = AlignedBytes::zeroed(image.arena_bytes());
        let recogniser = Recogniser::of_image(image, arena.bytes_mut())
            .map_err(|error| anyhow!("{}: {error}", path.display()))?;
        check_eyes(recogniser.eyes().is_some(), path)?;
        Ok(Simulated { recogniser, arena, followed: Followed::default() })
    }

    /// Sees a frame.
    ///
    /// # Errors
    /// When it is none.
    pub fn see(&mut self, shot: &Shot) -> Result<Seen> {
        let Simulated { recogniser, arena, followed } = self;
        if shot.is_first {
            *followed = Followed::default();
        }
        let frame = shot.frame()?;
        let eyes = recogniser.eyes().context("the image has no eyes")?;
        sight::see(recogniser, eyes, &frame, shot.attention, followed, arena.bytes_mut(), &mut Unobserved)
            .map_err(|error| anyhow!("{error}"))
    }
}

/// Lets a board see frames: through memory that it shares with this computer, or over the link.
///
/// # Errors
/// As [`simulated`]; when the board cannot be reached, a frame is too large for it, or the link fails.
pub fn on_board(place: &Place, film: &Film, is_over_link: bool) -> Result<Vec<Sighting>> {
    // The image and the files are looked at first, so that a board is not started for nothing.
    let path = place.image();
    check_eyes(AlignedBytes::read(path)?.image(path)?.sight.is_some(), path)?;
    let takes = takes(&film.paths, &film.settings, film.is_strict)?;
    let mut camera = Camera::open(place)?;
    see_all(film, &takes, |shot| camera.see(shot, is_over_link))
}

/// A board that sees, and its camera.
pub struct Camera {
    client: Client,
    ram: Option<SharedRam>,
}

impl Camera {
    /// Starts or opens the board.
    ///
    /// # Errors
    /// As [`super::board::connect`].
    pub fn open(place: &Place) -> Result<Self> {
        let (client, _, ram) = open(place, true)?;
        Ok(Camera { client, ram })
    }

    /// Lets the board see a frame: over the link if that is asked for or the board shares no memory.
    ///
    /// # Errors
    /// When the frame is too large for the board, or the link fails.
    pub fn see(&mut self, shot: &Shot, is_over_link: bool) -> Result<Seen> {
        if shot.is_first && shot.attention != Attention::Photo {
            self.client.greet_again()?;
        }
        let is_sent = is_over_link || self.ram.is_none();
        let Shot { width, height, attention, .. } = *shot;
        let view = View { width, height, format: shot.format, is_sent, attention };
        let bytes = shot.pixels.len();
        if let (Some(ram), false) = (&mut self.ram, is_sent)
            && bytes <= self.client.hello().frame_bytes as usize
        {
            ram.put(&shot.pixels)?;
        }
        self.client.see(view, &shot.pixels).with_context(|| shot.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use format::gates::{Gate, Refusal};
    use link::message::{Decided, Examined, Neighbour};

    use super::*;

    #[test]
    fn what_is_seen_is_said_in_words() {
        assert_eq!(words(&Seen::default(), Attention::Photo), "no face");
        let face = SeenFace { frames: 2, bounds_q8: [0, 0, 25_600, 30_720], score_q16: 65_000, look: None };
        let seen = |look| {
            let face = Some(SeenFace { look, ..face.clone() });
            Seen { faces: 1, face, ..Seen::default() }
        };
        let video = Attention::Video { steady: 3 };
        assert_eq!(
            words(&seen(None), video),
            "one face of 100×120 pixels (score 0.99): found in 2 of 3 frames before it is examined"
        );
        let mut look =
            Examined { points_q8: [[0; 2]; 5], quality: None, alive_q16: None, refusal: None, decided: None };
        look.refusal = Some(Refusal { gate: Gate::Yaw, figure: 640, limit: 560 });
        let said = words(&seen(Some(look.clone())), Attention::Photo);
        assert!(said.ends_with(": the face is turned aside by 40°, at most 35° is usable"), "{said}");
        look.refusal = None;
        let ada = Neighbour { name: "Ada".try_into().unwrap(), cosine_q30: 1 << 29, angle_degrees: 60.0 };
        let decision = Decision {
            ruling: Ruling::TooFar,
            certified: false,
            confidence: 0.5,
            best: Some(ada),
            runner_up: None,
        };
        look.decided = Some(Decided { embedding_check: 1, decision });
        let said = words(&seen(Some(look)), Attention::Photo);
        assert!(said.ends_with(": rejected: too far from everybody (Ada at 60.0°)"), "{said}");
    }
}
