//! Images with arbitrary bytes in their sections and correct digests are refused, or run without a panic.
#![no_main]

use std::sync::LazyLock;

use app::Recogniser;
use app::sight::{Followed, Unobserved, see};
use format::header::{self, Section};
use format::{PixelFormat, Role};
use host::sections;
use host::simulator::AlignedBytes;
use libfuzzer_sys::fuzz_target;
use link::message::Attention;
use suite::Handmade;
use vision::Frame;

/// Small images with every operator and with eyes, of each family of detectors.
static IMAGES: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    [suite::tiny_sections_with_eyes(), suite::tiny_sections_with_yunet()].map(|with_eyes| {
        let network = Handmade { template: suite::UPRIGHT, ..suite::varied_network() };
        let mut sections = suite::sections_of(&network);
        sections.extend(with_eyes.into_iter().filter(|(section, _)| match section {
            Section::Network(role) => *role != Role::Embedder,
            other => *other == Section::Sight,
        }));
        sections.sort_by_key(|&(section, _)| section);
        suite::join(&sections)
    })
});

/// One of the images, by the first byte, with changes, four bytes each: a section, a place in it (two bytes), and a byte for
/// an exclusive or. If a change's first byte has the highest bit set and its last byte is zero, the section is cut off at
/// the place instead.
fn changed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&first, edits) = bytes.split_first()?;
    let image = AlignedBytes::copy(&IMAGES[usize::from(first) % IMAGES.len()]);
    let parsed = header::parse(image.bytes()).ok()?;
    let mut parts: Vec<(Section, Vec<u8>)> = Section::ALL
        .into_iter()
        .filter_map(|section| Some((section, parsed.get(section)?.to_vec())))
        .collect();
    let count = parts.len();
    for edit in edits.chunks_exact(4) {
        let (_, bytes) = &mut parts[usize::from(edit[0] & 0x7f) % count];
        let place = usize::from(u16::from_le_bytes([edit[1], edit[2]])) % bytes.len().max(1);
        if edit[0] & 0x80 != 0 && edit[3] == 0 {
            bytes.truncate(place);
        } else if let Some(byte) = bytes.get_mut(place) {
            *byte ^= edit[3];
        }
    }
    sections::image(&parts).ok()
}

fuzz_target!(|bytes: &[u8]| {
    let Some(image) = changed(bytes) else { return };
    let bytes = AlignedBytes::copy(&image);
    let Ok(image) = format::Image::new_checked(bytes.bytes()) else { return };
    let mut arena = AlignedBytes::zeroed(1 << 18);
    let Ok(recogniser) = Recogniser::of_image(image, arena.bytes_mut()) else { return };
    let crop = vec![77; recogniser.image().embedder.preprocess().crop_bytes()];
    let mut embedding = vec![0; recogniser.image().dimension()];
    if recogniser.embed(&mut &crop[..], arena.bytes_mut(), &mut embedding).is_ok() {
        recogniser.recognise(&embedding).expect("an embedding of the network's dimension");
    }
    let Some(eyes) = recogniser.eyes() else { return };
    let pixels: Vec<u8> = (0..24 * 20 * 2).map(|place| (place * 89) as u8).collect();
    let frame = Frame::new_checked(&pixels, 24, 20, 48, PixelFormat::Yuv422).expect("a frame");
    let mut followed = Followed::default();
    let arena = arena.bytes_mut();
    let _ = see(&recogniser, eyes, &frame, Attention::Photo, &mut followed, arena, &mut Unobserved);
});
