//! Skin around a needle that is in: finite strain of a cylindrical cavity in an incompressible medium.
//!
//! A needle of radius a opens a slit that it has torn; what is not torn is stretched. In the plane across the needle a ring that
//! lay at the radius R lies at r with r² − a² = R² − A², so its hoop stretch is
//!
//! ```text
//! λ(R) = √(1 + (a² − A²)/R²),   at the wall λ = a/A
//! ```
//!
//! A is the radius of the torn opening at rest. Skin is tough for needles much thinner than toughness over stiffness, so it is
//! stretched as far as it bears: a/A is the stretch at failure. The law of the layer, W = C₁ s + C₂ s² with s = (λ − 1/λ)² here,
//! gives the pressure on the wall
//!
//! ```text
//! p = ∫₁^{a/A} W′(λ)/(λ² − 1) dλ
//! ```
//!
//! Example: C₁ = 9.4 kPa, C₂ = 82 kPa (whole skin, suction), λ = 1.4: 51 kPa. Where it fails: needles side by side, the surface,
//! the tip, slits that are not round.

/// Hyperelastic law W = C₁ s + C₂ s².
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HyperelasticLaw {
    /// C₁ [Pa].
    pub first: f64,
    /// C₂ [Pa].
    pub second: f64,
}

/// Points of the integration; the integrand is smooth, so Simpson's error is below 10⁻⁶.
const POINTS: usize = 64;

/// Hoop stretch of a ring that lay at the radius R [m] around a needle of radius a [m] in an opening of radius A [m] at rest.
///
/// Example: 1.4 at the wall if a/A = 1.4, and √(1 + 0.96/4) = 1.11 at R = 2 A.
pub fn stretch(needle: f64, opening: f64, ring: f64) -> f64 {
    (1.0 + (needle * needle - opening * opening).max(0.0) / (ring * ring)).sqrt()
}

/// Hoop stretch at a distance r [m] from the axis now, outside the needle: λ² = r²/(r² − a² + A²).
///
/// Example: a/A at r = a.
pub fn stretch_at(needle: f64, opening: f64, distance: f64) -> f64 {
    let rest = distance * distance - needle * needle + opening * opening;
    if distance <= needle { needle / opening } else { distance / rest.sqrt() }
}

impl HyperelasticLaw {
    /// Pressure [Pa] on the wall of a cavity whose wall is stretched by λ.
    pub fn pressure(&self, wall: f64) -> f64 {
        let step = (wall - 1.0) / POINTS as f64;
        let sum: f64 = (0..=POINTS)
            .map(|i| {
                let weight = if i == 0 || i == POINTS {
                    1.0
                } else if i % 2 == 1 {
                    4.0
                } else {
                    2.0
                };
                let stretch = 1.0 + step * i as f64;
                let s = (stretch - 1.0 / stretch).powi(2);
                // W′ = (C₁ + 2 C₂ s) 2 (λ − 1/λ)(1 + 1/λ²), and λ² − 1 = λ (λ − 1/λ).
                weight * (self.first + 2.0 * self.second * s) * 2.0 * (1.0 + 1.0 / (stretch * stretch)) / stretch
            })
            .sum();
        sum * step / 3.0
    }

    /// Hoop stress less radial stress [Pa] at a stretch: λ W′(λ).
    pub fn stress(&self, stretch: f64) -> f64 {
        let odd = stretch - 1.0 / stretch;
        (self.first + 2.0 * self.second * odd * odd) * 2.0 * odd * (stretch + 1.0 / stretch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_is_kept() {
        let (a, b) = (125e-6, 90e-6);
        for ring in [90e-6, 100e-6, 200e-6, 1e-3_f64] {
            let now = (ring * ring + a * a - b * b).sqrt();
            assert!((now / ring - stretch(a, b, ring)).abs() < 1e-12);
            assert!((stretch_at(a, b, now) - stretch(a, b, ring)).abs() < 1e-12);
        }
        assert!((stretch(a, b, 90e-6) - a / b).abs() < 1e-12);
    }

    /// Small cavities: p = 2 G ln-free limit. With C₂ = 0 the medium is neo-Hookean, G = 2 C₁, and
    /// p = G [ln λ + (1 − 1/λ²)/2] exactly.
    #[test]
    fn neo_hookean_pressure_is_exact() {
        let law = HyperelasticLaw { first: 5e3, second: 0.0 };
        for wall in [1.01, 1.2, 1.54, 3.0_f64] {
            let exact = 1e4 * (wall.ln() + 0.5 * (1.0 - 1.0 / (wall * wall)));
            assert!((law.pressure(wall) / exact - 1.0).abs() < 1e-6, "{wall}");
        }
    }

    /// Radial balance: p is also ∫ (σ_θ − σ_r)/r dr over the deformed body.
    #[test]
    fn pressure_balances_the_hoop_stress() {
        let law = HyperelasticLaw { first: 9.4e3, second: 82e3 };
        let (a, wall) = (1.0, 1.4);
        let opening = a / wall;
        let steps = 200_000;
        let sum: f64 = (0..steps)
            .map(|i| {
                let from = a * 1.0001f64.powi(i);
                let to = from * 1.0001;
                let r = 0.5 * (from + to);
                law.stress(stretch_at(a, opening, r)) / r * (to - from)
            })
            .sum();
        assert!((sum / law.pressure(wall) - 1.0).abs() < 1e-3, "{sum} {}", law.pressure(wall));
    }
}
