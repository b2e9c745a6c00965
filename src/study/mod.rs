//! Many runs of one question. Each run is on disk when it ends, and a study that was interrupted goes on where it stopped.
//!
//! * a **job** is one run, known by its content; [`run_all`] takes jobs to their ends;
//! * a [`Store`] keeps finished runs, known by their content, until the study is done;
//! * [`pair`] and [`Refinement`] compare runs, the statistics are those of ensembles;
//! * [`evidence`] holds runs against observations, [`calibrate`] looks for constants that meet them, [`claims`] asks whether a
//!   statement follows;
//! * [`practice`] reads off what a course means: recovery, pain, advice, money; [`bench`] measures the machine.
//!
//! The function that runs a model is handed in, so that the machinery can be tried with a cheap one. It uses every room up to
//! [`run`](crate::run).

mod job;
mod pair;
mod refine;
mod runner;
mod statistics;
mod store;

pub mod practice;

pub mod bench;

pub mod evidence;

pub mod calibrate;

pub mod claims;

pub use job::{Job, fingerprint};
pub use pair::{Pair, pair};
pub use refine::{Errors, Levels, Refinement, RefinementVerdict};
pub use runner::{Ended, JobBoard, each, run_all};
pub use statistics::{Correlations, ORDERS, chance, correlations, quantile, rank_correlation, ranks, standard_ranks};
pub use store::{Store, program};
