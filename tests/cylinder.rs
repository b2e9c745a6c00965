//! Cylinders: the radius of unit cells against series of Bessel functions, with a fixed value, a resistance and nothing passing at
//! the rim, steady and in time. Errors fall with the square of the spacing.

mod common;

use common::series::{bessel, grown, grown_slope, zeros};
use common::*;
use dermasim::engine::grid::{Geometry, Grid};
use std::f64::consts::PI;

const HEAD: &str = "name = \"disc\"\nwhat = \"a disc\"\n[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n";
/// Rim of the disc with a resistance, in units of D/R.
const BIOT: f64 = 2.5;

fn disc() -> Geometry {
    Geometry::Cells { strata: 1, radius: Some(1.0), spacing: 0.01 }
}

/// Mean errors at three resolutions.
fn errors(model: &str, until: f64, exact: impl Fn(f64) -> f64) -> Vec<f64> {
    [1.0, 2.0, 4.0]
        .iter()
        .map(|&resolution| {
            let mut skin = finer(model, &disc(), &medium(1), resolution, 0);
            advance(&mut skin, &adaptive(1e-9), until);
            error(&skin, 0, |r, _, _| exact(r))
        })
        .collect()
}

fn has_order_two(what: &str, errors: &[f64]) {
    assert!(order(errors) > 1.9 && order(&errors[..2]) > 1.9, "{what}: {errors:?}");
    // The widest ring is h = 0.1: (h/ℓ)²/12 with the shortest length ℓ = 1/3 of these profiles.
    assert!(errors[0] < 8e-3, "{what}: {errors:?}");
}

#[test]
fn a_fixed_rim_in_time() {
    // u = 1 − Σ 2 J₀(αr) / (α J₁(α)) e^(−α²t), J₀(α) = 0.
    let model = format!("{HEAD}[field.u]\nwhat = \"u\"\nrest = 0\ndiffusivity = 1\nboundary.right = {{ value = 1 }}\n");
    let alpha = zeros(|x| bessel(0.0, x));
    let t = 0.1;
    let exact = |r: f64| {
        let term = |a: &f64| 2.0 * bessel(0.0, a * r) / (a * bessel(1.0, *a)) * (-a * a * t).exp();
        1.0 - alpha.iter().map(term).sum::<f64>()
    };
    has_order_two("fixed", &errors(&model, t, exact));
}

#[test]
fn a_rim_with_a_resistance_in_time() {
    // u = 1 − Σ 2B J₀(αr) / ((α² + B²) J₀(α)) e^(−α²t), α J₁(α) = B J₀(α).
    let model = format!(
        "{HEAD}[field.u]\nwhat = \"u\"\nrest = 0\ndiffusivity = 1\nboundary.right = {{ exchange = {BIOT}, outside = 1 }}\n"
    );
    let alpha = zeros(|x| x * bessel(1.0, x) - BIOT * bessel(0.0, x));
    let t = 0.1;
    let exact = |r: f64| {
        let term =
            |a: &f64| 2.0 * BIOT * bessel(0.0, a * r) / ((a * a + BIOT * BIOT) * bessel(0.0, *a)) * (-a * a * t).exp();
        1.0 - alpha.iter().map(term).sum::<f64>()
    };
    has_order_two("resistance", &errors(&model, t, exact));
}

/// A Gaussian in a closed disc: ū + Σ c J₀(βr) e^(−β²t), J₁(β) = 0, c = 2/J₀(β)² ∫ r u₀ J₀(βr) dr.
fn closed(t: f64) -> impl Fn(f64) -> f64 {
    let start = |r: f64| (-(r / 0.4).powi(2)).exp();
    let integral = move |f: &dyn Fn(f64) -> f64| {
        let n = 4000;
        (0..n).map(|i| (f64::from(i) + 0.5) / f64::from(n)).map(|r| r * start(r) * f(r)).sum::<f64>() / f64::from(n)
    };
    let beta: Vec<f64> = zeros(|x| bessel(1.0, x)).into_iter().take(12).collect();
    let parts: Vec<(f64, f64)> = beta
        .iter()
        .map(|&b| (b, 2.0 / bessel(0.0, b).powi(2) * integral(&|r| bessel(0.0, b * r)) * (-b * b * t).exp()))
        .collect();
    let mean = 2.0 * integral(&|_| 1.0);
    move |r| mean + parts.iter().map(|(b, c)| c * bessel(0.0, b * r)).sum::<f64>()
}

#[test]
fn a_closed_disc_in_time() {
    let model = format!("{HEAD}[field.u]\nwhat = \"u\"\nrest = 0\ninitial = \"exp(-(x/0.4)^2)\"\ndiffusivity = 1\n");
    has_order_two("closed", &errors(&model, 0.05, closed(0.05)));
}

#[test]
fn steady_cylinders() {
    // D∇²u = k u within a fixed rim, and within one with a resistance: I₀(√k r).
    let (k, root) = (9.0, 3.0);
    let slope = grown_slope(root) * root;
    for (rim, share) in [
        ("{ value = 1 }".to_owned(), 1.0 / grown(root)),
        (format!("{{ exchange = {BIOT}, outside = 1 }}"), BIOT / (slope + BIOT * grown(root))),
    ] {
        let model = format!(
            "{HEAD}[field.u]\nwhat = \"u\"\nrest = 0\ndiffusivity = 1\nboundary.right = {rim}
            [process.decay]\nwhat = \"decay\"\nrate = \"{k}*u\"\ntakes = {{ u = 1 }}\n"
        );
        has_order_two(&rim, &errors(&model, 20.0, |r| share * grown(root * r)));
    }
    // Closed: u = 2 + cos πr decays and is fed.
    let model = format!(
        "{HEAD}[constant.p]\nvalue = {PI}\nevidence = \"derived\"\nsource = \"pi\"
        [field.u]\nwhat = \"u\"\nrest = 0\nsigned = true\ndiffusivity = 1
        [process.feed]\nwhat = \"fed\"\nchanges = {{ u = \"2 + cos(p*x) + p^2*cos(p*x) + p*sin(p*x)/x - u\" }}\n"
    );
    has_order_two("closed", &errors(&model, 60.0, |r| 2.0 + (PI * r).cos()));
}

#[test]
fn classes_that_share_a_wall_have_order_two() {
    // Half of the cells begin with 1, half with 0. The difference of two classes alike is zero at the wall, so the mean of the
    // first is ½ + ½ Σ 4/α² e^(−α²t).
    let model = format!("{HEAD}[field.u]\nwhat = \"u\"\nrest = 0\ninitial = \"if(y < 1, 1, 0)\"\ndiffusivity = 1\n");
    let t = 0.1;
    let alpha = zeros(|x| bessel(0.0, x));
    let exact = 0.5 + 0.5 * alpha.iter().map(|a| 4.0 / (a * a) * (-a * a * t).exp()).sum::<f64>();
    let errors: Vec<f64> = [1.0, 2.0, 4.0]
        .iter()
        .map(|&resolution| {
            let geometry = Geometry::Cells { strata: 2, radius: Some(1.0), spacing: 0.01 };
            let grid = Grid::new(&geometry, &medium(1), resolution, None, &[0.5, 0.5], [&[]; 3]).expect("a grid");
            let mut skin = skin_on(&model, std::sync::Arc::new(grid), 0);
            advance(&mut skin, &adaptive(1e-9), t);
            let x = &skin.grid.x;
            let row = &skin.state[skin.layout.row(0, 0)];
            let mean = row.iter().zip(&x.volume).map(|(u, v)| u * v).sum::<f64>() / x.total();
            (mean - exact).abs()
        })
        .collect();
    assert!(order(&errors) > 1.9 && errors[0] < 1e-3, "{errors:?}");
}
