//! The uncorrected equations in one uniform layer against an independent implementation: `tests/data/reference` holds its
//! numbers and the command that made them. Every area-averaged field must lie within 1 % of its largest excursion at every
//! stored time.

mod common;

use std::sync::Arc;

use common::*;
use dermasim::base::units::DAY;
use dermasim::engine::grid::{Axis, Ends, Grid};
use dermasim::engine::stepper::Stepper;
use dermasim::skin::host::SessionNumbers;
use dermasim::skin::injury;
use dermasim::skin::mechanics::channel::{NeedleShape, Tip};
use dermasim::skin::needling::Puncture;
use serde_json::Value;

#[test]
fn an_independent_implementation_agrees() {
    let stored: Value = serde_json::from_str(include_str!("data/reference/unit_cell.json")).expect("valid JSON");
    let numbers =
        |value: &Value| -> Vec<f64> { value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect() };
    let faces: Vec<f64> = numbers(&stored["faces_mm"]).iter().map(|mm| mm * 1e-3).collect();
    let single = Axis::even(1.0, 1, Ends::Closed);
    let grid = Grid {
        kind: "cells",
        x: Axis::new(faces, Ends::Closed, true),
        y: single,
        z: Axis::new(vec![0.0, 1e-3], Ends::Closed, false),
        exchange: None,
        layer: vec![0],
        layers: vec![layer("medium", 0.0, 1e-3, 1)],
    };
    let mut skin = skin_on(include_str!("../models/response/uncorrected.toml"), Arc::new(grid), 0);
    let mut stepper = Stepper::new(&mut skin, &adaptive(1e-4)).expect("rest has a balance");
    let needle = NeedleShape { shank_radius: 0.125e-3, tip_radius: 0.125e-3, ..upright().needle };
    let puncture = Puncture { depth: 1.0, needle, ..upright() };
    injury::pierce(&mut skin, &[(Some(0), puncture)], &SessionNumbers::default()).expect("finite effects");
    stepper.restart(&mut skin).expect("a balance");
    let mut misses = Vec::new();
    for (n, day) in numbers(&stored["days"]).iter().enumerate() {
        stepper.advance(&mut skin, day * DAY, &mut |_, _| true).expect("a step");
        for (f, field) in skin.compiled.volume.iter().enumerate() {
            let about = &stored["fields"][&field.name];
            let value = content(&skin, f) / 1e-3;
            let expected = about["mean"][n].as_f64().unwrap_or_else(|| panic!("`{}` is stored", field.name));
            let excursion = about["max_excursion"].as_f64().unwrap();
            let off = (value - expected).abs() / excursion;
            if off > 0.01 {
                misses.push(format!(
                    "{} on day {day}: {value:.6} is not {expected:.6} ({:.2} %)",
                    field.name,
                    100.0 * off
                ));
            }
        }
    }
    assert!(misses.is_empty(), "{}\nafter {:?}", misses.join("\n"), stepper.count);
}

fn upright() -> Puncture {
    Puncture {
        x: 0.0,
        y: 0.0,
        depth: 0.0,
        tilt: 0.0,
        azimuth: 0.0,
        needle: NeedleShape { tip: Tip::Cone, tip_radius: 0.0, half_angle: 0.0, shank_radius: 0.0 },
        wall_stretch: 1.4,
        drag: 0.0,
        cut: Default::default(),
        blood: Vec::new(),
        ruptures: [0.0; 4],
        strokes: 1,
        reach: 0.0,
    }
}
