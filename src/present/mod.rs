//! What people see and keep: files, figures, reports.
//!
//! * the [`output`] of a run is a folder of tables, fields and a manifest;
//! * a **figure** is drawn by [`plot`], on sheets of panels;
//! * a **report** is figures and sentences on a page ([`report`]).
//!
//! It computes nothing: what it shows was computed by [`run`](crate::run) and [`study`](crate::study). It may use every room but
//! [`cli`](crate::cli).

pub mod output;

pub mod plot;

pub mod report;
