//! Reports: one file, nothing from outside, everything escaped, the numbers in words.

mod output_sample;

use std::fs;
use std::path::{Path, PathBuf};

use dermasim::present::output::Provenance;
use dermasim::present::{plot, report};
use dermasim::scenario::Scenario;
use output_sample as sample;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("output-reports").join(name);
    let _fresh = fs::remove_dir_all(&folder);
    folder
}

fn self_contained(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    for outside in ["src=\"http", "href=\"http", "@import", "url(", "<script"] {
        assert!(!text.contains(outside), "{outside} in {}", path.display());
    }
    assert!(text.contains("not medical advice") && text.contains("data:image/"));
    text
}

#[test]
fn a_run_is_told_in_words() {
    let place = folder("run");
    let kept = sample::run("cheek-three-sessions", sample::cells(), 1.0);
    let figures = plot::draw_run(&kept, &place.join("figures")).unwrap();
    let path = place.join("report.html");
    report::write_run(&path, &kept, &sample::provenance(), &figures, &place.join("figures")).unwrap();
    let text = self_contained(&path);
    for wanted in [
        "&lt;four weeks apart&gt;",
        "Cheek skin (age 40, fitzpatrick III, sex female), needled with skinpen set to 1.5 mm by a dermatologist",
        "collagen I +39 %",
        "Erythema is strongest 6 h after session 2 (+0.67) and is over 4 days after the last session",
        "Of 5 numbers that went into this, 1 (20 %) were measured",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing");
    }
    assert!(!text.contains("<four"), "the question is not escaped");
}

#[test]
fn the_assumed_numbers_that_matter_most_are_named() {
    let place = folder("influence");
    let kept = sample::run("cheek-three-sessions", sample::cells(), 1.0);
    let text = "tissue = \"cheek\"\n[needling]\nlength = \"1.5 mm\"\n";
    let plan = Scenario::from_text("influence", text).plan().unwrap();
    let provenance = Provenance::of(&plan);
    let path = place.join("report.html");
    report::write_run(&path, &kept, &provenance, &[], &place).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let (_, told) = text.split_once("assumed numbers that matter most").expect("they are named");
    let (list, _) = told.split_once("</ul>").expect("a list");
    // The stored table speaks of numbers that the default run has: none of its keys is passed over.
    let table: toml::Table = include_str!("../models/influence/uncertainty.toml").parse().expect("a table");
    let keys = table["number"].as_array().expect("numbers").iter().map(|number| number["key"].as_str());
    let keys: std::collections::BTreeSet<Option<&str>> = keys.collect();
    assert_eq!(list.matches("<li>").count(), keys.len(), "{list}");
}

#[test]
fn a_sweep_and_a_comparison_are_told_in_words() {
    let place = folder("sweep");
    let sweep = sample::sweep();
    let figures = plot::draw_sweep(&sweep, &place.join("figures")).unwrap();
    let path = place.join("report.html");
    report::write_sweep(&path, &sweep, &sample::provenance(), &figures, &place.join("figures")).unwrap();
    assert!(self_contained(&path).contains("10 runs that differ in protocol.length"));

    let place = folder("compare");
    let (one, other) = (sample::run("roller", sample::cells(), 0.7), sample::run("pen", sample::cells(), 1.0));
    let runs = [("roller".to_owned(), &one), ("pen".to_owned(), &other)];
    let figures = plot::draw_compare(&runs, &place.join("figures")).unwrap();
    let path = place.join("report.html");
    report::write_compare(&path, &runs, &figures, &place.join("figures")).unwrap();
    assert!(self_contained(&path).contains("pen against roller"));
}
