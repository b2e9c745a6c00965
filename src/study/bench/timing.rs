//! How long something takes, honestly: the median of several times, with their spread.

use std::time::Instant;

use serde::{Deserialize, Serialize};

/// Fewest measurements.
const FEWEST: usize = 7;

/// The time of one call.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Median \[s\].
    pub seconds: f64,
    /// Median absolute deviation from it \[s\].
    pub spread: f64,
    /// How many measurements.
    pub samples: usize,
    /// Processor time over wall time of all of them, where the system tells: below the number of threads where others use the
    /// machine, or where threads wait for each other.
    pub processors: Option<f64>,
}

/// Ticks of processor time in a second, as Linux counts them for everybody.
const TICKS: f64 = 100.0;

/// Processor time of this process \[s\].
fn processor_time() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in brackets; the twelfth and thirteenth words after it are user and system time.
    let (_, after) = stat.rsplit_once(')')?;
    let words: Vec<&str> = after.split_whitespace().collect();
    let ticks = |at: usize| words.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
}

impl Timing {
    /// Measures calls for at least so many seconds, after one that is not counted.
    pub fn of(seconds: f64, mut call: impl FnMut()) -> Self {
        Self::with(seconds, || (), |()| call())
    }

    /// The same, where each call needs something made first that is not timed.
    pub fn with<T>(seconds: f64, mut make: impl FnMut() -> T, mut call: impl FnMut(T)) -> Self {
        let mut times = Vec::new();
        let mut once = || {
            let made = make();
            let begun = Instant::now();
            call(made);
            begun.elapsed().as_secs_f64()
        };
        once();
        let (begun, before) = (Instant::now(), processor_time());
        let mut total = 0.0;
        while times.len() < FEWEST || total < seconds {
            let time = once();
            total += time;
            times.push(time);
        }
        let used = processor_time().zip(before).map(|(after, before)| after - before);
        Self { processors: used.map(|used| used / begun.elapsed().as_secs_f64()), ..Self::from(times) }
    }

    /// The median and spread of times.
    pub fn from(times: Vec<f64>) -> Self {
        let samples = times.len();
        let seconds = median(times.clone());
        let spread = median(times.into_iter().map(|time| (time - seconds).abs()).collect());
        Self { seconds, spread, samples, processors: None }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => 0.5 * (values[middle - 1] + values[middle]),
        _ => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_late_time_changes_nothing() {
        let timing = Timing::from(vec![1.0, 1.1, 0.9, 1.0, 50.0]);
        assert_eq!((timing.seconds, timing.samples), (1.0, 5));
        assert!((timing.spread - 0.1).abs() < 1e-12);
    }
}
