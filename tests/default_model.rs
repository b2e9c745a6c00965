//! The default model on real skin: rest is exact everywhere, and the coupled model converges with the order of its method.

use std::sync::Arc;

use dermasim::base::units::DAY;
use dermasim::engine::language::{self, Reduction, Region};
use dermasim::engine::medium::Medium;
use dermasim::engine::observe::Observer;
use dermasim::engine::stepper::Stepper;
use dermasim::engine::stepper::{Method, Stepping};
use dermasim::run;
use dermasim::scenario::{Plan, Scenario};
use dermasim::skin::catalogue::{self, CatalogueKind};
use dermasim::skin::injury;

/// Every module on: bacteria, drug and ink are fields of the default model.
fn plan(tissue: &str, more: &str) -> Arc<Plan> {
    let text = format!("tissue = \"{tissue}\"\n{more}");
    Arc::new(Scenario::from_text("test", &text).plan().unwrap_or_else(|error| panic!("{error}")))
}

fn stepping(tolerance: f64, fixed: Option<f64>) -> Stepping {
    Stepping { method: Method::Implicit, tolerance, absolute: 1.0, longest: 30.0 * DAY, fixed }
}

/// The largest deviation of any field from its rest.
fn deviation(skin: &Medium) -> (f64, String) {
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
fn sites(cells: usize) -> Vec<(String, Medium)> {
    let names: Vec<String> = catalogue::list(CatalogueKind::Tissue).into_iter().map(|entry| entry.name).collect();
    assert!(names.len() >= 8, "{names:?}");
    let grid = format!("[grid]\ngeometry = \"section\"\nwidth = \"0.5 mm\"\ncells = {cells}\n");
    let real = names.into_iter().filter(|name| name != "uniform");
    real.map(|name| {
        let skin = run::begin(&plan(&name, &grid), None).unwrap_or_else(|error| panic!("{name}: {error}"));
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
    let needling = plan.needle(0, 1).expect("needling");
    let mut skin = run::begin(&plan, Some(&needling)).expect("a skin");
    let mut stepper = Stepper::new(&mut skin, &stepping(1e-5, None)).expect("a balance at rest");
    injury::receive(&mut skin, &needling).expect("an injury");
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
    let error = |skin: &Medium| {
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

/// A reduction as it is defined: cell by cell, each program by itself. With it, the sum of what was added without signs.
fn by_definition(reduction: &Reduction, skin: &Medium) -> (f64, f64) {
    let (view, plane, lateral) = (skin.view(), skin.layout.plane, skin.grid.lateral_weights());
    let (mut sum, mut size, mut weights, mut low, mut high) = (0.0, 0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY);
    for z in 0..skin.layout.nz {
        let (place, length) = match &reduction.region {
            Region::Surface => (0, if z == 0 { 1.0 } else { 0.0 }),
            Region::Depth { layers, from, to } => {
                let layer = skin.grid.layer[z];
                let length = skin.grid.z.faces[z + 1].min(*to) - skin.grid.z.faces[z].max(*from);
                (layer, if layers[layer] { length } else { 0.0 })
            }
        };
        if length <= 0.0 {
            continue;
        }
        let program = reduction.programs[place].as_ref().expect("a region has programs in all its layers");
        let mut out = vec![0.0; 2 * plane];
        view.run(program, z, 0..plane, &mut out, &mut Vec::new(), &|_| None);
        for ((value, weight), area) in out[..plane].iter().zip(&out[plane..]).zip(&lateral) {
            let weight = if reduction.kind == language::ReductionKind::Integral {
                length * area
            } else {
                weight * length * area
            };
            sum += value * weight;
            size += (value * weight).abs();
            weights += weight;
            if weight > 0.0 {
                (low, high) = (low.min(*value), high.max(*value));
            }
        }
    }
    let mean = |sum: f64| if weights > 0.0 { sum / weights } else { 0.0 };
    match reduction.kind {
        language::ReductionKind::Mean => (mean(sum), mean(size)),
        language::ReductionKind::Integral => (sum, size),
        language::ReductionKind::Maximum => (if high.is_finite() { high } else { 0.0 }, high.abs()),
        language::ReductionKind::Minimum => (if low.is_finite() { low } else { 0.0 }, low.abs()),
    }
}

#[test]
fn reductions_together_are_what_each_is_by_definition() {
    let plan = plan("cheek", "[needling]\ndevice = \"skinpen\"\nlength = \"1.5 mm\"\n[grid]\nspacing = \"12 um\"\n");
    let needling = plan.needle(0, 8).expect("needling");
    let mut skin = run::begin(&plan, Some(&needling)).expect("a skin");
    let mut stepper = Stepper::new(&mut skin, &stepping(5e-2, None)).expect("a balance at rest");
    injury::receive(&mut skin, &needling).expect("an injury");
    stepper.restart(&mut skin).expect("a balance");
    stepper.advance(&mut skin, 2.0 * DAY, &mut |_, _| true).expect("steps");
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| Observer::default().reduce(&skin))
    };
    let together = on(1);
    assert!(together.len() > 20);
    assert_eq!(together, on(3), "the same for any number of threads");
    for (index, (reduction, value)) in skin.compiled.reductions.iter().zip(&together).enumerate() {
        let (alone, size) = by_definition(reduction, &skin);
        // Sums of some ten thousand terms in another order differ by about the root of their number in roundings, a hundred;
        // products fused or not add a few.
        assert!(
            (value - alone).abs() <= 1e-13 * size,
            "reduction {index}: {value:e} together, {alone:e} alone, of {size:e}"
        );
    }
}
