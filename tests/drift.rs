//! Drift and diffusivity by axis: content is kept, what is steady is exact, and what moves is where it should be.

mod common;

use common::*;
use dermasim::engine::grid::Geometry;
use dermasim::engine::medium::Medium;
use dermasim::engine::stepper::{Method, Stepping};
use dermasim::scenario::Scenario;

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
fn column(skin: &Medium, p: usize) -> Vec<f64> {
    (0..skin.layout.nz).map(|z| skin.state[skin.layout.row(z, 0)][p]).collect()
}

/// Largest difference of the field over depth from a profile.
fn off(skin: &Medium, exact: impl Fn(f64) -> f64) -> f64 {
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
            let worst = u.windows(2).map(|pair| (pair[1] - pair[0] * (v * h / d).exp()).abs()).fold(0.0, f64::max);
            let largest = u.iter().copied().fold(0.0, f64::max);
            assert!(worst < 1e-6 * largest, "{d} {v} {stepping:?}: {worst}");
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
        let errors: Vec<f64> = [40, 80, 160, 320, 640]
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
        // Over four halvings: between upwind and central, errors of opposite sign pass each other.
        let order = (errors[0] / errors[4]).log2() / 4.0;
        assert!(order > 1.9, "{axis} {d}: {errors:?}");
    }
}

#[test]
fn what_has_left_is_missing() {
    // Through the bottom by an exchange, a value, and into a film; what comes in at the top is prescribed.
    let faces = [
        "{ exchange = 0.3, outside = 0 }",
        "{ value = 0 }",
        "{ reservoir = \"g\", thickness = 0.5, partition = 2, exchange = 0.4 }",
    ];
    for (bottom, stepping) in faces.iter().flat_map(|face| [(face, adaptive(1e-4)), (face, explicit(1e-4))]) {
        let text = format!(
            "name = \"drift\"\nwhat = \"balance\"\n{SCALE}[constant]\n[field.g]\nkind = \"surface\"\n[field.u]\ninitial = \"1 + cos(9*z)\"\n\
             diffusivity = {{ a = 0.02, b = 0.1 }}\ndrift = {{ depth = {{ a = 0.4, b = 0.2 }} }}\n\
             boundary.top = {{ flux = 0.3 }}\nboundary.bottom = {bottom}\n\
             [observable.out]\nvalue = \"through(u, bottom)\"\nunit = \"1\"\n\
             [observable.down]\nvalue = \"through(u, a, b)\"\nunit = \"1\"\n"
        );
        let layers = [layer("a", 0.0, 0.5, 9), layer("b", 0.5, 1.0, 7)];
        let mut skin = skin(&text, &section(1, false), &layers, 0);
        let of_layer = |skin: &Medium, own: usize| -> f64 {
            let inside = (0..skin.layout.nz).filter(|z| skin.grid.layer[*z] == own);
            inside.map(|z| skin.state[skin.layout.row(z, 0)][0] * skin.grid.z.width(z)).sum()
        };
        let before = [of_layer(&skin, 0), of_layer(&skin, 1)];
        advance(&mut skin, &stepping, 2.0);
        // Surface fields are the film, then the sums in the order in which they are asked for.
        let sums: Vec<f64> = (1..skin.layout.surface).map(|f| skin.state[skin.layout.surface_row(f)][0]).collect();
        let [out, down] = sums[..] else { panic!("{sums:?}") };
        let now = [of_layer(&skin, 0), of_layer(&skin, 1)];
        let misses = [before[0] + 0.3 * 2.0 - down - now[0], before[1] + down - out - now[1]];
        assert!(misses.iter().all(|miss| miss.abs() < 1e-12), "{bottom} {stepping:?}: {misses:?}");
        if bottom.contains("reservoir") {
            let film = 0.5 * skin.state[skin.layout.surface_row(0)][0];
            assert!((film - out).abs() < 1e-12, "{stepping:?}: {film} {out}");
        }
    }
}

#[test]
fn an_exchange_acts_on_the_whole_flux() {
    // J = k (o − u(0)) = k u(1), and u = J/v + C exp(v z/D) between.
    let (k, o, v, d) = (0.5_f64, 2.0_f64, 0.3_f64, 0.1_f64);
    let field = format!(
        "diffusivity = {d}\ndrift = {{ depth = {v} }}\nboundary.top = {{ exchange = {k}, outside = {o} }}\n\
         boundary.bottom = {{ exchange = {k}, outside = 0 }}"
    );
    let mut skin = skin(&model(&field), &section(1, false), &medium(12), 0);
    advance(&mut skin, &adaptive(1e-7), 200.0);
    // J/k + J/v + C = o and J/v + C e = J/k.
    let e = (v / d).exp();
    let c_over_j = (1.0 / k - 1.0 / v) / e;
    let j = o / (1.0 / k + 1.0 / v + c_over_j);
    let worst = off(&skin, |z| j / v + j * c_over_j * (v * z / d).exp());
    assert!(worst < 1e-8, "{worst}");
}

#[test]
fn a_gaussian_spreads_by_axis() {
    let spreads = ["{ depth = 0, x = 4e-3, y = 1e-3 }", "{ depth = \"0*u\", x = \"4e-3 + 0*time*u\", y = 1e-3 }"];
    for spread in spreads {
        let field = format!("initial = \"exp(-((x-0.5)^2 + (y-0.5)^2)/(2*0.06^2))\"\ndiffusivity = {spread}");
        let errors: Vec<f64> = [24, 48]
            .iter()
            .map(|&n| {
                let mut skin = skin(&model(&field), &tile([n, n], true), &medium(1), 0);
                advance(&mut skin, &adaptive(1e-6), 1.0);
                error(&skin, 0, |x, y, _| gaussian(4e-3, 1.0, x - 0.5) * gaussian(1e-3, 1.0, y - 0.5))
            })
            .collect();
        assert!(order(&errors) > 1.9, "{spread}: {errors:?}");
    }
    // Down and across, with the explicit method as with the implicit one.
    let field =
        "initial = \"exp(-((x-0.5)^2 + (z-0.5)^2)/(2*0.06^2))\"\ndiffusivity = { depth = 1e-3, lateral = 4e-3 }";
    for stepping in [adaptive(1e-6), explicit(1e-6)] {
        let mut skin = skin(&model(field), &section(64, true), &medium(64), 0);
        advance(&mut skin, &stepping, 1.0);
        let off = error(&skin, 0, |x, _, z| gaussian(4e-3, 1.0, x - 0.5) * gaussian(1e-3, 1.0, z - 0.5));
        assert!(off < 2e-4, "{stepping:?}: {off}");
    }
}

#[test]
fn an_axis_that_is_not_there_is_refused_at_its_line() {
    let grids = [
        ("point", "geometry = \"point\"\nlayer = \"a\""),
        ("section", "geometry = \"section\"\nwidth = \"1 mm\"\ncells = 4"),
        ("cells", "geometry = \"cells\"\nradius = \"0.5 mm\""),
        ("tile", "geometry = \"tile\"\nwidth = \"1 mm\"\ncells = 4"),
    ];
    // What is written, on which grids it is accepted, and else a part of the message.
    let cases: [(&str, &[&str], &str); 14] = [
        ("drift = { depth = \"1 um/s\" }", &["section", "cells", "tile"], "a point has no axes"),
        ("drift = { x = \"1 um/s\" }", &["section", "tile"], "`u` drifts along x, but "),
        ("drift = { y = \"1 um/s\" }", &["tile"], "`u` drifts along y, but "),
        ("drift = \"1 um/s\"", &[], "a drift says along which axis"),
        ("drift = { lateral = \"1 um/s\" }", &[], "nothing drifts along a radius"),
        ("drift = { z = \"1 um/s\" }", &[], "the axis `z` is written `depth`"),
        ("drift = { dept = \"1 um/s\" }", &[], "`dept` is no axis along which a field drifts"),
        ("drift = { depth = \"1 um^2/s\" }", &[], "a drift is in m/s"),
        ("drift = { depth = \"depth/time\" }", &[], "and a drift has none"),
        ("diffusivity = { depth = \"1 um^2/s\", lateral = \"2 um^2/s\" }", &["point", "section", "cells", "tile"], ""),
        (
            "diffusivity = { depth = \"1 um^2/s\", x = 0, y = 0 }",
            &["point", "section", "tile"],
            "unit cells have a radius",
        ),
        ("diffusivity = { depth = \"1 um^2/s\" }", &[], "a diffusivity by axis says each axis once"),
        ("diffusivity = { depth = \"1 um^2/s\", laterl = 0 }", &[], "`laterl` is no axis"),
        (
            "kind = \"quasi_steady\"\nrest = \"solve\"\ndrift = { depth = \"1 um/s\" }",
            &[],
            "only fields of the kind \"volume\" can drift",
        ),
    ];
    let tissue = "what = \"one layer\"\n[layer.a]\nspacing = [\"100 um\", \"100 um\"]\n\
                  thickness = { value = \"1 mm\", evidence = \"assumed\", source = \"test\" }\n\
                  stiffness = { value = \"1 kPa\", evidence = \"assumed\", source = \"test\" }\n";
    let mut wrong = Vec::new();
    for ((field, accepted, message), (name, grid)) in cases.iter().flat_map(|case| grids.map(|grid| (case, grid))) {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("tissue.toml", tissue);
        let model = format!("name = \"axes\"\n[field.u]\n{field}\n");
        write("model.toml", &model);
        let text = format!(
            "question = \"q\"\ntissue = \"tissue.toml\"\nresponse = \"model.toml\"\n[course]\nfollowed = \"1 d\"\n[grid]\n{grid}\n"
        );
        write("scenario.toml", &text);
        let plan = Scenario::read(&folder.path().join("scenario.toml")).and_then(|scenario| scenario.plan());
        match (plan, accepted.contains(&name)) {
            (Ok(_), true) => {}
            (Ok(_), false) => wrong.push(format!("{field}\n  is accepted on {name}")),
            (Err(error), true) => wrong.push(format!("{field}\n  is refused on {name}:\n{error}")),
            (Err(error), false) => {
                let line = model.lines().count();
                if !error.message().contains(message) || error.exit_code() != 2 || error.line() != Some(line) {
                    wrong.push(format!("{field}\n  on {name} is told as:\n{error}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
