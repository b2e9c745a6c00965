//! What a scenario expects of its answer: `[expect]  "collagen_I.end" = { at_least = 1.05, at_most = 1.8 }`.
//!
//! A key names an observable and a number of its summary (rest, peak, peak_day, end, resolved_day), or a number of the
//! first session's needling (`needling.mean_depth`). Bounds are plain numbers in the unit of the summary, or texts with a unit.

use std::ops::Range;
use std::sync::Arc;

use toml_edit::{TableLike, Value};

use crate::base::error::{Error, Result, Source, suggestion};
use crate::base::units::{Quantity, Unit};
use crate::scenario::keyed::entries;

/// The numbers that the summary holds for each observable.
const STATISTICS: [&str; 5] = ["rest", "peak", "peak_day", "end", "resolved_day"];

/// A bound on one number of the summary.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// As written, as "collagen_I.end".
    pub key: String,
    path: Vec<String>,
    low: Option<ExpectedBound>,
    high: Option<ExpectedBound>,
    place: (Arc<Source>, Range<usize>),
}

/// A limit, in SI with its unit or in whatever unit the number has.
#[derive(Debug, Clone)]
enum ExpectedBound {
    Plain(f64),
    Measured(Quantity, String),
}

/// Whether an expectation was met.
#[derive(Debug, Clone)]
pub struct ExpectationVerdict {
    /// As written in the scenario.
    pub key: String,
    /// What came out; `None` if it never happened or does not exist.
    pub value: Option<f64>,
    /// The unit of the value.
    pub unit: String,
    /// The bounds as written.
    pub expected: String,
    /// Whether the value lies within the bounds.
    pub met: bool,
}

fn is_bounds(table: &dyn TableLike) -> bool {
    table.is_empty()
        || table.contains_key("at_least")
        || table.contains_key("at_most")
        || table.iter().all(|(_, i)| i.is_value() && !i.is_table_like())
}

/// The expectations of a scenario, checked against the observables of its model.
pub(super) fn expectations(source: &Arc<Source>, observables: &[&str]) -> Result<Vec<Expectation>> {
    let mut found = Vec::new();
    for entry in entries(source, "expect", is_bounds)? {
        let refuse = |message: String| source.refuse(entry.span.clone(), message);
        let key = entry.path.join(".");
        let Some((name, rest)) = entry.path.split_first() else { continue };
        if name != "needling" {
            if !observables.contains(&name.as_str()) {
                let known = observables.iter().copied().chain(["needling"]);
                return Err(refuse(format!("the model has no observable `{name}`"))
                    .help(suggestion(name, known.collect::<Vec<_>>())));
            }
            match rest {
                [statistic] if STATISTICS.contains(&statistic.as_str()) => {}
                [statistic] => {
                    return Err(refuse(format!("`{statistic}` is not a number of the summary"))
                        .help(suggestion(statistic, STATISTICS)));
                }
                _ => {
                    return Err(refuse(format!("`{key}` does not say which number of `{name}`"))
                        .help(format!("write \"{name}.end\" or \"{name}.peak\"")));
                }
            }
        }
        let Some(bounds) = entry.value.as_inline_table() else {
            return Err(refuse(format!("`{key}` needs bounds")).help("write { at_least = 1.0, at_most = 2.0 }"));
        };
        let (mut low, mut high) = (None, None);
        for (bound, value) in bounds.iter() {
            let read = ExpectedBound::read(value).map_err(|error| error.at(source, entry.span.clone()))?;
            match bound {
                "at_least" => low = Some(read),
                "at_most" => high = Some(read),
                other => {
                    return Err(
                        refuse(format!("unknown key `{other}`")).help(suggestion(other, ["at_least", "at_most"]))
                    );
                }
            }
        }
        match (&low, &high) {
            (None, None) => return Err(refuse(format!("`{key}` expects nothing")).help("write { at_least = 1.0 }")),
            (Some(ExpectedBound::Plain(low)), Some(ExpectedBound::Plain(high))) if low > high => {
                return Err(refuse(format!("nothing is at least {low} and at most {high}")));
            }
            _ => {}
        }
        found.push(Expectation { key, path: entry.path, low, high, place: (source.clone(), entry.span) });
    }
    Ok(found)
}

impl ExpectedBound {
    fn read(value: &Value) -> Result<Self> {
        match value {
            Value::Integer(whole) => Ok(Self::Plain(*whole.value() as f64)),
            Value::Float(number) if number.value().is_finite() => Ok(Self::Plain(*number.value())),
            Value::String(text) => Ok(Self::Measured(text.value().parse()?, text.value().clone())),
            _ => Err(Error::input("a bound is a finite number or a text with a unit")),
        }
    }

    /// The bound in `unit`.
    fn within(&self, unit: &Unit) -> Result<f64> {
        match self {
            Self::Plain(number) => Ok(*number),
            Self::Measured(quantity, _) => Ok(unit.of(quantity.expect(&unit.text)?)),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Plain(number) => number.to_string(),
            Self::Measured(_, text) => text.clone(),
        }
    }
}

impl Expectation {
    /// Compares with a summary (the content of `summary.json`).
    ///
    /// # Errors
    /// A bound has a unit that measures something else than the number.
    pub fn judge(&self, summary: &serde_json::Value) -> Result<ExpectationVerdict> {
        let in_needling = self.path[0] == "needling";
        let (mut found, path) = match in_needling {
            true => (&summary["needling"]["sessions"][0], &self.path[1..]),
            false => (&summary["observables"], &self.path[..]),
        };
        for part in path {
            found = &found[part.as_str()];
        }
        let unit = match self.path.last().map(String::as_str) {
            Some("peak_day" | "resolved_day") => "d",
            _ if in_needling => "1",
            _ => summary["observables"][&self.path[0]]["unit"].as_str().unwrap_or("1"),
        };
        // The needling's numbers are in SI units, whatever they measure.
        let bound = |bound: &Option<ExpectedBound>| match bound {
            Some(ExpectedBound::Measured(quantity, _)) if in_needling => Ok(Some(quantity.value)),
            Some(bound) => bound.within(&unit.parse()?).map(Some),
            None => Ok(None),
        };
        let at = |error: Error| error.at(&self.place.0, self.place.1.clone());
        let (low, high) = (bound(&self.low).map_err(at)?, bound(&self.high).map_err(at)?);
        let value = found.as_f64();
        let met = value.is_some_and(|v| low.is_none_or(|low| v >= low) && high.is_none_or(|high| v <= high));
        let expected = match (&self.low, &self.high) {
            (Some(low), Some(high)) => format!("{} to {}", low.text(), high.text()),
            (Some(low), None) => format!("at least {}", low.text()),
            (None, Some(high)) => format!("at most {}", high.text()),
            (None, None) => String::new(),
        };
        Ok(ExpectationVerdict {
            key: self.key.clone(),
            value,
            unit: if in_needling { "SI".into() } else { unit.to_owned() },
            expected,
            met,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_compared_in_the_unit_of_the_summary() {
        let text = "[expect]\n\"depth.end\" = { at_least = \"0.9 mm\", at_most = \"1.1 mm\" }\ndepth.peak_day = { at_most = 2 }\n\"needling.mean_depth\" = { at_least = \"1 mm\" }\n";
        let source = Source::new("x.toml", text);
        let found = expectations(&source, &["depth"]).unwrap();
        let summary = serde_json::json!({
            "observables": { "depth": { "unit": "um", "end": 1000.0, "peak_day": 3.0 } },
            "needling": { "sessions": [{ "mean_depth": 1.2e-3 }] },
        });
        let met: Vec<bool> = found.iter().map(|one| one.judge(&summary).unwrap().met).collect();
        assert_eq!(met, [true, false, true]);
    }

    #[test]
    fn an_unknown_observable_names_the_nearest() {
        let source = Source::new("x.toml", "[expect]\n\"collagen.ned\" = { at_least = 1 }\n");
        let error = expectations(&source, &["collagen"]).unwrap_err();
        assert_eq!(error.line(), Some(2));
        assert!(error.to_string().contains("did you mean `end`?"), "{error}");
    }
}
