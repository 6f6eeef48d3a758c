//! `host inspect`: what a network consists of and needs, before anything is exported.

use std::path::Path;

use anyhow::{Result, ensure};
use format::layer::{Element, Layer, Op as LayerOp, Stage, Tensor};
use serde::Serialize;

use crate::board::{Board, Memory};
use crate::budget::Excess;
use crate::cost::{Core, Estimate, Work};
use crate::graph::{Graph, Op, Window};
use crate::import::import;
use crate::quantize::operator;
use crate::{passes, plan};

/// A network's needs.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Height, width, channels of the photo it takes.
    pub input: [usize; 3],
    /// Elements of the embedding.
    pub dimension: usize,
    /// ONNX operators and how often each occurs.
    pub operators: Vec<(String, usize)>,
    /// Trained numbers.
    pub parameters: usize,
    /// Multiply-accumulates an embedding.
    pub macs: u64,
    /// Bytes of arena.
    pub arena_bytes: usize,
    /// Bytes of weights, biases and multipliers in flash.
    pub flash_bytes: usize,
    /// What it would take on boards.
    pub boards: Vec<BoardRow>,
    /// What the runtime executes.
    pub layers: Vec<LayerRow>,
}

/// A network on a board, estimated.
#[derive(Clone, Debug, Serialize)]
pub struct BoardRow {
    /// Name of the board.
    pub board: String,
    /// Bytes of arena it has.
    pub arena_room: usize,
    /// Bytes of stack besides the arena.
    pub stack_bytes: u64,
    /// Bytes of flash: firmware, weights, biases and multipliers.
    pub flash_bytes: usize,
    /// Instructions of an embedding.
    pub instructions: f64,
    /// Cycles of an embedding, at least and at most.
    pub cycles: [f64; 2],
    /// Clock, MHz.
    pub clock_mhz: f64,
    /// Milliseconds of an embedding at that clock, at least and at most.
    pub ms: [f64; 2],
    /// Whether the board can run it.
    pub fits: bool,
    /// What is too much for the board, where it cannot.
    pub excesses: Vec<String>,
}

/// A layer's needs.
#[derive(Clone, Debug, Serialize)]
pub struct LayerRow {
    /// Name of the ONNX node.
    pub name: String,
    /// Operator.
    pub operator: &'static str,
    /// Height, width, channels of its tensor.
    pub shape: [usize; 3],
    /// Multiply-accumulates.
    pub macs: u64,
    /// Rows of its tensor that are kept at a time.
    pub rows_kept: u16,
}

/// Multiply-accumulates of each node.
pub fn macs(graph: &Graph) -> Vec<u64> {
    let node = |index: usize| {
        let node = &graph.nodes[index];
        let pixels = (node.shape[0] * node.shape[1]) as u64;
        match &node.op {
            Op::Conv { weights, .. } | Op::Depthwise { weights, .. } => pixels * weights.len() as u64,
            _ => 0,
        }
    };
    (0..graph.nodes.len()).map(node).collect()
}

/// Inspects an ONNX file, for boards at their usual clocks or at `clock_mhz`.
///
/// # Errors
/// As [`import`].
pub fn inspect(path: &Path, boards: &[&Board], clock_mhz: Option<f64>) -> Result<Inspection> {
    ensure!(
        clock_mhz.is_none_or(|clock| clock > 0.0 && clock.is_finite()),
        "--clock must be a number of MHz above 0"
    );
    let imported = import(path)?;
    let input = imported.input();
    let graph = passes::lower(imported.graph);
    let macs = macs(&graph);
    let mut layers = skeleton(&graph);
    let plan = plan::plan(&mut layers);
    let flash = |op: &Op, channels: usize| match op {
        Op::Conv { weights, .. } | Op::Depthwise { weights, .. } => weights.len() + 12 * channels,
        Op::Add => 12 * channels,
        _ => 0,
    };
    let flash_bytes = graph.nodes.iter().map(|node| flash(&node.op, node.shape[2])).sum();
    let work = Work::of(&layers);
    let row = |board: &&Board| {
        let budget = board.budget(Memory::External);
        let name = |index: usize| graph.nodes[index].name.clone();
        let mut excesses = budget.excesses(&layers, plan.arena_bytes, name);
        excesses.extend(budget.weights_excess(&layers, flash_bytes, name));
        on_board(board, &work, flash_bytes, clock_mhz, &excesses)
    };
    Ok(Inspection {
        input,
        dimension: graph.nodes.last().map_or(0, |node| node.shape[2]),
        operators: imported.operators,
        parameters: imported.parameters,
        macs: macs.iter().sum(),
        arena_bytes: plan.arena_bytes,
        flash_bytes,
        boards: boards.iter().map(row).collect::<Result<_>>()?,
        layers: (graph.nodes.iter().zip(&macs).zip(&layers))
            .map(|((node, &macs), layer)| LayerRow {
                name: node.name.clone(),
                operator: operator(&node.op),
                shape: node.shape,
                macs,
                rows_kept: layer.output.ring,
            })
            .collect(),
    })
}

fn on_board(
    board: &Board,
    work: &[Work],
    flash_bytes: usize,
    clock_mhz: Option<f64>,
    excesses: &[Excess],
) -> Result<BoardRow> {
    let core = Core::of_board(&board.name)?;
    let estimate: Estimate = work.iter().map(|work| core.estimate(work)).sum();
    let clock_mhz = clock_mhz.unwrap_or(board.clock_mhz);
    Ok(BoardRow {
        board: board.name.to_string(),
        arena_room: board.arena_bytes,
        stack_bytes: core.stack_bytes,
        flash_bytes: core.firmware_bytes as usize + flash_bytes,
        instructions: estimate.instructions,
        cycles: estimate.cycles,
        clock_mhz,
        ms: estimate.milliseconds(clock_mhz),
        fits: excesses.is_empty(),
        excesses: excesses.iter().map(Excess::to_string).collect(),
    })
}

/// Layers with everything the planner looks at, and nothing else.
fn skeleton(graph: &Graph) -> Vec<Layer> {
    let last = graph.nodes.len() - 1;
    let stage = Stage { bias: 0, positive: 0, negative: 0, shift: 0, low: 0, high: 0 };
    let nodes = graph.nodes.iter().enumerate();
    nodes
        .map(|(index, node)| {
            let input = |number: usize| node.inputs[number] as u16;
            let window = |w: &Window| format::layer::Window {
                kernel: w.kernel.map(|k| k as u8),
                stride: w.stride.map(|s| s as u8),
                pad: [w.pad[0] as u8, w.pad[1] as u8],
            };
            let op = match &node.op {
                Op::Conv { window: w, .. } => {
                    LayerOp::Conv { input: input(0), window: window(w), weights: 0, stage }
                }
                Op::Depthwise { window: w, .. } => {
                    LayerOp::Depthwise { input: input(0), window: window(w), weights: 0, stage }
                }
                Op::MaxPool(w) => LayerOp::MaxPool { input: input(0), window: window(w) },
                Op::Add => LayerOp::Add { inputs: [input(0), input(1)], gains: [0; 2], stage },
                Op::Input | Op::Affine { .. } | Op::Identity => LayerOp::Input,
            };
            let [height, width, channels] = node.shape.map(|extent| extent as u16);
            let element = if index == last { Element::I16 } else { Element::I8 };
            let output = Tensor { height, width, channels, element, zero_point: 0, ring: height, offset: 0 };
            Layer { op, output }
        })
        .collect()
}

/// Prints it as a table.
pub fn print(path: &Path, inspection: &Inspection) {
    let [h, w, c] = inspection.input;
    println!("{}", path.display());
    println!("  input       {h} × {w} × {c}, embedding of {} dimensions", inspection.dimension);
    let operators: Vec<String> =
        inspection.operators.iter().map(|(name, count)| format!("{name} {count}")).collect();
    println!("  operators   {} (all supported)", operators.join(", "));
    println!("  parameters  {}", inspection.parameters);
    println!("  MACs        {:.1} M an embedding", inspection.macs as f64 / 1e6);
    println!("  arena       {} bytes of RAM", inspection.arena_bytes);
    println!("  flash       {} bytes of weights", inspection.flash_bytes);
    println!();
    println!("  board       instructions          at     an embedding takes      stack       flash");
    for row in &inspection.boards {
        let [low, high] = row.ms;
        println!(
            "  {:10} {:>11.1} M {:>7} MHz {:>9.0} to {:>5.0} ms {:>8} B {:>9} B{}",
            row.board,
            row.instructions / 1e6,
            row.clock_mhz,
            low,
            high,
            row.stack_bytes,
            row.flash_bytes,
            if row.fits { "" } else { "  does not fit" }
        );
    }
    for row in &inspection.boards {
        for excess in &row.excesses {
            println!("  {} cannot run it: {excess}", row.board);
        }
    }
    println!(
        "  Estimates: fitted to counts under emulation and to models of the cores; from memory that never waits to"
    );
    println!("  weights in quad serial flash. Flash is firmware and weights, without people.");
    println!();
    println!("{:>4}  {:10} {:>16} {:>10} {:>10}  node", "", "operator", "tensor", "M MACs", "rows kept");
    for (index, layer) in inspection.layers.iter().enumerate() {
        let [h, w, c] = layer.shape;
        println!(
            "{index:>4}  {:10} {:>16} {:>10.2} {:>7}/{h:<3} {}",
            layer.operator,
            format!("{h}×{w}×{c}"),
            layer.macs as f64 / 1e6,
            layer.rows_kept,
            layer.name
        );
    }
}
