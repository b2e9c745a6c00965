//! Statistics of many runs: quantiles, rank correlation, and what of it is chance.
//!
//! The rank correlation (Spearman) of a number with an answer is the correlation of their ranks, ties shared:
//! ρ = Σ a b with a and b the ranks, centred and scaled to unit length. It is 1 where the answer always rises with the
//! number, and says nothing of effects that rise and fall.
//!
//! Where many pairs are looked at, some are large by chance. The bound on chance is found from the answers as they are: if
//! nothing depended on what was drawn, any order of the samples would be as likely as theirs. So the answers are handed to
//! the samples in [`ORDERS`] random orders, all answers of a sample together, and in each the largest |ρ| of all pairs is
//! noted. Of N orders and the true one, the true one is among the largest m with probability at most m/(N + 1): with N = 199
//! and m = 10, one ensemble in twenty shows anything where there is nothing (Westfall and Young 1993, *Resampling-based
//! multiple testing*). That holds for any number of samples, for ties (an answer that only one sample gave, a trait that only
//! one person has), and for answers that move together.

use ndarray::{Array2, Axis};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

pub use crate::skin::needling::quantile;

/// Random orders that are compared with the true one.
pub const ORDERS: usize = 199;
/// How many of the largest make one in twenty.
const LARGEST: usize = (ORDERS + 1) / 20;
/// Correlations that differ by less are the same.
const SAME: f64 = 1e-9;

/// The ranks of some values, from 0; equal values share the mean of theirs.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let same = order[start..].iter().take_while(|&&other| values[other] == values[order[start]]).count();
        let mean = start as f64 + 0.5 * (same - 1) as f64;
        for &index in &order[start..start + same] {
            ranks[index] = mean;
        }
        start += same;
    }
    ranks
}

/// The ranks of values, centred and scaled to unit length; a value that is not there has the middle rank. `None` where all
/// are the same.
pub fn standard_ranks(values: &[Option<f64>]) -> Option<Vec<f64>> {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    let middle = 0.5 * (known.len() as f64 - 1.0);
    let mut ranks = ranks(&known).into_iter().map(|rank| rank - middle);
    let centred: Vec<f64> = values.iter().map(|value| value.and_then(|_| ranks.next()).unwrap_or(0.0)).collect();
    let length = centred.iter().map(|rank| rank * rank).sum::<f64>().sqrt();
    (length > 0.0).then(|| centred.into_iter().map(|rank| rank / length).collect())
}

/// The rank correlation of two lists; 0 if one of them is constant.
pub fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let standard = |values: &[f64]| standard_ranks(&values.iter().copied().map(Some).collect::<Vec<_>>());
    standard(a).zip(standard(b)).map_or(0.0, |(a, b)| a.iter().zip(&b).map(|(x, y)| x * y).sum())
}

/// The rank correlations of every number with every answer, and how large one must be to be more than chance.
#[derive(Debug, Clone, Default)]
pub struct Correlations {
    /// `each[number][answer]`; 0 where one of them is constant.
    pub each: Vec<Vec<f64>>,
    /// Chance alone exceeds this in one of twenty ensembles, in all pairs together.
    pub chance: f64,
}

/// Correlates the drawn numbers with the answers, each given for every sample.
pub fn correlations(numbers: &[Vec<Option<f64>>], answers: &[Vec<Option<f64>>]) -> Correlations {
    let samples = numbers.first().map_or(0, Vec::len);
    let matrix = |lists: &[Vec<Option<f64>>]| {
        let mut all = Array2::<f64>::zeros((samples, lists.len()));
        for (mut column, list) in all.columns_mut().into_iter().zip(lists) {
            standard_ranks(list).unwrap_or_default().iter().zip(&mut column).for_each(|(rank, place)| *place = *rank);
        }
        all
    };
    let (numbers, answers) = (matrix(numbers), matrix(answers));
    let numbers = numbers.t();
    let mut largest: Vec<f64> = (0..ORDERS)
        .into_par_iter()
        .map(|number| {
            let shuffled = answers.select(Axis(0), &order(samples, number as u64));
            numbers.dot(&shuffled).iter().fold(0.0, |largest: f64, own| largest.max(own.abs()))
        })
        .collect();
    largest.sort_by(f64::total_cmp);
    let each = numbers.dot(&answers).outer_iter().map(|row| row.to_vec()).collect();
    Correlations { each, chance: largest[ORDERS - LARGEST] + SAME }
}

/// A random order, the same for the same seed.
fn order(count: usize, seed: u64) -> Vec<usize> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        // The remainder favours none by more than count/2⁶⁴.
        order.swap(last, (generator.next_u64() % (last as u64 + 1)) as usize);
    }
    order
}

/// The size below which the largest of `looked_at` rank correlations over `count` runs is chance in 19 of 20 cases, where the
/// runs themselves are not at hand: z/√(N − 1), with z the 1 − 0.025/k quantile of the normal distribution (Bonferroni).
pub fn chance(count: usize, looked_at: usize) -> f64 {
    let z = Normal::standard().inverse_cdf(1.0 - 0.025 / looked_at.max(1) as f64);
    z / (count.max(2) as f64 - 1.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_share_and_correlation_sees_order_only() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
        let x: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];
        let rising: Vec<f64> = x.iter().map(|x| x.exp()).collect();
        let falling: Vec<f64> = x.iter().map(|x| -x * x).collect();
        assert!((rank_correlation(&x, &rising) - 1.0).abs() < 1e-12);
        assert!((rank_correlation(&x, &falling) + 1.0).abs() < 1e-12);
        assert_eq!(rank_correlation(&x, &[2.0; 5]), 0.0);
        assert!((chance(101, 1) - 0.196).abs() < 1e-3 && (chance(101, 250) - 0.372).abs() < 1e-3);
    }
}
