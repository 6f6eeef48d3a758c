//! Attributes of ONNX nodes.

use anyhow::{Context, Result, ensure};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, NodeProto, TensorProto};

fn of_type<'a>(node: &'a NodeProto, name: &str, wanted: AttributeType) -> Result<Option<&'a AttributeProto>> {
    let Some(attribute) = node.attribute.iter().find(|attribute| attribute.name == name) else {
        return Ok(None);
    };
    // Files of version 1 do not name the type.
    let is_silent = attribute.r#type == AttributeType::Undefined as i32;
    ensure!(
        is_silent || attribute.r#type == wanted as i32,
        "attribute {name} is not of type {}",
        wanted.as_str_name()
    );
    Ok(Some(attribute))
}

/// A whole number, if the node has it.
///
/// # Errors
/// When the attribute has another type.
pub fn integer(node: &NodeProto, name: &str) -> Result<Option<i64>> {
    Ok(of_type(node, name, AttributeType::Int)?.map(|attribute| attribute.i))
}

/// Whole numbers, if the node has them.
///
/// # Errors
/// When the attribute has another type.
pub fn integers(node: &NodeProto, name: &str) -> Result<Option<Vec<i64>>> {
    Ok(of_type(node, name, AttributeType::Ints)?.map(|attribute| attribute.ints.clone()))
}

/// Whole numbers that cannot be negative, if the node has them.
///
/// # Errors
/// When the attribute has another type, or one is negative.
pub fn counts(node: &NodeProto, name: &str) -> Result<Option<Vec<usize>>> {
    let Some(values) = integers(node, name)? else { return Ok(None) };
    let counts = values.iter().map(|&value| usize::try_from(value).ok()).collect::<Option<_>>();
    counts.with_context(|| format!("{name} is {values:?}")).map(Some)
}

/// A real number, if the node has it.
///
/// # Errors
/// When the attribute has another type.
pub fn float(node: &NodeProto, name: &str) -> Result<Option<f32>> {
    Ok(of_type(node, name, AttributeType::Float)?.map(|attribute| attribute.f))
}

/// Real numbers, if the node has them.
///
/// # Errors
/// When the attribute has another type.
pub fn floats(node: &NodeProto, name: &str) -> Result<Option<Vec<f32>>> {
    Ok(of_type(node, name, AttributeType::Floats)?.map(|attribute| attribute.floats.clone()))
}

/// A text, if the node has it and it is not empty.
///
/// # Errors
/// When the attribute has another type, or is not UTF-8.
pub fn text(node: &NodeProto, name: &str) -> Result<Option<String>> {
    let Some(attribute) = of_type(node, name, AttributeType::String)? else { return Ok(None) };
    let text = String::from_utf8(attribute.s.clone()).ok();
    let text = text.with_context(|| format!("attribute {name} is no text"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// A tensor, if the node has it.
///
/// # Errors
/// When the attribute has another type.
pub fn tensor<'a>(node: &'a NodeProto, name: &str) -> Result<Option<&'a TensorProto>> {
    Ok(of_type(node, name, AttributeType::Tensor)?.and_then(|attribute| attribute.t.as_ref()))
}
