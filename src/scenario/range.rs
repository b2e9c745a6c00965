//! Exact ranges: `{ from = "0.25 mm", to = "2.5 mm", step = "0.25 mm" }` has ten points, the last of them 2.5 mm.
//!
//! Points are counted in decimals, point i = from + i·step from a whole i, so that no point carries the rounding of the
//! ones before it and the last is there.

use crate::base::error::{Error, Result};
use crate::base::units;

/// The largest number of points on one axis.
pub const MOST_POINTS: usize = 10_000;

/// A decimal number, exactly: `digits · 10^-places`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decimal {
    digits: i128,
    places: u32,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if fraction.len() > 15
            || whole.len() > 15
            || exponent.abs() > 12
            || !mantissa.contains(|c: char| c.is_ascii_digit())
        {
            return None;
        }
        let mut digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let mut places = fraction.len() as i32 - exponent;
        if places < 0 {
            digits *= 10_i128.pow(places.unsigned_abs());
            places = 0;
        }
        Some(Self { digits, places: places.unsigned_abs() })
    }

    fn with_places(self, places: u32) -> i128 {
        self.digits * 10_i128.pow(places - self.places)
    }

    fn text(self) -> String {
        let sign = if self.digits < 0 { "-" } else { "" };
        let places = self.places as usize;
        let digits = format!("{:0>width$}", self.digits.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

/// A number and the unit behind it.
fn split(text: &str) -> Result<(Decimal, &str)> {
    let (digits, unit) = units::split(text)?;
    let number = Decimal::parse(&digits.replace('_', "").replace('−', "-"))
        .ok_or_else(|| Error::input(format!("`{text}` has more digits than a range can count with")))?;
    Ok((number, unit))
}

/// The points of a range, written as its ends are.
///
/// # Errors
/// The step is zero or leads away from the end, the units differ, or there are more than [`MOST_POINTS`] points.
pub fn points(from: &str, to: &str, step: &str) -> Result<Vec<String>> {
    let ((from, unit), (to, to_unit), (step, step_unit)) = (split(from)?, split(to)?, split(step)?);
    if to_unit != unit || step_unit != unit {
        return Err(Error::input(format!("the range mixes the units `{unit}`, `{to_unit}` and `{step_unit}`"))
            .help("write from, to and step in the same unit"));
    }
    let places = from.places.max(to.places).max(step.places);
    let (first, last, stride) = (from.with_places(places), to.with_places(places), step.with_places(places));
    if stride == 0 {
        return Err(Error::input("the step of a range cannot be zero"));
    }
    if (last - first).signum() == -stride.signum() {
        return Err(Error::input("the step leads away from the end of the range"));
    }
    let count = (last - first) / stride + 1;
    if count > MOST_POINTS as i128 {
        return Err(Error::input(format!("the range has {count} points; at most {MOST_POINTS} are run")));
    }
    Ok((0..count)
        .map(|i| {
            let number = Decimal { digits: first + i * stride, places }.text();
            if unit.is_empty() { number } else { format!("{number} {unit}") }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_point_is_there() {
        let lengths = points("0.25 mm", "2.5 mm", "0.25 mm").unwrap();
        assert_eq!(lengths.len(), 10);
        assert_eq!((lengths[2].as_str(), lengths[9].as_str()), ("0.75 mm", "2.5 mm"));
        assert_eq!(points("0.1", "0.7", "0.2").unwrap(), ["0.1", "0.3", "0.5", "0.7"]);
        assert_eq!(points("3", "1", "-1").unwrap(), ["3", "2", "1"]);
        assert_eq!(points("1e-3", "3e-3", "1e-3").unwrap(), ["0.001", "0.002", "0.003"]);
        assert_eq!(points("-5 K", "0 K", "5 K").unwrap(), ["-5 K", "0 K"]);
    }

    #[test]
    fn impossible_ranges_are_refused() {
        for (from, to, step) in [
            ("1", "2", "0"),
            ("1", "2", "-1"),
            ("1 mm", "2 cm", "1 mm"),
            ("0", "1", "1e-9"),
            ("a", "1", "1"),
            ("1e99", "1", "1"),
            ("", "1", "1"),
            ("µ", "µ", "µ"),
        ] {
            assert!(points(from, to, step).is_err(), "{from} {to} {step}");
        }
    }
}
