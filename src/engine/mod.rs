//! Any system of reactions, drift and diffusion in layers: ∂(ρu)/∂t = ∇·(ρD∇u − ρvu − ρχu∇s) + ρR(u).
//!
//! * a **model** is a file of fields, constants and processes; [`language`] checks it and makes **programs** of it;
//! * the [`grid`] is finite volumes: a point, unit cells, a section or a tile, each a stack of **layers**;
//! * the [`medium`] holds every field: in the volume, on the surface, or quasi-steady;
//! * the [`stepper`] carries the state from one moment to the next within a stated error;
//! * an **observable** is a mean, an integral, an extreme or a flux that [`observe`] reads off the state.
//!
//! It uses [`base`](crate::base) alone. What happens between steps is up to the host: it changes the state and lets the stepper
//! begin again.

pub mod language;

pub mod grid;

pub mod medium;

pub mod stepper;

pub mod observe;
