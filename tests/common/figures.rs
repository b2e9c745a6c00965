//! Figures of the README and of `docs/` that the program computes: compared by the tests, and written anew where they are stale if the
//! tests are run with `DERMASIM_README=write`.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Observations that are missed, as the README says and `tests/needling/misses.rs` explains.
pub const MISSED: [&str; 2] = ["N5", "N7"];

/// Measured quantities that are missed, as the README says; those set aside are not looked at.
pub const QUANTITIES_MISSED: [&str; 2] = ["Q11", "Q12"];

/// Tests of one program run side by side.
static WRITING: Mutex<()> = Mutex::new(());

/// The README and the pages of `docs/`.
pub fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = std::fs::read_dir(root.join("docs")).expect("docs").map(|entry| entry.expect("an entry").path());
    let mut pages: Vec<PathBuf> = listed.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    pages.sort();
    pages.insert(0, root.join("README.md"));
    pages
}

/// Holds sentences with holes `{}` and what belongs into these against the page that says them; or writes it there.
pub fn hold(sentences: &[(&str, Vec<String>)]) {
    let _turn = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let read = |path: PathBuf| (std::fs::read_to_string(&path).expect("a page"), path);
    let mut pages: Vec<(String, PathBuf)> = pages().into_iter().map(read).collect();
    let mut stale = Vec::new();
    for (sentence, values) in sentences {
        let mut saying = pages.iter_mut().filter_map(|(page, _)| Some((holes(page, sentence)?, page)));
        let (holes, page) = saying.next().unwrap_or_else(|| panic!("no page says once: {sentence}"));
        assert!(saying.next().is_none(), "two pages say: {sentence}");
        assert_eq!(holes.len(), values.len(), "{sentence}");
        // From the last to the first, so that places stay right.
        for (hole, value) in holes.into_iter().zip(values).rev() {
            if page[hole.clone()] != **value {
                stale.push(format!("{:?} is {value:?} now, in: {sentence}", &page[hole.clone()]));
                page.replace_range(hole, value);
            }
        }
    }
    if std::env::var_os("DERMASIM_README").is_some_and(|how| how == "write") {
        pages.iter().for_each(|(page, path)| std::fs::write(path, page).expect("the page is written"));
        return;
    }
    assert!(stale.is_empty(), "DERMASIM_README=write brings the pages up to date:\n{}", stale.join("\n"));
}

/// A number with so many digits behind the point.
pub fn number(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

/// A number with three significant digits.
pub fn three_digits(value: f64) -> String {
    let digits = if value == 0.0 { 2.0 } else { 2.0 - value.abs().log10().floor() };
    number(value, digits.clamp(0.0, 12.0) as usize)
}

/// Some names as prose: "A, B and C".
pub fn listed(names: &[String]) -> String {
    match names {
        [] => "none".into(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A small count in words.
pub fn in_words(count: usize) -> String {
    const ONES: [&str; 20] = [
        "no",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    match (count, count % 10) {
        (0..20, _) => ONES[count].into(),
        (20..100, 0) => TENS[count / 10].into(),
        (20..100, ones) => format!("{}-{}", TENS[count / 10], ONES[ones]),
        _ => count.to_string(),
    }
}

/// Where the holes of a sentence lie in a text that says it once, however its lines are broken.
fn holes(text: &str, sentence: &str) -> Option<Vec<Range<usize>>> {
    let pieces: Vec<&str> = sentence.split("{}").collect();
    let mut found = text.char_indices().filter_map(|(start, _)| fit(text, start, &pieces));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The holes between the pieces of a sentence that begins here.
fn fit(text: &str, start: usize, pieces: &[&str]) -> Option<Vec<Range<usize>>> {
    const LONGEST: usize = 240;
    let mut at = past(text, start, pieces[0])?;
    let mut holes = Vec::new();
    for piece in &pieces[1..] {
        let ends = text[at..].char_indices().take(LONGEST).map(|(offset, _)| at + offset);
        let (end, next) = ends.filter_map(|end| Some((end, past(text, end, piece)?))).next()?;
        holes.push(at..end);
        at = next;
    }
    Some(holes)
}

/// Where a piece that begins here ends; any white space is as good as a space.
fn past(text: &str, start: usize, piece: &str) -> Option<usize> {
    let mut rest = &text[start..];
    for one in piece.chars() {
        if one.is_whitespace() {
            let trimmed = rest.trim_start();
            if trimmed.len() == rest.len() {
                return None;
            }
            rest = trimmed;
        } else {
            rest = rest.strip_prefix(one)?;
        }
    }
    Some(text.len() - rest.len())
}
