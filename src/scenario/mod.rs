//! Scenarios: what somebody typed, its sweep, and the plan it means.
//!
//! A **scenario** is a short TOML text that names a tissue, a device and a course of sessions. What was typed is kept apart
//! from what it means: a [`Scenario`] has options and defaults, a [`Plan`] has none of them. Changes (`--set`, the `[set]`
//! table, the points of a sweep) are made to the texts, so that whatever can be written can be changed.
//!
//! * **options** are what a scenario may say; `resolve` decides what each means or says what is wrong with it, with its line;
//! * the **dose** is how much is needled: holes per area, passes, or time per area;
//! * a **point** is one run of a sweep, a **sample** one of an ensemble, each a scenario of its own;
//! * an **expectation** is a number that the answer is held against.
//!
//! It uses every room up to [`skin`](crate::skin).

mod change;
mod decide;
mod estimate;
mod expect;
mod files;
mod geometry;
mod keyed;
mod overlay;
mod plan;
mod range;
mod resolve;
mod sample;
mod schedule;
mod sweep;
mod timeline;
mod written;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use change::{Change, ROOTS};
pub use estimate::{Estimate, shown_bytes, shown_duration};
pub use expect::{Expectation, ExpectationVerdict};
pub use files::{ModelFile, ModelNumber};
pub use plan::*;
pub use range::{MOST_POINTS, points};
pub use sample::{Draw, WIDE, design};
pub use sweep::{SweepAxis, SweepRun};

use crate::base::error::{Result, Source, read_toml};

/// A scenario as typed, with the changes asked for on top of it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Short name, that of the file.
    pub name: String,
    /// The folder from which it names other files.
    pub folder: PathBuf,
    /// The text as written.
    pub source: Arc<Source>,
    /// Changes in the order in which they apply, after those of the file's own `[set]`.
    pub changes: Vec<Change>,
    /// Whether the file as written was found to make sense, as that of a study is before its points are.
    pub(crate) sound: bool,
}

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// The file cannot be read. Whether it makes sense is seen by [`Scenario::plan`].
    pub fn read(path: &Path) -> Result<Self> {
        let source = files::read_text(path)?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(Self { name: files::stem(path), folder, source, changes: Vec::new(), sound: false })
    }

    /// A scenario that is not in a file. Paths in it are taken from the current folder.
    pub fn from_text(name: &str, text: &str) -> Self {
        let source = Source::new(format!("{name}.toml"), text);
        Self { name: name.to_owned(), folder: PathBuf::new(), source, changes: Vec::new(), sound: false }
    }

    /// The scenario with more changes.
    #[must_use]
    pub fn with(&self, changes: impl IntoIterator<Item = Change>) -> Self {
        let mut changed = self.clone();
        changed.changes.extend(changes);
        changed
    }

    /// What the scenario means, its sweep left aside. The file is checked as written first, so that its own faults are told
    /// with their own lines; then each change that breaks it is named.
    ///
    /// # Errors
    /// Anything wrong in the scenario, in a model file it uses, or in a change.
    pub fn plan(&self) -> Result<Plan> {
        let own = self.own_changes()?;
        let all: Vec<&Change> = own.iter().chain(&self.changes).collect();
        if !self.sound || all.is_empty() {
            let plain = self.meaning(&[])?;
            if all.is_empty() {
                return Ok(plain);
            }
        }
        self.meaning(&all).map_err(|error| {
            // The first change without which all was well.
            let guilty = (1..all.len()).find(|&count| self.meaning(&all[..count]).is_err()).unwrap_or(all.len());
            match self.meaning(&all[..guilty]) {
                Err(first) => all[guilty - 1].blame(&first),
                Ok(_) => all[all.len() - 1].blame(&error),
            }
        })
    }

    /// The scenario of a point of a study, whose own was looked at before.
    fn point(&self, changes: impl IntoIterator<Item = Change>) -> Self {
        Self { sound: true, ..self.with(changes) }
    }

    /// What decides the answer of this scenario, as one text: scenarios with the same key have the same answer, as long as the
    /// model files stay as they are. Names, questions and what others read off the answer are left out.
    ///
    /// # Errors
    /// The text is no TOML, or a change cannot be made to it.
    pub fn key(&self) -> Result<String> {
        const ASIDE: [&str; 9] =
            ["name", "question", "evidence", "claim", "sweep", "expect", "population", "uncertainty", "set"];
        let own = self.own_changes()?;
        let all: Vec<&Change> = own.iter().chain(&self.changes).collect();
        let in_scenario: Vec<&Change> = all.iter().copied().filter(|change| !change.in_model()).collect();
        let mut options: toml::Table = read_toml(&self.changed(&in_scenario)?)?;
        options.retain(|name, _| !ASIDE.contains(&name));
        let mut key = format!("{}\n{}", self.folder.display(), sorted(&toml::Value::Table(options)));
        for change in all.iter().filter(|change| change.in_model()) {
            key.push('\n');
            key.push_str(&change.shown());
        }
        Ok(key)
    }

    /// The `[set]` table of the file.
    fn own_changes(&self) -> Result<Vec<Change>> {
        let never = |_: &dyn toml_edit::TableLike| false;
        keyed::entries(&self.source, "set", never)?
            .into_iter()
            .map(|entry| Change::new(entry.path, entry.value, (self.source.clone(), entry.span)))
            .collect()
    }

    /// The plan with these changes and no others.
    fn meaning(&self, changes: &[&Change]) -> Result<Plan> {
        let (in_model, in_scenario): (Vec<&Change>, Vec<&Change>) =
            changes.iter().partition(|change| change.in_model());
        resolve::resolve(&self.name, &self.folder, &self.changed(&in_scenario)?, &in_model)
    }

    /// The text with these changes of its options.
    fn changed(&self, changes: &[&Change]) -> Result<Arc<Source>> {
        if changes.is_empty() {
            return Ok(self.source.clone());
        }
        let mut document = keyed::document(&self.source)?;
        for change in changes {
            change.apply_to_scenario(&mut document)?;
        }
        Ok(Source::new(self.source.name.clone(), document.to_string()))
    }
}

/// A value with the keys of its tables in order.
fn sorted(value: &toml::Value) -> String {
    match value {
        toml::Value::Table(table) => {
            let entries: std::collections::BTreeMap<&String, String> =
                table.iter().map(|(key, value)| (key, sorted(value))).collect();
            format!("{entries:?}")
        }
        other => other.to_string(),
    }
}
