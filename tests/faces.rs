//! What passes faces: fluxes and their sums against analytic solutions, and against the content that is left.

mod common;

use std::f64::consts::PI;

use common::*;
use dermasim::base::error::Source;
use dermasim::engine::grid::Geometry;
use dermasim::engine::grid::Grid;
use dermasim::engine::medium::Medium;
use dermasim::engine::observe::Observer;
use dermasim::engine::stepper::Stepper;
use dermasim::engine::stepper::{Method, Stepping};

const SCALE: &str = "[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n";

/// Observables at some times, one row each.
fn watch(skin: &mut Medium, stepping: &Stepping, times: &[f64]) -> Vec<Vec<f64>> {
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
    let series = |term: &dyn Fn(f64) -> f64| (1..60).map(f64::from).map(term).sum::<f64>();
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
                let below = |skin: &Medium| -> f64 {
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
        (moving, "flux(u, a, d)", "there is no layer `d` here"),
        (moving, "flux(w, bottom)", "`w` is no field"),
        (moving, "flux(2*u, bottom)", "`2*u` is no field"),
        (moving, "flux(u, 2)", "neither a face nor a layer"),
        (moving, "flux(u)", "does not take 1 argument"),
        (moving, "flux(o, top)", "is for fields of the kind \"volume\""),
        (moving, "mean(flux(u, bottom), all)", "a reduction over the whole domain"),
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
        let told = dermasim::skin::model(&Source::new("m.toml", text.as_str())).and_then(|model| {
            let layers = grid.layers.iter();
            let layers =
                layers.map(|own| dermasim::engine::language::LayerName { name: own.name.clone(), groups: Vec::new() });
            model.compile(&dermasim::engine::language::Setting { layers: layers.collect(), traits: Default::default() })
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
    let read = |unit: &str| dermasim::skin::model(&Source::new("m.toml", units.replace("UNIT", unit)));
    assert!(read("ug/cm^2/h").is_ok(), "{}", read("ug/cm^2/h").unwrap_err());
    assert!(read("ug/cm^2").unwrap_err().message().contains("the observable `f` is in"));
}

type Complex = nalgebra::Complex<f64>;

/// The inverse of a Laplace transform at a time (Talbot's contour with fixed points, Abate & Valkó 2004).
fn inverse(transform: &dyn Fn(Complex) -> Complex, t: f64) -> f64 {
    const POINTS: i32 = 24;
    let r = 2.0 * f64::from(POINTS) / (5.0 * t);
    let first = 0.5 * (transform(Complex::new(r, 0.0)) * (r * t).exp()).re;
    let rest = (1..POINTS).map(|k| {
        let angle = f64::from(k) * PI / f64::from(POINTS);
        let cot = 1.0 / angle.tan();
        let s = Complex::new(r * angle * cot, r * angle);
        let turn = Complex::new(1.0, angle + (angle * cot - 1.0) * cot);
        ((s * t).exp() * transform(s) * turn).re
    });
    r / f64::from(POINTS) * (first + rest.sum::<f64>())
}

/// One layer: thickness, diffusivity, and its partition (reference density).
type Sheet = (f64, f64, f64);

/// Transforms of what is left in a film of thickness `film` and value 1 at the start, and of what has left below, for sheets over a
/// sink. The film is `partition` times as strong for the tissue, behind a speed of exchange.
fn dose(sheets: &[Sheet], [film, partition, exchange]: [f64; 3], s: Complex) -> [Complex; 2] {
    // (value, flux) below = M (value, flux) above.
    let one = Complex::new(1.0, 0.0);
    let mut m = [[one, 0.0 * one], [0.0 * one, one]];
    for &(h, d, room) in sheets {
        let q = (s / d).sqrt();
        let (cosh, sinh, k) = ((q * h).cosh(), (q * h).sinh(), q * d * room);
        let n = [[cosh, -sinh / k], [-sinh * k, cosh]];
        m = std::array::from_fn(|i| std::array::from_fn(|j| n[i][0] * m[0][j] + n[i][1] * m[1][j]));
    }
    // Value zero below: flux above = y · value above; film (s c − 1) = −flux, value above = partition c − flux / exchange.
    let y = -m[0][0] / m[0][1];
    let through = y / (one + y / exchange);
    let c = film / (film * s + partition * through);
    let flux = partition * through * c;
    let value = flux / y;
    [c, (m[1][0] * value + m[1][1] * flux) / s]
}

/// A finite dose on two layers with a partition jump on every face, against the inverse of its Laplace transform: to 0.1 % of
/// the dose, and second order in the spacing.
#[test]
fn a_finite_dose_with_partition_jumps() {
    let model = format!(
        "name = \"dose\"\n{SCALE}[constant.D]\nvalue = {{ a = 0.02, b = 0.5 }}\nby = \"layer\"\nevidence = \"assumed\"\nsource = \"t\"\n\
         [field.gel]\nkind = \"surface\"\ninitial = 1\n\
         [field.u]\nreference_density = {{ a = 3, b = 0.4 }}\ndiffusivity = \"D\"\n\
         boundary.top = {{ reservoir = \"gel\", thickness = 0.25, partition = 0.6, exchange = 0.9 }}\nboundary.bottom = {{ value = 0 }}\n\
         [observable.left]\nvalue = \"0.25*mean(gel, surface)\"\n[observable.out]\nvalue = \"through(u, bottom)\"\n\
         [observable.flux]\nvalue = \"flux(u, bottom)\"\n"
    );
    let sheets = [(0.2, 0.02, 3.0), (0.8, 0.5, 0.4)];
    let times = [0.2, 0.5, 1.0, 2.0, 5.0, 12.0];
    let errors: Vec<f64> = [1, 2, 4]
        .iter()
        .map(|n| {
            let layers = [layer("a", 0.0, 0.2, 8 * n), layer("b", 0.2, 1.0, 8 * n)];
            let mut skin = skin(&model, &section(1, false), &layers, 0);
            let rows = watch(&mut skin, &adaptive(1e-5), &times);
            let worst = times.iter().zip(&rows).map(|(&t, row)| {
                let film = [0.25, 0.6, 0.9];
                let left = 0.25 * inverse(&|s| dose(&sheets, film, s)[0], t);
                let out = inverse(&|s| dose(&sheets, film, s)[1], t);
                (row[0] - left).abs().max((row[1] - out).abs())
            });
            worst.fold(0.0, f64::max)
        })
        .collect();
    assert!(errors[1] < 1e-3 * 0.25, "{errors:?}");
    assert!(order(&errors) > 1.8, "{errors:?}");
}

/// What leaves a film enters the tissue and what leaves the tissue enters the receptor, to rounding: on every kind of grid, for
/// long, short and explicit steps, thick and very thin films.
#[test]
fn films_and_tissue_share_one_content() {
    let text = |diffusivity: &str, thick: f64| {
        format!(
            "name = \"films\"\n{SCALE}[constant.D]\nvalue = {{ a = 0.02, b = 0.3 }}\nby = \"layer\"\nevidence = \"assumed\"\nsource = \"t\"\n\
             [field.gel]\nkind = \"surface\"\ninitial = \"1 + 0.3*cos(4*x)\"\n[field.receptor]\nkind = \"surface\"\n\
             [field.u]\nreference_density = {{ a = 1, b = 2.5 }}\ninitial = {{ a = 0, b = 0.2 }}\ndiffusivity = \"{diffusivity}\"\n\
             boundary.top = {{ reservoir = \"gel\", thickness = {thick}, partition = 4 }}\n\
             boundary.bottom = {{ reservoir = \"receptor\", thickness = 2, partition = 0.5, exchange = 0.3 }}\n\
             [observable.gel]\nvalue = \"{thick}*mean(gel, surface)\"\n[observable.receptor]\nvalue = \"2*mean(receptor, surface)\"\n\
             [observable.in]\nvalue = \"-through(u, top)\"\n[observable.out]\nvalue = \"through(u, bottom)\"\n"
        )
    };
    let layers = [layer("a", 0.0, 0.3, 6), layer("b", 0.3, 1.0, 5)];
    let cells = Geometry::Cells { strata: 1, radius: Some(1.0), spacing: 0.1 };
    let tile = Geometry::Tile { width: [1.0, 1.0], cells: [4, 3], periodic: true };
    for geometry in [section(1, false), section(7, true), cells, tile] {
        for (diffusivity, thick) in [("D", 0.5), ("D", 1e-4), ("D*(0.5 + u)", 0.5)] {
            let explicit = Stepping { method: Method::Explicit, ..fixed(1e-3) };
            for (n, stepping) in [adaptive(1e-2), fixed(0.02), explicit].into_iter().enumerate() {
                if n > 0 && thick < 0.1 {
                    continue;
                }
                let mut skin = skin(&text(diffusivity, thick), &geometry, &layers, 0);
                let before = content(&skin, 0);
                let rows = watch(&mut skin, &stepping, &[0.0, 0.5]);
                let (first, last) = (&rows[0], &rows[1]);
                let what = format!("{diffusivity} {thick} {geometry:?} {stepping:?}: {rows:?} {}", content(&skin, 0));
                assert!((before + first[0] - content(&skin, 0) - last[0] - last[1]).abs() < 1e-12, "{what}");
                assert!((first[0] - last[0] - last[2]).abs() < 1e-12 && (last[1] - last[3]).abs() < 1e-12, "{what}");
                assert!(
                    last[2] > 0.02 * thick
                        && last[3] > 0.0
                        && skin.fields().iter().all(|(.., u)| u.iter().all(|u| *u >= 0.0)),
                    "{what}"
                );
            }
        }
    }
}

/// A film in equilibrium with the tissue stays to the last bit.
#[test]
fn a_film_at_rest_stays() {
    let model = format!(
        "name = \"rest\"\n{SCALE}[field.gel]\nkind = \"surface\"\nrest = 0.5\n[field.u]\nrest = 2\ndiffusivity = \"0.1 + 0.1*u\"\n\
         boundary.top = {{ reservoir = \"gel\", thickness = 0.3, partition = 4 }}\n"
    );
    let mut skin = skin(&model, &section(3, true), &medium(7), 0);
    let before = skin.state.clone();
    advance(&mut skin, &adaptive(1e-2), 50.0);
    assert_eq!(skin.state, before);
}

/// So much a second comes in, no matter what: content J t, and 2 J √(t/πD) on the surface of what is deep; twice the flux in
/// a pulse, from a signal, a field of the surface, or through the rim of a disc.
#[test]
fn a_prescribed_flux_comes_in() {
    let model = |flux: &str| {
        format!(
            "name = \"flux\"\n{SCALE}[signal.s]\ndefault = 3\n[field.h]\nkind = \"surface\"\ninitial = 0.5\n\
             [field.u]\ndiffusivity = 0.01\nboundary.top = {{ flux = \"{flux}\" }}\n\
             [observable.inwards]\nvalue = \"-flux(u, top)\"\n[observable.sum]\nvalue = \"-through(u, top)\"\n"
        )
    };
    for (flux, rate) in [("0.2", 0.2), ("0.1*s", 0.3), ("h", 0.5), ("0.2*hill(z, 1e-9)", 0.2)] {
        for nx in [1, 4] {
            let mut skin = skin(&model(flux), &section(nx, true), &medium(100), 0);
            let rows = watch(&mut skin, &adaptive(1e-5), &[0.0, 1.0]);
            assert!((rows[1][0] - rate).abs() < 1e-6 && (rows[1][1] - rate).abs() < 1e-6, "{flux}: {rows:?}");
            assert!((content(&skin, 0) - rows[1][1]).abs() < 1e-13, "{flux}");
            let row = |z: usize| skin.state[skin.layout.row(z, 0).start];
            let surface = row(0) + 0.5 * (row(0) - row(1));
            let exact = 2.0 * rate * (1.0 / (PI * 0.01)).sqrt();
            assert!((surface / exact - 1.0).abs() < 2e-3, "{flux}: {surface} is not {exact}");
        }
    }
    // What leaves in proportion to the field is an exchange with nothing outside, but for half a cell.
    let out = |condition: &str| {
        let text = format!(
            "name = \"out\"\n{SCALE}[field.u]\ninitial = 1\ndiffusivity = 0.3\nboundary.bottom = {condition}\n\
             [observable.sum]\nvalue = \"through(u, bottom)\"\n"
        );
        let mut skin = skin(&text, &section(1, false), &medium(200), 0);
        let row = watch(&mut skin, &adaptive(1e-5), &[2.0]).remove(0);
        assert!((content(&skin, 0) + row[0] - 1.0).abs() < 1e-12);
        row[0]
    };
    let (flux, exchange) = (out("{ flux = \"-0.4*u\" }"), out("{ exchange = 0.4, outside = 0 }"));
    assert!((flux / exchange - 1.0).abs() < 5e-3 && flux > 0.1, "{flux} {exchange}");
    // Through sides: area over surface is 2/R for a disc, the depth over the width for a section.
    let cells = Geometry::Cells { strata: 1, radius: Some(1.0), spacing: 0.1 };
    let tile = Geometry::Tile { width: [1.0, 2.0], cells: [4, 5], periodic: false };
    for (geometry, face, area) in [(cells, "right", 2.0), (section(6, false), "left", 1.0), (tile, "back", 0.5)] {
        let text = format!(
            "name = \"sides\"\n{SCALE}[field.u]\ndiffusivity = \"0.1 + u\"\nboundary.{face} = {{ flux = \"0.3*(1 + time)\" }}\n\
             [observable.f]\nvalue = \"flux(u, {face})\"\n"
        );
        let mut skin = skin(&text, &geometry, &medium(3), 0);
        let rows = watch(&mut skin, &adaptive(1e-4), &[0.0, 1.0]);
        assert!((content(&skin, 0) - area * 0.45).abs() < 1e-6, "{face}: {}", content(&skin, 0));
        assert!((rows[0][0] + 0.3).abs() < 1e-12 && (rows[1][0] + 0.6).abs() < 1e-12, "{face}: {rows:?}");
    }
}

#[test]
fn films_and_fluxes_that_make_no_sense_are_refused_at_their_line() {
    let cases = [
        ("top = { reservoir = \"gel\", thickness = 0.1 }", ""),
        ("top = { reservoir = \"gel\", thickness = 0.1, partition = 2, exchange = \"s\" }", ""),
        ("bottom = { reservoir = \"gel\", thickness = \"k\" }", ""),
        ("top = { flux = \"s*gel\" }", ""),
        ("top = { flux = \"-k*u*s + 2\" }", ""),
        ("top = { flux = -1 }", "may take what is not there"),
        ("top = { flux = \"-k*v\" }", "may take what is not there"),
        ("top = { flux = \"sin(time)\" }", "may take what is not there"),
        ("top = { flux = \"k\", value = 1 }", "a boundary condition has either"),
        ("top = { flux = \"mean(u, all)\" }", "a reduction"),
        ("top = { flux = \"distance\" }", "a puncture nearby"),
        ("top = { reservoir = \"gel\" }", "a reservoir needs a thickness"),
        ("top = { value = 1, thickness = 2 }", "this belongs to a reservoir"),
        ("top = { reservoir = \"gel\", thickness = 0 }", "a thickness must be positive, and this is 0"),
        ("top = { reservoir = \"gel\", thickness = \"-k\" }", "a thickness must be positive"),
        ("top = { reservoir = \"gel\", thickness = 1, partition = 0 }", "a partition coefficient must be positive"),
        ("top = { reservoir = \"gel\", thickness = \"s\" }", "a constant expression"),
        ("top = { reservoir = \"gel\", thickness = 1, exchange = -1 }", "speed of exchange may be negative"),
        ("top = { reservoir = \"gel\", thickness = 1, outside = 1 }", "a boundary condition has either"),
        ("top = { reservoir = \"v\", thickness = 1 }", "`v` lives in the cells, and a reservoir lies on it"),
        ("top = { reservoir = \"jel\", thickness = 1 }", "unknown field `jel`"),
        ("top = { reservoir = \"loose\", thickness = 1 }", "either both or none"),
        ("right = { reservoir = \"gel\", thickness = 1 }", "a reservoir lies on the top or the bottom"),
    ];
    for (condition, message) in cases {
        let text = format!(
            "name = \"faces\"\n{SCALE}[signal.s]\n[constant.k]\nvalue = 1\nrange = [0.5, 2]\nevidence = \"assumed\"\nsource = \"t\"\n\
             [field.gel]\nkind = \"surface\"\n[field.loose]\nkind = \"surface\"\nsigned = true\n[field.v]\n\
             [field.u]\ndiffusivity = 1\nboundary.{condition}\n"
        );
        told(&text, condition, message);
    }
    let twice = format!(
        "name = \"faces\"\n{SCALE}[field.gel]\nkind = \"surface\"\n[field.u]\ndiffusivity = 1\n\
         boundary.top = {{ reservoir = \"gel\", thickness = 1 }}\nboundary.bottom = {{ reservoir = \"gel\", thickness = 1 }}\n"
    );
    told(&twice, "boundary.top", "the reservoir of more than one face");
    let quasi = format!(
        "name = \"faces\"\n{SCALE}[field.gel]\nkind = \"surface\"\n[field.o]\nkind = \"quasi_steady\"\nrest = \"solve\"\ndiffusivity = 1\n\
         boundary.top = {{ flux = 1 }}\n[process.p]\nchanges = {{ o = \"1 - o\" }}\n"
    );
    told(&quasi, "flux", "a quasi-steady field has a value or an exchange");
    let units = "name = \"u\"\n[field.gel]\nkind = \"surface\"\nunit = \"mg/mL\"\n[field.u]\ndiffusivity = \"[1 mm^2/d]\"\n\
        boundary.top = { reservoir = \"gel\", thickness = \"0.1 mm\" }\n";
    told(units, "boundary.top", "the field that it exchanges with in");
}

/// Reads and compiles a model of one layer and holds what is said against what is expected, at the line that contains `place`.
fn told(text: &str, place: &str, message: &str) {
    let layers = vec![dermasim::engine::language::LayerName { name: "medium".into(), groups: Vec::new() }];
    let setting = dermasim::engine::language::Setting { layers, traits: Default::default() };
    let outcome = dermasim::skin::model(&Source::new("m.toml", text)).and_then(|model| model.compile(&setting));
    match outcome {
        Ok(_) => assert!(message.is_empty(), "{place} is accepted"),
        Err(error) => {
            assert!(!message.is_empty() && error.message().contains(message), "{place}: {error}");
            assert_eq!(
                error.line(),
                text.lines().position(|line| line.contains(place)).map(|line| line + 1),
                "{error}"
            );
        }
    }
}

/// What follows a field in balance: D u′ = χ u s′ with s = sinh((1 − z)/L)/sinh(1/L), so u ∝ exp(χ s/D); nothing is lost.
#[test]
fn a_field_in_balance_is_followed() {
    let model = format!(
        "name = \"taxis\"\n{SCALE}[field.s]\nkind = \"quasi_steady\"\nrest = \"solve\"\ndiffusivity = 0.1\n\
         boundary = {{ top = {{ value = 1 }}, bottom = {{ value = 0 }} }}\n[process.loss]\nchanges = {{ s = \"-s\" }}\n\
         [field.u]\ninitial = 1\ndiffusivity = 0.2\nchemotaxis = [{{ along = \"s\", sensitivity = 0.5 }}]\n\
         [observable.up]\nvalue = \"through(u, a, b)\"\n"
    );
    let length = 0.1_f64.sqrt();
    let profile = |z: f64| (2.5 * ((1.0 - z) / length).sinh() / (1.0 / length).sinh()).exp();
    let whole: f64 = (0..2000).map(|i| profile((f64::from(i) + 0.5) / 2000.0)).sum::<f64>() / 2000.0;
    let errors: Vec<f64> = [1, 2, 4]
        .iter()
        .map(|n| {
            let layers = [layer("a", 0.0, 0.4, 8 * n), layer("b", 0.4, 1.0, 12 * n)];
            let mut skin = skin(&model, &section(1, false), &layers, 0);
            let row = watch(&mut skin, &adaptive(1e-6), &[60.0]).remove(0);
            assert!((content(&skin, 0) - 1.0).abs() < 1e-12);
            let below: f64 =
                (8 * n..20 * n).map(|z| skin.grid.z.width(z) * skin.state[skin.layout.row(z, 0).start]).sum();
            assert!((below - 0.6 - row[0]).abs() < 1e-12, "{below} {row:?}");
            error(&skin, 0, |_, _, z| profile(z) / whole)
        })
        .collect();
    assert!(order(&errors) > 1.9 && errors[2] < 1e-3, "{errors:?}");
}

/// What is exchanged through a side is an amount per area, as at the top: of density 2 it makes half the change. With u even,
/// u′ = h/(ρw) (1 − u).
#[test]
fn exchange_through_a_side_knows_the_density() {
    for (face, diffusivity) in [("left", "1e5"), ("right", "1e5*(1 + 0*u)"), ("top", "1e5")] {
        let model = format!(
            "name = \"side\"\n{SCALE}[field.u]\nscale = 1\nreference_density = {{ medium = 2 }}\ndiffusivity = \"{diffusivity}\"\n\
             boundary.{face} = {{ exchange = 0.5, outside = 1 }}\n"
        );
        let mut skin = skin(&model, &section(2, false), &medium(2), 0);
        advance(&mut skin, &adaptive(1e-5), 2.0);
        let wanted = 1.0 - (-0.5_f64).exp();
        assert!((skin.state[0] - wanted).abs() < 1e-4, "{face}: {} is not {wanted}", skin.state[0]);
    }
}
