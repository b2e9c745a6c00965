//! The piece of skin that is computed, and how many cells it has.

use crate::base::error::{Result, suggestion};
use crate::engine::grid::Geometry;
use crate::engine::grid::Layer;
use crate::engine::grid::{graded_depth, radial_cells};
use crate::engine::language::{Condition, FACES, FaceCondition, Model};
use crate::scenario::decide::{Decider, LENGTH, Limits};
use crate::scenario::written;

/// The most cells along one axis.
pub(super) const MOST_CELLS: usize = 100_000;
/// The most classes of depth.
const MOST_STRATA: usize = 64;
const RESOLUTION: Limits = Limits { unit: "1", low: (0.05, "0.05"), high: (20.0, "20") };

const GEOMETRIES: [&str; 4] = ["cells", "section", "tile", "point"];

/// The geometry and the resolution; `wound` is the width of a wound that no needle made \[m\].
pub(super) fn geometry(
    decide: &mut Decider,
    grid: &written::WrittenGrid,
    layers: &[Layer],
    needled: bool,
    wound: Option<f64>,
) -> Result<(Geometry, f64)> {
    let chosen = decide.choice("grid", "geometry", grid.geometry.as_ref(), &GEOMETRIES);
    // An option that does nothing in this geometry is a misunderstanding, not a wish.
    let options: [(&str, &str, Option<std::ops::Range<usize>>); 7] = [
        ("strata", "cells", grid.strata.as_ref().map(|given| given.span())),
        ("radius", "cells", grid.radius.as_ref().map(|given| given.span())),
        ("spacing", "cells", grid.spacing.as_ref().map(|given| given.span())),
        ("width", "section tile", grid.width.as_ref().map(|given| given.span())),
        ("cells", "section tile", grid.cells.as_ref().map(|given| given.span())),
        ("periodic", "section tile", grid.periodic.as_ref().map(|given| given.span())),
        ("layer", "point", grid.layer.as_ref().map(|given| given.span())),
    ];
    // Of a geometry that is not known nobody can say what it has.
    let known = grid.geometry.as_ref().is_none_or(|word| word.get_ref() == chosen);
    for (name, used_by, given) in options.into_iter().filter(|_| known) {
        if let Some(span) = given
            && !used_by.split(' ').any(|own| own == chosen)
        {
            let help = format!("it belongs to geometry = \"{}\"", used_by.replace(' ', "\" or \""));
            return Err(decide.refuse(span, format!("the geometry `{chosen}` has no `{name}`")).help(help));
        }
    }
    let geometry = match chosen {
        "cells" => {
            let strata = decide.whole("grid", "strata", grid.strata.as_ref(), 5, 1..=MOST_STRATA);
            // Needled cells take their radius from the density of holes.
            // Round a wound lies as much whole skin as the wound is wide.
            let room = wound.map_or_else(|| "0.3 mm".to_owned(), |width| format!("{} mm", (width * 1e7).round() / 1e4));
            let default = (!needled).then_some(room.as_str());
            let radius = decide.amount("grid", "radius", grid.radius.as_ref(), default, LENGTH)?;
            let spacing =
                decide.amount("grid", "spacing", grid.spacing.as_ref(), Some("5 um"), LENGTH)?.unwrap_or(5e-6);
            if let (Some(radius), Some(given)) = (radius, grid.spacing.as_ref().or(grid.radius.as_ref()))
                && spacing > radius
            {
                return Err(decide.refuse(given.span(), "the spacing is larger than the radius"));
            }
            Geometry::Cells { strata: if needled { strata } else { 1 }, radius, spacing }
        }
        "section" => {
            let width = decide.amount("grid", "width", grid.width.as_ref(), Some("2 mm"), LENGTH)?.unwrap_or(2e-3);
            let cells = decide.whole("grid", "cells", grid.cells.as_ref(), 128, 1..=MOST_CELLS);
            Geometry::Section { width, cells, periodic: periodic(decide, grid) }
        }
        "tile" => {
            let width = pair(grid.width.as_ref());
            let cells = pair(grid.cells.as_ref());
            let (mut widths, mut counts) = ([1e-3; 2], [64; 2]);
            if let Some(given) = &width {
                let found = decide.amounts("grid", "width", given, LENGTH)?;
                widths = [found[0], found[found.len() - 1]];
            } else {
                decide.note("grid", "width", "1 mm".into());
            }
            if let Some(given) = &cells {
                for (count, given) in counts.iter_mut().zip([&given[0], &given[given.len() - 1]]) {
                    *count = decide.whole_of("cells", given, &(1..=MOST_CELLS))?;
                }
            }
            decide.note("grid", "cells", counts.iter().map(|&count| count as i64).collect());
            if let Some(wrong) = [(&width, &grid.width), (&cells, &grid.cells)]
                .into_iter()
                .find_map(|(pair, given)| pair.as_ref().filter(|pair| pair.len() > 2).and(given.as_ref()))
            {
                return Err(decide.refuse(wrong.span(), "a tile has two widths, along x and y"));
            }
            Geometry::Tile { width: widths, cells: counts, periodic: periodic(decide, grid) }
        }
        _ => {
            let first = layers.first().map_or("", |layer| layer.name.as_str());
            let default = layers.iter().find(|own| own.groups.iter().any(|group| group == "dermis"));
            let default = default.map_or(first, |layer| layer.name.as_str());
            let layer = decide.word("grid", "layer", grid.layer.as_ref(), default);
            if !layers.iter().any(|own| own.name == layer || own.groups.contains(&layer)) {
                let span = grid.layer.as_ref().map_or(0..0, |given| given.span());
                let known: Vec<&str> = layers.iter().map(|own| own.name.as_str()).collect();
                return Err(decide
                    .refuse(span, format!("the tissue has no layer `{layer}`"))
                    .help(suggestion(&layer, known)));
            }
            Geometry::Point { layer }
        }
    };
    let resolution = decide.amount("grid", "resolution", grid.resolution.as_ref(), Some("1"), RESOLUTION)?;
    Ok((geometry, resolution.unwrap_or(1.0)))
}

/// Refuses conditions on faces that the geometry has not, or that do something else there.
///
/// # Errors
/// The first such condition, where the model says it.
pub(super) fn faces(model: &Model, geometry: &Geometry) -> Result<()> {
    let conditions = model.fields.iter().flat_map(|(name, field)| {
        let faces = FACES.iter().zip(&field.boundary).enumerate();
        faces.filter_map(move |(side, (face, on_face))| Some((name, side, *face, on_face.as_ref()?)))
    });
    for (name, side, face, FaceCondition { condition, span }) in conditions {
        let (acts, wraps) = (condition.acts(), matches!(condition, Condition::Periodic));
        // What the face is in this geometry, unless it is one that can have a condition, and what to write.
        let (is, help) = match (geometry, side) {
            (Geometry::Point { .. }, _) if acts => (
                "a point has no faces",
                format!(
                    "write geometry = \"section\" with cells = 1 for a column, or boundary.{face} = \"no_flux\" for `{name}`"
                ),
            ),
            (Geometry::Point { .. }, _) | (_, 0 | 1) => continue,
            (Geometry::Section { periodic, .. }, 2 | 3) | (Geometry::Tile { periodic, .. }, _) => match periodic {
                true if !wraps => ("the sides of this grid meet", "write periodic = false under [grid]".to_owned()),
                false if wraps => {
                    ("the sides of this grid do not meet", "write periodic = true under [grid]".to_owned())
                }
                _ => continue,
            },
            (Geometry::Section { .. }, _) if acts => (
                "a section has no front and no back",
                "write geometry = \"tile\", or boundary.left and boundary.right".to_owned(),
            ),
            (Geometry::Cells { strata, .. }, 3) if acts => match strata {
                1 => continue,
                _ => (
                    "the rims of unit cells of several depths touch each other",
                    "write strata = 1 under [grid], or geometry = \"section\"".to_owned(),
                ),
            },
            (Geometry::Cells { .. }, 2) if acts => {
                ("the left of a unit cell is its axis", "write boundary.right for its rim".to_owned())
            }
            (Geometry::Cells { .. }, _) if acts => {
                ("unit cells have no front and no back", "write boundary.right for their rim".to_owned())
            }
            (Geometry::Cells { .. }, 2 | 3) if wraps => {
                ("the sides of a unit cell do not meet", "write \"no_flux\", or geometry = \"section\"".to_owned())
            }
            _ => continue,
        };
        return Err(model
            .source
            .refuse(span.clone(), format!("`{name}` has a condition on its {face}, but {is}"))
            .help(help));
    }
    Ok(())
}

/// Refuses drifts and diffusivities along axes that the geometry has not.
///
/// # Errors
/// The first of them, where the model says it.
pub(super) fn axes(model: &Model, geometry: &Geometry) -> Result<()> {
    for (name, field) in &model.fields {
        let drifts = field.drift.iter().map(|along| ("drifts", along));
        for (does, along) in drifts.chain(field.across.iter().map(|along| ("spreads", along))) {
            let (axis, spreads) = (along.axis.name.as_str(), does == "spreads");
            let (is, help) = match geometry {
                // Where nothing can spread nothing is said wrongly.
                Geometry::Point { .. } if !spreads => {
                    ("a point has no axes", "write geometry = \"section\" with cells = 1 for a column")
                }
                Geometry::Section { .. } if axis == "y" && !spreads => {
                    ("a section is alike along y", "write geometry = \"tile\", or take it away")
                }
                Geometry::Cells { .. } if axis == "x" || axis == "y" => match spreads {
                    true => ("unit cells have a radius", "write lateral = \"…\" in place of x and y"),
                    false => (
                        "unit cells have a radius, along which nothing drifts",
                        "write geometry = \"section\" or \"tile\", or drift along depth",
                    ),
                },
                _ => continue,
            };
            let message = format!("`{name}` {does} along {axis}, but {is}");
            return Err(model.source.refuse(along.axis.span.clone(), message).help(help));
        }
    }
    Ok(())
}

/// The layers that a geometry computes: all, or that of a point, counted from its own top.
pub(super) fn reached(layers: &[Layer], geometry: &Geometry) -> Vec<Layer> {
    let point = |own: &Layer| Layer { top: 0.0, bottom: own.bottom - own.top, ..own.clone() };
    match geometry {
        Geometry::Point { layer } => layers.iter().filter(|own| is(own, layer)).take(1).map(point).collect(),
        _ => layers.to_vec(),
    }
}

/// Whether a layer goes by a name.
fn is(layer: &Layer, name: &str) -> bool {
    layer.name == name || layer.groups.iter().any(|group| group == name)
}

/// Refuses regions from which something is read and in which no tissue lies.
///
/// # Errors
/// The first such region, where the model says it.
pub(super) fn regions(model: &Model, layers: &[Layer]) -> Result<()> {
    let depth = layers.last().map_or(0.0, |last| last.bottom);
    for region in model.regions_read() {
        let named =
            |own: &Layer| region.layers.iter().flatten().any(|mention| mention.name == "all" || is(own, &mention.name));
        let own: Vec<&Layer> = layers.iter().filter(|own| region.layers.is_none() || named(own)).collect();
        // A model may speak of layers that this tissue lacks.
        let (Some(first), Some(last)) = (own.first(), own.last()) else { continue };
        if own.iter().any(|own| own.bottom.min(region.to) > own.top.max(region.from)) {
            continue;
        }
        let name = model.regions.iter().find(|(_, other)| other.span == region.span).map_or("", |(name, _)| name);
        let reaches = match region.layers {
            None => format!("the tissue is {} deep", Millimetres(depth)),
            Some(_) => format!("its layers reach from {} to {}", Millimetres(first.top), Millimetres(last.bottom)),
        };
        let from = Millimetres(region.from);
        return Err(model
            .source
            .refuse(
                region.span.clone(),
                format!("nothing lies in the region `{name}`: it begins at {from}, and {reaches}"),
            )
            .help("let it begin less deep, or take away what is read from it"));
    }
    Ok(())
}

/// A depth in mm without the rounding of its last places.
pub(super) struct Millimetres(pub f64);

impl std::fmt::Display for Millimetres {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} mm", (self.0 * 1e9).round() / 1e6)
    }
}

fn periodic(decide: &mut Decider, grid: &written::WrittenGrid) -> bool {
    let periodic = grid.periodic.as_ref().is_none_or(|given| *given.get_ref());
    decide.note("grid", "periodic", periodic.into());
    periodic
}

/// One value for both directions, or a list of two.
fn pair(given: Option<&written::Amount>) -> Option<Vec<written::Amount>> {
    let given = given?;
    Some(match given.get_ref() {
        toml::Value::Array(values) if !values.is_empty() => {
            values.iter().map(|value| written::Amount::new(given.span(), value.clone())).collect()
        }
        _ => vec![given.clone()],
    })
}

/// Cells along x (or the radius), y (or the depth classes) and depth. The radius of needled cells is not known before the
/// needling is computed; then it is taken as that of 250 holes per cm².
pub(super) fn cells(geometry: &Geometry, resolution: f64, layers: &[Layer], turns: [&[f64]; 3]) -> [usize; 3] {
    // Turns add at most a cell each.
    let count = |cells: usize, axis: usize| ((cells as f64 * resolution).round() as usize).max(1) + turns[axis].len();
    let depth = || graded_depth(layers, resolution, turns[2]).1.len();
    match geometry {
        Geometry::Point { .. } => [1, 1, 1],
        Geometry::Cells { strata, radius, spacing } => {
            [radial_cells(radius.unwrap_or(0.357e-3), *spacing, resolution, turns[0]), *strata, depth()]
        }
        Geometry::Section { cells, .. } => [count(*cells, 0), 1, depth()],
        Geometry::Tile { cells, .. } => [count(cells[0], 0), count(cells[1], 1), depth()],
    }
}
