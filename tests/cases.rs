//! Small inputs of outside researchers that went wrong without a word. Each stands for its kind and is kept with its right value,
//! or with what its refusal must say. The inputs are the whole of what was typed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use dermasim::base::error::Error;
use dermasim::run::{self, Outcome};
use dermasim::scenario::Scenario;
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
#[track_caller]
fn answer(folder: &TempDir) -> Outcome {
    let plan = Scenario::read(&folder.path().join("s.toml")).and_then(|scenario| scenario.plan());
    let plan = plan.unwrap_or_else(|error| panic!("{error}"));
    run::run(&Arc::new(plan), &mut |_| true).unwrap_or_else(|error| panic!("{error}"))
}

/// The complaint about the scenario `s.toml` in a folder, with all its points.
#[track_caller]
fn complaint(folder: &TempDir) -> Error {
    let plans = Scenario::read(&folder.path().join("s.toml")).and_then(|scenario| {
        scenario.plan()?;
        scenario.points()?.iter().try_for_each(|point| point.scenario.plan().map(drop))
    });
    plans.expect_err("it is refused")
}

/// Asserts that a scenario is refused at a line with words in the message or the help.
#[track_caller]
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

fn setting(outcome: &Outcome) -> dermasim::engine::language::Setting {
    let layers = outcome.plan.layers.iter();
    let layers =
        layers.map(|own| dermasim::engine::language::LayerName { name: own.name.clone(), groups: own.groups.clone() });
    dermasim::engine::language::Setting { layers: layers.collect(), traits: outcome.plan.traits.clone() }
}

#[test]
fn a_name_that_is_no_layer_or_never_used_is_refused() {
    let scenario = format!("tissue = \"two.toml\"\nresponse = \"m.toml\"\n{DAY}{COLUMN}");
    for (field, words) in [
        ("rest = { all = 1, skin_c = 5 }", ["there is no layer `skin_c` here", "did you mean"]),
        ("rest = 0\ninitial = { skin_c = 5 }", ["there is no layer `skin_c` here", "did you mean"]),
        ("rest = 0\ndiffusivity = { skin_c = \"1 mm^2/d\" }", ["there is no layer `skin_c` here", "did you mean"]),
        ("rest = 0\nreference_density = { skin_c = 2 }", ["there is no layer `skin_c` here", "did you mean"]),
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

#[test]
fn what_is_no_number_is_said_and_meets_nothing() {
    let model = r#"
name = "nan"
[field.u]
rest = 0
initial = "depth"
[scale]
length = "1 mm"
time = "1 d"
[process.n]
changes = { u = 0 }
[observable.max_sqrt]
value = "maximum(sqrt(u - 0.5), all)"
[observable.mean_sqrt]
value = "mean(sqrt(u - 0.5), all)"
[observable.min_log]
value = "minimum(log(positive(u - 0.5)), all)"
[observable.max_inv]
value = "maximum(1 / positive(u - 0.5), all)"
[observable.max_ratio]
value = "maximum(2 * positive(u - 0.5) / positive(u - 0.5), all)"
[observable.min_ratio]
value = "minimum(2 * positive(u - 0.5) / positive(u - 0.5), all)"
[observable.mean_ratio]
value = "mean(2 * positive(u - 0.5) / positive(u - 0.5), all)"
[observable.no_weight]
value = "mean(u, all, 0*u)"
[observable.negative_weight]
value = "mean(u, all, -1)"
[observable.over_zero]
value = "integral(1 / positive(u - 0.5), all)"
[observable.fine]
value = "mean(u, all)"
"#;
    let expect = "[expect]\n\"min_log.end\" = { at_least = -1 }\n\"mean_ratio.end\" = { at_least = 0, at_most = 1 }\n";
    let files = folder(&[("m.toml", model), ("s.toml", &format!("{SLAB}{DAY}{COLUMN}{expect}"))]);
    let outcome = answer(&files);
    for name in ["max_sqrt", "mean_sqrt", "max_ratio", "min_ratio", "mean_ratio", "no_weight"] {
        assert!(end(&outcome, name).is_nan(), "{name}");
    }
    assert_eq!(end(&outcome, "min_log"), f64::NEG_INFINITY);
    assert_eq!(end(&outcome, "max_inv"), f64::INFINITY);
    assert_eq!(end(&outcome, "over_zero"), f64::INFINITY);
    near(end(&outcome, "fine"), 0.5, 1e-12);
    near(end(&outcome, "negative_weight"), 0.5, 1e-12);
    let (code, said) = program(files.path(), &["run", "s.toml", "--out", "answer"]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("not sound: `min_log` is minus infinity on day 0") && said.contains("`max_sqrt` is not a number")
    );
    assert!(!said.contains("`fine` is") && said.matches("NOT MET").count() == 2, "{said}");
    for file in ["manifest.json", "summary.json", "report.html"] {
        let text = std::fs::read_to_string(files.path().join("answer").join(file)).expect(file);
        assert!(text.contains("`max_inv` is infinite on day 0"), "{file}");
    }
    let points = "[sweep]\nseed = [1, 2]\n";
    std::fs::write(files.path().join("s.toml"), format!("{SLAB}{DAY}{COLUMN}{points}")).expect("a file");
    let (code, said) = program(files.path(), &["run", "s.toml", "--out", "sweep", "--quiet"]);
    assert!(code == 1 && said.contains("2-seed-2: `max_inv` is infinite"), "{code} {said}");
}

#[test]
fn a_weight_far_outside_its_range_is_told_by_its_answer() {
    let scenario = "tissue = \"cheek\"\n[needling]\ndevice = \"skinpen\"\noperator = \"dermatologist\"\nlength = \"1.5 mm\"\n\
                    [course]\nsessions = 1\nfollowed = \"3 d\"\n[grid]\nresolution = 0.3\nstrata = 2\n\
                    [set]\n\"response.constant.w_I.times.rnd\" = 18.99\n";
    let (code, said) = program(folder(&[("s.toml", scenario)]).path(), &["run", "s.toml", "--out", "."]);
    assert_ne!(code, 0, "{said}");
    let files = folder(&[("s.toml", scenario)]);
    let (code, said) = program(files.path(), &["run", "s.toml", "--out", "answer"]);
    assert!(code == 1 && said.contains("not sound:"), "{code} {said}");
}

#[test]
fn regions_and_probes_without_tissue_are_refused() {
    let model = |region: &str| {
        format!(
            "name = \"region\"\n[field.u]\nrest = 5\n[process.n]\nchanges = {{ u = 0 }}\n[region.deep]\n{region}\n\
             [observable.deep]\nvalue = \"mean(u, deep)\"\n"
        )
    };
    let column = format!("{SLAB}{DAY}{COLUMN}");
    let point = format!("{SLAB}{DAY}{POINT}");
    for scenario in [&column, &point] {
        for region in ["from = \"2 mm\"\nto = \"3 mm\"", "from = \"1 mm\"", "from = \"1.0001 mm\""] {
            let files = folder(&[("m.toml", &model(region)), ("s.toml", scenario)]);
            refused(&files, 6, &["nothing lies in the region `deep`", "the tissue is 1 mm deep"]);
        }
        for region in ["from = \"0.501 mm\"\nto = \"0.502 mm\"", "from = \"0.9 mm\"\nto = \"3 mm\"", "to = \"2 mm\""] {
            near(end(&answer(&folder(&[("m.toml", &model(region)), ("s.toml", scenario)])), "deep"), 5.0, 1e-12);
        }
    }
    // Layers that do not reach so deep, and a region that nobody reads.
    let two = format!("tissue = \"two.toml\"\nresponse = \"m.toml\"\n{DAY}{COLUMN}");
    let upper = model("layers = [\"upper\"]\nfrom = \"0.6 mm\"");
    let files = folder(&[("two.toml", TWO), ("m.toml", &upper), ("s.toml", &two)]);
    refused(&files, 6, &["its layers reach from 0 mm to 0.5 mm"]);
    let unread = upper.replace("mean(u, deep)", "mean(u, all)");
    near(end(&answer(&folder(&[("two.toml", TWO), ("m.toml", &unread), ("s.toml", &two)])), "deep"), 5.0, 1e-12);

    let probe = "[probe.there]\nvalue = \"u\"\nfrom = \"1.5 mm\"\nto = \"1.6 mm\"\n";
    let plain = model("to = \"1 mm\"");
    for scenario in [&column, &point] {
        let files = folder(&[("m.toml", &plain), ("s.toml", &format!("{scenario}{probe}"))]);
        let line = scenario.lines().count() + 4;
        refused(&files, line, &["the probe `there` reaches below the tissue, which is 1 mm deep"]);
        let half = probe.replace("1.5 mm", "0.9 mm");
        let files = folder(&[("m.toml", &plain), ("s.toml", &format!("{scenario}{half}"))]);
        refused(&files, line, &["let it end at \"1 mm\""]);
    }
    let lip = "tissue = \"lip\"\n[needling]\n[course]\nfollowed = \"2 d\"\n[probe.deep]\nvalue = \"collagen_I\"\nfrom = \"4 mm\"\nto = \"4.2 mm\"\n";
    refused(&folder(&[("s.toml", lip)]), 8, &["reaches below the tissue", "mm deep"]);
    let fat = lip.replace("4 mm", "3 mm").replace("4.2 mm", "3.5 mm");
    refused(&folder(&[("s.toml", &fat)]), 8, &["reads `collagen_I`, which does not live in `hypodermis`"]);
}

#[test]
fn runs_in_different_units_are_compared_in_one() {
    let model = |unit: &str, time: &str| {
        format!(
            r#"
name = "cmp"
[constant]
k = {{ value = "1 1/d", range = ["1 1/d", "1 1/d"], evidence = "assumed", source = "t" }}
[field.u]
unit = "{unit}"
rest = 0
initial = "1 mg/L"
[process.decay]
rate = "k * u"
takes = {{ u = 1 }}
[observable.a]
value = "mean(u, all)"
unit = "{unit}"
[observable.t]
value = "mean(u, all) / mean(k*u, all)"
unit = "{time}"
"#
        )
    };
    let (first, second) = (model("mg/L", "h"), model("ug/L", "d"));
    let other = first.replace("value = \"mean(u, all)\"\nunit = \"mg/L\"", "value = \"mean(u / [1 mg/L], all)\"");
    let course = "[course]\nfollowed = \"1 d\"\n[observe]\nevery = \"0.25 d\"\n";
    let scenario = |model: &str| format!("response = \"{model}\"\n[slab]\n{POINT}{course}");
    let sweep =
        format!("response = \"m1.toml\"\n[slab]\n{POINT}{course}[sweep]\nresponse = [\"m1.toml\", \"m2.toml\"]\n");
    let files = folder(&[
        ("m1.toml", &first),
        ("m2.toml", &second),
        ("m3.toml", &other),
        ("s1.toml", &scenario("m1.toml")),
        ("s2.toml", &scenario("m2.toml")),
        ("s3.toml", &scenario("m3.toml")),
        ("sw.toml", &sweep),
    ]);
    for name in ["s1", "s2", "s3"] {
        let (code, said) = program(files.path(), &["run", &format!("{name}.toml"), "--out", name, "--quiet"]);
        assert_eq!(code, 0, "{said}");
    }
    let (code, said) = program(files.path(), &["compare", "s1", "s2", "--out", "both"]);
    assert_eq!(code, 0, "{said}");
    let table = std::fs::read_to_string(files.path().join("both/timecourse.csv")).expect("a table");
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        assert!(["mg/L", "h"].contains(&cells[2]), "{row}");
        near(cells[5].parse().expect(row), 0.0, 1e-12);
    }
    let table = std::fs::read_to_string(files.path().join("both/compare.csv")).expect("a table");
    assert!(!table.contains("ug/L") && !table.contains("1000"), "{table}");
    let (code, said) = program(files.path(), &["compare", "s1", "s3", "--out", "none"]);
    assert!(code == 2 && said.contains("`a` is in mg/L") && !files.path().join("none").exists(), "{code} {said}");
    let (code, said) = program(files.path(), &["run", "sw.toml", "--out", "sweep", "--quiet"]);
    assert_eq!(code, 0, "{said}");
    let table = std::fs::read_to_string(files.path().join("sweep/sweep.csv")).expect("a table");
    assert!(!table.contains("ug/L") && table.matches("mg/L").count() == 2, "{table}");
}

#[test]
fn losses_that_vanish_with_their_field_are_accepted() {
    let model = |change: &str| {
        format!(
            "name = \"gompertz\"\n[scale]\nlength = \"1 mm\"\ntime = \"1 d\"\n[constant]\n\
             a = {{ value = 0.1, evidence = \"assumed\", source = \"x\" }}\n\
             K = {{ value = 100, evidence = \"assumed\", source = \"x\" }}\n\
             p = {{ value = 0.7, evidence = \"assumed\", source = \"x\" }}\n\
             [field.N]\nrest = 0\ninitial = \"if(depth < 0.5, 1, 0)\"\n[process.growth]\n{change}\n\
             [observable.N]\nvalue = \"maximum(N, all)\"\n[observable.none]\nvalue = \"minimum(N, all)\"\n"
        )
    };
    let scenario = format!("{SLAB}{COLUMN}[course]\nfollowed = \"60 d\"\n[stepping]\ntolerance = 1e-5\n");
    let gompertz = 100.0 * ((0.01_f64).ln() * (-6.0_f64).exp()).exp();
    for change in [
        "changes = { N = \"a*N*log(K/N)\" }",
        "changes = { N = \"-a*N*log(N/K)\" }",
        "rate = \"a*N*log(K/N)\"\ngives = { N = 1 }",
        "rate = \"a*N*log(N/K)\"\ntakes = { N = 1 }",
        "rate = \"a*log(K/N)*N\"\ngives = { N = 1 }",
        "changes = { N = \"a*N*(log(K) - log(N))\" }",
    ] {
        let outcome = answer(&folder(&[("m.toml", &model(change)), ("s.toml", &scenario)]));
        near(end(&outcome, "N"), gompertz, 0.01 * gompertz);
        assert_eq!(end(&outcome, "none"), 0.0, "{change}");
    }
    let read = |change: &str| {
        let source = dermasim::base::error::Source::new("m.toml", model(&format!("changes = {{ N = \"{change}\" }}")));
        dermasim::skin::model(&source)
    };
    for change in [
        "-a*N*log(N)",
        "-a*N*log(1 + K/N)",
        "-a*N*log(K/N)^2",
        "a*N*log(K/N) + K",
        "-a*sqrt(N)",
        "-a*N^p",
        "-a*N*N^(-0.5)",
        "-a*min(N, K)",
        "-a*max(N, 0)",
        "-a*N/(K + N)",
        "-a*hill(N, K, 3)",
        "-a*(1 - exp(-N))",
        "-a*N*exp(-N)",
        "-a*tanh(N)",
        "-a*N*log(N)/sqrt(N)",
        "-a*abs(N)",
    ] {
        assert!(read(change).is_ok(), "{change}: {}", read(change).unwrap_err());
    }
    for change in [
        "-a",
        "a*log(N)",
        "-N*(a/N)",
        "-a*sqrt(N)/N",
        "-a*N^(-p)",
        "-a*N*log(N) - a",
        "-a*cos(N)",
        "-a*max(N, K)",
        "-a*exp(-N)",
    ] {
        assert!(read(change).is_err(), "{change} is accepted");
    }
}

#[test]
fn what_is_written_amiss_is_answered_with_what_to_write() {
    let model = |rest: &str| format!("name = \"m\"\n[field.u]\nrest = 1\n[process.p]\nchanges = {{ u = 0 }}\n{rest}\n");
    let scenario = |rest: &str| format!("tissue = \"cheek\"\n{rest}\n");
    let fine = format!("{SLAB}{DAY}{POINT}");
    for (file, words) in [
        ("[constant]\nk = 0.1", "write { value = 0.1, evidence = \"assumed\""),
        ("[constant]\nk = \"1 1/d\"", "write { value = \"1 1/d\", evidence = \"assumed\""),
        ("[constant]\nk = { value = 0.1, source = \"x\" }", "`evidence` is missing here"),
        ("[constant]\nk = { value = 0.1, evidence = \"assumed\" }", "`source` is missing here"),
        (
            "[constant.k]\nvalue = 1\nevidence = \"assumed\"\nsource = \"x\"\ntimes = 3",
            "a table is needed here, not a number",
        ),
        ("[field.v]\nrest = [1]", "a table by layer is needed here, not a list"),
        ("[field.v]\nrest = 0,2", "write 0.2"),
        ("[field.v]\nlives_in = \"all\"\nrest = 1", "write [\"all\"]"),
        ("[field.v]\nrest = 1\nsigned = \"no\"", "write true or false"),
        ("[process.q]\nrate = 3\ntakes = { u = 1 }", "write \"3\""),
    ] {
        let error = complaint(&folder(&[("m.toml", &model(file)), ("s.toml", &fine)])).to_string();
        assert!(error.contains(words), "{file}:\n{error}");
        for word in ["struct", "invalid type", "missing field", "expected a"] {
            assert!(!error.contains(word), "{file}:\n{error}");
        }
    }
    for (file, words) in [
        ("[course]\nfollowed = 0,2", "write 0.2"),
        ("needling = true", "a table is needed here, not true or false"),
        ("[observe]\nat = \"3 d\"", "write [\"3 d\"]"),
        ("agents = \"sun\"", "write [\"sun\"]"),
        ("name = 3", "write \"3\""),
        ("[grid]\nperiodic = \"no\"", "write true or false"),
        ("[person]\nfitzpatrick = 9", "write fitzpatrick = \"9\""),
    ] {
        let error = complaint(&folder(&[("s.toml", &scenario(file))])).to_string();
        assert!(error.contains(words) && !error.contains("struct") && !error.contains("invalid"), "{file}:\n{error}");
    }
    let typed = scenario("[person]\nfitzpatrick = 4\n[course]\nfollowed = \"1 d\"");
    let plan =
        Scenario::read(&folder(&[("s.toml", &typed)]).path().join("s.toml")).and_then(|scenario| scenario.plan());
    assert_eq!(plan.map(|plan| plan.traits["fitzpatrick"].clone()).unwrap_or_default(), "IV");
}

#[test]
fn check_refuses_what_run_refuses() {
    let model = |field: &str, observed: &str| {
        format!(
            "name = \"m\"\n[field.u]\n{field}\n[process.p]\nchanges = {{ u = 0 }}\n[observable.o]\nvalue = \"{observed}\"\n"
        )
    };
    let scenario = format!("{SLAB}{DAY}{COLUMN}");
    let below = model("rest = 0\ninitial = \"if(depth < [0.2 mm], -1, 1)\"", "mean(u, all)");
    for (model, of_model, of_scenario) in [
        (model("rest = 0\ninitial = \"-1\"", "mean(u, all)"), true, true),
        (model("rest = -1", "mean(u, all)"), true, true),
        (below, false, true),
        (model("rest = 0", "mean(u, nowhere)"), true, true),
        (model("rest = 0", "mean(u, dermis)"), false, true),
        (model("rest = 0\nsigned = true\ninitial = \"-1\"", "mean(u, all)"), false, false),
    ] {
        let files = folder(&[("m.toml", &model), ("s.toml", &scenario)]);
        let (code, said) = program(files.path(), &["check", "m.toml"]);
        assert_eq!(code, if of_model { 2 } else { 0 }, "{model}\n{said}");
        let (code, said) = program(files.path(), &["check", "s.toml"]);
        assert_eq!(code, if of_scenario { 2 } else { 0 }, "{model}\n{said}");
        let (code, _) = program(files.path(), &["run", "s.toml", "--quiet", "--out", "o"]);
        assert_eq!(code, if of_scenario { 2 } else { 0 }, "{model}");
    }
}

#[test]
fn numbers_outside_their_range_are_named_and_impossible_ones_refused() {
    let scenario = |value: &str| format!("{SLAB}{DAY}{POINT}[set]\n\"response.k\" = \"{value}\"\n");
    let files = folder(&[("m.toml", DECAY), ("s.toml", &scenario("20 1/d"))]);
    let warning = "`response.k = \"20 1/d\"` lies outside the range that `m` gives it: [\"0.001 1/d\", \"9 1/d\"]";
    let (code, said) = program(files.path(), &["check", "s.toml"]);
    assert!(code == 0 && said.contains(&format!("warning: {warning}")), "{said}");
    let (code, said) = program(files.path(), &["run", "s.toml", "--out", "o"]);
    assert!(code == 0 && said.contains(&format!("warning: {warning}")), "{said}");
    let report = std::fs::read_to_string(files.path().join("o/report.html")).expect("a report");
    assert!(report.contains("Warning."), "the report names it");
    let manifest = std::fs::read_to_string(files.path().join("o/manifest.json")).expect("a manifest");
    assert!(manifest.contains("lies outside the range"), "{manifest}");
    let inside = folder(&[("m.toml", DECAY), ("s.toml", &scenario("5 1/d"))]);
    let (code, said) = program(inside.path(), &["check", "s.toml"]);
    assert!(code == 0 && !said.contains("warning"), "{said}");
    refused(
        &folder(&[("m.toml", DECAY), ("s.toml", &scenario("-1 1/d"))]),
        13,
        &["below zero, which `response.constant.k` cannot be"],
    );
}

#[test]
fn a_study_makes_its_plans_as_it_runs_them() {
    let sweep = |points: usize| {
        format!(
            "{SLAB}{POINT}[course]\nfollowed = \"1 d\"\n[sweep]\n\"response.k\" = {{ from = \"0.01 1/d\", to = \"1 1/d\", points = {points} }}\n"
        )
    };
    let files = folder(&[("m.toml", DECAY), ("s.toml", &sweep(10_000))]);
    let (code, said) = program(files.path(), &["check", "s.toml"]);
    assert!(code == 0 && said.contains("10000 points"), "{said}");
    std::fs::write(files.path().join("s.toml"), sweep(12)).expect("a file");
    let (code, said) = program(files.path(), &["run", "s.toml", "--quiet", "--out", "o"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = program(files.path(), &["run", "s.toml", "--out", "o"]);
    assert!(code == 0 && said.matches("was there").count() == 12, "{said}");
}

#[test]
fn all_that_is_wrong_in_a_model_is_told_at_once() {
    let model = "name = \"m\"\n[constant]\nk = { value = \"1 1/dd\", evidence = \"assumed\", source = \"t\" }\n[field.u]\nrest = 1\nunit = \"mgg\"\n\
                 [process.p]\nchanges = { u = 0 }\n[observable.o]\nvalue = \"mean(u, all)\"\nunit = \"hh\"\n";
    let names = "name = \"m\"\n[field.u]\nrest = 1\n[process.p]\nchanges = { u = \"w\" }\n[process.q]\nchanges = { v = 0 }\n\
                 [observable.o]\nvalue = \"mean(x1, all)\"\n[observable.p]\nvalue = \"mean(u, all) + [1 s]\"\n";
    for (model, words) in
        [(model, ["`mgg`", "`dd`", "`hh`"]), (names, ["unknown name `w`", "unknown field `v`", "`x1`"])]
    {
        let files = folder(&[("m.toml", model)]);
        let (code, said) = program(files.path(), &["check", "m.toml"]);
        assert!(code == 2 && words.iter().all(|word| said.contains(word)), "{said}");
    }
}

#[test]
fn check_knows_every_kind_of_file() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in [
        "scenarios/calibrations/closing.toml",
        "scenarios/evidence/N01-force-sharp.toml",
        "models/operators/nurse.toml",
    ] {
        let (code, said) = program(here, &["check", file]);
        assert_eq!(code, 0, "{said}");
    }
    // The scenario is sound; what is asked of it is not.
    for (table, word) in
        [("[claim]\nid = \"X1\"\nstatment = \"s\"\n", "statment"), ("[evidence]\nidd = \"X\"\n", "idd")]
    {
        let text = format!("{SLAB}{DAY}{POINT}{table}");
        let (code, said) = program(folder(&[("m.toml", DECAY), ("s.toml", &text)]).path(), &["check", "s.toml"]);
        assert!(code == 2 && said.contains(word), "{code} {said}");
    }
}

#[test]
fn all_that_is_wrong_with_a_scenario_is_told_at_once() {
    let scenario = "response = \"m.toml\"\nseed = -3\n[slab]\nthickness = \"2 parsec\"\n[grid]\ngeometry = \"pont\"\nresolution = 900\n\
                    [course]\nfollowed = \"0 d\"\n[stepping]\nmethod = \"magic\"\ntolerance = 7\n[snapshots]\nfields = [\"v\"]\n\
                    [expect]\n\"w.end\" = { at_most = 1 }\n";
    let files = folder(&[("m.toml", DECAY), ("s.toml", scenario)]);
    let (code, said) = program(files.path(), &["check", "s.toml"]);
    assert_eq!(code, 2, "{said}");
    for named in
        ["seed", "parsec", "pont", "resolution", "followed", "magic", "tolerance", "no field `v`", "no observable `w`"]
    {
        assert!(said.contains(named), "{named} is not told:\n{said}");
    }
}

/// A default that stands for a wrong option is no ground for complaints about the others.
#[test]
fn a_wrong_geometry_is_one_complaint() {
    let grid = "[grid]\ngeometry = \"tlie\"\nwidth = \"1 mm\"\ncells = 8\n";
    let files = folder(&[("m.toml", DECAY), ("s.toml", &format!("{SLAB}{DAY}{grid}"))]);
    let (code, said) = program(files.path(), &["check", "s.toml"]);
    assert!(code == 2 && said.contains("unknown geometry `tlie`") && !said.contains("has no `width`"), "{said}");
}

#[test]
fn an_event_that_never_happens_is_named() {
    let model = format!("{DECAY}\n[event.late]\nat = [\"40 d\"]\nset = {{ u = 1 }}\n");
    let files = folder(&[("m.toml", &model), ("s.toml", &format!("{SLAB}{DAY}{POINT}"))]);
    let (code, said) = program(files.path(), &["check", "s.toml"]);
    assert!(code == 0 && said.contains("warning: the event `late` of the model never happens"), "{said}");
}

/// A slope that is infinite at zero held the field there: u′ = 1 − √u stayed 0. What by its meaning is not negative has a root
/// also where a stage of a step puts it just below zero.
#[test]
fn roots_of_fields_at_zero() {
    let model = |initial: f64, supply: f64, loss: &str| {
        format!(
            "name = \"m\"\n[field.u]\nrest = 0\ninitial = {initial}\n[process.supply]\nrate = \"[{supply} 1/d]\"\ngives = {{ u = 1 }}\n\
             [process.loss]\nrate = \"[1 1/d]*{loss}\"\ntakes = {{ u = 1 }}\n[observable.u]\nvalue = \"mean(u, all)\"\n"
        )
    };
    // √u = √u₀ − t/2 and ∛u = ∛u₀ − t/3 as long as these are positive.
    for (initial, supply, loss, days, exact) in [
        (0.0, 1.0, "sqrt(u)", 60.0, 1.0),
        (0.0, 1.0, "u^0.7", 60.0, 1.0),
        (0.0, 1.0, "pow(u, 0.3)", 60.0, 1.0),
        (1.0, 0.0, "sqrt(u)", 1.5, 0.0625),
        (1.0, 0.0, "sqrt(u)", 3.0, 0.0),
        (1.0, 0.0, "u^(2/3)", 1.5, 0.125),
        (1.0, 0.0, "u^(2/3)", 4.0, 0.0),
        (1.0, 0.0, "hill(u, 1, 0.5)", 30.0, 0.0),
    ] {
        let scenario = format!("{SLAB}{POINT}[course]\nfollowed = \"{days} d\"\n[stepping]\ntolerance = 1e-4\n");
        let files = folder(&[("m.toml", &model(initial, supply, loss)), ("s.toml", &scenario)]);
        let end = end(&answer(&files), "u");
        assert!(
            (end - exact).abs() < 1e-3,
            "{initial} + {supply} t − {loss}: {end} after {days} days, {exact} is right"
        );
    }
}

#[test]
fn a_rate_that_is_no_number_is_named() {
    let model = "name = \"m\"\n[field.u]\nrest = 0\ninitial = \"if(depth < [0.5 mm], 1, 0)\"\n[process.p]\nrate = \"[1 1/d]*u^2/(u + u^2)\"\n\
                 takes = { u = 1 }\n[observable.u]\nvalue = \"mean(u, all)\"\n";
    let files = folder(&[("m.toml", model), ("s.toml", &format!("{SLAB}{COLUMN}{DAY}"))]);
    let (code, said) = program(files.path(), &["run", "s.toml", "--out", "o"]);
    assert!(code == 1 && said.contains("the rate of `u` at depth 0.550 mm is not a number"), "{said}");
}
