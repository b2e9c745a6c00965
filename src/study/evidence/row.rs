//! A row of the table of evidence, and what the rows amount to.

use serde::Serialize;

use crate::study::evidence::aside::Split;
use crate::study::evidence::file::{Group, Observation, ObservationGrade, ObservationKind, Read, Tuning};

/// What a reading said.
#[derive(Debug, Clone, Serialize)]
pub struct ReadingOutcome {
    /// What was read.
    pub what: String,
    /// How, as written.
    pub formula: String,
    /// The unit of the numbers.
    pub unit: String,
    /// What came out; `None` if it never happened.
    pub value: Option<f64>,
    /// Standard deviation of what comes out between drawn persons and numbers, if any were drawn.
    pub value_spread: Option<f64>,
    /// Best estimate of what was seen.
    pub measured: Option<f64>,
    /// Standard deviation between subjects.
    pub spread: Option<f64>,
    /// How many subjects.
    pub subjects: Option<u32>,
    /// Smallest accepted value.
    pub at_least: Option<f64>,
    /// Largest accepted value.
    pub at_most: Option<f64>,
    /// Whether the value lies in the band.
    pub met: bool,
}

impl ReadingOutcome {
    /// How far the simulation is from what was measured, in standard deviations of both together.
    pub fn deviation(&self) -> Option<f64> {
        let spread = self.spread?.hypot(self.value_spread.unwrap_or(0.0));
        Some((self.value? - self.measured?) / spread)
    }
}

/// An observation and what the simulation makes of it.
#[derive(Debug, Clone, Serialize)]
pub struct ObservationRow {
    /// Short name.
    pub id: String,
    /// What was seen.
    pub what: String,
    /// By whom.
    pub source: String,
    /// The one name of the source.
    pub reference: Option<String>,
    /// What of it was read.
    pub read: Option<Read>,
    /// The dose as the source tells it.
    pub measured_dose: String,
    /// The depth of needles as the source tells it.
    pub measured_depth: String,
    /// How far its numbers can have reached the constants.
    pub split: Split,
    /// How good the evidence is.
    pub grade: ObservationGrade,
    /// What it is about.
    pub group: Group,
    /// What meeting it proves.
    pub kind: ObservationKind,
    /// Whether constants were chosen with it in view.
    pub used_in_tuning: Tuning,
    /// Its file.
    pub file: String,
    /// The dose of each run that differs.
    pub dose: Vec<String>,
    /// What was read.
    pub readings: Vec<ReadingOutcome>,
    /// Whether every reading lies in its band.
    pub met: bool,
    /// How it was read, or why it is missed.
    pub note: String,
}

impl ObservationRow {
    pub(super) fn new(observation: &Observation, dose: Vec<String>, readings: Vec<ReadingOutcome>) -> Self {
        Self {
            id: observation.id.clone(),
            what: observation.what.clone(),
            source: observation.source.clone(),
            reference: observation.reference.clone(),
            read: observation.read,
            measured_dose: observation.measured_dose.clone(),
            measured_depth: observation.measured_depth.clone(),
            split: observation.split,
            grade: observation.grade,
            group: observation.group,
            kind: observation.kind,
            used_in_tuning: observation.tuning,
            file: observation.path().display().to_string(),
            dose,
            met: readings.iter().all(|reading| reading.met),
            readings,
            note: observation.note.clone(),
        }
    }
}

/// How many rows of a kind are met.
#[derive(Debug, Clone, Serialize)]
pub struct Tally {
    /// Which rows, in words.
    pub of: &'static str,
    /// How many of them are met.
    pub met: usize,
    /// How many there are.
    pub all: usize,
    /// Of those never looked at when constants were chosen by `dermasim calibrate`: met and all.
    pub held_out: [usize; 2],
}

/// Counts rows, group by group; fits and identities apart.
pub fn tally(rows: &[ObservationRow]) -> Vec<Tally> {
    let groups = [
        ("response", Some(Group::Response), true),
        ("direction only", Some(Group::Sign), true),
        ("needling", Some(Group::Needling), true),
        ("quantities", Some(Group::Quantity), true),
        ("fits and identities", None, false),
    ];
    groups
        .into_iter()
        .map(|(of, group, counts)| {
            let own: Vec<&ObservationRow> = rows
                .iter()
                .filter(|row| {
                    (row.kind == ObservationKind::Observation) == counts && group.is_none_or(|group| row.group == group)
                })
                .collect();
            let met = |rows: &[&ObservationRow]| rows.iter().filter(|row| row.met).count();
            let unseen: Vec<&ObservationRow> =
                own.iter().copied().filter(|row| row.used_in_tuning != Tuning::Fit).collect();
            Tally { of, met: met(&own), all: own.len(), held_out: [met(&unseen), unseen.len()] }
        })
        .filter(|tally| tally.all > 0)
        .collect()
}
