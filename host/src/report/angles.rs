//! Heat map of the angles between enrolled people's centres.

use std::cmp::Ordering;

use anyhow::Result;
use image::{Rgb, RgbImage};
use rayon::prelude::*;

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

/// Angles between people. All pairs are looked at and few are kept, so memory grows with the gallery, not with its square.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Angles {
    /// Names in the gallery's order.
    names: Vec<String>,
    /// The closest pairs, at most [`MOST_PAIRS`], the closest first.
    closest: Vec<Pair>,
    /// The people to draw, in the gallery's order: all, or the [`MOST_PEOPLE`] with the nearest neighbours.
    shown: Vec<usize>,
    /// Degrees between two people who are drawn, `[shown.len()][shown.len()]`, symmetric.
    degrees: Vec<f32>,
    /// The decision cannot distinguish two people closer than this, in degrees. `None` if it is not stated.
    separable: Option<f32>,
}

/// Two people and the angle between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Numbers of the two in the gallery's order, ascending.
    pub people: [usize; 2],
    /// The smallest angle between their centres.
    pub degrees: f32,
}

impl Pair {
    /// By angle. Of equal angles, the pair whose people come earlier in the gallery is the first.
    fn order(&self, other: &Pair) -> Ordering {
        let [a, b] = [self, other].map(|pair| [pair.people[1], pair.people[0]]);
        self.degrees.total_cmp(&other.degrees).then(a.cmp(&b))
    }
}

/// Closest pairs of some people: of all of them together, and of each.
#[derive(Default)]
struct Closest {
    /// The closest first, at most [`MOST_PAIRS`].
    pairs: Vec<Pair>,
    /// For each person, the closest pair that the person is in.
    own: Vec<Option<Pair>>,
}

impl Closest {
    fn of_nobody(people: usize) -> Self {
        Closest { pairs: Vec::new(), own: vec![None; people] }
    }

    fn add(&mut self, pair: Pair) {
        for person in pair.people {
            let own = &mut self.own[person];
            if own.is_none_or(|own| pair.order(&own).is_lt()) {
                *own = Some(pair);
            }
        }
        let is_far = self.pairs.last().is_some_and(|last| pair.order(last).is_gt());
        if !(is_far && self.pairs.len() == MOST_PAIRS) {
            let place = self.pairs.partition_point(|other| other.order(&pair).is_lt());
            self.pairs.insert(place, pair);
            self.pairs.truncate(MOST_PAIRS);
        }
    }

    fn and(mut self, other: Closest) -> Self {
        other.pairs.into_iter().chain(other.own.into_iter().flatten()).for_each(|pair| {
            if !self.pairs.contains(&pair) {
                self.add(pair);
            }
        });
        self
    }

    /// People in the order in which they come in the pairs, the closest pair first.
    fn people(&self) -> Vec<usize> {
        let mut people: Vec<(Pair, usize)> =
            self.own.iter().enumerate().filter_map(|(person, own)| Some(((*own)?, person))).collect();
        people.sort_by(|(a, one), (b, other)| a.order(b).then(one.cmp(other)));
        people.into_iter().map(|(_, person)| person).collect()
    }
}

impl Angles {
    /// Smallest angles between centres (unit vectors) of people, each with one centre or more.
    pub fn of(people: &[(String, Vec<Vec<f32>>)], separable: Option<f32>) -> Self {
        let between = |a: usize, b: usize| {
            let (first, second) = (&people[a].1, &people[b].1);
            let cosines = first.iter().flat_map(|x| second.iter().map(move |y| cosine(x, y)));
            angle(cosines.fold(-1.0, f32::max)).to_degrees()
        };
        Self::between(people.iter().map(|(name, _)| name.clone()).collect(), separable, between)
    }

    /// Angles in degrees between people with these names. `degrees` is symmetric.
    pub fn between(
        names: Vec<String>,
        separable: Option<f32>,
        degrees: impl Fn(usize, usize) -> f32 + Sync,
    ) -> Self {
        let count = names.len();
        let of_person = |mut closest: Closest, b: usize| {
            (0..b).for_each(|a| closest.add(Pair { people: [a, b], degrees: degrees(a, b) }));
            closest
        };
        let nobody = || Closest::of_nobody(count);
        let closest = (0..count).into_par_iter().fold(nobody, of_person).reduce(nobody, Closest::and);
        let mut shown = closest.people();
        shown.truncate(MOST_PEOPLE);
        shown.sort_unstable();
        let of_two = |a: usize, b: usize| if a == b { 0.0 } else { degrees(a, b) };
        let of_shown = shown.iter().flat_map(|&a| shown.iter().map(move |&b| of_two(a, b))).collect();
        Angles { names, closest: closest.pairs, shown, degrees: of_shown, separable }
    }

    /// The closest pairs, at most twenty, the closest first.
    pub fn closest(&self) -> &[Pair] {
        &self.closest
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
pub fn heat_map(data: &Angles) -> Result<Plot> {
    let count = data.names.len();
    if count < 2 {
        return nothing(TITLE, "angles need two enrolled people");
    }
    let people = &data.shown;
    let side = people.len() as u32;
    let map = RgbImage::from_fn(side, side, |x, y| match x == y {
        true => Rgb([0xdd; 3]),
        false => colour(data.degrees[(y * side + x) as usize]),
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
    for &Pair { people: [a, b], degrees } in data.closest() {
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

    /// Each pair is compared with every other, as a list of all pairs that is sorted would be.
    #[test]
    fn closest_pairs_and_the_people_shown_are_those_of_a_sorted_list_of_all_pairs() {
        for count in [0, 1, 2, 7, MOST_PEOPLE, 260] {
            // Few different angles, so that many pairs are equally close.
            let degrees = |a: usize, b: usize| (a * b * 7 % 13 + (a + b) * 31 % 17) as f32;
            let names = (0..count).map(|person| format!("P{person}")).collect();
            let angles = Angles::between(names, None, degrees);
            let pairs = (0..count).flat_map(|b| (0..b).map(move |a| [a, b]));
            let mut all: Vec<Pair> =
                pairs.map(|people| Pair { people, degrees: degrees(people[0], people[1]) }).collect();
            all.sort_by(|one, other| one.degrees.total_cmp(&other.degrees));
            assert_eq!(angles.closest(), &all[..all.len().min(MOST_PAIRS)]);
            let mut shown = Vec::new();
            for person in all.iter().flat_map(|pair| pair.people) {
                if shown.len() < MOST_PEOPLE && !shown.contains(&person) {
                    shown.push(person);
                }
            }
            shown.sort_unstable();
            assert_eq!(angles.shown, shown);
            assert!(angles.degrees.len() == shown.len() * shown.len());
        }
    }

    #[test]
    fn angles_of_ten_thousand_people_keep_little() {
        let names = vec![String::new(); 10_000];
        let angles = Angles::between(names, None, |a, b| (a * 31 + b * 31) as f32);
        assert_eq!(angles.closest()[0].people, [0, 1]);
        assert!(angles.degrees.len() <= MOST_PEOPLE * MOST_PEOPLE && angles.closest.len() <= MOST_PAIRS);
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
