//! The report: plots and their figures in one self-contained HTML file, and as SVG and PNG files.
//!
//! Everything here is a function of plain data: [`Page`] is the content, [`html`] and [`write()`] make files of it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use self::canvas::Plot;
use crate::output::write_whole;
use crate::quantize::LayerReport;

pub mod angles;
pub mod arena;
mod axes;
pub mod canvas;
pub mod det;
pub mod map;
mod markup;
pub mod noise;
pub mod pairs;
pub mod scores;
pub mod sheet;
pub mod sphere;
pub mod thresholds;

/// The content of a report. Parts that are `None` or empty are left out.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Heading.
    pub title: String,
    /// Names and values of the main facts: network, image, accuracy, bytes, dates, commands.
    pub facts: Vec<(String, String)>,
    /// Warnings for the reader.
    pub warnings: Vec<String>,
    /// Histograms of cosines.
    pub scores: Option<scores::Scores>,
    /// Detection error trade-off.
    pub det: Option<det::Det>,
    /// Thresholds by gallery size.
    pub thresholds: Option<thresholds::Thresholds>,
    /// Angles between enrolled people.
    pub angles: Option<angles::Angles>,
    /// People and their neighbours.
    pub spheres: Vec<sphere::Sphere>,
    /// Photos of the worst pairs.
    pub pairs: Option<pairs::WorstPairs>,
    /// Quantisation noise, in order of execution.
    pub layers: Vec<LayerReport>,
    /// Memory over time.
    pub arena: Option<arena::Arena>,
}

/// Figures in rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The columns' headings; all empty if the table is empty.
    pub head: Vec<String>,
    /// Rows with as many cells as columns.
    pub rows: Vec<Vec<String>>,
}

impl Figures {
    fn new(head: &[&str]) -> Self {
        Figures { head: head.iter().map(|cell| cell.to_string()).collect(), rows: Vec::new() }
    }

    fn push(&mut self, row: impl IntoIterator<Item = String>) {
        self.rows.push(row.into_iter().collect());
    }
}

/// A plot, its figures, and an explanation.
struct Part {
    /// Name of the plot's files, and of the place in the page.
    name: String,
    heading: String,
    explanation: String,
    plot: Plot,
    table: Figures,
}

impl Page {
    fn parts(&self) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut add = |name: &str, heading: &str, explanation: &str, plot, table| {
            let (name, heading, explanation) = (name.into(), heading.into(), explanation.into());
            parts.push(Part { name, heading, explanation, plot, table });
        };
        if let Some(data) = &self.scores {
            let why = "The cosines of photos of one person, and of photos of two. The less the two hills overlap, the \
                       better the network distinguishes people. Pairs to the right of the threshold are accepted.";
            add("scores", "Scores", why, scores::histograms(data)?, scores::table(data));
        }
        if let Some(data) = &self.det {
            let why = format!(
                "Every threshold trades wrong acceptances (right) against wrong refusals (up): lower left is better. Dots are \
                 the requested rates. Crosses are the 95 % bounds of both rates at that threshold, by people; the table \
                 also has the bounds by comparisons, as if these were independent. The curves between have no bounds. A rate \
                 of zero is drawn as half an event. {}",
                data.bounds_hold_for
            );
            add("det", "Errors", &why, det::trade_off(data)?, det::table(data));
        }
        if let Some(data) = &self.thresholds {
            let why = "The more people are enrolled, the more chances a stranger has to resemble one of them: the \
                       threshold rises so that the stated rate holds. Dashed thresholds rest on too few strangers \
                       for that rate, or on none.";
            add("thresholds", "Thresholds", why, thresholds::thresholds(data)?, thresholds::table(data));
        }
        if let Some(data) = &self.angles {
            let why = "Angles between the centres of enrolled people. Unrelated faces are near 90°; dark cells are \
                       people who look alike to the network.";
            add("angles", "People", why, angles::heat_map(data)?, angles::table(data));
        }
        for (index, data) in self.spheres.iter().enumerate() {
            let why = "Distance from the middle is the angle to the person's centre; the nearest other centre is to \
                       the right, at its angle φ. The bearing of a probe is its bearing on the sphere through both \
                       centres and the probe. Its side has no meaning: the person's own photos are drawn above, \
                       all others below. On the lines the decision of the rules changes.";
            let name = format!("sphere-{}", index + 1);
            add(&name, &format!("Around {}", data.person), why, sphere::sphere(data)?, sphere::table(data));
        }
        if let Some(data) = &self.pairs {
            let why = "The photos that the network gets most wrong. Look for wrong labels, bad crops and covered \
                       faces before blaming the threshold.";
            add("pairs", "Worst pairs", why, pairs::worst(data)?, pairs::table(data));
        }
        if !self.layers.is_empty() {
            let why = "Signal to quantisation noise of each layer's output on calibration photos, with the noise of all \
                       layers before it. A steep fall shows the layer that int8 harms.";
            add("noise", "Quantisation", why, noise::noise(&self.layers)?, noise::table(&self.layers));
        }
        if let Some(data) = &self.arena {
            let why = "Each rectangle is a ring of rows: its place in the arena, and its first and last step. A step \
                       makes one row of one layer. At a dashed line a tensor is completed before the next step.";
            add("arena", "Memory", why, arena::timeline(data)?, arena::table(data));
        }
        Ok(parts)
    }
}

/// The report as one HTML page without scripts or external resources.
///
/// # Errors
/// When a plot cannot be drawn.
pub fn html(report: &Page) -> Result<String> {
    Ok(markup::page(report, &report.parts()?))
}

/// The folder beside a report that gets each plot as a file.
pub fn plots_folder(file: &Path) -> PathBuf {
    file.with_extension("plots")
}

/// Writes the page to `file`, and each plot as `.svg` and `.png` into [`plots_folder`], which is created. Files of the same names are
/// replaced.
///
/// # Errors
/// When a plot cannot be drawn or a file cannot be written. Files written so far are complete.
pub fn write(report: &Page, file: &Path) -> Result<()> {
    let parts = report.parts()?;
    write_whole(file, markup::page(report, &parts).as_bytes())?;
    let folder = plots_folder(file);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for part in &parts {
        let path = folder.join(&part.name);
        write_whole(&path.with_extension("svg"), part.plot.svg.as_bytes())?;
        write_whole(&path.with_extension("png"), &part.plot.png)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Scored;

    /// The content of an SVG, in pixels.
    pub struct Shapes {
        /// Texts.
        pub texts: Vec<String>,
        /// Addresses of images.
        pub images: Vec<String>,
        /// Tag, colour (of filling, else of line) and numbers: a circle's centre and radius, a rectangle's corner and size,
        /// a polygon's coordinates.
        shapes: Vec<(String, String, Vec<f64>)>,
    }

    impl Shapes {
        pub fn of(plot: &Plot) -> Self {
            let document = roxmltree::Document::parse(&plot.svg).expect("SVG is XML");
            let mut found = Shapes { texts: vec![], images: vec![], shapes: vec![] };
            let root = document.root_element();
            let size = ["width", "height"].map(|side| root.attribute(side).unwrap().parse::<f64>().unwrap());
            assert_eq!(root.attribute("viewBox"), Some(&*format!("0 0 {} {}", size[0] * 4.0, size[1] * 4.0)));
            for node in document.descendants().filter(|node| node.is_element()) {
                let attribute = |name: &str| node.attribute(name).unwrap_or_default();
                let numbers = |text: &str| -> Vec<f64> {
                    text.split([' ', ','])
                        .filter(|s| !s.is_empty())
                        .map(|n| n.parse::<f64>().unwrap() / 4.0)
                        .collect()
                };
                let names: &[&str] = match node.tag_name().name() {
                    "text" => {
                        found.texts.push(node.text().unwrap_or_default().trim().to_string());
                        &["x", "y"]
                    }
                    "image" => {
                        found.images.push(attribute("href").to_string());
                        &["x", "y", "width", "height"]
                    }
                    "rect" => &["x", "y", "width", "height"],
                    "circle" => &["cx", "cy", "r"],
                    "polygon" => &["points"],
                    _ => &[],
                };
                let numbers: Vec<f64> = names.iter().flat_map(|name| numbers(attribute(name))).collect();
                // Everything is drawn inside the picture.
                if let [x, y, ..] = numbers[..] {
                    assert!(
                        (-1.0..=size[0] + 1.0).contains(&x) && (-1.0..=size[1] + 1.0).contains(&y),
                        "{node:?}"
                    );
                }
                let colour = match attribute("fill") {
                    "none" => attribute("stroke"),
                    colour => colour,
                };
                let kind = match (node.tag_name().name(), attribute("fill")) {
                    ("circle", "none") => "ring",
                    (name, _) => name,
                };
                found.shapes.push((kind.to_string(), colour.to_string(), numbers));
            }
            found
        }

        /// Whether a text contains this.
        pub fn says(&self, text: &str) -> bool {
            self.texts.iter().any(|shown| shown.contains(text))
        }

        fn all<const N: usize>(&self, tag: &str, colour: &str) -> Vec<[f64; N]> {
            let shapes = self.shapes.iter().filter(|shape| shape.0 == tag && shape.1 == colour);
            shapes.map(|shape| shape.2.clone().try_into().unwrap()).collect()
        }

        /// Rectangles of a colour: left, top, width, height.
        pub fn bars(&self, colour: &str) -> Vec<[f64; 4]> {
            self.all("rect", colour)
        }

        /// Filled circles of a colour: centre and radius.
        pub fn dots(&self, colour: &str) -> Vec<[f64; 3]> {
            self.all("circle", colour)
        }

        /// Outlined circles of a colour: centre and radius.
        pub fn rings(&self, colour: &str) -> Vec<[f64; 3]> {
            self.all("ring", colour)
        }

        /// Corners of the polygons of a colour.
        pub fn polygons(&self, colour: &str) -> Vec<Vec<[f64; 2]>> {
            let shapes = self.shapes.iter().filter(|shape| shape.0 == "polygon" && shape.1 == colour);
            shapes.map(|shape| shape.2.chunks(2).map(|p| [p[0], p[1]]).collect()).collect()
        }

        /// Corners of the only polygon of a colour.
        pub fn polygon(&self, colour: &str) -> Vec<[f64; 2]> {
            let mut polygons = self.polygons(colour);
            assert_eq!(polygons.len(), 1);
            polygons.remove(0)
        }
    }

    /// Whether a plot says that it has nothing to show, and shows nothing.
    pub fn says_nothing(plot: &Plot) -> bool {
        Shapes::of(plot).says("Nothing to show: ")
    }

    /// A report with every part. Its names would break a page if they were not escaped.
    fn full() -> Page {
        let name = "<b>\"Ada\" & 'Bo'</b>".to_string();
        Page {
            title: name.clone(),
            facts: vec![("network".into(), name.clone())],
            warnings: vec![format!("{name}\u{1}")],
            scores: Some(scores::Scores::default()),
            det: Some(det::Det::default()),
            thresholds: Some(thresholds::Thresholds::default()),
            angles: Some(angles::Angles::between(vec![name.clone(), name.clone()], None, |_, _| 50.0)),
            spheres: vec![sphere::Sphere {
                person: name.clone(),
                other: name.clone(),
                between_rad: 1.0,
                accept_rad: 1.0,
                margin_rad: None,
                cap_margin_rad: None,
                probes: vec![],
            }],
            pairs: Some(pairs::WorstPairs::default()),
            layers: vec![LayerReport { name, operator: "conv", range: [0.0, 1.0], bits: 8, sqnr_db: 30.0 }],
            arena: Some(arena::Arena::default()),
        }
    }

    #[test]
    fn page_is_well_formed_and_refers_to_nothing_elsewhere() {
        let html = html(&full()).unwrap();
        // Apart from its doctype and two empty elements, the page is XML too.
        let xml = html.replace("<!DOCTYPE html>", "").replace("charset=\"utf-8\">", "charset=\"utf-8\"/>");
        let xml = xml
            .replace("initial-scale=1\">", "initial-scale=1\"/>")
            .replace("href=\"data:,\">", "href=\"data:,\"/>");
        let document = roxmltree::Document::parse(&xml).unwrap();
        for node in document.descendants() {
            assert!(!["script", "iframe", "object", "use"].contains(&node.tag_name().name()));
            for attribute in node.attributes() {
                let value = attribute.value();
                let refers = ["href", "src", "srcset", "action", "data"].contains(&attribute.name());
                assert!(!refers || value.starts_with("data:") || value.starts_with('#'), "{value}");
                if let Some(place) = value.strip_prefix('#').filter(|_| attribute.name() == "href") {
                    assert!(
                        document.descendants().any(|node| node.attribute("id") == Some(place)),
                        "{place}"
                    );
                }
            }
        }
        assert!(!html.contains("url(") && !html.contains("@import"));
        assert_eq!(document.descendants().filter(|node| node.has_tag_name("section")).count(), 8);
        assert!(document.descendants().filter(|n| n.tag_name().name() == "svg").count() == 8);
    }

    #[test]
    fn a_hostile_name_is_shown_and_is_no_markup() {
        let hostile = "</title></td><script>alert(\"&amp;\")</script>' onload='x\u{0}".to_string();
        let page = Page {
            title: hostile.clone(),
            facts: vec![(hostile.clone(), hostile.clone())],
            warnings: vec![hostile.clone()],
            angles: Some(angles::Angles::between(vec![hostile.clone(), hostile.clone()], None, |_, _| 50.0)),
            ..Page::default()
        };
        let html = html(&page).unwrap();
        assert!(!html.contains("<script") && !html.contains('\u{0}'), "{html}");
        let shown =
            "&lt;/title&gt;&lt;/td&gt;&lt;script&gt;alert(&quot;&amp;amp;&quot;)&lt;/script&gt;' onload='x ";
        // Title and heading, both cells of the fact, the warning, and the pair of people in the table.
        assert_eq!(html.matches(shown).count(), 7, "{html}");
    }

    #[test]
    fn values_that_are_no_numbers_are_drawn_around() {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.5];
        let series = scores::Series { name: "x".into(), genuine: odd.to_vec(), impostor: odd.to_vec() };
        let scored = |same: bool| odd.map(|score| Scored { people: [0, usize::from(!same)], score, same });
        let curve = det::Curve::of("x", &[scored(true), scored(false)].concat(), &[0.0, 0.5, 1.0]);
        let row = |(people, cosine)| thresholds::Row { people, cosine, band: Some([cosine, 0.6]) };
        let mut report = full();
        report.scores =
            Some(scores::Scores { series: vec![series], threshold: Some(f32::NAN), log_counts: true });
        report.det = Some(det::Det { curves: vec![curve], ..det::Det::default() });
        report.thresholds = Some(thresholds::Thresholds {
            rows: [0, 1, 2, u32::MAX].into_iter().zip(odd).map(row).collect(),
            ..thresholds::Thresholds::default()
        });
        report.spheres[0].probes = odd
            .map(|own_rad| sphere::SeenPhoto { own_rad, other_rad: 1.0, whose: sphere::Whose::Own })
            .to_vec();
        for part in report.parts().unwrap() {
            assert!(!part.plot.svg.contains("NaN"), "{}", part.name);
            let shapes = Shapes::of(&part.plot);
            if part.name == "sphere-1" {
                // One dot is the legend's, the other is the probe's that lies at an angle.
                assert_eq!(shapes.dots("#0072B2").len(), 2);
            }
        }
    }

    #[test]
    fn for_whom_bounds_hold_is_said_beside_them() {
        let det = det::Det { bounds_hold_for: "For people like these.", ..det::Det::default() };
        let parts = Page { det: Some(det), ..Page::default() }.parts().unwrap();
        let told = &parts[0].explanation;
        assert!(told.contains("95 % bounds") && told.ends_with("For people like these."), "{told}");
    }

    #[test]
    fn empty_report_says_so() {
        let html = html(&Page { title: "Nothing".into(), ..Page::default() }).unwrap();
        assert!(html.contains("Nothing was measured") && !html.contains("<section"));
    }

    #[test]
    fn files_are_written_beside_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let (file, plots) =
            (folder.path().join("report.html"), plots_folder(&folder.path().join("report.html")));
        write(&full(), &file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), html(&full()).unwrap());
        let mut names: Vec<String> = std::fs::read_dir(&plots)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = ["angles", "arena", "det", "noise", "pairs", "scores", "sphere-1", "thresholds"];
        let expected: Vec<String> = expected
            .iter()
            .flat_map(|name| ["png", "svg"].map(|ending| format!("{name}.{ending}")))
            .collect();
        assert_eq!(names, expected);
        for name in expected {
            let bytes = std::fs::read(plots.join(&name)).unwrap();
            if name.ends_with("svg") {
                let text = String::from_utf8(bytes).unwrap();
                assert!(
                    roxmltree::Document::parse(&text)
                        .unwrap()
                        .root_element()
                        .has_tag_name(("http://www.w3.org/2000/svg", "svg"))
                );
            } else {
                assert!(image::load_from_memory(&bytes).unwrap().width() == 1280);
            }
        }
        let nowhere = folder.path().join("no/report.html");
        assert!(write(&full(), &nowhere).unwrap_err().to_string().contains("cannot write"));
    }
}
