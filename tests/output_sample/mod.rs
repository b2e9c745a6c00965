//! A made-up run that looks like a real one, so that what is kept and shown can be tested without simulating.
#![allow(dead_code)]

use std::borrow::Cow;

use dermasim::base::sourced::Evidence;
use dermasim::base::units::DAY;
use dermasim::engine::grid::Shape;
use dermasim::engine::observe::{Heading, Record, Snapshot};
use dermasim::present::output::sweep::{Sweep, SweepPoint};
use dermasim::present::output::{About, KeptRun, Provenance, ProvenanceNumber};
use dermasim::run::RunCost;
use dermasim::run::answer;
use dermasim::run::session::{RupturesByDepth, Session};
use ndarray::Array3;

/// Days of the sessions.
pub const SESSIONS: [f64; 3] = [0.0, 28.0, 56.0];
const END: f64 = 270.0;

struct Shown(&'static str, &'static str, &'static str, f64, &'static str);

const OBSERVABLES: [Shown; 14] = [
    Shown("erythema", "1", "symptom", 0.0, "Redness"),
    Shown("swelling", "mm", "symptom", 0.0, "Thickening by oedema"),
    Shown("peeling", "1", "symptom", 0.0, "Scale on the surface"),
    Shown("itch", "1", "symptom", 0.0, "Itch index"),
    Shown("water_loss", "g/(m2 h)", "symptom", 12.0, "Transepidermal water loss"),
    Shown("collagen_I", "1", "gain", 1.0, "Collagen I, mean of the papillary dermis, relative to rest"),
    Shown("collagen_III", "1", "gain", 1.0, "Collagen III, mean of the papillary dermis, relative to rest"),
    Shown("elastin", "1", "gain", 1.0, "Elastin, mean of the dermis, relative to rest"),
    Shown("firmness", "1", "gain", 1.0, "Stiffness of the dermis, relative to rest"),
    Shown("scar_index", "1", "risk", 0.0, "Share of the way to a scar, 0 to 1"),
    Shown("bacteria", "CFU/cm2", "risk", 1000.0, "Bacteria on the surface"),
    Shown("pigment", "1", "risk", 0.0, "Darkening after inflammation"),
    Shown("clot", "1", "state", 0.0, "Clot in the channel"),
    Shown("neutrophils", "1/mm3", "state", 0.0, "Neutrophils in the dermis"),
];

fn course(name: &str, rest: f64, day: f64, strength: f64) -> f64 {
    let since = SESSIONS.iter().filter(|session| **session <= day).map(|session| day - session);
    let bump = |rise: f64, fall: f64| -> f64 {
        since.clone().map(|t| (1.0 - (-t / rise).exp()) * (-t / fall).exp()).sum::<f64>()
    };
    let gain = |delay: f64, fade: f64| -> f64 {
        since.clone().map(|t| (1.0 - (-t / delay).exp()) * (-t / fade).exp()).sum::<f64>()
    };
    rest + strength
        * match name {
            "erythema" => 0.9 * bump(0.1, 1.2),
            "swelling" => 0.25 * bump(0.3, 1.0),
            "peeling" => 0.6 * bump(2.0, 2.5),
            "itch" => 0.5 * bump(0.5, 3.0),
            "water_loss" => 30.0 * bump(0.02, 0.8),
            "collagen_I" => 0.17 * gain(30.0, 900.0),
            "collagen_III" => 0.15 * gain(10.0, 60.0) - 0.01 * gain(120.0, 500.0),
            "elastin" => -0.02 * gain(20.0, 400.0),
            "firmness" => 0.12 * gain(35.0, 700.0),
            "scar_index" => 0.02 * bump(8.0, 20.0),
            "bacteria" => 4e4 * bump(0.5, 1.5),
            "pigment" => 0.08 * bump(10.0, 25.0),
            "clot" => bump(0.01, 2.0),
            _ => 2.3e4 * bump(0.4, 0.9),
        }
}

/// Time courses with the given strength of response; 0 is the control.
pub fn record(strength: f64) -> Record {
    let headings = OBSERVABLES
        .iter()
        .map(|Shown(name, unit, group, rest, what)| Heading {
            name: (*name).into(),
            what: (*what).into(),
            unit: unit.parse().expect("a known unit"),
            group: (*group).into(),
            rest: *rest,
        })
        .collect();
    let mut days: Vec<(f64, bool)> = Vec::new();
    let mut day = 0.0;
    while day <= END {
        if strength > 0.0 && SESSIONS.contains(&day) {
            days.push((day, false));
        }
        days.push((day, true));
        let since = SESSIONS.iter().map(|session| day - session).filter(|since| *since >= 0.0).fold(f64::MAX, f64::min);
        day += if since < 7.0 { 0.125 } else { 1.0 };
    }
    let values = days
        .iter()
        .map(|(day, after)| {
            let moment = if *after { *day } else { *day - 1e-9 };
            OBSERVABLES.iter().map(|Shown(name, _, _, rest, _)| course(name, *rest, moment, strength)).collect()
        })
        .collect();
    let sessions = if strength > 0.0 { SESSIONS.map(|day| day * DAY).to_vec() } else { Vec::new() };
    Record { headings, times: days.iter().map(|(day, _)| day * DAY).collect(), values, acts: sessions }
}

fn layers() -> Vec<(String, f64, f64)> {
    let depths = [0.0, 0.015e-3, 0.09e-3, 0.25e-3, 1.7e-3, 3.0e-3];
    let names = ["stratum_corneum", "viable_epidermis", "papillary_dermis", "reticular_dermis", "subcutis"];
    names.iter().zip(depths.windows(2)).map(|(name, ends)| ((*name).to_owned(), ends[0], ends[1])).collect()
}

fn graded_depth() -> Vec<f64> {
    let mut faces: Vec<f64> = vec![0.0];
    let mut step = 3e-6;
    while faces[faces.len() - 1] < 3.0e-3 {
        faces.push((faces[faces.len() - 1] + step).min(3.0e-3));
        step = (step * 1.1f64).min(80e-6);
    }
    faces
}

/// Shape of unit cells with four classes of depth.
pub fn cells() -> Shape {
    let x = (0..=24).map(|i| 0.35e-3 * (f64::from(i) / 24.0).powf(1.4)).collect();
    let y = (0..=4).map(f64::from).collect();
    Shape { kind: "cells".into(), x, y, z: graded_depth(), layers: layers(), weights: vec![0.2, 0.4, 0.3, 0.1] }
}

/// Shape of a tile with several holes.
pub fn tile() -> Shape {
    let side: Vec<f64> = (0..=32).map(|i| 2e-3 * f64::from(i) / 32.0).collect();
    Shape { kind: "tile".into(), x: side.clone(), y: side, z: graded_depth(), layers: layers(), weights: Vec::new() }
}

/// Shape of a planar section.
pub fn section() -> Shape {
    let side: Vec<f64> = (0..=40).map(|i| 2e-3 * f64::from(i) / 40.0).collect();
    Shape { kind: "section".into(), y: vec![0.0, 1e-3], ..Shape { x: side, ..tile() } }
}

/// Shape of a single cell.
pub fn point() -> Shape {
    let one = vec![0.0, 1e-3];
    let layers = vec![("reticular_dermis".to_owned(), 0.0, 1e-3)];
    Shape { kind: "point".into(), x: one.clone(), y: one.clone(), z: one, layers, weights: Vec::new() }
}

/// Snapshots of three volume fields and a surface field.
pub fn snapshots(shape: &Shape) -> Vec<Snapshot> {
    let middle = |faces: &[f64]| faces.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect::<Vec<_>>();
    let (x, y, z) = (middle(&shape.x), middle(&shape.y), middle(&shape.z));
    let class_depths = [0.5e-3, 0.8e-3, 1.1e-3, 1.4e-3];
    let holes: Vec<[f64; 3]> = match shape.kind.as_str() {
        "cells" => class_depths.iter().map(|depth| [0.0, 0.0, *depth]).collect(),
        "point" => Vec::new(),
        _ => vec![
            [0.4e-3, 0.5e-3, 0.8e-3],
            [1.1e-3, 0.5e-3, 1.2e-3],
            [1.6e-3, 0.55e-3, 0.6e-3],
            [0.7e-3, 1.4e-3, 1.0e-3],
        ],
    };
    let near = |x: f64, class: usize, y: f64, z: f64, wide: f64| -> f64 {
        let add = |hole: &[f64; 3]| {
            let below = (z - hole[2]).max(0.0);
            let across = match shape.kind.as_str() {
                "cells" => x,
                "section" => x - hole[0],
                _ => (x - hole[0]).hypot(y - hole[1]),
            };
            (-(across.hypot(below) / wide).powi(2)).exp()
        };
        match shape.kind.as_str() {
            "cells" => add(&holes[class.min(3)]),
            _ => holes.iter().map(add).sum::<f64>().min(1.0),
        }
    };
    [0.0, 0.0, 1.0, 3.0, 14.0, 90.0, 270.0]
        .iter()
        .enumerate()
        .map(|(moment, day): (usize, &f64)| {
            let wounded = if moment == 0 { 0.0 } else { 1.0 };
            let field = |rest: f64, gain: f64, wide: f64, deep: bool| {
                Array3::from_shape_fn((z.len(), y.len(), x.len()), |(k, j, i)| {
                    let dermis = if deep && z[k] < 0.09e-3 && z.len() > 1 { 0.0 } else { 1.0 };
                    dermis * (rest + wounded * gain * near(x[i], j, y[j], z[k], wide))
                })
            };
            let clot = field(0.0, (-day / 3.0).exp(), 0.06e-3, false);
            let collagen = field(
                1.0,
                if *day == 0.0 { -0.9 } else { 0.5 * (1.0 - (-day / 40.0).exp()) - 0.9 * (-day / 9.0).exp() },
                0.12e-3,
                true,
            );
            let oxygen =
                Array3::from_shape_fn((z.len(), y.len(), x.len()), |(k, _, _)| 40.0 + 20.0 * (-z[k] / 1e-3).exp());
            let scale = Array3::from_shape_fn((1, y.len(), x.len()), |(_, j, i)| {
                wounded * near(x[i], j, y[j], 0.0, 0.1e-3) * (-day / 4.0).exp()
            });
            let one = || "1".parse().expect("a unit");
            Snapshot {
                time: day * DAY,
                fields: vec![
                    ("clot".into(), one(), clot),
                    ("collagen_I".into(), one(), collagen),
                    ("oxygen".into(), "kPa".parse().expect("a unit"), oxygen),
                    ("scale".into(), one(), scale),
                ],
                marks: if moment == 0 { Vec::new() } else { holes.clone() },
            }
        })
        .collect()
}

/// What a session did.
pub fn session(day: f64) -> Session {
    let bins = 34;
    let edges: Vec<f64> = (0..=bins).map(|edge| 5e-5 * f64::from(edge)).collect();
    let bell = |centre: f64, wide: f64| -> Vec<f64> {
        edges.windows(2).map(|pair| (-((0.5 * (pair[0] + pair[1]) - centre) / wide).powi(2)).exp()).collect()
    };
    let share = bell(0.9e-3, 0.25e-3);
    let total: f64 = share.iter().sum();
    let times = |factor: f64, values: Vec<f64>| values.into_iter().map(|value| factor * value).collect::<Vec<f64>>();
    let numbers = serde_json::json!({
        "set_length": 1.5e-3,
        "holes_per_area": 2.5e6,
        "dermal_holes_per_area": 2.43e6,
        "mean_depth": 0.9e-3,
        "depth_edges": edges,
        "depth_share": times(1.0 / total, share),
        "reached": { "papillary_dermis": 0.03, "reticular_dermis": 0.97 },
        "tear_index": 0.13,
        "rupture_probability": {
            "capillary_loops": 0.62, "superficial_plexus": 0.21, "mid_dermis": 0.034, "deep_plexus": 0.0004
        },
        "visible_bleeding_probability": 0.08,
        "blood_gate_exceeded": false,
        "notes": ["The dose is that of the device's own file."],
    });
    let per_puncture = [
        ("capillary_loops", times(0.3, bell(0.13e-3, 0.06e-3))),
        ("superficial_plexus", times(0.05, bell(0.4e-3, 0.1e-3))),
        ("mid_dermis", times(0.004, bell(0.9e-3, 0.3e-3))),
        ("deep_plexus", times(1e-5, bell(1.6e-3, 0.15e-3))),
    ];
    Session {
        day,
        rupture_by_depth: RupturesByDepth {
            edges,
            per_puncture: per_puncture.into_iter().map(|(name, values)| (name.to_owned(), values)).collect(),
        },
        numbers: numbers.as_object().cloned().unwrap_or_default(),
    }
}

/// A run on a grid, with a strength of response.
pub fn run(name: &str, shape: Shape, strength: f64) -> KeptRun<'static> {
    let record = record(strength);
    let answers = answer::answers(&record);
    let snapshots = snapshots(&shape);
    KeptRun {
        practice: Default::default(),
        faults: Vec::new(),
        doubts: Vec::new(),
        about: About {
            name: name.into(),
            question: "How does a cheek respond to three sessions at 1.5 mm <four weeks apart>?".into(),
            tissue: "cheek".into(),
            model: "default".into(),
            lesion: None,
            agents: Vec::new(),
            person: vec![("fitzpatrick".into(), "III".into()), ("sex".into(), "female".into())],
            age: 40.0,
            device: Some("skinpen".into()),
            operator: Some("dermatologist".into()),
            needle_length_mm: Some(1.5),
            geometry: "axisymmetric unit cells".into(),
            session_days: SESSIONS.to_vec(),
            end_day: END,
            seed: 7,
            warnings: Vec::new(),
        },
        record: Cow::Owned(record),
        control: Cow::Owned(self::record(0.0)),
        shape: Cow::Owned(shape),
        snapshots: Cow::Owned(snapshots),
        needling: SESSIONS.map(session).to_vec(),
        answers,
    }
}

/// What it cost.
pub fn cost() -> RunCost {
    let seconds = vec![("needling".into(), 0.1), ("stepping".into(), 3.0)];
    RunCost { steps: 900, rejected: 12, beyond: 0, repaired: Vec::new(), threads: 2, cells: 8000, fields: 25, seconds }
}

/// Numbers of all kinds.
pub fn provenance() -> Provenance {
    let number = |name: &str, value: &str, evidence, checked| ProvenanceNumber {
        name: name.into(),
        value: value.into(),
        evidence,
        checked,
        source: "Author 2006, table 2".into(),
        what: "decay of TGF-β".into(),
    };
    Provenance {
        numbers: vec![
            number("response default: d_T", "9.1 1/d", Evidence::Measured, true),
            number("response default: rho", "0.2 1/d", Evidence::Derived, true),
            number("response default: k_fm", "3 1/d", Evidence::Tuned, true),
            number("tissue cheek: thickness", "1.2 mm", Evidence::Measured, false),
            number("device skinpen: wobble", "20 µm", Evidence::Assumed, false),
        ],
    }
}

/// A sweep over the length of the needles.
pub fn sweep() -> Sweep {
    let points = (1..=10)
        .map(|step| {
            let length = 0.25 * f64::from(step);
            let record = self::record(length / 1.5);
            SweepPoint {
                values: vec![format!("{length} mm")],
                answers: answer::answers(&record),
                needling: vec![session(0.0)],
            }
        })
        .collect();
    let record = self::record(1.0);
    let headings = record.headings.iter().map(|h| (h.name.clone(), h.group.clone(), h.what.clone())).collect();
    Sweep {
        name: "depth".into(),
        question: "How deep is deep enough?".into(),
        axes: vec!["protocol.length".into()],
        points,
        headings,
    }
}
