//! Samples of limited range, stretched to the full range that frames have (ITU-R BT.601, section 2.5.3): luminance 16 to 235
//! and colours 16 to 240 become 0 to 255, rounded. Samples beyond are the nearest of the range.

use format::PixelFormat;

const LUMINANCE: [u8; 256] = table(16, 219, 0);
const COLOURS: [u8; 256] = table(128, 224, 128);

/// 255/`span` of each sample's distance to `from`, added to `to`.
const fn table(from: i32, span: i32, to: i32) -> [u8; 256] {
    let mut table = [0; 256];
    let mut sample = 0;
    while sample < 256 {
        let value = to + ((sample as i32 - from) * 255 + span / 2).div_euclid(span);
        table[sample] = if value < 0 {
            0
        } else if value > 255 {
            255
        } else {
            value as u8
        };
        sample += 1;
    }
    table
}

/// Stretches the samples of a frame. Pixels of another format than YUV422 and grey have no limited range and stay.
pub fn stretch(pixels: &mut [u8], format: PixelFormat) {
    match format {
        PixelFormat::Grey => pixels.iter_mut().for_each(|sample| *sample = LUMINANCE[usize::from(*sample)]),
        PixelFormat::Yuv422 => {
            for pair in pixels.chunks_exact_mut(2) {
                pair[0] = LUMINANCE[usize::from(pair[0])];
                pair[1] = COLOURS[usize::from(pair[1])];
            }
        }
        PixelFormat::Rgb565 | PixelFormat::Rgb565Little | PixelFormat::Rgb888 => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_middle_of_the_ranges_meet() {
        let stretched = |mut pixels: Vec<u8>, format| {
            stretch(&mut pixels, format);
            pixels
        };
        let grey = stretched(vec![0, 15, 16, 17, 126, 234, 235, 255], PixelFormat::Grey);
        assert_eq!(grey, [0, 0, 0, 1, 128, 254, 255, 255]);
        let pairs = stretched(vec![16, 128, 235, 16, 16, 240, 235, 129, 16, 127], PixelFormat::Yuv422);
        assert_eq!(pairs, [0, 128, 255, 1, 0, 255, 255, 129, 0, 127]);
        assert_eq!(stretched(vec![16, 235], PixelFormat::Rgb565), [16, 235]);
    }
}
