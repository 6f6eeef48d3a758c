//! Verification as LFW's view 2 does it (Huang et al. 2007): pairs in folds; the threshold that is best on the other folds
//! decides each fold. TAR at a given FAR is over all pairs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::{Agreement, Embedded, Seconds};
use crate::embedding::cosine;

/// Two photos, of one person or of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Numbers of the photos.
    pub photos: [usize; 2],
    /// Whether they show one person.
    pub same: bool,
    /// The fold it belongs to.
    pub fold: usize,
}

/// A pairs file: photos, and pairs of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Paths as the file has them.
    pub photos: Vec<PathBuf>,
    /// The pairs.
    pub pairs: Vec<Pair>,
}

impl Pairs {
    /// Reads a CSV file with the header `path_a,path_b,same,fold`.
    ///
    /// # Errors
    /// Names the line.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a pairs file", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let header = lines.next().unwrap_or("");
        ensure!(
            header.trim_end() == "path_a,path_b,same,fold",
            "line 1 is {header:?}, path_a,path_b,same,fold is expected"
        );
        let mut numbers = HashMap::new();
        let mut read = Pairs::default();
        for (index, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let fields: Vec<&str> = line.trim_end().split(',').collect();
            let parsed = match fields[..] {
                [a, b, same @ ("0" | "1"), fold] => fold.parse().ok().map(|fold| (a, b, same == "1", fold)),
                _ => None,
            };
            let (a, b, same, fold) = parsed.with_context(|| format!("line {}: {line:?}", index + 2))?;
            let photos = [a, b].map(|name| {
                *numbers.entry(name.to_string()).or_insert_with(|| {
                    read.photos.push(PathBuf::from(name));
                    read.photos.len() - 1
                })
            });
            read.pairs.push(Pair { photos, same, fold });
        }
        let kinds = [true, false].map(|kind| read.pairs.iter().filter(|pair| pair.same == kind).count());
        ensure!(
            !kinds.contains(&0),
            "it needs pairs of one person and of two, it has {} and {}",
            kinds[0],
            kinds[1]
        );
        Ok(read)
    }
}

/// Verification figures, as fractions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// Mean over folds.
    pub accuracy: f64,
    /// Share of genuine pairs accepted where 1 % of impostor pairs are.
    pub tar_at_far_1e2: f64,
    /// The same at 0.1 %.
    pub tar_at_far_1e3: f64,
}

/// Scores pairs by cosine.
///
/// # Panics
/// When there are no pairs.
pub fn verify(scores: &[(f32, bool, usize)]) -> Verification {
    let folds: std::collections::BTreeSet<usize> = scores.iter().map(|score| score.2).collect();
    let accuracy = |fold: usize| {
        let others = scores.iter().filter(|score| score.2 != fold || folds.len() == 1);
        let threshold = best_threshold(others.map(|&(score, same, _)| (score, same)).collect());
        let (mut right, mut count) = (0, 0);
        for &(score, same, _) in scores.iter().filter(|score| score.2 == fold) {
            right += usize::from((score >= threshold) == same);
            count += 1;
        }
        right as f64 / count as f64
    };
    let mut impostors: Vec<f32> = scores.iter().filter(|s| !s.1).map(|s| s.0).collect();
    impostors.sort_by(|a, b| b.total_cmp(a));
    let genuine: Vec<f32> = scores.iter().filter(|s| s.1).map(|s| s.0).collect();
    let tar = |far: f64| {
        // The first impostor score that must not be accepted.
        let threshold = impostors[((far * impostors.len() as f64) as usize).min(impostors.len() - 1)];
        genuine.iter().filter(|&&score| score > threshold).count() as f64 / genuine.len() as f64
    };
    Verification {
        accuracy: folds.iter().map(|&fold| accuracy(fold)).sum::<f64>() / folds.len() as f64,
        tar_at_far_1e2: tar(1e-2),
        tar_at_far_1e3: tar(1e-3),
    }
}

/// The threshold with the most right decisions; the middle between two scores.
fn best_threshold(mut scores: Vec<(f32, bool)>) -> f32 {
    scores.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Everything accepted to begin with; moving the threshold up past a score rejects it.
    let mut right = scores.iter().filter(|score| score.1).count();
    let mut best = (right, f32::NEG_INFINITY);
    for (index, &(score, same)) in scores.iter().enumerate() {
        right = if same { right - 1 } else { right + 1 };
        if right > best.0 {
            let next = scores.get(index + 1).map_or(score + 1.0, |next| next.0);
            best = (right, (score + next) / 2.0);
        }
    }
    best.1
}

/// Figures of both networks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Photos embedded.
    pub photos: usize,
    /// Pairs compared.
    pub pairs: usize,
    /// The network as trained, run by tract.
    pub float: Option<Verification>,
    /// The image.
    pub quantised: Verification,
    /// Between the two.
    #[serde(flatten)]
    pub agreement: Option<Agreement>,
    /// What took how long.
    pub seconds: Seconds,
}

/// Figures over pairs of embedded photos.
///
/// # Panics
/// When there are no pairs.
pub fn evaluate(pairs: &Pairs, embedded: &Embedded) -> Evaluation {
    let scores = |embeddings: &[Vec<f32>]| -> Vec<(f32, bool, usize)> {
        let score = |pair: &Pair| {
            let [a, b] = pair.photos;
            (cosine(&embeddings[a], &embeddings[b]), pair.same, pair.fold)
        };
        pairs.pairs.iter().map(score).collect()
    };
    let start = std::time::Instant::now();
    let quantised = verify(&scores(&embedded.quantised));
    let float = embedded.float.as_deref().map(|float| verify(&scores(float)));
    let seconds = Seconds { scoring: start.elapsed().as_secs_f64(), ..embedded.seconds };
    Evaluation {
        photos: embedded.quantised.len(),
        pairs: pairs.pairs.len(),
        float,
        quantised,
        agreement: embedded.agreement(),
        seconds,
    }
}

/// Prints the figures as a table.
pub fn print(evaluation: &Evaluation) {
    println!("{} pairs of {} photos", evaluation.pairs, evaluation.photos);
    println!("{:10} {:>9} {:>12} {:>12}", "", "accuracy", "TAR@FAR 1e-2", "TAR@FAR 1e-3");
    for (name, row) in [("float", evaluation.float), ("int8", Some(evaluation.quantised))] {
        if let Some(row) = row {
            println!(
                "{name:10} {:>8.2}% {:>11.2}% {:>11.2}%",
                100.0 * row.accuracy,
                100.0 * row.tar_at_far_1e2,
                100.0 * row.tar_at_far_1e3
            );
        }
    }
    super::print_common(evaluation.agreement, evaluation.seconds);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read() {
        let pairs =
            Pairs::parse("path_a,path_b,same,fold\na/1.jpg,a/2.jpg,1,0\na/1.jpg,b/1.jpg,0,3\n").unwrap();
        assert_eq!(pairs.photos, ["a/1.jpg", "a/2.jpg", "b/1.jpg"].map(PathBuf::from));
        assert_eq!(pairs.pairs[1], Pair { photos: [0, 2], same: false, fold: 3 });
    }

    #[test]
    fn bad_line_is_named() {
        let error = Pairs::parse("path_a,path_b,same,fold\na,b,1,0\na,b,yes,0\n").unwrap_err();
        assert!(format!("{error:#}").contains("line 3"), "{error:#}");
    }

    #[test]
    fn each_fold_is_decided_by_the_others() {
        // Fold 0 alone would put the threshold at 0.5; fold 1 needs 0.8.
        let scores = [
            (0.6, true, 0),
            (0.4, false, 0),
            (0.9, true, 1),
            (0.7, false, 1),
            (0.95, true, 1),
            (0.75, false, 1),
        ];
        let figures = verify(&scores);
        assert_eq!(figures.accuracy, (0.5 + 0.5) / 2.0);
        assert_eq!(figures.tar_at_far_1e2, 2.0 / 3.0);
    }
}
