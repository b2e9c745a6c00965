//! How devices move their needles: speed at the skin, time in the skin, sideways drag, needles engaged at once.

use std::f64::consts::PI;

/// Speed [m/s] of a pen's needles when they meet the skin: v = 2 π f √(L (A − L)).
///
/// A cam of stroke A moves the tip as A/2 (1 − cos 2πft); it stands out by L at most, so it meets the skin A − L along its
/// way. It holds for 0 ≤ L < A; a device whose stroke does not exceed its longest length is refused when it is read.
///
/// Example: 1.10 m/s at 117 Hz, A = 3 mm, L = 1.5 mm.
pub fn pen_speed(frequency: f64, stroke: f64, length: f64) -> f64 {
    2.0 * PI * frequency * (length * (stroke - length)).max(0.0).sqrt()
}

/// Time [s] a pen's needles spend in the skin in each stroke: t = (π − θ)/(π f), cos θ = 2 L/A − 1 (θ from full extension).
///
/// The tip stands out while cos of the cam angle exceeds 1 − 2 L/A.
///
/// Example: 4.3 ms at 117 Hz, A = 3 mm, L = 1.5 mm.
pub fn pen_contact(frequency: f64, stroke: f64, length: f64) -> f64 {
    let cosine = (2.0 * length / stroke - 1.0).clamp(-1.0, 1.0);
    (PI - cosine.acos()) / (PI * frequency)
}

/// Punctures per second of a pen: needles × strokes per second. Example: 14 at 7,000 rpm make 1,633.
pub fn punctures_per_second(needles: f64, frequency: f64) -> f64 {
    needles * frequency
}

/// Half the angle [rad] over which a roller's needles are in the skin: cos φ = R/(R + L). Example: 29.6° for 10 and 1.5 mm.
pub fn roller_angle(radius: f64, length: f64) -> f64 {
    (radius / (radius + length)).acos()
}

/// Speed [m/s] of a roller's needle tip towards the skin at entry: v = (R + L) sin φ u/R.
///
/// Example: 28 mm/s for R = 10 mm, L = 1.5 mm, u = 50 mm/s.
pub fn roller_speed(radius: f64, length: f64, glide: f64) -> f64 {
    (radius + length) * roller_angle(radius, length).sin() * glide / radius
}

/// Way [m] a roller's needle tip would sweep through rigid skin: 2 R (tan φ − φ). Example: 1.03 mm for 10 and 1.5 mm.
pub fn roller_sweep(radius: f64, length: f64) -> f64 {
    let angle = roller_angle(radius, length);
    2.0 * radius * (angle.tan() - angle)
}

/// Needles of a roller that are in the skin at once: rows × 2 φ/(2 π/columns).
///
/// Example: 32 for 8 rows of 24, R = 10 mm, L = 1.5 mm.
pub fn roller_engaged(rows: f64, columns: f64, radius: f64, length: f64) -> f64 {
    (rows * 2.0 * roller_angle(radius, length) / (2.0 * PI / columns)).max(1.0)
}

/// Holes per area [1/m²] of one pass of a roller: N/(2 π R w). Example: 15.3 per cm² for 192 needles, 10 mm and 20 mm.
pub fn roller_density(needles: f64, radius: f64, width: f64) -> f64 {
    needles / (2.0 * PI * radius * width)
}

/// Pain relative to a 26G needle: P = P₀ (L/L₀)^a N^b, with N needles at once. It may exceed 1: it is a comparison, not a
/// share. Tested for single needles of 0.48 to 1.45 mm; beyond, it extrapolates.
///
/// Example: 0.38 for one needle of 1.5 mm, 0.88 for fourteen.
pub fn pain(reference: f64, length_ratio: f64, length_exponent: f64, needles: f64, number_exponent: f64) -> f64 {
    reference * length_ratio.powf(length_exponent) * needles.powf(number_exponent)
}
