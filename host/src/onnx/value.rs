//! What an ONNX value is to the importer: a node's tensor, or something that is computed from one and not yet a node of its own.
//!
//! Exporters spell PReLU as sums of ReLUs, hard-sigmoid as clip and division, L2 normalisation in a dozen ways. What they have in common
//! is that each step is a simple function of one tensor. The importer keeps such functions as a [`Form`] until something reads the
//! value that needs a tensor; only then are nodes made.

use crate::graph::Gate;

/// An axis of a node's tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Down.
    H,
    /// To the right.
    W,
    /// Through the channels.
    C,
}

/// What an ONNX value is to us.
#[derive(Clone, Debug)]
pub struct Value {
    /// The node whose tensor it is computed from.
    pub node: usize,
    /// For each ONNX dimension the axes it runs over, slowest first; axes of extent one are left out.
    pub dims: Vec<Vec<Axis>>,
    /// How it is computed from that.
    pub form: Form,
    /// Name of the ONNX node that made it.
    pub name: String,
}

/// A function of a tensor `x`.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// The tensor itself.
    Plain,
    /// Straight on both sides of nought.
    Bent(Bent),
    /// A straight line between bounds.
    Clamped(Clamped),
    /// A sigmoid, or something like it.
    Gate(Gate),
    /// Zeros around it: so many rows or columns at the top, left, bottom, right.
    Padded([usize; 4]),
    /// Its squares.
    Squares,
    /// `|x|^exponent`, times something positive or plus something small.
    Length {
        /// The exponent.
        exponent: f32,
    },
    /// `x / |x|`, times something positive.
    Normalised,
}

/// `positive · max(x, 0) + negative · min(x, 0) + shift`, with one of each a channel: ReLU, PReLU, scaling, shifting, absolute values.
#[derive(Clone, Debug, PartialEq)]
pub struct Bent {
    /// Slope where `x` is above nought, `[c]`.
    pub positive: Vec<f32>,
    /// Slope where it is below, `[c]`.
    pub negative: Vec<f32>,
    /// Value at nought, `[c]`.
    pub shift: Vec<f32>,
}

/// A [`Bent`] as the nodes that compute it: `gain · prelu(sign · x) + shift`.
pub struct Spelled {
    /// 1 or −1, `[c]`.
    pub sign: Vec<f32>,
    /// Slope below nought, `[c]`.
    pub slope: Vec<f32>,
    /// `[c]`.
    pub gain: Vec<f32>,
}

impl Bent {
    /// `x` itself.
    pub fn identity(channels: usize) -> Self {
        Self::prelu(vec![1.0; channels])
    }

    /// A PReLU with these slopes.
    pub fn prelu(slopes: Vec<f32>) -> Self {
        let ones = vec![1.0; slopes.len()];
        Bent { positive: ones, shift: vec![0.0; slopes.len()], negative: slopes }
    }

    /// Times a constant.
    pub fn scaled(mut self, factors: &[f32]) -> Self {
        for values in [&mut self.positive, &mut self.negative, &mut self.shift] {
            values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
        }
        self
    }

    /// Plus a constant.
    pub fn shifted(mut self, by: &[f32]) -> Self {
        self.shift.iter_mut().zip(by).for_each(|(value, by)| *value += by);
        self
    }

    /// The sum with another of the same tensor.
    pub fn plus(mut self, other: &Bent) -> Self {
        for (values, others) in [
            (&mut self.positive, &other.positive),
            (&mut self.negative, &other.negative),
            (&mut self.shift, &other.shift),
        ] {
            values.iter_mut().zip(others).for_each(|(value, other)| *value += other);
        }
        self
    }

    /// A PReLU of it, which is bent at nought alone only if its own value there is nought.
    pub fn then_prelu(mut self, slopes: &[f32]) -> Option<Self> {
        if !self.passes_nought() {
            return None;
        }
        for ((positive, negative), slope) in self.positive.iter_mut().zip(&mut self.negative).zip(slopes) {
            // Below nought a positive slope gives negative values.
            *positive *= if *positive < 0.0 { *slope } else { 1.0 };
            *negative *= if *negative > 0.0 { *slope } else { 1.0 };
        }
        Some(self)
    }

    /// The larger (or smaller) of it and another of the same tensor, if that is bent at nought alone.
    pub fn extreme(mut self, other: &Bent, is_larger: bool) -> Option<Self> {
        if !self.passes_nought() || !other.passes_nought() {
            return None;
        }
        let sides = self.positive.iter_mut().zip(&other.positive).map(|(own, other)| (own, other, is_larger));
        // Below nought the smaller slope gives the larger value.
        let below =
            self.negative.iter_mut().zip(&other.negative).map(|(own, other)| (own, other, !is_larger));
        for (own, other, is_larger) in sides.chain(below) {
            *own = if is_larger { own.max(*other) } else { own.min(*other) };
        }
        Some(self)
    }

    fn passes_nought(&self) -> bool {
        self.shift.iter().all(|&shift| shift == 0.0)
    }

    /// Whether it is straight.
    pub fn is_affine(&self) -> bool {
        self.positive == self.negative
    }

    /// The factor, if it is that times `x`, alike for all channels.
    pub fn factor(&self) -> Option<f32> {
        let first = *self.positive.first()?;
        let is_alike = self.is_affine() && self.positive.iter().all(|&slope| slope == first);
        (is_alike && self.passes_nought()).then_some(first)
    }

    /// Slope and value at nought, if it is straight and alike for all channels.
    pub fn line(&self) -> Option<(f32, f32)> {
        let (slope, shift) = (*self.positive.first()?, *self.shift.first()?);
        let is_alike =
            self.positive.iter().all(|&own| own == slope) && self.shift.iter().all(|&own| own == shift);
        (is_alike && self.is_affine()).then_some((slope, shift))
    }

    /// The slope above nought, if it is a ReLU with one for all channels.
    pub fn relu(&self) -> Option<f32> {
        let first = *self.positive.first()?;
        let is_alike = self.positive.iter().all(|&slope| slope == first && slope > 0.0);
        (is_alike && self.passes_nought() && self.negative.iter().all(|&slope| slope == 0.0)).then_some(first)
    }

    /// Whether its square is that of `x`.
    pub fn squares_like_x(&self) -> bool {
        let is_one = |values: &[f32]| values.iter().all(|value| value.abs() == 1.0);
        self.passes_nought() && is_one(&self.positive) && is_one(&self.negative)
    }

    /// As nodes.
    pub fn spelled(&self) -> Spelled {
        let channels = self.positive.len();
        let mut spelled =
            Spelled { sign: vec![1.0; channels], slope: vec![1.0; channels], gain: vec![0.0; channels] };
        for channel in 0..channels {
            let (positive, negative) = (self.positive[channel], self.negative[channel]);
            // With the sign turned, what was below nought is above it.
            let (sign, above, below) =
                if positive != 0.0 { (1.0, positive, negative) } else { (-1.0, -negative, -positive) };
            if above != 0.0 {
                spelled.sign[channel] = sign;
                spelled.slope[channel] = below / above;
                spelled.gain[channel] = above;
            }
        }
        spelled
    }
}

/// `min(max(slope · x + shift, low), high)`, for all channels alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamped {
    /// Slope.
    pub slope: f32,
    /// Value at nought.
    pub shift: f32,
    /// Least value.
    pub low: f32,
    /// Largest value.
    pub high: f32,
}

impl Clamped {
    /// Between other bounds as well.
    pub fn within(self, low: f32, high: f32) -> Self {
        Clamped { low: self.low.clamp(low, high), high: self.high.clamp(low, high), ..self }
    }

    /// Times something positive.
    pub fn scaled(self, factor: f32) -> Self {
        let [slope, shift, low, high] =
            [self.slope, self.shift, self.low, self.high].map(|number| number * factor);
        Clamped { slope, shift, low, high }
    }

    /// As a gate and the largest value that it then is multiplied by, if it is between nought and that.
    pub fn gate(self) -> Option<(Gate, f32)> {
        let Clamped { slope, shift, .. } = self.scaled(1.0 / self.high);
        (self.low == 0.0 && self.high > 0.0 && self.high.is_finite())
            .then_some((Gate::HardSigmoid { slope, shift }, self.high))
    }
}

impl Form {
    /// As a gate and what that is multiplied by. Only where nothing else than a gate is meant: a ReLU6 is none on its own.
    pub fn gate(&self) -> Option<(Gate, f32)> {
        match self {
            Form::Gate(gate) => Some((*gate, 1.0)),
            Form::Clamped(clamped) => clamped.gate(),
            _ => None,
        }
    }

    /// As a clamped straight line.
    pub fn clamped(&self) -> Option<Clamped> {
        let line = |slope, shift, low| Clamped { slope, shift, low, high: f32::INFINITY };
        match self {
            Form::Plain => Some(line(1.0, 0.0, f32::NEG_INFINITY)),
            Form::Bent(bent) => match (bent.line(), bent.relu()) {
                (Some((slope, shift)), _) => Some(line(slope, shift, f32::NEG_INFINITY)),
                (None, Some(slope)) => Some(line(slope, 0.0, 0.0)),
                (None, None) => None,
            },
            Form::Clamped(clamped) => Some(*clamped),
            _ => None,
        }
    }

    /// What reads it cannot take it, and why.
    pub fn words(&self) -> &'static str {
        match self {
            Form::Plain | Form::Bent(_) | Form::Clamped(_) | Form::Gate(_) => "a tensor",
            Form::Padded(_) => "a padded map; only a convolution can take padding",
            Form::Squares | Form::Length { .. } => {
                "part of an L2 normalisation, which is not finished as one"
            }
            Form::Normalised => "the normalised embedding; L2 normalisation must come last",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(bent: &Bent, x: f32) -> f32 {
        bent.positive[0] * x.max(0.0) + bent.negative[0] * x.min(0.0) + bent.shift[0]
    }

    fn at_spelled(Spelled { sign, slope, gain }: &Spelled, x: f32) -> f32 {
        let x = sign[0] * x;
        gain[0] * if x < 0.0 { slope[0] * x } else { x }
    }

    fn bent(positive: f32, negative: f32) -> Bent {
        Bent { positive: vec![positive], negative: vec![negative], shift: vec![0.0] }
    }

    #[test]
    fn keras_and_mxnet_spell_prelu() {
        let x = || Bent::identity(1);
        let relu = |bent: Bent| bent.then_prelu(&[0.0]).unwrap();
        let keras = relu(x()).plus(&relu(x().scaled(&[-1.0])).scaled(&[-0.25]));
        assert_eq!(keras, Bent::prelu(vec![0.25]));
        let absolute = x().then_prelu(&[-1.0]).unwrap();
        let mxnet = relu(x()).plus(&x().plus(&absolute.scaled(&[-1.0])).scaled(&[0.125]));
        assert_eq!(mxnet, Bent::prelu(vec![0.25]));
        let leaky = x().extreme(&x().scaled(&[0.25]), true).unwrap();
        assert_eq!(leaky, Bent::prelu(vec![0.25]));
    }

    #[test]
    fn nodes_compute_what_they_stand_for() {
        for (positive, negative) in [
            (1.0, 0.0),
            (-1.0, 0.0),
            (0.0, 1.0),
            (0.0, -2.0),
            (0.0, 0.0),
            (2.0, -3.0),
            (-2.0, 3.0),
            (-1.0, -1.0),
        ] {
            let bent = bent(positive, negative);
            for x in [-2.0, 0.0, 3.0] {
                assert_eq!(at_spelled(&bent.spelled(), x), at(&bent, x), "{positive} {negative} {x}");
            }
        }
    }

    #[test]
    fn what_is_bent_elsewhere_is_not_taken_for_bent_at_nought() {
        let shifted = Bent::identity(1).shifted(&[1.0]);
        assert_eq!(shifted.clone().then_prelu(&[0.0]), None);
        assert_eq!(Bent::identity(1).extreme(&shifted, true), None);
    }
}
