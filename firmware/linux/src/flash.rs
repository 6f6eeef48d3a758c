//! A file in the place of NOR flash. Writing needs erased words and changes them once; what was written or erased is on the disk
//! before the call returns.
//!
//! A disk that fails once is not trusted any more: the system may have dropped what it could not write, and would say at the
//! next attempt that all is well.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::update::ImageFlash;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

use crate::say;

/// Bytes of a word.
pub const WORD_BYTES: usize = 4;
/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashError {
    /// The call is wrong.
    Call(NorFlashErrorKind),
    /// A word at this offset is not erased.
    NotErased(u32),
    /// The disk failed, now or before.
    Disk,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Call(kind) => *kind,
            Self::NotErased(_) | Self::Disk => NorFlashErrorKind::Other,
        }
    }
}

/// A flash that is a file. Clones are the same flash.
#[derive(Clone, Debug)]
pub struct FileFlash {
    file: Arc<File>,
    path: Arc<Path>,
    bytes: usize,
    has_failed: Arc<AtomicBool>,
}

impl FileFlash {
    /// Over a file of `bytes` bytes, whole pages.
    pub fn new(file: File, path: PathBuf, bytes: usize) -> Self {
        let has_failed = Arc::new(AtomicBool::new(false));
        FileFlash { file: Arc::new(file), path: path.into(), bytes, has_failed }
    }

    /// Does something with the file, unless it has failed before.
    fn on_disk<T>(
        &self,
        what: &str,
        access: impl FnOnce(&File) -> std::io::Result<T>,
    ) -> Result<T, FlashError> {
        if self.has_failed.load(Ordering::Relaxed) {
            return Err(FlashError::Disk);
        }
        access(&self.file).map_err(|error| {
            say(format_args!(
                "cannot {what} {}: {error}; see to the disk, then start the device again",
                self.path.display()
            ));
            self.has_failed.store(true, Ordering::Relaxed);
            FlashError::Disk
        })
    }

    fn put(&self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        self.on_disk("write", |file| {
            file.write_all_at(bytes, offset.into())?;
            file.sync_data()
        })
    }
}

impl ErrorType for FileFlash {
    type Error = FlashError;
}

impl ReadNorFlash for FileFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_read(self, offset, bytes.len()).map_err(FlashError::Call)?;
        self.on_disk("read", |file| file.read_exact_at(bytes, offset.into()))
    }

    fn capacity(&self) -> usize {
        self.bytes
    }
}

impl NorFlash for FileFlash {
    const WRITE_SIZE: usize = WORD_BYTES;
    const ERASE_SIZE: usize = PAGE_BYTES;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(self, from, to).map_err(FlashError::Call)?;
        self.put(from, &vec![0xff; (to - from) as usize])
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_write(self, offset, bytes.len()).map_err(FlashError::Call)?;
        let mut before = vec![0; bytes.len()];
        self.read(offset, &mut before)?;
        if let Some(place) = before.iter().position(|&byte| byte != 0xff) {
            return Err(FlashError::NotErased(offset + (place - place % WORD_BYTES) as u32));
        }
        self.put(offset, bytes)
    }
}

/// The flash of two images, each half a slot, and the same in memory, aligned to 16 bytes.
#[derive(Debug)]
pub struct Images {
    flash: FileFlash,
    memory: Vec<u128>,
}

impl Images {
    /// Reads all of a flash.
    ///
    /// # Errors
    /// [`FlashError`].
    pub fn new(mut flash: FileFlash) -> Result<Self, FlashError> {
        let mut memory = vec![0u128; flash.bytes / 16];
        flash.read(0, bytemuck::cast_slice_mut(&mut memory))?;
        Ok(Images { flash, memory })
    }

    fn remember(&mut self, offset: u32, bytes: usize) -> Result<(), FlashError> {
        let memory: &mut [u8] = bytemuck::cast_slice_mut(&mut self.memory);
        self.flash.read(offset, &mut memory[offset as usize..offset as usize + bytes])
    }
}

impl ErrorType for Images {
    type Error = FlashError;
}

impl ReadNorFlash for Images {
    const READ_SIZE: usize = FileFlash::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        self.flash.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.flash.capacity()
    }
}

impl NorFlash for Images {
    const WRITE_SIZE: usize = FileFlash::WRITE_SIZE;
    const ERASE_SIZE: usize = FileFlash::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        self.flash.erase(from, to)?;
        self.remember(from, (to - from) as usize)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        self.flash.write(offset, bytes)?;
        self.remember(offset, bytes.len())
    }
}

impl ImageFlash for Images {
    fn places(&self) -> ([u32; 2], u32) {
        let half = (self.flash.bytes / 2) as u32;
        ([0, half], half)
    }

    fn mapped(&self, is_second: bool) -> &[u8] {
        let (first, second) = bytemuck::cast_slice(&self.memory).split_at(self.flash.bytes / 2);
        if is_second { second } else { first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flash(folder: &Path) -> FileFlash {
        let path = folder.join("flash");
        std::fs::write(&path, [0xff; 2 * PAGE_BYTES]).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        FileFlash::new(file, path, 2 * PAGE_BYTES)
    }

    #[test]
    fn words_are_written_once_until_their_page_is_erased() {
        let folder = tempfile::tempdir().unwrap();
        let mut flash = flash(folder.path());
        flash.write(4, &[1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff]).unwrap();
        // A word that has only ones is as it was.
        flash.write(8, &[5; 4]).unwrap();
        assert_eq!(flash.write(0, &[0; 8]), Err(FlashError::NotErased(4)));
        let mut found = [0xa5; 12];
        flash.read(0, &mut found).unwrap();
        assert_eq!(found, [0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 5, 5, 5]);
        flash.write(PAGE_BYTES as u32, &[0; 4]).unwrap();
        flash.erase(0, PAGE_BYTES as u32).unwrap();
        flash.read(0, &mut found).unwrap();
        assert_eq!(found, [0xff; 12]);
        assert_eq!(std::fs::read(folder.path().join("flash")).unwrap()[PAGE_BYTES..][..4], [0; 4]);
        let (aligned, bounds) = (NorFlashErrorKind::NotAligned, NorFlashErrorKind::OutOfBounds);
        assert_eq!(flash.write(2, &[0; 4]), Err(FlashError::Call(aligned)));
        assert_eq!(flash.erase(0, 100), Err(FlashError::Call(aligned)));
        assert_eq!(flash.erase(0, 3 * PAGE_BYTES as u32), Err(FlashError::Call(bounds)));
        assert_eq!(flash.read(2 * PAGE_BYTES as u32, &mut [0]), Err(FlashError::Call(bounds)));
    }

    #[test]
    fn disk_that_fails_once_is_not_trusted_again() {
        let folder = tempfile::tempdir().unwrap();
        let whole = flash(folder.path());
        // A file that may only be read fails as a disk does.
        let file = File::open(folder.path().join("flash")).unwrap();
        let mut failing = FileFlash::new(file, folder.path().join("flash"), whole.bytes);
        let mut same = failing.clone();
        let mut byte = [0];
        failing.read(0, &mut byte).unwrap();
        assert_eq!(failing.write(0, &[0; 4]), Err(FlashError::Disk));
        assert_eq!(same.read(0, &mut byte), Err(FlashError::Disk));
        assert_eq!(same.erase(0, PAGE_BYTES as u32), Err(FlashError::Disk));
    }

    #[test]
    fn images_are_read_where_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut images = Images::new(flash(folder.path())).unwrap();
        assert_eq!(images.places(), ([0, 4096], 4096));
        images.write(4096, &[7; 8]).unwrap();
        assert_eq!(
            (images.mapped(false)[0], images.mapped(true)[..9].to_vec()),
            (0xff, vec![7, 7, 7, 7, 7, 7, 7, 7, 0xff])
        );
        assert_eq!(images.mapped(true).as_ptr() as usize % 16, 0);
        images.erase(4096, 8192).unwrap();
        assert_eq!(images.mapped(true), [0xff; 4096]);
    }
}
