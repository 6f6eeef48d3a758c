//! The POLICY section: what it takes to be accepted.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::{ImageError, ModelId, Section};

/// Most points of the threshold table.
pub const MAX_THRESHOLDS: usize = 32;
/// One, in the fixed-point format of cosines.
pub const ONE_Q30: i32 = 1 << 30;

/// Which rules decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The threshold and the margin.
    Calibrated,
    /// The threshold alone.
    Absolute,
    /// Only who lies in a person's own cap, half the angle to the next person less half the cap's margin, is accepted.
    Margin,
}

/// The threshold up to a gallery size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// Largest number of enrolled people it holds for.
    pub people: u16,
    /// Least cosine to be accepted, Q30.
    pub cosine_q30: i32,
    /// Rate at which strangers are accepted, parts per million: 95 % sure that it is no higher. One million when not known.
    pub fpir_upper_ppm: u32,
}

/// An angle from nothing to a right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Angle {
    /// Microradians, to show.
    pub urad: u32,
    /// Cosine, Q30.
    pub cos_q30: i32,
    /// Sine, Q30.
    pub sin_q30: i32,
}

impl Angle {
    /// No angle.
    pub const ZERO: Angle = Angle { urad: 0, cos_q30: ONE_Q30, sin_q30: 0 };

    fn is_sound(&self) -> bool {
        let [cos, sin] = [self.cos_q30, self.sin_q30].map(i64::from);
        let norm_error = (cos * cos + sin * sin - (1 << 60)).abs();
        (0..=1 << 30).contains(&cos) && (0..=1 << 30).contains(&sin) && norm_error <= 1 << 32
    }
}

/// Where a threshold came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Basis {
    /// Measured on a cohort of so many strangers.
    Cohort {
        /// Strangers.
        strangers: u32,
    },
    /// A cautious table for networks of this kind, not measured on this one.
    Table,
    /// Given by the user.
    Given,
}

/// The section's only record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// The network it was made for.
    pub model: ModelId,
    /// Which rules decide.
    pub kind: Kind,
    /// Stated rate at which strangers are accepted (FPIR), in parts per million.
    pub fpir_ppm: u32,
    /// Where the thresholds came from.
    pub basis: Basis,
    /// Thresholds by gallery size, ascending.
    pub thresholds: Vec<Threshold, MAX_THRESHOLDS>,
    /// The runner-up must be so much farther than the best.
    pub margin: Angle,
    /// Margin of the caps that decide, for [`Kind::Margin`].
    pub cap: Angle,
    /// Margin of the caps that certify: `margin` and twice the error of quantisation.
    pub certificate: Angle,
    /// Angle between quantised and float embedding of one photo, 99.9th percentile, microradians.
    pub quantisation_urad: u32,
    /// Scale `s` of the logits that the network was trained with, for the confidence that is shown.
    pub logit_scale: f32,
}

/// Most bytes the section takes.
pub const MAX_BYTES: usize = 96 + 13 * MAX_THRESHOLDS;

impl Policy {
    /// Reads the section.
    ///
    /// # Errors
    /// [`ImageError::Record`] naming the field, [`ImageError::ForeignGallery`] when made for another network.
    pub fn new_checked(section: &[u8], model: ModelId) -> Result<Self, ImageError> {
        let record = |field| ImageError::Record { section: Section::Policy, field };
        let (policy, rest): (Policy, _) = postcard::take_from_bytes(section).map_err(|_| record("policy"))?;
        if !rest.is_empty() {
            return Err(record("bytes after the record"));
        }
        if policy.model != model {
            return Err(ImageError::ForeignGallery(Section::Policy));
        }
        let ascending = policy.thresholds.is_sorted_by(|a, b| a.people < b.people);
        if !ascending || policy.thresholds.first().is_none_or(|first| first.people == 0) {
            return Err(record("thresholds: gallery sizes"));
        }
        let unit = -ONE_Q30..=ONE_Q30;
        if !policy.thresholds.iter().all(|t| unit.contains(&t.cosine_q30)) {
            return Err(record("thresholds: cosine"));
        }
        for (angle, name) in
            [(policy.margin, "margin"), (policy.cap, "cap"), (policy.certificate, "certificate")]
        {
            if !angle.is_sound() {
                return Err(record(name));
            }
        }
        if !(policy.logit_scale.is_finite() && policy.logit_scale > 0.0) {
            return Err(record("logit scale"));
        }
        Ok(policy)
    }

    /// The threshold for a gallery of `people`: Q30 cosine. In a larger gallery than the table knows nobody is accepted.
    pub fn threshold_q30(&self, people: usize) -> i32 {
        let reached = self.thresholds.iter().find(|threshold| usize::from(threshold.people) >= people);
        reached.map_or(i32::MAX, |threshold| threshold.cosine_q30)
    }
}
