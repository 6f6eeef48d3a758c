//! The keys, and the sealing of pieces.

use format::ModelId;
use hmac::{Hmac, KeyInit, Mac};
pub use seal::Broken;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::VERSION;
use crate::bytes::Fill;
use crate::record::TAG_BYTES;

/// The keys derived from the board's key, one for each use.
pub struct Keys {
    pieces: Zeroizing<[u8; 32]>,
    halves: Zeroizing<[u8; 32]>,
    counters: Zeroizing<[u8; 32]>,
    /// The key's name: tells nothing about it.
    pub name: [u8; 4],
}

/// A tag under construction.
pub struct Tag(Hmac<Sha256>);

impl Tag {
    fn new(key: &[u8; 32]) -> Self {
        // HMAC takes a block; it pads a shorter key with zeros.
        let mut block = Zeroizing::new([0; 64]);
        Fill(&mut *block).put(key);
        Tag(KeyInit::new((&*block).into()))
    }

    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn whole(self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.finalize().into_bytes().into())
    }

    /// The first bytes of the HMAC.
    pub fn finish(self) -> [u8; TAG_BYTES] {
        self.whole().first_chunk().copied().unwrap_or_default()
    }

    /// Whether the tag is this one, in constant time.
    pub fn is(self, tag: &[u8; TAG_BYTES]) -> bool {
        self.0.verify_truncated_left(tag).is_ok()
    }
}

/// The place of a piece, which its nonce and its associated data name.
#[derive(Clone, Copy)]
pub struct Place {
    /// Epoch of the half.
    pub epoch: u64,
    /// Number of the piece in the half.
    pub index: u32,
    /// The person.
    pub id: u32,
    /// 0 for the head, n for the n-th centre.
    pub part: u8,
    /// The network that made the centres.
    pub network: ModelId,
    /// Elements of a centre.
    pub dimension: u16,
}

impl Place {
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        Fill(&mut nonce).put(&self.epoch.to_le_bytes()).put(&self.index.to_le_bytes());
        nonce
    }

    fn associated(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        Fill(&mut bytes)
            .put(&VERSION.to_le_bytes())
            .put(&self.dimension.to_le_bytes())
            .put(&self.network.0)
            .put(&self.id.to_le_bytes())
            .put(&self.epoch.to_le_bytes())
            .put(&[self.part]);
        bytes
    }
}

impl Keys {
    /// Derives the keys from the board's key.
    pub fn of(key: &[u8; 32]) -> Self {
        let derive = |label: &[u8]| {
            let mut tag = Tag::new(key);
            tag.add(label);
            tag.whole()
        };
        Keys {
            pieces: derive(b"geode store pieces"),
            halves: derive(b"geode store halves"),
            counters: derive(b"geode store counters"),
            name: derive(b"geode store name").first_chunk().copied().unwrap_or_default(),
        }
    }

    /// Begins the tag of a half.
    pub fn half_tag(&self) -> Tag {
        Tag::new(&self.halves)
    }

    /// Begins the tag of a counter record.
    pub fn counter_tag(&self) -> Tag {
        Tag::new(&self.counters)
    }

    /// Seals the bytes in place. The last [`TAG_BYTES`] become the tag.
    pub fn seal(&self, place: &Place, bytes: &mut [u8]) -> Result<(), Broken> {
        #[cfg(test)]
        let text = bytes.get(..bytes.len().saturating_sub(TAG_BYTES)).unwrap_or_default();
        #[cfg(test)]
        crate::step::note_sealed(place.nonce(), &place.associated(), text);
        seal::seal(&self.pieces, &place.nonce(), &place.associated(), bytes)
    }

    /// Opens the bytes in place. If they are broken, they stay sealed.
    pub fn open(&self, place: &Place, bytes: &mut [u8]) -> Result<(), Broken> {
        seal::open(&self.pieces, &place.nonce(), &place.associated(), bytes)
    }
}
