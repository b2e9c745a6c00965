//! Field snapshots as a Zarr v3 store, which xarray opens: `xarray.open_zarr("fields.zarr")`.
//!
//! A store is a folder. Each array is a folder with its description in `zarr.json` and its values in chunks, here one for
//! each moment: 8-byte little-endian floats, packed with gzip. The coordinates `time` [d], `z` (depth, downwards), `y`,
//! `x` (or the radius `r` and the depth `class`) [mm] are arrays too. The group keeps the exact faces and layers.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use ndarray::Array3;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use crate::base::error::{Error, Result};
use crate::base::folder::name::distinct;
use crate::base::units::{DAY, Unit};
use crate::engine::grid::Shape;
use crate::engine::observe::Snapshot;
use crate::present::output::file;

const MILLIMETRE: f64 = 1e-3;
/// Packing harder takes twice the time and leaves a twentieth less.
const GZIP_LEVEL: u32 = 1;

/// The middles of cells, in the unit of the faces.
pub fn centres(faces: &[f64]) -> Vec<f64> {
    faces.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect()
}

/// Names of the axes of a volume field beside time, from the slowest to the fastest. An axis that has one cell by the
/// nature of the grid (y of a section, all of a point) is left out.
fn axes(kind: &str) -> &'static [&'static str] {
    match kind {
        "cells" => &["z", "class", "r"],
        "section" => &["z", "x"],
        "point" => &[],
        _ => &["z", "y", "x"],
    }
}

/// Writes all snapshots into one store.
///
/// # Errors
/// The folder cannot be written, or the snapshots differ in their fields.
pub fn write(path: &Path, shape: &Shape, snapshots: &[Snapshot]) -> Result<()> {
    let Some(first) = snapshots.first() else { return Ok(()) };
    if snapshots.iter().any(|other| !alike(first, other)) {
        return Err(Error::simulation("the snapshots do not all hold the same fields"));
    }
    let store = path;
    let mut entries = Map::new();
    let mut add = |name: &str, array: StoreArray<'_>| -> Result<()> {
        entries.insert(name.to_owned(), array.write(&store.join(name))?);
        Ok(())
    };
    let days: Vec<f64> = snapshots.iter().map(|snapshot| snapshot.time / DAY).collect();
    add("time", StoreArray::coordinate("time", &days, "d", "days since the start"))?;
    let named = axes(&shape.kind);
    for axis in named {
        let (values, unit, what) = match *axis {
            "z" => (millimetres(&shape.z), "mm", "depth below the surface"),
            "y" => (millimetres(&shape.y), "mm", "across"),
            "x" => (millimetres(&shape.x), "mm", "along"),
            "r" => (millimetres(&shape.x), "mm", "distance from the channel"),
            _ => ((0..classes(shape)).map(|class| class as f64).collect(), "1", "class of puncture depth"),
        };
        add(axis, StoreArray::coordinate(axis, &values, unit, what))?;
    }
    if named.contains(&"class") && !shape.weights.is_empty() {
        add("weight", StoreArray::series(&["class"], &shape.weights, "1", "share of skin in each class"))?;
    }
    // A field has a folder of its own on every disk; what it is called in the model is among its attributes.
    let stored = distinct(first.fields.iter().map(|(name, ..)| name.as_str()), &TAKEN);
    for (index, (name, unit, values)) in first.fields.iter().enumerate() {
        let surface = values.dim().0 == 1 && shape.z.len() > 2;
        let dimensions: Vec<&str> =
            std::iter::once("time").chain(named.iter().copied().filter(|axis| !(surface && *axis == "z"))).collect();
        let (z, y, x) = values.dim();
        let mut extents = vec![snapshots.len()];
        for axis in &dimensions[1..] {
            extents.push(match *axis {
                "z" => z,
                "y" | "class" => y,
                _ => x,
            });
        }
        let chunks: Vec<Vec<f64>> =
            snapshots.iter().map(|snapshot| snapshot.fields[index].2.iter().copied().collect()).collect();
        let what = if surface { "on the surface" } else { "in the skin" };
        let entry =
            StoreArray { dimensions, extents, chunks, unit: unit.to_string(), what: what.into(), field: Some(name) };
        add(&stored[index], entry)?;
    }
    let group = json!({
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {
            "title": "fields of a dermasim run",
            "grid": shape.kind,
            "x_faces_m": shape.x, "y_faces_m": shape.y, "z_faces_m": shape.z,
            "layers": shape.layers.iter().map(|(name, top, bottom)| json!({"name": name, "top_m": top, "bottom_m": bottom})).collect::<Vec<_>>(),
            "weights": shape.weights,
        },
        "consolidated_metadata": { "kind": "inline", "must_understand": false, "metadata": entries },
    });
    file::write(&store.join("zarr.json"), pretty(&group))
}

/// Reads a store that [`write`] wrote. Holes are not in it.
///
/// # Errors
/// The store is missing or is not one of ours.
pub fn read(path: &Path) -> Result<(Shape, Vec<Snapshot>)> {
    let broken = |what: &str| Error::file(path, "read", std::io::Error::other(what.to_owned()));
    let parse = |file: &Path| -> Result<Value> {
        serde_json::from_str(&file::read(file)?).map_err(|cause| Error::file(file, "read", cause.into()))
    };
    let group = parse(&path.join("zarr.json"))?;
    let known = &group["attributes"];
    let numbers = |value: &Value| -> Vec<f64> {
        value.as_array().map(|list| list.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
    };
    let layer = |value: &Value| {
        Some((value["name"].as_str()?.to_owned(), value["top_m"].as_f64()?, value["bottom_m"].as_f64()?))
    };
    let shape = Shape {
        kind: known["grid"].as_str().ok_or_else(|| broken("it does not tell its grid"))?.to_owned(),
        x: numbers(&known["x_faces_m"]),
        y: numbers(&known["y_faces_m"]),
        z: numbers(&known["z_faces_m"]),
        layers: known["layers"].as_array().map(|list| list.iter().filter_map(layer).collect()).unwrap_or_default(),
        weights: numbers(&known["weights"]),
    };
    let entries = group["consolidated_metadata"]["metadata"].as_object().ok_or_else(|| broken("it lists no arrays"))?;
    let time = entries.get("time").ok_or_else(|| broken("it has no times"))?;
    let days = chunk(&place(&path.join("time"), time, 0, 1))?;
    let mut snapshots: Vec<Snapshot> =
        days.iter().map(|day| Snapshot { time: day * DAY, fields: Vec::new(), marks: Vec::new() }).collect();
    for (name, entry) in entries {
        let dimensions: Vec<&str> =
            entry["dimension_names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // Coordinates carry their own name as a dimension or, like the weights, have no time.
        if dimensions.first() != Some(&"time") || name == "time" {
            continue;
        }
        let extents: Vec<usize> =
            entry["shape"].as_array().into_iter().flatten().filter_map(|n| Some(n.as_u64()? as usize)).collect();
        let extent = |wanted: &[&str]| {
            let place = dimensions.iter().position(|dimension| wanted.contains(dimension));
            place.and_then(|place| extents.get(place)).copied().unwrap_or(1)
        };
        let size = (extent(&["z"]), extent(&["y", "class"]), extent(&["x", "r"]));
        let unit: Unit = entry["attributes"]["units"].as_str().unwrap_or("1").parse()?;
        for (moment, snapshot) in snapshots.iter_mut().enumerate() {
            let place = place(&path.join(name), entry, moment, dimensions.len());
            let values = Array3::from_shape_vec(size, chunk(&place)?)
                .map_err(|_| broken(&format!("a chunk of `{name}` has another size than it says")))?;
            let called = entry["attributes"]["name"].as_str().unwrap_or(name);
            snapshot.fields.push((called.to_owned(), unit.clone(), values));
        }
    }
    Ok((shape, snapshots))
}

/// The file of a chunk in the folder of its array, as the array describes it: `c.1.0.0`. A folder for each dimension, as other
/// stores have, would take longer to make than the files to write.
fn place(folder: &Path, description: &Value, index: usize, dimensions: usize) -> PathBuf {
    let separator = description["chunk_key_encoding"]["configuration"]["separator"].as_str().unwrap_or("/");
    let zeros = format!("{separator}0").repeat(dimensions - 1);
    folder.join(format!("c{separator}{index}{zeros}"))
}

fn chunk(path: &Path) -> Result<Vec<f64>> {
    let failed = |cause| Error::file(path, "read", cause);
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(path).map_err(failed)?).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect())
}

/// Names that are no field's.
const TAKEN: [&str; 8] = ["time", "x", "y", "z", "r", "class", "weight", "zarr.json"];

fn alike(one: &Snapshot, other: &Snapshot) -> bool {
    one.fields.len() == other.fields.len()
        && one.fields.iter().zip(&other.fields).all(|(a, b)| a.0 == b.0 && a.2.dim() == b.2.dim())
}

fn classes(shape: &Shape) -> usize {
    shape.weights.len().max(shape.y.len().saturating_sub(1)).max(1)
}

fn millimetres(faces: &[f64]) -> Vec<f64> {
    centres(faces).into_iter().map(|middle| middle / MILLIMETRE).collect()
}

/// One array of the store: a chunk for each step along its first dimension, or a single one.
struct StoreArray<'a> {
    dimensions: Vec<&'a str>,
    extents: Vec<usize>,
    chunks: Vec<Vec<f64>>,
    unit: String,
    what: String,
    /// The field that it holds, as the model calls it.
    field: Option<&'a str>,
}

impl<'a> StoreArray<'a> {
    fn coordinate(name: &'a str, values: &[f64], unit: &str, what: &str) -> Self {
        Self::series(&[name], values, unit, what)
    }

    fn series(dimensions: &[&'a str], values: &[f64], unit: &str, what: &str) -> Self {
        Self {
            dimensions: dimensions.to_vec(),
            extents: vec![values.len()],
            chunks: vec![values.to_vec()],
            unit: unit.into(),
            what: what.into(),
            field: None,
        }
    }

    /// Writes the array into its folder and returns its description.
    fn write(&self, folder: &Path) -> Result<Value> {
        let mut chunk_shape = self.extents.clone();
        if self.chunks.len() == self.extents[0] && self.extents[0] != 1 {
            chunk_shape[0] = 1;
        }
        let mut description = json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.extents,
            "data_type": "float64",
            "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": chunk_shape } },
            "chunk_key_encoding": { "name": "default", "configuration": { "separator": "." } },
            "fill_value": "NaN",
            "codecs": [
                { "name": "bytes", "configuration": { "endian": "little" } },
                { "name": "gzip", "configuration": { "level": GZIP_LEVEL } },
            ],
            "attributes": { "units": self.unit, "long_name": self.what },
            "dimension_names": self.dimensions,
        });
        if let Some(field) = self.field {
            description["attributes"]["name"] = json!(field);
        }
        file::make_folder(folder)?;
        self.chunks.par_iter().enumerate().try_for_each(|(index, values)| {
            let place = place(folder, &description, index, self.extents.len());
            let failed = |cause| Error::file(&place, "write", cause);
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let file = fs::File::create(&place).map_err(failed)?;
            let mut packed = GzEncoder::new(file, Compression::new(GZIP_LEVEL));
            packed.write_all(&bytes).map_err(failed)?;
            packed.finish().map_err(failed)?;
            Ok::<(), Error>(())
        })?;
        file::write(&folder.join("zarr.json"), pretty(&description))?;
        Ok(description)
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, PathBuf, Vec<Snapshot>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fields.zarr");
        let faces = |n: usize| (0..=n).map(|i| i as f64 * 1e-4).collect();
        let layers = vec![("medium".to_owned(), 0.0, 2e-4)];
        let shape = Shape { kind: "tile".into(), x: faces(4), y: faces(3), z: faces(2), layers, weights: Vec::new() };
        let snapshot = |day: f64| {
            let values = Array3::from_shape_fn((2, 3, 4), |(z, y, x)| day + (100 * z + 10 * y + x) as f64);
            let fields = vec![("cells".to_owned(), "1".parse().unwrap(), values)];
            Snapshot { time: day * DAY, fields, marks: Vec::new() }
        };
        let snapshots = vec![snapshot(1.0), snapshot(7.0)];
        write(&path, &shape, &snapshots).unwrap();
        (folder, path, snapshots)
    }

    fn same(path: &Path, snapshots: &[Snapshot]) {
        let (_, read) = read(path).unwrap();
        assert_eq!(read.len(), snapshots.len());
        for (a, b) in read.iter().zip(snapshots) {
            assert!(a.time == b.time && a.fields == b.fields);
        }
    }

    #[test]
    fn chunks_are_found_where_the_description_says() {
        let (_folder, path, snapshots) = store();
        same(&path, &snapshots);
        // As stores were written before: a folder for each dimension.
        let group = fs::read_to_string(path.join("zarr.json")).unwrap();
        fs::write(path.join("zarr.json"), group.replace("\"separator\": \".\"", "\"separator\": \"/\"")).unwrap();
        assert!(read(&path).is_err(), "the chunks are not there yet");
        for array in fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
            for file in fs::read_dir(&array).unwrap().map(|entry| entry.unwrap().path()) {
                let name = file.file_name().unwrap().to_str().unwrap().to_owned();
                if name.starts_with("c.") {
                    let place = array.join(name.replace('.', "/"));
                    fs::create_dir_all(place.parent().unwrap()).unwrap();
                    fs::rename(&file, place).unwrap();
                }
            }
        }
        same(&path, &snapshots);
    }

    #[test]
    fn a_store_without_times_is_an_error() {
        let (_folder, path, _) = store();
        let group = fs::read_to_string(path.join("zarr.json")).unwrap();
        fs::write(path.join("zarr.json"), group.replacen("\"time\": {", "\"other\": {", 1)).unwrap();
        assert!(read(&path).unwrap_err().message().contains("no times"));
    }
}
