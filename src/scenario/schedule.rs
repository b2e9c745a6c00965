//! When something is looked at: regular, listed or logarithmic times, and their union.

use crate::base::error::{Error, Result};

/// The largest number of moments of one schedule.
pub const MOST_MOMENTS: usize = 100_000;

/// Moments at which something is done, as the scenario asks for them. Times in seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schedule {
    /// At every whole multiple of this.
    pub every: Option<f64>,
    /// At these times.
    pub at: Vec<f64>,
    /// After each session (from the start, if there is none): first delay, last delay, how many, evenly in the logarithm.
    pub log: Option<(f64, f64, usize)>,
}

impl Schedule {
    /// The moments from 0 to `end`, ascending, each once. Moments closer than a part in 10¹² of the run are one.
    ///
    /// # Errors
    /// There are more than [`MOST_MOMENTS`].
    pub fn moments(&self, sessions: &[f64], end: f64) -> Result<Vec<f64>> {
        let mut moments: Vec<f64> = self.at.clone();
        let start = [0.0];
        let starts = if sessions.is_empty() { &start[..] } else { sessions };
        // The last multiple may pass the end by rounding.
        let regular = self.every.map_or(0.0, |every| (end / every * (1.0 + SAME)).floor());
        let wanted = regular + (self.log.map_or(0, |log| log.2) * starts.len()) as f64 + moments.len() as f64;
        if wanted > MOST_MOMENTS as f64 {
            return Err(Error::input(format!("this asks for {wanted:.0} moments; at most {MOST_MOMENTS} are kept")));
        }
        if let Some(every) = self.every {
            moments.extend((0..=regular as usize).map(|i| i as f64 * every));
        }
        if let Some((first, last, count)) = self.log {
            for start in starts {
                moments.extend((0..count).map(|i| start + spaced(first, last, count, i)));
            }
        }
        Ok(ordered(moments, end))
    }
}

/// Point `i` of `count` points from `first` to `last` with equal ratios; both ends exactly.
pub(super) fn spaced(first: f64, last: f64, count: usize, i: usize) -> f64 {
    if i == 0 {
        first
    } else if i + 1 == count {
        last
    } else {
        first * (last / first).powf(i as f64 / (count - 1) as f64)
    }
}

/// Part of a run within which two moments are one: they were written in different units, or counted in steps.
pub(super) const SAME: f64 = 1e-12;

/// Ascending, within 0 … end, without repetition. What passes the end by rounding is the end.
pub(super) fn ordered(mut moments: Vec<f64>, end: f64) -> Vec<f64> {
    moments.retain(|moment| (0.0..=latest(end)).contains(moment));
    settle(&mut moments, &[end], end);
    moments.sort_by(f64::total_cmp);
    moments.dedup_by(|later, earlier| *later - *earlier <= SAME * end);
    moments
}

/// The last number that still is the end of a run.
pub(super) fn latest(end: f64) -> f64 {
    end * (1.0 + SAME)
}

/// Moves moments that differ from one of `anchors` by rounding to it.
pub(super) fn settle<'a>(moments: impl IntoIterator<Item = &'a mut f64>, anchors: &[f64], end: f64) {
    for moment in moments {
        if let Some(anchor) = anchors.iter().find(|anchor| (**anchor - *moment).abs() <= SAME * end) {
            *moment = *anchor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_unite() {
        let schedule = Schedule { every: Some(2.0), at: vec![3.0, 9.0], log: Some((0.01, 1.0, 3)) };
        let moments = schedule.moments(&[0.0, 4.0], 6.0).unwrap();
        let wanted = [0.0, 0.01, 0.1, 1.0, 2.0, 3.0, 4.0, 4.01, 4.1, 5.0, 6.0];
        assert_eq!(moments.len(), wanted.len());
        assert!(moments.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{moments:?}");
    }

    #[test]
    fn the_end_is_there_however_it_was_counted() {
        for (every, end, count) in
            [(0.1, 0.7, 8), (0.1 * 86400.0, 0.7 * 86400.0, 8), (0.3, 0.9, 4), (1.0 / 49.0, 1.0, 50)]
        {
            let moments = Schedule { every: Some(every), ..Default::default() }.moments(&[], end).unwrap();
            assert_eq!((moments.len(), moments.last()), (count, Some(&end)), "{every} of {end}: {moments:?}");
        }
        let at = Schedule { at: vec![16.8 * 3600.0], ..Default::default() };
        assert_eq!(at.moments(&[], 0.7 * 86400.0).unwrap(), [0.7 * 86400.0]);
        let mut moments = [16.8 * 3600.0, 5.0];
        settle(&mut moments, &[0.7 * 86400.0], 1e6);
        assert_eq!(moments, [0.7 * 86400.0, 5.0]);
    }

    #[test]
    fn too_many_moments_are_refused() {
        assert!(Schedule { every: Some(1e-9), ..Default::default() }.moments(&[], 1.0).is_err());
    }
}
