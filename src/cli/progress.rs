//! How far a run is: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::base::units::DAY;
use crate::run;
use crate::scenario::shown_duration;

/// Lines printed where there is no terminal: one for each of these parts of the run.
const PARTS: f64 = 10.0;
/// Positions of the bar.
const POSITIONS: u64 = 1000;

/// Shows how far one run is.
pub struct ProgressDisplay {
    bar: Option<ProgressBar>,
    lines: bool,
    begun: Instant,
    shown: f64,
    steps: u64,
}

impl ProgressDisplay {
    /// Shows nothing if `quiet`.
    pub fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = (!quiet && terminal).then(|| bar("{bar:24} {msg}", POSITIONS));
        Self { bar, lines: !quiet && !terminal, begun: Instant::now(), shown: 0.0, steps: 0 }
    }

    /// Shows where the run is.
    pub fn show(&mut self, at: run::Progress) {
        if self.bar.is_none() && !self.lines {
            return;
        }
        let share = if at.end > 0.0 { (at.time / at.end).clamp(0.0, 1.0) } else { 1.0 };
        self.steps += 1;
        let spent = self.begun.elapsed();
        // Steps grow with time, so what is left is counted in steps as large as the present or the usual one.
        let stride = at.step.max(at.time / self.steps as f64);
        let steps_left = (at.end - at.time) / stride;
        let seconds = spent.as_secs_f64() / self.steps as f64 * steps_left;
        let known = spent > Duration::from_millis(500) && seconds.is_finite();
        let left = if known { format!(", {} left", shown_duration(seconds)) } else { String::new() };
        let text = || format!("{} of {}, step {}{left}", day(at.time), day(at.end), step(at.step));
        if let Some(bar) = &self.bar {
            bar.set_position((share * POSITIONS as f64) as u64);
            bar.set_message(text());
        } else if share * PARTS >= self.shown + 1.0 {
            self.shown = (share * PARTS).floor();
            super::terminal::tell(format!("{:.0} %: {}", 100.0 * share, text()));
        }
    }

    /// Takes the bar away and tells how long it took \[s\].
    pub fn finish(self) -> f64 {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.begun.elapsed().as_secs_f64()
    }
}

/// A bar on standard error.
pub fn bar(template: &str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    // The template is ours; a wrong one would only look plain.
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn day(time: f64) -> String {
    if time >= DAY { format!("day {:.1}", time / DAY) } else { step(time) }
}

/// A step size as people say it.
fn step(seconds: f64) -> String {
    match seconds {
        s if s <= 0.0 => "0 s".into(),
        s if s < 1e-3 => format!("{s:.1e} s"),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{:.1} min", s / 60.0),
        s if s < DAY => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / DAY),
    }
}
