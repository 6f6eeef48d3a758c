//! What a device's life needs: an image and people in front of the camera, as photos and as video.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use format::PixelFormat;
use host::export::{Job, export};
use host::photo;
use host::sight::camera::encode;
use host::sight::frames;
use host::simulator::AlignedBytes;
use image::{RgbImage, imageops};
use y4m::{Colorspace, Encoder, Ratio, VendorExtensionString};

use crate::{default_network, demo_faces, job, largest_face, made_once, with_eyes, write_faces};

/// A folder with `door.geode`, in which Biden is enrolled, and photos: six of Obama, one of Biden, strangers.
///
/// # Panics
/// When set-up has not been run.
pub fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| made_once("door", build))
}

fn build(folder: &Path) {
    let at = |name: &str| folder.join(name);
    let crop = largest_face();
    write_faces(&at("people").join("Biden"), &[crop("faces/biden.jpg")], [112, 112]);
    write_faces(&at("crops"), &demo_faces(), [112, 112]);
    let job = Job { enrol: Some(at("people")), force: true, ..job(&default_network(), &at("crops")) };
    let blind = AlignedBytes::copy(&export(&job).unwrap().image);
    std::fs::write(at("door.geode"), with_eyes(blind.bytes(), None)).unwrap();

    let obama = ["faces/obama.jpg", "faces/obama2.jpg", "faces/obama3.jpg"].map(&crop);
    let show = |name: &str, face: &RgbImage| {
        let frame = frames::placed(face, 1.0, [56.0, 56.0], [150.0, 125.0]);
        frame.save(at(name)).unwrap();
    };
    std::fs::create_dir(at("obama")).unwrap();
    for (number, face) in obama.iter().enumerate() {
        show(&format!("obama/{number}.png"), face);
        show(&format!("obama/{number}m.png"), &imageops::flip_horizontal(face));
    }
    show("biden.png", &crop("faces/biden.jpg"));
    std::fs::create_dir(at("strangers")).unwrap();
    for (number, face) in demo_faces().iter().enumerate().skip(4).take(8) {
        show(&format!("strangers/{number}.png"), face);
    }
}

/// Writes frames of 320 × 240 pixels as a video of 4:2:0 samples in the full range, 30 a second.
pub struct Recorder<W: Write>(Encoder<W>);

impl<W: Write> Recorder<W> {
    /// Writes the header.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn new(writer: W) -> Self {
        let full = VendorExtensionString::new(b"COLORRANGE=FULL".to_vec()).unwrap();
        let video = y4m::encode(320, 240, Ratio::new(30, 1)).with_colorspace(Colorspace::C420jpeg);
        Recorder(video.append_vendor_extension(full).write_header(writer).unwrap())
    }

    /// Writes a frame that shows a whole picture.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&mut self, picture: &RgbImage) -> Result<(), y4m::Error> {
        let pairs = encode(&frames::fitted(picture), PixelFormat::Yuv422).unwrap();
        let luminance: Vec<u8> = pairs.iter().step_by(2).copied().collect();
        // Colours of two rows become their mean.
        let [blue, red] = [1, 3].map(|place| -> Vec<u8> {
            let rows: Vec<Vec<u16>> = pairs
                .chunks_exact(640)
                .map(|row| row[place..].iter().step_by(4).copied().map(u16::from).collect())
                .collect();
            let means = rows.chunks_exact(2).flat_map(|two| two[0].iter().zip(&two[1]));
            means.map(|(above, below)| (above + below).div_ceil(2) as u8).collect()
        });
        self.0.write_frame(&y4m::Frame::new([&luminance, &blue, &red], None))
    }
}

/// Makes a video of photos, a frame for each.
///
/// # Panics
/// When a photo cannot be read, or the video not be written.
pub fn record(path: &Path, photos: &[impl AsRef<Path>]) {
    let mut recorder = Recorder::new(BufWriter::new(File::create(path).unwrap()));
    for photo in photos {
        recorder.record(&photo::load(photo.as_ref()).unwrap()).unwrap();
    }
}
