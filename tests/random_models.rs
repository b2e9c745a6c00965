//! Models that nobody thought of: drawn, written as a user would, solved by the default method, and by a plain one with a tight
//! tolerance that shares nothing with the program but the grid (`random`). Every field must lie within ten times the tolerance
//! asked for, relative to the size that it has had, or the model be refused.
//!
//! `DERMASIM_RANDOM_MODELS` says how many are drawn in place of the usual number, `DERMASIM_RANDOM_FIRST` the first seed; with
//! `DERMASIM_RANDOM_REFUSED=1` what was refused is made small and shown, too.

mod random;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use dermasim::engine::observe::Snapshot;
use dermasim::run;
use dermasim::scenario::Scenario;
use random::draw;
use random::model::{Course, Field, Model, Part};
use random::plain::Plain;
use rayon::prelude::*;

const USUAL: u64 = 500;
/// How far a result may be off, in tolerances.
const FAR: f64 = 10.0;
/// Part of a field's own scale below which deviations do not matter, as documented.
const NEGLIGIBLE: f64 = 1e-7;

#[derive(Debug)]
enum Verdict {
    /// So many tolerances off.
    Agrees(f64),
    Refused(String),
    Differs(String),
    /// The plain method would take too long.
    Open,
}

/// Snapshots of the program.
fn run(model: &Model) -> Result<Vec<Snapshot>, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("it can be written");
    write("tissue.toml", model.tissue());
    write("model.toml", model.text());
    write("scenario.toml", model.scenario());
    let scenario = Scenario::read(&folder.path().join("scenario.toml")).map_err(|error| error.to_string())?;
    let plan = scenario.plan().map_err(|error| error.to_string())?;
    Ok(run::run(&Arc::new(plan), &mut |_| true).map_err(|error| error.to_string())?.snapshots)
}

fn judge(model: &Model) -> Verdict {
    let found = match catch_unwind(AssertUnwindSafe(|| run(model))) {
        Ok(Ok(found)) => found,
        Ok(Err(message)) => return Verdict::Refused(message),
        Err(_) => return Verdict::Differs("it panics".into()),
    };
    let plain = Plain::new(model);
    let looks = [0.5 * model.end, model.end];
    let Some(right) = plain.solve(&looks) else { return Verdict::Open };
    let [nx, ny, nz] = plain.shape();
    let (mut worst, mut wrong) = (0.0_f64, String::new());
    if found.len() != looks.len() {
        return Verdict::Differs(format!("{} snapshots", found.len()));
    }
    for ((look, found), right) in looks.iter().zip(&found).zip(&right) {
        let mut state = vec![0.0; right.state.len()];
        let mut names: Vec<Option<String>> = Vec::new();
        let mut put = |name: String, nz: usize, at: &dyn Fn(usize, usize) -> usize| {
            let Some((.., values)) = found.fields.iter().find(|(own, ..)| *own == name) else { return };
            assert_eq!(values.shape(), [nz, ny, nx], "`{name}`");
            for ((z, y, x), value) in values.indexed_iter() {
                state[at(z, y * nx + x)] = *value;
            }
        };
        for (f, field) in model.fields.iter().enumerate() {
            put(format!("u{f}"), nz, &|z, p| plain.at(f, z, p));
            names.push((!field.gone).then(|| format!("u{f}")));
        }
        for film in 0..model.films.len() {
            put(format!("g{film}"), 1, &|_, p| plain.film(film, p));
            names.push(Some(format!("g{film}")));
        }
        let apart = plain.sizes(|i| state[i] - right.state[i]);
        let now = [plain.sizes(|i| state[i]), plain.sizes(|i| right.state[i])];
        for (f, (apart, size)) in apart.iter().zip(&right.sizes).enumerate() {
            let Some(name) = &names[f] else { continue };
            // Below this part of a scale that is written, deviations do not matter.
            let floor = if model.fields.get(f).is_some_and(Field::has_scale) { NEGLIGIBLE } else { f64::MIN_POSITIVE };
            let off = apart / (model.tolerance * size.max(floor));
            worst = worst.max(off);
            if off.is_nan() || off > FAR {
                wrong += &format!(
                    "`{name}` at {look} h is {off:.3} tolerances of {} off: {:.6e}, right is {:.6e}, it has been {size:.6e}\n",
                    model.tolerance, now[0][f], now[1][f]
                );
            }
        }
    }
    if wrong.is_empty() { Verdict::Agrees(worst) } else { Verdict::Differs(wrong) }
}

/// The same model without what does not matter for the difference, or for the refusal.
fn shrink(model: &Model) -> (Model, String) {
    let verdict = judge(model);
    let kept = |new: Verdict| match (new, &verdict) {
        (Verdict::Differs(what), Verdict::Differs(_)) => Some(what),
        (Verdict::Refused(what), Verdict::Refused(was)) if reason(&what) == reason(was) => Some(what),
        _ => None,
    };
    let differs = |model: &Model| kept(judge(model));
    let mut small = model.clone();
    let mut told = differs(model).unwrap_or_default();
    loop {
        let mut candidates = Vec::new();
        for n in (0..small.parts.len()).rev() {
            let mut less = small.clone();
            less.parts.remove(n);
            less.forget();
            candidates.push(less);
        }
        for n in 0..small.parts.len() {
            let mut less = small.clone();
            if let Part::React(own) = &mut less.parts[n]
                && !matches!(own.course, Course::Steady)
            {
                own.course = Course::Steady;
                candidates.push(less);
            }
        }
        for f in 0..small.fields.len() {
            let mut less = small.clone();
            let field = &mut less.fields[f];
            if field.waves.iter().any(Option::is_some) || field.density.iter().any(|density| *density != 1.0) {
                field.waves = [None; 3];
                field.density.fill(1.0);
                candidates.push(less);
            }
        }
        let Some((less, what)) = candidates.into_iter().find_map(|less| differs(&less).map(|what| (less, what))) else {
            return (small, told);
        };
        (small, told) = (less, what);
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a whole number")))
}

/// A message without the names and numbers that differ from model to model.
fn reason(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let mut out = String::new();
    for (n, piece) in line.split('`').enumerate() {
        out += if n % 2 == 1 { "`…`" } else { piece };
    }
    out.chars().map(|own| if own.is_ascii_digit() { '#' } else { own }).collect()
}

#[test]
fn drawn_models_are_solved_as_a_plain_method_solves_them_or_refused() {
    let count = number("DERMASIM_RANDOM_MODELS", USUAL);
    let first = number("DERMASIM_RANDOM_FIRST", 0);
    let verdicts: Vec<(u64, Verdict)> =
        (first..first + count).into_par_iter().map(|seed| (seed, judge(&draw::model(seed)))).collect();
    let mut offs = Vec::new();
    let mut refused: BTreeMap<String, Vec<(u64, &str)>> = BTreeMap::new();
    let mut open = Vec::new();
    let mut differ = Vec::new();
    for (seed, verdict) in &verdicts {
        match verdict {
            Verdict::Agrees(off) => offs.push(*off),
            Verdict::Refused(message) => refused.entry(reason(message)).or_default().push((*seed, message)),
            Verdict::Differs(what) => differ.push((*seed, what)),
            Verdict::Open => open.push(*seed),
        }
    }
    offs.sort_by(f64::total_cmp);
    let quantile = |part: f64| offs.get((part * (offs.len().max(1) - 1) as f64) as usize).copied().unwrap_or(0.0);
    println!(
        "{count} models: {} agree (tolerances off: median {:.2}, nine tenths {:.2}, worst {:.2}), {} refused, {} left open, {} differ",
        offs.len(),
        quantile(0.5),
        quantile(0.9),
        quantile(1.0),
        refused.values().map(Vec::len).sum::<usize>(),
        open.len(),
        differ.len()
    );
    for (reason, cases) in &refused {
        println!("{} refused, {reason}\n  as seed {}: {}", cases.len(), cases[0].0, cases[0].1);
    }
    println!("left open: {open:?}");
    for (seed, what) in &differ {
        println!("seed {seed}: {what}");
    }
    let ask = std::env::var("DERMASIM_RANDOM_REFUSED").is_ok();
    let also = refused.values().flatten().map(|(seed, _)| *seed).filter(|_| ask);
    for seed in differ.iter().map(|(seed, _)| *seed).chain(also).take(6) {
        let (small, told) = shrink(&draw::model(seed));
        println!(
            "== seed {seed}, what matters of it ==\n{told}-- model.toml\n{}-- tissue.toml\n{}-- scenario.toml\n{}",
            small.text(),
            small.tissue(),
            small.scenario()
        );
    }
    assert!(differ.is_empty(), "{} of {count} models differ", differ.len());
    let refused: usize = refused.values().map(Vec::len).sum();
    assert!(refused as u64 * 20 <= count, "{refused} of {count} are refused");
    assert!(open.len() as u64 * 50 <= count, "{} of {count} are left open", open.len());
}
