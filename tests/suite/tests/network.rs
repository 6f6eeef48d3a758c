//! The streaming runtime: literal results, and the same bits with every plan.

use std::cell::Cell;
use std::time::Instant;

use format::Role;
use format::layer::{Element, Layer, Operator, Reads, Tensor};
use format::network::{MAX_LAYERS, MAX_ROWS, Model};
use format::preprocess::{Colour, Preprocess};
use host::graph::{Activation, Function, Graph, GraphOutput, Node, Op, Window};
use host::onnx::Cut;
use host::plan::{self, Plan};
use host::quantize::{Options, Preprocessing, Quantised, emit, quantise};
use host::simulator::{AlignedBytes, Simulator};
use host::{onnx, passes};
use nn::network::ShortCrop;
use nn::stream::{DEAD, Layers, Order, Readers, Step, state_elements};
use nn::{LoadError, Network, RunError};
use suite::{Handmade, default_network, tiny_network, varied_network};

fn model(section: &AlignedBytes) -> Model<'_> {
    Model::new_checked(Role::Embedder, section.bytes()).unwrap()
}

fn load(section: &AlignedBytes) -> Result<(), LoadError> {
    let model = model(section);
    let mut arena = AlignedBytes::zeroed(model.arena_bytes());
    Network::new(model, arena.bytes_mut()).map(|_| ())
}

#[test]
fn tiny_network_gives_literal_embedding() {
    let section = AlignedBytes::copy(&tiny_network().section());
    let simulator = Simulator::new(&model(&section)).unwrap();
    // Elements are pixel − 128: 2, −28, 72, 0. Sums: 210, −6420, 2250. Multipliers: a quarter, a sixteenth if negative.
    assert_eq!(simulator.embed(&[130, 100, 200, 128]).unwrap(), [53, -401, 563]);
}

#[test]
fn crop_of_another_size_is_refused() {
    let section = AlignedBytes::copy(&tiny_network().section());
    let simulator = Simulator::new(&model(&section)).unwrap();
    let error = simulator.embed(&[0; 5]).unwrap_err().to_string();
    assert!(error.contains("5 bytes") && error.contains('4'), "{error}");
}

#[test]
fn arena_too_small_or_misaligned_is_refused() {
    let section = AlignedBytes::copy(&tiny_network().section());
    let model = model(&section);
    let needed = model.arena_bytes();
    let mut arena = AlignedBytes::zeroed(needed + 16);
    let network = Network::new(model, arena.bytes_mut()).unwrap();
    let mut embedding = [0; 3];
    for arena in [&mut [][..], &mut arena.bytes_mut()[1..]] {
        let given = arena.len();
        let error = network.embed(&mut &[0u8; 4][..], arena, &mut embedding).unwrap_err();
        assert_eq!(error, RunError::Arena { needed, given });
        assert_eq!(Network::new(model, arena).unwrap_err(), LoadError::Arena { needed, given });
    }
    let error = network.embed(&mut &[0u8; 3][..], arena.bytes_mut(), &mut embedding).unwrap_err();
    assert!(matches!(error, RunError::Source(_)));
    let error = network.embed(&mut &[0u8; 4][..], arena.bytes_mut(), &mut embedding[..2]).unwrap_err();
    assert_eq!(error, RunError::Dimension { needed: 3, given: 2 });
}

#[test]
fn run_whose_source_failed_is_over() {
    let section = AlignedBytes::copy(&tiny_network().section());
    let model = model(&section);
    let mut arena = AlignedBytes::zeroed(model.arena_bytes());
    let network = Network::new(model, arena.bytes_mut()).unwrap();
    let mut run = network.start::<ShortCrop>(arena.bytes_mut()).unwrap();
    assert_eq!(run.advance(&mut &[0u8; 3][..], 100, |_, _, _| {}), Err(RunError::Source(ShortCrop)));
    // Rows that came now would be those of another crop.
    assert_eq!(run.advance(&mut &[0u8; 4][..], 100, |_, _, _| {}), Err(RunError::Broken));
    assert!(run.outputs().bytes(0).is_empty() && run.finish().bytes(0).is_empty());
    // One that is done stays so.
    let mut run = network.start::<ShortCrop>(arena.bytes_mut()).unwrap();
    assert_eq!([(); 2].map(|()| run.advance(&mut &[0u8; 4][..], 100, |_, _, _| {})), [Ok(true); 2]);
    assert_eq!(run.outputs().bytes(0).len(), 6);
}

#[test]
fn network_with_every_operator_has_outputs_of_any_shape() {
    let mut network = varied_network();
    let section = AlignedBytes::copy(&network.section());
    let photo = [10, 90, 170, 250];
    let embedding = Simulator::new(&model(&section)).unwrap().embed(&photo).unwrap();
    // The outputs, in an unusual order, are a map that other layers read, a map that none reads, and the embedding.
    let last = network.layers.len() as u16 - 1;
    network.outputs = vec![last, 6, 12];
    let section = AlignedBytes::copy(&network.section());
    let model = model(&section);
    let names: Vec<&str> = model.outputs().map(|output| output.name).collect();
    assert_eq!(names, ["output 14", "output 6", "output 12"]);
    let outputs = Simulator::new(&model).unwrap().run(&photo).unwrap();
    assert_eq!(outputs[0], embedding.iter().map(|&x| i32::from(x)).collect::<Vec<_>>());
    assert_eq!(outputs[1..].iter().map(Vec::len).collect::<Vec<_>>(), [2 * 2 * 8, 4 * 4 * 8]);
    assert!(outputs.iter().all(|elements| elements.iter().any(|&x| x != elements[0])), "{outputs:?}");
}

#[test]
fn record_that_makes_no_sense_is_refused_by_its_operator() {
    type Change = fn(&mut Layer);
    let changes: [(usize, &str, Change); 18] = [
        (1, "window", |layer| layer.window.stride[0] = 0),
        (1, "window", |layer| layer.window.pad[1] = 1),
        (1, "weights", |layer| layer.weights = 1 << 20),
        (2, "negative multipliers", |layer| layer.stage.negative += 4),
        (2, "shift", |layer| layer.stage.shift = 16),
        (3, "clamp", |layer| layer.stage.high = 128),
        (4, "dilation", |layer| layer.window.dilation = [2, 2]),
        (4, "element or zero point", |layer| layer.output.zero_point = 1),
        (5, "groups", |layer| layer.groups = 3),
        (6, "channels", |layer| layer.output.channels = 7),
        (8, "factor", |layer| layer.factor = 3),
        (11, "table", |layer| layer.weights = u32::MAX - 15),
        (12, "table", |layer| layer.weights = u32::MAX - 15),
        (12, "shape", |layer| layer.output.width = 3),
        (12, "table", |layer| layer.weights += 8),
        (13, "weights", |layer| layer.weights -= 16),
        (13, "dilation", |layer| layer.window.dilation = [1, 2]),
        (13, "output size", |layer| layer.output.height = 6),
    ];
    for (number, field, change) in changes {
        let mut network = varied_network();
        change(&mut network.layers[number]);
        let section = AlignedBytes::copy(&network.section());
        assert_eq!(load(&section), Err(LoadError::Layer { layer: number as u16, field }));
    }
}

/// A photo of 12 × 10, a convolution to eight channels, an average of this window, and nothing else.
fn averaged(window: Window, [height, width]: [usize; 2]) -> Graph {
    let node =
        |op, inputs, shape| Node { name: "node".into(), op, inputs, shape, activation: Activation::None };
    // Eight bits hold these filters exactly.
    let filters = (0..8 * 3).map(|index| [127.0, -64.0, 32.0][(index + index / 3) % 3] / 127.0).collect();
    let conv = Op::Conv { weights: filters, bias: vec![0.1; 8], window: Window::PIXEL, groups: 1 };
    let weights = vec![1.0 / window.taps() as f32; window.taps() * 8];
    let average = Op::Average { weights, bias: vec![0.0; 8], window };
    let nodes = vec![
        node(Op::Input, vec![], [12, 10, 3]),
        node(conv, vec![0], [12, 10, 8]),
        node(average, vec![1], [height, width, 8]),
    ];
    let output = GraphOutput { name: "out".into(), node: 2, function: Function::Identity };
    Graph { nodes, outputs: vec![output] }
}

#[test]
fn averages_are_as_exact_at_the_borders_as_inside() {
    let crops: Vec<Vec<u8>> = (1..5).map(|seed| noise(seed)[..12 * 10 * 3].to_vec()).collect();
    let window = |kernel: [usize; 2], stride: usize, pad: [usize; 4]| Window {
        kernel,
        stride: [stride; 2],
        pad,
        ..Window::PIXEL
    };
    for (window, size) in [
        (window([3, 3], 1, [1; 4]), [12, 10]),
        (window([3, 3], 2, [0, 0, 1, 1]), [6, 5]),
        (window([7, 2], 2, [6, 1, 0, 0]), [6, 5]),
        (window([5, 5], 3, [2, 1, 3, 1]), [5, 3]),
    ] {
        for wide in [vec![], vec![1]] {
            let preprocessing = Preprocessing::default();
            let options = Options { wide: wide.clone() };
            let quantised = quantise(&averaged(window, size), preprocessing, &crops, &options, |_| {});
            let input = Preprocess {
                height: 12,
                width: 10,
                colour: Colour::Rgb,
                mean: preprocessing.mean,
                scale: preprocessing.scale,
                template: [[0; 2]; 5],
            };
            let (section, _) =
                host::sections::quantised_network("averages", [0; 32], &input, &quantised).unwrap();
            let section = AlignedBytes::copy(&section);
            let simulator = Simulator::new(&model(&section)).unwrap();
            for crop in &crops {
                let expected = host::float::run(&quantised.graph, &preprocessing.apply(crop)).pop().unwrap();
                let elements = &simulator.run(crop).unwrap()[0];
                // The elements of the convolution span about 3: a step of 8 bits, or half a step of 14.
                let most = if wide.is_empty() { 3.0 / 256.0 } else { 3.0 / 16384.0 };
                let scale = quantised.layers[2].grid.scale;
                for (index, (&element, expected)) in elements.iter().zip(&expected).enumerate() {
                    let error = (element as f32 * scale - expected).abs();
                    assert!(error <= most, "{window:?} {wide:?} {index}: {error}");
                }
            }
        }
    }
}

#[test]
fn table_of_a_tensor_of_16_bits_is_refused() {
    let mut network = varied_network();
    network.layers[11].output.element = Element::I16;
    let section = AlignedBytes::copy(&network.section());
    assert_eq!(load(&section), Err(LoadError::Layer { layer: 12, field: "element" }));
}

#[test]
fn table_must_end_within_the_blob() {
    let mut network = varied_network();
    network.layers[12].weights = network.blob.len() as u32 - 256;
    let section = AlignedBytes::copy(&network.section());
    assert_eq!(load(&section), Ok(()));
    network.layers[12].weights += 16;
    let section = AlignedBytes::copy(&network.section());
    assert_eq!(load(&section), Err(LoadError::Layer { layer: 12, field: "table" }));
}

#[test]
fn tensor_added_to_itself_is_refused() {
    let mut network = tiny_network();
    // The output in its input's place: the other input would be read where the row is written.
    let Layer { stage, output, .. } = network.layers[1];
    network.layers.push(Layer { gains: [1, 1], stage, ..Layer::new(Operator::Add, &[1, 1], output) });
    network.outputs = vec![2];
    let section = AlignedBytes::copy(&network.section());
    assert_eq!(load(&section), Err(LoadError::Layer { layer: 2, field: "inputs" }));
}

#[test]
fn arena_without_room_for_the_state_is_refused() {
    let network = tiny_network();
    let mut layers = network.layers.clone();
    let plan = plan::plan(&mut layers, &network.outputs);
    for plan in
        [Plan { state_bytes: 0, ..plan.clone() }, Plan { arena_bytes: plan.state_bytes, ..plan.clone() }]
    {
        let section = AlignedBytes::copy(&network.section_of(&network.layers, &plan));
        let refused = match Model::new_checked(Role::Embedder, section.bytes()) {
            Ok(_) => load(&section).is_err(),
            Err(_) => true,
        };
        assert!(refused, "{plan:?}");
    }
}

/// Layers as the scheduler sees them. Counts how often one is looked at.
struct Counted<'a> {
    layers: &'a [Layer],
    outputs: &'a [u16],
    looks: Cell<usize>,
}

impl Layers for Counted<'_> {
    fn layer_count(&self) -> usize {
        self.layers.len()
    }

    fn layer(&self, number: usize) -> Layer {
        self.looks.set(self.looks.get() + 1);
        self.layers[number]
    }

    fn reads(&self, number: usize) -> Reads {
        self.layers[number].reads
    }

    fn goal(&self, place: usize) -> Option<u16> {
        self.outputs.get(place).copied()
    }

    fn is_output(&self, tensor: usize) -> bool {
        self.outputs.contains(&(tensor as u16))
    }
}

/// A crop of `height` rows that every one of `count` layers reads: each adds it to the sum of those before.
fn read_by_all(count: usize, height: u16) -> Handmade {
    let mut network = varied_network();
    let output = Tensor {
        height,
        width: 1,
        channels: 1,
        element: Element::I8,
        zero_point: 0,
        ring: height,
        offset: 0,
    };
    let stage = network.layers[3].stage;
    let add =
        |sum: usize| Layer { gains: [1, 1], stage, ..Layer::new(Operator::Add, &[sum as u16, 0], output) };
    let crop = Layer::new(Operator::Input, &[], output);
    network.layers = vec![crop, Layer::new(Operator::MaxPool, &[0], output)];
    network.layers.extend((1..count).map(add));
    network.outputs = vec![count as u16];
    network
}

#[test]
fn oldest_row_is_that_of_all_readers_and_is_found_without_looking_at_each_of_them_again() {
    let widely_read = read_by_all(300, 40);
    // All layers read every row of the crop, one after another.
    let bound = |network: &Handmade| {
        let rows = |layer: &Layer| usize::from(layer.output.height);
        let links: usize = network.layers.iter().map(|layer| layer.inputs().len()).sum();
        let of_tensors: usize = network
            .layers
            .iter()
            .flat_map(|layer| layer.inputs())
            .map(|&input| rows(&network.layers[usize::from(input)]))
            .sum();
        links + 3 * of_tensors + 16 * network.layers.iter().map(rows).sum::<usize>()
    };
    for network in [varied_network(), default_handmade(), widely_read] {
        let (layers, outputs) = (&network.layers[..], &network.outputs[..]);
        let counted = Counted { layers, outputs, looks: Cell::new(0) };
        let mut state = vec![0xa5a5; state_elements(layers.len())];
        let mut memory = vec![0xa5a5; Readers::elements(layers.len())];
        let mut readers = Readers::new(&counted, &mut memory).unwrap();
        let mut order = Order::new(&counted, &mut state).unwrap();
        while let Step::Row(number, _) = order.step().unwrap() {
            for &tensor in layers[number].inputs().iter().chain([&(number as u16)]) {
                let tensor = usize::from(tensor);
                let oldest = readers.oldest(&counted, order.made(), tensor);
                let of_reader = |(reader, layer): (usize, &Layer)| {
                    let row = order.made()[reader];
                    let inputs = layer.inputs().iter().enumerate();
                    let reads =
                        inputs.filter(|&(_, &read)| usize::from(read) == tensor && row < layer.output.height);
                    reads
                        .map(|(input, _)| nn::op::rows(layer, input, layers[tensor].output.height, row).start)
                        .min()
                };
                let expected = match outputs.contains(&(tensor as u16)) {
                    true => 0,
                    false => layers.iter().enumerate().filter_map(of_reader).min().unwrap_or(DEAD),
                };
                assert_eq!([oldest, readers.known(tensor)], [Some(expected); 2], "tensor {tensor}");
            }
        }
        assert!(counted.looks.get() <= bound(&network), "{} {}", counted.looks.get(), bound(&network));
    }
}

#[test]
fn crop_that_a_thousand_layers_read_is_checked() {
    let network = read_by_all(MAX_LAYERS - 1, (MAX_ROWS / MAX_LAYERS) as u16);
    let plan = plan::with_barriers(&network.layers, &network.outputs, &[]);
    let mut layers = network.layers.clone();
    plan.write(&mut layers);
    let started = Instant::now();
    assert_eq!(load(&AlignedBytes::copy(&network.section_of(&layers, &plan))), Ok(()));
    println!("checked in {:?}", started.elapsed());
}

/// The default network quantised on noise. This test does not need correct recognition.
fn default_quantised() -> Quantised {
    let graph = passes::lower(onnx::import(&default_network(), &Cut::default()).unwrap().graph);
    quantise(&graph, Preprocessing::default(), &[noise(1), noise(2)], &Options::default(), |_| {})
}

fn default_handmade() -> Handmade {
    let quantised = default_quantised();
    let (layers, blob) = emit::emit(&quantised).unwrap();
    let outputs = quantised.graph.outputs.iter().map(|output| output.node as u16).collect();
    Handmade { layers, outputs, blob: blob.0, template: suite::UPRIGHT }
}

fn noise(seed: usize) -> Vec<u8> {
    (0..112 * 112 * 3).map(|i: usize| (((i * 7919 * seed) >> 5) ^ ((i / 336) * 3)) as u8).collect()
}

/// A section of the default network, whose photo has colour.
fn coloured(network: &Handmade, layers: &[Layer], plan: &Plan) -> AlignedBytes {
    let outputs: Vec<format::network::Output<'_>> = network
        .outputs
        .iter()
        .map(|&tensor| format::network::Output {
            name: "embedding",
            tensor,
            scale: 1.0,
            function: Default::default(),
        })
        .collect();
    let input = Preprocess {
        height: 112,
        width: 112,
        colour: Colour::Rgb,
        mean: 127.5,
        scale: 128.0,
        template: [[0; 2]; 5],
    };
    let parts = host::sections::NetworkParts {
        name: "default",
        source: [0; 32],
        input,
        layers,
        outputs: &outputs,
        plan,
        blob: &network.blob,
    };
    AlignedBytes::copy(&host::sections::network(&parts).unwrap())
}

#[test]
fn every_plan_gives_the_same_bits() {
    let network = default_handmade();
    let last = network.layers.len() as u16 - 1;
    let mut searched = network.layers.clone();
    let best = plan::plan(&mut searched, &network.outputs);
    // Layer by layer: every tensor is kept whole, and none shares memory.
    let mut stored = network.layers.clone();
    let mut offset = 0;
    for layer in &mut stored {
        layer.output.offset = offset;
        offset += (layer.output.ring_bytes() as u32).next_multiple_of(16);
    }
    let barriers = (1..last).step_by(2).take(32).collect();
    let all = Plan { barriers, arena_bytes: best.state_bytes + offset as usize, ..best.clone() };
    // Rows are made on demand from the first to the last, without barriers.
    let streamed_plan = plan::with_barriers(&network.layers, &network.outputs, &[]);
    let mut streamed = network.layers.clone();
    streamed_plan.write(&mut streamed);
    assert!(best.arena_bytes <= streamed_plan.arena_bytes && best.arena_bytes < all.arena_bytes / 4);

    let crop = noise(3);
    let embeddings =
        [(&searched, &best), (&stored, &all), (&streamed, &streamed_plan)].map(|(layers, plan)| {
            let section = coloured(&network, layers, plan);
            Simulator::new(&model(&section)).unwrap().embed(&crop).unwrap()
        });
    assert_eq!(embeddings[0], embeddings[1]);
    assert_eq!(embeddings[0], embeddings[2]);
    assert!(embeddings[0].iter().any(|&x| x != embeddings[0][0]), "a constant embedding proves nothing");
}

#[test]
fn plan_that_overwrites_needed_rows_is_refused() {
    let network = default_handmade();
    let mut layers = network.layers.clone();
    let plan = plan::plan(&mut layers, &network.outputs);
    let load = |layers: &[Layer]| load(&coloured(&network, layers, &plan));
    assert_eq!(load(&layers), Ok(()));
    let mut low = layers.clone();
    low[1].output.ring -= 1;
    assert_eq!(load(&low), Err(LoadError::Ring { tensor: 1 }));
    let mut overlapping = layers.clone();
    overlapping[2].output.offset = overlapping[1].output.offset;
    assert!(matches!(load(&overlapping), Err(LoadError::Overlap { .. })));
    // Every other ring is moved to the front of the rings, where it overwrites rows that are in use.
    let mut refused = 0;
    for number in 1..layers.len() {
        let mut moved = layers.clone();
        moved[number].output.offset = if layers[number].output.offset == 0 { 64 } else { 0 };
        let in_place = |layer: &Layer| layer.operator == Operator::Add;
        refused += usize::from(load(&moved).is_err());
        assert!(
            load(&moved).is_err()
                || in_place(&layers[number])
                || layers[number].output.element == Element::I16
        );
    }
    assert!(refused > layers.len() / 2, "{refused} of {}", layers.len());
}
