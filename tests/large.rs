//! Large models: what deep columns and large networks cost grows with their size and not faster, and what comes out is right.
#![expect(unsafe_code, reason = "an allocator that counts")]

mod common;

use std::time::{Duration, Instant};

use common::*;
use dermasim::engine::grid::Geometry;
use dermasim::engine::medium::Medium;
use dermasim::engine::stepper::{Stepper, System};

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

/// What a reaction does, with the constant of the same number.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// → a
    Make(usize),
    /// a →
    Decay(usize),
    /// a + b → c
    Bind([usize; 3]),
    /// a → b, with a enhancing.
    Turn([usize; 2]),
    /// → b, as far as a is there.
    Activate([usize; 2]),
}

/// How species are chosen that react with each other.
#[derive(Debug, Clone, Copy)]
enum Wiring {
    /// Modules of ten species, each listening to the one before and to one further up.
    Modules,
    /// Anybody with anybody.
    Random,
}

/// A network: five reactions a species.
struct Network {
    species: usize,
    reactions: Vec<(Kind, f64)>,
}

impl Network {
    fn new(species: usize, wiring: Wiring) -> Self {
        let mut state = 7_u64;
        let mut draw = |most: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % most
        };
        let mut reactions = Vec::new();
        for s in 0..species {
            let mut other = |far: bool| match wiring {
                Wiring::Random => (s + 1 + draw(species - 1)) % species,
                Wiring::Modules if far => (s + species - 10 - draw(40)) % species,
                Wiring::Modules => s / 10 * 10 + (s + 1 + draw(9)) % 10,
            };
            let (partner, product, next, upstream) = (other(false), other(false), other(false), other(s % 10 == 0));
            let kinds = [
                Kind::Make(s),
                Kind::Decay(s),
                Kind::Bind([s, partner, product]),
                Kind::Turn([s, next]),
                Kind::Activate([upstream, s]),
            ];
            reactions.extend(kinds.map(|kind| (kind, 0.1 * 1.5_f64.powi(draw(12) as i32))));
        }
        Self { species, reactions }
    }

    fn initial(s: usize) -> f64 {
        0.1 + 0.05 * (s % 13) as f64
    }

    /// The model file.
    fn text(&self) -> String {
        use std::fmt::Write;
        let mut text =
            "name = \"network\"\nwhat = \"generated\"\n[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n[field]\n".to_owned();
        for s in 0..self.species {
            writeln!(text, "s{s} = {{ what = \"species\", rest = 0, initial = {:?} }}", Self::initial(s)).unwrap();
        }
        text += "[constant]\n";
        for (r, (_, k)) in self.reactions.iter().enumerate() {
            writeln!(text, "k{r} = {{ value = {k:?}, evidence = \"assumed\", source = \"test\" }}").unwrap();
        }
        text += "[process]\n";
        for (r, (kind, _)) in self.reactions.iter().enumerate() {
            let (rate, takes, gives) = match kind {
                Kind::Make(a) => ("1".to_owned(), String::new(), format!("s{a} = 1")),
                Kind::Decay(a) => (format!("s{a}"), format!("s{a} = 1"), String::new()),
                Kind::Bind([a, b, c]) if a == b || b == c || a == c => {
                    (format!("s{a}"), format!("s{a} = 1"), String::new())
                }
                Kind::Bind([a, b, c]) => (format!("s{a}*s{b}"), format!("s{a} = 1, s{b} = 1"), format!("s{c} = 1")),
                Kind::Turn([a, b]) => (format!("s{a}*hill(s{a}, 0.3, 2)"), format!("s{a} = 1"), format!("s{b} = 1")),
                Kind::Activate([a, b]) => (format!("hill(s{a}, 0.5)"), String::new(), format!("s{b} = 1")),
            };
            writeln!(
                text,
                "p{r} = {{ what = \"reaction\", rate = \"k{r}*{rate}\", takes = {{ {takes} }}, gives = {{ {gives} }} }}"
            )
            .unwrap();
        }
        text
    }

    /// The rates, plainly.
    fn rates(&self, u: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for &(kind, k) in &self.reactions {
            match kind {
                Kind::Make(a) => out[a] += k,
                Kind::Decay(a) => out[a] -= k * u[a],
                Kind::Bind([a, b, c]) if a == b || b == c || a == c => out[a] -= k * u[a],
                Kind::Bind([a, b, c]) => {
                    let rate = k * u[a] * u[b];
                    (out[a], out[b], out[c]) = (out[a] - rate, out[b] - rate, out[c] + rate);
                }
                Kind::Turn([a, b]) => {
                    let rate = k * u[a] * u[a].powi(2) / (0.3_f64.powi(2) + u[a].powi(2));
                    (out[a], out[b]) = (out[a] - rate, out[b] + rate);
                }
                Kind::Activate([a, b]) => out[b] += k * u[a] / (0.5 + u[a]),
            }
        }
    }

    /// The state at `end` by the classical method of Runge and Kutta with many small steps.
    fn solved(&self, end: f64, steps: usize) -> Vec<f64> {
        let h = end / steps as f64;
        let mut u: Vec<f64> = (0..self.species).map(Self::initial).collect();
        let mut k = [const { Vec::new() }; 4].map(|_: Vec<f64>| vec![0.0; self.species]);
        for _ in 0..steps {
            for i in 0..4 {
                let ahead = [0.0, 0.5, 0.5, 1.0][i] * h;
                let at: Vec<f64> = (0..u.len()).map(|s| u[s] + if i > 0 { ahead * k[i - 1][s] } else { 0.0 }).collect();
                self.rates(&at, &mut k[i]);
            }
            (0..u.len()).for_each(|s| u[s] += h / 6.0 * (k[0][s] + 2.0 * k[1][s] + 2.0 * k[2][s] + k[3][s]));
        }
        u
    }
}

fn point() -> Geometry {
    Geometry::Point { layer: "medium".into() }
}

/// Everything that is done before the first step.
fn compiled(text: &str) -> (Medium, Stepper) {
    let mut skin = skin(text, &point(), &medium(1), 0);
    let stepper = Stepper::new(&mut skin, &adaptive(1e-4)).expect("a stepper");
    (skin, stepper)
}

#[test]
fn two_thousand_species_with_ten_thousand_reactions_are_read_compiled_and_stepped_in_seconds() {
    for wiring in [Wiring::Modules, Wiring::Random] {
        let text = Network::new(2000, wiring).text();
        let start = Instant::now();
        let (mut skin, mut stepper) = compiled(&text);
        let compiled = start.elapsed();
        stepper.force(&mut skin, 1e-3).expect("a step");
        let stepped = start.elapsed();
        println!("{wiring:?}: compiled in {compiled:.2?}, stepped after {stepped:.2?}");
        assert!(stepped < Duration::from_secs(10), "{wiring:?}: {stepped:?}");
    }
}

#[test]
fn reading_and_compiling_take_time_and_memory_in_proportion_to_the_network() {
    let sizes = [500, 1000, 2000];
    let measured: Vec<(f64, f64)> = sizes
        .iter()
        .map(|&species| {
            let text = Network::new(species, Wiring::Modules).text();
            let mut seconds = f64::INFINITY;
            let mut bytes = 0;
            for _ in 0..3 {
                memory::start();
                let start = processor_seconds();
                drop(compiled(&text));
                seconds = seconds.min(processor_seconds() - start);
                bytes = memory::most();
            }
            (seconds, bytes as f64)
        })
        .collect();
    for (species, (seconds, bytes)) in sizes.iter().zip(&measured) {
        println!("{species} species: {seconds:.2} s, {:.0} MB", bytes * 1e-6);
    }
    for pair in measured.windows(2) {
        assert!(pair[1].0 < 2.6 * pair[0].0 && pair[1].1 < 2.6 * pair[0].1, "{measured:?}");
    }
}

#[test]
fn five_hundred_species_cost_as_many_operations_each_as_one_hundred() {
    let each = |species: usize| {
        let skin = skin(&Network::new(species, Wiring::Modules).text(), &point(), &medium(1), 0);
        System::new(&skin).expect("a system").operations(0) as f64 / species as f64
    };
    let (few, many) = (each(100), each(500));
    println!("operations a species and step: {few:.0} of 100, {many:.0} of 500");
    assert!(many < 1.25 * few, "{many} against {few}");
}

#[test]
fn large_networks_are_solved_as_plainly_as_small_ones() {
    // The second has no room for all its fill-in.
    for (wiring, species) in [(Wiring::Modules, 500), (Wiring::Random, 700)] {
        let network = Network::new(species, wiring);
        let end = 2.0;
        let exact = network.solved(end, 4000);
        let coarse = network.solved(end, 2000);
        let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart(&exact, &coarse) < 1e-9, "the reference has converged");
        for tolerance in [1e-4, 1e-7] {
            let mut skin = skin(&network.text(), &point(), &medium(1), 0);
            let stepper = advance(&mut skin, &adaptive(tolerance), end);
            let found: Vec<f64> = (0..species).map(|s| skin.state[skin.layout.row(0, s)][0]).collect();
            let error = apart(&found, &exact);
            println!("{wiring:?}, tolerance {tolerance}: error {error:.1e} in {} steps", stepper.count.accepted);
            assert!(error < 20.0 * tolerance, "{wiring:?} at {tolerance}: {error}");
        }
    }
}

/// Species with their initial states, reactions with what they take and give, and the state at 2 s for each size of the constant.
type Extreme = (
    &'static str,
    &'static [(&'static str, f64)],
    &'static [(&'static str, &'static str, &'static str)],
    fn(f64) -> Vec<f64>,
);

#[test]
fn constants_of_any_size_are_right_or_refused() {
    const END: f64 = 2.0;
    let cases: [Extreme; 6] = [
        ("chain", &[("a", 1.0), ("b", 0.0), ("c", 0.0)], &[("K*a", "a = 1", "b = 1"), ("b", "b = 1", "c = 1")], |k| {
            let (slow, fast) = ((-END).exp(), (-k * END).exp());
            let b = if (k - 1.0).abs() < 1e-9 { END * slow } else { k * (slow - fast) / (k - 1.0) };
            vec![fast, b, 1.0 - fast - b]
        }),
        ("last", &[("a", 1.0), ("b", 0.0), ("c", 0.0)], &[("a", "a = 1", "b = 1"), ("K*b", "b = 1", "c = 1")], |k| {
            let (slow, fast) = ((-END).exp(), (-k * END).exp());
            let b = if (k - 1.0).abs() < 1e-9 { END * slow } else { (slow - fast) / (k - 1.0) };
            vec![slow, b, 1.0 - slow - b]
        }),
        ("there and back", &[("a", 1.0), ("b", 0.0)], &[("K*a", "a = 1", "b = 1"), ("K*b", "b = 1", "a = 1")], |k| {
            let away = (-2.0 * k * END).exp();
            vec![0.5 * (1.0 + away), 0.5 * (1.0 - away)]
        }),
        ("balance", &[("a", 0.0)], &[("K", "", "a = 1"), ("K*a", "a = 1", "")], |k| vec![-(-k * END).exp_m1()]),
        ("second order", &[("a", 1.0)], &[("K*a^2", "a = 1", "")], |k| vec![1.0 / (1.0 + k * END)]),
        ("amount", &[("a", 0.0), ("b", 0.0)], &[("K", "", "a = 1"), ("a/K", "", "b = 1")], |k| {
            vec![k * END, END * END / 2.0]
        }),
    ];
    let mut wrong = Vec::new();
    let mut refused = Vec::new();
    for (name, species, reactions, exact) in cases {
        for power in (-30..=30).step_by(5) {
            let k = 10_f64.powi(power);
            let mut text =
                "name = \"extreme\"\nwhat = \"of any size\"\n[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n".to_owned();
            text += &format!("[constant]\nK = {{ value = {k:e}, evidence = \"assumed\", source = \"test\" }}\n");
            for (name, initial) in species {
                text += &format!("[field.{name}]\nwhat = \"species\"\nrest = 0\ninitial = {initial:?}\n");
            }
            for (r, (rate, takes, gives)) in reactions.iter().enumerate() {
                text += &format!("[process.p{r}]\nwhat = \"reaction\"\nrate = \"{rate}\"\n");
                text += &format!("takes = {{ {takes} }}\ngives = {{ {gives} }}\n");
            }
            let mut skin = skin(&text, &point(), &medium(1), 0);
            let mut stepper = Stepper::new(&mut skin, &adaptive(1e-5)).expect("a stepper");
            match stepper.advance(&mut skin, END, &mut |_, _| true) {
                Err(error) => {
                    let message = error.to_string();
                    assert!(species.iter().any(|(name, _)| message.contains(&format!("`{name}`"))), "{message}");
                    refused.push(format!("{name} 1e{power}"));
                }
                Ok(()) => {
                    for (s, exact) in exact(k).into_iter().enumerate() {
                        let found = skin.state[skin.layout.row(0, s)][0];
                        // Errors count relative to the largest value that a field has had; what is below is of no size.
                        let size =
                            [exact.abs(), species[s].1, 1e-3 * exact.abs().max(1e-3)].into_iter().fold(0.0, f64::max);
                        if (found - exact).abs() > 2e-3 * size {
                            wrong.push(format!("{name} 1e{power}: {} is {found:e}, not {exact:e}", species[s].0));
                        }
                    }
                }
            }
        }
    }
    println!("refused: {refused:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Time of the processor that this thread has used [s]: what others do at the same time does not count.
fn processor_seconds() -> f64 {
    #[cfg(target_os = "linux")]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the time is written there.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
    }
    #[cfg(not(target_os = "linux"))]
    {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs_f64()
    }
}

/// Counts the memory that a thread holds.
mod memory {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;

    thread_local! {
        static HELD: Cell<isize> = const { Cell::new(0) };
        static MOST: Cell<isize> = const { Cell::new(0) };
    }

    struct Counting;

    fn count(bytes: isize) {
        HELD.set(HELD.get() + bytes);
        MOST.set(MOST.get().max(HELD.get()));
    }

    // SAFETY: everything is handed on to the system's allocator.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            count(layout.size() as isize);
            // SAFETY: the caller's.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            count(-(layout.size() as isize));
            // SAFETY: the caller's.
            unsafe { System.dealloc(pointer, layout) }
        }
    }

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    /// Begins to count.
    pub fn start() {
        HELD.set(0);
        MOST.set(0);
    }

    /// The most that was held since then [bytes].
    pub fn most() -> isize {
        MOST.get()
    }
}
