//! Embeddings on the host: unit vectors, centres, cosines.

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
