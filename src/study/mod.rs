//! Studies: many runs of one question. Each run is on disk when it ends, and a study that was interrupted goes on where it
//! stopped.
//!
//! The function that runs a model is handed in, so that the machinery can be tried with a cheap one.

mod job;
mod pair;
mod refine;
mod runner;
mod statistics;

pub use job::{Job, fingerprint};
pub use pair::{Pair, pair};
pub use refine::{Errors, Levels, Refinement, Verdict};
pub use runner::{Board, Ended, each, run_all};
pub use statistics::{Correlations, ORDERS, chance, correlations, quantile, rank_correlation, ranks, standard_ranks};
