//! Which faces a field passes on one grid, where a film lies on one and where a flux through one is prescribed.

use crate::engine::grid::Grid;
use crate::engine::language::{Compiled, Crossing, Face, Passage, Program};
use crate::engine::stepper::transport::{Film, Mover};

/// A program whose values are needed at every place before fluxes can be formed: D or χ.
#[derive(Debug)]
pub(super) struct TransportCoefficient {
    /// The program of each layer.
    pub programs: Vec<Option<Program>>,
    /// The one depth at which it is needed, if it is not needed at all.
    pub only: Option<usize>,
}

/// A film on the top or the bottom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coated {
    pub film: Film,
    pub mover: usize,
    /// 0 for the top, 1 for the bottom.
    pub side: usize,
}

impl Coated {
    /// The films of a model.
    pub(super) fn all(compiled: &Compiled, movers: &[Mover]) -> Vec<Self> {
        let on = |(mover, own): (usize, &Mover)| {
            let faces = compiled.volume[own.field].boundary.faces().into_iter().take(2).enumerate();
            let films = faces.filter_map(move |(side, face)| match face? {
                Face::Reservoir { of, thickness, partition, .. } => {
                    let film = Film { of: *of, thickness: *thickness, partition: *partition };
                    Some(Self { film, mover, side })
                }
                _ => None,
            });
            films.collect::<Vec<_>>()
        };
        movers.iter().enumerate().flat_map(on).collect()
    }

    /// Cells above its face.
    pub(super) fn face(&self, nz: usize) -> usize {
        if self.side == 0 { 0 } else { nz }
    }

    /// The depth of the cells beside it.
    pub(super) fn beside(&self, nz: usize) -> usize {
        if self.side == 0 { 0 } else { nz - 1 }
    }

    /// What a flux downwards through its face is for the cells.
    pub(super) fn inwards(&self) -> f64 {
        if self.side == 0 { 1.0 } else { -1.0 }
    }
}

/// A flux that is prescribed on a face of the domain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prescribed {
    pub field: usize,
    pub mover: usize,
    /// Position among the faces.
    pub side: usize,
    /// Index among the arrays of state-dependent values.
    pub index: usize,
}

impl Prescribed {
    /// The prescribed fluxes of a model; their programs join `spreads`.
    pub(super) fn all(
        grid: &Grid,
        compiled: &Compiled,
        movers: &[Mover],
        spreads: &mut Vec<TransportCoefficient>,
    ) -> Vec<Self> {
        let mut all = Vec::new();
        for (mover, &Mover { field, .. }) in movers.iter().enumerate() {
            for (side, programs) in compiled.volume[field].boundary.fluxes() {
                all.push(Self { field, mover, side, index: spreads.len() });
                let only = [Some(0), Some(grid.z.len() - 1)].get(side).copied().flatten();
                spreads.push(TransportCoefficient { programs: programs.clone(), only });
            }
        }
        all
    }
}

/// A face that a field passes on one grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passing {
    pub field: usize,
    pub mover: Option<usize>,
    pub face: CrossedFace,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum CrossedFace {
    /// So many cells from the top; what goes down counts so many times.
    Depth(usize, f64),
    /// Left, right, front, back; what goes out counts.
    Side(usize),
    Nowhere,
}

impl Passing {
    pub(super) fn new(grid: &Grid, movers: &[Mover], passage: &Passage) -> Self {
        // The first cell below a layer.
        let below = |layer: usize| grid.layer.iter().position(|own| *own > layer);
        let face = match passage.way {
            Crossing::Out(0) => CrossedFace::Depth(0, -1.0),
            Crossing::Out(1) => CrossedFace::Depth(grid.z.len(), 1.0),
            Crossing::Out(side) => CrossedFace::Side(side - 2),
            Crossing::Down(layer) => below(layer).map_or(CrossedFace::Nowhere, |k| CrossedFace::Depth(k, 1.0)),
            Crossing::Up(layer) => below(layer).map_or(CrossedFace::Nowhere, |k| CrossedFace::Depth(k, -1.0)),
            Crossing::Nowhere => CrossedFace::Nowhere,
        };
        let mover = movers.iter().position(|mover| mover.field == passage.field);
        Self { field: passage.field, mover, face }
    }
}
