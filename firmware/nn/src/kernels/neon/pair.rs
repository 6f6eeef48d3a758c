//! Twice the lanes of a set, as two vectors of it.

use crate::kernels::lanes::{Lanes, Limits, Weights, unrolled};

/// Twice the lanes of a set all of whose lanes are pixels.
#[derive(Clone, Copy, Debug)]
pub struct Pair<S>(pub S);

impl<S: Lanes> Lanes for Pair<S> {
    type Vector = [S::Vector; 2];
    type Sums = [S::Sums; 2];
    type Quads = [S::Quads; 2];
    type Half = S;

    const LANES: usize = 2 * S::LANES;
    const PIXELS: usize = {
        assert!(S::PIXELS == S::LANES);
        Self::LANES
    };
    const FILTERS: usize = S::FILTERS / 2;
    const FLIP: u32 = S::FLIP;

    #[inline(always)]
    fn half(self) -> S {
        self.0
    }

    #[inline(always)]
    fn splat(self, value: i32) -> Self::Vector {
        [self.0.splat(value); 2]
    }

    #[inline(always)]
    fn load(self, values: &[i32]) -> Self::Vector {
        [self.0.load(values), self.0.load(&values[S::LANES..])]
    }

    #[inline(always)]
    fn array(self, [a, b]: Self::Vector) -> [i32; 16] {
        let mut array = self.0.array(a);
        array[S::LANES..Self::LANES].copy_from_slice(&self.0.array(b)[..S::LANES]);
        array
    }

    #[inline(always)]
    fn widen(self, values: &[i8]) -> Self::Vector {
        [self.0.widen(values), self.0.widen(&values[S::LANES..])]
    }

    #[inline(always)]
    fn factors(self, [a, b]: Self::Vector) -> Self::Vector {
        [self.0.factors(a), self.0.factors(b)]
    }

    #[inline(always)]
    fn multiply_add(self, sums: Self::Vector, values: Self::Vector, factors: Self::Vector) -> Self::Vector {
        [
            self.0.multiply_add(sums[0], values[0], factors[0]),
            self.0.multiply_add(sums[1], values[1], factors[1]),
        ]
    }

    #[inline(always)]
    fn start(self, bias: i32) -> Self::Sums {
        [self.0.start(bias); 2]
    }

    #[inline(always)]
    fn quads(self, words: &[u32]) -> Self::Quads {
        [self.0.quads(words), self.0.quads(&words[S::LANES..])]
    }

    #[inline(always)]
    fn dot(self, [a, b]: Self::Sums, quads: Self::Quads, weights: i32) -> Self::Sums {
        [self.0.dot(a, quads[0], weights), self.0.dot(b, quads[1], weights)]
    }

    #[inline(always)]
    fn dot_sixteen<const N: usize>(
        self,
        [a, b]: Self::Sums,
        [p, q, r, s]: [Self::Quads; 4],
        weights: Weights<'_, N, 16>,
        filter: usize,
    ) -> Self::Sums {
        [
            self.0.dot_sixteen(a, [p[0], q[0], r[0], s[0]], weights, filter),
            self.0.dot_sixteen(b, [p[1], q[1], r[1], s[1]], weights, filter),
        ]
    }

    #[inline(always)]
    fn total(self, [a, b]: Self::Sums) -> Self::Vector {
        [self.0.total(a), self.0.total(b)]
    }

    #[inline(always)]
    fn transpose(self, rows: [[u8; 16]; 4]) -> [[u32; 4]; 4] {
        self.0.transpose(rows)
    }

    #[inline(always)]
    fn shift(self, [a, b]: Self::Vector, shift: u32) -> Self::Vector {
        [self.0.shift(a, shift), self.0.shift(b, shift)]
    }

    #[inline(always)]
    fn select(self, sums: Self::Vector, positive: Self::Vector, negative: Self::Vector) -> Self::Vector {
        [self.0.select(sums[0], positive[0], negative[0]), self.0.select(sums[1], positive[1], negative[1])]
    }

    #[inline(always)]
    fn mulhi(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        [self.0.mulhi(a[0], b[0]), self.0.mulhi(a[1], b[1])]
    }

    #[inline(always)]
    fn store(self, [a, b]: Self::Vector, limits: Limits, out: &mut [i8]) {
        self.0.store(a, limits, out);
        self.0.store(b, limits, &mut out[S::LANES..]);
    }

    #[inline(always)]
    fn pixels(self, scaled: [Self::Vector; 16], limits: Limits) -> [[i8; 16]; 16] {
        let mut pixels = [[0; 16]; 16];
        unrolled!(2, HALF => {
            let mut channels = [scaled[0][HALF]; 16];
            unrolled!(16, I => channels[I] = scaled[I][HALF]);
            let half = self.0.pixels(channels, limits);
            // Each run of a quarter of the lanes is one of the half's and then one of the other's.
            let quarter = S::LANES / 4;
            unrolled!(16, I => if I < S::LANES {
                pixels[I / quarter * 2 * quarter + HALF * quarter + I % quarter] = half[I];
            });
        });
        pixels
    }
}
