//! The kernels of transport on plain blocks of cells: the very code that a step runs.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::base::error::{Result, Source};
use crate::engine::grid::Layer;
use crate::engine::grid::{Geometry, Grid};
use crate::engine::language::{Host, LayerName, Model, Setting};
use crate::engine::medium::Medium;
use crate::engine::stepper::{Method, Stepping};
use crate::engine::stepper::{Stepper, System};

/// A cube of one medium with sides of 1 m.
fn block(model: &str, [nx, ny, nz]: [usize; 3], periodic: bool) -> Result<Medium> {
    let layer =
        Layer { name: "medium".into(), groups: Vec::new(), top: 0.0, bottom: 1.0, spacing: [1.0 / nz as f64; 2] };
    let geometry = Geometry::Tile { width: [1.0, 1.0], cells: [nx, ny], periodic };
    let grid = Arc::new(Grid::new(&geometry, &[layer], 1.0, None, &[], [&[]; 3])?);
    let layers = vec![LayerName { name: "medium".into(), groups: Vec::new() }];
    let model = Model::read(&Source::new("bench.toml", model), &Host::NONE)?;
    let compiled = Arc::new(model.compile(&Setting { layers, traits: Default::default() })?);
    Medium::new(grid, compiled, 1)
}

const HEAD: &str = "name = \"bench\"\nwhat = \"a benchmark\"\n[scale]\nlength = \"1 m\"\ntime = \"1 s\"\n";

/// Implicit diffusion of some fields with no flux through the sides: (I − θA)⁻¹ along each axis.
#[derive(Debug)]
pub struct DiffusionKernel {
    system: System,
    state: Vec<f64>,
    volume: usize,
}

impl DiffusionKernel {
    /// A block of cells.
    ///
    /// # Errors
    /// There can be no such grid.
    pub fn new(cells: [usize; 3], fields: usize) -> Result<Self> {
        let mut model = HEAD.to_owned();
        for field in 0..fields {
            // Writing to a text cannot fail.
            let _ = writeln!(
                model,
                "[field.f{field}]\nwhat = \"a field\"\nrest = 0\ninitial = \"1 + random()\"\ndiffusivity = \"1\""
            );
        }
        let mut skin = block(&model, cells, false)?;
        let mut system = System::new(&skin)?;
        system.settle(&mut skin)?;
        // A step as long as a value needs to cross a tenth of the block.
        system.prepare(0.01);
        Ok(Self { system, volume: skin.layout.volume(), state: skin.state })
    }

    /// One solve of all fields along all axes.
    pub fn run(&mut self) {
        self.system.sweep(&mut self.state[..self.volume]);
    }

    /// Its part along x and y.
    pub fn lateral(&mut self) {
        self.system.sweep_lateral(&mut self.state[..self.volume]);
    }

    /// Its part along depth.
    pub fn depth(&mut self) {
        self.system.sweep_depth(&mut self.state[..self.volume]);
    }
}

/// Explicit Gray–Scott in three dimensions, kinetics by the model language; constants of spots that divide.
#[derive(Debug)]
pub struct GrayScott {
    skin: Medium,
    stepper: Stepper,
}

/// Steps of one call: several passes of the kernel.
const STEPS: usize = 24;

impl GrayScott {
    /// A periodic block of cells.
    ///
    /// # Errors
    /// There can be no such grid.
    pub fn new(cells: [usize; 3]) -> Result<Self> {
        let finest = cells.into_iter().max().unwrap_or(1) as f64;
        // Spreading and reactions of like speed, in steps that are stable along the finest axis.
        let (slow, step) = (0.05 / finest.powi(2), 1.0);
        let constant = |name: &str, value: f64| {
            format!("[constant.{name}]\nvalue = {value:?}\nevidence = \"assumed\"\nsource = \"a benchmark\"\n")
        };
        let model = format!(
            "{HEAD}{}{}{}
            [field.u]\nwhat = \"feed\"\nrest = 1\ninitial = \"1 - 0.5*random()\"\ndiffusivity = \"2*D\"
            [field.v]\nwhat = \"autocatalyst\"\nrest = 0\ninitial = \"0.25*random()\"\ndiffusivity = \"D\"
            [process.autocatalysis]\nwhat = \"two v turn u into v\"\nrate = \"u*v^2\"\ntakes = {{ u = 1 }}\ngives = {{ v = 1 }}
            [process.feed]\nwhat = \"feed and removal\"\nchanges = {{ u = \"F*(1 - u)\", v = \"-(F + k)*v\" }}\n",
            constant("D", slow),
            constant("F", 0.04),
            constant("k", 0.06),
        );
        let mut skin = block(&model, cells, true)?;
        let stepping = Stepping {
            method: Method::Euler,
            tolerance: 1.0,
            absolute: 1.0,
            longest: f64::INFINITY,
            fixed: Some(step),
        };
        let stepper = Stepper::new(&mut skin, &stepping)?;
        Ok(Self { skin, stepper })
    }

    /// Steps of one call.
    pub fn steps(&self) -> usize {
        STEPS
    }

    /// Some steps.
    ///
    /// # Panics
    /// A value is not finite, which the constants forbid.
    pub fn run(&mut self) {
        let target = self.skin.time + STEPS as f64;
        self.stepper.advance(&mut self.skin, target, &mut |_, _| true).expect("the block stays finite");
    }
}
