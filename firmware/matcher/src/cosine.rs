//! Cosines rounded to numbers, for display and for bounds. Decisions compare cosines exactly, by sign and square
//! ([`crate::root`]).

/// `2³⁰ · dot / √(norm · probe_norm)`, rounded to nearest, halves away from zero.
pub fn cosine_q30(dot: i32, norm: u32, probe_norm: u64) -> i32 {
    let magnitude = magnitude_q31(dot, norm, probe_norm).div_ceil(2) as i32;
    if dot < 0 { -magnitude } else { magnitude }
}

/// `2³¹ · |dot| / √(norm · other_norm)`, rounded down.
pub fn magnitude_q31(dot: i32, norm: u32, other_norm: u64) -> u64 {
    // Below 2⁶², and at least the square of the product, by Cauchy–Schwarz.
    let norms = u64::from(norm) * other_norm;
    let square = u64::from(dot.unsigned_abs()).pow(2);
    // Long division, for cores whose division has at most 32 bits.
    let (mut quotient, mut rest) = if square < norms { (0, square) } else { (1, 0) };
    for _ in 0..62 {
        let (next, is_over) = (2 * rest, 2 * rest >= norms);
        rest = if is_over { next - norms } else { next };
        quotient = 2 * quotient + u64::from(is_over);
    }
    // The square of the result is at most 2⁶². Rounding it down first does not change the whole part of the root.
    quotient.isqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ONE_Q30;

    #[test]
    fn displayed_cosine_is_rounded_to_nearest() {
        assert_eq!(cosine_q30(4, 25, 1), 858_993_459);
        assert_eq!(cosine_q30(-3, 25, 1), -644_245_094);
        assert_eq!(cosine_q30(1, 2, 1), 759_250_125);
        assert_eq!(cosine_q30(0, 2, 1), 0);
        assert_eq!(cosine_q30(2_130_706_432, 8_258_048, 1 << 39), ONE_Q30);
        assert_eq!(cosine_q30(-2_130_706_432, 8_258_048, 1 << 39), -ONE_Q30);
        // The smallest cosine that is not zero: 0.504 units.
        assert_eq!(cosine_q30(1, 8_258_048, 1 << 39), 1);
    }
}
