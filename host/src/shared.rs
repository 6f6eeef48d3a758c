//! RAM of an emulated board in a file, into which this program writes frames as a camera does.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use app::device::mailbox;
use facts::Region;

use crate::board::Board;
use crate::interrupt::TemporaryFolder;

/// The RAM of one emulated board. A temporary file is removed when this is dropped.
pub struct SharedRam {
    file: File,
    path: PathBuf,
    /// Place of the frame in the file.
    start: u64,
    /// Bytes of the largest frame.
    room: usize,
    /// Places of a device's images in the file, and the bytes of each; empty on boards without a device.
    slots: Vec<(u64, usize)>,
    _folder: Option<TemporaryFolder>,
}

impl SharedRam {
    /// RAM that stays in a file between two starts of the emulator, as the content of flash memory does. The file is made
    /// if there is none. `None` as for [`Self::new`].
    ///
    /// # Errors
    /// When the file cannot be made, is something else, or belongs to another running emulator.
    pub fn kept(board: &Board, path: &Path) -> Result<Option<Self>> {
        let Some((region, frame)) = shared(board) else { return Ok(None) };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.with_context(|| format!("cannot open the board's memory {}", path.display()))?;
        let length = file.metadata().with_context(|| format!("cannot read {}", path.display()))?.len();
        let bytes = region.bytes as u64;
        ensure!(
            length == 0 || length == bytes,
            "{} has {length} bytes and is no memory of the board {}, which has {bytes}; give another file",
            path.display(),
            board.name
        );
        lock(&file).with_context(|| format!("{} is used by another emulated board", path.display()))?;
        if let Some(process) = running_on(path) {
            bail!(
                "{} is used by an emulated board that outlived the program which started it; end it with `kill {process}`, and \
                 start again",
                path.display()
            );
        }
        let start = u64::from(frame.address - region.address);
        let (path, slots) = (path.to_path_buf(), slots(board, region));
        let made = if length == 0 { private(&file).and_then(|()| file.set_len(bytes)) } else { Ok(()) };
        if let Err(error) = made.and_then(|()| take_space(&file, bytes)) {
            if length == 0 {
                let _ = std::fs::remove_file(&path);
            }
            return Err(error).with_context(|| format!("no space for the board's memory {}", path.display()));
        }
        let mut ram = SharedRam { file, path, start, room: frame.bytes, slots, _folder: None };
        let mark = mailbox::MARK.to_le_bytes();
        let mut found = mark;
        if length == 0 {
            ram.put_at(mailbox::MARK_AT, &mark)?;
        } else {
            ram.read_at(mailbox::MARK_AT, &mut found)?;
        }
        ensure!(
            found == mark,
            "{} is no memory of a device, or one that another version of this program made; give another file, or one that does not \
             exist yet",
            ram.path.display()
        );
        Ok(Some(ram))
    }

    /// New RAM for a board, all zero; `None` if its machine cannot share RAM, or this system.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn new(board: &Board) -> Result<Option<Self>> {
        let Some((region, frame)) = shared(board) else { return Ok(None) };
        let Region { address, bytes } = region;
        let folder = TemporaryFolder::new()?;
        let path = folder.path().join("ram");
        let make = || {
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
            // It takes space only where something is written.
            file.set_len(bytes as u64)?;
            Ok::<File, std::io::Error>(file)
        };
        let file = make().with_context(|| format!("cannot make the board's RAM {}", path.display()))?;
        let start = u64::from(frame.address - address);
        let slots = slots(board, region);
        Ok(Some(SharedRam { file, path, start, room: frame.bytes, slots, _folder: Some(folder) }))
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

    /// Writes to the words at the end of the memory for frames, `place` bytes after their start.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_at(&mut self, place: usize, bytes: &[u8]) -> Result<()> {
        let start = self.words() + place as u64;
        let put = self.file.seek(SeekFrom::Start(start)).and_then(|_| self.file.write_all(bytes));
        put.with_context(|| format!("cannot write to the board's memory {}", self.path.display()))
    }

    /// Reads these words.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_at(&mut self, place: usize, bytes: &mut [u8]) -> Result<()> {
        let start = self.words() + place as u64;
        let read = self.file.seek(SeekFrom::Start(start)).and_then(|_| self.file.read_exact(bytes));
        read.with_context(|| format!("cannot read the board's memory {}", self.path.display()))
    }

    /// How many images a device on this board can have, and the bytes of the longest.
    pub fn image_room(&self) -> (usize, usize) {
        // The last page is that of the update's record.
        let room = self.slots.first().map_or(0, |&(_, bytes)| bytes - facts::PAGE);
        (self.slots.len(), room)
    }

    /// The first bytes of an image's slot.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_slot(&mut self, number: usize, bytes: usize) -> Result<Vec<u8>> {
        let mut content = vec![0; bytes];
        let start = self.slots[number].0;
        let read = self.file.seek(SeekFrom::Start(start)).and_then(|_| self.file.read_exact(&mut content));
        read.with_context(|| format!("cannot read the board's memory {}", self.path.display()))?;
        Ok(content)
    }

    /// Writes to the start of an image's slot.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_slot(&mut self, number: usize, bytes: &[u8]) -> Result<()> {
        let start = self.slots[number].0;
        let put = self.file.seek(SeekFrom::Start(start)).and_then(|_| self.file.write_all(bytes));
        put.with_context(|| format!("cannot write to the board's memory {}", self.path.display()))
    }

    fn words(&self) -> u64 {
        self.start + (self.room - mailbox::BYTES) as u64
    }
}

/// The slots of a board, as places in the file of its RAM.
fn slots(board: &Board, ram: Region) -> Vec<(u64, usize)> {
    let slots = board.memory.slots.into_iter().flatten();
    slots.map(|slot| (u64::from(slot.address - ram.address), slot.bytes)).collect()
}

/// The RAM that a board's machine can share, and the memory for frames in it. QEMU has this kind of memory on Unix alone.
fn shared(board: &Board) -> Option<(Region, Region)> {
    board.qemu_ram.zip(board.memory.frame).filter(|_| cfg!(unix))
}

/// Keeps other programs like this one from using a file.
#[cfg(unix)]
fn lock(file: &File) -> std::io::Result<()> {
    Ok(rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?)
}

#[cfg(not(unix))]
fn lock(_file: &File) -> std::io::Result<()> {
    Ok(())
}

/// The file in which an emulated board with this memory keeps its process's number, and which it locks while it runs.
pub fn process_file(memory: &Path) -> PathBuf {
    let mut name = memory.as_os_str().to_os_string();
    name.push(".pid");
    name.into()
}

/// The process of an emulated board that runs on this memory although nobody has the memory locked.
#[cfg(unix)]
fn running_on(memory: &Path) -> Option<String> {
    let path = process_file(memory);
    let file = OpenOptions::new().read(true).write(true).open(&path).ok()?;
    rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).err()?;
    Some(std::fs::read_to_string(&path).unwrap_or_default().trim().to_string())
}

#[cfg(not(unix))]
fn running_on(_memory: &Path) -> Option<String> {
    None
}

/// Takes a file's space on the disk, so that a disk that is full later does not stop the board.
#[cfg(target_os = "linux")]
fn take_space(file: &File, bytes: u64) -> std::io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        // Not all file systems can.
        Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
        taken => Ok(taken?),
    }
}

#[cfg(not(target_os = "linux"))]
fn take_space(_file: &File, _bytes: u64) -> std::io::Result<()> {
    Ok(())
}

/// Takes everybody else's rights to a file, which holds keys.
#[cfg(unix)]
fn private(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn private(_file: &File) -> std::io::Result<()> {
    Ok(())
}
