//! Whether an image may run: whole, signed with the maker's key, new enough, and usable on this board.

use core::fmt;

use ed25519_dalek::hazmat::raw_verify;
use ed25519_dalek::{Signature, VerifyingKey};
use format::header::Digest;
use format::signature::message;
use format::{Image, ImageError, ModelId};
use link::message::UpdateRefusal;

use crate::{Recogniser, StartError};

/// The people whom the board has enrolled itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredPeople {
    /// The embedder that made their centres.
    pub network: ModelId,
    /// How many they are.
    pub people: u16,
}

/// What a board asks of an image.
#[derive(Clone, Copy, Debug)]
pub struct Demands<'a> {
    /// The maker's public key (Ed25519, RFC 8032). Without one, an image needs no signature and may have any version.
    pub key: Option<&'a [u8; 32]>,
    /// The lowest version.
    pub floor: u32,
    /// The people enrolled on the board, if there is a store.
    pub enrolled: Option<StoredPeople>,
}

/// An image that may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its version, which is signed; 0 if nobody asks for a signature.
    pub version: u32,
    /// Digest (BLAKE3) of its header, which holds the digests of its sections.
    pub digest: Digest,
    /// Its embedder.
    pub network: ModelId,
    /// People of the board who were enrolled with another embedder. They must be enrolled again.
    pub enrol_again: u16,
}

/// Why an image may not run. The checks are made in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// It is damaged, or no image.
    Image(ImageError),
    /// It has no signature.
    Unsigned,
    /// It is signed with another key.
    Key {
        /// First bytes of the key in its signature.
        found: [u8; 4],
        /// First bytes of the maker's key.
        expected: [u8; 4],
    },
    /// Its signature was made for another image or another version.
    Signature,
    /// It is too old.
    Version {
        /// Its version.
        found: u32,
        /// The lowest version that is allowed.
        floor: u32,
    },
    /// The board cannot run it.
    Start(StartError),
    /// It has no golden embedding, so that the board could not test itself with it.
    NoGolden,
}

/// Bytes in hexadecimal.
struct Hex([u8; 4]);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Image(error) => error.fmt(f),
            Self::Unsigned => write!(f, "the image is not signed: sign it with `host sign`"),
            Self::Key { found, expected } => write!(
                f,
                "the image is signed with the key {}…, and the board trusts {}… alone: sign it with the maker's key",
                Hex(found),
                Hex(expected)
            ),
            Self::Signature => {
                write!(
                    f,
                    "the signature is not of this image and version: it was changed after signing, sign it again"
                )
            }
            Self::Version { found, floor } => write!(
                f,
                "the image has version {found}, and the board starts none below {floor}: sign it with a higher version"
            ),
            Self::Start(error) => write!(f, "the board cannot run the image: {error}"),
            Self::NoGolden => write!(
                f,
                "the image has no golden embedding, with which the board tests itself: export it again"
            ),
        }
    }
}

impl core::error::Error for VerifyError {}

impl VerifyError {
    /// The refusal in the link's terms.
    pub fn refusal(&self) -> UpdateRefusal {
        match *self {
            Self::Image(_) | Self::Start(_) | Self::NoGolden => UpdateRefusal::Unusable,
            Self::Unsigned | Self::Key { .. } | Self::Signature => UpdateRefusal::Signature,
            Self::Version { floor, .. } => UpdateRefusal::Version(floor),
        }
    }
}

/// Checks the image that begins `bytes`, with the arena in which its networks would run, and starts it. `bytes` are aligned
/// to 16 in memory; bytes after the image are ignored.
///
/// # Errors
/// [`VerifyError`], the first check that fails.
pub fn verify<'a>(
    bytes: &'a [u8],
    demands: &Demands<'_>,
    arena: &mut [u8],
) -> Result<(Verified, Recogniser<'a>), VerifyError> {
    let image = Image::new_checked(bytes).map_err(VerifyError::Image)?;
    let version = match demands.key {
        Some(key) => signed_version(&image, key)?,
        None => 0,
    };
    if demands.key.is_some() && version < demands.floor {
        return Err(VerifyError::Version { found: version, floor: demands.floor });
    }
    let (digest, network) = (image.digest, image.model_id);
    let recogniser = Recogniser::of_image(image, arena).map_err(VerifyError::Start)?;
    if recogniser.image().golden.is_none() {
        return Err(VerifyError::NoGolden);
    }
    let others = demands.enrolled.filter(|enrolled| enrolled.network != network);
    let enrol_again = others.map_or(0, |enrolled| enrolled.people);
    Ok((Verified { version, digest, network, enrol_again }, recogniser))
}

/// The version of an image that is signed with this key.
///
/// # Errors
/// [`VerifyError::Unsigned`], [`VerifyError::Key`], [`VerifyError::Signature`].
pub fn signed_version(image: &Image<'_>, key: &[u8; 32]) -> Result<u32, VerifyError> {
    let signature = image.signature.ok_or(VerifyError::Unsigned)?;
    if signature.key != key {
        let [[found, ..], [expected, ..]] = [signature.key, key].map(|key| key.as_chunks().0) else {
            return Err(VerifyError::Signature);
        };
        return Err(VerifyError::Key { found: *found, expected: *expected });
    }
    let key = VerifyingKey::from_bytes(key).map_err(|_| VerifyError::Signature)?;
    let message = message(&image.digest, signature.version);
    match verify_strict(&key, &message, &Signature::from_bytes(signature.signature)) {
        true => Ok(signature.version),
        false => Err(VerifyError::Signature),
    }
}

/// What [`VerifyingKey::verify_strict`] checks, with a SHA-512 of less code: that neither the key nor the signature's point is
/// of small order, so that a signature is of one key and has one form.
fn verify_strict(key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
    // The point of a signature is written as a key is.
    let point = VerifyingKey::from_bytes(signature.r_bytes());
    !key.is_weak()
        && point.is_ok_and(|point| !point.is_weak())
        && raw_verify::<hmac_sha512::Hash>(key, message, signature).is_ok()
}
