//! How figures look: sizes, colours that colour-blind people tell apart, names and units in plain type.

use colorous::{Gradient, RED_BLUE, VIRIDIS};

pub use crate::base::typeset::{brief, short, ten_to, unit, with_unit};
use crate::present::plot::sheet::{Align, Colour, Font};

/// Height of titles.
pub const TITLE: f64 = 31.0;
/// Height of labels.
pub const LABEL: f64 = 26.0;
/// Height of tick labels and notes.
pub const SMALL: f64 = 24.0;

/// Text.
pub const INK: Colour = (34, 34, 34);
/// Secondary text and axes.
pub const GREY: Colour = (100, 100, 100);
/// Sessions and boundaries.
pub const PALE: Colour = (190, 190, 190);
/// Grid lines.
pub const FAINT: Colour = (228, 228, 228);
/// Paper.
pub const PAPER: Colour = (255, 255, 255);

/// The colours of Okabe and Ito that are dark enough for lines, in the order in which they are used.
pub const LINES: [Colour; 6] =
    [(0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233)];

/// Dash and gap of the lines in the same order, so that they differ without colour too; `None` is solid.
pub const DASHES: [Option<[f64; 2]>; 6] =
    [None, Some([18.0, 7.0]), Some([5.0, 5.0]), Some([26.0, 6.0]), Some([11.0, 11.0]), Some([3.0, 9.0])];

/// A text that begins at its place.
pub const fn font(size: f64, colour: Colour, align: Align) -> Font {
    Font { size, bold: false, colour, align, upright: false }
}

/// A bold text that begins at its place.
pub const fn bold(size: f64) -> Font {
    Font { size, bold: true, colour: INK, align: Align::Start, upright: false }
}

/// How values become colours.
#[derive(Debug, Clone, Copy)]
pub struct ColourScale {
    /// The value at the lower end.
    pub low: f64,
    /// The value at the upper end.
    pub high: f64,
    /// Whether it runs through white at zero: for deviations.
    pub diverging: bool,
}

impl ColourScale {
    /// The colour of a value; grey where it is not a number. There are 129 colours, so that equal neighbours can be
    /// drawn as one and zero has a colour of its own.
    pub fn colour(&self, value: f64) -> Colour {
        if !value.is_finite() {
            return PALE;
        }
        let part = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        let part = (part * 128.0).round() / 128.0;
        let gradient: Gradient = if self.diverging { RED_BLUE } else { VIRIDIS };
        gradient.eval_continuous(if self.diverging { 1.0 - part } else { part }).as_tuple()
    }
}

/// A colour for moment `index` of `count`, from early (dark) to late (light).
pub fn sequence(index: usize, count: usize) -> Colour {
    let part = if count > 1 { index as f64 / (count - 1) as f64 } else { 0.0 };
    // The last fifth of the map is too light for a line on paper.
    VIRIDIS.eval_continuous(0.82 * part).as_tuple()
}

/// A name from a model file as a title: `collagen_I` → "Collagen I".
pub fn title(name: &str) -> String {
    let plain = plain(name);
    let mut letters = plain.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A name from a model file as words: `papillary_dermis` → "papillary dermis".
pub fn plain(name: &str) -> String {
    name.replace('_', " ")
}

/// A time since the start as a moment: "day 28", "1 h".
pub fn moment(days: f64) -> String {
    let hours = 24.0 * days;
    if days > 0.0 && days < 1.0 { format!("{} h", brief(hours)) } else { format!("day {}", day(days)) }
}

/// A day in as few signs as tell it: "0", "0.25", "28".
pub fn day(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_numbers_read_as_in_print() {
        for (written, shown) in [
            ("g/(m2 h)", "g/(m² h)"),
            ("1", ""),
            ("1/cm^2", "1/cm²"),
            ("mm^-3", "mm⁻³"),
            ("CFU/cm2", "CFU/cm²"),
            ("%", "%"),
            ("um", "µm"),
            ("1/(mm um)", "1/(mm µm)"),
        ] {
            assert_eq!(unit(written), shown);
        }
        for (value, shown) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.41234, "0.412"),
            (-0.0466, "−0.0466"),
            (18847.8, "18848"),
            (1.25e7, "1.2·10⁷"),
            (3.2e-78, "3.2·10⁻⁷⁸"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(short(value), shown);
        }
        assert_eq!(title("collagen_I"), "Collagen I");
    }
}
