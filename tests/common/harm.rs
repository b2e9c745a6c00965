//! What a protocol does and costs, on coarse grids, and what must hold of it.

use std::sync::Arc;

use dermasim::run::{self, Outcome};
use dermasim::scenario::Scenario;

/// A protocol in numbers that a test can draw.
#[derive(Debug, Clone, Copy)]
pub struct Protocol {
    /// Where.
    pub tissue: &'static str,
    /// With what.
    pub device: &'static str,
    /// Set length [mm].
    pub length: f64,
    /// Force on the device [N].
    pub press: f64,
    /// Holes per cm².
    pub dose: f64,
    /// Sessions.
    pub sessions: usize,
    /// Days between them.
    pub gap: f64,
    /// Strokes per second.
    pub frequency: f64,
    /// Treatments the needles have seen.
    pub wear: f64,
}

impl Protocol {
    /// A usual course at a site.
    pub fn usual(tissue: &'static str) -> Self {
        Self {
            tissue,
            device: "dermapen",
            length: 1.5,
            press: 1.0,
            dose: 250.0,
            sessions: 3,
            gap: 28.0,
            frequency: 117.0,
            wear: 0.0,
        }
    }

    /// The course, followed for so many days after the last session; `more` is written above its tables.
    pub fn run(&self, after: f64, more: &str) -> Outcome {
        let Self { tissue, device, length, press, dose, sessions, gap, frequency, wear } = self;
        let end = gap * (*sessions as f64 - 1.0) + after;
        let text = format!(
            "tissue = \"{tissue}\"\n{more}\n[needling]\ndevice = \"{device}\"\nlength = \"{length:.4} mm\"\npress = \"{press:.4} N\"\n\
             dose = \"{dose:.2} 1/cm^2\"\nfrequency = \"{frequency:.3} Hz\"\nwear = {wear}\n[course]\nsessions = {sessions}\n\
             spacing = \"{gap:.4} d\"\nfollowed = \"{end:.4} d\"\n[observe]\nevery = \"4 d\"\n[grid]\nstrata = 1\nresolution = 0.3\n\
             [stepping]\ntolerance = 5e-2\n"
        );
        let plan = Scenario::from_text("harm", &text).plan().unwrap_or_else(|error| panic!("{error}\n{text}"));
        run::run(&Arc::new(plan), &mut |_| true).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

fn column(outcome: &Outcome, name: &str) -> usize {
    let found = outcome.record.headings.iter().position(|heading| heading.name == name);
    found.unwrap_or_else(|| panic!("no `{name}`"))
}

/// The last value of an observable.
pub fn end(outcome: &Outcome, name: &str) -> f64 {
    let column = column(outcome, name);
    outcome.record.values.last().map_or(f64::NAN, |row| row[column])
}

/// The largest value of an observable.
pub fn largest(outcome: &Outcome, name: &str) -> f64 {
    let column = column(outcome, name);
    outcome.record.values.iter().map(|row| row[column]).fold(f64::NEG_INFINITY, f64::max)
}

/// What harm there is, each with its value: what adds up at the end of the course, what passes at its largest.
pub fn harms(outcome: &Outcome) -> Vec<(&'static str, f64)> {
    let ends = ["deep_holes", "deep_injury", "torn_skin", "blood_lost", "pain_felt", "unhealed_time"];
    let peaks = ["scar_index", "unrest", "infection_load"];
    ends.into_iter()
        .map(|name| (name, end(outcome, name)))
        .chain(peaks.into_iter().map(|name| (name, largest(outcome, name))))
        .collect()
}

/// Holds that the harsher course harms no less than the milder, but for `slack` of it; `spared` may differ.
pub fn no_less(harsher: &Outcome, milder: &Outcome, slack: f64, spared: &[&str], what: &str) {
    for ((name, hard), (_, mild)) in harms(harsher).into_iter().zip(harms(milder)) {
        assert!(hard.is_finite() && mild.is_finite(), "{what}: `{name}` is {hard} and {mild}");
        // A scar index that small is no scar at all.
        let nothing = if name == "scar_index" { 1e-4 } else { 1e-12 };
        let holds = hard >= (1.0 - slack) * mild - nothing;
        assert!(holds || spared.contains(&name), "{what}: `{name}` falls from {mild:.4e} to {hard:.4e}");
    }
}

/// Every observable is finite, and risk is at least what each of its parts is.
pub fn ordered(outcome: &Outcome, what: &str) {
    for (heading, value) in outcome.record.headings.iter().zip(outcome.record.values.last().into_iter().flatten()) {
        assert!(value.is_finite(), "{what}: `{}` is {value}", heading.name);
    }
    let (benefit, risk, balance) = (end(outcome, "benefit"), end(outcome, "risk"), end(outcome, "balance"));
    assert!(benefit >= 0.0 && risk >= 0.0, "{what}: benefit {benefit}, risk {risk}");
    assert!((benefit - risk - balance).abs() < 1e-9, "{what}: {benefit} − {risk} is not {balance}");
}

/// Holds that the balance index is not best at the last, the harshest, of some courses. In skin so thick that even the hardest press
/// drives no needle through it, force only reaches what a longer needle would: nothing is held of force there.
pub fn not_best_at_the_harsh_end(courses: &[Protocol], what: &str) {
    let outcomes: Vec<Outcome> = courses.iter().map(|course| course.run(100.0, "")).collect();
    let leaves = outcomes.last().and_then(|outcome| outcome.needling.first()).map_or(0.0, |own| own.summary.exit_share);
    if what.ends_with("force") && leaves < 0.1 {
        return;
    }
    let balance: Vec<f64> = outcomes.iter().map(|outcome| end(outcome, "balance")).collect();
    let (last, before) = balance.split_last().expect("some courses");
    assert!(before.iter().any(|own| own > last), "{what}: {balance:?}");
}

/// The four axes of harshness from a usual course at a site, mild to harsh, with the ends of what is done.
pub fn axes(tissue: &'static str, steps: usize) -> Vec<(String, Vec<Protocol>)> {
    let usual = Protocol::usual(tissue);
    let between = |low: f64, high: f64, step: usize| low * (high / low).powf(step as f64 / (steps - 1) as f64);
    let along =
        |what: &str, set: &dyn Fn(usize) -> Protocol| (format!("{tissue}, {what}"), (0..steps).map(set).collect());
    vec![
        along("length", &|step| Protocol { length: between(0.2, 3.0, step), ..usual }),
        along("force", &|step| Protocol { press: between(0.1, 30.0, step), ..usual }),
        along("sessions", &|step| Protocol { sessions: between(1.0, 20.0, step).round() as usize, ..usual }),
        along("gap", &|step| Protocol { gap: between(84.0, 1.0, step), ..usual }),
    ]
}
