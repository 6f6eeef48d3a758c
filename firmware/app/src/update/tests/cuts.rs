//! The supply fails at every step of an update: the device always starts, and the update goes on to its end.

use std::vec::Vec;

use link::message::{Progress, UpdateReply, UpdateStage};
use store::Slot;
use store::sim::Tear;

use super::device::{Cut, Device, Memory, PEOPLE, Supply};
use super::pictures::{Plan, network_id};
use crate::update::boot::TRIALS;
use crate::update::start::people_of;

fn old() -> Vec<u8> {
    Plan::default().image()
}

fn new() -> Vec<u8> {
    Plan { person: "Grace", version: Some(2), ..Plan::default() }.image()
}

/// The weight of another network.
const OTHER: i8 = 99;

/// An image with another network.
fn foreign() -> Vec<u8> {
    Plan { weight: OTHER, version: Some(2), ..Plan::default() }.image()
}

/// Starts the device and goes on with the update; whether the new image is kept.
fn session<const WORD: usize>(supply: &Supply<'_, WORD>, image: &[u8]) -> Result<bool, Cut> {
    let mut device = Device::start(supply, false)?.expect("one of the images runs");
    let Slot { is_second, trial } = device.slot();
    assert_eq!((is_second, trial), (device.is_second, 0));
    let is_foreign = image == foreign();
    // With another network the people go when the image is kept, and the key's holder stays.
    let have_gone = is_foreign && is_second;
    let store = &device.store;
    assert_eq!(people_of(store), if have_gone { 0 } else { PEOPLE });
    assert_eq!(store.network(), network_id(if have_gone { OTHER } else { 100 }));
    assert_eq!(store.people().iter().filter(|entry| entry.centres == 0).count(), 1);
    if is_second {
        assert_eq!(device.store.counters().floor, 2);
        return Ok(true);
    }
    assert_eq!(device.store.counters().floor, 1);
    let reply = device.update(image, 2);
    let reply = device.alive(reply)?;
    assert_eq!(reply, UpdateReply::Verified { enrol_again: if is_foreign { PEOPLE } else { 0 } });
    let reply = device.confirm();
    let reply = device.alive(reply)?;
    let offset = image.len() as u32;
    assert_eq!(reply, UpdateReply::Progress(Progress { stage: UpdateStage::Trial, offset }));
    Ok(false)
}

/// Cuts at every step of the update, each with every tear; returns the number of cuts.
fn cut_everywhere<const WORD: usize>(new: &[u8]) -> u32 {
    let old = old();
    let fresh = Memory::<WORD>::new(&old);
    let mut cuts = 0;
    for tear in Tear::ALL {
        for steps in 0.. {
            let mut memory = fresh.clone();
            let supply = Supply::new(&mut memory, tear, steps);
            supply.flash.borrow_mut().cut_after(steps);
            let mut was_cut = false;
            loop {
                match session(&supply, new) {
                    Ok(true) => break,
                    Ok(false) => {}
                    Err(Cut) => {
                        assert!(!was_cut, "a second cut");
                        was_cut = true;
                        supply.flash.borrow_mut().power_on();
                    }
                }
            }
            assert!(!supply.is_violated.get(), "{tear:?} after {steps} steps");
            assert_eq!(memory.slot(false), fresh.slot(false), "{tear:?} after {steps} steps");
            assert_eq!(memory.slot(true)[..new.len()], *new, "{tear:?} after {steps} steps");
            if !was_cut {
                break;
            }
            cuts += 1;
        }
    }
    cuts
}

#[test]
fn update_cut_at_any_step_ends_bit_for_bit_with_words_of_1_byte() {
    assert!(cut_everywhere::<1>(&new()) > 5_000);
}

#[test]
fn update_cut_at_any_step_ends_bit_for_bit_with_words_of_4_bytes() {
    assert!(cut_everywhere::<4>(&new()) > 1_000);
}

#[test]
fn update_cut_at_any_step_ends_bit_for_bit_with_words_of_8_bytes() {
    assert!(cut_everywhere::<8>(&new()) > 500);
}

#[test]
fn update_cut_at_any_step_ends_bit_for_bit_with_words_of_32_bytes() {
    assert!(cut_everywhere::<32>(&new()) > 100);
}

#[test]
fn update_to_another_network_cut_at_any_step_loses_all_people_or_none() {
    assert!(cut_everywhere::<4>(&foreign()) > 1_000);
    assert!(cut_everywhere::<32>(&foreign()) > 100);
}

#[test]
fn many_cuts_in_a_row_end_well_too() {
    let (old, new) = (old(), new());
    for seed in 0..200 {
        let mut memory = Memory::<32>::new(&old);
        let supply = Supply::new(&mut memory, Tear::ALL[seed as usize % 5], seed);
        let mut starts = 0;
        loop {
            starts += 1;
            // Every start has a little more time before the cut than the one before.
            supply.flash.borrow_mut().cut_after(seed % 7 + starts / 2);
            let is_kept = session(&supply, &new);
            supply.flash.borrow_mut().power_on();
            if let Ok(true) = is_kept {
                break;
            }
            // The trial is counted at each start, and so few cuts do not use it up; more would go back to the old image.
            assert!(starts < 500);
        }
        assert!(!supply.is_violated.get());
        assert_eq!(memory.slot(true)[..new.len()], new);
    }
}

#[test]
fn transfer_goes_on_near_where_it_was_cut() {
    let (old, new) = (old(), new());
    let fresh = Memory::<4>::new(&old);
    let page = super::device::PAGE as u32;
    for sent in (0..=new.len() as u32).step_by(50) {
        let mut memory = fresh.clone();
        let supply = Supply::new(&mut memory, Tear::Both, 1);
        let mut device = Device::start(&supply, false).unwrap().unwrap();
        device.begin(&new, 2);
        device.send(&new[..sent as usize], 0);
        drop(device);
        let mut device = Device::start(&supply, false).unwrap().unwrap();
        let offset = sent / page * page;
        let found = UpdateReply::Progress(Progress { stage: UpdateStage::Receiving, offset });
        assert_eq!(device.begin(&new, 2), found);
    }
}

#[test]
fn image_that_hangs_on_trial_is_given_up() {
    let (old, new) = (old(), new());
    let mut memory = Memory::<8>::new(&old);
    let supply = Supply::new(&mut memory, Tear::Whole, 0);
    assert!(matches!(session(&supply, &new), Ok(false)));
    for _ in 0..TRIALS {
        assert!(Device::start(&supply, true).is_err());
        supply.flash.borrow_mut().power_on();
    }
    let device = Device::start(&supply, true).unwrap().unwrap();
    assert_eq!(device.slot(), Slot { is_second: false, trial: 0 });
    assert_eq!(device.store.counters().floor, 1);
    let reverted = Progress { stage: UpdateStage::Reverted, offset: 0 };
    assert_eq!(device.updater.status(), UpdateReply::Progress(reverted));
}
