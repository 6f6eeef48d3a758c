//! Figures of accuracy by name, as the baseline keeps them and as the book's table shows them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use host::accuracy::identification::Identification;
use host::accuracy::networks::NetworkFigures;
use host::accuracy::verification::{Rates, Verification};
use host::export::Report;
use host::output::grouped;

use super::root;

/// Figures of a network: shares of one, cosines, bytes.
pub type Figures = BTreeMap<String, f64>;

/// Figures of the float network begin so.
const FLOAT: &str = "float: ";
/// As do those that compare the int8 network with it.
const BETWEEN: &str = "int8 and float: ";

/// Whether a figure is known only where the float network ran as well.
pub fn needs_float(name: &str) -> bool {
    name.starts_with(FLOAT) || name.starts_with(BETWEEN)
}

/// Whether a figure is the better the smaller it is.
pub fn is_better_smaller(name: &str) -> bool {
    name.starts_with("FPIR") || name == "standard error" || is_bytes(name)
}

/// Whether a figure is a number of bytes.
pub fn is_bytes(name: &str) -> bool {
    name.ends_with(" bytes")
}

/// Figures of an exported network; those of the float one where it ran.
///
/// # Panics
/// When there are too few photos to tell one of them.
pub fn figures(report: &Report, verification: &Verification, identification: &Identification) -> Figures {
    let mut figures = Figures::new();
    let mut put = |name: String, figure: f64| assert!(figures.insert(name, figure).is_none());
    let mut of_network = |prefix: &str, rates: &Rates, network: &NetworkFigures| {
        let told = |figure: Option<f64>| figure.expect("enough photos");
        put(format!("{prefix}accuracy"), rates.accuracy);
        put(format!("{prefix}TAR at FAR 1e-2"), told(rates.tar_at_far_1e2));
        put(format!("{prefix}TAR at FAR 1e-3"), told(rates.tar_at_far_1e3));
        put(format!("{prefix}rank 1"), network.rank1);
        put(format!("{prefix}TPIR at FPIR 0.01"), told(network.tpir[0]));
        put(format!("{prefix}TPIR at FPIR 0.003"), told(network.tpir[1]));
    };
    of_network("", &verification.quantised, &identification.networks[0]);
    if let (Some(rates), Some(network)) = (&verification.float, identification.networks.get(1)) {
        of_network(FLOAT, rates, network);
    }
    put("standard error".to_string(), verification.quantised.standard_error);
    if let Some(agreement) = &verification.agreement {
        put(format!("{BETWEEN}mean cosine"), agreement.mean_cosine.into());
        put(format!("{BETWEEN}least cosine"), agreement.least_cosine.into());
        let centred = agreement.centred_mean_cosine.expect("photos that differ");
        put(format!("{BETWEEN}mean cosine, centred"), centred.into());
        let centred = agreement.centred_least_cosine.expect("photos that differ");
        put(format!("{BETWEEN}least cosine, centred"), centred.into());
    }
    for row in &identification.decisions {
        let name = format!("{} people at {}", row.people, row.fpir_asked);
        put(format!("FPIR, {name}"), row.fpir);
        put(format!("TPIR, {name}"), row.tpir);
    }
    put("arena bytes".to_string(), report.arena_bytes as f64);
    put("image bytes".to_string(), report.image_bytes as f64);
    figures
}

/// The rows of the book's first table, each with the cell of a network with these figures.
///
/// # Panics
/// When a figure is missing.
pub fn rows(figures: &Figures) -> Vec<[String; 2]> {
    let of = |name: &str| *figures.get(name).unwrap_or_else(|| panic!("the figure {name} is missing"));
    let percent = |name: &str| format!("{:.2}", 100.0 * of(name));
    let both = |name: &str| format!("{} → {}", percent(&format!("{FLOAT}{name}")), percent(name));
    let tars = |prefix: &str| {
        let [tar_1e2, tar_1e3] = ["1e-2", "1e-3"].map(|far| percent(&format!("{prefix}TAR at FAR {far}")));
        format!("{tar_1e2} %, {tar_1e3} %")
    };
    let cosines = |centred: &str| {
        let [mean, least] = ["mean", "least"].map(|of_all| of(&format!("{BETWEEN}{of_all} cosine{centred}")));
        format!("{mean:.4}, {least:.3}")
    };
    let bytes = |name: &str| format!("{} B", grouped(of(name) as u64));
    let rows = [
        (
            "LFW verification, four folds, float → int8",
            format!("{} ± {} %", both("accuracy"), percent("standard error")),
        ),
        ("TAR at FAR 1e-2 and 1e-3, float", tars(FLOAT)),
        ("the same, int8", tars("")),
        ("183 people enrolled: rank 1, float → int8", format!("{} %", both("rank 1"))),
        ("TPIR where FPIR is measured as 0.01", format!("{} %", both("TPIR at FPIR 0.01"))),
        ("TPIR where FPIR is measured as 0.003", format!("{} %", both("TPIR at FPIR 0.003"))),
        ("cosine between int8 and float, mean, least", cosines("")),
        ("the same without the direction that all photos have in common", cosines(", centred")),
        ("arena, all of the working memory of the network", bytes("arena bytes")),
        ("image without people", bytes("image bytes")),
    ];
    rows.map(|(head, cell)| [head.to_string(), cell]).into()
}

/// The baseline: figures by network. `cargo run --release -p bench -- accuracy` writes it.
pub fn baseline_path() -> PathBuf {
    root().join("tests/bench/accuracy.json")
}

/// Reads the baseline.
///
/// # Panics
/// When it cannot be read.
pub fn baseline() -> BTreeMap<String, Figures> {
    serde_json::from_slice(&std::fs::read(baseline_path()).unwrap()).unwrap()
}
