//! The importer refuses or accepts damaged and invented files, within bounded time and memory.
#![no_main]

mod mutate;

use host::onnx::{Cut, import_bytes};
use host::outline::Outline;
use host::{float, passes};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

/// Layers up to which a network is planned, and multiply-accumulates up to which it is run.
const FEW_LAYERS: usize = 48;
const FEW_MACS: u64 = 200_000;

fuzz_target!(|file: &[u8]| {
    let Ok(imported) = import_bytes(file, &Cut::default()) else { return };
    let graph = passes::lower(imported.graph);
    // Planning and running take ten times as long as importing: one file of eight, by its length.
    if !file.len().is_multiple_of(8) || graph.nodes.len() > FEW_LAYERS {
        return;
    }
    let Ok(outline) = Outline::of(&graph) else { return };
    let elements: usize = graph.nodes.iter().map(|node| node.shape.iter().product::<usize>()).sum();
    if outline.macs.iter().sum::<u64>() <= FEW_MACS && elements <= 1 << 20 {
        let photo = vec![0.5; graph.nodes[0].shape.iter().product()];
        assert_eq!(float::run(&graph, &photo).len(), graph.nodes.len());
    }
});

fuzz_mutator!(|file: &mut [u8], size: usize, most: usize, seed: u32| {
    if !seed.is_multiple_of(8)
        && let Some(changed) = mutate::changed(&file[..size], seed)
        && changed.len() <= most
    {
        file[..changed.len()].copy_from_slice(&changed);
        return changed.len();
    }
    fuzzer_mutate(file, size, most)
});
