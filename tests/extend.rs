//! What `docs/models.md` promises a biologist: a new cytokine is one edit to one model file.

use std::sync::Arc;

use dermasim::run::{self, Outcome};
use dermasim::scenario::Scenario;

const MODELS: &str = include_str!("../docs/models.md");
const MODEL: &str = include_str!("../models/response/default.toml");

/// The first TOML block of the page behind a heading.
fn block(heading: &str) -> &'static str {
    let after = MODELS.split_once(heading).unwrap_or_else(|| panic!("the page has `{heading}`")).1;
    let text = after.split_once("```toml\n").expect("a TOML block").1;
    text.split_once("```").expect("an end").0
}

fn run(folder: &std::path::Path, model: &str) -> Outcome {
    std::fs::write(folder.join("own.toml"), model).expect("a model file");
    let text = "tissue = \"cheek\"\nresponse = \"own.toml\"\n[needling]\ndevice = \"skinpen\"\nlength = \"1.5 mm\"\n
        [course]\nfollowed = \"14 d\"\n[grid]\nstrata = 1\nspacing = \"15 um\"\nresolution = 0.6\n";
    let path = folder.join("scenario.toml");
    std::fs::write(&path, text).expect("a scenario");
    let plan = Scenario::read(&path).and_then(|scenario| scenario.plan()).unwrap_or_else(|error| panic!("{error}"));
    run::run(&Arc::new(plan), &mut |_| true).unwrap_or_else(|error| panic!("{error}"))
}

fn peak(outcome: &Outcome, name: &str) -> f64 {
    let record = &outcome.record;
    let column = record.headings.iter().position(|heading| heading.name == name).expect("an observable");
    record.values.iter().map(|row| row[column]).fold(0.0, f64::max)
}

#[test]
fn a_cytokine_that_inhibits_fibroblasts_is_one_edit_to_one_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = run(folder.path(), MODEL);
    let extended =
        run(folder.path(), &format!("extends = \"default\"\nname = \"own\"\n{}", block("## Add a cytokine")));
    let (before, after) = (peak(&plain, "fibroblasts"), peak(&extended, "fibroblasts"));
    assert!(after < before && after > 1.0, "fibroblasts peak at {after}, without the cytokine at {before}");
    assert!(peak(&extended, "interferon_peak") > 0.0);
}
