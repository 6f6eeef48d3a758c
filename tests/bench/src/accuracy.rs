//! The book's tables of accuracy: verification and open-set identification on the larger test data beside the repository.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use host::accuracy::embedded::{PixelsFor, Seconds, embed_photos};
use host::accuracy::identification::{Identification, identify};
use host::accuracy::pairs::Pairs;
use host::accuracy::reading::listed;
use host::accuracy::roles::Roles;
use host::accuracy::verification::{Verification, verify};
use host::crops::Source;
use host::export::export;
use host::output::{self, grouped};
use suite::accuracy::{self, Figures};
use suite::{job, real_networks, shared};

use crate::figures::{self, ACCURACY, row};

/// A network's figures.
struct Measured {
    network: String,
    figures: Figures,
    verification: Verification,
    identification: Identification,
}

/// Measures the real networks. Writes the book's tables and the baseline, or only prints the tables.
pub fn run(dry: bool) -> Result<()> {
    let faces =
        shared("faces/lfw").context("accuracy is measured on ../shared/faces/lfw, which is not there")?;
    let crops = faces.join("crops");
    let folder = tempfile::tempdir()?;
    let mut measured = Vec::new();
    for model in real_networks() {
        let network = model.file_stem().context("a network without a name")?.to_string_lossy().to_string();
        eprintln!("bench: {network}");
        let exported = export(&job(&model, &crops))?;
        let image = folder.path().join("image.geode");
        std::fs::write(&image, &exported.image)?;
        let pairs = Pairs::read(&faces.join("pairs.csv"))?;
        let embedded = embed_photos(
            &image,
            listed(&image, &pairs.photos, &crops, &Source::aligned())?,
            Some(&model),
            PixelsFor::default(),
        )?;
        let verification = verify(&pairs, &embedded);
        let roles = Roles::read(&faces.join("identification.csv"))?;
        let embedded = embed_photos(
            &image,
            listed(&image, &roles.photos, &crops, &Source::aligned())?,
            Some(&model),
            PixelsFor::default(),
        )?;
        let identification = identify(&roles, &embedded, 0.003)?;
        let figures = accuracy::figures(&exported.report, &verification, &identification);
        measured.push(Measured { network, figures, verification, identification });
    }
    let text = tables(&measured)?;
    println!("{text}");
    if dry {
        return Ok(());
    }
    let figures: BTreeMap<&str, &Figures> = measured.iter().map(|m| (&*m.network, &m.figures)).collect();
    output::write_json(&accuracy::baseline_path(), &figures)?;
    figures::write(ACCURACY, &text)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Tables in Markdown.
fn tables(measured: &[Measured]) -> Result<String> {
    let mut text = String::new();
    columns(&mut text, measured);
    decisions(&mut text, measured);
    rules(&mut text, measured);
    wrong_labels(&mut text, measured)?;
    seconds(&mut text, measured)?;
    Ok(text)
}

/// A table with one column for each network.
fn columns(text: &mut String, measured: &[Measured]) {
    row(text, [String::new()].into_iter().chain(measured.iter().map(|m| m.network.clone())));
    row(text, std::iter::repeat_n("---".to_string(), 1 + measured.len()));
    let networks: Vec<Vec<[String; 2]>> = measured.iter().map(|m| accuracy::rows(&m.figures)).collect();
    let heads = networks.first().map_or(&[][..], |rows| rows);
    for (place, [head, _]) in heads.iter().enumerate() {
        row(text, [head.clone()].into_iter().chain(networks.iter().map(|rows| rows[place][1].clone())));
    }
}

fn decisions(text: &mut String, measured: &[Measured]) {
    let Some(Measured { identification, .. }) = measured.first() else { return };
    let [people, probes, strangers, cohort] = identification.counts;
    let _ = write!(
        text,
        "\nOpen-set identification: {people} people enrolled with three photos each, {probes} probes, {strangers} \
         strangers, thresholds from {cohort} other people. Means over 24 galleries of 10 and of 50 people, and the whole \
         gallery. The bounds are those by trials that an export states; they hold for strangers like the cohort's.\n\n"
    );
    row(
        text,
        ["network", "people", "FPIR asked", "FPIR measured", "95 % bounds stated", "TPIR"].map(String::from),
    );
    row(text, ["---"; 6].map(String::from));
    for Measured { network, identification, .. } in measured {
        let mut shown = network.as_str();
        for rate in [0.003, 0.01] {
            let rows = identification.decisions.iter();
            for decision in rows.filter(|row| row.people > 1 && row.fpir_asked == rate) {
                let [low, high] = decision.fpir_bounds;
                let [low, high] = [100.0 * low, 100.0 * high];
                row(
                    text,
                    [
                        std::mem::take(&mut shown).to_string(),
                        decision.people.to_string(),
                        percent(rate),
                        percent(decision.fpir),
                        format!("{low:.2} … {high:.2} %"),
                        percent(decision.tpir),
                    ],
                );
            }
        }
    }
}

fn rules(text: &mut String, measured: &[Measured]) {
    let _ = write!(
        text,
        "\nTPIR of threshold and margin against the threshold alone, where each accepts the same share of these \
         strangers:\n\n"
    );
    let sizes = |identification: &Identification| {
        let at = identification.rules.iter().filter(|row| row.fpir == 0.01);
        at.map(|row| row.people.to_string()).collect::<Vec<_>>()
    };
    let Some(first) = measured.first() else { return };
    let sizes = sizes(&first.identification);
    let heads = sizes.iter().map(|size| format!("{size} people").replace("1 people", "1 person"));
    row(text, ["network, rule", "FPIR"].map(String::from).into_iter().chain(heads));
    row(text, std::iter::repeat_n("---".to_string(), 2 + sizes.len()));
    for Measured { network, identification, .. } in measured {
        for rate in [0.003, 0.01] {
            let at = || identification.rules.iter().filter(|row| row.fpir == rate);
            let absolute = at().map(|row| row.absolute.map_or("-".to_string(), percent));
            let head = [format!("{network}, threshold alone"), percent(rate)];
            row(text, head.into_iter().chain(absolute));
            let combined = at().map(|row| row.combined.map_or("-".to_string(), percent));
            row(text, ["with the margin".to_string(), String::new()].into_iter().chain(combined));
        }
    }
}

fn wrong_labels(text: &mut String, measured: &[Measured]) -> Result<()> {
    let Some(people) = measured.first().and_then(|m| m.identification.wrong_labels.as_ref()) else {
        return Ok(());
    };
    let fall = |[right, wrong]: [f64; 2]| format!("{:.1}", 100.0 * (right - wrong));
    let _ = write!(
        text,
        "\nWith one of five enrolment photos another person's ({} people), TPIR falls by",
        people.people
    );
    for (index, m) in measured.iter().enumerate() {
        let wrong = m.identification.wrong_labels.as_ref().context("too few people for wrong labels")?;
        let between = if index == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{between} {} points for {} (with a plain mean by {})",
            fall(wrong.robust),
            m.network,
            fall(wrong.plain)
        );
    }
    text.push_str(".\n");
    Ok(())
}

fn seconds(text: &mut String, measured: &[Measured]) -> Result<()> {
    let Some(Measured { network, verification, identification, .. }) = measured.first() else {
        return Ok(());
    };
    let Seconds { reading, quantised, float, .. } = verification.seconds;
    let cores = std::thread::available_parallelism()?;
    let _ = write!(
        text,
        "\n{network} on {} crops and {cores} cores: {reading:.1} s to decode, {quantised:.1} s to embed in \
         int8, {float:.1} s in float by tract; {:.1} s to score identification with its 73 galleries.\n",
        grouped(verification.photos as u64),
        identification.seconds.scoring
    );
    Ok(())
}
