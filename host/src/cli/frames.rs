//! Camera frames instead of photos: options of several commands, and what is printed of them.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use clap::Args;
use format::PixelFormat;
use host::name::visible;
use host::recognise::frames::{Film, Sighting};
use host::sight::camera::Settings;
use link::message::SightCost;

use super::photos::READING;
use super::values::{formats, size};

#[derive(Debug, Args)]
pub struct Frames {
    /// See camera frames instead of photos: photos or folders of photos, each put whole into a frame of 320 × 240 pixels,
    /// videos (.y4m), or files of raw video (.rgb565, .rgb565le, .yuv422, .rgb888, .grey).
    #[arg(long, num_args = 1.., value_name = "FILE", conflicts_with = "photos", conflicts_with_all = READING)]
    frames: Vec<PathBuf>,
    /// Format of the frames' pixels [default: rgb565; of raw video, the one that its name ends in]. A video .y4m says its own.
    #[arg(long, value_parser = formats(), requires = "frames")]
    frame_format: Option<PixelFormat>,
    /// Height and width of raw video's frames, such as 480x640 [default: 240x320].
    #[arg(long, value_parser = size, requires = "frames")]
    frame_size: Option<[usize; 2]>,
}

impl Frames {
    /// The frames, if there are any. With `is_strict` the first file that cannot be used is an error.
    pub fn film(&self, is_strict: bool) -> Option<Film> {
        let settings = Settings { format: self.frame_format, size: self.frame_size };
        (!self.frames.is_empty()).then(|| Film { paths: self.frames.clone(), settings, is_strict })
    }
}

pub fn print(out: &mut String, sightings: &[Sighting]) -> fmt::Result {
    let width = sightings.iter().map(|sighting| sighting.frame.chars().count()).max().unwrap_or(0);
    for Sighting { frame, words, .. } in sightings {
        writeln!(out, "{:width$}  {words}", visible(frame))?;
    }
    Ok(())
}

/// Instructions of a stage.
type Count = fn(&SightCost) -> u64;

/// [`print()`], and the cost on the board.
pub fn print_costs(out: &mut String, sightings: &[Sighting]) -> fmt::Result {
    print(out, sightings)?;
    let costs: Vec<_> = sightings.iter().map(|sighting| sighting.seen.cost).collect();
    let stages: [(&str, Count); 6] = [
        ("to find faces", |cost| cost.scan_instructions),
        ("to examine one", |cost| cost.look_instructions),
        ("for the photo check", |cost| cost.alive_instructions),
        ("to cut it out", |cost| cost.crop_instructions),
        ("to embed it", |cost| cost.embed_instructions),
        ("to match it", |cost| cost.match_instructions),
    ];
    let stages = stages.iter().filter_map(|(what, of)| {
        let most = costs.iter().map(of).max().filter(|&most| most > 0)?;
        Some(format!("{:.2} M {what}", most as f64 / 1e6))
    });
    let arena = costs.iter().map(|cost| cost.arena_bytes).max().unwrap_or(0);
    let stack = costs.iter().map(|cost| cost.stack_bytes).max().unwrap_or(0);
    writeln!(
        out,
        "\ninstructions per frame, at most: {}; {arena} bytes of arena, {stack} bytes of stack at most",
        stages.collect::<Vec<_>>().join(", ")
    )
}
