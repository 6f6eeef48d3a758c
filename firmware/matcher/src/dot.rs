//! The inner product of a centre and a probe.

/// Most elements an embedding has.
pub const MAX_DIMENSION: usize = 512;

/// `Σ centre[i] · probe[i]` over the shorter of the two lengths.
///
/// Exact for up to [`MAX_DIMENSION`] elements if the centre holds no −128, for every probe: any partial sum, in any
/// order, is at most 127 · 32768 · 512 = 2 130 706 432 < 2³¹.
pub fn dot(centre: &[i8], probe: &[i16]) -> i32 {
    const { assert!(127 * 32768 * (MAX_DIMENSION as i64) < 1 << 31) };
    // Nothing wraps. The wrapping operations avoid an overflow check for each element, which would prevent
    // vectorisation.
    centre.iter().zip(probe).fold(0, |sum: i32, (&c, &p)| sum.wrapping_add(i32::from(c) * i32::from(p)))
}

/// Squared norm of a centre, of which the squares' sum fits: at most 2²³ for [`MAX_DIMENSION`] elements.
// Not inlined, so that it is as fast as the rest of this crate wherever it is called.
#[inline(never)]
pub fn centre_norm(centre: &[i8]) -> u32 {
    centre.iter().map(|&element| u32::from(element.unsigned_abs()).pow(2)).sum()
}

/// Squared norm of a probe of at most [`MAX_DIMENSION`] elements: at most 2³⁹.
pub fn squared_norm(probe: &[i16]) -> u64 {
    probe.iter().map(|&p| u64::from((i32::from(p) * i32::from(p)).unsigned_abs())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_summed_with_their_signs() {
        assert_eq!(dot(&[1, -2, 127], &[300, 20, -32768]), 300 - 40 - 127 * 32768);
        assert_eq!(dot(&[], &[]), 0);
    }

    #[test]
    fn largest_sums_fit() {
        assert_eq!(dot(&[127; 512], &[i16::MAX; 512]), 127 * 32767 * 512);
        assert_eq!(dot(&[127; 512], &[i16::MIN; 512]), -2_130_706_432);
        assert_eq!(dot(&[-127; 512], &[i16::MIN; 512]), 2_130_706_432);
        assert_eq!(squared_norm(&[i16::MIN; 512]), 1 << 39);
        assert_eq!(squared_norm(&[3, -4]), 25);
        assert_eq!((centre_norm(&[3, -4]), centre_norm(&[i8::MIN; 512])), (25, 1 << 23));
    }
}
