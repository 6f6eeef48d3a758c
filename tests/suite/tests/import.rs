//! Import: the lowered graph computes the same as tract does on the file itself. Errors name the unsupported parts.

use std::path::Path;

use host::embedding::unit;
use host::graph::{Activation, Op};
use host::onnx::{Cut, Imported, Reference};
use host::{float, passes};
use suite::onnx::{self, Attribute, Onnx};
use suite::{default_network, relu6_network};
use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::{FunctionProto, NodeProto, StringStringEntryProto};

fn import(path: &Path) -> anyhow::Result<Imported> {
    host::onnx::import(path, &Cut::default())
}

fn lowered_equals_tract(path: &Path) {
    let imported = import(path).unwrap();
    let reference = Reference::load(path).unwrap();
    let graph = passes::lower(imported.graph);
    for node in &graph.nodes {
        assert!(!matches!(node.op, Op::Affine { .. } | Op::Identity), "{}: not lowered", node.name);
    }
    let [h, w, c] = graph.nodes[0].shape;
    let crop: Vec<f32> =
        (0..h * w * c).map(|i| ((i * 7919 + i / 97 * 31) % 255) as f32 / 128.0 - 1.0).collect();
    // Import drops a final normalisation, because only the direction matters.
    let ours = unit(&float::run(&graph, &crop).pop().unwrap());
    let theirs = unit(&reference.embed(&crop).unwrap());
    assert_eq!(ours.len(), theirs.len());
    let error = ours.iter().zip(&theirs).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
    assert!(error <= 1e-4, "{}: error {error}", path.display());
}

#[test]
fn default_network_lowers_to_what_tract_computes() {
    lowered_equals_tract(&default_network());
}

#[test]
#[cfg_attr(not(relu6), ignore = "needs ../shared/models/mobilefacenet-relu6-128.onnx beside the repository")]
fn network_with_relu6_lowers_to_what_tract_computes() {
    lowered_equals_tract(&relu6_network().unwrap());
}

fn written(onnx: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".onnx").tempfile().unwrap();
    std::fs::write(file.path(), onnx).unwrap();
    file
}

#[test]
fn users_networks_lower_to_what_tract_computes() {
    for onnx in [
        onnx::resnet18_grey(),
        onnx::mobile_112x96(),
        onnx::pools(),
        onnx::averages(),
        onnx::doubled(),
        onnx::every_operator(),
        onnx::joined_with_photo(),
        onnx::colours_reversed(),
        onnx::prelu_of_absolute_values(),
        onnx::open_bounds(),
        onnx::gate_of_clipped_map(true),
        onnx::gate_of_clipped_map(false),
    ] {
        lowered_equals_tract(written(&onnx).path());
    }
}

#[test]
fn batch_normalisation_before_a_padded_convolution_is_executed() {
    let graph = passes::lower(import(written(&onnx::resnet18_grey()).path()).unwrap().graph);
    // There is one before each of eight blocks. The one after the last block is folded into the fully connected layer.
    let executed = graph.nodes.iter().filter(|node| matches!(&node.op, Op::Depthwise { .. })).count();
    assert_eq!(executed, 8);
}

#[test]
fn unsupported_operator_is_named_with_its_node_and_a_replacement() {
    for (operator, instead) in [
        ("Softmax", "convolutional"),
        ("InstanceNormalization", "BatchNormalization"),
        ("Round", "ReLU6"),
        ("LSTM", "feed-forward"),
        ("Einsum", "Linear or Conv2d"),
        ("Loop", "onnxsim"),
    ] {
        let error = format!("{:#}", import(written(&onnx::with_operator(operator)).path()).err().unwrap());
        assert!(error.contains(&format!("{operator} (node {operator}_1)")), "{error}");
        assert!(error.contains(instead), "{operator}: {error}");
    }
}

#[test]
fn root_of_a_negative_variance_is_refused_with_its_node() {
    let error = format!("{:#}", import(written(&onnx::negative_variance()).path()).err().unwrap());
    assert!(error.contains("BatchNormalization (node BatchNormalization_1)"), "{error}");
    assert!(error.contains("a variance is negative"), "{error}");
}

#[test]
fn attribute_of_another_type_is_refused_with_its_node() {
    let error = import(written(&onnx::attribute_of_another_type()).path()).err().unwrap();
    let said = format!("{error:#}");
    assert!(said.contains("Conv_0") && said.contains("auto_pad is not of type STRING"), "{said}");
}

#[test]
fn bound_that_makes_everything_infinite_is_refused_with_its_node() {
    let error = format!("{:#}", import(written(&onnx::limited_to_infinity()).path()).err().unwrap());
    assert!(error.contains("Max_1") && error.contains("limits a tensor to infinity"), "{error}");
}

#[test]
fn windows_and_groups_that_make_no_sense_are_refused() {
    let mut net = Onnx::new(&[1, 3, 16, 16]);
    let x = net.conv("input", [3, 8], [3, 3], 1, 1, 1);
    let x = net.conv(&x, [8, 8], [17, 17], 1, 8, 2);
    let error = format!("{:#}", import(written(&net.finish(&x)).path()).err().unwrap());
    assert!(error.contains("Conv_1") && error.contains("at most 16×16"), "{error}");
}

#[test]
fn curves_lower_to_what_tract_computes() {
    for operator in
        ["HardSwish", "Sigmoid", "Tanh", "Elu", "Selu", "Celu", "Softplus", "Softsign", "Mish", "Gelu"]
    {
        lowered_equals_tract(written(&onnx::with_operator(operator)).path());
    }
    lowered_equals_tract(written(&onnx::with_silu()).path());
}

#[test]
fn activation_of_several_nodes_is_one_table() {
    for activation in onnx::WRITTEN {
        let file = written(&onnx::with_written(activation));
        let graph = passes::lower(import(file.path()).unwrap().graph);
        let tables = graph.nodes.iter().filter(|node| matches!(node.op, Op::Table(_))).count();
        // Input, two convolutions, the activation between them.
        assert_eq!((tables, graph.nodes.len()), (1, 4), "{activation}: {:?}", graph.nodes);
        lowered_equals_tract(file.path());
    }
}

#[test]
fn colours_in_another_order_are_the_first_convolutions_weights() {
    let files = onnx::EXCHANGES.map(onnx::colours_exchanged).into_iter().chain([onnx::colours_reversed()]);
    for onnx in files {
        let file = written(&onnx);
        let graph = passes::lower(import(file.path()).unwrap().graph);
        // The input and two convolutions.
        assert_eq!(graph.nodes.len(), 3);
        lowered_equals_tract(file.path());
    }
}

#[test]
fn parts_of_channels_are_taken_and_parts_of_pictures_refused() {
    lowered_equals_tract(written(&onnx::halves()).path());
    let error = format!("{:#}", import(written(&onnx::left_half()).path()).err().unwrap());
    assert!(error.contains("Split_0") && error.contains("other than channels"), "{error}");
}

#[test]
fn condition_is_named_although_it_alone_reads_the_photo() {
    let error = format!("{:#}", import(written(&onnx::with_branches(None)).path()).err().unwrap());
    for part in ["If (node If_2)", "once, in one order", "onnxsim", "torch.jit.script"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
}

#[test]
fn branch_is_taken_whose_condition_follows_from_shapes() {
    for (channels, operator) in [(2, "else"), (3, "then"), (4, "then")] {
        let file = written(&onnx::with_branches(Some(channels)));
        let graph = passes::lower(import(file.path()).unwrap().graph);
        let has_relu = graph.nodes.iter().any(|node| node.activation != Activation::None);
        assert_eq!(has_relu, operator == "then", "{channels}");
        // The photo's normalisation reaches into the branches.
        let cut = Cut {
            normalised: Some(host::onnx::Channels { mean: [9.0, 90.0, 200.0], scale: [1.0, 2.0, 4.0] }),
            ..Cut::default()
        };
        let ours = passes::lower(host::onnx::import(file.path(), &cut).unwrap().graph);
        let crop: Vec<f32> = (0..16 * 16 * 3).map(|i| (i * 7919 % 255) as f32).collect();
        let normalised = crop.iter().zip([(9.0, 1.0), (90.0, 2.0), (200.0, 4.0)].iter().cycle());
        let normalised: Vec<f32> = normalised.map(|(pixel, (mean, scale))| (pixel - mean) / scale).collect();
        let [ours, expected] = [(&ours, &crop), (&graph, &normalised)]
            .map(|(graph, crop)| unit(&float::run(graph, crop).pop().unwrap()));
        let error = ours.iter().zip(&expected).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
        assert!(error < 1e-4, "{channels}: {error}");
    }
    // An operator of another domain is refused in a branch, too.
    let onnx = onnx::changed(&onnx::with_branches(Some(3)), |model| {
        let node = model.graph.as_mut().unwrap().node.iter_mut().find(|node| node.op_type == "If").unwrap();
        for attribute in &mut node.attribute {
            attribute.g.as_mut().unwrap().node[0].domain = "com.example".to_string();
        }
    });
    let error = format!("{:#}", import(written(&onnx).path()).err().unwrap());
    assert!(error.contains("branch of If_") && error.contains("com.example"), "{error}");
}

#[test]
fn einsum_that_is_a_product_is_a_dense_layer_and_others_are_refused() {
    for equation in ["bi,io->bo", "bi,oi->bo", "oi,bi->bo", "io,bi -> bo"] {
        let graph = passes::lower(import(written(&onnx::summed(equation)).path()).unwrap().graph);
        let crop: Vec<f32> = (0..16 * 16 * 3).map(|i| (i * 7919 % 255) as f32 / 128.0 - 1.0).collect();
        let tensors = float::run(&graph, &crop);
        let Op::Conv { weights, .. } = &graph.nodes.last().unwrap().op else { panic!("{equation}") };
        let (input, output) = (&tensors[tensors.len() - 2], tensors.last().unwrap());
        assert_eq!([input.len(), output.len(), weights.len()], [8, 5, 40], "{equation}");
        lowered_equals_tract(written(&onnx::summed(equation)).path());
    }
    for equation in ["bi,io->ob", "bi,io->b", "...i,io->...o"] {
        let error = format!("{:#}", import(written(&onnx::summed(equation)).path()).err().unwrap());
        assert!(error.contains("Einsum_") && error.contains(equation) && error.contains("Linear"), "{error}");
    }
}

#[test]
fn network_that_reads_a_large_constant_again_and_again_is_refused() {
    let large = 1 << 24;
    for (operator, others) in
        [("Slice", &[0, 1][..]), ("Add", &[1]), ("Range", &[1, 1]), ("Reshape", &[7]), ("Expand", &[3])]
    {
        // As many as a sound network might have, and as many as a file may.
        import(written(&onnx::with_readers(operator, large >> 8, others, 200)).path()).unwrap();
        let onnx = onnx::with_readers(operator, large, others, 15_000);
        let error = format!("{:#}", import(written(&onnx).path()).err().unwrap());
        assert!(
            error.contains("again and again") || error.contains("any board has room"),
            "{operator}: {error}"
        );
    }
}

#[test]
fn weights_that_import_makes_are_bounded() {
    import(written(&onnx::with_picks(512, 40)).path()).unwrap();
    let error = format!("{:#}", import(written(&onnx::with_picks(1024, 4000)).path()).err().unwrap());
    assert!(error.contains("any board has room"), "{error}");
}

#[test]
fn refusal_of_many_nodes_and_of_a_long_list_is_short() {
    let refused = |operator: &dyn Fn(usize) -> String, count: usize| {
        let onnx = onnx::changed(&onnx::with_readers("ConstantOfShape", 1 << 20, &[], 0), |model| {
            let graph = model.graph.as_mut().unwrap();
            let (list, photo) = (graph.node[0].output[0].clone(), graph.node[1].output[0].clone());
            graph.node.extend((0..count).map(|number| NodeProto {
                name: format!("node {number}"),
                op_type: operator(number),
                input: vec![photo.clone(), list.clone()],
                output: vec![format!("output {number}")],
                ..NodeProto::default()
            }));
        });
        format!("{:#}", import(written(&onnx).path()).err().unwrap())
    };
    let many = refused(&|number| format!("Unknown{number}"), 500);
    assert!(many.contains("for 500 reasons") && many.contains("and 470 more"), "{many}");
    assert!(!many.contains("Unknown30"), "{many}");
    let long = refused(&|_| "Expand".to_string(), 10);
    assert!(long.contains("1048576 dimensions") && long.len() < 1000, "{long}");
}

#[test]
fn function_of_the_file_is_told_from_operators_of_the_same_name_in_other_domains() {
    let with = |domain: &str, nodes: &str| {
        let file = written(&onnx::changed(&onnx::pools(), |model| {
            for name in ["MaxPool", "Conv"] {
                model.functions.push(FunctionProto {
                    name: Some(name.to_string()),
                    domain: Some(domain.to_string()),
                    ..FunctionProto::default()
                });
            }
            let pools =
                model.graph.as_mut().unwrap().node.iter_mut().filter(|node| node.op_type == "MaxPool");
            pools.for_each(|node| node.domain = nodes.to_string());
        }));
        import(file.path())
    };
    // Functions of another domain do not concern ONNX's own operators.
    with("pkg.torch", "").unwrap();
    let refused = |domain, nodes| format!("{:#}", with(domain, nodes).err().unwrap());
    let of_function = refused("pkg.torch", "pkg.torch");
    assert!(of_function.contains("a function of the file") && !of_function.contains("Conv"), "{of_function}");
    let of_other = refused("pkg.torch", "pkg.other");
    assert!(of_other.contains("of the domain pkg.other") && !of_other.contains("function"), "{of_other}");
    // The two names of ONNX's own domain.
    assert!(refused("ai.onnx", "").contains("a function of the file"));
}

#[test]
fn operators_of_an_unknown_version_are_refused_with_the_versions_that_are_known() {
    let of_version = |version: Option<i64>, ir_version: i64| {
        let onnx = onnx::changed(&onnx::pools(), |model| {
            model.ir_version = ir_version;
            match version {
                Some(version) => model.opset_import[0].version = version,
                None => model.opset_import.clear(),
            }
        });
        import(written(&onnx).path())
    };
    for (version, part) in [
        (Some(99), "version (opset) 99, and versions 1 to 28 are known"),
        (Some(0), "version (opset) 0"),
        (Some(-3), "version (opset) -3"),
        (None, "does not name the version"),
    ] {
        let error = format!("{:#}", of_version(version, 8).err().unwrap());
        assert!(error.contains(part) && error.contains("opset_version=17"), "{error}");
    }
    of_version(Some(28), 8).unwrap();
    // Files of the first versions of the format named none.
    of_version(None, 1).unwrap();
}

#[test]
fn nodes_in_any_order_are_read_in_the_order_of_their_values() {
    let file = written(&onnx::changed(&onnx::every_operator(), |model| {
        model.graph.as_mut().unwrap().node.reverse();
    }));
    lowered_equals_tract(file.path());
}

#[test]
fn nodes_in_a_circle_and_missing_values_are_refused_with_their_names() {
    let refused = |from: &str, to: &str| {
        let onnx = onnx::changed(&onnx::doubled(), |model| {
            let nodes = &mut model.graph.as_mut().unwrap().node;
            let node = nodes.iter_mut().find(|node| node.name == from).unwrap();
            node.input[0] = to.to_string();
        });
        format!("{:#}", import(written(&onnx).path()).err().unwrap())
    };
    let error = refused("PRelu_1", "Conv_3_out");
    for part in ["PRelu_1", "Add_2", "Conv_3", "in a circle", "export it again"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    let error = refused("Add_2", "gone");
    assert!(error.contains("Add (node Add_2) reads gone, which no node makes"), "{error}");
}

/// A network whose weights lie in the file `weights` beside it, each from an offset on, without a length.
fn weights_beside(change: impl Fn(&mut String)) -> (tempfile::TempDir, anyhow::Result<Imported>) {
    let folder = tempfile::tempdir().unwrap();
    let mut weights: Vec<u8> = Vec::new();
    let onnx = onnx::changed(&onnx::pools(), |model| {
        for tensor in &mut model.graph.as_mut().unwrap().initializer {
            if tensor.float_data.is_empty() {
                continue;
            }
            let mut offset = weights.len().to_string();
            change(&mut offset);
            weights.extend(tensor.float_data.iter().flat_map(|value| value.to_le_bytes()));
            tensor.float_data.clear();
            tensor.data_location = Some(DataLocation::External as i32);
            tensor.external_data = [("location", "weights".to_string()), ("offset", offset)]
                .map(|(key, value)| StringStringEntryProto { key: key.into(), value })
                .to_vec();
        }
    });
    std::fs::write(folder.path().join("weights"), weights).unwrap();
    let path = folder.path().join("net.onnx");
    std::fs::write(&path, onnx).unwrap();
    let imported = import(&path);
    (folder, imported)
}

#[test]
fn weights_without_a_length_reach_as_far_as_their_shape() {
    let (folder, imported) = weights_beside(|_| {});
    assert_eq!(imported.unwrap().parameters, import(written(&onnx::pools()).path()).unwrap().parameters);
    lowered_equals_tract(&folder.path().join("net.onnx"));
}

#[test]
fn weights_at_a_place_that_is_none_are_refused_with_their_name() {
    for (offset, part) in [("12x", "\"12x\""), ("-4", "\"-4\""), ("99999999", "belongs to another file")] {
        let (_, imported) = weights_beside(|own| *own = offset.to_string());
        let error = format!("{:#}", imported.err().unwrap());
        assert!(error.contains(part) && error.contains("the weights of constant_"), "{error}");
    }
}

#[test]
fn prelu_that_chooses_by_sign_is_a_prelu() {
    for is_biased in [false, true] {
        let file = written(&onnx::prelu_by_choice(is_biased));
        let graph = passes::lower(import(file.path()).unwrap().graph);
        assert!(matches!(graph.nodes[1].activation, Activation::PRelu(_)), "{:?}", graph.nodes);
        assert_eq!(graph.nodes.len(), 3);
        lowered_equals_tract(file.path());
    }
}

#[test]
fn function_without_a_value_at_0_is_refused_with_its_node() {
    let error = format!("{:#}", import(written(&onnx::with_operator("Log")).path()).err().unwrap());
    assert!(error.contains("Log_1") && error.contains("no finite value at 0"), "{error}");
}

#[test]
fn formulas_that_double_at_each_node_end() {
    let file = written(&onnx::squared(40));
    let graph = passes::lower(import(file.path()).unwrap().graph);
    assert!(graph.nodes.len() < 60, "{}", graph.nodes.len());
}

/// An average of a map of 10 × 10: the zeros that a node puts around it, kernel, stride, padding, whether it counts its
/// padding, whether the last window may be cut off, and the side of the result.
struct Mean(i64, i64, i64, i64, bool, bool, usize);

impl Mean {
    fn onnx(&self) -> Vec<u8> {
        let &Mean(around, kernel, stride, pad, counts_pad, is_ceil, side) = self;
        let attributes = [
            ("kernel_shape", Attribute::Ints(vec![kernel; 2])),
            ("strides", Attribute::Ints(vec![stride; 2])),
            ("pads", Attribute::Ints(vec![pad; 4])),
            ("count_include_pad", Attribute::Int(counts_pad.into())),
            ("ceil_mode", Attribute::Int(is_ceil.into())),
        ];
        onnx::average(around, &attributes, side)
    }
}

#[test]
fn average_that_counts_as_many_places_everywhere_stays_a_depthwise_convolution() {
    for (mean, is_average) in [
        (Mean(0, 2, 2, 0, false, true, 5), false),
        (Mean(0, 3, 1, 1, true, false, 10), false),
        (Mean(0, 3, 2, 1, true, false, 5), false),
        // The last window is whole, so that cutting it off would change nothing.
        (Mean(0, 2, 2, 1, true, true, 6), false),
        (Mean(0, 3, 1, 1, true, true, 10), false),
        (Mean(1, 2, 2, 0, true, true, 6), false),
        (Mean(1, 3, 1, 0, false, false, 10), false),
        // The last windows end before the zeros.
        (Mean(1, 2, 3, 0, false, false, 4), false),
        (Mean(0, 3, 1, 1, false, false, 10), true),
        (Mean(0, 3, 2, 1, false, true, 6), true),
        (Mean(0, 3, 2, 0, false, true, 5), true),
    ] {
        let file = written(&mean.onnx());
        let graph = passes::lower(import(file.path()).unwrap().graph);
        assert_eq!(matches!(graph.nodes[2].op, Op::Average { .. }), is_average, "{:?}", graph.nodes[2].op);
        lowered_equals_tract(file.path());
    }
}

#[test]
fn place_beyond_the_padding_never_counts() {
    let [counting, leaving] = [true, false].map(|counts_pad| {
        let file = written(&Mean(0, 3, 2, 0, counts_pad, true, 5).onnx());
        let graph = passes::lower(import(file.path()).unwrap().graph);
        let crop: Vec<f32> = (0..20 * 20 * 3).map(|i| (i * 7919 % 255) as f32 / 128.0).collect();
        float::run(&graph, &crop).pop().unwrap()
    });
    assert_eq!(counting, leaving);
}

/// Means of a map of 10 × 10 by definition: zeros of a node before count, and padding of the pool itself if it says so. Places
/// beyond both do not.
fn means(map: &[f32], mean: &Mean) -> Vec<f32> {
    let &Mean(around, kernel, stride, pad, counts_pad, _, side) = mean;
    let mut means = Vec::new();
    for (y, x, channel) in (0..side).flat_map(|y| (0..side).flat_map(move |x| (0..8).map(move |c| (y, x, c))))
    {
        let (mut sum, mut count) = (0.0, 0);
        for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
            let [y, x] = [(y, ky), (x, kx)].map(|(at, tap)| at as i64 * stride + tap - pad - around);
            let is_within = |most: i64| [y, x].iter().all(|at| (-most..10 + most).contains(at));
            count += i32::from(is_within(around + if counts_pad { pad } else { 0 }));
            if is_within(0) {
                sum += map[(y * 10 + x) as usize * 8 + channel];
            }
        }
        means.push(sum / count as f32);
    }
    means
}

#[test]
fn average_that_counts_a_part_of_its_padding_is_that_of_a_map_with_zeros_around() {
    for mean in [
        Mean(0, 3, 2, 1, true, true, 6),
        Mean(0, 4, 3, 1, true, true, 4),
        Mean(1, 3, 2, 0, false, true, 6),
        Mean(1, 3, 1, 1, false, false, 12),
        Mean(1, 5, 2, 1, true, true, 6),
    ] {
        let graph = passes::lower(import(written(&mean.onnx()).path()).unwrap().graph);
        let crop: Vec<f32> = (0..20 * 20 * 3).map(|i| (i * 7919 % 255) as f32 / 128.0 - 1.0).collect();
        let tensors = float::run(&graph, &crop);
        let average = graph.nodes.iter().position(|node| matches!(node.op, Op::Average { .. })).unwrap();
        let expected = means(&tensors[1], &mean);
        let is_near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
        assert!(tensors[average].len() == expected.len(), "{:?}", graph.nodes[average].shape);
        assert!(tensors[average].iter().zip(&expected).all(is_near), "{:?}", graph.nodes[average]);
    }
}

#[test]
fn average_that_counts_a_part_of_much_padding_is_refused() {
    let error =
        format!("{:#}", import(written(&Mean(0, 16, 3, 8, true, true, 5).onnx()).path()).err().unwrap());
    assert!(error.contains("AveragePool (node AveragePool_") && error.contains("all or nothing"), "{error}");
}

#[test]
fn embedder_behind_a_sigmoid_is_refused() {
    let error = format!("{:#}", import(written(&onnx::scores()).path()).err().unwrap());
    assert!(error.contains("Sigmoid_3_out comes out of a sigmoid"), "{error}");
}

#[test]
fn enlarging_by_other_than_whole_factors_is_refused() {
    let file = written(&onnx::enlarged_by(2.1));
    let error = format!("{:#}", import(file.path()).err().unwrap());
    assert!(error.contains("Resize_1") && error.contains("2.1"), "{error}");
    lowered_equals_tract(written(&onnx::enlarged_by(2.0)).path());
}

#[test]
fn what_is_not_a_network_is_named() {
    let error = format!("{:#}", import(written(b"not a network").path()).err().unwrap());
    assert!(error.contains(".onnx"), "{error}");
    let error = format!("{:#}", import(Path::new("no/such.onnx")).err().unwrap());
    assert!(error.contains("no/such.onnx"), "{error}");
}
