//! Depths by the table of strikes against strikes integrated in time on the finer grid: over random tissues, devices, forces, speeds
//! and lengths the mean depth of a session differs by no more than what is stated.
//!
//! `cargo test --release --test needling table -- --ignored --nocapture` tries two hundred and prints the list.

use dermasim::base::sourced::Choice;
use dermasim::skin::catalogue::Drive;
use dermasim::skin::protocol::{Protocol, Solver};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::setting::{Case, MM};

const TISSUES: [&str; 9] = ["cheek", "forearm", "forehead", "abdomen", "lip", "neck", "periorbital", "thigh", "pig"];
const DEVICES: [&str; 6] =
    ["derma_roller_home", "derma_roller_medical", "dermapen", "home_pen", "needle_array", "skinpen"];

/// A session nobody chose.
fn random(draws: &mut ChaCha8Rng) -> (String, Case) {
    let (tissue, device) =
        (TISSUES[draws.random_range(0..TISSUES.len())], DEVICES[draws.random_range(0..DEVICES.len())]);
    let mut between = |low: f64, high: f64| low * (high / low).powf(draws.random::<f64>());
    let (length, press) = (between(0.25, 2.5), between(0.2, 10.0));
    let (frequency, glide) = (between(40.0, 160.0), between(5.0, 60.0));
    let mut case = Case::new(tissue, device, length * MM);
    for layer in case.tissue.layer.values_mut() {
        for number in [&mut layer.mesh.stiffness, &mut layer.mesh.thickness] {
            if let Choice::One(one) = &mut number.value {
                one.value *= between(0.6, 1.6);
            }
        }
    }
    case.protocol.press = Some(press);
    case.protocol.glide = Some(glide * MM);
    case.protocol.frequency = matches!(case.protocol.device.drive, Drive::Pen(..)).then_some(frequency);
    case.protocol.area = Some(1e-4);
    let name = format!("{device} {length:.2} mm on {tissue}, {press:.2} N, {frequency:.0}/s, {glide:.0} mm/s");
    (name, case)
}

/// Tries so many sessions whose names are wanted; the names of those that miss.
fn missed(count: usize, seed: u64, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut draws = ChaCha8Rng::seed_from_u64(seed);
    let mut missed = Vec::new();
    let mut tried = 0;
    while tried < count {
        let (name, case) = random(&mut draws);
        if !wanted(&name) {
            continue;
        }
        let at = |solver| {
            let own = Case {
                tissue: case.tissue.clone(),
                traits: case.traits.clone(),
                protocol: Protocol { solver, ..case.protocol.clone() },
                ..case
            };
            own.try_run().map(|needling| needling.summary)
        };
        let (table, grid) = match (at(Solver::Surrogate), at(Solver::Grid)) {
            (Ok(table), Ok(grid)) => (table, grid),
            (Err(_), Err(_)) => continue,
            (table, grid) => panic!("{name}: {table:?} {grid:?}"),
        };
        tried += 1;
        let away = (table.mean_depth - grid.mean_depth).abs();
        println!(
            "{name:<75} table {:.4} grid {:.4} away {:.4} stated {:.4} mm, limited {:.2}{}",
            table.mean_depth / MM,
            grid.mean_depth / MM,
            away / MM,
            table.depth_error / MM,
            grid.force_limited_share,
            if away > table.depth_error { ", not covered" } else { "" },
        );
        if away > table.depth_error {
            missed.push(name);
        }
    }
    missed
}

/// A hand that hardly presses a roller: the limit of force decides, and the table says what the grid says.
#[test]
fn a_light_hand_on_a_roller() {
    let at = |solver| {
        let mut case = Case::new("cheek", "derma_roller_medical", 1.5 * MM);
        (case.protocol.solver, case.protocol.press, case.protocol.area) = (solver, Some(0.3), Some(1e-4));
        case.run().summary
    };
    let (table, grid) = (at(Solver::Surrogate), at(Solver::Grid));
    let away = (table.mean_depth - grid.mean_depth).abs();
    assert!(away <= table.depth_error, "{} {} {}", table.mean_depth, grid.mean_depth, table.depth_error);
}

/// Four of the two hundred: a nose pressed on soft skin domes it by an amount that the coarser grid hardly resolves. The stated
/// error says so.
#[test]
fn a_dome_that_is_hardly_resolved_is_stated() {
    let domed = [
        "dermapen 0.59 mm on forehead",
        "skinpen 0.67 mm on forehead",
        "skinpen 2.37 mm on cheek, 2.33 N",
        "dermapen 0.34 mm on forearm",
    ];
    let missed = missed(4, 2, |name| domed.iter().any(|own| name.starts_with(own)));
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn the_stated_error_of_the_table_holds() {
    let missed = missed(20, 1, |_| true);
    assert!(missed.is_empty(), "{missed:#?}");
}

/// Five minutes and more.
#[test]
#[ignore = "200 solutions on grids take minutes: cargo test --release --test needling -- --ignored"]
fn the_stated_error_of_the_table_holds_two_hundred_times() {
    let missed = missed(200, 2, |_| true);
    assert!(missed.is_empty(), "{missed:#?}");
}
