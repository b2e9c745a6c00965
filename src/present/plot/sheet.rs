//! A figure as a list of marks, drawn once and put on PNG and SVG alike.
//!
//! Figures are described in a plane of [`WIDTH`] units across, y down. The list is plain data: tests look at it to see
//! whether texts overlap, and the two files of a figure cannot differ in content.

use std::cell::RefCell;
use std::path::Path;
use std::sync::OnceLock;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::base::error::{Error, Result, printable};
use crate::present::output::file;

thread_local! {
    /// A picture on the fine grid, kept for the next figure: fresh memory for each costs more than drawing it.
    static FINE_PICTURE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Width of every figure in units, which are the pixels of its PNG.
pub const WIDTH: f64 = 1600.0;

/// Marks are placed on a grid this much finer than the units, and the PNG is averaged down from it: smooth lines.
const FINE: f64 = 2.0;

/// Bitmaps centre a text on the height of its letters without the strokes below the line, SVG on the lower case.
const RAISED: f64 = 0.14;

const FONT: &str = "sans-serif";
static REGULAR: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");
static BOLD: &[u8] = include_bytes!("font/DejaVuSans-Bold-subset.ttf");

/// A colour.
pub type Colour = (u8, u8, u8);

/// A place, to the right and down.
pub type Point = (f64, f64);

/// Where a text lies against its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Begins there.
    Start,
    /// Has its middle there.
    Middle,
    /// Ends there.
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Font {
    /// Height in units.
    pub size: f64,
    /// Whether it is bold.
    pub bold: bool,
    /// Its colour.
    pub colour: Colour,
    /// Across.
    pub align: Align,
    /// Whether it runs upwards.
    pub upright: bool,
}

/// Something drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A rectangle from corner to corner.
    Fill(Point, Point, Colour),
    /// A line through places, with its width.
    Line(Vec<Point>, Colour, f64),
    /// A filled shape.
    Shape(Vec<Point>, Colour),
    /// A disc with its radius.
    Disc(Point, f64, Colour),
    /// A text, vertically centred on its place.
    Text(Point, String, Font),
}

/// A figure being drawn.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Height in units.
    pub height: f64,
    /// What is drawn, the first lowest.
    pub marks: Vec<Mark>,
}

impl Sheet {
    /// An empty figure.
    pub fn new(height: f64) -> Self {
        Self { height, marks: Vec::new() }
    }

    /// Adds a text, if it says anything.
    pub fn text(&mut self, place: Point, text: impl Into<String>, font: Font) {
        let text = printable(&text.into());
        if !text.is_empty() {
            self.marks.push(Mark::Text(place, text, font));
        }
    }

    /// Adds a line.
    pub fn line(&mut self, places: Vec<Point>, colour: Colour, width: f64) {
        self.marks.push(Mark::Line(places, colour, width));
    }

    /// Adds a line of dashes; `pattern` is the lengths of dash and gap.
    pub fn dashed(&mut self, places: &[Point], colour: Colour, width: f64, pattern: [f64; 2]) {
        for dash in dashes(places, pattern) {
            self.line(dash, colour, width);
        }
    }

    /// Writes `stem.png` and `stem.svg` into a folder.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Path, stem: &str) -> Result<()> {
        let (svg, png) = (folder.join(format!("{stem}.svg")), folder.join(format!("{stem}.png")));
        let failed = |path: &Path, cause: String| Error::file(path, "draw", std::io::Error::other(cause));
        file::write(&svg, self.svg().map_err(|cause| failed(&svg, cause))?)?;
        self.write_png(&png).map_err(|cause| failed(&png, cause))
    }

    fn fine_size(&self) -> (u32, u32) {
        ((WIDTH * FINE) as u32, (self.height * FINE) as u32)
    }

    /// The figure as SVG text.
    ///
    /// # Errors
    /// What the drawing library complains of.
    pub fn svg(&self) -> std::result::Result<String, String> {
        let mut text = String::new();
        let (width, height) = self.fine_size();
        self.put(&SVGBackend::with_string(&mut text, (width, height)).into_drawing_area(), 0.0)?;
        // The fine grid stays inside; outside the figure has its plain size. Adjacent rectangles of a map must not show
        // seams, which crisp edges prevent.
        let fine = format!("width=\"{width}\" height=\"{height}\" viewBox");
        let plain = format!("width=\"{}\" height=\"{}\" viewBox", WIDTH, self.height);
        Ok(text.replacen(&fine, &plain, 1).replace("<rect ", "<rect shape-rendering=\"crispEdges\" "))
    }

    fn write_png(&self, path: &Path) -> std::result::Result<(), String> {
        let (width, height) = self.fine_size();
        let (half, stride) = ((width / 2, height / 2), 3 * width as usize);
        let plain = FINE_PICTURE.with_borrow_mut(|fine| {
            // The background covers what an earlier figure left.
            fine.resize(stride * height as usize, 0);
            self.put(&BitMapBackend::with_buffer(fine, (width, height)).into_drawing_area(), RAISED)?;
            let mut plain = vec![0; fine.len() / 4];
            let mut both = vec![0_u16; stride];
            for (plain, rows) in plain.chunks_exact_mut(stride / 2).zip(fine.chunks_exact(2 * stride)) {
                let (upper, lower) = rows.split_at(stride);
                for (both, (a, b)) in both.iter_mut().zip(upper.iter().zip(lower)) {
                    *both = u16::from(*a) + u16::from(*b);
                }
                for (plain, two) in plain.chunks_exact_mut(3).zip(both.chunks_exact(6)) {
                    for channel in 0..3 {
                        plain[channel] = ((two[channel] + two[channel + 3] + 2) / 4) as u8;
                    }
                }
            }
            Ok::<_, String>(plain)
        })?;
        // The library saves by file name, so the picture is drawn beside its place and read back.
        let parent = path.parent().unwrap_or(Path::new("."));
        let beside = tempfile::Builder::new().prefix(".part-").tempdir_in(parent).map_err(|cause| cause.to_string())?;
        let draft = beside.path().join("draft.png");
        let mut backend = BitMapBackend::new(&draft, half);
        backend.blit_bitmap((0, 0), half, &plain).map_err(|cause| cause.to_string())?;
        backend.present().map_err(|cause| cause.to_string())?;
        drop(backend);
        let picture = std::fs::read(&draft).map_err(|cause| cause.to_string())?;
        file::write(path, picture).map_err(|error| error.message().into_owned())
    }

    /// Puts the marks on an area of a backend that sets texts too high by `raised` of their size.
    fn put<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, plotters::coord::Shift>,
        raised: f64,
    ) -> std::result::Result<(), String> {
        register_fonts();
        let at = |(x, y): Point| ((x * FINE).round() as i32, (y * FINE).round() as i32);
        let said = |error: DrawingAreaErrorKind<B::ErrorType>| error.to_string();
        area.fill(&WHITE).map_err(said)?;
        for mark in &self.marks {
            match mark {
                Mark::Fill(from, to, colour) => area.draw(&Rectangle::new([at(*from), at(*to)], rgb(*colour).filled())),
                Mark::Line(places, colour, width) => {
                    let style = rgb(*colour).stroke_width((width * FINE).round().max(1.0) as u32);
                    let draw = |piece: &[Point]| {
                        area.draw(&PathElement::new(piece.iter().map(|place| at(*place)).collect::<Vec<_>>(), style))
                    };
                    unpointed(places).into_iter().try_for_each(draw)
                }
                Mark::Shape(places, colour) => {
                    let places: Vec<_> = places.iter().map(|place| at(*place)).collect();
                    area.draw(&Polygon::new(places, rgb(*colour).filled()))
                }
                Mark::Disc(place, radius, colour) => {
                    area.draw(&Circle::new(at(*place), (radius * FINE).round() as i32, rgb(*colour).filled()))
                }
                Mark::Text((x, y), text, font) => {
                    let lower = raised * font.size;
                    let place = if font.upright { (x + lower, *y) } else { (*x, y + lower) };
                    area.draw(&Text::new(text.clone(), at(place), style(font)))
                }
            }
            .map_err(said)?;
        }
        area.present().map_err(said)
    }
}

fn rgb((red, green, blue): Colour) -> RGBColor {
    RGBColor(red, green, blue)
}

fn style(font: &Font) -> TextStyle<'static> {
    let face = if font.bold { FontStyle::Bold } else { FontStyle::Normal };
    let across = match font.align {
        Align::Start => HPos::Left,
        Align::Middle => HPos::Center,
        Align::End => HPos::Right,
    };
    let turn = if font.upright { FontTransform::Rotate270 } else { FontTransform::None };
    let described = FontDesc::new(FontFamily::Name(FONT), font.size * FINE, face).transform(turn);
    TextStyle { font: described, color: rgb(font.colour).to_backend_color(), pos: Pos::new(across, VPos::Center) }
}

fn register_fonts() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        for (face, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, BOLD)] {
            // Embedded fonts are always readable; were they not, drawing a text would say so.
            let _ = plotters::style::register_font(FONT, face, bytes);
        }
    });
}

/// The width of a text in units.
pub fn width_of(text: &str, size: f64, bold: bool) -> f64 {
    register_fonts();
    let face = if bold { FontStyle::Bold } else { FontStyle::Normal };
    let box_of = FontDesc::new(FontFamily::Name(FONT), size * FINE, face).layout_box(text);
    box_of.map_or(0.6 * size * text.chars().count() as f64, |((x0, _), (x1, _))| f64::from(x1 - x0) / FINE)
}

/// Cuts a text with an ellipsis so that it is at most `width` wide.
pub fn shortened(text: &str, size: f64, bold: bool, width: f64) -> String {
    if width_of(text, size, bold) <= width {
        return text.to_owned();
    }
    let mut letters: Vec<char> = text.chars().collect();
    while letters.pop().is_some() {
        let cut = format!("{}…", letters.iter().collect::<String>().trim_end());
        if width_of(&cut, size, bold) <= width {
            return cut;
        }
    }
    String::new()
}

/// A line in pieces that turn by less than a right angle: the tips of sharper corners would be drawn far beyond them.
fn unpointed(places: &[Point]) -> Vec<&[Point]> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    for corner in 1..places.len().saturating_sub(1) {
        let (a, b, c) = (places[corner - 1], places[corner], places[corner + 1]);
        if (b.0 - a.0) * (c.0 - b.0) + (b.1 - a.1) * (c.1 - b.1) < 0.0 {
            pieces.push(&places[begin..=corner]);
            begin = corner;
        }
    }
    pieces.push(&places[begin..]);
    pieces
}

/// The pieces of a line that a pattern of dash and gap leaves.
fn dashes(places: &[Point], [dash, gap]: [f64; 2]) -> Vec<Vec<Point>> {
    let mut pieces = Vec::new();
    let mut current: Vec<Point> = Vec::new();
    let (mut drawn, mut left) = (true, dash);
    for pair in places.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            if drawn && current.is_empty() {
                current.push(from);
            }
            if length <= left || length == 0.0 {
                left -= length;
                if drawn {
                    current.push(to);
                }
                break;
            }
            let part = left / length;
            from = (from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1));
            if drawn {
                current.push(from);
                pieces.push(std::mem::take(&mut current));
            }
            drawn = !drawn;
            left = if drawn { dash } else { gap };
        }
    }
    if current.len() > 1 {
        pieces.push(current);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_cover_their_share_of_a_line() {
        let pieces = dashes(&[(0.0, 0.0), (50.0, 0.0), (100.0, 0.0)], [6.0, 4.0]);
        let drawn: f64 = pieces.iter().flat_map(|piece| piece.windows(2)).map(|pair| pair[1].0 - pair[0].0).sum();
        assert!((drawn - 60.0).abs() < 1e-9, "{drawn}");
    }

    #[test]
    fn both_formats_have_every_sign_we_write() {
        for sign in "aZ0µ²³⁴⁻·–→≤≥Δαβγ×".chars() {
            assert!(width_of(&sign.to_string(), 20.0, false) > 0.0, "{sign}");
        }
        assert!(width_of("wide", 20.0, true) > width_of("wide", 20.0, false));
    }

    #[test]
    fn long_texts_are_cut_to_fit() {
        let cut = shortened("Collagen I, mean of the papillary dermis", 20.0, false, 150.0);
        assert!(cut.ends_with('…') && width_of(&cut, 20.0, false) <= 150.0);
        assert_eq!(shortened("short", 20.0, false, 150.0), "short");
    }
}
