//! Files from strangers: names that are paths, templates that never end, signs that act on a terminal or in a spreadsheet.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const OSCILLATOR: &str = "response = \"van_der_pol\"\n[slab]\n[course]\nfollowed = \"2 d\"\n[grid]\ngeometry = \"point\"\n\
                          [observe]\nevery = \"6 h\"\n";

fn run(here: &Path, arguments: &[&str]) -> Output {
    let program = assert_cmd::cargo::cargo_bin("dermasim");
    Command::new(program).args(arguments).current_dir(here).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A claim with this id, this run and this answer.
fn claim(id: &str, run: &str, answer: &str) -> String {
    format!(
        "question = \"x\"\n{OSCILLATOR}[uncertainty]\nsamples = 3\nnumbers = [\"response.mu\"]\n[claim]\nid = '{id}'\n\
         statement = '<script>alert(\"st\")</script>'\nlimits = '<b onmouseover=alert(1)>lim</b>'\nanswer = '''{answer}'''\n\
         [claim.runs]\n'{run}' = {{ \"course.followed\" = \"3 d\" }}\n[claim.reading.xe]\nwhat = '=cmd|\"/C calc\"!A0 <i>what</i>'\n\
         value = \"at(x, [1 d])\"\nshown = '<svg/onload=alert(2)>'\n[claim.part.p]\nwhat = \"<script>p</script>\"\n\
         holds = \"xe < 100\"\n[[claim.panel]]\ntitle = '<script>alert(3)</script></text>'\ncourse = \"x\"\n"
    )
}

fn home(claims: &[(&str, String)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("scenarios/claims")).unwrap();
    fs::create_dir_all(home.path().join("victim")).unwrap();
    fs::write(home.path().join("victim/scenario.toml"), "years").unwrap();
    for (name, text) in claims {
        fs::write(home.path().join("scenarios/claims").join(name), text).unwrap();
    }
    home
}

/// Every text that was written below a folder.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            all.extend(texts(&entry));
        } else if let Ok(text) = fs::read_to_string(&entry) {
            all.push((entry.display().to_string(), text));
        }
    }
    all
}

#[test]
fn names_are_names_and_not_paths() {
    let told_all = "is {{ xe.told }}";
    for (id, name, line) in [
        ("../../victim", "r1", 14),
        ("/tmp/victim", "r1", 14),
        ("..", "r1", 14),
        ("a\\b", "r1", 14),
        ("CON", "r1", 14),
        (".hidden", "r1", 14),
        ("-rf", "r1", 14),
        ("javascript:alert(document.domain)//", "r1", 14),
        ("C1", "../../victim", 19),
        ("C1", "javascript:alert(1)", 19),
        ("C1", "nul", 19),
    ] {
        let home = home(&[("c.toml", claim(id, name, told_all))]);
        let output = run(home.path(), &["claims", "-q"]);
        assert_eq!(output.status.code(), Some(2), "{id} {name}: {}", told(&output));
        assert!(told(&output).contains("is no name for"), "{}", told(&output));
        assert!(told(&output).contains(&format!("c.toml:{line}:")), "{line}: {}", told(&output));
        assert_eq!(fs::read_to_string(home.path().join("victim/scenario.toml")).unwrap(), "years");
        assert!(!home.path().join("output").exists());
    }
    // Two that one disk would take for one.
    let home = home(&[("a.toml", claim("K1", "r", told_all)), ("b.toml", claim("k1", "r", told_all))]);
    let output = run(home.path(), &["claims", "-q"]);
    assert!(output.status.code() == Some(2) && told(&output).contains("two claims"), "{}", told(&output));
    let two = claim("K1", "r", told_all).replace("'r' = {", "'R' = { \"course.followed\" = \"2 d\" }\n'r' = {");
    fs::remove_file(home.path().join("scenarios/claims/b.toml")).unwrap();
    fs::write(home.path().join("scenarios/claims/a.toml"), two).unwrap();
    let output = run(home.path(), &["claims", "-q"]);
    assert!(output.status.code() == Some(2) && told(&output).contains("one name on many disks"), "{}", told(&output));
}

#[test]
fn templates_end_and_stay_small() {
    for answer in [
        "{{ \"%2000000000d%2000000000d\"|format(1,1) }}",
        "{% for i in (\"x\" * 100000)|list %}{% for j in (\"x\" * 100000)|list %}{% endfor %}{% endfor %}",
        "{{ \"x\" * 2000000000 }}",
        "{{ (\"}}\") * 2000000000 }}",
        "{% if \"%}\" == 'x' %}{{ xe.told * 1000000000 }}{% endif %}",
        "{% set a = \"xxxxxxxx\" %}{{ a }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ xe.told ~ xe.told }}",
        "{{ xe.told | upper }}",
        "{% include \"/etc/passwd\" %}",
        "{% raw %}{% endraw %}",
        "{{ range(100000000) }}",
        "{{ xe.told.upper() }}",
        "{% if part.p.holds %}{{ xe.told + 1 }}{% endif %}",
        "{% if not part.p.holds %}{{ xe.told + 1 }}{% endif %}",
    ] {
        let home = home(&[("c.toml", claim("C1", "r1", answer))]);
        let begun = Instant::now();
        let output = run(home.path(), &["claims", "-q"]);
        assert_eq!(output.status.code(), Some(2), "{answer}: {}", told(&output));
        assert!(told(&output).contains("c.toml:17:"), "{answer}: {}", told(&output));
        assert!(begun.elapsed() < Duration::from_secs(20), "{answer}");
    }
    let plain = "{% if part.p.holds and (xe.value + 1 < 3 or not part.p.holds) %}{{ xe.told }}{% elif xe.low > 2 %}b{% else %}c{% endif %}{# | #}";
    let home = home(&[("c.toml", claim("C1", "r1", plain))]);
    let output = run(home.path(), &["claims", "-q"]);
    assert!(output.status.success(), "{}", told(&output));
    // What a stranger wrote is shown, and does nothing.
    let page = fs::read_to_string(home.path().join("output/claims/index.html")).unwrap();
    for (path, text) in texts(&home.path().join("output")) {
        let written = path.ends_with(".html") || path.ends_with(".svg");
        assert!(
            !written || (!text.contains("<script>alert") && !text.contains("<svg/onload") && !text.contains("<b onm")),
            "{path}"
        );
        assert!(
            !path.ends_with(".csv") || text.split(['\n', ',']).all(|cell| !cell.starts_with('=')),
            "{path}: {text}"
        );
    }
    assert!(page.contains("&lt;script&gt;alert"), "{page}");
}

const ACTS: &str = "\u{1b}]0;pwned\u{7}\u{1b}[2J\u{9b}31m\u{202e}RED";

#[test]
fn signs_that_act_reach_no_terminal_and_no_table() {
    let home = home(&[]);
    let quoted: String = ACTS.chars().map(|letter| format!("\\U{:08x}", u32::from(letter))).collect();
    let scenario = format!(
        "question = \"{quoted}\"\n{OSCILLATOR}[sweep]\n\"question\" = [\"=HYPERLINK(1)\", \"@x\", \"+1+{quoted}\", \"-2 mm\"]\n"
    );
    fs::write(home.path().join("sweep.toml"), &scenario).unwrap();
    fs::write(home.path().join("run.toml"), scenario.split("[sweep]").next().unwrap()).unwrap();
    let model = fs::read_to_string("models/response/van_der_pol.toml").unwrap();
    fs::write(home.path().join("m.toml"), model.replacen("what = \"", &format!("what = \"{quoted}"), 9)).unwrap();
    let bad = |text: &str| text.chars().any(|c| matches!(c, '\u{1b}' | '\u{7}' | '\u{9b}' | '\u{202e}'));
    for arguments in [
        &["run", "run.toml"][..],
        &["run", "sweep.toml"],
        &["run", "run.toml", "--out", "output/other", "--set", "response=m.toml"],
        &["check", "run.toml", "--set", &format!("response={ACTS}")],
        &["check", &format!("{ACTS}.toml")],
        &["list", "observables", "--model", "m.toml"],
        &["explain", "x", "--model", "m.toml"],
        &["explain", ACTS],
        &["compare", "output/run", "output/other"],
    ] {
        let output = run(home.path(), arguments);
        assert!(!bad(&told(&output)), "{arguments:?}: {:?}", told(&output));
    }
    let written = texts(&home.path().join("output"));
    assert!(written.len() > 20);
    for (path, text) in written {
        let shown = [".csv", ".html", ".svg", ".txt"].iter().any(|ending| path.ends_with(ending));
        assert!(!shown || !bad(&text), "{path}");
    }
    let table = fs::read_to_string(home.path().join("output/sweep/sweep.csv")).unwrap();
    for cell in ["'=HYPERLINK(1),", "'@x,", "'+1+", "\n-2 mm,"] {
        assert!(table.contains(cell), "{cell}: {table}");
    }
}

#[test]
fn files_of_rules_with_one_name_are_both_kept() {
    let home = home(&[]);
    for (folder, what) in [("a", "One"), ("b", "Other")] {
        fs::create_dir(home.path().join(folder)).unwrap();
        let rule = format!(
            "what = \"{what}\"\n[rule.r]\nwhat = \"x\"\nsource = \"s\"\nif = {{ age = {{ below = \"22 y\" }} }}\n"
        );
        fs::write(home.path().join(folder).join("r.toml"), rule).unwrap();
    }
    let scenario = format!("rules = [\"a/r.toml\", \"b/r.toml\"]\nquestion = \"q\"\n{OSCILLATOR}");
    fs::write(home.path().join("s.toml"), scenario).unwrap();
    let output = run(home.path(), &["run", "s.toml", "-q"]);
    assert!(output.status.success(), "{}", told(&output));
    let kept = |name: &str| fs::read_to_string(home.path().join("output/s/models/rules").join(name)).unwrap();
    assert!(kept("r.toml").contains("One") && kept("r_2.toml").contains("Other"));
    let decided = fs::read_to_string(home.path().join("output/s/scenario.toml")).unwrap();
    assert!(decided.contains("models/rules/r.toml") && decided.contains("models/rules/r_2.toml"), "{decided}");
    let output = run(home.path(), &["run", "output/s/scenario.toml", "-q", "--out", "again"]);
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(decided, fs::read_to_string(home.path().join("again/scenario.toml")).unwrap());
}

const NAMES: &str = "name = \"names\"\n[constant]\n[field.x]\nrest = 1\n[field.x_field]\nrest = 2\n[field.\"α\"]\nrest = 3\n\
                     [field.\"β\"]\nrest = 4\n[field.A]\nrest = 5\n[field.a]\nrest = 6\n[process.n]\nchanges = { x = 0 }\n\
                     [observable.x]\nvalue = \"mean(x, all)\"\n[observable.\"γ/δ\"]\nvalue = \"mean(β, all)\"\n\
                     [observable.A]\nvalue = \"mean(A, all)\"\n[observable.a]\nvalue = \"mean(a, all)\"\n";

#[test]
fn every_field_has_a_store_of_its_own() {
    let home = home(&[]);
    fs::write(home.path().join("m.toml"), NAMES).unwrap();
    let scenario = "question = \"q\"\nresponse = \"m.toml\"\n[slab]\nthickness = \"1 mm\"\ncells = 10\n[course]\nfollowed = \"1 d\"\n\
                    [grid]\ngeometry = \"section\"\nwidth = \"1 mm\"\ncells = 3\n[observe]\nevery = \"1 d\"\n";
    fs::write(home.path().join("s.toml"), scenario).unwrap();
    let output = run(home.path(), &["run", "s.toml", "-q"]);
    assert!(output.status.success(), "{}", told(&output));
    let answer = home.path().join("output/s");
    let stores: Vec<String> = fs::read_dir(answer.join("fields.zarr"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().to_lowercase())
        .collect();
    let mut distinct = stores.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), stores.len(), "{stores:?}");
    let kept = dermasim::present::output::KeptRun::read(&answer).unwrap();
    for (name, rest) in [("x", 1.0), ("x_field", 2.0), ("α", 3.0), ("β", 4.0), ("A", 5.0), ("a", 6.0)] {
        let field = kept.snapshots[0].fields.iter().find(|(own, ..)| own == name);
        let (.., values) = field.unwrap_or_else(|| panic!("{name} is missing"));
        assert!(values.iter().all(|value| (value - rest).abs() < 1e-12), "{name}: {values}");
    }
    assert_eq!(kept.record.values[0], [1.0, 4.0, 5.0, 6.0]);
}

#[test]
fn an_observable_is_not_called_like_the_column_of_time() {
    let home = home(&[]);
    for (name, said) in [
        ("time_d", "the column of time"),
        ("Time_D", "the column of time"),
        ("\"a\\u001b\"", "is no name"),
        ("\" a\"", "is no name"),
    ] {
        let model = format!(
            "name = \"n\"\n[constant]\n[field.u]\nrest = 1\n[process.n]\nchanges = {{ u = 0 }}\n[observable.{name}]\nvalue = \"7*mean(u, all)\"\n"
        );
        fs::write(home.path().join("m.toml"), model).unwrap();
        fs::write(home.path().join("s.toml"), OSCILLATOR.replace("van_der_pol", "m.toml")).unwrap();
        for command in ["check", "run"] {
            let output = run(home.path(), &[command, "s.toml"]);
            assert_eq!(output.status.code(), Some(2), "{}", told(&output));
            assert!(told(&output).contains(said) && told(&output).contains("m.toml:7:"), "{name}: {}", told(&output));
        }
    }
    // A probe of the scenario is an observable, too.
    let probed = format!("{OSCILLATOR}[probe.time_d]\nvalue = \"x\"\n");
    fs::write(home.path().join("s.toml"), probed).unwrap();
    let output = run(home.path(), &["check", "s.toml"]);
    assert!(output.status.code() == Some(2) && told(&output).contains("the column of time"), "{}", told(&output));
}
