//! Pairs of photos to verify: from a CSV file, from LFW's own `pairs.txt`, or made from a folder with a subfolder for
//! each person.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::list;
use super::reading::People;
use crate::photo;

/// Most genuine pairs made for each person: more of one person add little.
const MOST_PAIRS_A_PERSON: usize = 15;
/// Number of folds of such pairs, if there are enough people.
const FOLDS: usize = 10;

/// Two photos, of one person or of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Numbers of the photos.
    pub photos: [usize; 2],
    /// Whether they show one person.
    pub same: bool,
    /// Its fold.
    pub fold: usize,
}

/// A line of a pairs file.
#[derive(Deserialize)]
struct PairLine {
    path_a: PathBuf,
    path_b: PathBuf,
    same: Same,
    fold: usize,
}

#[derive(PartialEq, Eq, Deserialize)]
enum Same {
    #[serde(rename = "1")]
    Yes,
    #[serde(rename = "0")]
    No,
}

/// A pairs file: photos, and pairs of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Paths as in the file.
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
        let hint = " (LFW's pairs.txt is for --protocol lfw)";
        let mut numbers = HashMap::new();
        let mut read = Pairs::default();
        for PairLine { path_a, path_b, same, fold } in list::rows(text, "path_a,path_b,same,fold", hint)? {
            read.push(&mut numbers, [path_a, path_b], same == Same::Yes, fold);
        }
        read.check()
    }

    /// Reads LFW's `pairs.txt` (view 2) or `pairsDevTest.txt` (view 1, one fold): people's names and numbers of their
    /// photos, which lie in `folder` as `Name/Name_0001.jpg`.
    ///
    /// # Errors
    /// Names the line, or the photo that is missing.
    pub fn read_lfw(path: &Path, folder: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let photo = |name: &str, number: u32| {
            let stem = folder.join(name).join(format!("{name}_{number:04}"));
            let endings = photo::folder::EXTENSIONS.iter().map(|ending| stem.with_extension(ending));
            let found = endings.into_iter().find(|path| path.is_file());
            let relative = |path: PathBuf| path.strip_prefix(folder).map(Path::to_path_buf).unwrap_or(path);
            found.map(relative).with_context(|| format!("there is no photo {}.jpg", stem.display()))
        };
        Self::parse_lfw(&text, photo).with_context(|| format!("{} cannot be used", path.display()))
    }

    fn parse_lfw(text: &str, photo: impl Fn(&str, u32) -> Result<PathBuf>) -> Result<Self> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let (_, header) = lines.next().unwrap_or((1, ""));
        let counts: Option<Vec<usize>> = header.split_whitespace().map(|count| count.parse().ok()).collect();
        let (folds, count) = match counts.as_deref() {
            Some(&[count]) if count > 0 => (1, count),
            Some(&[folds, count]) if folds > 0 && count > 0 => (folds, count),
            _ => bail!(
                "line 1 is {header:?}, the numbers of folds and of pairs are expected, as in LFW's pairs.txt"
            ),
        };
        let mut numbers = HashMap::new();
        let mut read = Pairs::default();
        // A fold's pairs of one person come first, then as many of two.
        let all = folds.checked_mul(count).and_then(|pairs| pairs.checked_mul(2));
        let all = all.with_context(|| format!("line 1 is {header:?}, which are too many pairs"))?;
        for place in 0..all {
            let same = place / count % 2 == 0;
            let (number, line) = lines
                .next()
                .with_context(|| format!("it ends after {place} pairs, line 1 promises {all}"))?;
            let fields: Vec<&str> = line.split_whitespace().collect();
            let names = match fields[..] {
                [name, a, b] if same => Some([(name, a), (name, b)]),
                [first, a, second, b] if !same => Some([(first, a), (second, b)]),
                _ => None,
            };
            let kind = if same { "one person" } else { "two people" };
            let [a, b] = names.with_context(|| format!("line {number}: {line:?} is no pair of {kind}"))?;
            let path = |(name, photo_number): (&str, &str)| {
                let photo_number = photo_number.parse().ok();
                photo_number
                    .with_context(|| format!("line {number}: {line:?}"))
                    .and_then(|photo_number| photo(name, photo_number))
            };
            read.push(&mut numbers, [path(a)?, path(b)?], same, place / count / 2);
        }
        read.check()
    }

    /// Makes pairs of the photos of a folder's people: for each pair of one person's photos (at most 15
    /// for each person) also a pair of one of these and another person's photo. Nobody is in two folds.
    ///
    /// # Errors
    /// When nobody has two photos, or there is only one person.
    pub fn deal(folder: &Path, people: &People) -> Result<Self> {
        let relative = |path: &PathBuf| path.strip_prefix(folder).unwrap_or(path).to_path_buf();
        let several: Vec<usize> = (0..people.len()).filter(|&person| people[person].1.len() > 1).collect();
        ensure!(
            people.len() > 1 && !several.is_empty(),
            "{} has no pairs of one person and of two: a subfolder for each of several people is needed, some with several photos",
            folder.display()
        );
        let folds = FOLDS.min(several.len() / 2).max(1);
        let mut fold_of = vec![0; people.len()];
        let alone = (0..people.len()).filter(|person| people[*person].1.len() == 1);
        for (place, person) in several.iter().copied().chain(alone).enumerate() {
            fold_of[person] = place % folds;
        }
        let mut numbers = HashMap::new();
        let mut dealt = Pairs::default();
        for person in several {
            let fold = fold_of[person];
            let others: Vec<usize> =
                (0..people.len()).filter(|&other| other != person && fold_of[other] == fold).collect();
            let photos = &people[person].1;
            let pairs = (0..photos.len()).flat_map(|b| (0..b).map(move |a| [a, b]));
            for (turn, [a, b]) in pairs.take(MOST_PAIRS_A_PERSON).enumerate() {
                dealt.push(&mut numbers, [&photos[a], &photos[b]].map(relative), true, fold);
                // All other people of the fold in turn, with a different start for each person.
                if let Some(&other) = others.get((person * 7 + turn) % others.len().max(1)) {
                    let theirs = &people[other].1;
                    let other = &theirs[turn % theirs.len()];
                    dealt.push(&mut numbers, [&photos[a], other].map(relative), false, fold);
                }
            }
        }
        dealt.check()
    }

    fn push(&mut self, numbers: &mut HashMap<PathBuf, usize>, photos: [PathBuf; 2], same: bool, fold: usize) {
        let photos = photos.map(|photo| {
            *numbers.entry(photo.clone()).or_insert_with(|| {
                self.photos.push(photo);
                self.photos.len() - 1
            })
        });
        self.pairs.push(Pair { photos, same, fold });
    }

    /// The person in each photo, from 0. The photos of a genuine pair show one person; so do the photos of a folder,
    /// if no genuine pair contradicts that.
    pub(super) fn people(&self) -> Vec<usize> {
        let mut people: Vec<usize> = (0..self.photos.len()).collect();
        let folder =
            |photo: usize| self.photos[photo].parent().filter(|folder| !folder.as_os_str().is_empty());
        let is_of_several = |pair: &&Pair| !pair.same && folder(pair.photos[0]) == folder(pair.photos[1]);
        let of_several: HashSet<&Path> =
            self.pairs.iter().filter(is_of_several).filter_map(|pair| folder(pair.photos[0])).collect();
        let mut first: HashMap<&Path, usize> = HashMap::new();
        for photo in 0..self.photos.len() {
            if let Some(folder) = folder(photo).filter(|folder| !of_several.contains(folder)) {
                join(&mut people, *first.entry(folder).or_insert(photo), photo);
            }
        }
        for pair in self.pairs.iter().filter(|pair| pair.same) {
            join(&mut people, pair.photos[0], pair.photos[1]);
        }
        (0..people.len()).map(|photo| root(&people, photo)).collect()
    }

    fn check(self) -> Result<Self> {
        let kinds = [true, false].map(|kind| self.pairs.iter().filter(|pair| pair.same == kind).count());
        ensure!(
            !kinds.contains(&0),
            "pairs of one person and of two are needed, there are {} and {}",
            kinds[0],
            kinds[1]
        );
        Ok(self)
    }
}

/// The photo that represents all photos joined with this one.
fn root(joined: &[usize], mut photo: usize) -> usize {
    while joined[photo] != photo {
        photo = joined[photo];
    }
    photo
}

fn join(joined: &mut [usize], a: usize, b: usize) {
    let [a, b] = [a, b].map(|photo| root(joined, photo));
    joined[a.max(b)] = a.min(b);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_from_pairs_and_folders() {
        let text = "path_a,path_b,same,fold\n1.jpg,2.jpg,1,0\n2.jpg,3.jpg,1,0\n3.jpg,4.jpg,0,0\na/1.jpg,b/1.jpg,0,0\n\
                    a/2.jpg,c/1.jpg,0,0\nc/1.jpg,c/2.jpg,0,0\n";
        let pairs = Pairs::parse(text).unwrap();
        let names: Vec<&str> = pairs.photos.iter().map(|photo| photo.to_str().unwrap()).collect();
        assert_eq!(
            names,
            ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "a/1.jpg", "b/1.jpg", "a/2.jpg", "c/1.jpg", "c/2.jpg"]
        );
        assert_eq!(pairs.people(), [0, 0, 0, 3, 4, 5, 4, 7, 8]);
    }

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

    const LFW: &str = "2\t1\nAda\t1\t2\nAda\t1\tGrace\t3\nEdith\t4\t10\nGrace\t3\tEdith\t4\n";

    #[test]
    fn lfws_own_list_is_read_in_its_folds() {
        let photo = |name: &str, number: u32| Ok(PathBuf::from(format!("{name}/{number}")));
        let pairs = Pairs::parse_lfw(LFW, photo).unwrap();
        assert_eq!(pairs.photos, ["Ada/1", "Ada/2", "Grace/3", "Edith/4", "Edith/10"].map(PathBuf::from));
        let expected = [([0, 1], true, 0), ([0, 2], false, 0), ([3, 4], true, 1), ([2, 3], false, 1)];
        assert_eq!(pairs.pairs, expected.map(|(photos, same, fold)| Pair { photos, same, fold }));
        let said = |text: &str| format!("{:#}", Pairs::parse_lfw(text, photo).unwrap_err());
        assert!(said("2\t2\nAda\t1\t2\nAda\t1\tGrace\t3\n").contains("line 3"));
        assert!(said(&LFW[..LFW.len() - 18]).contains("ends after 3 pairs"));
        assert!(said("path_a,path_b,same,fold\n").contains("line 1"));
        let missing = |_: &str, number: u32| bail!("there is no photo {number}");
        assert!(format!("{:#}", Pairs::parse_lfw(LFW, missing).unwrap_err()).contains("no photo 1"));
    }

    #[test]
    fn pairs_are_dealt_from_folders_of_people() {
        let folder = tempfile::tempdir().unwrap();
        for (name, count) in [("Ada", 3), ("Edith", 1), ("Grace", 2), ("Mary", 2), ("Sophie", 2)] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            for number in 0..count {
                std::fs::write(folder.path().join(format!("{name}/{number}.jpg")), b"").unwrap();
            }
        }
        let people = photo::folder::people(folder.path()).unwrap().found;
        let pairs = Pairs::deal(folder.path(), &people).unwrap();
        assert_eq!(pairs, Pairs::deal(folder.path(), &people).unwrap());
        let person = |photo: usize| pairs.photos[photo].parent().unwrap().to_path_buf();
        let mut folds = HashMap::new();
        for Pair { photos: [a, b], same, fold } in &pairs.pairs {
            assert_eq!(person(*a) == person(*b), *same);
            assert!([a, b].iter().all(|photo| *folds.entry(person(**photo)).or_insert(*fold) == *fold));
        }
        let count = |kind| pairs.pairs.iter().filter(|pair| pair.same == kind).count();
        assert_eq!((count(true), count(false)), (6, 6));
        let error = Pairs::deal(folder.path(), &people[1..2]).unwrap_err().to_string();
        assert!(error.contains("no pairs"), "{error}");
    }
}
