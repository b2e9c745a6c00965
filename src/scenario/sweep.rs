//! The points of a sweep: every combination of the values of its axes, the last axis fastest.
//!
//! An axis is `"needling.length" = ["0.5 mm", "1 mm"]`, an exact range `{ from = "0.25 mm", to = "2.5 mm", step = "0.25 mm" }`,
//! or, evenly in the logarithm, `{ from = "1 mm", to = "100 mm", points = 5 }`. The seed is the same at every point, so that
//! differences between points are not differences of luck.

use toml_edit::{TableLike, Value};

use crate::base::error::{Error, Result, suggestion};
use crate::base::units::{self, Quantity, Unit};
use crate::scenario::change::Change;
use crate::scenario::keyed::entries;
use crate::scenario::range::{self, MOST_POINTS};
use crate::scenario::{Scenario, schedule};

/// A key and the values it takes.
#[derive(Debug, Clone)]
pub struct SweepAxis {
    /// The key, as "needling.length".
    pub key: String,
    /// One change for each value.
    pub values: Vec<Change>,
}

/// One run of a sweep.
#[derive(Debug, Clone)]
pub struct SweepRun {
    /// Its number, from 1, and its values, fit for a folder: "03-length-0.75mm".
    pub name: String,
    /// Key and value of each axis, as text.
    pub values: Vec<(String, String)>,
    /// The scenario at this point.
    pub scenario: Scenario,
}

fn is_range(table: &dyn TableLike) -> bool {
    ["from", "to", "step", "points"].iter().any(|key| table.get(key).is_some_and(|item| !item.is_table_like()))
}

impl Scenario {
    /// The axes of the scenario's `[sweep]`; none if it has no such table.
    ///
    /// # Errors
    /// An axis has no values, an impossible range, or too many points.
    pub fn axes(&self) -> Result<Vec<SweepAxis>> {
        let mut axes: Vec<SweepAxis> = Vec::new();
        for entry in entries(&self.source, "sweep", is_range)? {
            let at = |error: Error| error.at(&self.source, entry.span.clone());
            let key = entry.path.join(".");
            if ["sweep", "set", "expect", "name"].contains(&entry.path[0].as_str()) {
                return Err(self.source.refuse(entry.span, format!("`{key}` cannot be swept")));
            }
            let values = match &entry.value {
                Value::Array(list) => list.iter().cloned().collect(),
                Value::InlineTable(range) => spread(range).map_err(at)?,
                _ => {
                    return Err(self
                        .source
                        .refuse(entry.span, format!("`{key}` needs several values"))
                        .help("write a list, or { from = \"0.25 mm\", to = \"2.5 mm\", step = \"0.25 mm\" }"));
                }
            };
            if values.is_empty() {
                return Err(self.source.refuse(entry.span, format!("`{key}` has no values")));
            }
            let place = (self.source.clone(), entry.span.clone());
            let values = values
                .into_iter()
                .map(|value| Change::new(entry.path.clone(), value, place.clone()))
                .collect::<Result<Vec<Change>>>()?;
            axes.push(SweepAxis { key, values });
            let count: usize = axes.iter().map(|axis| axis.values.len()).fold(1, usize::saturating_mul);
            if count > MOST_POINTS {
                let message = format!("the sweep has {count} points; at most {MOST_POINTS} are run");
                return Err(self.source.refuse(entry.span, message));
            }
        }
        Ok(axes)
    }

    /// The points of the sweep; none if the scenario has no axes.
    ///
    /// # Errors
    /// As [`Scenario::axes`]. The plans of the points are not checked here.
    pub fn points(&self) -> Result<Vec<SweepRun>> {
        let axes = self.axes()?;
        if axes.is_empty() {
            return Ok(Vec::new());
        }
        let count: usize = axes.iter().map(|axis| axis.values.len()).product();
        let digits = count.to_string().len();
        Ok((0..count)
            .map(|number| {
                let mut left = number;
                let mut chosen: Vec<&Change> = Vec::new();
                for axis in axes.iter().rev() {
                    chosen.push(&axis.values[left % axis.values.len()]);
                    left /= axis.values.len();
                }
                chosen.reverse();
                let values: Vec<(String, String)> =
                    chosen.iter().map(|change| (change.key.clone(), text(&change.value))).collect();
                let name = format!("{:0digits$}-{}", number + 1, folder_name(&values));
                SweepRun { name, values, scenario: self.point(chosen.into_iter().cloned()) }
            })
            .collect())
    }
}

/// The values of a range.
fn spread(range: &toml_edit::InlineTable) -> Result<Vec<Value>> {
    const KEYS: [&str; 4] = ["from", "to", "step", "points"];
    if let Some((unknown, _)) = range.iter().find(|(key, _)| !KEYS.contains(key)) {
        return Err(Error::input(format!("unknown key `{unknown}`")).help(suggestion(unknown, KEYS)));
    }
    let get = |key: &str| range.get(key).map(text).ok_or_else(|| Error::input(format!("the range lacks `{key}`")));
    let (from, to) = (get("from")?, get("to")?);
    let texts = match (range.get("step"), range.get("points")) {
        (Some(step), None) => range::points(&from, &to, &text(step))?,
        (None, Some(points)) => {
            let count = points.as_integer().and_then(|count| usize::try_from(count).ok());
            let count = count.filter(|count| (2..=MOST_POINTS).contains(count));
            let count =
                count.ok_or_else(|| Error::input(format!("`points` is a whole number from 2 to {MOST_POINTS}")))?;
            let (first, last): (Quantity, Quantity) = (from.parse()?, to.parse()?);
            if first.dimension != last.dimension {
                let message = format!("the range goes from {} to {}", first.dimension, last.dimension);
                return Err(Error::input(message).help("write from and to in the same unit"));
            }
            if first.value <= 0.0 || last.value <= first.value {
                return Err(Error::input("evenly in the logarithm, a range goes up from a positive number")
                    .help("use step for any other range"));
            }
            // Counted in the unit of its start, where the numbers are as round as they were written.
            let (_, unit) = units::split(&from)?;
            let own: Unit = if unit.is_empty() { Unit::one() } else { unit.parse()? };
            let within = |end: &str, value: Quantity| {
                let (digits, written) = units::split(end)?;
                let number = digits.parse().ok().filter(|_| written == unit);
                Ok::<f64, Error>(number.unwrap_or_else(|| own.of(value.value)))
            };
            let (low, high) = (within(&from, first)?, within(&to, last)?);
            (0..count)
                .map(|i| match i {
                    0 => from.clone(),
                    _ => format!("{} {unit}", rounded(schedule::spaced(low, high, count, i))).trim_end().to_owned(),
                })
                .collect()
        }
        _ => return Err(Error::input("a range has either `step` or `points`")),
    };
    let numbers = range.get("from").is_some_and(|from| !from.is_str());
    Ok(texts
        .into_iter()
        .map(|text| text.parse().ok().filter(|_| numbers).unwrap_or_else(|| Value::from(text)))
        .collect())
}

/// The number without the rounding of its last places: 0.01, not 0.009999999999999998.
fn rounded(value: f64) -> f64 {
    format!("{value:.13e}").parse().unwrap_or(value)
}

/// A value without quotes.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string().trim().to_owned(), str::to_owned)
}

/// The values of a point as a part of a path: short, plain letters, no surprises.
fn folder_name(values: &[(String, String)]) -> String {
    let parts = values.iter().map(|(key, value)| {
        let last = key.rsplit('.').find(|part| *part != "value").unwrap_or(key);
        format!("{last}-{value}")
    });
    let joined = parts.collect::<Vec<_>>().join("_");
    let plain: String = joined
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' })
        .collect();
    plain.chars().take(60).collect::<String>().trim_matches(['.', '-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_axis_is_fastest() {
        let text = "tissue = \"cheek\"\n[sweep]\n\"needling.length\" = { from = \"0.5 mm\", to = \"1 mm\", step = \"0.5 mm\" }\n\
                    person.sex = [\"female\", \"male\"]\ncourse.sessions = { from = 1, to = 2, step = 1 }\n";
        let points = Scenario::from_text("x", text).points().unwrap();
        assert_eq!(points.len(), 8);
        assert_eq!(points[0].name, "1-length-0.5mm_sex-female_sessions-1");
        assert_eq!(points[7].values[0], ("needling.length".into(), "1 mm".into()));
        assert!(points[1].scenario.changes[2].value.is_integer());
    }

    #[test]
    fn even_in_the_logarithm() {
        let text = "[sweep]\n\"grid.width\" = { from = \"1 mm\", to = \"100 mm\", points = 3 }\n";
        let axes = Scenario::from_text("x", text).axes().unwrap();
        let values: Vec<_> = axes[0].values.iter().map(|change| change.value.as_str().unwrap().to_owned()).collect();
        assert_eq!(values, ["1 mm", "10 mm", "100 mm"]);
        for (from, to, points, expected) in [
            ("1e-2 1/d", "1 1/d", 3, vec!["1e-2 1/d", "0.1 1/d", "1 1/d"]),
            ("1e-3 cm^2/s", "1 cm^2/s", 4, vec!["1e-3 cm^2/s", "0.01 cm^2/s", "0.1 cm^2/s", "1 cm^2/s"]),
            ("10 µm", "1 mm", 3, vec!["10 µm", "100 µm", "1000 µm"]),
            ("1E-2", "1", 3, vec!["1E-2", "0.1", "1"]),
        ] {
            let text = format!("[sweep]\n\"a.b\" = {{ from = \"{from}\", to = \"{to}\", points = {points} }}\n");
            let axes = Scenario::from_text("x", &text).axes().unwrap();
            let values: Vec<_> =
                axes[0].values.iter().map(|change| change.value.as_str().unwrap().to_owned()).collect();
            assert_eq!(values, expected);
        }
    }

    #[test]
    fn impossible_axes_point_at_their_line() {
        for (text, message) in [
            ("[sweep]\n\"a.b\" = []\n", "has no values"),
            ("[sweep]\n\"a.b\" = 3\n", "needs several values"),
            ("[sweep]\n\"a.b\" = { from = 1, to = 2 }\n", "either `step` or `points`"),
            ("[sweep]\n\"a.b\" = { from = 1, to = 2, setp = 1 }\n", "unknown key `setp`"),
            ("[sweep]\n\"a.b\" = { from = 1, to = 2, step = 0 }\n", "cannot be zero"),
            ("[sweep]\n\"set.b\" = [1]\n", "cannot be swept"),
        ] {
            let error = Scenario::from_text("x", text).axes().unwrap_err();
            assert!(error.message().contains(message) && error.line() == Some(2), "{error}");
        }
    }
}
