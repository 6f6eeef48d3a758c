//! ONNX files: their content as a [`Graph`], and as tract runs it. Only this folder and the operators' `import` know
//! tract.

pub(crate) mod attributes;
mod constant;
mod file;
mod heads;
/// Name of the node that normalises the photo as [`Channels`] say.
pub const NORMALISATION: &str = "--mean and --scale";

pub mod import;
mod order;
mod reference;
mod refusal;
mod value;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use tract_onnx::pb::TensorProto;
use tract_onnx::pb::tensor_proto::DataType;

use crate::graph::{Function, Graph, Shape};
use crate::outline::check_dimension;
pub(crate) use constant::few;
use file::File;
pub use file::weights_beside;
pub use heads::{Head, heads, output_names};
use import::Importer;
pub use reference::Reference;
pub use refusal::operators;
pub(crate) use refusal::remedy;

/// Preprocessing that differs between channels: the network is fed `(pixel − mean) / scale`. Channels are in the order
/// in which the network takes them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channels {
    /// Values that are subtracted.
    pub mean: [f32; 3],
    /// Divisors.
    pub scale: [f32; 3],
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |numbers: [f32; 3]| numbers.map(|number| number.to_string()).join(",");
        write!(f, "--mean {} --scale {}", listed(self.mean), listed(self.scale))
    }
}

/// The part of a file that is read, and the size and the preprocessing of its photos.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cut {
    /// Height and width of the photo, if the file leaves them open.
    pub size: Option<[usize; 2]>,
    /// Let `size` replace another size that the file fixes.
    pub is_reshaped: bool,
    /// Values to be the outputs, in this order. If there are none, the file's own outputs are used. Nodes that no
    /// output needs are left out.
    pub outputs: Vec<String>,
    /// Preprocessing that becomes part of the network, which then takes plain pixels.
    pub normalised: Option<Channels>,
}

/// A network as read from its file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The operators.
    pub graph: Graph,
    /// SHA-256 of the file and of preprocessing that became part of the network.
    pub sha256: [u8; 32],
    /// Trained numbers in the part that is read.
    pub parameters: usize,
    /// ONNX operators and how often each occurs, most frequent first.
    pub operators: Vec<(String, usize)>,
    /// Whether the photo's elements are bytes in the file, which the network normalises itself.
    pub is_bytes: bool,
    /// Whether preprocessing of the cut was put before the network.
    pub is_normalised: bool,
}

impl Imported {
    /// Height, width, channels of the photo it takes.
    pub fn input(&self) -> Shape {
        self.graph.nodes[0].shape
    }
}

/// Reads an ONNX file as an embedder: a network with one output, one pixel high and wide.
///
/// # Errors
/// As [`import_cut`]; also when it has several outputs, or a map.
pub fn import(path: &Path, cut: &Cut) -> Result<Imported> {
    let imported = import_cut(path, cut)?;
    let file = path.display();
    let outputs = &imported.graph.outputs;
    ensure!(
        outputs.len() == 1,
        "{file}: the network has {} outputs: name the embedding with --embedding and one of {}",
        outputs.len(),
        outputs.iter().map(|output| &*output.name).collect::<Vec<_>>().join(", ")
    );
    let [h, w, _] = imported.graph.nodes[outputs[0].node].shape;
    ensure!(
        h == 1 && w == 1,
        "{file} cannot be exported: output {} is a map of {h}×{w}, an embedding has one pixel",
        outputs[0].name
    );
    check_dimension(imported.graph.nodes[outputs[0].node].shape[2])
        .with_context(|| format!("{file} cannot be exported"))?;
    ensure!(
        outputs[0].function != Function::Sigmoid,
        "{file} cannot be exported: output {} comes out of a sigmoid, and an embedding has none: take another network, or \
         export this one without the sigmoid",
        outputs[0].name
    );
    Ok(imported)
}

/// Reads a part of an ONNX file.
///
/// # Errors
/// When it is not an ONNX file, lacks one of these outputs, has more than one input, or has nodes that are not
/// supported. All of these nodes are named, each with a remedy.
pub fn import_cut(path: &Path, cut: &Cut) -> Result<Imported> {
    import_file(&File::read(path, cut)?).with_context(|| format!("{} cannot be exported", path.display()))
}

/// [`import_cut`] of a file's bytes. They hold all of its weights.
///
/// # Errors
/// As [`import_cut`].
pub fn import_bytes(bytes: &[u8], cut: &Cut) -> Result<Imported> {
    import_file(&File::parse(bytes, Path::new(""), cut)?)
}

/// Elements of a tensor of floating-point numbers; 0 of another, such as a shape.
fn float_elements(tensor: &TensorProto) -> usize {
    use DataType::{Bfloat16, Double, Float, Float16};
    match DataType::try_from(tensor.data_type) {
        Ok(Float | Double | Float16 | Bfloat16) => {
            let extents = tensor.dims.iter().map(|&extent| usize::try_from(extent).unwrap_or(0));
            extents.fold(1, usize::saturating_mul)
        }
        _ => 0,
    }
}

fn import_file(file: &File) -> Result<Imported> {
    let onnx = file.graph();
    if let Some(name) = file::first_not_finite(onnx)? {
        bail!(
            "the weights {name} hold numbers that are not finite (NaN or infinity): training failed, or the file is damaged"
        );
    }
    let mut operators = HashMap::<&str, usize>::new();
    for node in onnx.node.iter().filter(|node| node.op_type != "Constant") {
        *operators.entry(&node.op_type).or_default() += 1;
    }
    let mut operators: Vec<(String, usize)> =
        operators.into_iter().map(|(name, count)| (name.to_string(), count)).collect();
    operators.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let graph = Importer::run(file)?;
    let constants = onnx.node.iter().filter(|node| node.op_type == "Constant");
    let tensors = constants.flat_map(|node| &node.attribute).filter_map(|attribute| attribute.t.as_ref());
    let parameters =
        onnx.initializer.iter().chain(tensors).map(float_elements).fold(0, usize::saturating_add);
    Ok(Imported {
        graph,
        sha256: file.sha256,
        parameters,
        operators,
        is_bytes: file.photo.is_bytes,
        is_normalised: file.is_normalised,
    })
}
