//! The file with an administrator's key and the keys of the boards that it is paired with. Whoever has it administers these
//! boards, so that only its owner may read it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use link::session::{KeyPair, PublicKey};
use serde::{Deserialize, Serialize};

use crate::output;
use crate::secret::{hex, of_hex, random, read_key};

/// A key file.
#[derive(Clone)]
pub struct Keys {
    path: PathBuf,
    content: Content,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// The administrator's secret, in hexadecimal digits.
    secret: String,
    #[serde(default, rename = "board")]
    boards: Vec<Paired>,
}

/// A board that an administrator is paired with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paired {
    /// What the administrator calls it.
    pub name: String,
    /// Its public key, in hexadecimal digits.
    pub key: String,
}

impl Keys {
    /// Reads a key file.
    ///
    /// # Errors
    /// When there is none, or it is something else.
    pub fn read(path: &Path) -> Result<Self> {
        let file = path.display();
        let text = read_key(path).with_context(|| {
            format!("cannot read the administrator's key {file}; `host device pair` makes one")
        })?;
        let content: Content =
            toml::from_str(&text).with_context(|| format!("{file} is no key file of `host device pair`"))?;
        ensure!(of_hex(&content.secret).is_some(), "{file}: its secret is not 64 hexadecimal digits");
        Ok(Keys { path: path.to_path_buf(), content })
    }

    /// Reads a key file, or makes a new key if there is none. It is not written yet.
    ///
    /// # Errors
    /// When the file is something else, or the system gives no random numbers.
    pub fn read_or_new(path: &Path) -> Result<Self> {
        if path.exists() {
            return Self::read(path);
        }
        let content = Content { secret: hex(&random()?), boards: Vec::new() };
        Ok(Keys { path: path.to_path_buf(), content })
    }

    /// The administrator's key pair.
    pub fn pair(&self) -> KeyPair {
        KeyPair::new(of_hex(&self.content.secret).unwrap_or_default())
    }

    /// The boards, the last one paired first.
    pub fn boards(&self) -> impl Iterator<Item = (&str, PublicKey)> {
        self.content.boards.iter().rev().filter_map(|board| Some((&*board.name, of_hex(&board.key)?)))
    }

    /// Adds a board, and writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, name: &str, key: &PublicKey) -> Result<()> {
        let key = hex(key);
        self.content.boards.retain(|board| board.key != key);
        self.content.boards.push(Paired { name: name.to_string(), key });
        let text = toml::to_string(&self.content).context("the key cannot be written as text")?;
        output::write_whole(&self.path, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_kept_with_its_boards_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.key");
        assert!(Keys::read(&path).is_err());
        let mut keys = Keys::read_or_new(&path).unwrap();
        keys.add("door", &[7; 32]).unwrap();
        keys.add("gate", &[8; 32]).unwrap();
        keys.add("front door", &[7; 32]).unwrap();
        let again = Keys::read(&path).unwrap();
        assert_eq!(again.pair().public(), keys.pair().public());
        let boards: Vec<_> = again.boards().collect();
        assert_eq!(boards, [("front door", [7; 32]), ("gate", [8; 32])]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn other_files_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letter");
        std::fs::write(&path, "Dear Ada").unwrap();
        assert!(Keys::read_or_new(&path).err().unwrap().to_string().contains("no key file"));
        assert_eq!(std::fs::read(&path).unwrap(), b"Dear Ada");
    }
}
