//! The book in `docs` and README: every chapter is listed, every link leads somewhere, and README's figures are the book's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use suite::{accuracy, root};

/// The links of a page, and the anchors of its headings as mdBook and GitHub make them.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

impl Page {
    fn parse(text: &str) -> Page {
        let mut page = Page::default();
        let mut heading = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.to_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.add(&heading.take().unwrap_or_default()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        page
    }

    /// Adds the anchor of a heading; later headings of the same text get a number.
    fn add(&mut self, heading: &str) {
        let lower = heading.to_lowercase();
        let kept = lower.chars().map(|c| if c.is_whitespace() { '-' } else { c });
        let anchor: String = kept.filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
        let numbered = (1..).map(|number| format!("{anchor}-{number}"));
        let mut free = std::iter::once(anchor.clone()).chain(numbered).filter(|a| !self.anchors.contains(a));
        self.anchors.extend(free.next());
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The links of a page that lead nowhere.
fn broken(path: &Path) -> Vec<String> {
    let page = Page::parse(&read(path));
    let leads = |link: &String| {
        if link.contains("://") {
            return true;
        }
        let (file, anchor) =
            link.split_once('#').map_or((&**link, None), |(file, anchor)| (file, Some(anchor)));
        let target = if file.is_empty() { path.to_path_buf() } else { path.with_file_name(file) };
        target.is_file() && anchor.is_none_or(|anchor| Page::parse(&read(&target)).anchors.contains(anchor))
    };
    let dead = page.links.iter().filter(|link| !leads(link));
    dead.map(|link| format!("{}: {link}", path.display())).collect()
}

fn chapters() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs/src")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut pages = chapters();
    pages.push(root().join("README.md"));
    let dead: Vec<String> = pages.iter().flat_map(|page| broken(page)).collect();
    assert!(dead.is_empty(), "links that lead nowhere:\n{}", dead.join("\n"));
}

#[test]
fn dead_links_and_anchors_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("a.md");
    fs::write(&page, "# One `two`\n\n# One two\n\n[a](#one-two) [b](#one-two-1) [c](#one-two-2) [d](b.md)")
        .unwrap();
    let dead = broken(&page);
    assert_eq!(dead.len(), 2, "{dead:?}");
    assert!(dead[0].ends_with(": #one-two-2") && dead[1].ends_with(": b.md"), "{dead:?}");
}

#[test]
fn the_summary_lists_every_chapter_once() {
    let summary = root().join("docs/src/SUMMARY.md");
    let mut listed: Vec<PathBuf> =
        Page::parse(&read(&summary)).links.iter().map(|link| summary.with_file_name(link)).collect();
    let mut present = chapters();
    present.retain(|path| *path != summary);
    listed.sort();
    present.sort();
    assert_eq!(listed, present);
}

#[test]
fn figures_of_readme_are_those_of_the_book() {
    let readme = read(&root().join("README.md"));
    let (_, figures) = readme.split_once("\n## Figures\n").expect("README has figures");
    let (figures, _) = figures.split_once("\n## ").expect("a heading after them");
    let book = read(&root().join("docs/src/figures.md"));
    let cells = figures.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('|').skip(2));
    let cells: Vec<&str> = cells.map(str::trim).filter(|cell| cell.starts_with(char::is_numeric)).collect();
    assert!(cells.len() >= 10, "{cells:?}");
    for cell in cells {
        assert!(book.contains(&format!("| {cell} |")), "README has {cell}, the book has not");
    }
    assert!(readme.lines().count() <= 150, "README is longer than 150 lines");
}

#[test]
fn accuracy_in_the_book_is_that_of_the_baseline() {
    let book = read(&root().join("docs/src/figures.md"));
    let (_, table) =
        book.split_once("<!-- accuracy: written by the benchmark -->").expect("the place of the tables");
    let networks = accuracy::baseline();
    let columns: Vec<Vec<[String; 2]>> = networks.values().map(accuracy::rows).collect();
    let head = networks.keys().map(|name| format!(" {name} |")).collect::<String>();
    assert!(table.trim_start().starts_with(&format!("|  |{head}\n")), "{head}");
    for (place, [head, _]) in columns[0].iter().enumerate() {
        let cells = columns.iter().map(|rows| format!(" {} |", rows[place][1])).collect::<String>();
        assert!(table.contains(&format!("| {head} |{cells}\n")), "the baseline has: {head} |{cells}");
    }
}
