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
//! # Words
//!
//! | word | means |
//! |---|---|
//! | model | fields, constants and processes in a file; *compiled* it is programs for one medium |
//! | constant | a number of a model, with value, unit, source, evidence and range |
//! | field | a value at every cell (*volume*), at every place of the top (*surface*), or in balance at every moment (*quasi-steady*) |
//! | process | what a rate takes from some fields and gives to others |
//! | signal | a number that the scenario sets and changes at stated times |
//! | observable | a mean, integral, extreme or flux over a region, with a unit, at every output time |
//! | medium | layers, grid, model and the state of all fields |
//! | state | the values of all fields at one moment |
//! | cell, face | a finite volume, and what it shares with its neighbour; a *place* is a column of cells seen from above |
//! | unit cell | a radial piece of skin around one hole; a *class* of them stands for holes of like depth |
//! | tile, section | a piece of skin with holes where they fell; a plane through one |
//! | face flux | what passes a face per area and time |
//! | step, stage | an advance in time within the error asked for; one evaluation and solve within it |
//! | Jacobian | derivatives of rates by fields, found symbolically |
//! | tolerance | the relative error allowed to a step; *absolute* is its floor, as a part of the size a field has had |
//! | event | what happens at a moment: a session, an act of the model, a change of a signal |
//! | host, act | who changes a medium between steps, and what it does; skin's acts are puncture and session |
//! | strike | one needle going in once, as mechanics |
//! | puncture | one hole that a session left: place, depth, width, tilt, what it cut |
//! | session | all strikes of one day; a *course* is sessions with their spacing |
//! | dose | how much is needled: holes per area, passes, or time per area |
//! | protocol | how skin is needled: device, operator, length, force, speed, dose |
//! | scenario, plan | what somebody typed; what it means, with every default decided |
//! | point | one run of a sweep |
//! | ensemble member | one run with numbers drawn; of a *population* persons differ, under *uncertainty* constants |
//! | outcome, answer | all that a run computed; what is kept of it in a folder |
//! | study, job | many runs of one question; one of them, known by its content |
//! | observation, reading | what somebody measured; the same quantity read off runs |
//! | evidence | how a number or an observation is known: measured, derived, tuned, assumed; grades A to C |
//! | claim, verdict | a statement that people make; supported, contested, weak, or not decidable |
//! | manifest | the list of an answer's files with their hashes; only what it names is ever removed |
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
