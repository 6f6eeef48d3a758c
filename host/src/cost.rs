//! Estimates the cost of a network on a core without running it: instructions from a linear model that was fitted to
//! counts, and from these a range of cycles.
//!
//! A layer's instructions are a weighted sum of its [`Work::features`], with weights that depend on the core and on the
//! [`Kind`] of layer; `cargo run -p bench -- fit` fits them to the counts of the emulated boards. The number of
//! cycles for each instruction comes from static analysis of the inner loops (llvm-mca's models of the cores) and gives
//! the lower end of the range. The upper end adds [`IMPERFECTION`], and the time to fetch every weight that a row needs
//! from serial flash at [`FLASH_CYCLES_A_BYTE`].

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use format::layer::{Element, Layer, Operator};
use nn::op::{self, Inputs};
use serde::{Deserialize, Serialize};

use crate::board::{self, Board};

/// Cycles that the upper end of the range adds for each cycle of the lower end: for memory, branches, and pipelines
/// that do not fill.
pub const IMPERFECTION: f64 = 0.3;
/// Cycles that a byte of weights costs at the upper end, from quad serial flash read in place.
pub const FLASH_CYCLES_A_BYTE: f64 = 4.0;

/// Kinds of layer that differ in their inner loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The photo.
    Input,
    /// Convolution of single pixels.
    Pointwise,
    /// Convolution of larger windows.
    Conv,
    /// Convolution with rows of one pixel: dense layers.
    Dense,
    /// Convolution over groups of channels.
    Grouped,
    /// Convolution of each channel with its own filter, or averages.
    Depthwise,
    /// The same as [`Kind::Depthwise`], with channels that do not fill vectors of 16.
    Narrow,
    /// Sum of two tensors.
    Add,
    /// Largest element under a window.
    MaxPool,
    /// Concatenation of tensors, and enlarging.
    Copy,
    /// Each channel multiplied by a gain.
    Scale,
    /// Each element replaced by its entry in a table.
    Table,
    /// Any other layer that reads 16-bit elements.
    Wide,
    /// The same as [`Kind::Depthwise`] and [`Kind::Narrow`], with 16-bit elements to read.
    WideDepthwise,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 14] = [
        Kind::Input,
        Kind::Pointwise,
        Kind::Conv,
        Kind::Dense,
        Kind::Grouped,
        Kind::Depthwise,
        Kind::Narrow,
        Kind::Add,
        Kind::MaxPool,
        Kind::Copy,
        Kind::Scale,
        Kind::Table,
        Kind::Wide,
        Kind::WideDepthwise,
    ];

    /// Name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Input => "input",
            Kind::Pointwise => "pointwise",
            Kind::Conv => "conv",
            Kind::Dense => "dense",
            Kind::Grouped => "grouped",
            Kind::Depthwise => "depthwise",
            Kind::Narrow => "narrow",
            Kind::Add => "add",
            Kind::MaxPool => "max_pool",
            Kind::Copy => "copy",
            Kind::Scale => "scale",
            Kind::Table => "table",
            Kind::Wide => "wide",
            Kind::WideDepthwise => "wide_depthwise",
        }
    }

    /// Whether layers of this kind read 16-bit elements.
    pub fn is_wide(self) -> bool {
        matches!(self, Kind::Wide | Kind::WideDepthwise)
    }

    /// The kind of a layer of this kind that reads 16-bit elements instead.
    fn widened(self) -> Kind {
        match self {
            Kind::Depthwise | Kind::Narrow => Kind::WideDepthwise,
            _ => Kind::Wide,
        }
    }
}

/// Number of features of a layer. The layer's instructions are a weighted sum of them.
pub const FEATURES: usize = 5;

/// The work of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Work {
    /// Kind of the layer.
    pub kind: Kind,
    /// Rows of its tensor.
    pub rows: u64,
    /// Elements of its tensor.
    pub elements: u64,
    /// Multiply-accumulates; comparisons for [`Kind::MaxPool`].
    pub macs: u64,
    /// Bytes of weights that are read. Each row reads all weights once.
    pub weight_bytes: u64,
    /// Elements of the input under all windows of all rows.
    pub window_elements: u64,
}

impl Work {
    /// The work of each layer, in order.
    pub fn of(layers: &[Layer]) -> Vec<Work> {
        layers.iter().map(|layer| Work::of_layer(layers, layer)).collect()
    }

    fn of_layer(layers: &[Layer], layer: &Layer) -> Work {
        let tensors = Inputs::of(layer, |input| layers[input].output);
        let input = tensors.iter().next();
        let output = layer.output;
        let rows = u64::from(output.height);
        let pixels = rows * u64::from(output.width);
        let elements = rows * output.row_elements() as u64;
        let kernel = layer.window.kernel.map(u64::from);
        let input_channels = input.map_or(0, |tensor| u64::from(tensor.channels));
        let window = kernel[0] * kernel[1] * input_channels;
        let filters = window / u64::from(layer.groups) * u64::from(output.channels);
        let macs = op::macs(layer, &tensors);
        let (kind, macs, weights) = match layer.operator {
            Operator::Input => (Kind::Input, macs, 0),
            Operator::Conv if layer.groups > 1 => (Kind::Grouped, macs, filters),
            Operator::Conv => {
                let kind = match (output.width, kernel) {
                    (1, _) => Kind::Dense,
                    (_, [1, 1]) => Kind::Pointwise,
                    _ => Kind::Conv,
                };
                (kind, macs, filters)
            }
            Operator::Depthwise | Operator::Average => {
                let kind = if output.channels.is_multiple_of(16) { Kind::Depthwise } else { Kind::Narrow };
                (kind, macs, window)
            }
            Operator::Add => (Kind::Add, macs, 0),
            Operator::MaxPool => (Kind::MaxPool, elements * kernel[0] * kernel[1], 0),
            Operator::Scale => (Kind::Scale, macs, 0),
            Operator::Concat | Operator::Enlarge => (Kind::Copy, macs, 0),
            Operator::Table => (Kind::Table, macs, 0),
        };
        let is_wide = input.is_some_and(|tensor| tensor.element == Element::I16);
        Work {
            kind: if is_wide { kind.widened() } else { kind },
            rows,
            elements,
            macs,
            weight_bytes: weights * rows,
            window_elements: pixels * window,
        }
    }

    /// The features that the layer's instructions depend on.
    pub fn features(&self) -> [f64; FEATURES] {
        [self.rows, self.elements, self.macs, self.weight_bytes, self.window_elements]
            .map(|count| count as f64)
    }
}

/// A core's weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Core {
    /// Instructions for each of [`Work::features`].
    pub instructions: BTreeMap<Kind, [f64; FEATURES]>,
    /// Cycles for each instruction if memory never waits.
    pub cycles: BTreeMap<Kind, f64>,
    /// Most bytes of stack of any network.
    pub stack_bytes: u64,
    /// Bytes of firmware in flash.
    pub firmware_bytes: u64,
}

/// Cores that no emulated board has, each with the core whose weights stand for its own: it has the same kernels, and is about as fast.
const ALIKE: [(&str, &str); 1] = [("cortex-m33", "cortex-m4")];

/// An estimate for a network, or a layer of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// Instructions.
    pub instructions: f64,
    /// Cycles, at least and at most.
    pub cycles: [f64; 2],
}

impl std::iter::Sum for Estimate {
    fn sum<I: Iterator<Item = Estimate>>(estimates: I) -> Estimate {
        estimates.fold(Estimate::default(), |sum, estimate| Estimate {
            instructions: sum.instructions + estimate.instructions,
            cycles: [sum.cycles[0] + estimate.cycles[0], sum.cycles[1] + estimate.cycles[1]],
        })
    }
}

impl Estimate {
    /// Milliseconds at a clock in MHz, at least and at most.
    pub fn milliseconds(&self, clock_mhz: f64) -> [f64; 2] {
        self.cycles.map(|cycles| cycles / clock_mhz / 1e3)
    }
}

/// Estimated instructions of an embedding on a board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BoardCost {
    /// The board.
    pub board: String,
    /// Of the whole network.
    pub instructions: f64,
    /// Of its layers that read tensors of 16 bits.
    pub wide_instructions: f64,
}

/// Estimated costs of layers as they are in an image, on every emulated board.
///
/// # Errors
/// As [`Core::of_board`].
pub fn on_boards(layers: &[Layer]) -> Result<Vec<BoardCost>> {
    let work = Work::of(layers);
    let of_board = |name: &str| {
        let core = Core::of_board(name)?;
        let count =
            |works: &mut dyn Iterator<Item = &Work>| works.map(|work| core.estimate(work).instructions).sum();
        Ok(BoardCost {
            board: name.to_string(),
            instructions: count(&mut work.iter()),
            wide_instructions: count(&mut work.iter().filter(|work| work.kind.is_wide())),
        })
    };
    board::emulated_names().into_iter().map(of_board).collect()
}

impl Core {
    /// The fitted weights of a board's core. Those of a board that is not emulated are those of an emulated board with the
    /// same core, or with a core that is `ALIKE`.
    ///
    /// # Errors
    /// When no weights were fitted for this core.
    pub fn of_board(board: &str) -> Result<Core> {
        let fitted = Board::named(board).ok().and_then(|board| {
            let alike = ALIKE.iter().find(|(core, _)| *core == board.core);
            let core = alike.map_or(&*board.core, |(_, fitted)| fitted);
            board::emulated().find(|other| other.core == core)
        });
        let board = fitted.map_or(board, |fitted| &fitted.name);
        let mut cores: BTreeMap<String, Core> =
            serde_json::from_str(include_str!("cost.json")).context("cost.json cannot be read")?;
        cores.remove(board).with_context(|| format!("no costs were fitted for {board}"))
    }

    /// The cost of a layer.
    pub fn estimate(&self, work: &Work) -> Estimate {
        let weights = self.instructions.get(&work.kind).copied().unwrap_or_default();
        let instructions =
            weights.iter().zip(work.features()).map(|(weight, feature)| weight * feature).sum();
        let low = instructions * self.cycles.get(&work.kind).copied().unwrap_or(1.0);
        let fetched = FLASH_CYCLES_A_BYTE * work.weight_bytes as f64;
        Estimate { instructions, cycles: [low, low * (1.0 + IMPERFECTION) + fetched] }
    }

    /// Fits the weights of instructions. For each kind they are not negative and have the least squared relative error
    /// over the layers and their counts.
    pub fn fit(counted: &[(Work, u64)]) -> BTreeMap<Kind, [f64; FEATURES]> {
        let mut fitted = BTreeMap::new();
        for kind in Kind::ALL {
            let of_kind = counted.iter().filter(|(work, _)| work.kind == kind);
            let rows: Vec<[f64; FEATURES]> = of_kind
                .map(|(work, count)| work.features().map(|feature| feature / (*count).max(1) as f64))
                .collect();
            if !rows.is_empty() {
                fitted.insert(kind, least_squares(&rows));
            }
        }
        fitted
    }
}

/// Finds weights, none negative, that bring every row's weighted sum as near to 1 as possible, by coordinate descent.
fn least_squares(rows: &[[f64; FEATURES]]) -> [f64; FEATURES] {
    let mut weights = [0.0; FEATURES];
    for _ in 0..20_000 {
        for feature in 0..FEATURES {
            let (mut gradient, mut curvature) = (0.0, 0.0);
            for row in rows {
                let sum: f64 = row.iter().zip(&weights).map(|(x, weight)| x * weight).sum();
                gradient += row[feature] * (1.0 - sum);
                curvature += row[feature] * row[feature];
            }
            if curvature > 0.0 {
                weights[feature] = (weights[feature] + gradient / curvature).max(0.0);
            }
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(rows: u64, elements: u64, macs: u64) -> Work {
        Work { kind: Kind::Depthwise, rows, elements, macs, weight_bytes: 0, window_elements: macs }
    }

    #[test]
    fn fit_finds_the_weights_that_made_the_counts() {
        let works = [work(10, 900, 8100), work(56, 7000, 60_000), work(7, 2000, 50_000), work(1, 64, 64)];
        let counted = works.map(|work| (work, 500 * work.rows + 3 * work.elements + 2 * work.macs));
        let core = Core { instructions: Core::fit(&counted), ..Core::default() };
        for (work, count) in counted {
            let estimated = core.estimate(&work).instructions;
            assert!((estimated / count as f64 - 1.0).abs() < 0.02, "{estimated} for {count}");
        }
        assert_eq!(core.estimate(&Work { kind: Kind::Add, ..works[0] }).instructions, 0.0);
    }

    #[test]
    fn every_board_has_weights() {
        for board in board::BOARDS.iter() {
            let core = Core::of_board(&board.name).unwrap_or_else(|error| panic!("{error}"));
            assert!(core.firmware_bytes > 0 && core.instructions.contains_key(&Kind::Conv), "{}", board.name);
        }
        assert_eq!(Core::of_board("rp2350").unwrap(), Core::of_board("qemu-m4").unwrap());
        assert!(Core::of_board("toaster").is_err());
    }

    #[test]
    fn range_is_ordered_and_time_follows_the_clock() {
        let core = Core {
            instructions: [(Kind::Conv, [0.0, 0.0, 1.0, 0.0, 0.0])].into(),
            cycles: [(Kind::Conv, 1.5)].into(),
            ..Core::default()
        };
        let estimate = core.estimate(&Work { kind: Kind::Conv, weight_bytes: 10, ..work(1, 1, 2000) });
        assert_eq!(estimate, Estimate { instructions: 2000.0, cycles: [3000.0, 3940.0] });
        assert_eq!(estimate.milliseconds(1.0), [3.0, 3.94]);
    }
}
