//! Time courses and other tables, as CSV for people and Parquet for programs.
//!
//! Columns of a time course are `time_d` (days since the start) and one for each observable, named as in the model file.
//! A text that a spreadsheet would compute (`=1+1`) has an apostrophe in front, which is taken away when it is read back.
//! Units and meanings stand in `observables.csv`, and in the metadata of the Parquet file under `units`.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::data_type::DoubleType;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::base::error::{Error, Result, printable};
use crate::base::units::{DAY, Quantity, Unit};
use crate::engine::observe::{Heading, Record};
use crate::present::output::file;

/// The column of time, which no observable may be called.
const TIME: &str = crate::engine::language::TIME_COLUMN;

/// A number as text that reads back to the same bits; empty where it is not finite.
pub fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { String::new() }
}

/// As [`number`], empty for a number that is not there.
pub fn optional(value: Option<f64>) -> String {
    value.map_or_else(String::new, number)
}

/// Writes rows of texts under a header.
///
/// # Errors
/// The file cannot be written.
pub fn write_csv<S: AsRef<[u8]>>(path: &Path, header: &[S], rows: impl IntoIterator<Item = Vec<String>>) -> Result<()> {
    file::write_with(path, |out| {
        let mut table = csv::WriterBuilder::new().flexible(false).from_writer(out);
        let header = header.iter().map(|name| cell(&String::from_utf8_lossy(name.as_ref())));
        table.write_record(header.collect::<Vec<_>>()).map_err(io::Error::other)?;
        for row in rows {
            table.write_record(row.iter().map(|text| cell(text)).collect::<Vec<_>>()).map_err(io::Error::other)?;
        }
        table.flush()
    })
}

/// How a formula of a spreadsheet begins.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Whether a text, behind any apostrophes, begins as a formula does.
fn like_a_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

/// A text as a cell: signs that act are spelt out, and a text that a spreadsheet would compute gets an apostrophe in front.
/// Numbers, with or without a unit, stay as they are.
fn cell(text: &str) -> String {
    let shown = printable(text);
    let computed = like_a_formula(&shown) && shown.parse::<f64>().is_err() && shown.parse::<Quantity>().is_err();
    if computed { format!("'{shown}") } else { shown }
}

/// The text of a cell.
fn text(cell: &str) -> String {
    cell.strip_prefix('\'').filter(|rest| like_a_formula(rest)).unwrap_or(cell).to_owned()
}

/// Reads a table: its header and rows of texts.
///
/// # Errors
/// The file cannot be read, or its rows differ in length.
pub fn read_csv(path: &Path) -> Result<(Vec<String>, Vec<Vec<String>>)> {
    let whole = file::read(path)?;
    let mut table = csv::Reader::from_reader(whole.as_bytes());
    let broken = |error: csv::Error| Error::file(path, "read", io::Error::other(error));
    let texts = |record: &csv::StringRecord| record.iter().map(text).collect::<Vec<_>>();
    let header = texts(table.headers().map_err(broken)?);
    let rows = table.records().map(|row| row.map(|row| texts(&row)).map_err(broken)).collect::<Result<_>>()?;
    Ok((header, rows))
}

/// Writes a record as a table with a row per time.
///
/// # Errors
/// The file cannot be written.
pub fn write_course_csv(path: &Path, record: &Record) -> Result<()> {
    let header: Vec<&str> =
        std::iter::once(TIME).chain(record.headings.iter().map(|heading| heading.name.as_str())).collect();
    let rows = record.times.iter().zip(&record.values).map(|(time, values)| {
        std::iter::once(number(time / DAY)).chain(values.iter().map(|value| number(*value))).collect()
    });
    write_csv(path, &header, rows)
}

/// Writes what is known of each observable: name, unit, group, rest, meaning.
///
/// # Errors
/// The file cannot be written.
pub fn write_headings(path: &Path, headings: &[Heading]) -> Result<()> {
    let rows = headings.iter().map(|heading| {
        let Heading { name, what, unit, group, rest } = heading;
        vec![name.clone(), unit.to_string(), group.clone(), number(*rest), what.clone()]
    });
    write_csv(path, &["name", "unit", "group", "rest", "what"], rows)
}

/// Reads what [`write_headings`] wrote.
///
/// # Errors
/// The file is missing or does not have these columns.
pub fn read_headings(path: &Path) -> Result<Vec<Heading>> {
    let (_, rows) = read_csv(path)?;
    rows.into_iter()
        .map(|row| {
            let [name, unit, group, rest, what] = <[String; 5]>::try_from(row)
                .map_err(|row| broken(path, format!("5 columns expected, {} found", row.len())))?;
            Ok(Heading { name, what, unit: unit.parse::<Unit>()?, group, rest: parse(&rest) })
        })
        .collect()
}

/// Reads what [`write_course_csv`] wrote. The times of sessions [s] are not in the table.
///
/// # Errors
/// The file is missing or its columns are not those of the observables.
pub fn read_course(path: &Path, headings: Vec<Heading>, sessions: Vec<f64>) -> Result<Record> {
    let (header, rows) = read_csv(path)?;
    let known = header.first().is_some_and(|first| first == TIME)
        && header[1..].iter().eq(headings.iter().map(|heading| &heading.name));
    if !known {
        return Err(broken(path, "the columns are not those of the observables".into()));
    }
    let values: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(|text| parse(text)).collect()).collect();
    Ok(Record {
        headings,
        times: values.iter().map(|row| row[0] * DAY).collect(),
        values: values.into_iter().map(|row| row[1..].to_vec()).collect(),
        acts: sessions,
    })
}

fn broken(path: &Path, what: String) -> Error {
    Error::file(path, "read", io::Error::other(what))
}

fn parse(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

/// Writes a record as Parquet: the columns of the CSV as doubles, their units as JSON in the metadata under `units`.
///
/// # Errors
/// The file cannot be written.
pub fn write_course_parquet(path: &Path, record: &Record) -> Result<()> {
    file::write_with(path, |out| parquet(out, record).map_err(io::Error::other))
}

fn parquet(out: &mut dyn Write, record: &Record) -> std::result::Result<(), parquet::errors::ParquetError> {
    let column = |name: &str| {
        let built =
            Type::primitive_type_builder(name, Physical::DOUBLE).with_repetition(Repetition::REQUIRED).build()?;
        Ok::<_, parquet::errors::ParquetError>(Arc::new(built))
    };
    let mut columns = vec![column(TIME)?];
    let mut units = serde_json::Map::new();
    units.insert(TIME.into(), "d".into());
    for heading in &record.headings {
        columns.push(column(&heading.name)?);
        units.insert(heading.name.clone(), heading.unit.to_string().into());
    }
    let schema = Arc::new(Type::group_type_builder("timecourse").with_fields(columns).build()?);
    let metadata = vec![KeyValue::new("units".to_owned(), serde_json::Value::Object(units).to_string())];
    let properties =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_key_value_metadata(Some(metadata)).build();
    // The writer asks for a `Send` sink, which a plain `dyn Write` is not; a time course fits into memory.
    let mut buffer = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut buffer, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let mut index = 0;
    while let Some(mut column) = group.next_column()? {
        let values: Vec<f64> = match index {
            0 => record.times.iter().map(|time| time / DAY).collect(),
            _ => record.values.iter().map(|row| row.get(index - 1).copied().unwrap_or(f64::NAN)).collect(),
        };
        column.typed::<DoubleType>().write_batch(&values, None, None)?;
        column.close()?;
        index += 1;
    }
    group.close()?;
    writer.close()?;
    out.write_all(&buffer)?;
    Ok(())
}
