//! Closeness of people: pairs that the decision cannot always tell apart, and one person under two names.

use anyhow::{Result, ensure};
use rayon::prelude::*;
use serde::Serialize;

use super::gallery::unit_centre;
use crate::embedding::{angle, cosine};
use crate::output;
use crate::sections::Enrolled;

/// Within this share of the acceptance angle, two people are taken for one under two names.
const SAME_PERSON: f32 = 0.6;

/// Angle within which a stranger is taken for an enrolled person, radians.
const SAME_STRANGER: f32 = 0.6;

/// Whether an embedding and a centre look like one person's, far beyond doubt.
pub fn is_same(embedding: &[f32], centre: &[f32]) -> bool {
    angle(cosine(embedding, centre)) < SAME_STRANGER
}

/// Two people and the angle between their nearest centres.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Closeness {
    /// Their names.
    pub names: [String; 2],
    /// Degrees.
    pub angle_degrees: f32,
}

/// The centres of each person, of length one.
fn unit_centres(people: &[Enrolled]) -> Vec<Vec<Vec<f32>>> {
    people.iter().map(|person| person.centres.iter().map(|centre| unit_centre(centre)).collect()).collect()
}

/// Degrees between the nearest centres of two people.
fn degrees(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    let cosines = a.iter().flat_map(|x| b.iter().map(move |y| cosine(x, y)));
    angle(cosines.fold(-1f32, f32::max)).to_degrees()
}

/// How far people are apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// For each person the number of the nearest other one, and the angle to them in degrees; `None` without others.
    pub nearest: Vec<Option<(usize, f32)>>,
    /// Mean angle of every two people, degrees; `None` without two.
    pub mean_degrees: Option<f32>,
}

/// Measures how far people are apart, in memory for one row of angles.
pub fn spread(people: &[Enrolled]) -> Spread {
    let centres = unit_centres(people);
    let rows: Vec<(Option<(usize, f32)>, f64)> = (0..people.len())
        .into_par_iter()
        .map(|person| {
            let others = (0..people.len()).filter(|&other| other != person);
            let mut nearest: Option<(usize, f32)> = None;
            let mut sum = 0.0;
            for other in others {
                let degrees = degrees(&centres[person], &centres[other]);
                sum += f64::from(degrees);
                if nearest.is_none_or(|(_, least)| degrees < least) {
                    nearest = Some((other, degrees));
                }
            }
            (nearest, sum)
        })
        .collect();
    let pairs = people.len() * people.len().saturating_sub(1);
    let sum: f64 = rows.iter().map(|(_, sum)| sum).sum();
    Spread {
        nearest: rows.into_iter().map(|(nearest, _)| nearest).collect(),
        mean_degrees: (pairs > 0).then(|| (sum / pairs as f64) as f32),
    }
}

/// Every two people at most so many degrees apart, the closest first.
pub fn closeness(people: &[Enrolled], most_degrees: f32) -> Vec<Closeness> {
    let centres = unit_centres(people);
    let mut pairs: Vec<Closeness> = (0..people.len())
        .into_par_iter()
        .flat_map_iter(|b| {
            let centres = &centres;
            (0..b).filter_map(move |a| {
                let angle_degrees = degrees(&centres[a], &centres[b]);
                let names = || [a, b].map(|number| people[number].name.clone());
                (angle_degrees <= most_degrees).then(|| Closeness { names: names(), angle_degrees })
            })
        })
        .collect();
    pairs.sort_by(|a, b| a.angle_degrees.total_cmp(&b.angle_degrees));
    pairs
}

/// A line on pairs of people who are close, the closest first; nothing if there are none.
pub fn words(close: &[Closeness]) -> Option<String> {
    let named = |pair: &Closeness| {
        format!("{} and {} ({:.0}° apart)", pair.names[0], pair.names[1], pair.angle_degrees)
    };
    let named: Vec<String> = close.iter().map(named).collect();
    Some(match &named[..] {
        [] => return None,
        [pair] => format!("{pair} are close: each may be taken for the other, or be refused as ambiguous"),
        pairs => format!(
            "{} pairs of people are close, so that each may be taken for the other or be refused as ambiguous: {}",
            pairs.len(),
            output::some_of(pairs)
        ),
    })
}

/// People whom the decision cannot always tell apart, the closest first. Refuses one person under two names. `reach`
/// is the largest accepted angle from a probe to its person, and `margin` is how much farther the next person must
/// be, radians.
///
/// The result has all pairs whose angle is at most `reach + margin`: a good photo of one, near their centre, may then
/// be within reach of the other, or too near to the other for the margin. To keep every accepted photo of one clear
/// of the other would take `2 · reach + margin`. That is more than a right angle, and any two people are closer than
/// that.
///
/// # Errors
/// Names the two, if `is_refused` says so of such a pair.
pub fn separate(
    people: &[Enrolled],
    reach: f32,
    margin: f32,
    is_refused: impl Fn(&Closeness) -> bool,
) -> Result<Vec<Closeness>> {
    let pairs = closeness(people, (reach + margin).to_degrees());
    for pair in pairs.iter().filter(|pair| is_refused(pair)) {
        let [a, b] = &pair.names;
        ensure!(
            pair.angle_degrees.to_radians() > SAME_PERSON * reach,
            "{a} and {b} are {:.0}° apart: one person under two names? Join their folders, or give --allow-duplicates",
            pair.angle_degrees
        );
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// People whose centres lie in a plane, at these angles in degrees.
    fn people(centres: &[&[f32]]) -> Vec<Enrolled> {
        let centre = |degrees: &f32| {
            let (y, x) = degrees.to_radians().sin_cos();
            [x, y].map(|part| (127.0 * part).round() as i8).to_vec()
        };
        let person = |(number, degrees): (usize, &&[f32])| Enrolled {
            name: format!("person {number}"),
            photos: 1,
            centres: degrees.iter().map(centre).collect(),
        };
        centres.iter().enumerate().map(person).collect()
    }

    #[test]
    fn people_are_as_far_apart_as_their_nearest_centres() {
        let Spread { nearest, mean_degrees } = spread(&people(&[&[0.0, 90.0], &[70.0], &[-30.0]]));
        let nearest: Vec<(usize, f32)> = nearest.into_iter().flatten().collect();
        for ((other, degrees), (expected, exact)) in
            nearest.into_iter().zip([(1, 20.0), (0, 20.0), (0, 30.0)])
        {
            assert!(other == expected && (degrees - exact).abs() < 0.5, "{other} {degrees}");
        }
        assert!((mean_degrees.unwrap() - (20.0 + 30.0 + 100.0) / 3.0).abs() < 0.5);
        assert_eq!(spread(&people(&[&[0.0]])), Spread { nearest: vec![None], mean_degrees: None });
    }

    #[test]
    fn close_people_come_closest_first() {
        let pairs = closeness(&people(&[&[0.0], &[40.0], &[50.0], &[150.0]]), 45.0);
        let names: Vec<[&str; 2]> =
            pairs.iter().map(|pair| pair.names.each_ref().map(|name| &**name)).collect();
        assert_eq!(names, [["person 1", "person 2"], ["person 0", "person 1"]]);
    }
}
