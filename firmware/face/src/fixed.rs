//! Functions in fixed point: products with real factors, exponential, sigmoid, angles.

/// A product with a positive real number, in integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// 2²³ to 2²⁴ − 1.
    mantissa: u32,
    /// The factor is `mantissa · 2^−shift`.
    shift: i32,
}

impl Factor {
    /// The factor `value · 2^bits`, exactly. `value` is positive, finite and not subnormal.
    pub const fn new(value: f32, bits: i32) -> Self {
        let word = value.to_bits();
        let exponent = (word >> 23 & 0xff) as i32;
        Factor { mantissa: word & 0x7f_ffff | 0x80_0000, shift: 150 - exponent - bits }
    }

    /// The product, rounded half up and limited to what 32 bits hold. The factor of an `i16` needs no more than 40 bits.
    pub const fn times(self, value: i32) -> i32 {
        let product = value as i64 * self.mantissa as i64;
        let rounded = match self.shift {
            ..=-24 => product.signum() << 56,
            -23..=0 => {
                let limit = i64::MAX >> 24;
                let bounded = if product > limit {
                    limit
                } else if product < -limit {
                    -limit
                } else {
                    product
                };
                bounded << -self.shift
            }
            1..=62 => (product + (1 << (self.shift - 1))) >> self.shift,
            63.. => 0,
        };
        if rounded > i32::MAX as i64 {
            i32::MAX
        } else if rounded < i32::MIN as i64 {
            i32::MIN
        } else {
            rounded as i32
        }
    }
}

/// Steps of the table of powers of two.
const STEPS: usize = 32;

/// `2^(i / 32)` in 1/2³⁰, rounded.
const POWERS_Q30: [u32; STEPS + 1] = [
    1073741824, 1097253708, 1121280436, 1145833280, 1170923762, 1196563654, 1222764986, 1249540052,
    1276901417, 1304861917, 1333434672, 1362633090, 1392470869, 1422962010, 1454120821, 1485961921,
    1518500250, 1551751076, 1585730000, 1620452965, 1655936265, 1692196547, 1729250827, 1767116489,
    1805811301, 1845353420, 1885761398, 1927054196, 1969251188, 2012372174, 2056437387, 2101467502,
    2147483648,
];

/// `eˣ` of a number in 1/65536, in 1/65536, with an error below 2⁻¹³ of it and 0.6 units. Limited to 2³² − 1.
pub fn exp_q16(x: i32) -> u32 {
    /// 1 / ln 2 in 1/65536.
    const LOG2_E: i64 = 94_548;
    let power = (i64::from(x) * LOG2_E + (1 << 15)) >> 16;
    let (whole, part) = (power >> 16, (power & 0xffff) as u32);
    let (step, rest) = ((part >> 11) as usize, u64::from(part & 0x7ff));
    let [low, high] = [POWERS_Q30[step], POWERS_Q30[step + 1]];
    let mantissa = u64::from(low) + ((u64::from(high - low) * rest) >> 11);
    match 14 - whole {
        down @ 1..=31 => ((mantissa + (1 << (down - 1))) >> down) as u32,
        up @ -1..=0 => (mantissa << -up).min(u64::from(u32::MAX)) as u32,
        32.. => 0,
        _ => u32::MAX,
    }
}

/// `1 / (1 + e^−x)` of a number in 1/65536, in 1/65536: 0 to 65536.
pub fn sigmoid_q16(x: i32) -> u32 {
    // Of a number that is not positive, so that the exponential is at most 1.
    let power = exp_q16(-x.saturating_abs());
    let whole = (1 << 16) + u64::from(power);
    let share = ((u64::from(power) << 16) + whole / 2) / whole;
    if x < 0 { share as u32 } else { (1 << 16) - share as u32 }
}

/// Angle of the direction `(x, y)` from the direction of x to that of y, in 1/16 degree: −2880 to 2880, with an error
/// of at most 3/16 degree. 0 without a direction.
pub fn angle_d16(y: i32, x: i32) -> i16 {
    let (tall, wide) = (y.unsigned_abs(), x.unsigned_abs());
    let (small, large) = if tall < wide { (tall, wide) } else { (wide, tall) };
    if large == 0 {
        return 0;
    }
    let ratio = ((u64::from(small) << 15) / u64::from(large)) as i32;
    // In the first octant r · (45 + (1 − r) · (14.02 + 3.80 · r)) degrees (Rajan et al., Efficient Approximations for
    // the Arctangent Function, 2006, equation 9), here in 1/512 degree.
    let curve = 7178 + ((1946 * ratio) >> 15);
    let slope = 23_040 + ((((1 << 15) - ratio) * curve) >> 15);
    let first = (ratio * slope + (1 << 19)) >> 20;
    let octant = if tall < wide { first } else { 1440 - first };
    let half = if x < 0 { 2880 - octant } else { octant };
    (if y < 0 { -half } else { half }) as i16
}

/// Length of a vector, rounded down.
pub fn length(x: i32, y: i32) -> u32 {
    let square = |x: i32| u64::from(x.unsigned_abs()).pow(2);
    (square(x) + square(y)).isqrt() as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn products_are_rounded(scale in 1e-6f32..4.0, value in -70_000i32..70_000) {
            let exact = f64::from(scale) * 65536.0 * f64::from(value);
            let expected = (exact + 0.5).floor().clamp(f64::from(i32::MIN), f64::from(i32::MAX));
            prop_assert_eq!(f64::from(Factor::new(scale, 16).times(value)), expected);
        }

        #[test]
        fn no_factor_overflows(bits in 1u32 << 23..0x7f80_0000, value: i32) {
            let scale = f32::from_bits(bits);
            let exact = f64::from(scale) * 65536.0 * f64::from(value);
            let expected = (exact + 0.5).floor().clamp(f64::from(i32::MIN), f64::from(i32::MAX));
            prop_assert!((f64::from(Factor::new(scale, 16).times(value)) - expected).abs() <= 1.0);
        }

        #[test]
        fn exponentials_are_near(x in -20.0f64..11.0) {
            let q16 = (x * 65536.0).round();
            let exact = (q16 / 65536.0).exp() * 65536.0;
            let found = f64::from(exp_q16(q16 as i32));
            prop_assert!((found - exact).abs() <= exact / 8192.0 + 0.6, "{found} {exact}");
        }

        #[test]
        fn sigmoids_are_near(x in -30.0f64..30.0) {
            let q16 = (x * 65536.0).round();
            let exact = 65536.0 / (1.0 + (-q16 / 65536.0).exp());
            prop_assert!((f64::from(sigmoid_q16(q16 as i32)) - exact).abs() <= 3.0);
        }

        #[test]
        fn angles_are_near(x in -1_000_000i32..1_000_000, y in -1_000_000i32..1_000_000) {
            prop_assume!(x != 0 || y != 0);
            let exact = f64::from(y).atan2(f64::from(x)).to_degrees() * 16.0;
            let found = f64::from(angle_d16(y, x));
            let off = (found - exact).abs();
            prop_assert!(off.min(5760.0 - off) <= 3.0, "{found} {exact}");
        }

        #[test]
        fn nothing_overflows(x: i32, y: i32) {
            angle_d16(x, y);
            length(x, y);
            prop_assert!(sigmoid_q16(x) <= 1 << 16);
            exp_q16(x);
        }
    }

    #[test]
    fn ends_are_exact() {
        assert_eq!([exp_q16(0), exp_q16(i32::MIN), exp_q16(i32::MAX)], [65536, 0, u32::MAX]);
        assert_eq!([sigmoid_q16(0), sigmoid_q16(i32::MIN), sigmoid_q16(i32::MAX)], [32768, 0, 65536]);
        let angles = [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (0, 0)].map(|(y, x)| angle_d16(y, x));
        assert_eq!(angles, [0, 1440, 2880, -1440, 720, 0]);
    }
}
