//! Folders of photos as people have them: with the system's own files, with photos in places that are not read, with names in any
//! spelling.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use format::gallery::MAX_NAME;
use unicode_normalization::UnicodeNormalization as _;

use super::FORMATS;
use crate::output;

/// File name endings of the photos that can be read.
pub const EXTENSIONS: [&str; 12] =
    ["jpg", "jpeg", "jpe", "png", "webp", "bmp", "tif", "tiff", "gif", "pgm", "ppm", "pnm"];
/// What systems put into folders for themselves, besides whatever begins with a dot.
const SYSTEM: [&str; 9] = [
    "@eaDir",
    "#recycle",
    "$RECYCLE.BIN",
    "System Volume Information",
    "__MACOSX",
    "lost+found",
    "Thumbs.db",
    "desktop.ini",
    "ehthumbs.db",
];
/// Most folders within folders that are looked into.
const MOST_NESTED: usize = 32;

/// What a folder holds that is used, and words on what is not.
pub struct Listed<T> {
    /// What is used.
    pub found: T,
    /// A line for each reason for which files are not used, with their number.
    pub unused: Vec<String>,
}

impl<T> Listed<T> {
    /// What is used; what is not is told on standard error.
    pub fn told(self) -> T {
        self.unused.iter().for_each(|line| output::warn(line));
        self.found
    }
}

/// Files that are not used, by the reason.
#[derive(Default)]
struct Unused(BTreeMap<&'static str, Vec<PathBuf>>);

impl Unused {
    fn add(&mut self, reason: &'static str, path: PathBuf) {
        self.0.entry(reason).or_default().push(path);
    }

    fn lines(&self) -> Vec<String> {
        let line = |(reason, paths): (&&str, &Vec<PathBuf>)| {
            let example = paths.first().map_or(String::new(), |path| path.display().to_string());
            match paths.len() {
                1 => format!("{example} is not used: {reason}"),
                count => format!("{count} files are not used, such as {example}: {reason}"),
            }
        };
        self.0.iter().map(line).collect()
    }
}

const OTHER_FORMAT: &str =
    "they have not the name of a photo (.jpg, .png, .webp, .bmp, .tif, .gif, .ppm); convert or rename them";
const LOOSE: &str = "photos that lie beside the people's folders belong to nobody; move them into one";
const NESTED: &str = "photos in a folder within a person's folder are not read; move them up";

/// All photos in a folder and its subfolders, in order of their paths. A folder that is reached twice, by a link, is read once.
///
/// # Errors
/// When the folder cannot be read or holds none.
pub fn list(folder: &Path) -> Result<Listed<Vec<PathBuf>>> {
    let mut found = Vec::new();
    let mut unused = Unused::default();
    let mut seen = HashSet::new();
    let mut folders = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        if !seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
            continue;
        }
        ensure!(depth <= MOST_NESTED, "{} has folders within folders without end", folder.display());
        for path in entries(&folder)? {
            if path.is_dir() {
                folders.push((path, depth + 1));
            } else if is_photo(&path) {
                found.push(path);
            } else {
                unused.add(OTHER_FORMAT, path);
            }
        }
    }
    found.sort();
    ensure!(
        !found.is_empty(),
        "no photos in {} ({FORMATS} are looked for){}",
        folder.display(),
        unused.lines().iter().map(|line| format!("; {line}")).collect::<String>()
    );
    Ok(Listed { found, unused: unused.lines() })
}

/// A name, and the photos of whoever has it.
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
    for path in entries(folder)? {
        if !path.is_dir() {
            unused.add(if is_photo(&path) { LOOSE } else { OTHER_FORMAT }, path);
            continue;
        }
        let name = path.file_name().unwrap_or_default();
        let Some(name) = name.to_str() else {
            bail!("the name of the folder {} is not valid Unicode; rename it", path.display());
        };
        let name =
            person(name).with_context(|| format!("the folder {:?} cannot be a person", path.display()))?;
        if let Some(other) = folders.insert(name.clone(), path.clone()) {
            bail!(
                "{:?} and {:?} are one name in two spellings; put the photos into one folder",
                other.display(),
                path.display()
            );
        }
        let mut photos = Vec::new();
        for entry in entries(&path)? {
            if entry.is_dir() {
                list(&entry)
                    .map_or(vec![], |listed| listed.found)
                    .into_iter()
                    .for_each(|p| unused.add(NESTED, p));
            } else if is_photo(&entry) {
                photos.push(entry);
            } else {
                unused.add(OTHER_FORMAT, entry);
            }
        }
        match photos.is_empty() {
            true => without.push(name),
            false => found.push((name, photos)),
        }
    }
    let mut lines = unused.lines();
    if !without.is_empty() {
        lines.push(format!(
            "{} without a photo in their folder ({FORMATS}): {}",
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
    Ok(Listed { found, unused: lines })
}

/// A person's name as an image has it: in Unicode's form C, so that one name has one spelling.
///
/// # Errors
/// When it has characters that are not seen, or is too long.
pub fn person(name: &str) -> Result<String> {
    let name = composed(name);
    let hidden = name.chars().find(|&c| is_hidden(c));
    if let Some(hidden) = hidden {
        bail!(
            "the name {name:?} has a character that is not seen or moves others (U+{:04X}); rename it",
            u32::from(hidden)
        );
    }
    ensure!(
        !name.is_empty() && name.trim() == name,
        "the name {name:?} is empty, or begins or ends with a space; rename it"
    );
    ensure!(
        name.len() <= MAX_NAME,
        "the name {name:?} has {} bytes, at most {MAX_NAME} are supported; shorten it",
        name.len()
    );
    Ok(name)
}

/// The one spelling of a name: Unicode's form C.
pub fn composed(name: &str) -> String {
    name.nfc().collect()
}

/// Characters that control terminals, that are not seen, or that change the order of others.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A name as it may be printed: what is not seen is written out.
pub fn visible(name: &str) -> String {
    name.chars().map(|c| if is_hidden(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// What a folder holds, in order of names, without what is hidden or a system's own.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut entries = read().with_context(|| format!("cannot read folder {}", folder.display()))?;
    entries.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with('.') && !SYSTEM.iter().any(|system| name.eq_ignore_ascii_case(system))
    });
    entries.sort();
    Ok(entries)
}

fn is_photo(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    path.is_file() && EXTENSIONS.contains(&&*extension.to_ascii_lowercase())
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
        let Listed { found, unused } = people(folder.path()).unwrap();
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
        assert_eq!(person("Jose\u{301}").unwrap(), "Jos\u{e9}");
    }

    #[test]
    fn names_that_would_deceive_are_refused() {
        for name in ["a\nb", "a\u{1b}[31m", "a\u{202e}b", "a\u{200b}", " a", "", &"x".repeat(65)] {
            assert!(person(name).is_err(), "{name:?}");
        }
        assert_eq!(person("Zoë Müller-Łódź 李").unwrap(), "Zoë Müller-Łódź 李");
        assert_eq!(visible("a\u{1b}[31mb"), "a\\u{1b}[31mb");
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_end() {
        let folder = folder_with(&["a/0.jpg"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
        assert_eq!(list(folder.path()).unwrap().found, [folder.path().join("a/0.jpg")]);
    }
}
