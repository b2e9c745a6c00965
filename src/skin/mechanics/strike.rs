//! One strike, step by step in time.
//!
//! The drive prescribes how far the tip stands beyond the undeformed surface, x(t). The skin gives way by δ, the tip is d deep:
//! x = δ + d. Skin answers with a force that remembers ([`relax`](super::relax)), the needle meets a resistance that grows with d:
//!
//! ```text
//! F(δ) = ∫ g(t − s) dS(δ(s)),   S the elastic response of the support
//! R(d) = spreading + friction + [tearing + force to pierce at the speed ẋ]   where the skin is new
//! ```
//!
//! The tip advances while F > R and sticks otherwise; on the way out friction holds the needle until the skin, lifted, pulls it
//! off. A hand can give only so much force; then the tool lags behind its path.
//!
//! Where it fails: no inertia, no bending, the needle is as stiff as steel beside skin.

use super::channel::{Channel, NeedleShape};
use super::puncture::PunctureLaw;
use super::support::SupportCurve;

/// How the tip would move if there were no skin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Motion {
    /// A cam: x = reach − A (1 − cos 2πft)/2 about the turning point.
    Cam {
        /// Strokes per second [1/s].
        frequency: f64,
        /// A [m].
        stroke: f64,
    },
    /// A drum: x = (R + reach) cos φ − R with φ = u t/R.
    Arc {
        /// R [m].
        radius: f64,
        /// u [m/s].
        glide: f64,
    },
    /// A steady push to the reach and back.
    Push {
        /// Speed [m/s].
        speed: f64,
    },
}

impl Motion {
    /// Time [s] from touching the skin to the turning point, for a reach [m].
    pub fn rise(&self, reach: f64) -> f64 {
        match *self {
            Self::Cam { frequency, stroke } => {
                (1.0 - 2.0 * reach / stroke).clamp(-1.0, 1.0).acos() / (std::f64::consts::TAU * frequency)
            }
            Self::Arc { radius, glide } => (radius / (radius + reach)).acos() * radius / glide,
            Self::Push { speed } => reach / speed,
        }
    }

    /// x [m] and ẋ [m/s] a time before (negative) or after the turning point [s].
    pub fn at(&self, time: f64, reach: f64) -> [f64; 2] {
        match *self {
            Self::Cam { frequency, stroke } => {
                let turn = std::f64::consts::TAU * frequency;
                let angle = turn * time;
                [reach - 0.5 * stroke * (1.0 - angle.cos()), -0.5 * stroke * turn * angle.sin()]
            }
            Self::Arc { radius, glide } => {
                let angle = glide * time / radius;
                [(radius + reach) * angle.cos() - radius, -(radius + reach) * angle.sin() * glide / radius]
            }
            Self::Push { speed } => [reach - speed * time.abs(), -speed * time.signum()],
        }
    }
}

/// What meets at one place.
#[derive(Debug, Clone, Copy)]
pub struct Meeting<'a> {
    /// What holds the skin.
    pub support: &'a SupportCurve,
    /// What the needle meets inside.
    pub channel: &'a Channel,
    /// When the tip pierces.
    pub law: &'a PunctureLaw,
    /// The needle.
    pub needle: NeedleShape,
    /// Stiffness here relative to that of the support.
    pub firmness: f64,
    /// Resistance here relative to that of the channel.
    pub resistance: f64,
    /// How it moves.
    pub motion: Motion,
    /// How far it reaches beyond the undeformed surface [m].
    pub reach: f64,
    /// The largest force on the needle [N]; `None` for a motor.
    pub limit: Option<f64>,
}

/// One moment of a strike.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct StrikeMoment {
    /// Since the tip touched the skin [s].
    pub time: f64,
    /// Tip beyond the undeformed surface [m].
    pub tip: f64,
    /// Deflection of the skin under the needle [m]; negative where it is lifted.
    pub deflection: f64,
    /// Depth of the tip in the skin [m].
    pub depth: f64,
    /// Force on the needle [N]; negative where the needle is pulled out.
    pub force: f64,
}

/// A strike.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Strike {
    /// Its moments, from touching to leaving.
    pub moments: Vec<StrikeMoment>,
    /// Depth of the hole it leaves [m].
    pub depth: f64,
    /// The moment at which the tip pierced; `None` if it did not.
    pub pierced: Option<StrikeMoment>,
    /// Whether the limit of force was met.
    pub limited: bool,
}

impl Strike {
    /// The largest force on the needle [N].
    pub fn peak(&self) -> f64 {
        self.moments.iter().map(|moment| moment.force).fold(0.0, f64::max)
    }
}

/// Steps until the turning point.
const STEPS: usize = 64;
/// A depth is sought to this [m].
const NEAR: f64 = 2e-8;

impl Meeting<'_> {
    /// Resistance [N] at a depth [m] to a needle that advances at a speed [m/s] in a hole of this depth [m].
    fn resists(&self, depth: f64, hole: f64, speed: f64) -> f64 {
        if depth < hole {
            return self.resistance * self.channel.open(depth);
        }
        self.resistance * self.channel.whole(depth) + self.law.local(self.needle.tip_radius, speed)
    }

    /// A strike into a hole of a depth [m] (0: new skin), to the turning point and, if `out`, back again.
    pub fn strike(&self, hole: f64, out: bool) -> Strike {
        let rise = self.motion.rise(self.reach);
        if self.reach <= 0.0 || !rise.is_finite() || rise <= 0.0 {
            return Strike { depth: hole, ..Strike::default() };
        }
        let step = rise / STEPS as f64;
        let relaxation = &self.support.relaxation;
        let elastic = |deflection: f64| {
            self.firmness * self.support.elastic(deflection.abs()) * if deflection < 0.0 { -1.0 } else { 1.0 }
        };
        let mut memory = relaxation.begin();
        let mut strike = Strike { moments: vec![StrikeMoment::default()], ..Strike::default() };
        let mut depth: f64 = 0.0;
        let last = if out { 3 * STEPS } else { STEPS };
        for number in 1..=last {
            let time = number as f64 * step;
            let [path, speed] = self.motion.at(time - rise, self.reach);
            let mut tip = path;
            let (slope, offset) = relaxation.line(&memory, step);
            let force = |tip: f64, depth: f64| slope * elastic(tip - depth) + offset;
            if number <= STEPS {
                let from = depth;
                // The largest depth at which the skin still drives the needle on; mostly not much beyond the last.
                let on = |at: f64| force(tip, at) > self.resists(at, hole, speed);
                if on(from) {
                    let near = (from + 2.0 * (tip - from).min(step * speed.abs())).min(tip);
                    depth = if near < tip && on(near) { halved(near, tip, on) } else { halved(from, near, on) };
                }
                if let Some(limit) = self.limit
                    && force(tip, depth) > limit
                {
                    strike.limited = true;
                    depth = if self.resists(from, hole, speed) < limit {
                        halved(from, tip, |at| self.resists(at, hole, speed) < limit)
                    } else {
                        from
                    };
                    // The tool lags: what it can hold, not where its path would be.
                    tip = halved(depth, path, |at| force(at, depth) < limit);
                }
            } else {
                if let Some(limit) = self.limit
                    && force(tip, depth) > limit
                {
                    // Still further than the hand can hold it.
                    tip = halved(depth, path, |at| force(at, depth) < limit);
                }
                // Friction holds until the lifted skin pulls harder.
                let holds = |at: f64| -self.resistance * self.channel.parts(at)[2];
                if force(tip, depth) < holds(depth) {
                    depth =
                        if force(tip, 0.0) < 0.0 { 0.0 } else { halved(0.0, depth, |at| force(tip, at) > holds(at)) };
                }
                if depth <= 0.0 {
                    // The needle is out; the dent it leaves fills on its own.
                    strike.moments.push(StrikeMoment {
                        time,
                        tip,
                        deflection: tip.max(0.0),
                        ..StrikeMoment::default()
                    });
                    break;
                }
            }
            let deflection = tip - depth;
            let newtons = relaxation.advance(&mut memory, step, elastic(deflection));
            let moment = StrikeMoment { time, tip, deflection, depth, force: newtons };
            if strike.pierced.is_none() && depth > hole {
                strike.pierced = Some(moment);
            }
            strike.moments.push(moment);
            if number == STEPS {
                strike.depth = depth.max(hole);
            }
        }
        strike
    }
}

/// The largest value between `low`, where `holds`, and `high` up to which it does.
fn halved(low: f64, high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (low, high);
    while high - low > NEAR {
        let middle = 0.5 * (low + high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}
