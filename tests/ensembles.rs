//! Ensembles: each sample counts from its own rest, chance is not told as an influence, and who fails fails alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use dermasim::base::units::{DAY, Unit};
use dermasim::engine::observe::{Heading, Record};
use dermasim::present::output::ensemble::{DrawnInput, Ensemble, EnsembleReading, OF_REST, SHARES, Sample};
use dermasim::present::output::sweep::Failed;
use dermasim::present::output::{Provenance, table};
use dermasim::present::{plot, report};
use dermasim::run::answer::{self, Answer};
use dermasim::study::{correlations, quantile, rank_correlation};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

fn heading(name: &str, group: &str, unit: &str, rest: f64) -> Heading {
    Heading { name: name.into(), what: "test".into(), unit: unit.parse().unwrap(), group: group.into(), rest }
}

/// A sample whose observables go from their rests along a ramp of ten days to their ends.
fn ramp(headings: &[Heading], ends: &[f64]) -> Record {
    let times: Vec<f64> = (0..=10).map(|day| f64::from(day) * DAY).collect();
    let at = |time: f64| {
        let share = time / (10.0 * DAY);
        headings.iter().zip(ends).map(|(own, end)| own.rest + share * (end - own.rest)).collect()
    };
    Record { headings: headings.to_vec(), values: times.iter().map(|time| at(*time)).collect(), times, acts: vec![] }
}

fn ensemble(drawn: &[&str], values: Vec<Vec<String>>, records: &[Record]) -> Ensemble {
    let drawn = drawn.iter().map(|key| DrawnInput { key: (*key).to_owned(), ..DrawnInput::default() }).collect();
    let samples = values.into_iter().zip(records).enumerate().map(|(number, (values, record))| Sample {
        name: format!("sample-{:02}", number + 1),
        values,
        answers: answer::answers(record),
        recovery: None,
    });
    let mut all = Ensemble { name: "test".into(), drawn, samples: samples.collect(), ..Ensemble::default() };
    all.sum_up(records);
    all
}

fn reading(ensemble: &Ensemble, observable: &str, number: &str) -> EnsembleReading {
    let all = ensemble.readings();
    all.into_iter().find(|own| own.observable == observable && own.number == number).unwrap()
}

fn near(values: impl IntoIterator<Item = f64>, right: impl IntoIterator<Item = f64>) {
    let (values, right): (Vec<f64>, Vec<f64>) = (values.into_iter().collect(), right.into_iter().collect());
    assert_eq!(values.len(), right.len());
    for (value, wanted) in values.iter().zip(&right) {
        assert!((value - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{values:?} is not {right:?}");
    }
}

/// The column of a table.
fn column(path: &Path, name: &str) -> Vec<String> {
    let (header, rows) = table::read_csv(path).unwrap();
    let at = header.iter().position(|own| own == name).unwrap_or_else(|| panic!("no `{name}` in {header:?}"));
    rows.into_iter().map(|row| row[at].clone()).collect()
}

fn numbers(texts: &[String]) -> Vec<f64> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Shares by which samples rise, and rests that fall while the shares rise: from the mean rest, all would be told wrong.
const SHARE: [f64; 5] = [0.52, 0.3, 0.1, 0.0, -0.2];
const REST: [f64; 5] = [0.6, 0.8, 1.0, 1.3, 1.9];

fn rising() -> Ensemble {
    let records: Vec<Record> = SHARE
        .iter()
        .zip(REST)
        .map(|(share, rest)| {
            let headings = [
                heading("plain", "gain", "1", rest),
                heading("thick", "gain", "mm", rest),
                heading("odd", "gain", "1", if rest == 1.0 { 0.0 } else { rest }),
                heading("harm", "risk", "1", rest),
            ];
            let odd = headings[2].rest + share;
            ramp(&headings, &[rest * (1.0 + share), rest * (1.0 + share), odd, rest * (1.0 + share)])
        })
        .collect();
    let values = REST.iter().map(|rest| vec![format!("{rest} mm")]).collect();
    ensemble(&["tissue.rest"], values, &records)
}

#[test]
fn each_sample_counts_from_its_own_rest() {
    let all = rising();
    let mut ordered: Vec<f64> = SHARE.map(|share| 100.0 * share).to_vec();
    near(reading(&all, "plain", "end_change").values.into_iter().flatten(), ordered.clone());
    near(reading(&all, "harm", "peak_change").values.into_iter().flatten(), ordered.clone());
    assert_eq!(reading(&all, "plain", "end_change").unit, OF_REST);
    // What has a unit, or rests at zero somewhere, is told as a difference from its own rest.
    let thick = reading(&all, "thick", "end_change");
    near(thick.values.into_iter().flatten(), SHARE.iter().zip(REST).map(|(share, rest)| share * rest));
    assert_eq!(thick.unit, "mm");
    near(reading(&all, "odd", "end_change").values.into_iter().flatten(), SHARE);
    // The bands at each time are quantiles of the changes until then.
    ordered.sort_by(f64::total_cmp);
    let right = SHARES.map(|(_, share)| quantile(&ordered, share));
    for (day, band) in all.bands.iter().enumerate() {
        near(band.changes[0].quantiles, right.map(|end| end * day as f64 / 10.0));
        assert_eq!(band.changes[0].samples, 5);
    }
    // So say the tables, the figures and the report.
    let home = tempfile::tempdir().unwrap();
    all.write(home.path()).unwrap();
    let (header, rows) = table::read_csv(&home.path().join("distribution.csv")).unwrap();
    let row = rows.iter().find(|row| row[..3] == ["plain", "end_change", OF_REST]).unwrap();
    assert_eq!(header[4..], ["samples", "p05", "p25", "p50", "p75", "p95"]);
    near(numbers(&row[5..]), right);
    let (_, rows) = table::read_csv(&home.path().join("bands.csv")).unwrap();
    let last = rows.iter().rfind(|row| row[1..4] == ["plain", "change", OF_REST]).unwrap();
    near(numbers(&last[5..]), right);
    let figures = home.path().join("figures");
    let drawn = plot::draw_ensemble(&all, &figures).unwrap();
    let (_, rows) = table::read_csv(&figures.join("distribution.csv")).unwrap();
    let shown: Vec<String> = rows.iter().filter(|row| row[0] == "plain").map(|row| row[3].clone()).collect();
    near(numbers(&shown), SHARE.map(|share| 100.0 * share));
    let (_, rows) = table::read_csv(&figures.join("bands_gains.csv")).unwrap();
    near(numbers(&rows.iter().rfind(|row| row[0] == "plain").unwrap()[4..]), right);
    let path = home.path().join("report.html");
    report::write_ensemble(&path, &all, &Provenance::default(), &drawn, &figures).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("each against its own rest: plain 10 % ("), "the median rises by a tenth");
}

#[test]
fn samples_recorded_at_other_times_are_read_between_them() {
    let headings = [heading("plain", "gain", "1", 1.0)];
    let mut records = vec![ramp(&headings, &[2.0]), ramp(&headings, &[2.0])];
    records[1].times.remove(3);
    records[1].values.remove(3);
    let all = ensemble(&[], vec![vec![], vec![]], &records);
    for (day, band) in all.bands.iter().enumerate() {
        near(band.changes[0].quantiles, [10.0 * day as f64; 5]);
        assert_eq!(band.values[0].samples, 2);
    }
}

/// Random numbers from 0 to 1.
fn even(seed: u64) -> impl FnMut() -> f64 {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    move || (generator.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Fifteen numbers and six gains that are all drawn apart; the first gain follows the first number as closely as asked.
fn drawn_apart(samples: usize, seed: u64, closely: f64) -> Ensemble {
    let mut even = even(seed);
    let names: Vec<String> = (0..15).map(|number| format!("response.k{number}")).collect();
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let values: Vec<Vec<f64>> = (0..samples).map(|_| (0..15).map(|_| even()).collect()).collect();
    let records: Vec<Record> = values
        .iter()
        .map(|own| {
            let headings: Vec<Heading> = (0..6).map(|n| heading(&format!("gain{n}"), "gain", "1", 1.0)).collect();
            let ends: Vec<f64> = (0..6).map(|n| 1.0 + even() + if n == 0 { closely * own[0] } else { 0.0 }).collect();
            ramp(&headings, &ends)
        })
        .collect();
    let values = values.into_iter().map(|own| own.iter().map(f64::to_string).collect()).collect();
    ensemble(&keys, values, &records)
}

#[test]
fn what_chance_explains_is_neither_drawn_nor_listed() {
    let home = tempfile::tempdir().unwrap();
    // One in twenty may show something: of forty more than six do in one set of a hundred and fifty.
    let wrong: Vec<u64> = (0..40).filter(|seed| !drawn_apart(24, *seed, 0.0).influences.found.is_empty()).collect();
    assert!(wrong.len() <= 6, "{wrong:?}");
    let seed = (0..40).find(|seed| !wrong.contains(seed)).unwrap();
    let null = drawn_apart(24, seed, 0.0);
    null.write(home.path()).unwrap();
    assert!(table::read_csv(&home.path().join("sensitivity.csv")).unwrap().1.is_empty());
    let figures = home.path().join("null");
    let drawn = plot::draw_ensemble(&null, &figures).unwrap();
    assert!(!drawn.is_empty() && !figures.join("sensitivity.csv").exists());
    let path = home.path().join("report.html");
    report::write_ensemble(&path, &null, &Provenance::default(), &drawn, &figures).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("more closely than chance allows") && !text.contains("rank correlation</th>"));

    // What is there is found, alone, and the caption says what was left out.
    let real = drawn_apart(24, seed, 20.0);
    real.write(home.path()).unwrap();
    let found = |name: &str| column(&home.path().join("sensitivity.csv"), name);
    assert_eq!(found("key"), ["response.k0"; 2], "its end and its peak");
    assert_eq!(found("observable"), ["gain0"; 2]);
    let figures = home.path().join("real");
    let drawn = plot::draw_ensemble(&real, &figures).unwrap();
    assert_eq!(column(&figures.join("sensitivity.csv"), "key"), ["response.k0"]);
    let caption = &drawn.iter().find(|own| own.stem == "sensitivity").unwrap().caption;
    assert!(caption.contains("180 pairs") && caption.contains("chance alone"), "{caption}");
}

#[test]
fn chance_counts_pairs_and_ties_and_few_samples() {
    let list = |even: &mut dyn FnMut() -> f64, count: usize| (0..count).map(|_| Some(even())).collect::<Vec<_>>();
    let lists = |seed: u64, count: usize, samples: usize| {
        let mut even = even(seed);
        (0..count).map(|_| list(&mut even, samples)).collect::<Vec<_>>()
    };
    // One pair of 100 samples: 1.96/√99. The 190th of 199 spreads by a tenth of that.
    let one = correlations(&lists(1, 1, 100), &lists(2, 1, 100)).chance;
    assert!((one - 0.197).abs() < 0.04, "{one}");
    let many = correlations(&lists(1, 100, 100), &lists(2, 30, 100)).chance;
    assert!(many > 0.35, "{many}");
    // One sample in twelve has a rare trait, and the same one a rare answer: one pair in twelve does.
    let rare: [Vec<Option<f64>>; 1] = [(0..12).map(|number| Some(f64::from(u8::from(number == 4)))).collect()];
    let all = correlations(&rare, &rare);
    assert!((all.each[0][0] - 1.0).abs() < 1e-12 && all.chance > 1.0, "{}", all.chance);
    // Of four samples, any order is likely enough.
    assert!(correlations(&lists(3, 5, 4), &lists(4, 5, 4)).chance > 1.0);
    // Nothing to look at is no fault, and what is constant goes with nothing.
    assert_eq!(correlations(&[], &[]).each.len(), 0);
    assert_eq!(correlations(&[vec![Some(1.0); 9]], &lists(5, 1, 9)).each, [[0.0]]);
    assert_eq!(rank_correlation(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0]), 0.0);
    // What is not there says nothing.
    let (x, y) = (vec![Some(1.0), Some(2.0), None, Some(3.0)], vec![Some(9.0), Some(11.0), Some(10.0), Some(12.0)]);
    assert!(correlations(&[x], &[y]).each[0][0] > 0.9);
}

#[test]
fn samples_are_numbers_with_the_unit_in_the_header() {
    let headings = [heading("plain", "gain", "1", 1.0)];
    let records: Vec<Record> = (0..3).map(|_| ramp(&headings, &[2.0])).collect();
    let words = |list: [&str; 5]| list.map(str::to_owned).to_vec();
    let values = vec![
        words(["1.5 mm", "0.25", "yes", "7 1/d", "3 mm"]),
        words(["250 um", "1e-3", "no", "2e0 1/d", "3 d"]),
        words(["1 cm", "2", "no", "1 1/wk", "4 d"]),
    ];
    let keys = ["tissue.thickness", "response.k", "person.smoker", "response.rate", "response.mixed"];
    let mut all = ensemble(&keys, values, &records);
    let failed = words(["2 mm", "9", "yes", "1 1/d", "1 d"]);
    all.failed = vec![Failed { name: "sample-04".into(), values: failed, message: "it blew up".into() }];
    let home = tempfile::tempdir().unwrap();
    all.write(home.path()).unwrap();
    let path = home.path().join("samples.csv");
    let (header, _) = table::read_csv(&path).unwrap();
    let right = ["sample", "ended", "tissue.thickness [mm]", "response.k", "person.smoker", "response.rate [1/d]"];
    assert_eq!(header[..6], right);
    near(numbers(&column(&path, "tissue.thickness [mm]")), [1.5, 0.25, 10.0, 2.0]);
    near(numbers(&column(&path, "response.k")), [0.25, 1e-3, 2.0, 9.0]);
    near(numbers(&column(&path, "response.rate [1/d]")), [7.0, 2.0, 1.0 / 7.0, 1.0]);
    assert_eq!(column(&path, "person.smoker"), ["yes", "no", "no", "yes"]);
    assert_eq!(column(&path, "response.mixed"), ["3 mm", "3 d", "4 d", "1 d"], "no one unit");
    assert_eq!(column(&path, "ended"), ["yes", "yes", "yes", "failed"]);
    assert_eq!(column(&home.path().join("failed.csv"), "message"), ["it blew up"]);
}

/// u = 1/(1/u₀ − k t) leaves every bound at t = 1/(k u₀): within ten days if k is above 0.1 1/d.
const MODEL: &str = r#"
name = "blow_up"
what = "Grows by its square"
source = "test"
[constant]
k = { value = "0.05 1/d", range = ["0.01 1/d", "0.3 1/d"], evidence = "assumed", source = "test", what = "rate" }
[field.u]
what = "amount"
rest = 1
[process.grow]
changes = { u = "k * u^2" }
[observable.u]
what = "Amount"
value = "mean(u, all)"
unit = "1"
group = "gain"
"#;
const SCENARIO: &str = "response = \"blow_up.toml\"\n[slab]\n[course]\nfollowed = \"10 d\"\n[grid]\ngeometry = \"point\"\n\
                        [observe]\nevery = \"1 d\"\n";

fn run(home: &Path, scenario: &str) -> Output {
    std::fs::write(home.join("blow_up.toml"), MODEL).unwrap();
    std::fs::write(home.join("s.toml"), scenario).unwrap();
    let program = assert_cmd::cargo::cargo_bin!("dermasim");
    Command::new(program).args(["run", "s.toml", "--out", "out"]).current_dir(home).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_sample_that_fails_is_named_and_fails_alone() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &format!("{SCENARIO}[uncertainty]\nsamples = 12\nnumbers = [\"response.k\"]\n"));
    let said = told(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let out = home.path().join("out");
    let (names, ended) = (column(&out.join("samples.csv"), "sample"), column(&out.join("samples.csv"), "ended"));
    let rates = numbers(&column(&out.join("samples.csv"), "response.constant.k [1/d]"));
    assert_eq!(rates.len(), 12);
    let failed: Vec<String> =
        names.iter().zip(&rates).filter(|(_, k)| **k > 0.1).map(|(name, _)| name.clone()).collect();
    assert!(!failed.is_empty() && failed.len() < 12);
    // Those that leave every bound, and no others, are named with their reason, everywhere.
    assert_eq!(column(&out.join("failed.csv"), "run"), failed);
    assert!(column(&out.join("failed.csv"), "message").iter().all(|message| !message.is_empty()));
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    for (name, ended) in names.iter().zip(&ended) {
        assert_eq!(ended, if failed.contains(name) { "failed" } else { "yes" });
        assert_eq!(report.contains(name.as_str()), failed.contains(name), "{name}");
        assert_eq!(said.contains(&format!("{name}:\n")), failed.contains(name), "{said}");
    }
    assert!(said.contains(&format!("{} of 12 samples failed: {}", failed.len(), failed.join(", "))), "{said}");
    // The others are right, and the tables say from how many they are.
    let alive: BTreeMap<&String, f64> = names.iter().zip(rates).filter(|(name, _)| !failed.contains(name)).collect();
    let (names, ends) = (column(&out.join("answers.csv"), "sample"), column(&out.join("answers.csv"), "end"));
    assert_eq!(names.iter().collect::<Vec<_>>(), alive.keys().copied().collect::<Vec<_>>());
    for (name, end) in names.iter().zip(numbers(&ends)) {
        let right = 1.0 / (1.0 - 10.0 * alive[name]);
        assert!((end / right - 1.0).abs() < 1e-2 * right, "{name}: {end} is not {right}");
    }
    for table in ["bands.csv", "distribution.csv"] {
        assert!(column(&out.join(table), "samples").iter().all(|count| *count == alive.len().to_string()), "{table}");
    }
    assert!(report.contains(&format!("{} of 12 samples ({} failed)", alive.len(), failed.len())));
    // A second run goes the same way and takes what is done.
    let again = run(home.path(), &format!("{SCENARIO}[uncertainty]\nsamples = 12\nnumbers = [\"response.k\"]\n"));
    assert_eq!(again.status.code(), Some(1), "{}", told(&again));
    assert!(told(&again).contains("was there"), "{}", told(&again));
}

#[test]
fn nothing_is_made_of_no_samples_and_a_sweep_names_its_failures() {
    let home = tempfile::tempdir().unwrap();
    // For 200 days, the smallest rate of all is too large.
    let long = SCENARIO.replace("10 d", "200 d");
    let output = run(home.path(), &format!("{long}[uncertainty]\nsamples = 3\nnumbers = [\"response.k\"]\n"));
    let said = told(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("none of the 3 samples ended") && said.contains("sample-2:"), "{said}");
    let home = tempfile::tempdir().unwrap();
    let output =
        run(home.path(), &format!("{SCENARIO}[sweep]\n\"response.k\" = [\"0.02 1/d\", \"0.2 1/d\", \"0.35 1/wk\"]\n"));
    let said = told(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("1 of 3 points failed"), "{said}");
    let out = home.path().join("out");
    assert_eq!(column(&out.join("failed.csv"), "run").len(), 1);
    near(numbers(&column(&out.join("sweep.csv"), "response.k [1/d]")), [0.02, 0.05]);
}

#[test]
fn an_answer_that_is_not_there_is_left_out() {
    let answer = |rest: Option<f64>| Answer {
        unit: Unit::one().to_string(),
        rest,
        peak: rest,
        peak_day: None,
        end: rest.map(|rest| 2.0 * rest),
        resolved_day: None,
    };
    let headings = vec![heading("plain", "gain", "1", 1.0)];
    let mut all = Ensemble { headings, ..Ensemble::default() };
    for (number, rest) in [Some(1.0), None, Some(3.0)].into_iter().enumerate() {
        let answers = [("plain".to_owned(), answer(rest))].into_iter().collect();
        all.samples.push(Sample { name: number.to_string(), answers, ..Sample::default() });
    }
    let spread = reading(&all, "plain", "end_change").spread();
    assert_eq!((spread.samples, spread.quantiles), (2, [100.0; 5]));
}
