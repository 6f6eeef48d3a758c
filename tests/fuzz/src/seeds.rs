//! Writes what fuzzers start from: tiny networks that hold every operator between them, changes of an image, messages of a host.

use std::path::{Path, PathBuf};

use anyhow::Result;
use format::PixelFormat;
use link::message::{Attention, Request, View};
use suite::onnx::{Attribute, Onnx};

/// Largest file of the larger test data that is a seed: fuzzers are slow with more.
const MOST_BYTES: u64 = 8 << 10;

fn write(folder: &Path, fuzzer: &str, seeds: impl IntoIterator<Item = Vec<u8>>) -> Result<()> {
    let folder = folder.join(fuzzer);
    std::fs::create_dir_all(&folder)?;
    for (number, seed) in seeds.into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number:02}")), seed)?;
    }
    Ok(())
}

/// The head of most small networks: a convolution of the photo, normalised and bent.
fn stem(net: &mut Onnx) -> String {
    let x = net.conv("input", [3, 4], [3, 3], 2, 1, 1);
    let x = net.batch_norm(&x, 4);
    net.prelu(&x, 4)
}

/// Small networks that hold, together, every operator that is imported.
fn tiny() -> Vec<Vec<u8>> {
    use Attribute::{Float, Int, Ints, Text};
    let photo = [1, 3, 8, 8];
    let mut all = Vec::new();

    // A face's embedding, its length made one in steps.
    let mut net = Onnx::new(&photo);
    let x = stem(&mut net);
    let x = net.conv(&x, [4, 4], [3, 3], 1, 1, 4);
    let x = net.node("Flatten", &[&x], &[("axis", Int(1))]);
    let x = net.gemm(&x, 64, 8);
    let length = net.node("ReduceL2", &[&x], &[("axes", Ints(vec![1])), ("keepdims", Int(1))]);
    let length = net.node("Clip", &[&length], &[("min", Float(1e-12))]);
    let x = net.node("Div", &[&x, &length], &[]);
    all.push(net.finish(&x));

    // Squeeze and excitation, in a residual block.
    let mut net = Onnx::new(&photo);
    let x = stem(&mut net);
    let mean = net.node("GlobalAveragePool", &[&x], &[]);
    let gate = net.conv(&mean, [4, 2], [1, 1], 1, 0, 1);
    let gate = net.node("Relu", &[&gate], &[]);
    let gate = net.conv(&gate, [2, 4], [1, 1], 1, 0, 1);
    let gate = net.node("Sigmoid", &[&gate], &[]);
    let scaled = net.node("Mul", &[&x, &gate], &[]);
    let x = net.node("Add", &[&x, &scaled], &[]);
    let x = net.node("ReduceMean", &[&x], &[("axes", Ints(vec![2, 3])), ("keepdims", Int(0))]);
    all.push(net.finish(&x));

    // Maps that are joined, made smaller and enlarged.
    let mut net = Onnx::new(&photo);
    let x = stem(&mut net);
    let window = [("kernel_shape", Ints(vec![2; 2])), ("strides", Ints(vec![2; 2]))];
    let greatest = net.node("MaxPool", &[&x], &window);
    let mean = net.node("AveragePool", &[&x], &window);
    let joined = net.node("Concat", &[&greatest, &mean], &[("axis", Int(1))]);
    let scales = net.constant(&[4], vec![1.0, 1.0, 2.0, 2.0]);
    let attributes = [
        ("mode", Text("nearest")),
        ("coordinate_transformation_mode", Text("asymmetric")),
        ("nearest_mode", Text("floor")),
    ];
    let large = net.node("Resize", &[&joined, "", &scales], &attributes);
    let far = net.dilated(&large, [8, 4], 2);
    let x = net.node("HardSwish", &[&far], &[]);
    let padded = net.integers(&[0, 0, 1, 1, 0, 0, 1, 1]);
    let x = net.node("Pad", &[&x, &padded], &[]);
    let x = net.conv(&x, [4, 4], [3, 3], 1, 0, 2);
    all.push(net.finish(&x));

    // What a photo goes through before a network, and shapes that are computed.
    let mut net = Onnx::new(&[1, 8, 8, 3]);
    let mean = net.constant(&[1], vec![127.5]);
    let deviation = net.constant(&[1], vec![128.0]);
    let x = net.node("Sub", &["input", &mean], &[]);
    let x = net.node("Div", &[&x, &deviation], &[]);
    let x = net.node("Transpose", &[&x], &[("perm", Ints(vec![0, 3, 1, 2]))]);
    let order = net.integers(&[2, 1, 0]);
    let x = net.node("Gather", &[&x, &order], &[("axis", Int(1))]);
    let x = net.conv(&x, [3, 4], [3, 3], 2, 1, 1);
    let half = net.node("Sigmoid", &[&x], &[]);
    let x = net.node("Mul", &[&x, &half], &[]);
    let shape = net.integers(&[1, -1]);
    let x = net.node("Reshape", &[&x, &shape], &[]);
    let axes = net.integers(&[0]);
    let x = net.node("Squeeze", &[&x, &axes], &[]);
    let x = net.node("Unsqueeze", &[&x, &axes], &[]);
    all.push(net.finish(&x));

    // A clipped activation, whole arithmetic of constants, and a product without a bias.
    let mut net = Onnx::new(&photo);
    let x = net.conv("input", [3, 4], [3, 3], 2, 1, 1);
    let bounds = [0.0, 6.0].map(|bound| net.constant(&[], vec![bound]));
    let x = net.node("Clip", &[&x, &bounds[0], &bounds[1]], &[]);
    let numbers = net.constant(&[4, 1, 1], vec![1.0, 2.0, 3.0, 4.0]);
    let root = net.node("Sqrt", &[&numbers], &[]);
    let x = net.node("Mul", &[&x, &root], &[]);
    let x = net.node("LeakyRelu", &[&x], &[("alpha", Float(0.1))]);
    let x = net.node("Elu", &[&x], &[]);
    let x = net.node("Dropout", &[&x], &[]);
    let x = net.node("Flatten", &[&x], &[]);
    let weights = net.constant(&[64, 4], vec![0.01; 256]);
    let x = net.node("MatMul", &[&x, &weights], &[]);
    let x = net.node("LpNormalization", &[&x], &[("axis", Int(1)), ("p", Int(2))]);
    all.push(net.finish(&x));
    all
}

fn networks() -> Vec<Vec<u8>> {
    let mut networks = tiny();
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
    let edits = (0..12u8)
        .flat_map(|section| [[section, 16, 0, 1], [section, 40, 1, 0x80], [section | 0x80, 64, 0, 0]]);
    write(&folder, "image", edits.map(Vec::from))?;
    write(&folder, "link", messages()?)?;
    write(&folder, "session", steps())?;
    Ok(())
}

/// Steps of a session: a message passes to the board, one to the host, a request is sealed, a byte is changed; then pairing
/// with keys of nobody. Steps are parted by 0xa5.
fn steps() -> Vec<Vec<u8>> {
    let (open, ask) = ([&[0][..], &[1]], [&[2][..], &[0], &[1]]);
    let join = |steps: &[&[u8]]| steps.join(&0xa5);
    let talk = [&open[..], &ask].concat();
    let changed = [&open[..], &[&[2], &[4, 20, 1], &[0], &[5, 6, 1], &[1]]].concat();
    let pair = |number| [&[6, 5, number, 1, 0, 0, 0][..], &[7; 32]].concat();
    let (pair, reveal) = (pair(2), pair(3));
    vec![join(&talk), join(&changed), join(&[&pair, &reveal]), join(&[&[7, 5, 0x84, 1, 0, 0, 0, 0]])]
}

/// What a host sends, one message after another, each in a frame; and the same as pieces that are put into frames.
fn messages() -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    let mut buffer = [0; link::MAX_MESSAGE_BYTES];
    let mut frame = [0; link::MAX_FRAME_BYTES];
    let row = [77; 12];
    let rows = (0..4).map(|number| Request::Pixels(number, &row));
    let photo =
        View { width: 12, height: 4, format: PixelFormat::Grey, is_sent: true, attention: Attention::Photo };
    let (format, attention) = (PixelFormat::Rgb565, Attention::Video { steady: 1 });
    let video = View { width: 6, format, attention, ..photo };
    let held = View { is_sent: false, ..video };
    let rest = [
        Request::Hello,
        Request::Recognise,
        Request::Embed,
        Request::Status,
        Request::Abort,
        Request::See(photo),
        Request::See(video),
        Request::See(held),
    ];
    for request in rest.into_iter().chain(rows) {
        let message = request.emit(1, &mut buffer)?.to_vec();
        all.push(link::encode(&message, &mut frame)?.to_vec());
        all.push(message);
    }
    all.push(all.concat());
    Ok(all)
}
