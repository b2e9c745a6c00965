//! The catalogue: every number of every file, how files are found, and what is refused.

use dermasim::base::error::Source;
use dermasim::base::sourced::{Evidence, Sourced, Traits};
use dermasim::scenario::ModelFile;
use dermasim::skin::catalogue::{
    CatalogueKind, Cost, Device, Mechanics, Operator, Overlay, Population, Tissue, find, list,
};

/// All numbers of a kind of file, with the file and the dotted name.
fn numbers(kind: CatalogueKind) -> Vec<(String, Sourced)> {
    let mut all = Vec::new();
    for entry in list(kind) {
        assert!(entry.what.len() > 10, "{}: says nothing of what it is", entry.name);
        let source = find(kind, &entry.name, None).unwrap();
        let mut keep = |numbers: Vec<(String, &Sourced)>| {
            all.extend(numbers.into_iter().map(|(name, number)| (format!("{}: {name}", source.name), number.clone())));
        };
        match kind {
            CatalogueKind::Tissue => keep(Tissue::read(&source).unwrap().numbers()),
            CatalogueKind::Device => keep(Device::read(&source).unwrap().numbers()),
            CatalogueKind::Operator => keep(Operator::read(&source).unwrap().numbers()),
            CatalogueKind::Mechanics => keep(Mechanics::read(&source).unwrap().numbers()),
            _ => {}
        }
    }
    all
}

#[test]
fn every_number_has_value_unit_source_evidence_and_range() {
    for kind in [CatalogueKind::Tissue, CatalogueKind::Device, CatalogueKind::Operator, CatalogueKind::Mechanics] {
        let all = numbers(kind);
        assert!(all.len() > 10, "{kind}");
        for (name, number) in all {
            assert!(number.source.len() > 10, "{name}: the source says too little");
            let [low, high] = number.range.unwrap_or_else(|| panic!("{name}: no range"));
            assert!(low <= high, "{name}");
            let recalled = number.source.contains("recalled");
            assert!(!recalled || !number.counts_as_measured(), "{name}: recalled, yet counted as measured");
        }
    }
}

#[test]
fn every_number_of_lesions_agents_persons_costs_and_populations_has_its_account() {
    for kind in [
        CatalogueKind::Lesion,
        CatalogueKind::Agent,
        CatalogueKind::Person,
        CatalogueKind::Cost,
        CatalogueKind::Population,
    ] {
        for entry in list(kind) {
            assert!(entry.what.len() > 5, "{}: says nothing of what it is", entry.name);
            let source = find(kind, &entry.name, None).unwrap();
            match kind {
                CatalogueKind::Cost => drop(Cost::read(&source).unwrap()),
                CatalogueKind::Population => drop(Population::read(&source).unwrap()),
                _ => drop(Overlay::read(kind, &source).unwrap()),
            }
            let file = ModelFile::open(kind, &entry.name, std::path::Path::new("")).unwrap();
            let numbers = file.numbers().unwrap().into_iter();
            for number in numbers.filter(|number| !number.key.contains("observable.")) {
                let name = format!("{}: {}", entry.name, number.key);
                assert!(number.source.len() > 7, "{name}: the source says too little");
                assert!(!number.what.is_empty() || number.key.starts_with("dose"), "{name}: says not what it is");
                let computed = number.evidence == Evidence::Derived || number.key.ends_with("_D_horn");
                assert!(number.range.is_some() || computed, "{name}: no range");
                let recalled = number.source.contains("recalled");
                assert!(!recalled || !number.checked, "{name}: recalled, yet counted as read");
            }
        }
    }
}

#[test]
fn the_catalogue_holds_what_it_should() {
    let names = |kind| list(kind).into_iter().map(|entry| entry.name).collect::<Vec<_>>();
    for site in ["cheek", "forehead", "periorbital", "lip", "neck", "forearm", "abdomen", "thigh", "uniform"] {
        assert!(names(CatalogueKind::Tissue).contains(&site.to_owned()), "{site}");
    }
    for tool in ["derma_roller_home", "derma_roller_medical", "skinpen", "dermapen", "home_pen", "hypodermic"] {
        assert!(names(CatalogueKind::Device).contains(&tool.to_owned()), "{tool}");
    }
    for hand in ["dermatologist", "nurse", "aesthetician", "home_user"] {
        assert!(names(CatalogueKind::Operator).contains(&hand.to_owned()), "{hand}");
    }
}

#[test]
fn layers_follow_sex_method_and_age() {
    let tissue = Tissue::read(&find(CatalogueKind::Tissue, "cheek", None).unwrap()).unwrap();
    let bottom = |traits: &[(&str, &str)]| {
        let traits: Traits = traits.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let layers = tissue.layers(&traits).unwrap();
        assert!(layers.windows(2).all(|pair| pair[0].bottom == pair[1].top));
        layers.iter().find(|layer| layer.name == "reticular_dermis").unwrap().bottom
    };
    let usual = bottom(&[]);
    assert!((usual - 1.07e-3).abs() < 1e-9);
    assert!(bottom(&[("sex", "male")]) > usual);
    assert!(bottom(&[("thickness_by", "histology")]) > usual);
    assert!(bottom(&[("age", "70")]) < usual && bottom(&[("age", "40")]) == usual);
    let wrong = Traits::from([("thickness_by".to_owned(), "histolgy".to_owned())]);
    assert!(tissue.layers(&wrong).unwrap_err().to_string().contains("did you mean `female/histology`?"));
    assert!(tissue.layers(&Traits::from([("age".to_owned(), "old".to_owned())])).is_err());
}

#[test]
fn unknown_names_suggest_the_nearest() {
    let error = find(CatalogueKind::Tissue, "cheeck", None).unwrap_err();
    assert!(error.to_string().contains("did you mean `cheek`?"), "{error}");
    for odd in ["", "../cheek", "models/tissues/cheek", "a\u{1b}[31m", "none.toml"] {
        assert_eq!(find(CatalogueKind::Device, odd, None).unwrap_err().exit_code(), 2, "{odd:?}");
    }
}

#[test]
fn a_path_is_found_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let text = find(CatalogueKind::Operator, "nurse", None).unwrap().text.clone();
    std::fs::write(folder.path().join("mine.toml"), &text).unwrap();
    let source = find(CatalogueKind::Operator, "mine.toml", Some(folder.path())).unwrap();
    assert_eq!(Operator::read(&source).unwrap().name, "mine");
}

/// The text of a file with one change.
fn changed(kind: CatalogueKind, name: &str, from: &str, to: &str) -> std::sync::Arc<Source> {
    let text = find(kind, name, None).unwrap().text.clone();
    assert!(text.contains(from), "{from}");
    Source::new("changed.toml", text.replacen(from, to, 1))
}

#[test]
fn wrong_files_are_refused_at_their_line() {
    let tissue = |from, to| Tissue::read(&changed(CatalogueKind::Tissue, "cheek", from, to)).map(|_| ());
    let device = |from, to| Device::read(&changed(CatalogueKind::Device, "skinpen", from, to)).map(|_| ());
    for (result, message) in [
        (tissue("value = \"14 um\"", "value = \"-14 um\""), "lies outside its range"),
        (
            tissue("value = \"14 um\"\nsd = \"1.8 um\"\nrange = [\"5 um\", \"30 um\"]", "value = \"-14 um\""),
            "above zero",
        ),
        (tissue("value = \"14 um\"", "value = \"14 umm\""), "not a unit"),
        (tissue("value = \"1.5 MPa\"\nrange = [\"1 MPa\", \"10 MPa\"]", "value = \"1.5 mm\""), "is needed here"),
        (tissue("sd = \"1.8 um\"", "sd = \"1.8 s\""), "standard deviation"),
        (tissue("sd = \"1.8 um\"", "ds = \"1.8 um\""), "unknown key `ds`"),
        (tissue("[layer.stratum_corneum.stiffness]", "[layer.stratum_corneum.stifness]"), "unknown key `stifness`"),
        (tissue("\"2.5 um\", \"5 um\"", "\"0 um\", \"5 um\""), "finer than"),
        (tissue("evidence = \"derived\"", "evidence = \"guessed\""), "unknown value `guessed`"),
        (tissue("\"female/ultrasound\"", "\"female\""), "does not name one value for each"),
        (
            device("value = \"3 mm\"\nrange = [\"2.8 mm\"", "value = \"2.6 mm\"\nrange = [\"2.5 mm\""),
            "must exceed the longest length",
        ),
        (device("value = \"14\"", "value = \"14.5\""), "whole number"),
        (device("layout = \"disc\"", "layout = \"disk\""), "did you mean `disc`?"),
        (device("[pen.needles]", "[hand.needles]"), "unknown"),
        (device("[dose.density]", "[dose.passes]"), "is needed here"),
        (device("value = \"5 um\"", "value = \"nan um\""), "not a number"),
    ] {
        let error = result.expect_err(message);
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert!(error.line().is_some_and(|line| line > 1), "{error}");
    }
}

#[test]
fn shares_of_evidence_are_known() {
    let all: Vec<Sourced> =
        [CatalogueKind::Tissue, CatalogueKind::Device, CatalogueKind::Operator, CatalogueKind::Mechanics]
            .into_iter()
            .flat_map(numbers)
            .map(|(_, number)| number)
            .collect();
    let measured = all.iter().filter(|number| number.counts_as_measured()).count();
    let assumed = all.iter().filter(|number| number.evidence == Evidence::Assumed).count();
    assert!(measured > 50 && assumed < all.len() * 2 / 3, "{measured} measured, {assumed} assumed of {}", all.len());
}
