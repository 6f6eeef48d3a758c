//! Writes what fuzzers start from: small networks with every operator, changes of an image, messages of a host.

use std::path::{Path, PathBuf};

use anyhow::Result;
use link::message::Request;
use suite::onnx;

/// Largest file of the larger test data that is a seed: fuzzers are slow with more.
const MOST_BYTES: u64 = 64 << 10;

fn write(folder: &Path, fuzzer: &str, seeds: impl IntoIterator<Item = Vec<u8>>) -> Result<()> {
    let folder = folder.join(fuzzer);
    std::fs::create_dir_all(&folder)?;
    for (number, seed) in seeds.into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number:02}")), seed)?;
    }
    Ok(())
}

fn networks() -> Vec<Vec<u8>> {
    let mut networks = vec![
        onnx::pools(),
        onnx::scores(),
        onnx::joined_with_photo(),
        onnx::with_silu(),
        onnx::every_operator(),
        onnx::prelu_of_absolute_values(),
        onnx::colours_reversed(),
        onnx::with_operator("Erf"),
    ];
    let field = suite::root().join("../shared/field/nets");
    let files: Vec<PathBuf> = std::fs::read_dir(field)
        .map_or(Vec::new(), |files| files.flatten().map(|file| file.path()).collect());
    let small = files.iter().filter(|file| file.metadata().is_ok_and(|found| found.len() <= MOST_BYTES));
    networks.extend(small.filter_map(|file| std::fs::read(file).ok()));
    networks
}

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| "target/fuzz".into()));
    write(&folder, "onnx", networks())?;
    // A byte of each section at its beginning, and every section cut off.
    let edits = (0..8u8)
        .flat_map(|section| [[section, 16, 0, 1], [section, 40, 1, 0x80], [section | 0x80, 64, 0, 0]]);
    write(&folder, "image", edits.map(Vec::from))?;
    write(&folder, "link", messages()?)?;
    Ok(())
}

/// What a host sends, one message after another, each in a frame; and the same as pieces that are put into frames.
fn messages() -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    let mut buffer = [0; link::MAX_MESSAGE_BYTES];
    let mut frame = [0; link::MAX_FRAME_BYTES];
    let row = [77; 12];
    let rows = (0..4).map(|number| Request::Pixels(number, &row));
    let rest = [Request::Hello, Request::Recognise, Request::Embed, Request::Status, Request::Abort];
    for request in rest.into_iter().chain(rows) {
        let message = request.emit(1, &mut buffer)?.to_vec();
        all.push(link::encode(&message, &mut frame)?.to_vec());
        all.push(message);
    }
    all.push(all.concat());
    Ok(all)
}
