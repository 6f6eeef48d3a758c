//! Milliseconds of an embedding on one thread of this computer, for Geode and other runtimes in the same run.
//!
//! The runtimes take turns, so that other load on the computer affects all of them equally. The fastest run of each
//! counts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::interrupt::{Running, TemporaryFolder};
use crate::onnx::Reference;
use crate::output;
use crate::quantize::Preprocessing;
use crate::simulator::Simulator;

/// Turns of each runtime.
const TURNS: usize = 15;

/// Milliseconds of Geode or of another runtime.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Time {
    /// Runtime and arithmetic.
    pub runtime: String,
    /// Milliseconds of the fastest run.
    pub ms: f64,
}

/// The runtimes to compare with.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    /// The ONNX file, for tract in float.
    pub model: Option<PathBuf>,
    /// A Python that has onnxruntime and onnx, for ONNX Runtime in float and int8; needs the ONNX file too.
    pub python: Option<PathBuf>,
}

/// Times all runtimes.
///
/// # Errors
/// When another runtime is not installed or fails.
pub fn run(simulator: &Simulator<'_>, preprocessing: Preprocessing, peers: &Peers) -> Result<Vec<Time>> {
    let crops = patterns(simulator);
    let floats: Vec<Vec<f32>> = crops.iter().map(|crop| preprocessing.apply(crop)).collect();
    let tract = peers.model.as_deref().map(Reference::load).transpose()?;
    let input = simulator.network().model().input();
    let shape = [input.height, input.width, input.channels].map(usize::from);
    let mut onnx_runtime = match (&peers.model, &peers.python) {
        (Some(model), Some(python)) => Some(OnnxRuntime::start(python, model, &floats, shape)?),
        _ => None,
    };
    let mut times = vec![Time { runtime: "Geode int8".to_string(), ms: f64::INFINITY }];
    if tract.is_some() {
        times.push(Time { runtime: "tract float".to_string(), ms: f64::INFINITY });
    }
    if let Some(peer) = &onnx_runtime {
        for kind in ["float", "int8"] {
            let runtime = format!("ONNX Runtime {} {kind}", peer.version);
            times.push(Time { runtime, ms: f64::INFINITY });
        }
    }
    let bar = output::bar(TURNS, "timing this computer");
    for _ in 0..TURNS {
        let mut measured = vec![fastest(20, || simulator.embed(&crops[0]).map(drop))?];
        if let Some(tract) = &tract {
            measured.push(fastest(3, || tract.embed(&floats[0]).map(drop))?);
        }
        if let Some(peer) = &mut onnx_runtime {
            measured.push(peer.time("float", 10)?);
            measured.push(peer.time("int8", 10)?);
        }
        for (time, ms) in times.iter_mut().zip(measured) {
            time.ms = time.ms.min(ms);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(times)
}

/// Crops whose timing and scales are typical: noise of several kinds.
fn patterns(simulator: &Simulator<'_>) -> Vec<Vec<u8>> {
    let input = simulator.network().model().input();
    let bytes = input.height as usize * input.row_bytes();
    let mut state = 1u32;
    let mut noise = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..8).map(|_| (0..bytes).map(&mut noise).collect()).collect()
}

fn fastest(runs: usize, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..runs {
        let start = Instant::now();
        run()?;
        least = least.min(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(least)
}

/// ONNX Runtime in a separate Python process.
struct OnnxRuntime {
    _running: Running,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    version: String,
    folder: TemporaryFolder,
}

impl OnnxRuntime {
    /// Starts the process with crops `[h][w][c]` in the network's units.
    fn start(python: &Path, model: &Path, crops: &[Vec<f32>], [h, w, c]: [usize; 3]) -> Result<Self> {
        let folder = TemporaryFolder::new()?;
        let (script, data) = (folder.path().join("peer.py"), folder.path().join("crops.f32"));
        std::fs::write(&script, include_str!("onnxruntime.py"))?;
        let mut bytes = Vec::new();
        for crop in crops {
            for channel in 0..c {
                bytes.extend((0..h * w).flat_map(|pixel| crop[pixel * c + channel].to_le_bytes()));
            }
        }
        std::fs::write(&data, bytes)?;
        let errors = folder.path().join("errors.txt");
        let mut command = Command::new(python);
        command.args([script.as_path(), model, data.as_path()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(std::fs::File::create(&errors)?);
        let mut running =
            Running::start(&mut command).with_context(|| format!("cannot start {}", python.display()))?;
        let child = running.child();
        let (Some(input), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("{} has no standard streams", python.display());
        };
        let mut peer = OnnxRuntime {
            _running: running,
            input,
            output: BufReader::new(stdout),
            version: String::new(),
            folder,
        };
        let greeting = peer.line()?;
        let Some(version) = greeting.strip_prefix("ready ") else {
            bail!("onnxruntime.py said {greeting:?} instead of its version");
        };
        peer.version = version.to_string();
        Ok(peer)
    }

    /// Milliseconds of the fastest of `runs`.
    fn time(&mut self, kind: &str, runs: usize) -> Result<f64> {
        writeln!(self.input, "{kind} {runs}").and_then(|()| self.input.flush()).or_else(|_| self.failed())?;
        Ok(self.line()?.parse()?)
    }

    fn line(&mut self) -> Result<String> {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                return self.failed();
            }
            // onnxruntime's quantiser prints advice before the first answer.
            let line = line.trim();
            if line.starts_with("ready ") || line.parse::<f64>().is_ok() {
                return Ok(line.to_string());
            }
        }
    }

    /// The error with the reason why the process ended.
    fn failed<T>(&mut self) -> Result<T> {
        let errors = std::fs::read(self.folder.path().join("errors.txt")).unwrap_or_default();
        let errors = String::from_utf8_lossy(&errors);
        let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
        bail!("ONNX Runtime cannot be timed: {last}; python3 -m pip install onnxruntime onnx installs it")
    }
}
