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

/// Cosine of the angle between unit vectors.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
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
