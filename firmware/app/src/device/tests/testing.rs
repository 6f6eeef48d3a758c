//! The device's tests of itself.

use link::message::{Outcome, Test, Tested};
use link::session::{HostEvent, Initiator};

use super::sessions::{administered, open, takes};
use super::*;

/// A device with a session, and its administrator.
fn tested() -> (Bench, Initiator) {
    let (mut bench, mut host) = administered();
    open(&mut bench, &mut host);
    (bench, host)
}

/// Asks for a test; the answers within some steps.
fn ask(bench: &mut Bench, host: &mut Initiator, test: Test) -> Vec<HostEvent> {
    let mut buffer = [0; link::MAX_MESSAGE_BYTES];
    let message = host.request(2, &Request::Test(test), &mut buffer).unwrap().to_vec();
    bench.hear(&message);
    takes(bench, host)
}

fn answered(bench: &mut Bench, host: &mut Initiator, test: Test) -> Tested {
    match ask(bench, host, test).as_slice() {
        [HostEvent::Reply { reply: Reply::Tested(tested), is_sealed: true }] if tested.test == test => {
            *tested
        }
        other => panic!("{test:?}: {other:?}"),
    }
}

#[test]
fn tests_are_for_administrators_alone() {
    let mut bench = bench();
    for test in Test::ALL {
        assert_eq!(bench.send(&Request::Test(test)), [Reply::Refused(Objection::NeedsSession)]);
    }
    assert_eq!((bench.device.platform.starved, bench.device.desk.starve_ms), (0, None));
}

#[test]
fn page_of_the_idle_slot_is_tested_and_left_blank_and_no_other_is_touched() {
    let (mut bench, mut host) = tested();
    let images = bench.device.platform.images.0.bytes_mut();
    images.fill(0x5a);
    assert_eq!(answered(&mut bench, &mut host, Test::Flash).outcome, Outcome::Done);
    let images = bench.device.platform.images.0.bytes();
    assert!(images[..7168].iter().all(|&byte| byte == 0x5a));
    assert!(images[7168..].iter().all(|&byte| byte == 0xff));
    let traffic = bench.device.platform.images.0.traffic();
    assert_eq!((traffic.pages, traffic.words), (3, 256), "{traffic:?}");
    // The first word is written only partly, after the page was erased twice, and nothing tells.
    bench.device.platform.images.0.fail_after(2);
    let Tested { outcome, figures, .. } = answered(&mut bench, &mut host, Test::Flash);
    assert_eq!((outcome, figures), (Outcome::Failed, [2, 7168, 0, 0]));
    bench.device.platform.images.0.cut_after(0);
    let Tested { outcome, figures, .. } = answered(&mut bench, &mut host, Test::Flash);
    assert_eq!((outcome, figures), (Outcome::Failed, [0, 7168, 0, 0]));
}

#[test]
fn store_is_written_once_and_everybody_is_opened() {
    let (mut bench, mut host) = tested();
    let before = bench.device.store.as_ref().unwrap().counters();
    let written = bench.flash.0.borrow().traffic();
    let Tested { outcome, figures, .. } = answered(&mut bench, &mut host, Test::Store);
    let free = bench.device.store.as_ref().unwrap().free_bytes();
    // Ada, and two administrators.
    assert_eq!((outcome, figures), (Outcome::Done, [3, 0, free, 0]));
    assert_eq!(bench.device.store.as_ref().unwrap().counters(), before);
    assert!(bench.flash.0.borrow().traffic().words > written.words);
    // Nothing can be written or read any more.
    bench.flash.0.borrow_mut().cut_after(0);
    assert!(bench.device.store.as_mut().unwrap().count_start().is_err());
    let Tested { outcome, figures, .. } = answered(&mut bench, &mut host, Test::Store);
    assert_eq!((outcome, figures), (Outcome::Failed, [3, 3, free, 0]));
}

#[test]
fn figures_of_random_numbers_show_a_generator_that_stands_still() {
    let (mut bench, mut host) = tested();
    let Tested { outcome, figures: [ones, run, bytes, _], .. } =
        answered(&mut bench, &mut host, Test::Random);
    // This board's numbers are 32 times the same byte, and another one at the next call.
    assert_eq!((outcome, run, bytes), (Outcome::Done, 32, 1024));
    let first = bench.device.platform.random - 32;
    let expected: u32 = (1..=32).map(|call| 32 * (first + call).count_ones()).sum();
    assert_eq!(ones, expected);
    bench.device.platform.has_noise_failed = true;
    let Tested { outcome, .. } = answered(&mut bench, &mut host, Test::Random);
    assert_eq!((outcome, bench.device.platform.restarts), (Outcome::Failed, 0));
}

#[test]
fn frame_that_comes_after_the_question_is_measured() {
    let (mut bench, mut host) = tested();
    bench.device.platform.eye.memory = [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 250];
    let Tested { outcome, figures: [_, size, light, sum], .. } =
        answered(&mut bench, &mut host, Test::Camera);
    let grey = PixelFormat::ALL.iter().position(|&format| format == PixelFormat::Grey).unwrap() as u8;
    assert_eq!((outcome, size), (Outcome::Done, 4 << 16 | 4));
    assert_eq!((light.to_le_bytes(), sum), ([9, 250, grey, 0], 490));
    // Nothing comes: the device says that it works, and gives up after five seconds.
    bench.device.platform.eye.is_dead = true;
    assert_eq!(ask(&mut bench, &mut host, Test::Camera), []);
    assert_eq!(ask(&mut bench, &mut host, Test::Store), [answer(Test::Store, Outcome::Busy, [0; 4])]);
    bench.step(1_000);
    let working = HostEvent::Reply { reply: Reply::Working, is_sealed: true };
    assert_eq!(takes(&mut bench, &mut host), [working]);
    bench.step(4_000);
    let events = takes(&mut bench, &mut host);
    let [HostEvent::Reply { reply: Reply::Tested(tested), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((tested.test, tested.outcome), (Test::Camera, Outcome::Failed));
    assert!((5_000..5_100).contains(&tested.figures[0]), "{tested:?}");
}

fn answer(test: Test, outcome: Outcome, figures: [u32; 4]) -> HostEvent {
    HostEvent::Reply { reply: Reply::Tested(Tested { test, outcome, figures }), is_sealed: true }
}

#[test]
fn device_without_an_image_has_no_golden_embedding() {
    let (mut bench, mut host) = tested();
    assert_eq!(answered(&mut bench, &mut host, Test::Golden).outcome, Outcome::Missing);
}

#[test]
fn device_that_stands_still_has_answered_and_closed_its_door() {
    let (mut bench, mut host) = tested();
    bench.device.platform.lock.is_open = true;
    assert_eq!(answered(&mut bench, &mut host, Test::Watchdog).outcome, Outcome::Done);
    assert_eq!(bench.device.platform.starved, 0);
    bench.step(200);
    assert_eq!((bench.device.platform.starved, bench.device.platform.lock.is_open), (1, false));
}

#[test]
fn device_without_a_watchdog_says_so_and_goes_on() {
    let (mut bench, mut host) = tested();
    bench.device.platform.lacks_watchdog = true;
    assert_eq!(answered(&mut bench, &mut host, Test::Watchdog).outcome, Outcome::Missing);
    bench.step(200);
    assert_eq!((bench.device.platform.starved, bench.device.desk.starve_ms), (0, None));
}

#[test]
fn test_ends_with_its_session_and_waits_for_an_enrolment() {
    let (mut bench, mut host) = tested();
    bench.device.platform.eye.is_dead = true;
    assert_eq!(ask(&mut bench, &mut host, Test::Camera), []);
    assert!(bench.device.testing.is_some());
    bench.send(&Request::Hello);
    assert!(bench.device.testing.is_none());
    let (mut bench, mut host) = tested();
    bench.people(&PeopleRequest::Enrol("Lin")).unwrap();
    assert_eq!(answered(&mut bench, &mut host, Test::Flash).outcome, Outcome::Busy);
}
