//! Random numbers that depend on the seed, the session, the purpose and the number of a puncture, and on nothing else.
//!
//! Two runs that differ in one setting then meet the same places, the same hands and the same skin (common random numbers),
//! so that their difference is the effect of the setting.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use statrs::distribution::{ContinuousCDF, Normal};

/// What a number is drawn for. The values are part of every result: new ones are added at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Direction and offset of a pass.
    Pass = 1,
    /// Course of a track.
    Track = 2,
    /// Order in which stamps are used.
    Order = 3,
    /// Tilt and force of the hand at a stamp.
    HandOf = 4,
    /// Sideways play, length and tip of the needle in a stroke.
    Needle = 5,
    /// The skin at a hole.
    Skin = 6,
    /// Ruptures of vessels at a hole.
    Rupture = 7,
}

/// Words of the stream kept for each index; no purpose draws more.
const WORDS: u128 = 64;

/// The source of all random numbers of a session.
#[derive(Debug, Clone)]
pub(super) struct RandomSource {
    generator: ChaCha8Rng,
    session: u64,
    normal: Normal,
}

/// The random numbers of one thing.
pub(super) struct Draws {
    generator: ChaCha8Rng,
    normal: Normal,
}

impl RandomSource {
    /// The numbers of a session under a seed.
    pub fn new(seed: u64, session: usize) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Self { generator: ChaCha8Rng::from_seed(key), session: session as u64, normal: Normal::standard() }
    }

    /// The numbers drawn for a purpose at an index.
    pub fn of(&self, purpose: Purpose, index: usize) -> Draws {
        let mut generator = self.generator.clone();
        generator.set_stream((self.session << 8) | purpose as u64);
        generator.set_word_pos(index as u128 * WORDS);
        Draws { generator, normal: self.normal }
    }
}

impl Draws {
    /// Evenly between 0 and 1, neither included.
    pub fn uniform(&mut self) -> f64 {
        ((self.generator.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal, cut at six standard deviations. One number each, so that later draws keep their place.
    pub fn normal(&mut self) -> f64 {
        let uniform = self.uniform();
        self.normal.inverse_cdf(uniform).clamp(-6.0, 6.0)
    }

    /// Log-normal with mean 1 and coefficient of variation `variation`.
    pub fn around_one(&mut self, variation: f64) -> f64 {
        let normal = self.normal();
        let s2 = (1.0 + variation * variation).ln();
        (s2.sqrt() * normal - 0.5 * s2).exp()
    }

    /// A count with the Poisson distribution of this mean, by inversion, so that it never falls when the mean grows.
    pub fn count(&mut self, mean: f64) -> u32 {
        let uniform = self.uniform();
        let mut term = (-mean).exp();
        let (mut sum, mut count) = (term, 0_u32);
        while uniform > sum && count < 1000 {
            count += 1;
            term *= mean / f64::from(count);
            sum += term;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_their_index_only() {
        let source = RandomSource::new(7, 1);
        let third = source.of(Purpose::Skin, 3).uniform();
        let mut other = source.of(Purpose::Skin, 2);
        for _ in 0..5 {
            other.uniform();
        }
        assert_eq!(third, source.of(Purpose::Skin, 3).uniform());
        assert_ne!(third, source.of(Purpose::Needle, 3).uniform());
        assert_ne!(third, RandomSource::new(7, 2).of(Purpose::Skin, 3).uniform());
    }

    #[test]
    fn moments_are_right() {
        let source = RandomSource::new(1, 0);
        let n = 20_000;
        let all: Vec<f64> = (0..n).map(|i| source.of(Purpose::Skin, i).around_one(0.4)).collect();
        let mean = all.iter().sum::<f64>() / n as f64;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        assert!((mean - 1.0).abs() < 0.01 && (variance.sqrt() - 0.4).abs() < 0.015, "{mean} {variance}");
        let counts: f64 = (0..n).map(|i| f64::from(source.of(Purpose::Rupture, i).count(0.7))).sum::<f64>() / n as f64;
        assert!((counts - 0.7).abs() < 0.02, "{counts}");
    }
}
