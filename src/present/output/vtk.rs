//! Field snapshots for ParaView: a `.vtr` file (rectilinear grid) for each moment and `.pvd` series that list them by day.
//!
//! Lengths are in millimetres and z points out of the skin, so that the surface is on top: a cell at depth d lies at −d.
//! In unit cells x is the distance from the channel and y counts the classes of puncture depth. Surface fields form a
//! flat sheet in a series of its own. Values are 4-byte floats: for looking at; the exact ones are in the Zarr store.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use ndarray::Array3;

use crate::base::error::Result;
use crate::base::units::{DAY, Unit};
use crate::engine::grid::Shape;
use crate::engine::observe::Snapshot;
use crate::present::output::file;

const MILLIMETRE: f64 = 1e-3;

type FieldArray = (String, Unit, Array3<f64>);

/// Writes `fields.pvd` (and `surface.pvd` if there are surface fields) with a `.vtr` file for each snapshot.
///
/// # Errors
/// The folder cannot be written.
pub fn write(folder: &Path, shape: &Shape, snapshots: &[Snapshot]) -> Result<()> {
    if snapshots.is_empty() {
        return Ok(());
    }
    let deep = shape.z.len() > 2;
    for (series, flat) in [("fields", false), ("surface", true)] {
        let mut listed = Vec::new();
        for (moment, snapshot) in snapshots.iter().enumerate() {
            let chosen = |field: &&FieldArray| deep && field.2.dim().0 == 1;
            let fields: Vec<&FieldArray> = snapshot.fields.iter().filter(|field| chosen(field) == flat).collect();
            let Some(size) = fields.first().map(|field| field.2.dim()) else { continue };
            let name = format!("{series}_{moment:04}.vtr");
            let grid = RectilinearGrid::of(shape, size, flat);
            let path = folder.join(&name);
            file::write_with(&path, |out| grid.write(out, &fields))?;
            listed.push((snapshot.time / DAY, name));
        }
        if !listed.is_empty() {
            file::write(&folder.join(format!("{series}.pvd")), collection(&listed))?;
        }
    }
    Ok(())
}

fn collection(listed: &[(f64, String)]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\"?>\n<VTKFile type=\"Collection\" version=\"1.0\" byte_order=\"LittleEndian\">\n<Collection>\n",
    );
    for (day, name) in listed {
        let _ = writeln!(text, "<DataSet timestep=\"{day:?}\" group=\"\" part=\"0\" file=\"{name}\"/>");
    }
    text.push_str("</Collection>\n</VTKFile>\n");
    text
}

/// Coordinates of the faces along each axis as ParaView wants them, ascending.
struct RectilinearGrid {
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
}

impl RectilinearGrid {
    fn of(shape: &Shape, (cells_z, cells_y, cells_x): (usize, usize, usize), flat: bool) -> Self {
        let scaled = |faces: &[f64], cells: usize| -> Vec<f64> {
            if faces.len() == cells + 1 {
                return faces.iter().map(|face| face / MILLIMETRE).collect();
            }
            (0..=cells).map(|face| face as f64).collect()
        };
        let y = match shape.kind.as_str() {
            "cells" => (0..=cells_y).map(|face| face as f64).collect(),
            _ => scaled(&shape.y, cells_y),
        };
        let z = if flat {
            vec![0.0]
        } else {
            scaled(&shape.z, cells_z).iter().rev().map(|depth| if *depth == 0.0 { 0.0 } else { -depth }).collect()
        };
        Self { x: scaled(&shape.x, cells_x), y, z }
    }

    fn write(&self, out: &mut dyn Write, fields: &[&FieldArray]) -> io::Result<()> {
        let extent = format!("0 {} 0 {} 0 {}", self.x.len() - 1, self.y.len() - 1, self.z.len() - 1);
        let mut blocks: Vec<Vec<f32>> = Vec::new();
        let mut offset = 0;
        let mut array = |name: &str, values: Vec<f32>| {
            let line = format!(
                "<DataArray type=\"Float32\" Name=\"{}\" format=\"appended\" offset=\"{offset}\"/>\n",
                escaped(name)
            );
            offset += 8 + 4 * values.len();
            blocks.push(values);
            line
        };
        let mut text = format!(
            "<?xml version=\"1.0\"?>\n<VTKFile type=\"RectilinearGrid\" version=\"1.0\" byte_order=\"LittleEndian\" \
             header_type=\"UInt64\">\n<RectilinearGrid WholeExtent=\"{extent}\">\n<Piece Extent=\"{extent}\">\n<CellData>\n"
        );
        for (name, unit, values) in fields {
            let depth = values.dim().0;
            // From the deepest cell up, as the z axis runs.
            let upwards = (0..depth)
                .rev()
                .flat_map(|z| values.index_axis(ndarray::Axis(0), z).iter().map(|v| *v as f32).collect::<Vec<_>>());
            text += &array(&format!("{name} [{unit}]"), upwards.collect());
        }
        text += "</CellData>\n<Coordinates>\n";
        for (name, faces) in [("x [mm]", &self.x), ("y [mm]", &self.y), ("z [mm]", &self.z)] {
            text += &array(name, faces.iter().map(|face| *face as f32).collect());
        }
        text += "</Coordinates>\n</Piece>\n</RectilinearGrid>\n<AppendedData encoding=\"raw\">\n_";
        out.write_all(text.as_bytes())?;
        for block in &blocks {
            out.write_all(&(4 * block.len() as u64).to_le_bytes())?;
            for value in block {
                out.write_all(&value.to_le_bytes())?;
            }
        }
        out.write_all(b"\n</AppendedData>\n</VTKFile>\n")
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
