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

/// Every two people, the closest first.
pub fn closeness(people: &[Enrolled]) -> Vec<Closeness> {
    let centres: Vec<Vec<Vec<f32>>> = people
        .iter()
        .map(|person| person.centres.iter().map(|centre| unit_centre(centre)).collect())
        .collect();
    let pairs: Vec<[usize; 2]> = (0..people.len()).flat_map(|b| (0..b).map(move |a| [a, b])).collect();
    let mut pairs: Vec<Closeness> = pairs
        .par_iter()
        .map(|&[a, b]| {
            let cosines = centres[a].iter().flat_map(|x| centres[b].iter().map(move |y| cosine(x, y)));
            Closeness {
                names: [a, b].map(|number| people[number].name.clone()),
                angle_degrees: angle(cosines.fold(-1f32, f32::max)).to_degrees(),
            }
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
    let mut pairs = closeness(people);
    pairs.retain(|pair| pair.angle_degrees.to_radians() <= reach + margin);
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
