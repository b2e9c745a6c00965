//! Wrong input is a corpus: every file below `tests/refused/` is refused with the message it names, at the line it names.
//!
//! The first line of each file is `# refused: line 3: part of the message`. The folder says what the file pretends to be.

use std::path::{Path, PathBuf};

use dermasim::base::error::{Error, Result, Source};
use dermasim::engine::language::{LayerName, Model, Setting};
use dermasim::scenario::Scenario;
use dermasim::skin::catalogue::{CatalogueKind, Device, Mechanics, Operator, Overlay, Population, Rules, Tissue, find};
use dermasim::study::claims::Claim;

fn read(kind: &str, path: &Path) -> Result<()> {
    let text = |kind| find(kind, &path.to_string_lossy(), None);
    match kind {
        "scenario" => {
            let scenario = Scenario::read(path)?;
            let plan = scenario.plan()?;
            for point in scenario.points()?.into_iter().chain(scenario.samples(&plan)?.1) {
                point.scenario.plan()?;
            }
            Ok(())
        }
        "tissues" => {
            let tissue = Tissue::read(&text(CatalogueKind::Tissue)?)?;
            tissue.suits(&Mechanics::read(&find(CatalogueKind::Mechanics, "default", None)?)?)?;
            tissue.layers(&Default::default()).map(drop)
        }
        "devices" => Device::read(&text(CatalogueKind::Device)?).map(drop),
        "operators" => Operator::read(&text(CatalogueKind::Operator)?).map(drop),
        "mechanics" => Mechanics::read(&text(CatalogueKind::Mechanics)?).map(drop),
        "response" => compile(&dermasim::skin::model(&text(CatalogueKind::Response)?)?, "cheek"),
        "lesions" => Overlay::read(CatalogueKind::Lesion, &text(CatalogueKind::Lesion)?).map(drop),
        "agents" => Overlay::read(CatalogueKind::Agent, &text(CatalogueKind::Agent)?).map(drop),
        "rules" => Rules::read(&text(CatalogueKind::Rules)?).map(drop),
        "claims" => {
            let text = std::fs::read_to_string(path).map_err(|cause| Error::file(path, "read", cause))?;
            Claim::read(&Source::new(path.display().to_string(), text), &[]).map(drop)
        }
        "populations" => Population::read(&text(CatalogueKind::Population)?).map(drop),
        other => panic!("tests/refused/{other} is no kind of file"),
    }
}

/// A model may name layers that only the tissue knows, so some faults are found when it meets one.
fn compile(model: &Model, tissue: &str) -> Result<()> {
    let tissue = Tissue::read(&find(CatalogueKind::Tissue, tissue, None)?)?;
    let traits = tissue.traits(&Default::default());
    let layers = tissue.layers(&traits)?.into_iter();
    let layers = layers.map(|layer| LayerName { name: layer.name, groups: layer.groups }).collect();
    model.compile(&Setting { layers, traits }).map(drop)
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

/// Texts that are right, to be broken.
const SOUND: [&str; 2] = [
    r#"
question = "x"
tissue = "uniform"
response = "brusselator"
seed = 3
[course]
followed = "3 d"
[grid]
geometry = "section"
width = "1 mm"
cells = 4
periodic = false
resolution = 1.5
[observe]
every = "1 d"
log = { from = "1 h", until = "1 d", points = 4 }
[snapshots]
at = ["1 d"]
fields = ["u"]
[probe.mine]
value = "u"
from = "0.1 mm"
[stepping]
tolerance = 1e-4
longest = "1 d"
[set]
"response.A" = 1.5
tissue.layer.medium.thickness = "2 mm"
[sweep]
"response.B" = { from = 2, to = 4, step = 1 }
[expect]
"u.end" = { at_least = 0, at_most = 10 }
"#,
    r#"
name = "mutant"
[constant]
d = { value = "1 1/d", evidence = "assumed", source = "x" }
D = { value = "1e-7 cm^2/s", evidence = "assumed", source = "x" }
[signal.light]
unit = "1"
default = 0
[intermediate]
p = "hill(a, 1, 2) * light"
[field.a]
rest = 0
diffusivity = "D"
chemotaxis = [{ along = "b", sensitivity = "D * positive(1 - a)" }]
boundary = { top = { exchange = "[1 mm/d]", outside = 1 } }
[field.b]
rest = { medium = 1 }
initial = "1 + 0.1 * random()"
[process.decay]
rate = "d * a * (1 + p)"
takes = { a = 1 }
gives = { b = "1/2" }
[process.growth]
changes = { b = "d * b * (1 - b)" }
[puncture.effect]
a = "a + exp(-distance / [0.1 mm])"
[region.half]
to = "0.5 mm"
[observable.mean]
value = "mean(a, half) / maximum(b, all)"
"#,
];

/// Pieces that break things: words of the language, units, brackets, numbers at the edge.
const PIECES: [&str; 30] = [
    "",
    " ",
    "\n",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "=",
    ".",
    ",",
    "#",
    "-",
    "1e999",
    "-1",
    "nan",
    "inf",
    "0",
    "mm",
    "\u{0}",
    "\u{1b}[31m",
    "é",
    "[set]",
    "a",
    "9999999999999999999",
    "true",
    "^-9",
];

fn broken(text: &str, cuts: &[(usize, usize, usize)]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (at, length, piece) in cuts {
        let from = at % (letters.len() + 1);
        let to = (from + length).min(letters.len());
        letters.splice(from..to, PIECES[piece % PIECES.len()].chars());
    }
    letters.into_iter().collect()
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 400, ..Default::default() })]

    /// Whatever is done to a sound text, it is read or refused: nothing panics, no escape reaches the terminal.
    #[test]
    fn no_text_makes_the_reader_panic(
        which in 0..SOUND.len(),
        cuts in proptest::collection::vec((0_usize..5000, 0_usize..12, 0_usize..64), 1..6),
    ) {
        let text = broken(SOUND[which], &cuts);
        let told = if which == 0 {
            let scenario = Scenario::from_text("mutant", &text);
            scenario.plan().and_then(|_| scenario.points()).err()
        } else {
            let source = dermasim::base::error::Source::new("mutant.toml", text);
            dermasim::skin::model(&source).and_then(|model| compile(&model, "uniform")).err()
        };
        if let Some(error) = told {
            proptest::prop_assert!(!escapes(&error));
        }
    }

    /// The same for changes from the command line.
    #[test]
    fn no_change_makes_the_reader_panic(
        key in "[a-z_.\"\\[ ]{0,20}|response\\.[a-zA-Z_.]{0,12}|tissue\\.layer\\.[a-z.]{0,12}",
        value in "[-+0-9a-z.\"{}=, \\[\\]^/]{0,16}",
    ) {
        if let Ok(change) = dermasim::scenario::Change::parse(&format!("{key}={value}")) {
            let told = Scenario::from_text("sound", SOUND[0]).with([change]).plan().err();
            if let Some(error) = told {
                proptest::prop_assert!(!escapes(&error));
            }
        }
    }
}

#[test]
fn the_texts_to_be_broken_are_sound() {
    Scenario::from_text("sound", SOUND[0]).plan().unwrap();
    dermasim::skin::model(&dermasim::base::error::Source::new("sound.toml", SOUND[1])).unwrap();
}

/// Whether a message would send an escape to the terminal.
fn escapes(error: &Error) -> bool {
    error.to_string().contains('\u{1b}')
}
