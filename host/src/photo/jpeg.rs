//! Whether a JPEG has all of its pixels: decoders make up those that are missing.

use image::ImageFormat;

/// A scan's header: its components, its coefficients (first and last), and the number of their bits that later scans have.
struct Scan {
    components: Vec<u8>,
    coefficients: [u8; 2],
    bits_left: u8,
}

/// The markers of a JPEG (ITU-T T.81, annex B), as far as they tell whether it is whole.
#[derive(Default)]
struct Markers {
    scans: Vec<Scan>,
    is_progressive: bool,
    components: usize,
    has_end: bool,
}

/// Whether a JPEG has all of its pixels, be it with its end marker or without. What follows the end marker, and thumbnails
/// inside, do not matter.
pub fn is_whole(bytes: &[u8]) -> bool {
    let markers = Markers::read(bytes);
    markers.has_end || (markers.is_every_scan_there() && does_not_want_more(bytes))
}

impl Markers {
    /// Reads as far as markers go.
    fn read(bytes: &[u8]) -> Markers {
        let mut markers = Markers::default();
        // `None` at the end of the bytes.
        let _ = markers.walk(bytes);
        markers
    }

    fn walk(&mut self, bytes: &[u8]) -> Option<()> {
        let mut at = 2;
        loop {
            at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)?;
            at += bytes[at..].iter().position(|&byte| byte != 0xff)?;
            let marker = bytes[at];
            at += 1;
            match marker {
                // Stuffing and restarts belong to the pixels of a scan.
                0 | 1 | 0xd0..=0xd8 => continue,
                0xd9 => {
                    self.has_end = true;
                    return Some(());
                }
                _ => {}
            }
            let length = usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
            let segment = bytes.get(at + 2..at + length)?;
            at += length;
            match marker {
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    self.is_progressive = matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce);
                    self.components = usize::from(*segment.get(5)?);
                }
                0xda => {
                    let count = usize::from(*segment.first()?);
                    let component = |index: usize| segment.get(1 + 2 * index).copied();
                    let &[first, last, bits] = segment.get(1 + 2 * count..)?.first_chunk()?;
                    self.scans.push(Scan {
                        components: (0..count).map(component).collect::<Option<_>>()?,
                        coefficients: [first, last],
                        bits_left: bits & 15,
                    });
                }
                _ => {}
            }
        }
    }

    /// Whether the scans together have every coefficient of every component to its last bit.
    fn is_every_scan_there(&self) -> bool {
        let has = |component: u8, coefficient: u8| {
            self.scans.iter().any(|scan| {
                let [first, last] = scan.coefficients;
                scan.components.contains(&component)
                    && (!self.is_progressive
                        || (scan.bits_left == 0 && (first..=last).contains(&coefficient)))
            })
        };
        let mut components: Vec<u8> = self.scans.iter().flat_map(|scan| scan.components.clone()).collect();
        components.sort_unstable();
        components.dedup();
        components.len() == self.components.max(1)
            && components.iter().all(|&component| (0..64).all(|coefficient| has(component, coefficient)))
    }
}

/// Whether the last scan is complete: then whatever is put in place of the end changes no pixel.
fn does_not_want_more(bytes: &[u8]) -> bool {
    // Half of the end marker.
    let bytes = bytes.strip_suffix(&[0xff]).unwrap_or(bytes);
    let continued = |filler: u8| {
        let whole = [bytes, &[filler; 256], &[0xff, 0xd9]].concat();
        image::load_from_memory_with_format(&whole, ImageFormat::Jpeg).ok()
    };
    let first = continued(0x00);
    first.is_some() && [0x55, 0xa6, 0x7e].into_iter().all(|filler| continued(filler) == first)
}
