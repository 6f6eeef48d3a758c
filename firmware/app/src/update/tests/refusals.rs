//! Updates that are refused or fail: neither the slot in the store nor the active slot changes.

use std::vec::Vec;

use link::message::{Begin, MAX_CHUNK_BYTES, Progress, Target, UpdateRefusal, UpdateReply, UpdateStage};
use store::Slot;
use store::sim::Tear;

use super::device::{Device, Memory, PAGE, PEOPLE, Supply};
use super::pictures::Plan;

fn old() -> Vec<u8> {
    Plan { version: Some(3), ..Plan::default() }.image()
}

fn refused(why: UpdateRefusal) -> UpdateReply {
    UpdateReply::Refused(why)
}

const fn at(stage: UpdateStage, offset: u32) -> UpdateReply {
    UpdateReply::Progress(Progress { stage, offset })
}

/// Updates a device to `image`; its answer. Nothing else may have changed if it is a refusal.
fn answer<const WORD: usize>(image: &[u8], version: u32) -> UpdateReply {
    let mut memory = Memory::<WORD>::new(&old());
    let before = memory.slot(false).to_vec();
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    let counters = device.store.counters();
    let reply = device.update(image, version);
    assert_eq!(device.store.counters(), counters);
    if matches!(reply, UpdateReply::Refused(_)) {
        assert_eq!(device.updater.status(), at(UpdateStage::None, 0));
        assert_eq!(device.confirm(), refused(UpdateRefusal::Stage(UpdateStage::None)));
    }
    drop(device);
    assert!(!supply.is_violated.get());
    let device = Device::start(&supply, false).unwrap().unwrap();
    assert!(!device.is_second);
    drop(device);
    assert_eq!(memory.slot(false), before);
    reply
}

fn answers(image: &[u8], version: u32) -> UpdateReply {
    let answers = [
        answer::<1>(image, version),
        answer::<4>(image, version),
        answer::<8>(image, version),
        answer::<32>(image, version),
    ];
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    answers[0]
}

#[test]
fn damaged_images_are_refused() {
    let image = Plan { version: Some(4), ..Plan::default() }.image();
    let header = 8 * (48 + 5 * 48);
    for bit in (0..header).chain((header..8 * image.len()).step_by(101)) {
        let mut flipped = image.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let reply = answer::<8>(&flipped, 4);
        let is_refused =
            matches!(reply, UpdateReply::Refused(UpdateRefusal::Unusable | UpdateRefusal::Signature));
        assert!(is_refused, "bit {bit}: {reply:?}");
    }
    for length in (0..image.len()).step_by(37) {
        assert_eq!(answer::<8>(&image[..length], 4), refused(UpdateRefusal::Unusable), "{length} bytes");
    }
}

#[test]
fn unsigned_and_old_and_untestable_images_are_refused() {
    let with = |version, golden| Plan { version, golden, ..Plan::default() }.image();
    assert_eq!(answers(&with(None, Some(0)), 4), refused(UpdateRefusal::Signature));
    // A host that announces another version than the signed one gains nothing.
    assert_eq!(answers(&with(Some(2), Some(0)), 9), refused(UpdateRefusal::Version(3)));
    assert_eq!(answers(&with(Some(2), Some(0)), 2), refused(UpdateRefusal::Version(3)));
    assert_eq!(answers(&with(Some(4), None), 4), refused(UpdateRefusal::Unusable));
}

#[test]
fn image_with_another_embedder_tells_who_must_be_enrolled_again() {
    for (weight, enrol_again) in [(100, 0), (90, PEOPLE)] {
        let image = Plan { weight, version: Some(3), ..Plan::default() }.image();
        assert_eq!(answers(&image, 3), UpdateReply::Verified { enrol_again });
    }
}

#[test]
fn too_long_and_too_short_and_other_targets_are_refused_before_anything_is_erased() {
    let mut memory = Memory::<4>::new(&old());
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    let traffic = supply.flash.borrow().traffic();
    let room = device.slots.room();
    let begin = Begin { target: Target::Image, bytes: room + 1, digest: [1; 32], version: 3 };
    for (begin, why) in [
        (begin, UpdateRefusal::TooLong(room)),
        (Begin { bytes: u32::MAX, ..begin }, UpdateRefusal::TooLong(room)),
        (Begin { bytes: 47, ..begin }, UpdateRefusal::Unusable),
        (Begin { bytes: 0, ..begin }, UpdateRefusal::Unusable),
        (Begin { bytes: 100, version: 2, ..begin }, UpdateRefusal::Version(3)),
        (Begin { bytes: 100, target: Target::Firmware, ..begin }, UpdateRefusal::Unusable),
    ] {
        assert_eq!(device.begin_with(&begin), refused(why));
        assert_eq!(device.updater.status(), at(UpdateStage::None, 0));
    }
    assert_eq!(supply.flash.borrow().traffic(), traffic);
    assert_eq!(device.begin_with(&Begin { bytes: room, ..begin }), at(UpdateStage::Receiving, 0));
}

#[test]
fn chunk_at_a_wrong_offset_is_answered_with_the_right_one() {
    let image = Plan { version: Some(4), ..Plan::default() }.image();
    let mut memory = Memory::<32>::new(&old());
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    let nothing = refused(UpdateRefusal::Stage(UpdateStage::None));
    assert_eq!(device.chunk(0, &image[..10]), nothing);
    assert_eq!(device.finish(), nothing);
    device.begin(&image, 4);
    assert_eq!(device.chunk(0, &image[..10]), at(UpdateStage::Receiving, 10));
    for wrong in [0, 9, 11, u32::MAX] {
        assert_eq!(device.chunk(wrong, &image[..10]), refused(UpdateRefusal::Offset(10)));
    }
    assert_eq!(device.chunk(10, &[]), at(UpdateStage::Receiving, 10));
    assert_eq!(device.finish(), refused(UpdateRefusal::Offset(10)));
    let length = image.len() as u32;
    assert_eq!(device.chunk(10, &std::vec![0; image.len()]), refused(UpdateRefusal::TooLong(length)));
    let most = MAX_CHUNK_BYTES as u32;
    assert_eq!(device.chunk(10, &[0; MAX_CHUNK_BYTES + 1]), refused(UpdateRefusal::TooLong(most)));
    assert_eq!(device.chunk(10, &image[10..][..MAX_CHUNK_BYTES]), at(UpdateStage::Receiving, 10 + most));
    assert_eq!(device.send(&image, 10 + most), at(UpdateStage::Receiving, length));
    assert_eq!(device.finish(), UpdateReply::Verified { enrol_again: 0 });
    // What is checked stays so until it is confirmed or cancelled.
    assert_eq!(device.begin(&image, 4), at(UpdateStage::Verified, length));
    assert_eq!(device.chunk(length, &[]), refused(UpdateRefusal::Stage(UpdateStage::Verified)));
}

#[test]
fn beginning_with_another_digest_starts_anew() {
    let image = Plan { version: Some(4), ..Plan::default() }.image();
    let other = Plan { person: "Grace", version: Some(5), ..Plan::default() }.image();
    let mut memory = Memory::<8>::new(&old());
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    device.begin(&image, 4);
    device.send(&image[..600], 0);
    // The same update goes on, also without a restart.
    assert_eq!(device.begin(&image, 4), at(UpdateStage::Receiving, 600));
    assert_eq!(device.begin(&other, 5), at(UpdateStage::Receiving, 0));
    device.send(&other, 0);
    assert_eq!(device.finish(), UpdateReply::Verified { enrol_again: 0 });
    // And anew once more, though one is verified.
    assert_eq!(device.update(&image, 4), UpdateReply::Verified { enrol_again: 0 });
    drop(device);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    assert_eq!(device.begin(&other, 5), at(UpdateStage::Receiving, 0));
}

#[test]
fn wrong_bytes_are_found_by_the_digest_and_forgotten() {
    let image = Plan { version: Some(4), ..Plan::default() }.image();
    let mut memory = Memory::<4>::new(&old());
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    device.begin(&image, 4);
    let mut wrong = image.clone();
    wrong[700] ^= 1;
    device.send(&wrong, 0);
    assert_eq!(device.finish(), refused(UpdateRefusal::Digest));
    assert_eq!(device.begin(&image, 4), at(UpdateStage::Receiving, 0));
    assert_eq!(device.update(&image, 4), UpdateReply::Verified { enrol_again: 0 });
}

#[test]
fn nothing_of_an_older_and_longer_image_stays_behind_the_new_one() {
    let image = Plan { version: Some(4), ..Plan::default() }.image();
    let mut memory = Memory::<4>::new(&old());
    memory.slot_mut(true).fill(0);
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    assert_eq!(device.update(&image, 4), UpdateReply::Verified { enrol_again: 0 });
    let room = device.slots.room() as usize;
    drop(device);
    assert!(memory.slot(true)[image.len().next_multiple_of(PAGE)..room].iter().all(|&byte| byte == 0xff));
}

#[test]
fn wrong_golden_embedding_returns_to_the_old_image() {
    let image = Plan { golden: Some(1), version: Some(4), ..Plan::default() }.image();
    let mut memory = Memory::<32>::new(&old());
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    assert_eq!(device.update(&image, 4), UpdateReply::Verified { enrol_again: 0 });
    assert_eq!(device.confirm(), at(UpdateStage::Trial, image.len() as u32));
    assert_eq!(device.slot(), Slot { is_second: true, trial: 1 });
    drop(device);
    let device = Device::start(&supply, false).unwrap().unwrap();
    assert_eq!(device.slot(), Slot { is_second: false, trial: 0 });
    assert_eq!(device.store.counters().floor, 3);
    assert_eq!(device.updater.status(), at(UpdateStage::Reverted, 0));
    drop(device);
    let device = Device::start(&supply, false).unwrap().unwrap();
    assert_eq!(device.updater.status(), at(UpdateStage::None, 0));
}

#[test]
fn floor_rises_when_the_new_image_is_kept_and_closes_the_way_back() {
    let image = Plan { version: Some(4), ..Plan::default() }.image();
    let mut memory = Memory::<4>::new(&old());
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    assert_eq!(device.store.counters().floor, 3);
    device.update(&image, 4);
    device.confirm();
    assert_eq!(device.store.counters().floor, 3);
    drop(device);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    assert_eq!((device.is_second, device.store.counters().floor), (true, 4));
    assert_eq!(device.updater.status(), at(UpdateStage::Kept, 0));
    assert_eq!(device.update(&old(), 3), refused(UpdateRefusal::Version(4)));
    drop(device);
    // The new image is damaged, and the old one is too old: nothing runs.
    memory.slot_mut(true)[500] ^= 1;
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    assert!(Device::start(&supply, false).unwrap().is_none());
}

#[test]
fn kept_image_that_is_damaged_gives_way_to_another_of_its_version() {
    let image = Plan { person: "Grace", version: Some(3), ..Plan::default() }.image();
    let mut memory = Memory::<4>::new(&old());
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    device.update(&image, 3);
    device.confirm();
    drop(device);
    assert!(Device::start(&supply, false).unwrap().unwrap().is_second);
    memory.slot_mut(true)[500] ^= 1;
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    let mut device = Device::start(&supply, false).unwrap().unwrap();
    assert!(!device.is_second);
    assert_eq!(device.slot(), Slot { is_second: false, trial: 0 });
    // And the damaged one can be sent again.
    assert_eq!(device.update(&image, 3), refused(UpdateRefusal::Digest));
    assert_eq!(device.update(&image, 3), UpdateReply::Verified { enrol_again: 0 });
}

#[test]
fn cancelled_update_is_forgotten_at_every_stage() {
    let image = Plan { version: Some(4), ..Plan::default() }.image();
    for stage in 0..4 {
        let mut memory = Memory::<4>::new(&old());
        let supply = Supply::new(&mut memory, Tear::Whole, 0);
        let mut device = Device::start(&supply, false).unwrap().unwrap();
        if stage > 0 {
            device.begin(&image, 4);
            device.send(&image[..500], 0);
        }
        if stage > 1 {
            device.send(&image, 500);
            device.finish();
        }
        if stage > 2 {
            device.confirm();
            assert_eq!(device.begin(&image, 4), refused(UpdateRefusal::Stage(UpdateStage::Trial)));
        }
        assert_eq!(device.cancel(), at(UpdateStage::None, 0));
        assert_eq!(device.slot(), Slot { is_second: false, trial: 0 });
        assert_eq!(device.begin(&image, 4), at(UpdateStage::Receiving, 0));
    }
}
