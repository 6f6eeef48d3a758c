//! Effect of quantisation on each tensor of an image's network, measured from outside by comparing with the float
//! network on photos.
//!
//! An image does not store the scales of its tensors, and its channels are equalised ([`crate::quantize::equalise`]).
//! So each channel's scale is the one with the least squared error, and the noise is the remaining difference from
//! the float tensor.

use anyhow::{Result, anyhow, ensure};
use format::layer::{Element, Layer};
use rayon::prelude::*;

use crate::float;
use crate::graph::Graph;
use crate::op;
use crate::quantize::{LayerReport, Preprocessing};
use crate::simulator::{AlignedBytes, Simulator, elements};

/// Sums over the elements of one channel, from which its scale and its noise follow.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: f64,
    float_squared: f64,
    product: f64,
    integer_squared: f64,
}

impl Sums {
    fn add(&mut self, float: f32, integer: i32) {
        let (float, integer) = (f64::from(float), f64::from(integer));
        self.count += 1.0;
        self.float_squared += float * float;
        self.product += float * integer;
        self.integer_squared += integer * integer;
    }

    fn plus(&self, other: &Sums) -> Sums {
        Sums {
            count: self.count + other.count,
            float_squared: self.float_squared + other.float_squared,
            product: self.product + other.product,
            integer_squared: self.integer_squared + other.integer_squared,
        }
    }

    /// Scale of the integers: the real value of one unit.
    fn scale(&self) -> f64 {
        if self.integer_squared > 0.0 { self.product / self.integer_squared } else { 0.0 }
    }

    /// Sum of squared errors after scaling, corrected for the degree of freedom that fitting the scale takes.
    fn noise(&self) -> f64 {
        let left = (self.float_squared - self.scale() * self.product).max(0.0);
        left * self.count / (self.count - 1.0).max(1.0)
    }
}

/// Signal to noise of each layer's tensor over crops (`[h][w][c]` bytes in the image's colour order). `graph` is the lowered
/// network that the image was exported from.
///
/// # Errors
/// When it is another network, or a crop has another size.
pub fn noise(
    graph: &Graph,
    simulator: &Simulator<'_>,
    preprocessing: Preprocessing,
    crops: &[Vec<u8>],
) -> Result<Vec<LayerReport>> {
    let layers: Vec<Layer> = simulator.network().model().layers().collect();
    let shape = |layer: &Layer| {
        let output = &layer.output;
        [output.height, output.width, output.channels].map(usize::from)
    };
    ensure!(
        graph.nodes.len() == layers.len()
            && graph.nodes.iter().zip(&layers).all(|(n, l)| n.shape == shape(l)),
        "the image's network has other tensors than the ONNX file's: it was exported by another version of this program"
    );
    let sums = crops
        .par_iter()
        .map(|crop| sums(graph, simulator, preprocessing, crop))
        .try_reduce_with(|a, b| {
            let channels =
                |(a, b): (&Vec<Sums>, &Vec<Sums>)| a.iter().zip(b).map(|(a, b)| a.plus(b)).collect();
            Ok(a.iter().zip(&b).map(channels).collect())
        })
        .ok_or_else(|| anyhow!("there are no photos to measure noise on"))??;
    let report = |((node, layer), sums): ((&crate::graph::Node, &Layer), &Vec<Sums>)| {
        let signal: f64 = sums.iter().map(|channel| channel.float_squared).sum();
        let noise: f64 = sums.iter().map(Sums::noise).sum();
        let scale = sums.iter().map(Sums::scale).fold(0.0, f64::max);
        let [least, most, bits] = match layer.output.element {
            Element::I8 => [-128, 127, 8],
            Element::I16 => [-32768, 32767, 16],
        };
        let zero_point = i32::from(layer.output.zero_point);
        LayerReport {
            name: node.name.clone(),
            operator: op::name(&node.op),
            range: [least, most].map(|element: i32| (f64::from(element - zero_point) * scale) as f32),
            bits: bits as u8,
            sqnr_db: (10.0 * (signal / noise.max(1e-30)).log10()) as f32,
        }
    };
    Ok(graph.nodes.iter().zip(&layers).zip(&sums).map(report).collect())
}

/// Sums of each layer's channels over one crop.
fn sums(
    graph: &Graph,
    simulator: &Simulator<'_>,
    preprocessing: Preprocessing,
    crop: &[u8],
) -> Result<Vec<Vec<Sums>>> {
    let network = simulator.network();
    let layers: Vec<Layer> = network.model().layers().collect();
    let float = float::run(graph, &preprocessing.apply(crop));
    let mut sums: Vec<Vec<Sums>> =
        layers.iter().map(|layer| vec![Sums::default(); layer.output.channels.into()]).collect();
    let mut arena = AlignedBytes::zeroed(network.arena_bytes());
    let see = |layer: usize, row: u16, bytes: &[u8]| {
        let output = &layers[layer].output;
        let start = usize::from(row) * output.row_elements();
        let pairs = float[layer][start..].iter().zip(elements(output.element, bytes)).enumerate();
        for (index, (&float, element)) in pairs {
            let channel = index % usize::from(output.channels);
            sums[layer][channel].add(float, element - i32::from(output.zero_point));
        }
    };
    network.run_observed(&mut &*crop, arena.bytes_mut(), see).map_err(|error| anyhow!("{error}"))?;
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_and_noise_are_those_of_the_best_fit() {
        let mut sums = Sums::default();
        // 0.5 of the integers, off by ± 0.1.
        for (float, integer) in
            [(0.6, 1), (-0.4, -1), (0.6, 1), (-0.4, -1), (1.1, 2), (0.9, 2), (-0.9, -2), (-1.1, -2)]
        {
            sums.add(float, integer);
        }
        assert!((sums.scale() - 0.5).abs() < 1e-6, "{}", sums.scale());
        assert!((sums.noise() - 8.0 * 0.01 * 8.0 / 7.0).abs() < 1e-6, "{}", sums.noise());
        assert_eq!(Sums::default().scale(), 0.0);
    }
}
