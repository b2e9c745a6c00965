//! The documentation: its links lead somewhere, every page is in the program, and its examples run as they stand.

mod common;

use std::path::Path;

use assert_cmd::Command;
use common::figures::pages;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a page")
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// The fenced blocks of a page: language and text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut pieces = page.split("```").skip(1).step_by(2);
    std::iter::from_fn(|| pieces.next().and_then(|piece| piece.split_once('\n')))
        .map(|(language, text)| (language.trim().to_owned(), text.to_owned()))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for path in pages() {
        let page = read(&path);
        for link in page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let target = path.parent().expect("a folder").join(link.split('#').next().expect("a path"));
            if !link.starts_with("http") && !target.exists() {
                dead.push(format!("{}: {link}", name(&path)));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn the_readme_is_short_and_names_every_page() {
    let readme = read(&pages()[0]);
    assert!(readme.len() <= 10_000, "{} bytes", readme.len());
    for page in &pages()[1..] {
        assert!(readme.contains(&format!("(docs/{})", name(page))), "the README does not name {}", name(page));
    }
}

#[test]
fn the_program_prints_every_page() {
    for page in &pages()[1..] {
        let topic = name(page).replace(".md", "");
        let output =
            Command::cargo_bin("dermasim").expect("the program").args(["docs", &topic]).output().expect("it runs");
        assert!(output.status.success(), "{topic}");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), read(page).trim_end(), "{topic}");
    }
    let output =
        Command::cargo_bin("dermasim").expect("the program").args(["docs", "nowhere"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
}

/// A block that begins with `# file: NAME` is that file; lines of shell blocks that begin with `dermasim` are commands. What a page
/// shows runs in this order.
#[test]
fn examples_run_as_they_stand() {
    let mut ran = 0;
    for path in &pages()[1..] {
        let folder = tempfile::tempdir().expect("a folder");
        let all = blocks(&read(path));
        for (_, text) in &all {
            if let Some(file) = text.lines().next().and_then(|line| line.strip_prefix("# file: ")) {
                std::fs::write(folder.path().join(file), text).expect("an example");
            }
        }
        if std::fs::read_dir(folder.path()).expect("a folder").next().is_none() {
            continue;
        }
        for line in all.iter().filter(|(language, _)| language == "sh").flat_map(|(_, text)| text.lines()) {
            let Some(command) = line.strip_prefix("dermasim ") else { continue };
            let arguments = command.split(" #").next().expect("a command").trim();
            // A quoted argument is one.
            let arguments = arguments.split('"').enumerate().flat_map(|(i, piece)| match i % 2 {
                0 => piece.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
                _ => vec![piece.to_owned()],
            });
            let mut program = Command::cargo_bin("dermasim").expect("the program");
            let output = program.args(arguments).current_dir(folder.path()).output().expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {line}\n{said}", name(path));
            ran += 1;
        }
    }
    assert!(ran >= 10, "{ran} commands of the documentation were run");
}

/// The names in a table of the source, each the first text of its entry.
fn entries(file: &str, table: &str) -> Vec<String> {
    let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file));
    let (_, after) = text.split_once(table).unwrap_or_else(|| panic!("{file} has no `{table}`"));
    let (own, _) = after.split_once("];").expect("an end");
    let starts = own.split('(').skip(1).filter_map(|entry| entry.trim_start().strip_prefix('"')?.split_once('"'));
    starts.map(|(name, _)| name.to_owned()).collect()
}

/// The keys that a file of forms reads: the fields of its structures.
fn keys(file: &str) -> Vec<String> {
    let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file));
    let fields = text.lines().filter_map(|line| line.strip_prefix("    pub ")?.split_once(": "));
    let fields = fields.filter(|(key, _)| key.chars().all(|letter| letter.is_lowercase() || letter == '_'));
    fields.map(|(key, _)| key.trim_start_matches('_').to_owned()).collect()
}

#[test]
fn the_reference_names_every_key_function_variable_and_unit() {
    let reference = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md"));
    // Names stand between ticks, alone or in front of an argument, a dot or a bracket.
    let named: std::collections::BTreeSet<&str> = reference
        .split('`')
        .skip(1)
        .step_by(2)
        .flat_map(|code| code.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '%')))
        .collect();
    let mut wanted = entries("engine/language/names.rs", "pub(super) const FUNCTIONS");
    wanted.extend(entries("engine/language/names.rs", "pub(super) const VARIABLES"));
    wanted.extend(dermasim::skin::host::HOST.variables.iter().map(|variable| variable.name.to_owned()));
    wanted.extend(dermasim::skin::host::HOST.acts.iter().map(|act| act.table.to_owned()));
    wanted.extend(dermasim::skin::host::HOST.since.map(|(name, _)| name.to_owned()));
    wanted.extend(entries("base/units.rs", "const TABLE"));
    wanted.extend(keys("engine/language/file.rs"));
    wanted.extend(keys("scenario/written.rs"));
    assert!(wanted.len() > 200, "{wanted:?}");
    let missing: Vec<&String> = wanted.iter().filter(|name| !named.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "docs/reference.md does not name {missing:?}");
}
