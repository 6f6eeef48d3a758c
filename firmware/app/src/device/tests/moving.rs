//! People from board to board, and administrators who go.

use link::message::{Arrival, ArrivalResult, Label};
use link::session::{Parcel, TAG_BYTES, parcel_prologue};

use super::*;

const NETWORK: ModelId = ModelId([2; 16]);
/// A device of its own, and another one.
const HERE: [u8; 32] = [4; 32];
const THERE: [u8; 32] = [5; 32];

fn key(secret: [u8; 32]) -> [u8; 32] {
    *KeyPair::new(secret).public()
}

/// A parcel as a computer carries it.
struct Carried {
    label: Label,
    texts: Vec<Vec<u8>>,
}

fn add(bench: &mut Bench, name: &str, centres: &[[i8; 2]]) -> u32 {
    let centres: Vec<_> =
        centres.iter().map(|vector| store::SubCentre { photos: 3, vector: &vector[..] }).collect();
    bench.device.store.as_mut().unwrap().add(&Draft { name, flags: 1, centres: &centres }).unwrap()
}

fn export(bench: &mut Bench, to: [u8; 32]) -> Result<Carried, PeopleRefusal> {
    let PeopleReply::Exporting(label, people) = bench.people(&PeopleRequest::Export(to))? else { panic!() };
    let mut texts = Vec::new();
    for number in 0..=people {
        let mut text = Vec::new();
        loop {
            let request = PeopleRequest::Piece(number, text.len() as u16);
            let PeopleReply::Piece(left, bytes) = bench.people(&request)? else { panic!() };
            text.extend(bytes);
            if left == 0 {
                break;
            }
        }
        texts.push(text);
    }
    Ok(Carried { label, texts })
}

/// Restores all of it; what became of each person.
fn restore(bench: &mut Bench, carried: &Carried) -> Result<Vec<(Text, ArrivalResult)>, PeopleRefusal> {
    assert_eq!(bench.people(&PeopleRequest::Restore(carried.label))?, PeopleReply::Done);
    let mut results = Vec::new();
    for text in &carried.texts {
        match bench.people(&PeopleRequest::Put(text))? {
            PeopleReply::Arrived(Arrival { name, result }) => results.push((name.to_string(), result)),
            PeopleReply::Done => assert_eq!(results.len() + 1, carried.texts.len(), "the end comes last"),
            reply => panic!("{reply:?}"),
        }
    }
    Ok(results)
}

fn results(expected: &[(&str, ArrivalResult)]) -> Vec<(Text, ArrivalResult)> {
    expected.iter().map(|&(name, result)| (name.to_string(), result)).collect()
}

/// A parcel of these texts, made by somebody who has the key of a board.
fn made(secret: [u8; 32], texts: &[Vec<u8>]) -> Carried {
    let prologue = parcel_prologue(&NETWORK.0, 2);
    let (parcel, handshake) = Parcel::pack(&KeyPair::new(secret), &key(HERE), &prologue, [8; 32]).unwrap();
    let texts = (0..).zip(texts).map(|(number, text)| {
        let mut sealed = [&text[..], &[0; TAG_BYTES]].concat();
        parcel.seal(number, &mut sealed);
        sealed
    });
    let texts = texts.collect();
    Carried { label: Label { from: key(secret), network: NETWORK.0, dimension: 2, handshake }, texts }
}

/// The text of somebody with these centres.
fn text(name: &str, centres: &[[i8; 2]]) -> Vec<u8> {
    let mut text = std::vec![0; 88];
    (text[6], text[7]) = (centres.len() as u8, name.len() as u8);
    for place in 0..centres.len() {
        text[8 + 2 * place] = 1;
    }
    text[24..24 + name.len()].copy_from_slice(name.as_bytes());
    text.extend(centres.concat().iter().map(|&element| element as u8));
    text
}

#[test]
fn people_move_to_another_board_and_administrators_do_not() {
    let mut here = bench();
    add(&mut here, "Grace", &[[3, 4], [-7, 1], [127, -127]]);
    here.press();
    let carried = export(&mut here, key(THERE)).unwrap();
    assert_eq!(carried.texts.len(), 3, "two people and the end");
    let mut there = bench_of(THERE, NETWORK);
    there.people(&PeopleRequest::Rename(2, "Ida")).unwrap();
    there.press();
    let arrived = restore(&mut there, &carried).unwrap();
    assert_eq!(arrived, results(&[("Ada", ArrivalResult::Stored(3)), ("Grace", ArrivalResult::Stored(4))]));
    let expected = [(2, "Ida", 0), (3, "Ada", 0), (4, "Grace", 1)]
        .map(|(id, name, flags)| (id, name.to_string(), flags));
    assert_eq!(there.enrolled(), expected);
    assert_eq!(there.device.responder.administrators(), here.device.responder.administrators());
    let (mut before, mut after): (Vec<u8>, Vec<u8>) = Default::default();
    here.device.store.as_mut().unwrap().show(2, &mut |piece| before.extend(piece)).unwrap();
    there.device.store.as_mut().unwrap().show(3, &mut |piece| after.extend(piece)).unwrap();
    assert_eq!(before, after);
}

#[test]
fn backup_of_the_device_itself_needs_no_button_and_takes_nobody_twice() {
    let mut bench = bench();
    let id = add(&mut bench, "Grace", &[[3, 4]]);
    let carried = export(&mut bench, key(HERE)).unwrap();
    let same = results(&[("Ada", ArrivalResult::Same(2)), ("Grace", ArrivalResult::Same(id))]);
    assert_eq!(restore(&mut bench, &carried).unwrap(), same);
    bench.people(&PeopleRequest::Delete(id)).unwrap();
    let again = results(&[("Ada", ArrivalResult::Same(2)), ("Grace", ArrivalResult::Stored(id + 1))]);
    assert_eq!(restore(&mut bench, &carried).unwrap(), again);
}

#[test]
fn parcels_of_other_boards_need_the_button_once_each() {
    let mut bench = bench();
    assert_eq!(export(&mut bench, key(THERE)).err(), Some(PeopleRefusal::Button));
    bench.press();
    assert!(export(&mut bench, key(THERE)).is_ok());
    assert_eq!(export(&mut bench, key(THERE)).err(), Some(PeopleRefusal::Button));
    // Nobody can pair with this press.
    let (_, pair) = HostPairing::begin(key([8; 32]), [7; 32]);
    assert_eq!(bench.send(&Request::Session(pair)), [Reply::Refused(Objection::NotPairing)]);
    let carried = made(THERE, &[Vec::new()]);
    assert_eq!(restore(&mut bench, &carried).err(), Some(PeopleRefusal::Button));
    bench.press();
    assert_eq!(restore(&mut bench, &carried).unwrap(), []);
    // A press is forgotten after a minute.
    bench.press();
    bench.step(60_000);
    assert_eq!(restore(&mut bench, &carried).err(), Some(PeopleRefusal::Button));
}

#[test]
fn press_that_confirms_a_pairing_permits_no_parcel() {
    let mut bench = bench();
    let (mut pairing, pair) = HostPairing::begin(key([8; 32]), [7; 32]);
    bench.press();
    let Reply::Session(reply) = bench.send(&Request::Session(pair)).remove(0) else { panic!() };
    bench.send(&Request::Session(pairing.reveal(&reply).unwrap()));
    // Whoever has paired before a request that needs the button is forgotten: the next press is the request's.
    assert_eq!(export(&mut bench, key(THERE)).err(), Some(PeopleRefusal::Button));
    bench.press();
    assert_eq!(bench.device.responder.administrators().len(), 1);
    assert!(export(&mut bench, key(THERE)).is_ok());
}

#[test]
fn other_networks_and_boards_are_refused() {
    let mut bench = bench();
    let carried = export(&mut bench, key(HERE)).unwrap();
    let mut other = bench_of(HERE, ModelId([3; 16]));
    assert_eq!(restore(&mut other, &carried).err(), Some(PeopleRefusal::OtherNetwork));
    // Whoever changes the label does not help.
    let label = Label { network: [3; 16], ..carried.label };
    let changed = Carried { label, texts: carried.texts.clone() };
    assert_eq!(restore(&mut other, &changed).err(), Some(PeopleRefusal::Parcel));
    let longer = Carried { label: Label { dimension: 3, ..carried.label }, texts: Vec::new() };
    assert_eq!(restore(&mut bench, &longer).err(), Some(PeopleRefusal::OtherNetwork));
    let mut there = bench_of(THERE, NETWORK);
    there.press();
    assert_eq!(restore(&mut there, &carried).err(), Some(PeopleRefusal::Parcel));
}

#[test]
fn texts_that_are_moved_missing_or_changed_end_the_parcel() {
    let mut bench = bench();
    let carried = made(HERE, &[text("A", &[[1, 0]]), text("B", &[[0, 1]]), Vec::new()]);
    for order in [&[1][..], &[0, 2], &[0, 0], &[2]] {
        bench.people(&PeopleRequest::Restore(carried.label)).unwrap();
        let (last, before) = order.split_last().unwrap();
        for &number in before {
            bench.people(&PeopleRequest::Put(&carried.texts[number])).unwrap();
        }
        let put = PeopleRequest::Put(&carried.texts[*last]);
        assert_eq!(bench.people(&put), Err(PeopleRefusal::Parcel), "{order:?}");
        assert_eq!(bench.people(&put), Err(PeopleRefusal::NoParcel), "{order:?}");
    }
    for length in [0, 15, 16, 2000] {
        bench.people(&PeopleRequest::Restore(carried.label)).unwrap();
        assert_eq!(bench.people(&PeopleRequest::Put(&std::vec![7; length])), Err(PeopleRefusal::Parcel));
    }
    assert_eq!(bench.enrolled().len(), 2, "Ada and A, whole");
    let arrived = restore(&mut bench, &carried).unwrap();
    assert_eq!(arrived, results(&[("A", ArrivalResult::Same(3)), ("B", ArrivalResult::Stored(4))]));
    assert_eq!(bench.people(&PeopleRequest::Put(&[])), Err(PeopleRefusal::NoParcel), "the end was there");
}

#[test]
fn texts_that_are_no_people_are_refused() {
    let short = |text: Vec<u8>| text[..text.len() - 1].to_vec();
    let mut numbered = text("A", &[[1, 0]]);
    numbered[0] = 1;
    for wrong in [
        text("A", &[]),
        text(&name_of_key(&[7; 32]), &[]),
        text("", &[[1, 0]]),
        text("A", &[[0, 0]]),
        text("A", &[[-128, 0]]),
        text("A", &[[1, 0]; 4]),
        short(text("A", &[[1, 0]])),
        numbered,
        std::vec![0],
    ] {
        let mut bench = bench();
        let carried = made(HERE, &[wrong]);
        assert_eq!(restore(&mut bench, &carried).err(), Some(PeopleRefusal::Parcel));
        assert_eq!((bench.enrolled().len(), bench.device.responder.administrators().len()), (1, 1));
    }
}

#[test]
fn names_that_are_taken_and_people_without_room_are_left_out() {
    let mut bench = bench();
    let key_name = name_of_key(&[9; 32]);
    let carried = made(HERE, &[text("Ada", &[[1, 0]]), text(&key_name, &[[1, 0]]), Vec::new()]);
    let left_out = results(&[("Ada", ArrivalResult::NameTaken), (&key_name, ArrivalResult::NameTaken)]);
    assert_eq!(restore(&mut bench, &carried).unwrap(), left_out);
    let mut number = 0;
    while bench.device.store.as_ref().unwrap().places(1) > 0 {
        number += 1;
        add(&mut bench, &std::format!("number {number}"), &[[1, 1]]);
    }
    let carried = made(HERE, &[text("Bea", &[[1, 0]]), text("Ada", &[[0, 9]]), Vec::new()]);
    let arrived = restore(&mut bench, &carried).unwrap();
    assert_eq!(arrived[0], ("Bea".to_string(), ArrivalResult::Full));
    assert_eq!(arrived.len(), 2, "the others are looked at all the same");
}

#[test]
fn cut_in_the_middle_leaves_whole_people_and_the_rest_follows() {
    let carried = made(HERE, &[text("A", &[[1, 0], [5, 5]]), text("B", &[[0, 1]]), Vec::new()]);
    for steps in (0..200).step_by(7) {
        let mut bench = bench();
        bench.people(&PeopleRequest::Restore(carried.label)).unwrap();
        bench.people(&PeopleRequest::Put(&carried.texts[0])).unwrap();
        bench.flash.0.borrow_mut().cut_after(steps);
        let put = bench.people(&PeopleRequest::Put(&carried.texts[1]));
        assert!(matches!(put, Err(PeopleRefusal::Store) | Ok(PeopleReply::Arrived(_))), "{put:?}");
        bench.start_again();
        let before = bench.enrolled().len();
        assert!(before == 2 || before == 3 && steps > 0, "{steps}: {before}");
        let arrived = restore(&mut bench, &carried).unwrap();
        assert_eq!(arrived[0].1, ArrivalResult::Same(3));
        let names: Vec<_> = bench.enrolled().into_iter().map(|(_, name, _)| name).collect();
        assert_eq!(names, ["Ada", "A", "B"]);
    }
}

#[test]
fn export_ends_with_a_change_of_people_and_any_parcel_with_the_session() {
    let mut bench = bench();
    let piece = PeopleRequest::Piece(0, 0);
    assert_eq!(bench.people(&piece), Err(PeopleRefusal::NoParcel));
    bench.people(&PeopleRequest::Export(key(HERE))).unwrap();
    assert!(bench.people(&piece).is_ok());
    assert_eq!(bench.people(&PeopleRequest::Piece(2, 0)), Err(PeopleRefusal::Unknown));
    bench.people(&PeopleRequest::Rename(2, "Ida")).unwrap();
    assert_eq!(bench.people(&piece), Err(PeopleRefusal::NoParcel));
    bench.people(&PeopleRequest::Export(key(HERE))).unwrap();
    bench.send(&Request::Hello);
    assert_eq!(bench.people(&piece), Err(PeopleRefusal::NoParcel));
    let carried = made(HERE, &[text("A", &[[1, 0]])]);
    bench.people(&PeopleRequest::Restore(carried.label)).unwrap();
    bench.send(&Request::Hello);
    assert_eq!(bench.people(&PeopleRequest::Put(&carried.texts[0])), Err(PeopleRefusal::NoParcel));
    // Nobody moves while somebody is enrolled.
    bench.people(&PeopleRequest::Restore(carried.label)).unwrap();
    bench.people(&PeopleRequest::Enrol("Linus")).unwrap();
    for request in [
        PeopleRequest::Put(&carried.texts[0]),
        PeopleRequest::Restore(carried.label),
        PeopleRequest::Export(key(HERE)),
    ] {
        assert_eq!(bench.people(&request), Err(PeopleRefusal::Busy));
    }
}

#[test]
fn administrators_are_listed_and_removed_but_for_the_last() {
    let mut bench = bench();
    let (first, second) = ([9; 32], [7; 32]);
    bench.device.admit(second, 0);
    let listed = |bench: &mut Bench| match bench.people(&PeopleRequest::Administrators) {
        Ok(PeopleReply::Administrators(keys)) => keys.to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!(listed(&mut bench), [first, second]);
    let remove = |bench: &mut Bench, key| bench.people(&PeopleRequest::RemoveAdministrator(key));
    assert_eq!(remove(&mut bench, [6; 32]), Err(PeopleRefusal::Unknown));
    assert_eq!(remove(&mut bench, first), Ok(PeopleReply::Done));
    assert_eq!(listed(&mut bench), [second]);
    assert_eq!(remove(&mut bench, second), Err(PeopleRefusal::LastAdministrator));
    let store = bench.device.store.as_ref().unwrap();
    assert_eq!(store.people().iter().map(|entry| entry.id).collect::<Vec<_>>(), [2, 3], "and for good");
}

#[test]
fn removal_that_is_not_stored_does_not_happen() {
    let mut removals = [0; 2];
    for steps in 0..200 {
        let mut bench = bench();
        bench.device.admit([7; 32], 0);
        bench.flash.0.borrow_mut().cut_after(steps);
        let removed = bench.people(&PeopleRequest::RemoveAdministrator([7; 32]));
        let left = bench.device.responder.administrators().len();
        match removed {
            Ok(PeopleReply::Done) => assert_eq!(left, 1, "{steps}"),
            Err(PeopleRefusal::Store) => assert!((1..=2).contains(&left), "{steps}"),
            other => panic!("{other:?}"),
        }
        bench.start_again();
        let stored = bench.device.responder.administrators().len();
        assert!(removed.is_err() || stored == 1, "{steps}: what was acknowledged is kept");
        assert!(stored <= left, "{steps}: nobody comes back who was refused before");
        removals[usize::from(removed.is_ok())] += 1;
    }
    assert!(removals.iter().all(|&count| count > 10), "{removals:?}");
}
