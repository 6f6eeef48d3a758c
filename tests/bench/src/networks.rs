//! Images of the networks that are measured.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use host::export::{Job, export};
use host::quantize::Preprocessing;
use suite::{default_network, demo_faces, faces, job, onnx, real_networks, write_faces};

/// A network and its image.
pub struct Pinned {
    /// Name.
    pub name: String,
    /// ONNX file.
    pub model: PathBuf,
    /// Flash image, nobody enrolled.
    pub image: PathBuf,
}

/// The real networks.
pub fn real(folder: &Path) -> Result<Vec<Pinned>> {
    // What it takes to decide depends a little on the photos that scales are chosen on. The default network is measured on all machines, so
    // its photos are those that all machines have.
    let [demo, all] = ["demo", "all"].map(|name| folder.join(name));
    write_faces(&demo, &demo_faces(), [112, 112]);
    write_faces(&all, &faces(), [112, 112]);
    real_networks()
        .into_iter()
        .map(|model| {
            let crops = if model == default_network() { &demo } else { &all };
            let name = model.file_stem().context("a network without a name")?.to_string_lossy().to_string();
            pinned(folder, name, model, crops, Preprocessing::default())
        })
        .collect()
}

/// Generated networks with features that the real ones lack.
pub fn generated(folder: &Path) -> Result<Vec<Pinned>> {
    let inside = Preprocessing { mean: 0.0, scale: 1.0 };
    [
        ("resnet18_grey", onnx::resnet18_grey(), [128, 128], Preprocessing::default()),
        ("mobile_112x96", onnx::mobile_112x96(), [112, 96], inside),
        ("pools", onnx::pools(), [40, 24], Preprocessing::default()),
        ("every_operator", onnx::every_operator(), [40, 24], Preprocessing::default()),
        ("small_differences", onnx::small_differences(3), [40, 24], Preprocessing::default()),
        ("differences_in_space", onnx::differences_in_space(), [80, 48], Preprocessing::default()),
    ]
    .into_iter()
    .map(|(name, network, size, preprocessing)| {
        let (model, crops) = (folder.join(name).with_extension("onnx"), folder.join(name));
        std::fs::write(&model, network)?;
        write_faces(&crops, &faces(), size);
        pinned(folder, name.to_string(), model, &crops, preprocessing)
    })
    .collect()
}

fn pinned(
    folder: &Path,
    name: String,
    model: PathBuf,
    crops: &Path,
    preprocessing: Preprocessing,
) -> Result<Pinned> {
    let image = folder.join(&name).with_extension("geode");
    let job = Job { preprocessing, force: true, ..job(&model, crops) };
    std::fs::write(&image, export(&job)?.image)?;
    Ok(Pinned { name, model, image })
}
