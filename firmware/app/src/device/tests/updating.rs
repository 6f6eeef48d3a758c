//! Updates of a device that does other things as well, and what a device does whose people another network enrolled.

use link::message::{Begin, Progress, Target, UpdateRefusal, UpdateReply, UpdateRequest, UpdateStage};
use link::session::HostEvent;
use sha2::{Digest as _, Sha256};

use super::sessions::{administrator, open, takes};
use super::*;
use crate::update::tests::pictures::{Aligned, DIMENSION, Plan, arena, maker, network_id};
use crate::update::{Trouble, start};

/// Milliseconds until a device restarts after it has said so.
const SOON_MS: u64 = super::super::updating::RESTART_MS;

/// A device with the maker's key, an arena, and a store of the image's network.
fn updatable() -> (Bench, Vec<u8>) {
    let mut bench = bench_of([4; 32], network_id(100));
    bench.device.about.maker_key = Some(maker().verifying_key().to_bytes());
    bench.device.arena = &mut Box::leak(Box::new(arena())).0;
    (bench, Plan { version: Some(2), ..Plan::default() }.image())
}

fn ask(bench: &mut Bench, request: &UpdateRequest<'_>) -> Option<UpdateReply> {
    bench.device.serve_update(request, LINK, bench.now_ms)
}

fn stage(stage: UpdateStage, offset: usize) -> Option<UpdateReply> {
    Some(UpdateReply::Progress(Progress { stage, offset: offset as u32 }))
}

/// Sends the whole image, without having it checked.
fn send(bench: &mut Bench, image: &[u8]) {
    let digest = Sha256::digest(image).into();
    let begin = Begin { target: Target::Image, bytes: image.len() as u32, digest, version: 2 };
    assert_eq!(ask(bench, &UpdateRequest::Begin(begin)), stage(UpdateStage::Receiving, 0));
    for (number, chunk) in image.chunks(500).enumerate() {
        let offset = 500 * number;
        let reply = ask(bench, &UpdateRequest::Chunk(offset as u32, chunk));
        assert_eq!(reply, stage(UpdateStage::Receiving, offset + chunk.len()));
    }
}

/// Lets the device work until it has nothing more to do for the update; what it says meanwhile.
fn check(bench: &mut Bench) -> Vec<Reply> {
    let mut steps = 0;
    while bench.device.updater.as_ref().unwrap().is_working() {
        assert!(!bench.device.is_waiting());
        bench.step(1);
        steps += 1;
        assert!(steps < 100);
    }
    assert!(bench.device.is_waiting());
    bench.replies()
}

const VERIFIED: UpdateReply = UpdateReply::Verified { enrol_again: 0 };

#[test]
fn update_waits_for_an_enrolment_and_for_tasks_of_the_link() {
    let (mut bench, image) = updatable();
    send(&mut bench, &image);
    let busy = Some(UpdateReply::Refused(UpdateRefusal::Busy));
    bench.people(&PeopleRequest::Enrol("Grace")).unwrap();
    assert_eq!(ask(&mut bench, &UpdateRequest::Finish), busy);
    bench.people(&PeopleRequest::Discard).unwrap();
    assert_eq!(ask(&mut bench, &UpdateRequest::Finish), None, "it is being checked");
    assert_eq!(
        ask(&mut bench, &UpdateRequest::Confirm),
        Some(UpdateReply::Refused(UpdateRefusal::Stage(UpdateStage::Receiving)))
    );
    bench.device.desk.updating = None;
    check(&mut bench);
    assert_eq!(ask(&mut bench, &UpdateRequest::Finish), Some(VERIFIED));
    let view = View { width: 4, height: 4, format: PixelFormat::Grey, is_sent: true, attention: Look::Photo };
    bench.device.desk.task = Some(Task::Waiting { line: LINK, view, since_ms: bench.now_ms });
    assert_eq!(ask(&mut bench, &UpdateRequest::Confirm), busy);
    bench.device.desk.task = None;
    assert_eq!(ask(&mut bench, &UpdateRequest::Confirm), stage(UpdateStage::Trial, image.len()));
}

#[test]
fn confirmed_update_restarts_the_device_and_a_cancelled_one_does_not() {
    for is_cancelled in [false, true] {
        let (mut bench, image) = updatable();
        send(&mut bench, &image);
        assert_eq!(ask(&mut bench, &UpdateRequest::Finish), None);
        check(&mut bench);
        ask(&mut bench, &UpdateRequest::Confirm).unwrap();
        bench.step(SOON_MS - 1);
        assert_eq!(bench.device.platform.restarts, 0, "the answer is on its way");
        let slot = bench.device.store.as_ref().unwrap().counters().slot;
        assert!(slot.is_second && slot.trial > 0, "{slot:?}");
        if is_cancelled {
            assert_eq!(ask(&mut bench, &UpdateRequest::Cancel), stage(UpdateStage::None, 0));
        }
        bench.step(1);
        bench.step(10 * SOON_MS);
        let slot = bench.device.store.as_ref().unwrap().counters().slot;
        assert_eq!(
            (bench.device.platform.restarts, slot.is_second),
            if is_cancelled { (0, false) } else { (1, true) }
        );
    }
}

#[test]
fn check_goes_on_when_its_session_ends_and_answers_nobody() {
    let (mut bench, image) = updatable();
    send(&mut bench, &image);
    assert_eq!(ask(&mut bench, &UpdateRequest::Finish), None);
    bench.step(1);
    bench.device.end_session(bench.now_ms);
    let said = check(&mut bench);
    assert!(!said.iter().any(|reply| matches!(reply, Reply::Update(_))), "{said:?}");
    assert_eq!(ask(&mut bench, &UpdateRequest::Status), stage(UpdateStage::Verified, image.len()));
}

#[test]
fn long_check_is_told_to_who_waits_for_it() {
    let (mut bench, image) = updatable();
    send(&mut bench, &image);
    let mut host = administrator(&mut bench);
    open(&mut bench, &mut host);
    let mut buffer = [0; link::MAX_MESSAGE_BYTES];
    let finish = host.request(2, &Request::Update(UpdateRequest::Finish), &mut buffer).unwrap();
    let mut framed = [0; link::MAX_FRAME_BYTES];
    bench.device.platform.link.incoming.extend(frame::encode(finish, &mut framed).unwrap());
    let mut said = Vec::new();
    for _ in 0..20 {
        bench.step(super::super::answer::WORKING_MS);
        said.extend(takes(&mut bench, &mut host));
    }
    let sealed = |reply| HostEvent::Reply { reply, is_sealed: true };
    let (last, before) = said.split_last().unwrap();
    assert_eq!(*last, sealed(Reply::Update(VERIFIED)));
    assert!(!before.is_empty() && before.iter().all(|event| *event == sealed(Reply::Working)), "{before:?}");
}

#[test]
fn refused_update_that_cannot_be_forgotten_is_not_gone_on_with() {
    let (mut bench, image) = updatable();
    let mut other = image.clone();
    *other.last_mut().unwrap() ^= 1;
    // What arrives is not what was announced.
    let digest = Sha256::digest(&image).into();
    let begin = Begin { target: Target::Image, bytes: image.len() as u32, digest, version: 2 };
    ask(&mut bench, &UpdateRequest::Begin(begin)).unwrap();
    for (number, chunk) in other.chunks(500).enumerate() {
        ask(&mut bench, &UpdateRequest::Chunk(500 * number as u32, chunk)).unwrap();
    }
    assert_eq!(ask(&mut bench, &UpdateRequest::Finish), None);
    // All behind it is blank already: the first that is erased is its record.
    bench.device.platform.images.0.cut_after(0);
    check(&mut bench);
    bench.device.platform.images.0.power_on();
    assert_eq!(ask(&mut bench, &UpdateRequest::Status), stage(UpdateStage::None, 0));
    assert_eq!(ask(&mut bench, &UpdateRequest::Begin(begin)), stage(UpdateStage::Receiving, 0));
}

#[test]
fn people_of_another_network_are_in_the_way_until_they_are_deleted() {
    let memory: &'static Aligned = Box::leak(Box::new(Aligned::copy(&Plan::default().image())));
    let slot = |is_second: bool| if is_second { &[][..] } else { memory.bytes() };
    let key = maker().verifying_key().to_bytes();
    let mut bench = bench_of([4; 32], ModelId([2; 16]));
    let flash = bench.flash;
    let restart = |bench: &mut Bench| {
        let layout = *bench.device.store.as_ref().unwrap().layout();
        bench.device.store = None;
        let mut store = Store::open_any(flash, layout, &[1; 32]).unwrap();
        let started = start(slot, Some(&key), Some(&mut store), &mut arena().0, &mut || {});
        (store, started)
    };
    let (store, started) = restart(&mut bench);
    assert_eq!(started.trouble, Some(Trouble::OtherNetwork(1)));
    bench.device.recogniser = started.recogniser;
    bench.device.store = Some(store);
    bench.device.fail(Fault::Store, 0);
    // Nobody is compared with people of another network.
    let label = link::message::Label {
        from: [4; 32],
        network: [2; 16],
        dimension: 2,
        handshake: link::message::Handshake { ephemeral: [9; 32], tag: [0; 16] },
    };
    assert!(bench.people(&PeopleRequest::Restore(label)).is_err());
    assert_eq!(bench.people(&PeopleRequest::DeleteAll), Ok(PeopleReply::Done));
    bench.step(SOON_MS);
    assert_eq!(bench.device.platform.restarts, 1);
    let (store, started) = restart(&mut bench);
    assert_eq!(started.trouble, None);
    assert_eq!((store.network(), usize::from(store.dimension())), (network_id(100), DIMENSION));
    let left: Vec<_> = store.people().iter().map(|entry| (entry.id, entry.centres)).collect();
    assert_eq!(left, [(1, 0)], "the administrator stays");
}
