//! What every shipped scenario expects of its answer, judged as a user would: the program runs the file as it is, at full length and
//! resolution, and must say that each `[expect]` is met. Those that take more than seconds are left to
//! `cargo test --test slow -- --ignored`, which CI runs too, and so are figures of the README that take whole runs.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assert_cmd::Command;
use common::{figures, harm};
use dermasim::run;
use dermasim::scenario::Scenario;

/// Scenarios that take a few seconds at most; a new one with an `[expect]` counts as slow until it stands here.
const QUICK: [&str; 5] = ["brusselator", "fisher-kpp", "fitzhugh-nagumo", "robertson", "van-der-pol"];

/// Every scenario with expectations, in any folder, by name.
fn expecting() -> Vec<(String, PathBuf)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of scenarios") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false
                    if std::fs::read_to_string(&path)
                        .is_ok_and(|text| text.lines().any(|line| line.starts_with("[expect"))) =>
                {
                    found.push((path.file_stem().expect("a name").to_string_lossy().into_owned(), path));
                }
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// Runs a scenario; fails unless every expectation is met at every point, and nothing is unsound.
fn meets(name: &str, path: &Path) {
    let scenario = Scenario::read(path).unwrap_or_else(|error| panic!("{error}"));
    let plan = scenario.plan().unwrap_or_else(|error| panic!("{error}"));
    let samples = scenario.samples(&plan).unwrap_or_else(|error| panic!("{error}")).1.len();
    let points = scenario.points().unwrap_or_else(|error| panic!("{error}")).len();
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::cargo_bin("dermasim")
        .expect("the program")
        .arg("run")
        .arg(path)
        .arg("--out")
        .arg(folder.path().join(name))
        .output()
        .expect("it runs");
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {told}");
    // Exit code 0 alone would also be that of a program that judges nothing.
    let keys: BTreeSet<&str> = plan.origin.expected.iter().map(|expected| expected.key.as_str()).collect();
    let is_met = |line: &&str| {
        let mut words = line.split_whitespace();
        words.next().is_some_and(|key| keys.contains(key)) && words.any(|word| word == "met")
    };
    let met = told.lines().filter(is_met).count();
    let expected = plan.origin.expected.len() * points.max(samples).max(1);
    assert!(met == expected && met > 0, "{name}: {met} of {expected} expectations are told as met: {told}");
}

#[test]
fn quick_scenarios_meet_what_they_expect() {
    let all = expecting();
    let names: BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert!(QUICK.iter().all(|name| names.contains(name)), "{names:?}");
    for (name, path) in all.iter().filter(|(name, _)| QUICK.contains(&name.as_str())) {
        meets(name, path);
    }
}

#[test]
#[ignore = "minutes: cargo test --test slow -- --ignored"]
fn slow_scenarios_meet_what_they_expect() {
    for (name, path) in expecting().iter().filter(|(name, _)| !QUICK.contains(&name.as_str())) {
        let begun = std::time::Instant::now();
        meets(name, path);
        println!("{name}: {:.0} s", begun.elapsed().as_secs_f64());
    }
}

/// Figures of the README from whole runs, in as many digits as do not depend on the processor.
#[test]
#[ignore = "minutes: cargo test --test slow -- --ignored"]
fn the_readme_tells_how_many_steps_the_default_course_takes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/cheek-three-sessions.toml");
    let plan = Scenario::read(&path).and_then(|scenario| scenario.plan()).unwrap_or_else(|error| panic!("{error}"));
    let steps = run::run(&Arc::new(plan), &mut |_| true).unwrap_or_else(|error| panic!("{error}")).cost.steps;
    figures::hold(&[("it takes some {} steps;", vec![((steps + 5) / 10 * 10).to_string()])]);
}

/// The observables that judge unit cells, and the number of the summary that is compared.
const JUDGED: [(&str, &str); 15] = [
    ("collagen_I", "end"),
    ("collagen_I_papillary", "end"),
    ("collagen_III", "peak"),
    ("elastin", "end"),
    ("epidermal_thickness", "end"),
    ("fibroblasts", "peak"),
    ("neutrophils", "peak"),
    ("macrophages", "peak"),
    ("tgf_beta", "peak"),
    ("myofibroblasts", "peak"),
    ("vessel_density", "peak"),
    ("erythema", "peak"),
    ("swelling", "peak"),
    ("tewl", "peak"),
    ("shed_blood", "peak"),
];

/// What the judged observables of a scenario say with this seed: gain at the end, or largest deviation.
fn judged(name: &str, seed: u32) -> Vec<f64> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.toml"));
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join(name);
    let mut program = Command::cargo_bin("dermasim").expect("the program");
    let program = program.args(["run", "-q", "--set", &format!("seed={seed}")]).arg(path).arg("--out").arg(&out);
    let output = program.output().expect("it runs");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(out.join("summary.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_str(&text).expect("a summary");
    let read = |(name, which): (&str, &str)| {
        let number = |which: &str| summary["observables"][name][which].as_f64().expect("a number");
        if which == "end" { number("end") - number("rest") } else { number(which) }
    };
    JUDGED.map(read).to_vec()
}

#[test]
#[ignore = "minutes: cargo test --test slow -- --ignored"]
fn the_readme_tells_how_unit_cells_answer_to_tiles() {
    let (cells, tiles) = (judged("cells-judge", 1), [1, 2].map(|seed| judged("tile-judge", seed)));
    let rows = JUDGED.iter().enumerate().map(|(i, (name, which))| {
        let mean = 0.5 * (tiles[0][i] + tiles[1][i]);
        let chance = 0.5 * (tiles[0][i] - tiles[1][i]).abs() / mean.abs();
        let [away, chance] = [100.0 * (cells[i] - mean) / mean, 100.0 * chance];
        let what = if *which == "end" { "gain at the end" } else { "largest deviation" };
        let values = vec![
            figures::three_digits(cells[i]),
            figures::three_digits(mean),
            format!("{away:+.1} %"),
            format!("±{chance:.1} %"),
        ];
        (format!("| {name}, {what} | {{}} | {{}} | {{}} | {{}} |"), values)
    });
    let rows: Vec<(String, Vec<String>)> = rows.collect();
    figures::hold(&rows.iter().map(|(row, values)| (row.as_str(), values.clone())).collect::<Vec<_>>());
}

#[test]
#[ignore = "minutes: cargo test --test slow -- --ignored"]
fn the_readme_tells_how_much_persons_differ() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/population.toml");
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("population");
    let mut program = Command::cargo_bin("dermasim").expect("the program");
    let output = program.args(["run", "-q"]).arg(path).arg("--out").arg(&out).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = std::fs::read_to_string(out.join("distribution.csv")).expect("a table");
    let column = |name: &str| {
        table.lines().next().and_then(|head| head.split(',').position(|own| own == name)).expect("a column")
    };
    let row = table.lines().find(|line| line.starts_with("collagen_I,end,")).expect("collagen at the end");
    let gain = |name: &str| {
        let value: f64 = row.split(',').nth(column(name)).and_then(|cell| cell.parse().ok()).expect("a number");
        figures::number(100.0 * (value - 1.0), 0)
    };
    figures::hold(&[(
        "collagen I +{} to +{} % (nine in ten), median +{} %.",
        vec![gain("p05"), gain("p95"), gain("p50")],
    )]);
}

const SITES: [&str; 8] = ["cheek", "forehead", "periorbital", "lip", "neck", "forearm", "abdomen", "thigh"];

#[test]
#[ignore = "minutes: cargo test --test slow -- --ignored"]
fn no_balance_is_best_at_the_harsh_end_anywhere() {
    for (what, courses) in SITES.into_iter().flat_map(|tissue| harm::axes(tissue, 6)) {
        harm::not_best_at_the_harsh_end(&courses, &what);
    }
}

#[test]
#[ignore = "minutes: cargo test --test slow -- --ignored"]
fn all_sites_ages_types_and_traits_give_ordered_answers() {
    for tissue in SITES {
        let course = harm::Protocol { sessions: 2, ..harm::Protocol::usual(tissue) };
        let mut persons = vec![String::new()];
        persons.extend([20, 40, 60, 85].map(|age| format!("age = {age}")));
        persons.extend(["I", "III", "VI"].map(|kind| format!("fitzpatrick = \"{kind}\"")));
        persons.extend(["smoker", "diabetic", "nsaid", "keloid_prone"].map(|name| format!("{name} = \"yes\"")));
        persons.push("sex = \"male\"".into());
        for person in persons {
            let outcome = course.run(30.0, &format!("[person]\n{person}\n"));
            harm::ordered(&outcome, &format!("{tissue}, {person}"));
        }
    }
}

/// Observables a reader looks at first, and the number of the ensemble's table that is compared.
const HEADLINES: [(&str, &str); 9] = [
    ("collagen_I", "end_change"),
    ("collagen_III", "peak_change"),
    ("firmness", "end_change"),
    ("epidermal_thickness", "end_change"),
    ("benefit", "end_change"),
    ("erythema", "peak_change"),
    ("tewl", "peak_change"),
    ("swelling", "peak_change"),
    ("pain_felt", "end_change"),
];

/// Ranges that lean to one side would move every answer away from the nominal one before any uncertainty is meant.
#[test]
#[ignore = "minutes: cargo test --test slow -- --ignored"]
fn drawn_models_lie_about_the_nominal_one() {
    let course = "tissue = \"cheek\"\n[needling]\n[course]\nsessions = 3\nspacing = \"4 weeks\"\nfollowed = \"6 months\"\n\
                  [grid]\nstrata = 2\nresolution = 0.4\n[stepping]\ntolerance = 3e-2\n";
    let folder = tempfile::tempdir().expect("a folder");
    let run = |name: &str, more: &str| {
        let (file, out) = (folder.path().join(format!("{name}.toml")), folder.path().join(name));
        std::fs::write(&file, format!("{course}{more}")).expect("a file");
        let output = Command::cargo_bin("dermasim")
            .expect("the program")
            .args(["run", "-q"])
            .arg(&file)
            .arg("--out")
            .arg(&out)
            .output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        out
    };
    let text = std::fs::read_to_string(run("nominal", "").join("summary.json")).expect("a summary");
    let nominal: serde_json::Value = serde_json::from_str(&text).expect("a summary");
    let drawn = run("drawn", "[uncertainty]\nsamples = 100\nseed = 1\nnumbers = \"assumed and tuned\"\n");
    let table = std::fs::read_to_string(drawn.join("distribution.csv")).expect("a table");
    let median = table.lines().next().and_then(|head| head.split(',').position(|own| own == "p50")).expect("a column");
    let away: Vec<String> = HEADLINES
        .iter()
        .filter_map(|(name, number)| {
            let own = |which: &str| nominal["observables"][*name][which].as_f64().expect("a number");
            let (rest, unit) = (own("rest"), nominal["observables"][*name]["unit"].as_str());
            let change = if *number == "end_change" { own("end") - rest } else { own("peak") };
            // Changes of plain numbers that rest above zero are told in per cent of their rest.
            let told = if rest > 0.0 && unit == Some("1") { 100.0 * change / rest } else { change };
            let row = table.lines().find(|line| line.starts_with(&format!("{name},{number},"))).expect("a row");
            let drawn: f64 = row.split(',').nth(median).and_then(|cell| cell.parse().ok()).expect("a number");
            ((drawn - told).abs() > 0.2 * told.abs()).then(|| format!("{name}: median {drawn}, nominal {told}"))
        })
        .collect();
    assert!(away.is_empty(), "{away:?}");
}
