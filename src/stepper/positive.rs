//! Keeping fields from going negative without making anything.
//!
//! No linear scheme of order two keeps every field positive at every step size. What falls below zero is of the size of the
//! error of the step, and it is taken back as follows, before the step is accepted:
//!
//! * **undershoot of transport** — some cells are below zero while the field as a whole is not. The field's content M = ΣρVu
//!   is kept: negative cells become zero and the positive ones pay for it in proportion, u ← u⁺ · M / ΣρVu⁺.
//! * **overshoot of decay** — a field that is used up falls through zero as a whole. A cell that loses more than half of its
//!   value in the step, x = Δu/u₀ < −½, gets u₀ · ½e^(2x+1) instead of u₀(1 + x): the two agree in value and slope at
//!   x = −½, the first is never negative, and small steps are untouched, so the order stays.
//!
//! What was moved counts as error of the step; a step that needs much of it is rejected.

use std::ops::Range;

/// Makes field `f` positive. `rows` are (field, whether unsigned, range of the state, measure of the row), `lateral` the
/// measure of each place. Returns the squares of what was moved, by volume.
pub fn repair(
    before: &[f64],
    after: &mut [f64],
    lateral: &[f64],
    rows: impl Iterator<Item = (usize, bool, Range<usize>, f64)> + Clone,
    f: usize,
) -> f64 {
    let rows = rows.filter(|(own, ..)| *own == f);
    let (mut content, mut above) = (0.0, 0.0);
    for (_, _, row, measure) in rows.clone() {
        for (value, weight) in after[row].iter().zip(lateral) {
            content += value * weight * measure;
            above += value.max(0.0) * weight * measure;
        }
    }
    // At least half of what is there must be there in the end, else the field as a whole is running out.
    let as_a_whole = content < 0.5 * above;
    let share = content / above;
    let mut moved = 0.0;
    for (_, _, row, measure) in rows {
        for ((value, before), weight) in after[row.clone()].iter_mut().zip(&before[row]).zip(lateral) {
            let new = if as_a_whole { limited(*before, *value) } else { value.max(0.0) * share };
            moved += (new - *value).powi(2) * weight * measure;
            *value = new;
        }
    }
    moved
}

/// The value after a step that may have fallen too far.
fn limited(before: f64, after: f64) -> f64 {
    if after >= 0.5 * before && after >= 0.0 {
        return after;
    }
    if before > 0.0 { 0.5 * before * (2.0 * (after - before) / before + 1.0).exp() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undershoots_are_paid_for_by_the_field() {
        let before = [0.0, 0.0, 1.0, 0.0];
        let mut after = [-0.01, 0.2, 0.6, 0.21];
        let lateral = [1.0, 2.0, 1.0, 1.0];
        let content = |u: &[f64]| u.iter().zip(&lateral).map(|(u, w)| u * w).sum::<f64>();
        let was = content(&after);
        repair(&before, &mut after, &lateral, std::iter::once((0, true, 0..4, 1.0)), 0);
        assert!(after.iter().all(|u| *u >= 0.0));
        assert!((content(&after) - was).abs() < 1e-15);
    }

    #[test]
    fn a_field_that_runs_out_stays_above_zero_and_small_steps_are_untouched() {
        let before = [1.0, 2.0];
        let mut after = [-0.2, -0.3];
        repair(&before, &mut after, &[1.0, 1.0], std::iter::once((0, true, 0..2, 1.0)), 0);
        assert!(after.iter().zip(&before).all(|(u, old)| *u > 0.0 && *u < 0.2 * old), "{after:?}");
        assert_eq!(limited(1.0, 0.6), 0.6);
        assert!((limited(1.0, 0.5 - 1e-9) - 0.5).abs() < 2e-9);
    }
}
