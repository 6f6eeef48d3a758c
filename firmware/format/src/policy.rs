//! The POLICY section: what it takes to be accepted.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::{ImageError, ModelId, Section};

/// Most points of the threshold table.
pub const MAX_THRESHOLDS: usize = 32;
/// One, in the fixed-point format of cosines.
pub const ONE_Q30: i32 = 1 << 30;

/// The threshold from a gallery size on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// Smallest number of enrolled people it holds for.
    pub people: u16,
    /// Least cosine to be accepted, Q30.
    pub cosine_q30: i32,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The network it was made for.
    pub model: ModelId,
    /// Stated rate at which strangers are accepted (FPIR), in parts per million.
    pub fpir_ppm: u32,
    /// Where the thresholds came from.
    pub basis: Basis,
    /// Thresholds by gallery size, ascending, the first for one person.
    pub thresholds: Vec<Threshold, MAX_THRESHOLDS>,
    /// Margin in microradians: the runner-up must be so much farther than the best.
    pub margin_urad: u32,
    /// Cosine of the margin, Q30.
    pub margin_cos_q30: i32,
    /// Sine of the margin, Q30.
    pub margin_sin_q30: i32,
    /// Angle between quantised and float embedding of one photo, 99.9th percentile, microradians.
    pub quantisation_urad: u32,
}

/// Most bytes the section takes.
pub const MAX_BYTES: usize = 64 + 8 * MAX_THRESHOLDS;

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
        if !ascending || policy.thresholds.first().is_none_or(|first| first.people > 1) {
            return Err(record("thresholds: gallery sizes"));
        }
        let unit = -ONE_Q30..=ONE_Q30;
        if !policy.thresholds.iter().all(|t| unit.contains(&t.cosine_q30)) {
            return Err(record("thresholds: cosine"));
        }
        let [cos, sin] = [policy.margin_cos_q30, policy.margin_sin_q30].map(i64::from);
        let norm_error = (cos * cos + sin * sin - (1 << 60)).abs();
        if !(0..=1 << 30).contains(&cos) || !(0..=1 << 30).contains(&sin) || norm_error > 1 << 32 {
            return Err(record("margin"));
        }
        Ok(policy)
    }

    /// The threshold for a gallery of `people`: Q30 cosine.
    pub fn threshold_q30(&self, people: usize) -> i32 {
        let reached = self.thresholds.iter().take_while(|t| t.people as usize <= people.max(1));
        reached.last().map_or(ONE_Q30, |t| t.cosine_q30)
    }
}
