//! A function of one number, as files spell it where an activation has no operator of its own: with several nodes, such
//! as `0.5 · x · (1 + erf(x / √2))` for GELU.

use statrs::function::erf::erf;

use super::Curve;
use crate::graph::Gate;

/// Most steps of a formula.
pub const MOST_STEPS: usize = 64;

/// A function of a number `x`.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// `x` itself.
    X,
    /// A constant.
    Number(f32),
    /// A function of a formula's value.
    Of(Unary, Box<Formula>),
    /// Two formulas' values put together.
    Two(Binary, Box<[Formula; 2]>),
    /// The second value where the first is not zero, and the third elsewhere.
    Choice(Box<[Formula; 3]>),
}

/// A function of one value.
#[derive(Clone, Debug, PartialEq)]
pub enum Unary {
    /// An activation that has a name.
    Curve(Curve),
    /// Gauss's error function.
    Erf,
    /// `e^x`.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// `1 / x`.
    Reciprocal,
    /// `min(max(x, low), high)`.
    Clamp {
        /// Lower bound.
        low: f32,
        /// Upper bound.
        high: f32,
    },
    /// `x` where it is positive, and `slope · x` elsewhere.
    PRelu {
        /// The slope.
        slope: f32,
    },
    /// 1 for 0, and 0 for every other number.
    Not,
}

/// A function of two values. Claims are 1 if they hold and 0 if not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
    /// Power.
    Pow,
    /// The larger.
    Max,
    /// The smaller.
    Min,
    /// Whether the first is greater.
    Greater,
    /// Whether the first is not less.
    GreaterOrEqual,
    /// Whether the first is less.
    Less,
    /// Whether the first is not greater.
    LessOrEqual,
    /// Whether both are not zero.
    And,
    /// Whether one is not zero.
    Or,
}

impl Unary {
    fn at(&self, x: f64) -> f64 {
        match self {
            Unary::Curve(curve) => f64::from(curve.at(x as f32)),
            Unary::Erf => erf(x),
            Unary::Exp => x.exp(),
            Unary::Log => x.ln(),
            Unary::Sqrt => x.sqrt(),
            Unary::Reciprocal => 1.0 / x,
            &Unary::Clamp { low, high } => x.max(low.into()).min(high.into()),
            &Unary::PRelu { slope } => x * if x < 0.0 { f64::from(slope) } else { 1.0 },
            Unary::Not => f64::from(x == 0.0),
        }
    }
}

impl Binary {
    /// The ONNX operator of this name.
    pub fn named(operator: &str) -> Option<Self> {
        Some(match operator {
            "Add" | "Sum" => Binary::Add,
            "Sub" => Binary::Sub,
            "Mul" => Binary::Mul,
            "Div" => Binary::Div,
            "Pow" => Binary::Pow,
            "Max" => Binary::Max,
            "Min" => Binary::Min,
            "Greater" => Binary::Greater,
            "GreaterOrEqual" => Binary::GreaterOrEqual,
            "Less" => Binary::Less,
            "LessOrEqual" => Binary::LessOrEqual,
            "And" => Binary::And,
            "Or" => Binary::Or,
            _ => return None,
        })
    }

    fn at(self, a: f64, b: f64) -> f64 {
        match self {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Pow => a.powf(b),
            Binary::Max => a.max(b),
            Binary::Min => a.min(b),
            Binary::Greater => f64::from(a > b),
            Binary::GreaterOrEqual => f64::from(a >= b),
            Binary::Less => f64::from(a < b),
            Binary::LessOrEqual => f64::from(a <= b),
            Binary::And => f64::from(a != 0.0 && b != 0.0),
            Binary::Or => f64::from(a != 0.0 || b != 0.0),
        }
    }

    /// Whether a claim that compares holds above, if it compares with a number: `x > 0` does, and `x < 0` does not.
    fn holds_above(self) -> Option<bool> {
        match self {
            Binary::Greater | Binary::GreaterOrEqual => Some(true),
            Binary::Less | Binary::LessOrEqual => Some(false),
            _ => None,
        }
    }
}

impl Formula {
    /// A function of this formula's value.
    pub fn then(self, unary: Unary) -> Self {
        Formula::Of(unary, Box::new(self))
    }

    /// Two formulas' values put together.
    pub fn two(binary: Binary, a: Formula, b: Formula) -> Self {
        Formula::Two(binary, Box::new([a, b]))
    }

    /// `slope · x + shift`.
    pub fn line(slope: f32, shift: f32) -> Self {
        let scaled = match slope {
            1.0 => Formula::X,
            slope => Formula::two(Binary::Mul, Formula::X, Formula::Number(slope)),
        };
        match shift {
            0.0 => scaled,
            shift => Formula::two(Binary::Add, scaled, Formula::Number(shift)),
        }
    }

    /// The value at `x`.
    pub fn at(&self, x: f64) -> f64 {
        match self {
            Formula::X => x,
            &Formula::Number(number) => number.into(),
            Formula::Of(unary, of) => unary.at(of.at(x)),
            Formula::Two(binary, of) => binary.at(of[0].at(x), of[1].at(x)),
            Formula::Choice(of) => of[if of[0].at(x) != 0.0 { 1 } else { 2 }].at(x),
        }
    }

    /// The number of its steps.
    pub fn steps(&self) -> usize {
        let own = match self {
            Formula::Of(Unary::Curve(Curve::Written(formula)), _) => formula.steps(),
            _ => 1,
        };
        own + self.parts().iter().map(Formula::steps).sum::<usize>()
    }

    fn parts(&self) -> &[Formula] {
        match self {
            Formula::X | Formula::Number(_) => &[],
            Formula::Of(_, of) => std::slice::from_ref(of),
            Formula::Two(_, of) => &of[..],
            Formula::Choice(of) => &of[..],
        }
    }

    /// The formula of another formula's value.
    pub fn after(&self, inner: &Formula) -> Self {
        match self {
            Formula::X => inner.clone(),
            &Formula::Number(number) => Formula::Number(number),
            Formula::Of(unary, of) => of.after(inner).then(unary.clone()),
            Formula::Two(binary, of) => Formula::two(*binary, of[0].after(inner), of[1].after(inner)),
            Formula::Choice(of) => Formula::Choice(Box::new([0, 1, 2].map(|part| of[part].after(inner)))),
        }
    }

    /// The formula as a curve, by its name if it has one.
    pub fn curve(&self) -> Curve {
        let gate = |formula: &Formula| match formula.gate() {
            Some((gate, 1.0)) => Some(gate),
            _ => None,
        };
        match self {
            Formula::Of(Unary::Curve(curve), of) if **of == Formula::X => return curve.clone(),
            Formula::Two(Binary::Mul, of) => {
                for [x, other] in [[0, 1], [1, 0]] {
                    if let (Formula::X, Some(gate)) = (&of[x], gate(&of[other])) {
                        return Curve::Gated(gate);
                    }
                }
            }
            _ => {}
        }
        Curve::Written(Box::new(self.clone()))
    }

    /// The gate and its factor, if the formula is a gate of `x`, or that multiplied by a positive number.
    pub fn gate(&self) -> Option<(Gate, f32)> {
        match self {
            Formula::Of(Unary::Curve(Curve::Gate(gate)), of) if **of == Formula::X => Some((*gate, 1.0)),
            Formula::Two(Binary::Mul, of) => match &**of {
                [gate, Formula::Number(factor)] | [Formula::Number(factor), gate] if *factor > 0.0 => {
                    gate.gate().map(|(gate, gain)| (gate, gain * factor))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The formula whose square this is.
    pub fn root(&self) -> Option<&Formula> {
        match self {
            Formula::Two(Binary::Mul, of) if of[0] == of[1] => Some(&of[0]),
            _ => None,
        }
    }

    /// If the formula tells positive `x` from negative ones: whether it holds for the positive ones.
    pub fn holds_above_nought(&self) -> Option<bool> {
        match self {
            Formula::Of(Unary::Not, of) => of.holds_above_nought().map(|holds| !holds),
            Formula::Two(binary, of) => match **of {
                [Formula::X, Formula::Number(0.0)] => binary.holds_above(),
                [Formula::Number(0.0), Formula::X] => binary.holds_above().map(|holds| !holds),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: f32) -> Formula {
        Formula::Number(number)
    }

    /// `0.5 · x · (1 + erf(x / √2))`.
    fn gelu() -> Formula {
        let erf = Formula::two(Binary::Div, Formula::X, number(std::f32::consts::SQRT_2)).then(Unary::Erf);
        let product = Formula::two(Binary::Mul, Formula::X, Formula::two(Binary::Add, erf, number(1.0)));
        Formula::two(Binary::Mul, product, number(0.5))
    }

    #[test]
    fn formulas_compute_the_curves_that_they_spell() {
        let mish = Formula::X.then(Unary::Curve(Curve::Softplus)).then(Unary::Curve(Curve::Tanh));
        let mish = Formula::two(Binary::Mul, Formula::X, mish);
        for x in [-30.0, -3.0, -0.5, 0.0, 0.7, 4.0, 40.0] {
            assert!((gelu().at(x.into()) as f32 - Curve::Gelu.at(x)).abs() < 1e-6, "{x}");
            assert!((mish.at(x.into()) as f32 - Curve::Mish.at(x)).abs() < 1e-6, "{x}");
        }
    }

    #[test]
    fn formula_of_a_line_is_that_of_the_lines_value() {
        let of_line = gelu().after(&Formula::line(2.0, -1.0));
        assert_eq!(of_line.at(1.5), gelu().at(2.0));
        assert!(of_line.steps() > gelu().steps());
    }

    #[test]
    fn names_are_found() {
        let gate = Formula::X.then(Unary::Curve(Curve::Gate(Gate::Sigmoid)));
        assert_eq!(Formula::two(Binary::Mul, gate.clone(), Formula::X).curve(), Curve::Gated(Gate::Sigmoid));
        assert_eq!(Formula::two(Binary::Mul, number(2.0), gate.clone()).gate(), Some((Gate::Sigmoid, 2.0)));
        assert!(matches!(gelu().curve(), Curve::Written(_)));
        let square = Formula::two(Binary::Mul, gate.clone(), gate.clone());
        assert_eq!(square.root(), Some(&gate));
    }

    #[test]
    fn sides_of_nought_are_told_apart() {
        let compared = |binary, a, b| Formula::two(binary, a, b);
        for (formula, holds) in [
            (compared(Binary::Greater, Formula::X, number(0.0)), Some(true)),
            (compared(Binary::LessOrEqual, Formula::X, number(0.0)), Some(false)),
            (compared(Binary::Less, number(0.0), Formula::X), Some(true)),
            (compared(Binary::GreaterOrEqual, Formula::X, number(0.0)).then(Unary::Not), Some(false)),
            (compared(Binary::Greater, Formula::X, number(1.0)), None),
            (compared(Binary::Add, Formula::X, number(0.0)), None),
        ] {
            assert_eq!(formula.holds_above_nought(), holds, "{formula:?}");
        }
    }
}
