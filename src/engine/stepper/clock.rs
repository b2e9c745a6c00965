//! Sees to it that no step leaps over what time alone does ([`crate::engine::language::Clock`]).
//!
//! **Turns.** Comparisons of time are sampled [`SAMPLES`] times between two looks; where one changes between two samples, the
//! moment is bisected to neighbouring numbers a < b. A step ends at a and the next begins at b, so each stage sees one side only.
//!
//! **Courses.** What a step's stages see of a course is what a cubic through four evenly spaced values is; wherever a course is
//! sampled inside the step, it must lie within [`SEEN`] of its whole range (or the tolerance, if that is more) of this cubic.
//! Otherwise the step is halved.
//!
//! Where it fails: what is narrower than the samples, as a pulse of less than a hundredth of the interval between looks. A course
//! that is still not followed by steps of a millionth of the run wherever one looks is refused.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::engine::language::{Clock, Compiled};

/// Samples between two looks.
const SAMPLES: f64 = 256.0;
/// Samples of courses in a step, at least and at most.
const FEWEST: usize = 8;
const MOST: usize = 4096;
/// Part of the range of a course that a step may overlook.
const SEEN: f64 = 1e-3;
/// Part of the run below which steps are not shortened for a course.
const SHORTEST: f64 = 1e-11;
/// Steps of a run beyond which it is refused.
const HOPELESS: f64 = 1e6;
/// Places at which a run is probed before it begins.
const PROBES: usize = 64;

/// Watches turns and courses on the way of a run.
#[derive(Debug)]
pub struct Watch {
    compiled: Arc<Compiled>,
    /// When observables are recorded \[s\]; in order.
    looks: Vec<f64>,
    seen: f64,
    /// The range that each course has had.
    ranges: Vec<[f64; 2]>,
    /// Up to here there is no turn.
    clear: f64,
    /// The turn after that, if it is known.
    next: Option<[f64; 2]>,
    scratch: Vec<f64>,
}

impl Watch {
    /// A watch over the clock of a model, if there is anything to watch.
    pub fn new(compiled: &Arc<Compiled>, tolerance: f64) -> Option<Self> {
        let clock = &compiled.clock;
        (clock.turns() > 0 || !clock.driven.is_empty()).then(|| Self {
            compiled: compiled.clone(),
            looks: Vec::new(),
            seen: tolerance.max(SEEN),
            ranges: vec![[f64::INFINITY, f64::NEG_INFINITY]; clock.driven.len()],
            clear: f64::NEG_INFINITY,
            next: None,
            scratch: Vec::new(),
        })
    }

    fn clock(&self) -> &Clock {
        &self.compiled.clock
    }

    /// Observables are recorded at these moments.
    ///
    /// # Errors
    /// A course is too fast for any run of this length.
    pub fn begin(&mut self, looks: &[f64], last_act: f64) -> Result<()> {
        self.looks = looks.to_vec();
        self.looks.dedup();
        let [Some(&start), Some(&end)] = [looks.first(), looks.last()] else { return Ok(()) };
        let span = end - start;
        if self.clock().driven.is_empty() || span <= 0.0 {
            return Ok(());
        }
        // Golden-ratio places hit no period.
        let probes: Vec<f64> =
            (1..=PROBES).map(|k| start + span * (k as f64 * 0.618_033_988_749_894_9).fract()).collect();
        self.ranges_of(&probes, last_act);
        let mut unseen = vec![0; self.clock().driven.len()];
        for probe in probes {
            let step = (span / HOPELESS).min(end - probe);
            self.far(probe, step, last_act)
                .iter()
                .zip(&mut unseen)
                .for_each(|(far, count)| *count += usize::from(*far > 1.0));
        }
        match unseen.iter().position(|count| *count > PROBES / 2) {
            None => Ok(()),
            Some(course) => Err(Error::simulation(format!(
                "`{}` is driven by something that changes faster with time than {:.1e} s, and no step can follow it to day {:.4}",
                self.clock().driven[course],
                span / HOPELESS,
                end / crate::base::units::DAY
            ))
            .help("write its mean over a period, or a shorter run")),
        }
    }

    /// The host acted.
    pub fn restart(&mut self) {
        (self.clear, self.next) = (f64::NEG_INFINITY, None);
    }

    /// Distance of samples at a moment of a run that goes on to `target`.
    fn spacing(&self, time: f64, target: f64) -> f64 {
        let after = self.looks.partition_point(|look| *look <= time);
        let interval = match after.checked_sub(1).map(|before| (self.looks[before], self.looks.get(after))) {
            Some((before, Some(after))) => after - before,
            _ => (target - time) / 16.0,
        };
        (interval / SAMPLES).max(1e-9 * target.abs()).max(f64::MIN_POSITIVE)
    }

    /// The next turn within (time, until]: the last moment before it and the first after it.
    pub fn turn(&mut self, time: f64, until: f64, last_act: f64) -> Option<[f64; 2]> {
        if self.clock().turns() == 0 {
            return None;
        }
        if self.next.is_some_and(|next| next[0] < time) {
            self.next = None;
        }
        self.clear = self.clear.max(time);
        while self.next.is_none() && self.clear < until {
            let mut moments = vec![self.clear];
            while moments.len() < SAMPLES as usize && moments[moments.len() - 1] < until {
                let last = moments[moments.len() - 1];
                moments.push((last + self.spacing(last, until)).min(until).max(last.next_up()));
            }
            self.next = self.first_turn(&moments, last_act);
            self.clear = self.next.map_or(moments[moments.len() - 1], |[before, _]| before);
        }
        self.next.filter(|next| next[0] <= until)
    }

    /// The first turn between these moments.
    fn first_turn(&mut self, moments: &[f64], last_act: f64) -> Option<[f64; 2]> {
        let compiled = self.compiled.clone();
        let scratch = &mut self.scratch;
        let held = compiled.clock.holds(moments, last_act, scratch);
        let mut first: Option<[f64; 2]> = None;
        for (turn, held) in held.iter().enumerate() {
            let Some(at) = held.windows(2).position(|pair| pair[0] != pair[1]) else { continue };
            let [mut low, mut high] = [moments[at], moments[at + 1]];
            if first.is_some_and(|first| first[0] < low) {
                continue;
            }
            while low.next_up() < high {
                let middle = low + 0.5 * (high - low);
                let middle = if middle > low && middle < high { middle } else { low.next_up() };
                match compiled.clock.holds(&[middle], last_act, scratch)[turn][0] == held[at] {
                    true => low = middle,
                    false => high = middle,
                }
            }
            if first.is_none_or(|first| low < first[0]) {
                first = Some([low, high]);
            }
        }
        first
    }

    /// A step from `time` of at most this length whose stages see all that courses do meanwhile.
    pub fn followed(&mut self, time: f64, step: f64, target: f64, last_act: f64) -> f64 {
        if self.clock().driven.is_empty() {
            return step;
        }
        let mut step = step.min(MOST as f64 * self.spacing(time, target));
        while step > SHORTEST * target && self.far(time, step, last_act).iter().any(|far| *far > 1.0) {
            step *= 0.5;
        }
        step
    }

    /// How far each course is from the cubic that a step sees, against what is allowed.
    fn far(&mut self, time: f64, step: f64, last_act: f64) -> Vec<f64> {
        let count = ((step / self.spacing(time, time + step)) as usize).clamp(FEWEST, MOST);
        // Four nodes, then samples that are not evenly spaced, since what is periodic may hide behind those that are.
        let nodes = [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0];
        let samples =
            (0..count).map(|k| (k as f64 + 0.25 + 0.5 * (k as f64 * 0.618_033_988_749_894_9).fract()) / count as f64);
        let parts: Vec<f64> = nodes.into_iter().chain(samples).collect();
        let moments: Vec<f64> = parts.iter().map(|part| time + part * step).collect();
        let values = self.ranges_of(&moments, last_act);
        let allowed = |[low, high]: [f64; 2]| self.seen * (high - low) + 1e-12 * low.abs().max(high.abs());
        (values.chunks_exact(parts.len()).zip(&self.ranges))
            .map(|(values, range)| {
                let cubic = |x: f64| -> f64 {
                    (0..4)
                        .map(|i| {
                            let others = (0..4).filter(|&j| j != i);
                            values[i] * others.map(|j| (x - nodes[j]) / (nodes[i] - nodes[j])).product::<f64>()
                        })
                        .sum()
                };
                let far = parts.iter().zip(values).skip(4).map(|(x, value)| (value - cubic(*x)).abs());
                far.fold(0.0, f64::max) / allowed(*range).max(f64::MIN_POSITIVE)
            })
            .collect()
    }

    /// The courses at some moments; what they are there belongs to their range.
    fn ranges_of(&mut self, moments: &[f64], last_act: f64) -> Vec<f64> {
        let values = self.compiled.clock.courses(moments, last_act, &mut self.scratch);
        for (range, values) in self.ranges.iter_mut().zip(values.chunks_exact(moments.len())) {
            for value in values.iter().filter(|value| value.is_finite()) {
                *range = [range[0].min(*value), range[1].max(*value)];
            }
        }
        values
    }
}
