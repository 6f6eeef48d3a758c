//! The checks of an image's bytes.

use std::string::ToString as _;

use ed25519_dalek::SigningKey;
use format::{Image, ImageError};
use link::message::UpdateRefusal;

use super::pictures::{Aligned, Plan, arena, maker, network_id, sign};
use crate::update::{Demands, StoredPeople, Verified, VerifyError, verify};

fn check_with(bytes: &[u8], floor: u32, enrolled: Option<StoredPeople>) -> Result<Verified, VerifyError> {
    let key = maker().verifying_key().to_bytes();
    verify(Aligned::copy(bytes).bytes(), &Demands { key: Some(&key), floor, enrolled }, &mut arena().0)
        .map(|(verified, _)| verified)
}

fn check(bytes: &[u8]) -> Result<Verified, VerifyError> {
    check_with(bytes, 0, None)
}

#[test]
fn signed_image_is_verified_and_what_follows_it_does_not_count() {
    let mut image = Plan { version: Some(7), ..Plan::default() }.image();
    let verified = check_with(&image, 7, None).unwrap();
    assert_eq!((verified.version, verified.network, verified.enrol_again), (7, network_id(100), 0));
    image.resize(8192, 0xff);
    assert_eq!(check_with(&image, 7, None), Ok(verified));
}

#[test]
fn every_flipped_bit_of_the_image_is_refused() {
    let image = Plan::default().image();
    for bit in 0..8 * image.len() {
        let mut flipped = image.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(check(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn every_cut_length_is_refused() {
    let image = Plan::default().image();
    for length in 0..image.len() {
        let found = check(&image[..length]);
        assert!(
            matches!(found, Err(VerifyError::Image(ImageError::Truncated { .. }))),
            "{length}: {found:?}"
        );
    }
}

#[test]
fn signature_must_be_there_and_the_makers_and_of_this_image_and_version() {
    assert_eq!(check(&Plan { version: None, ..Plan::default() }.image()), Err(VerifyError::Unsigned));
    let image = Plan::default().image();
    let digest = Image::new_checked(Aligned::copy(&image).bytes()).unwrap().digest;
    let with = |section: &[u8]| [&image[..image.len() - section.len()], section].concat();
    assert!(check(&with(&sign(&maker(), &digest, 9))).is_ok_and(|verified| verified.version == 9));

    let other = SigningKey::from_bytes(&[12; 32]);
    let error = check(&with(&sign(&other, &digest, 1))).unwrap_err();
    assert!(matches!(error, VerifyError::Key { found, expected } if found != expected), "{error:?}");
    assert!(error.to_string().contains("sign it with the maker's key"), "{error}");
    assert_eq!(error.refusal(), UpdateRefusal::Signature);

    assert_eq!(check(&with(&sign(&maker(), &[1; 32], 1))), Err(VerifyError::Signature));
    let mut raised = sign(&maker(), &digest, 1);
    raised[0] = 2;
    assert_eq!(check(&with(&raised)), Err(VerifyError::Signature));
}

#[test]
fn older_versions_are_refused_after_the_signature_was_checked() {
    let image = Plan { version: Some(4), ..Plan::default() }.image();
    assert!(check_with(&image, 4, None).is_ok());
    let error = check_with(&image, 5, None).unwrap_err();
    assert_eq!(error, VerifyError::Version { found: 4, floor: 5 });
    assert_eq!(error.refusal(), UpdateRefusal::Version(5));
    let unsigned = Plan { version: None, ..Plan::default() }.image();
    assert_eq!(check_with(&unsigned, 5, None), Err(VerifyError::Unsigned));
}

#[test]
fn people_of_another_embedder_are_counted() {
    let image = Plan::default().image();
    for (weight, again) in [(100, 0), (99, 12)] {
        let enrolled = StoredPeople { network: network_id(weight), people: 12 };
        assert_eq!(check_with(&image, 0, Some(enrolled)).unwrap().enrol_again, again);
    }
}

#[test]
fn image_that_the_board_cannot_run_or_test_is_refused() {
    let key = maker().verifying_key().to_bytes();
    let image = Aligned::copy(&Plan::default().image());
    let demands = Demands { key: Some(&key), floor: 0, enrolled: None };
    let error = verify(image.bytes(), &demands, &mut []).map(|_| ()).unwrap_err();
    assert!(matches!(error, VerifyError::Start(_)), "{error:?}");
    assert_eq!(error.refusal(), UpdateRefusal::Unusable);
    assert_eq!(check(&Plan { golden: None, ..Plan::default() }.image()), Err(VerifyError::NoGolden));
}

#[test]
fn key_of_the_board_that_is_no_key_verifies_nothing() {
    let image = Plan::default().image();
    let digest = Image::new_checked(Aligned::copy(&image).bytes()).unwrap().digest;
    for byte in [0, 1, 2, 0xff] {
        let key = [byte; 32];
        let mut section = sign(&maker(), &digest, 1);
        section[16..48].fill(byte);
        let image = Aligned::copy(&[&image[..image.len() - section.len()], &section].concat());
        let demands = Demands { key: Some(&key), floor: 0, enrolled: None };
        let verified = verify(image.bytes(), &demands, &mut arena().0).map(|_| ());
        assert_eq!(verified, Err(VerifyError::Signature));
    }
}
