//! Keeping fields from going negative without making anything and without extinguishing anything.
//!
//! No linear scheme of order two keeps every field positive at every step size. What falls below zero is of the size of the
//! error of the step, and it is taken back as follows, before the step is accepted:
//!
//! * A cell that was empty and falls to u₁ < 0 is empty again.
//! * A cell that held u₀ > 0 and falls to u₁ < 0 keeps a remnant r = u₀|u₁| / (u₀ + 4|u₁|): as far above zero as it had fallen
//!   below, and at most a quarter of what it held. It is never zero, since zero is absorbing: a population of zero stays
//!   extinct, and a growing one of 10⁻⁹ does not.
//! * What this added is paid for in proportion by all that the field holds where the cell can have it from, its **basin**: depths
//!   between which it moves, and films on them. u ← u · M / M⁺, with the content M = ΣρVu of the basin before and M⁺ after the
//!   lift. So the content stays to rounding, and where nothing moves nothing is taken from elsewhere.
//!
//! Where M ≤ 0, as when a step used up the whole of a basin and more, or where nothing moves, there is nothing to pay from: the
//! remnants stay and content is made. What was moved counts as error of the step, so a step that moves much is rejected.

use std::ops::Range;

/// What a repair moved.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Repair {
    /// Squares of what was moved, by volume.
    pub squares: f64,
    /// Amount moved, by volume.
    pub amount: f64,
    /// Content of the field after it.
    pub content: f64,
}

/// Makes a field positive. `rows` are (basin, range of the state, measure of the row), `lateral` the measure of each place.
pub fn repair(
    before: &[f64],
    after: &mut [f64],
    lateral: &[f64],
    rows: impl Iterator<Item = (Option<usize>, Range<usize>, f64)> + Clone,
) -> Repair {
    // Content and lifted content of each basin.
    let mut held: Vec<[f64; 2]> = Vec::new();
    for (basin, row, measure) in rows.clone() {
        let Some(basin) = basin else { continue };
        held.resize(held.len().max(basin + 1), [0.0; 2]);
        let [content, above] = &mut held[basin];
        for ((value, before), weight) in after[row.clone()].iter().zip(&before[row]).zip(lateral) {
            *content += value * weight * measure;
            *above += lifted(*before, *value) * weight * measure;
        }
    }
    let mut moved = Repair::default();
    for (basin, row, measure) in rows {
        let share = match basin.map(|basin| held[basin]) {
            Some([content, above]) if content > 0.0 => content / above,
            _ => 1.0,
        };
        for ((value, before), weight) in after[row.clone()].iter_mut().zip(&before[row]).zip(lateral) {
            let new = lifted(*before, *value) * share;
            moved.squares += (new - *value).powi(2) * weight * measure;
            moved.amount += (new - *value).abs() * weight * measure;
            moved.content += new * weight * measure;
            *value = new;
        }
    }
    moved
}

/// The value after a step that may have fallen below zero.
fn lifted(before: f64, after: f64) -> f64 {
    match after < 0.0 {
        false => after,
        true if before > 0.0 => before * -after / (before - 4.0 * after),
        true => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn content(u: &[f64], lateral: &[f64]) -> f64 {
        u.iter().zip(lateral).map(|(u, w)| u * w).sum()
    }

    #[test]
    fn undershoots_are_paid_for_by_the_field() {
        let before = [0.0, 0.0, 1.0, 0.0];
        let mut after = [-0.01, 0.2, 0.6, 0.21];
        let lateral = [1.0, 2.0, 1.0, 1.0];
        let was = content(&after, &lateral);
        repair(&before, &mut after, &lateral, std::iter::once((Some(0), 0..4, 1.0)));
        assert!(after.iter().all(|u| *u >= 0.0));
        assert!((content(&after, &lateral) - was).abs() < 1e-15);
    }

    #[test]
    fn nothing_is_taken_from_where_nothing_comes_from() {
        let before = [1.0, 1.0, 1.0, 1.0];
        let mut after = [-0.1, 0.7, 0.3, -0.2];
        let rows = [(Some(0), 0..2, 1.0), (Some(1), 2..3, 1.0), (None, 3..4, 1.0)];
        repair(&before, &mut after, &[1.0, 1.0], rows.into_iter());
        assert!((after[0] + after[1] - 0.6).abs() < 1e-15 && after[0] > 0.0, "{after:?}");
        assert!(after[2] == 0.3 && after[3] > 0.0, "{after:?}");
    }

    #[test]
    fn a_field_that_runs_out_as_a_whole_keeps_a_remnant() {
        let before = [1.0, 2.0];
        let mut after = [-0.2, -0.3];
        let moved = repair(&before, &mut after, &[1.0, 1.0], std::iter::once((Some(0), 0..2, 1.0)));
        assert!(after.iter().zip(&before).all(|(u, old)| *u > 0.0 && *u < 0.25 * old), "{after:?}");
        assert!((moved.amount - (after[0] + after[1] + 0.5)).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn content_is_kept_and_what_lived_lives(
            cells in prop::collection::vec((prop_oneof![Just(0.0), 1e-12..1.0_f64], -0.1..1.0_f64, 0.1..2.0_f64), 1..60),
        ) {
            let before: Vec<f64> = cells.iter().map(|cell| cell.0).collect();
            let mut after: Vec<f64> = cells.iter().map(|cell| cell.1).collect();
            let lateral: Vec<f64> = cells.iter().map(|cell| cell.2).collect();
            let was = content(&after, &lateral);
            let size: f64 = after.iter().zip(&lateral).map(|(u, w)| u.abs() * w).sum();
            let n = cells.len();
            let moved = repair(&before, &mut after, &lateral, std::iter::once((Some(0), 0..n, 1.0)));
            for ((old, new), (_, stepped, _)) in before.iter().zip(&after).zip(&cells) {
                prop_assert!(*new >= 0.0 && (*new > 0.0 || *old == 0.0 || *stepped == 0.0), "{} to {}", old, new);
            }
            if was > 0.0 {
                prop_assert!((content(&after, &lateral) - was).abs() <= 1e-14 * size, "{was}");
            }
            prop_assert!((moved.content - content(&after, &lateral)).abs() <= 1e-14 * size);
        }
    }
}
