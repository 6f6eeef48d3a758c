//! Hosts that open sessions, or try to.

use link::message::{Handshake, SessionRequest};
use link::session::{HostEvent, Initiator, hint};

use super::*;

const ADMINISTRATOR: [u8; 32] = [7; 32];
const REFUSED: [Reply; 1] = [Reply::Refused(Objection::Unauthorised)];

/// A device with an administrator whose secret is known, and that administrator.
pub fn administered() -> (Bench, Initiator) {
    let mut bench = bench();
    let host = administrator(&mut bench);
    (bench, host)
}

/// A new administrator of the device.
pub fn administrator(bench: &mut Bench) -> Initiator {
    let keys = KeyPair::new(ADMINISTRATOR);
    bench.device.admit(*keys.public(), 0);
    let board = *bench.device.responder.public();
    Initiator::new(keys, board)
}

/// Somebody who knows the public key of the administrator asks for a session.
fn ask_without_the_key(bench: &mut Bench) -> Vec<Reply> {
    let hint = hint(KeyPair::new(ADMINISTRATOR).public());
    let handshake = Handshake { ephemeral: [9; 32], tag: [0; 16] };
    bench.send(&Request::Session(SessionRequest::Open { hint, handshake }))
}

/// The administrator's request for a session.
fn asks(host: &mut Initiator) -> Vec<u8> {
    host.open(1, [3; 32], &mut [0; link::MAX_MESSAGE_BYTES]).unwrap().to_vec()
}

/// What the host takes of the device's answers.
pub fn takes(bench: &mut Bench, host: &mut Initiator) -> Vec<HostEvent> {
    let messages = bench.messages();
    let mut events: Vec<_> =
        messages.iter().map(|message| host.receive(&Message::parse(message).unwrap())).collect();
    events.retain(|event| !matches!(event, HostEvent::Reply { reply: Reply::Notice(_), .. }));
    events
}

/// Asks in the session.
fn asks_sealed(bench: &mut Bench, host: &mut Initiator, request: &PeopleRequest<'_>) -> Vec<HostEvent> {
    let mut buffer = [0; link::MAX_MESSAGE_BYTES];
    let message = host.request(2, &Request::People(*request), &mut buffer).unwrap().to_vec();
    bench.hear(&message);
    takes(bench, host)
}

fn sealed(reply: PeopleReply) -> HostEvent {
    HostEvent::Reply { reply: Reply::People(reply), is_sealed: true }
}

/// Opens a session without a word in it.
pub fn open(bench: &mut Bench, host: &mut Initiator) {
    let message = asks(host);
    bench.hear(&message);
    assert_eq!(takes(bench, host), [HostEvent::Opened]);
}

#[test]
fn who_is_refused_again_and_again_has_to_wait() {
    let (mut bench, mut host) = administered();
    for _ in 0..5 {
        assert_eq!(ask_without_the_key(&mut bench), REFUSED);
    }
    for _ in 0..20 {
        assert_eq!(ask_without_the_key(&mut bench), [Reply::Refused(Objection::Wait(1))]);
    }
    let message = asks(&mut host);
    bench.hear(&message);
    assert_eq!(takes(&mut bench, &mut host), [HostEvent::Refused(Objection::Wait(1))], "administrators, too");
    // Asking made it no longer.
    bench.step(1000);
    assert_eq!(ask_without_the_key(&mut bench), REFUSED);
    assert_eq!(ask_without_the_key(&mut bench), [Reply::Refused(Objection::Wait(2))]);
    let (_, pair) = HostPairing::begin([1; 32], [7; 32]);
    assert_eq!(bench.send(&Request::Session(pair)), [Reply::Refused(Objection::Wait(2))]);
    // Everything else is heard.
    assert!(matches!(&bench.send(&Request::Hello)[..], [Reply::Hello(_)]));
}

#[test]
fn pairing_without_the_button_counts_as_well() {
    let mut bench = bench();
    let (_, pair) = HostPairing::begin([1; 32], [7; 32]);
    let pair = Request::Session(pair);
    for _ in 0..5 {
        assert_eq!(bench.send(&pair), [Reply::Refused(Objection::NotPairing)]);
    }
    assert_eq!(bench.send(&pair), [Reply::Refused(Objection::Wait(1))]);
    // With the button everybody is heard.
    bench.press();
    for _ in 0..20 {
        assert!(matches!(&bench.send(&pair)[..], [Reply::Session(SessionReply::Pairing { .. })]));
    }
}

#[test]
fn administrator_at_the_button_is_heard_among_all_others() {
    let (mut bench, mut host) = administered();
    // Somebody asks all the time, for an hour.
    while bench.now_ms < 3_600_000 {
        ask_without_the_key(&mut bench);
        bench.step(500);
    }
    assert!(matches!(ask_without_the_key(&mut bench)[..], [Reply::Refused(Objection::Wait(1..=60))]));
    bench.press();
    assert_eq!(ask_without_the_key(&mut bench), REFUSED);
    open(&mut bench, &mut host);
    assert_eq!(asks_sealed(&mut bench, &mut host, &PeopleRequest::Unlock), [sealed(PeopleReply::Done)]);
    // And whoever gives up leaves a minute behind at most.
    let (mut bench, mut host) = administered();
    while bench.now_ms < 3_600_000 {
        ask_without_the_key(&mut bench);
        bench.step(500);
    }
    bench.step(60_000);
    open(&mut bench, &mut host);
}

#[test]
fn proof_of_the_key_clears_the_count_and_a_repeated_request_does_not() {
    let (mut bench, mut host) = administered();
    for _ in 0..4 {
        ask_without_the_key(&mut bench);
    }
    let recorded = asks(&mut host);
    bench.hear(&recorded);
    assert_eq!(takes(&mut bench, &mut host), [HostEvent::Opened]);
    assert_eq!(asks_sealed(&mut bench, &mut host, &PeopleRequest::Unlock), [sealed(PeopleReply::Done)]);
    for _ in 0..5 {
        bench.hear(&recorded);
        assert!(matches!(&bench.replies()[..], [Reply::Session(SessionReply::Opened(_))]));
    }
    bench.hear(&recorded);
    assert_eq!(bench.replies(), [Reply::Refused(Objection::Wait(1))]);
}

#[test]
fn session_goes_on_while_others_have_to_wait() {
    let (mut bench, mut host) = administered();
    open(&mut bench, &mut host);
    for _ in 0..9 {
        ask_without_the_key(&mut bench);
    }
    assert_eq!(asks_sealed(&mut bench, &mut host, &PeopleRequest::Unlock), [sealed(PeopleReply::Done)]);
    assert_eq!(ask_without_the_key(&mut bench), REFUSED);
}

#[test]
fn administrator_who_removes_themselves_hears_it_and_is_gone() {
    let (mut bench, mut host) = administered();
    open(&mut bench, &mut host);
    bench.device.serve_people(&PeopleRequest::Enrol("Linus"), LINK, bench.now_ms).unwrap();
    let own = *KeyPair::new(ADMINISTRATOR).public();
    let removed = asks_sealed(&mut bench, &mut host, &PeopleRequest::RemoveAdministrator(own));
    assert_eq!(removed, [sealed(PeopleReply::Done)]);
    assert!(!bench.device.responder.is_open() && !bench.device.door.is_enrolling());
    let message = asks(&mut host);
    bench.hear(&message);
    assert_eq!(takes(&mut bench, &mut host), [HostEvent::Refused(Objection::Unauthorised)]);
}

#[test]
fn log_outlives_a_restart() {
    let mut first = bench();
    first.see(&fit(&[3, 4], None));
    first.see(&fit(&[3, 4], None));
    let kept = first.device.platform.retained.clone();
    let mut again = bench();
    again.device.platform.retained = kept;
    assert!(
        matches!(again.people(&PeopleRequest::Log(0)), Ok(PeopleReply::Log(entries)) if entries.len() == 1)
    );
    again.see(&fit(&[3, 4], Some(2)));
    again.see(&fit(&[3, 4], Some(2)));
    let Ok(PeopleReply::Log(entries)) = again.people(&PeopleRequest::Log(0)) else { panic!() };
    let numbers: Vec<_> = entries.iter().map(|entry| (entry.number, entry.verdict)).collect();
    assert_eq!(numbers, [(0, Verdict::NotAccepted), (1, Verdict::Accepted(2))]);
}
