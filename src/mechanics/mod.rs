//! Mechanics of needles in layered skin, computed from the tissue itself.

pub mod band;
pub mod cavity;
pub mod channel;
pub mod contact;
pub mod elastic;
pub mod puncture;
pub mod relax;
pub mod strike;
pub mod support;
pub mod surrogate;
