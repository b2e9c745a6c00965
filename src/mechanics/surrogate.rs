//! Depth of holes from a table of strikes.
//!
//! A session strikes tens of thousands of times, at places that differ in stiffness q, resistance ρ and sharpness τ (each relative
//! to the mean). Dividing the balance of a strike by q shows that its depth depends on the reach and on two ratios only,
//!
//! ```text
//! d = D(reach, τ/q, ρ/q)
//! ```
//!
//! D is zero up to the reach at which the tip pierces, which depends on τ/q, and smooth beyond; so it is tabulated in the share of
//! the way from there to the longest reach, and in the logarithms of the ratios. The table is made from strikes integrated in
//! time, in memory, for the very site that is asked for: it cannot be out of date. Its **error** is the largest difference from such
//! strikes at places between its points.
//!
//! A stroke into a hole cuts only if it would have gone deeper in new skin; a limit of force stops it where the resistance exceeds
//! the limit.

use std::convert::Infallible;
use std::sync::Arc;

use rayon::prelude::*;

use super::channel::{Channel, Needle};
use super::memo::Memo;
use super::puncture::PunctureLaw;
use super::strike::{Meeting, Motion, Strike};
use super::support::Support;

/// Skin, needle and drive at the mean of a site.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// What holds the skin.
    pub support: Arc<Support>,
    /// What the needle meets inside.
    pub channel: Channel,
    /// When the tip pierces.
    pub law: PunctureLaw,
    /// The needle.
    pub needle: Needle,
    /// How it moves.
    pub motion: Motion,
}

/// How one place and one stroke differ from the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// q, stiffness relative to the mean.
    pub firmness: f64,
    /// ρ, resistance relative to the mean.
    pub resistance: f64,
    /// Radius of the tip [m].
    pub tip_radius: f64,
    /// The largest force on the needle [N]; `None` for a motor.
    pub limit: Option<f64>,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Surrogate {
    site: Site,
    longest: f64,
    /// Reach at which the tip pierces, by τ/q [m].
    threshold: Vec<f64>,
    /// Depth by τ/q, ρ/q and share of the way from the threshold to the longest reach [m].
    depth: Vec<f64>,
    /// Largest difference from strikes integrated in time [m].
    pub error: f64,
    /// Root of the mean square of those differences [m].
    pub scatter: f64,
}

/// Ratios of the table, on both axes: from 1/SPAN to SPAN.
const RATIOS: usize = 9;
const SPAN: f64 = 8.0;
/// Shares of the way beyond the threshold; their squares are even.
const SHARES: usize = 13;
/// Strikes with which the table is compared.
const PROBES: usize = 48;
/// Tables that are kept.
static TABLES: Memo<(Site, f64), Arc<Surrogate>> = Memo::new(64);

impl Site {
    fn meeting(&self, place: Place, reach: f64) -> Meeting<'_> {
        Meeting {
            support: &self.support,
            channel: &self.channel,
            law: &self.law,
            needle: Needle { tip_radius: place.tip_radius, ..self.needle },
            firmness: place.firmness,
            resistance: place.resistance,
            motion: self.motion,
            reach,
            limit: place.limit,
        }
    }

    /// A strike, integrated in time.
    pub fn strike(&self, place: Place, reach: f64, hole: f64, out: bool) -> Strike {
        self.meeting(place, reach).strike(hole, out)
    }

    /// The mean place, with the needle's own tip and no limit.
    pub fn mean(&self) -> Place {
        Place { firmness: 1.0, resistance: 1.0, tip_radius: self.needle.tip_radius, limit: None }
    }

    /// A place with these ratios τ/q and ρ/q.
    fn ratios(&self, sharpness: f64, resistance: f64) -> Place {
        // Dividing by q is choosing q = 1/(τ/q) at the tip's own force.
        Place { firmness: 1.0 / sharpness, resistance: resistance / sharpness, ..self.mean() }
    }

    /// Force to pierce relative to that of the needle's own tip.
    fn sharpness(&self, tip_radius: f64) -> f64 {
        self.law.local(tip_radius, 0.0) / self.law.local(self.needle.tip_radius, 0.0)
    }

    /// Depth [m] at which the resistance exceeds the limit of a place.
    fn stopped(&self, place: Place) -> f64 {
        let Some(limit) = place.limit else { return f64::INFINITY };
        // A drive meets the skin at its fastest.
        let [_, speed] = self.motion.at(-self.motion.rise(1e-4), 1e-4);
        let left = limit - self.law.local(place.tip_radius, speed);
        if left <= 0.0 {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, 0.02);
        for _ in 0..30 {
            let middle = 0.5 * (low + high);
            if place.resistance * self.channel.whole(middle) < left {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }
}

fn ratio(index: usize) -> f64 {
    SPAN.powf(2.0 * index as f64 / (RATIOS - 1) as f64 - 1.0)
}

fn share(index: usize) -> f64 {
    (index as f64 / (SHARES - 1) as f64).powi(2)
}

/// Where a value lies among points: the point before it and the part of the way to the next.
fn between(place: f64, count: usize) -> (usize, f64) {
    let place = place.clamp(0.0, (count - 1) as f64);
    let below = (place as usize).min(count - 2);
    (below, place - below as f64)
}

impl Surrogate {
    /// The table of a site for reaches up to the longest [m]; the last ones are kept.
    pub fn of(site: Site, longest: f64) -> Arc<Self> {
        let question = (site, longest);
        let made = || Ok::<_, Infallible>(Arc::new(Self::new(question.0.clone(), longest)));
        let Ok(table) = TABLES.of(&question, made);
        table
    }

    /// Makes the table of a site.
    fn new(site: Site, longest: f64) -> Self {
        let threshold: Vec<f64> = (0..RATIOS)
            .into_par_iter()
            .map(|index| {
                let place = site.ratios(ratio(index), ratio(index));
                let pierces = |reach: f64| site.strike(place, reach, 0.0, false).pierced.is_some();
                let (mut low, mut high) = (0.0, longest);
                if !pierces(high) {
                    return longest;
                }
                for _ in 0..14 {
                    let middle = 0.5 * (low + high);
                    if pierces(middle) {
                        high = middle;
                    } else {
                        low = middle;
                    }
                }
                low
            })
            .collect();
        let depth: Vec<f64> = (0..RATIOS * RATIOS * SHARES)
            .into_par_iter()
            .map(|index| {
                let (sharp, tough, step) = (index / (RATIOS * SHARES), index / SHARES % RATIOS, index % SHARES);
                let reach = threshold[sharp] + share(step) * (longest - threshold[sharp]);
                if step == 0 || threshold[sharp] >= longest {
                    return 0.0;
                }
                site.strike(site.ratios(ratio(sharp), ratio(tough)), reach, 0.0, false).depth
            })
            .collect();
        let mut table = Self { site, longest, threshold, depth, error: 0.0, scatter: 0.0 };
        let differences: Vec<f64> = (0..PROBES)
            .into_par_iter()
            .map(|probe| {
                // Places of an even sequence, where most strokes are: ratios between a third and three.
                let even = |step: f64| (0.5 + step * (probe + 1) as f64).fract();
                let spread = |part: f64| 3f64.powf(2.0 * part - 1.0);
                let reach = longest * even(0.819_172_5);
                let place = Place {
                    firmness: spread(even(0.671_043_6)),
                    resistance: spread(even(0.549_700_4)),
                    ..table.site.mean()
                };
                table.depth(place, reach) - table.site.strike(place, reach, 0.0, false).depth
            })
            .collect();
        table.error = differences.iter().map(|one| one.abs()).fold(0.0, f64::max);
        table.scatter = (differences.iter().map(|one| one * one).sum::<f64>() / PROBES as f64).sqrt();
        table
    }

    /// Depth [m] of a first stroke.
    pub fn depth(&self, place: Place, reach: f64) -> f64 {
        let index = |value: f64| between(0.5 * (value.ln() / SPAN.ln() + 1.0) * (RATIOS - 1) as f64, RATIOS);
        let (sharp, sharp_part) = index(self.site.sharpness(place.tip_radius) / place.firmness);
        let (tough, tough_part) = index(place.resistance / place.firmness);
        let mix = |from: f64, to: f64, part: f64| from + part * (to - from);
        let threshold = mix(self.threshold[sharp], self.threshold[sharp + 1], sharp_part);
        if reach <= threshold || threshold >= self.longest {
            return 0.0;
        }
        let way = (reach - threshold) / (self.longest - threshold);
        let (step, step_part) = between(way.sqrt() * (SHARES - 1) as f64, SHARES);
        // Straight in the share itself between its points.
        let step_part = if way < 1.0 { (way - share(step)) / (share(step + 1) - share(step)) } else { step_part };
        let at = |a: usize, b: usize| {
            let row = (a * RATIOS + b) * SHARES + step;
            mix(self.depth[row], self.depth[row + 1], step_part)
        };
        let free = mix(
            mix(at(sharp, tough), at(sharp, tough + 1), tough_part),
            mix(at(sharp + 1, tough), at(sharp + 1, tough + 1), tough_part),
            sharp_part,
        );
        free.clamp(0.0, reach).min(self.site.stopped(place))
    }

    /// The site it was made from.
    pub fn site(&self) -> &Site {
        &self.site
    }
}
