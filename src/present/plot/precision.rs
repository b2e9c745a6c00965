//! Work and precision of integrators: what an error costs.

use serde::Serialize;

use crate::present::output::table;
use crate::present::plot::panel::{Key, Panel, PlotAxis, headline, legend};
use crate::present::plot::sheet::{Align, Mark, Sheet, WIDTH};
use crate::present::plot::style::{DASHES, INK, LINES, SMALL, font};
use crate::present::plot::{DrawnFigure, Figure, header};

/// One run of one method.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Precision {
    /// What was integrated.
    pub problem: String,
    /// By which method.
    pub method: String,
    /// The tolerance asked for; 0 if none.
    pub tolerance: f64,
    /// Steps, with rejected ones; 0 if not known.
    pub steps: usize,
    /// Processor time for each field and cell \[µs\].
    pub cost: f64,
    /// The largest error of an observable, relative to its largest deviation.
    pub error: f64,
}

/// Errors that are shown, as powers of ten.
const ERRORS: [f64; 2] = [-5.0, 0.0];

/// One panel a problem, one curve a method.
pub fn figure(points: &[Precision]) -> DrawnFigure {
    let mut methods: Vec<&str> = Vec::new();
    let mut problems: Vec<&str> = Vec::new();
    for point in points {
        for (list, name) in [(&mut methods, &point.method), (&mut problems, &point.problem)] {
            if !list.contains(&name.as_str()) {
                list.push(name);
            }
        }
    }
    let mut sheet = Sheet::new(820.0);
    headline(&mut sheet, "What an error costs, by integrator");
    let style = |method: &str| methods.iter().position(|own| *own == method).unwrap_or(0);
    let keys: Vec<Key> = methods
        .iter()
        .map(|method| Key {
            text: (*method).to_owned(),
            colour: LINES[style(method) % LINES.len()],
            dash: DASHES[style(method) % DASHES.len()],
            upright: false,
        })
        .collect();
    let top = legend(&mut sheet, 30.0, 84.0, &keys) + 90.0;
    let costs = |list: &mut dyn Iterator<Item = &Precision>| {
        list.map(|point| point.cost.log10()).fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], c| [a.min(c), b.max(c)])
    };
    let [low, high] = costs(&mut points.iter());
    let width = (WIDTH - 130.0 - 40.0) / problems.len().max(1) as f64;
    let mut rows = Vec::new();
    for (at, problem) in problems.iter().enumerate() {
        let left = 130.0 + at as f64 * width;
        let panel = Panel {
            left,
            top,
            right: left + width - 110.0,
            bottom: 700.0,
            x: powers(ERRORS[0], ERRORS[1]),
            y: powers((low - 0.2).floor(), (high + 0.2).ceil()),
            down: false,
        };
        let upright = format!("{problem}: time for each field and cell [µs]");
        panel.frame(&mut sheet, &upright, "largest error of an observable, of its peak");
        for method in &methods {
            let own = || points.iter().filter(|point| point.method == *method && point.problem == *problem);
            let curve: Vec<(f64, f64)> = own()
                .filter(|point| point.error > 0.0)
                .map(|point| (point.error.log10().clamp(ERRORS[0], ERRORS[1]), point.cost.log10()))
                .collect();
            let colour = LINES[style(method) % LINES.len()];
            panel.curve(&mut sheet, &curve, colour, 3.0, DASHES[style(method) % DASHES.len()]);
            for (x, y) in &curve {
                sheet.marks.push(Mark::Disc(panel.at(*x, *y), 6.0, colour));
            }
        }
    }
    for point in points {
        rows.push(vec![
            point.problem.clone(),
            point.method.clone(),
            table::number(point.tolerance),
            point.steps.to_string(),
            table::number(point.cost),
            table::number(point.error),
        ]);
    }
    let told = "Lower and further left is better. SciPy solves a smaller system of the same kind, for scale.";
    sheet.text((130.0, 796.0), told, font(SMALL, INK, Align::Start));
    let figure = Figure {
        stem: "work_precision".into(),
        title: "What an error costs, by integrator".into(),
        caption: told.into(),
    };
    let names = ["problem", "method", "tolerance", "steps", "microseconds_per_field_and_cell", "error"];
    DrawnFigure { figure, sheet, header: header(&names), rows }
}

/// An axis of powers of ten.
fn powers(low: f64, high: f64) -> PlotAxis {
    let ticks = (low.ceil() as i32..=high.floor() as i32).map(|power| (f64::from(power), super::style::ten_to(power)));
    PlotAxis { low, high, ticks: ticks.collect() }
}
