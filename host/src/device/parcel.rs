//! People on their way from one board to another, or kept for the same one, as a file: sealed by a board for a board. This
//! computer carries it, and can read nothing of it but its label.
//!
//! ```text
//!   0  mark        "GeodePPL"
//!   8  version     u16, 1
//!  10  dimension   u16, elements of a centre
//!  12  people      u16
//!  14  name bytes  u16
//!  16  network     16 bytes: with which the people were enrolled
//!  32  from        32 bytes, public key of the board that sealed it
//!  64  to          32 bytes, of the board that opens it
//!  96  handshake   48 bytes
//! 144  name        of the board that sealed it, UTF-8
//! ...  texts       one for each person and one for the end: length u16, sealed bytes
//! ```
//!
//! All numbers are little-endian. The file ends behind the last text.

use anyhow::{Context, Result, anyhow, bail, ensure};
use link::message::{Arrival, Handshake, Label, PeopleRefusal, PeopleReply, PeopleRequest};
use link::session::PublicKey;

use super::camera::Mailbox;
use super::keys::Keys;
use super::session::{Refused, Session, surprised};
use crate::name::visible;
use crate::secret::short;

const MARK: [u8; 8] = *b"GeodePPL";
const VERSION: u16 = 1;
/// Most bytes of a text: a request carries no more.
const MOST_TEXT_BYTES: usize = 3000;

/// A parcel as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Key of the board that opens it.
    pub to: PublicKey,
    /// What the administrator called the board that sealed it.
    pub name: String,
    /// What the receiver must know.
    pub label: Label,
    /// The sealed texts: everybody's, and the end.
    pub texts: Vec<Vec<u8>>,
}

/// The next bytes of a file.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8]> {
        let (taken, rest) =
            self.0.split_at_checked(count).context("it is cut: the backup must be made again")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into()?)
    }

    fn number(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }
}

impl Carried {
    /// Number of people.
    pub fn people(&self) -> usize {
        self.texts.len().saturating_sub(1)
    }

    /// The file.
    pub fn emit(&self) -> Vec<u8> {
        let Label { from, network, dimension, handshake } = &self.label;
        let name = self.name.as_bytes();
        let numbers = [VERSION, *dimension, self.people() as u16, name.len() as u16].map(u16::to_le_bytes);
        let head: [&[u8]; 8] = [
            &MARK,
            numbers.as_flattened(),
            network,
            from,
            &self.to,
            &handshake.ephemeral,
            &handshake.tag,
            name,
        ];
        let mut bytes = head.concat();
        for text in &self.texts {
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text);
        }
        bytes
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is something else, of a later version, or cut.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut bytes = Bytes(bytes);
        ensure!(
            bytes.take(MARK.len()).is_ok_and(|mark| mark == MARK),
            "it is no file of `host device backup`"
        );
        let version = bytes.number()?;
        ensure!(
            version == VERSION,
            "it is of version {version}, this program reads {VERSION}; use a later one"
        );
        let (dimension, people, name_bytes) = (bytes.number()?, bytes.number()?, bytes.number()?);
        let (network, from, to) = (bytes.array()?, bytes.array()?, bytes.array()?);
        let handshake = Handshake { ephemeral: bytes.array()?, tag: bytes.array()? };
        let name = String::from_utf8_lossy(bytes.take(name_bytes.into())?).into_owned();
        let mut texts = Vec::new();
        for _ in 0..=people {
            let length = bytes.number()?;
            texts.push(bytes.take(length.into())?.to_vec());
        }
        ensure!(bytes.0.is_empty(), "it has {} bytes too many; the backup must be made again", bytes.0.len());
        Ok(Carried { to, name, label: Label { from, network, dimension, handshake }, texts })
    }

    /// Refuses a parcel that no board of the administrator's has sealed: whoever made it may have put anybody in it.
    ///
    /// # Errors
    /// When the key file does not have that board.
    pub fn ensure_sender_is_known(&self, keys: &Keys) -> Result<()> {
        let from = &self.label.from;
        ensure!(
            keys.name_of(from).is_some(),
            "it is from a board with key {}, which the key file does not have: whoever made the file may have put anybody in it. \
             If it is yours, pair with that board first",
            short(from)
        );
        Ok(())
    }

    /// Refuses a parcel for another board than the one of the session.
    fn ensure_receiver_is(&self, session: &Session, keys: &Keys) -> Result<()> {
        let (own, from) = (session.board(), &self.label.from);
        let called = |key: &PublicKey| {
            let name = keys.name_of(key);
            name.map_or(String::new(), |name| format!(" ({} in the key file)", visible(name)))
        };
        if self.to != *own {
            bail!(
                "it is sealed for the board with key {}{}, and this one is {} with key {}: it can be restored on that board only. To \
                 move the same people here, make another file on the board that this one is from, {}{}, with `host device backup \
                 --for {}`",
                short(&self.to),
                called(&self.to),
                visible(session.name()),
                short(own),
                short(from),
                called(from),
                visible(session.name())
            );
        }
        Ok(())
    }
}

/// Presses the button of an emulated device where another board is at the other end, which a device wants to be allowed.
fn allow(mailbox: Option<&mut Mailbox>, session: &Session, other: &PublicKey) -> Result<()> {
    match mailbox {
        Some(mailbox) if other != session.board() => mailbox.press(),
        _ => Ok(()),
    }
}

/// The people of a device, sealed for the board with this key. `told` hears how many of how many are done. The button of an
/// emulated device is pressed if it has to be.
///
/// # Errors
/// What the device refuses; when it does not answer.
pub fn back_up(
    session: &mut Session,
    mailbox: Option<&mut Mailbox>,
    to: &PublicKey,
    mut told: impl FnMut(usize, usize),
) -> Result<Carried> {
    allow(mailbox, session, to)?;
    let (label, people) = match session.people(&PeopleRequest::Export(*to)).map_err(advised)? {
        PeopleReply::Exporting(label, people) => (label, people),
        reply => return Err(surprised(&reply)),
    };
    ensure!(label.from == *session.board(), "the device seals with another key than it is known by");
    let mut texts = Vec::new();
    for number in 0..=people {
        told(number.into(), people.into());
        let mut text = Vec::new();
        loop {
            match session.people(&PeopleRequest::Piece(number, text.len() as u16)).map_err(advised)? {
                PeopleReply::Piece(left, bytes) => {
                    ensure!(left == 0 || !bytes.is_empty(), "the device sends nothing of a person");
                    text.extend(bytes);
                    ensure!(
                        text.len() <= MOST_TEXT_BYTES,
                        "the device sends more of a person than there can be"
                    );
                    if left == 0 {
                        break;
                    }
                }
                reply => return Err(surprised(&reply)),
            }
        }
        texts.push(text);
    }
    Ok(Carried { to: *to, name: session.name().to_string(), label, texts })
}

/// Gives a device the people of a parcel. `told` hears what became of each. The button of an emulated device is pressed if it
/// has to be.
///
/// # Errors
/// When the parcel is for another board, or of one that the key file does not have. What the device refuses; when it does not
/// answer. Whoever was told of before is restored all the same.
pub fn restore(
    session: &mut Session,
    mailbox: Option<&mut Mailbox>,
    keys: &Keys,
    carried: &Carried,
    mut told: impl FnMut(&Arrival),
) -> Result<()> {
    carried.ensure_sender_is_known(keys)?;
    carried.ensure_receiver_is(session, keys)?;
    allow(mailbox, session, &carried.label.from)?;
    match session.people(&PeopleRequest::Restore(carried.label)).map_err(advised)? {
        PeopleReply::Done => {}
        reply => return Err(surprised(&reply)),
    }
    for (number, text) in carried.texts.iter().enumerate() {
        match session.people(&PeopleRequest::Put(text)).map_err(advised)? {
            PeopleReply::Arrived(arrival) if number < carried.people() => told(&arrival),
            PeopleReply::Done if number == carried.people() => {}
            reply => return Err(surprised(&reply)),
        }
    }
    Ok(())
}

/// An error with what to do about it.
fn advised(error: anyhow::Error) -> anyhow::Error {
    let advice = match error.downcast_ref() {
        Some(Refused(PeopleRefusal::Button)) => {
            "press its button shortly, and start this again within a minute"
        }
        Some(Refused(PeopleRefusal::OtherNetwork)) => {
            "give it an image with the network of the board that the people are from, or enrol them again"
        }
        Some(Refused(PeopleRefusal::Parcel)) => "make the backup again",
        Some(Refused(PeopleRefusal::NoParcel)) => "start this again",
        _ => return error,
    };
    anyhow!("{error}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried() -> Carried {
        let handshake = Handshake { ephemeral: [4; 32], tag: [5; 16] };
        let label = Label { from: [2; 32], network: [1; 16], dimension: 0x0201, handshake };
        Carried { to: [3; 32], name: "dör".to_string(), label, texts: vec![vec![7; 3], vec![8; 2]] }
    }

    fn pinned() -> Vec<u8> {
        let mut bytes = b"GeodePPL\x01\x00\x01\x02\x01\x00\x04\x00".to_vec();
        for (byte, count) in [(1, 16), (2, 32), (3, 32), (4, 32), (5, 16)] {
            bytes.extend(vec![byte; count]);
        }
        bytes.extend("dör".as_bytes());
        bytes.extend([3, 0, 7, 7, 7, 2, 0, 8, 8]);
        bytes
    }

    #[test]
    fn file_is_pinned_byte_for_byte() {
        assert_eq!(carried().emit(), pinned());
        assert_eq!(Carried::parse(&pinned()).unwrap(), carried());
        assert_eq!(carried().people(), 1);
    }

    #[test]
    fn files_that_are_cut_longer_later_or_something_else_are_refused() {
        let said = |bytes: &[u8]| Carried::parse(bytes).unwrap_err().to_string();
        for length in 8..pinned().len() {
            assert!(said(&pinned()[..length]).contains("it is cut"), "{length}");
        }
        for other in [&b"GeodePP"[..], b"", b"Dear Ada, how are you"] {
            assert!(said(other).contains("no file of `host device backup`"));
        }
        assert!(said(&[&pinned()[..], &[0]].concat()).contains("1 bytes too many"));
        let mut later = pinned();
        later[8] = 2;
        assert!(said(&later).contains("of version 2"));
    }
}
