//! Loops over vectors: assembly on the target and equivalent arithmetic elsewhere, so that every kernel can be tested on any
//! machine.
#![allow(unsafe_code)]

#[cfg(arm_helium)]
use super::asm;

/// How a pixel's colours are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// RGB565, the byte with red first.
    Big,
    /// RGB565, the byte with blue first.
    Little,
    /// Bytes of red, green and blue.
    Bytes,
}

/// Half of 10,000 times the weights of red, green and blue in luminance.
pub const WEIGHTS: [u16; 3] = [1063, 3576, 361];
/// Their sum: luminance is the weighted sum over this, rounded down.
pub const WHOLE: u16 = 5000;
/// The same weights in 1/256, rounded down. They are together less than 1/256 too small, so that the luminance that they
/// give is right or one too small.
pub const SHARES: [u16; 3] = [54, 183, 18];

/// Luminance of colours.
/// `None` when lengths do not agree, or there is nothing to do.
pub fn luminance(packing: Packing, pixels: &[u8], out: &mut [u8]) -> Option<()> {
    let pixel_bytes = if packing == Packing::Bytes { 3 } else { 2 };
    ensure(!out.is_empty() && pixels.len() == pixel_bytes * out.len())?;
    #[cfg(arm_helium)]
    {
        let run = match packing {
            Packing::Big => asm::luminance_big,
            Packing::Little => asm::luminance_little,
            Packing::Bytes => asm::luminance_bytes,
        };
        // SAFETY: the lengths were checked, and the function reads and writes within them.
        unsafe { run(pixels.as_ptr(), out.as_mut_ptr(), out.len()) };
    }
    #[cfg(not(arm_helium))]
    for (pixel, out) in pixels.chunks_exact(pixel_bytes).zip(out) {
        *out = lane(channels(packing, pixel));
    }
    Some(())
}

/// Red, green and blue of RGB565, in bytes.
/// `None` when lengths do not agree, there is nothing to do, or colours are bytes already.
pub fn colours(packing: Packing, pixels: &[u8], out: &mut [u8]) -> Option<()> {
    ensure(!out.is_empty() && pixels.len() * 3 == out.len() * 2 && packing != Packing::Bytes)?;
    #[cfg(arm_helium)]
    {
        let run = if packing == Packing::Big { asm::colours_big } else { asm::colours_little };
        // SAFETY: the lengths were checked, and the function reads and writes within them.
        unsafe { run(pixels.as_ptr(), out.as_mut_ptr(), pixels.len()) };
    }
    #[cfg(not(arm_helium))]
    for (pixel, out) in pixels.chunks_exact(2).zip(out.chunks_exact_mut(3)) {
        out.copy_from_slice(&channels(packing, pixel).map(|channel| channel as u8));
    }
    Some(())
}

/// Factors of V in red, U and V in green, U in blue: those of [`crate::pixels`].
pub const FACTORS: [i32; 4] = [91_881, -22_554, -46_802, 116_130];
/// What is added to their products: a half, and what makes U and V less by 128.
pub const HALVES: [i32; 3] =
    [(1 << 15) - 128 * FACTORS[0], (1 << 15) - 128 * (FACTORS[1] + FACTORS[2]), (1 << 15) - 128 * FACTORS[3]];

/// Red, green and blue of pairs of YUV422, in bytes.
/// `None` when lengths do not agree, or there is nothing to do.
pub fn yuv_colours(pairs: &[u8], out: &mut [u8]) -> Option<()> {
    ensure(!out.is_empty() && pairs.len().is_multiple_of(4) && pairs.len() * 3 == out.len() * 2)?;
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked, and the function reads and writes within them.
    unsafe {
        asm::yuv_colours(pairs.as_ptr(), out.as_mut_ptr(), pairs.len());
    }
    #[cfg(not(arm_helium))]
    for (pair, out) in pairs.chunks_exact(4).zip(out.chunks_exact_mut(6)) {
        let [u, v] = [pair[1], pair[3]].map(i32::from);
        // Less than 16 bits, and the same for both pixels.
        let differences = [
            FACTORS[0] * v + HALVES[0],
            FACTORS[1] * u + FACTORS[2] * v + HALVES[1],
            FACTORS[3] * u + HALVES[2],
        ]
        .map(|sum| (sum >> 16) as i16);
        for (&y, out) in [&pair[0], &pair[2]].into_iter().zip(out.chunks_exact_mut(3)) {
            out.copy_from_slice(
                &differences.map(|difference| (i16::from(y) + difference).clamp(0, 255) as u8),
            );
        }
    }
    Some(())
}

/// The same bytes. `None` when lengths do not agree.
pub fn copy(bytes: &[u8], out: &mut [u8]) -> Option<()> {
    ensure(bytes.len() == out.len())?;
    out.copy_from_slice(bytes);
    Some(())
}

/// Every second byte, from the first on.
/// `None` when lengths do not agree, or there is nothing to do.
pub fn even(bytes: &[u8], out: &mut [u8]) -> Option<()> {
    ensure(!out.is_empty() && bytes.len() == 2 * out.len())?;
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked, and the function reads and writes within them.
    unsafe {
        asm::even(bytes.as_ptr(), out.as_mut_ptr(), bytes.len());
    }
    #[cfg(not(arm_helium))]
    bytes.iter().step_by(2).zip(out).for_each(|(&byte, out)| *out = byte);
    Some(())
}

/// Means of two by two bytes, rounded half up.
/// `None` when lengths do not agree, or there is nothing to do.
pub fn halve([above, below]: [&[u8]; 2], out: &mut [u8]) -> Option<()> {
    ensure(!out.is_empty() && above.len() == 2 * out.len() && below.len() == 2 * out.len())?;
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked, and the function reads and writes within them.
    unsafe {
        asm::halve(above.as_ptr(), below.as_ptr(), out.as_mut_ptr(), above.len());
    }
    #[cfg(not(arm_helium))]
    for ((above, below), out) in above.chunks_exact(2).zip(below.chunks_exact(2)).zip(out) {
        let sum: u16 = above.iter().chain(below).map(|&byte| u16::from(byte)).sum();
        *out = ((sum + 2) >> 2) as u8;
    }
    Some(())
}

/// Whether a condition holds, for `?`.
fn ensure(holds: bool) -> Option<()> {
    holds.then_some(())
}

/// Red, green and blue of a pixel, widened as the loops do: the high bits of a channel go to the free low bits.
#[cfg(not(arm_helium))]
fn channels(packing: Packing, pixel: &[u8]) -> [u16; 3] {
    let half = match packing {
        Packing::Bytes => return [pixel[0], pixel[1], pixel[2]].map(u16::from),
        Packing::Big => u16::from_be_bytes([pixel[0], pixel[1]]),
        Packing::Little => u16::from_le_bytes([pixel[0], pixel[1]]),
    };
    let filled = |byte: u8, bits: u32| (byte & (0xff << (8 - bits)) | byte >> bits).into();
    [filled((half >> 8) as u8, 5), filled((half >> 3) as u8, 6), filled((half << 3) as u8, 5)]
}

/// Luminance in 16 bits. The sum wraps, but the rest of its division does not: it is below twice the divisor.
#[cfg(not(arm_helium))]
fn lane(channels: [u16; 3]) -> u8 {
    let sum = |weights: [u16; 3]| {
        let products = weights.iter().zip(channels).map(|(&weight, channel)| weight.wrapping_mul(channel));
        products.fold(0, u16::wrapping_add)
    };
    let estimate = sum(SHARES) >> 8;
    let rest = sum(WEIGHTS).wrapping_sub(estimate.wrapping_mul(WHOLE)) as i16;
    (estimate + u16::from(rest >= WHOLE as i16)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels;

    #[test]
    fn luminance_of_all_colours_equals_the_definition() {
        for colour in 0..1u32 << 24 {
            let channels = [colour >> 16, colour >> 8 & 255, colour & 255];
            let found = lane(channels.map(|channel| channel as u16));
            assert_eq!(u32::from(found), pixels::luminance(channels));
        }
    }
}
