//! The whole way, from photos to an emulated board that recognises people, on the data of ./setup.sh.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::imageops;
use serde::Serialize;

use crate::board::{Board, Memory};
use crate::crops::Source;
use crate::crops::cut::write_png;
use crate::export::{self, Job};
use crate::face::{Choice, Crop, Detector, Gates, Pipeline};
use crate::recognise::board::{Place, Timed, recognise};
use crate::recognise::{Answer, simulated};
use crate::{output, photo};

/// Height and width of the default network's crops.
const SIZE: [usize; 2] = [112, 112];

/// What the demo did.
#[derive(Clone, Debug, Serialize)]
pub struct Demo {
    /// How the image was made.
    pub export: export::Report,
    /// The image.
    pub image: PathBuf,
    /// Name of the board.
    pub board: &'static str,
    /// What the board said to each photo.
    pub probes: Vec<Probe>,
}

/// A photo shown to the board.
#[derive(Clone, Debug, Serialize)]
pub struct Probe {
    /// What is in it.
    pub shows: String,
    /// Who must be recognised; nobody for a stranger.
    pub expected: Option<&'static str>,
    /// What the board said.
    #[serde(flatten)]
    pub said: Timed,
    /// Whether that is right.
    pub right: bool,
    /// Whether the simulator said the same, to the last bit of every cosine.
    pub simulator_agrees: bool,
}

/// Runs the demo.
///
/// # Errors
/// When data of ./setup.sh is missing, an expected face is not found, or the board does not answer.
pub fn demo(data: &Path, output: &Path, board: &'static Board) -> Result<Demo> {
    let can_build = facts::toolchain::cargo(&board.target).is_some();
    ensure!(can_build, "no compiler for {}; run ./setup.sh first", board.name);
    output::make_folder(output)?;
    let is_in_data = output.canonicalize()?.starts_with(data.canonicalize().unwrap_or_default());
    ensure!(
        !is_in_data || !data.is_dir(),
        "--output {} is in --data {}, whose photos it could overwrite; give another folder",
        output.display(),
        data.display()
    );
    output::step(&format!("1/4 finding faces in the photos of {}", data.join("faces").display()));
    let detector = Detector::load(&data.join("faceplugin"))?;
    let probes = cut_crops(&detector, &data.join("faces"), output)?;

    output::step(
        "2/4 making the flash image: quantising the network, enrolling Obama and Biden (some seconds)",
    );
    let memory = Memory::default();
    let exported = export::export(&Job {
        room: Some(board.room(memory)),
        enrol: Some(output.join("people")),
        cohort: Some(output.join("strangers")),
        ..Job::new(data.join("faceplugin/fr_feature.onnx"))
    })?;
    let image = output.join("image.geode");
    output::write_whole(&image, &exported.image)?;

    output::step("3/4 making the firmware");
    board.build()?;

    let seconds = 4 * probes.len();
    output::step(&format!(
        "4/4 {}: recognising {} photos in QEMU (about {seconds} s)",
        board.about,
        probes.len()
    ));
    let photos: Vec<PathBuf> = probes.iter().map(|(path, ..)| path.clone()).collect();
    let said =
        recognise(&Place::Emulated { board, image: image.clone(), memory }, &photos, &Source::aligned())?;
    let simulations: Vec<Answer> = simulated(&image, &photos, &Source::aligned())?;
    let probes =
        probes.into_iter().zip(said).zip(simulations).map(|(((_, shows, expected), said), simulated)| {
            let person = said.answer.person.as_deref().filter(|_| said.answer.accepted);
            Probe {
                shows,
                expected,
                right: person == expected,
                simulator_agrees: said.answer == simulated,
                said,
            }
        });
    Ok(Demo { export: exported.report, image, board: &board.name, probes: probes.collect() })
}

/// Whether the board was right about every photo.
///
/// # Errors
/// When it was not.
pub fn judge(demo: &Demo) -> Result<()> {
    let wrong = demo.probes.iter().filter(|probe| !probe.right || !probe.simulator_agrees).count();
    ensure!(wrong == 0, "{wrong} of {} photos came out otherwise than they must", demo.probes.len());
    Ok(())
}

type Shown = (PathBuf, String, Option<&'static str>);

/// Cuts the crops out of the photos: `people/` to enrol, `strangers/` to measure the threshold on, `probes/` to show
/// to the board; gives the latter.
fn cut_crops(detector: &Detector, faces: &Path, output: &Path) -> Result<Vec<Shown>> {
    if output.exists() {
        for folder in ["people", "strangers", "probes"] {
            let folder = output.join(folder);
            if folder.is_dir() {
                std::fs::remove_dir_all(&folder)
                    .with_context(|| format!("cannot empty {}", folder.display()))?;
            }
        }
    }
    let faces_of = |choice| Pipeline { detector: detector.clone(), choice, gates: Some(Gates::default()) };
    let one = |file: &str| -> Result<image::RgbImage> {
        let path = faces.join(file);
        let photo = photo::load(&path).context("./setup.sh --data-only fetches it")?;
        let crops = faces_of(Choice::Largest).crops(&photo, SIZE);
        let crop = crops.with_context(|| path.display().to_string())?.swap_remove(0);
        Ok(crop.image)
    };
    let mut probes = Vec::new();
    for (file, crop) in [("Obama/obama.png", one("obama.jpg")?), ("Obama/obama2.png", one("obama2.jpg")?)] {
        write_png(&output.join("people").join(file), &crop)?;
    }
    let mut show = |file: &str, crop: &image::RgbImage, shows: String, expected| -> Result<()> {
        let path = output.join("probes").join(file);
        write_png(&path, crop)?;
        probes.push((path, shows, expected));
        Ok(())
    };
    show("obama3.png", &one("obama3.jpg")?, "Obama, a photo not enrolled".to_string(), Some("Obama"))?;
    let biden = one("biden.jpg")?;
    write_png(&output.join("people/Biden/biden.png"), &biden)?;
    // There is one photo of him only.
    show(
        "biden-mirrored.png",
        &imageops::flip_horizontal(&biden),
        "Biden, enrolled photo mirrored".to_string(),
        Some("Biden"),
    )?;

    for (group, shown) in [("1", false), ("2", false), ("3", false), ("4", true), ("5", true), ("6", true)] {
        let path = faces.join(format!("strangers/sample{group}.jpg"));
        let photo = photo::load(&path).context("./setup.sh --data-only fetches it")?;
        let crops = faces_of(Choice::All).crops(&photo, SIZE).with_context(|| path.display().to_string())?;
        for (index, Crop { image: crop, .. }) in crops.iter().enumerate() {
            let file = format!("sample{group}-{}.png", index + 1);
            if shown {
                show(&file, crop, format!("a stranger, sample{group}.jpg face {}", index + 1), None)?;
            } else {
                write_png(&output.join("strangers").join(file), crop)?;
            }
        }
    }
    Ok(probes)
}
