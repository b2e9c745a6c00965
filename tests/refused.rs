//! Wrong input is a corpus: every file below `tests/refused/` is refused with the message it names, at the line it names.
//!
//! The first line of each file is `# refused: line 3: part of the message`. The folder says what the file pretends to be.

use std::path::{Path, PathBuf};

use dermasim::catalogue::{Device, Kind, Mechanics, Operator, Tissue, find};
use dermasim::error::{Error, Result};
use dermasim::language::Model;
use dermasim::scenario::Scenario;

fn read(kind: &str, path: &Path) -> Result<()> {
    let text = |kind| find(kind, &path.to_string_lossy(), None);
    match kind {
        "scenario" => {
            let scenario = Scenario::read(path)?;
            scenario.plan()?;
            for point in scenario.points()? {
                point.scenario.plan()?;
            }
            Ok(())
        }
        "tissues" => Tissue::read(&text(Kind::Tissue)?)?.layers(&Default::default()).map(drop),
        "devices" => Device::read(&text(Kind::Device)?).map(drop),
        "operators" => Operator::read(&text(Kind::Operator)?).map(drop),
        "mechanics" => Mechanics::read(&text(Kind::Mechanics)?).map(drop),
        "response" => Model::read(&text(Kind::Response)?).map(drop),
        other => panic!("tests/refused/{other} is no kind of file"),
    }
}

/// The line and the part of the message that a file names.
fn expected(path: &Path) -> (usize, String) {
    let text = std::fs::read_to_string(path).unwrap();
    let first = text.lines().next().and_then(|line| line.strip_prefix("# refused: line "));
    let (line, message) =
        first.and_then(|rest| rest.split_once(':')).unwrap_or_else(|| panic!("{path:?} names no message"));
    (line.trim().parse().unwrap(), message.trim().to_owned())
}

fn corpus() -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for folder in std::fs::read_dir("tests/refused").unwrap().flatten() {
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            files.push((folder.file_name().to_string_lossy().into_owned(), file.path()));
        }
    }
    files.sort();
    files
}

fn complaint(error: &Error, line: usize, message: &str) -> Option<String> {
    let shown = error.to_string();
    if error.exit_code() != 2 {
        Some(format!("is not refused as wrong input: {shown}"))
    } else if !error.message().contains(message) {
        Some(format!("says something else than `{message}`:\n{shown}"))
    } else if error.line() != Some(line) {
        Some(format!("points at line {:?} instead of {line}:\n{shown}", error.line()))
    } else if shown.contains('\u{1b}') {
        Some("lets an escape through to the terminal".into())
    } else {
        None
    }
}

#[test]
fn every_wrong_file_is_refused_at_its_line() {
    let files = corpus();
    assert!(files.len() >= 60, "only {} wrong files", files.len());
    let mut wrong = Vec::new();
    for (kind, path) in &files {
        let (line, message) = expected(path);
        match read(kind, path) {
            Ok(()) => wrong.push(format!("{} is accepted", path.display())),
            Err(error) => {
                wrong.extend(complaint(&error, line, &message).map(|why| format!("{} {why}", path.display())))
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n\n"));
}
