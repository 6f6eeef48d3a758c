//! The table of answers that `host simulate` and `host recognise` print.

use host::photo::folder::visible;
use host::recognise::Answer;
use std::fmt::{self, Write as _};

pub fn print(out: &mut String, answers: &[Answer]) -> fmt::Result {
    let name = |name: &Option<String>| match name.as_deref() {
        None => "-".to_string(),
        Some("") => "(a stranger)".to_string(),
        Some(name) => visible(name),
    };
    let degrees = |angle: Option<f32>| angle.map_or("-".to_string(), |angle| format!("{angle:.1}°"));
    let width = answers.iter().map(|a| a.photo.chars().count()).max().unwrap_or(0).max(5);
    writeln!(
        out,
        "{:width$}  {:8}  {:16} {:>7}  {:16} {:>7}  {:>10}  why",
        "photo", "", "nearest", "angle", "next", "angle", "confidence"
    )?;
    for answer in answers {
        writeln!(
            out,
            "{:width$}  {:8}  {:16} {:>7}  {:16} {:>7}  {:>9.1}%  {}{}",
            visible(&answer.photo),
            if answer.accepted { "ACCEPTED" } else { "rejected" },
            name(&answer.person),
            degrees(answer.angle_degrees),
            name(&answer.runner_up),
            degrees(answer.runner_up_angle_degrees),
            100.0 * answer.confidence,
            answer.reason,
            if answer.certified { ", certified" } else { "" }
        )?;
    }
    Ok(())
}
