//! `host gallery`: who is enrolled in an image, and changing that.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use host::arcface::{Loss, MarginKind};
use host::name::visible;
use host::output::{self, Named, Planned};
use host::people::change::{Changed, add, merge, remove};
use host::people::closeness::Closeness;
use host::people::gallery::people_of;
use host::people::list::{Listed, list};
use host::people::statistics::{self, Loose, Statistics};
use host::simulator::AlignedBytes;
use serde::Serialize;

use super::photos::Photos;
use super::rewrite::rewrite;
use super::values::{MARGINS, finite, one_of, positive};
use super::{show, show_beside};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Who is enrolled, with their photos, centres, and nearest other person.
    List {
        /// Flash image.
        image: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Enrol new people, without the photos of the others.
    #[command(mut_arg("aligned", |arg| arg.conflicts_with("detector")))]
    Add {
        /// Flash image; changed in place unless --output is given.
        image: PathBuf,
        /// Folder of people: a subfolder each, with photos of them.
        people: PathBuf,
        /// Where to write the changed image, in the same container.
        #[arg(short, long)]
        output: Option<PathBuf>,
        /// Keep photos that look like another person's than the folder says.
        #[arg(long)]
        keep_outliers: bool,
        /// Enrol people who look like one under two names.
        #[arg(long)]
        allow_duplicates: bool,
        /// How photos are read.
        #[command(flatten)]
        photos: Photos,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove people; nothing of them stays in the image.
    Remove {
        /// Flash image; changed in place unless --output is given.
        image: PathBuf,
        /// Names.
        #[arg(required = true)]
        names: Vec<String>,
        /// Where to write the changed image, in the same container.
        #[arg(short, long)]
        output: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Add the people of another image of the same network, exported with the same --calibrate photos.
    Merge {
        /// Flash image; changed in place unless --output is given.
        image: PathBuf,
        /// The other image.
        other: PathBuf,
        /// Where to write the changed image, in the same container.
        #[arg(short, long)]
        output: Option<PathBuf>,
        /// Take people who look like one under two names.
        #[arg(long)]
        allow_duplicates: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write names and centres as JSON.
    Export {
        /// Flash image.
        image: PathBuf,
        /// Where to write it.
        #[arg(short, long)]
        output: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// The angle statistics of the gallery, and ArcFace's loss of each photo.
    #[command(mut_arg("aligned", |arg| arg.conflicts_with("detector")))]
    Report {
        /// Flash image.
        image: PathBuf,
        /// Folder of the enrolled people's photos; without, only what the centres tell.
        #[arg(long)]
        people: Option<PathBuf>,
        /// Margin of the loss that the network was trained with.
        #[arg(long, value_parser = one_of(MARGINS), default_value = "arcface")]
        margin_kind: MarginKind,
        /// The kind's margin [default: softmax none, sphereface 4, arcface 0.5, cosface 0.35].
        #[arg(long, value_parser = finite, conflicts_with = "combined")]
        m: Option<f32>,
        /// Margins of cos(M1 θ + M2) − M3, instead of one kind's: three numbers.
        #[arg(long, value_parser = finite, value_delimiter = ',', num_args = 3, value_names = ["M1", "M2", "M3"])]
        combined: Option<Vec<f32>>,
        /// Scale s of the logits.
        #[arg(long, value_parser = positive::<f32>, default_value_t = 64.0)]
        s: f32,
        /// How photos are read.
        #[command(flatten)]
        photos: Photos,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::List { image, json } => {
            let bytes = AlignedBytes::read(image)?;
            show(*json, &list(&bytes.image(image)?), |out, listed| print_list(out, listed))
        }
        Command::Add { image, people, output, keep_outliers, allow_duplicates, photos, json } => {
            let read = [Some(Named::new("PEOPLE", people)), photos.named()];
            change(*json, image, output.as_deref(), read.into_iter().flatten(), || {
                add(image, people, &photos.source(), *keep_outliers, *allow_duplicates)
            })
        }
        Command::Remove { image, names, output, json } => {
            change(*json, image, output.as_deref(), None, || remove(image, names))
        }
        Command::Merge { image, other, output, allow_duplicates, json } => {
            let read = Some(Named::new("OTHER", other));
            change(*json, image, output.as_deref(), read, || merge(image, other, *allow_duplicates))
        }
        Command::Export { image, output, json } => {
            let outputs = vec![Named::new("--output", output)];
            Planned { outputs, inputs: vec![Named::new("IMAGE", image)], ..Planned::default() }.check()?;
            let bytes = AlignedBytes::read(image)?;
            let people = people_of(&bytes.image(image)?);
            output::write_json(output, &people)?;
            let saved = Saved { people: people.len(), output };
            show_beside(output, *json, &saved, |out, Saved { people, output }| {
                writeln!(out, "{people} people written to {}", output.display())
            })
        }
        Command::Report { image, people, margin_kind, m, combined, s, photos, json } => {
            let loss = match combined.as_deref() {
                Some(&[m1, m2, m3]) => Loss { s: *s, m1, m2, m3 },
                _ => Loss::of_kind(*margin_kind, *m, *s),
            };
            let measured = statistics::measure(image, people.as_deref(), &photos.source(), loss)?;
            show(*json, &measured, print_statistics)
        }
    }
}

/// People written to a file.
#[derive(Serialize)]
struct Saved<'a> {
    /// How many.
    people: usize,
    /// The file.
    output: &'a Path,
}

/// A changed image written to a file.
#[derive(Serialize)]
struct Written<'a> {
    /// What changed.
    #[serde(flatten)]
    changed: &'a Changed,
    /// The file.
    output: &'a Path,
}

/// Changes an image, in place unless an output is given. `read` is what else is read.
fn change(
    json: bool,
    image: &Path,
    output: Option<&Path>,
    read: impl IntoIterator<Item = Named>,
    make: impl FnOnce() -> Result<Changed>,
) -> Result<()> {
    let (changed, path) = rewrite(image, output, read, || {
        let mut changed = make()?;
        Ok((std::mem::take(&mut changed.image), changed))
    })?;
    show_beside(path, json, &Written { changed: &changed, output: path }, print_written)
}

fn print_written(out: &mut String, Written { changed, output }: &Written<'_>) -> fmt::Result {
    let Changed { added, removed, people, warnings, .. } = changed;
    output::warn_all(warnings);
    let done: Vec<String> = [(added, "enrolled"), (removed, "removed")]
        .into_iter()
        .filter(|(names, _)| !names.is_empty())
        .map(|(names, done)| format!("{} {done}", names.len()))
        .collect();
    writeln!(out, "{}, {people} in all; written to {}", done.join(", "), output.display())
}

fn print_list(out: &mut String, rows: &[Listed]) -> fmt::Result {
    writeln!(out, "{:24} {:>6} {:>7}  nearest other person", "name", "photos", "centres")?;
    for Listed { name, photos, centres, nearest, nearest_degrees } in rows {
        let nearest = match (nearest, nearest_degrees) {
            (Some(name), Some(degrees)) => format!("{name} at {degrees:.0}°"),
            _ => "-".to_string(),
        };
        writeln!(out, "{:24} {photos:>6} {centres:>7}  {}", visible(name), visible(&nearest))?;
    }
    writeln!(out, "{} people", rows.len())?;
    Ok(())
}

fn print_statistics(out: &mut String, measured: &Statistics) -> fmt::Result {
    output::warn_all(&measured.warnings);
    let Loss { s, m1, m2, m3 } = measured.loss;
    let degrees = |value: Option<f32>| value.map_or("-".to_string(), |value| format!("{value:.1}°"));
    writeln!(out, "{} people", measured.people)?;
    writeln!(out, "  photo to its own person, mean              {:>7}", degrees(measured.intra))?;
    writeln!(out, "  person to the nearest other, mean          {:>7}", degrees(measured.inter))?;
    writeln!(out, "  any two people, mean                       {:>7}", degrees(measured.between))?;
    if let Some(loss) = measured.mean_loss {
        writeln!(
            out,
            "  loss of a photo, mean                      {loss:>7.3}   s = {s}, cos({m1} θ + {m2}) − {m3}"
        )?;
    }
    for Loose { name, spread_degrees } in &measured.loose {
        writeln!(out, "too loose: {name}, photos {spread_degrees:.0}° from their centre on average")?;
    }
    for Closeness { names: [a, b], angle_degrees } in &measured.close {
        writeln!(out, "too close: {a} and {b}, {angle_degrees:.0}° apart")?;
    }
    if !measured.photos.is_empty() {
        writeln!(out, "\nphotos of the largest loss")?;
        writeln!(out, "{:>8} {:>6}  {:20} {:>6}  photo", "loss", "own", "nearest other", "")?;
    }
    for row in measured.photos.iter().take(10) {
        writeln!(
            out,
            "{:>8.3} {:>5.0}°  {:20} {:>5.0}°  {}",
            row.loss,
            row.angle_degrees,
            row.nearest,
            row.nearest_degrees,
            row.photo.display()
        )?;
    }
    Ok(())
}
