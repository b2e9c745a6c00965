//! Scenarios (interface; the implementation is being written).
mod plan;
pub use plan::*;
