//! People on the way to another board, or kept for this one: sealed so that only a board opens them.
//!
//! # Rules
//!
//! * No template leaves the device in clear, and none comes in but from a board: a [`Parcel`] names both ends.
//! * A parcel from this device for itself needs an administrator. Every other one needs a hand at the button, too: a computer
//!   could name a key of its own.
//! * Keys of administrators are no people here: a parcel has none, and takes none.
//! * Whoever arrives is checked as in an enrolment, and stored as a whole under a new number, or not at all. Nobody who is
//!   there is changed.
//! * A parcel ends with the session that began it. An export ends with the next change of people: the same number seals the
//!   same text only.

use embedded_storage::nor_flash::NorFlash;
use heapless::Vec;
use link::message::{Arrival, ArrivalResult, Label, PeopleRefusal, PeopleReply};
use link::session::{Parcel, PublicKey, TAG_BYTES};
use matcher::{MAX_DIMENSION, Verdict as Ruling};
use store::{Draft, Packed, Store, packed_bytes};
use zeroize::Zeroizing;

use super::{Device, Platform};
use crate::door::enrol::MOST_CENTRES;
use crate::door::{Fault, PersonId, State};

/// Longest text of a parcel, sealed.
const MOST_BYTES: usize = packed_bytes(MAX_DIMENSION, MOST_CENTRES) + TAG_BYTES;

/// The parcel that is sent or received.
#[derive(Default)]
pub(super) enum Moving {
    #[default]
    Nothing,
    Out {
        parcel: Parcel,
        /// The store's epoch: it rises with every change of people.
        epoch: u64,
    },
    In {
        parcel: Parcel,
        /// Number of the next text.
        next: u16,
    },
}

/// The places in a store of those who are people.
fn places_of<F: NorFlash>(store: &Store<F>) -> impl Iterator<Item = usize> {
    let entries = store.people().iter().enumerate();
    entries.filter(|(_, entry)| entry.centres > 0).map(|(index, _)| index)
}

impl<P: Platform, F: NorFlash> Device<'_, '_, P, F> {
    /// Sees that a parcel between this device and the owner of a key is permitted.
    fn permit_parcel(&mut self, key: &PublicKey) -> Result<(), PeopleRefusal> {
        self.moving = Moving::Nothing;
        self.refuse_while_enrolling()?;
        if self.responder.public() == key || self.take_press() { Ok(()) } else { Err(PeopleRefusal::Button) }
    }

    /// Begins a parcel for the board with this key.
    pub(super) fn export(&mut self, to: &PublicKey) -> Result<PeopleReply, PeopleRefusal> {
        self.permit_parcel(to)?;
        let random = self.platform.random();
        let store = self.store.as_ref().ok_or(PeopleRefusal::Store)?;
        let packed = self.responder.pack(to, store.network().0, store.dimension(), random);
        let (parcel, label) = packed.map_err(|_| PeopleRefusal::Parcel)?;
        self.moving = Moving::Out { parcel, epoch: store.counters().epoch };
        Ok(PeopleReply::Exporting(label, places_of(store).count() as u16))
    }

    /// Part of a text of the parcel. The text is sealed anew for each part, so that it need not be kept.
    // Not inlined, so that the text is not on the stack at other times.
    #[inline(never)]
    pub(super) fn piece(&mut self, number: u16, offset: u16) -> Result<PeopleReply, PeopleRefusal> {
        let store = self.store.as_mut().ok_or(PeopleRefusal::Store)?;
        let parcel = match &self.moving {
            Moving::Out { parcel, epoch } if *epoch == store.counters().epoch => parcel,
            _ => return Err(PeopleRefusal::NoParcel),
        };
        let mut memory = Zeroizing::new([0; MOST_BYTES]);
        let mut end = 0;
        let index = places_of(store).nth(number.into());
        match index {
            Some(index) => {
                let copy = &mut |piece: &[u8]| {
                    let place = memory.get_mut(end..).unwrap_or_default();
                    place.iter_mut().zip(piece).for_each(|(place, &byte)| *place = byte);
                    end += piece.len();
                };
                store.show(index, copy).map_err(|_| PeopleRefusal::Store)?;
            }
            None if usize::from(number) == places_of(store).count() => {}
            None => return Err(PeopleRefusal::Unknown),
        }
        // Somebody with more centres than a device makes does not fit.
        let text = memory.get_mut(..end + TAG_BYTES).ok_or(PeopleRefusal::Store)?;
        parcel.seal(number, text);
        let mut left = text.get(usize::from(offset)..).unwrap_or_default().iter();
        let mut bytes = Vec::new();
        while !bytes.is_full()
            && let Some(&byte) = left.next()
        {
            // There is room.
            let _ = bytes.push(byte);
        }
        Ok(PeopleReply::Piece(left.len() as u16, bytes))
    }

    /// Begins to take the parcel with this label.
    pub(super) fn restore(&mut self, label: &Label) -> Result<PeopleReply, PeopleRefusal> {
        let store = self.store.as_ref().ok_or(PeopleRefusal::Store)?;
        if (label.network, label.dimension) != (store.network().0, store.dimension()) {
            return Err(PeopleRefusal::OtherNetwork);
        }
        // Looked at first, so that the button need not be pressed for nothing.
        let parcel = self.responder.unpack(label).map_err(|_| PeopleRefusal::Parcel)?;
        if let State::Service(Fault::Image | Fault::Store) = self.door.state() {
            return Err(PeopleRefusal::Service);
        }
        self.permit_parcel(&label.from)?;
        self.moving = Moving::In { parcel, next: 0 };
        Ok(PeopleReply::Done)
    }

    /// Takes the parcel's next text.
    // Not inlined, so that the text is not on the stack at other times.
    #[inline(never)]
    pub(super) fn put(&mut self, sealed: &[u8], now_ms: u64) -> Result<PeopleReply, PeopleRefusal> {
        self.refuse_while_enrolling()?;
        let Moving::In { parcel, next } = core::mem::take(&mut self.moving) else {
            return Err(PeopleRefusal::NoParcel);
        };
        let mut memory = Zeroizing::new([0; MOST_BYTES]);
        let text = memory.get_mut(..sealed.len()).ok_or(PeopleRefusal::Parcel)?;
        text.iter_mut().zip(sealed).for_each(|(to, &from)| *to = from);
        let text = parcel.open(next, text).ok_or(PeopleRefusal::Parcel)?;
        if text.is_empty() {
            // The end. Its number is that of the people: none is missing.
            return Ok(PeopleReply::Done);
        }
        let arrival = self.admit_person(text, now_ms)?;
        let next = next.checked_add(1).ok_or(PeopleRefusal::Parcel)?;
        self.moving = Moving::In { parcel, next };
        Ok(PeopleReply::Arrived(arrival))
    }

    /// Stores somebody from a parcel, if an enrolment could.
    fn admit_person(&mut self, text: &[u8], now_ms: u64) -> Result<Arrival, PeopleRefusal> {
        let dimension = self.store.as_ref().ok_or(PeopleRefusal::Store)?.dimension();
        let person = Packed::parse(text, dimension).ok_or(PeopleRefusal::Parcel)?;
        let name = person.head().name();
        let mut centres: Vec<store::SubCentre<'_>, MOST_CENTRES> = Vec::new();
        for (&photos, vector) in person.head().photos().iter().zip(person.centres()) {
            let centre = store::SubCentre { photos, vector: bytemuck::cast_slice(vector) };
            centres.push(centre).map_err(|_| PeopleRefusal::Parcel)?;
        }
        // An entry without centres would be an administrator's key.
        if centres.is_empty() {
            return Err(PeopleRefusal::Parcel);
        }
        let result = match self.find(name) {
            Ok(Some(id)) if self.is_same(id, text)? => ArrivalResult::Same(id),
            Ok(Some(_)) | Err(PeopleRefusal::NameTaken) => ArrivalResult::NameTaken,
            Err(refusal) => return Err(refusal),
            Ok(None) => match self.known(&centres).map_err(|_| PeopleRefusal::Store)? {
                Some(id) => ArrivalResult::Known(id),
                None => {
                    let store = self.store.as_mut().ok_or(PeopleRefusal::Store)?;
                    let draft = Draft { name, flags: person.head().flags(), centres: &centres };
                    match store.add(&draft) {
                        Ok(id) => ArrivalResult::Stored(id),
                        Err(store::Error::Full | store::Error::Exhausted) => ArrivalResult::Full,
                        Err(store::Error::Centres | store::Error::Name) => return Err(PeopleRefusal::Parcel),
                        Err(_) => {
                            self.fail(Fault::Store, now_ms);
                            return Err(PeopleRefusal::Store);
                        }
                    }
                }
            },
        };
        Ok(Arrival { name: name.try_into().unwrap_or_default(), result })
    }

    /// Whether a person of the store is this one, to the last byte.
    fn is_same(&mut self, id: PersonId, text: &[u8]) -> Result<bool, PeopleRefusal> {
        let store = self.store.as_mut().ok_or(PeopleRefusal::Store)?;
        let index = store.find(id).ok_or(PeopleRefusal::Unknown)?;
        let mut rest = Some(text);
        let compare = &mut |piece: &[u8]| {
            rest = rest.filter(|rest| rest.starts_with(piece)).and_then(|rest| rest.get(piece.len()..));
        };
        store.show(index, compare).map_err(|_| PeopleRefusal::Store)?;
        Ok(rest.is_some_and(<[u8]>::is_empty))
    }

    /// The person who is accepted where one of these centres is seen.
    fn known(&mut self, centres: &[store::SubCentre<'_>]) -> Result<Option<PersonId>, Fault> {
        // Without an image nobody is accepted.
        if self.recogniser.is_none() {
            return Ok(None);
        }
        for centre in centres {
            let mut embedding: Vec<i16, MAX_DIMENSION> = Vec::new();
            for &element in centre.vector {
                // A vector has at most as many.
                let _ = embedding.push(element.into());
            }
            let (outcome, person, _) = self.decide(&embedding)?;
            if outcome.verdict == Ruling::Accepted {
                return Ok(person);
            }
        }
        Ok(None)
    }
}
