//! Random numbers of the cases.

use nn::kernels::Element;

/// A small generator (xorshift, Marsaglia 2003): the same numbers on every machine.
pub struct Random(pub u32);

impl Random {
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }

    /// Returns `true` with a probability of one in `many`.
    pub fn is_one_in(&mut self, many: u32) -> bool {
        self.next().is_multiple_of(many)
    }

    /// A number of a range. One in four is an end of the range.
    pub fn between(&mut self, [low, high]: [i32; 2]) -> i32 {
        match self.next() % 8 {
            0 => low,
            1 => high,
            _ => low + (self.next() % (high - low + 1) as u32) as i32,
        }
    }

    /// Elements of a range. At least one in eight is an end of the range, where sums and products are largest.
    /// Sometimes all are.
    pub fn fill<T: Element>(&mut self, values: &mut [T], [low, high]: [i32; 2]) {
        let are_ends = self.is_one_in(16);
        for value in values {
            let number = self.next();
            *value = T::from_i32(match number >> 28 {
                0 => low,
                1 => high,
                _ if are_ends => [low, high][number as usize % 2],
                _ => low + ((number & 0xff_ffff) % (high - low + 1) as u32) as i32,
            });
        }
    }
}

/// Smallest and largest element of a type.
pub fn ends<T: Element>() -> [i32; 2] {
    if size_of::<T>() == 1 { [i8::MIN.into(), i8::MAX.into()] } else { [i16::MIN.into(), i16::MAX.into()] }
}
