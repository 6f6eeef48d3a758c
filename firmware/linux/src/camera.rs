//! Frames for the device: a thread reads them from a source, the device takes one at a time.
//!
//! * [`film`]: a video in a file, at its own speed, or from a pipe, as it comes. Every frame is seen. A pipe's other end may be slow
//!   to begin, and nobody waits for it but the thread.
//! * `video4linux`: a camera. A frame that was not seen when the next one comes is lost.

mod film;
#[cfg(feature = "v4l2")]
mod video4linux;

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Error, Result};
use app::device::camera::{Camera, Taken};
use app::sight::FrameSource;

pub use film::Film;

/// Bytes of the memory for frames: 640 × 480 pixels of two bytes.
pub const FRAME_BYTES: usize = 640 * 480 * 2;

/// A frame on its way.
struct TakenFrame {
    taken: Taken,
    pixels: Vec<u8>,
}

/// A place for one frame, between the thread that reads and the device.
#[derive(Default)]
struct Shelf {
    frame: Mutex<Option<TakenFrame>>,
    is_free: Condvar,
    /// Why there will never be a frame.
    failure: Mutex<Option<Error>>,
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Option<TakenFrame>> {
        // What is there is a whole frame, whatever happened to the other side.
        self.frame.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a frame there when the one before is taken.
    fn put(&self, frame: TakenFrame) {
        let is_free = self.is_free.wait_while(self.lock(), |frame| frame.is_some());
        *is_free.unwrap_or_else(PoisonError::into_inner) = Some(frame);
    }

    /// Puts a frame there in the place of the one before.
    #[cfg(feature = "v4l2")]
    fn replace(&self, frame: TakenFrame) {
        *self.lock() = Some(frame);
    }

    fn take(&self) -> Option<TakenFrame> {
        let frame = self.lock().take();
        self.is_free.notify_one();
        frame
    }

    fn failure(&self) -> MutexGuard<'_, Option<Error>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The device's camera, and its memory for frames.
pub struct Eye {
    shelf: Arc<Shelf>,
    memory: Vec<u8>,
    taken: Option<Taken>,
    is_held: bool,
    /// Whether the device asked for a frame and there was none.
    is_idle: bool,
}

impl Eye {
    /// Opens a camera. A pipe is opened in its thread: [`Self::check`] tells if it cannot be used.
    ///
    /// # Errors
    /// When there is none that can be used.
    pub fn open(path: &Path, is_repeated: bool) -> Result<Self> {
        let shelf = Arc::new(Shelf::default());
        let shown = path.display();
        let found = match path == Path::new("-") {
            true => None,
            false => Some(
                fs::metadata(path).with_context(|| format!("cannot open the camera {shown}"))?.file_type(),
            ),
        };
        if found.is_some_and(|found| found.is_char_device()) {
            #[cfg(feature = "v4l2")]
            video4linux::start(path, shelf.clone())?;
            #[cfg(not(feature = "v4l2"))]
            anyhow::bail!(
                "{shown} is a device, and this program was built without Video4Linux: build it with `--features v4l2`, or let \
                 ffmpeg read the camera: `ffmpeg -f v4l2 -i {shown} -pix_fmt yuv420p -f yuv4mpegpipe - | geode-door … --camera -`"
            );
        } else if found.is_some_and(|found| found.is_fifo()) {
            let path = path.to_path_buf();
            film::play(move || Film::of_file(&path, is_repeated), shelf.clone())?;
        } else if found.is_some() {
            let film = Film::of_file(path, is_repeated)?;
            film::play(|| Ok(film), shelf.clone())?;
        } else {
            film::play(Film::of_pipe, shelf.clone())?;
        }
        Ok(Eye { shelf, memory: vec![0; FRAME_BYTES], taken: None, is_held: false, is_idle: false })
    }

    /// Fails once, when a pipe has turned out to be no video that can be seen.
    ///
    /// # Errors
    /// Why.
    pub fn check(&self) -> Result<()> {
        self.shelf.failure().take().map_or(Ok(()), Err)
    }

    /// Whether the device has asked for a frame since the last question, and there was none.
    pub fn is_idle(&mut self) -> bool {
        std::mem::take(&mut self.is_idle)
    }
}

impl FrameSource for Eye {
    fn memory(&mut self) -> &mut [u8] {
        &mut self.memory
    }
}

impl Camera for Eye {
    fn taken(&mut self) -> Option<Taken> {
        if !self.is_held && self.taken.is_none() {
            if let Some(TakenFrame { taken, pixels }) = self.shelf.take() {
                // Whoever opened the source has checked that frames fit.
                self.memory[..pixels.len()].copy_from_slice(&pixels);
                self.taken = Some(taken);
            }
            self.is_idle = self.taken.is_none();
        }
        self.taken
    }

    fn hold(&mut self) -> bool {
        // A frame that nobody has looked at yet is overwritten.
        self.taken = None;
        self.is_held = true;
        true
    }

    fn release(&mut self) {
        self.taken = None;
        self.is_held = false;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::{Duration, Instant};

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    /// An eye on a pipe with a name, and its other end; it was opened before the other end was there.
    fn piped(folder: &Path) -> (Eye, fs::File) {
        let path = folder.join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let eye = Eye::open(&path, false).unwrap();
        (eye, fs::File::options().write(true).open(&path).unwrap())
    }

    fn waits_for<T>(mut found: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = found() {
                return found;
            }
            assert!(start.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn pipe_is_not_waited_for_and_seen_when_it_begins() {
        let folder = tempfile::tempdir().unwrap();
        let (mut eye, mut pipe) = piped(folder.path());
        assert!(eye.taken().is_none() && eye.is_idle());
        eye.check().unwrap();
        pipe.write_all(b"YUV4MPEG2 W4 H2 Cmono XCOLORRANGE=FULL\nFRAME\n12345678").unwrap();
        let taken = waits_for(|| eye.taken());
        assert_eq!((taken.width, taken.height, &eye.memory()[..8]), (4, 2, b"12345678".as_slice()));
        eye.check().unwrap();
    }

    #[test]
    fn pipe_that_is_no_video_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let (eye, mut pipe) = piped(folder.path());
        pipe.write_all(b"a letter\n").unwrap();
        drop(pipe);
        let error = waits_for(|| eye.check().err());
        assert!(error.to_string().contains("pipe: this is no"), "{error}");
        eye.check().unwrap();
    }
}
