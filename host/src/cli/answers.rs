//! The table of answers that `host simulate` and `host recognise` print.

use host::name::visible;
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
            "{:width$}  {:8}  {:16} {:>7}  {:16} {:>7}  {:>10}  {}{}",
            visible(&answer.photo),
            if answer.accepted { "ACCEPTED" } else { "rejected" },
            name(&answer.person),
            degrees(answer.angle_degrees),
            name(&answer.runner_up),
            degrees(answer.runner_up_angle_degrees),
            // A share among the enrolled, which says nothing of somebody who is none of them.
            if answer.accepted { format!("{:.1}%", 100.0 * answer.confidence) } else { "-".to_string() },
            answer.reason,
            if answer.certified { ", certified" } else { "" }
        )?;
    }
    Ok(())
}
