//! An export as data for a page of plots.

use std::path::Path;

use anyhow::Result;

use super::check::{CheckReport, Promise};
use super::{Discrimination, Exported, Report};
use crate::output::percent;
use crate::people::gallery::{people_of, unit_centre};
use crate::report::thresholds::Thresholds;
use crate::report::{Page, angles, arena};
use crate::sight::EyesReport;
use crate::sight::report::QuantisedNetwork;
use crate::simulator::AlignedBytes;

/// The page of an export.
///
/// # Errors
/// When the image cannot be read back.
pub fn page(exported: &Exported) -> Result<Page> {
    let bytes = AlignedBytes::copy(&exported.image);
    let image = bytes.image(Path::new("the image as exported"))?;
    let Report { network, agreement, layers, people, thresholds, warnings, .. } = &exported.report;
    let enrolled: Vec<(String, Vec<Vec<f32>>)> = people_of(&image)
        .into_iter()
        .map(|person| (person.name, person.centres.iter().map(|c| unit_centre(c)).collect()))
        .collect();
    let name = |index: usize| layers.get(index).map_or(String::new(), |layer| layer.name.clone());
    let mut facts = vec![
        ("people".to_string(), people.len().to_string()),
        ("strangers".to_string(), exported.report.strangers.to_string()),
        ("mean cosine between int8 and float".to_string(), format!("{:.4}", agreement.mean_cosine)),
    ];
    if let Some(centred) = agreement.centred_mean_cosine {
        facts.push(("the same without the common direction".to_string(), format!("{centred:.4}")));
    }
    if let Some(Discrimination { float, quantised, .. }) = exported.report.discrimination {
        facts.push((
            "mean cosine between unlike pictures".to_string(),
            format!("{:.4} (float), {:.4} (int8)", float.mean_cosine, quantised.mean_cosine),
        ));
    }
    if let Some(check) = &exported.report.check {
        facts.extend(check_facts(check));
    }
    facts.push(("stated bounds".to_string(), exported.report.bounds_hold_for.to_string()));
    if let Some(eyes) = &exported.report.eyes {
        facts.extend(eyes_facts(eyes));
    }
    facts.extend([
        ("image".to_string(), format!("{} bytes", exported.report.image_bytes)),
        ("arena".to_string(), format!("{} bytes", exported.report.arena_bytes)),
    ]);
    Ok(Page {
        title: format!("Export of {network}"),
        facts,
        warnings: warnings.clone(),
        thresholds: Some(Thresholds::of(thresholds, people.len())),
        angles: (enrolled.len() > 1).then(|| angles::Angles::of(&enrolled, None)),
        layers: layers.clone(),
        arena: Some(arena::Arena::of(&image.embedder, name)),
        ..Page::default()
    })
}

/// The networks of the board's eyes, and what they see beside the float ones.
fn eyes_facts(eyes: &EyesReport) -> Vec<(String, String)> {
    let network = |QuantisedNetwork { row, outputs, wide, .. }: &QuantisedNetwork| {
        let worst = outputs.iter().map(|output| output.sqnr_db).fold(f32::INFINITY, f32::min);
        let [height, width, channels] = row.input;
        let wide = if *wide > 0 { format!(", {wide} tensors of 16 bits") } else { String::new() };
        let figures = format!(
            "{} at {height}×{width}×{channels}: SQNR {worst:.0} dB or more, {} bytes of arena{wide}",
            row.network, row.arena_bytes
        );
        (format!("eyes: {}", row.role), figures)
    };
    let seen = ("what the eyes see".to_string(), eyes.beside_float.to_string());
    eyes.networks.iter().map(network).chain([seen]).collect()
}

/// The measured and the promised rate of a second population.
fn check_facts(check: &CheckReport) -> Vec<(String, String)> {
    let between = |[low, high]: [f64; 2]| format!("{} … {}", percent(low), percent(high));
    let measured = format!(
        "{} ({} by people, {} by photos), {} photos of {} people",
        percent(check.measured.rate),
        between(check.measured.bounds_by_people),
        between(check.measured.bounds_by_comparisons),
        check.photos,
        check.people
    );
    let promised = check.promised.map(|Promise { fpir, bound }| {
        ("strangers accepted, promised".to_string(), format!("{}, at most {}", percent(fpir), percent(bound)))
    });
    [("strangers accepted, second population".to_string(), measured)].into_iter().chain(promised).collect()
}
