//! Embeddings on the host: made by the board's code, as unit vectors, their centres and cosines.

use anyhow::Result;
use rayon::prelude::*;

use crate::output;
use crate::simulator::Simulator;

/// A board's embeddings of crops, on all cores. `what` is said beside the bar of progress.
///
/// # Errors
/// When a crop has another size than the network's.
pub fn embed(simulator: &Simulator<'_>, crops: &[Vec<u8>], what: &'static str) -> Result<Vec<Vec<i16>>> {
    let bar = output::bar(crops.len(), what);
    let embed = |crop: &Vec<u8>| {
        bar.inc(1);
        simulator.embed(crop)
    };
    let embeddings = crops.par_iter().map(embed).collect();
    bar.finish_and_clear();
    embeddings
}

/// A board's embeddings as unit vectors.
pub fn units(embeddings: &[Vec<i16>]) -> Vec<Vec<f32>> {
    embeddings.iter().map(|embedding| unit_of_i16(embedding)).collect()
}

/// The vector divided by its length; all zero stays all zero.
pub fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = vector.iter().map(|&x| x as f64 * x as f64).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    vector.iter().map(|&x| (x as f64 / norm) as f32).collect()
}

/// A board's embedding as a unit vector.
pub fn unit_of_i16(embedding: &[i16]) -> Vec<f32> {
    unit(&embedding.iter().map(|&x| x as f32).collect::<Vec<_>>())
}

/// Cosine of the angle between unit vectors. Sums sixteen lanes side by side, in the same order on every machine.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let (a_lanes, a_rest) = a.as_chunks::<16>();
    let (b_lanes, b_rest) = b.as_chunks::<16>();
    let mut sums = [0f32; 16];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Angle in radians of a cosine.
pub fn angle(cosine: f32) -> f32 {
    cosine.clamp(-1.0, 1.0).acos()
}

/// Normalised mean of unit vectors.
///
/// # Panics
/// When there are none.
pub fn centre(embeddings: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; embeddings[0].len()];
    for embedding in embeddings {
        sum.iter_mut().zip(embedding).for_each(|(sum, x)| *sum += x);
    }
    unit(&sum)
}
