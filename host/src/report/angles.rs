//! Heat map of the angles between enrolled people's centres.

use anyhow::Result;
use image::{Rgb, RgbImage};

use super::Figures;
use super::axes::thousands;
use super::canvas::{Anchor, Canvas, Plot, SMALL, TEXT, inks, nothing, plot, shortened, text_width};
use crate::embedding::{angle, cosine};

const TITLE: &str = "Angles between enrolled people's centres";
/// Most people who are drawn.
pub const MOST_PEOPLE: usize = 200;
/// Most people whose names are drawn.
const MOST_NAMES: usize = 30;
/// Most pairs that are listed.
const MOST_PAIRS: usize = 20;
/// Colours from 0° to 90° and more: one hue, darker for smaller angles.
const COLOURS: [[f64; 3]; 5] = [
    [0.0, 20.0, 60.0],
    [0.0, 70.0, 130.0],
    [0.0, 114.0, 178.0],
    [105.0, 175.0, 220.0],
    [247.0, 251.0, 255.0],
];

/// Angles between people, one for each pair, so memory grows with the square of the gallery.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Angles {
    /// Names in the gallery's order.
    pub names: Vec<String>,
    /// Degrees between two people, `[names.len()][names.len()]`, symmetric.
    pub degrees: Vec<f32>,
    /// The decision cannot distinguish two people closer than this, in degrees. `None` if it is not stated.
    pub separable: Option<f32>,
}

impl Angles {
    /// Smallest angles between centres (unit vectors) of people, each with one centre or more.
    pub fn of(people: &[(String, Vec<Vec<f32>>)], separable: Option<f32>) -> Self {
        let mut degrees = vec![0.0; people.len() * people.len()];
        for (a, (_, first)) in people.iter().enumerate() {
            for (b, (_, second)) in people.iter().enumerate().take(a) {
                let cosines = first.iter().flat_map(|x| second.iter().map(move |y| cosine(x, y)));
                let nearest = angle(cosines.fold(-1.0, f32::max)).to_degrees();
                degrees[a * people.len() + b] = nearest;
                degrees[b * people.len() + a] = nearest;
            }
        }
        Angles { names: people.iter().map(|(name, _)| name.clone()).collect(), degrees, separable }
    }

    fn between(&self, a: usize, b: usize) -> f32 {
        self.degrees[a * self.names.len() + b]
    }

    /// All pairs, the closest first: numbers of two people, degrees.
    pub fn closest(&self) -> Vec<(usize, usize, f32)> {
        let pairs = (0..self.names.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        let mut pairs: Vec<_> = pairs.map(|(a, b)| (a, b, self.between(a, b))).collect();
        pairs.sort_by(|x, y| x.2.total_cmp(&y.2));
        pairs
    }

    /// The people to draw, in the gallery's order: all, or those with the nearest neighbours.
    fn shown(&self) -> Vec<usize> {
        let mut shown = Vec::new();
        for (a, b, _) in self.closest() {
            for person in [a, b] {
                if shown.len() < MOST_PEOPLE && !shown.contains(&person) {
                    shown.push(person);
                }
            }
            if shown.len() == MOST_PEOPLE {
                break;
            }
        }
        shown.sort_unstable();
        shown
    }
}

fn colour(degrees: f32) -> Rgb<u8> {
    let place = f64::from(degrees / 90.0).clamp(0.0, 1.0) * (COLOURS.len() - 1) as f64;
    let index = (place as usize).min(COLOURS.len() - 2);
    let share = place - index as f64;
    Rgb([0, 1, 2].map(|channel| {
        let [from, to] = [COLOURS[index][channel], COLOURS[index + 1][channel]];
        (from + (to - from) * share).round() as u8
    }))
}

/// Draws the map; the diagonal is grey. With more than [`MOST_PEOPLE`] people, those with the nearest neighbours are
/// drawn.
///
/// # Errors
/// As [`plot`].
///
/// # Panics
/// When `degrees` has the wrong length.
pub fn heat_map(data: &Angles) -> Result<Plot> {
    let count = data.names.len();
    assert_eq!(data.degrees.len(), count * count, "degrees are not [people][people]");
    if count < 2 {
        return nothing(TITLE, "angles need two enrolled people");
    }
    let people = data.shown();
    let side = people.len() as u32;
    let map = RgbImage::from_fn(side, side, |x, y| match [x, y].map(|i| people[i as usize]) {
        [a, b] if a == b => Rgb([0xdd; 3]),
        [a, b] => colour(data.between(a, b)),
    });
    let named = people.len() <= MOST_NAMES;
    let names = people
        .iter()
        .enumerate()
        .map(|(index, &person)| format!("{}  {}", shortened(&data.names[person], SMALL, 150.0), index + 1));
    let names: Vec<String> = names.collect();
    let widest = names.iter().map(|name| text_width(name, SMALL)).fold(0.0, f64::max);
    let left = if named { widest + 20.0 } else { 60.0 };
    let field = 540.0 - left;
    let below = if named { 24.0 } else { 50.0 };
    plot(TITLE, [640, (field + 20.0 + below) as u32], |canvas| {
        let [from, to] = [[left, 12.0], [left + field, 12.0 + field]];
        canvas.image(from, to, &map);
        canvas.outline(from, to, inks::GREY.width(1.0));
        let cell = field / f64::from(side);
        let centre = |index: usize| (index as f64 + 0.5) * cell;
        let numbered = (22.0 / cell).ceil() as usize;
        if named {
            for (index, name) in names.iter().enumerate() {
                let y = from[1] + centre(index);
                let size = SMALL.min(cell);
                canvas.text([left - 8.0, y], [Anchor::Right, Anchor::Middle], size, inks::BLACK, name);
                if index % numbered == 0 {
                    let at = [left + centre(index), to[1] + 5.0];
                    let number = format!("{}", index + 1);
                    canvas.text(at, [Anchor::Middle, Anchor::Left], SMALL, inks::BLACK, &number);
                }
            }
        } else {
            let label = if people.len() < count {
                format!("{side} of {count} people, those with the nearest neighbours")
            } else {
                format!("{count} people in the gallery's order")
            };
            let at = [left + field / 2.0, to[1] + 12.0];
            canvas.text(at, [Anchor::Middle, Anchor::Left], TEXT, inks::BLACK, &label);
            canvas.text_upwards([left - 25.0, from[1] + field / 2.0], TEXT, inks::BLACK, "people");
        }
        scale(canvas, [left + field + 22.0, 12.0], field, data.separable);
    })
}

/// Draws the scale of colours.
fn scale(canvas: &mut Canvas<'_>, from: [f64; 2], height: f64, separable: Option<f32>) {
    const STEPS: u32 = 90;
    let to = [from[0] + 18.0, from[1] + height];
    let colours = RgbImage::from_fn(1, STEPS, |_, y| colour((STEPS - y) as f32 - 0.5));
    canvas.image(from, to, &colours);
    let at = |degrees: f64| to[1] - height * degrees / 90.0;
    for degrees in [0, 30, 60, 90] {
        let label = if degrees == 90 { "≥ 90°".to_string() } else { format!("{degrees}°") };
        let y = at(degrees.into()).clamp(from[1] + 6.0, to[1] - 6.0);
        canvas.text([to[0] + 6.0, y], [Anchor::Left, Anchor::Middle], SMALL, inks::BLACK, &label);
    }
    if let Some(degrees) = separable.filter(|&degrees| degrees < 88.0) {
        let y = at(f64::from(degrees).clamp(0.0, 90.0));
        canvas.line(&[[from[0] - 5.0, y], [to[0] + 5.0, y]], inks::VERMILION.width(2.0));
        let label = format!("{degrees:.0}°");
        canvas.text([to[0] + 6.0, y], [Anchor::Left, Anchor::Middle], SMALL, inks::VERMILION, &label);
    }
}

/// The closest pairs.
pub fn table(data: &Angles) -> Figures {
    let mut table = Figures::new(&["closest people", "", "angle", "cosine", "told apart"]);
    for (a, b, degrees) in data.closest().into_iter().take(MOST_PAIRS) {
        let apart = match data.separable {
            Some(least) if degrees < least => "not always",
            Some(_) => "yes",
            None => "–",
        };
        table.push([
            data.names[a].clone(),
            data.names[b].clone(),
            format!("{}°", thousands(degrees.into(), 1)),
            format!("{:.3}", degrees.to_radians().cos()),
            apart.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::super::tests::{Shapes, says_nothing};
    use super::*;

    fn person(name: &str, degrees: f32) -> (String, Vec<Vec<f32>>) {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        (name.to_string(), vec![vec![cosine, sine]])
    }

    #[test]
    fn angles_are_those_between_the_nearest_centres() {
        let mut people = vec![person("Ada", 0.0), person("Bo", 30.0), person("Cy", 90.0)];
        people[2].1.push(person("", 50.0).1.remove(0));
        let angles = Angles::of(&people, Some(25.0));
        let expected = [0.0, 30.0, 50.0, 30.0, 0.0, 20.0, 50.0, 20.0, 0.0];
        let near = angles.degrees.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 0.05);
        assert!(near, "{:?}", angles.degrees);
        let table = table(&angles);
        assert_eq!(table.rows[0][..3], ["Bo", "Cy", "20.0°"]);
        assert_eq!(table.rows.iter().map(|row| &*row[4]).collect::<Vec<_>>(), ["not always", "yes", "yes"]);
    }

    #[test]
    fn map_has_a_pixel_a_pair_and_names_up_to_thirty() {
        for (count, named) in [(2, true), (30, true), (31, false), (230, false)] {
            let people: Vec<_> =
                (0..count).map(|i| person(&format!("P{i}"), i as f32 * 180.0 / count as f32)).collect();
            let plot = heat_map(&Angles::of(&people, None)).unwrap();
            let shapes = Shapes::of(&plot);
            let coded = shapes.images[0].strip_prefix("data:image/png;base64,").unwrap();
            let bytes = base64::engine::general_purpose::STANDARD.decode(coded).unwrap();
            let map = image::load_from_memory(&bytes).unwrap().to_rgb8();
            let side = count.min(MOST_PEOPLE) as u32;
            assert_eq!(map.dimensions(), (side, side));
            assert_eq!(map.get_pixel(0, 1), &colour(180.0 / count as f32));
            assert_eq!(shapes.says("P1"), named);
        }
    }

    #[test]
    fn near_is_dark_and_colours_do_not_turn_back() {
        let light = |degrees: f32| colour(degrees).0.iter().map(|&x| u32::from(x)).sum::<u32>();
        assert!((0..90).all(|degrees| light(degrees as f32) <= light(degrees as f32 + 1.0) + 3));
        assert!(light(0.0) < 120 && light(90.0) == light(150.0));
    }

    #[test]
    fn nobody_and_one_person_have_no_angles() {
        assert!(says_nothing(&heat_map(&Angles::default()).unwrap()));
        assert!(says_nothing(&heat_map(&Angles::of(&[person("Ada", 0.0)], None)).unwrap()));
    }
}
