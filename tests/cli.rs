//! The program as somebody uses it: commands, exit codes, what lands in a folder.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

fn dermasim(arguments: &[&str]) -> Output {
    Command::cargo_bin("dermasim").unwrap().args(arguments).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

/// A model of two numbers that runs in no time.
const OSCILLATOR: &str = "question = \"Does it swing?\"\nresponse = \"van_der_pol\"\n[slab]\n[course]\nfollowed = \"2 d\"\n\
                          [grid]\ngeometry = \"point\"\n[observe]\nevery = \"6 h\"\n";

fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{:?}: {error}", path.as_ref()))
}

#[test]
fn a_run_writes_its_folder_and_the_folder_runs_again_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = write(folder.path(), "swing.toml", OSCILLATOR);
    let (first, second) = (folder.path().join("a"), folder.path().join("b"));
    let output = dermasim(&["run", &scenario, "--out", first.to_str().unwrap(), "--set", "response.mu=2"]);
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("Does it swing?"));
    let again = first.join("scenario.toml");
    let output = dermasim(&["run", again.to_str().unwrap(), "--out", second.to_str().unwrap(), "--threads", "2", "-q"]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", told(&output));
    for name in ["scenario.toml", "summary.json", "timecourse.csv", "observables.csv", "provenance.csv", "report.html"]
    {
        assert_eq!(text(first.join(name)), text(second.join(name)), "{name}");
    }
    for name in ["timecourse.parquet", "manifest.json", "models/response/van_der_pol.toml", "models/tissues/slab.toml"]
    {
        assert!(second.join(name).is_file() || name.ends_with("slab.toml"), "{name} is missing");
    }
    assert!(text(first.join("scenario.toml")).contains("\"response.mu\" = 2"));
    assert!(text(first.join("provenance.csv")).contains("set by the scenario; the file says 5"));
}

#[test]
fn a_folder_of_something_else_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = write(folder.path(), "swing.toml", OSCILLATOR);
    let other = write(folder.path(), "other.toml", OSCILLATOR);
    let mine = folder.path().join("mine");
    std::fs::create_dir(&mine).unwrap();
    write(&mine, "thesis.txt", "years of work");
    for force in [&[][..], &["--force"]] {
        let mut arguments = vec!["run", &scenario, "--out", mine.to_str().unwrap()];
        arguments.extend(force);
        let output = dermasim(&arguments);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(mine.join("thesis.txt").is_file());
    }
    let answer = folder.path().join("answer");
    let run = |scenario: &str, more: &[&str]| {
        let mut arguments = vec!["run", scenario, "--out", answer.to_str().unwrap()];
        arguments.extend(more);
        dermasim(&arguments).status.code()
    };
    assert_eq!(run(&scenario, &[]), Some(0));
    assert_eq!(run(&scenario, &[]), Some(0), "the same scenario may replace its answer");
    assert_eq!(run(&scenario, &["--set", "response.mu=2"]), Some(2), "other settings may not");
    assert_eq!(run(&scenario, &["--set", "response.mu=2", "--force"]), Some(0));
    assert_eq!(run(&other, &[]), Some(2));
    assert_eq!(run(&other, &["--force"]), Some(0));
}

#[test]
fn expectations_decide_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for (bound, code) in [("{ at_most = 3 }", 0), ("{ at_least = 3 }", 1)] {
        let scenario = write(folder.path(), "swing.toml", &format!("{OSCILLATOR}[expect]\n\"x.end\" = {bound}\n"));
        let output = dermasim(&["run", &scenario, "--out", out.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
    }
}

#[test]
fn a_sweep_is_one_table_and_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let sweep =
        "[sweep]\n\"response.mu\" = { from = 1, to = 2, step = 0.5 }\n\"course.followed\" = [\"1 d\", \"2 d\"]\n";
    let scenario = write(folder.path(), "swing.toml", &format!("{OSCILLATOR}{sweep}"));
    let out = folder.path().join("out");
    let run = || dermasim(&["run", &scenario, "--out", out.to_str().unwrap()]);
    let first = run();
    assert!(first.status.success(), "{}", told(&first));
    let table = text(out.join("sweep.csv"));
    assert!(
        table.starts_with("response.mu,course.followed [d],observable,unit,rest,peak,peak_day,end,resolved_day"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 1 + 6 * 2);
    // One point is lost; only that one is computed again, and the table is the same.
    let lost = out.join("runs").join("3-mu-1.5_followed-1d");
    std::fs::remove_dir_all(&lost).unwrap();
    let second = run();
    assert_eq!(told(&second).matches("was there").count(), 5, "{}", told(&second));
    assert_eq!(told(&second).matches(" done").count(), 1, "{}", told(&second));
    assert_eq!(table, text(out.join("sweep.csv")));
    assert!(lost.join("summary.json").is_file() && out.join("report.html").is_file());
}

#[test]
fn runs_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = write(folder.path(), "swing.toml", OSCILLATOR);
    let runs = ["1", "2"].map(|mu| {
        let out = folder.path().join(format!("mu{mu}"));
        let change = format!("response.mu={mu}");
        let output = dermasim(&["run", &scenario, "--out", out.to_str().unwrap(), "--set", &change, "-q"]);
        assert!(output.status.success(), "{}", told(&output));
        out.to_string_lossy().into_owned()
    });
    let out = folder.path().join("both");
    let output = dermasim(&["compare", &runs[0], &runs[1], "--out", out.to_str().unwrap()]);
    assert!(output.status.success(), "{}", told(&output));
    assert!(text(out.join("compare.csv")).contains("mu2"));
    let course = text(out.join("timecourse.csv"));
    assert!(course.starts_with("day,observable,unit,mu1,mu2,mu2 − mu1"), "{course}");
    assert!(out.join("report.html").is_file());
    let output = dermasim(&["plot", &runs[0]]);
    assert!(output.status.success(), "{}", told(&output));
}

#[test]
fn wrong_input_is_told_with_line_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = write(folder.path(), "swing.toml", &OSCILLATOR.replace("followed", "folowed"));
    let output = dermasim(&["check", &scenario]);
    assert_eq!(output.status.code(), Some(2));
    let told = told(&output);
    assert!(told.contains("swing.toml:5:1") && told.contains("did you mean `followed`?"), "{told}");
    assert_eq!(dermasim(&["run", "nowhere.toml"]).status.code(), Some(2));
    assert_eq!(dermasim(&["fly"]).status.code(), Some(2));
    assert_eq!(dermasim(&["run", &scenario, "--threads", "0"]).status.code(), Some(2));
    assert_eq!(dermasim(&["list", "tisues"]).status.code(), Some(2));
    assert_eq!(dermasim(&["explain", "tgf_bta"]).status.code(), Some(2));
}

#[test]
fn the_scenarios_and_models_of_the_project_are_sound() {
    let files = |folder: &str| -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        let paths = entries.map(|entry| entry.path().to_string_lossy().into_owned());
        paths.filter(|path| path.ends_with(".toml")).collect()
    };
    let kinds = [
        "scenarios",
        "scenarios/evidence",
        "models/tissues",
        "models/devices",
        "models/operators",
        "models/mechanics",
        "models/response",
    ];
    let all: Vec<String> = kinds.into_iter().flat_map(files).collect();
    let arguments: Vec<&str> = std::iter::once("check").chain(all.iter().map(String::as_str)).collect();
    let output = dermasim(&arguments);
    assert!(output.status.success(), "{}", told(&output));
    // A line for each, and what rules say of it set in below.
    let told = String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.starts_with("  ")).count();
    assert_eq!(told, all.len());
}

#[test]
fn what_init_writes_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let path = path.to_str().unwrap();
    assert!(dermasim(&["init", path]).status.success());
    let output = dermasim(&["check", path]);
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(dermasim(&["init", path]).status.code(), Some(2), "a file that is there is not replaced");
    // Every option that the comments offer exists.
    let every = text(path).lines().map(uncommented).collect::<Vec<_>>().join("\n");
    let every = every.replace("at = [\"0 d\", \"14 d\", \"60 d\"]", "").replace("response = \"default\"", "");
    // A sweep and an ensemble exclude each other.
    let every: String =
        every.lines().filter(|line| !line.starts_with("\"needling.length\"")).map(|line| format!("{line}\n")).collect();
    let offered = write(folder.path(), "offered.toml", &every);
    let output = dermasim(&["check", &offered]);
    assert!(output.status.success(), "{every}\n{}", told(&output));
}

/// A commented-out option as an option; prose stays a comment.
fn uncommented(line: &str) -> String {
    let option = line
        .strip_prefix("# ")
        .filter(|rest| rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')));
    option.unwrap_or(line).to_owned()
}

#[test]
fn lists_and_explanations_come_from_the_declarations() {
    for kind in [
        "tissues",
        "devices",
        "operators",
        "responses",
        "mechanics",
        "lesions",
        "agents",
        "persons",
        "populations",
        "rules",
        "costs",
        "fields",
        "constants",
        "observables",
    ] {
        let output = dermasim(&["list", kind]);
        assert!(output.status.success() && output.stdout.len() > 60, "{kind}: {}", told(&output));
    }
    let output = dermasim(&["explain", "tgf_beta"]);
    let shown = told(&output);
    assert!(output.status.success() && shown.contains("dtgf_beta/dt") && shown.contains("constants"), "{shown}");
    let output = dermasim(&["explain", "u", "--model", "gray_scott", "--latex"]);
    let shown = told(&output);
    assert!(output.status.success() && shown.contains(r"\frac{\partial"), "{shown}");
    assert!(told(&dermasim(&["explain", "skinpen"])).contains("measured"));
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let program = assert_cmd::cargo::cargo_bin("dermasim");
    let line = format!("{} list constants | head -1; exit ${{PIPESTATUS[0]}}", program.display());
    let output = std::process::Command::new("bash").args(["-c", &line]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", told(&output));
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_run_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let long = OSCILLATOR
        .replace("2 d", "100 years")
        .replace("6 h", "1 y")
        .replace("[observe]", "[stepping]\nfixed = \"1 s\"\n[observe]");
    let scenario = write(folder.path(), "long.toml", &long);
    let out = folder.path().join("out");
    let program = assert_cmd::cargo::cargo_bin("dermasim");
    let mut child = std::process::Command::new(program).args(["run", &scenario, "--out"]).arg(&out).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!out.exists(), "a run that was stopped leaves no folder");
}

#[test]
fn a_strike_is_told_drawn_and_given_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let needled = "tissue = \"forearm\"\n[needling]\nlength = \"1 mm\"\n";
    let scenario = write(folder.path(), "needled.toml", needled);
    let out = folder.path().join("strike");
    let output = dermasim(&["strike", &scenario, "--out", out.to_str().unwrap()]);
    assert!(output.status.success(), "{}", told(&output));
    for word in ["the tip pierces", "reticular_dermis", "superficial plexus"] {
        assert!(told(&output).contains(word), "{word}: {}", told(&output));
    }
    for name in ["strike.json", "strike_course.png", "strike_course.svg", "strike_maps.png", "strike_maps.csv"] {
        assert!(out.join(name).is_file(), "{name} is missing");
    }
    let output = dermasim(&["strike", &scenario, "--json"]);
    let strike: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let (depth, reach) = (strike["depth"].as_f64().unwrap(), strike["reach"].as_f64().unwrap());
    assert!(depth > 0.3e-3 && depth < reach, "{depth} {reach}");
    assert_eq!(strike["maps"].as_array().unwrap().len(), 3);
    // The old spring has no course in time, and skin that is not needled no strike.
    let output = dermasim(&["strike", &scenario, "--set", "needling.mechanics=lumped"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    let idle = write(folder.path(), "swing.toml", OSCILLATOR);
    let output = dermasim(&["strike", &idle]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    // A layer of a material that nobody knows is pointed at.
    let cheek = text("models/tissues/cheek.toml").replace("material = \"fat\"", "material = \"fatt\"");
    let tissue = write(folder.path(), "odd.toml", &cheek);
    let scenario = write(folder.path(), "odd_needled.toml", &needled.replace("forearm", &tissue));
    let output = dermasim(&["strike", &scenario]);
    assert!(output.status.code() == Some(2) && told(&output).contains("`fat`"), "{}", told(&output));
}

#[test]
fn wrong_measurements_are_refused_with_a_remedy() {
    for (arguments, said) in [
        (&["bench", "--cells", "128x128"][..], "three counts"),
        (&["bench", "--cells", "0x8x8"], "1 to 10000"),
        (&["bench", "--fields", "0"], "1 to 1000"),
        (&["bench", "--threads", "two"], "1,2,4"),
        (&["bench", "--instructions", "avx3"], "did you mean `avx2`?"),
        (&["bench", "--compare", "Cargo.toml"], "dermasim bench --json"),
        (&["refine", "scenarios/robertson.toml", "--ratio", "1"], "1.1 to 4"),
        (&["run", "scenarios/robertson.toml", "--instructions", "wide"], "known: "),
    ] {
        let output = dermasim(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", told(&output));
        assert!(told(&output).contains(said), "{arguments:?}: {}", told(&output));
    }
}

#[test]
fn refining_tells_the_error_of_every_observable() {
    let folder = tempfile::tempdir().unwrap();
    let scenario =
        "response = \"gray_scott\"\n[slab]\nthickness = \"2.5 mm\"\ncells = 16\n[course]\nfollowed = \"8 h\"\n
        [grid]\ngeometry = \"section\"\nwidth = \"2.5 mm\"\ncells = 16\n";
    let scenario = write(folder.path(), "small.toml", scenario);
    let out = folder.path().join("refined");
    let output = dermasim(&["refine", &scenario, "--out", out.to_str().unwrap(), "--ratio", "2"]);
    assert!(output.status.success() && told(&output).contains("± % by grid"), "{}", told(&output));
    let table = std::fs::read_to_string(out.join("refine.csv")).unwrap();
    assert!(table.starts_with("observable,unit,peak_deviation") && table.lines().count() == 4, "{table}");
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let (grid, time): (f64, f64) = (cells[3].parse().unwrap(), cells[5].parse().unwrap());
        assert!(grid > 0.0 && time > 0.0, "{line}");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_manifest_names_the_instructions_that_were_used() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = write(folder.path(), "plain.toml", OSCILLATOR);
    let out = folder.path().join("out");
    let output = dermasim(&["run", &scenario, "--instructions", "plain", "--out", out.to_str().unwrap()]);
    assert!(output.status.success(), "{}", told(&output));
    let manifest = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"instruction_set\": \"x86_64\""), "{manifest}");
}
