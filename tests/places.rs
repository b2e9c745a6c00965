//! Laws and initial states that jump at a place: films and drops thinner than a cell keep their content, and what jumps inside a
//! layer is as exact as what jumps between layers.

mod common;

use common::*;
use dermasim::engine::grid::{Geometry, Grid};
use dermasim::engine::medium::Medium;

const HEAD: &str = "name = \"m\"\nwhat = \"m\"\n[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n";

fn field(name: &str, initial: &str) -> String {
    format!("[field.{name}]\nwhat = \"f\"\nrest = 0\ninitial = \"{initial}\"\n")
}

/// Mean of field f at each x of a one-layer grid.
fn mean_between(skin: &Medium, f: usize, from: f64, to: f64) -> f64 {
    let (mut sum, mut length) = (0.0, 0.0);
    for z in 0..skin.layout.nz {
        let overlap = skin.grid.z.faces[z + 1].min(to) - skin.grid.z.faces[z].max(from);
        if overlap > 0.0 {
            sum += overlap * skin.state[skin.layout.row(z, f).start];
            length += overlap;
        }
    }
    sum / length
}

#[test]
fn films_begin_with_their_content() {
    // In cells of 1/50: thinner than half a cell, of one cell and a half, below a surface, a narrow peak, a band between two
    // centres, and one by a curved condition.
    let films = [
        ("if(depth < 0.005, 1, 0)", 0.005),
        ("if(depth < 0.03, 1, 0)", 0.03),
        ("if(depth > 0.7 and depth < 0.7001, 3, 0)", 0.0003),
        ("exp(-(depth/0.008)^2)", 0.008 * 0.5 * std::f64::consts::PI.sqrt()),
        ("exp(-(depth/0.002)^2)", 0.002 * 0.5 * std::f64::consts::PI.sqrt()),
        ("if((depth - 0.2)^2 <= 0.001^2, 1, 0)", 0.002),
        ("if(exp(depth/0.1) < 1.05, depth, 0)", 0.5 * (0.1_f64 * 1.05_f64.ln()).powi(2)),
        ("maximum(0, 1 - depth/0.004)", 0.002),
    ];
    for (initial, exact) in films {
        let initial = initial.replace("maximum", "max");
        let skin = skin(&format!("{HEAD}{}", field("u", &initial)), &section(1, false), &medium(50), 0);
        let found = content(&skin, 0);
        assert!((found / exact - 1.0).abs() < 2e-3, "{initial}: {found}, not {exact}");
    }
}

#[test]
fn drops_begin_with_their_content() {
    let strip = format!("{HEAD}{}", field("u", "if(x < 0.03, 1, 0)"));
    let wide = skin(&strip, &section(10, false), &medium(1), 0);
    assert!((content(&wide, 0) - 0.03).abs() < 1e-12, "{}", content(&wide, 0));
    let disc = Geometry::Cells { strata: 1, radius: Some(1.0), spacing: 0.1 };
    let round = skin(&strip, &disc, &medium(1), 0);
    assert!((content(&round, 0) - 0.0009).abs() < 1e-12, "{}", content(&round, 0));
    let peak = skin(&format!("{HEAD}{}", field("u", "exp(-(x/0.03)^2)")), &disc, &medium(1), 0);
    assert!((content(&peak, 0) / 0.0009 - 1.0).abs() < 1e-3, "{}", content(&peak, 0));
    let tile = Geometry::Tile { width: [1.0, 1.0], cells: [10, 10], periodic: false };
    let drop = format!("{HEAD}{}", field("u", "if((x - 0.5)^2 + (y - 0.5)^2 < 0.23^2, 1, 0)"));
    let drop = skin(&drop, &tile, &medium(1), 0);
    let exact = std::f64::consts::PI * 0.23 * 0.23;
    assert!((content(&drop, 0) / exact - 1.0).abs() < 0.01, "{} {exact}", content(&drop, 0));
}

/// Steady between 1 above and 0 below: what lies in series.
#[test]
fn a_diffusivity_that_jumps_inside_a_layer_is_in_series() {
    for (from, to) in [(0.3, 0.4), (0.313, 0.3371), (0.3, 0.3001)] {
        for thin in ["0.001", "0.001*(1 + 0*sin(time))"] {
            let model = format!(
                "{HEAD}[field.u]\nwhat = \"u\"\nrest = 0\ndiffusivity = \"if(depth < {from}, 1, if(depth < {to}, {thin}, 1))\"
                boundary.top = {{ value = 1 }}\nboundary.bottom = {{ value = 0 }}\n"
            );
            let mut skin = skin(&model, &section(1, false), &medium(25), 0);
            advance(&mut skin, &adaptive(1e-6), 4000.0);
            let resistance = 1.0 - (to - from) + (to - from) / 0.001;
            // Below the barrier the profile is a line.
            let found = mean_between(&skin, 0, to, 1.0);
            assert!((found / (0.5 * (1.0 - to) / resistance) - 1.0).abs() < 1e-6, "{from} {to} {thin}: {found}");
        }
    }
}

#[test]
fn a_diffusivity_that_jumps_along_x_is_in_series() {
    for grid in [section(10, false), Geometry::Tile { width: [1.0, 1.0], cells: [3, 10], periodic: false }] {
        let (x, low, high) = match grid {
            Geometry::Tile { .. } => ("y", "front", "back"),
            _ => ("x", "left", "right"),
        };
        let model = format!(
            "{HEAD}[field.u]\nwhat = \"u\"\nrest = 0\ndiffusivity = \"if({x} < 0.33, 1, if({x} < 0.42, 0.001, 1))\"
            boundary.{low} = {{ value = 1 }}\nboundary.{high} = {{ value = 0 }}\n"
        );
        let mut skin = skin(&model, &grid, &medium(1), 0);
        advance(&mut skin, &adaptive(1e-6), 4000.0);
        // Between the barrier and the end the profile is a line.
        let exact = 0.5 * 0.58 * 0.58 / (0.91 + 90.0);
        let (row, lateral) = (&skin.state[skin.layout.row(0, 0)], skin.grid.lateral_weights());
        let along = &skin.places()[usize::from(x == "y")];
        let found: f64 = (0..row.len()).filter(|p| along[*p] > 0.42).map(|p| lateral[p] * row[p]).sum();
        assert!((found / exact - 1.0).abs() < 1e-6, "along {x}: {found}, not {exact}");
    }
}

/// The transient of a thin barrier is of order two in the spacing.
#[test]
fn a_barrier_has_order_two_in_time() {
    let run = |cells: usize| {
        let model = format!(
            "{HEAD}[field.u]\nwhat = \"u\"\nrest = 0\ndiffusivity = \"if(depth < 0.3, 1 + depth, if(depth < 0.4, 0.1, exp(-depth)))\"
            boundary.top = {{ value = 1 }}\n"
        );
        let mut skin = skin(&model, &section(1, false), &medium(cells), 0);
        advance(&mut skin, &adaptive(1e-8), 0.4);
        content(&skin, 0)
    };
    let [a, b, c, d] = [10, 20, 40, 80].map(run);
    assert!(order(&[(a - b).abs(), (b - c).abs(), (c - d).abs()]) > 1.9, "{a} {b} {c} {d}");
}

#[test]
fn a_reaction_within_a_film_acts_on_the_film() {
    // Without spreading: what is made is what the film holds.
    let model = format!(
        "{HEAD}[field.u]\nwhat = \"u\"\nrest = 0\n[process.made]\nwhat = \"made\"\nrate = \"if(depth < 0.005, 2, 0)\"\ngives = {{ u = 1 }}\n
        [field.v]\nwhat = \"v\"\nrest = 0\n[process.aside]\nwhat = \"made\"\nrate = \"if(x > 0.93, 2, 0)\"\ngives = {{ v = 1 }}\n"
    );
    let mut skin = skin(&model, &section(5, false), &medium(25), 0);
    advance(&mut skin, &adaptive(1e-6), 1.0);
    assert!((content(&skin, 0) - 0.01).abs() < 1e-9, "{}", content(&skin, 0));
    assert!((content(&skin, 1) - 0.14).abs() < 1e-9, "{}", content(&skin, 1));
}

#[test]
fn a_grid_without_turns_is_the_grid_of_before() {
    let grid = |turns| Grid::new(&section(8, true), &medium(9), 1.0, None, &[], turns).expect("a grid");
    assert_eq!(grid([&[]; 3]).x.faces, grid([&[2.0], &[0.5], &[1.0]]).x.faces);
    assert_eq!(grid([&[]; 3]).z.faces, grid([&[2.0], &[0.5], &[1.0]]).z.faces);
}
