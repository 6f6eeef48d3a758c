//! Thresholds measured on strangers: the least accepted cosine, by gallery size, for a stated rate of accepting
//! strangers.
//!
//! A stranger is compared with everybody enrolled. If comparisons are independent, a gallery of `N` people accepts a
//! stranger at the rate FPIR = 1 − (1 − FMR)^N. The requested FPIR therefore determines the rate allowed for a single
//! comparison (FMR). The threshold is the matching quantile of the strangers' cosines to enrolled centres and to each
//! other.
//!
//! The confidence in a threshold depends on the number of people, not on the number of comparisons: a share FPIR of
//! `n` strangers is expected to be accepted, and the exact binomial interval (Clopper and Pearson 1934) bounds the
//! true rate. If fewer than three acceptances are expected, the claim is marked as unsupported: even if none of `n` is
//! accepted, no rate below `3 / n` is shown.

use format::policy::{Angle, Threshold};
use rayon::prelude::*;
use serde::Serialize;

use self::tail::Tail;
use crate::bounds::clopper_pearson;
use crate::embedding::cosine;

pub mod margin;
mod tail;

/// Gallery sizes in the table of thresholds.
const SIZES: [u16; 26] = [
    1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 7500,
    10000, 13000, 16384,
];

/// Least cosines for a calibration without strangers. With few strangers they are lower bounds. They are for ArcFace
/// networks of 128 to 512 dimensions, slightly above the values for FPIR 0.003 on LFW. Linear in `log₁₀ N` between the
/// entries.
const CAUTIOUS: [(f64, f64); 6] =
    [(0.0, 0.35), (1.0, 0.43), (1.7, 0.48), (2.3, 0.52), (3.0, 0.57), (4.3, 0.65)];
/// With fewer strangers than this, the cautious table is a lower bound.
const FEW_STRANGERS: usize = 100;
/// With fewer strangers than this, nothing is extrapolated.
pub const HARDLY_ANY_STRANGERS: usize = 50;
/// Distance of the threshold above the nearest stranger's cosine, if there are hardly any strangers.
const AHEAD: f32 = 0.02;
/// Cosines to a centre of several photos vary more than cosines between single photos, by this factor. It was measured
/// with two networks on LFW, and is used if the enrolled photos do not determine the factor.
const CENTRE_GAIN: f32 = 1.02;

/// The threshold for galleries up to a size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Largest number of enrolled people.
    pub people: u16,
    /// Least cosine.
    pub cosine: f32,
    /// 95 % bounds of the rate at which strangers are accepted.
    pub fpir_bounds: [f64; 2],
}

/// Thresholds and the data behind them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// By gallery size, ascending.
    pub points: Vec<Point>,
    /// Stated rate.
    pub fpir: f64,
    /// Number of strangers that were measured.
    pub strangers: usize,
    /// Number of comparisons.
    pub comparisons: usize,
    /// Whether this number of strangers supports the stated rate.
    pub is_supported: bool,
    /// Number of strangers that would support the stated rate.
    pub strangers_needed: usize,
}

impl Table {
    /// The point for a gallery of `people` people.
    pub fn at(&self, people: usize) -> Option<&Point> {
        self.points.iter().find(|point| usize::from(point.people) >= people)
    }

    /// The thresholds in the image's form.
    pub fn records(&self) -> impl Iterator<Item = Threshold> + '_ {
        self.points.iter().map(|point| Threshold {
            people: point.people,
            cosine_q30: q30(point.cosine.into()),
            fpir_upper_ppm: (point.fpir_bounds[1] * 1e6).ceil() as u32,
        })
    }

    /// The same threshold or table for every gallery, without known bounds.
    fn unmeasured(fpir: f64, cosine: impl Fn(u16) -> f32) -> Self {
        let point = |people| Point { people, cosine: cosine(people), fpir_bounds: [0.0, 1.0] };
        Table {
            points: SIZES.map(point).to_vec(),
            fpir,
            strangers: 0,
            comparisons: 0,
            is_supported: false,
            strangers_needed: strangers_needed(fpir),
        }
    }
}

/// A cosine or sine in Q30.
pub fn q30(value: f64) -> i32 {
    (value * f64::from(1 << 30)).round() as i32
}

/// The image's form of an angle of 0 to π/2 radians. A larger angle is limited to π/2.
pub fn angle_record(radians: f64) -> Angle {
    let radians = radians.clamp(0.0, std::f64::consts::FRAC_PI_2);
    Angle { urad: (radians * 1e6).round() as u32, cos_q30: q30(radians.cos()), sin_q30: q30(radians.sin()) }
}

fn strangers_needed(fpir: f64) -> usize {
    (3.0 / fpir).ceil() as usize
}

/// The table for networks without measurements.
pub fn cautious(fpir: f64) -> Table {
    Table::unmeasured(fpir, cautious_cosine)
}

fn cautious_cosine(people: u16) -> f32 {
    let log = f64::from(people.max(1)).log10();
    let after = CAUTIOUS.iter().position(|&(x, _)| x >= log).unwrap_or(CAUTIOUS.len() - 1).max(1);
    let [(x0, y0), (x1, y1)] = [CAUTIOUS[after - 1], CAUTIOUS[after]];
    (y0 + (y1 - y0) * ((log - x0) / (x1 - x0)).min(1.0)) as f32
}

/// The same threshold for every gallery.
pub fn given(fpir: f64, cosine: f32) -> Table {
    Table::unmeasured(fpir, |_| cosine)
}

/// An enrolled person as calibration sees them.
#[derive(Clone, Debug)]
pub struct Person<'a> {
    /// Unit centres.
    pub centres: &'a [Vec<f32>],
    /// Unit embeddings of the photos they are made from.
    pub photos: &'a [Vec<f32>],
}

/// Thresholds at which strangers (unit embeddings, one each) are accepted at the rate `fpir`.
pub fn measure(strangers: &[Vec<f32>], people: &[Person<'_>], fpir: f64) -> Table {
    let tail = Tail::new(scores(strangers, people));
    let count = strangers.len();
    let mut least = -1f32;
    let points = SIZES.map(|size| {
        let fmr = 1.0 - (1.0 - fpir).powf(1.0 / f64::from(size));
        let cosine = if count < HARDLY_ANY_STRANGERS {
            // A tail fitted to so few scores is meaningless, but the measured strangers must not be accepted.
            tail.scores.first().map_or(-1.0, |&nearest| nearest + AHEAD).max(cautious_cosine(size))
        } else if count < FEW_STRANGERS {
            tail.quantile(fmr).max(cautious_cosine(size))
        } else {
            tail.quantile(fmr)
        };
        least = least.max(cosine.min(0.99));
        Point { people: size, cosine: least, fpir_bounds: clopper_pearson(fpir * count as f64, count) }
    });
    Table {
        points: points.to_vec(),
        fpir,
        strangers: count,
        comparisons: tail.scores.len(),
        is_supported: count >= strangers_needed(fpir),
        strangers_needed: strangers_needed(fpir),
    }
}

/// Cosines of strangers to enrolled people, and to each other as if they were enrolled.
fn scores(strangers: &[Vec<f32>], people: &[Person<'_>]) -> Vec<f32> {
    let nearest = |stranger: &Vec<f32>, person: &Person<'_>| {
        person.centres.iter().map(|centre| cosine(stranger, centre)).fold(-1f32, f32::max)
    };
    let gain = centre_gain(strangers, people);
    (0..strangers.len())
        .into_par_iter()
        .flat_map_iter(|index| {
            let stranger = &strangers[index];
            let to_people = people.iter().map(|person| nearest(stranger, person));
            let to_strangers = strangers[..index].iter().map(|other| gain * cosine(stranger, other));
            to_people.chain(to_strangers).collect::<Vec<_>>()
        })
        .collect()
}

/// Factor by which comparisons with centres vary more than comparisons with the single photos of these centres.
fn centre_gain(strangers: &[Vec<f32>], people: &[Person<'_>]) -> f32 {
    let several: Vec<&Person<'_>> = people.iter().filter(|person| person.photos.len() > 1).collect();
    if several.len() * strangers.len() < 1000 {
        return CENTRE_GAIN;
    }
    let square = |x: f32| f64::from(x) * f64::from(x);
    let spread = |vectors: fn(&Person<'_>) -> Vec<Vec<f32>>| -> f64 {
        let mut sum = (0.0, 0);
        for person in &several {
            for vector in vectors(person) {
                sum.0 += strangers.iter().map(|stranger| square(cosine(stranger, &vector))).sum::<f64>();
                sum.1 += strangers.len();
            }
        }
        sum.0 / f64::from(sum.1 as u32)
    };
    let gain = (spread(|p| p.centres.to_vec()) / spread(|p| p.photos.to_vec())).sqrt();
    (gain as f32).clamp(1.0, 1.3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::unit;

    /// Directions in 24 dimensions, from a small generator.
    fn directions(count: usize, mut state: u64) -> Vec<Vec<f32>> {
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as f32 / (1u64 << 30) as f32 - 1.0
        };
        (0..count).map(|_| unit(&(0..24).map(|_| next()).collect::<Vec<_>>())).collect()
    }

    #[test]
    fn measured_rate_holds_on_other_strangers_for_every_gallery_size() {
        let centres = directions(60, 1);
        let people: Vec<Person<'_>> = centres
            .iter()
            .map(|c| Person { centres: std::slice::from_ref(c), photos: std::slice::from_ref(c) })
            .collect();
        let table = measure(&directions(800, 2), &people, 0.01);
        assert!(
            table.is_supported
                && table.points.is_sorted_by(|a, b| a.people < b.people && a.cosine <= b.cosine)
        );
        let others = directions(4000, 3);
        for size in [1, 10, 50] {
            let point = table.at(size).unwrap();
            let accepted = others
                .iter()
                .filter(|other| centres[..size].iter().any(|centre| cosine(centre, other) >= point.cosine));
            let rate = accepted.count() as f64 / others.len() as f64;
            let [low, high] = point.fpir_bounds;
            assert!((low..=high).contains(&rate), "{size}: {rate} is not in {low}..{high}");
        }
    }

    #[test]
    fn few_strangers_are_marked_and_get_the_cautious_table_at_least() {
        let table = measure(&directions(12, 4), &[], 0.003);
        assert!(!table.is_supported);
        assert_eq!(table.strangers_needed, 1000);
        for point in &table.points {
            assert!(point.cosine >= cautious_cosine(point.people), "{point:?}");
        }
        assert!(measure(&[], &[], 0.003).points.iter().all(|point| point.cosine >= 0.35));
    }

    #[test]
    fn cautious_table_is_straight_between_its_points() {
        for (people, cosine) in [(1, 0.35), (10, 0.43), (1000, 0.57)] {
            assert!((cautious_cosine(people) - cosine).abs() < 1e-6, "{people}");
        }
        assert!(cautious_cosine(16384) > 0.62 && cautious_cosine(3) > 0.37 && cautious_cosine(3) < 0.40);
    }
}
