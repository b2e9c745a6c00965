//! The default model on real skin: rest is exact everywhere, and the coupled model converges with the order of its method.

use std::sync::Arc;

use dermasim::catalogue::{self, Kind};
use dermasim::scenario::{Method, Plan, Scenario, Stepping};
use dermasim::simulate;
use dermasim::skin::Skin;
use dermasim::stepper::Stepper;
use dermasim::units::DAY;

/// Every module on: bacteria, drug and ink are fields of the default model.
fn plan(tissue: &str, more: &str) -> Arc<Plan> {
    let text = format!("tissue = \"{tissue}\"\n{more}");
    Arc::new(Scenario::from_text("test", &text).plan().unwrap_or_else(|error| panic!("{error}")))
}

fn stepping(tolerance: f64, fixed: Option<f64>) -> Stepping {
    Stepping { method: Method::Implicit, tolerance, longest: 30.0 * DAY, fixed }
}

/// The largest deviation of any field from its rest.
fn deviation(skin: &Skin) -> (f64, String) {
    let layout = skin.layout;
    let rested = skin.at_rest();
    let mut worst = (0.0, String::new());
    let mut note = |off: f64, name: &str| {
        if off.is_nan() || off > worst.0 {
            worst = (off, name.to_owned());
        }
    };
    for (f, field) in skin.compiled.volume.iter().enumerate() {
        for z in 0..layout.nz {
            let row = layout.row(z, f);
            let far = skin.state[row.clone()].iter().zip(&rested.state[row]).map(|(a, b)| (a - b).abs());
            note(far.fold(0.0, f64::max), &field.name);
        }
    }
    for (f, field) in skin.compiled.surface.iter().enumerate() {
        let row = layout.surface_row(f);
        let far = skin.state[row.clone()].iter().zip(&rested.state[row]).map(|(a, b)| (a - b).abs());
        note(far.fold(0.0, f64::max), &field.name);
    }
    for (row, rest) in skin.quasi.chunks(layout.stride).zip(&skin.quasi_rest) {
        note(row[..layout.plane].iter().map(|value| (value - rest).abs()).fold(0.0, f64::max), "a quasi-steady field");
    }
    worst
}

/// Every site of the catalogue, one column of `cells` each, at rest.
fn sites(cells: usize) -> Vec<(String, Skin)> {
    let names: Vec<String> = catalogue::list(Kind::Tissue).into_iter().map(|entry| entry.name).collect();
    assert!(names.len() >= 8, "{names:?}");
    let grid = format!("[grid]\ngeometry = \"section\"\nwidth = \"0.5 mm\"\ncells = {cells}\n");
    let real = names.into_iter().filter(|name| name != "uniform");
    real.map(|name| {
        let skin = simulate::begin(&plan(&name, &grid), None).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, skin)
    })
    .collect()
}

#[test]
fn every_tissue_rests_for_a_year() {
    for (site, mut skin) in sites(4) {
        let mut stepper = Stepper::new(&mut skin, &stepping(1e-3, None)).expect("a balance at rest");
        stepper.advance(&mut skin, 365.25 * DAY, &mut |_, _| true).expect("rest can be stepped");
        let (worst, field) = deviation(&skin);
        assert!(worst <= 1e-10, "{site}: `{field}` moved by {worst:.2e} in a year");
    }
}

#[test]
fn every_tissue_rests_through_ten_thousand_small_steps() {
    for (site, mut skin) in sites(1) {
        let mut stepper = Stepper::new(&mut skin, &stepping(1e-3, Some(60.0))).expect("a balance at rest");
        stepper.advance(&mut skin, 60.0 * 1e4, &mut |_, _| true).expect("rest can be stepped");
        assert_eq!(stepper.count.accepted, 10_000);
        let (worst, field) = deviation(&skin);
        assert!(worst <= 1e-10, "{site}: `{field}` moved by {worst:.2e}");
    }
}

#[test]
fn the_full_model_converges_with_order_two_or_more() {
    // From a smooth state, three days after a puncture, over one day with fixed steps.
    let plan = plan(
        "cheek",
        "[needling]\ndevice = \"skinpen\"\nlength = \"1.5 mm\"\n[grid]\nstrata = 1\nspacing = \"12 um\"\n",
    );
    let needling = dermasim::needling::injure(&plan, 0, 1).expect("needling");
    let mut skin = simulate::begin(&plan, Some(&needling)).expect("a skin");
    let mut stepper = Stepper::new(&mut skin, &stepping(1e-5, None)).expect("a balance at rest");
    skin.receive(&needling).expect("an injury");
    stepper.restart(&mut skin).expect("a balance");
    stepper.advance(&mut skin, 3.0 * DAY, &mut |_, _| true).expect("steps");
    let run = |steps: f64| {
        let mut skin = skin.clone();
        let mut stepper = Stepper::new(&mut skin, &stepping(1.0, Some(DAY / steps))).expect("a balance");
        stepper.restart(&mut skin).expect("a balance");
        stepper.advance(&mut skin, 4.0 * DAY, &mut |_, _| true).expect("steps");
        skin
    };
    let fine = run(256.0);
    let scale: Vec<f64> = (0..fine.layout.fields)
        .map(|f| {
            let rows = (0..fine.layout.nz).flat_map(|z| fine.state[fine.layout.row(z, f)].iter());
            rows.copied().fold(0.0, f64::max)
        })
        .collect();
    let error = |skin: &Skin| {
        let layout = skin.layout;
        let mut total = 0.0;
        for (f, scale) in scale.iter().enumerate().filter(|(_, scale)| **scale > 1e-6) {
            for z in 0..layout.nz {
                let row = layout.row(z, f);
                let off = skin.state[row.clone()].iter().zip(&fine.state[row]).map(|(a, b)| (a - b).abs()).sum::<f64>();
                total += off / scale / (layout.nz * layout.plane) as f64;
            }
        }
        total
    };
    let errors: Vec<f64> = [8.0, 16.0, 32.0].iter().map(|steps| error(&run(*steps))).collect();
    let orders = [(errors[0] / errors[1]).log2(), (errors[1] / errors[2]).log2()];
    assert!(orders.iter().all(|order| *order > 1.9), "orders {orders:?}, errors {errors:?}");
}
