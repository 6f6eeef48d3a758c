//! An ONNX value as the importer sees it: a node's tensor, or a function of a node's tensor that is not yet a node
//! itself.
//!
//! Exporters write PReLU as sums of ReLUs, hard-sigmoid as clip and division, and L2 normalisation in a dozen ways. In
//! all of them each step is a simple function of one tensor. The importer keeps such a function as a [`Form`] until a
//! node reads the value and needs a tensor. Only then are nodes made.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use crate::graph::Gate;
use crate::op::table::formula::{Binary, Formula, MOST_STEPS, Unary};

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

/// An ONNX value as the importer sees it.
#[derive(Clone, Debug)]
pub struct Value {
    /// The node whose tensor the value is computed from.
    pub node: usize,
    /// For each ONNX dimension, the axes that it runs over, slowest first. Axes of extent one are left out.
    pub dims: Vec<Vec<Axis>>,
    /// How the value is computed from that tensor.
    pub form: Form,
    /// Name of the ONNX node that made it.
    pub name: String,
}

/// A function of a tensor `x`.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// The tensor itself.
    Plain,
    /// Straight on both sides of zero.
    Bent(Bent),
    /// A straight line between bounds.
    Clamped(Clamped),
    /// Any other function, the same for all channels: a sigmoid, for example.
    Curved(Curved),
    /// Zeros around it: the number of rows or columns at the top, left, bottom and right.
    Padded([usize; 4]),
    /// Its squares.
    Squares,
    /// `|x|^exponent`, multiplied by a positive number or with a small number added.
    Length {
        /// The exponent.
        exponent: f32,
    },
    /// `x / |x|`, multiplied by a positive number.
    Normalised,
}

impl Form {
    /// Numbers that it holds.
    pub fn elements(&self) -> usize {
        match self {
            Form::Bent(bent) => 3 * bent.shift.len(),
            Form::Curved(Curved { base, formula }) => base.elements() + formula.steps(),
            _ => 0,
        }
    }

    /// A number that is the same for equal forms, and for few others.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        std::mem::discriminant(self).hash(&mut hasher);
        // Zeros of both signs are equal.
        let bits = |number: &f32| (number + 0.0).to_bits();
        match self {
            Form::Bent(Bent { positive, negative, shift }) => {
                [positive, negative, shift]
                    .iter()
                    .for_each(|values| values.iter().for_each(|value| hasher.write_u32(bits(value))));
            }
            Form::Clamped(Clamped { slope, shift, low, high }) => {
                [slope, shift, low, high].iter().for_each(|value| hasher.write_u32(bits(value)));
            }
            Form::Curved(Curved { base, formula }) => {
                hasher.write_u64(base.digest());
                hasher.write_usize(formula.steps());
                hasher.write_u64((formula.at(0.75) + 0.0).to_bits());
            }
            _ => {}
        }
        hasher.finish()
    }
}

/// `positive · max(x, 0) + negative · min(x, 0) + shift`, each with one value per channel: ReLU, PReLU, scaling,
/// shifting, absolute values.
#[derive(Clone, Debug, PartialEq)]
pub struct Bent {
    /// Slope for positive `x`, `[c]`.
    pub positive: Vec<f32>,
    /// Slope for negative `x`, `[c]`.
    pub negative: Vec<f32>,
    /// Value at zero, `[c]`.
    pub shift: Vec<f32>,
}

/// A [`Bent`] in the form of the nodes that compute it: `gain · prelu(sign · x) + shift`.
pub struct Spelled {
    /// 1 or −1, `[c]`.
    pub sign: Vec<f32>,
    /// Slope for negative values, `[c]`.
    pub slope: Vec<f32>,
    /// Factor, `[c]`.
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

    /// The function multiplied by a constant.
    pub fn scaled(mut self, factors: &[f32]) -> Self {
        for values in [&mut self.positive, &mut self.negative, &mut self.shift] {
            values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
        }
        self
    }

    /// The function with a constant added.
    pub fn shifted(mut self, by: &[f32]) -> Self {
        self.shift.iter_mut().zip(by).for_each(|(value, by)| *value += by);
        self
    }

    /// The sum with another function of the same tensor.
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

    /// A PReLU of the function. `None` if the function is not zero at zero, because the result would change its slope
    /// elsewhere.
    pub fn then_prelu(mut self, slopes: &[f32]) -> Option<Self> {
        if !self.passes_nought() {
            return None;
        }
        for ((positive, negative), slope) in self.positive.iter_mut().zip(&mut self.negative).zip(slopes) {
            // For negative `x` a positive slope gives negative values.
            *positive *= if *positive < 0.0 { *slope } else { 1.0 };
            *negative *= if *negative > 0.0 { *slope } else { 1.0 };
        }
        Some(self)
    }

    /// The larger (or smaller) of this function and another of the same tensor. `None` if one of them is not zero at
    /// zero.
    pub fn extreme(mut self, other: &Bent, is_larger: bool) -> Option<Self> {
        if !self.passes_nought() || !other.passes_nought() {
            return None;
        }
        let sides = self.positive.iter_mut().zip(&other.positive).map(|(own, other)| (own, other, is_larger));
        // For negative `x` the smaller slope gives the larger value.
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

    /// Whether the function is a straight line.
    pub fn is_affine(&self) -> bool {
        self.positive == self.negative
    }

    /// The factor, if the function is `factor · x` with the same factor for all channels.
    pub fn factor(&self) -> Option<f32> {
        let first = *self.positive.first()?;
        let is_alike = self.is_affine() && self.positive.iter().all(|&slope| slope == first);
        (is_alike && self.passes_nought()).then_some(first)
    }

    /// Slope and value at zero, if the function is a straight line and the same for all channels.
    pub fn line(&self) -> Option<(f32, f32)> {
        let (slope, shift) = (*self.positive.first()?, *self.shift.first()?);
        let is_alike =
            self.positive.iter().all(|&own| own == slope) && self.shift.iter().all(|&own| own == shift);
        (is_alike && self.is_affine()).then_some((slope, shift))
    }

    /// Slope and value at zero of a line that gives this function from `base`'s value, if both are straight lines and
    /// that one is the same for all channels, up to rounding.
    fn as_line_of(&self, base: &Bent) -> Option<(f32, f32)> {
        let is_near = |a: f64, b: f64, of: f64| (a - b).abs() <= 1e-5 * of;
        let real = |values: &[f32], channel: usize| f64::from(values[channel]);
        let lines = || {
            (0..self.shift.len()).map(|channel| {
                let slope = real(&self.positive, channel) / real(&base.positive, channel);
                let moved = slope * real(&base.shift, channel);
                let shift = real(&self.shift, channel);
                (slope, shift - moved, shift.abs() + moved.abs())
            })
        };
        let (slope, shift, _) = lines().next()?;
        let is_one = self.is_affine()
            && base.is_affine()
            && slope.is_finite()
            && lines().all(|(own, by, of)| {
                is_near(own, slope, slope.abs()) && is_near(by, shift, of + shift.abs())
            });
        // What is left by rounding is no shift.
        let most = lines().map(|(.., of)| of).fold(0.0, f64::max);
        is_one.then_some((slope as f32, if is_near(shift, 0.0, most) { 0.0 } else { shift as f32 }))
    }

    /// For each channel the factor that gives this function from `base`'s value, if both are straight lines that differ
    /// by no more, up to rounding.
    pub fn factors_of(&self, base: &Bent) -> Option<Vec<f32>> {
        let factor = |channel: usize| {
            let factor = self.positive[channel] / base.positive[channel];
            let (shift, expected) = (self.shift[channel], factor * base.shift[channel]);
            let is_near = (shift - expected).abs() <= 1e-5 * (shift.abs() + expected.abs());
            (factor.is_finite() && is_near).then_some(factor)
        };
        (self.is_affine() && base.is_affine()).then_some(())?;
        (0..self.shift.len()).map(factor).collect()
    }

    /// The slope for positive `x`, if the function is a ReLU with one slope for all channels.
    pub fn relu(&self) -> Option<f32> {
        let first = *self.positive.first()?;
        let is_alike = self.positive.iter().all(|&slope| slope == first && slope > 0.0);
        (is_alike && self.passes_nought() && self.negative.iter().all(|&slope| slope == 0.0)).then_some(first)
    }

    /// Whether the function's square is the square of `x`.
    pub fn squares_like_x(&self) -> bool {
        let is_one = |values: &[f32]| values.iter().all(|value| value.abs() == 1.0);
        self.passes_nought() && is_one(&self.positive) && is_one(&self.negative)
    }

    /// The function in the form of nodes.
    pub fn spelled(&self) -> Spelled {
        let channels = self.positive.len();
        let mut spelled =
            Spelled { sign: vec![1.0; channels], slope: vec![1.0; channels], gain: vec![0.0; channels] };
        for channel in 0..channels {
            let (positive, negative) = (self.positive[channel], self.negative[channel]);
            // If the sign is reversed, the slope for negative values becomes that for positive ones.
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

/// `min(max(slope · x + shift, low), high)`, the same for all channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamped {
    /// Slope.
    pub slope: f32,
    /// Value at zero.
    pub shift: f32,
    /// Smallest value.
    pub low: f32,
    /// Largest value.
    pub high: f32,
}

impl Clamped {
    /// The function, limited by further bounds as well.
    pub fn within(self, low: f32, high: f32) -> Self {
        Clamped { low: self.low.clamp(low, high), high: self.high.clamp(low, high), ..self }
    }

    /// The function multiplied by a positive number.
    pub fn scaled(self, factor: f32) -> Self {
        let [slope, shift, low, high] =
            [self.slope, self.shift, self.low, self.high].map(|number| number * factor);
        Clamped { slope, shift, low, high }
    }

    /// The function as a gate and a factor, if its bounds are zero and a positive number. The factor is the upper
    /// bound.
    pub fn gate(self) -> Option<(Gate, f32)> {
        let Clamped { slope, shift, .. } = self.scaled(1.0 / self.high);
        (self.low == 0.0 && self.high > 0.0 && self.high.is_finite())
            .then_some((Gate::HardSigmoid { slope, shift }, self.high))
    }
}

/// A formula of a simpler function of the tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Curved {
    /// The simpler function: the tensor itself, straight lines, or a line between bounds.
    pub base: Box<Form>,
    /// The formula of its value.
    pub formula: Formula,
}

impl Curved {
    /// A formula of the tensor itself.
    pub fn plain(formula: Formula) -> Self {
        Curved { base: Box::new(Form::Plain), formula }
    }

    /// A constant.
    pub fn number(number: f32) -> Self {
        Self::plain(Formula::Number(number))
    }

    /// The formula of the tensor itself, if the simpler function is the same for all channels.
    fn of_tensor(&self) -> Option<Formula> {
        Some(self.formula.after(&self.base.formula()?))
    }

    /// The formula of another simpler function's value, if it has one.
    fn of_base(&self, base: &Form) -> Option<Formula> {
        if *self.base == *base || matches!(self.formula, Formula::Number(_)) {
            return Some(self.formula.clone());
        }
        let line = match (&*self.base, base) {
            (Form::Bent(own), Form::Bent(base)) => own.as_line_of(base),
            (Form::Plain, Form::Bent(base)) => Bent::identity(base.shift.len()).as_line_of(base),
            (Form::Bent(own), Form::Plain) => own.line(),
            _ => None,
        };
        line.map(|(slope, shift)| self.formula.after(&Formula::line(slope, shift)))
    }

    /// Several values as formulas of one simpler function. `None` if there is none, or a formula would have too many
    /// steps.
    pub fn together(values: &[Curved]) -> Option<(Box<Form>, Vec<Formula>)> {
        let of = |base: &Form| values.iter().map(|value| value.of_base(base)).collect::<Option<Vec<_>>>();
        let is_shared = |base: &Form| {
            values.iter().all(|value| *value.base == *base || matches!(value.formula, Formula::Number(_)))
        };
        let bases = || values.iter().map(|value| &value.base);
        let shared = bases().find(|base| is_shared(base)).and_then(|base| Some((base.clone(), of(base)?)));
        let of_tensor = || {
            let formulas = values.iter().map(Curved::of_tensor).collect::<Option<Vec<_>>>()?;
            Some((Box::new(Form::Plain), formulas))
        };
        let related = || bases().find_map(|base| Some((base.clone(), of(base)?)));
        let found = shared.or_else(of_tensor).or_else(related)?;
        (found.1.iter().map(Formula::steps).sum::<usize>() < MOST_STEPS).then_some(found)
    }
}

/// A gate: a function whose values are between zero and a positive number.
pub struct Gated {
    /// The function of the tensor that the gate is of.
    pub base: Form,
    /// The gate.
    pub gate: Gate,
    /// The positive number.
    pub gain: f32,
}

impl Form {
    /// The value as a gate. Call this only where a gate is expected: a ReLU6 alone is not a gate.
    pub fn gate(&self) -> Option<Gated> {
        match self {
            Form::Curved(Curved { base, formula }) => {
                formula.gate().map(|(gate, gain)| Gated { base: (**base).clone(), gate, gain })
            }
            Form::Clamped(clamped) => {
                clamped.gate().map(|(gate, gain)| Gated { base: Form::Plain, gate, gain })
            }
            _ => None,
        }
    }

    /// The value as a formula of a simpler function.
    pub fn curved(&self) -> Option<Curved> {
        match self {
            Form::Curved(curved) => Some(curved.clone()),
            Form::Plain | Form::Bent(_) | Form::Clamped(_) => {
                Some(Curved { base: Box::new(self.clone()), formula: Formula::X })
            }
            Form::Squares => Some(Curved::plain(Formula::two(Binary::Mul, Formula::X, Formula::X))),
            Form::Padded(_) | Form::Length { .. } | Form::Normalised => None,
        }
    }

    /// The value as a formula of the tensor. `None` if it differs between channels, or is no such function.
    fn formula(&self) -> Option<Formula> {
        match self {
            Form::Plain => Some(Formula::X),
            Form::Clamped(Clamped { slope, shift, low, high }) => {
                Some(Formula::line(*slope, *shift).then(Unary::Clamp { low: *low, high: *high }))
            }
            Form::Bent(bent) => {
                if let Some((slope, shift)) = bent.line() {
                    return Some(Formula::line(slope, shift));
                }
                let first = |values: &[f32]| {
                    let first = *values.first()?;
                    values.iter().all(|&value| value == first).then_some(first)
                };
                let (above, below) = (first(&bent.positive)?, first(&bent.negative)?);
                let side = |slope, low, high| {
                    let side = Formula::X.then(Unary::Clamp { low, high });
                    Formula::line(slope, 0.0).after(&side)
                };
                let sides = [side(above, 0.0, f32::INFINITY), side(below, f32::NEG_INFINITY, 0.0)];
                let bent_at_nought = Formula::Two(Binary::Add, Box::new(sides));
                Some(Formula::line(1.0, first(&bent.shift)?).after(&bent_at_nought))
            }
            _ => None,
        }
    }

    /// The value as a straight line between bounds.
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

    /// Words for an error message: why a node cannot read this form.
    pub fn words(&self) -> &'static str {
        match self {
            Form::Plain | Form::Bent(_) | Form::Clamped(_) | Form::Curved(_) => "a tensor",
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
    fn lines_of_channels_are_seen_as_lines_of_one_another() {
        let base = Bent::identity(2).shifted(&[0.1, -0.3]);
        let root = vec![std::f32::consts::FRAC_1_SQRT_2; 2];
        let (slope, shift) = base.clone().scaled(&root).as_line_of(&base).unwrap();
        assert!((slope - root[0]).abs() < 1e-6 && shift == 0.0, "{slope} {shift}");
        let (slope, shift) = base.clone().shifted(&[3.0; 2]).as_line_of(&base).unwrap();
        assert!(slope == 1.0 && (shift - 3.0).abs() < 1e-6, "{slope} {shift}");
        assert_eq!(base.clone().shifted(&[3.0, 2.0]).as_line_of(&base), None);
        assert_eq!(base.clone().scaled(&[0.2, 0.5]).factors_of(&base), Some(vec![0.2, 0.5]));
        assert_eq!(base.clone().shifted(&[1.0; 2]).factors_of(&base), None);
    }

    #[test]
    fn values_of_one_tensor_become_formulas_of_one_function() {
        let biased = Form::Bent(Bent::identity(2).shifted(&[1.0, 2.0])).curved().unwrap();
        let scaled = Form::Bent(Bent::identity(2).shifted(&[1.0, 2.0]).scaled(&[0.5; 2])).curved().unwrap();
        let (base, formulas) = Curved::together(&[biased.clone(), scaled, Curved::number(7.0)]).unwrap();
        assert_eq!(base, biased.base);
        assert_eq!(formulas.iter().map(|formula| formula.at(4.0)).collect::<Vec<_>>(), [4.0, 2.0, 7.0]);
        let relu = Form::Bent(Bent::prelu(vec![0.0; 2])).curved().unwrap();
        let (base, formulas) = Curved::together(&[relu, Form::Plain.curved().unwrap()]).unwrap();
        assert_eq!(*base, Form::Plain);
        assert_eq!(formulas.iter().map(|formula| formula.at(-4.0)).collect::<Vec<_>>(), [0.0, -4.0]);
        assert_eq!(Curved::together(&[biased, Form::Plain.curved().unwrap()]), None);
    }

    #[test]
    fn what_is_bent_elsewhere_is_not_taken_for_bent_at_nought() {
        let shifted = Bent::identity(1).shifted(&[1.0]);
        assert_eq!(shifted.clone().then_prelu(&[0.0]), None);
        assert_eq!(Bent::identity(1).extreme(&shifted, true), None);
    }
}
