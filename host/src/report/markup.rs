//! The page as HTML. The template escapes all text that is not markup.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Figures, Page, Part};

const STYLE: &str = "
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #202020; background: #fff; margin: 0 auto; max-width: 1280px;
       padding: 0 16px 48px; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin: 0 0 .3rem; }
p { max-width: 46rem; margin: .3rem 0 .8rem; }
nav a { display: inline-block; padding: .25rem .9rem .25rem 0; color: #0072b2; }
section { border-top: 1px solid #ddd; padding-top: 1.2rem; margin-top: 1.6rem; }
.beside { display: grid; grid-template-columns: minmax(0, 1fr); gap: 16px; align-items: start; }
@media (min-width: 1100px) { .beside { grid-template-columns: 640px minmax(0, 1fr); } }
figure { margin: 0; overflow-x: auto; }
svg { display: block; width: 100%; min-width: 340px; max-width: 640px; height: auto; }
.wide { overflow: auto; max-height: 640px; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #e4e4e4; vertical-align: top; }
th { position: sticky; top: 0; background: #fff; }
th, td { white-space: nowrap; }
.facts td:last-child { white-space: normal; overflow-wrap: anywhere; }
.facts td:first-child { color: #555; white-space: nowrap; }
.warning { background: #fff4d6; border-left: 4px solid #e69f00; padding: .5rem .8rem; margin: .5rem 0; max-width: 60rem; }
@media print { section { break-inside: avoid; } .wide { max-height: none; } }
";

/// The page with its parts.
pub fn page(page: &Page, parts: &[Part]) -> String {
    let title = printable(&page.title);
    let facts = Figures {
        head: Vec::new(),
        rows: page.facts.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect(),
    };
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                @for warning in &page.warnings {
                    p class="warning" { (printable(warning)) }
                }
                @if !page.facts.is_empty() {
                    div class="facts" { (table(&facts)) }
                }
                @if parts.is_empty() {
                    p { "Nothing was measured." }
                }
                nav {
                    @for part in parts {
                        a href={ "#" (part.name) } { (printable(&part.heading)) }
                    }
                }
                @for part in parts { (section(part)) }
            }
        }
    };
    markup.into_string()
}

fn section(part: &Part) -> Markup {
    html! {
        section id=(part.name) {
            h2 { (printable(&part.heading)) }
            p { (part.explanation) }
            div class="beside" {
                figure { (PreEscaped(&part.plot.svg)) }
                (table(&part.table))
            }
        }
    }
}

fn table(figures: &Figures) -> Markup {
    html! {
        div class="wide" {
            table {
                @if figures.head.iter().any(|cell| !cell.is_empty()) {
                    thead { tr { @for cell in &figures.head { th { (printable(cell)) } } } }
                }
                tbody {
                    @for row in &figures.rows {
                        tr { @for cell in row { td { (printable(cell)) } } }
                    }
                }
            }
        }
    }
}

/// Text without control characters, which are not allowed in HTML and XML.
pub fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
