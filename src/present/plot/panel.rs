//! One set of axes on a sheet.

use crate::present::plot::sheet::{Align, Colour, Point, Sheet, shortened, width_of};
use crate::present::plot::style::{FAINT, GREY, INK, LABEL, SMALL, TITLE, bold, font, ten_to};

/// The values an axis shows, with its ticks.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotAxis {
    /// The value at its beginning.
    pub low: f64,
    /// The value at its end.
    pub high: f64,
    /// Where it is marked, and how.
    pub ticks: Vec<(f64, String)>,
}

impl PlotAxis {
    /// An axis of exactly this extent with about `count` round ticks.
    pub fn exact(low: f64, high: f64, count: usize) -> Self {
        let (low, high) = widened(low, high);
        Self { low, high, ticks: ticks(low, high, round_step((high - low) / count.max(1) as f64)) }
    }

    /// An axis that holds all values with a little room, and zero if they come near it.
    pub fn holding(values: impl IntoIterator<Item = f64>, count: usize) -> Self {
        let mut ends: Option<(f64, f64)> = None;
        for value in values.into_iter().filter(|value| value.abs() < 1e300) {
            let (low, high) = ends.unwrap_or((value, value));
            ends = Some((low.min(value), high.max(value)));
        }
        let (low, high) = ends.unwrap_or((0.0, 1.0));
        // What differs by rounding only is flat.
        let flat = high - low <= 1e-9 * low.abs().max(high.abs());
        let (low, high) = if flat { widened(low, low) } else { (low, high) };
        let room = 0.06 * (high - low);
        let (mut from, mut to) = (low - room, high + room);
        if low >= 0.0 && low < 0.4 * high {
            from = 0.0;
        }
        if high <= 0.0 && high > 0.4 * low {
            to = 0.0;
        }
        Self::exact(from, to, count)
    }

    /// An axis of days, marked at days that people count in.
    pub fn days(low: f64, high: f64, count: usize) -> Self {
        let (low, high) = widened(low, high);
        let wanted = (high - low) / count.max(1) as f64;
        let customary = [1.0, 2.0, 7.0, 14.0, 28.0, 30.0, 60.0, 90.0, 180.0, 365.0, 730.0];
        let step = if wanted < 0.8 {
            round_step(wanted)
        } else {
            customary.into_iter().find(|step| *step >= wanted).unwrap_or_else(|| round_step(wanted))
        };
        Self { low, high, ticks: ticks(low, high, step) }
    }

    /// An axis for words: one place for each, from 0.
    pub fn words(words: &[String]) -> Self {
        let ticks = words.iter().enumerate().map(|(index, word)| (index as f64, word.clone())).collect();
        Self { low: -0.5, high: words.len().max(1) as f64 - 0.5, ticks }
    }

    fn part(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

fn widened(low: f64, high: f64) -> (f64, f64) {
    if low.is_finite() && high.is_finite() && high - low > 0.0 && (high - low).is_normal() {
        return (low, high);
    }
    let middle = if low.is_finite() { low } else { 0.0 };
    let room = if middle == 0.0 { 1.0 } else { 0.5 * middle.abs() };
    (middle - room, middle + room)
}

/// The nearest of 1, 2, 5 times a power of ten, by ratio.
fn round_step(wanted: f64) -> f64 {
    let power = 10f64.powf(wanted.log10().floor());
    let far = |step: &f64| (step / wanted).ln().abs();
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .min_by(|a, b| far(a).total_cmp(&far(b)))
        .unwrap_or(wanted)
}

fn ticks(low: f64, high: f64, step: f64) -> Vec<(f64, String)> {
    let (first, last) = ((low / step - 1e-6).ceil(), (high / step + 1e-6).floor());
    if !first.is_finite() || !last.is_finite() || last - first > 100.0 {
        return Vec::new();
    }
    let wholes = first as i64..=last as i64;
    let largest = low.abs().max(high.abs());
    let power = largest.log10().floor() as i32;
    let scaled = !(-3..6).contains(&power);
    let unit = if scaled { 10f64.powi(power) } else { 1.0 };
    let digits = (-(step / unit).log10() - 1e-9).ceil().max(0.0) as usize;
    wholes
        .map(|whole| {
            let value = whole as f64 * step;
            let plain = format!("{:.digits$}", value / unit).replace('-', "−");
            let text = match (whole, scaled) {
                (0, _) => "0".to_owned(),
                (_, true) => format!("{plain}·{}", ten_to(power)),
                (_, false) => plain,
            };
            (value, text)
        })
        .collect()
}

/// A set of axes: the rectangle inside them and what they show.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Bottom edge.
    pub bottom: f64,
    /// Across.
    pub x: PlotAxis,
    /// Upwards, or downwards if `down`.
    pub y: PlotAxis,
    /// Whether the vertical axis runs downwards, as depth does.
    pub down: bool,
}

impl Panel {
    /// The place of a pair of values.
    pub fn at(&self, x: f64, y: f64) -> Point {
        let up = self.y.part(y);
        let down = if self.down { up } else { 1.0 - up };
        (self.left + self.x.part(x) * (self.right - self.left), self.top + down * (self.bottom - self.top))
    }

    /// Grid, axes and ticks. `x_title` goes below; the vertical axis is named by the panel's title above.
    pub fn frame(&self, sheet: &mut Sheet, title: &str, x_title: &str) {
        for (value, text) in &self.y.ticks {
            let (_, y) = self.at(self.x.low, *value);
            sheet.line(vec![(self.left, y), (self.right, y)], FAINT, 1.5);
            sheet.text((self.left - 10.0, y), text.clone(), font(SMALL, GREY, Align::End));
        }
        let mut free = f64::NEG_INFINITY;
        for (value, text) in &self.x.ticks {
            let (x, _) = self.at(*value, self.y.low);
            sheet.line(vec![(x, self.bottom), (x, self.bottom + 7.0)], GREY, 1.5);
            let half = 0.5 * width_of(text, SMALL, false);
            if x - half > free {
                sheet.text((x, self.bottom + 24.0), text.clone(), font(SMALL, GREY, Align::Middle));
                free = x + half + 8.0;
            }
        }
        sheet.line(vec![(self.left, self.bottom), (self.right, self.bottom)], GREY, 1.5);
        sheet.line(vec![(self.left, self.top), (self.left, self.bottom)], GREY, 1.5);
        let middle = 0.5 * (self.left + self.right);
        sheet.text((middle, self.bottom + 58.0), x_title, font(LABEL, INK, Align::Middle));
        let room = self.right - self.left + 70.0;
        // A long title becomes smaller before it is cut.
        let fits = |size: &f64| width_of(title, *size, true) <= room;
        let size = [LABEL, 23.0, 20.0].into_iter().find(fits).unwrap_or(20.0);
        sheet.text((self.left - 60.0, self.top - 28.0), shortened(title, size, true, room), bold(size));
    }

    /// A line through pairs of values, cut at the edges and broken where a value is missing.
    pub fn curve(&self, sheet: &mut Sheet, values: &[(f64, f64)], colour: Colour, width: f64, dash: Option<[f64; 2]>) {
        let whole = values.split(|(x, y)| !x.is_finite() || !y.is_finite());
        for piece in whole.flat_map(|part| self.inside(part)) {
            match dash {
                None => sheet.line(piece, colour, width),
                Some(pattern) => sheet.dashed(&piece, colour, width, pattern),
            }
        }
    }

    /// A vertical line at a value, if it is shown.
    pub fn upright(&self, sheet: &mut Sheet, x: f64, colour: Colour, width: f64) {
        if (self.x.low..=self.x.high).contains(&x) {
            let (x, _) = self.at(x, self.y.low);
            sheet.line(vec![(x, self.top), (x, self.bottom)], colour, width);
        }
    }

    /// A horizontal line at a value, if it is shown.
    pub fn level(&self, sheet: &mut Sheet, y: f64, colour: Colour, width: f64) {
        if (self.y.low..=self.y.high).contains(&y) {
            let (_, y) = self.at(self.x.low, y);
            sheet.line(vec![(self.left, y), (self.right, y)], colour, width);
        }
    }

    /// The parts of a line of values that lie inside, as places.
    fn inside(&self, values: &[(f64, f64)]) -> Vec<Vec<Point>> {
        let mut pieces: Vec<Vec<Point>> = Vec::new();
        for pair in values.windows(2) {
            let (from, to) = (self.at(pair[0].0, pair[0].1), self.at(pair[1].0, pair[1].1));
            let Some((from, to)) = self.clip(from, to) else { continue };
            match pieces.last_mut() {
                Some(piece) if piece.last() == Some(&from) => piece.push(to),
                _ => pieces.push(vec![from, to]),
            }
        }
        pieces.into_iter().map(thinned).collect()
    }

    /// The part of a segment inside the rectangle (Liang and Barsky).
    fn clip(&self, from: Point, to: Point) -> Option<(Point, Point)> {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let (mut enter, mut leave) = (0.0f64, 1.0f64);
        for (step, room) in
            [(-dx, from.0 - self.left), (dx, self.right - from.0), (-dy, from.1 - self.top), (dy, self.bottom - from.1)]
        {
            if step == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if step < 0.0 {
                enter = enter.max(room / step);
            } else {
                leave = leave.min(room / step);
            }
        }
        if enter > leave {
            return None;
        }
        let along = |part: f64| (from.0 + part * dx, from.1 + part * dy);
        // A segment that is wholly inside keeps its ends exactly, so that the pieces of a line join.
        let start = if enter == 0.0 { from } else { along(enter) };
        let end = if leave == 1.0 { to } else { along(leave) };
        Some((start, end))
    }
}

/// A line without the places that are nearer than a third of a unit to the one before: nobody sees them.
fn thinned(places: Vec<Point>) -> Vec<Point> {
    let last = places.len() - 1;
    let mut kept: Vec<Point> = Vec::with_capacity(places.len());
    for (index, place) in places.into_iter().enumerate() {
        let near = kept.last().is_some_and(|before| (place.0 - before.0).hypot(place.1 - before.1) < 0.34);
        if !near || index == last {
            kept.push(place);
        }
    }
    kept
}

/// The figure's title, at the top left.
pub fn headline(sheet: &mut Sheet, title: &str) {
    let room = crate::present::plot::sheet::WIDTH - 60.0;
    sheet.text((30.0, 34.0), shortened(title, TITLE, true, room), bold(TITLE));
}

/// A kind of line in a legend.
#[derive(Debug, Clone)]
pub struct Key {
    /// What it stands for.
    pub text: String,
    /// Its colour.
    pub colour: Colour,
    /// Its dashes.
    pub dash: Option<[f64; 2]>,
    /// Whether it stands upright, as sessions do.
    pub upright: bool,
}

/// A row of keys from (`left`, `y`) on, broken into further rows before the right edge; returns the y of the last row.
pub fn legend(sheet: &mut Sheet, left: f64, y: f64, keys: &[Key]) -> f64 {
    let (mut x, mut y) = (left, y);
    for key in keys {
        let wide = 70.0 + width_of(&key.text, LABEL, false) + 40.0;
        if x > left && x + wide > crate::present::plot::sheet::WIDTH - 10.0 {
            x = left;
            y += 36.0;
        }
        if key.upright {
            sheet.line(vec![(x + 40.0, y - 14.0), (x + 40.0, y + 14.0)], key.colour, 3.0);
        } else {
            match key.dash {
                None => sheet.line(vec![(x, y), (x + 56.0, y)], key.colour, 4.0),
                Some(pattern) => sheet.dashed(&[(x, y), (x + 56.0, y)], key.colour, 4.0, pattern),
            }
        }
        sheet.text((x + 68.0, y), key.text.clone(), font(LABEL, INK, Align::Start));
        x += wide;
    }
    y
}

/// Moves wished-for places of labels apart so that they are at least `gap` from each other and stay between `low` and
/// `high`; the order is kept.
pub fn spread(wishes: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by(|a, b| wishes[*a].total_cmp(&wishes[*b]));
    let gap = gap.min((high - low) / wishes.len().max(1) as f64);
    let mut placed: Vec<f64> = order.iter().map(|index| wishes[*index].clamp(low, high)).collect();
    // Neighbours that are too near part evenly; a few rounds settle any pile.
    for _ in 0..200 {
        for pair in 1..placed.len() {
            let missing = gap - (placed[pair] - placed[pair - 1]);
            if missing > 0.0 {
                placed[pair - 1] -= 0.5 * missing;
                placed[pair] += 0.5 * missing;
            }
        }
        for place in &mut placed {
            *place = place.clamp(low, high);
        }
    }
    let mut out = vec![0.0; wishes.len()];
    for (place, index) in placed.into_iter().zip(order) {
        out[index] = place;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let texts = |axis: PlotAxis| axis.ticks.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(PlotAxis::exact(0.0, 1.0, 5)), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(PlotAxis::exact(-0.01, 0.01, 2)), ["−0.01", "0", "0.01"]);
        assert_eq!(texts(PlotAxis::exact(0.0, 4e7, 2)), ["0", "2·10⁷", "4·10⁷"]);
        assert_eq!(
            texts(PlotAxis::days(0.0, 270.0, 9)),
            ["0", "30", "60", "90", "120", "150", "180", "210", "240", "270"]
        );
        assert_eq!(texts(PlotAxis::days(0.0, 28.0, 4)), ["0", "7", "14", "21", "28"]);
    }

    #[test]
    fn any_values_give_an_axis() {
        for values in [
            vec![],
            vec![f64::NAN],
            vec![0.0, 0.0],
            vec![5.0, 5.0],
            vec![1e300, -1e300],
            vec![1e-320, 0.0],
            vec![1.0, 1.0 + 1e-15],
            vec![f64::INFINITY, 2.0],
            vec![f64::MAX, f64::MIN],
        ] {
            let axis = PlotAxis::holding(values.clone(), 4);
            assert!(axis.high > axis.low, "{values:?} gave {axis:?}");
            assert!(axis.ticks.len() < 20, "{values:?}");
        }
    }

    #[test]
    fn labels_part() {
        let placed = spread(&[10.0, 11.0, 12.0, 90.0], 20.0, 0.0, 100.0);
        assert!(placed.windows(2).all(|pair| pair[1] - pair[0] > 19.0), "{placed:?}");
        assert!(placed.iter().all(|place| (0.0..=100.0).contains(place)));
    }

    #[test]
    fn lines_stay_inside_their_panel() {
        let panel = Panel {
            left: 0.0,
            top: 0.0,
            right: 10.0,
            bottom: 10.0,
            x: PlotAxis::exact(0.0, 1.0, 2),
            y: PlotAxis::exact(0.0, 1.0, 2),
            down: false,
        };
        let pieces = panel.inside(&[(-1.0, 0.5), (0.5, 0.5), (0.5, 3.0), (0.7, 0.5), (2.0, 0.5)]);
        let all = pieces.iter().flatten();
        assert!(all.clone().count() > 4);
        for (x, y) in all {
            assert!((-1e-9..=10.000001).contains(x) && (-1e-9..=10.000001).contains(y), "{x} {y}");
        }
    }
}
