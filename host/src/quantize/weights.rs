//! Rounding of weights: symmetric `int8`, one scale for each output channel.

use crate::graph::Op;

/// Rounded weights of a convolution.
#[derive(Clone, Debug)]
pub struct Filters {
    /// The elements, in the order of the operator's weights.
    pub elements: Vec<i8>,
    /// One scale for each output channel.
    pub scales: Vec<f32>,
    /// Whether channels vary fastest (depthwise) or slowest.
    depthwise: bool,
}

impl Filters {
    /// Rounds an operator's weights. `None` if it has none.
    pub fn quantise(op: &Op) -> Option<Filters> {
        let (weights, channels, depthwise) = match op {
            Op::Conv { weights, bias, .. } => (weights, bias.len(), false),
            Op::Depthwise { weights, bias, .. } | Op::Average { weights, bias, .. } => {
                (weights, bias.len(), true)
            }
            _ => return None,
        };
        let mut filters =
            Filters { elements: vec![0; weights.len()], scales: vec![0.0; channels], depthwise };
        // A channel whose weights are all nearly zero must not make its bias overflow.
        let floor = weights.iter().fold(1e-12f32, |largest, w| largest.max(w.abs())) * 1e-6;
        for channel in 0..channels {
            let filter: Vec<f32> = filters.places(channel).map(|place| weights[place]).collect();
            let scale = best_scale(&filter).max(floor);
            filters.scales[channel] = scale;
            for (place, weight) in filters.places(channel).zip(filter) {
                filters.elements[place] = round(weight, scale) as i8;
            }
        }
        Some(filters)
    }

    /// Places of a channel's weights.
    pub fn places(&self, channel: usize) -> impl Iterator<Item = usize> + use<> {
        let taps = self.elements.len() / self.scales.len();
        let (start, step) = if self.depthwise { (channel, self.scales.len()) } else { (channel * taps, 1) };
        (0..taps).map(move |tap| start + tap * step)
    }

    /// The weights that the elements represent.
    pub fn real(&self) -> Vec<f32> {
        let mut real = vec![0.0; self.elements.len()];
        for (channel, &scale) in self.scales.iter().enumerate() {
            for place in self.places(channel) {
                real[place] = self.elements[place] as f32 * scale;
            }
        }
        real
    }

    /// Sum of a channel's elements.
    pub fn total(&self, channel: usize) -> i32 {
        self.places(channel).map(|place| self.elements[place] as i32).sum()
    }

    /// Sum of a channel's elements' magnitudes.
    pub fn magnitude(&self, channel: usize) -> i64 {
        self.places(channel).map(|place| (self.elements[place] as i64).abs()).sum()
    }

    /// Adds to each channel's bias the sum that an input with the constant value `value` gives.
    pub fn add_constant_input(&self, value: f32, bias: &mut [f32]) {
        for (channel, bias) in bias.iter_mut().enumerate() {
            *bias += value * self.scales[channel] * self.total(channel) as f32;
        }
    }
}

fn round(weight: f32, scale: f32) -> i32 {
    (weight / scale).round().clamp(-127.0, 127.0) as i32
}

/// The scale with the least squared error. It may clip the largest weights by up to a fifth.
fn best_scale(filter: &[f32]) -> f32 {
    let largest = filter.iter().fold(0f32, |largest, w| largest.max(w.abs()));
    if largest == 0.0 {
        return 1.0 / 127.0;
    }
    let error = |scale: f32| -> f64 {
        filter.iter().map(|&w| (w as f64 - (round(w, scale) as f32 * scale) as f64).powi(2)).sum()
    };
    let scales = (0..=20).map(|step| largest * (1.0 - 0.01 * step as f32) / 127.0);
    scales
        .map(|scale| (error(scale), scale))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(largest / 127.0, |(_, s)| s)
}
