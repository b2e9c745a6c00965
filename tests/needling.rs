//! Needle mechanics against what was measured, against identities, and against what must hold whatever the numbers.
//!
//! Tests are named after the rows of the validation table. Rows that were used to choose constants (`fits`) and rows that hold
//! by construction (`identities`) stand apart from those that can fail (`measured`), and prove little. `tissue` holds the rows of
//! single strikes with one set of constants; `fits` and `identities` also keep those of the lumped model.

mod common;

#[path = "needling/fits.rs"]
mod fits;
#[path = "needling/identities.rs"]
mod identities;
#[path = "needling/measured.rs"]
mod measured;
#[path = "needling/misses.rs"]
mod misses;
#[path = "needling/properties.rs"]
mod properties;
#[path = "needling/setting.rs"]
mod setting;
#[path = "needling/table.rs"]
mod table;
#[path = "needling/tissue.rs"]
mod tissue;
