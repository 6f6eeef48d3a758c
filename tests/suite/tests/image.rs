//! The image format: fixed bytes, and every way in which an image can be wrong.

use app::Recogniser;
use app::sight::{Followed, Unobserved, see};
use format::header::{self, ModelId, Section};
use format::sight::Family;
use format::{Image, ImageError, PixelFormat, Role};
use host::budget::Budget;
use host::sections::{self, Enrolled};
use host::simulator::AlignedBytes;
use link::message::Attention;
use nn::RowSource;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use suite::{
    join, sections_of, tiny_sections, tiny_sections_with_eyes, tiny_sections_with_yunet, varied_network,
};
use vision::Frame;

fn check(bytes: &[u8]) -> Result<(), ImageError> {
    Image::new_checked(AlignedBytes::copy(bytes).bytes()).map(|_| ())
}

fn tiny() -> Vec<u8> {
    join(&tiny_sections())
}

#[test]
fn tiny_image_is_pinned_byte_for_byte() {
    let image = tiny();
    assert_eq!(image[..16], *b"GEOD\x03\0\0\0\x9c\x03\0\0\x04\0\0\0");
    let digest: String = Sha256::digest(&image).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (image.len(), &*digest),
        (924, "5538fbc9dc76fbc9a50d78e5b88fee1776471efd6cd21ee97691c92b119fb705"),
        "the layout changed: raise the version and pin the new image"
    );
}

#[test]
fn image_reads_back() {
    let bytes = AlignedBytes::copy(&tiny());
    let image = Image::new_checked(bytes.bytes()).unwrap();
    assert_eq!(image.embedder.name(), "tiny");
    assert_eq!(image.embedder.layers().count(), 2);
    let names: Vec<_> = image.gallery.people().map(|person| person.name).collect();
    assert_eq!(names, ["Ada", "Grace"]);
    assert_eq!(image.gallery.owners, [0, 0, 1]);
    assert_eq!(image.gallery.norms, [16129, 16084, 16129]);
    assert_eq!(image.cohort.unwrap().people_count(), 2);
    assert_eq!(image.policy.threshold_q30(2), 1 << 29);
    // Writing the parts that were read gives the same bytes.
    let sections = header::parse(bytes.bytes()).unwrap();
    let parts: Vec<_> = Section::ALL.iter().filter_map(|&s| Some((s, sections.get(s)?.to_vec()))).collect();
    assert_eq!(join(&parts), bytes.bytes());
}

#[test]
fn image_before_other_data_reads() {
    let mut bytes = tiny();
    bytes.resize(4096, 0xff);
    assert_eq!(check(&bytes), Ok(()));
}

#[test]
fn truncated_image_is_refused_at_every_length() {
    let image = tiny();
    for length in 0..image.len() {
        assert!(
            matches!(check(&image[..length]), Err(ImageError::Truncated { .. })),
            "{length} bytes: {:?}",
            check(&image[..length])
        );
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let image = tiny();
    for place in 0..image.len() * 8 {
        let mut flipped = image.clone();
        flipped[place / 8] ^= 1 << (place % 8);
        assert!(check(&flipped).is_err(), "bit {} of byte {}", place % 8, place / 8);
    }
}

#[test]
fn each_header_field_is_named() {
    let change = |at: usize, value: u8| {
        let mut image = tiny();
        image[at] = value;
        check(&image).unwrap_err()
    };
    assert_eq!(change(0, b'X'), ImageError::Magic);
    assert_eq!(change(4, 4), ImageError::Version { major: 4, minor: 0 });
    assert_eq!(change(6, 2), ImageError::Version { major: 3, minor: 2 });
    for major in [1, 2] {
        let older = change(4, major);
        assert_eq!(older, ImageError::Version { major: u16::from(major), minor: 0 });
        assert!(older.to_string().contains("made by an older host: export again"), "{older}");
    }
    assert!(matches!(change(10, 1), ImageError::Truncated { .. }));
    assert_eq!(change(12, 0), ImageError::SectionCount(0));
    assert_eq!(change(12, 200), ImageError::SectionCount(200));
    assert_eq!(change(14, 1), ImageError::Flags);
    assert_eq!(change(20, 1), ImageError::HeaderDigest);
    assert_eq!(change(52, 1), ImageError::HeaderDigest);
    let last = tiny().len() - 1;
    assert_eq!(change(last, 0xee), ImageError::SectionDigest(Section::Policy));
}

#[test]
fn misaligned_image_is_refused() {
    let mut bytes = AlignedBytes::zeroed(4096);
    let image = tiny();
    bytes.bytes_mut()[4..4 + image.len()].copy_from_slice(&image);
    assert_eq!(Image::new_checked(&bytes.bytes()[4..]).unwrap_err(), ImageError::Misaligned);
}

#[test]
fn missing_section_is_named() {
    for missing in [Section::Network(Role::Embedder), Section::Gallery, Section::Policy] {
        let mut parts = tiny_sections();
        parts.retain(|part| part.0 != missing);
        assert_eq!(check(&join(&parts)), Err(ImageError::MissingSection(missing)));
    }
    let mut parts = tiny_sections();
    parts.retain(|part| part.0 != Section::Cohort);
    assert_eq!(check(&join(&parts)), Ok(()));
}

#[test]
fn gallery_of_another_network_is_refused() {
    // The same network under another name: same shapes, another id.
    let mut parts = tiny_sections();
    let place = parts[0].1.windows(4).position(|window| window == b"tiny").unwrap();
    parts[0].1[place] = b'T';
    assert_eq!(check(&join(&parts)), Err(ImageError::ForeignGallery(Section::Gallery)));
    // The same network with another colour order or mean is another network, too.
    let mut parts = tiny_sections();
    let mean = parts[0].1.windows(4).position(|window| window == 127.5f32.to_le_bytes()).unwrap();
    parts[0].1[mean..mean + 4].copy_from_slice(&128f32.to_le_bytes());
    assert_eq!(check(&join(&parts)), Err(ImageError::ForeignGallery(Section::Gallery)));
}

#[test]
fn tampered_centre_is_named() {
    let mut parts = tiny_sections();
    let gallery = &mut parts[1].1;
    let centre = gallery.windows(3).position(|window| window == [127, 0, 0]).unwrap();
    gallery[centre] = 126;
    let error = check(&join(&parts)).unwrap_err();
    assert_eq!(error, ImageError::Record { section: Section::Gallery, field: "norms" });
}

#[test]
fn cohort_has_as_many_strangers_as_centres() {
    for people in [0u16, 1, 3] {
        let mut parts = tiny_sections();
        let (_, cohort) = parts.iter_mut().find(|(section, _)| *section == Section::Cohort).unwrap();
        assert_eq!(cohort[18..20], [2, 0]);
        cohort[18..20].copy_from_slice(&people.to_le_bytes());
        let error = check(&join(&parts)).unwrap_err();
        assert!(matches!(error, ImageError::Record { section: Section::Cohort, .. }), "{error:?}");
    }
}

#[test]
fn more_photos_than_the_record_has_room_for_are_the_most_it_has() {
    let person = |photos| Enrolled { name: "Ada".into(), photos, centres: vec![vec![1, 0, 0]] };
    for (photos, kept) in [(65_535, u16::MAX), (65_536, u16::MAX), (1 << 32, u16::MAX), (7, 7)] {
        let mut parts = tiny_sections();
        let id = ModelId::of_section(&parts[0].1);
        parts[1].1 = sections::gallery(id, 3, &[person(photos)]).unwrap();
        let bytes = AlignedBytes::copy(&join(&parts));
        let image = Image::new_checked(bytes.bytes()).unwrap();
        assert_eq!(image.gallery.people().next().unwrap().photos, kept);
    }
}

#[test]
fn limits_of_a_board_are_asked_for_every_network() {
    let mut parts = tiny_sections();
    parts.insert(1, (Section::Network(Role::Landmarks), varied_network().section()));
    let bytes = AlignedBytes::copy(&join(&parts));
    let image = Image::new_checked(bytes.bytes()).unwrap();
    let room = Budget {
        image_bytes: 1 << 20,
        arena_bytes: 1 << 20,
        layers: 4,
        row_bytes: 4096,
        frame_bytes: 1 << 20,
    };
    let excesses = room.excesses_of_image(&image, bytes.bytes(), |layer| format!("node {layer}"));
    let said: Vec<String> = excesses.iter().map(|excess| excess.to_string()).collect();
    assert!(said.len() == 1 && said[0].contains("layer 4 of the landmarks"), "{said:?}");
}

#[test]
fn tiny_images_with_eyes_of_each_family_see() {
    for (sections, family) in
        [(tiny_sections_with_eyes(), Family::Ssd), (tiny_sections_with_yunet(), Family::YuNet)]
    {
        let bytes = AlignedBytes::copy(&join(&sections));
        let mut arena = AlignedBytes::zeroed(1 << 14);
        let image = Image::new_checked(bytes.bytes()).unwrap();
        let recogniser = Recogniser::of_image(image, arena.bytes_mut()).unwrap();
        let eyes = recogniser.eyes().expect("eyes");
        assert_eq!(eyes.sight().family, family);
        let pixels: Vec<u8> = (0..40 * 32).map(|place| (place * 89) as u8).collect();
        let frame = Frame::new_checked(&pixels, 40, 32, 40, PixelFormat::Grey).unwrap();
        let seen = see(
            &recogniser,
            eyes,
            &frame,
            Attention::Photo,
            &mut Followed::default(),
            arena.bytes_mut(),
            &mut Unobserved,
        );
        let seen = seen.unwrap();
        assert!(seen.faces > 0, "{family:?}");
        // The landmarks of the other one are in a single place.
        let is_decided = seen.face.and_then(|face| face.look?.decided).is_some();
        assert_eq!(is_decided, family == Family::YuNet);
    }
}

#[test]
fn centre_of_nobody_is_named() {
    let mut parts = tiny_sections();
    let owners = parts[1].1.windows(6).rposition(|window| window == [0, 0, 0, 0, 1, 0]).unwrap();
    for first in [u16::MAX, 2] {
        parts[1].1[owners..owners + 2].copy_from_slice(&first.to_le_bytes());
        let error = check(&join(&parts)).unwrap_err();
        assert_eq!(error, ImageError::Record { section: Section::Gallery, field: "owners" });
    }
}

#[test]
fn both_networks_that_are_damaged_work_undamaged() {
    for parts in [tiny_sections(), sections_of(&varied_network())] {
        let bytes = AlignedBytes::copy(&join(&parts));
        let mut arena = AlignedBytes::zeroed(1 << 16);
        Recogniser::new(bytes.bytes(), arena.bytes_mut()).unwrap();
        use_image(bytes.bytes());
    }
}

/// Using an image ends without a panic, whatever its content.
fn use_image(bytes: &[u8]) {
    let bytes = AlignedBytes::copy(bytes);
    let Ok(image) = Image::new_checked(bytes.bytes()) else { return };
    if image.arena_bytes() > 1 << 24 {
        return;
    }
    let mut arena = AlignedBytes::zeroed(image.arena_bytes());
    let Ok(recogniser) = Recogniser::of_image(image, arena.bytes_mut()) else { return };
    struct Noise;
    impl RowSource for Noise {
        type Error = std::convert::Infallible;
        fn row(&mut self, y: u16, pixels: &mut [u8]) -> Result<(), Self::Error> {
            pixels.iter_mut().enumerate().for_each(|(x, pixel)| *pixel = (x * 37 + y as usize * 101) as u8);
            Ok(())
        }
    }
    let mut embedding = vec![0; recogniser.image().dimension()];
    recogniser.embed(&mut Noise, arena.bytes_mut(), &mut embedding).unwrap();
    recogniser.recognise(&embedding).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A hostile image has correct digests, so the checks of records must find the damage.
    #[test]
    fn damaged_records_with_good_digests_never_panic(
        varied in any::<bool>(),
        section in 0usize..4,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let fresh = if varied { sections_of(&varied_network()) } else { tiny_sections() };
        let mut parts = fresh.clone();
        // In half of the cases the network's records are changed, because they can be wrong in the most ways.
        let body = &mut parts[if varied { 0 } else { section }].1;
        for (place, value) in damage {
            let place = place.index(body.len());
            body[place] = value;
        }
        if let Some(cut) = cut {
            let length = cut.index(body.len());
            body.truncate(length);
        }
        // The ids in the gallery and the policy are set to that of the network, as a forger would do.
        let id = header::ModelId::of_section(&parts[0].1);
        let old = header::ModelId::of_section(&fresh[0].1);
        for part in &mut parts[1..] {
            if let Some(place) = part.1.windows(16).position(|window| window == old.0) {
                part.1[place..place + 16].copy_from_slice(&id.0);
            }
        }
        use_image(&join(&parts));
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(check(&bytes).is_err());
    }
}
