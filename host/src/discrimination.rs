//! Checks whether the network gives different embeddings for unlike pictures.
//!
//! A network that gets pixels in other units than in its training gives every picture nearly the same embedding. It
//! then accepts everybody, although quantised and float embeddings agree. A network whose training collapsed does the
//! same. The measure is the mean cosine between embeddings of pictures of different people. It is 0.01 to 0.02 for two
//! trained networks, 0.998 to 0.9999 if pixels are normalised twice, 0.66 and 0.88 if they are not normalised at all,
//! and up to 0.98 for networks with random weights. The last two ranges overlap. Below a collapse, the network is
//! therefore compared with other ways to normalise. Only wrong preprocessing has another way that separates pictures
//! far better.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use crate::graph::{Node, Op, Window};
use crate::onnx::Imported;
use crate::quantize::Preprocessing;

/// Mean cosine between unlike pictures from which on the network does not distinguish them.
pub const COLLAPSED: f64 = 0.99;
/// Mean cosine from which on other ways to normalise are tried.
const SUSPICIOUS: f64 = 0.4;
/// Largest mean cosine with which a way to normalise can be the right one.
const PLAUSIBLE: f64 = 0.8;
/// The right way to normalise separates pictures by at least this factor more: 1.9 to 2.9 was measured if pixels were
/// not normalised, and at most 1 if they were.
const FAR_MORE: f64 = 1.5;
/// Least number of pictures for a judgement.
const LEAST_PICTURES: usize = 2;

/// Pixels as they are, for networks that normalise them themselves.
const PLAIN: Preprocessing = Preprocessing { mean: 0.0, scale: 1.0 };
/// Common ways to normalise pixels: ArcFace's, none, and a division by 255.
const USUAL: [Preprocessing; 3] =
    [Preprocessing { mean: 127.5, scale: 128.0 }, PLAIN, Preprocessing { mean: 0.0, scale: 255.0 }];

/// How alike embeddings of unlike pictures are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Number of pictures. Each is compared with every other.
    pub pictures: usize,
    /// Mean cosine over all pairs. 1 means that all embeddings are equal.
    pub mean_cosine: f64,
}

impl Spread {
    /// The spread of unit embeddings; `None` for fewer than two.
    pub fn of(embeddings: &[Vec<f32>]) -> Option<Self> {
        if embeddings.len() < LEAST_PICTURES {
            return None;
        }
        // The squared length of the sum contains each pair twice, and each embedding multiplied by itself.
        let dimension = embeddings[0].len();
        let sum = (0..dimension).map(|index| embeddings.iter().map(|e| f64::from(e[index])).sum::<f64>());
        let own: f64 = embeddings.iter().flatten().map(|&x| f64::from(x) * f64::from(x)).sum();
        let count = embeddings.len() as f64;
        let mean_cosine = (sum.map(|x| x * x).sum::<f64>() - own) / (count * (count - 1.0));
        Some(Spread { pictures: embeddings.len(), mean_cosine })
    }

    /// Whether the network distinguishes pictures so little that other ways to normalise should be tried.
    pub fn is_suspicious(&self) -> bool {
        self.mean_cosine.is_nan() || self.mean_cosine >= SUSPICIOUS
    }

    /// Whether the network does not distinguish pictures at all.
    pub fn is_collapsed(&self) -> bool {
        self.mean_cosine.is_nan() || self.mean_cosine >= COLLAPSED
    }

    /// Whether this way separates pictures so much better than `other` that only this way can be right.
    fn is_far_better_than(&self, other: &Spread) -> bool {
        self.mean_cosine <= PLAUSIBLE && 1.0 - self.mean_cosine >= FAR_MORE * (1.0 - other.mean_cosine)
    }
}

/// The network does not give different embeddings for unlike pictures, and the likely causes.
#[derive(Clone, Debug, PartialEq)]
pub struct Indiscriminate {
    /// Spread of the float network, with the preprocessing in use.
    float: Spread,
    /// Spread of the quantised network.
    quantised: Spread,
    /// The preprocessing in use, as options.
    in_force: String,
    /// Ways to normalise that separate the pictures, and their spreads, the least spread first.
    better: Vec<(Preprocessing, Spread)>,
    /// Whether the network normalises pixels itself, so that they are normalised twice.
    is_twice: bool,
}

/// Judges the embeddings of a float network and of its quantised form. `is_inside` tells whether the network
/// normalises pixels itself. `try_other` gives the float network's spread with other preprocessing; it is called only
/// in doubtful cases.
///
/// # Errors
/// As `try_other`.
pub fn judge(
    float: Spread,
    quantised: Spread,
    in_force: Preprocessing,
    is_inside: bool,
    try_other: impl Fn(Preprocessing) -> Result<Option<Spread>>,
) -> Result<Option<Indiscriminate>> {
    let mut better: Vec<(Preprocessing, Spread)> = Vec::new();
    if float.is_suspicious() {
        for preprocessing in USUAL.into_iter().filter(|usual| *usual != in_force) {
            let spread = try_other(preprocessing)?.filter(|spread| spread.is_far_better_than(&float));
            better.extend(spread.map(|spread| (preprocessing, spread)));
        }
    }
    better.sort_by(|(_, a), (_, b)| a.mean_cosine.total_cmp(&b.mean_cosine));
    let collapsed = float.is_collapsed() || quantised.is_collapsed();
    let is_twice = is_inside && in_force != PLAIN;
    let is_found = collapsed || !better.is_empty();
    let Preprocessing { mean, scale } = in_force;
    let in_force = format!("--mean {mean} --scale {scale}");
    Ok(is_found.then_some(Indiscriminate { float, quantised, in_force, better, is_twice }))
}

impl Indiscriminate {
    /// The same for preprocessing that differs between channels, as these options say. `is_inside` tells whether the
    /// file normalises pixels as well.
    pub fn of_channels(mut self, options: String, is_inside: bool) -> Self {
        self.in_force = options;
        self.is_twice = is_inside;
        self
    }
}

impl fmt::Display for Indiscriminate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Indiscriminate { float, quantised, in_force, better, is_twice } = self;
        write!(
            f,
            "embeddings do not tell unlike pictures apart: their mean cosine over {} pictures is {:.4} (float) and {:.4} (int8), \
             near 0 is usual. ",
            float.pictures, float.mean_cosine, quantised.mean_cosine
        )?;
        write!(f, "Suspect preprocessing first: {in_force} is in use")?;
        if *is_twice {
            write!(f, ", and the network normalises pixels itself as well, so they are normalised twice")?;
        }
        // Few photos, some of one person, do not tell which of the others is right: all are named.
        for (place, (Preprocessing { mean, scale }, spread)) in better.iter().enumerate() {
            let before = if place == 0 { "; with" } else { ", with" };
            write!(f, "{before} --mean {mean} --scale {scale} the mean cosine is {:.4}", spread.mean_cosine)?;
        }
        if !better.is_empty() {
            return write!(f, ": give the ones that the network was trained with");
        }
        write!(
            f,
            "; was the network trained with that, and is it applied exactly once? Then suspect --colour, photos that are not \
             aligned faces (--aligned skips alignment), photos that all show one picture, weights that are not trained or were not loaded, and last a training that collapsed"
        )
    }
}

/// The name of the node with which an imported network begins to scale or shift pixels, if its file does so.
pub fn normalisation_inside(imported: &Imported) -> Option<&str> {
    let graph = &imported.graph;
    // An operator that changes the order of colours may come before.
    let is_order = |op: &Op| match op {
        Op::Conv { weights, window, .. } => {
            *window == Window::PIXEL && weights.iter().all(|weight| [0.0, 1.0].contains(weight))
        }
        _ => false,
    };
    let reads_photo = |node: &Node| match node.inputs[..] {
        [0] => true,
        [input] => graph.nodes[input].inputs == [0] && is_order(&graph.nodes[input].op),
        _ => false,
    };
    let first = graph.nodes.iter().find(|node| reads_photo(node) && matches!(node.op, Op::Affine { .. }))?;
    // Of both normalisations one node is made, which has the name of the last.
    Some(&*first.name).filter(|name| !imported.is_normalised || *name != crate::onnx::NORMALISATION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::unit;

    const DEFAULT: Preprocessing = USUAL[0];

    fn spread(mean_cosine: f64) -> Spread {
        Spread { pictures: 20, mean_cosine }
    }

    fn judged(mean_cosine: f64, in_force: Preprocessing, others: [f64; 2]) -> Option<Indiscriminate> {
        let others: Vec<_> = USUAL.into_iter().filter(|usual| *usual != in_force).zip(others).collect();
        let try_other = |wanted: Preprocessing| {
            Ok(others.iter().find(|(other, _)| *other == wanted).map(|(_, mean)| spread(*mean)))
        };
        judge(spread(mean_cosine), spread(mean_cosine), in_force, false, try_other).unwrap()
    }

    #[test]
    fn spread_is_the_mean_cosine_of_pairs() {
        let embeddings = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]].map(|e| e.to_vec());
        let measured = Spread::of(&embeddings).unwrap();
        assert!((measured.mean_cosine - (0.0 + 0.6 + 0.8) / 3.0).abs() < 1e-6 && measured.pictures == 3);
        let one = vec![unit(&[0.3, 0.4, 0.5]); 5];
        assert!((Spread::of(&one).unwrap().mean_cosine - 1.0).abs() < 1e-6);
        assert_eq!(Spread::of(&one[..1]), None);
    }

    #[test]
    fn networks_that_tell_pictures_apart_pass() {
        // Trained networks with many pictures, with three at worst, and with three photos of one person; networks with
        // random weights.
        for (in_force, mean, others) in [
            (DEFAULT, 0.0052, [0.8785, 0.0218]),
            (DEFAULT, 0.161, [0.75, 0.17]),
            (DEFAULT, 0.65, [0.95, 0.65]),
            (DEFAULT, 0.974, [0.9951, 0.9951]),
            (DEFAULT, 0.7901, [0.96, 0.93]),
            (PLAIN, 0.5167, [0.45, 0.6]),
        ] {
            assert_eq!(judged(mean, in_force, others), None, "{mean}");
        }
    }

    #[test]
    fn pixels_normalised_twice_or_not_at_all_are_refused_with_what_would_do() {
        // Pixels normalised twice, with random weights. Pixels not normalised, with MobileFaceNet of ReLU6, fr_feature
        // and random weights.
        for (in_force, mean, others, better) in [
            (DEFAULT, 0.9991, [0.124, 0.36], PLAIN),
            (PLAIN, 0.6551, [0.0142, 0.0427], DEFAULT),
            (PLAIN, 0.891, [0.0091, 0.0218], DEFAULT),
            (PLAIN, 0.5286, [0.1052, 0.3611], DEFAULT),
        ] {
            let found = judged(mean, in_force, others).unwrap();
            assert_eq!(found.better[0].0, better);
            let Preprocessing { mean, scale } = better;
            let said = found.to_string();
            assert!(said.contains(&format!("with --mean {mean} --scale {scale}")), "{said}");
        }
    }

    #[test]
    fn every_way_to_normalise_that_may_be_right_is_named() {
        // Three photos, of which two show one person, with pixels not normalised.
        let said = judged(0.9007, PLAIN, [0.31, 0.2203]).unwrap().to_string();
        let [eight, unit] =
            ["with --mean 127.5 --scale 128", "with --mean 0 --scale 255"].map(|way| said.find(way).unwrap());
        assert!(unit < eight, "{said}");
    }

    #[test]
    fn collapsed_training_is_refused_and_preprocessing_is_named_first() {
        let said = judged(0.9995, DEFAULT, [0.9994, 0.9996]).unwrap().to_string();
        let places = ["--mean 127.5 --scale 128", "--colour", "aligned faces", "collapsed"]
            .map(|s| said.find(s).unwrap());
        assert!(places.is_sorted(), "{said}");
        assert!(judged(f64::NAN, DEFAULT, [f64::NAN; 2]).is_some());
    }

    #[test]
    fn pixels_are_called_normalised_twice_only_when_they_are() {
        let said = |in_force| {
            judge(spread(0.999), spread(0.999), in_force, true, |_| Ok(None)).unwrap().unwrap().to_string()
        };
        assert!(said(DEFAULT).contains("normalised twice"));
        assert!(!said(PLAIN).contains("normalised twice"));
    }

    #[test]
    fn collapse_by_quantisation_alone_is_found() {
        let never =
            |_| -> Result<Option<Spread>> { unreachable!("nothing is suspicious about the float network") };
        assert!(judge(spread(0.1), spread(0.995), DEFAULT, false, never).unwrap().is_some());
        assert_eq!(judge(spread(0.1), spread(0.1), DEFAULT, false, never).unwrap(), None);
    }
}
