//! The grid (interface; being written).

/// Coordinates of the grid for drawing and output [m].
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// "point", "cells", "section" or "tile".
    pub kind: String,
    /// Faces along x (or the radius), one more than cells.
    pub x: Vec<f64>,
    /// Faces along y; for unit cells the index of the class, 0, 1, 2 …
    pub y: Vec<f64>,
    /// Faces in depth, from 0 down.
    pub z: Vec<f64>,
    /// Layer boundaries: name, top and bottom depth.
    pub layers: Vec<(String, f64, f64)>,
    /// Weight of each class of unit cells (sums to 1); empty otherwise.
    pub weights: Vec<f64>,
}
