//! Signatures of images: the maker's keys, signing, and the board's own check on this computer.
//!
//! A signing key is a text file of two lines, [`HEADING`] and 64 hexadecimal digits, the seed of an Ed25519 key (RFC 8032). A
//! public key is written as 64 hexadecimal digits.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use app::selftest;
use app::update::{Demands, Verified, VerifyError};
use ed25519_dalek::{Signer as _, SigningKey};
use format::Image;
use format::header::Section;
use format::signature::{self, Signature, message};
use serde::{Serialize, Serializer};

use crate::secret::{hex, of_hex, random, read_key};
use crate::simulator::{AlignedBytes, Simulator};
use crate::{output, sections};

/// First line of a signing key's file.
pub const HEADING: &str = "geode signing key, secret: whoever has it can sign images for your boards";

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

/// A public key from its 64 hexadecimal digits.
///
/// # Errors
/// Says what a key looks like.
pub fn public_key(digits: &str) -> Result<PublicKey> {
    of_hex(digits)
        .map(PublicKey)
        .context("a public key has 64 hexadecimal digits, as `host keygen` prints it")
}

/// Makes a signing key and writes it into a new file, which its owner alone may read.
///
/// # Errors
/// When there is a file already, or it cannot be written.
pub fn generate(path: &Path) -> Result<PublicKey> {
    let seed = random()?;
    output::write_new(path, format!("{HEADING}\n{}\n", hex(&seed)).as_bytes()).context(
        "no key was made; a key in use is never overwritten, as boards would refuse images of another",
    )?;
    Ok(public(&SigningKey::from_bytes(&seed)))
}

/// The public key of a signing key.
pub fn public(key: &SigningKey) -> PublicKey {
    PublicKey(key.verifying_key().to_bytes())
}

/// Reads a signing key.
///
/// # Errors
/// When the file cannot be read, or is none.
pub fn read(path: &Path) -> Result<SigningKey> {
    let text = read_key(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut lines = text.lines();
    let seed = match (lines.next(), lines.next().and_then(of_hex), lines.next()) {
        (Some(HEADING), Some(seed), None) => seed,
        _ => bail!("{} is no signing key of `host keygen`", path.display()),
    };
    Ok(SigningKey::from_bytes(&seed))
}

/// A signed image.
#[derive(Clone, Debug, Serialize)]
pub struct Signed {
    /// Its version.
    pub version: u32,
    /// The version that it was signed as before.
    pub version_before: Option<u32>,
    /// The public key that verifies it.
    pub key: PublicKey,
    /// Its length.
    pub image_bytes: usize,
}

/// The image in `path`, signed as `version`. A signature that it has is replaced. The image is checked as a board checks it, also
/// against its golden embedding.
///
/// # Errors
/// When it is no image, or a board would not run it.
pub fn sign(path: &Path, key: &SigningKey, version: u32) -> Result<(Vec<u8>, Signed)> {
    let old = AlignedBytes::read(path)?;
    let image = old.image(path)?;
    check_golden(&image).with_context(|| path.display().to_string())?;
    let signed = signed(old.bytes(), key, version).with_context(|| path.display().to_string())?;
    let public = public(key);
    // Check the written bytes themselves.
    verify(&AlignedBytes::copy(&signed), public, 0)
        .map_err(|error| anyhow!("{}: {error}", path.display()))?;
    let version_before = image.signature.map(|signature| signature.version);
    let image_bytes = signed.len();
    Ok((signed, Signed { version, version_before, key: public, image_bytes }))
}

/// A signed image, of which nothing but its form was looked at.
///
/// # Errors
/// When it is no image.
pub fn signed(image: &[u8], key: &SigningKey, version: u32) -> Result<Vec<u8>> {
    // The signature covers the place of its own section, and not its content.
    let blank = [0; signature::BYTES];
    let unsigned = AlignedBytes::copy(&sections::replaced(image, &[(Section::Signature, &blank)])?);
    let digest = Image::new_checked(unsigned.bytes())?.digest;
    let signature = &key.sign(&message(&digest, version)).to_bytes();
    let section = Signature { version, key: &public(key).0, signature };
    sections::replaced(image, &[(Section::Signature, &section.emit())])
}

/// Checks that the embedder gives the golden embedding.
fn check_golden(image: &Image<'_>) -> Result<()> {
    let golden = image.golden.ok_or_else(|| anyhow!("{}", VerifyError::NoGolden))?;
    let simulator = Simulator::new(&image.embedder)?;
    let mut arena = AlignedBytes::zeroed(image.embedder.arena_bytes());
    let tested = selftest::run(simulator.network(), &golden, arena.bytes_mut(), &mut || {});
    ensure!(
        tested.is_ok(),
        "its golden embedding is not its network's, and a board would go back to its old image: export it again"
    );
    Ok(())
}

/// The board's own check of an update, with no one enrolled on the board.
///
/// # Errors
/// As on a board.
pub fn verify(image: &AlignedBytes, key: PublicKey, floor: u32) -> Result<Verified, VerifyError> {
    let arena_bytes = Image::new_checked(image.bytes()).map_err(VerifyError::Image)?.arena_bytes();
    let mut arena = AlignedBytes::zeroed(arena_bytes);
    let demands = Demands { key: Some(&key.0), floor, enrolled: None };
    app::update::verify(image.bytes(), &demands, arena.bytes_mut()).map(|(verified, _)| verified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("maker.key");
        let made = generate(&path).unwrap();
        assert_eq!(public(&read(&path).unwrap()), made);
        assert_eq!(public_key(&hex(&made.0)).unwrap(), made);
        let said = format!("{:#}", generate(&path).unwrap_err());
        assert!(said.contains("is there already") && said.contains("never overwritten"), "{said}");
        assert_eq!(public(&read(&path).unwrap()), made);
        let other = generate(&folder.path().join("other.key")).unwrap();
        assert_ne!(other, made);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, hex(&made.0)).unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("no signing key"));
    }

    #[test]
    fn only_64_hexadecimal_digits_are_a_public_key() {
        for wrong in
            ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32), &"+f".repeat(32)]
        {
            assert!(public_key(wrong).is_err(), "{wrong}");
        }
        assert_eq!(public_key(&"0F".repeat(32)).unwrap(), PublicKey([15; 32]));
    }
}
