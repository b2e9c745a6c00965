//! What an ensemble shows: bands on time courses, distributions of benefit and risk, what the answers depend on.

use crate::base::units::DAY;
use crate::present::output::ensemble::{Ensemble, EnsembleBand, EnsembleReading, OF_REST, Spread};
use crate::present::output::table;
use crate::present::plot::course::{GROUPS, is_part};
use crate::present::plot::panel::{Key, Panel, PlotAxis, headline, legend};
use crate::present::plot::sheet::{Align, Colour, Mark, Sheet, WIDTH, shortened};
use crate::present::plot::style::{GREY, INK, LINES, PALE, SMALL, brief, font, plain, title, unit, with_unit};
use crate::present::plot::{DrawnFigure, Figure, header, layout};

/// Panels in one figure.
const PANELS: usize = 9;
/// Numbers told for each reading.
const NUMBERS: usize = 8;
/// Nine in ten samples, and half of them.
const BANDS: [Colour; 2] = [(204, 226, 240), (142, 190, 222)];

/// All figures of an ensemble.
pub fn figures(ensemble: &Ensemble) -> Vec<DrawnFigure> {
    let mut drawn: Vec<DrawnFigure> = distribution(ensemble).into_iter().collect();
    for (group, stem, _) in GROUPS.into_iter().filter(|(group, ..)| *group != "state") {
        drawn.extend(bands(ensemble, group, stem));
    }
    drawn.extend(sensitivity(ensemble));
    drawn
}

/// The columns of a group that stand for themselves.
fn chosen(ensemble: &Ensemble, group: &str) -> Vec<usize> {
    let names =
        || ensemble.headings.iter().filter(|heading| heading.group == group).map(|heading| heading.name.as_str());
    let mine = |column: &usize| {
        let heading = &ensemble.headings[*column];
        heading.group == group && !is_part(&heading.name, names())
    };
    (0..ensemble.headings.len()).filter(mine).collect()
}

fn bands(ensemble: &Ensemble, group: &str, stem: &str) -> Option<DrawnFigure> {
    let moved = |column: &usize| {
        let values = || ensemble.bands.iter().flat_map(|band| band.changes[*column].quantiles);
        let first = values().next();
        values().any(|value| Some(value) != first && value.is_finite())
    };
    let columns: Vec<usize> = chosen(ensemble, group).into_iter().filter(moved).take(PANELS).collect();
    if columns.is_empty() {
        return None;
    }
    let (places, height) = layout(columns.len(), 170.0);
    let mut sheet = Sheet::new(height);
    headline(&mut sheet, &format!("{}: change from rest, spread over {}", title(stem), ensemble.count()));
    let key = |text: &str, colour| Key { text: text.into(), colour, dash: None, upright: false };
    let keys = [key("median", LINES[0]), key("half of the samples", BANDS[1]), key("nine in ten", BANDS[0])];
    legend(&mut sheet, 30.0, 84.0, &keys);
    let days: Vec<f64> = ensemble.bands.iter().map(|band| band.time / DAY).collect();
    let (start, end) = (days.first().copied().unwrap_or(0.0), days.last().copied().unwrap_or(1.0));
    let mut rows = Vec::new();
    for (column, [left, top, right, bottom]) in columns.iter().zip(&places) {
        let heading = &ensemble.headings[*column];
        let unit = ensemble.unit_of_change(heading);
        let values = ensemble.bands.iter().flat_map(|band| band.changes[*column].quantiles);
        let panel = Panel {
            left: *left,
            top: *top,
            right: *right,
            bottom: *bottom,
            x: PlotAxis::days(start, end, if places.len() > 4 { 4 } else { 7 }),
            y: PlotAxis::holding(values, 4),
            down: false,
        };
        panel.frame(&mut sheet, &with_unit(&title(&heading.name), &unit), "day");
        let at = |share: usize| move |band: &EnsembleBand| (band.time / DAY, band.changes[*column].quantiles[share]);
        let course = |share: usize| ensemble.bands.iter().map(at(share));
        for ((low, high), colour) in [(0, 4), (1, 3)].into_iter().zip(BANDS) {
            let upper: Vec<(f64, f64)> = course(high).collect();
            let around = course(low).chain(upper.into_iter().rev()).filter(|(_, value)| value.is_finite());
            let shape = around.map(|(x, y)| panel.at(x, y)).collect();
            sheet.marks.push(Mark::Shape(shape, colour));
        }
        panel.curve(&mut sheet, &course(2).collect::<Vec<_>>(), LINES[0], 3.5, None);
        for band in &ensemble.bands {
            let Spread { quantiles, samples } = band.changes[*column];
            let place = vec![heading.name.clone(), unit.clone(), table::number(band.time / DAY), samples.to_string()];
            rows.push([place, quantiles.map(table::number).to_vec()].concat());
        }
    }
    let figure = Figure {
        stem: format!("bands_{stem}"),
        title: format!("{} with their spread", title(stem)),
        caption: format!(
            "Change of each sample from its own rest: the median at each time, with the bands that hold half and nine in ten \
             of them. Over {}. In per cent of the rest where the observable rests above zero and has no unit.",
            ensemble.count()
        ),
    };
    Some(DrawnFigure {
        figure,
        sheet,
        header: header(&["observable", "unit", "day", "samples", "p05", "p25", "p50", "p75", "p95"]),
        rows,
    })
}

/// Benefit and risk over the samples, a strip of its own for each reading.
fn distribution(ensemble: &Ensemble) -> Option<DrawnFigure> {
    let readings = ensemble.readings();
    let wanted = |reading: &&EnsembleReading| {
        let own = match reading.group.as_str() {
            "gain" => reading.number == "end_change",
            "risk" => reading.number == "peak_change",
            _ => reading.observable == "recovery",
        };
        let names = ensemble.headings.iter().map(|heading| heading.name.as_str());
        own && !is_part(&reading.observable, names) && reading.values.iter().flatten().any(|value| *value != 0.0)
    };
    let shown: Vec<&EnsembleReading> = readings.iter().filter(wanted).take(16).collect();
    if shown.is_empty() {
        return None;
    }
    let (top, row) = (150.0, 66.0);
    let mut sheet = Sheet::new(top + row * shown.len() as f64 + 60.0);
    headline(&mut sheet, &format!("Benefit and risk over {}", ensemble.count()));
    let key = |text: &str, colour| Key { text: text.into(), colour, dash: None, upright: false };
    let keys = [
        key("each sample", LINES[0]),
        key("median", LINES[1]),
        key("half of the samples", BANDS[1]),
        key("nine in ten", BANDS[0]),
    ];
    legend(&mut sheet, 30.0, 84.0, &keys);
    let mut rows = Vec::new();
    let (left, right) = (560.0, WIDTH - 190.0);
    for (index, reading) in shown.iter().enumerate() {
        let values: Vec<f64> = reading.values.iter().copied().flatten().collect();
        let mut ordered = values.clone();
        ordered.sort_by(f64::total_cmp);
        let at = |share: f64| crate::study::quantile(&ordered, share);
        let y = top + row * (index as f64 + 0.5);
        let axis = PlotAxis::holding(ordered.iter().copied().chain([0.0]), 4);
        let panel = Panel {
            left,
            right,
            top: y - 20.0,
            bottom: y + 20.0,
            x: axis,
            y: PlotAxis::exact(0.0, 1.0, 1),
            down: false,
        };
        let place = |value: f64| panel.at(value, 0.5).0;
        sheet.marks.push(Mark::Fill((place(at(0.05)), y - 13.0), (place(at(0.95)), y + 13.0), BANDS[0]));
        sheet.marks.push(Mark::Fill((place(at(0.25)), y - 13.0), (place(at(0.75)), y + 13.0), BANDS[1]));
        sheet.line(vec![(place(0.0), y - 22.0), (place(0.0), y + 22.0)], PALE, 2.0);
        for (number, value) in values.iter().enumerate() {
            // Spread a little, so that equal samples are seen.
            let off = ((number * 7) % 13) as f64 - 6.0;
            sheet.marks.push(Mark::Disc((place(*value), y + off), 3.0, LINES[0]));
        }
        sheet.line(vec![(place(at(0.5)), y - 19.0), (place(at(0.5)), y + 19.0)], LINES[1], 5.0);
        let unit = if reading.unit == OF_REST { "%".to_owned() } else { unit(&reading.unit) };
        let name = match reading.number {
            "days" => "Treat again after".to_owned(),
            "end_change" => format!("{}, gain at the end", title(&reading.observable)),
            _ => format!("{}, largest change", title(&reading.observable)),
        };
        sheet.text((30.0, y), shortened(&name, SMALL, false, left - 60.0), font(SMALL, INK, Align::Start));
        let told = format!("{} {unit}", brief(at(0.5)));
        sheet.text((right + 24.0, y), told.trim(), font(SMALL, INK, Align::Start));
        for value in &values {
            rows.push(vec![reading.observable.clone(), reading.number.into(), unit.clone(), table::number(*value)]);
        }
    }
    let note = "Each row has its own scale; the grey line is no change. Right: the median.";
    sheet.text((30.0, sheet.height - 28.0), note, font(SMALL, GREY, Align::Start));
    let figure = Figure {
        stem: "distribution".into(),
        title: "Benefit and risk over the samples".into(),
        caption: format!(
            "A dot for each sample, against its own rest: gains as change at the end, risks at their largest, and the days \
             until the skin may be treated again. Over {}. In per cent of the rest where the observable rests above zero and \
             has no unit.",
            ensemble.count()
        ),
    };
    Some(DrawnFigure { figure, sheet, header: header(&["observable", "reading", "unit", "value"]), rows })
}

/// What the main answers depend on: the largest rank correlations, those that chance does not explain.
fn sensitivity(ensemble: &Ensemble) -> Option<DrawnFigure> {
    let readings = ensemble.readings();
    let found = |reading: usize| ensemble.influences.found.iter().filter(move |own| own.reading == reading);
    let mut shown: Vec<usize> = Vec::new();
    for (group, number) in [("gain", "end_change"), ("risk", "peak_change"), ("symptom", "peak_change")] {
        let mine = chosen(ensemble, group).into_iter().filter_map(|column| {
            let name = &ensemble.headings[column].name;
            readings.iter().position(|own| own.observable == *name && own.number == number)
        });
        shown.extend(mine.filter(|reading| found(*reading).next().is_some()).take(2));
    }
    if shown.is_empty() {
        return None;
    }
    let lines = shown.iter().map(|reading| found(*reading).count()).max().unwrap_or(0).min(NUMBERS);
    let columns = shown.len().min(2);
    let (row, head) = (34.0, 70.0);
    let block = head + row * lines as f64 + 50.0;
    let width = (WIDTH - 60.0) / columns as f64;
    let mut sheet = Sheet::new(110.0 + block * shown.len().div_ceil(columns) as f64 + 40.0);
    headline(&mut sheet, "What the answers depend on");
    let by_chance = ensemble.influences.chance;
    let mut rows = Vec::new();
    for (index, place) in shown.iter().enumerate() {
        let reading = &readings[*place];
        let (line, column) = (index / columns, index % columns);
        let (left, top) = (30.0 + width * column as f64, 100.0 + block * line as f64);
        let what = if reading.number == "end_change" { "change at the end" } else { "largest change" };
        let name = format!("{}, {what}", title(&reading.observable));
        sheet.text(
            (left, top + 20.0),
            shortened(&name, SMALL, true, width - 40.0),
            crate::present::plot::style::bold(SMALL),
        );
        let (bars, end) = (left + 0.56 * width, left + width - 40.0);
        let middle = 0.5 * (bars + end);
        let scale = 0.5 * (end - bars);
        let below = top + head + row * lines as f64;
        sheet.marks.push(Mark::Fill(
            (middle - scale * by_chance.min(1.0), top + head - 16.0),
            (middle + scale * by_chance.min(1.0), below - 14.0),
            (238, 238, 238),
        ));
        for (number, own) in found(*place).enumerate() {
            let (drawn, correlation) = (&ensemble.drawn[own.dimension], own.correlation);
            rows.push(vec![reading.observable.clone(), drawn.key.clone(), table::number(correlation)]);
            if number >= NUMBERS {
                continue;
            }
            let y = top + head + row * number as f64;
            let short = plain(drawn.key.trim_end_matches(".times.between_persons"));
            let short = short
                .split('.')
                .filter(|part| *part != "constant" && *part != "response")
                .collect::<Vec<_>>()
                .join(" ");
            let text = match drawn.evidence {
                None if !drawn.what.is_empty() => drawn.what.clone(),
                Some(_) if !drawn.what.is_empty() => format!("{short}: {}", drawn.what),
                _ => short,
            };
            sheet.text((left, y), shortened(&text, 20.0, false, bars - left - 16.0), font(20.0, INK, Align::Start));
            let colour = if correlation > 0.0 { LINES[0] } else { LINES[1] };
            let tip = middle + scale * correlation;
            sheet.marks.push(Mark::Fill((middle.min(tip), y - 10.0), (middle.max(tip), y + 10.0), colour));
        }
        sheet.line(vec![(middle, top + head - 16.0), (middle, below - 14.0)], GREY, 1.5);
        for (value, text) in [(-1.0, "−1"), (0.0, "0"), (1.0, "1")] {
            sheet.text((middle + scale * value, below + 6.0), text, font(20.0, GREY, Align::Middle));
        }
    }
    let note = "Rank correlation. Blue: rises with it; orange: falls. What stays inside the grey band may be chance and is not drawn.";
    sheet.text((30.0, sheet.height - 28.0), note, font(SMALL, GREY, Align::Start));
    let figure = Figure {
        stem: "sensitivity".into(),
        title: "What the answers depend on".into(),
        caption: format!(
            "The numbers with the largest rank correlation with each answer, over {}. Only those beyond ±{by_chance:.2} are drawn: \
             chance alone gives one of the {} pairs of a number and a reading a larger one in one ensemble of twenty.",
            ensemble.count(),
            ensemble.influences.pairs
        ),
    };
    Some(DrawnFigure { figure, sheet, header: header(&["observable", "key", "rank_correlation"]), rows })
}
