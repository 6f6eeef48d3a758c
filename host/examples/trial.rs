//! Scratch.
use std::path::{Path, PathBuf};
use std::time::Instant;
use host::import::{Reference, import};
use host::quantize::{self, Options, Preprocessing, emit};
use host::simulator::{AlignedBytes, Simulator};
use host::{passes, plan, sections};
use rayon::prelude::*;

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let d: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    let n: f32 = a.iter().map(|a| a * a).sum::<f32>() * b.iter().map(|a| a * a).sum::<f32>();
    d / n.sqrt()
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let path = Path::new(&args[1]);
    let n: usize = args[2].parse().unwrap();
    let wide: Vec<usize> = args[3..].iter().map(|a| a.parse().unwrap()).collect();
    let root = Path::new("/work/shared/faces/lfw/crops");
    let mut dirs: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
    dirs.sort();
    let load = |dir: &PathBuf| -> Vec<u8> {
        let file = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).min().unwrap();
        image::open(file).unwrap().to_rgb8().into_raw()
    };
    let calibrate: Vec<Vec<u8>> = dirs.iter().step_by(1600 / n).take(n).map(load).collect();
    let held: Vec<Vec<u8>> = dirs.iter().skip(3).step_by(7).take(200).map(load).collect();
    let t = Instant::now();
    let imported = import(path).unwrap();
    let graph = passes::lower(imported.graph);
    let pre = Preprocessing { mean: 127.5, scale: 128.0 };
    println!("import {:?}", t.elapsed());
    let t = Instant::now();
    let q = quantize::quantise(&graph, pre, &calibrate, &Options { wide }, |_| {});
    println!("quantise {:?}", t.elapsed());
    for (i, r) in q.report.iter().enumerate() {
        println!("{i:3} {:10} {:2} {:7.3} {:7.3} {:6.1} dB {}", r.operator, r.bits, r.range[0], r.range[1], r.sqnr_db, r.name);
    }
    let (mut layers, blob) = emit::emit(&q).unwrap();
    let t = Instant::now();
    let plan = plan::plan(&mut layers);
    println!("plan {:?} arena {} barriers {:?}", t.elapsed(), plan.arena_bytes, plan.barriers);
    let model = sections::model("trial", imported.sha256, &layers, &plan, &blob.0).unwrap();
    println!("model section {} bytes", model.len());
    let model = AlignedBytes::copy(&model);
    let model = format::model::Model::new_checked(model.bytes()).unwrap();
    let sim = Simulator::new(&model).unwrap();
    let t = Instant::now();
    sim.embed(&held[0]).unwrap();
    println!("one embed {:?}", t.elapsed());
    let reference = Reference::load(path).unwrap();
    let mut cosines: Vec<f32> = held.par_iter().map(|crop| {
        let ours: Vec<f32> = sim.embed(crop).unwrap().iter().map(|&x| x as f32).collect();
        cosine(&ours, &reference.embed(&pre.apply(crop)).unwrap())
    }).collect();
    cosines.sort_by(f32::total_cmp);
    println!("mean {:.5} min {:.5} p1 {:.5}", cosines.iter().sum::<f32>() / 200.0, cosines[0], cosines[2]);
}
