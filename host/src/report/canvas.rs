//! A drawing in two forms: as SVG text and as pixels.
//!
//! Every call goes to two backends of plotters, so a plot has one drawing function and its two files show the same.
//! The backends take only whole coordinates. These are quarters of a pixel, which keeps positions accurate in SVG;
//! averaged to half as many, they make lines smooth in PNG. Text in pixels needs no system font, because Ubuntu Light
//! is linked in. It has Latin, Greek and Cyrillic letters; other letters are boxes in PNG files, while SVG uses the
//! reader's fonts.

use std::fmt::Write as _;
use std::io::Cursor;
use std::sync::Once;

use anyhow::{Context, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, RgbImage};
use maud::html;
use plotters::backend::{BitMapBackend, DrawingBackend as _, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color as _, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, ShapeStyle, TextStyle,
    register_font,
};

use super::markup::printable;

/// Backend coordinates for each pixel.
const UNIT: f64 = 4.0;
/// Backend coordinates, in each direction, that are averaged to one pixel of the PNG.
const AVERAGED: usize = 2;
/// Ratio of plotters' font sizes to the em.
const PLOTTERS_EM: f64 = 1.24;

/// Pixels from the left and from the top.
pub type Point = [f64; 2];

/// A finished plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// An SVG document.
    pub svg: String,
    /// A PNG file with two pixels, in each direction, for each pixel of the SVG.
    pub png: Vec<u8>,
}

/// Colour and width for drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ink {
    /// Red, green, blue.
    pub rgb: (u8, u8, u8),
    /// Opacity: 0 is transparent, 1 covers.
    pub alpha: f64,
    /// Width of lines, pixels.
    pub width: f64,
}

impl Ink {
    const fn solid(red: u8, green: u8, blue: u8) -> Self {
        Ink { rgb: (red, green, blue), alpha: 1.0, width: 1.5 }
    }

    /// The same ink with this opacity.
    pub const fn alpha(self, alpha: f64) -> Self {
        Ink { alpha, ..self }
    }

    /// The same ink with this line width, in pixels.
    pub const fn width(self, width: f64) -> Self {
        Ink { width, ..self }
    }
}

impl From<Ink> for ShapeStyle {
    fn from(ink: Ink) -> Self {
        let (red, green, blue) = ink.rgb;
        let stroke_width = ((ink.width * UNIT).round() as u32).max(1);
        ShapeStyle { color: RGBAColor(red, green, blue, ink.alpha), filled: true, stroke_width }
    }
}

/// Colours that can be distinguished with any colour vision (Okabe and Ito 2008), and greys.
pub mod inks {
    use super::Ink;

    /// For one person's data, and for int8.
    pub const BLUE: Ink = Ink::solid(0x00, 0x72, 0xb2);
    /// For another person's data, and for float.
    pub const ORANGE: Ink = Ink::solid(0xe6, 0x9f, 0x00);
    /// For accepted regions.
    pub const GREEN: Ink = Ink::solid(0x00, 0x9e, 0x73);
    /// For limits and errors.
    pub const VERMILION: Ink = Ink::solid(0xd5, 0x5e, 0x00);
    /// For bands.
    pub const SKY: Ink = Ink::solid(0x56, 0xb4, 0xe9);
    /// For margins.
    pub const PURPLE: Ink = Ink::solid(0xcc, 0x79, 0xa7);
    /// A further colour.
    pub const YELLOW: Ink = Ink::solid(0xf0, 0xe4, 0x42);
    /// For text.
    pub const BLACK: Ink = Ink::solid(0x20, 0x20, 0x20);
    /// For axes and less important parts.
    pub const GREY: Ink = Ink::solid(0x70, 0x70, 0x70);
    /// For grids.
    pub const PALE: Ink = Ink::solid(0xdd, 0xdd, 0xdd);
    /// For the background.
    pub const WHITE: Ink = Ink::solid(0xff, 0xff, 0xff);
}

/// Position of text relative to its point, in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The text starts at the point.
    Left,
    /// The text is centred on the point.
    Middle,
    /// The text ends at the point.
    Right,
}

/// Size of ordinary text, pixels for each em: legible on a phone that shows the plot at half its size.
pub const TEXT: f64 = 17.0;
/// Size of small text, pixels for each em.
pub const SMALL: f64 = 15.0;

/// The surface that plots draw on.
pub struct Canvas<'a> {
    svg: SVGBackend<'a>,
    pixels: BitMapBackend<'a>,
    images: String,
    failed: Option<String>,
}

/// Makes a plot of `size` pixels, width first. The title is for readers who cannot see it.
///
/// # Errors
/// When a backend fails.
pub fn plot(title: &str, size: [u32; 2], draw: impl FnOnce(&mut Canvas<'_>)) -> Result<Plot> {
    static FONT: Once = Once::new();
    FONT.call_once(|| {
        // Fails only if the bytes are not a font; drawing text then fails below.
        let _ = register_font("sans-serif", FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
    });
    let units = size.map(|side| side * UNIT as u32);
    let [width, height] = units.map(|side| side as usize);
    let mut svg = String::new();
    let mut pixels = vec![0xff; width * height * 3];
    let (images, failed) = {
        let mut canvas = Canvas {
            svg: SVGBackend::with_string(&mut svg, units.into()),
            pixels: BitMapBackend::with_buffer(&mut pixels, units.into()),
            images: String::new(),
            failed: None,
        };
        canvas.bar([0.0, 0.0], size.map(f64::from), inks::WHITE);
        draw(&mut canvas);
        let ended = canvas.svg.present();
        canvas.note(ended);
        (canvas.images, canvas.failed)
    };
    if let Some(failed) = failed {
        return Err(anyhow!("cannot draw {title:?}: {failed}"));
    }
    let start = format!("<svg width=\"{width}\" height=\"{height}\"");
    let body = svg.strip_prefix(&start).and_then(|rest| rest.split_once(">\n"));
    let (attributes, body) = body.context("the SVG does not start as expected")?;
    let body = body.strip_suffix("</svg>\n").context("the SVG does not end as expected")?;
    let svg = format!(
        "<svg width=\"{}\" height=\"{}\" role=\"img\"{attributes}>\n{}\n{body}{images}</svg>\n",
        size[0],
        size[1],
        html! { title { (printable(title)) } }.into_string()
    );
    Ok(Plot { svg, png: png(&averaged(&pixels, width, height))? })
}

/// A plot that says why it shows nothing.
///
/// # Errors
/// As [`plot`].
pub fn nothing(title: &str, why: &str) -> Result<Plot> {
    plot(title, [640, 120], |canvas| {
        canvas.text([320.0, 60.0], [Anchor::Middle; 2], TEXT, inks::GREY, &format!("Nothing to show: {why}"));
    })
}

/// A PNG as a data URL.
pub fn data_address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

/// Width of text in pixels with the built-in font.
pub fn text_width(text: &str, size: f64) -> f64 {
    let font = FontDesc::new(FontFamily::SansSerif, size * UNIT * PLOTTERS_EM, FontStyle::Normal);
    font.box_size(text).map_or(0.0, |(width, _)| f64::from(width) / UNIT)
}

/// Text with its middle shortened so that it is at most this many pixels wide.
pub fn shortened(text: &str, size: f64, most: f64) -> String {
    if text_width(text, size) <= most {
        return text.to_string();
    }
    let letters: Vec<char> = text.chars().collect();
    for kept in (1..letters.len()).rev() {
        let (start, end) = letters.split_at(kept.div_ceil(2));
        let [start, end] = [start, &end[end.len() - kept / 2..]].map(|part| part.iter().collect::<String>());
        let short = format!("{}…{}", start.trim_end(), end.trim_start());
        if text_width(&short, size) <= most {
            return short;
        }
    }
    String::new()
}

fn averaged(pixels: &[u8], width: usize, height: usize) -> RgbImage {
    RgbImage::from_fn((width / AVERAGED) as u32, (height / AVERAGED) as u32, |x, y| {
        let mut sums = [0u32; 3];
        for row in 0..AVERAGED {
            let start = ((y as usize * AVERAGED + row) * width + x as usize * AVERAGED) * 3;
            for pixel in pixels[start..][..AVERAGED * 3].chunks_exact(3) {
                sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += u32::from(value));
            }
        }
        let count = (AVERAGED * AVERAGED) as u32;
        image::Rgb(sums.map(|sum| ((sum + count / 2) / count) as u8))
    })
}

fn png(image: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).context("cannot make a PNG")?;
    Ok(bytes.into_inner())
}

fn units(point: Point) -> (i32, i32) {
    let [x, y] = point.map(|x| (x * UNIT).round() as i32);
    (x, y)
}

impl Canvas<'_> {
    fn note<E: std::fmt::Display>(&mut self, result: Result<(), E>) {
        if let (Err(error), None) = (result, &self.failed) {
            self.failed = Some(error.to_string());
        }
    }

    /// Joins points by lines.
    pub fn line(&mut self, points: &[Point], ink: Ink) {
        if points.len() < 2 {
            return;
        }
        let points: Vec<_> = points.iter().copied().map(units).collect();
        let drawn = self.svg.draw_path(points.iter().copied(), &ShapeStyle::from(ink));
        self.note(drawn);
        let drawn = self.pixels.draw_path(points, &ShapeStyle::from(ink));
        self.note(drawn);
    }

    /// Joins points by dashes of this many pixels, with gaps of the same length.
    pub fn dashes(&mut self, points: &[Point], ink: Ink, length: f64) {
        let mut dash = Vec::new();
        let mut left = length;
        let mut is_gap = false;
        for ends in points.windows(2) {
            let [from, to] = [ends[0], ends[1]];
            let whole = (to[0] - from[0]).hypot(to[1] - from[1]);
            let at = |way: f64| [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * way / whole);
            let mut way = 0.0;
            if dash.is_empty() && !is_gap {
                dash.push(from);
            }
            while whole - way >= left {
                way += left;
                left = length;
                dash.push(at(way));
                if is_gap {
                    dash = vec![at(way)];
                } else {
                    self.line(&std::mem::take(&mut dash), ink);
                }
                is_gap = !is_gap;
            }
            left -= whole - way;
            if !is_gap {
                dash.push(to);
            }
        }
        if !is_gap {
            self.line(&dash, ink);
        }
    }

    /// Fills a polygon.
    pub fn fill(&mut self, corners: &[Point], ink: Ink) {
        let corners: Vec<_> = corners.iter().copied().map(units).collect();
        let drawn = self.svg.fill_polygon(corners.iter().copied(), &ShapeStyle::from(ink));
        self.note(drawn);
        let drawn = self.pixels.fill_polygon(corners, &ShapeStyle::from(ink));
        self.note(drawn);
    }

    /// Fills a rectangle from its upper left to its lower right corner.
    pub fn bar(&mut self, from: Point, to: Point, ink: Ink) {
        let drawn = self.svg.draw_rect(units(from), units(to), &ShapeStyle::from(ink), true);
        self.note(drawn);
        let drawn = self.pixels.draw_rect(units(from), units(to), &ShapeStyle::from(ink), true);
        self.note(drawn);
    }

    /// Outlines a rectangle.
    pub fn outline(&mut self, from: Point, to: Point, ink: Ink) {
        self.line(&[from, [to[0], from[1]], to, [from[0], to[1]], from], ink);
    }

    /// Fills a circle.
    pub fn dot(&mut self, centre: Point, radius: f64, ink: Ink) {
        self.circle(centre, radius, ink, true);
    }

    /// Outlines a circle.
    pub fn ring(&mut self, centre: Point, radius: f64, ink: Ink) {
        self.circle(centre, radius, ink, false);
    }

    fn circle(&mut self, centre: Point, radius: f64, ink: Ink, fill: bool) {
        let radius = (radius * UNIT).round() as u32;
        let drawn = self.svg.draw_circle(units(centre), radius, &ShapeStyle::from(ink), fill);
        self.note(drawn);
        let drawn = self.pixels.draw_circle(units(centre), radius, &ShapeStyle::from(ink), fill);
        self.note(drawn);
    }

    /// Writes text. `anchors` are for the horizontal and the vertical direction; vertically, `Left` puts the text
    /// below its point.
    pub fn text(&mut self, at: Point, anchors: [Anchor; 2], size: f64, ink: Ink, text: &str) {
        self.write(at, anchors, size, ink, text, FontTransform::None);
    }

    /// Writes text that reads upwards, centred on `at`.
    pub fn text_upwards(&mut self, at: Point, size: f64, ink: Ink, text: &str) {
        self.write(at, [Anchor::Middle; 2], size, ink, text, FontTransform::Rotate270);
    }

    fn write(
        &mut self,
        at: Point,
        anchors: [Anchor; 2],
        size: f64,
        ink: Ink,
        text: &str,
        turn: FontTransform,
    ) {
        let across = match anchors[0] {
            Anchor::Left => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let down = match anchors[1] {
            Anchor::Left => VPos::Top,
            Anchor::Middle => VPos::Center,
            Anchor::Right => VPos::Bottom,
        };
        let upwards = matches!(turn, FontTransform::Rotate270);
        let font = FontDesc::new(FontFamily::SansSerif, size * UNIT * PLOTTERS_EM, FontStyle::Normal);
        let (red, green, blue) = ink.rgb;
        let style = TextStyle {
            font: font.transform(turn),
            color: RGBAColor(red, green, blue, ink.alpha).to_backend_color(),
            pos: Pos::new(across, down),
        };
        let text = printable(text);
        let lower = |by: f64| if upwards { [at[0] + by * size, at[1]] } else { [at[0], at[1] + by * size] };
        let centred = if anchors[1] == Anchor::Middle { 0.08 } else { 0.0 };
        let drawn = self.svg.draw_text(&text, &style, units(lower(centred)));
        self.note(drawn);
        // plotters draws text higher in pixels than in SVG.
        let drawn = self.pixels.draw_text(&text, &style, units(lower(centred + 0.13)));
        self.note(drawn);
    }

    /// Puts an image of square pixels into a rectangle, above all other drawing.
    pub fn image(&mut self, from: Point, to: Point, image: &RgbImage) {
        let (from, to) = (units(from), units(to));
        let (width, height) = ((to.0 - from.0).max(1) as u32, (to.1 - from.1).max(1) as u32);
        match png(image) {
            Ok(png) => {
                let _ = writeln!(
                    self.images,
                    "<image x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
                     style=\"image-rendering:pixelated\" href=\"{}\"/>",
                    from.0,
                    from.1,
                    data_address(&png)
                );
            }
            Err(error) => self.note(Err(error)),
        }
        let large = image::imageops::resize(image, width, height, image::imageops::FilterType::Nearest);
        let drawn = self.pixels.blit_bitmap(from, (width, height), large.as_raw());
        self.note(drawn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_show_the_same() {
        let plot = plot("a <title> & more", [40, 20], |canvas| {
            canvas.bar([10.0, 5.0], [20.0, 15.0], inks::BLUE);
        });
        let plot = plot.unwrap();
        let document = roxmltree::Document::parse(&plot.svg).unwrap();
        let title = document.descendants().find(|node| node.has_tag_name("title")).unwrap();
        assert_eq!(title.text(), Some("a <title> & more"));
        let bar = document.descendants().find(|node| node.attribute("fill") == Some("#0072B2")).unwrap();
        let place = ["x", "y", "width", "height"].map(|name| bar.attribute(name).unwrap());
        assert_eq!(place, ["40", "20", "40", "40"]);
        let image = image::load_from_memory(&plot.png).unwrap().to_rgb8();
        assert_eq!(image.dimensions(), (80, 40));
        assert_eq!(image.get_pixel(30, 20).0, [0x00, 0x72, 0xb2]);
        assert_eq!(image.get_pixel(10, 20).0, [0xff; 3]);
    }

    #[test]
    fn text_is_drawn_without_fonts_of_the_system() {
        let plot = plot("t", [60, 30], |canvas| {
            canvas.text([30.0, 15.0], [Anchor::Middle; 2], 15.0, inks::BLACK, "θ ≤ 30°");
        });
        let image = image::load_from_memory(&plot.unwrap().png).unwrap().to_luma8();
        let dark: Vec<u32> = image.enumerate_pixels().filter(|p| p.2.0[0] < 128).map(|p| p.0).collect();
        assert!(dark.len() > 60, "{} dark pixels", dark.len());
        let (least, most) = (dark.iter().min().unwrap(), dark.iter().max().unwrap());
        assert!(*least < 40 && *most > 80, "text from {least} to {most} of 120");
    }

    #[test]
    fn dashes_are_as_long_as_asked_around_corners_too() {
        let plot = plot("t", [40, 40], |canvas| {
            canvas.dashes(&[[0.0, 10.0], [15.0, 10.0], [15.0, 40.0]], inks::BLUE, 10.0);
        });
        let svg = plot.unwrap().svg;
        let document = roxmltree::Document::parse(&svg).unwrap();
        let lines: Vec<&str> = document.descendants().filter_map(|node| node.attribute("points")).collect();
        // Dashes go from 0 to 10, from 20 to 30 and from 40 to 45 of the line.
        assert_eq!(lines, ["0,40 40,40 ", "60,60 60,100 ", "60,140 60,160 "]);
    }

    #[test]
    fn image_is_placed_and_carried() {
        let red = RgbImage::from_pixel(2, 2, image::Rgb([255, 0, 0]));
        let plot = plot("t", [20, 20], |canvas| canvas.image([5.0, 5.0], [15.0, 15.0], &red)).unwrap();
        let document = roxmltree::Document::parse(&plot.svg).unwrap();
        let image = document.descendants().find(|node| node.has_tag_name("image")).unwrap();
        let coded = image.attribute("href").unwrap().strip_prefix("data:image/png;base64,").unwrap();
        let decoded = image::load_from_memory(&STANDARD.decode(coded).unwrap()).unwrap().to_rgb8();
        assert_eq!(decoded, red);
        let pixels = image::load_from_memory(&plot.png).unwrap().to_rgb8();
        assert_eq!(pixels.get_pixel(20, 20).0, [255, 0, 0]);
    }

    #[test]
    fn long_text_is_cut_to_its_width() {
        plot("t", [1, 1], |_| {}).unwrap();
        assert_eq!(shortened("Ada", 15.0, 100.0), "Ada");
        assert_eq!(shortened("Ada", 15.0, 1.0), "");
        let short = shortened("Ada Lovelace, Countess", 15.0, 80.0);
        assert!(
            short.starts_with("Ada")
                && short.contains('…')
                && short.ends_with("ess")
                && text_width(&short, 15.0) <= 80.0,
            "{short}"
        );
    }
}
