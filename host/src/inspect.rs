//! The operators and the needs of a network, before anything is exported; those of an image, with the whole way from a
//! frame to an embedding, are in [`image`].

pub mod image;
pub mod map;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, ensure};
use format::Role;
use serde::Serialize;

use crate::board::{Board, Memory};
use crate::budget::Excess;
use crate::cost::{Core, Estimate, Work};
use crate::onnx::{Cut, import};
use crate::outline::Outline;
use crate::sizes::Sizes;
use crate::{op, passes};

/// A network's needs.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Height, width, channels of the photo it takes.
    pub input: [usize; 3],
    /// Elements of the embedding.
    pub dimension: usize,
    /// ONNX operators and how often each occurs.
    pub operators: BTreeMap<String, usize>,
    /// Number of trained parameters.
    pub parameters: usize,
    /// Multiply-accumulates of an embedding.
    pub macs: u64,
    /// Bytes of arena.
    pub arena_bytes: usize,
    /// Bytes of weights, biases and multipliers in flash.
    pub flash_bytes: usize,
    /// Estimates for boards.
    pub boards: Vec<BoardRow>,
    /// The layers that the runtime executes.
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
    /// Cycles of an embedding: lower and upper bound.
    pub cycles: [f64; 2],
    /// Clock, MHz.
    pub clock_mhz: f64,
    /// Milliseconds of an embedding at that clock: lower and upper bound.
    pub ms: [f64; 2],
    /// Whether the board can run it.
    pub fits: bool,
    /// The exceeded limit, if the board cannot run it.
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
    /// Rows of its tensor that are kept at the same time.
    pub rows_kept: u16,
}

/// Inspects an ONNX file, for boards at their usual clocks or at `clock_mhz`.
///
/// # Errors
/// As [`import()`].
pub fn inspect(path: &Path, cut: &Cut, boards: &[&Board], clock_mhz: Option<f64>) -> Result<Inspection> {
    ensure!(
        clock_mhz.is_none_or(|clock| clock > 0.0 && clock.is_finite()),
        "--clock must be a number of MHz above 0"
    );
    let imported = import(path, cut)?;
    let input = imported.input();
    let graph = passes::lower(imported.graph);
    let outline = Outline::of(&graph)?;
    let work = Work::of(&outline.layers);
    let row = |board: &&Board| {
        let excesses = outline.excesses(Role::Embedder, &board.budget(Memory::External));
        on_board(board, &work, outline.flash_bytes, clock_mhz, &excesses)
    };
    Ok(Inspection {
        input,
        dimension: graph.outputs.first().map_or(0, |output| graph.nodes[output.node].shape[2]),
        operators: imported.operators.into_iter().collect(),
        parameters: imported.parameters,
        macs: outline.macs.iter().sum(),
        arena_bytes: outline.arena_bytes,
        flash_bytes: outline.flash_bytes,
        boards: boards.iter().map(row).collect::<Result<_>>()?,
        layers: (graph.nodes.iter().zip(&outline.macs).zip(&outline.layers))
            .map(|((node, &macs), layer)| LayerRow {
                name: node.name.clone(),
                operator: op::name(&node.op),
                shape: node.shape,
                macs,
                rows_kept: layer.output.ring,
            })
            .collect(),
    })
}

/// Bytes of a board's program, as measured; of one that was not, those of another with its core.
fn firmware_bytes(board: &Board, core: &Core) -> u64 {
    Sizes::of_board(&board.name).map_or(core.firmware_bytes, |sizes| sizes.flash_bytes)
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
        flash_bytes: firmware_bytes(board, &core) as usize + flash_bytes,
        instructions: estimate.instructions,
        cycles: estimate.cycles,
        clock_mhz,
        ms: estimate.milliseconds(clock_mhz),
        fits: excesses.is_empty(),
        excesses: excesses.iter().map(Excess::to_string).collect(),
    })
}
