//! Observables and their record: what is looked at, when, and what was seen. Looking changes nothing.

use ndarray::Array3;

use serde::{Deserialize, Serialize};

use crate::base::units::{DAY, Unit};
use crate::engine::language::{Input, Observable, Operand};
use crate::engine::medium::{Medium, View, over_domain};

/// What is known of an observable besides its values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Heading {
    /// As in the model file.
    pub name: String,
    /// What it means, in words.
    pub what: String,
    /// The unit it is shown in.
    pub unit: Unit,
    /// The part of the answer it belongs to: "symptom", "grade", "gain", "risk", "state".
    pub group: String,
    /// Value at rest, in `unit`.
    pub rest: f64,
}

/// The time course of every observable.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Record {
    /// The observables.
    pub headings: Vec<Heading>,
    /// Times [s], ascending; an act of the host appears twice, before and after. A signal that changes at a moment has its new value
    /// there.
    pub times: Vec<f64>,
    /// Values in the unit of the heading, `values[time][observable]`.
    pub values: Vec<Vec<f64>>,
    /// When the host acted [s].
    pub acts: Vec<f64>,
}

/// Fields kept at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Time [s].
    pub time: f64,
    /// Field names and values in their own units, `[z][y][x]`; surface fields have one z. In axisymmetric cells x is the
    /// radius and y the depth class.
    pub fields: Vec<(String, Unit, Array3<f64>)>,
    /// Where the host acted so far: lateral place and depth [m], for drawing.
    pub marks: Vec<[f64; 3]>,
}

/// Evaluates the observables of a model on a medium.
#[derive(Debug, Default)]
pub struct Observer {
    lateral: Vec<f64>,
    /// For programs.
    registers: Vec<f64>,
}

impl Observer {
    /// The observables of a medium, each in its own unit.
    pub fn look(&mut self, medium: &Medium) -> Vec<f64> {
        let reductions = self.reduce(medium);
        self.tell(medium, medium.time, &reductions)
    }

    /// The means, integrals and extremes over the domain that observables are made of, then what passes faces.
    pub fn reduce(&mut self, medium: &Medium) -> Vec<f64> {
        if self.lateral.len() != medium.layout.plane {
            self.lateral = medium.grid.lateral_weights();
        }
        let compiled = &medium.compiled;
        let mut all = over_domain(&compiled.bundles, compiled.reductions.len(), &medium.view(), &self.lateral);
        all.extend(&medium.fluxes[0]);
        all
    }

    /// The observables, each in its own unit, that follow from reductions of a medium at a moment [s] since its last event.
    pub fn tell(&mut self, medium: &Medium, time: f64, reductions: &[f64]) -> Vec<f64> {
        let (reductions, fluxes) = reductions.split_at(medium.compiled.reductions.len());
        let view = View { reductions, fluxes, time, since_act: time - medium.last_act, ..medium.view() };
        let tell = |observable: &Observable| {
            let mut out = [0.0];
            view.run(&observable.value, 0, 0..1, &mut out, &mut self.registers, &|input| match input {
                // Observables combine reductions; a place of their own they do not have.
                Input::X | Input::Y | Input::Depth => Some(Operand::Value(0.0)),
                _ => None,
            });
            observable.unit.of(out[0])
        };
        medium.compiled.observables.iter().map(tell).collect()
    }
}

impl Record {
    /// Records the observables at a moment.
    pub fn push(&mut self, time: f64, values: Vec<f64>) {
        self.times.push(time);
        self.values.push(values);
    }

    /// What of it is no number, a sentence for each such observable.
    pub fn faults(&self) -> Vec<String> {
        let fault = |(column, heading): (usize, &Heading)| {
            let wrong = |row: &&Vec<f64>| !row[column].is_finite();
            let first = self.values.iter().position(|row| wrong(&row))?;
            let what = match self.values[first][column] {
                value if value.is_nan() => "not a number",
                value if value > 0.0 => "infinite",
                _ => "minus infinity",
            };
            let (count, all) = (self.values.iter().filter(wrong).count(), self.values.len());
            let day = (self.times[first] / DAY * 1e4).round() / 1e4;
            Some(format!("`{}` is {what} on day {day}, and no finite number at {count} of {all} moments", heading.name))
        };
        self.headings.iter().enumerate().filter_map(fault).collect()
    }
}

/// What observables are made of, at every step since the last event. Between two events means and integrals are smooth in
/// time, so they are taken where the stepper lands, and read off in between: looking does not shorten steps. Observables
/// follow from what was read, so a kink of their formulas stays sharp.
///
/// Between steps each reduction is a cubic with the slopes of the parabolas through three neighbouring steps, as exact as the steps
/// themselves (order 3). Where it rises or falls over both neighbours the slope is limited to three times the smaller
/// difference quotient (Fritsch & Carlson 1980), so a jump makes no wave and what stays does so to the last bit; next to an
/// extremum that leaves order 2.
#[derive(Debug, Default)]
pub struct Track {
    observer: Observer,
    times: Vec<f64>,
    values: Vec<Vec<f64>>,
}

impl Track {
    /// Looks at a medium.
    pub fn see(&mut self, medium: &Medium) {
        self.times.push(medium.time);
        self.values.push(self.observer.reduce(medium));
    }

    /// Begins anew after an event.
    pub fn begin(&mut self, medium: &Medium) {
        self.times.clear();
        self.values.clear();
        self.see(medium);
    }

    /// The observables of a medium at a moment since its last event.
    pub fn at(&mut self, medium: &Medium, time: f64) -> Vec<f64> {
        let reductions = self.read(time);
        self.observer.tell(medium, time, &reductions)
    }

    /// What was seen last, or between the two steps around a moment.
    fn read(&self, time: f64) -> Vec<f64> {
        let after = self.times.partition_point(|own| *own < time);
        if after == self.times.len() {
            return self.values.last().cloned().unwrap_or_default();
        }
        if after == 0 || self.times[after] == time {
            return self.values[after].clone();
        }
        let (t, step) = (time - self.times[after - 1], self.times[after] - self.times[after - 1]);
        let x = t / step;
        let cubic = |o: usize| {
            let (low, high) = (self.values[after - 1][o], self.values[after][o]);
            let rise = high - low;
            if !rise.is_finite() {
                return if low == high { low } else { f64::NAN };
            }
            let (first, last) = (self.slope(after - 1, o) * step, self.slope(after, o) * step);
            low + x * (x * (3.0 - 2.0 * x) * rise + (1.0 - x) * ((1.0 - x) * first - x * last))
        };
        (0..self.values[after].len()).map(cubic).collect()
    }

    /// Slope of reduction `o` at step `i`.
    fn slope(&self, i: usize, o: usize) -> f64 {
        let quotient = |i: usize| (self.values[i + 1][o] - self.values[i][o]) / (self.times[i + 1] - self.times[i]);
        let span = |i: usize| self.times[i + 1] - self.times[i];
        let last = self.times.len() - 1;
        if last == 1 {
            return quotient(0);
        }
        // The parabola through three steps: at the one in the middle, or at an end.
        let (left, at) = if i == 0 { (0, -1) } else { (i.min(last - 1) - 1, if i == last { 1 } else { 0 }) };
        let (l, r, a, b) = (quotient(left), quotient(left + 1), span(left), span(left + 1));
        let middle = (b * l + a * r) / (a + b);
        let bend = (r - l) / (a + b);
        let slope = match at {
            -1 => l - bend * a,
            1 => r + bend * b,
            _ => middle,
        };
        if !slope.is_finite() {
            return 0.0;
        }
        if l * r >= 0.0 { slope.clamp(-3.0 * l.abs().min(r.abs()), 3.0 * l.abs().min(r.abs())) } else { slope }
    }
}

impl Snapshot {
    /// Keeps the named fields of a medium, or all if none is named.
    pub fn of(medium: &Medium, wanted: &[String]) -> Self {
        let mut fields = medium.fields();
        fields.retain(|(name, ..)| wanted.is_empty() || wanted.contains(name));
        Self { time: medium.time, fields, marks: medium.marks.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(f: impl Fn(f64) -> f64, times: &[f64]) -> Track {
        Track { times: times.to_vec(), values: times.iter().map(|t| vec![f(*t), 4.25]).collect(), ..Track::default() }
    }

    #[test]
    fn reading_between_steps_has_order_three_and_keeps_what_stays() {
        let f = |t: f64| (-t).exp() - 0.3 * t;
        let errors: Vec<f64> = [20, 40, 80]
            .iter()
            .map(|&n| {
                // Steps that widen.
                let times: Vec<f64> = (0..=n).map(|i| 3.0 * (i as f64 / n as f64).powf(1.5)).collect();
                let track = track(f, &times);
                (0..1000).map(|i| 3.0 * i as f64 / 1000.0).map(|t| (track.read(t)[0] - f(t)).abs()).fold(0.0, f64::max)
            })
            .collect();
        assert!((errors[0] / errors[1]).log2() > 2.5 && (errors[1] / errors[2]).log2() > 2.5, "{errors:?}");
        let steps = track(f, &[0.0, 0.1, 0.5, 2.0]);
        assert!((0..20).all(|i| steps.read(0.1 * i as f64)[1] == 4.25));
        assert_eq!(steps.read(0.5)[0], f(0.5));
    }

    #[test]
    fn a_jump_makes_no_wave() {
        let jump = track(|t| if t < 1.0 { 0.0 } else { 1.0 }, &[0.0, 0.3, 0.9, 1.2, 2.0, 4.0]);
        assert!((0..80).map(|i| jump.read(0.05 * i as f64)[0]).all(|u| (0.0..=1.0).contains(&u)));
    }
}
