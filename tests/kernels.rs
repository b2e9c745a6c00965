//! One suite for all fast kernels: at every instruction set this processor has, on many shapes, each answers to the plainest
//! reference there is: dense elimination of one line or one cell, the right-hand side written out, formulas by hand.

mod common;

use std::sync::{Mutex, MutexGuard, PoisonError};

use common::*;
use dermasim::base::processor::{Instructions, force};
use dermasim::engine::grid::Layer;
use dermasim::engine::grid::{Axis, Ends, Geometry, Grid};
use dermasim::engine::language::{Diffusion, Operand};
use dermasim::engine::medium::Medium;
use dermasim::engine::stepper::{Method, Stepping};
use dermasim::engine::stepper::{Stepper, System};
use dermasim::study::bench::Kinetics;
use nalgebra::{DMatrix, DVector};

/// The instruction set is one for the process, so tests that set it take turns.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a check with every set the processor has, the narrowest first.
fn each_set(mut check: impl FnMut(Instructions)) {
    let _turn = turn();
    for set in Instructions::ALL.iter().copied().filter(|set| set.available()) {
        force(set).expect("it is available");
        check(set);
    }
}

/// Three fields that spread by layer, two of which react.
fn model() -> String {
    let constant = |name: &str, value: &str| {
        format!("[constant.{name}]\nvalue = {value}\nevidence = \"assumed\"\nsource = \"test\"\n")
    };
    format!(
        "name = \"kernels\"\nwhat = \"layered spreading and kinetics\"\n
        [scale]\nlength = \"1 m\"\ntime = \"1 s\"\n{}{}
        [constant.D]\nvalue = {{ a = 1e-3, b = 4e-3 }}\nby = \"layer\"\nevidence = \"assumed\"\nsource = \"test\"
        [field.u]\nwhat = \"spreads everywhere\"\nrest = 0\ndiffusivity = \"D\"
        initial = \"1 + 0.5*random()\"
        [field.v]\nwhat = \"lives below\"\nlives_in = [\"b\"]\nrest = 0\ndiffusivity = \"D/2\"
        initial = \"0.5 + 0.2*random()\"\nreference_density = {{ b = 1.3 }}
        [field.w]\nwhat = \"stays\"\nrest = 0\ninitial = \"random()\"
        [process.eat]\nwhat = \"u feeds v\"\nrate = \"k*u*v^2\"\ntakes = {{ u = 1 }}\ngives = {{ v = 1 }}
        [process.fade]\nwhat = \"v fades\"\nrate = \"v/(1 + v)\"\ntakes = {{ v = 1 }}
        [process.drive]\nwhat = \"u is fed\"\nrate = \"F*(1 + sin(time))\"\ngives = {{ u = 1 }}\n",
        constant("k", "0.7"),
        constant("F", "0.04")
    )
}

/// Shapes from a single cell to rows that fit no vector: (cells along x, y, in each of two layers; whether ends meet; grading).
fn shapes() -> Vec<(Geometry, Vec<Layer>)> {
    let layers = |above: usize, below: usize, graded: f64| {
        let mut layers = vec![layer("a", 0.0, 0.4, above), layer("b", 0.4, 1.0, below)];
        layers[1].spacing[1] *= graded;
        layers
    };
    let tile = |nx, ny, periodic| Geometry::Tile { width: [1.0, 0.7], cells: [nx, ny], periodic };
    vec![
        (section(1, false), layers(1, 1, 1.0)),
        (section(1, false), layers(5, 17, 4.0)),
        (section(3, true), layers(1, 2, 1.0)),
        (section(29, false), layers(4, 9, 3.0)),
        (section(64, true), layers(3, 3, 1.0)),
        (tile(2, 2, true), layers(1, 1, 1.0)),
        (tile(2, 3, false), layers(2, 5, 2.0)),
        (tile(8, 1, true), layers(3, 4, 1.0)),
        (tile(1, 9, true), layers(3, 4, 1.0)),
        (tile(17, 23, true), layers(4, 15, 2.0)),
        (tile(33, 12, false), layers(6, 7, 1.0)),
        (tile(32, 32, true), layers(2, 6, 3.0)),
    ]
}

/// I − θA of a line of cells: conductances g of the faces between neighbours over the cells' measures; `ends` joins the last to
/// the first.
fn line_matrix(theta: f64, faces: &[f64], measures: &[f64], ends: f64) -> DMatrix<f64> {
    let n = measures.len();
    let mut matrix = DMatrix::identity(n, n);
    let mut join = |i: usize, j: usize, g: f64| {
        for (own, other) in [(i, j), (j, i)] {
            matrix[(own, own)] += theta * g / measures[own];
            matrix[(own, other)] -= theta * g / measures[own];
        }
    };
    (1..n).for_each(|i| join(i - 1, i, faces[i]));
    if ends > 0.0 {
        join(n - 1, 0, ends);
    }
    matrix
}

/// Solves a line of a state by dense elimination; `at(i)` is the place of its cell i.
fn solve(state: &mut [f64], matrix: &DMatrix<f64>, at: impl Fn(usize) -> usize) {
    let right = DVector::from_fn(matrix.nrows(), |i, _| state[at(i)]);
    let solved = matrix.clone().lu().solve(&right).expect("it is diagonally dominant");
    (0..matrix.nrows()).for_each(|i| state[at(i)] = solved[i]);
}

/// Fields that spread, with the diffusivity of each depth.
fn movers(skin: &Medium) -> Vec<(usize, Vec<f64>)> {
    let mut movers = Vec::new();
    for (f, field) in skin.compiled.volume.iter().enumerate() {
        let Some(Diffusion::Layered(by_layer)) = &field.diffusion else { continue };
        let at = |&layer: &usize| if field.lives[layer] { by_layer[layer] } else { 0.0 };
        movers.push((f, skin.grid.layer.iter().map(at).collect()));
    }
    movers
}

/// (I − θA_y)⁻¹ (I − θA_x)⁻¹ applied to a state, a line at a time.
fn swept_laterally(skin: &Medium, theta: f64, state: &mut [f64]) {
    let (grid, layout) = (&skin.grid, skin.layout);
    let (nx, ny) = (grid.x.len(), grid.y.len());
    let lateral = |axis: &Axis, d: f64| {
        let faces: Vec<f64> = axis.conductance.iter().map(|g| g * d).collect();
        let joined = if axis.ends == Ends::Periodic && axis.len() > 1 { faces[0] } else { 0.0 };
        line_matrix(theta, &faces, &axis.volume, joined)
    };
    for (f, d) in movers(skin) {
        for z in 0..layout.nz {
            let first = layout.row(z, f).start;
            let (along_x, along_y) = (lateral(&grid.x, d[z]), lateral(&grid.y, d[z]));
            (0..ny).for_each(|y| solve(state, &along_x, |x| first + y * nx + x));
            (0..nx).for_each(|x| solve(state, &along_y, |y| first + y * nx + x));
        }
    }
}

/// (I − θA_z)⁻¹ (I − θA_y)⁻¹ (I − θA_x)⁻¹ applied to the state of a skin, a line at a time.
fn swept(skin: &Medium, theta: f64) -> Vec<f64> {
    let (grid, layout, mut state) = (&skin.grid, skin.layout, skin.state.clone());
    swept_laterally(skin, theta, &mut state);
    for (f, d) in movers(skin) {
        let rho = |z: usize| skin.compiled.volume[f].density[grid.layer[z]];
        let mut faces = vec![0.0; layout.nz];
        for z in 1..layout.nz {
            let resistance = |z: usize| 0.5 * grid.z.width(z) / (rho(z) * d[z]);
            faces[z] = 1.0 / (resistance(z - 1) + resistance(z));
        }
        let measures: Vec<f64> = (0..layout.nz).map(|z| rho(z) * grid.z.width(z)).collect();
        let depth = line_matrix(theta, &faces, &measures, 0.0);
        (0..layout.plane).for_each(|p| solve(&mut state, &depth, |z| layout.row(z, f).start + p));
    }
    state
}

/// The largest difference of two states at places that hold a value, relative to their size.
fn apart(skin: &Medium, one: &[f64], other: &[f64]) -> f64 {
    let layout = skin.layout;
    let rows = (0..layout.nz).flat_map(|z| (0..layout.fields).map(move |f| layout.row(z, f)));
    rows.flatten().map(|p| (one[p] - other[p]).abs() / other[p].abs().max(1.0)).fold(0.0, f64::max)
}

#[test]
fn sweeps_answer_to_dense_elimination() {
    each_set(|set| {
        for (n, (geometry, layers)) in shapes().iter().enumerate() {
            for theta in [0.1, 30.0] {
                let mut skin = skin(&model(), geometry, layers, 3);
                let reference = swept(&skin, theta);
                let mut system = System::new(&skin).expect("a system");
                system.settle(&mut skin).expect("a balance");
                system.prepare(theta);
                let volume = skin.layout.volume();
                let mut state = skin.state.clone();
                system.sweep(&mut state[..volume]);
                let off = apart(&skin, &state, &reference);
                // Elimination is backward stable here; what is lost grows with the length of the lines.
                assert!(off < 1e-13, "{set:?}, shape {n}, theta {theta}: {off:e}");
            }
        }
    });
}

/// What a stage computes in one pass over each depth: rates, the elimination with their Jacobian, the lateral sweeps.
#[test]
fn a_stage_answers_to_dense_elimination() {
    each_set(|set| {
        for (n, (geometry, layers)) in shapes().iter().enumerate() {
            let mut skin = skin(&model(), geometry, layers, 3);
            let mut system = System::new(&skin).expect("a system");
            system.settle(&mut skin).expect("a balance");
            let (layout, gamma, step) = (skin.layout, 0.4, 2.0);
            let theta = gamma * step;
            let mut rates = vec![0.0; layout.len()];
            system.rates(&skin, &mut rates);
            let mut reference = rates.iter().map(|rate| theta * rate).collect::<Vec<_>>();
            for z in 0..layout.nz {
                let kinetics = &skin.compiled.layers[skin.grid.layer[z]];
                let mut entries = vec![0.0; kinetics.pattern.len() * layout.plane];
                let view = skin.view();
                view.run(&kinetics.jacobian, z, 0..layout.plane, &mut entries, &mut Vec::new(), &|_| None);
                for p in 0..layout.plane {
                    let mut matrix = DMatrix::<f64>::identity(layout.fields, layout.fields);
                    for (k, &(row, column)) in kinetics.pattern.iter().enumerate() {
                        matrix[(row, column)] -= theta * entries[k * layout.plane + p];
                    }
                    let at = |f: usize| layout.row(z, f).start + p;
                    let right = DVector::from_fn(layout.fields, |f, _| reference[at(f)]);
                    let exact = matrix.lu().solve(&right).expect("it is regular");
                    (0..layout.fields).for_each(|f| reference[at(f)] = exact[f]);
                }
            }
            swept_laterally(&skin, theta, &mut reference);
            system.prepare(theta);
            for first in [true, false] {
                let mut out = vec![0.0; layout.len()];
                system.stage_of(&skin, first, gamma, step, &mut out);
                let off = apart(&skin, &out, &reference);
                // Factors of the local solve are kept with 24 bits; the matrices have conditions of a few.
                assert!(off < 1e-6, "{set:?}, shape {n}, first {first}: {off:e}");
            }
        }
    });
}

#[test]
fn programs_answer_to_formulas_by_hand() {
    let skin = skin(include_str!("../models/response/gray_scott.toml"), &section(1, false), &medium(1), 0);
    let rates = &skin.compiled.layers[0];
    let (f, k) = (0.04 / 60.0, 0.06 / 60.0);
    each_set(|set| {
        for length in [1, 2, 7, 8, 9, 63, 64, 65, 200, 255, 256, 257, 400, 1088] {
            let u: Vec<f64> = (0..length).map(|i| 0.5 + 0.4 * (i as f64).sin()).collect();
            let v: Vec<f64> = (0..length).map(|i| 0.3 + 0.2 * (2.0 * i as f64).cos()).collect();
            let mut out = vec![f64::NAN; 2 * length];
            rates.rate.run(&[Operand::Block(&u), Operand::Block(&v)], length, &mut out, &mut Vec::new());
            for i in 0..length {
                let eaten = u[i] * v[i] * v[i] / 60.0;
                let exact = [f * (1.0 - u[i]) - eaten, eaten - (f + k) * v[i]];
                for (field, exact) in exact.iter().enumerate() {
                    let found = out[field * length + i];
                    assert!((found - exact).abs() < 1e-17, "{set:?}, {length} cells: {found} is not {exact}");
                }
            }
        }
    });
}

/// The measure of the language's speed must compute the same thing: a change of the default model is one of
/// `benches/by_hand.rs` too.
#[test]
fn kinetics_by_hand_agree_with_the_language() {
    each_set(|set| {
        let mut kinetics = Kinetics::uneven().expect("skin");
        let off = kinetics.disagreement().unwrap_or_else(|why| panic!("bring benches/by_hand.rs up to date: {why}"));
        // Rates are differences of terms some hundred times as large.
        assert!(off < 1e-12, "{set:?}: {off:e}; bring benches/by_hand.rs up to date with the default model");
    });
}

/// Euler's method with the right-hand side of the general path.
fn euler(skin: &mut Medium, step: f64, steps: usize) {
    let mut system = System::new(skin).expect("a system");
    let mut rates = vec![0.0; skin.state.len()];
    for _ in 0..steps {
        system.refresh(skin).expect("a balance");
        system.rates(skin, &mut rates);
        skin.state.iter_mut().zip(&rates).for_each(|(value, rate)| *value += step * rate);
        skin.time += step;
    }
}

#[test]
fn explicit_steps_in_cache_answer_to_plain_ones() {
    let step = 0.02;
    each_set(|set| {
        for (n, (geometry, layers)) in shapes().iter().enumerate() {
            // Less than a pass, whole passes, and some steps more.
            for steps in [1, 3, 12, 17] {
                let mut plain = skin(&model(), geometry, layers, 3);
                let mut fast = plain.clone();
                euler(&mut plain, step, steps);
                let stepping =
                    Stepping { method: Method::Euler, tolerance: 1.0, absolute: 1.0, longest: 1e9, fixed: Some(step) };
                let mut stepper = Stepper::new(&mut fast, &stepping).expect("a stepper");
                stepper.advance(&mut fast, step * steps as f64, &mut |_, _| true).expect("steps");
                assert_eq!(stepper.count.accepted, steps as u64);
                let off = apart(&plain, &fast.state, &plain.state);
                // A rounding or two a step, of values about 1.
                assert!(off < 1e-15 * (2 + steps) as f64, "{set:?}, shape {n}, {steps} steps: {off:e}");
            }
        }
    });
}

#[test]
fn explicit_steps_give_the_same_bits_for_any_number_of_threads() {
    let _turn = turn();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let geometry = Geometry::Tile { width: [1.0, 1.0], cells: [30, 50], periodic: true };
            let layers = [layer("a", 0.0, 0.4, 20), layer("b", 0.4, 1.0, 45)];
            let mut skin = skin(&model(), &geometry, &layers, 5);
            let stepping =
                Stepping { method: Method::Euler, tolerance: 1.0, absolute: 1.0, longest: 1e9, fixed: Some(0.01) };
            let mut stepper = Stepper::new(&mut skin, &stepping).expect("a stepper");
            stepper.advance(&mut skin, 0.2, &mut |_, _| true).expect("steps");
            skin.state
        })
    };
    let one = run(1);
    for threads in [2, 3, 5] {
        assert!(one.iter().zip(&run(threads)).all(|(a, b)| a.to_bits() == b.to_bits()), "{threads} threads");
    }
}

#[test]
fn explicit_steps_keep_uniform_fields_and_contents() {
    let constant =
        "[constant.D]\nvalue = { a = 1e-3, b = 4e-3 }\nby = \"layer\"\nevidence = \"assumed\"\nsource = \"test\"\n";
    let text = |initial: &str| {
        format!(
            "name = \"box\"\nwhat = \"spreading\"\n[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n{constant}
            [field.u]\nwhat = \"u\"\nrest = 0\ninitial = \"{initial}\"\ndiffusivity = \"D\"\n"
        )
    };
    each_set(|set| {
        for (n, (geometry, layers)) in shapes().iter().enumerate() {
            let run = |initial: &str| {
                let mut skin = skin(&text(initial), geometry, layers, 1);
                let before = skin.clone();
                let stepping =
                    Stepping { method: Method::Euler, tolerance: 1.0, absolute: 1.0, longest: 1e9, fixed: Some(0.02) };
                advance(&mut skin, &stepping, 0.4);
                (before, skin)
            };
            let (before, after) = run("0.37");
            assert!(before.state == after.state, "{set:?}, shape {n}: a uniform field moved");
            let (before, after) = run("random()");
            let kept = (content(&after, 0) / content(&before, 0) - 1.0).abs();
            assert!(kept < 1e-13, "{set:?}, shape {n}: {kept:e} of the content is gone");
        }
    });
}

/// Models with more than layered diffusion and kinetics take the general path with the same method.
#[test]
fn euler_steps_everything_else_too() {
    let _turn = turn();
    let text = include_str!("../models/response/keller_segel.toml");
    let geometry = Geometry::Section { width: 1e-3, cells: 24, periodic: false };
    let layers = [layer("medium", 0.0, 1e-3, 2)];
    let grid = || std::sync::Arc::new(Grid::new(&geometry, &layers, 1.0, None, &[], [&[]; 3]).expect("a grid"));
    let mut plain = skin_on(text, grid(), 2);
    let mut skin = plain.clone();
    euler(&mut plain, 0.5, 20);
    let stepping = Stepping { method: Method::Euler, tolerance: 1.0, absolute: 1.0, longest: 1e9, fixed: Some(0.5) };
    advance(&mut skin, &stepping, 10.0);
    assert!(plain.state == skin.state);
}
