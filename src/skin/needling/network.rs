//! Vessels drawn one by one, to check the means of [`vessel`](super::vessel).
//!
//! In a periodic block of skin the vessels of each class are drawn at random with a seed: capillary loops as upright hairpins of a
//! width, the plexuses as straight horizontal pieces at depths drawn from their density, connecting vessels as straight pieces of
//! any direction. A needle is pushed in; every vessel it meets is cut with the probability of the model, and every vessel beside it
//! tears if its own strength, drawn too, lies below the stretch where it runs. Counts over many needles in many blocks have the
//! mean and the error of Monte Carlo.
//!
//! A piece counts where its foot, the place nearest to the axis, lies on it, so that ends count once for the two pieces that
//! continue each other. Where it fails: vessels neither branch nor wind, and classes do not connect.

use std::f64::consts::{PI, TAU};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Puncture;
use super::vessel::{Bed, CLASSES, SkinDepths, Strength, VesselPlace};
use crate::skin::mechanics::cavity::stretch_at;

/// Length of the pieces of vessels [m].
const PIECE: f64 = 0.3e-3;
/// Side of a block [m].
const SIDE: f64 = 4e-3;

/// A vessel.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Vessel {
    /// A hairpin at a place, over a height from its top [m].
    Loop { place: [f64; 2], depth: f64, width: f64 },
    /// A piece from a place in a direction (a unit vector, downwards third).
    Piece { middle: [f64; 3], along: [f64; 3] },
}

/// A block of skin with its vessels by class.
#[derive(Debug, Clone)]
pub struct Network {
    vessels: [Vec<Vessel>; CLASSES],
    beds: [Bed; CLASSES],
    random: ChaCha8Rng,
}

/// Ruptures counted over needles.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counted {
    /// Mean per needle, by class.
    pub mean: [f64; CLASSES],
    /// Its standard error, from block to block.
    pub error: [f64; CLASSES],
}

/// Standard normal number (Box and Muller).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (a, b): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - a).ln()).sqrt() * (TAU * b).cos()
}

/// A count with a Poisson distribution of a large mean.
fn poisson(random: &mut ChaCha8Rng, mean: f64) -> usize {
    let (mut left, mut count) = (mean, 0);
    // Waiting times: exact for any mean.
    loop {
        let uniform: f64 = random.random();
        left += (1.0 - uniform).ln();
        if left < 0.0 {
            return count;
        }
        count += 1;
    }
}

impl Network {
    /// A block of skin with this seed.
    pub fn new(beds: &[Bed; CLASSES], skin: SkinDepths, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let area = SIDE * SIDE;
        let vessels = std::array::from_fn(|class| {
            let place = |random: &mut ChaCha8Rng| [SIDE * random.random::<f64>(), SIDE * random.random::<f64>()];
            match beds[class].place {
                VesselPlace::Loops(density, width, height) => {
                    // The mean field spreads a loop evenly over the height: each is met at one depth of it.
                    let count = poisson(&mut random, density * area);
                    let one = |random: &mut ChaCha8Rng| Vessel::Loop {
                        place: place(random),
                        depth: skin.epidermis + height * random.random::<f64>(),
                        width,
                    };
                    (0..count).map(|_| one(&mut random)).collect()
                }
                VesselPlace::Around(density, centre, spread) => {
                    let total = density * spread * TAU.sqrt() * area;
                    lying(&mut random, total, &mut |random| centre + spread * normal(random))
                }
                VesselPlace::Below(density, offset, spread) => {
                    let total = density * spread * TAU.sqrt() * area;
                    lying(&mut random, total, &mut |random| skin.dermis + offset + spread * normal(random))
                }
                VesselPlace::Through(density, top, crossing) => {
                    let (from, to) = (skin.epidermis + top, skin.dermis);
                    // Horizontal if every one is crossed, any direction if π/4 of their length is.
                    let any = crossing < 0.9;
                    let total = density * (to - from).max(0.0) * area;
                    let count = poisson(&mut random, total / PIECE);
                    let one = |random: &mut ChaCha8Rng| {
                        let [x, y] = place(random);
                        let z = from + (to - from) * random.random::<f64>();
                        let turn = TAU * random.random::<f64>();
                        let down = if any { 2.0 * random.random::<f64>() - 1.0 } else { 0.0 };
                        let flat = (1.0 - down * down).sqrt();
                        Vessel::Piece { middle: [x, y, z], along: [flat * turn.cos(), flat * turn.sin(), down] }
                    };
                    (0..count).map(|_| one(&mut random)).collect()
                }
            }
        });
        Self { vessels, beds: *beds, random }
    }

    /// Pushes a needle in at a random place; ruptures by class.
    fn push(&mut self, puncture: &Puncture, skin: SkinDepths, rupture: f64, strength: Strength) -> [f64; CLASSES] {
        let place = [SIDE * self.random.random::<f64>(), SIDE * self.random.random::<f64>()];
        let mut counts = [0.0; CLASSES];
        for class in 0..CLASSES {
            let diameter = self.beds[class].diameter;
            for vessel in &self.vessels[class] {
                let (distance, depth, half) = match *vessel {
                    Vessel::Loop { place: own, depth, width } => (away(place, own), depth, 0.5 * width),
                    Vessel::Piece { middle, along } => {
                        let flat = along[0].hypot(along[1]);
                        if flat < 1e-9 {
                            continue;
                        }
                        let apart: [f64; 2] = std::array::from_fn(|axis| near(place[axis] - middle[axis]));
                        let foot = (apart[0] * along[0] + apart[1] * along[1]) / flat;
                        if foot.abs() > 0.5 * PIECE * flat {
                            continue;
                        }
                        let side = (apart[0] * along[1] - apart[1] * along[0]).abs() / flat;
                        (side, middle[2] + along[2] * foot / flat, 0.5 * diameter)
                    }
                };
                let needle = puncture.radius_at(depth);
                if needle <= 0.0 || depth < skin.epidermis {
                    continue;
                }
                let met = distance < needle + half;
                if met && self.random.random::<f64>() < rupture {
                    counts[class] += 1.0;
                }
                // A vessel beside the needle runs as far from the wall as its nearer side.
                let beside = (distance - half).max(0.0);
                if !met && beside < 5.0 * needle {
                    let stretch =
                        stretch_at(needle, needle / puncture.wall_stretch, needle + (distance - half - needle));
                    if strength.stretch + strength.spread * normal(&mut self.random) < stretch {
                        counts[class] += 1.0;
                    }
                }
            }
        }
        counts
    }
}

/// Horizontal pieces of this total length at depths that are drawn.
fn lying(random: &mut ChaCha8Rng, total: f64, depth: &mut dyn FnMut(&mut ChaCha8Rng) -> f64) -> Vec<Vessel> {
    let count = poisson(random, total / PIECE);
    (0..count)
        .map(|_| {
            let turn = PI * random.random::<f64>();
            let middle = [SIDE * random.random::<f64>(), SIDE * random.random::<f64>(), depth(random)];
            Vessel::Piece { middle, along: [turn.cos(), turn.sin(), 0.0] }
        })
        .collect()
}

/// A difference of places, the short way round.
fn near(difference: f64) -> f64 {
    difference - SIDE * (difference / SIDE).round()
}

fn away(a: [f64; 2], b: [f64; 2]) -> f64 {
    near(a[0] - b[0]).hypot(near(a[1] - b[1]))
}

/// Pushes the same needle into `blocks` blocks, `needles` times each.
pub fn count(
    beds: &[Bed; CLASSES],
    skin: SkinDepths,
    rupture: f64,
    strength: Strength,
    puncture: &Puncture,
    (blocks, needles): (usize, usize),
    seed: u64,
) -> Counted {
    let means: Vec<[f64; CLASSES]> = (0..blocks)
        .map(|block| {
            let mut network = Network::new(beds, skin, seed.wrapping_add(block as u64));
            let mut sum = [0.0; CLASSES];
            for _ in 0..needles {
                for (sum, count) in sum.iter_mut().zip(network.push(puncture, skin, rupture, strength)) {
                    *sum += count / needles as f64;
                }
            }
            sum
        })
        .collect();
    let mut counted = Counted::default();
    for class in 0..CLASSES {
        let mean = means.iter().map(|one| one[class]).sum::<f64>() / blocks as f64;
        let variance = means.iter().map(|one| (one[class] - mean).powi(2)).sum::<f64>() / (blocks - 1) as f64;
        counted.mean[class] = mean;
        counted.error[class] = (variance / blocks as f64).sqrt();
    }
    counted
}

/// Ruptures expected by the mean field of the same needle, by class.
pub fn expected(
    beds: &[Bed; CLASSES],
    skin: SkinDepths,
    rupture: f64,
    strength: Strength,
    puncture: &Puncture,
) -> [f64; CLASSES] {
    super::vessel::ruptures(beds, rupture, strength, puncture, skin, &mut Vec::new()).mean
}
