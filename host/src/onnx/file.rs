//! Reads an ONNX file: adds the weights that lie in other files, cuts the network, and changes it to have one photo of
//! a known size as its input and real numbers of one type.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use format::layer::MAX_EXTENT;
use sha2::{Digest, Sha256};
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Extent;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto};
use tract_onnx::prelude::Framework as _;

use super::constant::{Cast, Constant, cast_to};
use super::order::{in_order, read_by};
use super::refusal::is_standard;
use super::{Channels, Cut, attributes};
use crate::graph::Shape;
use crate::sniff::{self, Wanted};

/// Newest version of ONNX's operators that is known here. Later versions may give an operator another meaning.
const NEWEST_OPERATORS: i64 = 28;
/// First version of the format whose files name the version of their operators.
const FIRST_WITH_VERSIONS: i64 = 3;

/// A file, ready to be imported or run.
pub(super) struct File {
    /// The network: batch of one, known size, no stored shapes except the input's, all real numbers `f32`.
    pub proto: ModelProto,
    /// SHA-256 of the file, and of the other files that hold its weights.
    pub sha256: [u8; 32],
    /// Its input.
    pub photo: PhotoInput,
    /// Whether preprocessing was put before the network.
    pub is_normalised: bool,
}

/// The input of a network.
pub(super) struct PhotoInput {
    /// Its name.
    pub name: String,
    /// Height, width, channels.
    pub shape: Shape,
    /// Whether channels come before rows.
    pub is_nchw: bool,
    /// Whether its elements are bytes, which the network normalises itself.
    pub is_bytes: bool,
}

/// The other files that hold weights of an ONNX file; none where it cannot be read, which is told when it is imported.
pub fn weights_beside(path: &Path) -> Vec<PathBuf> {
    let bytes = if path.is_file() { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
    let Ok(mut proto) = tract_onnx::onnx().proto_model_for_read(&mut &*bytes) else { return Vec::new() };
    let Some(onnx) = proto.graph.as_mut() else { return Vec::new() };
    let locations: BTreeSet<String> = tensors(onnx)
        .into_iter()
        .flat_map(|tensor| &tensor.external_data)
        .filter(|entry| entry.key == "location")
        .map(|entry| entry.value.clone())
        .collect();
    locations.into_iter().map(|location| path.with_file_name(location)).collect()
}

impl File {
    /// The graph.
    pub fn graph(&self) -> &GraphProto {
        self.proto.graph.as_ref().expect("there is one: it was looked at")
    }

    /// Reads a file, and the files of its weights.
    ///
    /// # Errors
    /// When it is not an ONNX file, a file of its weights is missing, it lacks an output of the cut, or its input is
    /// not one photo.
    pub fn read(path: &Path, cut: &Cut) -> Result<File> {
        let bytes = sniff::read(path, Wanted::Model)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&bytes, folder, cut).with_context(|| path.display().to_string())
    }

    /// [`Self::read`] for bytes. `folder` holds the files of the weights.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(bytes: &[u8], folder: &Path, cut: &Cut) -> Result<File> {
        let mut proto =
            tract_onnx::onnx().proto_model_for_read(&mut &*bytes).context("is not an ONNX file")?;
        check_version(&proto)?;
        let onnx = proto.graph.as_mut().context("holds no graph")?;
        in_order(onnx)?;
        let beside = read_external(onnx, folder)?;
        let mut sha256 = Sha256::new_with_prefix(bytes);
        beside.values().for_each(|data| sha256.update(data));
        if !cut.outputs.is_empty() {
            keep_outputs(onnx, &cut.outputs)?;
        }
        for tensor in tensors(onnx) {
            widen(tensor)?;
        }
        plain_types(onnx);
        // Shapes that exporters wrote may have an open batch, or another size.
        onnx.value_info.clear();
        onnx.output.iter_mut().for_each(|output| output.r#type = None);
        let photo = photo(onnx, cut)?;
        if let Some(channels) = &cut.normalised {
            normalise(onnx, &photo, channels)?;
            sha256.update(channels.to_string());
        }
        let is_normalised = cut.normalised.is_some();
        Ok(File { proto, sha256: sha256.finalize().into(), photo, is_normalised })
    }
}

/// Refuses operators of a version that is not known.
fn check_version(proto: &ModelProto) -> Result<()> {
    let versions = || proto.opset_import.iter().filter(|opset| is_standard(&opset.domain));
    let again = "export it again, as with opset_version=17 in torch.onnx.export";
    ensure!(
        versions().next().is_some() || proto.ir_version < FIRST_WITH_VERSIONS,
        "the file does not name the version (opset) of its operators, so that their meaning is not known; {again}"
    );
    for opset in versions() {
        let version = opset.version;
        ensure!(
            version <= NEWEST_OPERATORS,
            "the file has operators of version (opset) {version}, and versions 1 to {NEWEST_OPERATORS} are known: a newer one may \
             give an operator another meaning; {again}"
        );
        ensure!(
            version >= 1,
            "the file has operators of version (opset) {version}, and there is none before 1: the file is damaged; {again}"
        );
    }
    Ok(())
}

/// Every tensor that a graph holds, itself or in the graphs of its nodes.
fn tensors(onnx: &mut GraphProto) -> Vec<&mut TensorProto> {
    let mut all: Vec<&mut TensorProto> = onnx.initializer.iter_mut().collect();
    for attribute in onnx.node.iter_mut().flat_map(|node| &mut node.attribute) {
        all.extend(attribute.t.as_mut());
        all.extend(attribute.g.iter_mut().chain(&mut attribute.graphs).flat_map(tensors));
    }
    all
}

/// The graphs that nodes of a graph hold, such as the branches of an `If`.
fn held(onnx: &mut GraphProto) -> impl Iterator<Item = &mut GraphProto> {
    let attributes = onnx.node.iter_mut().flat_map(|node| &mut node.attribute);
    attributes.flat_map(|attribute| attribute.g.iter_mut().chain(&mut attribute.graphs))
}

/// Lets all nodes that read a value read another one, also in graphs that nodes hold.
fn rename(onnx: &mut GraphProto, from: &str, to: &str) {
    for input in onnx.node.iter_mut().flat_map(|node| &mut node.input).filter(|name| *name == from) {
        *input = to.to_string();
    }
    held(onnx).for_each(|graph| rename(graph, from, to));
}

/// Fetches the data of tensors that lie in other files. Returns these files' contents by name.
fn read_external(onnx: &mut GraphProto, folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for tensor in tensors(onnx) {
        if tensor.data_location != Some(DataLocation::External as i32) {
            continue;
        }
        let entry = |key: &str| tensor.external_data.iter().find(|entry| entry.key == key);
        let number = |key: &str| -> Result<Option<usize>> {
            let Some(entry) = entry(key) else { return Ok(None) };
            let number = entry.value.parse().ok().with_context(|| {
                format!(
                    "the weights of {} should lie at a place that is no number, {key} {:?}: the file is damaged; export it again",
                    tensor.name, entry.value
                )
            });
            number.map(Some)
        };
        let location = &entry("location").context("weights without the name of their file")?.value;
        if !files.contains_key(location) {
            let is_below = |part| matches!(part, Component::Normal(_) | Component::CurDir);
            let is_inside = Path::new(location).components().all(is_below);
            ensure!(
                is_inside && !location.is_empty(),
                "takes weights from {location:?}, which is not a file in its own folder; save it again \
                 with its weights in the same folder"
            );
            ensure!(
                !folder.join(location).exists() || folder.join(location).is_file(),
                "takes weights from {location}, which is not a regular file; copy them into one"
            );
            let data = std::fs::read(folder.join(location)).with_context(|| {
                format!(
                    "its weights are in the file {location}, which cannot be read in the same folder ({}); copy it there: an \
                     exporter wrote both",
                    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.display()
                )
            })?;
            files.insert(location.clone(), data);
        }
        let data = &files[location];
        let start = number("offset")?.unwrap_or(0);
        // Without a length the weights reach as far as their shape requires, or else to the end of the file.
        let length = match number("length")? {
            Some(length) => length,
            None => bytes_of(tensor).unwrap_or(data.len().saturating_sub(start)),
        };
        let part = start.checked_add(length).and_then(|end| data.get(start..end)).with_context(|| {
            format!(
                "the weights of {} should lie at {start}…{} of {location}, which has {} bytes: {location} belongs to \
                 another file, or is cut short",
                tensor.name,
                start.saturating_add(length),
                data.len()
            )
        })?;
        tensor.raw_data = part.to_vec();
        tensor.data_location = None;
        tensor.external_data.clear();
    }
    Ok(files)
}

/// Bytes of a tensor's elements. `None` for a shape or a type that is refused later.
fn bytes_of(tensor: &TensorProto) -> Option<usize> {
    let extents = tensor.dims.iter().map(|&extent| usize::try_from(extent).ok());
    let count = extents.into_iter().try_fold(1usize, |count, extent| count.checked_mul(extent?))?;
    let bytes = match DataType::try_from(tensor.data_type).ok()? {
        DataType::Bool | DataType::Int8 | DataType::Uint8 => 1,
        DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16 => 2,
        DataType::Float | DataType::Int32 | DataType::Uint32 => 4,
        DataType::Double | DataType::Int64 | DataType::Uint64 => 8,
        _ => return None,
    };
    count.checked_mul(bytes)
}

/// Turns a tensor of another type of real numbers into one of `f32`.
fn widen(tensor: &mut TensorProto) -> Result<()> {
    let data_type = DataType::try_from(tensor.data_type).unwrap_or(DataType::Undefined);
    if matches!(data_type, DataType::Float16 | DataType::Bfloat16 | DataType::Double) {
        let constant = Constant::read(tensor).with_context(|| format!("tensor {}", tensor.name))?;
        tensor.raw_data = constant.floats().into_iter().flat_map(f32::to_le_bytes).collect();
        tensor.data_type = DataType::Float as i32;
        tensor.int32_data.clear();
        tensor.double_data.clear();
    }
    Ok(())
}

/// Makes casts between real numbers return `f32`, and turns attributes of old versions into those of today.
fn plain_types(onnx: &mut GraphProto) {
    for node in &mut onnx.node {
        if node.op_type == "Cast" && matches!(cast_to(node), Ok(Cast::Float)) {
            for attribute in node.attribute.iter_mut().filter(|attribute| attribute.name == "to") {
                attribute.i = DataType::Float as i64;
            }
        }
        if node.op_type == "BatchNormalization" {
            // Import requires one value per channel. Statistics of single pixels would need more values.
            node.attribute.retain(|attribute| attribute.name != "spatial");
        }
    }
    held(onnx).for_each(plain_types);
}

/// Makes these values the outputs, and leaves out the nodes that none of them needs.
fn keep_outputs(onnx: &mut GraphProto, outputs: &[String]) -> Result<()> {
    let mut needed: HashSet<String> = outputs.iter().cloned().collect();
    let made: HashSet<&String> = onnx.node.iter().flat_map(|node| &node.output).collect();
    if let Some(missing) = outputs.iter().find(|output| !made.contains(output)) {
        let named: Vec<&str> = onnx.output.iter().map(|output| &*output.name).collect();
        bail!(
            "no node makes {missing}, which was requested as an output; the file's own outputs are {}",
            named.join(", ")
        );
    }
    for node in onnx.node.iter().rev() {
        // Omitted inputs and outputs have empty names.
        if node.output.iter().any(|output| needed.contains(output)) {
            needed.extend(read_by(node).into_iter().cloned());
        }
    }
    onnx.node.retain(|node| node.output.iter().any(|output| needed.contains(output)));
    onnx.initializer.retain(|tensor| needed.contains(&tensor.name));
    onnx.output =
        outputs.iter().map(|name| ValueInfoProto { name: name.clone(), ..Default::default() }).collect();
    Ok(())
}

/// The only input that is not a constant. Fixes the batch and the size in the file.
fn photo(onnx: &mut GraphProto, cut: &Cut) -> Result<PhotoInput> {
    let weights: HashSet<&String> = onnx.initializer.iter().map(|tensor| &tensor.name).collect();
    let read: HashSet<&String> = onnx.node.iter().flat_map(read_by).collect();
    // Old files list their weights as inputs, too. Some files keep inputs of training that no node reads.
    let is_photo = |input: &&mut ValueInfoProto| !weights.contains(&input.name) && read.contains(&input.name);
    let mut inputs: Vec<&mut ValueInfoProto> = onnx.input.iter_mut().filter(is_photo).collect();
    let names: Vec<String> = inputs.iter().map(|input| input.name.clone()).collect();
    let [input] = &mut inputs[..] else {
        bail!(
            "the network has {} inputs ({}), one photo is needed; export it with the photo alone",
            names.len(),
            names.join(", ")
        )
    };
    let name = names[0].clone();
    let tensor = input.r#type.as_mut().and_then(|t| t.value.as_mut());
    let Some(type_proto::Value::TensorType(tensor)) = tensor else { bail!("the input {name} is no tensor") };
    let elements = DataType::try_from(tensor.elem_type).unwrap_or(DataType::Undefined);
    ensure!(
        matches!(
            elements,
            DataType::Float | DataType::Float16 | DataType::Bfloat16 | DataType::Double | DataType::Uint8
        ),
        "the input {name} has elements of type {}; a photo has real numbers, or bytes",
        elements.as_str_name()
    );
    tensor.elem_type = DataType::Float as i32;
    let dims = tensor.shape.as_mut().map(|shape| &mut shape.dim);
    let dims = dims.with_context(|| format!("the input {name} has no shape; export it with one"))?;
    let known = |dim: &Dimension| match dim.value {
        Some(Extent::DimValue(extent)) if extent > 0 => Some(extent as usize),
        _ => None,
    };
    let shape: Vec<Option<usize>> = dims.iter().map(known).collect();
    let is_channels = |extent: Option<usize>| matches!(extent, Some(1 | 3));
    let (is_nchw, [height, width], channels) = match shape[..] {
        [_, c, h, w] if is_channels(c) => (true, [h, w], c),
        [_, h, w, c] if is_channels(c) => (false, [h, w], c),
        _ => {
            let shown: Vec<String> =
                shape.iter().map(|extent| extent.map_or("?".into(), |e| e.to_string())).collect();
            bail!(
                "the input {name} has shape [{}]: one photo with 1 or 3 channels is needed, such as [1, 3, 112, 112]",
                shown.join(", ")
            )
        }
    };
    let [height, width] = match (cut.size, height, width) {
        (Some([h, w]), height, width) => {
            let is_same = height.is_none_or(|height| height == h) && width.is_none_or(|width| width == w);
            ensure!(
                is_same || cut.is_reshaped,
                "--size {h}x{w}: the network takes crops of {}x{}",
                height.unwrap_or(h),
                width.unwrap_or(w)
            );
            [h, w]
        }
        (None, Some(height), Some(width)) => [height, width],
        _ => bail!(
            "height and width of the photo are open in the file (input {name}): give the size that the \
             network was trained with, such as --size 112x112"
        ),
    };
    let channels = channels.unwrap_or(3);
    ensure!(
        (1..=usize::from(MAX_EXTENT)).contains(&height) && (1..=usize::from(MAX_EXTENT)).contains(&width),
        "photos of {height}×{width}; at most {MAX_EXTENT} rows and columns are supported"
    );
    // The batch is one photo, even if the file takes several at once.
    let fixed = if is_nchw { [1, channels, height, width] } else { [1, height, width, channels] };
    for (dim, extent) in dims.iter_mut().zip(fixed) {
        dim.value = Some(Extent::DimValue(extent as i64));
    }
    onnx.input.retain(|input| input.name == name);
    let is_bytes = elements == DataType::Uint8;
    Ok(PhotoInput { name, shape: [height, width, channels], is_nchw, is_bytes })
}

/// Puts preprocessing before the network. Its zero padding stays that of normalised pixels.
fn normalise(onnx: &mut GraphProto, photo: &PhotoInput, channels: &Channels) -> Result<()> {
    ensure!(
        photo.shape[2] == 3,
        "{channels}: three values are for three channels, and the network takes {}; give one mean and one scale",
        photo.shape[2]
    );
    ensure!(
        !photo.is_bytes,
        "{channels}: the network takes pixels as bytes and normalises them itself; give --mean 0 --scale 1"
    );
    let made = ["centred", "scaled"].map(|step| format!("{}: {step}", photo.name));
    rename(onnx, &photo.name, &made[1]);
    let dims = if photo.is_nchw { vec![1, 3, 1, 1] } else { vec![1, 1, 1, 3] };
    // Names of nodes must differ. What both compute has the name of the last.
    let steps = [
        ("--mean", "Sub", channels.mean, &photo.name, &made[0]),
        (super::NORMALISATION, "Div", channels.scale, &made[0], &made[1]),
    ];
    for (index, (step, operator, values, input, output)) in steps.into_iter().enumerate() {
        let name = format!("{output} by");
        onnx.initializer.push(TensorProto {
            name: name.clone(),
            dims: dims.clone(),
            data_type: DataType::Float as i32,
            float_data: values.to_vec(),
            ..TensorProto::default()
        });
        let node = NodeProto {
            name: step.to_string(),
            op_type: operator.to_string(),
            input: vec![input.clone(), name],
            output: vec![output.clone()],
            ..NodeProto::default()
        };
        onnx.node.insert(index, node);
    }
    Ok(())
}

/// Name of the first tensor of weights with a number that is not finite.
pub(super) fn first_not_finite(onnx: &GraphProto) -> Result<Option<String>> {
    let mut tensors: Vec<(&String, &TensorProto)> =
        onnx.initializer.iter().map(|tensor| (&tensor.name, tensor)).collect();
    for node in onnx.node.iter().filter(|node| node.op_type == "Constant") {
        tensors.extend(attributes::tensor(node, "value")?.map(|tensor| (&node.name, tensor)));
    }
    // A constant that is only read by operators that limit a value may be an infinite bound.
    let limits = |node: &&NodeProto| matches!(&*node.op_type, "Clip" | "Max" | "Min");
    let others = onnx.node.iter().filter(|node| !limits(node));
    let computed_with: HashSet<&String> = others.flat_map(|node| &node.input).collect();
    for (name, tensor) in tensors {
        if tensor.data_type == DataType::Float as i32 {
            let constant = Constant::read(tensor).with_context(|| format!("tensor {name}"))?;
            if !(constant.is_finite() || constant.is_single() && !computed_with.contains(name)) {
                return Ok(Some(name.clone()));
            }
        }
    }
    Ok(None)
}
