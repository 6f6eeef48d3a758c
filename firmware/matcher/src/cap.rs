//! A person's own cap on the sphere: the region in which no other person can be within the margin.
//!
//! With φ the angle from a person's centre to the nearest centre of anybody else, a probe at an angle θ from that centre
//! is at least φ − θ from everybody else (the triangle inequality on the sphere). So `θ ≤ (φ − m) / 2` implies
//! `θ' ≥ θ + m` for all others: the boundary that ArcFace's margin draws between two classes (Deng et al., CVPR 2019,
//! figure 3). φ counts as a right angle at most, so that a single enrolled person has a cap, too.
//!
//! The test errs on one side only: its bounds are rounded so that an accepted probe is truly inside.

use crate::cosine::magnitude_q31;
use crate::dot::{MAX_DIMENSION, dot};
use crate::nearest::{ScanError, Sight, scan};
use crate::rules::{Margin, ONE_Q30};
use crate::runs::{DecideError, Nearest, Runs, scan_each};

/// One, Q30.
const ONE: u64 = ONE_Q30 as u64;
/// Cosine of half a right angle, Q30, rounded up.
const HALF_RIGHT_Q30: u64 = 759_250_125;

/// Whether the probe lies in the cap of its best centre: `2 θ + m ≤ φ`, with φ at most a right angle. `nearest` holds
/// that centre and the nearest centre of another person.
///
/// # Errors
/// [`DecideError`]: the runs are opened only when the two centres leave the answer open.
pub(crate) fn contains<R: Runs>(
    gallery: &mut R,
    nearest: &Nearest,
    probe_norm: u64,
    margin: &Margin,
) -> Result<bool, DecideError<R::Error>> {
    let Some(best) = &nearest.best else { return Ok(false) };
    // cos θ from below and above, sin θ from above. All Q30.
    let (low, high) = cosine_bounds(best, probe_norm);
    if low < HALF_RIGHT_Q30 {
        return Ok(false);
    }
    let sine = sine_from_above(low);

    // A lower bound, Q90, of cos (2 θ + m) = cos 2θ cos m − sin 2θ sin m; the margin's own rounding is half a unit.
    let cos_double = 2 * u128::from(low) * u128::from(low) - u128::from(ONE) * u128::from(ONE);
    let sin_double = 2 * u128::from(sine) * u128::from(high);
    let (cos_margin, sin_margin) = margin.bounds();
    let gain = cos_double * u128::from(cos_margin);
    let loss = sin_double * u128::from(sin_margin);
    let is_apart = |cos_phi: u64| gain >= loss + (u128::from(cos_phi) << 60);

    let Some(second) = &nearest.second else { return Ok(is_apart(0)) };
    if !is_apart(0) {
        return Ok(false);
    }
    // φ ≥ θ' − θ, with θ' the angle of `second`: the triangle inequality again. The result is an upper bound of cos φ.
    // The computed cos φ exceeds the true one by at most one.
    let (second_low, second_high) = cosine_bounds(second, probe_norm);
    let cos_apart = (second_high * high + sine_from_above(second_low) * sine) / ONE + 2;
    if is_apart(cos_apart) {
        return Ok(true);
    }

    // cos φ itself. The angle from `best` to `second` alone often refutes the cap. Only otherwise are all centres
    // searched.
    let dimension = gallery.dimension();
    let [of_best, of_second] = nearest.vectors();
    let mut own = [0; MAX_DIMENSION];
    let own =
        own.get_mut(..dimension).ok_or(ScanError::Dimension { probe: MAX_DIMENSION, centres: dimension })?;
    own.iter_mut().zip(of_best).for_each(|(own, &element)| *own = element.into());
    let mut closest = Sight { dot: dot(of_second, own), ..*second };
    if !is_apart(cosine_bounds(&closest, best.norm.into()).1) {
        return Ok(false);
    }
    scan_each(gallery, |centres, _| {
        scan(centres, own, Some(closest), &mut |sight, _| {
            if sight.owner == best.owner || !sight.is_nearer_than(&closest) {
                return None;
            }
            closest = sight;
            Some(sight)
        })
    })?;
    Ok(is_apart(cosine_bounds(&closest, best.norm.into()).1))
}

/// Lower and upper bound of the cosine (Q30) of the angle between a centre and a vector of this squared norm. Both
/// are zero if the cosine is not above zero.
fn cosine_bounds(sight: &Sight, other_norm: u64) -> (u64, u64) {
    if sight.dot <= 0 {
        return (0, 0);
    }
    let low = magnitude_q31(sight.dot, sight.norm, other_norm) / 2;
    (low, low + 1)
}

/// Upper bound of the sine (Q30) of an angle whose cosine is at least this.
fn sine_from_above(cosine: u64) -> u64 {
    (ONE * ONE).saturating_sub(cosine * cosine).isqrt() + 1
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::centres::Centres;

    fn margin(radians: f64) -> Margin {
        let q30 = |x: f64| (x * f64::from(ONE_Q30)).round() as i32;
        Margin::new_checked(q30(radians.cos()), q30(radians.sin())).unwrap()
    }

    /// A vector at `degrees` in the plane, long enough that rounding it does not matter here.
    fn at(degrees: f64, length: f64) -> [i16; 2] {
        let radians = degrees.to_radians();
        [(length * radians.cos()).round() as i16, (length * radians.sin()).round() as i16]
    }

    fn is_in_cap(mut gallery: Centres<'_>, probe: &[i16], probe_norm: u64, margin: &Margin) -> bool {
        let mut nearest = Nearest::new();
        nearest.search(&mut gallery, probe).unwrap();
        contains(&mut gallery, &nearest, probe_norm, margin).unwrap()
    }

    fn is_inside(centres: &[f64], probe: f64, margin_degrees: f64) -> bool {
        let vectors: Vec<i8> = centres.iter().flat_map(|&c| at(c, 127.0).map(|x| x as i8)).collect();
        let norm = |v: &[i8]| v.iter().map(|&x| (i32::from(x) * i32::from(x)) as u32).sum();
        let norms: Vec<u32> = vectors.chunks_exact(2).map(norm).collect();
        let owners: Vec<u16> = (0..centres.len() as u16).collect();
        let gallery = Centres::new_checked(2, &vectors, &norms, &owners).unwrap();
        let probe = at(probe, 30_000.0);
        let probe_norm = crate::dot::squared_norm(&probe);
        is_in_cap(gallery, &probe, probe_norm, &margin(margin_degrees.to_radians()))
    }

    #[test]
    fn boundary_lies_halfway_less_the_margin() {
        // (60 − 20) / 2 = 20 degrees; rounding to eight bits moves a centre by up to a third of a degree.
        assert!(is_inside(&[0.0, 60.0], 19.0, 20.0) && !is_inside(&[0.0, 60.0], 21.0, 20.0));
        assert!(is_inside(&[0.0, 60.0], -19.0, 20.0) && !is_inside(&[0.0, 60.0], -21.0, 20.0));
        // The nearer of the two others counts.
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
        // The same centre twice: refused even without a margin, because the bounds are rounded away from equality.
        assert!(!is_inside(&[0.0, 0.0], 0.0, 0.0));
    }

    /// [`contains`], computed with every other centre.
    fn contains_by_definition(gallery: &Centres, best: &Sight, probe_norm: u64, margin: &Margin) -> bool {
        let own = gallery.get(best.centre).unwrap();
        let wide: Vec<i16> = own.vector.iter().map(|&element| element.into()).collect();
        gallery.iter().filter(|other| other.owner != own.owner).all(|other| {
            let other = Sight { owner: 0, centre: 0, dot: dot(other.vector, &wide), norm: other.norm };
            let cos_phi = cosine_bounds(&other, own.norm.into()).1;
            is_inside_for(cos_phi, best, probe_norm, margin)
        }) && is_inside_for(0, best, probe_norm, margin)
    }

    fn is_inside_for(cos_phi: u64, best: &Sight, probe_norm: u64, margin: &Margin) -> bool {
        let (low, high) = cosine_bounds(best, probe_norm);
        let cos_double = 2 * i128::from(low) * i128::from(low) - (1 << 60);
        let sin_double = 2 * i128::from(sine_from_above(low)) * i128::from(high);
        let (cos_margin, sin_margin) = margin.bounds();
        let cosine = cos_double * i128::from(cos_margin) - sin_double * i128::from(sin_margin);
        low >= HALF_RIGHT_Q30 && cosine >= i128::from(cos_phi) << 60
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn shortcuts_change_nothing(
            dimension in 2..=6usize,
            elements in proptest::collection::vec(-127..=127i8, 36),
            probe in proptest::collection::vec(-2000..=2000i16, 6),
            toward in 0..200i16,
            degrees in 0.0..40.0f64,
        ) {
            let vectors: Vec<i8> = elements.chunks_exact(6).flat_map(|v| &v[..dimension]).copied().collect();
            let norm = |v: &[i8]| v.iter().map(|&x| (i32::from(x) * i32::from(x)) as u32).sum();
            let norms: Vec<u32> = vectors.chunks_exact(dimension).map(norm).collect();
            prop_assume!(!norms.contains(&0));
            let gallery = Centres::new_checked(dimension, &vectors, &norms, &[0, 0, 1, 2, 2, 3]).unwrap();
            // Probes near some centre, because probes farther away lie in no cap.
            let probe: Vec<i16> = probe.iter().zip(&vectors[..dimension]).map(|(&p, &c)| p + toward * i16::from(c)).collect();
            let probe_norm = crate::dot::squared_norm(&probe);
            prop_assume!(probe_norm > 0);
            let mut nearest = Nearest::new();
            nearest.search(&mut gallery.clone(), &probe).unwrap();
            let margin = margin(degrees.to_radians());
            let expected = contains_by_definition(&gallery, &nearest.best.unwrap(), probe_norm, &margin);
            prop_assert_eq!(is_in_cap(gallery, &probe, probe_norm, &margin), expected);
        }
    }
}
