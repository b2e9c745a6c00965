//! Statistics of many runs: quantiles and rank correlation.
//!
//! The rank correlation (Spearman) of a number with an answer is the correlation of their ranks, ties shared. It is 1 where
//! the answer always rises with the number, and says nothing of effects that rise and fall. With N runs a correlation by
//! chance is below 1.96/√(N − 1) in size in 19 of 20 cases.

pub use crate::needling::quantile;

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

/// The rank correlation of two lists; 0 if one of them is constant.
pub fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let (middle_a, middle_b) = (mean(&a), mean(&b));
    let (mut both, mut own_a, mut own_b) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(&b) {
        both += (x - middle_a) * (y - middle_b);
        own_a += (x - middle_a).powi(2);
        own_b += (y - middle_b).powi(2);
    }
    if own_a > 0.0 && own_b > 0.0 { both / (own_a * own_b).sqrt() } else { 0.0 }
}

/// The size below which a rank correlation of `count` runs is chance in 19 of 20 cases.
pub fn chance(count: usize) -> f64 {
    1.96 / (count.max(2) as f64 - 1.0).sqrt()
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
    }
}
