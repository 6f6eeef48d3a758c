//! The heads of a single-shot detector: convolutions whose maps the file only transposes, joins and decodes afterwards.

use std::path::Path;

use anyhow::Result;

use super::Cut;
use super::file::File;

/// A head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Name of its map.
    pub name: String,
    /// Channels of its map.
    pub channels: usize,
}

/// The heads of a detector's file, in the file's order.
///
/// # Errors
/// When the file cannot be read.
pub fn heads(path: &Path) -> Result<Vec<Head>> {
    let file = read(path)?;
    let graph = file.graph();
    let is_head = |map: &str| {
        let mut readers =
            graph.node.iter().filter(|node| node.input.iter().any(|input| input == map)).peekable();
        readers.peek().is_some() && readers.all(|node| node.op_type == "Transpose")
    };
    let channels = |weights: &str| {
        let tensor = graph.initializer.iter().find(|tensor| tensor.name == weights)?;
        usize::try_from(*tensor.dims.first()?).ok()
    };
    let convolutions = graph.node.iter().filter(|node| node.op_type == "Conv" && node.input.len() >= 2);
    let heads = convolutions
        .filter(|node| is_head(&node.output[0]))
        .filter_map(|node| Some(Head { name: node.output[0].clone(), channels: channels(&node.input[1])? }));
    Ok(heads.collect())
}

/// Names of the outputs of a file.
///
/// # Errors
/// When the file cannot be read.
pub fn output_names(path: &Path) -> Result<Vec<String>> {
    Ok(read(path)?.graph().output.iter().map(|output| output.name.clone()).collect())
}

/// A detector's file. Names and channels do not depend on the size of the picture, which may be open.
fn read(path: &Path) -> Result<File> {
    File::read(path, &Cut { size: Some([128, 160]), is_reshaped: true, ..Cut::default() })
}
