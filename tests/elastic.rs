//! The elastic solver against exact solutions.

use std::f64::consts::PI;

use dermasim::skin::mechanics::contact::Surface;
use dermasim::skin::mechanics::elastic::{Body, Edge, Elastic, Stuff, graded};

/// Half space, near enough: a body many contacts wide and deep.
fn half_space(poisson: f64, first: f64, size: f64) -> Elastic {
    let radii = graded(0.0, size, first, 1.12);
    let depths = graded(0.0, size, first, 1.12);
    let (rings, rows) = (radii.len() - 1, depths.len() - 1);
    Body {
        radii,
        depths,
        stuff: vec![Stuff::isotropic(1.0, poisson); rings * rows],
        rim: Edge::Smooth,
        bottom: Edge::Held,
        clamped: vec![false; rings],
    }
    .factorise()
    .unwrap()
}

/// Displacement and body force of a smooth field that fits the edges: u = A sin(πr/R) cos(πz/2H), w = B cos(πr/R) sin(πz/H).
fn manufactured(cells: usize, poisson: f64) -> f64 {
    let (radius, depth, a, b) = (1.0, 0.8, 0.3, 0.2);
    // A smoothly graded grid.
    let faces = |size: f64| -> Vec<f64> {
        (0..=cells)
            .map(|i| {
                let s = i as f64 / cells as f64;
                size * (0.6 * s + 0.4 * s * s)
            })
            .collect()
    };
    let stuff = Stuff { fibres: 0.7, ..Stuff::isotropic(1.0, poisson) };
    let (g, l, c) = (stuff.shear, stuff.lame(), stuff.fibres);
    let body = Body {
        radii: faces(radius),
        depths: faces(depth),
        stuff: vec![stuff; cells * cells],
        rim: Edge::Smooth,
        bottom: Edge::Held,
        clamped: vec![false; cells],
    };
    let elastic = body.factorise().unwrap();
    let (kr, kz, kw) = (PI / radius, 0.5 * PI / depth, PI / depth);
    let u = move |r: f64, z: f64| a * (kr * r).sin() * (kz * z).cos();
    let w = move |r: f64, z: f64| b * (kr * r).cos() * (kw * z).sin();
    // Stresses and their divergence by central differences of the exact field would add an error of their own: by hand.
    let force = move |r: f64, z: f64| {
        let (s, co, cz, sz) = ((kr * r).sin(), (kr * r).cos(), (kz * z).cos(), (kz * z).sin());
        let (cw, sw) = ((kw * z).cos(), (kw * z).sin());
        let ur = a * kr * co * cz;
        let urr = -a * kr * kr * s * cz;
        let (u0, uz) = (a * s * cz, -a * kz * s * sz);
        let uzz = -a * kz * kz * s * cz;
        let urz = -a * kr * kz * co * sz;
        let wr = -b * kr * s * sw;
        let wzz = -b * kw * kw * co * sw;
        let wrr = -b * kr * kr * co * sw;
        let wrz = -b * kr * kw * s * cw;
        // θ = u_r + u/r + w_z and its derivatives.
        let (hoop_r, theta_z) =
            if r > 0.0 { (ur / r - u0 / (r * r), urz + uz / r + wzz) } else { (0.0, urz + urz + wzz) };
        let theta_r = urr + hoop_r + wrz;
        let gamma_z = uzz + wrz;
        let gamma = uz + wr;
        let gamma_r = urz + wrr;
        let over = |value: f64, slope: f64| if r > 0.0 { value / r } else { slope };
        // σ_r = 2G u_r + λθ + C(u_r + u/3r), σ_θ = 2G u/r + λθ + C(u/r + u_r/3).
        let difference = if r > 0.0 { (2.0 * g + 2.0 * c / 3.0) * (ur - u0 / r) / r } else { 0.0 };
        let radial = (2.0 * g + c) * urr + l * theta_r + c / 3.0 * hoop_r + difference + g * gamma_z;
        let vertical = 2.0 * g * wzz + l * theta_z + g * (gamma_r + over(gamma, gamma_r));
        [-radial, -vertical]
    };
    let mut load = elastic.body.unloaded();
    elastic.pull(&mut load, &force);
    for i in 0..cells {
        let r = elastic.body.middle(i);
        let (ur, hoop, wz) = (a * kr * (kr * r).cos(), a * (kr * r).sin() / r, b * kw * (kr * r).cos());
        elastic.press(&mut load, i, -(2.0 * g * wz + l * (ur + hoop + wz)));
    }
    let moved = elastic.solve(&load);
    let (mut error, mut size) = (0.0, 0.0);
    for k in 0..cells {
        for i in 0..cells {
            let body = &elastic.body;
            let volume = body.area(i) * (body.depths[k + 1] - body.depths[k]);
            error += volume * (moved.radial(i, k) - u(body.radii[i], body.depth(k))).powi(2);
            error += volume * (moved.vertical(i, k) - w(body.middle(i), body.depths[k])).powi(2);
            size += volume * (u(body.radii[i], body.depth(k)).powi(2) + w(body.middle(i), body.depths[k]).powi(2));
        }
    }
    (error / size).sqrt()
}

#[test]
fn order_of_the_manufactured_solution_is_two_at_any_compressibility() {
    for poisson in [0.3, 0.49, 0.4999] {
        let errors: Vec<f64> = [12, 24, 48].map(|cells| manufactured(cells, poisson)).to_vec();
        for pair in errors.windows(2) {
            let order = (pair[0] / pair[1]).log2();
            assert!(order >= 1.9, "ν = {poisson}: order {order}, errors {errors:?}");
        }
    }
}

/// w = F (1 − ν²)/(π E r) on the surface of a half space (Boussinesq).
#[test]
fn boussinesq_point_force() {
    for poisson in [0.3, 0.4999] {
        let body = half_space(poisson, 0.02, 400.0);
        let mut load = body.body.unloaded();
        body.press(&mut load, 0, 1.0);
        let force = 2.0 * PI * body.body.area(0);
        let moved = body.solve(&load);
        for i in (0..body.body.rings()).filter(|i| (0.3..3.0).contains(&body.body.middle(*i))) {
            let r = body.body.middle(i);
            let exact = force * (1.0 - poisson * poisson) / (PI * r);
            let got = moved.vertical(i, 0);
            assert!((got / exact - 1.0).abs() < 0.03, "ν = {poisson}, r = {r}: {got} {exact}");
        }
    }
}

#[test]
fn punch_sphere_and_cone_on_a_half_space() {
    for poisson in [0.3, 0.4999] {
        let body = half_space(poisson, 0.02, 200.0);
        let surface = Surface::of(&body, 3.0);
        let plane = 1.0 / (1.0 - poisson * poisson);
        let last = surface.edges.iter().position(|edge| *edge > 1.0).unwrap();
        let punch = surface.punch(last).unwrap();
        let exact = 2.0 * plane * surface.edges[last];
        assert!((punch.force / exact - 1.0).abs() < 0.04, "punch {} {exact}", punch.force);
        let sphere = surface.press(0.1, &|r| r * r / 20.0).unwrap();
        let exact = 4.0 / 3.0 * plane * 10f64.sqrt() * 0.1f64.powf(1.5);
        assert!((sphere.force / exact - 1.0).abs() < 0.03, "sphere {} {exact}", sphere.force);
        assert!((sphere.radius - 1.0).abs() < 0.12, "{}", sphere.radius);
        let half_angle = 80f64.to_radians();
        let cone = surface.press(0.25, &|r| r / half_angle.tan()).unwrap();
        let exact = 2.0 / PI * plane * half_angle.tan() * 0.25f64.powi(2);
        assert!((cone.force / exact - 1.0).abs() < 0.03, "cone {} {exact}", cone.force);
        assert!(sphere.pressure.iter().chain(&cone.pressure).all(|pressure| *pressure >= 0.0));
    }
}

/// u = ((1 − 2ν) a² p r + a² b² p/r)/(2G (b² − a²)) in a thick tube that does not lengthen (Lamé).
#[test]
fn thick_tube_of_lame() {
    let errors: Vec<f64> = [0.3, 0.49, 0.4999]
        .map(|poisson| {
            let (a, b) = (1.0, 3.0);
            let radii: Vec<f64> = (0..=60).map(|i| a + (b - a) * f64::from(i) / 60.0).collect();
            let stuff = Stuff::isotropic(1.0, poisson);
            let tube = Body {
                radii,
                depths: vec![0.0, 0.5, 1.0],
                stuff: vec![stuff; 120],
                rim: Edge::Loaded,
                bottom: Edge::Smooth,
                clamped: vec![true; 60],
            };
            let tube = tube.factorise().unwrap();
            let mut load = tube.body.unloaded();
            tube.push(&mut load, 0, 0, 1.0);
            tube.push(&mut load, 0, 1, 1.0);
            let moved = tube.solve(&load);
            let exact = |r: f64| {
                ((1.0 - 2.0 * poisson) * a * a * r + a * a * b * b / r) / (2.0 * stuff.shear * (b * b - a * a))
            };
            (0..=60).map(|i| (moved.radial(i, 0) / exact(tube.body.radii[i]) - 1.0).abs()).fold(0.0, f64::max)
        })
        .to_vec();
    // The error does not grow as the medium becomes incompressible: it does not lock.
    assert!(errors.iter().all(|error| *error < 1e-3), "{errors:?}");
}

/// A frictionless layer, pressed all over: w = p h (1 + ν)(1 − 2ν)/(E (1 − ν)) if its sides cannot move.
#[test]
fn layer_pressed_all_over() {
    for poisson in [0.3, 0.4999] {
        let body = Body {
            radii: graded(0.0, 5.0, 0.2, 1.1),
            depths: (0..=10).map(|k| 0.1 * f64::from(k)).collect(),
            stuff: vec![Stuff::isotropic(1.0, poisson); 10 * (graded(0.0, 5.0, 0.2, 1.1).len() - 1)],
            rim: Edge::Smooth,
            bottom: Edge::Held,
            clamped: vec![false; graded(0.0, 5.0, 0.2, 1.1).len() - 1],
        };
        let body = body.factorise().unwrap();
        let mut load = body.body.unloaded();
        for i in 0..body.body.rings() {
            body.press(&mut load, i, 1.0);
        }
        let moved = body.solve(&load);
        let exact = (1.0 + poisson) * (1.0 - 2.0 * poisson) / (1.0 - poisson);
        for i in 0..body.body.rings() {
            assert!((moved.vertical(i, 0) / exact - 1.0).abs() < 1e-9);
        }
    }
}

/// A punch on a layer bonded to a rigid base: thick layers answer as a half space, 2 E* a; layers much thinner than the punch as
/// an incompressible film that is squeezed out, F/δ = 3π G a⁴/(8 h³) (lubrication; ν = 1/2 and a ≫ h).
#[test]
fn layer_on_a_rigid_base() {
    let stiffness = |high: f64| {
        let radii = graded(0.0, 30.0, 0.01, 1.08);
        let depths: Vec<f64> = graded(0.0, high, 0.04 * high.min(1.0), 1.1);
        let (rings, rows) = (radii.len() - 1, depths.len() - 1);
        let body = Body {
            radii,
            depths,
            stuff: vec![Stuff::isotropic(1.0, 0.4999); rings * rows],
            rim: Edge::Smooth,
            bottom: Edge::Held,
            clamped: vec![false; rings],
        };
        let surface = Surface::of(&body.factorise().unwrap(), 1.5);
        let last = surface.edges.iter().position(|edge| *edge > 1.0).unwrap();
        let a = surface.edges[last];
        surface.punch(last).unwrap().force / (2.0 * a / (1.0 - 0.4999 * 0.4999))
    };
    let [thick, middle, thin] = [40.0, 2.0, 0.5].map(stiffness);
    assert!((0.98..1.06).contains(&thick), "{thick}");
    assert!(middle > 1.2 * thick && thin > 2.5 * middle, "{thick} {middle} {thin}");
}
