//! Quantisation noise by layer.

use anyhow::Result;

use super::Figures;
use super::axes::{Axis, Frame, Key, legend};
use super::canvas::{Anchor, Ink, Plot, SMALL, inks, nothing, plot, shortened, text_width};
use crate::quantize::LayerReport;

const TITLE: &str = "Signal to quantisation noise by layer";

fn ink(layer: &LayerReport) -> Ink {
    if layer.bits > 8 { inks::ORANGE } else { inks::BLUE }
}

/// Draws a bar for each layer. The bar of a layer without noise reaches the top.
///
/// # Errors
/// As [`plot`].
pub fn noise(layers: &[LayerReport]) -> Result<Plot> {
    let finite = || layers.iter().map(|layer| f64::from(layer.sqnr_db)).filter(|db| db.is_finite());
    if layers.is_empty() {
        return nothing(TITLE, "no layers");
    }
    let low = finite().fold(0.0, f64::min);
    let high = finite().fold(10.0, f64::max) * 1.18;
    plot(TITLE, [640, 360], |canvas| {
        let keys = [(Key::Area, inks::BLUE, "8 bits an element"), (Key::Area, inks::ORANGE, "16 bits")];
        let top = 18.0 + legend(canvas, [80.0, 8.0], 550.0, &keys);
        let count = layers.len() as f64;
        let frame = Frame {
            from: [80.0, top],
            to: [628.0, 304.0],
            x: Axis::linear("layer, in order of execution", [-0.5, count - 0.5], 0),
            y: Axis::linear("signal to noise (dB)", [low, high], 0),
        };
        frame.draw(canvas);
        for (index, layer) in layers.iter().enumerate() {
            let db = f64::from(layer.sqnr_db);
            let db = if db.is_nan() { low } else { db.clamp(low, high) };
            let x = index as f64;
            let [left, right] = [x - 0.38, x + 0.38].map(|x| frame.at(x, 0.0)[0]);
            let [zero, end] = [0.0, db].map(|db| frame.at(x, db)[1]);
            canvas.bar([left, zero.min(end)], [right, zero.max(end)], ink(layer));
        }
        let noisiest = layers.iter().enumerate().min_by(|a, b| a.1.sqnr_db.total_cmp(&b.1.sqnr_db));
        if let Some((index, layer)) = noisiest {
            let text = format!("least: {:.1} dB, {}", layer.sqnr_db, shortened(&layer.name, SMALL, 240.0));
            let [x, y] = frame.at(index as f64, f64::from(layer.sqnr_db));
            let half = text_width(&text, SMALL) / 2.0 + 4.0;
            let middle = x.clamp(80.0 + half, 628.0 - half);
            canvas.bar([middle - half, top], [middle + half, top + 20.0], inks::WHITE.alpha(0.9));
            canvas.line(&[[x, top + 22.0], [x, y - 2.0]], inks::BLACK.width(1.0));
            canvas.text([middle, top + 10.0], [Anchor::Middle; 2], SMALL, inks::BLACK, &text);
        }
    })
}

/// Figures of all layers.
pub fn table(layers: &[LayerReport]) -> Figures {
    let mut table = Figures::new(&["layer", "name", "operator", "bits", "range", "SQNR"]);
    for (index, layer) in layers.iter().enumerate() {
        let [low, high] = layer.range;
        table.push([
            index.to_string(),
            layer.name.clone(),
            layer.operator.to_string(),
            layer.bits.to_string(),
            format!("{low:.3} … {high:.3}"),
            format!("{:.1} dB", layer.sqnr_db),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Shapes, says_nothing};
    use super::*;

    fn layer(bits: u8, sqnr_db: f32) -> LayerReport {
        LayerReport { name: format!("conv {sqnr_db}"), operator: "conv", range: [-1.0, 1.0], bits, sqnr_db }
    }

    #[test]
    fn bars_are_as_high_as_their_ratio_and_show_their_bits() {
        let shapes = Shapes::of(&noise(&[layer(8, 40.0), layer(8, 20.0), layer(16, 30.0)]).unwrap());
        // The first bar of each colour belongs to the legend.
        let heights =
            |colour: &str| -> Vec<f64> { shapes.bars(colour)[1..].iter().map(|bar| bar[3]).collect() };
        let (narrow, wide) = (heights("#0072B2"), heights("#E69F00"));
        assert_eq!((narrow.len(), wide.len()), (2, 1));
        assert!((narrow[0] / narrow[1] - 2.0).abs() < 0.01 && (wide[0] / narrow[1] - 1.5).abs() < 0.01);
        assert!(shapes.says("least: 20.0 dB, conv 20"));
    }

    #[test]
    fn no_layer_one_layer_and_no_noise_are_drawn_too() {
        assert!(says_nothing(&noise(&[]).unwrap()));
        for sqnr_db in [30.0, -3.0, f32::INFINITY, f32::NAN] {
            assert_eq!(Shapes::of(&noise(&[layer(8, sqnr_db)]).unwrap()).bars("#0072B2").len(), 2);
        }
    }
}
