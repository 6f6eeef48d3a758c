//! The use of each photo in open-set identification: from a CSV file, or assigned to the people of a folder.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::list;
use super::reading::{People, ReadPhotos};
use crate::people::copies;

/// The use of a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Enrols its person.
    Enrol,
    /// Shows somebody enrolled.
    Probe,
    /// Shows nobody enrolled.
    Stranger,
    /// Measures the thresholds.
    Cohort,
}

/// A line of a list of photos.
#[derive(Deserialize)]
struct RoleLine {
    path: PathBuf,
    identity: String,
    role: Role,
}

/// Photos with their people and uses.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// Paths.
    pub photos: Vec<PathBuf>,
    /// The person in each photo.
    pub(super) identities: Vec<String>,
    /// The use of each photo.
    roles: Vec<Role>,
}

impl Roles {
    /// Reads a CSV file with the header `path,identity,role`.
    ///
    /// # Errors
    /// Names the line.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a list of photos", path.display()))
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut read = Roles::default();
        for RoleLine { path, identity, role } in list::rows(text, "path,identity,role", "")? {
            read.push(path, identity, role);
        }
        read.check()
    }

    /// Assigns roles to the people of a folder, each with a subfolder. People with at least four photos are enrolled
    /// with the first three, and the others are probes. The first photo of everybody else is a stranger's or the
    /// cohort's, alternately.
    ///
    /// # Errors
    /// When the folder has too few people of each kind.
    pub fn deal(folder: &Path, people: &People) -> Result<Self> {
        let mut dealt = Roles::default();
        let mut to_cohort = false;
        for (name, photos) in people {
            let relative = |path: &PathBuf| path.strip_prefix(folder).unwrap_or(path).to_path_buf();
            if photos.len() >= 4 {
                for (index, path) in photos.iter().enumerate() {
                    dealt.push(
                        relative(path),
                        name.clone(),
                        if index < 3 { Role::Enrol } else { Role::Probe },
                    );
                }
            } else if let Some(first) = photos.first() {
                dealt.push(
                    relative(first),
                    name.clone(),
                    if to_cohort { Role::Cohort } else { Role::Stranger },
                );
                to_cohort = !to_cohort;
            }
        }
        dealt.check()
    }

    /// The same without photos of the cohort that are copies of another there: each would raise the thresholds.
    ///
    /// # Errors
    /// When too few are left.
    pub fn without_copies(self, read: ReadPhotos) -> Result<(Self, ReadPhotos)> {
        let cohort = self.of_role(Role::Cohort);
        let crops: Vec<&[u8]> = cohort.iter().map(|&photo| &*read.crops[photo]).collect();
        let firsts = copies::pictures(&crops, read.shape);
        let first_of: BTreeMap<usize, usize> =
            cohort.iter().zip(&firsts).filter_map(|(&copy, first)| Some((copy, cohort[(*first)?]))).collect();
        let mut kept = Roles::default();
        let ReadPhotos { crops, mut warnings, .. } = read;
        let mut kept_crops = Vec::new();
        for (photo, crop) in crops.into_iter().enumerate().filter(|(photo, _)| !first_of.contains_key(photo))
        {
            kept.push(self.photos[photo].clone(), self.identities[photo].clone(), self.roles[photo]);
            kept_crops.push(crop);
        }
        let pairs: Vec<[PathBuf; 2]> = first_of
            .iter()
            .map(|(&copy, &first)| [first, copy].map(|photo| self.photos[photo].clone()))
            .collect();
        warnings.extend(copies::words("photos of the cohort", cohort.len() - pairs.len(), &pairs));
        Ok((kept.check()?, ReadPhotos { crops: kept_crops, warnings, ..read }))
    }

    fn push(&mut self, path: PathBuf, identity: String, role: Role) {
        self.photos.push(path);
        self.identities.push(identity);
        self.roles.push(role);
    }

    fn check(self) -> Result<Self> {
        let group = |role| match role {
            Role::Enrol | Role::Probe => "enrolled",
            Role::Stranger => "a stranger",
            Role::Cohort => "of the cohort",
        };
        let mut groups = BTreeMap::new();
        let mut paths = HashSet::new();
        for ((person, path), &role) in self.identities.iter().zip(&self.photos).zip(&self.roles) {
            let (one, other) = (*groups.entry(person).or_insert(group(role)), group(role));
            ensure!(
                one == other,
                "{person} is {one} and {other}: only one of these is possible; correct the list"
            );
            ensure!(paths.insert(path), "{} is there twice; a photo has one role", path.display());
        }
        for (role, least, name) in [
            (Role::Enrol, 1, "to enrol"),
            (Role::Probe, 1, "of enrolled people as probes"),
            (Role::Stranger, 20, "of strangers"),
            (Role::Cohort, 20, "for the cohort"),
        ] {
            let people = self.by_person(role).len();
            let count = if role == Role::Cohort { people } else { self.of_role(role).len() };
            ensure!(count >= least, "{count} photos {name}, at least {least} are needed");
        }
        Ok(self)
    }

    /// Photos of a role, by person.
    pub(super) fn by_person(&self, role: Role) -> BTreeMap<&str, Vec<usize>> {
        let mut people = BTreeMap::new();
        for (index, identity) in
            self.identities.iter().enumerate().filter(|(index, _)| self.roles[*index] == role)
        {
            people.entry(&**identity).or_insert_with(Vec::new).push(index);
        }
        people
    }

    pub(super) fn of_role(&self, role: Role) -> Vec<usize> {
        (0..self.photos.len()).filter(|&index| self.roles[index] == role).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_read_and_bad_lines_are_named() {
        let mut text = "path,identity,role\na.jpg,Ada,enrol\nb.jpg,Ada,probe\n".to_string();
        for index in 0..20 {
            text += &format!("s{index}.jpg,S{index},stranger\nc{index}.jpg,C{index},cohort\n");
        }
        let roles = Roles::parse(&text).unwrap();
        assert_eq!(roles.by_person(Role::Enrol), [("Ada", vec![0])].into());
        assert_eq!(roles.of_role(Role::Cohort).len(), 20);
        let error =
            format!("{:#}", Roles::parse(&text.replace("b.jpg,Ada,probe", "b.jpg,Ada,prob")).unwrap_err());
        assert!(error.contains("line 3"), "{error}");
        for (line, words) in [
            ("x.jpg,Ada,stranger", "Ada is enrolled and a stranger"),
            ("x.jpg,S3,cohort", "S3 is a stranger and of the cohort"),
            ("a.jpg,Ada,probe", "a.jpg is there twice"),
        ] {
            let error = format!("{:#}", Roles::parse(&format!("{text}{line}\n")).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
        let error = Roles::parse("path,identity,role\na.jpg,Ada,enrol\n").unwrap_err().to_string();
        assert!(error.contains("probes"), "{error}");
    }
}
