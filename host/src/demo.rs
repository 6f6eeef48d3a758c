//! The whole way, from raw photos to an emulated board that sees camera frames and recognises people, on the data of
//! ./setup.sh.

pub mod door;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use format::PixelFormat;
use image::{RgbImage, imageops};
use link::message::{Ruling, SightCost};
use serde::Serialize;

use crate::board::{Board, Memory};
use crate::crops::cut::write_png;
use crate::crops::{Content, Finding, Source, to_calibrate};
use crate::export::{self, EyesFrom, Job};
use crate::face::Choice;
use crate::recognise::board::Place;
use crate::recognise::frames::{Film, Sighting, on_board, simulated};
use crate::report::sheet::{Cell, sheet};
use crate::sight::camera::Settings;
use crate::sight::photo::{Sighted, see};
use crate::sight::{Networks, QuantisedEyes, Seer, fit, frames, gates};
use crate::{output, photo};

/// Side of the part that is cut out around a face of a group, in widths of its box.
const AROUND: f32 = 2.6;

/// What the demo did.
#[derive(Clone, Debug, Serialize)]
pub struct Demo {
    /// How the image was made.
    pub export: export::Report,
    /// The image.
    pub image: PathBuf,
    /// Picture of the frames with what was seen.
    pub picture: PathBuf,
    /// Name of the board.
    pub board: &'static str,
    /// What the board said to each frame.
    pub probes: Vec<Probe>,
    /// The day of a device that remembers; none on a board without memory for people.
    pub door: Vec<door::Step>,
}

/// A frame shown to the board.
#[derive(Clone, Debug, Serialize)]
pub struct Probe {
    /// What is in it.
    pub shows: String,
    /// What must come out.
    pub expected: Expected,
    /// What the board saw.
    #[serde(flatten)]
    pub said: Sighting,
    /// Whether that is right.
    pub right: bool,
    /// Whether the simulator saw the same, to the last bit.
    pub simulator_agrees: bool,
}

/// What must come out of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// This person.
    Person(&'static str),
    /// Somebody who is not enrolled.
    Stranger,
    /// Nobody.
    Nothing,
}

/// A frame to show.
struct Exhibit {
    photo: PathBuf,
    shows: String,
    expected: Expected,
}

/// Runs the demo.
///
/// # Errors
/// When data of ./setup.sh is missing, an expected face is not found, or the board does not answer.
pub fn demo(data: &Path, output: &Path, board: &'static Board) -> Result<Demo> {
    board.machine_name()?;
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
    let faces = data.join("faces");
    output::step(&format!("1/5 quantising the board's eyes, and sorting the photos of {}", faces.display()));
    let eyes = eyes(data, &faces)?;
    let shown = sort(&eyes, &faces, output)?;

    output::step(
        "2/5 making the flash image: quantising the network, enrolling Obama and Biden (some seconds)",
    );
    let memory = Memory::default();
    let content = Content::Raw { finding: Finding::Image, choice: Choice::Largest, has_gates: true };
    let exported = export::export(&Job {
        room: Some(board.room(memory)),
        enrol: Some(output.join("people")),
        cohort: Some(output.join("strangers")),
        photos: Source { content, is_strict: true },
        eyes: Some(EyesFrom::Quantised(eyes)),
        ..Job::new(data.join("faceplugin/fr_feature.onnx"))
    })?;
    let image = output.join("image.geode");
    output::write_whole(&image, &exported.image)?;

    output::step("3/5 making the firmware");
    board.build()?;

    output::step(&format!(
        "4/5 {}: looking at {} camera frames in QEMU, about a second each",
        board.about,
        shown.len()
    ));
    let paths = shown.iter().map(|shown| shown.photo.clone()).collect();
    let settings = Settings { format: Some(PixelFormat::Rgb565), size: None };
    let film = Film { paths, settings, is_strict: true };
    let said = on_board(&Place::Emulated { board, image: image.clone(), memory }, &film, false)?;
    let simulations = simulated(&image, &film)?;
    let picture = output.join("seen.png");
    let photos: Vec<RgbImage> =
        shown.iter().map(|shown| Ok(frames::fitted(&photo::load(&shown.photo)?))).collect::<Result<_>>()?;
    let cells: Vec<Cell<'_>> = (photos.iter().zip(&said).zip(&shown))
        .map(|((frame, said), shown)| Cell { frame, seen: &said.seen, shows: &shown.shows })
        .collect();
    let title =
        format!("What {} saw in frames of 320×240, and how near the enrolled people are", board.about);
    output::write_whole(&picture, &sheet(&title, &cells)?)?;
    let probes = shown.into_iter().zip(said).zip(simulations).map(|((shown, said), simulated)| {
        let uncounted = |mut sighting: Sighting| {
            sighting.seen.cost = SightCost::default();
            sighting.seen
        };
        Probe {
            right: outcome(&said) == Some(shown.expected),
            simulator_agrees: uncounted(said.clone()) == uncounted(simulated),
            shows: shown.shows,
            expected: shown.expected,
            said,
        }
    });
    let probes = probes.collect();
    let door = if board.memory.store.is_some() {
        output::step("5/5 a device on this board: enrolling, pulling the plug, deleting");
        door::live(board, &image, output)?
    } else {
        let boards = crate::board::with_store().join(", ");
        output::step(&format!(
            "5/5 {} has no memory for people; --board of these has: {boards}",
            board.about
        ));
        Vec::new()
    };
    Ok(Demo { export: exported.report, image, picture, board: &board.name, probes, door })
}

/// What came out of a frame, in the terms of what must; `None` for anything else.
fn outcome(said: &Sighting) -> Option<Expected> {
    let Some(face) = &said.seen.face else { return Some(Expected::Nothing) };
    let decided = face.look.as_ref()?.decided.as_ref()?;
    let decision = &decided.decision;
    if decision.ruling != Ruling::Accepted {
        return Some(Expected::Stranger);
    }
    let name = &*decision.best.as_ref()?.name;
    ["Obama", "Biden"].into_iter().find(|&known| known == name).map(Expected::Person)
}

/// Whether the board was right about every frame.
///
/// # Errors
/// When it was not.
pub fn judge(demo: &Demo) -> Result<()> {
    let wrong = demo.probes.iter().filter(|probe| !probe.right || !probe.simulator_agrees).count();
    ensure!(wrong == 0, "{wrong} of {} frames came out otherwise than they must", demo.probes.len());
    let wrong = demo.door.iter().filter(|step| !step.right).count();
    ensure!(
        wrong == 0,
        "{wrong} of {} steps of the device came out otherwise than they must",
        demo.door.len()
    );
    Ok(())
}

/// Pixels between the eyes in crops of the network.
const CROP_EYES: f32 = 35.2;

/// The board's eyes, quantised on all photos.
fn eyes(data: &Path, faces: &Path) -> Result<QuantisedEyes> {
    ensure!(faces.is_dir(), "there is no folder {}: ./setup.sh --data-only fetches it", faces.display());
    let networks = Networks { detector: data.join("faceplugin"), ..Networks::default() };
    let photos = photo::folder::list(faces)?.found;
    fit(&networks.known(CROP_EYES)?, &to_calibrate(&photos, &mut Vec::new())?)
}

/// Sorts the photos: `people/` to enrol, `strangers/` to measure the threshold on, `probes/` to show to the board, `door/` to
/// enrol on a device; gives the exhibits. Group photos are cut into photos of one person.
fn sort(eyes: &QuantisedEyes, faces: &Path, output: &Path) -> Result<Vec<Exhibit>> {
    for folder in ["people", "strangers", "probes", "door"] {
        let folder = output.join(folder);
        if folder.is_dir() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
    }
    let load = |file: &str| photo::load(&faces.join(file)).context("./setup.sh --data-only fetches it");
    for (file, place) in [
        ("obama.jpg", "people/Obama/obama.png"),
        ("obama2.jpg", "people/Obama/obama2.png"),
        ("biden.jpg", "people/Biden/biden.png"),
    ] {
        write_png(&output.join(place), &load(file)?)?;
    }
    let groups = (1..=6).map(|group| Ok((group, load(&format!("strangers/sample{group}.jpg"))?)));
    let groups: Vec<(usize, RgbImage)> = groups.collect::<Result<_>>()?;
    let seer = Seer::new(eyes)?;
    let mut shown = Vec::new();
    let mut show = |file: &str, photo: &RgbImage, shows: String, expected| -> Result<()> {
        let path = output.join("probes").join(file);
        write_png(&path, photo)?;
        shown.push(Exhibit { photo: path, shows, expected });
        Ok(())
    };
    let obama = Expected::Person("Obama");
    // As near as somebody stands before a door.
    let near = |file: &str| -> Result<RgbImage> {
        let parts = apart(&seer, &load(file)?)?;
        parts.into_iter().next().with_context(|| format!("no usable face in {file}"))
    };
    show("obama3.png", &near("obama3.jpg")?, "Obama, a photo not enrolled".to_string(), obama)?;
    for file in ["obama.jpg", "obama2.jpg", "obama3.jpg"] {
        let photo = near(file)?;
        let place = |name: &str| output.join("door").join(format!("{name}-{file}")).with_extension("png");
        write_png(&place("obama"), &photo)?;
        write_png(&place("mirrored"), &imageops::flip_horizontal(&photo))?;
    }
    // There is one photo of him only.
    let mirrored = imageops::flip_horizontal(&near("biden.jpg")?);
    show("biden.png", &mirrored, "Biden, mirrored".to_string(), Expected::Person("Biden"))?;

    for (group, photo) in &groups {
        for (index, part) in apart(&seer, photo)?.iter().enumerate() {
            let (number, file) = (index + 1, format!("sample{group}-{}.png", index + 1));
            if *group > 3 {
                show(
                    &file,
                    part,
                    format!("a stranger, sample{group}.jpg face {number}"),
                    Expected::Stranger,
                )?;
            } else {
                write_png(&output.join("strangers").join(file), part)?;
            }
        }
    }
    let wall = imageops::blur(&imageops::crop_imm(&groups[0].1, 0, 0, 320, 240).to_image(), 30.0);
    show("wall.png", &wall, "a wall".to_string(), Expected::Nothing)?;
    Ok(shown)
}

/// The parts of a photo around the faces that a board would take, the largest face first.
fn apart(seer: &Seer, photo: &RgbImage) -> Result<Vec<RgbImage>> {
    let view = frames::frame(photo)?;
    let mut found = see(seer, &view, 1.0, &gates::limits(CROP_EYES), true)?.faces;
    found.sort_by_key(|face| std::cmp::Reverse(face.found.bounds.area()));
    let mut parts = Vec::new();
    for Sighted { found: face, .. } in found.iter().filter(|face| face.verdict.is_ok()) {
        let side = AROUND * face.bounds.width() as f32 / 256.0;
        let centre = face.bounds.centre();
        let range = |centre: i32, most: u32| {
            let middle = centre as f32 / 256.0 + 0.5;
            let [low, high] =
                [middle - side / 2.0, middle + side / 2.0].map(|x| x.clamp(0.0, most as f32) as u32);
            (low, (high - low).max(1))
        };
        let ((x, width), (y, height)) = (range(centre.x, photo.width()), range(centre.y, photo.height()));
        parts.push(imageops::crop_imm(photo, x, y, width, height).to_image());
    }
    Ok(parts)
}
