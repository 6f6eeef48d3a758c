//! Networks for tests, written as ONNX files. Their shapes occur in users' networks but not in the real networks of
//! the tests. Weights are random, from a fixed seed, and scaled so that activations stay in range.

use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, attribute_proto::AttributeType, tensor_proto::DataType, tensor_shape_proto,
    type_proto,
};

/// An attribute of a node.
#[derive(Clone, Debug)]
pub enum Attribute {
    /// A whole number.
    Int(i64),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// A number.
    Float(f32),
    /// A word.
    Text(&'static str),
}

/// An ONNX file under construction. Values are referred to by name.
pub struct Onnx {
    graph: GraphProto,
    state: u64,
}

impl Onnx {
    /// An empty network with the input `input` of a shape such as `[1, 3, 112, 112]`.
    pub fn new(input: &[usize]) -> Self {
        let graph = GraphProto {
            name: "test".into(),
            input: vec![value("input", Some(input))],
            ..GraphProto::default()
        };
        Onnx { graph, state: 1 }
    }

    /// The file's bytes, with `output` as the output.
    pub fn finish(mut self, output: &str) -> Vec<u8> {
        self.graph.output = vec![value(output, None)];
        let model = ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 20 }],
            producer_name: "tests".into(),
            graph: Some(self.graph),
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }

    /// The next random number, about normal, of variance one.
    pub fn random(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..12 {
            self.state = self.state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            sum += (self.state >> 40) as f32 / (1 << 24) as f32;
        }
        sum - 6.0
    }

    /// Random numbers with a mean and a deviation.
    pub fn randoms(&mut self, count: usize, mean: f32, deviation: f32) -> Vec<f32> {
        (0..count).map(|_| mean + deviation * self.random()).collect()
    }

    /// A constant.
    pub fn constant(&mut self, dims: &[usize], values: Vec<f32>) -> String {
        let name = format!("constant_{}", self.graph.initializer.len());
        self.graph.initializer.push(TensorProto {
            name: name.clone(),
            dims: dims.iter().map(|&dim| dim as i64).collect(),
            data_type: DataType::Float as i32,
            float_data: values,
            ..TensorProto::default()
        });
        name
    }

    /// A constant of whole numbers.
    pub fn integers(&mut self, values: &[i64]) -> String {
        let name = format!("constant_{}", self.graph.initializer.len());
        self.graph.initializer.push(TensorProto {
            name: name.clone(),
            dims: vec![values.len() as i64],
            data_type: DataType::Int64 as i32,
            int64_data: values.to_vec(),
            ..TensorProto::default()
        });
        name
    }

    /// Adds a node with several outputs and returns their names.
    pub fn nodes(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute)],
        outputs: usize,
    ) -> Vec<String> {
        let first = self.node(operator, inputs, attributes);
        let more = (1..outputs).map(|number| format!("{first}_{number}"));
        let names: Vec<String> = [first.clone()].into_iter().chain(more).collect();
        if let Some(node) = self.graph.node.last_mut() {
            node.output = names.clone();
        }
        names
    }

    /// Adds a node and returns the name of its output.
    pub fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String {
        let name = format!("{operator}_{}", self.graph.node.len());
        let output = format!("{name}_out");
        self.graph.node.push(NodeProto {
            name,
            op_type: operator.into(),
            input: inputs.iter().map(|input| input.to_string()).collect(),
            output: vec![output.clone()],
            attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
            ..NodeProto::default()
        });
        output
    }

    /// A convolution with random weights: `kernel`, `stride`, `pad` for both axes, without bias.
    pub fn conv(
        &mut self,
        x: &str,
        channels: [usize; 2],
        kernel: [usize; 2],
        stride: usize,
        pad: usize,
        groups: usize,
    ) -> String {
        let [c_in, c_out] = channels;
        let taps = c_in / groups * kernel[0] * kernel[1];
        let weights = self.randoms(c_out * taps, 0.0, (2.0 / taps as f32).sqrt());
        let weights = self.constant(&[c_out, c_in / groups, kernel[0], kernel[1]], weights);
        let ints = |values: &[usize]| Attribute::Ints(values.iter().map(|&v| v as i64).collect());
        self.node(
            "Conv",
            &[x, &weights],
            &[
                ("kernel_shape", ints(&kernel)),
                ("strides", ints(&[stride; 2])),
                ("pads", ints(&[pad; 4])),
                ("group", Attribute::Int(groups as i64)),
            ],
        )
    }

    /// A convolution 3 × 3 whose taps lie `dilation` apart, padded so that the map keeps its size.
    pub fn dilated(&mut self, x: &str, [c_in, c_out]: [usize; 2], dilation: i64) -> String {
        let weights = self.randoms(c_out * c_in * 9, 0.0, (2.0 / (9 * c_in) as f32).sqrt());
        let weights = self.constant(&[c_out, c_in, 3, 3], weights);
        let attributes = [
            ("kernel_shape", Attribute::Ints(vec![3; 2])),
            ("dilations", Attribute::Ints(vec![dilation; 2])),
            ("pads", Attribute::Ints(vec![dilation; 4])),
        ];
        self.node("Conv", &[x, &weights], &attributes)
    }

    /// A batch normalisation with random statistics.
    pub fn batch_norm(&mut self, x: &str, channels: usize) -> String {
        let parameters = [(1.0, 0.2), (0.0, 0.2), (0.0, 0.3)].map(|(mean, deviation)| {
            let values = self.randoms(channels, mean, deviation);
            self.constant(&[channels], values)
        });
        let variance = self.randoms(channels, 1.0, 0.1).into_iter().map(f32::abs).collect();
        let variance = self.constant(&[channels], variance);
        let [gamma, beta, mean] = &parameters;
        self.node(
            "BatchNormalization",
            &[x, gamma, beta, mean, &variance],
            &[("epsilon", Attribute::Float(1e-5))],
        )
    }

    /// A PReLU with one slope for each of `slopes` channels, or one for all.
    pub fn prelu(&mut self, x: &str, slopes: usize) -> String {
        let values = self.randoms(slopes, 0.25, 0.1);
        let dims = if slopes == 1 { vec![1] } else { vec![slopes, 1, 1] };
        let slopes = self.constant(&dims, values);
        self.node("PRelu", &[x, &slopes], &[])
    }

    /// A fully connected layer as `Gemm` with the weights transposed.
    pub fn gemm(&mut self, x: &str, inputs: usize, outputs: usize) -> String {
        let weights = self.randoms(inputs * outputs, 0.0, (1.0 / inputs as f32).sqrt());
        let weights = self.constant(&[outputs, inputs], weights);
        let bias = self.randoms(outputs, 0.0, 0.1);
        let bias = self.constant(&[outputs], bias);
        self.node("Gemm", &[x, &weights, &bias], &[("transB", Attribute::Int(1))])
    }
}

fn attribute(name: &str, value: &Attribute) -> AttributeProto {
    let mut proto = AttributeProto { name: name.into(), ..AttributeProto::default() };
    match value {
        Attribute::Int(i) => (proto.i, proto.r#type) = (*i, AttributeType::Int as i32),
        Attribute::Ints(ints) => (proto.ints, proto.r#type) = (ints.clone(), AttributeType::Ints as i32),
        Attribute::Text(text) => {
            (proto.s, proto.r#type) = (text.as_bytes().to_vec(), AttributeType::String as i32);
        }
        Attribute::Float(f) => (proto.f, proto.r#type) = (*f, AttributeType::Float as i32),
    }
    proto
}

fn value(name: &str, shape: Option<&[usize]>) -> ValueInfoProto {
    let dim = |&dim: &usize| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(dim as i64)),
        ..tensor_shape_proto::Dimension::default()
    };
    let shape = shape.map(|shape| TensorShapeProto { dim: shape.iter().map(dim).collect() });
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.into(), r#type: Some(r#type), ..ValueInfoProto::default() }
}

/// A residual network in the shape of arcface-pytorch's `resnet_face18`, narrow: 1 × 128 × 128 grey, max-pool, batch
/// normalisation before padded convolutions and before a branch, PReLU with one slope, a `Gemm` on the flattened map,
/// batch normalisation of its output.
pub fn resnet18_grey() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 1, 128, 128]);
    let widths = [8, 8, 12, 16, 16];
    let mut x = net.conv("input", [1, widths[0]], [3, 3], 1, 1, 1);
    x = net.batch_norm(&x, widths[0]);
    x = net.prelu(&x, 1);
    let two = |value| Attribute::Ints(vec![value; 2]);
    x = net.node("MaxPool", &[&x], &[("kernel_shape", two(2)), ("strides", two(2))]);
    let mut channels = widths[0];
    for (stage, &width) in widths[1..].iter().enumerate() {
        for block in 0..2 {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let mut y = net.batch_norm(&x, channels);
            y = net.conv(&y, [channels, channels], [3, 3], 1, 1, 1);
            y = net.batch_norm(&y, channels);
            y = net.prelu(&y, 1);
            y = net.conv(&y, [channels, width], [3, 3], stride, 1, 1);
            y = net.batch_norm(&y, width);
            let shortcut = if stride != 1 || channels != width {
                let shortcut = net.conv(&x, [channels, width], [1, 1], stride, 0, 1);
                net.batch_norm(&shortcut, width)
            } else {
                x
            };
            x = net.node("Add", &[&y, &shortcut], &[]);
            x = net.prelu(&x, 1);
            channels = width;
        }
    }
    x = net.batch_norm(&x, channels);
    x = net.node("Dropout", &[&x], &[]);
    x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    x = net.gemm(&x, channels * 8 * 8, 64);
    x = net.batch_norm(&x, 64);
    net.finish(&x)
}

/// A small MobileFaceNet of 112 × 96 crops with everything an exporter leaves in the file: preprocessing as `Sub` and
/// `Mul` (the photo comes as 0 to 255), batch normalisation not fused, PReLU a channel, a strided depthwise convolution,
/// an in-place residual, global depthwise convolution, `Reshape`, `Gemm`, batch normalisation, and L2 normalisation.
pub fn mobile_112x96() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 112, 96]);
    let mean = net.constant(&[1, 3, 1, 1], vec![123.675, 116.28, 103.53]);
    let scale = net.constant(&[], vec![1.0 / 58.0]);
    let mut x = net.node("Sub", &["input", &mean], &[]);
    x = net.node("Mul", &[&x, &scale], &[]);
    x = net.conv(&x, [3, 12], [3, 3], 2, 1, 1);
    x = net.batch_norm(&x, 12);
    x = net.prelu(&x, 12);
    for (c_in, c_out, stride) in [(12, 16, 2), (16, 16, 1), (16, 24, 2), (24, 24, 1), (24, 32, 2)] {
        let wide = 2 * c_in;
        let mut y = net.conv(&x, [c_in, wide], [1, 1], 1, 0, 1);
        y = net.batch_norm(&y, wide);
        y = net.prelu(&y, wide);
        y = net.conv(&y, [wide, wide], [3, 3], stride, 1, wide);
        y = net.batch_norm(&y, wide);
        y = net.prelu(&y, wide);
        y = net.conv(&y, [wide, c_out], [1, 1], 1, 0, 1);
        y = net.batch_norm(&y, c_out);
        x = if stride == 1 { net.node("Add", &[&x, &y], &[]) } else { y };
    }
    x = net.conv(&x, [32, 32], [7, 6], 1, 0, 32);
    x = net.batch_norm(&x, 32);
    let flat = net.integers(&[1, -1]);
    x = net.node("Reshape", &[&x, &flat], &[]);
    x = net.gemm(&x, 32, 96);
    x = net.batch_norm(&x, 96);
    let length =
        net.node("ReduceL2", &[&x], &[("axes", Attribute::Ints(vec![1])), ("keepdims", Attribute::Int(1))]);
    let tiny = net.constant(&[], vec![1e-12]);
    let length = net.node("Clip", &[&length, &tiny], &[]);
    x = net.node("Div", &[&x, &length], &[]);
    net.finish(&x)
}

/// A network of pooling layers and a `MatMul` head behind a `Transpose`: 3 × 40 × 24.
pub fn pools() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 40, 24]);
    let two = |value| Attribute::Ints(vec![value; 2]);
    let mut x = net.conv("input", [3, 20], [5, 5], 1, 2, 1);
    x = net.node("Relu", &[&x], &[]);
    let pads = Attribute::Ints(vec![1; 4]);
    x = net.node("MaxPool", &[&x], &[("kernel_shape", two(3)), ("strides", two(2)), ("pads", pads)]);
    x = net.node("AveragePool", &[&x], &[("kernel_shape", two(2)), ("strides", two(2))]);
    let (low, high) = (net.constant(&[], vec![0.0]), net.constant(&[], vec![6.0]));
    x = net.node("Clip", &[&x, &low, &high], &[]);
    x = net.conv(&x, [20, 32], [3, 3], 1, 1, 1);
    x = net.node("LeakyRelu", &[&x], &[("alpha", Attribute::Float(0.1))]);
    x = net.node("GlobalAveragePool", &[&x], &[]);
    x = net.node("Transpose", &[&x], &[("perm", Attribute::Ints(vec![0, 2, 3, 1]))]);
    let flat = net.integers(&[1, 32]);
    x = net.node("Reshape", &[&x, &flat], &[]);
    let weights = net.randoms(32 * 24, 0.0, 0.2);
    let weights = net.constant(&[32, 24], weights);
    x = net.node("MatMul", &[&x, &weights], &[]);
    net.finish(&x)
}

/// UltraFace's slim detector (Linzaer, Ultra-Light-Fast-Generic-Face-Detector-1MB, `Mb_Tiny`) with random weights, for pictures of
/// 320 × 240: separable convolutions, and at four places heads of two classes and four shifts for each size of boxes.
pub fn ultraface_slim() -> Vec<u8> {
    fn separable(net: &mut Onnx, x: &str, [from, to]: [usize; 2], stride: usize) -> String {
        let x = net.conv(x, [from, from], [3, 3], stride, 1, from);
        let x = net.node("Relu", &[&x], &[]);
        net.conv(&x, [from, to], [1, 1], 1, 0, 1)
    }
    let mut net = Onnx::new(&[1, 3, 240, 320]);
    let x = net.conv("input", [3, 16], [3, 3], 2, 1, 1);
    let mut x = net.node("Relu", &[&x], &[]);
    let mut maps = Vec::new();
    let blocks = [
        (16, 32, 1),
        (32, 32, 2),
        (32, 32, 1),
        (32, 64, 2),
        (64, 64, 1),
        (64, 64, 1),
        (64, 64, 1),
        (64, 128, 2),
    ];
    let deeper = [(128, 128, 1), (128, 128, 1), (128, 256, 2), (256, 256, 1)];
    for (index, (from, to, stride)) in blocks.into_iter().chain(deeper).enumerate() {
        if [7, 10].contains(&index) {
            maps.push((x.clone(), from));
        }
        let made = separable(&mut net, &x, [from, to], stride);
        x = net.node("Relu", &[&made], &[]);
    }
    maps.push((x.clone(), 256));
    let small = net.conv(&x, [256, 64], [1, 1], 1, 0, 1);
    let small = net.node("Relu", &[&small], &[]);
    let last = separable(&mut net, &small, [64, 256], 2);
    maps.push((net.node("Relu", &[&last], &[]), 256));
    let mut flat = Vec::new();
    for ((map, channels), sizes) in maps.iter().zip([3, 2, 2, 3]) {
        for values in [2, 4] {
            let head = match sizes * channels {
                768 => net.conv(map, [*channels, values * sizes], [3, 3], 1, 1, 1),
                _ => separable(&mut net, map, [*channels, values * sizes], 1),
            };
            let turned = net.node("Transpose", &[&head], &[("perm", Attribute::Ints(vec![0, 2, 3, 1]))]);
            let shape = net.integers(&[1, -1]);
            flat.push(net.node("Reshape", &[&turned, &shape], &[]));
        }
    }
    let flat: Vec<&str> = flat.iter().map(String::as_str).collect();
    let output = net.node("Concat", &flat, &[("axis", Attribute::Int(1))]);
    net.finish(&output)
}

/// A network of averages that leave padding out of the count, whose windows end beyond the map, or both: 3 × 40 × 24.
pub fn averages() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 40, 24]);
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let mut x = net.conv("input", [3, 16], [3, 3], 2, 1, 1);
    x = net.node("Relu", &[&x], &[]);
    // The average takes the batch normalisation over; its shift must not depend on the padding.
    x = net.batch_norm(&x, 16);
    // 20 × 12, as in Inception.
    x = net.node("AveragePool", &[&x], &[("kernel_shape", ints(&[3, 3])), ("pads", ints(&[1; 4]))]);
    x = net.batch_norm(&x, 16);
    x = net.prelu(&x, 16);
    x = net.conv(&x, [16, 20], [1, 1], 1, 0, 1);
    x = net.node("Relu", &[&x], &[]);
    // 10 × 6, with one more row and column at the bottom and right.
    let same = ("auto_pad", Attribute::Text("SAME_UPPER"));
    x = net.node("AveragePool", &[&x], &[("kernel_shape", ints(&[3, 3])), ("strides", ints(&[2, 2])), same]);
    x = net.conv(&x, [20, 20], [3, 3], 1, 1, 20);
    // 3 × 2: the last windows end beyond the map.
    x = net.node(
        "AveragePool",
        &[&x],
        &[("kernel_shape", ints(&[4, 4])), ("strides", ints(&[4, 4])), ("ceil_mode", Attribute::Int(1))],
    );
    // 2 × 5, with pads that differ. The first window has one place on the map.
    x = net.node(
        "AveragePool",
        &[&x],
        &[
            ("kernel_shape", ints(&[3, 7])),
            ("strides", ints(&[2, 1])),
            ("pads", ints(&[2, 6, 1, 3])),
            ("count_include_pad", Attribute::Int(0)),
        ],
    );
    x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    x = net.gemm(&x, 20 * 10, 24);
    net.finish(&x)
}

/// A network that averages a map of 10 × 10 to one of `side` × `side`, after a node that puts `around` zeros around it.
pub fn average(around: i64, attributes: &[(&str, Attribute)], side: usize) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 20, 20]);
    let mut x = net.conv("input", [3, 8], [3, 3], 2, 1, 1);
    if around > 0 {
        let pads = net.integers(&[0, 0, around, around, 0, 0, around, around]);
        x = net.node("Pad", &[&x, &pads], &[]);
    }
    x = net.node("AveragePool", &[&x], attributes);
    x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    x = net.gemm(&x, 8 * side * side, 24);
    net.finish(&x)
}

/// A network of `layers` layers that takes crops of 16 rows, `width` pixels wide; `width` is a multiple of 16.
pub fn deep(width: usize, layers: usize) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, width]);
    let mut x = net.conv("input", [3, 8], [16, 16], 16, 0, 1);
    let mut width = width / 16;
    // Three further layers are the input, the convolution and the head.
    for _ in 3..layers {
        let stride = if width > 16 { 2 } else { 1 };
        width = width.div_ceil(stride);
        let ints = |values: &[usize]| Attribute::Ints(values.iter().map(|&v| v as i64).collect());
        let attributes =
            [("kernel_shape", ints(&[3; 2])), ("strides", ints(&[1, stride])), ("pads", ints(&[1; 4]))];
        x = net.node("MaxPool", &[&x], &attributes);
    }
    x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    x = net.gemm(&x, 8 * width, 24);
    net.finish(&x)
}

/// A network whose training collapsed. For every input its embedding is nearly the bias of its last layer.
pub fn collapsed() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 40, 24]);
    let mut x = net.conv("input", [3, 16], [3, 3], 4, 1, 1);
    x = net.prelu(&x, 16);
    x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    let weights = net.randoms(24 * 16 * 10 * 6, 0.0, 1e-4);
    let weights = net.constant(&[24, 16 * 10 * 6], weights);
    let bias = net.randoms(24, 0.0, 1.0);
    let bias = net.constant(&[24], bias);
    x = net.node("Gemm", &[&x, &weights, &bias], &[("transB", Attribute::Int(1))]);
    net.finish(&x)
}

/// A network that ends with a sigmoid, as a network that scores pictures does.
pub fn scores() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 40, 24]);
    let x = net.conv("input", [3, 8], [3, 3], 4, 1, 1);
    let x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    let x = net.gemm(&x, 8 * 60, 24);
    let x = net.node("Sigmoid", &[&x], &[]);
    net.finish(&x)
}

/// A network that enlarges a map of 5 × 5 by `factor`. The size is rounded down to whole pixels.
pub fn enlarged_by(factor: f32) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 20, 20]);
    let x = net.conv("input", [3, 8], [3, 3], 4, 1, 1);
    let scales = net.constant(&[4], vec![1.0, 1.0, factor, factor]);
    let attributes = [
        ("coordinate_transformation_mode", Attribute::Text("asymmetric")),
        ("nearest_mode", Attribute::Text("floor")),
    ];
    let x = net.node("Resize", &[&x, "", &scales], &attributes);
    let x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    let x = net.gemm(&x, 8 * 100, 24);
    net.finish(&x)
}

/// A network that joins the photo, made smaller, with a tensor of much larger values.
pub fn joined_with_photo() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 40, 24]);
    let two = || Attribute::Ints(vec![2; 2]);
    let small = net.node("MaxPool", &["input"], &[("kernel_shape", two()), ("strides", two())]);
    let weights = net.randoms(8 * 3 * 9, 0.0, 8.0);
    let weights = net.constant(&[8, 3, 3, 3], weights);
    let loud =
        net.node("Conv", &["input", &weights], &[("strides", two()), ("pads", Attribute::Ints(vec![1; 4]))]);
    let x = net.node("Concat", &[&small, &loud], &[("axis", Attribute::Int(1))]);
    let x = net.conv(&x, [11, 16], [3, 3], 2, 1, 1);
    let x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    let x = net.gemm(&x, 16 * 10 * 6, 24);
    net.finish(&x)
}

/// A network with a SiLU, written as a product with a sigmoid.
pub fn with_silu() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let x = net.conv("input", [3, 8], [3, 3], 1, 1, 1);
    let gate = net.node("Sigmoid", &[&x], &[]);
    let x = net.node("Mul", &[&x, &gate], &[]);
    let x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    let x = net.gemm(&x, 8 * 256, 24);
    net.finish(&x)
}

/// Activations that [`with_written`] writes with several nodes.
pub const WRITTEN: [&str; 6] = ["gelu", "tanh_gelu", "mish", "quick_gelu", "celu", "chosen_mish"];

/// A network with an activation that is written with several nodes, between two convolutions.
///
/// # Panics
/// For activations that are not among [`WRITTEN`].
pub fn with_written(activation: &str) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let x = net.conv("input", [3, 8], [3, 3], 2, 1, 1);
    let number = |net: &mut Onnx, number: f32| net.constant(&[], vec![number]);
    let [half, one, zero] = [0.5, 1.0, 0.0].map(|value| number(&mut net, value));
    let y = match activation {
        "gelu" => {
            let root = number(&mut net, std::f32::consts::SQRT_2);
            let y = net.node("Div", &[&x, &root], &[]);
            let y = net.node("Erf", &[&y], &[]);
            let y = net.node("Add", &[&y, &one], &[]);
            let y = net.node("Mul", &[&x, &y], &[]);
            net.node("Mul", &[&y, &half], &[])
        }
        "tanh_gelu" => {
            let [three, factor, root] = [3.0, 0.044_715, 0.797_884_6].map(|value| number(&mut net, value));
            let y = net.node("Pow", &[&x, &three], &[]);
            let y = net.node("Mul", &[&y, &factor], &[]);
            let y = net.node("Add", &[&x, &y], &[]);
            let y = net.node("Mul", &[&y, &root], &[]);
            let y = net.node("Tanh", &[&y], &[]);
            let y = net.node("Add", &[&one, &y], &[]);
            let x = net.node("Mul", &[&half, &x], &[]);
            net.node("Mul", &[&x, &y], &[])
        }
        "mish" => {
            let y = net.node("Softplus", &[&x], &[]);
            let y = net.node("Tanh", &[&y], &[]);
            net.node("Mul", &[&x, &y], &[])
        }
        "quick_gelu" => {
            let factor = number(&mut net, 1.702);
            let y = net.node("Mul", &[&x, &factor], &[]);
            let y = net.node("Sigmoid", &[&y], &[]);
            net.node("Mul", &[&x, &y], &[])
        }
        "celu" => {
            let y = net.node("Exp", &[&x], &[]);
            let y = net.node("Sub", &[&y, &one], &[]);
            let y = net.node("Min", &[&y, &zero], &[]);
            let x = net.node("Relu", &[&x], &[]);
            net.node("Add", &[&x, &y], &[])
        }
        // Softplus is a straight line from a bound on.
        "chosen_mish" => {
            let bound = number(&mut net, 20.0);
            let is_above = net.node("Greater", &[&x, &bound], &[]);
            let y = net.node("Exp", &[&x], &[]);
            let y = net.node("Add", &[&y, &one], &[]);
            let y = net.node("Log", &[&y], &[]);
            let y = net.node("Where", &[&is_above, &x, &y], &[]);
            let y = net.node("Tanh", &[&y], &[]);
            net.node("Mul", &[&x, &y], &[])
        }
        other => panic!("{other}"),
    };
    let x = net.conv(&y, [8, 8], [8, 8], 1, 0, 1);
    net.finish(&x)
}

/// A network whose PReLU chooses between a tensor and its multiple, behind a bias of its own or not.
pub fn prelu_by_choice(is_biased: bool) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let mut x = net.conv("input", [3, 8], [3, 3], 2, 1, 1);
    if is_biased {
        let bias = net.randoms(8, 0.0, 0.3);
        let bias = net.constant(&[1, 8, 1, 1], bias);
        x = net.node("Add", &[&x, &bias], &[]);
    }
    let slopes = net.randoms(8, 0.25, 0.1);
    let slopes = net.constant(&[8, 1, 1], slopes);
    let zero = net.constant(&[], vec![0.0]);
    let is_above = net.node("Greater", &[&x, &zero], &[]);
    let below = net.node("Mul", &[&x, &slopes], &[]);
    let x = net.node("Where", &[&is_above, &x, &below], &[]);
    let x = net.conv(&x, [8, 8], [8, 8], 1, 0, 1);
    net.finish(&x)
}

/// A network that squares the hyperbolic tangent of a tensor again and again.
pub fn squared(times: usize) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let x = net.conv("input", [3, 8], [3, 3], 2, 1, 1);
    let mut x = net.node("Tanh", &[&x], &[]);
    for _ in 0..times {
        x = net.node("Mul", &[&x, &x], &[]);
    }
    let x = net.conv(&x, [8, 8], [8, 8], 1, 0, 1);
    net.finish(&x)
}

/// A network with operators that embedding networks seldom have: dilated and grouped convolutions, branches that are
/// joined and enlarged, and channels multiplied by a function of a map's mean.
pub fn every_operator() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 40, 24]);
    let mut x = net.conv("input", [3, 16], [3, 3], 2, 1, 1);
    x = net.batch_norm(&x, 16);
    x = net.prelu(&x, 16);
    let near = net.conv(&x, [16, 12], [3, 3], 1, 1, 1);
    let far = net.dilated(&x, [16, 12], 3);
    let far = net.node("Relu", &[&far], &[]);
    let grouped = net.conv(&x, [16, 16], [3, 3], 1, 1, 4);
    let half = net.node("Concat", &[&near, &far, &grouped], &[("axis", Attribute::Int(1))]);
    // Squeeze and excitation over the 20 × 12 map.
    let mean = net.node("GlobalAveragePool", &[&half], &[]);
    let gate = net.conv(&mean, [40, 8], [1, 1], 1, 0, 1);
    let gate = net.node("Relu", &[&gate], &[]);
    let gate = net.conv(&gate, [8, 40], [1, 1], 1, 0, 1);
    let gate = net.node("Sigmoid", &[&gate], &[]);
    x = net.node("Mul", &[&half, &gate], &[]);
    x = net.node("HardSwish", &[&x], &[]);
    // The map is made smaller and enlarged again, and joined with the map of full size.
    let low = net.conv(&x, [40, 40], [3, 3], 2, 1, 40);
    let low = net.prelu(&low, 40);
    // As MobileNetV3 does it: many channels between two convolutions.
    let wide = net.conv(&low, [40, 160], [1, 1], 1, 0, 1);
    let wide = net.node("HardSwish", &[&wide], &[]);
    let low = net.conv(&wide, [160, 40], [1, 1], 1, 0, 1);
    let scales = net.constant(&[4], vec![1.0, 1.0, 2.0, 2.0]);
    let attributes = [
        ("mode", Attribute::Text("nearest")),
        ("coordinate_transformation_mode", Attribute::Text("asymmetric")),
        ("nearest_mode", Attribute::Text("floor")),
    ];
    let up = net.node("Resize", &[&low, "", &scales], &attributes);
    x = net.node("Add", &[&x, &up], &[]);
    x = net.conv(&x, [40, 24], [3, 3], 2, 1, 2);
    x = net.prelu(&x, 24);
    x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    x = net.gemm(&x, 24 * 10 * 6, 32);
    net.finish(&x)
}

/// A network that adds a tensor to itself.
pub fn doubled() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 40, 24]);
    let mut x = net.conv("input", [3, 16], [3, 3], 4, 1, 1);
    x = net.prelu(&x, 16);
    x = net.node("Add", &[&x, &x], &[]);
    x = net.conv(&x, [16, 16], [3, 3], 1, 1, 16);
    x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    x = net.gemm(&x, 16 * 10 * 6, 24);
    net.finish(&x)
}

/// A network whose PReLU is spelled as TFLite's files have it: `relu(x) + a (x − |x|)`, with half the slope as `a`.
pub fn prelu_of_absolute_values() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let x = net.conv("input", [3, 8], [3, 3], 2, 1, 1);
    let halves = net.randoms(8, 0.125, 0.05);
    let halves = net.constant(&[8, 1, 1], halves);
    let positive = net.node("Relu", &[&x], &[]);
    let absolute = net.node("Abs", &[&x], &[]);
    let twice_negative = net.node("Sub", &[&x, &absolute], &[]);
    let negative = net.node("Mul", &[&halves, &twice_negative], &[]);
    let x = net.node("Add", &[&positive, &negative], &[]);
    let x = net.conv(&x, [8, 8], [8, 8], 1, 0, 1);
    net.finish(&x)
}

/// A network that takes the photo's colours from last to first, as `flip` in PyTorch and `[..., ::-1]` in TensorFlow are written.
pub fn colours_reversed() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let [start, end, axis, step] = [-1, i64::MIN, 1, -1].map(|value| net.integers(&[value]));
    let x = net.node("Slice", &["input", &start, &end, &axis, &step], &[]);
    let x = net.conv(&x, [3, 8], [3, 3], 2, 1, 1);
    let x = net.conv(&x, [8, 8], [8, 8], 1, 0, 1);
    net.finish(&x)
}

/// Adds a graph as an attribute of the last node.
fn hold(net: &mut Onnx, name: &str, operator: &str, inputs: &[&str]) {
    let mut within = Onnx::new(&[]);
    within.graph.input.clear();
    let output = within.node(operator, inputs, &[]);
    within.graph.output = vec![value(&output, None)];
    let graph = AttributeProto {
        name: name.into(),
        r#type: AttributeType::Graph as i32,
        g: Some(within.graph),
        ..AttributeProto::default()
    };
    if let Some(node) = net.graph.node.last_mut() {
        node.attribute.push(graph);
    }
}

/// A network that decides between two operators, which alone read the photo: at run time, or by the number of the photo's
/// channels.
pub fn with_branches(by_shape: Option<i64>) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let condition = match by_shape {
        Some(channels) => {
            let shape = net.node("Shape", &["input"], &[]);
            let place = net.integers(&[1]);
            let own = net.node("Gather", &[&shape, &place], &[]);
            let channels = net.integers(&[channels]);
            let is_more = net.node("Greater", &[&own, &channels], &[]);
            net.node("Not", &[&is_more], &[])
        }
        None => {
            let flat = net.node("Flatten", &["input"], &[]);
            let limit = net.constant(&[1], vec![0.5]);
            net.node("Greater", &[&flat, &limit], &[])
        }
    };
    let x = net.node("If", &[&condition], &[]);
    hold(&mut net, "then_branch", "Relu", &["input"]);
    hold(&mut net, "else_branch", "Neg", &["input"]);
    let x = net.conv(&x, [3, 8], [16, 16], 1, 0, 1);
    net.finish(&x)
}

/// A network whose last layer is an `Einsum` of vectors of 8 elements and weights for 5, in one of its spellings.
pub fn summed(equation: &'static str) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let x = net.conv("input", [3, 8], [16, 16], 1, 0, 1);
    let x = net.node("Flatten", &[&x], &[]);
    let weights = net.randoms(40, 0.0, 0.3);
    let is_row_an_output = equation.contains("oi");
    let weights = net.constant(if is_row_an_output { &[5, 8] } else { &[8, 5] }, weights);
    let inputs = if equation.starts_with('b') { [&*x, &*weights] } else { [&*weights, &*x] };
    let x = net.node("Einsum", &inputs, &[("equation", Attribute::Text(equation))]);
    net.finish(&x)
}

/// A network beside whose nodes there are `count` more of an operator that read a constant of `elements`, besides other
/// constants.
pub fn with_readers(operator: &str, elements: i64, others: &[i64], count: usize) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let size = net.integers(&[elements]);
    let large = net.node("ConstantOfShape", &[&size], &[]);
    let others: Vec<String> = others.iter().map(|&number| net.integers(&[number])).collect();
    let inputs: Vec<&str> = [&*large].into_iter().chain(others.iter().map(|name| &**name)).collect();
    for _ in 0..count {
        net.node(operator, &inputs, &[]);
    }
    let x = net.conv("input", [3, 8], [16, 16], 1, 0, 1);
    net.finish(&x)
}

/// A network with `count` picks of all channels of a tensor, of which it has `channels`.
pub fn with_picks(channels: usize, count: usize) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 1, 1]);
    let x = net.conv("input", [3, channels], [1, 1], 1, 0, 1);
    let order: Vec<i64> = (0..channels as i64).rev().collect();
    let order = net.integers(&order);
    for _ in 0..count {
        net.node("Gather", &[&x, &order], &[("axis", Attribute::Int(1))]);
    }
    let x = net.conv(&x, [channels, 8], [1, 1], 1, 0, 1);
    net.finish(&x)
}

/// A file with changes.
pub fn changed(onnx: &[u8], change: impl FnOnce(&mut ModelProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(onnx).unwrap_or_default();
    change(&mut model);
    model.encode_to_vec()
}

/// A network that normalises each channel by these means and divisors, or takes normalised pixels. Its first convolution
/// is padded or not.
pub fn normalised_by(values: Option<&[Vec<f32>; 2]>, is_padded: bool) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 40, 24]);
    let mut x = "input".to_string();
    for (operator, values) in ["Sub", "Div"].iter().zip(values.into_iter().flatten()) {
        let values = net.constant(&[1, 3, 1, 1], values.clone());
        x = net.node(operator, &[&x, &values], &[]);
    }
    // Weights are the same, however many constants come before.
    net.state = 1;
    let x = net.conv(&x, [3, 16], [4, 4], 4, if is_padded { 2 } else { 0 }, 1);
    let side = if is_padded { [11, 7] } else { [10, 6] };
    let x = net.conv(&x, [16, 24], side, 1, 0, 1);
    net.finish(&x)
}

/// A network without activations, to which pictures that have nothing in common are at right angles.
pub fn contrary() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 40, 24]);
    let x = net.conv("input", [3, 16], [4, 4], 4, 0, 1);
    let x = net.conv(&x, [16, 64], [10, 6], 1, 0, 1);
    net.finish(&x)
}

/// Spellings of [`colours_exchanged`].
pub const EXCHANGES: [&str; 5] = ["split", "slices", "gathers", "last", "transformed"];

/// A network that takes the photo's colours from blue to red, as exporters write this: parts of the photo that are joined
/// in another order.
///
/// # Panics
/// For spellings that are not among [`EXCHANGES`].
pub fn colours_exchanged(spelling: &str) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let along = |axis| [("axis", Attribute::Int(axis))];
    let x = match spelling {
        "split" => {
            let parts = net.nodes("Split", &["input"], &along(1), 3);
            net.node("Concat", &[&parts[2], &parts[1], &parts[0]], &along(1))
        }
        "slices" => {
            let [axis, step] = [1, 1].map(|value| net.integers(&[value]));
            let parts = [2, 1, 0].map(|channel| {
                let [start, end] = [channel, channel + 1].map(|value| net.integers(&[value]));
                net.node("Slice", &["input", &start, &end, &axis, &step], &[])
            });
            net.node("Concat", &parts.each_ref().map(|part| &**part), &along(1))
        }
        "gathers" => {
            let parts = [2, 1, 0].map(|channel| {
                let index = net.integers(&[channel]);
                net.node("Gather", &["input", &index], &along(1))
            });
            net.node("Concat", &parts.each_ref().map(|part| &**part), &along(-3))
        }
        "last" => {
            let order = |order: [i64; 4]| [("perm", Attribute::Ints(order.to_vec()))];
            let x = net.node("Transpose", &["input"], &order([0, 2, 3, 1]));
            let parts = net.nodes("Split", &[&x], &along(-1), 3);
            let x = net.node("Concat", &[&parts[2], &parts[1], &parts[0]], &along(-1));
            net.node("Transpose", &[&x], &order([0, 3, 1, 2]))
        }
        // Each colour is normalised by itself, as Inception does it.
        "transformed" => {
            let parts = [(2, 0.458, -0.03), (1, 0.448, -0.088), (0, 0.45, -0.188)];
            let parts = parts.map(|(channel, scale, shift)| {
                let index = net.integers(&[channel]);
                let [scale, shift] = [scale, shift].map(|value| net.constant(&[], vec![value]));
                let x = net.node("Gather", &["input", &index], &along(1));
                let x = net.node("Mul", &[&x, &scale], &[]);
                net.node("Add", &[&x, &shift], &[])
            });
            net.node("Concat", &parts.each_ref().map(|part| &**part), &along(1))
        }
        other => panic!("{other}"),
    };
    let x = net.conv(&x, [3, 8], [4, 4], 4, 0, 1);
    let x = net.conv(&x, [8, 8], [4, 4], 1, 0, 1);
    net.finish(&x)
}

/// A network that treats the two halves of a map's channels in different ways and joins them.
pub fn halves() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let along = [("axis", Attribute::Int(1))];
    let x = net.conv("input", [3, 12], [3, 3], 2, 1, 1);
    let parts = net.nodes("Split", &[&x], &along, 2);
    let own = net.conv(&parts[0], [6, 6], [3, 3], 1, 1, 1);
    let x = net.node("Concat", &[&parts[1], &own], &along);
    let x = net.conv(&x, [12, 8], [8, 8], 1, 0, 1);
    net.finish(&x)
}

/// A network that takes the left half of the photo.
pub fn left_half() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let parts = net.nodes("Split", &["input"], &[("axis", Attribute::Int(3))], 2);
    let x = net.conv(&parts[0], [3, 8], [3, 3], 2, 1, 1);
    net.finish(&x)
}

/// A network whose batch normalisation takes the root of a negative variance.
pub fn negative_variance() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let x = net.conv("input", [3, 8], [3, 3], 2, 1, 1);
    let one = net.constant(&[8], vec![1.0; 8]);
    let variance = net.constant(&[8], vec![-1.0; 8]);
    let x = net.node("BatchNormalization", &[&x, &one, &one, &one, &variance], &[]);
    let x = net.conv(&x, [8, 8], [8, 8], 1, 0, 1);
    net.finish(&x)
}

/// A network whose activations have bounds that are not there, as exporters write them: infinite ones and the largest number.
pub fn open_bounds() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let [infinite, lowest, highest, zero, six] =
        [f32::INFINITY, f32::MIN, f32::MAX, 0.0, 6.0].map(|bound| net.constant(&[], vec![bound]));
    let bounds = [[&zero, &infinite], [&zero, &highest], [&lowest, &six], [&lowest, &infinite]];
    let mut x = net.conv("input", [3, 8], [3, 3], 2, 1, 1);
    for [low, high] in bounds {
        x = net.node("Clip", &[&x, low, high], &[]);
        x = net.conv(&x, [8, 8], [3, 3], 1, 1, 1);
    }
    x = net.node("Min", &[&x, &infinite], &[]);
    x = net.conv(&x, [8, 8], [8, 8], 1, 0, 1);
    net.finish(&x)
}

/// A network whose activation has an infinite lower bound.
pub fn limited_to_infinity() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let infinite = net.constant(&[], vec![f32::INFINITY]);
    let x = net.conv("input", [3, 8], [3, 3], 2, 1, 1);
    let x = net.node("Max", &[&x, &infinite], &[]);
    let x = net.conv(&x, [8, 8], [8, 8], 1, 0, 1);
    net.finish(&x)
}

/// Squeeze and excitation of a map behind ReLU6: the gate, a sigmoid, is the first factor or the second.
pub fn gate_of_clipped_map(is_first: bool) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let [zero, six] = [0.0, 6.0].map(|bound| net.constant(&[], vec![bound]));
    let map = net.conv("input", [3, 8], [3, 3], 2, 1, 1);
    let map = net.node("Clip", &[&map, &zero, &six], &[]);
    let gate = net.node("GlobalAveragePool", &[&map], &[]);
    let gate = net.conv(&gate, [8, 8], [1, 1], 1, 0, 1);
    let gate = net.node("Sigmoid", &[&gate], &[]);
    let factors = if is_first { [&*gate, &map] } else { [&*map, &gate] };
    let x = net.node("Mul", &factors, &[]);
    let x = net.conv(&x, [8, 8], [8, 8], 1, 0, 1);
    net.finish(&x)
}

/// A network whose convolution names its padding by a number.
pub fn attribute_of_another_type() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let weights = net.constant(&[4, 3, 3, 3], vec![0.1; 108]);
    let x = net.node("Conv", &["input", &weights], &[("auto_pad", Attribute::Int(1))]);
    net.finish(&x)
}

/// A network whose photo is so large that a flash image cannot say where a face's points lie in it.
pub fn huge_photo() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 1600, 1600]);
    let x = net.conv("input", [3, 8], [3, 3], 32, 1, 1);
    let x = net.node("GlobalAveragePool", &[&x], &[]);
    net.finish(&x)
}

/// A network with one node of an operator between two convolutions.
pub fn with_operator(operator: &str) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let mut x = net.conv("input", [3, 8], [3, 3], 2, 1, 1);
    x = net.node(operator, &[&x], &[]);
    x = net.conv(&x, [8, 8], [8, 8], 1, 0, 1);
    net.finish(&x)
}

/// A network that computes differences between channels `stages` times. The channels have a much larger signal in
/// common. Rounding this signal to eight bits hides the differences, and no scaling of channels helps.
pub fn small_differences(stages: usize) -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 40, 24]);
    let mut x = net.conv("input", [3, 16], [3, 3], 4, 1, 1);
    let one = |value| [("kernel_shape", Attribute::Ints(vec![value; 2]))];
    for _ in 0..stages {
        let common = net.randoms(16, 0.0, 3.0);
        let own = net.randoms(16 * 16, 0.0, 0.2);
        let loud = own.iter().enumerate().map(|(index, own)| own + common[index % 16]).collect();
        let loud = net.constant(&[16, 16, 1, 1], loud);
        x = net.node("Conv", &[&x, &loud], &one(1));
        let differences = (0..16 * 16).map(|index| match (index / 16, index % 16) {
            (row, column) if row == column => 1.0,
            (row, column) if (row + 1) % 16 == column => -1.0,
            _ => 0.0,
        });
        let differences = net.constant(&[16, 16, 1, 1], differences.collect());
        x = net.node("Conv", &[&x, &differences], &one(1));
        x = net.prelu(&x, 16);
    }
    x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    x = net.gemm(&x, 16 * 10 * 6, 24);
    net.finish(&x)
}

/// A network whose channels have a large signal in common, between differences in space (a depthwise convolution) and
/// between channels (a convolution of single pixels), for [80, 48]. Many of its tensors need 16 bits.
pub fn differences_in_space() -> Vec<u8> {
    let mut net = Onnx::new(&[1, 3, 80, 48]);
    let mut x = net.conv("input", [3, 24], [3, 3], 2, 1, 1);
    for (c_in, c_out, stride) in [(24, 40, 1), (40, 100, 2), (100, 64, 1), (64, 13, 1), (13, 96, 2)] {
        let common = net.randoms(c_in, 0.0, 3.0);
        let own = net.randoms(c_out * c_in, 0.0, 0.2);
        let loud = own.iter().enumerate().map(|(index, own)| own + common[index % c_in]).collect();
        let loud = net.constant(&[c_out, c_in, 1, 1], loud);
        x = net.node("Conv", &[&x, &loud], &[("kernel_shape", Attribute::Ints(vec![1; 2]))]);
        let edges = [0.0, -1.0, 0.0, -1.0, 4.0, -1.0, 0.0, -1.0, 0.0];
        let edges = net.constant(&[c_out, 1, 3, 3], edges.repeat(c_out));
        let window = [
            ("kernel_shape", Attribute::Ints(vec![3; 2])),
            ("strides", Attribute::Ints(vec![stride; 2])),
            ("pads", Attribute::Ints(vec![1; 4])),
            ("group", Attribute::Int(c_out as i64)),
        ];
        x = net.node("Conv", &[&x, &edges], &window);
        let differences = (0..c_out * c_out).map(|index| match (index / c_out, index % c_out) {
            (row, column) if row == column => 1.0,
            (row, column) if (row + 1) % c_out == column => -1.0,
            _ => 0.0,
        });
        let differences = net.constant(&[c_out, c_out, 1, 1], differences.collect());
        x = net.node("Conv", &[&x, &differences], &[("kernel_shape", Attribute::Ints(vec![1; 2]))]);
        x = net.prelu(&x, c_out);
    }
    x = net.node("Flatten", &[&x], &[("axis", Attribute::Int(1))]);
    x = net.gemm(&x, 96 * 10 * 6, 24);
    net.finish(&x)
}
