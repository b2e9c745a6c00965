//! Programs with their inputs bound: what is the same for all cells is computed once, then one range of cells after the other,
//! by the machine code of `native` where there is some, else by the loop of `kernel`.
//!
//! Raw addresses are handled here, too. What makes that sound: every offset lies inside a buffer whose size is added up just before;
//! blocks and outputs are asserted to be long enough; and what is bound is borrowed for as long as it can be run.
#![expect(unsafe_code, reason = "machine code is handed addresses")]

#[cfg(target_arch = "x86_64")]
use std::marker::PhantomData;
use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use crate::base::processor::{Instructions, instructions};
#[cfg(target_arch = "x86_64")]
use crate::engine::language::kernel::{TileAddresses, grown};
#[cfg(target_arch = "x86_64")]
use crate::engine::language::native::{MORE, Native};
#[cfg(target_arch = "x86_64")]
use crate::engine::language::program::{INPUTS, LANES, TILE, uniform};
use crate::engine::language::{Operand, Operands, Program};

/// A program with its inputs, to be run for one range of cells after the other: what is the same for all is computed once.
#[derive(Debug)]
pub struct BoundProgram<'a> {
    program: &'a Program,
    inputs: &'a [Operand<'a>],
    by: By<'a>,
}

/// How a bound program is run.
#[derive(Debug)]
enum By<'a> {
    Loop(&'a mut Vec<f64>),
    #[cfg(target_arch = "x86_64")]
    Native(Prepared<'a>),
}

impl Program {
    /// Binds inputs with `length` values; `scratch` as for [`Program::run`].
    ///
    /// # Panics
    /// As [`Program::run`].
    pub fn bind<'a>(&'a self, inputs: &'a [Operand<'a>], length: usize, scratch: &'a mut Vec<f64>) -> BoundProgram<'a> {
        #[cfg(target_arch = "x86_64")]
        if length >= LANES
            && let Some(native) = self.native(instructions())
        {
            let prepared = self.prepare(native, instructions(), inputs, length, scratch);
            return BoundProgram { program: self, inputs, by: By::Native(prepared) };
        }
        BoundProgram { program: self, inputs, by: By::Loop(scratch) }
    }
}

impl BoundProgram<'_> {
    /// Computes the cells of a range; output k of the range's cell i goes to `out[k * stride + i]`.
    ///
    /// # Panics
    /// As [`Program::run`].
    pub fn run(&mut self, range: Range<usize>, out: &mut [f64], stride: usize) {
        match &mut self.by {
            #[cfg(target_arch = "x86_64")]
            By::Native(prepared) if range.start.is_multiple_of(LANES) && self.program.may_end(range.len()) => {
                prepared.run_all(self.inputs, range, out, stride);
            }
            by => {
                let mut spare = Vec::new();
                let scratch = match by {
                    By::Loop(scratch) => &mut **scratch,
                    #[cfg(target_arch = "x86_64")]
                    By::Native(_) => &mut spare,
                };
                let mut operands = Operands::default();
                let operands = operands.fill(self.inputs.iter().map(|input| match input {
                    Operand::Block(block) => Operand::Block(&block[range.clone()]),
                    value => *value,
                }));
                self.program.run_into(operands, range.len(), out, stride, scratch);
            }
        }
    }
}

/// Machine code with what it is handed: tables of addresses, constants, space, inputs with one value repeated, the last
/// incomplete vector of inputs and of outputs. All of it lies in one buffer.
#[cfg(target_arch = "x86_64")]
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    native: &'a Native,
    outputs: usize,
    length: usize,
    from: *mut *const f64,
    to: *mut *mut f64,
    constants: *const f64,
    space: *mut f64,
    tail: *mut f64,
    tail_out: *mut f64,
    buffer: PhantomData<&'a mut [f64]>,
}

#[cfg(target_arch = "x86_64")]
impl Program {
    /// Whether machine code may compute so many cells. The last incomplete vector is computed from copies of the inputs, beside
    /// which nothing lies.
    pub(super) fn may_end(&self, cells: usize) -> bool {
        self.beside.is_empty() || cells.is_multiple_of(LANES)
    }

    pub(super) fn prepare<'a>(
        &'a self,
        native: &'a Native,
        level: Instructions,
        inputs: &[Operand<'a>],
        length: usize,
        scratch: &'a mut Vec<f64>,
    ) -> Prepared<'a> {
        assert_eq!(inputs.len(), self.inputs.len(), "a program is run with as many values as it has inputs");
        let repeated = inputs.iter().filter(|input| matches!(input, Operand::Value(_))).count();
        let sizes = [
            inputs.len(),
            self.outputs,
            self.constants.len() + MORE.len(),
            LANES,
            native.space,
            repeated * length.next_multiple_of(LANES),
            inputs.len() * LANES,
            self.outputs * LANES,
        ];
        let mut end = 0;
        let starts = sizes.map(|size| {
            let start = end;
            end += size.next_multiple_of(LANES);
            start
        });
        let buffer = grown(scratch, end + LANES);
        // SAFETY: all offsets are inside the buffer.
        let places = starts.map(|start| unsafe { buffer.add(start) });
        let [from, to, constants, single, space, mut values, tail, tail_out] = places;
        let (from, to) = (from.cast::<*const f64>(), to.cast::<*mut f64>());
        for (index, input) in inputs.iter().enumerate() {
            let address = match input {
                Operand::Block(block) => {
                    assert!(block.len() >= length, "a block has a value for each cell");
                    block.as_ptr()
                }
                Operand::Value(value) => {
                    let own = values.cast_const();
                    // What is the same in all cells of every run is among the constants.
                    if !uniform(self.inputs[index]) {
                        // SAFETY: there is room for all values that are repeated.
                        unsafe {
                            std::slice::from_raw_parts_mut(values, length.next_multiple_of(LANES)).fill(*value);
                            values = values.add(length.next_multiple_of(LANES));
                        }
                    }
                    own
                }
            };
            // SAFETY: as above.
            unsafe { from.add(index).write(address) };
        }
        for &(input, base, cells) in &self.beside {
            let (Operand::Block(own), Operand::Block(base)) = (inputs[input as usize], inputs[base as usize]) else {
                panic!("inputs beside each other are blocks")
            };
            let said = base.as_ptr().wrapping_offset(cells as isize);
            assert_eq!(own.as_ptr(), said, "inputs lie beside each other as they were said to");
        }
        // What is the same for all cells is computed from constants alone.
        let mut own = [std::ptr::null(); INPUTS as usize];
        let mut table = TileAddresses { from: own.as_mut_ptr(), to: [single, single], stride: [TILE, TILE] };
        // SAFETY: as above.
        unsafe {
            self.settle(level, inputs, &mut table, constants, single);
            constants.add(self.constants.len()).copy_from_nonoverlapping(MORE.as_ptr(), MORE.len());
        }
        let outputs = self.outputs;
        Prepared { native, outputs, length, from, to, constants, space, tail, tail_out, buffer: PhantomData }
    }
}

#[cfg(target_arch = "x86_64")]
impl Prepared<'_> {
    /// The cells of a range; output k of the range's cell i goes to `out[k * stride + i]`.
    pub fn run_all(&self, inputs: &[Operand<'_>], range: Range<usize>, out: &mut [f64], stride: usize) {
        assert!(range.end <= self.length, "the range lies in what was bound");
        if range.is_empty() || self.outputs == 0 {
            return;
        }
        let room = stride >= range.len() && out.len() >= (self.outputs - 1) * stride + range.len();
        assert!(room, "there is room for all outputs, and they do not overlap");
        let whole = range.start + range.len() / LANES * LANES;
        if range.start < whole {
            // SAFETY: the code is handed whole vectors of blocks and outputs that are long enough, as was asserted. Addresses
            // of outputs are those from which the range is counted.
            unsafe {
                for output in 0..self.outputs {
                    let first = out.as_mut_ptr().add(output * stride);
                    self.to.add(output).write(first.wrapping_sub(range.start));
                }
                self.native.run(self.from, self.to, self.constants, self.space, range.start..whole);
            }
        }
        if whole < range.end {
            self.run_last(inputs, whole..range.end, &mut out[whole - range.start..], stride);
        }
    }

    /// Less than a vector of cells; output k of the range's cell i goes to `out[k * stride + i]`.
    fn run_last(&self, inputs: &[Operand<'_>], range: Range<usize>, out: &mut [f64], stride: usize) {
        // SAFETY: the buffer has room for a vector of each input and each output, and the table for all addresses.
        unsafe {
            for (index, input) in inputs.iter().enumerate() {
                let Operand::Block(block) = input else { continue };
                let copy = self.tail.add(index * LANES);
                (0..LANES).for_each(|lane| copy.add(lane).write(block[(range.start + lane).min(range.end - 1)]));
                self.from.add(index).write(copy);
            }
            for output in 0..self.outputs {
                self.to.add(output).write(self.tail_out.add(output * LANES));
            }
            self.native.run(self.from, self.to, self.constants, self.space, 0..LANES);
            for output in 0..self.outputs {
                for lane in 0..range.len() {
                    out[output * stride + lane] = self.tail_out.add(output * LANES + lane).read();
                }
            }
            for (index, input) in inputs.iter().enumerate() {
                if let Operand::Block(block) = input {
                    self.from.add(index).write(block.as_ptr());
                }
            }
        }
    }
}
