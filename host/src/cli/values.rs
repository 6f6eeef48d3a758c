//! Words of the command line and their values.

use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use format::PixelFormat;
use format::policy::Kind;
use format::preprocess::Colour;
use host::arcface::MarginKind;
use host::board::Memory;
use host::containers::Container;
use host::export::{MARGINS as ANGLES, THRESHOLDS};
use host::face::Choice;
use host::onnx::Channels;
use host::sight::camera::meaning;

/// A word, its help, and its value.
pub type Word<T> = (&'static str, &'static str, T);

pub const CHOICES: &[Word<Choice>] = &[
    ("largest", "The largest", Choice::Largest),
    ("centre", "The face nearest to the middle", Choice::Centre),
    ("all", "All of them", Choice::All),
];

pub const MEMORIES: &[Word<Memory>] = &[
    ("internal", "Flash of the microcontroller, behind the firmware", Memory::Internal),
    ("external", "Memory-mapped flash outside it", Memory::External),
];

pub const CONTAINERS: &[Word<Container>] = &[
    ("bin", "The plain bytes", Container::Bin),
    ("hex", "Intel HEX", Container::Hex),
    ("uf2", "UF2, for mass-storage boot loaders", Container::Uf2),
    ("elf", "ELF with one loadable segment", Container::Elf),
];

pub const COLOURS: &[Word<Colour>] = &[
    ("rgb", "Red, green, blue", Colour::Rgb),
    ("bgr", "Blue, green, red", Colour::Bgr),
    ("grey", "Luminance", Colour::Grey),
];

pub const POLICIES: &[Word<Kind>] = &[
    ("calibrated", "The calibrated threshold and the margin to the next person", Kind::Calibrated),
    ("margin", "Each person's own cap alone: θ ≤ (φ − m)/2, φ the angle to the next person", Kind::Margin),
    ("absolute", "The calibrated threshold alone", Kind::Absolute),
];

pub const MARGINS: &[Word<MarginKind>] = &[
    ("softmax", "None, also for networks trained with triplets", MarginKind::Softmax),
    ("sphereface", "m₁ times the angle", MarginKind::Sphereface),
    ("arcface", "m₂ added to the angle", MarginKind::Arcface),
    ("cosface", "m₃ taken off the cosine", MarginKind::Cosface),
];

/// Takes one of some words.
///
/// # Panics
/// Never: clap accepts no other word.
pub fn one_of<T: Copy + Send + Sync>(words: &'static [Word<T>]) -> impl TypedValueParser<Value = T> {
    let values = words.iter().map(|(word, help, _)| PossibleValue::new(word).help(help));
    PossibleValuesParser::new(values).try_map(move |chosen| {
        let found = words.iter().find(|(word, ..)| *word == chosen);
        found.map(|(.., value)| *value).ok_or("not one of the words")
    })
}

/// Takes the name of a pixel format.
pub fn formats() -> impl TypedValueParser<Value = PixelFormat> {
    let values = PixelFormat::ALL.map(|format| PossibleValue::new(format.name()).help(meaning(format)));
    PossibleValuesParser::new(values).try_map(|chosen| {
        let found = PixelFormat::ALL.into_iter().find(|format| format.name() == chosen);
        found.ok_or("not one of the words")
    })
}

/// Height and width.
pub fn size(text: &str) -> Result<[usize; 2], String> {
    let parsed = text.split_once(['x', '×']).and_then(|(h, w)| Some([h.parse().ok()?, w.parse().ok()?]));
    parsed.ok_or_else(|| "expected HEIGHTxWIDTH, such as 112x96".to_string())
}

fn number<T: FromStr + Copy + Into<f64>>(
    text: &str,
    wanted: &str,
    is_right: impl Fn(f64) -> bool,
) -> Result<T, String> {
    let parsed = text.parse().ok().filter(|&number: &T| is_right(number.into()));
    parsed.ok_or_else(|| format!("expected {wanted}"))
}

/// A share of strangers.
pub fn share(text: &str) -> Result<f64, String> {
    number(text, "a share above 0 and below 1, such as 0.003", |share| share > 0.0 && share < 1.0)
}

/// A cosine to be accepted from.
pub fn cosine(text: &str) -> Result<f32, String> {
    number(text, "a cosine between 0 and 1", |cosine| THRESHOLDS.contains(&(cosine as f32)))
}

/// An angle between people.
pub fn radians(text: &str) -> Result<f32, String> {
    number(text, "an angle between 0 and 1.5 radians", |angle| ANGLES.contains(&(angle as f32)))
}

/// A number above zero.
pub fn positive<T: FromStr + Copy + Into<f64>>(text: &str) -> Result<T, String> {
    number(text, "a number above 0", |number| number.is_finite() && number > 0.0)
}

/// A number for all channels, or one for each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ByChannel(pub [f32; 3]);

impl ByChannel {
    fn parse(text: &str, number: impl Fn(&str) -> Result<f32, String>) -> Result<Self, String> {
        let numbers = text.split(',').map(|part| number(part.trim())).collect::<Result<Vec<_>, _>>();
        match (numbers.map_err(|error| format!("{error}, or three with commas between them"))?)[..] {
            [one] => Ok(ByChannel([one; 3])),
            [a, b, c] => Ok(ByChannel([a, b, c])),
            _ => {
                Err("expected one number, or three with commas between them: one for each channel"
                    .to_string())
            }
        }
    }

    /// The number, if it is the same for all channels.
    pub fn one(self) -> Option<f32> {
        let ByChannel([a, b, c]) = self;
        (a == b && b == c).then_some(a)
    }
}

/// Any number, or three.
pub fn finite_by_channel(text: &str) -> Result<ByChannel, String> {
    ByChannel::parse(text, finite)
}

/// A number above zero, or three.
pub fn positive_by_channel(text: &str) -> Result<ByChannel, String> {
    ByChannel::parse(text, positive)
}

/// Preprocessing that differs between channels; `None` if it does not.
pub fn channels(mean: ByChannel, scale: ByChannel) -> Option<Channels> {
    let is_same = mean.one().is_some() && scale.one().is_some();
    (!is_same).then_some(Channels { mean: mean.0, scale: scale.0 })
}

/// Any number.
pub fn finite(text: &str) -> Result<f32, String> {
    number(text, "a number", f64::is_finite)
}
