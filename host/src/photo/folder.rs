//! Folders of photos as people have them: with the system's own files, with photos in places that are not read, with names in any
//! spelling.
//!
//! Hidden entries and those that systems make (thumbnails, bins, indexes) are left out. Everything else that is not used is counted and
//! told.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::content::{self, Content, Foreign, HEAD_BYTES, READ};
use crate::name::{checked, visible};
use crate::output;

/// Most files and folders in a folder and all below it. More of them are no folder of photos to enrol or to measure on.
pub const MOST_ENTRIES: usize = 200_000;
/// File name endings of photos. A file with one of them that is no photo is a damaged photo, others are files of another kind.
pub const EXTENSIONS: [&str; 13] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "tif", "tiff", "gif", "pgm", "ppm", "pnm"];
/// Names of what systems put into folders for themselves, besides whatever begins with a dot.
const SYSTEM: [&str; 13] = [
    "@eaDir",
    "@__thumb",
    "@Recycle",
    "#recycle",
    "#snapshot",
    "$RECYCLE.BIN",
    "System Volume Information",
    "__MACOSX",
    "lost+found",
    "Thumbs.db",
    "desktop.ini",
    "ehthumbs.db",
    "Icon\r",
];

/// Content of a folder that is used, and words on the rest.
pub struct Listed<T> {
    /// What is used.
    pub found: T,
    /// A line for each reason for which files are not used, with their number.
    pub unused: Vec<String>,
    /// Folders that cannot be read. They are in a line as well.
    unreadable: Vec<PathBuf>,
}

impl<T> Listed<T> {
    /// Refuses folders that cannot be read, where nothing may be left out.
    ///
    /// # Errors
    /// Names the first.
    pub fn checked(self, is_strict: bool) -> Result<Self> {
        if let (true, Some(folder)) = (is_strict, self.unreadable.first()) {
            bail!("cannot read the folder {}: {UNREADABLE}", visible(&folder.display().to_string()));
        }
        Ok(self)
    }

    /// What is used; what is not is told on standard error.
    pub fn told(self) -> T {
        output::warn_all(&self.unused);
        self.found
    }
}

/// Files that are not used, by the reason; and those of them that are folders that cannot be read.
#[derive(Default)]
struct Unused(BTreeMap<String, Vec<PathBuf>>, Vec<PathBuf>);

impl Unused {
    fn add(&mut self, reason: impl Into<String>, path: PathBuf) {
        self.0.entry(reason.into()).or_default().push(path);
    }

    /// Adds a folder that cannot be read.
    fn add_folder(&mut self, error: &io::Error, folder: &Path) {
        self.add(format!("a folder that cannot be read ({error}); {UNREADABLE}"), folder.to_path_buf());
        self.1.push(folder.to_path_buf());
    }

    fn lines(&self) -> Vec<String> {
        let is_folder = |paths: &[PathBuf]| paths.iter().all(|path| self.1.contains(path));
        let line = |(reason, paths): (&String, &Vec<PathBuf>)| {
            let example = paths.first().map_or(String::new(), |path| visible(&path.display().to_string()));
            match paths.len() {
                1 => format!("{example} is not used: {reason}"),
                count if is_folder(paths) => {
                    format!("{count} folders are not used, such as {example}: {reason}")
                }
                count => format!("{count} files are not used, such as {example}: {reason}"),
            }
        };
        self.0.iter().map(line).collect()
    }
}

const UNREADABLE: &str =
    "its photos are not known; give yourself the right to read it, as with `chmod -R u+rX`, or remove it";
const NO_PHOTO: &str = "no photo";
const NO_FILE: &str = "neither a file nor a folder, or a link to nothing";
const LOOSE: &str = "a photo beside the people's folders belongs to nobody; move it into one";
const NESTED: &str = "photos in a folder within a person's folder are not read; move them up";

/// What lies at a path.
enum Found {
    Folder,
    Photo,
    /// Why it is not used.
    Other(String),
}

fn at(path: &Path) -> Found {
    // Of links, what they lead to.
    let Ok(found) = path.metadata() else { return Found::Other(NO_FILE.to_string()) };
    if found.is_dir() {
        return Found::Folder;
    }
    if !found.is_file() {
        return Found::Other(NO_FILE.to_string());
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_BYTES as u64).read_to_end(&mut head));
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let is_named_photo = EXTENSIONS.contains(&&*extension.to_ascii_lowercase());
    match (read, content::of(&head)) {
        (Ok(_), Content::Photo(_)) => Found::Photo,
        (Ok(_), Content::Foreign(Foreign { name, remedy })) => {
            Found::Other(format!("{name}, which is not read; {remedy}"))
        }
        // Damaged or unreadable: it is told as a photo that cannot be used.
        _ if is_named_photo => Found::Photo,
        _ => Found::Other(NO_PHOTO.to_string()),
    }
}

/// A way through folders that ends, whatever links there are.
struct Walk<'a> {
    root: &'a Path,
    seen: HashSet<PathBuf>,
    entries: usize,
}

impl<'a> Walk<'a> {
    fn new(root: &'a Path) -> Self {
        Walk { root, seen: HashSet::new(), entries: 0 }
    }

    /// Entries of a folder, in order of names, without what is hidden or a system's own; none of a folder that was read before.
    /// A folder within the first that cannot be read is added to what is not used.
    fn entries(&mut self, folder: &Path, unused: &mut Unused) -> Result<Vec<PathBuf>> {
        let paths = match self.paths(folder) {
            Ok(paths) => paths,
            Err(error) if folder != self.root => {
                unused.add_folder(&error, folder);
                return Ok(Vec::new());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read folder {}", folder.display()));
            }
        };
        ensure!(
            self.entries <= MOST_ENTRIES,
            "{} holds more than {MOST_ENTRIES} files and folders; give a folder of photos alone",
            self.root.display()
        );
        Ok(paths)
    }

    /// Paths of a folder's entries. They are counted, and reading ends when there are too many.
    fn paths(&mut self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        if !self.seen.insert(folder.canonicalize()?) {
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                break;
            }
            if !is_systems(&entry.file_name().to_string_lossy()) {
                entries.push(entry.path());
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// Photos of a folder and all below it; other files are added to those not used.
    fn photos(&mut self, folder: &Path, unused: &mut Unused) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(next) = folders.pop() {
            for path in self.entries(&next, unused)? {
                match at(&path) {
                    Found::Folder => folders.push(path),
                    Found::Photo => found.push(path),
                    Found::Other(reason) => unused.add(reason, path),
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Photos of a person's folder; those in folders of it and other files are added to those not used.
    fn person(&mut self, folder: &Path, unused: &mut Unused) -> Result<Vec<PathBuf>> {
        let mut photos = Vec::new();
        for path in self.entries(folder, unused)? {
            match at(&path) {
                Found::Folder => {
                    // With a memory of its own: the folder may be a link to another person's.
                    let mut within = Walk { root: self.root, seen: HashSet::new(), entries: self.entries };
                    let nested = within.photos(&path, unused)?;
                    self.entries = within.entries;
                    nested.into_iter().for_each(|photo| unused.add(NESTED, photo));
                }
                Found::Photo => photos.push(path),
                Found::Other(reason) => unused.add(reason, path),
            }
        }
        Ok(photos)
    }
}

/// Whether an entry is hidden, or made by a system for itself.
fn is_systems(name: &str) -> bool {
    name.starts_with('.') || SYSTEM.iter().any(|system| name.eq_ignore_ascii_case(system))
}

/// All photos in a folder and its subfolders, in order of their paths. A folder that is reached twice, by a link, is read once.
///
/// # Errors
/// When a folder cannot be read, holds too much, or there is no photo.
pub fn list(folder: &Path) -> Result<Listed<Vec<PathBuf>>> {
    let mut unused = Unused::default();
    let found = Walk::new(folder).photos(folder, &mut unused)?;
    ensure!(
        !found.is_empty(),
        "no photos in {} ({READ} are looked for){}",
        folder.display(),
        unused.lines().iter().map(|line| format!("; {line}")).collect::<String>()
    );
    Ok(Listed { found, unused: unused.lines(), unreadable: unused.1 })
}

/// A person's name and photos.
pub type Person = (String, Vec<PathBuf>);

/// The people in a folder: a subfolder each, named after them, with their photos.
///
/// # Errors
/// When there are none, two have one name, a name cannot be one, or nobody has a photo.
pub fn people(folder: &Path) -> Result<Listed<Vec<Person>>> {
    let mut found: Vec<Person> = Vec::new();
    let mut unused = Unused::default();
    let mut without = Vec::new();
    let mut folders: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut walk = Walk::new(folder);
    for path in walk.entries(folder, &mut unused)? {
        match at(&path) {
            Found::Folder => {}
            Found::Photo => {
                unused.add(LOOSE, path);
                continue;
            }
            Found::Other(reason) => {
                unused.add(reason, path);
                continue;
            }
        }
        let name = path.file_name().unwrap_or_default();
        let Some(name) = name.to_str() else {
            bail!("the name of the folder {} is not valid Unicode; rename it", path.display());
        };
        let name =
            checked(name).with_context(|| format!("the folder {:?} cannot be a person", path.display()))?;
        if let Some(other) = folders.insert(name.clone(), path.clone()) {
            bail!(
                "{:?} and {:?} are one name in two spellings; put the photos into one folder",
                other.display(),
                path.display()
            );
        }
        let photos = walk.person(&path, &mut unused)?;
        match photos.is_empty() {
            true => without.push(name),
            false => found.push((name, photos)),
        }
    }
    let mut lines = unused.lines();
    if !without.is_empty() {
        lines.push(format!(
            "{} without a photo in their folder ({READ}): {}",
            if without.len() == 1 {
                "one person is".to_string()
            } else {
                format!("{} people are", without.len())
            },
            output::some_of(&without)
        ));
    }
    ensure!(
        !found.is_empty(),
        "{} has no people: it needs a subfolder with photos for each, such as {}{}",
        folder.display(),
        folder.join("Ada/1.jpg").display(),
        lines.iter().map(|line| format!("; {line}")).collect::<String>()
    );
    Ok(Listed { found, unused: lines, unreadable: unused.1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        folder
    }

    #[test]
    fn hidden_and_system_entries_are_left_out() {
        let folder = folder_with(&[
            "Ada/0.jpg",
            "Ada/._0.jpg",
            "Ada/.DS_Store",
            "Ada/Thumbs.db",
            ".git/a.jpg",
            "@eaDir/a.jpg",
            "__MACOSX/Ada/0.jpg",
        ]);
        let Listed { found, unused, .. } = people(folder.path()).unwrap();
        assert_eq!(found, [("Ada".to_string(), vec![folder.path().join("Ada/0.jpg")])]);
        assert_eq!(unused, [""; 0]);
        assert_eq!(list(folder.path()).unwrap().found, [folder.path().join("Ada/0.jpg")]);
    }

    #[test]
    fn photos_in_places_that_are_not_read_are_counted() {
        let folder =
            folder_with(&["Ada/0.jpg", "Ada/2024/1.jpg", "Ada/2024/2.jpg", "loose.jpg", "Ada/n.txt"]);
        std::fs::create_dir(folder.path().join("Bob")).unwrap();
        let unused = people(folder.path()).unwrap().unused.join("\n");
        for words in
            ["2 files are not used", "within a person's folder", "loose.jpg is not used", "n.txt", "Bob"]
        {
            assert!(unused.contains(words), "{unused}");
        }
    }

    #[test]
    fn folder_without_people_says_what_it_has() {
        let folder = folder_with(&["1.jpg", "2.jpg"]);
        let error = people(folder.path()).err().unwrap().to_string();
        assert!(error.contains("a subfolder with photos for each") && error.contains("2 files"), "{error}");
    }

    #[test]
    fn one_name_in_two_spellings_is_refused() {
        let folder = folder_with(&["Jos\u{e9}/0.jpg", "Jose\u{301}/0.jpg"]);
        let error = people(folder.path()).err().unwrap().to_string();
        assert!(error.contains("one name in two spellings"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_end() {
        let folder = folder_with(&["a/0.jpg"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
        assert_eq!(list(folder.path()).unwrap().found, [folder.path().join("a/0.jpg")]);
    }
}
