//! Whether a frame shows a sensor's test pattern.
//!
//! A frame that does proves the order of bytes, rows and columns and the edge of the pixel clock: a bench needs no lens and
//! no light. Where it does not, the same bytes under another [`format::PixelFormat`] may tell why: bars that appear as
//! `Rgb565Little` mean that the bytes of a pixel are exchanged. A wire that is broken or short leaves bars dimmer, but in
//! their order: [`idle_wires`] finds it. Walking ones prove each wire.

use vision::Frame;

/// Bars of a frame.
const BARS: u32 = 8;
/// Rows that are looked at.
const ROWS: u32 = 16;
/// Least difference between white and black in a channel.
const CONTRAST: i32 = 64;
/// Largest difference of a pixel's channel from the mean of its bar.
const NOISE: i32 = 40;
/// Red, green and blue of the bars from left to right: white, yellow, cyan, green, magenta, red, blue, black.
const COLOURS: [[bool; 3]; BARS as usize] = [
    [true, true, true],
    [true, true, false],
    [false, true, true],
    [false, true, false],
    [true, false, true],
    [true, false, false],
    [false, false, true],
    [false, false, false],
];

/// Whether the frame shows eight colour bars, from white on the left to black, or mirrored. The middle half of each bar
/// counts, as the edges depend on the window. Tone and white balance may change the colours, not their order.
pub fn is_bars(frame: &Frame<'_>) -> bool {
    let mut bars = [[0; 3]; BARS as usize];
    for (bar, number) in bars.iter_mut().zip(0..) {
        match mean(frame, number) {
            Some(mean) => *bar = mean,
            None => return false,
        }
    }
    is_order(bars.iter()) || is_order(bars.iter().rev())
}

/// Whether these are the colours of [`COLOURS`].
fn is_order<'a>(bars: impl DoubleEndedIterator<Item = &'a [i32; 3]> + Clone) -> bool {
    let (Some(white), Some(black)) = (bars.clone().next(), bars.clone().next_back()) else {
        return false;
    };
    bars.zip(COLOURS).all(|(bar, colour)| {
        let channels = bar.iter().zip(white).zip(black).zip(colour);
        channels.into_iter().all(|(((&value, &white), &black), is_on)| {
            let range = white - black;
            // In the upper three eighths or in the lower ones.
            let distance = if is_on { white - value } else { value - black };
            range >= CONTRAST && 8 * distance <= 3 * range
        })
    })
}

/// The mean colour of a bar's middle half; `None` if a pixel is far from it, or if the frame has too few pixels.
fn mean(frame: &Frame<'_>, bar: u32) -> Option<[i32; 3]> {
    let (width, height) = (u32::from(frame.width()), u32::from(frame.height()));
    // Quarters of a bar: the first and the last one are left out.
    let column = |quarter: u32| width * (4 * bar + quarter) / (4 * BARS);
    let columns = column(1)..column(3);
    let rows = (0..ROWS).map(|row| (2 * row + 1) * height / (2 * ROWS));
    let pixels = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
    let pixels = pixels.map(|(x, y)| frame.pixel(x as u16, y as u16).map(i32::from));
    let (sum, count) = pixels.clone().fold(([0; 3], 0), |([red, green, blue], count), [r, g, b]| {
        ([red + r, green + g, blue + b], count + 1)
    });
    let [red, green, blue] = sum.map(|sum: i32| sum.checked_div(count));
    let mean = [red?, green?, blue?];
    let is_near = |pixel: [i32; 3]| pixel.iter().zip(mean).all(|(value, mean)| (value - mean).abs() <= NOISE);
    pixels.into_iter().all(is_near).then_some(mean)
}

/// The wires of the port that had one level in all bytes of a frame, a bit each. A picture with dark and bright places has
/// none. Colour bars may have some on a good port, as their few levels may share a bit.
pub fn idle_wires(bytes: &[u8]) -> u8 {
    let (ever_high, always_high) = bytes.iter().fold((0, 0xff), |(any, all), byte| (any | byte, all & byte));
    !ever_high | always_high
}

/// Whether each row of a grey frame shows walking ones: a byte with one set bit, which moves up by one from byte to byte; a
/// zero byte follows the highest, and then the lowest again. A row may start anywhere.
pub fn is_walking_ones(frame: &Frame<'_>) -> bool {
    let row = |y: u16| (0..frame.width()).map(move |x| frame.pixel(x, y)[0]);
    let follows = |(before, after): (u8, u8)| after == if before == 0 { 1 } else { before << 1 };
    (0..frame.height()).all(|y| {
        row(y).take(1).all(|first| first.count_ones() <= 1) && row(y).zip(row(y).skip(1)).all(follows)
    })
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use format::PixelFormat;

    use super::*;

    const WIDTH: u16 = 320;
    const HEIGHT: u16 = 240;

    fn bytes_of(format: PixelFormat, pixels: &[[u8; 3]]) -> Vec<u8> {
        let rgb565 =
            |[r, g, b]: [u8; 3]| u16::from(r >> 3) << 11 | u16::from(g >> 2) << 5 | u16::from(b >> 3);
        match format {
            PixelFormat::Rgb565 => pixels.iter().flat_map(|&pixel| rgb565(pixel).to_be_bytes()).collect(),
            PixelFormat::Rgb565Little => {
                pixels.iter().flat_map(|&pixel| rgb565(pixel).to_le_bytes()).collect()
            }
            PixelFormat::Yuv422 => pixels.chunks(2).flat_map(yuv).collect(),
            PixelFormat::Rgb888 => pixels.as_flattened().to_vec(),
            PixelFormat::Grey => pixels.iter().map(|[r, ..]| *r).collect(),
        }
    }

    /// Two pixels of BT.601, full range.
    fn yuv(pixels: &[[u8; 3]]) -> [u8; 4] {
        let [y, u, v] = [[0.299, 0.587, 0.114], [-0.168_736, -0.331_264, 0.5], [0.5, -0.418_688, -0.081_312]]
            .map(|weights: [f64; 3]| {
                move |pixel: [u8; 3]| weights.iter().zip(pixel).map(|(w, c)| w * f64::from(c)).sum::<f64>()
            });
        let clamp = |value: f64| value.round().clamp(0.0, 255.0) as u8;
        [clamp(y(pixels[0])), clamp(128.0 + u(pixels[0])), clamp(y(pixels[1])), clamp(128.0 + v(pixels[0]))]
    }

    /// Bars with given levels of black and white, moved to the right.
    fn bars(black: u8, white: u8, moved: u16) -> Vec<[u8; 3]> {
        let bar = |x: u16| usize::from(((x + WIDTH - moved) % WIDTH) / (WIDTH / 8));
        let row = (0..WIDTH).map(|x| COLOURS[bar(x)].map(|is_on| if is_on { white } else { black }));
        let row: Vec<_> = row.collect();
        row.repeat(HEIGHT.into())
    }

    fn is_bars_in(format: PixelFormat, bytes: &[u8]) -> bool {
        let stride = usize::from(WIDTH) * format.pixel_bytes();
        is_bars(&Frame::new_checked(bytes, WIDTH, HEIGHT, stride, format).unwrap())
    }

    #[test]
    fn bars_are_seen_in_every_colour_format() {
        for format in PixelFormat::ALL {
            let plain = bytes_of(format, &bars(16, 235, 0));
            assert_eq!(is_bars_in(format, &plain), format != PixelFormat::Grey, "{format:?}");
            let mut mirrored = bars(0, 255, 0);
            mirrored.reverse();
            let mirrored = bytes_of(format, &mirrored);
            assert_eq!(is_bars_in(format, &mirrored), format != PixelFormat::Grey, "{format:?}");
        }
    }

    #[test]
    fn bars_may_be_dim_tinted_moved_and_noisy() {
        let rgb = |pixels: &[[u8; 3]]| is_bars_in(PixelFormat::Rgb888, pixels.as_flattened());
        assert!(rgb(&bars(60, 124, 0)));
        assert!(!rgb(&bars(60, 123, 0)), "too little contrast");
        assert!(rgb(&bars(16, 235, 9)));
        assert!(!rgb(&bars(16, 235, 20)), "half a bar");
        let mut tinted = bars(10, 200, 0);
        for [red, _, blue] in &mut tinted {
            *red = *red / 2 + 20;
            *blue = *blue / 4 * 3;
        }
        assert!(rgb(&tinted));
        let mut noisy = bars(30, 200, 0);
        for (number, value) in noisy.as_flattened_mut().iter_mut().enumerate() {
            *value += (number * 7919 % 31) as u8;
        }
        assert!(rgb(&noisy));
    }

    #[test]
    fn faults_of_the_wires_are_no_bars() {
        let bytes = bytes_of(PixelFormat::Rgb565, &bars(16, 235, 0));
        assert!(is_bars_in(PixelFormat::Rgb565, &bytes));
        // The bytes of a pixel exchanged.
        assert!(!is_bars_in(PixelFormat::Rgb565Little, &bytes));
        // Bytes lost in the middle of the frame.
        let mut torn = bytes.clone();
        torn.rotate_left(1);
        assert!(!is_bars_in(PixelFormat::Rgb565, &torn));
        let middle = bytes.len() / 2;
        let lost = [&bytes[..middle], &bytes[middle + 66..], &bytes[..66]].concat();
        assert!(!is_bars_in(PixelFormat::Rgb565, &lost));
        // U and V exchanged.
        let mut exchanged = bytes_of(PixelFormat::Yuv422, &bars(16, 235, 0));
        exchanged.chunks_mut(4).for_each(|pair| pair.swap(1, 3));
        assert!(!is_bars_in(PixelFormat::Yuv422, &exchanged));
    }

    #[test]
    fn a_wire_of_one_level_is_idle() {
        let picture: Vec<u8> = (0..=255).collect();
        assert_eq!(idle_wires(&picture), 0);
        for wire in 0..8 {
            let low: Vec<u8> = picture.iter().map(|byte| byte & !(1 << wire)).collect();
            let high: Vec<u8> = picture.iter().map(|byte| byte | 1 << wire).collect();
            assert_eq!([idle_wires(&low), idle_wires(&high)], [1 << wire; 2]);
        }
        assert_eq!(idle_wires(&[]), 0xff);
        assert_eq!(idle_wires(&ONES), 0);
    }

    #[test]
    fn other_pictures_are_no_bars() {
        let count = usize::from(WIDTH) * usize::from(HEIGHT);
        let ramp: Vec<_> = (0..count).map(|i| [(i % usize::from(WIDTH) * 4 / 5) as u8; 3]).collect();
        let noise: Vec<_> =
            (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect();
        let noise: Vec<_> = noise.iter().map(|&[a, b, c, _]| [a, b, c]).collect();
        for pixels in [std::vec![[0; 3]; count], std::vec![[255; 3]; count], ramp, noise] {
            assert!(!is_bars_in(PixelFormat::Rgb888, pixels.as_flattened()));
        }
        let small = [255, 0, 0, 0, 255, 0, 0, 0, 255];
        assert!(!is_bars(&Frame::new_checked(&small, 3, 1, 9, PixelFormat::Rgb888).unwrap()));
    }

    const ONES: [u8; 9] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x00];

    fn is_ones(bytes: &[u8], width: u16) -> bool {
        let height = (bytes.len() / usize::from(width)) as u16;
        let frame = Frame::new_checked(bytes, width, height, width.into(), PixelFormat::Grey).unwrap();
        is_walking_ones(&frame)
    }

    #[test]
    fn walking_ones_are_seen_from_every_start() {
        let bytes: Vec<u8> = ONES.into_iter().cycle().take(324 * 244 + 320 * 240).collect();
        for start in 0..9 {
            assert!(is_ones(&bytes[start..][..324 * 244], 324), "{start}");
            // Rows of another length start at another place each.
            assert!(is_ones(&bytes[start..][..320 * 240], 320), "{start}");
        }
    }

    #[test]
    fn every_broken_bit_ends_the_walk() {
        let bytes: Vec<u8> = ONES.into_iter().cycle().take(36 * 3).collect();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut broken = bytes.clone();
                broken[place] ^= 1 << bit;
                // A one at the end of a row in place of a zero would be right only if it followed.
                assert!(!is_ones(&broken, 36), "byte {place}, bit {bit}");
            }
        }
        assert!(!is_ones(&[0x81], 1));
        assert!(is_ones(&[0x80], 1));
    }
}
