//! The streaming runtime: literal results, and the same bits whatever the plan.

use format::layer::{Layer, Op};
use format::network::{MAX_LAYERS, Model};
use host::plan::{self, Plan};
use host::quantize::{Options, Preprocessing, emit, quantise};
use host::simulator::{AlignedBytes, Simulator};
use host::{import, passes, sections};
use nn::{EmbedError, LoadError, Network};
use suite::{default_network, tiny_layers};

fn section(layers: &[Layer], plan: &Plan, blob: &[u8]) -> AlignedBytes {
    AlignedBytes::copy(&sections::model("test", [0; 32], layers, plan, blob).unwrap())
}

#[test]
fn tiny_network_gives_literal_embedding() {
    let (mut layers, blob) = tiny_layers();
    let plan = plan::plan(&mut layers);
    let bytes = section(&layers, &plan, &blob);
    let simulator = Simulator::new(&Model::new_checked(bytes.bytes()).unwrap()).unwrap();
    // Elements are pixel − 128: 2, −28, 72, 0. Sums: 210, −6420, 2250. Multipliers: a quarter, a sixteenth if negative.
    assert_eq!(simulator.embed(&[130, 100, 200, 128]).unwrap(), [53, -401, 563]);
}

#[test]
fn crop_of_another_size_is_refused() {
    let (mut layers, blob) = tiny_layers();
    let plan = plan::plan(&mut layers);
    let bytes = section(&layers, &plan, &blob);
    let simulator = Simulator::new(&Model::new_checked(bytes.bytes()).unwrap()).unwrap();
    let error = simulator.embed(&[0; 5]).unwrap_err().to_string();
    assert!(error.contains("5 bytes") && error.contains('4'), "{error}");
}

#[test]
fn arena_too_small_or_misaligned_is_refused() {
    let (mut layers, blob) = tiny_layers();
    let plan = plan::plan(&mut layers);
    let bytes = section(&layers, &plan, &blob);
    let network: Network<'_, 8> = Network::new(&Model::new_checked(bytes.bytes()).unwrap()).unwrap();
    let mut arena = AlignedBytes::zeroed(64);
    let mut embedding = [0; 3];
    let needed = network.arena_bytes();
    for arena in [&mut [][..], &mut arena.bytes_mut()[1..]] {
        let given = arena.len();
        let error = network.embed(&mut &[0u8; 4][..], arena, &mut embedding).unwrap_err();
        assert_eq!(error, EmbedError::Arena { needed, given });
    }
    let error = network.embed(&mut &[0u8; 3][..], arena.bytes_mut(), &mut embedding).unwrap_err();
    assert!(matches!(error, EmbedError::Source(_)));
}

#[test]
fn tensor_added_to_itself_is_refused() {
    let (mut layers, blob) = tiny_layers();
    // The output in its input's place: the other input would be read where the row is written.
    let Op::Conv { stage, .. } = layers[1].op else {
        panic!("the tiny network's second layer is a convolution")
    };
    layers.push(Layer { op: Op::Add { inputs: [1, 1], gains: [1, 1], stage }, output: layers[1].output });
    let plan = plan::plan(&mut layers);
    let bytes = section(&layers, &plan, &blob);
    let error = Model::new_checked(bytes.bytes()).unwrap_err().to_string();
    assert!(error.contains("inputs"), "{error}");
}

#[test]
fn more_layers_than_room_is_refused() {
    let (mut layers, blob) = tiny_layers();
    let plan = plan::plan(&mut layers);
    let bytes = section(&layers, &plan, &blob);
    let model = Model::new_checked(bytes.bytes()).unwrap();
    assert_eq!(Network::<1>::new(&model).unwrap_err(), LoadError::Layers { layers: 2, room: 1 });
}

/// The default network quantised on noise: what it recognises does not matter here.
fn default_layers() -> (Vec<Layer>, Vec<u8>) {
    let graph = passes::lower(import::import(&default_network()).unwrap().graph);
    let preprocessing = Preprocessing::default();
    let quantised = quantise(&graph, preprocessing, &[noise(1), noise(2)], &Options::default(), |_| {});
    let (layers, blob) = emit::emit(&quantised).unwrap();
    (layers, blob.0)
}

fn noise(seed: usize) -> Vec<u8> {
    (0..112 * 112 * 3).map(|i: usize| (((i * 7919 * seed) >> 5) ^ ((i / 336) * 3)) as u8).collect()
}

#[test]
fn every_plan_gives_the_same_bits() {
    let (layers, blob) = default_layers();
    let last = layers.len() as u16 - 1;
    let mut searched = layers.clone();
    let best = plan::plan(&mut searched);
    // Layer by layer: every tensor whole, nothing shared.
    let mut stored = layers.clone();
    let mut offset = 0;
    for layer in &mut stored {
        layer.output.offset = offset;
        offset += (layer.output.ring_bytes() as u32).next_multiple_of(16);
    }
    let all = Plan {
        barriers: (1..=last).step_by(2).chain([last]).take(31).chain([last]).collect(),
        ..best.clone()
    };
    let mut all = Plan { arena_bytes: offset as usize, ..all };
    all.barriers.dedup();
    // Rows on demand from the first to the last, no barrier between.
    let streamed_plan = plan::with_barriers(&layers, &[last]);
    let mut streamed = layers.clone();
    for ring in &streamed_plan.rings {
        for &tensor in &ring.tensors {
            streamed[tensor].output.ring = ring.height;
            streamed[tensor].output.offset = ring.offset as u32;
        }
    }
    assert!(best.arena_bytes <= streamed_plan.arena_bytes && best.arena_bytes < all.arena_bytes / 4);

    let crop = noise(3);
    let embeddings =
        [(&searched, &best), (&stored, &all), (&streamed, &streamed_plan)].map(|(layers, plan)| {
            let bytes = section(layers, plan, &blob);
            Simulator::new(&Model::new_checked(bytes.bytes()).unwrap()).unwrap().embed(&crop).unwrap()
        });
    assert_eq!(embeddings[0], embeddings[1]);
    assert_eq!(embeddings[0], embeddings[2]);
    assert!(embeddings[0].iter().any(|&x| x != embeddings[0][0]), "a constant embedding proves nothing");
}

#[test]
fn plan_that_overwrites_needed_rows_is_refused() {
    let (mut layers, blob) = default_layers();
    let plan = plan::plan(&mut layers);
    let load = |layers: &[Layer]| {
        let bytes = section(layers, &plan, &blob);
        let model = Model::new_checked(bytes.bytes()).unwrap();
        Network::<MAX_LAYERS>::new(&model).map(|_| ())
    };
    assert_eq!(load(&layers), Ok(()));
    let mut low = layers.clone();
    low[1].output.ring -= 1;
    assert_eq!(load(&low), Err(LoadError::Ring { tensor: 1 }));
    let mut overlapping = layers.clone();
    overlapping[2].output.offset = overlapping[1].output.offset;
    assert!(matches!(load(&overlapping), Err(LoadError::Overlap { .. })));
}
