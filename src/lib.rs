//! **dermasim** computes how skin responds to microneedling: how deep the needles go, which vessels they rupture, and how
//! inflammation, healing and collagen develop over months.
//!
//! The modules stand in the order in which they depend on each other; a module uses only those above it.
//!
//! Research software: nothing it computes is medical advice.

pub mod error;
pub mod memory;
pub mod processor;
pub mod typeset;
pub mod units;

pub mod folder;

pub mod sourced;

pub mod language;

pub mod catalogue;

pub mod grid;

pub mod scenario;

pub mod mechanics;

pub mod needling;

pub mod skin;

pub mod stepper;

pub mod observe;

pub mod simulate;

pub mod practice;

pub mod study;

pub mod bench;

pub mod output;

pub mod evidence;

pub mod calibrate;

pub mod claims;

pub mod plot;
pub mod report;

pub mod cli;
