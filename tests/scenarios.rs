//! Every scenario of the project runs, in a shortened and coarsened variant; and Gray–Scott, as shipped, answers to the plain
//! explicit method.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dermasim::engine::grid::Geometry;
use dermasim::engine::stepper::{Method, Stepping};
use dermasim::run::{self, Outcome};
use dermasim::scenario::{Plan, Scenario};

fn plan(name: &str) -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    Scenario::read(&path).and_then(|scenario| scenario.plan()).unwrap_or_else(|error| panic!("{error}"))
}

/// The first `share` of a plan on a coarser grid.
fn shortened(mut plan: Plan, share: f64, resolution: f64) -> Plan {
    plan.end *= share;
    plan.resolution *= resolution;
    let end = plan.end;
    plan.looks.retain(|time| *time < end);
    plan.looks.push(end);
    plan.sessions.retain(|time| *time < end);
    plan.snapshots = vec![end];
    plan.signals.retain(|(time, ..)| *time < end);
    plan
}

fn run(plan: Plan) -> Outcome {
    let name = plan.name.clone();
    run::run(&Arc::new(plan), &mut |_| true).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_scenario_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("scenarios")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        let plan = plan(&name);
        let many = matches!(plan.geometry, Geometry::Tile { .. } | Geometry::Section { .. });
        let outcome = run(shortened(plan, 0.03, if many { 0.3 } else { 0.5 }));
        let sound = outcome.record.values.iter().flatten().all(|value| value.is_finite());
        assert!(sound && !outcome.record.values.is_empty(), "{name}: {:?}", outcome.record.values.last());
        let needled = !outcome.plan.sessions.is_empty();
        assert_eq!(needled, !outcome.control.values.is_empty(), "{name}: a control stands beside needling alone");
    }
}

#[test]
fn gray_scott_answers_to_the_explicit_method() {
    let with = |stepping: Stepping| {
        let mut plan = shortened(plan("gray-scott.toml"), 0.1, 0.25);
        plan.stepping = stepping;
        run(plan)
    };
    let implicit =
        with(Stepping { method: Method::Implicit, tolerance: 1e-5, absolute: 1.0, longest: 1e9, fixed: None });
    let explicit =
        with(Stepping { method: Method::Explicit, tolerance: 1e-6, absolute: 1.0, longest: 20.0, fixed: None });
    for ((name, _, ours), (_, _, plain)) in implicit.snapshots[0].fields.iter().zip(&explicit.snapshots[0].fields) {
        let far = ours.iter().zip(plain).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(far < 1e-4, "`{name}` differs by {far:.2e}");
    }
}
