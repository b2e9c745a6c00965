//! Conditions on faces, products that go to other layers, and signals at the start: what cannot act is refused at its line, and
//! what is set holds from its moment on.

mod common;

use std::path::Path;

use common::*;
use dermasim::run::{self, Outcome};
use dermasim::scenario::Scenario;
use std::sync::Arc;

const TISSUE: &str = r#"
what = "two layers"
[layer.skin_a]
groups = ["upper"]
spacing = ["100 um", "100 um"]
thickness = { value = "1 mm", evidence = "assumed", source = "test" }
stiffness = { value = "1 kPa", evidence = "assumed", source = "test" }
[layer.skin_b]
groups = ["lower"]
spacing = ["100 um", "100 um"]
thickness = { value = "1 mm", evidence = "assumed", source = "test" }
stiffness = { value = "1 kPa", evidence = "assumed", source = "test" }
"#;

/// A scenario of a model on two layers, in a folder of its own.
fn scenario(folder: &Path, model: &str, rest: &str) -> Scenario {
    std::fs::write(folder.join("tissue.toml"), TISSUE).unwrap();
    std::fs::write(folder.join("model.toml"), model).unwrap();
    let text = format!("question = \"q\"\ntissue = \"tissue.toml\"\nresponse = \"model.toml\"\n{rest}");
    std::fs::write(folder.join("scenario.toml"), text).unwrap();
    Scenario::read(&folder.join("scenario.toml")).unwrap()
}

fn run(model: &str, rest: &str) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let plan = scenario(folder.path(), model, rest).plan().unwrap_or_else(|error| panic!("{error}"));
    run::run(&Arc::new(plan), &mut |_| true).unwrap_or_else(|error| panic!("{error}"))
}

fn course(outcome: &Outcome, name: &str) -> Vec<f64> {
    let at = outcome.record.headings.iter().position(|heading| heading.name == name).unwrap();
    outcome.record.values.iter().map(|row| row[at]).collect()
}

const GRIDS: [(&str, &str); 6] = [
    ("closed", "geometry = \"section\"\nwidth = \"1 mm\"\ncells = 4\nperiodic = false"),
    ("periodic", "geometry = \"section\"\nwidth = \"1 mm\"\ncells = 4"),
    ("tile", "geometry = \"tile\"\nwidth = \"1 mm\"\ncells = 4\nperiodic = false"),
    ("periodic tile", "geometry = \"tile\"\nwidth = \"1 mm\"\ncells = 4\nperiodic = true"),
    ("unit cells", "geometry = \"cells\"\nradius = \"0.5 mm\""),
    ("point", "geometry = \"point\"\nlayer = \"skin_a\""),
];

/// A field with something in it, then on which grids that is accepted, else a part of the message.
#[test]
fn a_condition_that_cannot_act_is_refused_at_its_line() {
    const ALL: [&str; 6] = ["closed", "periodic", "tile", "periodic tile", "unit cells", "point"];
    let cases: &[(&str, &[&str], &str)] = &[
        ("diffusivity = 1\nboundary.top = { value = 1 }", &ALL[..5], "a point has no faces"),
        ("diffusivity = 1\nboundary.bottom = { exchange = 1, outside = 0 }", &ALL[..5], "a point has no faces"),
        ("diffusivity = 1\nboundary.left = { value = 1 }", &["closed", "tile"], "on its left, but "),
        ("diffusivity = 1\nboundary.right = { value = 1 }", &["closed", "tile", "unit cells"], "on its right, but "),
        ("diffusivity = 1\nboundary.front = { value = 1 }", &["tile"], "on its front, but "),
        ("diffusivity = 1\nboundary.back = { exchange = 1, outside = 0 }", &["tile"], "on its back, but "),
        (
            "diffusivity = 1\nboundary.left = \"no_flux\"",
            &["closed", "tile", "unit cells", "point"],
            "sides of this grid meet",
        ),
        ("diffusivity = 1\nboundary.right = \"periodic\"", &["periodic", "periodic tile", "point"], "do not meet"),
        ("boundary.top = \"no_flux\"", &ALL, ""),
        ("boundary.top = { value = 1 }", &[], "has no diffusivity, so nothing passes"),
        ("boundary.right = { value = 1 }", &[], "has no diffusivity, so nothing passes"),
        ("diffusivity = { skin_b = 1 }\nboundary.top = { value = 1 }", &[], "no diffusivity in `skin_a`"),
        ("diffusivity = { lower = 1 }\nboundary.top = { value = 1 }", &[], "no diffusivity in `skin_a`"),
        ("diffusivity = { skin_a = 0, skin_b = 1 }\nboundary.top = { value = 1 }", &[], "no diffusivity in `skin_a`"),
        ("diffusivity = { skin_a = 1 }\nboundary.bottom = { value = 1 }", &[], "no diffusivity in `skin_b`"),
        ("diffusivity = { skin_b = \"1 + p\" }\nboundary.top = { value = 1 }", &[], "no diffusivity in `skin_a`"),
        ("diffusivity = 0\nboundary.top = { value = 1 }", &[], "no diffusivity in `skin_a`"),
        ("diffusivity = 0\nboundary.right = { value = 1 }", &[], "has no diffusivity, so nothing passes the right"),
        ("lives_in = [\"skin_b\"]\ndiffusivity = 1\nboundary.top = { value = 1 }", &[], "does not live in `skin_a`"),
        ("lives_in = [\"upper\"]\ndiffusivity = 1\nboundary.bottom = { value = 1 }", &[], "does not live in `skin_b`"),
        ("kind = \"surface\"\nboundary.top = { value = 1 }", &[], "here is one on the surface"),
        ("diffusivity = 1\nboundary.top = { exchange = -1, outside = 1 }", &[], "speed of exchange may be negative"),
        ("diffusivity = 1\nboundary.top = { exchange = \"s\", outside = 1 }", &ALL[..5], "a point has no faces"),
        (
            "diffusivity = 1\nboundary.top = { exchange = \"s - 1\", outside = 1 }",
            &[],
            "speed of exchange may be negative",
        ),
        (
            "diffusivity = 1\nboundary.top = { exchange = \"sin(time)\", outside = 1 }",
            &[],
            "speed of exchange may be negative",
        ),
        ("diffusivity = 1\nboundary.top = { value = -1 }", &[], "value outside may be negative"),
        ("signed = true\ndiffusivity = 1\nboundary.top = { value = -1 }", &ALL[..5], "a point has no faces"),
        (
            "diffusivity = 1\nboundary.top = { exchange = 1, outside = \"sin(time)\" }",
            &[],
            "value outside may be negative",
        ),
        ("diffusivity = 1\nboundary.top = { value = \"0/0\" }", &[], "division by zero"),
        ("signed = true\ndiffusivity = 1\nboundary.top = { value = \"log(-1)\" }", &[], "a part of this is NaN"),
        ("diffusivity = 1\nboundary.top = { value = 1, exchange = 1, outside = 1 }", &[], "either a `value`, or"),
        ("diffusivity = 1\nboundary.top = { value = 1, outside = 1 }", &[], "either a `value`, or"),
        ("diffusivity = 1\nboundary.top = { exchange = 1 }", &[], "either a `value`, or"),
        ("diffusivity = 1\nboundary.top = \"periodic\"", &[], "are not periodic"),
    ];
    let quasi: &[(&str, &[&str], &str)] = &[
        ("diffusivity = 1\nboundary.top = { value = 1 }", &ALL[..5], "a point has no faces"),
        ("diffusivity = 1\nboundary.right = { value = 1 }", &[], "conditions on the top and the bottom only"),
        (
            "diffusivity = 1\nboundary.right = \"no_flux\"",
            &["closed", "tile", "unit cells", "point"],
            "sides of this grid meet",
        ),
        ("lives_in = [\"skin_b\"]\ndiffusivity = 1\nboundary.top = { value = 1 }", &[], "does not live in `skin_a`"),
        ("diffusivity = { skin_b = 1 }\nboundary.top = { value = 1 }", &[], "no diffusivity in `skin_a`"),
    ];
    let volume = cases.iter().map(|case| (case, ""));
    let mut wrong = Vec::new();
    for ((field, accepted, message), kind) in
        volume.chain(quasi.iter().map(|case| (case, "kind = \"quasi_steady\"\nrest = \"solve\"\n")))
    {
        let model = format!(
            "name = \"faces\"\n[constant]\n[scale]\nlength = \"1 mm\"\ntime = \"1 h\"\n[signal.s]\ndefault = 1\n\
             [field.p]\n{kind}{field}\n[process.n]\nchanges = {{ p = \"-p\" }}\n"
        );
        let line = 1 + model.lines().position(|line| line.starts_with("boundary")).unwrap();
        for (grid, text) in GRIDS {
            let folder = tempfile::tempdir().unwrap();
            let plan =
                scenario(folder.path(), &model, &format!("[course]\nfollowed = \"1 d\"\n[grid]\n{text}\n")).plan();
            match (plan, accepted.contains(&grid)) {
                (Ok(_), true) => {}
                (Ok(_), false) => wrong.push(format!("{field}\n  is accepted on {grid}")),
                (Err(error), true) => wrong.push(format!("{field}\n  is refused on {grid}:\n{error}")),
                (Err(error), false) => {
                    let told = error.message().contains(message) || message.is_empty() && accepted.is_empty();
                    if !told || error.exit_code() != 2 || error.line() != Some(line) {
                        wrong.push(format!("{field}\n  on {grid} is told as:\n{error}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The rims of unit cells of several depths touch each other; with one class they can have a condition.
#[test]
fn the_rim_of_needled_cells_has_a_condition_where_cells_are_alike() {
    let model = "name = \"rim\"\n[constant]\n[scale]\nlength = \"1 mm\"\ntime = \"1 h\"\n\
                 [field.p]\ndiffusivity = 1\nboundary.right = { value = 1 }\n";
    for (strata, accepted) in [(1, true), (3, false)] {
        let folder = tempfile::tempdir().unwrap();
        let rest = format!(
            "[needling]\ndevice = \"skinpen\"\n[course]\nsessions = 1\nfollowed = \"2 d\"\n[grid]\nstrata = {strata}\n"
        );
        std::fs::write(folder.path().join("m.toml"), model).unwrap();
        let text = format!("question = \"q\"\ntissue = \"cheek\"\nresponse = \"m.toml\"\n{rest}");
        std::fs::write(folder.path().join("s.toml"), text).unwrap();
        let plan = Scenario::read(&folder.path().join("s.toml")).unwrap().plan();
        assert_eq!(plan.is_ok(), accepted, "{strata} classes: {:?}", plan.err().map(|error| error.to_string()));
    }
}

/// A value that is not finite at some moment stops the run with the face and the day.
#[test]
fn a_condition_that_becomes_infinite_stops_the_run() {
    for kind in ["", "kind = \"quasi_steady\"\nrest = \"solve\"\n"] {
        let model = format!(
            "name = \"faces\"\n[constant]\n[scale]\nlength = \"1 mm\"\ntime = \"1 h\"\n\
             [field.p]\n{kind}diffusivity = 1\nboundary.top = {{ value = \"1/time\" }}\n[process.n]\nchanges = {{ p = \"-p\" }}\n"
        );
        let folder = tempfile::tempdir().unwrap();
        let rest = "[course]\nfollowed = \"1 d\"\n[grid]\ngeometry = \"section\"\nwidth = \"1 mm\"\ncells = 1\n";
        let plan = Arc::new(scenario(folder.path(), &model, rest).plan().unwrap());
        let told = run::run(&plan, &mut |_| true).unwrap_err();
        assert!(told.message().contains("`p` has a value of inf at the top on day 0"), "{told}");
        assert_eq!(told.exit_code(), 1);
    }
}

/// What a process takes from a field of one layer and gives to a field of another.
#[test]
fn what_goes_to_a_field_that_lives_elsewhere_is_refused() {
    let model = |u: &str, v: &str, process: &str| {
        format!(
            "name = \"lost\"\n[scale]\nlength = \"1 mm\"\ntime = \"1 d\"\n[constant]\n\
             k = {{ value = 1, range = [0, 9], evidence = \"assumed\", source = \"t\" }}\n\
             [field.u]\n{u}\nsigned = true\n[field.v]\n{v}\nsigned = true\n[process.turn]\n{process}\n"
        )
    };
    let quasi = "kind = \"quasi_steady\"\nrest = \"solve\"\ndiffusivity = 1";
    let below = "lives_in = [\"skin_b\"]";
    let cases: &[(&str, &str, &str, Option<&str>)] = &[
        (
            "initial = 1",
            below,
            "rate = \"k*u\"\ntakes = { u = 1 }\ngives = { v = 1 }",
            Some("in `skin_a` the process `turn` takes from `u`, but `v`, which it gives to, does not live there"),
        ),
        (
            "initial = 1",
            "lives_in = [\"lower\"]",
            "rate = \"k*u\"\ntakes = { u = 1 }\ngives = { v = 1 }",
            Some("does not live there"),
        ),
        ("initial = 1", below, "rate = \"k*u\"\ntakes = { u = 1 }\ngives = { v = 1 }\nlayers = [\"skin_b\"]", None),
        ("initial = 1", below, "rate = \"k*u\"\ntakes = { u = 1 }\ngives = { v = 1 }\nlayers = [\"lower\"]", None),
        (
            below,
            "initial = 1",
            "rate = \"k*v\"\ntakes = { v = 1 }\ngives = { u = 1 }",
            Some("takes from `v`, but `u`, which it gives to, does not live there"),
        ),
        // Where one that is needed does not live, nothing happens, and nothing is lost.
        ("initial = 1", below, "rate = \"k*u*v\"\ntakes = { u = 1 }\ngives = { v = 1 }", None),
        ("initial = 1", below, "rate = \"k*u*v\"\ntakes = { v = 1 }\ngives = { u = 1 }", None),
        // Nothing that both take part in.
        ("initial = 1", below, "rate = \"k*u\"\ntakes = { u = 1 }", None),
        (
            "initial = 1",
            below,
            "rate = \"k*u\"\ngives = { u = 1, v = 1 }",
            Some("gives to `u`, but `v`, which it gives to,"),
        ),
        (
            "initial = 1",
            below,
            "changes = { u = \"-k*u\", v = \"k*u\" }",
            Some("changes `u`, but `v`, which it changes,"),
        ),
        ("initial = 1", below, "changes = { u = \"-k*u\", v = \"-k*v\" }", None),
        (
            "initial = 1",
            &format!("{quasi}\n{below}"),
            "rate = \"k*u\"\ntakes = { u = 1 }\ngives = { v = 1 }",
            Some("does not live there"),
        ),
        (
            &format!("{quasi}\n{below}"),
            "initial = 1",
            "rate = \"k*v\"\ntakes = { v = 1 }\ngives = { u = 1 }",
            Some("does not live there"),
        ),
        (
            "kind = \"surface\"",
            "initial = 1",
            "rate = \"k\"\ntakes = { u = 1 }\ngives = { v = 1 }",
            Some("which lies on the surface, and `v`, which lives in the cells"),
        ),
        (
            "kind = \"surface\"",
            "initial = 1",
            "changes = { u = \"-k*u\", v = \"-k*v\" }",
            Some("which lies on the surface"),
        ),
        ("kind = \"surface\"", "kind = \"surface\"", "rate = \"k*u\"\ntakes = { u = 1 }\ngives = { v = 1 }", None),
        (
            "initial = 1",
            below,
            "rate = \"k*u\"\ngives = { v = 1 }\nlayers = [\"skin_a\"]",
            Some("the process `turn` acts nowhere"),
        ),
    ];
    let mut wrong = Vec::new();
    for (u, v, process, message) in cases {
        let folder = tempfile::tempdir().unwrap();
        let rest = "[course]\nfollowed = \"1 d\"\n[grid]\ngeometry = \"section\"\nwidth = \"1 mm\"\ncells = 1\n";
        let told = scenario(folder.path(), &model(u, v, process), rest).plan().err();
        let told = told.map(|error| error.to_string());
        if told.is_some() != message.is_some() || !told.iter().all(|told| told.contains(message.unwrap_or(""))) {
            wrong.push(format!("u: {u}, v: {v}\n{process}\n  told: {}", told.unwrap_or("nothing".into())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// With its layers named, what the process takes in the lower half it gives there: u is 1 above and e^(−20) below.
#[test]
fn a_process_in_its_own_layer_keeps_the_sum() {
    let model = "name = \"kept\"\n[scale]\nlength = \"1 mm\"\ntime = \"1 d\"\n[constant]\n\
                 k = { value = 1, range = [0, 9], evidence = \"assumed\", source = \"t\" }\n\
                 [field.u]\ninitial = 1\n[field.v]\nlives_in = [\"skin_b\"]\n\
                 [process.turn]\nrate = \"k*u\"\ntakes = { u = 1 }\ngives = { v = 1 }\nlayers = [\"skin_b\"]\n\
                 [observable.sum]\nvalue = \"mean(u + v, all)\"\n[observable.u]\nvalue = \"mean(u, skin_b)\"\n";
    let rest = "[course]\nfollowed = \"20 d\"\n[grid]\ngeometry = \"section\"\nwidth = \"1 mm\"\ncells = 1\n\
                [observe]\nevery = \"5 d\"\n[stepping]\ntolerance = 1e-4\n";
    let outcome = run(model, rest);
    assert!(course(&outcome, "sum").iter().all(|sum| (sum - 1.0).abs() < 1e-12), "{:?}", course(&outcome, "sum"));
    assert!(course(&outcome, "u")[4] < 1e-6);
}

const SIGNALS: &str = "name = \"signals\"\n[constant]\n[signal.dose]\nrange = [0, 100]\n[scale]\nlength = \"1 mm\"\ntime = \"1 d\"\n\
    [field.u]\n[field.q]\nkind = \"quasi_steady\"\nrest = \"solve\"\ndiffusivity = 1\nboundary.top = { value = \"dose\" }\n\
    [process.use]\nrate = \"q\"\ntakes = { q = 1 }\ngives = { u = 1 }\n\
    [observable.dose]\nvalue = \"dose\"\n[observable.q]\nvalue = \"mean(q, all)\"\n\
    [observable.since]\nvalue = \"since_session\"\n[observable.time]\nvalue = \"time\"\n";

/// 0 = q″ − q with q = 5 at the top and no flux through the bottom of a slab of 1: the mean is 5 tanh 1 = 3.808.
#[test]
fn a_signal_set_from_the_start_holds_in_the_first_row_and_the_first_snapshot() {
    let text = |signals: &str| {
        format!(
            "question = \"q\"\nresponse = \"m.toml\"\n[slab]\ncells = 40\n[course]\nfollowed = \"2 d\"\n[grid]\n\
             geometry = \"section\"\nwidth = \"1 mm\"\ncells = 1\n[observe]\nevery = \"0.5 d\"\n[snapshots]\n\
             at = [\"0 d\", \"1 d\"]\n[signals]\n{signals}\n"
        )
    };
    let mean = 5.0 * 1_f64.tanh();
    let cases: [(&str, [f64; 5]); 6] = [
        ("dose = 5", [1.0; 5]),
        ("dose = [{ value = 5, from = \"0 d\" }]", [1.0; 5]),
        ("dose = [{ value = 5 }]", [1.0; 5]),
        ("dose = [{ value = 5, from = \"0 d\", until = \"1 d\" }]", [1.0, 1.0, 0.0, 0.0, 0.0]),
        ("dose = [{ value = 5, from = \"1 d\", until = \"1.5 d\" }]", [0.0, 0.0, 1.0, 0.0, 0.0]),
        ("dose = [{ value = 5, from = \"0.7 d\", until = \"2 d\" }]", [0.0, 0.0, 1.0, 1.0, 1.0]),
    ];
    for (signals, wanted) in cases {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("m.toml"), SIGNALS).unwrap();
        std::fs::write(folder.path().join("s.toml"), text(signals)).unwrap();
        let plan = Arc::new(Scenario::read(&folder.path().join("s.toml")).unwrap().plan().unwrap());
        let outcome = run::run(&plan, &mut |_| true).unwrap();
        assert_eq!(outcome.record.times.len(), 5, "{signals}");
        let (dose, q) = (course(&outcome, "dose"), course(&outcome, "q"));
        for (row, wanted) in wanted.iter().enumerate() {
            assert_eq!(dose[row], 5.0 * wanted, "{signals}, row {row}");
            assert!((q[row] - mean * wanted).abs() < 2e-4 * mean, "{signals}, row {row}: {}", q[row]);
        }
        for (snapshot, row) in outcome.snapshots.iter().zip([0, 2]) {
            let (_, _, values) = snapshot.fields.iter().find(|(name, ..)| name == "q").unwrap();
            let seen = values.iter().sum::<f64>() / values.len() as f64;
            assert!((seen - mean * wanted[row]).abs() < 2e-4 * mean, "{signals}, snapshot {row}: {seen}");
        }
        // No session: longer ago than any memory.
        assert!(course(&outcome, "since").iter().all(|since| *since > 1e6));
    }
}

/// A session is seen before and after, with a signal that changes at its moment: the first row is before both.
#[test]
fn a_session_at_the_start_and_signals_at_its_moment() {
    let model = "name = \"session\"\n[constant]\n[signal.dose]\nrange = [0, 100]\nunit = \"1\"\n[field.u]\n\
        [session.effect]\nu = \"u + 1\"\n[observable.u]\nvalue = \"mean(u, all)\"\n[observable.dose]\nvalue = \"dose\"\n\
        [observable.since]\nvalue = \"since_session\"\nunit = \"d\"\n";
    let text = |first: &str, signals: &str| {
        format!(
            "question = \"q\"\ntissue = \"cheek\"\nresponse = \"m.toml\"\n[needling]\n[course]\nat = [\"{first}\"]\n\
             followed = \"2 d\"\n[grid]\nresolution = 0.3\nstrata = 1\n[observe]\nevery = \"1 d\"\n[signals]\n{signals}\n"
        )
    };
    // Rows: u and dose.
    type Rows<'a> = &'a [(f64, f64)];
    let cases: [(&str, &str, Rows<'_>); 3] = [
        ("0 d", "dose = 5", &[(0.0, 5.0), (1.0, 5.0), (1.0, 5.0), (1.0, 5.0)]),
        ("1 d", "dose = [{ value = 5, from = \"1 d\" }]", &[(0.0, 0.0), (0.0, 0.0), (1.0, 5.0), (1.0, 5.0)]),
        ("1 d", "dose = 5", &[(0.0, 5.0), (0.0, 5.0), (1.0, 5.0), (1.0, 5.0)]),
    ];
    for (first, signals, wanted) in cases {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("m.toml"), model).unwrap();
        std::fs::write(folder.path().join("s.toml"), text(first, signals)).unwrap();
        let plan = Arc::new(Scenario::read(&folder.path().join("s.toml")).unwrap().plan().unwrap());
        let outcome = run::run(&plan, &mut |_| true).unwrap();
        let seen: Vec<(f64, f64)> = course(&outcome, "u").into_iter().zip(course(&outcome, "dose")).collect();
        assert_eq!(seen, wanted, "session on {first}, {signals}");
        let since = course(&outcome, "since");
        let at = outcome.record.times.iter().rposition(|time| *time == plan.sessions[0]).unwrap();
        assert!(since[at] == 0.0 && since[..at].iter().all(|since| *since > 1e6), "{since:?}");
    }
}

/// Skin that is not needled is a single column only where nothing in the model tells one place from another.
#[test]
fn the_control_has_the_sides_that_the_model_asks_for() {
    let model = "name = \"sides\"\n[constant]\n[field.p]\nrest = 0\ndiffusivity = \"[1 mm^2/d]\"\nboundary.left = { value = 1 }\n\
                 [observable.p]\nvalue = \"mean(p, all)\"\n";
    let rest = "[needling]\n[course]\nsessions = 1\nfollowed = \"2 h\"\n[grid]\ngeometry = \"section\"\nwidth = \"4 mm\"\n\
                cells = 40\nperiodic = false\nresolution = 0.5\n[observe]\nevery = \"1 h\"\n[stepping]\ntolerance = 1e-5\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.toml"), model).unwrap();
    let text = format!("question = \"q\"\ntissue = \"cheek\"\nresponse = \"m.toml\"\n{rest}");
    std::fs::write(folder.path().join("s.toml"), text).unwrap();
    let plan = Arc::new(Scenario::read(&folder.path().join("s.toml")).unwrap().plan().unwrap());
    let outcome = run::run(&plan, &mut |_| true).unwrap();
    // Needling does nothing in this model, so both must agree.
    let (needled, control) = (outcome.record.values.last().unwrap()[0], outcome.control.values.last().unwrap()[0]);
    assert!((needled - control).abs() < 1e-5 * needled && needled > 0.0, "{needled} against {control}");
}

/// One cell across is coupled to both sides, and the solve knows it.
#[test]
fn a_lone_column_with_sides_is_solved_implicitly() {
    // One cell across, u = 1 on both sides: u′ = 8 D/w² (1 − u).
    let model = "name = \"one\"\n[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n[constant]\n[field.u]\ndiffusivity = 1e6\n\
                 boundary = { left = { value = 1 }, right = { value = 1 } }\n";
    let mut skin = skin(model, &section(1, false), &medium(1), 0);
    let stepper = advance(&mut skin, &adaptive(1e-3), 100.0);
    assert!(
        (skin.state[0] - 1.0).abs() < 1e-6 && stepper.count.accepted < 200,
        "{} {:?}",
        skin.state[0],
        stepper.count
    );
}
