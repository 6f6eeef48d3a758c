//! Time of an embedding, and of each kind of layer in it, at every level of this processor: the least of many runs.
//!
//! `cargo run -p cases --example embedding -- IMAGE [RUNS]`

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use format::Image;
use format::layer::{Element, Layer, Op};
use format::model::MAX_LAYERS;
use nn::Network;

#[cfg(target_arch = "aarch64")]
use nn::kernels::neon as kernels;
#[cfg(target_arch = "x86_64")]
use nn::kernels::x86 as kernels;

/// Levels that this processor has, by name.
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
fn levels() -> Vec<String> {
    let available = kernels::level();
    let levels = kernels::Level::ALL.iter().filter(|&&level| level <= available);
    levels.map(|level| format!("{level:?}").to_lowercase()).collect()
}

#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
fn set_level(number: usize) {
    kernels::set_limit(kernels::Level::ALL[number]);
}

#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
fn levels() -> Vec<String> {
    vec!["only".into()]
}

#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
fn set_level(_: usize) {}

/// Operator, shapes and element types.
fn kind(layers: &[Layer], index: usize) -> String {
    let Layer { op, output } = &layers[index];
    let name = match op {
        Op::Input => "input",
        Op::Conv { .. } => "conv",
        Op::Depthwise { .. } => "depthwise",
        Op::Add { .. } => "add",
        Op::MaxPool { .. } => "max_pool",
    };
    let input = op.inputs().next().map(|input| &layers[input as usize].output);
    let [kh, kw] = op.window().kernel;
    let wide = [input, Some(output)].into_iter().flatten().any(|t| t.element == Element::I16);
    format!(
        "{name:9} {kh}x{kw} {:>3} -> {:>2}x{:<2}x{:<3}{}",
        input.map_or(0, |input| input.channels),
        output.height,
        output.width,
        output.channels,
        if wide { " wide" } else { "" }
    )
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("usage: embedding IMAGE [RUNS]");
    let runs: usize = arguments.next().map_or(200, |runs| runs.parse().expect("RUNS is a number"));
    let file = std::fs::read(path).expect("an image");
    let mut words = vec![0u128; file.len().div_ceil(16)];
    bytemuck::cast_slice_mut(&mut words)[..file.len()].copy_from_slice(&file);
    let image = Image::new_checked(&bytemuck::cast_slice(&words)[..file.len()]).expect("a sound image");
    let network = Network::<MAX_LAYERS>::new(&image.model).expect("a sound plan");
    let layers = network.layers();

    let input = layers[0].output;
    let crop: Vec<u8> =
        (0..input.height as usize * input.row_bytes()).map(|i| ((i * 73) >> 3) as u8).collect();
    let mut arena = vec![0u128; network.arena_bytes().div_ceil(16)];
    let arena = bytemuck::cast_slice_mut(&mut arena);
    let mut embedding = vec![0; network.dimension()];
    for (number, level) in levels()
        .iter()
        .enumerate()
        .filter(|(_, level)| std::env::var("LEVEL").is_err() || std::env::var("LEVEL").unwrap() == **level)
    {
        set_level(number);
        let mut least = Duration::MAX;
        for _ in 0..runs {
            let start = Instant::now();
            network.embed(&mut &*crop, arena, &mut embedding).expect("an embedding");
            least = least.min(start.elapsed());
        }
        println!("{level}: {:.3} ms", least.as_secs_f64() * 1e3);

        let mut by_layer = vec![Duration::MAX; layers.len()];
        for _ in 0..runs {
            let mut times = vec![Duration::ZERO; layers.len()];
            let mut before = Instant::now();
            let observe = |layer: usize, _: u16, _: &[u8]| {
                let now = Instant::now();
                times[layer] += now - before;
                before = now;
            };
            network.embed_observed(&mut &*crop, arena, &mut embedding, observe).expect("an embedding");
            for (least, time) in by_layer.iter_mut().zip(times) {
                *least = time.min(*least);
            }
        }
        let mut by_kind = BTreeMap::<String, (usize, Duration)>::new();
        for (index, &time) in by_layer.iter().enumerate() {
            let (layers, sum) = by_kind.entry(kind(layers, index)).or_default();
            *layers += 1;
            *sum += time;
        }
        let mut by_kind: Vec<_> = by_kind.into_iter().collect();
        by_kind.sort_by_key(|(_, (_, time))| std::cmp::Reverse(*time));
        for (kind, (layers, time)) in by_kind {
            println!("  {:>8.1} us  {layers:>2} × {kind}", time.as_secs_f64() * 1e6);
        }
    }
}
