//! Transport: what spreads is neither made nor lost, profiles are exact where they can be, and errors fall with the square
//! of the spacing.

mod common;

use common::*;
use std::f64::consts::PI;

const SCALE: &str = "[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n";

fn constant(name: &str, value: &str) -> String {
    format!("[constant.{name}]\nvalue = {value}\nevidence = \"assumed\"\nsource = \"test\"\n")
}

#[test]
fn a_closed_box_keeps_its_content() {
    let model = format!(
        "name = \"box\"\nwhat = \"spreading and following in a closed box\"\n{SCALE}{}
        [field.u]\nwhat = \"follower\"\nrest = 0\ninitial = \"exp(-40*((x-0.3)^2 + (depth-0.4)^2))\"\ndiffusivity = \"D\"
        chemotaxis = [{{ along = \"s\", sensitivity = \"3*D\" }}]
        [field.s]\nwhat = \"followed\"\nrest = 0\ninitial = \"exp(-30*((x-0.6)^2 + (depth-0.7)^2))\"\ndiffusivity = \"D*(0.2+s)\"\n",
        constant("D", "0.01")
    );
    for periodic in [false, true] {
        let mut skin = skin(&model, &section(24, periodic), &medium(20), 0);
        let before = [content(&skin, 0), content(&skin, 1)];
        advance(&mut skin, &adaptive(1e-3), 20.0);
        for field in 0..2 {
            let now = content(&skin, field);
            assert!((now / before[field] - 1.0).abs() < 1e-12, "field {field}: {now} was {}", before[field]);
        }
        assert!(skin.state.iter().all(|u| *u >= 0.0));
    }
}

#[test]
fn steady_flux_through_two_layers_is_exact() {
    // D_b / D_a = 25: in series, the drop over each layer is its thickness over its diffusivity.
    let model = format!(
        "name = \"layers\"\nwhat = \"two layers\"\n{SCALE}
        [constant.D]\nvalue = {{ a = 0.04, b = 1.0 }}\nby = \"layer\"\nevidence = \"assumed\"\nsource = \"test\"
        [field.u]\nwhat = \"spreading\"\nrest = 0\ndiffusivity = \"D\"
        boundary = {{ top = {{ value = \"1\" }}, bottom = {{ value = \"0\" }} }}\n"
    );
    let layers = [layer("a", 0.0, 0.25, 7), layer("b", 0.25, 1.0, 9)];
    let mut skin = skin(&model, &section(1, false), &layers, 0);
    advance(&mut skin, &adaptive(1e-6), 400.0);
    let resistance = [0.25 / 0.04, 0.75 / 1.0];
    let exact = |_: f64, _: f64, z: f64| {
        let to_here = if z < 0.25 { z / 0.04 } else { resistance[0] + (z - 0.25) };
        1.0 - to_here / (resistance[0] + resistance[1])
    };
    let worst = error(&skin, 0, exact);
    assert!(worst < 1e-10, "{worst}");
}

#[test]
fn a_gaussian_spreads_as_it_should() {
    // In a periodic box much wider than the Gaussian: u = s₀/s exp(−(x−½)²/2s²), s² = s₀² + 2Dt.
    let model = format!(
        "name = \"gaussian\"\nwhat = \"spreading\"\n{SCALE}{}
        [field.u]\nwhat = \"spreading\"\nrest = 0\ninitial = \"exp(-(x-0.5)^2/(2*0.05^2))\"\ndiffusivity = \"D\"\n",
        constant("D", "1e-3")
    );
    let errors: Vec<f64> = [40, 80, 160]
        .iter()
        .map(|&nx| {
            let mut skin = skin(&model, &section(nx, true), &medium(1), 0);
            advance(&mut skin, &adaptive(1e-8), 2.0);
            let wide = (0.05_f64.powi(2) + 2.0 * 1e-3 * 2.0).sqrt();
            error(&skin, 0, |x, _, _| 0.05 / wide * (-(x - 0.5).powi(2) / (2.0 * wide * wide)).exp())
        })
        .collect();
    assert!(order(&errors) > 1.9, "{errors:?}");
}

#[test]
fn layered_diffusion_has_order_two_in_space() {
    // u = e^(−t) (2 + cos πx)(1 + cos πz / πD): D ∂u/∂z is smooth across the layers, u has a kink.
    let model = format!(
        "name = \"manufactured\"\nwhat = \"manufactured solution\"\n{SCALE}
        [constant.D]\nvalue = {{ a = 0.1, b = 0.7 }}\nby = \"layer\"\nevidence = \"assumed\"\nsource = \"test\"
        [constant.p]\nvalue = {PI}\nevidence = \"derived\"\nsource = \"pi\"
        [intermediate]
        depthwise = \"1 + cos(p*z)/(p*D)\"
        lateral = \"2 + cos(p*x)\"
        exact = \"exp(-time)*lateral*depthwise\"
        [field.u]\nwhat = \"spreading\"\nsigned = true\nrest = 0\ninitial = \"lateral*depthwise\"\ndiffusivity = \"D\"
        [process.source]\nwhat = \"source\"
        changes = {{ u = \"-exact + exp(-time)*(lateral*p*cos(p*z) + D*p^2*cos(p*x)*depthwise)\" }}\n"
    );
    let errors: Vec<f64> = [6, 12, 24]
        .iter()
        .map(|&n| {
            let layers = [layer("a", 0.0, 0.5, n), layer("b", 0.5, 1.0, n)];
            let mut skin = skin(&model, &section(2 * n, false), &layers, 0);
            advance(&mut skin, &adaptive(1e-7), 0.5);
            error(&skin, 0, |x, _, z| {
                let d = if z < 0.5 { 0.1 } else { 0.7 };
                (-0.5_f64).exp() * (2.0 + (PI * x).cos()) * (1.0 + (PI * z).cos() / (PI * d))
            })
        })
        .collect();
    assert!(order(&errors) > 1.9, "{errors:?}");
}

#[test]
fn limited_chemotaxis_has_order_two_in_space() {
    // u = 2 + e^(−t) cos πx follows s = cos πx, along x and along depth.
    for axis in ["x", "z"] {
        let model = format!(
            "name = \"manufactured\"\nwhat = \"manufactured solution\"\n{SCALE}{}{}
            [constant.p]\nvalue = {PI}\nevidence = \"derived\"\nsource = \"pi\"
            [field.u]\nwhat = \"follower\"\nsigned = true\nrest = 0\ninitial = \"2 + cos(p*{axis})\"\ndiffusivity = \"D\"
            chemotaxis = [{{ along = \"s\", sensitivity = \"chi\" }}]
            [field.s]\nwhat = \"followed\"\nsigned = true\nrest = 0\ninitial = \"cos(p*{axis})\"
            [intermediate]\nwave = \"exp(-time)*cos(p*{axis})\"
            [process.source]\nwhat = \"source\"
            changes = {{ u = \"-wave + D*p^2*wave - chi*p^2*(2*cos(p*{axis}) + exp(-time)*(2*cos(p*{axis})^2 - 1))\" }}\n",
            constant("D", "0.02"),
            constant("chi", "0.1")
        );
        let errors: Vec<f64> = [20, 40, 80]
            .iter()
            .map(|&n| {
                let (nx, nz) = if axis == "x" { (n, 1) } else { (1, n) };
                let mut skin = skin(&model, &section(nx, false), &medium(nz), 0);
                advance(&mut skin, &adaptive(1e-7), 0.5);
                error(&skin, 0, |x, _, z| 2.0 + (-0.5_f64).exp() * (PI * if axis == "x" { x } else { z }).cos())
            })
            .collect();
        assert!(order(&errors) > 1.9, "along {axis}: {errors:?}");
    }
}
