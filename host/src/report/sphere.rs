//! One person on the sphere: their centre, the nearest other centre, probes, and the regions of the rules.
//!
//! Two centres and a probe span three dimensions, in which they lie on an ordinary sphere. It is drawn around the
//! person's centre so that distances from the middle are angles to that centre (azimuthal equidistant projection).
//! The nearest other centre is to the right; a probe's bearing from it follows from the spherical law of cosines.
//! Each probe has a third dimension of its own, so the side of the line between the centres has no meaning: the
//! person's own probes are drawn above, all others below.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use anyhow::Result;

use super::Figures;
use super::axes::{Key, legend, percent};
use super::canvas::{Anchor, Canvas, Plot, Point, SMALL, TEXT, inks, nothing, plot, shortened, text_width};
use crate::embedding::{angle, cosine};

const TITLE: &str = "A person's centre, the nearest other one, and probes";
/// Middle of the field, and its radius, pixels.
const MIDDLE: Point = [320.0, 352.0];
const RADIUS: f64 = 270.0;

/// The person whom a probe shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The person in the middle.
    Own,
    /// The nearest other person.
    Other,
    /// Anybody else.
    Stranger,
}

/// A probe, described by its angles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeenPhoto {
    /// Radians to the person's centre.
    pub own_rad: f32,
    /// Radians to the nearest other centre.
    pub other_rad: f32,
    /// Whose photo it is.
    pub whose: Whose,
}

/// A person and their nearest neighbour.
#[derive(Clone, Debug, PartialEq)]
pub struct Sphere {
    /// Their name.
    pub person: String,
    /// Name of the nearest other person.
    pub other: String,
    /// Radians between the two centres.
    pub between_rad: f32,
    /// Radians within which the absolute rule accepts: arccos t(N).
    pub accept_rad: f32,
    /// The other centre must be farther than the person's own by this many radians, if the rules require it.
    pub margin_rad: Option<f32>,
    /// Margin m of the cap of radius (φ − m) / 2, radians, if there is one.
    pub cap_margin_rad: Option<f32>,
    /// Probes. Those without finite angles are left out.
    pub probes: Vec<SeenPhoto>,
}

impl Sphere {
    /// The angles around a person. Of this person's centres and all others' centres (unit vectors, each person has one
    /// or more), the nearest pair is drawn. `probes` are unit embeddings, each with the number of the person whom it
    /// shows, or `None` for people not enrolled. Of the rules only `accept_rad` is filled in.
    ///
    /// `None` without another person.
    ///
    /// # Panics
    /// When `person` is not the number of one of `people`.
    pub fn of(
        people: &[(String, Vec<Vec<f32>>)],
        person: usize,
        probes: &[(Option<usize>, &[f32])],
        accept_rad: f32,
    ) -> Option<Self> {
        let (name, centres) = &people[person];
        let others = people.iter().enumerate().filter(|(number, _)| *number != person);
        let pairs = others.flat_map(|(number, (_, others))| {
            centres.iter().flat_map(move |own| others.iter().map(move |other| (number, own, other)))
        });
        let (number, own, other) = pairs.max_by(|a, b| cosine(a.1, a.2).total_cmp(&cosine(b.1, b.2)))?;
        let probes = probes.iter().map(|&(shown, embedding)| SeenPhoto {
            own_rad: angle(cosine(own, embedding)),
            other_rad: angle(cosine(other, embedding)),
            whose: match shown {
                Some(shown) if shown == person => Whose::Own,
                Some(shown) if shown == number => Whose::Other,
                _ => Whose::Stranger,
            },
        });
        Some(Sphere {
            person: name.clone(),
            other: people[number].0.clone(),
            between_rad: angle(cosine(own, other)),
            accept_rad,
            margin_rad: None,
            cap_margin_rad: None,
            probes: probes.collect(),
        })
    }

    /// Radius of the cap, radians. `None` without a cap, or if the centres are closer than its margin.
    pub fn cap_rad(&self) -> Option<f32> {
        self.cap_margin_rad.map(|margin| (self.between_rad - margin) / 2.0).filter(|&radius| radius > 0.0)
    }

    fn is_accepted(&self, probe: &SeenPhoto) -> bool {
        let clear = self.margin_rad.is_none_or(|margin| probe.own_rad + margin <= probe.other_rad);
        probe.own_rad <= self.accept_rad && clear
    }
}

/// Bearing of a probe as seen from the own centre, from 0 (towards the other centre) to π. It follows from the sides
/// of the triangle by the spherical law of cosines. All values are in radians.
pub fn bearing(own: f64, other: f64, between: f64) -> f64 {
    let sines = own.sin() * between.sin();
    if sines < 1e-12 {
        return 0.0;
    }
    ((other.cos() - own.cos() * between.cos()) / sines).clamp(-1.0, 1.0).acos()
}

/// Angle to the other centre from a point at a bearing and `own` radians from the own centre.
fn other_angle(own: f64, bearing: f64, between: f64) -> f64 {
    (own.cos() * between.cos() + own.sin() * between.sin() * bearing.cos()).clamp(-1.0, 1.0).acos()
}

/// Greatest distance from the own centre, in the direction of a bearing, at which the other centre is still farther by
/// at least `margin`.
fn reach(bearing: f64, between: f64, margin: f64) -> f64 {
    // By the triangle inequality the difference decreases with the distance everywhere.
    let (mut near, mut far) = (0.0, PI);
    for _ in 0..50 {
        let middle = (near + far) / 2.0;
        if other_angle(middle, bearing, between) - middle >= margin {
            near = middle;
        } else {
            far = middle;
        }
    }
    near
}

/// Draws the sphere around a person.
///
/// # Errors
/// As [`plot`].
pub fn sphere(data: &Sphere) -> Result<Plot> {
    let between = f64::from(data.between_rad);
    if !(between.is_finite() && between > 0.0) {
        return nothing(TITLE, "there is no other person at any angle");
    }
    let probes =
        || data.probes.iter().filter(|probe| probe.own_rad.is_finite() && probe.other_rad.is_finite());
    let farthest = probes().map(|probe| f64::from(probe.own_rad)).fold(between, f64::max);
    let extent = ((farthest.to_degrees() + 3.0) / 15.0).ceil().clamp(4.0, 12.0) * 15f64.to_radians();
    let at = |angle: f64, bearing: f64, up: f64| -> Point {
        let radius = RADIUS * angle / extent;
        [MIDDLE[0] + radius * bearing.cos(), MIDDLE[1] - up * radius * bearing.sin()]
    };
    let turn = |radius: &dyn Fn(f64) -> f64| -> Vec<Point> {
        (0..=360)
            .map(|step| f64::from(step) / 360.0 * TAU)
            .map(|b| at(radius(b).min(extent), b, 1.0))
            .collect()
    };
    plot(TITLE, [640, 662], |canvas| {
        let kinds = [Whose::Own, Whose::Other, Whose::Stranger].map(|whose| {
            let any = probes().any(|probe| probe.whose == whose);
            any.then_some(match whose {
                Whose::Own => (Key::Dot, inks::BLUE, "their photos"),
                Whose::Other => (Key::Dot, inks::ORANGE, "the other's photos"),
                Whose::Stranger => (Key::Dot, inks::GREY, "anybody else's"),
            })
        });
        let mut keys: Vec<_> = kinds.into_iter().flatten().collect();
        keys.push((Key::Area, inks::GREEN.alpha(0.25), "accepted"));
        keys.push((Key::Line, inks::GREEN, "t(N)"));
        let cap = data.cap_rad().map(f64::from);
        if cap.is_some() {
            keys.push((Key::Line, inks::VERMILION, "(φ − m) / 2"));
        }
        if data.margin_rad.is_some() {
            keys.push((Key::Dashes, inks::PURPLE, "margin to the runner-up"));
        }
        keys.push((Key::Dashes, inks::GREY, "as near to both"));
        legend(canvas, [12.0, 8.0], 620.0, &keys);

        let accept = f64::from(data.accept_rad);
        let margin = data.margin_rad.map(f64::from);
        let clear = |b: f64| margin.map_or(PI, |margin| reach(b, between, margin));
        canvas.fill(&turn(&|b| accept.min(clear(b))), inks::GREEN.alpha(0.15));
        grid(canvas, extent);
        canvas.line(&[at(0.0, 0.0, 1.0), at(between, 0.0, 1.0)], inks::BLACK.width(1.0));
        canvas.dashes(&inside(&turn(&|b| reach(b, between, 0.0))), inks::GREY.width(1.5), 4.0);
        if margin.is_some() {
            canvas.dashes(&inside(&turn(&clear)), inks::PURPLE.width(2.5), 7.0);
        }
        canvas.ring(MIDDLE, RADIUS * accept.min(extent) / extent, inks::GREEN.width(2.5));
        if let Some(cap) = cap {
            canvas.ring(MIDDLE, RADIUS * cap / extent, inks::VERMILION.width(2.5));
        }
        for probe in probes() {
            let bearing = bearing(probe.own_rad.into(), probe.other_rad.into(), between);
            let (up, ink) = match probe.whose {
                Whose::Own => (1.0, inks::BLUE),
                Whose::Other => (-1.0, inks::ORANGE),
                Whose::Stranger => (-1.0, inks::GREY),
            };
            canvas.dot(at(probe.own_rad.into(), bearing, up), 3.5, ink.alpha(0.75));
        }
        let other = at(between, 0.0, 1.0);
        canvas.dot(MIDDLE, 6.5, inks::BLACK);
        canvas.dot(other, 6.5, inks::BLACK);
        let name = shortened(&data.other, SMALL, 120.0);
        let room = 632.0 - text_width(&name, SMALL);
        label(canvas, [(other[0] + 4.0).min(room), other[1] + 9.0], &name);
        let name = format!("in the middle: {}", shortened(&data.person, TEXT, 400.0));
        canvas.text([320.0, 644.0], [Anchor::Middle; 2], TEXT, inks::BLACK, &name);
        let half = at(between * 0.62, 0.0, 1.0);
        label(canvas, [half[0] - 34.0, half[1] - 25.0], &format!("φ = {:.1}°", between.to_degrees()));
    })
}

/// The part of a closed line inside the field.
fn inside(line: &[Point]) -> Vec<Point> {
    let is_inside = |p: &&Point| (p[0] - MIDDLE[0]).hypot(p[1] - MIDDLE[1]) < RADIUS - 0.01;
    // The line starts towards the other centre, so the part beyond the edge is in the middle of the line.
    let first: Vec<Point> = line.iter().take_while(is_inside).copied().collect();
    if first.len() == line.len() {
        return first;
    }
    let mut last: Vec<Point> = line.iter().rev().take_while(is_inside).copied().collect();
    last.reverse();
    last.into_iter().chain(first).collect()
}

fn label(canvas: &mut Canvas<'_>, at: Point, text: &str) {
    let width = text_width(text, SMALL);
    canvas.bar([at[0] - 2.0, at[1]], [at[0] + width + 2.0, at[1] + 20.0], inks::WHITE.alpha(0.8));
    canvas.text([at[0], at[1] + 2.0], [Anchor::Left, Anchor::Left], SMALL, inks::BLACK, text);
}

fn grid(canvas: &mut Canvas<'_>, extent: f64) {
    for degrees in (30..=180).step_by(30) {
        let radius = RADIUS * f64::from(degrees).to_radians() / extent;
        if radius > RADIUS * 1.001 {
            break;
        }
        canvas.ring(MIDDLE, radius, inks::PALE.width(1.0));
        let text = format!("{degrees}°");
        let [sine, cosine] = [(FRAC_PI_2 * 1.25).sin(), (FRAC_PI_2 * 1.25).cos()];
        let place = [MIDDLE[0] + radius * cosine, MIDDLE[1] - radius * sine];
        canvas.text(place, [Anchor::Middle; 2], SMALL, inks::GREY, &text);
    }
    canvas.ring(MIDDLE, RADIUS, inks::GREY.width(1.0));
}

/// Angles and counts.
pub fn table(data: &Sphere) -> Figures {
    let mut table = Figures::new(&["", ""]);
    let degrees = |radians: f32| format!("{:.1}°", radians.to_degrees());
    let mut row = |what: String, value: String| table.push([what, value]);
    row(format!("{} to {} (φ)", data.person, data.other), degrees(data.between_rad));
    row("accepted within, t(N)".into(), degrees(data.accept_rad));
    if let Some(margin) = data.margin_rad {
        row("the runner-up is farther by".into(), degrees(margin));
    }
    if let Some(margin) = data.cap_margin_rad {
        row("margin m".into(), degrees(margin));
        let cap = data.cap_rad().map_or("none: the centres are closer than m".into(), degrees);
        row("cap (φ − m) / 2".into(), cap);
    }
    for (whose, what) in [
        (Whose::Own, "their photos".to_string()),
        (Whose::Other, format!("photos of {}", data.other)),
        (Whose::Stranger, "photos of anybody else".to_string()),
    ] {
        let probes: Vec<&SeenPhoto> = data.probes.iter().filter(|probe| probe.whose == whose).collect();
        if probes.is_empty() {
            continue;
        }
        let share = |count: usize| {
            format!("{count} of {} ({})", probes.len(), percent(count as f64 / probes.len() as f64))
        };
        row(format!("{what}, accepted"), share(probes.iter().filter(|p| data.is_accepted(p)).count()));
        if let Some(cap) = data.cap_rad() {
            row(format!("{what}, in the cap"), share(probes.iter().filter(|p| p.own_rad <= cap).count()));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Shapes, says_nothing};
    use super::*;
    use crate::embedding::unit;

    fn example(probes: Vec<SeenPhoto>) -> Sphere {
        Sphere {
            person: "Ada".into(),
            other: "Grace".into(),
            between_rad: 80f32.to_radians(),
            accept_rad: 60f32.to_radians(),
            margin_rad: Some(0.1),
            cap_margin_rad: Some(0.5),
            probes,
        }
    }

    fn probe(own: f32, other: f32, whose: Whose) -> SeenPhoto {
        SeenPhoto { own_rad: own.to_radians(), other_rad: other.to_radians(), whose }
    }

    /// Pixels for each degree in a plot that reaches 90°.
    const SCALE: f64 = RADIUS / 90.0;

    #[test]
    fn probes_are_as_far_from_the_middle_as_from_the_centre() {
        let probes = vec![
            probe(30.0, 75.0, Whose::Own),
            probe(62.0, 70.0, Whose::Other),
            probe(84.0, 88.0, Whose::Stranger),
        ];
        let shapes = Shapes::of(&sphere(&example(probes)).unwrap());
        for (colour, degrees, above) in
            [("#0072B2", 30.0, true), ("#E69F00", 62.0, false), ("#707070", 84.0, false)]
        {
            let dots: Vec<_> = shapes.dots(colour).into_iter().filter(|dot| dot[2] == 3.5).collect();
            assert_eq!(dots.len(), 1, "{colour}");
            let [x, y, _] = dots[0];
            let radius = (x - MIDDLE[0]).hypot(y - MIDDLE[1]);
            assert!((radius - degrees * SCALE).abs() < 0.2, "{colour} at {radius}, not {}", degrees * SCALE);
            assert_eq!(y < MIDDLE[1], above);
        }
    }

    #[test]
    fn other_centre_and_rules_are_at_their_angles() {
        let data = example(vec![]);
        let shapes = Shapes::of(&sphere(&data).unwrap());
        let centres: Vec<_> = shapes.dots("#202020");
        assert!((centres[1][0] - (MIDDLE[0] + 80.0 * SCALE)).abs() < 0.2 && centres[1][1] == MIDDLE[1]);
        let accept = shapes.rings("#009E73")[0];
        assert!((accept[2] - 60.0 * SCALE).abs() < 0.2);
        let cap = shapes.rings("#D55E00")[0];
        let expected = f64::from((data.between_rad - 0.5) / 2.0).to_degrees();
        assert!((cap[2] - expected * SCALE).abs() < 0.2);
        assert!(shapes.says("Ada") && shapes.says("Grace") && shapes.says("φ = 80.0°"));
    }

    #[test]
    fn nearest_pair_of_centres_is_drawn() {
        let vector = |degrees: f32| vec![degrees.to_radians().cos(), degrees.to_radians().sin()];
        let people = [
            ("Ada".to_string(), vec![vector(0.0), vector(20.0)]),
            ("Bo".to_string(), vec![vector(-60.0)]),
            ("Cy".to_string(), vec![vector(70.0), vector(120.0)]),
        ];
        let probes = [vector(30.0), vector(80.0), vector(-50.0), vector(200.0)];
        let shown = [Some(0), Some(2), Some(1), None];
        let probes: Vec<_> =
            shown.into_iter().zip(&probes).map(|(shown, probe)| (shown, &probe[..])).collect();
        let around = Sphere::of(&people, 0, &probes, 1.0).unwrap();
        assert_eq!((&*around.person, &*around.other), ("Ada", "Cy"));
        assert!((around.between_rad.to_degrees() - 50.0).abs() < 0.01);
        let degrees = around.probes.iter().map(|p| [p.own_rad, p.other_rad].map(|a| a.to_degrees().round()));
        assert_eq!(degrees.collect::<Vec<_>>(), [[10.0, 40.0], [60.0, 10.0], [70.0, 120.0], [180.0, 130.0]]);
        let whose: Vec<Whose> = around.probes.iter().map(|probe| probe.whose).collect();
        assert_eq!(whose, [Whose::Own, Whose::Other, Whose::Stranger, Whose::Stranger]);
        assert_eq!(Sphere::of(&people[..1], 0, &probes, 1.0), None);
    }

    #[test]
    fn bearings_are_those_on_the_sphere() {
        // Probes towards the other centre, away from it, and at a right angle to the great circle.
        let degrees = |own: f64, other: f64, between: f64| {
            let [own, other, between] = [own, other, between].map(f64::to_radians);
            bearing(own, other, between).to_degrees()
        };
        assert!((degrees(30.0, 50.0, 80.0)).abs() < 1e-4);
        assert!((degrees(30.0, 110.0, 80.0) - 180.0).abs() < 1e-4);
        assert!((degrees(40.0, 90.0, 90.0) - 90.0).abs() < 1e-9);
        // In 512 dimensions the angle at a corner is the angle between the tangents there.
        let vector = |seed: usize| -> Vec<f32> {
            unit(&(0..512).map(|i| ((i * seed) as f32).sin()).collect::<Vec<_>>())
        };
        let [a, b, p] = [vector(3), vector(7), vector(5)];
        let tangent = |to: &[f32]| -> Vec<f32> {
            let along = cosine(&a, to);
            unit(&to.iter().zip(&a).map(|(to, a)| to - along * a).collect::<Vec<_>>())
        };
        let expected = angle(cosine(&tangent(&b), &tangent(&p)));
        let sides = [cosine(&a, &p), cosine(&b, &p), cosine(&a, &b)].map(|c| f64::from(angle(c)));
        assert!((bearing(sides[0], sides[1], sides[2]) - f64::from(expected)).abs() < 1e-4);
    }

    #[test]
    fn margin_meets_the_cap_on_the_line_between_the_centres_and_is_wider_elsewhere() {
        let (between, margin) = (1.4, 0.5);
        assert!((reach(0.0, between, margin) - (between - margin) / 2.0).abs() < 1e-9);
        let reaches: Vec<f64> = (0..=18).map(|i| reach(f64::from(i) * PI / 18.0, between, margin)).collect();
        assert!(reaches.is_sorted(), "{reaches:?}");
        for (step, &reach) in reaches.iter().enumerate() {
            let other = other_angle(reach, step as f64 * PI / 18.0, between);
            assert!((other - reach - margin).abs() < 1e-9);
        }
        assert_eq!(reach(1.0, 0.3, 0.5), 0.0);
    }

    #[test]
    fn table_counts_by_the_rules() {
        let probes = vec![
            probe(25.0, 75.0, Whose::Own),
            probe(55.0, 75.0, Whose::Own),
            probe(55.0, 58.0, Whose::Own),
            probe(65.0, 75.0, Whose::Own),
        ];
        let table = table(&example(probes));
        let value = |what: &str| table.rows.iter().find(|row| row[0] == what).unwrap()[1].clone();
        assert_eq!(value("their photos, accepted"), "2 of 4 (50 %)");
        assert_eq!(value("their photos, in the cap"), "1 of 4 (25 %)");
        assert_eq!(value("cap (φ − m) / 2"), "25.7°");
    }

    #[test]
    fn nobody_else_and_no_probes_are_drawn_too() {
        assert!(says_nothing(&sphere(&Sphere { between_rad: 0.0, ..example(vec![]) }).unwrap()));
        let bare =
            Sphere { margin_rad: None, cap_margin_rad: None, ..example(vec![probe(0.0, 80.0, Whose::Own)]) };
        assert_eq!(Shapes::of(&sphere(&bare).unwrap()).dots("#0072B2").len(), 2);
        let close = Sphere { between_rad: 0.2, ..example(vec![]) };
        assert_eq!(Shapes::of(&sphere(&close).unwrap()).rings("#D55E00").len(), 0);
    }
}
