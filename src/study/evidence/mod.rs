//! Evidence: published observations, each a scenario with what was seen, run and compared.
//!
//! An observation is one file in `scenarios/evidence/`: a scenario as any other, and a table `[evidence]` that says what was
//! seen, by whom, how good that evidence is, and in which band a reading of the simulation has to lie:
//!
//! ```toml
//! [evidence]
//! id = "V8"
//! what = "Redness after needles of 1.5 mm"
//! source = "…"
//! grade = "B"                    # A controlled, human; B series, biopsies, animals; C in vitro, expert opinion
//! group = "response"             # response, sign, needling, quantity
//! kind = "observation"           # observation, fit, identity
//! used_in_tuning = "no"          # no, by hand, fit
//!
//! [evidence.runs]                # the scenario with changes, by name; one unnamed run if this is left out
//! short = { "needling.length" = "0.5 mm" }
//!
//! [[evidence.band]]
//! what = "redness at 48 h against its largest"
//! value = "at(erythema, [48 h]) / peak(erythema)"
//! at_most = 0.35
//! ```
//!
//! What was measured as a number is told on both sides. Below a row's `source` stand `reference` (its DOI, else `pmid:` or `pmc`
//! with a number), `read` (what of it was really read: `full text`, `abstract`, `review`, or `recalled`), `dose` and `depth` in
//! its own words, and `subjects`; in a band stand `measured`, its centre, and `spread`, the standard deviation between subjects,
//! or `standard_error`. With both and no bounds a reading is accepted within one spread. Half of the sources are set aside by a
//! rule, see [`aside`].
//!
//! See [`reading`] for what a reading may say. Rows that hold by construction (`identity`) or whose numbers were used to
//! choose constants (`fit`) are run and shown like the others, apart, and are left out of every percentage.

pub mod aside;
pub(crate) mod file;
mod find;
mod judge;
mod needle;
pub mod reading;
mod row;

pub use aside::Split;
pub use file::{Band, Group, Observation, ObservationGrade, ObservationKind, Read, Tuning};
pub(crate) use find::Shelf;
pub use find::{all, chosen, ids};
pub use judge::{ObservationBoard, ObservationFindings, Runner, judge, run_all, spreads, values};
pub use reading::Run;
pub use row::{ObservationRow, ReadingOutcome, Tally, tally};
