//! Changes of an ONNX file that keep it one: bytes changed at random seldom survive the reading of protocol buffers, and
//! the importer behind it would hardly be tried.

use host::onnx::operators;
use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, attribute_proto::AttributeType,
    tensor_shape_proto::dimension::Value as Extent, type_proto,
};

/// Operators that the importer does not know.
const UNKNOWN: [&str; 3] = ["Round", "ScatterND", "Softmax"];
/// Names of attributes.
const ATTRIBUTES: &str = "kernel_shape strides pads dilations group auto_pad ceil_mode count_include_pad axis axes keepdims \
    alpha beta gamma epsilon transA transB perm to min max mode p value coordinate_transformation_mode \
    nearest_mode shape scales training_mode storage_order split";
/// Words that attributes hold.
const WORDS: &str = "NOTSET VALID SAME_UPPER SAME_LOWER constant reflect nearest asymmetric floor";
/// Whole numbers near which code decides.
const WHOLE: &[i64] = &[
    0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 32, 33, 112, 255, 256, 257, 32767, 32768, 65535, 65536, -1, -2, -3, -4,
];
const HUGE: [i64; 5] = [i64::MIN, i32::MIN as i64, i32::MAX as i64, 1 << 40, i64::MAX];
/// Numbers near which code decides.
const REAL: &[f32] =
    &[0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-5, 1e-30, 1e-45, 1e9, -1e9, 127.5, 128.0, 0.0078125, 255.0];
const EXTREME: [f32; 5] = [f32::MIN, f32::MAX, f32::NEG_INFINITY, f32::INFINITY, f32::NAN];

/// Random numbers; the same from the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides.max(1)
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }

    /// Changes one of the elements, if there is any.
    fn change_one<T>(&mut self, of: &mut [T], change: impl FnOnce(&mut T, &mut Dice)) {
        let index = self.roll(of.len());
        if let Some(element) = of.get_mut(index) {
            change(element, self);
        }
    }

    fn word(&mut self, of: &str) -> String {
        let words: Vec<&str> = of.split(' ').collect();
        (*self.one(&words)).into()
    }

    fn whole(&mut self) -> i64 {
        if self.roll(6) == 0 { *self.one(&HUGE) } else { *self.one(WHOLE) }
    }

    fn real(&mut self) -> f32 {
        if self.roll(4) == 0 { *self.one(&EXTREME) } else { *self.one(REAL) }
    }
}

/// The file with one to four changes made to its network, or nothing if it is not an ONNX file.
pub fn changed(file: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut model = ModelProto::decode(file).ok()?;
    let mut dice = Dice(u64::from(seed) << 8 | 1);
    for _ in 0..=dice.roll(4) {
        if dice.roll(24) == 0 {
            let version = dice.whole();
            model.opset_import.iter_mut().for_each(|opset| opset.version = version);
        }
        change(model.graph.as_mut()?, &mut dice);
    }
    Some(model.encode_to_vec())
}

fn change(graph: &mut GraphProto, dice: &mut Dice) {
    let mut names: Vec<String> = graph.node.iter().flat_map(|node| node.output.clone()).collect();
    names.extend(graph.initializer.iter().map(|tensor| tensor.name.clone()));
    names.extend(graph.input.iter().map(|input| input.name.clone()));
    names.push(String::new());
    match dice.roll(16) {
        0 => graph.input.iter_mut().for_each(|input| extents(input, dice)),
        1 => dice.change_one(&mut graph.output, |output, dice| output.name.clone_from(dice.one(&names))),
        2 if !graph.node.is_empty() => _ = graph.node.remove(dice.roll(graph.node.len())),
        // The same node once more, with what it yields in the place of what its neighbour yields.
        3 if !graph.node.is_empty() => {
            let index = dice.roll(graph.node.len());
            let mut twin = graph.node[index].clone();
            twin.input = graph.node[index].output.clone();
            let old = twin.output.clone();
            twin.output.iter_mut().for_each(|output| output.push('+'));
            for node in &mut graph.node[index + 1..] {
                for input in &mut node.input {
                    if let Some(at) = old.iter().position(|output| output == input) {
                        input.clone_from(&twin.output[at]);
                    }
                }
            }
            graph.node.insert(index + 1, twin);
        }
        4..=6 => dice.change_one(&mut graph.initializer, weights),
        _ => dice.change_one(&mut graph.node, |node, dice| node_of(node, &names, dice)),
    }
}

fn extents(input: &mut tract_onnx::pb::ValueInfoProto, dice: &mut Dice) {
    let Some(type_proto::Value::TensorType(tensor)) =
        input.r#type.as_mut().and_then(|kind| kind.value.as_mut())
    else {
        return;
    };
    if dice.roll(8) == 0 {
        tensor.elem_type = dice.roll(17) as i32;
    }
    let Some(shape) = tensor.shape.as_mut() else { return };
    if dice.roll(8) == 0 {
        shape.dim.pop();
        return;
    }
    dice.change_one(&mut shape.dim, |extent, dice| {
        extent.value = match dice.roll(3) {
            0 => Some(Extent::DimParam("n".into())),
            1 => None,
            _ => Some(Extent::DimValue(dice.whole())),
        };
    });
}

fn weights(tensor: &mut TensorProto, dice: &mut Dice) {
    match dice.roll(6) {
        0 => dice.change_one(&mut tensor.dims, |extent, dice| *extent = dice.whole()),
        1 => tensor.dims.push(dice.whole()),
        2 => _ = tensor.dims.pop(),
        3 => tensor.data_type = dice.roll(17) as i32,
        4 => {
            _ = tensor.float_data.pop();
            _ = tensor.raw_data.pop();
        }
        _ => {
            let value = dice.real();
            dice.change_one(&mut tensor.float_data, |element, _| *element = value);
            let start = 4 * dice.roll(tensor.raw_data.len() / 4);
            if let Some(bytes) = tensor.raw_data.get_mut(start..start + 4) {
                bytes.copy_from_slice(&value.to_le_bytes());
            }
            dice.change_one(&mut tensor.int64_data, |element, dice| *element = dice.whole());
        }
    }
}

fn node_of(node: &mut NodeProto, names: &[String], dice: &mut Dice) {
    match dice.roll(10) {
        0..=2 => {
            let names: Vec<&str> = operators().chain(UNKNOWN).collect();
            node.op_type = (*dice.one(&names)).into();
        }
        3..=4 => dice.change_one(&mut node.input, |input, dice| input.clone_from(dice.one(names))),
        5 => node.input.push(dice.one(names).clone()),
        6 => _ = node.input.pop(),
        7 if dice.roll(4) == 0 => node.domain = "com.example".into(),
        7 => {
            let mut attribute = AttributeProto { name: dice.word(ATTRIBUTES), ..AttributeProto::default() };
            attribute.ints = (0..dice.roll(5)).map(|_| dice.whole()).collect();
            attribute_of(&mut attribute, dice);
            node.attribute.push(attribute);
        }
        8 if dice.roll(4) == 0 => _ = node.attribute.pop(),
        _ => dice.change_one(&mut node.attribute, attribute_of),
    }
}

fn attribute_of(attribute: &mut AttributeProto, dice: &mut Dice) {
    match dice.roll(8) {
        0 => attribute.r#type = dice.roll(15) as i32,
        1 => _ = attribute.ints.pop(),
        2 => attribute.ints.push(dice.whole()),
        3 => attribute.name = dice.word(ATTRIBUTES),
        4 => {
            attribute.s = dice.word(WORDS).into_bytes();
            attribute.r#type = AttributeType::String as i32;
        }
        5 => {
            attribute.f = dice.real();
            attribute.r#type = AttributeType::Float as i32;
        }
        6 => {
            attribute.i = dice.whole();
            attribute.r#type = AttributeType::Int as i32;
        }
        _ => dice.change_one(&mut attribute.ints, |element, dice| *element = dice.whole()),
    }
}
