//! A camera of Video4Linux that gives YUYV or grey pixels, as most cameras on USB do.
//!
//! Never tried on a real camera.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use app::device::camera::Taken;
use format::PixelFormat;
use v4l::buffer::Type;
use v4l::format::Quantization;
use v4l::io::traits::CaptureStream as _;
use v4l::prelude::MmapStream;
use v4l::video::Capture as _;
use v4l::{Device, Format, FourCC};

use super::{FRAME_BYTES, Shelf, TakenFrame};
use crate::say;

/// Frames that the driver has room for: few, so that the device sees what is there now.
const BUFFERS: u32 = 2;
/// Time in which a camera gives a frame.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two attempts to open a camera that is gone.
const AGAIN: Duration = Duration::from_secs(2);

/// A camera that is open.
struct Opened {
    device: Device,
    taken: Taken,
    /// Bytes from a row to the next.
    stride: usize,
    is_full_range: bool,
}

fn open(path: &Path) -> Result<Opened> {
    let shown = path.display();
    let device = Device::with_path(path).with_context(|| {
        format!("cannot open the camera {shown}; is it there, and may this user open it (group video)?")
    })?;
    for (code, format) in [(b"YUYV", PixelFormat::Yuv422), (b"GREY", PixelFormat::Grey)] {
        let wanted = Format::new(640, 480, FourCC::new(code));
        // The driver answers with the nearest that it has.
        let found = device
            .set_format(&wanted)
            .with_context(|| format!("cannot set the camera {shown}; does another program use it?"))?;
        if found.fourcc != wanted.fourcc {
            continue;
        }
        let [width, height] = [found.width, found.height].map(|side| u16::try_from(side).unwrap_or(u16::MAX));
        let row_bytes = usize::from(width) * format.pixel_bytes();
        ensure!(
            row_bytes * usize::from(height) <= FRAME_BYTES,
            "the camera {shown} has no frames smaller than {width}×{height}, and there is room for 640×480"
        );
        return Ok(Opened {
            device,
            taken: Taken { width, height, format },
            stride: (found.stride as usize).max(row_bytes),
            is_full_range: matches!(found.quantization, Quantization::FullRange),
        });
    }
    bail!(
        "the camera {shown} gives neither YUYV nor GREY; let ffmpeg read it: `ffmpeg -f v4l2 -i {shown} -vf scale=640:-2 \
         -pix_fmt yuv420p -f yuv4mpegpipe - | geode-door … --camera -`"
    )
}

/// A frame's pixels without gaps, in the full range.
fn pixels(opened: &Opened, bytes: &[u8]) -> Option<Vec<u8>> {
    let Opened { taken, stride, is_full_range, .. } = opened;
    let row_bytes = usize::from(taken.width) * taken.format.pixel_bytes();
    let mut pixels = Vec::with_capacity(row_bytes * usize::from(taken.height));
    for row in 0..usize::from(taken.height) {
        pixels.extend_from_slice(bytes.get(row * stride..row * stride + row_bytes)?);
    }
    if !is_full_range {
        video::range::stretch(&mut pixels, taken.format);
    }
    Some(pixels)
}

/// Puts frames on the shelf until the camera fails.
fn watch(opened: &Opened, shelf: &Shelf) -> io::Result<()> {
    let mut stream = MmapStream::with_buffers(&opened.device, Type::VideoCapture, BUFFERS)?;
    stream.set_timeout(PATIENCE);
    loop {
        let (bytes, meta) = stream.next()?;
        // A frame that the driver did not fill is left out.
        let whole = bytes.get(..meta.bytesused as usize).and_then(|bytes| pixels(opened, bytes));
        if let Some(pixels) = whole {
            shelf.replace(TakenFrame { taken: opened.taken, pixels });
        }
    }
}

/// Opens a camera, and reads it in a thread of its own. One that is gone is opened again when it is back.
///
/// # Errors
/// When there is no camera, or it gives no pixels that are read.
pub fn start(path: &Path, shelf: Arc<Shelf>) -> Result<()> {
    let mut opened = Some(open(path)?);
    let path: PathBuf = path.to_path_buf();
    let run = move || {
        loop {
            match &opened {
                Some(camera) => {
                    if let Err(error) = watch(camera, &shelf) {
                        say(format_args!(
                            "the camera {} fails ({error}); it is opened again when it is back",
                            path.display()
                        ));
                    }
                    opened = None;
                }
                None => {
                    std::thread::sleep(AGAIN);
                    opened = open(&path).ok();
                    if opened.is_some() {
                        say(format_args!("the camera {} is back", path.display()));
                    }
                }
            }
        }
    };
    std::thread::Builder::new().name("camera".to_string()).spawn(run).context("cannot start a thread")?;
    Ok(())
}
