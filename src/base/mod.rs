//! What every room needs and nothing in it knows what it is needed for.
//!
//! * an **error** names file, line, key and value, and says what to write ([`error`]);
//! * a **quantity** is a number with a [unit](units); inside, every number is in SI units;
//! * a **sourced** number carries value, unit, source, evidence and range ([`sourced`]);
//! * an **answer** on disk appears whole or not at all, and only [`folder`] moves or removes files;
//! * [`memory`] counts and aligns, [`processor`] picks the vector instructions, [`typeset`] turns formulas into pictures of them.
//!
//! It uses the standard library and crates alone.

pub mod error;
pub mod memory;
pub mod processor;
pub mod typeset;
pub mod units;

pub mod folder;

pub mod sourced;
