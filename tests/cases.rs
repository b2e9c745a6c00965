//! Small inputs of outside researchers that went wrong without a word. Each stands for its kind and is kept with its right value,
//! or with what its refusal must say. The inputs are the whole of what was typed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use dermasim::error::Error;
use dermasim::scenario::Scenario;
use dermasim::simulate::{self, Outcome};
use tempfile::TempDir;

/// A folder with these files: their names and texts.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// The answer of the scenario `s.toml` in a folder.
fn answer(folder: &TempDir) -> Outcome {
    let plan = Scenario::read(&folder.path().join("s.toml")).and_then(|scenario| scenario.plan());
    let plan = plan.unwrap_or_else(|error| panic!("{error}"));
    simulate::run(&Arc::new(plan), &mut |_| true).unwrap_or_else(|error| panic!("{error}"))
}

/// The complaint about the scenario `s.toml` in a folder, with all its points.
fn complaint(folder: &TempDir) -> Error {
    let plans = Scenario::read(&folder.path().join("s.toml")).and_then(|scenario| {
        scenario.plan()?;
        scenario.points()?.iter().try_for_each(|point| point.scenario.plan().map(drop))
    });
    plans.expect_err("it is refused")
}

/// Asserts that a scenario is refused at a line with words in the message or the help.
fn refused(folder: &TempDir, line: usize, words: &[&str]) {
    let error = complaint(folder);
    let shown = error.to_string();
    assert_eq!((error.exit_code(), error.line()), (2, Some(line)), "{shown}");
    for word in words {
        assert!(shown.contains(word), "`{word}` is missing in:\n{shown}");
    }
}

/// The last value of an observable, in its unit.
fn end(outcome: &Outcome, name: &str) -> f64 {
    outcome.record.values.last().expect("a row")[column(outcome, name)]
}

fn column(outcome: &Outcome, name: &str) -> usize {
    let headings = &outcome.record.headings;
    headings.iter().position(|heading| heading.name == name).unwrap_or_else(|| panic!("there is no `{name}`"))
}

#[track_caller]
fn near(value: f64, right: f64, within: f64) {
    assert!((value - right).abs() <= within, "{value} is not {right} ± {within}");
}

/// What the program says, and its exit code.
#[allow(dead_code)]
fn program(at: &Path, words: &[&str]) -> (i32, String) {
    let binary: PathBuf = assert_cmd::cargo::cargo_bin!("dermasim").into();
    let output = Command::new(binary).current_dir(at).args(words).output().expect("the program starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&said).into_owned())
}

const POINT: &str = "[grid]\ngeometry = \"point\"\n";
const COLUMN: &str = "[grid]\ngeometry = \"section\"\nwidth = \"1 mm\"\ncells = 1\n";
const SLAB: &str = "question = \"q\"\nresponse = \"m.toml\"\n[slab]\nthickness = \"1 mm\"\ncells = 10\n";
const DAY: &str = "[course]\nfollowed = \"1 d\"\n[observe]\nevery = \"1 d\"\n";
/// Two layers of 0.5 mm in one group.
const TWO: &str = r#"
what = "two layers"
[layer.skin_a]
groups = ["upper"]
spacing = ["20 um", "20 um"]
thickness = { value = "0.5 mm", evidence = "assumed", source = "test" }
stiffness = { value = "1 kPa", evidence = "assumed", source = "test" }
[layer.skin_b]
spacing = ["20 um", "20 um"]
thickness = { value = "0.5 mm", evidence = "assumed", source = "test" }
stiffness = { value = "1 kPa", evidence = "assumed", source = "test" }
"#;
const DECAY: &str = r#"
name = "decay"
[constant]
k = { value = "1 1/d", range = ["0.001 1/d", "9 1/d"], evidence = "assumed", source = "t" }
[field.u]
rest = 0
initial = 1
[process.decay]
rate = "k * u"
takes = { u = 1 }
[observable.u]
value = "mean(u, all)"
"#;

#[test]
fn units_count_all_their_digits() {
    let model = r#"
name = "unit_numbers"
[constant]
k = { value = "1 1/d", range = ["1 1/d", "1 1/d"], evidence = "assumed", source = "t" }
[field.u]
unit = "mg/L"
rest = 0
initial = "1 mg/L"
[process.decay]
rate = "k * u"
takes = { u = 1 }
[observable.a]
value = "mean(u, all)"
unit = "mg/L"
[observable.b]
value = "mean(u, all)"
unit = "10 mg/L"
[observable.d]
value = "mean(u, all)"
unit = "1000 mg/L"
"#;
    let outcome = answer(&folder(&[("m.toml", model), ("s.toml", &format!("{SLAB}{DAY}{POINT}"))]));
    let whole = end(&outcome, "a");
    near(whole, (-1_f64).exp(), 4e-3);
    near(end(&outcome, "b"), whole / 10.0, 1e-15);
    near(end(&outcome, "d"), whole / 1000.0, 1e-15);
}

#[test]
fn numbers_with_a_gap_are_refused() {
    for (followed, help) in [
        ("1 000 h", "write `1000 h`"),
        ("1 100 h", "write `1100 h`"),
        ("1 d 12 h", "one number"),
        ("0,7 d", "write `0.7 d`"),
        ("7/d", "write `7 1/d`"),
        ("2 wek", "did you mean `wk`?"),
    ] {
        let text = format!("{SLAB}{POINT}[course]\nfollowed = \"{followed}\"\n");
        refused(&folder(&[("m.toml", DECAY), ("s.toml", &text)]), 9, &[help]);
    }
    let slab = "response = \"m.toml\"\n[slab]\nthickness = \"2 10 mm\"\n";
    refused(&folder(&[("m.toml", DECAY), ("s.toml", slab)]), 3, &["two numbers, `2` and `10`"]);
    let needled =
        "tissue = \"cheek\"\n[needling]\nlength = \"1 mm\"\ndose = \"1 100 1/cm^2\"\n[course]\nfollowed = \"1 d\"\n";
    refused(&folder(&[("s.toml", needled)]), 4, &["write `1100 1/cm^2`"]);
    let initial = DECAY.replace("initial = 1", "initial = \"[1 000 mm] / [1 mm]\"");
    refused(&folder(&[("m.toml", &initial), ("s.toml", &format!("{SLAB}{DAY}{POINT}"))]), 7, &["write `1000 mm`"]);
}

#[test]
fn the_most_specific_name_of_a_layer_wins_in_any_order() {
    let model = r#"
name = "order"
[field.u]
rest = { all = 1, skin_a = 5 }
[field.v]
rest = { skin_a = 5, all = 1 }
[field.w]
rest = { all = 1, upper = 5 }
[field.x]
rest = { upper = 2, all = 1, skin_a = 5 }
[field.i]
rest = 0
initial = { all = 1, upper = "5" }
[field.d]
rest = 0
initial = "if(depth < [0.25 mm], 1, 0)"
diffusivity = { all = "0 cm^2/s", upper = "1e-3 cm^2/s" }
[field.r]
rest = 0
initial = 1
reference_density = { all = 1, upper = 5 }
diffusivity = "1e-3 cm^2/s"
[process.nothing]
changes = { u = 0 }
[observable.u_a]
value = "mean(u, skin_a)"
[observable.u_b]
value = "mean(u, skin_b)"
[observable.v_a]
value = "mean(v, skin_a)"
[observable.v_b]
value = "mean(v, skin_b)"
[observable.w_a]
value = "mean(w, skin_a)"
[observable.w_b]
value = "mean(w, skin_b)"
[observable.x_a]
value = "mean(x, skin_a)"
[observable.i_a]
value = "mean(i, skin_a)"
[observable.i_b]
value = "mean(i, skin_b)"
[observable.d_spread]
value = "maximum(d, skin_a) - minimum(d, skin_a)"
"#;
    let scenario = format!("tissue = \"two.toml\"\nresponse = \"m.toml\"\n{DAY}{COLUMN}");
    let outcome = answer(&folder(&[("two.toml", TWO), ("m.toml", model), ("s.toml", &scenario)]));
    for (name, right) in [
        ("u_a", 5.0),
        ("u_b", 1.0),
        ("v_a", 5.0),
        ("v_b", 1.0),
        ("w_a", 5.0),
        ("w_b", 1.0),
        ("x_a", 5.0),
        ("i_a", 5.0),
        ("i_b", 1.0),
    ] {
        near(end(&outcome, name), right, 1e-12);
    }
    near(end(&outcome, "d_spread"), 0.0, 1e-6);
    let field = &outcome.plan.model.compile(&setting(&outcome)).expect("it compiles");
    assert_eq!(field.volume.last().map(|field| field.density.clone()), Some(vec![5.0, 1.0]));
}

fn setting(outcome: &Outcome) -> dermasim::language::Setting {
    let layers = outcome.plan.layers.iter();
    let layers = layers.map(|own| dermasim::language::LayerName { name: own.name.clone(), groups: own.groups.clone() });
    dermasim::language::Setting { layers: layers.collect(), traits: outcome.plan.traits.clone() }
}

#[test]
fn a_name_that_is_no_layer_or_never_used_is_refused() {
    let scenario = format!("tissue = \"two.toml\"\nresponse = \"m.toml\"\n{DAY}{COLUMN}");
    for (field, words) in [
        ("rest = { all = 1, skin_c = 5 }", ["the tissue has no layer `skin_c`", "did you mean"]),
        ("rest = 0\ninitial = { skin_c = 5 }", ["the tissue has no layer `skin_c`", "did you mean"]),
        ("rest = 0\ndiffusivity = { skin_c = \"1 mm^2/d\" }", ["the tissue has no layer `skin_c`", "did you mean"]),
        ("rest = 0\nreference_density = { skin_c = 2 }", ["the tissue has no layer `skin_c`", "did you mean"]),
        ("lives_in = [\"skin_a\"]\nrest = { all = 1, skin_b = 5 }", ["never used", "lives_in"]),
    ] {
        let model = format!("name = \"m\"\n[field.u]\n{field}\n[process.p]\nchanges = {{ u = 0 }}\n");
        let files = folder(&[("two.toml", TWO), ("m.toml", &model), ("s.toml", &scenario)]);
        refused(&files, 2 + field.lines().count(), &words);
    }
    // Two groups, neither within the other.
    let tissue = TWO.replace("groups = [\"upper\"]", "groups = [\"upper\", \"wet\"]");
    let model = "name = \"m\"\n[field.u]\nrest = { all = 1, upper = 5, wet = 3 }\n[process.p]\nchanges = { u = 0 }\n";
    let files = folder(&[("two.toml", &tissue), ("m.toml", model), ("s.toml", &scenario)]);
    refused(&files, 3, &["`upper` and `wet` both say", "skin_a = …"]);
}

#[test]
fn an_overlay_does_not_break_a_model_that_it_does_not_concern() {
    let scenario = format!("tissue = \"uniform\"\nresponse = \"m.toml\"\n{DAY}{COLUMN}");
    let age = format!("{scenario}[person]\nage = 60\nsex = \"female\"\nfitzpatrick = \"IV\"\n");
    let plain = "name = \"m\"\n[field.u]\nrest = 1\n[process.p]\nchanges = { u = 0 }\n";
    let observed = format!("{plain}[observable.u]\nvalue = \"mean(u, all)\"\n");
    let constant = format!("{observed}[constant.s_1]\nvalue = 3\nevidence = \"assumed\"\nsource = \"t\"\n");
    let empty = format!("[constant]\n{observed}").replace("[constant]\nname = \"m\"", "name = \"m\"\n[constant]");
    for model in [&observed, &constant, &empty] {
        for scenario in [&scenario, &age] {
            assert_eq!(end(&answer(&folder(&[("m.toml", model), ("s.toml", scenario)])), "u"), 1.0);
        }
    }
    // What was asked for and has nothing to act on is said.
    let smoker = format!("{scenario}[person]\nsmoker = \"yes\"\n");
    let error = complaint(&folder(&[("m.toml", &observed), ("s.toml", &smoker)]));
    assert!(error.to_string().contains("there is no number `thickness` to multiply"), "{error}");
    assert!(error.to_string().contains("has no `layer.stratum_corneum.thickness`"), "{error}");
}

#[test]
fn each_random_is_a_draw_of_its_own() {
    let sum = ["random()"; 12].join(" + ");
    let model = format!(
        r#"
name = "rand"
[intermediate]
shared = "random()"
[field.d]
signed = true
rest = 0
initial = "random() - random()"
[field.sum12]
rest = 0
initial = "{sum}"
[field.square]
rest = 0
initial = "random() * random()"
[field.u]
rest = 0
initial = "random()"
[field.v]
rest = 0
initial = "random()"
[field.once]
rest = 0
initial = "shared"
[field.again]
rest = 0
initial = "shared"
[field.film]
kind = "surface"
rest = 0
initial = "abs(random() - random())"
[process.n]
changes = {{ u = 0 }}
[observable.d_low]
value = "minimum(d, all)"
[observable.d_high]
value = "maximum(d, all)"
[observable.d_variance]
value = "mean(d*d, all) - mean(d, all)^2"
[observable.sum_mean]
value = "mean(sum12, all)"
[observable.sum_variance]
value = "mean(sum12*sum12, all) - mean(sum12, all)^2"
[observable.square]
value = "mean(square, all)"
[observable.covariance]
value = "mean(u*v, all) - mean(u, all)*mean(v, all)"
[observable.differs]
value = "maximum(abs(once - again), all)"
[observable.film]
value = "mean(film, surface)"
"#
    );
    let scenario = "response = \"m.toml\"\nseed = SEED\n[slab]\nthickness = \"1 mm\"\ncells = 100\n[course]\nfollowed = \"1 d\"\n\
                    [grid]\ngeometry = \"section\"\nwidth = \"1 mm\"\ncells = 100\n[observe]\nevery = \"1 d\"\n";
    let of = |seed: &str| answer(&folder(&[("m.toml", &model), ("s.toml", &scenario.replace("SEED", seed))]));
    let outcome = of("1");
    // 10,000 cells: four standard errors of each number.
    let at = |name: &str| end(&outcome, name);
    assert!(at("d_low") < -0.9 && at("d_high") > 0.9);
    near(at("d_variance"), 1.0 / 6.0, 4.0 * 0.002);
    near(at("sum_mean"), 6.0, 4.0 * 0.01);
    near(at("sum_variance"), 1.0, 4.0 * 0.0142);
    near(at("square"), 0.25, 4.0 * 0.0022);
    near(at("covariance"), 0.0, 4.0 * 0.0009);
    assert_eq!(at("differs"), 0.0);
    near(at("film"), 1.0 / 3.0, 4.0 * 0.0236);
    assert_eq!(at("sum_mean"), end(&of("1"), "sum_mean"));
    assert_ne!(at("sum_mean"), end(&of("2"), "sum_mean"));
}

#[test]
fn the_last_snapshot_is_kept() {
    for (tables, count) in [
        ("[observe]\nevery = \"0.1 d\"\n[snapshots]\nevery = \"0.1 d\"\n", 8),
        ("[observe]\nat = [\"16.8 h\"]\n[snapshots]\nat = [\"16.8 h\"]\n", 1),
        ("[observe]\nevery = \"0.1 d\"\n[snapshots]\nevery = \"144 min\"\n", 8),
    ] {
        let scenario = format!("{SLAB}{POINT}[course]\nfollowed = \"0.7 d\"\n{tables}");
        let outcome = answer(&folder(&[("m.toml", DECAY), ("s.toml", &scenario)]));
        assert_eq!(outcome.snapshots.len(), count, "{tables}");
        assert_eq!(outcome.snapshots.last().map(|last| last.time), Some(outcome.plan.end));
        assert_eq!(outcome.record.times.last(), Some(&outcome.plan.end));
        let times = &outcome.record.times;
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] > 1.0), "{times:?}");
    }
    for table in ["snapshots", "observe"] {
        let scenario = format!("{SLAB}{POINT}[course]\nfollowed = \"0.7 d\"\n[{table}]\nat = [\"17 h\"]\n");
        refused(&folder(&[("m.toml", DECAY), ("s.toml", &scenario)]), 11, &["after the end of the run, day 0.7"]);
    }
}

#[test]
fn a_logarithmic_sweep_reads_its_units() {
    let sweep = |axis: &str| format!("{SLAB}{POINT}[course]\nfollowed = \"1 d\"\n[sweep]\n\"response.k\" = {axis}\n");
    for axis in [
        "{ from = \"1e-2 1/d\", to = \"1 1/d\", points = 3 }",
        "{ from = \"0.01 1/d\", to = \"1 1/d\", points = 3 }",
        "{ from = \"1.0E-2 1/d\", to = \"7 1/week\", points = 3 }",
    ] {
        let files = folder(&[("m.toml", DECAY), ("s.toml", &sweep(axis))]);
        let points =
            Scenario::read(&files.path().join("s.toml")).and_then(|scenario| scenario.points()).expect("points");
        let rates: Vec<f64> = (points.iter())
            .map(|point| {
                let plan = point.scenario.plan().unwrap_or_else(|error| panic!("{error}"));
                plan.model.constants["k"].number().expect("a number").of(&plan.traits).expect("a value") * 86_400.0
            })
            .collect();
        assert!(rates.iter().zip([0.01, 0.1, 1.0]).all(|(rate, right)| (rate - right).abs() < 1e-12), "{rates:?}");
    }
    let mixed = sweep("{ from = \"1e-2 1/d\", to = \"1 d\", points = 3 }");
    refused(&folder(&[("m.toml", DECAY), ("s.toml", &mixed)]), 11, &["the range goes from 1/s to s"]);
}

#[test]
fn what_a_redefined_process_made_is_not_made_beside_the_new() {
    let base = r#"
name = "base"
[constant]
k = { value = "1 1/d", range = ["0 1/d", "9 1/d"], evidence = "assumed", source = "t" }
[field.a]
rest = 0
initial = 1
[field.b]
rest = 0
[field.c]
rest = 0
[process.turn]
what = "a turns"
rate = "k * a"
takes = { a = 1 }
gives = { b = 1 }
[observable.a]
value = "mean(a, all)"
[observable.b]
value = "mean(b, all)"
[observable.c]
value = "mean(c, all)"
[observable.sum]
value = "mean(a + b + c, all)"
"#;
    let scenario = format!(
        "{SLAB}{POINT}[course]\nfollowed = \"2 d\"\n[observe]\nevery = \"2 d\"\n[stepping]\ntolerance = 1e-5\n"
    );
    let left = (-2_f64).exp();
    for (turn, right) in [
        ("changes = { a = \"-k*a\", c = \"k*a\" }", [left, 0.0, 1.0 - left]),
        ("rate = \"k * a\"\ntakes = { a = 1 }\ngives = { c = 1 }", [left, 0.0, 1.0 - left]),
        ("gives = { c = 1 }", [left, 0.0, 1.0 - left]),
        ("rate = \"k * a\"\ntakes = { a = 1 }", [left, 0.0, 0.0]),
        ("rate = \"2 * k * a\"", [left * left, 1.0 - left * left, 0.0]),
    ] {
        let own = format!("extends = \"base.toml\"\nname = \"own\"\n[process.turn]\n{turn}\n");
        let own = folder(&[("base.toml", base), ("m.toml", &own), ("s.toml", &scenario)]);
        let outcome = answer(&own);
        for (name, right) in ["a", "b", "c"].into_iter().zip(right) {
            near(end(&outcome, name), right, 1e-4);
        }
        near(end(&outcome, "sum"), right.iter().sum(), 1e-4);
    }
}
