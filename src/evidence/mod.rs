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
//! group = "response"             # response, sign, needling
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
//! See [`reading`] for what a reading may say. Rows that hold by construction (`identity`) or whose numbers were used to
//! choose constants (`fit`) are run and shown like the others, apart, and are left out of every percentage.

pub(crate) mod file;
mod find;
mod judge;
mod needle;
pub mod reading;
mod row;

pub use file::{Band, Grade, Group, Kind, Observation, Run, Tuning};
pub(crate) use find::Shelf;
pub use find::{all, chosen, ids};
pub use judge::{Board, Findings, judge, run_all, values};
pub use row::{Reading, Row, Tally, tally};
