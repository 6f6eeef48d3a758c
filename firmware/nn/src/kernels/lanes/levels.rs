//! Levels of a processor: the kernels' contract, fulfilled by the processor's best instruction set.

use core::sync::atomic::{AtomicU8, Ordering};

/// Defines the levels of a processor, the lowest first, each with its set, and the contract of [`crate::kernels`].
///
/// A set has the functions of `entries!` and `detect`, which returns the set if the processor supports it.
macro_rules! levels {
    ($($(#[$doc:meta])* $level:ident: $set:ident,)*) => {
        use core::sync::atomic::{AtomicU8, Ordering};

        pub use $crate::kernels::lanes::conv::Scratch;
        pub use $crate::kernels::portable::*;
        use $crate::kernels::lanes::Typed;
        use $crate::kernels::{Element, Rows, lanes, portable};
        use $crate::quant::Stage;

        /// Instruction sets that kernels may use; each level includes those before it. Results are the same on all
        /// levels.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Level {
            /// Only portable kernels.
            Portable,
            $($(#[$doc])* $level,)*
        }

        impl Level {
            /// Every level, the lowest first.
            pub const ALL: &[Level] = &[Level::Portable, $(Level::$level),*];
        }

        static LIMIT: AtomicU8 = AtomicU8::new(u8::MAX);

        /// Limits the level of the kernels, for tests and measurements.
        pub fn set_limit(level: Level) {
            LIMIT.store(level as u8, Ordering::Relaxed);
        }

        /// The level in use: the processor's, or the limit if that is lower.
        pub fn level() -> Level {
            match Set::current(None) {
                Set::Portable => Level::Portable,
                $(Set::$level(_) => Level::$level,)*
            }
        }

        #[derive(Clone, Copy)]
        enum Set {
            Portable,
            $($level($set),)*
        }

        impl Set {
            /// The best set that may be used and supports the stage.
            fn current(stage: Option<&Stage<'_>>) -> Set {
                let limit = LIMIT.load(Ordering::Relaxed);
                let mut current = Set::Portable;
                $(if limit >= Level::$level as u8
                    && let Some(set) = $set::detect()
                    && stage.is_none_or(|stage| lanes::Lanes::takes(set, stage))
                {
                    current = Set::$level(set);
                })*
                current
            }
        }

        /// [`portable::conv`] by the best set; `None` if no set has it for these rows. As those below, it is not generic: so it is
        /// compiled here, and not again wherever the contract is used.
        fn conv_by_set(
            input: &Rows<'_, i8>,
            weights: &[i8],
            stage: &Stage<'_>,
            scratch: &mut Scratch,
            output: Typed<'_>,
        ) -> Option<Option<()>> {
            let pixels = output.len() / stage.bias.len().max(1);
            match (Set::current(Some(stage)), scratch.room(input, pixels)?) {
                $((Set::$level(set), room) => Some(match output {
                    Typed::Bytes(output) => set.conv(room, input, weights, stage, output),
                    Typed::Words(output) => set.conv(room, input, weights, stage, output),
                }),)*
                (Set::Portable, _) => None,
            }
        }

        /// [`portable::conv`].
        pub fn conv<I: Element, O: Element>(
            input: &Rows<'_, I>,
            weights: &[i8],
            stage: &Stage<'_>,
            scratch: &mut Scratch,
            output: &mut [O],
        ) -> Option<()> {
            lanes::bytes(input, &mut [None; lanes::MAX_ROWS])
                .and_then(|input| conv_by_set(&input, weights, stage, scratch, Typed::of(output)))
                .unwrap_or_else(|| portable::conv(input, weights, stage, &mut portable::Scratch, output))
        }

        fn depthwise_by_set(
            input: &Rows<'_, i8>,
            weights: &[i8],
            stage: &Stage<'_>,
            output: Typed<'_>,
        ) -> Option<Option<()>> {
            match Set::current(Some(stage)) {
                $(Set::$level(set) if input.channels >= $set::CHANNELS => Some(match output {
                    Typed::Bytes(output) => set.depthwise(input, weights, stage, output),
                    Typed::Words(output) => set.depthwise(input, weights, stage, output),
                }),)*
                _ => None,
            }
        }

        /// [`portable::depthwise`].
        pub fn depthwise<I: Element, O: Element>(
            input: &Rows<'_, I>,
            weights: &[i8],
            stage: &Stage<'_>,
            _: &mut Scratch,
            output: &mut [O],
        ) -> Option<()> {
            lanes::bytes(input, &mut [None; lanes::MAX_ROWS])
                .and_then(|input| depthwise_by_set(&input, weights, stage, Typed::of(output)))
                .unwrap_or_else(|| portable::depthwise(input, weights, stage, &mut portable::Scratch, output))
        }

        /// [`portable::add`].
        pub fn add<I: Element, O: Element>(
            a: &[I],
            b: &[I],
            gains: [i16; 2],
            stage: &Stage<'_>,
            output: &mut [O],
        ) -> Option<()> {
            match (lanes::as_bytes(a), lanes::as_bytes_mut(&mut *output)) {
                (Some(a), Some(sum)) => {
                    $crate::copy(a, sum)?;
                    add_in_place(output, $crate::elements(b)?, gains, stage)
                }
                _ => portable::add(a, b, gains, stage, output),
            }
        }

        fn add_in_place_by_set(
            a: &mut [i8],
            b: &[i8],
            gains: [i16; 2],
            stage: &Stage<'_>,
        ) -> Option<Option<()>> {
            match Set::current(Some(stage)) {
                $(Set::$level(set) => Some(set.add_in_place(a, b, gains, stage)),)*
                Set::Portable => None,
            }
        }

        /// [`portable::add_in_place`].
        pub fn add_in_place<T: Element>(
            a: &mut [T],
            b: &[T],
            gains: [i16; 2],
            stage: &Stage<'_>,
        ) -> Option<()> {
            lanes::as_bytes_mut(&mut *a)
                .zip(lanes::as_bytes(b))
                .and_then(|(a, b)| add_in_place_by_set(a, b, gains, stage))
                .unwrap_or_else(|| portable::add_in_place(a, b, gains, stage))
        }

        fn scale_by_set(
            input: &[i8],
            zero_point: i32,
            gates: &[i8],
            table: &[i16],
            stage: &Stage<'_>,
            output: Typed<'_>,
        ) -> Option<Option<()>> {
            match Set::current(Some(stage)) {
                $(Set::$level(set) if gates.len() >= $set::CHANNELS => Some(match output {
                    Typed::Bytes(output) => set.scale(input, zero_point, gates, table, stage, output),
                    Typed::Words(output) => set.scale(input, zero_point, gates, table, stage, output),
                }),)*
                _ => None,
            }
        }

        /// [`portable::scale`].
        pub fn scale<I: Element, O: Element>(
            input: &[I],
            zero_point: i32,
            gates: &[i8],
            table: &[i16],
            stage: &Stage<'_>,
            output: &mut [O],
        ) -> Option<()> {
            lanes::as_bytes(input)
                .and_then(|input| scale_by_set(input, zero_point, gates, table, stage, Typed::of(output)))
                .unwrap_or_else(|| portable::scale(input, zero_point, gates, table, stage, output))
        }
    };
}
pub(crate) use levels;

/// A fact about the processor, determined at its first use, because asking can take microseconds.
pub struct Fact(AtomicU8);

impl Fact {
    const UNKNOWN: u8 = 2;

    /// Not determined yet.
    pub const fn new() -> Self {
        Fact(AtomicU8::new(Self::UNKNOWN))
    }

    /// Whether it holds, according to `ask`, which must return the same answer each time.
    #[inline(always)]
    pub fn get(&self, ask: impl FnOnce() -> bool) -> bool {
        match self.0.load(Ordering::Relaxed) {
            Self::UNKNOWN => {
                let holds = ask();
                self.0.store(holds.into(), Ordering::Relaxed);
                holds
            }
            known => known == 1,
        }
    }
}
