//! ONNX files: what they hold, as a [`Graph`] and as tract runs them. Only this folder knows tract, and operators' `import`.

mod facts;
pub mod import;
mod reference;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Extent;
use tract_onnx::pb::{GraphProto, ModelProto, ValueInfoProto, type_proto};
use tract_onnx::prelude::Framework as _;

use crate::graph::{Function, Graph, Shape};
use crate::outline::check_dimension;
use crate::sniff::{self, Wanted};
use facts::Facts;
use import::Importer;
pub use reference::Reference;

/// Which part of a file is taken, and for which photos.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Height and width of the photo, where the file leaves them open or shall be re-shaped.
    pub size: Option<[usize; 2]>,
    /// Values to be the outputs, in this order; the file's own where there are none. What they do not need is left out.
    pub outputs: Vec<String>,
}

/// A network as read from its file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The operators.
    pub graph: Graph,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Trained numbers in the part that is taken.
    pub parameters: usize,
    /// ONNX operators and how often each occurs, most frequent first.
    pub operators: Vec<(String, usize)>,
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
pub fn import(path: &Path) -> Result<Imported> {
    let imported = import_cut(path, &Cut::default())?;
    let file = path.display();
    let outputs = &imported.graph.outputs;
    ensure!(
        outputs.len() == 1,
        "{file} cannot be exported: the network has {} outputs: export it with its embedding alone",
        outputs.len()
    );
    let [h, w, _] = imported.graph.nodes[outputs[0].node].shape;
    ensure!(
        h == 1 && w == 1,
        "{file} cannot be exported: output {} is a map of {h}×{w}, an embedding has one value a dimension",
        outputs[0].name
    );
    check_dimension(imported.graph.nodes[outputs[0].node].shape[2])
        .with_context(|| format!("{file} cannot be exported"))?;
    ensure!(
        outputs[0].function != Function::Sigmoid,
        "{file} cannot be exported: output {} comes out of a sigmoid, which an embedding does not: it is another network's, or \
         export it without the sigmoid",
        outputs[0].name
    );
    Ok(imported)
}

/// Reads a part of an ONNX file.
///
/// # Errors
/// When it is not an ONNX file, has not these outputs or more than one input, or has nodes that are not supported: all of
/// them are named, with what would replace each.
pub fn import_cut(path: &Path, cut: &Cut) -> Result<Imported> {
    let file = path.display();
    let (proto, sha256) = read(path, cut)?;
    let onnx = proto.graph.as_ref().with_context(|| format!("{file} holds no graph"))?;
    let mut operators = HashMap::<&str, usize>::new();
    for node in onnx.node.iter().filter(|node| node.op_type != "Constant") {
        *operators.entry(&node.op_type).or_default() += 1;
    }
    let mut operators: Vec<(String, usize)> =
        operators.into_iter().map(|(name, count)| (name.to_string(), count)).collect();
    operators.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));

    import::refuse_unknown_operators(onnx).with_context(|| format!("{file} cannot be exported"))?;
    let facts = Facts::infer(&proto).with_context(|| format!("{file}: shapes cannot be inferred"))?;
    let graph = Importer::run(onnx, &facts).with_context(|| format!("{file} cannot be exported"))?;
    let parameters = onnx.initializer.iter().map(|t| t.dims.iter().product::<i64>() as usize).sum();
    Ok(Imported { graph, sha256, parameters, operators })
}

/// The part of a file, and the SHA-256 of the whole.
fn read(path: &Path, cut: &Cut) -> Result<(ModelProto, [u8; 32])> {
    let file = path.display();
    let bytes = sniff::read(path, Wanted::Model)?;
    let mut proto = tract_onnx::onnx()
        .proto_model_for_read(&mut &*bytes)
        .with_context(|| format!("{file} is not an ONNX file"))?;
    let onnx = proto.graph.as_mut().with_context(|| format!("{file} holds no graph"))?;
    if !cut.outputs.is_empty() {
        keep_outputs(onnx, &cut.outputs).with_context(|| file.to_string())?;
    }
    if let Some(size) = cut.size {
        set_size(onnx, size).with_context(|| file.to_string())?;
    }
    Ok((proto, Sha256::digest(&bytes).into()))
}

/// Makes these values the outputs, and leaves out what they do not need.
fn keep_outputs(onnx: &mut GraphProto, outputs: &[String]) -> Result<()> {
    let mut needed: HashSet<String> = outputs.iter().cloned().collect();
    let made: HashSet<&String> = onnx.node.iter().flat_map(|node| &node.output).collect();
    if let Some(missing) = outputs.iter().find(|output| !made.contains(output)) {
        bail!("no node makes {missing}, which is asked for as an output");
    }
    for node in onnx.node.iter().rev() {
        if node.output.iter().any(|output| needed.contains(output)) {
            needed.extend(node.input.iter().cloned());
        }
    }
    onnx.node.retain(|node| node.output.iter().any(|output| needed.contains(output)));
    onnx.initializer.retain(|tensor| needed.contains(&tensor.name));
    onnx.output =
        outputs.iter().map(|name| ValueInfoProto { name: name.clone(), ..Default::default() }).collect();
    Ok(())
}

/// Sets height and width of the photo, and forgets the shapes that followed from others.
fn set_size(onnx: &mut GraphProto, [height, width]: [usize; 2]) -> Result<()> {
    let weights: HashSet<&String> = onnx.initializer.iter().map(|tensor| &tensor.name).collect();
    let input = onnx.input.iter_mut().find(|input| !weights.contains(&input.name));
    let input = input.context("the network has no input")?;
    let Some(type_proto::Value::TensorType(tensor)) = input.r#type.as_mut().and_then(|t| t.value.as_mut())
    else {
        bail!("the input {} is no tensor", input.name)
    };
    let dims = tensor.shape.as_mut().map(|shape| &mut shape.dim).context("the input has no shape")?;
    ensure!(dims.len() == 4, "the input has {} dimensions, a photo has four", dims.len());
    let is_nchw = !matches!(dims[3].value, Some(Extent::DimValue(1 | 3)));
    let places = if is_nchw { [2, 3] } else { [1, 2] };
    dims[0].value = Some(Extent::DimValue(1));
    for (place, extent) in places.into_iter().zip([height, width]) {
        dims[place].value = Some(Extent::DimValue(extent as i64));
    }
    onnx.value_info.clear();
    for output in &mut onnx.output {
        output.r#type = None;
    }
    Ok(())
}
