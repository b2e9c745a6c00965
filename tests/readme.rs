//! What the README and `docs/` say of the project in numbers is what the project is. `DERMASIM_README=write cargo test --test readme` brings it up
//! to date; figures that take runs are held by the tests that make these (`evidence`, `needling`, `slow`), which write them alike.

mod common;

use std::path::Path;

use common::figures::{self, MISSED, QUANTITIES_MISSED, in_words, listed, number};
use dermasim::engine::language::Definition;
use dermasim::present::output::Provenance;
use dermasim::scenario::{Plan, Scenario};
use dermasim::skin::catalogue::{CatalogueKind, find};
use dermasim::skin::needling;
use dermasim::study::claims;
use dermasim::study::evidence::{self, Group, Observation, ObservationKind, Split, Tuning};

const SCENARIOS: &str = include_str!("../docs/scenarios.md");

fn scenario(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml"));
    Scenario::read(&path).unwrap_or_else(|error| panic!("{error}"))
}

fn plan(name: &str) -> Plan {
    scenario(name).plan().unwrap_or_else(|error| panic!("{error}"))
}

fn observations() -> Vec<Observation> {
    evidence::all(&[]).unwrap_or_else(|error| panic!("{error}"))
}

fn ids<'a>(of: impl Iterator<Item = &'a Observation>) -> Vec<String> {
    of.map(|one| one.id.clone()).collect()
}

fn met(of: &[&Observation]) -> String {
    let missed = |one: &Observation| MISSED.iter().chain(&QUANTITIES_MISSED).any(|id| *id == one.id);
    let met = of.iter().filter(|one| !missed(one)).count();
    format!("{met} of {}", of.len())
}

#[test]
fn the_table_of_evidence_counts_what_is_met() {
    let all = observations();
    let counts = |one: &&Observation| one.kind == ObservationKind::Observation;
    let row = |group: Group| {
        let open = all.iter().filter(counts).filter(|one| one.split != Split::SetAside);
        let own: Vec<&Observation> = open.filter(|one| one.group == group).collect();
        let unseen: Vec<&Observation> = own.iter().copied().filter(|one| one.tuning != Tuning::Fit).collect();
        vec![met(&own), met(&unseen)]
    };
    let apart: Vec<&Observation> = all.iter().filter(|one| !counts(one)).collect();
    let missed: Vec<String> = MISSED.iter().filter(|id| id.starts_with('N')).map(|id| id.replace('N', "#")).collect();
    figures::hold(&[
        ("| response of skin (V2–V4, V6–V14, V8 in two rows) | {} | {} |", row(Group::Response)),
        ("| response, direction only (S1–S10) | {} | {} |", row(Group::Sign)),
        ("| measured quantities (Q) that are not set aside | {} | {} |", row(Group::Quantity)),
        ("| needles | {} | {} |", row(Group::Needling)),
        ("not counted | {} | |", vec![met(&apart)]),
        ("Of needles: {} (see below)", vec![listed(&missed)]),
    ]);
}

#[test]
fn measured_readings_are_counted() {
    let all = observations();
    let measured = |one: &Observation| match one.kind {
        ObservationKind::Identity => 0,
        _ => one.bands.iter().filter(|band| band.measured.is_some()).count(),
    };
    let aside = all.iter().filter(|one| one.split == Split::SetAside).map(measured).sum::<usize>();
    let count = all.iter().map(measured).sum::<usize>();
    let with_numbers = all.iter().filter(|one| measured(one) > 0);
    let mut sources: Vec<&str> = with_numbers
        .map(|one| one.reference.as_deref().unwrap_or(one.source.split(',').next().unwrap_or_default()))
        .collect();
    sources.sort_unstable();
    sources.dedup();
    let missed: Vec<String> = QUANTITIES_MISSED.iter().map(|id| (*id).to_owned()).collect();
    figures::hold(&[
        (
            "Of {} measured readings from {} sources {} are set aside.",
            [count, sources.len(), aside].iter().map(usize::to_string).collect(),
        ),
        ("Missed of the others: {}. (What small drugs", vec![listed(&missed)]),
    ]);
}

#[test]
fn what_was_fitted_and_what_was_not_in_view_is_said() {
    let all = observations();
    let fitted = ids(all.iter().filter(|one| one.tuning == Tuning::Fit));
    let apart = |one: &&Observation| one.kind == ObservationKind::Observation && one.group != Group::Needling;
    let mut unseen = ids(all.iter().filter(apart).filter(|one| one.tuning == Tuning::No));
    // Responses stand before signs.
    unseen.sort_by_key(|id| (id.starts_with('S'), id[1..].parse::<u32>().unwrap_or(0)));
    let path = find(CatalogueKind::Response, "default", None).unwrap_or_else(|error| panic!("{error}"));
    let model = dermasim::skin::model(&path).unwrap_or_else(|error| panic!("{error}"));
    let by_calibration = |definition: &Definition| matches!(definition, Definition::Number(number) if number.source.contains("fitted by `dermasim calibrate`"));
    let constants = model.constants.values().filter(|constant| by_calibration(&constant.definition)).count();
    figures::hold(&[
        ("`calibrate` used {} ({} constants;", vec![listed(&fitted), in_words(constants)]),
        ("each row says so ({} were not)", vec![listed(&unseen)]),
    ]);
}

#[test]
fn the_numbers_behind_a_default_run_are_counted() {
    let counts = Provenance::of(&plan("cheek-three-sessions")).counts();
    let parts = [counts.total, counts.measured, counts.derived, counts.tuned, counts.assumed, counts.unchecked];
    figures::hold(&[(
        "Of the {} numbers behind a default run {} are measured, {} derived, {} tuned, {} assumed and {} recalled",
        parts.iter().map(usize::to_string).collect(),
    )]);
}

#[test]
fn claims_are_counted() {
    let count = claims::ids().unwrap_or_else(|error| panic!("{error}")).len();
    figures::hold(&[
        ("dermasim claims # {} statements about needling", vec![in_words(count)]),
        ("- All {} take", vec![count.to_string()]),
    ]);
}

#[test]
fn every_scenario_is_in_the_table_with_its_size() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for entry in std::fs::read_dir(folder).expect("scenarios") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".toml") {
            let named = SCENARIOS.lines().any(|line| line.starts_with("| `") && line.contains(&format!("`{name}`")));
            assert!(named, "the table of scenarios in docs/scenarios.md does not name `{name}`");
        }
    }
    let lengths = scenario("depth-sweep").points().unwrap_or_else(|error| panic!("{error}")).len();
    let population = scenario("population");
    let persons = population.samples(&plan("population")).unwrap_or_else(|error| panic!("{error}")).1.len();
    figures::hold(&[
        ("| `depth-sweep` | {} needle lengths,", vec![in_words(lengths)]),
        ("| `population` | one protocol, {} persons |", vec![in_words(persons)]),
    ]);
}

fn mean_of(text: &str, read: impl Fn(&needling::Summary) -> f64) -> f64 {
    let plan = Scenario::from_text("readme", text).plan().unwrap_or_else(|error| panic!("{error}"));
    read(&plan.needle(0, 1).unwrap_or_else(|error| panic!("{error}")).summary)
}

#[test]
fn depths_of_a_roller_and_holes_that_leave_the_dermis() {
    let rolled = |press: &str| {
        let text = format!(
            "tissue = \"cheek\"\n[needling]\ndevice = \"derma_roller_medical\"\nlength = \"1.5 mm\"\npress = \"{press}\"\n[course]\n"
        );
        number(1e3 * mean_of(&text, |summary| summary.mean_depth), 2)
    };
    let leave = |by: &str| {
        let text = format!(
            "tissue = \"cheek\"\n[person]\nsex = \"female\"\nthickness_by = \"{by}\"\n[needling]\ndevice = \"skinpen\"\nlength = \"1.5 mm\"\n[course]\n"
        );
        number(100.0 * mean_of(&text, |summary| summary.exit_share), 0)
    };
    figures::hold(&[
        (
            "a 1.5 mm roller goes {} mm deep with 0.3 N, {} with 1 N, {} with 2 N, {} with 6 N.",
            ["0.3 N", "1 N", "2 N", "6 N"].map(rolled).to_vec(),
        ),
        (
            "in {} % of holes by ultrasound thickness, in {} % by histology",
            ["ultrasound", "histology"].map(leave).to_vec(),
        ),
    ]);
}
