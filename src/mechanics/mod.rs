//! Mechanics of needles in layered skin, computed from the tissue itself.

pub mod band;
pub mod contact;
pub mod elastic;
