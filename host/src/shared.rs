//! RAM of an emulated board in a file, into which this program writes frames as a camera does.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use facts::Region;

use crate::board::Board;
use crate::interrupt::TemporaryFolder;

/// The RAM of one emulated board. The file is removed when this is dropped.
pub struct SharedRam {
    file: File,
    path: PathBuf,
    /// Place of the frame in the file.
    start: u64,
    /// Bytes of the largest frame.
    room: usize,
    _folder: TemporaryFolder,
}

impl SharedRam {
    /// New RAM for a board, all zero; `None` if its machine cannot share RAM, or this system.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn new(board: &Board) -> Result<Option<Self>> {
        let (Some(Region { address, bytes }), Some(frame)) = (board.qemu_ram, board.memory.frame) else {
            return Ok(None);
        };
        // QEMU has this kind of memory on Unix alone.
        if !cfg!(unix) {
            return Ok(None);
        }
        let folder = TemporaryFolder::new()?;
        let path = folder.path().join("ram");
        let make = || {
            let file = File::create_new(&path)?;
            // It takes space only where something is written.
            file.set_len(bytes as u64)?;
            Ok::<File, std::io::Error>(file)
        };
        let file = make().with_context(|| format!("cannot make the board's RAM {}", path.display()))?;
        let start = u64::from(frame.address - address);
        Ok(Some(SharedRam { file, path, start, room: frame.bytes, _folder: folder }))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a frame where the board reads it. No task may be running on the board.
    ///
    /// # Errors
    /// When it is larger than the board's memory for frames, or the file cannot be written.
    pub fn put(&mut self, frame: &[u8]) -> Result<()> {
        ensure!(
            frame.len() <= self.room,
            "a frame of {} bytes, there is room for {}",
            frame.len(),
            self.room
        );
        let put = self.file.seek(SeekFrom::Start(self.start)).and_then(|_| self.file.write_all(frame));
        if let Err(error) = put {
            bail!("cannot write a frame to the board's RAM {}: {error}", self.path.display());
        }
        Ok(())
    }
}
