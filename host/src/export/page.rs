//! An export as data for a page of plots.

use std::path::Path;

use anyhow::Result;

use super::{Exported, Report};
use crate::people::gallery::{people_of, unit_centre};
use crate::report::thresholds::Thresholds;
use crate::report::{Page, angles, arena};
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
    Ok(Page {
        title: format!("Export of {network}"),
        facts: vec![
            ("people".to_string(), people.len().to_string()),
            ("strangers".to_string(), exported.report.strangers.to_string()),
            ("mean cosine between int8 and float".to_string(), format!("{:.4}", agreement.mean_cosine)),
            ("image".to_string(), format!("{} bytes", exported.report.image_bytes)),
            ("arena".to_string(), format!("{} bytes", exported.report.arena_bytes)),
        ],
        warnings: warnings.clone(),
        thresholds: Some(Thresholds::of(thresholds, people.len())),
        angles: (enrolled.len() > 1).then(|| angles::Angles::of(&enrolled, None)),
        layers: layers.clone(),
        arena: Some(arena::Arena::of(&image.embedder, name)),
        ..Page::default()
    })
}
