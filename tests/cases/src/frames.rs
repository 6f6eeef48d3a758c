//! Cases of the kernels of frames: pixels converted, and rows made half as large.

use format::PixelFormat;

use crate::random::Random;
use crate::{Counts, Failure, Set};

/// Most pixels of a case.
const PIXELS: usize = 70;
/// Bytes around the pixels, so that they lie at any address and a byte written outside is seen.
const AROUND: usize = 16;

/// Red, green and blue of a pixel by definition; of YUV422, of the left or the right pixel of a pair.
fn colour(format: PixelFormat, pixel: &[u8], is_right: bool) -> [u32; 3] {
    let of = |half: u16| {
        let [red, green, blue] = [half >> 11, half >> 5 & 63, half & 31];
        [red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2].map(u32::from)
    };
    match format {
        PixelFormat::Rgb565 => of(u16::from_be_bytes([pixel[0], pixel[1]])),
        PixelFormat::Rgb565Little => of(u16::from_le_bytes([pixel[0], pixel[1]])),
        PixelFormat::Rgb888 => [pixel[0], pixel[1], pixel[2]].map(u32::from),
        PixelFormat::Yuv422 => {
            let [y, u, v] = [pixel[2 * usize::from(is_right)], pixel[1], pixel[3]].map(i64::from);
            let products =
                [91_881 * (v - 128), -22_554 * (u - 128) - 46_802 * (v - 128), 116_130 * (u - 128)];
            products.map(|product| (((y << 16) + product + (1 << 15)) >> 16).clamp(0, 255) as u32)
        }
        PixelFormat::Grey => [pixel[0].into(); 3],
    }
}

/// Luminance of a pixel by definition.
fn luminance(format: PixelFormat, pixel: &[u8]) -> u8 {
    if matches!(format, PixelFormat::Yuv422 | PixelFormat::Grey) {
        return pixel[0];
    }
    let [red, green, blue] = colour(format, pixel, false);
    ((2126 * red + 7152 * green + 722 * blue) / 10_000) as u8
}

/// Fills bytes; often all of them with the same one, so that every sum is at its end.
fn fill(random: &mut Random, bytes: &mut [u8]) {
    match random.below(8) {
        0 => bytes.fill(0),
        1 => bytes.fill(0xff),
        _ => bytes.iter_mut().for_each(|byte| *byte = (random.next() >> 24) as u8),
    }
}

/// Runs a kernel on bytes prefilled with `0xa5`. The first byte that differs from the expected ones, also outside.
fn differs(
    offset: usize,
    count: usize,
    kernel: impl FnOnce(&mut [u8]),
    expected: impl Fn(usize) -> u8,
) -> Option<usize> {
    let mut out = [0xa5; 3 * PIXELS + 2 * AROUND];
    kernel(&mut out[offset..offset + count]);
    let expected = |at: usize| match at.checked_sub(offset) {
        Some(number) if number < count => expected(number),
        _ => 0xa5,
    };
    out.iter().enumerate().position(|(at, &byte)| byte != expected(at))
}

/// Runs `cases` random cases of each kernel: every length, at any address.
///
/// # Errors
/// The first case in which a kernel and the definition differ.
pub fn run<S: Set>(cases: u32, counts: &mut Counts) -> Result<(), Failure> {
    let mut random = Random(0x510e_527f);
    let mut bytes = [0; 2 * 3 * PIXELS + AROUND];
    for case in 0..cases {
        let offset = random.below(AROUND);
        let count = case as usize / PixelFormat::ALL.len() % (PIXELS + 1);
        let format = PixelFormat::ALL[case as usize % PixelFormat::ALL.len()];
        let pixel_bytes = format.pixel_bytes();
        let pixels = &mut bytes[random.below(AROUND)..][..count * pixel_bytes];
        fill(&mut random, pixels);
        let expected = |n: usize| luminance(format, &pixels[pixel_bytes * n..]);
        let differs = differs(offset, count, |out| S::grey(format, pixels, out), expected);
        counts.add("grey", case, differs)?;
    }
    for case in 0..cases {
        let offset = random.below(AROUND);
        let [format, count] = [case as usize % 4, case as usize / 4 % (PIXELS / 2 + 1)];
        let (format, pixel_bytes) = (PixelFormat::ALL[format], PixelFormat::ALL[format].pixel_bytes());
        let pixels = &mut bytes[random.below(AROUND)..][..2 * count * pixel_bytes];
        fill(&mut random, pixels);
        let expected = |n: usize| {
            let (pixel, channel) = (n / 3, n % 3);
            let first = if format == PixelFormat::Yuv422 { pixel / 2 * 2 } else { pixel };
            colour(format, &pixels[pixel_bytes * first..], pixel % 2 == 1)[channel] as u8
        };
        let differs = differs(offset, 6 * count, |out| S::colours(format, pixels, out), expected);
        counts.add("colours", case, differs)?;
    }
    for case in 0..cases {
        if case % 2 == 0 {
            halve::<S, 1>(case, &mut random, &mut bytes, counts)?;
        } else {
            halve::<S, 3>(case, &mut random, &mut bytes, counts)?;
        }
    }
    Ok(())
}

fn halve<S: Set, const C: usize>(
    case: u32,
    random: &mut Random,
    bytes: &mut [u8],
    counts: &mut Counts,
) -> Result<(), Failure> {
    let count = C * (case as usize / 2 % (PIXELS / 2 + 1));
    let rows = &mut bytes[random.below(AROUND)..][..4 * count];
    fill(random, rows);
    let (above, below) = rows.split_at(2 * count);
    let expected = |n: usize| {
        let left = 2 * C * (n / C) + n % C;
        let four = [above[left], above[left + C], below[left], below[left + C]];
        ((four.map(u32::from).iter().sum::<u32>() + 2) / 4) as u8
    };
    let differs = differs(random.below(AROUND), count, |out| S::halve::<C>([above, below], out), expected);
    counts.add("halve", case, differs)
}
