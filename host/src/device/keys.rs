//! The file with an administrator's key and the keys of the boards that it is paired with. Whoever has it administers these
//! boards, so that only its owner may read it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use link::session::{KeyPair, PublicKey};
use serde::{Deserialize, Serialize};

use crate::name::visible;
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
        let what_helps = "give another --key, or move this file away and pair again";
        let content: Content = toml::from_str(&text).with_context(|| {
            let what =
                if text.trim().is_empty() { "is empty" } else { "is no key file of `host device pair`" };
            format!("{file} {what}; {what_helps}")
        })?;
        let is_key = |digits: &str| of_hex(digits).is_some_and(|key| key != [0; 32]);
        ensure!(
            is_key(&content.secret),
            "{file}: its secret is not 64 hexadecimal digits, or only zeros; {what_helps}"
        );
        if let Some(board) = content.boards.iter().find(|board| !is_key(&board.key)) {
            bail!(
                "{file}: the key of the board {} is not 64 hexadecimal digits, or only zeros; correct it, or remove its three lines \
                 and pair with that board again",
                visible(&board.name)
            );
        }
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

    /// The key of the board called so.
    ///
    /// # Errors
    /// When there is none.
    pub fn board(&self, name: &str) -> Result<PublicKey> {
        let known = self.boards().find(|(known, _)| *known == name);
        let (_, key) = known.with_context(|| {
            let names: Vec<_> = self.boards().map(|(name, _)| visible(name)).collect();
            format!("the key file has no board called {name}; it has {}", names.join(", "))
        })?;
        Ok(key)
    }

    /// What the board with this key is called, if it is known.
    pub fn name_of(&self, key: &PublicKey) -> Option<&str> {
        self.boards().find(|(_, known)| known == key).map(|(name, _)| name)
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
        assert_eq!((again.board("gate").unwrap(), again.name_of(&[8; 32])), ([8; 32], Some("gate")));
        assert!(again.board("door").unwrap_err().to_string().contains("it has front door, gate"));
        assert_eq!(again.name_of(&[9; 32]), None);
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
        let secret = |digits: &str| format!("secret = \"{digits}\"\n");
        let board = |digits: &str| {
            secret(&"5a".repeat(32)) + &format!("[[board]]\nname = \"door\"\nkey = \"{digits}\"\n")
        };
        for (text, words) in [
            (String::new(), "is empty"),
            (secret(&"0".repeat(64)), "secret"),
            (secret("5a"), "secret"),
            (board("5a"), "board door"),
            (board(&"0".repeat(64)), "board door"),
        ] {
            std::fs::write(&path, &text).unwrap();
            let said = Keys::read_or_new(&path).err().unwrap().to_string();
            assert!(said.contains(words) && said.contains("pair"), "{said}");
        }
        std::fs::write(&path, board(&"a5".repeat(32))).unwrap();
        assert_eq!(Keys::read(&path).unwrap().boards().count(), 1);
    }
}
