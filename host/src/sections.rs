//! Parts of the image from what the exporter computed: records and arrays to section bytes.

use anyhow::{Context, Result, ensure};
use app::pattern::Pattern;
use format::ModelId;
use format::gallery;
use format::golden::{self, Golden};
use format::header::{self, Section};
use format::layer::Layer;
use format::network::{self, Model, Output};
use format::policy::{self, Terms, Threshold};
use format::preprocess::Preprocess;
use nn::RowSource as _;

use crate::plan::{self, Plan};
use crate::quantize::{Quantised, emit};
use crate::simulator::Simulator;

/// Longest prefix of `text` that fits `limit` bytes.
fn prefix(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A network to write.
pub struct NetworkParts<'a> {
    /// Its name, for people; cut where it is too long.
    pub name: &'a str,
    /// SHA-256 of the file it was read from.
    pub source: [u8; 32],
    /// Description of its input.
    pub input: Preprocess,
    /// Its layers, placed by the plan.
    pub layers: &'a [Layer],
    /// Its outputs.
    pub outputs: &'a [Output<'a>],
    /// The plan of its memory.
    pub plan: &'a Plan,
    /// The arrays that layers refer to.
    pub blob: &'a [u8],
}

/// A NETWORK section.
///
/// # Errors
/// When there are too many layers, outputs or rows, or two outputs have one name.
pub fn network(parts: &NetworkParts<'_>) -> Result<Vec<u8>> {
    let NetworkParts { layers, outputs, plan, blob, .. } = *parts;
    let rows = layers.iter().map(|layer| usize::from(layer.output.height)).sum();
    for (what, count, most) in [
        ("layers", layers.len(), network::MAX_LAYERS),
        ("outputs", outputs.len(), network::MAX_OUTPUTS),
        ("rows in all its tensors together", rows, network::MAX_ROWS),
    ] {
        ensure!(count <= most, "the network has {count} {what}, at most {most} are supported");
    }
    let head = network::Head {
        name: prefix(parts.name, network::MAX_NAME),
        source: parts.source,
        input: parts.input,
        arena_bytes: plan.arena_bytes as u32,
        state_bytes: plan.state_bytes as u32,
    };
    let outputs: Vec<Output<'_>> = (outputs.iter())
        .map(|output| Output { name: prefix(output.name, network::MAX_OUTPUT_NAME), ..*output })
        .collect();
    for (index, output) in outputs.iter().enumerate() {
        ensure!(
            outputs[..index].iter().all(|other| other.name != output.name),
            "two outputs have names that begin alike, {}: an image keeps {} bytes of a name; rename one",
            output.name,
            network::MAX_OUTPUT_NAME
        );
    }
    let bytes = network::emitted_bytes(layers.len(), outputs.len(), plan.barriers.len(), blob.len());
    let mut section = vec![0; bytes];
    network::emit(&head, layers, &outputs, &plan.barriers, blob, &mut section);
    Ok(section)
}

/// The NETWORK section of a quantised network, whose memory is planned here, and the plan.
///
/// # Errors
/// As [`network()`]; also when an accumulator could overflow 32 bits.
pub fn quantised_network(
    name: &str,
    source: [u8; 32],
    input: &Preprocess,
    quantised: &Quantised,
) -> Result<(Vec<u8>, Plan)> {
    let (mut layers, blob) = emit::emit(quantised)?;
    let outputs: Vec<Output<'_>> = (quantised.graph.outputs.iter())
        .map(|output| Output {
            name: &output.name,
            tensor: output.node as u16,
            scale: quantised.layers[output.node].grid.scale,
            function: output.function,
        })
        .collect();
    let tensors: Vec<u16> = outputs.iter().map(|output| output.tensor).collect();
    let plan = plan::plan(&mut layers, &tensors);
    let parts = NetworkParts {
        name,
        source,
        input: *input,
        layers: &layers,
        outputs: &outputs,
        plan: &plan,
        blob: &blob.0,
    };
    Ok((network(&parts)?, plan))
}

/// The POLICY section.
pub fn policy(terms: &Terms, thresholds: &[Threshold]) -> Vec<u8> {
    let mut section = vec![0; policy::emitted_bytes(thresholds.len())];
    policy::emit(terms, thresholds.iter().copied(), &mut section);
    section
}

/// A person to enrol.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Enrolled {
    /// Name.
    pub name: String,
    /// Photos the centres were made from.
    pub photos: usize,
    /// Centres on the unit sphere, as [`quantise_centre`] makes them.
    pub centres: Vec<Vec<i8>>,
}

/// A unit vector in `int8`, its largest component at ±127.
pub fn quantise_centre(centre: &[f32]) -> Vec<i8> {
    let largest = centre.iter().fold(0f32, |largest, x| largest.max(x.abs())).max(f32::MIN_POSITIVE);
    centre.iter().map(|x| (x * 127.0 / largest).round() as i8).collect()
}

/// The GALLERY section.
///
/// # Errors
/// When a name is empty or too long, a person has no centre, or there are too many.
pub fn gallery(model: ModelId, dimension: usize, people: &[Enrolled]) -> Result<Vec<u8>> {
    for person in people {
        ensure!(
            (1..=gallery::MAX_NAME).contains(&person.name.len()),
            "name {:?} has {} bytes, 1 to {} are possible",
            person.name,
            person.name.len(),
            gallery::MAX_NAME
        );
        ensure!(!person.centres.is_empty(), "{} has no centre", person.name);
    }
    let persons: Vec<gallery::Person<'_>> = people
        .iter()
        .map(|p| gallery::Person { name: &p.name, photos: u16::try_from(p.photos).unwrap_or(u16::MAX) })
        .collect();
    let centres: Vec<(u16, &[i8])> = people
        .iter()
        .enumerate()
        .flat_map(|(number, person)| person.centres.iter().map(move |c| (number as u16, &**c)))
        .collect();
    centre_section(model, dimension, &persons, &centres)
}

/// The COHORT section: one centre for each stranger.
///
/// # Errors
/// When there are too many.
pub fn cohort(model: ModelId, dimension: usize, strangers: &[Vec<i8>]) -> Result<Vec<u8>> {
    let centres: Vec<(u16, &[i8])> =
        strangers.iter().enumerate().map(|(number, centre)| (number as u16, &**centre)).collect();
    centre_section(model, dimension, &[], &centres)
}

fn centre_section(
    model: ModelId,
    dimension: usize,
    people: &[gallery::Person<'_>],
    centres: &[gallery::Centre<'_>],
) -> Result<Vec<u8>> {
    ensure!(
        centres.len() <= gallery::MAX_CENTRES,
        "{} centres, at most {} are supported",
        centres.len(),
        gallery::MAX_CENTRES
    );
    for (index, (_, centre)) in centres.iter().enumerate() {
        ensure!(centre.len() == dimension, "centre of {} elements for {dimension} dimensions", centre.len());
        ensure!(centre.iter().any(|&x| x != 0), "centre {index} is all zero");
    }
    let mut section = vec![0; gallery::emitted_bytes(dimension, people, centres.len())];
    gallery::emit(model, dimension, people, centres, &mut section);
    Ok(section)
}

/// Seed of the golden crop's pixels.
const GOLDEN_SEED: u32 = 1;

/// The GOLDEN section: a generated crop, the same for every network of its size, and the embedding that the board's own code
/// computes for it.
///
/// # Errors
/// When the network does not run.
pub fn golden(embedder: &Model<'_>) -> Result<Vec<u8>> {
    let mut crop = vec![0; embedder.preprocess().crop_bytes()];
    let Ok(()) = Pattern::new(GOLDEN_SEED).row(0, &mut crop);
    let embedding = Simulator::new(embedder)?.embed(&crop)?;
    let mut section = vec![0; golden::emitted_bytes(embedding.len(), crop.len())];
    Golden { embedding: &embedding, crop: &crop }.emit(&mut section);
    Ok(section)
}

/// An image with some sections replaced or added. A signature that is not among them is left out: it was made for the image as
/// it was.
///
/// # Errors
/// When the bytes are not an image, or the result would be over 4 GiB.
pub fn replaced<B: AsRef<[u8]>>(bytes: &[u8], fresh: &[(Section, B)]) -> Result<Vec<u8>> {
    let old = header::parse(bytes).context("the image cannot be read")?;
    let kept = |section| (section != Section::Signature).then(|| old.get(section)).flatten();
    let parts: Vec<(Section, &[u8])> = (Section::ALL.into_iter())
        .filter_map(|section| {
            let new = fresh.iter().find(|(replaced, _)| *replaced == section);
            Some((section, new.map(|(_, bytes)| bytes.as_ref()).or_else(|| kept(section))?))
        })
        .collect();
    image(&parts)
}

/// Joins sections, in ascending order, into an image.
///
/// # Errors
/// When it would be over 4 GiB.
pub fn image<B: AsRef<[u8]>>(sections: &[(Section, B)]) -> Result<Vec<u8>> {
    let sections: Vec<(Section, &[u8])> =
        sections.iter().map(|(section, bytes)| (*section, bytes.as_ref())).collect();
    let bytes = header::emitted_bytes(&sections).context("the image would be over 4 GiB")?;
    let mut image = vec![0; bytes];
    header::emit(&sections, &mut image);
    Ok(image)
}
