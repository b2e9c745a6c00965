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
//! time, in memory, for the very site that is asked for: it cannot be out of date.
//!
//! A stroke into a hole cuts only if it would have gone deeper in new skin. Which limit of force stops a stroke, and where, depends
//! on the course of the whole strike: so the table also knows the largest force of each, and a strike that may meet its limit is
//! integrated in time.
//!
//! Its **error** has three parts, each the largest at places between the points of the table: how far it lies from strikes on new
//! skin; how far a second stroke cuts deeper; and how far strikes on the support it was made with lie from those on a finer one.
//! That is not computed but follows from a coarser one: with errors that fall with the square of the spacing h,
//!
//! ```text
//! |d(h) − d(h_fine)| ≈ |d(h_coarse) − d(h)| (h² − h_fine²)/(h_coarse² − h²)
//! ```
//!
//! The dome in a nose, part of the reach, has few cells under the rim of the nose and no such order: there the finer one is solved.

use std::convert::Infallible;
use std::sync::Arc;

use rayon::prelude::*;

use super::channel::{Channel, NeedleShape};
use super::memo::Memo;
use super::puncture::PunctureLaw;
use super::strike::{Meeting, Motion, Strike};
use super::support::SupportCurve;

/// Skin, needle and drive at the mean of a site.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// What holds the skin.
    pub support: Arc<SupportCurve>,
    /// What the needle meets inside.
    pub channel: Channel,
    /// When the tip pierces.
    pub law: PunctureLaw,
    /// The needle.
    pub needle: NeedleShape,
    /// How it moves.
    pub motion: Motion,
}

/// How one place and one stroke differ from the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaceVariation {
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
    /// Depth by τ/q, ρ/q and share of the way from the threshold to the longest reach [m], and the largest force of the strike at
    /// τ = 1 [N].
    depth: Vec<[f64; 2]>,
    /// How far depths may lie from strikes integrated in time on a finer support [m].
    pub error: f64,
    /// Root of the mean square of the differences from strikes on its own support [m].
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
static TABLES: Memo<(Site, Option<Coarser>, f64), Arc<Surrogate>> = Memo::new(64);
/// How much larger than a strike of the table the largest force of one between its points may be.
const ROOM: f64 = 1.05;
/// Safety of the error of the support, which two grids tell.
const SAFETY: f64 = 1.5;

/// The same site on a coarser support, by which the error of the support is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Coarser {
    /// The site.
    pub site: Site,
    /// How far the dome of the skin in a nose lies from that on the finer support [m].
    pub dome: f64,
    /// (h² − h_fine²)/(h_coarse² − h²).
    pub ratio: f64,
}

impl Site {
    fn meeting(&self, place: PlaceVariation, reach: f64) -> Meeting<'_> {
        Meeting {
            support: &self.support,
            channel: &self.channel,
            law: &self.law,
            needle: NeedleShape { tip_radius: place.tip_radius, ..self.needle },
            firmness: place.firmness,
            resistance: place.resistance,
            motion: self.motion,
            reach,
            limit: place.limit,
        }
    }

    /// A strike, integrated in time.
    pub fn strike(&self, place: PlaceVariation, reach: f64, hole: f64, out: bool) -> Strike {
        self.meeting(place, reach).strike(hole, out)
    }

    /// The mean place, with the needle's own tip and no limit.
    pub fn mean(&self) -> PlaceVariation {
        PlaceVariation { firmness: 1.0, resistance: 1.0, tip_radius: self.needle.tip_radius, limit: None }
    }

    /// A place with these ratios τ/q and ρ/q.
    fn ratios(&self, sharpness: f64, resistance: f64) -> PlaceVariation {
        // Dividing by q is choosing q = 1/(τ/q) at the tip's own force.
        PlaceVariation { firmness: 1.0 / sharpness, resistance: resistance / sharpness, ..self.mean() }
    }

    /// Force to pierce relative to that of the needle's own tip.
    fn sharpness(&self, tip_radius: f64) -> f64 {
        self.law.local(tip_radius, 0.0) / self.law.local(self.needle.tip_radius, 0.0)
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
    pub fn of(site: Site, coarser: Option<Coarser>, longest: f64) -> Arc<Self> {
        let question = (site, coarser, longest);
        let made = || Ok::<_, Infallible>(Arc::new(Self::new(question.0.clone(), question.1.as_ref(), longest)));
        let Ok(table) = TABLES.of(&question, made);
        table
    }

    /// Makes the table of a site.
    fn new(site: Site, coarser: Option<&Coarser>, longest: f64) -> Self {
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
        let depth: Vec<[f64; 2]> = (0..RATIOS * RATIOS * SHARES)
            .into_par_iter()
            .map(|index| {
                let (sharp, tough, step) = (index / (RATIOS * SHARES), index / SHARES % RATIOS, index % SHARES);
                let reach = threshold[sharp] + share(step) * (longest - threshold[sharp]);
                let strike = site.strike(site.ratios(ratio(sharp), ratio(tough)), reach, 0.0, false);
                // At the threshold itself nothing is pierced yet, whatever the last halving found.
                let depth = if step == 0 || threshold[sharp] >= longest { 0.0 } else { strike.depth };
                [depth, strike.peak()]
            })
            .collect();
        let mut table = Self { site, longest, threshold, depth, error: 0.0, scatter: 0.0 };
        let differences: Vec<[f64; 3]> = (0..PROBES)
            .into_par_iter()
            .map(|probe| {
                // Places of an even sequence, where most strokes are: ratios between a third and three.
                let even = |step: f64| (0.5 + step * (probe + 1) as f64).fract();
                let spread = |part: f64| 3f64.powf(2.0 * part - 1.0);
                let reach = longest * even(0.819_172_5);
                let place = PlaceVariation {
                    firmness: spread(even(0.671_043_6)),
                    resistance: spread(even(0.549_700_4)),
                    ..table.site.mean()
                };
                let depth = |site: &Site, reach: f64, hole: f64| site.strike(place, reach, hole, false).depth;
                let first = depth(&table.site, reach, 0.0);
                let again = if first > 0.0 { depth(&table.site, reach, first) } else { 0.0 };
                let by_support =
                    coarser.map_or(0.0, |coarser| SAFETY * coarser.ratio * (depth(&coarser.site, reach, 0.0) - first));
                [table.depth(place, reach, 0.0) - first, again - first, by_support]
            })
            .collect();
        let largest = |part: usize| differences.iter().map(|one| one[part].abs()).fold(0.0, f64::max);
        // The dome is part of the reach, and depths grow by no more than the reach.
        table.error = largest(0) + largest(1) + largest(2) + coarser.map_or(0.0, |coarser| coarser.dome);
        table.scatter = (differences.iter().map(|one| one[0] * one[0]).sum::<f64>() / PROBES as f64).sqrt();
        table
    }

    /// Depth [m] of a hole of a depth [m] (0: new skin) after a stroke.
    pub fn depth(&self, place: PlaceVariation, reach: f64, hole: f64) -> f64 {
        let index = |value: f64| between(0.5 * (value.ln() / SPAN.ln() + 1.0) * (RATIOS - 1) as f64, RATIOS);
        let sharpness = self.site.sharpness(place.tip_radius);
        let (sharp, sharp_part) = index(sharpness / place.firmness);
        let (tough, tough_part) = index(place.resistance / place.firmness);
        let mix = |from: f64, to: f64, part: f64| from + part * (to - from);
        let threshold = mix(self.threshold[sharp], self.threshold[sharp + 1], sharp_part);
        let way = ((reach - threshold) / (self.longest - threshold)).max(0.0);
        let (step, step_part) =
            if way < 1.0 { between(way.sqrt() * (SHARES - 1) as f64, SHARES) } else { (SHARES - 2, 1.0) };
        let row = |a: usize, b: usize| (a * RATIOS + b) * SHARES + step;
        if let Some(limit) = place.limit {
            // Forces grow with each of the three, so those of the corners bound it.
            let corners = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(a, b)| row(sharp + a, tough + b));
            let peaks = corners.iter().flat_map(|row| &self.depth[*row..=row + 1]).map(|[_, peak]| *peak);
            if ROOM * sharpness * peaks.fold(0.0, f64::max) > limit {
                return self.site.strike(place, reach, hole, false).depth;
            }
        }
        if reach <= threshold || threshold >= self.longest {
            return hole;
        }
        // Straight in the share itself between its points.
        let step_part = if way < 1.0 { (way - share(step)) / (share(step + 1) - share(step)) } else { step_part };
        let at = |a: usize, b: usize| mix(self.depth[row(a, b)][0], self.depth[row(a, b) + 1][0], step_part);
        let free = mix(
            mix(at(sharp, tough), at(sharp, tough + 1), tough_part),
            mix(at(sharp + 1, tough), at(sharp + 1, tough + 1), tough_part),
            sharp_part,
        );
        free.clamp(0.0, reach.max(0.0)).max(hole)
    }

    /// The site it was made from.
    pub fn site(&self) -> &Site {
        &self.site
    }
}
