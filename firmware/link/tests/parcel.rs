//! Parcels against Noise of another author in both directions, and everything that must not open.

use link::message::Handshake;
use link::session::{HandshakeError, KeyPair, Parcel, PublicKey, TAG_BYTES, parcel_prologue};
use snow::{Builder, HandshakeState, StatelessTransportState};

const FROM: [u8; 32] = [1; 32];
const TO: [u8; 32] = [2; 32];
const ONCE: [u8; 32] = [3; 32];
const NETWORK: [u8; 16] = *b"a network's name";
const TEXTS: [&[u8]; 4] = [b"Ada", &[7; 1624], b"", b"Grace"];

fn public(secret: [u8; 32]) -> PublicKey {
    *KeyPair::new(secret).public()
}

fn prologue() -> Vec<u8> {
    parcel_prologue(&NETWORK, 512).to_vec()
}

fn snow(secret: [u8; 32], other: PublicKey, is_sender: bool) -> HandshakeState {
    let prologue = prologue();
    let builder = Builder::new("Noise_K_25519_ChaChaPoly_SHA256".parse().unwrap())
        .local_private_key(&secret)
        .unwrap()
        .remote_public_key(&other)
        .unwrap()
        .prologue(&prologue)
        .unwrap()
        .fixed_ephemeral_key_for_testing_only(&ONCE);
    if is_sender { builder.build_initiator().unwrap() } else { builder.build_responder().unwrap() }
}

/// The other author's sender, and the message that opens its parcel.
fn snow_packs(from: [u8; 32], to: PublicKey) -> (StatelessTransportState, Handshake) {
    let mut sender = snow(from, to, true);
    let mut message = [0xa5; 48];
    assert_eq!(sender.write_message(&[], &mut message).unwrap(), message.len());
    let (ephemeral, tag) = message.split_first_chunk().unwrap();
    let handshake = Handshake { ephemeral: *ephemeral, tag: tag.try_into().unwrap() };
    (sender.into_stateless_transport_mode().unwrap(), handshake)
}

fn pack() -> (Parcel, Handshake) {
    Parcel::pack(&KeyPair::new(FROM), &public(TO), &prologue(), ONCE).unwrap()
}

fn unpack(handshake: &Handshake) -> Result<Parcel, HandshakeError> {
    Parcel::unpack(&KeyPair::new(TO), &public(FROM), &prologue(), handshake)
}

fn seal(parcel: &Parcel, number: u16, text: &[u8]) -> Vec<u8> {
    let mut sealed = [text, &[0xa5; TAG_BYTES]].concat();
    parcel.seal(number, &mut sealed);
    sealed
}

fn open(parcel: &Parcel, number: u16, sealed: &[u8]) -> Option<Vec<u8>> {
    parcel.open(number, &mut sealed.to_vec()).map(<[u8]>::to_vec)
}

#[test]
fn prologue_is_pinned_byte_for_byte() {
    assert_eq!(prologue(), b"Geode parcel\x01a network's name\x00\x02");
}

#[test]
fn another_author_s_receiver_opens_what_is_packed_and_the_other_way_round() {
    let (parcel, handshake) = pack();
    let (theirs, their_handshake) = snow_packs(FROM, public(TO));
    assert_eq!(handshake, their_handshake, "byte for byte");
    let mut receiver = snow(TO, public(FROM), false);
    let message = [&handshake.ephemeral[..], &handshake.tag].concat();
    assert_eq!(receiver.read_message(&message, &mut [0; 48]).unwrap(), 0);
    let receiver = receiver.into_stateless_transport_mode().unwrap();
    let ours = unpack(&their_handshake).unwrap();
    for (number, text) in (0..).zip(TEXTS) {
        let mut buffer = vec![0xa5; text.len() + TAG_BYTES];
        let length = receiver.read_message(number.into(), &seal(&parcel, number, text), &mut buffer).unwrap();
        assert_eq!(buffer[..length], *text);
        let length = theirs.write_message(number.into(), text, &mut buffer).unwrap();
        assert_eq!(open(&ours, number, &buffer[..length]).unwrap(), text);
    }
}

#[test]
fn board_packs_for_itself() {
    let keys = KeyPair::new(FROM);
    let (parcel, handshake) = Parcel::pack(&keys, keys.public(), &prologue(), ONCE).unwrap();
    let again = Parcel::unpack(&keys, keys.public(), &prologue(), &handshake).unwrap();
    assert_eq!(open(&again, 1, &seal(&parcel, 1, b"Ada")).unwrap(), b"Ada");
}

#[test]
fn parcels_of_other_boards_and_networks_are_forged() {
    let (_, handshake) = pack();
    assert!(unpack(&handshake).is_ok());
    let forged = Some(HandshakeError::Forged);
    let (from, to) = (public(FROM), KeyPair::new(TO));
    assert_eq!(Parcel::unpack(&to, &public([9; 32]), &prologue(), &handshake).err(), forged);
    assert_eq!(Parcel::unpack(&KeyPair::new([9; 32]), &from, &prologue(), &handshake).err(), forged);
    for prologue in [parcel_prologue(&[0; 16], 512), parcel_prologue(&NETWORK, 128)] {
        assert_eq!(Parcel::unpack(&to, &from, &prologue, &handshake).err(), forged);
    }
    // Made by somebody who knows both public keys, and neither secret.
    let (_, of_somebody) = snow_packs([9; 32], public(TO));
    assert_eq!(unpack(&of_somebody).err(), forged);
    for bit in 0..8 * 48 {
        let mut changed = handshake;
        let byte = bit / 8;
        let place = if byte < 32 { &mut changed.ephemeral[byte] } else { &mut changed.tag[byte - 32] };
        *place ^= 1 << (bit % 8);
        // The highest bit of a key has no meaning of its own, but is part of what was said.
        assert_eq!(unpack(&changed).err(), forged, "bit {bit}");
    }
}

#[test]
fn keys_that_are_none_are_refused() {
    let keys = KeyPair::new(FROM);
    let packed = Parcel::pack(&keys, &[0; 32], &prologue(), ONCE).map(|_| ());
    assert_eq!(packed, Err(HandshakeError::WeakKey));
    let (_, handshake) = pack();
    let weak = Handshake { ephemeral: [0; 32], ..handshake };
    assert_eq!(unpack(&weak).err(), Some(HandshakeError::WeakKey));
    let unpacked = Parcel::unpack(&keys, &[0; 32], &prologue(), &handshake).err();
    assert_eq!(unpacked, Some(HandshakeError::WeakKey));
}

#[test]
fn texts_that_were_moved_cut_or_changed_do_not_open() {
    let (parcel, handshake) = pack();
    let receiver = unpack(&handshake).unwrap();
    let sealed = seal(&parcel, 3, b"Ada");
    for number in [0, 2, 4, u16::MAX] {
        assert_eq!(open(&receiver, number, &sealed), None);
    }
    for length in 0..sealed.len() {
        assert_eq!(open(&receiver, 3, &sealed[..length]), None);
    }
    for bit in 0..8 * sealed.len() {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&receiver, 3, &changed), None);
    }
    // Sealed under the key of another parcel of the same boards.
    let (other, _) = Parcel::pack(&KeyPair::new(FROM), &public(TO), &prologue(), [4; 32]).unwrap();
    assert_eq!(open(&receiver, 3, &seal(&other, 3, b"Ada")), None);
    assert_eq!(open(&receiver, 3, &sealed).unwrap(), b"Ada");
    assert_eq!(seal(&parcel, 3, b"Ada"), sealed, "the same text, sealed again, is the same");
}
