//! Networks besides the embedder. They are quantised in the same way and judged output by output.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use format::Role;
use format::header::Section;
use format::network::Model;
use format::preprocess::{Colour, Preprocess};
use rayon::prelude::*;
use serde::Serialize;

use super::fit::worst;
use crate::graph::Graph;
use crate::onnx::{Cut, import_cut};
use crate::outline::Outline;
use crate::quantize::{Options, Preprocessing, quantise};
use crate::simulator::{AlignedBytes, Simulator};
use crate::{float, output, passes, sections};

/// A network to be quantised for an image.
#[derive(Clone, Debug)]
pub struct OtherJob {
    /// Role of the network.
    pub role: Role,
    /// The ONNX file.
    pub model: PathBuf,
    /// The part of the file that is used, and the size of its photos.
    pub cut: Cut,
    /// Let a network that was trained on colour take grey photos. The result is exact for grey photos.
    pub grey: bool,
    /// Order of a pixel's bytes, for a network that takes colour.
    pub colour: Colour,
    /// Preprocessing in the network's training.
    pub preprocessing: Preprocessing,
}

/// A quantised network.
#[derive(Clone, Debug)]
pub struct Other {
    /// The NETWORK section.
    pub section: AlignedBytes,
    /// One report for each output.
    pub outputs: Vec<OutputReport>,
    /// Bytes of arena.
    pub arena_bytes: usize,
    /// Tensors that were widened to 16 bits.
    pub wide: usize,
}

/// The difference of an output from the float network's output.
#[derive(Clone, Debug, Serialize)]
pub struct OutputReport {
    /// Name of the output in the file.
    pub name: String,
    /// Height, width, channels.
    pub shape: [usize; 3],
    /// The function that the file applies to the output and a board does not.
    pub function: &'static str,
    /// Signal to quantisation noise in dB, over all photos that were not used for calibration.
    pub sqnr_db: f32,
}

impl OtherJob {
    /// The network's input, with the size in the file or in the cut.
    ///
    /// # Errors
    /// As [`import_cut`].
    pub fn input(&self) -> Result<Preprocess> {
        let [height, width, channels] = import_cut(&self.model, &self.cut)?.input();
        Ok(self.preprocess([height, width, if self.grey { 1 } else { channels }]))
    }

    /// The network as the runtime executes it, in `f32`.
    ///
    /// # Errors
    /// As [`import_cut`]; also when a network cannot take grey photos.
    pub fn lowered(&self) -> Result<Graph> {
        self.lower(import_cut(&self.model, &self.cut)?.graph)
    }

    fn lower(&self, graph: Graph) -> Result<Graph> {
        let mut graph = passes::lower(graph);
        if self.grey {
            passes::grey::apply(&mut graph).with_context(|| self.model.display().to_string())?;
        }
        Ok(graph)
    }

    fn preprocess(&self, [height, width, channels]: [usize; 3]) -> Preprocess {
        let colour = if channels == 1 { Colour::Grey } else { self.colour };
        let Preprocessing { mean, scale } = self.preprocessing;
        Preprocess { height: height as u16, width: width as u16, colour, mean, scale, template: [[0; 2]; 5] }
    }
}

/// Quantises a network over the photos `seen` and compares it with its float form over the photos `judged`. A photo
/// has the form of [`OtherJob::input`], `[h][w][c]` bytes.
///
/// # Errors
/// When the file is not supported, a photo has another size, or `seen` or `judged` is empty.
pub fn quantise_other(job: &OtherJob, seen: &[Vec<u8>], judged: &[Vec<u8>]) -> Result<Other> {
    quantise_widened(job, seen, judged, 0)
}

/// As [`quantise_other`]; `wide` tensors get 16 bits, those that lose most by rounding.
///
/// # Errors
/// As [`quantise_other`].
pub fn quantise_widened(job: &OtherJob, seen: &[Vec<u8>], judged: &[Vec<u8>], wide: usize) -> Result<Other> {
    let imported = import_cut(&job.model, &job.cut)?;
    let graph = job.lower(imported.graph)?;
    Outline::of(&graph).with_context(|| job.model.display().to_string())?;
    let input = job.preprocess(graph.nodes[0].shape);
    ensure!(
        !seen.is_empty() && !judged.is_empty(),
        "the {} needs photos for its quantisation",
        job.role.name()
    );
    let sizes = seen.iter().chain(judged).map(Vec::len);
    for bytes in sizes {
        ensure!(
            bytes == input.crop_bytes(),
            "a photo of {bytes} bytes, the {} takes {}",
            job.role.name(),
            input.crop_bytes()
        );
    }
    let name = job.model.file_stem().and_then(|stem| stem.to_str()).unwrap_or("network");
    let written = |options: &Options| {
        let quantised = quantise(&graph, job.preprocessing, seen, options, |_| {});
        let written = sections::quantised_network(name, imported.sha256, &input, &quantised);
        (quantised, written)
    };
    let mut options = Options::default();
    let (quantised, mut section) = written(&options);
    while options.wide.len() < wide
        && let Some(node) = worst(&graph, &options, &quantised)
    {
        options.wide.push(node);
    }
    if !options.wide.is_empty() {
        // A tensor of 16 bits may be more than the sums of its reader hold. Then all keep 8.
        match written(&options).1 {
            Ok(widened) => section = Ok(widened),
            Err(error) => {
                output::warn(&format!(
                    "the {} keeps 8 bits in all of its tensors, {} were to have 16: {error:#}",
                    job.role.name(),
                    options.wide.len()
                ));
                options.wide.clear();
            }
        }
    }
    let (section, plan) = section?;
    let section = AlignedBytes::copy(&section);
    let model = Model::new_checked(job.role, section.bytes())
        .context("the network as exported does not read back")?;
    let simulator = Simulator::new(&model)?;

    let powers: Vec<Vec<[f64; 2]>> = judged
        .par_iter()
        .map(|photo| {
            let float = float::run(&graph, &job.preprocessing.apply(photo));
            let outputs = simulator.run(photo)?;
            let power = |(elements, output): (&Vec<i32>, format::network::Output<'_>)| {
                let zero_point = i32::from(model.layer(output.tensor.into()).output.zero_point);
                let values =
                    elements.iter().map(|element| f64::from(output.scale) * f64::from(element - zero_point));
                let pairs = float[usize::from(output.tensor)].iter().zip(values);
                pairs.fold([0.0, 0.0], |[signal, noise], (&float, value)| {
                    let float = f64::from(float);
                    [signal + float * float, noise + (float - value).powi(2)]
                })
            };
            Ok(outputs.iter().zip(model.outputs()).map(power).collect())
        })
        .collect::<Result<_>>()?;
    let report = |(index, output): (usize, format::network::Output<'_>)| {
        let [signal, noise] = powers
            .iter()
            .fold([0.0, 0.0], |[signal, noise], photo| [signal + photo[index][0], noise + photo[index][1]]);
        OutputReport {
            name: output.name.to_string(),
            shape: graph.nodes[usize::from(output.tensor)].shape,
            function: output.function.name(),
            sqnr_db: (10.0 * (signal / noise.max(1e-30)).log10()) as f32,
        }
    };
    let outputs = model.outputs().enumerate().map(report).collect();
    Ok(Other { outputs, arena_bytes: plan.arena_bytes, section, wide: options.wide.len() })
}

/// An image with these networks added. They replace the image's networks of the same roles.
///
/// # Errors
/// When the bytes are not an image, or the result would be over 4 GiB.
pub fn with_networks(image: &AlignedBytes, networks: &[(Role, &AlignedBytes)]) -> Result<Vec<u8>> {
    let fresh: Vec<(Section, &[u8])> =
        networks.iter().map(|(role, bytes)| (Section::Network(*role), bytes.bytes())).collect();
    let joined = sections::replaced(image.bytes(), &fresh)?;
    // Check the written bytes themselves.
    AlignedBytes::copy(&joined).image(Path::new("the image with other networks"))?;
    Ok(joined)
}
