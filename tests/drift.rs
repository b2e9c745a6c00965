//! Drift and diffusivity by axis: content is kept, what is steady is exact, and what moves is where it should be.

mod common;

use common::*;
use dermasim::scenario::{Geometry, Method, Stepping};
use dermasim::skin::Skin;

const SCALE: &str = "[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n";

/// A model of one field.
fn model(field: &str) -> String {
    format!("name = \"drift\"\nwhat = \"what drifts\"\n{SCALE}[constant]\n[field.u]\nrest = 0\n{field}\n")
}

fn tile(cells: [usize; 2], periodic: bool) -> Geometry {
    Geometry::Tile { width: [1.0; 2], cells, periodic }
}

fn explicit(tolerance: f64) -> Stepping {
    Stepping { method: Method::Explicit, ..adaptive(tolerance) }
}

/// The field over depth at one place.
fn column(skin: &Skin, p: usize) -> Vec<f64> {
    (0..skin.layout.nz).map(|z| skin.state[skin.layout.row(z, 0)][p]).collect()
}

/// Largest difference of the field over depth from a profile.
fn off(skin: &Skin, exact: impl Fn(f64) -> f64) -> f64 {
    let values = column(skin, 0);
    values.iter().zip(&skin.grid.z.centres).map(|(u, z)| (u - exact(*z)).abs()).fold(0.0, f64::max)
}

#[test]
fn what_drifts_is_neither_made_nor_lost() {
    let fields = [
        "initial = \"exp(-40*((x-0.3)^2 + (y-0.4)^2 + (depth-0.4)^2))\"\ndiffusivity = 0.01\ndrift = { x = 0.3, y = -0.2, depth = 0.1 }",
        "initial = \"exp(-40*((x-0.3)^2 + (y-0.4)^2 + (depth-0.4)^2))\"\ndrift = { x = 0.3, y = -0.2, depth = -0.1 }",
        "initial = \"exp(-40*((x-0.3)^2 + (y-0.4)^2 + (depth-0.4)^2))\"\ndiffusivity = \"0.01*(1 + u)\"\ndrift = { x = 0.3, depth = { a = -0.1, b = 0.2 } }",
        "initial = \"exp(-40*((x-0.3)^2 + (y-0.4)^2 + (depth-0.4)^2))\"\ndiffusivity = { a = 0.01, b = 0.003 }\nreference_density = { a = 2, b = 0.5 }\ndrift = { y = 0.3, depth = { a = 0.1, b = 0.2 } }",
    ];
    let layers = [layer("a", 0.0, 0.5, 6), layer("b", 0.5, 1.0, 6)];
    for (field, periodic) in fields.iter().flat_map(|field| [(field, false), (field, true)]) {
        for stepping in [adaptive(1e-3), explicit(1e-3)] {
            let mut skin = skin(&model(field), &tile([12, 10], periodic), &layers, 0);
            let before = content(&skin, 0);
            advance(&mut skin, &stepping, 3.0);
            let now = content(&skin, 0);
            assert!((now / before - 1.0).abs() < 1e-12, "{field} {periodic} {stepping:?}: {now} was {before}");
            assert!(skin.state.iter().all(|u| *u >= 0.0), "{field} {periodic} {stepping:?}");
        }
    }
}

#[test]
fn sediment_at_rest_is_an_exponential() {
    for (d, v) in [(0.1_f64, 0.5_f64), (0.1, -0.5), (0.01, 0.4)] {
        for stepping in [adaptive(1e-5), explicit(1e-5)] {
            let field = format!("initial = 1\ndiffusivity = {d}\ndrift = {{ depth = {v:?} }}");
            let mut skin = skin(&model(&field), &section(1, false), &medium(20), 0);
            advance(&mut skin, &stepping, 40.0);
            let (u, h) = (column(&skin, 0), 1.0 / 20.0);
            let worst =
                u.windows(2).map(|pair| (pair[1] / pair[0] / (v * h / d).exp() - 1.0).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-6, "{d} {v} {stepping:?}: {worst}");
        }
    }
}

#[test]
fn a_steady_layer_between_two_values_is_exact() {
    // u = (exp(P z) − 1)/(exp(P) − 1)
    for (p, stepping) in [1.0_f64, 50.0, -50.0].into_iter().flat_map(|p| [(p, adaptive(1e-6)), (p, explicit(1e-6))]) {
        let field = format!(
            "diffusivity = 0.1\ndrift = {{ depth = {} }}\nboundary = {{ top = {{ value = 0 }}, bottom = {{ value = 1 }} }}",
            0.1 * p
        );
        let mut skin = skin(&model(&field), &section(1, false), &medium(16), 0);
        advance(&mut skin, &stepping, 100.0);
        let worst = off(&skin, |z| (p * z).exp_m1() / p.exp_m1());
        assert!(worst < 1e-8, "{p} {stepping:?}: {worst}");
    }
}

fn gaussian(d: f64, time: f64, x: f64) -> f64 {
    let wide = (0.06_f64.powi(2) + 2.0 * d * time).sqrt();
    0.06 / wide * (-x * x / (2.0 * wide * wide)).exp()
}

#[test]
fn a_gaussian_drifts_where_it_should_be() {
    // Cell Péclet numbers are 15 to 2, and 150 to 19.
    for (axis, d) in [("x", 1e-3), ("y", 1e-3), ("depth", 1e-3), ("x", 1e-4), ("depth", 1e-4)] {
        let (from, v, end) = (0.3, 0.6, 0.6);
        let field =
            format!("initial = \"exp(-({axis}-{from})^2/(2*0.06^2))\"\ndiffusivity = {d}\ndrift = {{ {axis} = {v} }}");
        let errors: Vec<f64> = [40, 80, 160, 320]
            .iter()
            .map(|&n| {
                let (geometry, layers) = match axis {
                    "x" => (section(n, true), medium(1)),
                    "y" => (tile([1, n], true), medium(1)),
                    _ => (section(1, false), medium(n)),
                };
                let mut skin = skin(&model(&field), &geometry, &layers, 0);
                advance(&mut skin, &adaptive(1e-6), end);
                error(&skin, 0, |x, y, z| {
                    let at = [("x", x), ("y", y), ("depth", z)].into_iter().find(|own| own.0 == axis).unwrap().1;
                    gaussian(d, end, at - from - v * end)
                })
            })
            .collect();
        println!("{axis} {d} {errors:?} {}", order(&errors));
        assert!(order(&errors) > 1.8, "{axis} {d}: {errors:?}");
    }
}
