//! What is printed, and where.

use std::io::{IsTerminal, Write};

use crate::base::error::{Error, printable};
pub use crate::base::folder::short;

/// Prints to standard output. A reader that has gone away (as `head` does) is no fault: what is left is not printed.
pub fn say(text: impl AsRef<str>) {
    print(&printable(text.as_ref()));
}

/// Prints what a machine reads, as it is.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _gone = writeln!(out, "{text}");
}

/// Prints to standard error.
pub fn tell(text: impl AsRef<str>) {
    complain_in(&printable(text.as_ref()));
}

fn complain_in(text: &str) {
    let mut out = std::io::stderr().lock();
    let _gone = writeln!(out, "{text}");
}

/// Tells what went wrong.
pub fn complain(error: &Error) {
    let coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // What was written by others is spelt out in it; the colours are ours.
    complain_in(&error.render(coloured));
}

/// Rows in columns: the first column to the left, the others to the right if they are numbers.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let columns = header.len();
    let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| cell(row, column).chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let numbers = |column: usize| {
        let mut filled =
            rows.iter().map(|row| cell(row, column)).filter(|text| !text.is_empty() && text != "–").peekable();
        filled.peek().is_some() && filled.all(|text| text.parse::<f64>().is_ok())
    };
    let (widths, right): (Vec<usize>, Vec<bool>) = (0..columns).map(|column| (width(column), numbers(column))).unzip();
    let line = |row: &[String]| {
        let parts: Vec<String> = (0..columns)
            .map(|column| {
                let (text, width) = (cell(row, column), widths[column]);
                if right[column] { format!("{text:>width$}") } else { format!("{text:<width$}") }
            })
            .collect();
        parts.join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    std::iter::once(line(&head)).chain(rows.iter().map(|row| line(row))).collect::<Vec<_>>().join("\n")
}

/// A number with four significant digits, "–" for none.
pub fn number(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(0.0) => "0".into(),
        Some(value) if !(1e-3..1e6).contains(&value.abs()) => format!("{value:.3e}"),
        Some(value) => {
            let places = (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
            let text = format!("{value:.places$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
    }
}

/// A paragraph broken into lines of at most 110 letters, the later ones set in.
pub fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 110 => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("  {word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let shown = [1.0, 0.5, 1234.5678, 0.012_345, 1e-7, -2.5].map(|value| number(Some(value)));
        assert_eq!(shown, ["1", "0.5", "1235", "0.01235", "1.000e-7", "-2.5"]);
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["redness".to_owned(), "1.5".into()], vec!["pain".into(), "12".into()]];
        assert_eq!(table(&["name", "peak"], &rows), "name     peak\nredness   1.5\npain       12");
    }
}
