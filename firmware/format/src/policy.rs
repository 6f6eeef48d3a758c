//! The POLICY section: the rules and thresholds of acceptance.
//!
//! ```text
//!   0  model         [`ModelId`] of the network it was made for
//!  16  rules         u8: 0 threshold and margin, 1 threshold alone, 2 caps
//!  17  basis         u8: 0 cohort, 1 table, 2 given
//!  18  thresholds    u16, how many
//!  20  fpir          u32, parts per million
//!  24  strangers     u32, the number that the thresholds were measured on
//!  28  quantisation  u32, microradians
//!  32  logit scale   f32
//!  36  margin        angle: microradians u32, cosine i32, sine i32
//!  48  cap           angle
//!  60  certificate   angle
//!  72  zero          8 bytes
//!  80  thresholds    12 bytes each: people u16, zero u16, cosine i32, fpir upper bound u32
//! ```

use core::iter;

use crate::bytes::{chunk_at, is_zero, put, u16_at, u32_at};
use crate::{ImageError, ModelId, Section};

/// Most entries of the threshold table.
pub const MAX_THRESHOLDS: usize = 32;
/// One, in the fixed-point format of cosines.
pub const ONE_Q30: i32 = 1 << 30;

const HEAD_BYTES: usize = 80;
const THRESHOLD_BYTES: usize = 12;

/// The rules that decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The threshold and the margin.
    Calibrated,
    /// The threshold alone.
    Absolute,
    /// Accepts only a probe that lies in the person's own cap. The cap's radius is half of the difference between the
    /// angle to the next person and the cap's margin.
    Margin,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Calibrated, Kind::Absolute, Kind::Margin];
}

/// The threshold for galleries up to a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Largest number of enrolled people for which it is valid.
    pub people: u16,
    /// Smallest cosine that is accepted, Q30.
    pub cosine_q30: i32,
    /// Upper bound (95 %) of the rate at which strangers are accepted, parts per million. 1,000,000 if unknown.
    pub fpir_upper_ppm: u32,
}

impl Threshold {
    fn parse(record: &[u8]) -> Threshold {
        Threshold {
            people: u16_at(record, 0),
            cosine_q30: u32_at(record, 4) as i32,
            fpir_upper_ppm: u32_at(record, 8),
        }
    }

    fn emit(&self, record: &mut [u8]) {
        put(record, 0, self.people.to_le_bytes());
        put(record, 4, self.cosine_q30.to_le_bytes());
        put(record, 8, self.fpir_upper_ppm.to_le_bytes());
    }
}

/// An angle from 0 to π/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Angle {
    /// Microradians, for display.
    pub urad: u32,
    /// Cosine, Q30.
    pub cos_q30: i32,
    /// Sine, Q30.
    pub sin_q30: i32,
}

impl Angle {
    /// A right angle.
    const RIGHT: Angle = Angle { urad: 1_570_796, cos_q30: 0, sin_q30: ONE_Q30 };
    /// No angle.
    pub const ZERO: Angle = Angle { urad: 0, cos_q30: ONE_Q30, sin_q30: 0 };

    fn is_sound(&self) -> bool {
        let [cos, sin] = [self.cos_q30, self.sin_q30].map(i64::from);
        // The ranges are checked first, because the squares of values outside do not fit.
        [cos, sin].iter().all(|part| (0..=1 << 30).contains(part))
            && (cos * cos + sin * sin - (1 << 60)).abs() <= 1 << 32
    }

    fn parse(record: &[u8], at: usize) -> Angle {
        let [urad, cos, sin] = [0, 4, 8].map(|field| u32_at(record, at + field));
        Angle { urad, cos_q30: cos as i32, sin_q30: sin as i32 }
    }

    fn emit(&self, record: &mut [u8], at: usize) {
        put(record, at, self.urad.to_le_bytes());
        put(record, at + 4, self.cos_q30.to_le_bytes());
        put(record, at + 8, self.sin_q30.to_le_bytes());
    }
}

/// The origin of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Measured on a cohort.
    Cohort {
        /// Number of strangers in it.
        strangers: u32,
    },
    /// A cautious table for networks of this kind, not measured on this network.
    Table,
    /// Given by the user.
    Given,
}

/// Thresholds by gallery size, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds<'a> {
    records: &'a [[u8; THRESHOLD_BYTES]],
}

impl<'a> Thresholds<'a> {
    /// The thresholds in order.
    pub fn iter(&self) -> impl Iterator<Item = Threshold> + use<'a> {
        self.records.iter().map(|record| Threshold::parse(record))
    }

    /// The threshold of the largest gallery in the table.
    pub fn last(&self) -> Option<Threshold> {
        self.records.last().map(|record| Threshold::parse(record))
    }
}

/// The POLICY section except its thresholds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// The network for which it was made.
    pub model: ModelId,
    /// The rules that decide.
    pub kind: Kind,
    /// Stated rate at which strangers are accepted (FPIR), in parts per million.
    pub fpir_ppm: u32,
    /// The origin of the thresholds.
    pub basis: Basis,
    /// The runner-up must be farther than the best by at least this angle.
    pub margin: Angle,
    /// Margin of the caps that decide, for [`Kind::Margin`].
    pub cap: Angle,
    /// Margin of the caps that certify: `margin` plus twice the error of quantisation.
    pub certificate: Angle,
    /// Angle between the quantised and the float embedding of one photo, in microradians: the largest one or a high
    /// percentile.
    pub quantisation_urad: u32,
    /// Scale `s` of the logits in the network's training, for the confidence that is shown.
    pub logit_scale: f32,
}

impl Terms {
    /// Terms of no network, under which nobody is accepted.
    const NOBODY: Terms = Terms {
        model: ModelId([0; 16]),
        kind: Kind::Margin,
        fpir_ppm: 0,
        basis: Basis::Given,
        margin: Angle::RIGHT,
        cap: Angle::RIGHT,
        certificate: Angle::RIGHT,
        quantisation_urad: 0,
        logit_scale: 1.0,
    };
}

/// A checked POLICY section.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy<'a> {
    section: &'a [u8],
    /// Thresholds by gallery size.
    pub thresholds: Thresholds<'a>,
}

impl<'a> Policy<'a> {
    /// Reads the section.
    ///
    /// # Errors
    /// [`ImageError::Record`] naming the field, [`ImageError::ForeignGallery`] when made for another network.
    pub fn new_checked(section: &'a [u8], model: ModelId) -> Result<Self, ImageError> {
        let record = |field| ImageError::Record { section: Section::Policy, field };
        let head = section.get(..HEAD_BYTES).ok_or(record("length"))?;
        let count = usize::from(u16_at(head, 18));
        if !(1..=MAX_THRESHOLDS).contains(&count) {
            return Err(record("number of thresholds"));
        }
        if section.len() != emitted_bytes(count) {
            return Err(record("length"));
        }
        let (records, _) = section.get(HEAD_BYTES..).unwrap_or_default().as_chunks();
        let policy = Policy { section, thresholds: Thresholds { records } };
        let terms = parse_terms(head).map_err(record)?;
        if terms.model != model {
            return Err(ImageError::ForeignGallery(Section::Policy));
        }
        let thresholds = policy.thresholds;
        let ascending = thresholds.iter().is_sorted_by(|a, b| a.people < b.people);
        if !ascending || thresholds.iter().any(|threshold| threshold.people == 0) {
            return Err(record("thresholds: gallery sizes"));
        }
        let unit = -ONE_Q30..=ONE_Q30;
        if !thresholds.iter().all(|t| unit.contains(&t.cosine_q30)) {
            return Err(record("thresholds: cosine"));
        }
        if !is_zero(head, 72..HEAD_BYTES) || records.iter().any(|record| !is_zero(record, 2..4)) {
            return Err(record("padding"));
        }
        Ok(policy)
    }

    /// The section except its thresholds.
    pub fn terms(&self) -> Terms {
        // The terms were checked with the section.
        parse_terms(self.section).unwrap_or(Terms::NOBODY)
    }

    /// The threshold for a gallery of `people` people, a cosine in Q30. If the table does not cover so many people,
    /// the threshold accepts nobody.
    pub fn threshold_q30(&self, people: usize) -> i32 {
        let reached = self.thresholds.iter().find(|threshold| usize::from(threshold.people) >= people);
        reached.map_or(i32::MAX, |threshold| threshold.cosine_q30)
    }
}

fn parse_terms(head: &[u8]) -> Result<Terms, &'static str> {
    let strangers = u32_at(head, 24);
    let [rules, basis] = chunk_at(head, 16);
    let basis = match basis {
        0 => Basis::Cohort { strangers },
        1 if strangers == 0 => Basis::Table,
        2 if strangers == 0 => Basis::Given,
        _ => return Err("basis"),
    };
    let terms = Terms {
        model: ModelId(chunk_at(head, 0)),
        kind: *Kind::ALL.get(usize::from(rules)).ok_or("rules")?,
        fpir_ppm: u32_at(head, 20),
        basis,
        margin: Angle::parse(head, 36),
        cap: Angle::parse(head, 48),
        certificate: Angle::parse(head, 60),
        quantisation_urad: u32_at(head, 28),
        logit_scale: f32::from_bits(u32_at(head, 32)),
    };
    for (angle, name) in [(terms.margin, "margin"), (terms.cap, "cap"), (terms.certificate, "certificate")] {
        if !angle.is_sound() {
            return Err(name);
        }
    }
    if !(terms.logit_scale.is_finite() && terms.logit_scale > 0.0) {
        return Err("logit scale");
    }
    Ok(terms)
}

/// Length of a section with this many thresholds.
pub const fn emitted_bytes(thresholds: usize) -> usize {
    HEAD_BYTES + thresholds * THRESHOLD_BYTES
}

/// Writes a section.
///
/// # Panics
/// When the length of `out` differs from [`emitted_bytes`], or there are more than [`MAX_THRESHOLDS`] thresholds.
pub fn emit(terms: &Terms, thresholds: impl ExactSizeIterator<Item = Threshold>, out: &mut [u8]) {
    assert!(thresholds.len() <= MAX_THRESHOLDS && out.len() == emitted_bytes(thresholds.len()));
    out.fill(0);
    put(out, 0, terms.model.0);
    out[16] = Kind::ALL.iter().position(|&kind| kind == terms.kind).unwrap_or(0) as u8;
    let (basis, strangers) = match terms.basis {
        Basis::Cohort { strangers } => (0, strangers),
        Basis::Table => (1, 0),
        Basis::Given => (2, 0),
    };
    out[17] = basis;
    put(out, 18, (thresholds.len() as u16).to_le_bytes());
    for (at, value) in [
        (20, terms.fpir_ppm),
        (24, strangers),
        (28, terms.quantisation_urad),
        (32, terms.logit_scale.to_bits()),
    ] {
        put(out, at, value.to_le_bytes());
    }
    for (at, angle) in [(36, terms.margin), (48, terms.cap), (60, terms.certificate)] {
        angle.emit(out, at);
    }
    let (_, records) = out.split_at_mut(HEAD_BYTES);
    iter::zip(records.chunks_exact_mut(THRESHOLD_BYTES), thresholds)
        .for_each(|(record, threshold)| threshold.emit(record));
}
