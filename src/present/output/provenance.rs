//! Which numbers an answer rests on, and what those rest on.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::error::Result;
use crate::base::sourced::{Counts, Evidence, Sourced};
use crate::present::output::table;
use crate::scenario::Plan;

/// One number of a model, tissue, device or operator that a run used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvenanceNumber {
    /// Where it belongs and its name, as "tissue cheek: papillary_dermis.thickness".
    pub name: String,
    /// The value as written, with its unit.
    pub value: String,
    /// What it rests on.
    pub evidence: Evidence,
    /// Whether the source was read for it, not recalled.
    pub checked: bool,
    /// Where it is from.
    pub source: String,
    /// What it is, in words.
    pub what: String,
}

/// All numbers a run used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// In the order in which they were named.
    pub numbers: Vec<ProvenanceNumber>,
}

impl ProvenanceNumber {
    /// A sourced number under a name.
    pub fn of(name: impl Into<String>, sourced: &Sourced) -> Self {
        Self {
            name: name.into(),
            value: sourced.text.clone(),
            evidence: sourced.evidence,
            checked: sourced.checked,
            source: sourced.source.clone(),
            what: sourced.what.clone(),
        }
    }

    /// The word it is counted under.
    pub fn standing(&self) -> &'static str {
        match self.evidence {
            Evidence::Measured if self.checked => "measured",
            Evidence::Measured => "unchecked",
            Evidence::Derived => "derived",
            Evidence::Tuned => "tuned",
            Evidence::Assumed => "assumed",
        }
    }
}

impl Provenance {
    /// The numbers a plan rests on.
    pub fn of(plan: &Plan) -> Self {
        let numbers = plan.origin.numbers.iter().map(|number| ProvenanceNumber {
            name: format!("{}: {}", number.file, number.key),
            value: number.text.clone(),
            evidence: number.evidence,
            checked: number.checked,
            source: number.source.clone(),
            what: number.what.clone(),
        });
        Self { numbers: numbers.collect() }
    }

    /// Counts the numbers by what they rest on.
    pub fn counts(&self) -> Counts {
        let count = |standing: &str| self.numbers.iter().filter(|number| number.standing() == standing).count();
        Counts {
            total: self.numbers.len(),
            measured: count("measured"),
            derived: count("derived"),
            tuned: count("tuned"),
            assumed: count("assumed"),
            unchecked: count("unchecked"),
        }
    }

    /// Writes the numbers as a table.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let rows = self.numbers.iter().map(|number| {
            let ProvenanceNumber { name, value, checked, source, what, .. } = number;
            let standing = number.standing().to_owned();
            vec![name.clone(), value.clone(), standing, checked.to_string(), source.clone(), what.clone()]
        });
        table::write_csv(path, &["name", "value", "evidence", "checked", "source", "what"], rows)
    }

    /// Reads what [`Provenance::write`] wrote.
    ///
    /// # Errors
    /// The table is missing or has other columns.
    pub fn read(path: &Path) -> Result<Self> {
        let (_, rows) = table::read_csv(path)?;
        let numbers = rows.into_iter().filter_map(|row| <[String; 6]>::try_from(row).ok());
        let numbers = numbers.map(|[name, value, evidence, checked, source, what]| ProvenanceNumber {
            name,
            value,
            evidence: match evidence.as_str() {
                "measured" | "unchecked" => Evidence::Measured,
                "derived" => Evidence::Derived,
                "tuned" => Evidence::Tuned,
                _ => Evidence::Assumed,
            },
            checked: checked == "true",
            source,
            what,
        });
        Ok(Self { numbers: numbers.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recalled_number_never_counts_as_measured() {
        let number = |evidence, checked| ProvenanceNumber {
            name: "a, \"b\"".into(),
            value: "1 mm".into(),
            evidence,
            checked,
            source: "s".into(),
            what: String::new(),
        };
        let provenance = Provenance {
            numbers: vec![
                number(Evidence::Measured, true),
                number(Evidence::Measured, false),
                number(Evidence::Tuned, false),
            ],
        };
        let counts = Counts { total: 3, measured: 1, unchecked: 1, tuned: 1, ..Counts::default() };
        assert_eq!(provenance.counts(), counts);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provenance.csv");
        provenance.write(&path).unwrap();
        assert_eq!(Provenance::read(&path).unwrap(), provenance);
    }
}
