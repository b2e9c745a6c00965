//! What makes it skin, and what a needle does to it.
//!
//! * the [`catalogue`] reads tissues, devices, operators, lesions, agents, persons, rules and costs;
//! * a **strike** is one needle going in once ([`mechanics`]);
//! * a **session** is all strikes of one day: where they land, how deep they go, which vessels they meet ([`needling`]);
//! * a **puncture** is one hole that a session left, and [`injury`] is what it does to the fields;
//! * the [`host`] tells the engine what a puncture and a session hand over to a model;
//! * a **protocol** is how the skin is needled: device, operator, length, force, dose ([`protocol`]).
//!
//! It uses [`base`](crate::base) and [`engine`](crate::engine).

pub mod catalogue;

pub mod protocol;

pub mod mechanics;

pub mod needling;

pub mod host;
pub mod injury;

pub use host::model;
