//! Large models: what deep columns and large networks cost grows with their size and not faster, and what comes out is right.

mod common;

use std::time::{Duration, Instant};

use common::*;
use dermasim::scenario::Geometry;
use dermasim::stepper::Stepper;

/// The shortest of several measurements: what disturbs a measurement only makes it longer.
fn shortest(times: usize, mut measured: impl FnMut() -> Duration) -> Duration {
    (0..times).map(|_| measured()).min().expect("something was measured")
}

#[test]
fn a_step_of_a_deep_column_costs_as_much_a_cell_as_one_of_a_shallow_column() {
    let mut text =
        "name = \"column\"\nwhat = \"fields that spread\"\n[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n".to_owned();
    for f in 0..12 {
        text += &format!("[field.u{f}]\nwhat = \"spreads\"\nrest = 0\ninitial = \"exp(-z)\"\ndiffusivity = \"0.01\"\n");
        text += &format!("[process.decay{f}]\nwhat = \"decays\"\nrate = \"u{f}\"\ntakes = {{ u{f} = 1 }}\n");
    }
    let column = Geometry::Section { width: 1.0, cells: 1, periodic: false };
    let seconds = |cells: usize| {
        let mut skin = skin(&text, &column, &medium(cells), 0);
        let mut stepper = Stepper::new(&mut skin, &adaptive(1e-3)).expect("a stepper");
        stepper.force(&mut skin, 0.01).expect("a step");
        shortest(15, || {
            let start = Instant::now();
            stepper.force(&mut skin, 0.01).expect("a step");
            start.elapsed()
        })
        .as_secs_f64()
    };
    // Eight times the cells: the same work a cell is a factor of eight, of slower memory perhaps of sixteen; work that grows
    // with the square is one of sixty-four.
    let (shallow, deep) = (seconds(300), seconds(2400));
    println!("a step: {:.3} ms at 300 cells, {:.3} ms at 2,400", 1e3 * shallow, 1e3 * deep);
    assert!(deep < 24.0 * shallow, "{deep} s against {shallow} s");
}
