//! What is kept of a run, whether it just ended or is read back from its folder: what figures, reports and comparisons see.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::error::{Error, Result};
use crate::base::folder::{AnswerFolder, short};
use crate::base::units::DAY;
use crate::engine::grid::Shape;
use crate::engine::observe::{Record, Snapshot};
use crate::present::output::manifest::About;
use crate::present::output::{file, table, zarr};
use crate::run::Outcome;
use crate::run::answer::{Answers, answers};
use crate::run::session::Session;
use crate::study::practice::Practice;

/// A run as figures and reports see it.
#[derive(Debug, Clone)]
pub struct KeptRun<'a> {
    /// What it was about.
    pub about: About,
    /// Time courses.
    pub record: Cow<'a, Record>,
    /// Time courses without needling.
    pub control: Cow<'a, Record>,
    /// The grid.
    pub shape: Cow<'a, Shape>,
    /// Fields kept.
    pub snapshots: Cow<'a, [Snapshot]>,
    /// What each session did mechanically.
    pub needling: Vec<Session>,
    /// The answers in numbers.
    pub answers: Answers,
    /// What it means in practice.
    pub practice: Practice,
    /// What of the answer is wrong, in sentences.
    pub faults: Vec<String>,
    /// Why the answer may be less exact than was asked.
    pub doubts: Vec<String>,
}

/// `summary.json`: the stable contract with programs that read results.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Contract {
    pub observables: Answers,
    pub needling: Sessions,
    pub provenance: Value,
    #[serde(default)]
    pub practice: Practice,
    #[serde(default)]
    pub faults: Vec<String>,
    #[serde(default)]
    pub doubts: Vec<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Sessions {
    pub sessions: Vec<Session>,
}

impl<'a> KeptRun<'a> {
    /// The view of a run that just ended.
    ///
    /// # Errors
    /// A rule of the plan speaks of a number that a session has not.
    pub fn of(outcome: &'a Outcome) -> Result<Self> {
        let times = outcome.plan.sessions.iter();
        Ok(Self {
            about: About::of(&outcome.plan),
            record: Cow::Borrowed(&outcome.record),
            control: Cow::Borrowed(&outcome.control),
            shape: Cow::Borrowed(&outcome.shape),
            snapshots: Cow::Borrowed(&outcome.snapshots),
            needling: outcome.needling.iter().zip(times).map(|(needling, time)| Session::of(needling, *time)).collect(),
            answers: answers(&outcome.record),
            practice: Practice::of(outcome)?,
            faults: outcome.faults.clone(),
            doubts: outcome.doubts.clone(),
        })
    }
}

impl KeptRun<'static> {
    /// The same with each observable in the unit in which `first` shows it, so that numbers of the two may be compared.
    ///
    /// # Errors
    /// An observable measures something else in the two.
    pub fn in_units_of(mut self, first: &Self) -> Result<Self> {
        for heading in &first.record.headings {
            let Some(column) = self.record.headings.iter().position(|own| own.name == heading.name) else { continue };
            let own = self.record.headings[column].unit.clone();
            if own.dimension != heading.unit.dimension {
                let (name, a, b) = (&heading.name, &first.about.name, &self.about.name);
                let message = format!(
                    "`{name}` is in {} in `{a}` and in {own} in `{b}`, which measure different things",
                    heading.unit
                );
                return Err(Error::input(message).help("compare runs whose observables of one name measure the same"));
            }
            let factor = own.factor / heading.unit.factor;
            if factor == 1.0 {
                continue;
            }
            for record in [&mut self.record, &mut self.control] {
                let record = record.to_mut();
                if let Some(own) = record.headings.get_mut(column) {
                    (own.unit, own.rest) = (heading.unit.clone(), own.rest * factor);
                }
                record.values.iter_mut().for_each(|row| row[column] *= factor);
            }
            if let Some(answer) = self.answers.get_mut(&heading.name) {
                answer.change_unit(&heading.unit, factor);
            }
        }
        Ok(self)
    }

    /// Reads a run back from its folder.
    ///
    /// # Errors
    /// The folder is not that of a finished run.
    pub fn read(folder: &Path) -> Result<Self> {
        let json = |name: &str| -> Result<Value> {
            let path = folder.join(name);
            serde_json::from_str(&file::read(&path)?).map_err(|cause| Error::file(&path, "read", cause.into()))
        };
        let path = folder.join("summary.json");
        if !path.is_file() {
            return Err(Error::file(&path, "read", std::io::ErrorKind::NotFound.into()));
        }
        let answer = AnswerFolder::open(folder).ok_or_else(|| {
            Error::input(format!("`{}` has no list of what was computed", short(folder))).help("run the scenario again")
        })?;
        // Looks can be changed without changing what was computed.
        let looks = ["figures/", "models/", "paraview/", "report.html"];
        answer.verify(|path| !looks.iter().any(|look| path.starts_with(look)))?;
        let contract: Contract =
            serde_json::from_value(json("summary.json")?).map_err(|cause| Error::file(&path, "read", cause.into()))?;
        let about: About = serde_json::from_value(json("manifest.json")?["run"].take())
            .map_err(|cause| Error::file(folder.join("manifest.json"), "read", cause.into()))?;
        let sessions: Vec<f64> = about.session_days.iter().map(|day| day * DAY).collect();
        let headings = table::read_headings(&folder.join("observables.csv"))?;
        let record = table::read_course(&folder.join("timecourse.csv"), headings.clone(), sessions)?;
        // Skin that was not needled is its own control and has no other.
        let course = folder.join("timecourse_control.csv");
        let control = if answer.holds("timecourse_control.csv") {
            table::read_course(&course, headings, Vec::new())?
        } else {
            Record::default()
        };
        let store = folder.join("fields.zarr");
        let (shape, mut snapshots) =
            if answer.holds_below("fields.zarr") { zarr::read(&store)? } else { Default::default() };
        if answer.holds("holes.csv") {
            read_holes(&folder.join("holes.csv"), &mut snapshots)?;
        }
        Ok(Self {
            about,
            record: Cow::Owned(record),
            control: Cow::Owned(control),
            shape: Cow::Owned(shape),
            snapshots: Cow::Owned(snapshots),
            needling: contract.needling.sessions,
            answers: contract.observables,
            practice: contract.practice,
            faults: contract.faults,
            doubts: contract.doubts,
        })
    }
}

/// Writes the holes of every snapshot: which snapshot, its day, place and depth [mm].
pub(super) fn write_holes(path: &Path, snapshots: &[Snapshot]) -> Result<()> {
    let rows = snapshots.iter().enumerate().flat_map(|(index, snapshot)| {
        snapshot.marks.iter().map(move |hole| {
            let place = hole.iter().map(|metres| table::number(metres * 1e3));
            [index.to_string(), table::number(snapshot.time / DAY)].into_iter().chain(place).collect()
        })
    });
    table::write_csv(path, &["snapshot", "day", "x_mm", "y_mm", "depth_mm"], rows)
}

fn read_holes(path: &Path, snapshots: &mut [Snapshot]) -> Result<()> {
    let (_, rows) = table::read_csv(path)?;
    for row in rows {
        let numbers: Vec<f64> = row.iter().filter_map(|text| text.parse().ok()).collect();
        if let [index, _, x, y, depth] = numbers[..]
            && let Some(snapshot) = snapshots.get_mut(index as usize)
        {
            snapshot.marks.push([x * 1e-3, y * 1e-3, depth * 1e-3]);
        }
    }
    Ok(())
}
