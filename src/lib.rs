//! **dermasim** computes how skin responds to microneedling: how deep the needles go, which vessels they rupture, and how
//! inflammation, healing and collagen develop over months.
//!
//! Seven rooms and a door, in the order in which they build on each other; a room uses only those above it, and
//! `tests/architecture.rs` refuses a look uphill.
//!
//! | room | what it is |
//! |---|---|
//! | [`base`] | errors, units, sourced numbers, files, memory, the processor |
//! | [`engine`] | any reaction–drift–diffusion system in layers: language, grid, state, stepper, observation |
//! | [`skin`] | what makes it skin, and what a needle does to it: catalogue, mechanics, needling, injury, protocol |
//! | [`scenario`] | what was typed, and the plan that it means |
//! | [`run`] | one run: from event to event, and what it answers |
//! | [`study`] | many runs of one question: evidence, calibration, claims, practice |
//! | [`present`] | files, figures, reports |
//! | [`cli`] | a file for each command |
//!
//! Research software: nothing it computes is medical advice.

pub mod base;
pub mod engine;
pub mod skin;

pub mod scenario;

pub mod run;

pub mod study;

pub mod present;

pub mod cli;
