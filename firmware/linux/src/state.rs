//! The folder in which a device keeps everything:
//!
//! ```text
//! lock     empty; locked by the program that runs
//! keys     the two secrets, for the store and for sessions: 64 bytes, which nobody but the owner may read
//! people   the store
//! images   two slots, each with an image and in its last page the record of an update
//! log      the last decisions, as in memory that outlives a restart
//! ```
//!
//! Every file is made whole or not at all, with its final size, so that a full disk is met at the first start and not later.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use app::update::ImageFlash as _;
use format::Image;
use store::Layout;
use zeroize::Zeroizing;

use crate::flash::{FileFlash, Images, PAGE_BYTES, WORD_BYTES};
use crate::say;

/// The store's layout: two pages of counters, then two halves for people.
const LAYOUT: Layout = match Layout::new_checked(0, PAGE_BYTES as u32, WORD_BYTES as u32, 2, 63) {
    Ok(layout) => layout,
    Err(_) => panic!("the layout of the store"),
};
/// Bytes of a slot.
const SLOT_BYTES: usize = 8 << 20;
/// Bytes of the log: 204 decisions.
const LOG_BYTES: usize = 4096;
const KEYS_BYTES: usize = 64;

/// A device's folder, which nobody else has.
pub struct State {
    folder: PathBuf,
    /// Kept open, because closing it gives the lock up.
    _lock: File,
}

impl State {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// When it cannot be made or read, or another program has it.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.display();
        if !folder.exists() {
            DirBuilder::new()
                .mode(0o700)
                .create(folder)
                .with_context(|| format!("cannot make the folder {path}"))?;
        }
        let name = folder.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&name);
        let lock = lock.with_context(|| format!("cannot open {}", name.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(State { folder: folder.to_path_buf(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("a device runs already in {path}; end it, or give another --state")
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", name.display()))
            }
        }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes a file with this content, whole or not at all.
    fn make(&self, name: &str, content: &[u8]) -> Result<()> {
        let (path, temporary) = (self.path(name), self.path(&format!(".{name}.new")));
        let made = (|| -> io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.folder)?.sync_all()
        })();
        made.map_err(|error| {
            // What is left of it is of no use; the next attempt overwrites it in any case.
            let _ = fs::remove_file(&temporary);
            anyhow!("cannot make {} with {} bytes: {error}", path.display(), content.len())
        })
    }

    /// Opens a file that must have so many bytes. `loss` is what deleting it would cost.
    fn existing(&self, name: &str, bytes: usize, loss: &str) -> Result<File> {
        let path = self.path(name);
        let shown = path.display();
        let file = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {shown}"))?;
        let found = file.metadata().with_context(|| format!("cannot read {shown}"))?.len();
        ensure!(
            found == bytes as u64,
            "{shown} has {found} bytes instead of {bytes}: something else than this program changed it; put a copy back, or \
             delete it, and {loss}"
        );
        Ok(file)
    }

    fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The device's secrets, for the store and for sessions, wiped when they are dropped. They are made at the first start.
    ///
    /// # Errors
    /// When others may read them, or they are missing where there are people who were sealed with them.
    pub fn keys(&self) -> Result<Box<Zeroizing<[[u8; 32]; 2]>>> {
        let path = self.path("keys");
        let shown = path.display();
        // In one place from the start: what is moved leaves a copy behind.
        let mut keys = Box::new(Zeroizing::new([[0; 32]; 2]));
        let bytes = keys.as_flattened_mut();
        if !self.exists("keys") {
            ensure!(
                !self.exists("people"),
                "{shown} is missing, and without it nobody can open {}: put a copy back, or delete that file as well, with \
                 which everybody enrolled is forgotten and every computer must be paired again",
                self.path("people").display()
            );
            getrandom::fill(bytes).map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
            self.make("keys", bytes)?;
        } else {
            let file = self.existing("keys", KEYS_BYTES, "everybody enrolled is forgotten")?;
            let mode = file.metadata().with_context(|| format!("cannot read {shown}"))?.permissions().mode();
            ensure!(
                mode & 0o077 == 0,
                "others than the owner may read or change {shown} (mode {:o}): `chmod 600 {shown}`, and if somebody may have \
                 read it, delete the folder and enrol everybody again",
                mode & 0o777
            );
            file.read_exact_at(bytes, 0).with_context(|| format!("cannot read {shown}"))?;
        }
        Ok(keys)
    }

    /// The flash of people and counters, and the place of the store in it.
    ///
    /// # Errors
    /// When the file cannot be made, or has another size.
    pub fn people(&self) -> Result<(FileFlash, Layout)> {
        let bytes = LAYOUT.total_bytes() as usize;
        if !self.exists("people") {
            self.make("people", &vec![0xff; bytes])?;
        }
        let file = self.existing("people", bytes, "everybody enrolled is forgotten")?;
        Ok((FileFlash::new(file, self.path("people"), bytes), LAYOUT))
    }

    /// The flash of images. `first` is the image with which the device begins.
    ///
    /// # Errors
    /// When there is no image, `first` is none or too long, or the device has another one.
    pub fn images(&self, first: Option<&Path>) -> Result<FileFlash> {
        let first = first.map(|path| Ok::<_, anyhow::Error>((path, read_image(path)?))).transpose()?;
        let is_new = !self.exists("images");
        if is_new {
            let (_, image) = first.as_ref().with_context(|| {
                let folder = self.folder.display();
                format!("{folder} has no image yet; give the one with which the device begins: --image")
            })?;
            let mut content = image.bytes().to_vec();
            content.resize(2 * SLOT_BYTES, 0xff);
            self.make("images", &content)?;
        }
        let file = self.existing("images", 2 * SLOT_BYTES, "give --image")?;
        let flash = FileFlash::new(file, self.path("images"), 2 * SLOT_BYTES);
        if let (Some((path, image)), false) = (&first, is_new) {
            let there = mapped(flash.clone())?;
            ensure!(
                [false, true].into_iter().any(|is_second| there.mapped(is_second).starts_with(image.bytes())),
                "the device in {} has another image than {}: leave --image out to start what it has, send the image with \
                 `host update`, or delete {} to begin with this one; people stay if the network is the same",
                self.folder.display(),
                path.display(),
                self.path("images").display()
            );
        }
        Ok(flash)
    }

    /// The memory for the last decisions.
    ///
    /// # Errors
    /// When the file cannot be made, or has another size.
    pub fn log(&self) -> Result<Retained> {
        if !self.exists("log") {
            self.make("log", &[0; LOG_BYTES])?;
        }
        let file = self.existing("log", LOG_BYTES, "the last decisions are forgotten")?;
        let mut saved = vec![0; LOG_BYTES];
        file.read_exact_at(&mut saved, 0)
            .with_context(|| format!("cannot read {}", self.path("log").display()))?;
        Ok(Retained { memory: saved.clone(), saved, file, path: self.path("log"), is_failing: false })
    }
}

/// Both slots as memory.
///
/// # Errors
/// When they cannot be read.
pub fn mapped(flash: FileFlash) -> Result<Images> {
    Images::new(flash).map_err(|error| anyhow!("the images cannot be read: {error:?}"))
}

/// An image in memory, aligned as it must be.
pub struct ReadImage {
    words: Vec<u128>,
    length: usize,
}

impl ReadImage {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }
}

/// Reads an image, and checks that it is one and fits.
///
/// # Errors
/// When it cannot be read, is none, or is too long.
pub fn read_image(path: &Path) -> Result<ReadImage> {
    let shown = path.display();
    let bytes = fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let room = SLOT_BYTES - PAGE_BYTES;
    ensure!(
        bytes.len() <= room,
        "{shown} has {} bytes, and there is room for {room}; make the image smaller: fewer people or strangers, or a smaller \
         network",
        bytes.len()
    );
    let mut words = vec![0u128; bytes.len().div_ceil(16)];
    bytemuck::cast_slice_mut::<_, u8>(&mut words)[..bytes.len()].copy_from_slice(&bytes);
    let image = ReadImage { words, length: bytes.len() };
    Image::new_checked(image.bytes()).map_err(|error| {
        anyhow!("{shown} cannot be used: {error}; give the file of `host export --format bin`")
    })?;
    Ok(image)
}

/// Memory for the last decisions, and the file in which it stays. It is not waited for the disk: a power cut may cost the last
/// decisions, the end of the program none.
pub struct Retained {
    memory: Vec<u8>,
    saved: Vec<u8>,
    file: File,
    path: PathBuf,
    is_failing: bool,
}

impl Retained {
    /// The memory.
    pub fn memory(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    /// Writes what has changed. A log that cannot be written is said once, and keeps nobody out.
    pub fn save(&mut self) {
        if self.memory == self.saved {
            return;
        }
        match self.file.write_all_at(&self.memory, 0) {
            Ok(()) => self.is_failing = false,
            Err(error) if !self.is_failing => {
                self.is_failing = true;
                say(format_args!(
                    "cannot write {}: {error}; decisions are not logged until the disk is in order",
                    self.path.display()
                ));
            }
            Err(_) => {}
        }
        self.saved.copy_from_slice(&self.memory);
    }
}
