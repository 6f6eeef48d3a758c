//! `host evaluate` for an image's eyes: what is printed of detection and of the photo check.

use std::fmt::{self, Write as _};

use host::accuracy::attack::{AtRate, Attack, Presented};
use host::accuracy::detection::{AtHeight, Detection, Nonface, PointError};
use host::bounds::Rate;
use host::output;
use host::sight::gates::Refused;

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A rate, and its bounds by people and by photos.
fn bounded(rate: &Rate) -> [String; 3] {
    let between = |[low, high]: [f64; 2]| format!("{:.1} … {:.1} %", 100.0 * low, 100.0 * high);
    [percent(rate.rate), between(rate.bounds_by_people), between(rate.bounds_by_comparisons)]
}

fn reasons(counts: &[Refused]) -> String {
    counts.iter().map(|Refused { reason, count }| format!("{reason} {count}")).collect::<Vec<_>>().join(", ")
}

pub fn print_detection(out: &mut String, measured: &Detection) -> fmt::Result {
    output::warn_all(&measured.warnings);
    let Detection { faces, people, frame: [width, height], .. } = measured;
    writeln!(out, "{faces} faces of {people} people, in frames of {width}×{height}")?;
    writeln!(
        out,
        "{:>14} {:>8} {:>18} {:>18} {:>16} {:>9}  reasons",
        "face's height", "found", "95 %, by people", "95 %, by photos", "points, p50 p90", "refused"
    )?;
    for AtHeight { height, median_height, found, points, refused, reasons: counts } in &measured.rows {
        let size = match height {
            Some(height) => format!("{height:.2}"),
            None => format!("whole ({median_height:.2})"),
        };
        let points = points.map_or("-".to_string(), |PointError { median, p90 }| {
            format!("{median:.3} {}", p90.map_or("-".to_string(), |p90| format!("{p90:.3}")))
        });
        let [rate, by_people, by_photos] = bounded(found);
        writeln!(
            out,
            "{size:>14} {rate:>8} {by_people:>18} {by_photos:>18} {points:>16} {:>9}  {}",
            percent(refused.rate),
            reasons(counts)
        )?;
    }
    writeln!(
        out,
        "Height is a share of the frame's; whole: each photo as large as it fits. Points: error over the distance of the \
         eyes. Refused: share of the faces found."
    )?;
    if let Some(Nonface { pictures, views, found, passed, pictures_passed }) = &measured.nonface {
        writeln!(out, "\n{pictures} pictures without faces, {views} views")?;
        for (what, rate) in [("taken for a face", found), ("and passed by the gates", passed)] {
            let [rate, by_pictures, by_views] = bounded(rate);
            writeln!(out, "{what:>24} {rate:>8}   95 %, by pictures {by_pictures}, by views {by_views}")?;
        }
        for picture in pictures_passed {
            writeln!(out, "  passed: {}", picture.display())?;
        }
    }
    writeln!(out, "{}", measured.bounds_hold_for)?;
    writeln!(out, "{:.1} s", measured.seconds)
}

pub fn print_attack(out: &mut String, measured: &Attack) -> fmt::Result {
    output::warn_all(&measured.warnings);
    writeln!(
        out,
        "photo check by {}, live from a score of {:.3} (the image's)",
        measured.network, measured.threshold
    )?;
    writeln!(
        out,
        "{:20} {:>7} {:>7} {:>7} {:>8} {:>18} {:>18} {:>12}  without an answer",
        "", "photos", "people", "", "wrong", "95 %, by people", "95 %, by photos", "no answer"
    )?;
    let live = [("BPCER", "BPNRR", &measured.bona_fide)];
    let attacks = measured.attacks.iter().map(|attack| ("APCER", "APNRR", attack));
    for (rate, unanswered_rate, presented) in live.into_iter().chain(attacks) {
        let Presented { name, photos, people, wrong, unanswered, reasons: counts } = presented;
        let [share, by_people, by_photos] = bounded(wrong);
        let share = if wrong.comparisons == 0 { "-".to_string() } else { share };
        writeln!(
            out,
            "{name:20} {photos:>7} {people:>7} {rate:>7} {share:>8} {by_people:>18} {by_photos:>18} {:>12}  {}",
            format!("{unanswered_rate} {}", percent(unanswered.rate)),
            reasons(counts)
        )?;
    }
    match measured.apcer {
        Some(apcer) => writeln!(out, "greatest APCER of a kind of attack: {}", percent(apcer))?,
        None => writeln!(out, "no attack got an answer, so there is no APCER")?,
    }
    for AtRate { apcer_asked, threshold, apcer, bpcer } in &measured.operating {
        let [share, by_people, by_photos] = bounded(bpcer);
        writeln!(
            out,
            "live from {threshold:.4}: APCER {} (at most {} asked), BPCER {share}, 95 % by people {by_people}, by photos \
             {by_photos}",
            percent(*apcer),
            percent(*apcer_asked)
        )?;
    }
    writeln!(out, "Thresholds that were chosen on these attacks promise nothing for others.")?;
    writeln!(out, "{}", measured.bounds_hold_for)?;
    writeln!(out, "{:.1} s", measured.seconds)
}
