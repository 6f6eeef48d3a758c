//! A person's own cap on the sphere: where nobody else can be within the margin.
//!
//! With φ the angle from a person's centre to the nearest centre of anybody else, a probe at an angle θ from that centre
//! is at least φ − θ from everybody else (the triangle inequality on the sphere). So `θ ≤ (φ − m) / 2` implies
//! `θ' ≥ θ + m` for all others: the boundary that ArcFace's margin draws between two classes (Deng et al., CVPR 2019,
//! figure 3). φ counts as a right angle at most, so that a person alone has a cap, too.
//!
//! The test is exact in one direction: it is made with bounds, rounded so that a probe it takes is truly inside.

use crate::centres::Centres;
use crate::decision::magnitude_q31;
use crate::nearest::Sight;
use crate::rules::{Margin, ONE_Q30};

/// Cosine of half a right angle, Q30, rounded up.
const HALF_RIGHT_Q30: u64 = 759_250_125;

/// The centre of another person that is nearest to centre number `centre`, as that centre sees it.
///
/// # Panics
/// When there is no such centre.
pub fn nearest_other(gallery: &Centres, centre: u16) -> Option<Sight> {
    let own = gallery.get(centre);
    let mut nearest: Option<Sight> = None;
    for (number, other) in gallery.iter().enumerate().filter(|(_, other)| other.owner != own.owner) {
        let products = other.vector.iter().zip(own.vector).map(|(&a, &b)| i32::from(a) * i32::from(b));
        let sight =
            Sight { owner: other.owner, centre: number as u16, dot: products.sum(), norm: other.norm };
        if nearest.is_none_or(|nearest| sight.is_nearer_than(&nearest)) {
            nearest = Some(sight);
        }
    }
    nearest
}

/// Whether the probe lies in the cap of its best centre: `2 θ + m ≤ φ`, φ a right angle at most.
pub fn contains(gallery: &Centres, best: &Sight, probe_norm: u64, margin: &Margin) -> bool {
    if best.dot <= 0 {
        return false;
    }
    let twice = magnitude_q31(best.dot, best.norm, probe_norm);
    // cos θ from below and above, sin θ from above. All Q30.
    let (low, high) = (twice / 2, twice / 2 + 1);
    if low < HALF_RIGHT_Q30 {
        return false;
    }
    let one = ONE_Q30 as u64;
    let sine = (one * one).saturating_sub(low * low).isqrt() + 1;

    // cos φ from above.
    let other = nearest_other(gallery, best.centre).filter(|other| other.dot > 0);
    let cos_phi = other.map_or(0, |other| magnitude_q31(other.dot, other.norm, best.norm.into()) / 2 + 1);

    // cos (2 θ + m) = cos 2θ cos m − sin 2θ sin m from below, Q90; the margin's own rounding is half a unit.
    let cos_double = 2 * u128::from(low) * u128::from(low) - u128::from(one) * u128::from(one);
    let sin_double = 2 * u128::from(sine) * u128::from(high);
    let (cos_margin, sin_margin) = margin.bounds();
    let gain = cos_double * u128::from(cos_margin);
    let loss = sin_double * u128::from(sin_margin);
    gain >= loss + (u128::from(cos_phi) << 60)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn margin(radians: f64) -> Margin {
        let q30 = |x: f64| (x * f64::from(ONE_Q30)).round() as i32;
        Margin::new_checked(q30(radians.cos()), q30(radians.sin())).unwrap()
    }

    /// A vector at `degrees` in the plane, long enough that rounding it does not matter here.
    fn at(degrees: f64, length: f64) -> [i16; 2] {
        let radians = degrees.to_radians();
        [(length * radians.cos()).round() as i16, (length * radians.sin()).round() as i16]
    }

    fn is_inside(centres: &[f64], probe: f64, margin_degrees: f64) -> bool {
        let vectors: Vec<i8> = centres.iter().flat_map(|&c| at(c, 127.0).map(|x| x as i8)).collect();
        let norm = |v: &[i8]| v.iter().map(|&x| (i32::from(x) * i32::from(x)) as u32).sum();
        let norms: Vec<u32> = vectors.chunks_exact(2).map(norm).collect();
        let owners: Vec<u16> = (0..centres.len() as u16).collect();
        let gallery = Centres::new_checked(2, &vectors, &norms, &owners).unwrap();
        let probe = at(probe, 30_000.0);
        let (best, _) = crate::nearest::two_nearest(&gallery, &probe);
        contains(
            &gallery,
            &best.unwrap(),
            crate::dot::squared_norm(&probe),
            &margin(margin_degrees.to_radians()),
        )
    }

    #[test]
    fn boundary_lies_halfway_less_the_margin() {
        // (60 − 20) / 2 = 20 degrees; eight-bit centres are up to a third of a degree off.
        assert!(is_inside(&[0.0, 60.0], 19.0, 20.0) && !is_inside(&[0.0, 60.0], 21.0, 20.0));
        assert!(is_inside(&[0.0, 60.0], -19.0, 20.0) && !is_inside(&[0.0, 60.0], -21.0, 20.0));
        // The nearer of two others counts.
        assert!(!is_inside(&[0.0, 60.0, -40.0], 15.0, 20.0) && is_inside(&[0.0, 60.0, -40.0], 9.0, 20.0));
    }

    #[test]
    fn nobody_near_counts_as_a_right_angle() {
        for others in [&[0.0][..], &[0.0, 90.0], &[0.0, 179.0]] {
            assert!(is_inside(others, -34.0, 20.0) && !is_inside(others, -36.0, 20.0), "{others:?}");
        }
        assert!(
            !is_inside(&[0.0], 91.0, 0.0) && !is_inside(&[0.0], 46.0, 0.0) && is_inside(&[0.0], 44.0, 0.0)
        );
    }

    #[test]
    fn people_closer_than_the_margin_have_no_cap() {
        assert!(!is_inside(&[0.0, 15.0], 0.0, 20.0));
        // The same centre twice: not even without a margin, for the bounds are open.
        assert!(!is_inside(&[0.0, 0.0], 0.0, 0.0));
    }
}
