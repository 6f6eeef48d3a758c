//! Reads elements of a network's outputs.

use format::layer::Element;
use format::network::{Function, Model, Output};
use nn::Outputs;

use crate::fixed::Factor;

/// An output: `[cells][channels]`, with the real value of an element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid<'b> {
    bytes: &'b [u8],
    element: Element,
    zero_point: i32,
    channels: usize,
    factor: Factor,
}

/// Shape and meaning of an output, known before the network runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Height times width.
    pub cells: usize,
    /// Values of a cell.
    pub channels: usize,
    /// The function that makes real values of its elements.
    pub function: Function,
}

impl Facts {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.cells * self.channels
    }
}

/// The facts of output `number`, or `None` if there is none.
pub(crate) fn facts(model: &Model<'_>, number: usize) -> Option<Facts> {
    let Output { tensor, function, .. } = model.outputs().nth(number)?;
    let [height, width, channels] = model.layer(tensor.into()).output.shape().map(usize::from);
    Some(Facts { cells: height * width, channels, function })
}

impl<'b> Grid<'b> {
    /// Output `number`, as a table with `channels` columns; without cells if the network has no such output.
    pub fn new(model: &Model<'_>, outputs: &Outputs<'_, 'b>, number: usize, channels: usize) -> Self {
        let (tensor, scale) =
            model.outputs().nth(number).map_or((usize::MAX, 1.0), |o| (o.tensor.into(), o.scale));
        let tensor = model.layer(tensor).output;
        Grid {
            bytes: outputs.bytes(number),
            element: tensor.element,
            zero_point: tensor.zero_point.into(),
            channels,
            factor: Factor::new(scale, 16),
        }
    }

    /// A table of these elements.
    #[cfg(test)]
    pub fn of(bytes: &'b [u8], element: Element, zero_point: i16, channels: usize, scale: f32) -> Self {
        Grid { bytes, element, zero_point: zero_point.into(), channels, factor: Factor::new(scale, 16) }
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.bytes.len().checked_div(self.channels * self.element.bytes()).unwrap_or(0)
    }

    /// An element without its zero point. Elements that do not exist are 0.
    pub fn raw(&self, cell: usize, channel: usize) -> i32 {
        let at = cell * self.channels + channel;
        let element = match self.element {
            Element::I8 => self.bytes.get(at).map_or(0, |&byte| i32::from(byte as i8)),
            Element::I16 => {
                let bytes = self.bytes.get(2 * at..).and_then(<[u8]>::first_chunk);
                bytes.map_or(0, |&bytes| i32::from(i16::from_le_bytes(bytes)))
            }
        };
        element - self.zero_point
    }

    /// The real value, in 1/65536.
    pub fn value_q16(&self, cell: usize, channel: usize) -> i32 {
        self.real_q16(self.raw(cell, channel))
    }

    /// The real value of a sum or difference of elements of this output, in 1/65536.
    pub fn real_q16(&self, raw: i32) -> i32 {
        self.factor.times(raw)
    }
}
