//! What needles leave stretched can drive the response: a field takes up the strain around a channel, and a rate follows it.

mod common;

use std::sync::Arc;

use common::{adaptive, layer, skin_on};
use dermasim::engine::grid::{Axis, Ends, Grid};
use dermasim::engine::stepper::Stepper;
use dermasim::skin::host::SessionNumbers;
use dermasim::skin::injury;
use dermasim::skin::mechanics::channel::{NeedleShape, Tip};
use dermasim::skin::needling::Puncture;

/// Fibroblasts wake where the tissue is stretched, which remodels away: a′ = k ε (1 − a), ε′ = −q ε.
const MODEL: &str = r#"
name   = "stretched"
what   = "Activation by the strain around a channel"
source = "made for this test"

[constant]
k = { value = "3 1/d", range = ["1 1/d", "9 1/d"], evidence = "assumed", source = "made for this test", what = "activation per strain" }
q = { value = "0.5 1/d", range = ["0 1/d", "1 1/d"], evidence = "assumed", source = "made for this test", what = "remodelling" }

[field.strain]
what = "hoop strain left around channels"
rest = 0

[field.active]
what = "active share"
rest = 0

[process.activation]
what    = "stretched cells wake"
changes = { active = "k * strain * (1 - active)" }

[process.remodelling]
what    = "strain fades"
changes = { strain = "-q * strain" }

[puncture.effect]
strain = "max(strain, residual_stretch - 1)"

[observable.active]
what  = "Active share, mean"
value = "mean(active, all)"
unit  = "1"
"#;

#[test]
fn residual_stretch_drives_a_rate() {
    let faces: Vec<f64> = (0..=50).map(|i| f64::from(i) * 1e-5).collect();
    let grid = Grid {
        kind: "cells",
        x: Axis::new(faces.clone(), Ends::Closed, true),
        y: Axis::even(1.0, 1, Ends::Closed),
        z: Axis::new(vec![0.0, 1e-3], Ends::Closed, false),
        exchange: None,
        layer: vec![0],
        layers: vec![layer("medium", 0.0, 1e-3, 1)],
    };
    let mut skin = skin_on(MODEL, Arc::new(grid), 0);
    let mut stepper = Stepper::new(&mut skin, &adaptive(1e-6)).expect("it rests");
    // A shank of 0.25 mm through and through, in skin that tears at a stretch of 1.4.
    let (shank_radius, wall_stretch) = (0.125e-3, 1.4);
    let puncture = Puncture {
        x: 0.0,
        y: 0.0,
        depth: 1.0,
        tilt: 0.0,
        azimuth: 0.0,
        needle: NeedleShape { tip: Tip::Cone, tip_radius: shank_radius, half_angle: 0.0, shank_radius },
        wall_stretch,
        drag: 0.0,
        cut: Default::default(),
        blood: Vec::new(),
        ruptures: [0.0; 4],
        strokes: 1,
        reach: 1.0,
    };
    injury::pierce(&mut skin, &[(Some(0), puncture)], &SessionNumbers::default()).expect("finite effects");
    stepper.restart(&mut skin).expect("a balance");
    let strain: Vec<f64> = skin.state[skin.layout.row(0, 0)].to_vec();
    // λ(r) = r/√(r² − ρ²) with the torn radius ρ, at most what tears; its mean over each ring.
    let torn: f64 = shank_radius / wall_stretch;
    for (ring, strained) in strain.iter().enumerate() {
        let (parts, mut sum, mut area) = (1000, 0.0, 0.0);
        for part in 0..parts {
            let r = faces[ring] + (f64::from(part) + 0.5) / f64::from(parts) * 1e-5;
            let stretch = if r <= torn { wall_stretch } else { (r / (r * r - torn * torn).sqrt()).min(wall_stretch) };
            sum += r * (stretch - 1.0);
            area += r;
        }
        let exact = sum / area;
        // Inside the ring where the stretch reaches its bound the samples of a cell see a kink.
        let allowed = if (8..14).contains(&ring) { 0.05 } else { 2e-3 };
        assert!((strained / exact - 1.0).abs() < allowed, "ring {ring}: {strained} is not {exact}");
    }
    stepper.advance(&mut skin, 2.0 * 86_400.0, &mut |_, _| true).expect("a step");
    for (ring, (active, strained)) in skin.state[skin.layout.row(0, 1)].iter().zip(&strain).enumerate() {
        let exact = 1.0 - (-3.0 * strained * (1.0 - (-0.5 * 2.0f64).exp()) / 0.5).exp();
        assert!((active - exact).abs() < 1e-5, "ring {ring}: {active} is not {exact}");
    }
    // Beyond the rings that are stretched as far as they bear, less and less.
    assert!(strain[14..].windows(2).all(|pair| pair[1] < pair[0]));
}

#[test]
fn a_field_that_nothing_changes_can_drive_another() {
    let start = MODEL.find("[process.remodelling]").expect("a process");
    let end = MODEL.find("[puncture.effect]").expect("an effect");
    let model = format!("{}{}", &MODEL[..start], &MODEL[end..]).replace("q = {", "unused = {");
    let model = model.replace("rest = 0\n\n[field.active]", "rest = 0\ninitial = 0.4\n\n[field.active]");
    let grid = Grid {
        kind: "point",
        x: Axis::even(1e-3, 1, Ends::Closed),
        y: Axis::even(1e-3, 1, Ends::Closed),
        z: Axis::new(vec![0.0, 1e-3], Ends::Closed, false),
        exchange: None,
        layer: vec![0],
        layers: vec![layer("medium", 0.0, 1e-3, 1)],
    };
    let mut skin = skin_on(&model, Arc::new(grid), 0);
    let mut stepper = Stepper::new(&mut skin, &adaptive(1e-6)).expect("it rests");
    stepper.advance(&mut skin, 86_400.0, &mut |_, _| true).expect("a step");
    let exact = 1.0 - (-3.0f64 * 0.4).exp();
    assert_eq!(skin.state[0], 0.4);
    assert!((skin.state[1] - exact).abs() < 1e-5, "{} is not {exact}", skin.state[1]);
}
