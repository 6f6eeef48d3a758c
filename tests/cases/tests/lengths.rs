//! Every kernel set refuses slices whose lengths do not agree, instead of a panic or a wrong row.

use cases::{Chosen, Dsp, Helium, Portable, Set};
use nn::kernels::{Element, Rows};
use nn::op::{average, concat, enlarge, table};
use nn::quant::Stage;

const WIDTH: usize = 9;
const CHANNELS: usize = 16;
const OUTPUTS: usize = 12;

fn shorten<T>(elements: &mut Vec<T>) {
    elements.truncate(elements.len() - 1);
}

/// Memory that kernels read, each part as long as its shape needs.
#[derive(Clone)]
struct Parts<T> {
    rows: [Vec<T>; 3],
    weights: Vec<i8>,
    arrays: [Vec<i32>; 3],
    /// Whether the stage's array for positive accumulators is also the one for negative ones.
    is_linear: bool,
    gates: Vec<i8>,
    table: Vec<i16>,
    output: usize,
}

impl<T: Element> Parts<T> {
    fn new(weights: usize, channels: usize) -> Self {
        Parts {
            rows: [(); 3].map(|()| vec![T::from_i32(1); WIDTH * CHANNELS]),
            weights: vec![1; weights],
            arrays: [(); 3].map(|()| vec![1 << 20; channels]),
            is_linear: false,
            gates: vec![0; channels],
            table: vec![1; 256],
            output: WIDTH * channels,
        }
    }

    fn stage(&self) -> Stage<'_> {
        let [bias, positive, negative] = self.arrays.each_ref().map(|array| &array[..]);
        // Kernels compare where the arrays lie, not their elements.
        let negative = if self.is_linear { positive } else { negative };
        Stage { bias, positive, negative, shift: 0, zero_point: 0, low: -128, high: 127 }
    }

    /// Runs a kernel on rows under a window of three by three, dilated or not.
    fn run<O: Element, R>(&self, dilation: usize, kernel: impl FnOnce(&Rows<'_, T>, &mut [O]) -> R) -> R {
        let rows = self.rows.each_ref().map(|row| Some(&row[..]));
        let (width, channels) = (WIDTH, CHANNELS);
        let (zero_point, kernel_width, stride) = (0, 3, 1);
        let pad = dilation;
        let rows = Rows { rows: &rows, width, channels, zero_point, kernel_width, stride, pad, dilation };
        kernel(&rows, &mut vec![O::from_i32(0); self.output])
    }

    /// The same parts, each time with one that has one element less.
    fn short(&self) -> Vec<(&'static str, Self)> {
        let with = |name: &'static str, cut: fn(&mut Self)| {
            let mut parts = self.clone();
            cut(&mut parts);
            (name, parts)
        };
        vec![
            with("first row", |parts| shorten(&mut parts.rows[0])),
            with("row", |parts| shorten(&mut parts.rows[2])),
            with("weights", |parts| shorten(&mut parts.weights)),
            with("bias", |parts| shorten(&mut parts.arrays[0])),
            with("positive", |parts| shorten(&mut parts.arrays[1])),
            with("negative", |parts| shorten(&mut parts.arrays[2])),
            with("gates", |parts| shorten(&mut parts.gates)),
            with("table", |parts| shorten(&mut parts.table)),
            with("output", |parts| parts.output -= 1),
            with("pixel", |parts| parts.output -= parts.arrays[0].len()),
            with("pixel of a row", |parts| parts.rows[2].truncate((WIDTH - 1) * CHANNELS)),
        ]
    }

    /// Asserts that a kernel makes a row of these parts, but not when one of those with these names is too short.
    fn is_refused_without(&self, names: &[&str], kernel: impl Fn(&Self) -> Option<()>) {
        assert_eq!(kernel(self), Some(()), "{names:?}");
        let short = self.short();
        // A linear stage has no array of its own for negative accumulators.
        for name in names.iter().filter(|name| !self.is_linear || **name != "negative") {
            let (_, parts) = short.iter().find(|(short, _)| short == name).expect("a part of this name");
            assert_eq!(kernel(parts), None, "{name}");
        }
    }
}

fn refuses<S: Set, T: Element, O: Element>(is_linear: bool) {
    const STAGE: [&str; 4] = ["bias", "positive", "negative", "output"];
    let of = |more: &[&'static str]| [&STAGE[..], more].concat();
    let parts = |weights, channels| Parts::<T> { is_linear, ..Parts::new(weights, channels) };
    for dilation in [1, 2] {
        parts(9 * CHANNELS * OUTPUTS, OUTPUTS).is_refused_without(
            &of(&["row", "pixel of a row", "weights"]),
            |parts| {
                let scratch = &mut S::Scratch::default();
                parts.run(dilation, |rows, out| {
                    S::conv::<T, O>(rows, &parts.weights, &parts.stage(), scratch, out)
                })
            },
        );
        parts(9 * CHANNELS / 4 * OUTPUTS, OUTPUTS).is_refused_without(
            &of(&["row", "pixel of a row", "weights"]),
            |parts| {
                let scratch = &mut S::Scratch::default();
                parts.run(dilation, |rows, out| {
                    S::grouped::<T, O>(rows, 4, &parts.weights, &parts.stage(), scratch, out)
                })
            },
        );
        parts(9 * CHANNELS, CHANNELS).is_refused_without(
            &of(&["row", "pixel of a row", "weights"]),
            |parts| {
                let scratch = &mut S::Scratch::default();
                parts.run(dilation, |rows, out| {
                    S::depthwise::<T, O>(rows, &parts.weights, &parts.stage(), scratch, out)
                })
            },
        );
    }
    let parts = parts(CHANNELS, CHANNELS);
    parts.is_refused_without(&["row", "pixel of a row", "output"], |parts| {
        parts.run(1, |rows, out| S::max_pool::<T>(rows, out))
    });
    parts.is_refused_without(&of(&["first row", "row", "pixel of a row", "pixel"]), |parts| {
        parts.run(1, |rows, out| {
            let [Some(a), _, Some(b)] = *rows.rows else { unreachable!("three rows") };
            S::add::<T, O>(a, b, [1, 2], &parts.stage(), out)
        })
    });
    parts.is_refused_without(&of(&["row", "pixel of a row", "pixel"]), |parts| {
        parts.run(1, |rows, out| {
            let [_, _, Some(b)] = *rows.rows else { unreachable!("three rows") };
            S::add_in_place::<T>(out, b, [1, 2], &parts.stage())
        })
    });
    parts.is_refused_without(&of(&["row", "pixel of a row", "pixel", "gates", "table"]), |parts| {
        parts.run(1, |rows, out| {
            let [_, _, Some(b)] = *rows.rows else { unreachable!("three rows") };
            S::scale::<T, O>(b, 0, &parts.gates, &parts.table, &parts.stage(), out)
        })
    });
}

/// All combinations of a set.
fn set_refuses<S: Set>() {
    // The scratch of some sets is too large for a test thread's stack.
    let run = || {
        for is_linear in [false, true] {
            refuses::<S, i8, i8>(is_linear);
            refuses::<S, i8, i16>(is_linear);
            refuses::<S, i16, i8>(is_linear);
            refuses::<S, i16, i16>(is_linear);
        }
    };
    std::thread::Builder::new().stack_size(16 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn portable_kernels_refuse_lengths_that_do_not_agree() {
    set_refuses::<Portable>();
}

#[test]
fn dsp_kernels_refuse_lengths_that_do_not_agree() {
    set_refuses::<Dsp>();
}

#[test]
fn helium_kernels_refuse_lengths_that_do_not_agree() {
    set_refuses::<Helium>();
}

#[test]
fn kernels_of_this_machine_refuse_lengths_that_do_not_agree() {
    set_refuses::<Chosen>();
}

#[test]
fn operators_that_all_sets_share_refuse_lengths_that_do_not_agree() {
    let input = [1i8; 12];
    // Lengths that agree in ratio, but not with whole pixels; and nothing at all.
    assert_eq!(concat::concat(&[(&input[..11], 3), (&input[..11], 3)], &mut [0; 22]), None);
    assert_eq!(concat::concat::<i8>(&[], &mut [0; 12]), None);
    for (length, made) in [(24, Some(())), (23, None), (25, None), (0, None)] {
        assert_eq!(enlarge::enlarge(&input, 3, 2, &mut vec![0; length]), made, "enlarge to {length}");
        assert_eq!(
            concat::concat(&[(&input, 3), (&input, 3)], &mut vec![0; length]),
            made,
            "concat {length}"
        );
    }
    assert_eq!(enlarge::enlarge(&input, 0, 2, &mut [0; 24]), None);
    assert_eq!(concat::concat(&[(&input, 0)], &mut [0; 12]), None);
    for (entries, length, made) in [(256, 12, Some(())), (255, 12, None), (257, 12, None), (256, 11, None)] {
        assert_eq!(table::look_up(&input, &vec![0i8; entries], &mut vec![0; length]), made);
    }
    let parts = Parts::<i8>::new(CHANNELS, CHANNELS);
    // Only the pixels at the ends are computed: their windows lie partly outside.
    parts.is_refused_without(
        &["row", "pixel of a row", "weights", "bias", "positive", "negative", "output"],
        |parts| {
            parts.run(1, |rows, out| {
                average::complete(rows, &parts.weights, &parts.stage(), WIDTH, &mut average::put::<i8>(out))
            })
        },
    );
    // A window entirely outside has no mean.
    parts.run(1, |rows, out| {
        let rows = Rows { rows: &[None; 3], ..*rows };
        assert_eq!(
            average::complete(&rows, &parts.weights, &parts.stage(), WIDTH, &mut average::put::<i8>(out)),
            None
        );
        assert_eq!(nn::kernels::max_pool(&rows, out), None);
    });
}
