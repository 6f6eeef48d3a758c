//! Constants of an ONNX file, and values that operators compute from constants alone: for example shapes that are put
//! together, or weights behind a cast or a transposition.

use anyhow::{Context, Result, bail, ensure};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{NodeProto, TensorProto};
use tract_onnx::prelude::tract_ndarray::{ArrayD, Axis, Dimension, IxDyn, concatenate};

use super::attributes::{integer, integers, tensor, text};

/// Most elements of a computed constant. No board could hold a network with so many weights.
const MOST_ELEMENTS: usize = 1 << 24;

/// A constant tensor. All floating-point types are read as `f32`, all whole numbers and truth values as `i64`.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// Real numbers.
    Float(ArrayD<f32>),
    /// Whole numbers.
    Int(ArrayD<i64>),
}

impl Constant {
    /// Reads a tensor that holds its own data.
    ///
    /// # Errors
    /// When its type is not supported, or its data do not have the length that its shape gives.
    pub fn read(proto: &TensorProto) -> Result<Constant> {
        let dims: Vec<usize> = proto
            .dims
            .iter()
            .map(|&dim| usize::try_from(dim).ok().context("a negative extent"))
            .collect::<Result<_>>()?;
        let count = dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
        let count = count.context("more elements than a computer has room for")?;
        let raw = &proto.raw_data[..];
        fn words<const N: usize>(raw: &[u8]) -> impl Iterator<Item = [u8; N]> {
            raw.chunks_exact(N).map(|word| word.try_into().expect("a whole word"))
        }
        let floats = |values: Vec<f32>| shaped(&dims, count, values).map(Constant::Float);
        let ints = |values: Vec<i64>| shaped(&dims, count, values).map(Constant::Int);
        let narrow = || proto.int32_data.iter().map(|&value| i64::from(value)).collect::<Vec<_>>();
        let is_raw = !raw.is_empty();
        let data_type = DataType::try_from(proto.data_type).unwrap_or(DataType::Undefined);
        match data_type {
            DataType::Float if is_raw => floats(words(raw).map(f32::from_le_bytes).collect()),
            DataType::Float => floats(proto.float_data.clone()),
            DataType::Double if is_raw => floats(words(raw).map(|w| f64::from_le_bytes(w) as f32).collect()),
            DataType::Double => floats(proto.double_data.iter().map(|&value| value as f32).collect()),
            DataType::Float16 if is_raw => floats(words(raw).map(|w| half(u16::from_le_bytes(w))).collect()),
            DataType::Float16 => floats(proto.int32_data.iter().map(|&value| half(value as u16)).collect()),
            DataType::Bfloat16 if is_raw => {
                floats(words(raw).map(|w| f32::from_bits(u32::from(u16::from_le_bytes(w)) << 16)).collect())
            }
            DataType::Bfloat16 => {
                floats(proto.int32_data.iter().map(|&value| f32::from_bits((value as u32) << 16)).collect())
            }
            DataType::Int64 if is_raw => ints(words(raw).map(i64::from_le_bytes).collect()),
            DataType::Int64 => ints(proto.int64_data.clone()),
            DataType::Int32 if is_raw => ints(words(raw).map(|w| i32::from_le_bytes(w).into()).collect()),
            DataType::Int8 if is_raw => ints(raw.iter().map(|&byte| (byte as i8).into()).collect()),
            DataType::Uint8 | DataType::Bool if is_raw => ints(raw.iter().map(|&byte| byte.into()).collect()),
            DataType::Int16 if is_raw => ints(words(raw).map(|w| i16::from_le_bytes(w).into()).collect()),
            DataType::Uint16 if is_raw => ints(words(raw).map(|w| u16::from_le_bytes(w).into()).collect()),
            DataType::Int32
            | DataType::Int8
            | DataType::Int16
            | DataType::Uint8
            | DataType::Uint16
            | DataType::Bool => ints(narrow()),
            other => bail!("a tensor of type {}", other.as_str_name()),
        }
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        match self {
            Constant::Float(array) => array.shape(),
            Constant::Int(array) => array.shape(),
        }
    }

    /// Number of its elements.
    pub fn elements(&self) -> usize {
        match self {
            Constant::Float(array) => array.len(),
            Constant::Int(array) => array.len(),
        }
    }

    /// Its elements as real numbers, in order.
    pub fn floats(&self) -> Vec<f32> {
        match self {
            Constant::Float(array) => array.iter().copied().collect(),
            Constant::Int(array) => array.iter().map(|&value| value as f32).collect(),
        }
    }

    /// Its elements as whole numbers, in order; real numbers lose their fractions.
    pub fn integers(&self) -> Vec<i64> {
        match self {
            Constant::Float(array) => array.iter().map(|&value| value as i64).collect(),
            Constant::Int(array) => array.iter().copied().collect(),
        }
    }

    /// Whole numbers of one dimension.
    pub fn of_integers(values: Vec<i64>) -> Constant {
        Constant::Int(ArrayD::from_shape_vec(IxDyn(&[values.len()]), values).expect("one dimension"))
    }

    /// Whether it is a single number, which may be infinite.
    pub fn is_single(&self) -> bool {
        matches!(self, Constant::Float(array) if array.len() == 1 && !array.iter().any(|value| value.is_nan()))
    }

    /// Whether each of its numbers is finite.
    pub fn is_finite(&self) -> bool {
        match self {
            Constant::Float(array) => array.iter().all(|value| value.is_finite()),
            Constant::Int(_) => true,
        }
    }
}

fn shaped<T>(dims: &[usize], count: usize, values: Vec<T>) -> Result<ArrayD<T>> {
    ensure!(values.len() == count, "{} elements for a shape of {dims:?}: the file is damaged", values.len());
    Ok(ArrayD::from_shape_vec(IxDyn(dims), values)?)
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

/// The value that a node computes from constants alone.
///
/// # Errors
/// When the operator is not supported for constants, or its inputs do not fit it.
pub fn evaluate(node: &NodeProto, inputs: &[Option<&Constant>]) -> Result<Constant> {
    let input = |index: usize| {
        inputs.get(index).copied().flatten().with_context(|| format!("input {index} is missing"))
    };
    match &*node.op_type {
        "Constant" => constant(node),
        "Identity" | "Dropout" => Ok(input(0)?.clone()),
        "Cast" => cast(node, input(0)?),
        "ConstantOfShape" => {
            let value = tensor(node, "value")?.map_or(Ok(Constant::Float(one(0.0))), Constant::read)?;
            let shape = extents(&input(0)?.integers())?;
            Ok(match value {
                Constant::Float(value) => Constant::Float(filled(&shape, value.first())?),
                Constant::Int(value) => Constant::Int(filled(&shape, value.first())?),
            })
        }
        "Range" => {
            let [start, end, step] = [input(0)?, input(1)?, input(2)?];
            if [start, end, step].iter().any(|input| matches!(input, Constant::Float(_))) {
                return counted_in_reals([start, end, step].map(Constant::floats));
            }
            let [start, end, step] = [start, end, step].map(Constant::integers);
            let [start, end, step] = [start, end, step].map(|values| values.first().copied().unwrap_or(0));
            ensure!(step != 0, "counts in steps of 0");
            let count = ((end.saturating_sub(start)) as f64 / step as f64).ceil().max(0.0);
            ensure!(count <= MOST_ELEMENTS as f64, "counts to {end}");
            Ok(Constant::of_integers((0..count as i64).map(|i| start + i * step).collect()))
        }
        "Shape" => {
            let shape: Vec<i64> = input(0)?.shape().iter().map(|&extent| extent as i64).collect();
            Ok(Constant::of_integers(part_of_shape(node, shape)?))
        }
        "Size" => Ok(Constant::Int(one(input(0)?.shape().iter().product::<usize>() as i64))),
        "Concat" => {
            let parts = (0..inputs.len()).map(input).collect::<Result<Vec<_>>>()?;
            let count: usize = parts.iter().map(|part| part.shape().iter().product::<usize>()).sum();
            ensure!(count <= MOST_ELEMENTS, "joins {count} elements");
            let axis = integer(node, "axis")?.context("axis is missing")?;
            joined(&parts, axis)
        }
        "Gather" => {
            let (data, indices) = (input(0)?, input(1)?.integers());
            let axis = place(integer(node, "axis")?.unwrap_or(0), data.shape().len())?;
            let extent = data.shape()[axis];
            let indices: Vec<usize> =
                indices.iter().map(|&index| place(index, extent)).collect::<Result<_>>()?;
            let count = data.shape().iter().product::<usize>() / extent.max(1);
            ensure!(
                count.checked_mul(indices.len()).is_some_and(|count| count <= MOST_ELEMENTS),
                "gathers {} times {count} elements",
                indices.len()
            );
            let is_scalar = input(1)?.shape().is_empty();
            ensure!(is_scalar || input(1)?.shape().len() == 1, "gathers with an index of several dimensions");
            Ok(match data {
                Constant::Float(array) => Constant::Float(gathered(array, axis, &indices, is_scalar)),
                Constant::Int(array) => Constant::Int(gathered(array, axis, &indices, is_scalar)),
            })
        }
        "Slice" => sliced(node, inputs),
        "Transpose" => {
            let data = input(0)?;
            let rank = data.shape().len();
            let order = match integers(node, "perm")? {
                Some(order) => order.iter().map(|&axis| place(axis, rank)).collect::<Result<Vec<_>>>()?,
                None => (0..rank).rev().collect(),
            };
            let mut sorted = order.clone();
            sorted.sort_unstable();
            ensure!(sorted == (0..rank).collect::<Vec<_>>(), "perm {} is no permutation", few(&order));
            Ok(match data {
                Constant::Float(array) => {
                    Constant::Float(in_order(array.clone().permuted_axes(IxDyn(&order))))
                }
                Constant::Int(array) => Constant::Int(in_order(array.clone().permuted_axes(IxDyn(&order)))),
            })
        }
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
            let wanted = inputs.get(1).copied().flatten().map(Constant::integers);
            let shape = reshaped(node, input(0)?.shape(), wanted.as_deref())?;
            Ok(match input(0)?.clone() {
                Constant::Float(array) => Constant::Float(array.into_shape_with_order(IxDyn(&shape))?),
                Constant::Int(array) => Constant::Int(array.into_shape_with_order(IxDyn(&shape))?),
            })
        }
        "Expand" => {
            let shape = extents(&input(1)?.integers())?;
            let shape = common_shape(input(0)?.shape(), &shape)?;
            Ok(match input(0)? {
                Constant::Float(array) => Constant::Float(spread(array, &shape)?),
                Constant::Int(array) => Constant::Int(spread(array, &shape)?),
            })
        }
        "Neg" | "Abs" | "Sqrt" | "Reciprocal" | "Exp" | "Log" | "Floor" | "Ceil" | "Relu" | "Sigmoid"
        | "Not" => unary(&node.op_type, input(0)?),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Min" | "Max" | "Equal" | "Greater" | "GreaterOrEqual"
        | "Less" | "LessOrEqual" | "And" | "Or" => {
            let mut result = input(0)?.clone();
            ensure!(inputs.len() > 1 || matches!(&*node.op_type, "Min" | "Max"), "input 1 is missing");
            for index in 1..inputs.len() {
                result = binary(&node.op_type, &result, input(index)?)?;
            }
            Ok(result)
        }
        "Where" => {
            let shape = common_shape(input(1)?.shape(), input(2)?.shape())?;
            let shape = common_shape(input(0)?.shape(), &shape)?;
            let (Constant::Int(condition), yes, no) = (input(0)?, input(1)?, input(2)?) else {
                bail!("chooses by real numbers")
            };
            let condition = spread(condition, &shape)?;
            Ok(match (yes, no) {
                (Constant::Int(yes), Constant::Int(no)) => {
                    Constant::Int(chosen(&condition, &spread(yes, &shape)?, &spread(no, &shape)?))
                }
                (yes, no) => {
                    let [yes, no] = [yes, no].map(|side| spread(&real(side), &shape));
                    Constant::Float(chosen(&condition, &yes?, &no?))
                }
            })
        }
        other => bail!("{other} of constants is not computed"),
    }
}

fn constant(node: &NodeProto) -> Result<Constant> {
    if let Some(value) = tensor(node, "value")? {
        return Constant::read(value);
    }
    for attribute in &node.attribute {
        match &*attribute.name {
            "value_float" => return Ok(Constant::Float(one(attribute.f))),
            "value_int" => return Ok(Constant::Int(one(attribute.i))),
            "value_floats" => {
                let values = attribute.floats.clone();
                return Ok(Constant::Float(ArrayD::from_shape_vec(IxDyn(&[values.len()]), values)?));
            }
            "value_ints" => return Ok(Constant::of_integers(attribute.ints.clone())),
            _ => {}
        }
    }
    bail!("a constant that is no tensor of numbers")
}

/// A `Range` of real numbers.
fn counted_in_reals(inputs: [Vec<f32>; 3]) -> Result<Constant> {
    let [start, end, step] = inputs.map(|values| values.first().copied().map_or(f64::NAN, f64::from));
    let is_finite = [start, end, step].iter().all(|number| number.is_finite());
    ensure!(is_finite && step != 0.0, "counts from {start} to {end} in steps of {step}");
    let count = ((end - start) / step).ceil().max(0.0);
    ensure!(count <= MOST_ELEMENTS as f64, "counts to {end}");
    let values = (0..count as usize).map(|i| (start + i as f64 * step) as f32).collect();
    Ok(Constant::Float(ArrayD::from_shape_vec(IxDyn(&[count as usize]), values)?))
}

fn cast(node: &NodeProto, input: &Constant) -> Result<Constant> {
    let name = match cast_to(node)? {
        Cast::Float => return Ok(Constant::Float(real(input))),
        Cast::Other(name) => name,
    };
    let range = match &*name {
        "BOOL" => return Ok(Constant::Int(real(input).mapv(|value| i64::from(value != 0.0)))),
        "INT8" => -128..=127,
        "UINT8" => 0..=255,
        "INT16" => -32768..=32767,
        "UINT16" => 0..=65535,
        "INT32" => i64::from(i32::MIN)..=i64::from(i32::MAX),
        "UINT32" => 0..=i64::from(u32::MAX),
        "INT64" => i64::MIN..=i64::MAX,
        "UINT64" => 0..=i64::MAX,
        _ => bail!("turns a constant into {name}, which is not supported"),
    };
    let whole = match input {
        Constant::Int(array) => array.clone(),
        Constant::Float(array) => {
            // 2⁶³ is the first whole number that 64 bits do not hold.
            let beyond = array.iter().find(|value| value.is_nan() || value.abs() >= 2f32.powi(63));
            ensure!(beyond.is_none(), "turns the constant {} into {name}", beyond.unwrap_or(&0.0));
            array.mapv(|value| value as i64)
        }
    };
    let beyond = whole.iter().find(|value| !range.contains(value));
    ensure!(beyond.is_none(), "turns the constant {} into {name}, which is smaller", beyond.unwrap_or(&0));
    Ok(Constant::Int(whole))
}

/// The result type of a `Cast`.
pub enum Cast {
    /// A floating-point type.
    Float,
    /// Another type, and its name.
    Other(String),
}

/// The type that a `Cast` makes.
///
/// # Errors
/// When the node names no type.
pub fn cast_to(node: &NodeProto) -> Result<Cast> {
    // Up to version 5 the type was given as text.
    let name = match text(node, "to") {
        Ok(Some(word)) => word,
        _ => {
            let to = i32::try_from(integer(node, "to")?.context("the type is missing")?)?;
            DataType::try_from(to).ok().context("a type that is not known")?.as_str_name().to_string()
        }
    };
    Ok(match &*name {
        "FLOAT" | "FLOAT16" | "BFLOAT16" | "DOUBLE" => Cast::Float,
        _ => Cast::Other(name),
    })
}

/// The part of a shape that a `Shape` node returns.
///
/// # Errors
/// When its attributes have other types.
pub fn part_of_shape(node: &NodeProto, shape: Vec<i64>) -> Result<Vec<i64>> {
    let rank = shape.len() as i64;
    let within = |at: i64| (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize;
    let start = within(integer(node, "start")?.unwrap_or(0));
    let end = within(integer(node, "end")?.unwrap_or(rank));
    Ok(shape.get(start..end.max(start)).unwrap_or(&[]).to_vec())
}

/// The shape that Reshape, Flatten, Squeeze or Unsqueeze gives a tensor of `shape`; `wanted` is the node's second input.
///
/// # Errors
/// When it has another number of elements, or the node does not give it.
pub fn reshaped(node: &NodeProto, shape: &[usize], wanted: Option<&[i64]>) -> Result<Vec<usize>> {
    let rank = shape.len();
    let listed = |name: &str| -> Result<Option<Vec<i64>>> {
        Ok(integers(node, name)?.or(wanted.map(<[i64]>::to_vec)))
    };
    let result: Vec<usize> = match &*node.op_type {
        "Flatten" => {
            let axis = integer(node, "axis")?.unwrap_or(1);
            let axis = if axis < 0 { axis + rank as i64 } else { axis };
            let axis =
                usize::try_from(axis).ok().filter(|&axis| axis <= rank).context("axis out of range")?;
            vec![shape[..axis].iter().product(), shape[axis..].iter().product()]
        }
        "Squeeze" => match listed("axes")? {
            Some(axes) => {
                let axes: Vec<usize> = axes.iter().map(|&axis| place(axis, rank)).collect::<Result<_>>()?;
                ensure!(axes.iter().all(|&axis| shape[axis] == 1), "squeezes a dimension that is not 1");
                (0..rank).filter(|axis| !axes.contains(axis)).map(|axis| shape[axis]).collect()
            }
            None => shape.iter().copied().filter(|&extent| extent != 1).collect(),
        },
        "Unsqueeze" => {
            let axes = listed("axes")?.context("axes are not constant")?;
            ensure!(axes.len() <= 8, "adds {} dimensions", axes.len());
            let new = rank + axes.len();
            let axes: Vec<usize> = axes.iter().map(|&axis| place(axis, new)).collect::<Result<_>>()?;
            let mut rest = shape.iter();
            (0..new)
                .map(|axis| if axes.contains(&axis) { 1 } else { rest.next().copied().unwrap_or(1) })
                .collect()
        }
        _ => {
            let wanted = listed("shape")?.context("the new shape is not constant")?;
            ensure!(wanted.len() <= 8, "a shape of {} dimensions", wanted.len());
            let keeps_zero = integer(node, "allowzero")?.unwrap_or(0) == 1;
            let known: Vec<Option<usize>> = wanted
                .iter()
                .enumerate()
                .map(|(axis, &extent)| match extent {
                    -1 => Ok(None),
                    0 if !keeps_zero => {
                        shape.get(axis).copied().map(Some).context("keeps a dimension that does not exist")
                    }
                    extent => Ok(Some(usize::try_from(extent)?)),
                })
                .collect::<Result<_>>()?;
            let product =
                known.iter().flatten().try_fold(1usize, |product, &extent| product.checked_mul(extent));
            let product = product.context("the shape is too large")?;
            ensure!(
                known.iter().filter(|extent| extent.is_none()).count() <= 1,
                "the shape has two open dimensions"
            );
            let all: usize = shape.iter().product();
            let open = all.checked_div(product).unwrap_or(0);
            known.into_iter().map(|extent| extent.unwrap_or(open)).collect()
        }
    };
    ensure!(is_in_bounds(&result), "the shape {result:?} is too large");
    let count = |shape: &[usize]| -> usize { shape.iter().product() };
    ensure!(
        count(&result) == count(shape),
        "changes the number of elements, from shape {shape:?} to {result:?}"
    );
    Ok(result)
}

/// An axis or index. A negative one is counted from the end.
///
/// # Errors
/// When it is out of range.
pub fn place(index: i64, count: usize) -> Result<usize> {
    let from_start = if index < 0 { index.saturating_add(count as i64) } else { index };
    let place = usize::try_from(from_start).ok().filter(|&place| place < count);
    place.with_context(|| format!("index {index} of {count}"))
}

fn one<T: Clone>(value: T) -> ArrayD<T> {
    ArrayD::from_elem(IxDyn(&[]), value)
}

fn filled<T: Copy>(shape: &[usize], value: Option<&T>) -> Result<ArrayD<T>> {
    Ok(ArrayD::from_elem(IxDyn(shape), *value.context("a constant without elements")?))
}

/// The first of some numbers, in words.
pub fn few<T: std::fmt::Debug>(numbers: &[T]) -> String {
    match numbers.get(..8) {
        Some(first) if numbers.len() > 8 => format!("{first:?} and {} more", numbers.len() - 8),
        _ => format!("{numbers:?}"),
    }
}

fn extents(values: &[i64]) -> Result<Vec<usize>> {
    let shape = values.iter().map(|&extent| usize::try_from(extent).ok()).collect::<Option<Vec<_>>>();
    let shape = shape.context("a negative extent")?;
    ensure!(
        shape.len() <= 8 && is_in_bounds(&shape),
        "a shape of {} dimensions, {}",
        shape.len(),
        few(&shape)
    );
    Ok(shape)
}

/// Whether a shape's elements are not too many. Extents count also beside one of 0.
fn is_in_bounds(shape: &[usize]) -> bool {
    let count = shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent.max(1)));
    count.is_some_and(|count| count <= MOST_ELEMENTS)
}

fn in_order<T: Clone>(array: ArrayD<T>) -> ArrayD<T> {
    array.as_standard_layout().into_owned()
}

fn gathered<T: Clone>(array: &ArrayD<T>, axis: usize, indices: &[usize], is_scalar: bool) -> ArrayD<T> {
    let picked = array.select(Axis(axis), indices);
    if is_scalar { picked.index_axis_move(Axis(axis), 0) } else { picked }
}

fn joined(parts: &[&Constant], axis: i64) -> Result<Constant> {
    let first = parts.first().context("has no inputs to join")?.shape();
    let axis = place(axis, first.len())?;
    for part in parts {
        let shape = part.shape();
        let fits =
            shape.len() == first.len() && (0..first.len()).all(|at| at == axis || shape[at] == first[at]);
        ensure!(fits, "joins constants of shapes {first:?} and {shape:?} along axis {axis}");
    }
    if parts.iter().all(|part| matches!(part, Constant::Int(_))) {
        let views: Vec<_> = parts
            .iter()
            .filter_map(|part| match part {
                Constant::Int(array) => Some(array.view()),
                Constant::Float(_) => None,
            })
            .collect();
        return Ok(Constant::Int(concatenate(Axis(axis), &views)?));
    }
    let arrays: Vec<ArrayD<f32>> = parts.iter().map(|part| real(part)).collect();
    let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
    Ok(Constant::Float(concatenate(Axis(axis), &views)?))
}

fn sliced(node: &NodeProto, inputs: &[Option<&Constant>]) -> Result<Constant> {
    let input = |index: usize| inputs.get(index).copied().flatten();
    let data = input(0).context("input 0 is missing")?;
    let rank = data.shape().len();
    // Up to version 9 these are attributes.
    let list = |name: &str, index: usize| -> Result<Option<Vec<i64>>> {
        Ok(integers(node, name)?.or(input(index).map(Constant::integers)))
    };
    let starts = list("starts", 1)?.context("starts are missing")?;
    let ends = list("ends", 2)?.context("ends are missing")?;
    let axes = list("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    ensure!(
        [&ends, &axes, &steps].iter().all(|list| list.len() == starts.len()),
        "lists of different lengths"
    );
    let mut result = data.clone();
    for (((start, end), axis), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
        let axis = place(axis, rank)?;
        let extent = result.shape()[axis] as i64;
        let picked = taken([start, end, step], extent)?;
        result = match &result {
            Constant::Float(array) => Constant::Float(array.select(Axis(axis), &picked)),
            Constant::Int(array) => Constant::Int(array.select(Axis(axis), &picked)),
        };
    }
    Ok(result)
}

/// The places that a slice takes of an axis: start, end and step as the node gives them.
///
/// # Errors
/// When the step is 0.
pub fn taken([start, end, step]: [i64; 3], extent: i64) -> Result<Vec<usize>> {
    let from_start = |at: i64| if at < 0 { at.saturating_add(extent) } else { at };
    let (start, end) = (from_start(start), from_start(end));
    ensure!(step != 0, "slices in steps of 0");
    Ok(if step > 0 {
        (start.clamp(0, extent)..end.clamp(0, extent)).step_by(step as usize).map(|at| at as usize).collect()
    } else {
        let (start, end) = (start.clamp(-1, extent - 1), end.clamp(-1, extent));
        let step = usize::try_from(step.unsigned_abs())?;
        ((end + 1)..=start).rev().step_by(step).map(|at| at as usize).collect()
    })
}

fn real(constant: &Constant) -> ArrayD<f32> {
    match constant {
        Constant::Float(array) => array.clone(),
        Constant::Int(array) => array.mapv(|value| value as f32),
    }
}

fn unary(operator: &str, input: &Constant) -> Result<Constant> {
    if let Constant::Int(array) = input {
        return match operator {
            "Neg" => Ok(Constant::Int(array.mapv(i64::wrapping_neg))),
            "Abs" => Ok(Constant::Int(array.mapv(i64::wrapping_abs))),
            "Floor" | "Ceil" => Ok(input.clone()),
            "Not" => Ok(Constant::Int(array.mapv(|value| i64::from(value == 0)))),
            _ => bail!("{operator} of whole numbers"),
        };
    }
    ensure!(operator != "Not", "Not of real numbers");
    let of: fn(f32) -> f32 = match operator {
        "Neg" => |x| -x,
        "Abs" => f32::abs,
        "Sqrt" => f32::sqrt,
        "Reciprocal" => |x| 1.0 / x,
        "Exp" => f32::exp,
        "Log" => f32::ln,
        "Floor" => f32::floor,
        "Ceil" => f32::ceil,
        "Relu" => |x| x.max(0.0),
        _ => |x| 1.0 / (1.0 + (-x).exp()),
    };
    Ok(Constant::Float(real(input).mapv(of)))
}

fn binary(operator: &str, a: &Constant, b: &Constant) -> Result<Constant> {
    let shape = common_shape(a.shape(), b.shape())?;
    if let (Constant::Int(a), Constant::Int(b)) = (a, b) {
        let of: fn(i64, i64) -> i64 = match operator {
            "Add" => i64::wrapping_add,
            "Sub" => i64::wrapping_sub,
            "Mul" => i64::wrapping_mul,
            // Integer division rounds towards zero, as in C. The result of a division by zero is never used.
            "Div" => |a, b| a.checked_div(b).unwrap_or(0),
            "Pow" => |a, b| a.wrapping_pow(b.clamp(0, 63) as u32),
            "Min" => i64::min,
            "Max" => i64::max,
            "Greater" => |a, b| i64::from(a > b),
            "GreaterOrEqual" => |a, b| i64::from(a >= b),
            "Less" => |a, b| i64::from(a < b),
            "LessOrEqual" => |a, b| i64::from(a <= b),
            "And" => |a, b| i64::from(a != 0 && b != 0),
            "Or" => |a, b| i64::from(a != 0 || b != 0),
            _ => |a, b| i64::from(a == b),
        };
        return Ok(Constant::Int(both(&spread(a, &shape)?, &spread(b, &shape)?, of)));
    }
    let [a, b] = [spread(&real(a), &shape)?, spread(&real(b), &shape)?];
    let compares: Option<fn(f32, f32) -> bool> = match operator {
        "Equal" => Some(|a, b| a == b),
        "Greater" => Some(|a, b| a > b),
        "GreaterOrEqual" => Some(|a, b| a >= b),
        "Less" => Some(|a, b| a < b),
        "LessOrEqual" => Some(|a, b| a <= b),
        "And" | "Or" => bail!("{operator} of real numbers"),
        _ => None,
    };
    if let Some(compares) = compares {
        return Ok(Constant::Int(both(&a, &b, |a, b| i64::from(compares(a, b)))));
    }
    let of: fn(f32, f32) -> f32 = match operator {
        "Add" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Pow" => f32::powf,
        "Min" => f32::min,
        _ => f32::max,
    };
    Ok(Constant::Float(both(&a, &b, of)))
}

fn both<T: Copy, R>(a: &ArrayD<T>, b: &ArrayD<T>, of: impl Fn(T, T) -> R) -> ArrayD<R> {
    let values = a.iter().zip(b).map(|(&a, &b)| of(a, b)).collect();
    ArrayD::from_shape_vec(a.raw_dim(), values).expect("one of each")
}

fn chosen<T: Copy>(condition: &ArrayD<i64>, yes: &ArrayD<T>, no: &ArrayD<T>) -> ArrayD<T> {
    let sides = condition.iter().zip(yes.iter().zip(no));
    let values = sides.map(|(&condition, (&yes, &no))| if condition != 0 { yes } else { no }).collect();
    ArrayD::from_shape_vec(condition.raw_dim(), values).expect("one of each")
}

/// The shape that two shapes broadcast to.
fn common_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    let shape = (0..rank).map(|axis| match (extent(a, axis), extent(b, axis)) {
        (a, b) if a == b || b == 1 => Some(a),
        (1, b) => Some(b),
        _ => None,
    });
    let shape =
        shape.collect::<Option<Vec<_>>>().with_context(|| format!("shapes {a:?} and {b:?} do not fit"))?;
    extents(&shape.iter().map(|&extent| extent as i64).collect::<Vec<_>>())
}

fn spread<T: Clone>(array: &ArrayD<T>, shape: &[usize]) -> Result<ArrayD<T>> {
    let view = array.broadcast(IxDyn(shape)).with_context(|| {
        format!("a constant of shape {:?} does not fit {shape:?}", array.raw_dim().slice())
    })?;
    Ok(view.to_owned())
}

#[cfg(test)]
mod tests {
    use tract_onnx::pb::AttributeProto;

    use super::*;

    #[test]
    fn halves_are_read_as_the_numbers_they_are() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x8000, 0.0),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn shapes_broadcast_from_the_last_axis_on() {
        assert_eq!(common_shape(&[3, 1, 5], &[4, 1]).unwrap(), [3, 4, 5]);
        assert_eq!(common_shape(&[], &[2]).unwrap(), [2]);
        assert!(common_shape(&[3], &[2]).is_err());
    }

    #[test]
    fn constants_of_unlike_shapes_are_not_joined() {
        let [one, two] = [vec![1], vec![2, 3]].map(Constant::of_integers);
        assert_eq!(joined(&[&one, &two], 0).unwrap(), Constant::of_integers(vec![1, 2, 3]));
        let single = Constant::Int(ArrayD::from_elem(IxDyn(&[]), 1));
        let square = Constant::Int(ArrayD::from_elem(IxDyn(&[2, 2]), 1));
        let narrow = Constant::Int(ArrayD::from_elem(IxDyn(&[1, 2]), 1));
        for (parts, axis) in [([&one, &single], 0), ([&one, &square], 0), ([&square, &narrow], 1)] {
            assert!(joined(&parts, axis).unwrap_err().to_string().contains("shapes"), "{parts:?}");
        }
    }

    #[test]
    fn casts_keep_what_fits_and_refuse_the_rest() {
        let node = |to: DataType| NodeProto {
            op_type: "Cast".into(),
            attribute: vec![AttributeProto { name: "to".into(), i: to as i64, ..Default::default() }],
            ..Default::default()
        };
        let cast = |to, values: &[i64]| evaluate(&node(to), &[Some(&Constant::of_integers(values.to_vec()))]);
        assert_eq!(cast(DataType::Bool, &[0, 7, -1]).unwrap(), Constant::of_integers(vec![0, 1, 1]));
        assert_eq!(cast(DataType::Uint8, &[0, 255]).unwrap(), Constant::of_integers(vec![0, 255]));
        assert!(cast(DataType::Uint8, &[0, 256]).unwrap_err().to_string().contains("256 into UINT8"));
        assert!(cast(DataType::Int32, &[1 << 31]).is_err() && cast(DataType::String, &[1]).is_err());
        for value in [f32::NAN, f32::INFINITY, 1e19] {
            let number = Constant::Float(ArrayD::from_elem(IxDyn(&[]), value));
            assert!(evaluate(&node(DataType::Int64), &[Some(&number)]).is_err(), "{value}");
        }
    }

    #[test]
    fn ranges_count_in_whole_and_in_real_numbers() {
        let node = NodeProto { op_type: "Range".into(), ..Default::default() };
        let number = |value: f32| Constant::Float(ArrayD::from_elem(IxDyn(&[]), value));
        let counted = |inputs: [&Constant; 3]| evaluate(&node, &inputs.map(Some));
        let [zero, half, two] = [0.0, 0.5, 2.0].map(number);
        assert_eq!(counted([&zero, &two, &half]).unwrap().floats(), [0.0, 0.5, 1.0, 1.5]);
        assert!(counted([&zero, &two, &zero]).is_err() && counted([&zero, &two, &number(f32::NAN)]).is_err());
        let [one, nine, four] = [1, 9, 4].map(|value| Constant::of_integers(vec![value]));
        assert_eq!(counted([&one, &nine, &four]).unwrap(), Constant::of_integers(vec![1, 5]));
    }

    #[test]
    fn shapes_without_elements_are_bounded_too() {
        let node = NodeProto { op_type: "ConstantOfShape".into(), ..Default::default() };
        let shape = Constant::of_integers(vec![0, 2, i64::MAX]);
        assert!(evaluate(&node, &[Some(&shape)]).is_err());
        let [empty, shape] = [vec![], vec![0, i64::MAX]].map(Constant::of_integers);
        let node = NodeProto { op_type: "Reshape".into(), ..Default::default() };
        assert!(evaluate(&node, &[Some(&empty), Some(&shape)]).is_err());
    }

    #[test]
    fn slices_run_backwards_to_the_first_element() {
        let node = NodeProto { op_type: "Slice".into(), ..Default::default() };
        let [data, start, end, axis, step] =
            [vec![1, 2, 3], vec![-1], vec![i64::MIN], vec![0], vec![-1]].map(Constant::of_integers);
        let inputs = [&data, &start, &end, &axis, &step].map(Some);
        assert_eq!(evaluate(&node, &inputs).unwrap(), Constant::of_integers(vec![3, 2, 1]));
    }
}
