//! Figures: there, with their numbers beside them, the same bytes every time, and no text on another.

mod output_sample;

use std::fs;
use std::path::{Path, PathBuf};

use dermasim::present::plot;
use output_sample as sample;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("output-figures").join(name);
    let _fresh = fs::remove_dir_all(&folder);
    folder
}

/// Left, top, right and bottom of every level text of an SVG, and the text.
fn texts(svg: &str) -> Vec<([f64; 4], String)> {
    let mut found = Vec::new();
    for piece in svg.split("<text ").skip(1) {
        let (attributes, rest) = piece.split_once('>').unwrap();
        let text = rest.split("</text>").next().unwrap().trim().replace("&lt;", "<").replace("&amp;", "&");
        let attribute = |name: &str| {
            let (_, after) =
                attributes.split_once(&format!(" {name}=\"")).or(attributes.split_once(&format!("{name}=\"")))?;
            after.split('"').next()
        };
        if attribute("transform").is_some() {
            continue;
        }
        let number = |name: &str| attribute(name).unwrap().parse::<f64>().unwrap();
        let (x, y, size) = (number("x"), number("y"), number("font-size"));
        let wide = plot::sheet::width_of(&text, size * 1.24, attributes.contains("bold"));
        let left = match attribute("text-anchor") {
            Some("start") => x,
            Some("middle") => x - 0.5 * wide,
            _ => x - wide,
        };
        found.push(([left, y - 0.42 * size, left + wide, y + 0.42 * size], text));
    }
    found
}

fn no_text_on_another(folder: &Path, figures: &[plot::Figure]) {
    for figure in figures {
        let svg = fs::read_to_string(folder.join(format!("{}.svg", figure.stem))).unwrap();
        let texts = texts(&svg);
        assert!(texts.len() > 3, "{} has no texts", figure.stem);
        for (index, (one, text)) in texts.iter().enumerate() {
            assert!(one[0] >= 0.0 && one[2] <= 2.0 * plot::sheet::WIDTH, "`{text}` leaves {}", figure.stem);
            for (other, second) in &texts[..index] {
                let apart = one[2] <= other[0] || other[2] <= one[0] || one[3] <= other[1] || other[3] <= one[1];
                assert!(apart, "`{text}` lies on `{second}` in {}: {one:?} {other:?}", figure.stem);
            }
        }
    }
}

fn complete(folder: &Path, figures: &[plot::Figure]) {
    for figure in figures {
        for ending in ["png", "svg", "csv"] {
            let path = folder.join(format!("{}.{ending}", figure.stem));
            assert!(fs::metadata(&path).is_ok_and(|data| data.len() > 100), "{} is missing", path.display());
        }
        assert!(!figure.caption.is_empty() && !figure.title.is_empty());
    }
    no_text_on_another(folder, figures);
}

#[test]
fn a_run_of_every_grid_is_drawn() {
    for (name, shape) in [
        ("cells", sample::cells()),
        ("tile", sample::tile()),
        ("section", sample::section()),
        ("point", sample::point()),
    ] {
        let folder = folder(name);
        let figures = plot::draw_run(&sample::run(name, shape, 1.0), &folder).unwrap();
        complete(&folder, &figures);
        assert!(figures.len() >= 6, "{name}: {figures:?}");
    }
}

#[test]
fn a_sweep_and_a_comparison_are_drawn() {
    let place = folder("sweep");
    complete(&place, &plot::draw_sweep(&sample::sweep(), &place).unwrap());
    let place = folder("compare");
    let (one, other) = (sample::run("roller", sample::cells(), 0.7), sample::run("pen", sample::cells(), 1.0));
    let runs = [("roller".to_owned(), &one), ("pen".to_owned(), &other)];
    complete(&place, &plot::draw_compare(&runs, &place).unwrap());
}

#[test]
fn a_figure_has_the_same_bytes_every_time() {
    let kept = sample::run("cells", sample::cells(), 1.0);
    let places = [folder("once"), folder("again")];
    let figures = plot::draw_run(&kept, &places[0]).unwrap();
    plot::draw_run(&kept, &places[1]).unwrap();
    for figure in figures {
        for ending in ["png", "svg", "csv"] {
            let read = |place: &PathBuf| fs::read(place.join(format!("{}.{ending}", figure.stem))).unwrap();
            assert!(read(&places[0]) == read(&places[1]), "{}.{ending}", figure.stem);
        }
    }
}
