//! Needling: from device, hand and layered skin to holes, ruptured vessels, blood and pain.
//!
//! A session is computed in four steps, each with its own file: how the needles move ([`drive`]), where they land
//! ([`merge`] and its file), how deep they go ([`mechanics`](crate::skin::mechanics); [`depth`] if lumped), and which vessels they meet
//! ([`vessel`]; [`network`] checks its means). Every hole is placed and
//! followed on its own, on a periodic patch of skin; the response model receives the holes ([`Puncture`]) and nothing else
//! decides the injury.
//!
//! Skin varies from hole to hole, the hand from stamp to stamp, the needle from stroke to stroke; all draws depend on the
//! seed, the session and the number of the puncture only.

mod beds;
pub mod depth;
pub mod drive;
mod driven;
pub mod network;
mod place;
mod random;
mod session;
mod single;
pub mod site;
mod strata;
mod summary;
pub mod tear;
pub mod vessel;

use rayon::prelude::*;

use crate::base::error::Result;
use crate::base::sourced::Traits;
use crate::engine::grid::Layer;
use crate::skin::catalogue::Tissue;
use crate::skin::protocol::Protocol;

pub use place::merge;
pub use single::{Map, PassedLayer, Single, single};
pub use summary::{Summary, quantile};
use tear::Cut;
use vessel::{CLASSES, Ruptures, STEP, SkinDepths};

use crate::skin::mechanics::channel::{NeedleShape, Tip};
use crate::skin::mechanics::surrogate::PlaceVariation;

use random::{Purpose, RandomSource};
use session::SessionSetup;

/// One hole in the skin, as handed to the response model. SI units.
#[derive(Debug, Clone, PartialEq)]
pub struct Puncture {
    /// Place of the entry.
    pub x: f64,
    /// Place of the entry.
    pub y: f64,
    /// Depth of the tip below the surface.
    pub depth: f64,
    /// Angle against the normal of the skin [rad].
    pub tilt: f64,
    /// Direction of the tilt in the plane of the skin [rad].
    pub azimuth: f64,
    /// The needle that made it.
    pub needle: NeedleShape,
    /// Hoop stretch of the tissue at the wall of the channel while the needle is in; the torn opening is thinner by it.
    pub wall_stretch: f64,
    /// Lateral drag while the needle is in.
    pub drag: f64,
    /// The cut along the skin that this drag left.
    pub cut: Cut,
    /// Shed blood that stays in the tissue: (centre depth, spread in depth, volume) of each vessel layer.
    pub blood: Vec<[f64; 3]>,
    /// Ruptures expected, by class of vessels (capillary loops, superficial plexus, mid dermis, deep plexus).
    pub ruptures: [f64; CLASSES],
    /// Strokes that went into this hole.
    pub strokes: u32,
    /// Reach of the longest of them beyond the undeformed surface; no hole is deeper.
    pub reach: f64,
}

/// What a session does mechanically.
#[derive(Debug, Clone)]
pub struct Needling {
    /// Distinct holes per area [1/m²].
    pub hole_density: f64,
    /// Distinct holes per area that reach the dermis [1/m²].
    pub dermal_hole_density: f64,
    /// Representative punctures (at the origin, upright) with weights that sum to 1, for unit cells: equally frequent classes
    /// of depth, shallow first, each with the means of its class.
    pub strata: Vec<(f64, Puncture)>,
    /// Explicit punctures of a patch of skin, with blood drawn for each.
    pub punctures: Vec<Puncture>,
    /// Size of that patch, periodic [m].
    pub patch: [f64; 2],
    /// Numbers for tables and reports.
    pub summary: Summary,
    /// Ruptures per puncture in slices of depth, by class.
    profile: Vec<[f64; CLASSES]>,
}

impl Puncture {
    /// Radius of the needle at a depth [m]; zero below the tip.
    pub fn radius_at(&self, depth: f64) -> f64 {
        self.needle.radius(self.depth - depth)
    }

    /// Hoop stretch of the tissue at a distance from the axis and a depth [m] once the needle is out: around a channel that clot
    /// holds open at its torn radius ρ = a/λ, a slit before, λ(r) = r/√(r² − ρ²), and at the wall as much as tissue bears; 1
    /// below the tip.
    ///
    /// Example: 1.03 four torn radii away.
    pub fn residual_stretch(&self, distance: f64, depth: f64) -> f64 {
        let opening = self.radius_at(depth) / self.wall_stretch.max(1.0);
        if opening <= 0.0 {
            return 1.0;
        }
        let rest = (distance * distance - opening * opening).max(0.0).sqrt();
        if rest * self.wall_stretch <= distance { self.wall_stretch } else { distance / rest }
    }

    /// Blood that stays in the tissue per length of channel at a depth [m²].
    pub fn blood_at(&self, depth: f64) -> f64 {
        self.blood
            .iter()
            .map(|[centre, spread, volume]| {
                let u = (depth - centre) / spread;
                volume * (-0.5 * u * u).exp() / (spread * (2.0 * std::f64::consts::PI).sqrt())
            })
            .sum()
    }
}

impl Needling {
    /// Ruptures per puncture between neighbouring depths [m] of `edges` (ascending), by class of vessels. Multiplied with
    /// [`Needling::hole_density`] they are ruptures per area.
    pub fn rupture_by_depth(&self, edges: &[f64]) -> Vec<[f64; CLASSES]> {
        let mut sums = vec![[0.0; CLASSES]];
        for slice in &self.profile {
            let last = sums[sums.len() - 1];
            sums.push(std::array::from_fn(|class| last[class] + slice[class]));
        }
        let up_to = |depth: f64| -> [f64; CLASSES] {
            let place = (depth.max(0.0) / STEP).min((sums.len() - 1) as f64);
            let below = place.floor() as usize;
            let above = (below + 1).min(sums.len() - 1);
            let part = place - below as f64;
            std::array::from_fn(|class| sums[below][class] + part * (sums[above][class] - sums[below][class]))
        };
        edges
            .windows(2)
            .map(|pair| {
                let (top, bottom) = (up_to(pair[0]), up_to(pair[1]));
                std::array::from_fn(|class| bottom[class] - top[class])
            })
            .collect()
    }
}

/// A hole while it is being made.
struct Hole {
    /// Its number among the struck places, for random numbers.
    number: usize,
    puncture: Puncture,
    skin: SkinDepths,
    /// Depth after the first stroke.
    first: f64,
    limited: bool,
    ruptures: Ruptures,
}

/// Who is needled, and where.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The skin.
    pub tissue: &'a Tissue,
    /// Its layers for this person, from the surface down.
    pub layers: &'a [Layer],
    /// The person.
    pub traits: &'a Traits,
    /// Age in years.
    pub age: f64,
    /// Seed of all random numbers.
    pub seed: u64,
}

/// Computes what a session (counted from 0) by this protocol does to somebody, with `strata` classes of depth.
///
/// # Errors
/// The device cannot do what the protocol asks, the dose is more than fits on the skin, or the tissue cannot be needled.
pub fn treat(protocol: &Protocol, subject: &Subject<'_>, session: usize, strata: usize) -> Result<Needling> {
    carry_out(&SessionSetup::of(subject, protocol)?, subject, session, strata)
}

/// As [`treat`], for `count` sessions. What the tissue answers is computed once for all of them.
///
/// # Errors
/// As [`treat`].
pub fn treat_all(protocol: &Protocol, subject: &Subject<'_>, count: usize, strata: usize) -> Result<Vec<Needling>> {
    let numbers = SessionSetup::of(subject, protocol)?;
    (0..count).into_par_iter().map(|session| carry_out(&numbers, subject, session, strata)).collect()
}

/// Carries a session out.
fn carry_out(numbers: &SessionSetup, subject: &Subject<'_>, session: usize, strata: usize) -> Result<Needling> {
    let source = RandomSource::new(subject.seed, session);
    let pattern = place::place(&numbers.printer, numbers.amount, numbers.merging, numbers.wobble, &source)?;
    let mut holes = drill(numbers, &pattern, &source);
    holes.retain(|hole| hole.puncture.depth > 0.0);
    let mut profile = Vec::new();
    for hole in &mut holes {
        hole.ruptures =
            vessel::ruptures(&numbers.beds, numbers.rupture, numbers.strength, &hole.puncture, hole.skin, &mut profile);
        hole.puncture.ruptures = hole.ruptures.mean;
    }
    for slice in profile.iter_mut().flatten() {
        *slice /= holes.len() as f64;
    }
    let summary = summary::summarise(subject, numbers, &pattern, &holes);
    let strata = strata::classes(numbers, &holes, strata);
    // Strata carry the mean blood of their class; an explicit hole bleeds or does not.
    for hole in &mut holes {
        let mut draws = source.of(Purpose::Rupture, hole.number);
        let counts = hole.ruptures.mean.map(|mean| f64::from(draws.count(mean)));
        hole.puncture.blood = strata::blood(numbers, &hole.ruptures, counts);
    }
    Ok(Needling {
        hole_density: summary.holes_per_area,
        dermal_hole_density: summary.dermal_holes_per_area,
        strata,
        punctures: holes.into_iter().map(|hole| hole.puncture).collect(),
        patch: [pattern.side; 2],
        summary,
        profile,
    })
}

/// Follows every stroke into its hole.
fn drill(numbers: &SessionSetup, pattern: &place::Pattern, source: &RandomSource) -> Vec<Hole> {
    let mut holes: Vec<Option<(Hole, [f64; 2])>> = pattern.holes.iter().map(|_| None).collect();
    for (number, stroke) in &pattern.strokes {
        let mut hand = source.of(Purpose::HandOf, stroke.stamp);
        let lean = [numbers.tilt * hand.normal(), numbers.tilt * hand.normal()];
        let press = numbers.press * hand.around_one(numbers.force_variation);
        let tilt = lean[0].hypot(lean[1]).min(1.0);
        let azimuth = lean[1].atan2(lean[0]);
        let mut needle = source.of(Purpose::Needle, stroke.index);
        let play = (numbers.wobble * needle.normal()).hypot(numbers.wobble * needle.normal());
        let tolerance = numbers.tolerance * needle.normal();
        let tip_radius = numbers.needle.tip_radius * needle.around_one(numbers.tip_variation);
        // A tilted nose brings the needles on one side nearer to the skin and lifts those on the other.
        let lift = if numbers.lifts {
            (stroke.offset[0] * azimuth.cos() + stroke.offset[1] * azimuth.sin()) * tilt.tan()
        } else {
            0.0
        };
        let dome = numbers.dome.height(press);
        let reach = (numbers.length + tolerance + dome + lift).max(0.0);
        let limit = numbers.limited.then_some(press / numbers.bearing);
        let (hole, [firmness, resistance]) =
            holes[*number].get_or_insert_with(|| fresh(numbers, pattern.holes[*number], *number, source));
        let place = PlaceVariation { firmness: *firmness, resistance: *resistance, tip_radius, limit };
        let before = hole.puncture.depth / hole.puncture.tilt.cos();
        let along = numbers.way.stroke(place, before, reach, numbers.speed);
        hole.puncture.strokes += 1;
        hole.puncture.reach = hole.puncture.reach.max(reach);
        let depth = along * tilt.cos();
        if depth > hole.puncture.depth {
            let free = PlaceVariation { limit: None, ..place };
            hole.limited = limit.is_some() && along < numbers.way.stroke(free, before, reach, numbers.speed);
            // Dented skin springs back along its normal while the needle comes out along its own axis.
            let slip = (reach - depth).max(0.0) * tilt.tan();
            let drag = numbers.drag.hypot(play).hypot(slip);
            let cut = Cut::of(drag, numbers.give, depth);
            let needle = NeedleShape { tip_radius, ..numbers.needle };
            let own = std::mem::replace(&mut hole.puncture, empty());
            hole.puncture = Puncture { depth, tilt, azimuth, needle, drag, cut, ..own };
        }
        if hole.puncture.strokes == 1 {
            hole.first = depth;
        }
    }
    holes.into_iter().flatten().map(|(hole, _)| hole).collect()
}

/// A puncture before its first stroke.
fn empty() -> Puncture {
    Puncture {
        x: 0.0,
        y: 0.0,
        depth: 0.0,
        tilt: 0.0,
        azimuth: 0.0,
        needle: NeedleShape { tip: Tip::Cone, tip_radius: 0.0, half_angle: 0.0, shank_radius: 0.0 },
        wall_stretch: 1.0,
        drag: 0.0,
        cut: Cut::default(),
        blood: Vec::new(),
        ruptures: [0.0; CLASSES],
        strokes: 0,
        reach: 0.0,
    }
}

/// The skin at a place that was not struck before.
fn fresh(numbers: &SessionSetup, place: [f64; 2], number: usize, source: &RandomSource) -> (Hole, [f64; 2]) {
    let mut draws = source.of(Purpose::Skin, number);
    let firmness = draws.around_one(numbers.place_variation[0]);
    let resistance = draws.around_one(numbers.place_variation[1]);
    let epidermis = numbers.skin.epidermis * draws.around_one(numbers.skin_variation[0]);
    let dermis = (numbers.skin.dermis - numbers.skin.epidermis) * draws.around_one(numbers.skin_variation[1]);
    let puncture =
        Puncture { x: place[0], y: place[1], needle: numbers.needle, wall_stretch: numbers.wall_stretch, ..empty() };
    let skin = SkinDepths { epidermis, dermis: epidermis + dermis };
    let hole = Hole { number, puncture, skin, first: 0.0, limited: false, ruptures: Ruptures::default() };
    (hole, [firmness, resistance])
}
