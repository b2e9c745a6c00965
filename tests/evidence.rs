//! Observations: every file makes sense, all are run, and what the README says of them and of tuning is true.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use dermasim::base::error::Source;
use dermasim::engine::language::Definition;
use dermasim::skin::catalogue::{CatalogueKind, find};
use dermasim::study::Store;
use dermasim::study::evidence::{
    self, Group, Observation, ObservationBoard, ObservationKind, ObservationRow, Runner, Split, Tuning, aside,
};

use common::figures::{self, MISSED, QUANTITIES_MISSED, number};

struct Quiet;

impl ObservationBoard for Quiet {
    fn ended(&self, _: &str, _: usize, _: usize) {}
    fn stop(&self) -> bool {
        false
    }
}

fn judged(ids: &[&str], threads: usize) -> Vec<ObservationRow> {
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let observations = evidence::chosen(&ids, &[]).unwrap_or_else(|error| panic!("{error}"));
    let findings = evidence::run_all(&observations, Runner { threads, board: &Quiet, store: &Store::none() })
        .unwrap_or_else(|error| panic!("{error}"));
    let rows = observations.iter().zip(&findings).map(|(one, found)| evidence::judge(one, found));
    rows.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_observation_reads_and_says_where_it_is_from() {
    let all = evidence::all(&[]).unwrap_or_else(|error| panic!("{error}"));
    let ids: BTreeSet<&str> = all.iter().map(|one| one.id.as_str()).collect();
    for number in 1..=14 {
        assert!(ids.contains(format!("V{number}").as_str()), "V{number}");
    }
    for one in &all {
        assert!(one.source.len() > 8 && one.what.len() > 20, "{}", one.id);
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(one.path()).is_file(), "{}", one.id);
        // A row whose number chose constants is a fit, and is never counted.
        assert!(
            one.kind != ObservationKind::Fit || one.tuning != Tuning::No,
            "{}: a fit that no constant was chosen by",
            one.id
        );
    }
    assert!(all.iter().filter(|one| one.group == Group::Sign).count() >= 4);
}

/// The observations behind constants that `dermasim calibrate` fitted, as their sources say.
#[test]
fn what_was_fitted_says_so() {
    let model = dermasim::skin::model(&find(CatalogueKind::Response, "default", None).unwrap()).unwrap();
    let mut fitted: BTreeSet<String> = BTreeSet::new();
    for constant in model.constants.values() {
        let Definition::Number(number) = &constant.definition else { continue };
        let Some((_, rest)) = number.source.split_once("fitted by `dermasim calibrate`") else { continue };
        let ids = rest.split_once(" to ").and_then(|(_, rest)| rest.split_once(':')).map(|(ids, _)| ids);
        fitted.extend(ids.unwrap_or_default().split(", ").map(str::to_owned));
    }
    let all = evidence::all(&[]).unwrap();
    let said: BTreeSet<String> = all.iter().filter(|one| one.tuning == Tuning::Fit).map(|one| one.id.clone()).collect();
    assert_eq!(said, fitted);
    // At least a third of the observations of the response stays outside the fit.
    let counted = all.iter().filter(|one| one.kind == ObservationKind::Observation && one.group == Group::Response);
    let (inside, outside): (Vec<_>, Vec<_>) = counted.partition(|one| one.tuning == Tuning::Fit);
    assert!(2 * outside.len() >= inside.len(), "{} of {} are fitted", inside.len(), inside.len() + outside.len());
}

/// What was measured as a number, reading by reading, with the row it stands in.
fn quantities(all: &[Observation]) -> Vec<&Observation> {
    let measured = |one: &&Observation| one.kind != ObservationKind::Identity;
    let each = |one| -> Vec<&Observation> {
        let one: &Observation = one;
        one.bands.iter().filter(|band| band.measured.is_some()).map(|_| one).collect()
    };
    all.iter().filter(measured).flat_map(each).collect()
}

/// The rule decides, and nobody else: what is set aside is a third of all readings and more, nothing was tuned to it, no claim
/// rests on it, and only sources that were in view before there was a rule are excused.
#[test]
fn what_is_set_aside_is_decided_by_the_rule() {
    let all = evidence::all(&[]).unwrap_or_else(|error| panic!("{error}"));
    for one in &all {
        let Some(reference) = &one.reference else { continue };
        let by_rule = !one.in_view && aside::set_aside(reference);
        assert_eq!(one.split == Split::SetAside, by_rule, "{}", one.id);
        assert!(by_rule <= (one.tuning == Tuning::No), "{} is set aside and was used", one.id);
    }
    let excused: BTreeSet<&str> =
        all.iter().filter(|one| one.in_view).filter_map(|one| one.reference.as_deref()).collect();
    let known = [
        "10.1080/14764172.2017.1341984",
        "10.1208/s12248-011-9288-3",
        "pmc4119956",
        "pmc8259462",
        "url:discovery.researcher.life/article/effects-of-microneedle-length-density-insertion-time-and-multiple-applications-on-human-skin-barrier-function",
    ];
    assert_eq!(excused, BTreeSet::from(known));
    let quantities = quantities(&all);
    let aside = quantities.iter().filter(|one| one.split == Split::SetAside).count();
    assert!(3 * aside >= quantities.len(), "{aside} of {} are set aside", quantities.len());
    for claim in dermasim::study::claims::all(&[]).unwrap_or_else(|error| panic!("{error}")) {
        let named = |one: &&Observation| claim.observations.contains(&one.id);
        let wrong = all.iter().filter(named).find(|one| one.split == Split::SetAside);
        assert!(wrong.is_none(), "{} looks at {:?}, which is set aside", claim.id, wrong.map(|one| &one.id));
    }
}

/// Every observation is run, but those set aside. One that is lost fails here, and so does one that is won: the README counts both.
#[test]
fn every_observation_is_met_but_those_named() {
    let all = evidence::all(&[]).unwrap_or_else(|error| panic!("{error}"));
    let open = all.iter().filter(|one| one.split != Split::SetAside);
    let rows = judged(&open.map(|one| one.id.as_str()).collect::<Vec<_>>(), 2);
    let mut wrong = Vec::new();
    for row in &rows {
        assert!(!row.dose.is_empty(), "{}", row.id);
        let missed = MISSED.iter().chain(&QUANTITIES_MISSED).any(|id| *id == row.id);
        if row.met == missed {
            wrong.push(format!("{} is {}: {:#?}", row.id, if row.met { "met now" } else { "lost" }, row.readings));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let value = |id: &str, reading: usize| {
        let row = rows.iter().find(|row| row.id == id).unwrap_or_else(|| panic!("no {id}"));
        row.readings[reading].value.unwrap_or(f64::NAN)
    };
    figures::hold(&[
        ("48 h after a pen redness is {} % of its peak", vec![number(100.0 * value("V8", 1), 0)]),
        (
            "Epidermis is +{} % where +50 % was seen, and +{} % after a year",
            vec![number(100.0 * value("V10", 2), 0), number(100.0 * (value("S7", 0) - 1.0), 0)],
        ),
        ("Lesions of 0.1 mm close in {} h, at the edge", vec![number(value("V3", 0), 1)]),
        ("#5, a roller of 3 mm in pig, {} mm against 1.5 to 2:", vec![number(value("N5", 0), 2)]),
        ("#7, a roller of 0.77 mm in rat, {} against 0.15 mm:", vec![number(value("N7", 0), 2)]),
        ("were 0.071 mm wide (#28; here {})", vec![number(value("N28", 0), 3)]),
        ("#8, {} mm of 0.46 ± 25 %", vec![number(value("N8", 0), 2)]),
        (
            "and #27, {} of 0.5 and {} of 1.5 mm ± 20 %",
            vec![number(0.5 * value("N27", 0), 2), number(1.5 * value("N27", 1), 2)],
        ),
        ("({} times the blood at 0.8 against 0.3 mm)", vec![number(value("N19", 2), 2)]),
    ]);
}

#[test]
fn any_number_of_threads_reads_the_same() {
    let values = |threads| -> Vec<Option<f64>> {
        judged(&["V7", "V14"], threads).iter().flat_map(|row| row.readings.iter().map(|one| one.value)).collect()
    };
    assert_eq!(values(1), values(3));
}

/// With a centre and a spread nothing else needs to be said, and a standard error is told of so many subjects.
#[test]
fn a_centre_and_a_spread_make_a_band() {
    let with =
        |bounds: &str| read(&SOUND.replacen("at_least = 0.1", bounds, 1)).unwrap_or_else(|error| panic!("{error}"));
    let told = with("measured = 2\nspread = 0.5");
    assert_eq!([told.bands[0].at_least, told.bands[0].at_most], [Some(1.5), Some(2.5)]);
    let told = with("measured = 2\nstandard_error = 0.25\nsubjects = 4");
    assert_eq!([told.bands[0].spread, told.bands[0].at_most], [Some(0.5), Some(2.5)]);
    assert_eq!(told.bands[0].misfit(3.0), 2.0);
}

const SOUND: &str = r#"
tissue = "cheek"
[needling]
length = "1 mm"
[course]
followed = "2 d"
[evidence]
id = "X1"
what = "something that somebody saw once"
source = "somebody 2020"
grade = "C"
group = "sign"
kind = "observation"
used_in_tuning = "no"
[[evidence.band]]
what = "redness"
value = "peak(erythema)"
at_least = 0.1
"#;

fn read(text: &str) -> dermasim::base::error::Result<Observation> {
    Observation::read(&Source::new("x.toml", text), &[])
}

#[test]
fn wrong_observations_are_refused_at_their_line() {
    assert!(read(SOUND).is_ok());
    for (from, to, message) in [
        ("peak(erythema)", "peak(erythem)", "did you mean `erythema`?"),
        ("peak(erythema)", "peek(erythema)", "did you mean `peak`?"),
        ("peak(erythema)", "erythema", "alone means nothing here"),
        ("peak(erythema)", "at(erythema, 2)", "but s is needed here"),
        ("peak(erythema)", "at(erythema, [9 d])", "the run ends on day 2"),
        ("peak(erythema)", "peak_time(erythema)", "its unit is 1"),
        ("peak(erythema)", "needling(mean_dept)", "did you mean `mean_depth`?"),
        ("peak(erythema)", "puncture_force([5 um])", "takes 2 arguments"),
        ("at_least = 0.1", "", "the band has no bounds"),
        ("at_least = 0.1", "at_least = 2\nat_most = 1", "nothing is at least 2 and at most 1"),
        ("at_least = 0.1", "at_least = 0.1\nscatter = 0", "must be above zero"),
        ("at_least = 0.1", "measured = 1\nspread = 0", "must be above zero"),
        ("at_least = 0.1", "spread = 1", "a spread without a centre"),
        ("at_least = 0.1", "measured = 1\nstandard_error = 1", "without `subjects`"),
        ("at_least = 0.1", "measured = 1\nspread = 1\nstandard_error = 1\nsubjects = 4", "told once"),
        ("at_least = 0.1", "measured = 1", "the band has no bounds"),
        ("group = \"sign\"", "group = \"quantity\"", "a quantity says `reference`, `read`, `dose` and `depth`"),
        ("grade = \"C\"", "grade = \"C\"\nreference = \"Somebody 2020\"", "small letters"),
        ("grade = \"C\"", "grade = \"C\"\nreference = \"10.1/b\"\nset_aside = true", "the rule says set_aside = false"),
        (
            "used_in_tuning = \"no\"",
            "used_in_tuning = \"fit\"\nreference = \"pmc1\"",
            "nothing may be tuned with it in view",
        ),
        ("grade = \"C\"", "grade = \"D\"", "unknown value `D`"),
        ("id = \"X1\"", "idd = \"X1\"", "unknown key `idd`"),
        ("[[evidence.band]]", "[evidence.runs]\na = {}\nb = {}\n[[evidence.band]]", "does not say which run it reads"),
        (
            "[[evidence.band]]",
            "[evidence.runs]\na = { \"needling.lenght\" = 1 }\n[[evidence.band]]",
            "did you mean `length`?",
        ),
    ] {
        assert!(SOUND.contains(from), "{from}");
        let error = read(&SOUND.replacen(from, to, 1)).expect_err(message);
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert_eq!(error.exit_code(), 2);
    }
}
