//! How near the kernels are to what the machine allows (Williams, Waterman & Patterson 2009, Commun. ACM 52:65).
//!
//! A kernel with I operations for each byte that it moves reaches at most min(P, I B) operations a second, with P the peak of
//! the arithmetic units and B the bandwidth of the memory.

use crate::present::output::table;
use crate::present::plot::panel::{Key, Panel, PlotAxis, headline, legend};
use crate::present::plot::sheet::{Align, Sheet};
use crate::present::plot::style::{DASHES, GREY, INK, LINES, SMALL, brief, font, ten_to};
use crate::present::plot::{DrawnFigure, Figure, header};
use crate::study::bench::{Kernel, Report};

/// Operations for each byte that are shown, as powers of ten.
const INTENSITY: [f64; 2] = [-1.3, 1.7];

/// The roofline of each number of threads, and the kernels below it.
pub fn roofline(report: &Report) -> DrawnFigure {
    let mut sheet = Sheet::new(860.0);
    headline(&mut sheet, "What the kernels reach of what the machine allows");
    let name = |threads: usize| format!("{threads} thread{}", if threads == 1 { "" } else { "s" });
    let keys: Vec<Key> = report
        .limits
        .iter()
        .enumerate()
        .map(|(i, limits)| Key {
            text: format!("limits of {}", name(limits.threads)),
            colour: LINES[i % LINES.len()],
            dash: DASHES[i % DASHES.len()],
            upright: false,
        })
        .collect();
    let top = legend(&mut sheet, 30.0, 84.0, &keys) + 90.0;
    let counted: Vec<&Kernel> = report.kernels.iter().filter(|kernel| kernel.operations_per_update > 0.0).collect();
    let speed = |kernel: &Kernel| kernel.updates_per_second * kernel.operations_per_update;
    let intensity = |kernel: &Kernel| kernel.operations_per_update / kernel.bytes_per_update;
    let slowest = counted.iter().map(|kernel| speed(kernel)).fold(1e9, f64::min);
    let fastest = report.limits.iter().map(|limits| limits.operations).fold(1e10, f64::max);
    let panel = Panel {
        left: 130.0,
        top,
        right: 1560.0,
        bottom: 740.0,
        x: decades(INTENSITY[0], INTENSITY[1], 1.0),
        y: decades((0.7 * slowest).log10(), (1.5 * fastest).log10(), 1e9),
        down: false,
    };
    panel.frame(&mut sheet, "operations [GFLOP/s]", "operations for each byte moved [FLOP/B]");
    let mut rows = Vec::new();
    for (i, limits) in report.limits.iter().enumerate() {
        let ridge = (limits.operations / limits.in_place).log10();
        let peak = limits.operations.log10();
        let roof = [(INTENSITY[0], limits.in_place.log10() + INTENSITY[0]), (ridge, peak), (INTENSITY[1], peak)];
        panel.curve(&mut sheet, &roof, LINES[i % LINES.len()], 4.0, DASHES[i % DASHES.len()]);
        rows.push(vec![
            "limits".to_owned(),
            limits.threads.to_string(),
            table::number(limits.operations),
            table::number(limits.in_place),
        ]);
    }
    let mut labelled: Vec<&str> = Vec::new();
    for kernel in &counted {
        let colour = report.limits.iter().position(|limits| limits.threads == kernel.threads).unwrap_or(0);
        let place = panel.at(intensity(kernel).log10(), speed(kernel).log10());
        sheet.marks.push(crate::present::plot::sheet::Mark::Disc(place, 10.0, LINES[colour % LINES.len()]));
        if !labelled.contains(&kernel.name.as_str()) {
            labelled.push(&kernel.name);
            let text = kernel.name.replace('_', " ");
            sheet.text((place.0 + 20.0, place.1 + 4.0), text, font(SMALL, INK, Align::Start));
        }
        rows.push(vec![
            kernel.name.clone(),
            kernel.threads.to_string(),
            table::number(speed(kernel)),
            table::number(speed(kernel) / intensity(kernel)),
        ]);
    }
    let machine = format!("{}, {}", report.machine.processor, report.machine.instructions);
    sheet.text((130.0, 836.0), machine, font(SMALL, GREY, Align::Start));
    let reached = counted.iter().map(|kernel| {
        format!("{} on {} moves {} of the memory's bandwidth", kernel.name, name(kernel.threads), part(kernel))
    });
    let figure = Figure {
        stem: "roofline".into(),
        title: "What the kernels reach of what the machine allows".into(),
        caption: format!(
            "Slanted: what memory delivers in place. Level: multiply-adds in registers. Discs: the kernels, in the colour of \
             their number of threads; above the slant they work in the caches. {}.",
            reached.collect::<Vec<_>>().join("; ")
        ),
    };
    DrawnFigure {
        figure,
        sheet,
        header: header(&["what", "threads", "operations_per_second", "bytes_per_second"]),
        rows,
    }
}

fn part(kernel: &Kernel) -> String {
    format!("{} %", brief(100.0 * kernel.bandwidth_fraction))
}

/// An axis of powers of ten, marked at 1, 2 and 5, in units of `unit`.
fn decades(low: f64, high: f64, unit: f64) -> PlotAxis {
    let shift = unit.log10();
    let powers = (low - shift).floor() as i32..=(high - shift).ceil() as i32;
    let marks = powers.flat_map(|power| {
        [1.0f64, 2.0, 5.0].map(|digit| {
            let value = digit * 10f64.powi(power);
            let text = if (1e-3..1e5).contains(&value) { brief(value) } else { ten_to(power) };
            (value.log10() + shift, text)
        })
    });
    PlotAxis { low, high, ticks: marks.filter(|(at, _)| (low..=high).contains(at)).collect() }
}
