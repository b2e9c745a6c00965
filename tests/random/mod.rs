//! Models that are drawn, and a plain method that solves them.

pub mod draw;
pub mod model;
pub mod plain;
