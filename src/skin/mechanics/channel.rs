//! What a needle meets once it is in: tearing, spreading, friction, layer by layer.
//!
//! With the tip at depth d the needle has the radius a(d − z) at depth z: the tip, a cone of half angle α, a shank.
//!
//! ```text
//! tearing    T(d) = π/λ ∫ J(z) a′(d − z) dz        the slit at rest is the circumference of the opening, 2 π a/λ, halved
//! spreading  S(d) = ∫ p(z) 2 π a a′ dz             the wall presses on the cone
//! friction   R(d) = μ ∫ p(z) 2 π a dz              and rubs on all of it
//! ```
//!
//! J is the toughness of the layer, p the pressure of [`cavity`](super::cavity), λ the stretch at failure, μ the friction. In an
//! open hole there is no tearing; at its bottom the tip has to pierce again ([`puncture`](super::puncture)). Pressure relaxes, and
//! stiffens with speed, as the layers do.
//!
//! Tips are cones or bevels. A shank of diameter D cut by a plane at an angle α to its axis has, a distance s above the tip, the
//! cross-section of a segment, which opens the skin as a circle of the same circumference does:
//!
//! ```text
//! a(s) = r + D (θ + sin θ)/2π,   cos θ = 1 − 2 s tan α/D
//! ```
//!
//! so that of two needles with the same bevel the thicker one is the wider at every depth.
//!
//! Example: 0.25 mm needle, J = 100 J/m², p = 50 kPa, λ = 1.4, μ = 0.1: 28 + 2.5 + 2.2 mN at 1.1 mm.
//!
//! Where it fails: stick and slip, bending, needles so close that their stretched zones overlap.

use std::f64::consts::PI;

pub use crate::skin::catalogue::Tip;

/// A needle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeedleShape {
    /// How it is pointed.
    pub tip: Tip,
    /// Radius of the tip [m].
    pub tip_radius: f64,
    /// Half angle of the cone, or angle between bevel and axis [rad].
    pub half_angle: f64,
    /// Radius of the shank [m].
    pub shank_radius: f64,
}

/// A layer as a needle in it meets it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wall {
    /// Depth of its lower boundary [m].
    pub bottom: f64,
    /// J [J/m²].
    pub toughness: f64,
    /// p, at the speed of the needle [Pa].
    pub pressure: f64,
    /// λ.
    pub failure: f64,
}

/// Forces by depth of the tip.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// T, S and R at multiples of [`STEP`] [N].
    parts: Vec<[f64; 3]>,
}

/// Spacing of the table [m].
pub const STEP: f64 = 1e-5;

impl NeedleShape {
    /// a(s), radius [m] a distance s above the tip [m].
    pub fn radius(&self, above: f64) -> f64 {
        if above < 0.0 {
            return 0.0;
        }
        let wide = above * self.half_angle.tan();
        let behind = match self.tip {
            Tip::Cone => wide,
            Tip::Bevel => {
                let angle = (1.0 - wide / self.shank_radius).clamp(-1.0, 1.0).acos();
                self.shank_radius * (angle + angle.sin()) / PI
            }
        };
        (self.tip_radius + behind).min(self.shank_radius)
    }
}

impl Channel {
    /// The forces on a needle in these layers down to a depth [m]; the last layer goes on.
    pub fn new(needle: NeedleShape, walls: &[Wall], friction: f64, deepest: f64) -> Self {
        let steps = (deepest / STEP).ceil() as usize + 1;
        let slices: Vec<Wall> = (0..steps)
            .map(|i| {
                let depth = (i as f64 + 0.5) * STEP;
                let own = walls.iter().find(|wall| depth < wall.bottom).or(walls.last());
                own.copied().unwrap_or(Wall { bottom: 0.0, toughness: 0.0, pressure: 0.0, failure: 1.0 })
            })
            .collect();
        let parts = (0..=steps)
            .map(|tip| {
                let mut sum = [0.0; 3];
                for (i, wall) in slices[..tip].iter().enumerate() {
                    // The slice between two distances above the tip.
                    let (near, far) = ((tip - i - 1) as f64 * STEP, (tip - i) as f64 * STEP);
                    let (small, large) = (needle.radius(near), needle.radius(far));
                    let middle = 0.5 * (small + large);
                    sum[0] += PI / wall.failure * wall.toughness * (large - small);
                    sum[1] += wall.pressure * 2.0 * PI * middle * (large - small);
                    sum[2] += friction * wall.pressure * 2.0 * PI * middle * STEP;
                }
                sum
            })
            .collect();
        Self { parts }
    }

    /// Tearing, spreading and friction [N] with the tip at a depth [m].
    pub fn parts(&self, depth: f64) -> [f64; 3] {
        let last = self.parts.len() - 1;
        let place = (depth / STEP).clamp(0.0, last as f64);
        let below = (place as usize).min(last.saturating_sub(1));
        let part = place - below as f64;
        std::array::from_fn(|i| {
            let (from, to) = (self.parts[below][i], self.parts[(below + 1).min(last)][i]);
            from + part * (to - from)
        })
    }

    /// Force [N] of an open hole: spreading and friction.
    pub fn open(&self, depth: f64) -> f64 {
        let [_, spreading, friction] = self.parts(depth);
        spreading + friction
    }

    /// Force [N] where the needle also tears.
    pub fn whole(&self, depth: f64) -> f64 {
        self.parts(depth).iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDLE: NeedleShape =
        NeedleShape { tip: Tip::Cone, tip_radius: 5e-6, half_angle: 0.104_72, shank_radius: 125e-6 };

    /// One medium: T = π J (a − r)/λ, S = π p (a² − r²), R = 2 π μ p ∫ a.
    #[test]
    fn forces_in_one_medium_are_exact() {
        let wall = Wall { bottom: 1.0, toughness: 100.0, pressure: 50e3, failure: 1.4 };
        let channel = Channel::new(NEEDLE, &[wall], 0.1, 3e-3);
        let (r, slope) = (NEEDLE.tip_radius, NEEDLE.half_angle.tan());
        for depth in [0.2e-3, 0.8e-3_f64] {
            let a = r + depth * slope;
            let exact = [PI * 100.0 * (a - r) / 1.4, PI * 50e3 * (a * a - r * r), 0.1 * 50e3 * PI * (a + r) * depth];
            for (got, wanted) in channel.parts(depth).iter().zip(exact) {
                assert!((got / wanted - 1.0).abs() < 1e-6, "{got} {wanted}");
            }
        }
        // Beyond the cone only friction grows.
        let (long, longer) = (channel.parts(2e-3), channel.parts(2.5e-3));
        assert!((long[0] - longer[0]).abs() < 1e-9 && (long[1] - longer[1]).abs() < 1e-9 && longer[2] > long[2]);
    }

    /// The circumference of the segment: chord and arc.
    #[test]
    fn bevels_open_by_their_circumference() {
        let bevel = NeedleShape { tip: Tip::Bevel, tip_radius: 0.0, half_angle: 0.2, shank_radius: 0.2e-3 };
        for above in [0.1e-3, 0.7e-3, 1.9e-3_f64] {
            let cut = above * bevel.half_angle.tan();
            let chord = 2.0 * (cut * (0.4e-3 - cut)).sqrt();
            let arc = 0.4e-3 * ((0.2e-3 - cut) / 0.2e-3).acos();
            assert!((bevel.radius(above) / ((chord + arc) / (2.0 * PI)) - 1.0).abs() < 1e-9, "{above}");
            let thick = NeedleShape { shank_radius: 0.4e-3, ..bevel };
            assert!(thick.radius(above) > bevel.radius(above));
        }
        assert!((bevel.radius(3e-3) / 0.2e-3 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn grows_with_depth() {
        let walls = [
            Wall { bottom: 0.1e-3, toughness: 50.0, pressure: 20e3, failure: 1.4 },
            Wall { bottom: 1e-3, toughness: 200.0, pressure: 60e3, failure: 1.4 },
        ];
        let channel = Channel::new(NEEDLE, &walls, 0.1, 1e-3);
        let depths: Vec<f64> = (0..=1000).map(|i| f64::from(i) * 1e-6).collect();
        assert!(depths.windows(2).all(|pair| channel.open(pair[1]) >= channel.open(pair[0])));
        assert!(depths.windows(2).all(|pair| channel.whole(pair[1]) >= channel.whole(pair[0])));
    }
}
