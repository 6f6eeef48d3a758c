//! Frames of a video `.y4m`.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, ensure};
use app::device::camera::Taken;
use video::Header;

use super::{FRAME_BYTES, Shelf, TakenFrame};
use crate::say;

/// A video that is open.
pub struct Film {
    name: String,
    reader: Box<dyn BufRead + Send>,
    header: Header,
    number: u64,
    /// The file from which it begins anew.
    again: Option<PathBuf>,
    /// Whether frames come no faster than they were recorded.
    is_paced: bool,
}

impl Film {
    /// Opens a file, or a pipe with a name. The start of a pipe is waited for.
    ///
    /// # Errors
    /// When it is no video, or its frames are too large.
    pub fn of_file(path: &Path, is_repeated: bool) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
        let is_paced = file.metadata().with_context(|| format!("cannot read {name}"))?.is_file();
        let again = is_repeated.then(|| path.to_path_buf());
        Self::new(name, Box::new(BufReader::new(file)), again, is_paced)
    }

    /// The video that comes on standard input. Waits for its start.
    ///
    /// # Errors
    /// As [`Self::of_file`].
    pub fn of_pipe() -> Result<Self> {
        Self::new("standard input".to_string(), Box::new(BufReader::new(io::stdin())), None, false)
    }

    fn new(
        name: String,
        mut reader: Box<dyn BufRead + Send>,
        again: Option<PathBuf>,
        is_paced: bool,
    ) -> Result<Self> {
        let (header, _) = Header::read(&mut reader).map_err(|error| anyhow!("{name}: {error}"))?;
        ensure!(
            header.frame_bytes() <= FRAME_BYTES,
            "{name}: a frame of {}×{} pixels has {} bytes, and there is room for {FRAME_BYTES}; `ffmpeg -i VIDEO -vf \
             scale=640:-2 NEW.y4m` makes it smaller",
            header.width,
            header.height,
            header.frame_bytes()
        );
        Ok(Film { name, reader, header, number: 0, again, is_paced })
    }

    /// What its frames are.
    pub fn taken(&self) -> Taken {
        let Header { width, height, .. } = self.header;
        Taken { width, height, format: self.header.format() }
    }

    /// The next frame's pixels; `None` at the end.
    ///
    /// # Errors
    /// When the video is damaged or cannot be read.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut pixels = Vec::new();
        loop {
            let read = self.header.read_frame(&mut self.reader, self.number, &mut pixels);
            match read.map_err(|error| anyhow!("{}: {error}", self.name))? {
                Some(_) => {
                    self.number += 1;
                    return Ok(Some(pixels));
                }
                // One without frames would begin for ever.
                None if self.number == 0 => return Err(anyhow!("{}: it has no frames", self.name)),
                None => match &self.again {
                    None => return Ok(None),
                    Some(path) => *self = Film::of_file(path, true)?,
                },
            }
        }
    }
}

/// Opens a video and plays it in a thread of its own, which ends with it.
///
/// # Errors
/// When there is no thread to be had.
pub fn play(open: impl FnOnce() -> Result<Film> + Send + 'static, shelf: Arc<Shelf>) -> Result<()> {
    let play = move || {
        let mut film = match open() {
            Ok(film) => film,
            Err(error) => return *shelf.failure() = Some(error),
        };
        let mut due = Instant::now();
        loop {
            match film.next() {
                Ok(Some(pixels)) => {
                    if film.is_paced {
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        // What was late is not made up for.
                        due = due.max(Instant::now()) + film.header.period;
                    }
                    shelf.put(TakenFrame { taken: film.taken(), pixels });
                }
                Ok(None) => break say(format_args!("{} has ended; the device is blind", film.name)),
                Err(error) => break say(format_args!("{error:#}; the device is blind")),
            }
        }
    };
    std::thread::Builder::new().name("camera".to_string()).spawn(play).context("cannot start a thread")?;
    Ok(())
}
