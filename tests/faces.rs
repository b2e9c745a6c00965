//! What passes faces: fluxes and their sums against analytic solutions, and against the content that is left.

mod common;

use std::f64::consts::PI;

use common::*;
use dermasim::error::Source;
use dermasim::grid::Grid;
use dermasim::language::Model;
use dermasim::observe::Observer;
use dermasim::scenario::{Geometry, Method, Stepping};
use dermasim::skin::Skin;
use dermasim::stepper::Stepper;

const SCALE: &str = "[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n";

/// Observables at some times, one row each.
fn watch(skin: &mut Skin, stepping: &Stepping, times: &[f64]) -> Vec<Vec<f64>> {
    let mut stepper = Stepper::new(skin, stepping).unwrap_or_else(|error| panic!("{error}"));
    let mut observer = Observer::default();
    let mut rows = Vec::new();
    for time in times {
        stepper.advance(skin, *time, &mut |_, _| true).unwrap_or_else(|error| panic!("{error}"));
        rows.push(observer.look(skin));
    }
    rows
}

/// A membrane with a value of 1 on top and 0 below, D = h = 1: what has left below is
/// t − 1/6 − (2/π²) Σ (−1)ⁿ/n² e^(−n²π²t), and the flux 1 + 2 Σ (−1)ⁿ e^(−n²π²t).
#[test]
fn the_lag_of_a_membrane_is_a_sixth() {
    let model = format!(
        "name = \"membrane\"\n{SCALE}[field.u]\ndiffusivity = 1\nboundary = {{ top = {{ value = 1 }}, bottom = {{ value = 0 }} }}\n\
         [observable.flux]\nvalue = \"flux(u, bottom)\"\n[observable.sum]\nvalue = \"through(u, bottom)\"\n\
         [observable.inwards]\nvalue = \"-flux(u, top)\"\n"
    );
    let series = |term: &dyn Fn(f64) -> f64| (1..60).map(|n| f64::from(n)).map(term).sum::<f64>();
    let sign = |n: f64| if n % 2.0 == 0.0 { 1.0 } else { -1.0 };
    let times = [0.05, 0.1, 0.2, 0.4, 1.0, 2.0, 3.0];
    let mut membrane = skin(&model, &section(1, false), &medium(40), 0);
    let rows = watch(&mut membrane, &adaptive(1e-5), &times);
    for (t, row) in times.iter().zip(&rows) {
        let decay = |n: f64| (-n * n * PI * PI * t).exp();
        let flux = 1.0 + 2.0 * series(&|n| sign(n) * decay(n));
        let sum = t - 1.0 / 6.0 - 2.0 / (PI * PI) * series(&|n| sign(n) / (n * n) * decay(n));
        assert!((row[0] - flux).abs() < 2e-3, "flux at {t}: {} is not {flux}", row[0]);
        assert!((row[1] - sum).abs() < 5e-4, "sum at {t}: {} is not {sum}", row[1]);
    }
    let lag = times[6] - rows[6][1] / rows[6][0];
    assert!((6.0 * lag - 1.0).abs() < 5e-3, "a lag of {lag}");
    assert!((rows[6][2] - 1.0).abs() < 1e-6);
}

/// Two layers of different diffusivity and density, something that follows, a diffusivity that depends on the field: whatever
/// left is missing, to rounding, for long steps and for explicit ones, and what passed a layer is what is below it.
#[test]
fn what_passed_a_face_is_missing_behind_it() {
    let text = |diffusivity: &str, follows: &str| {
        format!(
            "name = \"balance\"\n{SCALE}[constant.D]\nvalue = {{ a = 0.02, b = 0.3 }}\nby = \"layer\"\nevidence = \"assumed\"\nsource = \"t\"\n\
             [field.u]\nreference_density = {{ a = 1, b = 2.5 }}\nscale = 1\ninitial = {{ a = \"1 + 0.5*cos(5*x)\", b = 0.2 }}\n\
             diffusivity = \"{diffusivity}\"\n{follows}\n\
             boundary = {{ top = {{ value = 1.5 }}, bottom = {{ exchange = 0.4, outside = 0 }} }}\n\
             [field.s]\ninitial = \"z*z + 0.2*sin(x)\"\nsigned = true\n\
             [observable.top]\nvalue = \"through(u, top)\"\n[observable.bottom]\nvalue = \"through(u, bottom)\"\n\
             [observable.down]\nvalue = \"through(u, a, b)\"\n[observable.up]\nvalue = \"through(u, b, a)\"\n"
        )
    };
    let layers = [layer("a", 0.0, 0.3, 6), layer("b", 0.3, 1.0, 5)];
    let cells = Geometry::Cells { strata: 1, radius: Some(1.0), spacing: 0.1 };
    let tile = Geometry::Tile { width: [1.0, 1.0], cells: [4, 3], periodic: true };
    let follows = "chemotaxis = [{ along = \"s\", sensitivity = 0.05 }]";
    for geometry in [section(1, false), section(7, true), cells, tile] {
        for (diffusivity, follows) in [("D", ""), ("D", follows), ("D*(0.5 + u)", ""), ("D*(0.5 + u)", follows)] {
            for stepping in [adaptive(1e-2), fixed(0.05), Stepping { method: Method::Explicit, ..fixed(1e-3) }] {
                let mut skin = skin(&text(diffusivity, follows), &geometry, &layers, 0);
                let below = |skin: &Skin| -> f64 {
                    let lateral = skin.grid.lateral_weights();
                    let row = |z: usize| skin.state[skin.layout.row(z, 0)].iter().zip(&lateral);
                    (6..11).map(|z| 2.5 * skin.grid.z.width(z) * row(z).map(|(u, w)| u * w).sum::<f64>()).sum()
                };
                let before = [content(&skin, 0), below(&skin)];
                let row = watch(&mut skin, &stepping, &[0.0, 0.5]).pop().unwrap();
                let after = [content(&skin, 0), below(&skin)];
                let what = format!("{diffusivity} {follows} {geometry:?} {stepping:?}: {row:?} {before:?} {after:?}");
                assert!((before[0] - row[0] - row[1] - after[0]).abs() < 1e-12, "{what}");
                assert!((before[1] + row[2] - row[1] - after[1]).abs() < 1e-12, "{what}");
                assert!((row[2] + row[3]).abs() < 1e-13 && row[2] != 0.0, "{what}");
            }
        }
    }
}

/// Flux through the rim of a disc and through the sides of a section, against the loss of content in a short time.
#[test]
fn lateral_faces_have_fluxes() {
    let cells = Geometry::Cells { strata: 1, radius: Some(1.0), spacing: 0.05 };
    let tile = Geometry::Tile { width: [1.0, 2.0], cells: [6, 5], periodic: false };
    // Area of the face over that of the surface, for each of the conditions.
    let cases: [(Geometry, &[(&str, f64)]); 3] = [
        (cells, &[("right", 2.0)]),
        (section(8, false), &[("left", 1.0), ("right", 1.0)]),
        (tile, &[("left", 1.0), ("right", 1.0), ("front", 0.5), ("back", 0.5)]),
    ];
    for (geometry, faces) in cases {
        let conditions: String =
            faces.iter().map(|(face, _)| format!("boundary.{face} = {{ exchange = 2, outside = 0.1 }}\n")).collect();
        let observables: String =
            faces.iter().map(|(face, _)| format!("[observable.{face}]\nvalue = \"flux(u, {face})\"\n")).collect();
        let text = format!(
            "name = \"sides\"\n{SCALE}[field.u]\ndiffusivity = \"0.1 + 0.1*u\"\ninitial = \"1 + x\"\n{conditions}{observables}"
        );
        let mut skin = skin(&text, &geometry, &medium(3), 0);
        let before = content(&skin, 0);
        let step = 1e-6;
        let rows = watch(&mut skin, &fixed(step), &[0.0, step]);
        let wanted = (before - content(&skin, 0)) / step;
        let sum: f64 = rows[0].iter().zip(faces).map(|(flux, (_, area))| flux * area).sum();
        assert!((sum - wanted).abs() < 1e-4 * wanted, "{geometry:?}: {sum} is not {wanted}");
    }
}

/// The same bits for any number of threads.
#[test]
fn sums_do_not_depend_on_threads() {
    let model = format!(
        "name = \"threads\"\n{SCALE}[field.u]\ndiffusivity = 0.1\ninitial = \"1 + sin(9*x)\"\n\
         boundary = {{ top = {{ value = 2 }}, bottom = {{ value = 0 }} }}\n\
         [observable.flux]\nvalue = \"flux(u, bottom)\"\n[observable.sum]\nvalue = \"through(u, bottom) + through(u, top)\"\n"
    );
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| watch(&mut skin(&model, &section(50, true), &medium(20), 0), &adaptive(1e-4), &[0.1, 0.4]))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn faces_that_make_no_sense_are_refused_at_their_place() {
    let moving = "diffusivity = 1\nboundary.bottom = { value = 0 }\n";
    let cases = [
        (moving, "flux(u, bottom)", ""),
        (moving, "through(u, a, b) + through(u, b, a)", ""),
        (moving, "flux(u, top)", "has no condition at the top, so nothing passes there"),
        (moving, "flux(u, botom)", "`botom` is no face of the domain"),
        (moving, "flux(u, a, c)", "`a` and `c` do not touch"),
        (moving, "flux(u, a, a)", "`a` and `a` do not touch"),
        (moving, "flux(u, all, all)", "touch at more than one depth"),
        (moving, "flux(u, a, d)", "the tissue has no layer `d`"),
        (moving, "flux(w, bottom)", "`w` is no field"),
        (moving, "flux(2*u, bottom)", "`2*u` is no field"),
        (moving, "flux(u, 2)", "neither a face nor a layer"),
        (moving, "flux(u)", "does not take 1 argument"),
        (moving, "flux(o, top)", "is for fields of the kind \"volume\""),
        (moving, "mean(flux(u, bottom), all)", "a reduction over the whole tissue"),
        ("", "flux(u, a, b)", "does not move"),
        ("diffusivity = 1\nlives_in = [\"b\", \"c\"]\n", "flux(u, a, b)", "does not live in `a`"),
    ];
    let layers = [layer("a", 0.0, 0.3, 2), layer("b", 0.3, 0.6, 2), layer("c", 0.6, 1.0, 2)];
    for (field, value, message) in cases {
        let text = format!(
            "name = \"faces\"\n{SCALE}[field.u]\n{field}[field.o]\nkind = \"quasi_steady\"\nrest = \"solve\"\ndiffusivity = 1\n\
             [process.p]\nchanges = {{ o = \"1 - o\" }}\n[observable.f]\nvalue = \"{value}\"\n"
        );
        let grid = Grid::new(&section(1, false), &layers, 1.0, None, &[], [&[]; 3]).unwrap();
        let told = Model::read(&Source::new("m.toml", text.as_str())).and_then(|model| {
            let layers = grid.layers.iter();
            let layers = layers.map(|own| dermasim::language::LayerName { name: own.name.clone(), groups: Vec::new() });
            model.compile(&dermasim::language::Setting { layers: layers.collect(), traits: Default::default() })
        });
        match told {
            Ok(_) => assert!(message.is_empty(), "{value} is accepted"),
            Err(error) => {
                assert!(!message.is_empty() && error.message().contains(message), "{value}: {error}");
                assert_eq!(error.line(), Some(text.lines().position(|line| line.contains(value)).unwrap() + 1));
            }
        }
    }
    // A unit that does not fit, and names that were free before.
    let units = "name = \"u\"\n[constant.flux]\nvalue = 1\nevidence = \"assumed\"\nsource = \"t\"\n[field.u]\nunit = \"ug/cm^3\"\n\
        diffusivity = \"[1 mm^2/d]\"\nboundary.bottom = { value = 0 }\n[observable.f]\nvalue = \"flux * flux(u, bottom)\"\nunit = \"UNIT\"\n";
    let read = |unit: &str| Model::read(&Source::new("m.toml", units.replace("UNIT", unit)));
    assert!(read("ug/cm^2/h").is_ok(), "{}", read("ug/cm^2/h").unwrap_err());
    assert!(read("ug/cm^2").unwrap_err().message().contains("the observable `f` is in"));
}
