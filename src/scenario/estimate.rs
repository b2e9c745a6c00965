//! What a run will cost, before it is run: cells, fields, memory and time; and what this machine has.

use crate::base::error::{Error, Result};

/// Wall time of one cell, field and step on two cores \[ns\]. Measured on the default scenario; within a factor of three.
const NANOSECONDS: f64 = 20.0;
/// Steps that the healing after one session takes at [`COUNTED_AT`]; the default method, of order 3, needs tol^(-1/3) as many.
const STEPS_PER_SESSION: f64 = 75.0;
/// The tolerance at which steps were counted.
const COUNTED_AT: f64 = 0.02;
/// Copies of the state a run holds: the stepper's stages, its right-hand sides and factors.
const COPIES: f64 = 10.0;
/// Share of the machine's memory that a run may ask for.
const SHARE: f64 = 0.8;
/// The most cells anyone may ask for where the machine does not say what memory it has.
const MOST_BYTES: f64 = 64e9;

/// The expected cost of a run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// Cells along x (or the radius), y (or the depth classes) and depth.
    pub cells: [usize; 3],
    /// Fields of all kinds.
    pub fields: usize,
    /// Memory at the peak \[bytes\].
    pub bytes: f64,
    /// Steps, of the run and of its control together.
    pub steps: f64,
    /// Wall time \[s\].
    pub seconds: f64,
}

/// What decides the cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub cells: [usize; 3],
    pub fields: usize,
    pub kept_fields: usize,
    pub snapshots: usize,
    pub sessions: usize,
    pub end: f64,
    pub longest: f64,
    pub tolerance: f64,
    pub fixed: Option<f64>,
}

impl Estimate {
    /// The cost of a run of this size, or the reason why it cannot be run on this machine.
    ///
    /// # Errors
    /// It needs more memory than there is.
    pub(super) fn of(size: &Size) -> Result<Self> {
        let cells: f64 = size.cells.iter().map(|&count| count as f64).product();
        let state = cells * size.fields as f64 * 8.0;
        let kept = cells * size.kept_fields as f64 * 8.0 * size.snapshots as f64;
        let bytes = COPIES * state + kept;
        let steps = match size.fixed {
            Some(fixed) => size.end / fixed,
            None => {
                let each = STEPS_PER_SESSION * (COUNTED_AT / size.tolerance).cbrt();
                each * size.sessions.max(1) as f64 + size.end / size.longest
            }
        };
        // The control of an unneedled column costs next to nothing in cells.
        let seconds = 1e-9 * NANOSECONDS * cells * size.fields as f64 * steps;
        let estimate = Self { cells: size.cells, fields: size.fields, bytes, steps, seconds };
        let (most, said) = match memory() {
            Some(bytes) => (SHARE * bytes, format!("this machine has {}", shown_bytes(bytes))),
            None => (MOST_BYTES, format!("at most {} may be asked for", shown_bytes(MOST_BYTES))),
        };
        if bytes <= most {
            return Ok(estimate);
        }
        let [nx, ny, nz] = size.cells;
        let message = format!(
            "a grid of {nx} × {ny} × {nz} cells with {} fields needs about {}, but {said}",
            size.fields,
            shown_bytes(bytes)
        );
        Err(Error::input(message).help("use fewer cells, a smaller resolution, or fewer snapshots and snapshot fields"))
    }

    /// All cells.
    pub fn total_cells(&self) -> usize {
        self.cells.iter().product()
    }
}

/// Bytes as people say them.
pub fn shown_bytes(bytes: f64) -> String {
    let (divisor, unit) = match bytes {
        b if b < 1e3 => return format!("{b:.0} B"),
        b if b < 1e6 => (1e3, "kB"),
        b if b < 1e9 => (1e6, "MB"),
        b if b < 1e12 => (1e9, "GB"),
        _ => (1e12, "TB"),
    };
    format!("{} {unit}", Short(bytes / divisor))
}

/// A duration as people say it.
pub fn shown_duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "less than a second".into(),
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s if s < 2.0 * 86_400.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

/// Three significant digits.
struct Short(f64);

impl std::fmt::Display for Short {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = if self.0 < 10.0 { 2 } else { usize::from(self.0 < 100.0) };
        write!(formatter, "{:.places$}", self.0)
    }
}

/// The memory of this machine \[bytes\], or the part of it that this process may use, where the system says so.
fn memory() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let machine = 1024.0 * line.split_whitespace().next()?.parse::<f64>().ok()?;
    let group =
        std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse::<f64>().ok());
    Some(group.map_or(machine, |group| group.min(machine)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_larger_than_the_machine_is_refused() {
        let size = Size {
            cells: [100_000, 100_000, 100],
            fields: 25,
            kept_fields: 0,
            snapshots: 0,
            sessions: 1,
            end: 1e6,
            longest: 1e6,
            tolerance: 1e-3,
            fixed: None,
        };
        let message = Estimate::of(&size).unwrap_err().to_string();
        assert!(message.contains("100000 × 100000 × 100 cells with 25 fields needs about"), "{message}");
        assert!(Estimate::of(&Size { cells: [40, 5, 90], ..size }).is_ok());
    }

    #[test]
    fn bytes_read_well() {
        assert_eq!([shown_bytes(999.0), shown_bytes(1.234e6), shown_bytes(2.5e10)], ["999 B", "1.23 MB", "25.0 GB"]);
    }
}
