//! The loop that runs programs: one instruction after the other, each for a tile of cells.
//!
//! The loop is compiled several times, for processors with 512-bit vectors, with 256-bit vectors and fused multiply-add, and
//! for all others; [`crate::processor`] says which is run. The first two give the same bits; the last rounds a product before
//! it is added.
//!
//! This file alone handles raw addresses. What makes that sound: slots are numbered by [`Program::compile`] only, so a register
//! or constant lies inside the buffer, whose size [`Layout`] computes; an input's address is that of a slice whose length
//! [`Program::run`] has checked; and a result never goes to a register that the same instruction reads.

use crate::language::program::{Code, Instruction, LANES, LARGE_TILE, Program, TILE};
use crate::processor::{Instructions, instructions};

/// The values of one input for a block of cells.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a> {
    /// One value for each cell.
    Block(&'a [f64]),
    /// The same value for all cells.
    Value(f64),
}

/// How the buffer is divided: constants, registers, inputs with one value for all cells, a last incomplete tile, the result
/// of a prelude, and the table of where each slot is.
struct Layout {
    tile: usize,
    registers: usize,
    values: usize,
    tail: usize,
    tail_out: usize,
    single: usize,
    table: usize,
    size: usize,
}

impl Layout {
    fn of(program: &Program) -> Self {
        let (inputs, tile) = (program.inputs.len(), program.tile());
        let registers = program.constants.len().next_multiple_of(LANES);
        let values = registers + program.registers * tile;
        let tail = values + inputs * tile;
        let tail_out = tail + inputs * LANES;
        let single = tail_out + program.outputs * LANES;
        let table = single + LANES;
        let slots = inputs + program.constants.len() + program.registers + program.outputs;
        // A cache line more, so that the buffer can begin on one.
        Self { tile, registers, values, tail, tail_out, single, table, size: table + slots + LANES }
    }
}

/// Where each slot of a program is.
type Table = *mut *mut f64;

// A slot of the table takes the room of one number.
const _: () = assert!(size_of::<*mut f64>() <= size_of::<f64>());

impl Program {
    /// Computes `length` cells; output k of cell i goes to `out[k * length + i]`. `scratch` is grown the first time and can
    /// be handed to any program after that.
    ///
    /// # Panics
    /// There are not as many inputs as [`Program::inputs`], a block or `out` is too short, or an input that is the same
    /// everywhere, as a signal or the depth, is a block: mistakes of the caller.
    pub fn run(&self, inputs: &[Operand<'_>], length: usize, out: &mut [f64], scratch: &mut Vec<f64>) {
        self.run_into(inputs, length, out, length, scratch);
    }

    /// As [`Program::run`], with output k of cell i at `out[k * stride + i]`.
    ///
    /// # Panics
    /// As [`Program::run`].
    pub fn run_into(
        &self,
        inputs: &[Operand<'_>],
        length: usize,
        out: &mut [f64],
        stride: usize,
        scratch: &mut Vec<f64>,
    ) {
        self.run_at(instructions(), inputs, length, out, stride, scratch);
    }

    pub(super) fn run_at(
        &self,
        level: Instructions,
        inputs: &[Operand<'_>],
        length: usize,
        out: &mut [f64],
        stride: usize,
        scratch: &mut Vec<f64>,
    ) {
        assert_eq!(inputs.len(), self.inputs.len(), "a program is run with as many values as it has inputs");
        assert!(stride >= length, "outputs do not overlap");
        let room = self.outputs == 0 || out.len() >= (self.outputs - 1) * stride + length;
        assert!(room, "there is room for all outputs");
        let layout = Layout::of(self);
        if scratch.len() < layout.size {
            scratch.resize(layout.size, 0.0);
        }
        let skip = scratch.as_ptr().align_offset(LANES * size_of::<f64>()).min(LANES);
        let buffer = &mut scratch[skip..];
        buffer[..self.constants.len()].copy_from_slice(&self.constants);
        for (index, input) in inputs.iter().enumerate() {
            match input {
                Operand::Value(value) => buffer[layout.values + index * layout.tile..][..layout.tile].fill(*value),
                Operand::Block(block) => assert!(block.len() >= length, "a block has a value for each cell"),
            }
        }
        for &(input, constant) in &self.given {
            let Operand::Value(value) = inputs[input as usize] else { panic!("a uniform input has one value") };
            buffer[constant as usize] = value;
        }
        let buffer = buffer.as_mut_ptr();
        let (constants, registers) = (self.constants.len(), self.registers);
        let (first, second) = (self.inputs.len(), self.inputs.len() + constants);
        // SAFETY: all offsets are inside the buffer by `Layout`.
        let table: Table = unsafe { buffer.add(layout.table).cast() };
        // SAFETY: as above; slots are numbered as `Program::compile` numbers them.
        unsafe {
            for (index, input) in inputs.iter().enumerate() {
                if let Operand::Value(_) = input {
                    table.add(index).write(buffer.add(layout.values + index * layout.tile));
                }
            }
            (0..constants).for_each(|index| table.add(first + index).write(buffer.add(index)));
            for index in 0..registers {
                table.add(second + index).write(buffer.add(layout.registers + index * layout.tile));
            }
            for instruction in &self.prelude {
                // Computed for a few lanes beside the constants, of which the first is kept.
                let constant = *table.add(instruction.to as usize);
                let single = buffer.add(layout.single);
                table.add(instruction.to as usize).write(single);
                run_tile(level, std::slice::from_ref(instruction), table, LANES);
                constant.write(single.read());
                table.add(instruction.to as usize).write(constant);
            }
        }
        let mut at = 0;
        while at < length {
            let left = length - at;
            let partial = left < LANES;
            // SAFETY: as above, and `at` is inside the blocks as was asserted; where fewer than `LANES` cells are left, they
            // are copied, and results go to the buffer first. Nobody writes to a slot of an input.
            unsafe {
                for (index, input) in inputs.iter().enumerate() {
                    if let Operand::Block(block) = input {
                        let first = if partial {
                            let copy = buffer.add(layout.tail + index * LANES);
                            for lane in 0..LANES {
                                copy.add(lane).write(block[at + lane.min(left - 1)]);
                            }
                            copy
                        } else {
                            block.as_ptr().add(at).cast_mut()
                        };
                        table.add(index).write(first);
                    }
                }
                for output in 0..self.outputs {
                    let first = if partial {
                        buffer.add(layout.tail_out + output * LANES)
                    } else {
                        out.as_mut_ptr().add(output * stride + at)
                    };
                    table.add(second + registers + output).write(first);
                }
                at += run_tile(level, &self.code, table, left.min(layout.tile));
                if partial {
                    for output in 0..self.outputs {
                        for lane in 0..left {
                            out[output * stride + length - left + lane] =
                                buffer.add(layout.tail_out + output * LANES + lane).read();
                        }
                    }
                }
            }
        }
    }
}

/// Runs one tile of at most `left` cells (rounded up to a few) and returns how many cells that were.
unsafe fn run_tile(level: Instructions, code: &[Instruction], table: Table, left: usize) -> usize {
    let cells = if left >= LARGE_TILE {
        LARGE_TILE
    } else if left >= TILE {
        TILE
    } else {
        LANES
    };
    // SAFETY: the caller vouches for the places, and `level` is what the processor has.
    unsafe {
        match (level, cells) {
            (Instructions::Plain, LARGE_TILE) => tile::<LARGE_TILE, false>(code, table),
            (Instructions::Plain, TILE) => tile::<TILE, false>(code, table),
            (Instructions::Plain, _) => tile::<LANES, false>(code, table),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, LARGE_TILE) => tile_fused::<LARGE_TILE>(code, table),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, TILE) => tile_fused::<TILE>(code, table),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, _) => tile_fused::<LANES>(code, table),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, LARGE_TILE) => tile_wide::<LARGE_TILE>(code, table),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, TILE) => tile_wide::<TILE>(code, table),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, _) => tile_wide::<LANES>(code, table),
        }
    }
    cells.min(left)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn tile_wide<const N: usize>(code: &[Instruction], table: Table) {
    // SAFETY: the caller vouches for the places.
    unsafe { tile::<N, true>(code, table) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_fused<const N: usize>(code: &[Instruction], table: Table) {
    // SAFETY: the caller vouches for the places.
    unsafe { tile::<N, true>(code, table) }
}

/// An operand: a value for each cell, or one for all.
trait Values: Copy {
    fn at(self, cell: usize) -> f64;
}

impl<const N: usize> Values for &[f64; N] {
    #[inline(always)]
    fn at(self, cell: usize) -> f64 {
        self[cell]
    }
}

impl Values for f64 {
    #[inline(always)]
    fn at(self, _: usize) -> f64 {
        self
    }
}

/// Computes `f` for all cells. The plain loop is what the compiler turns into vector instructions.
#[inline(always)]
fn each<const N: usize>(
    to: &mut [f64; N],
    a: impl Values,
    b: impl Values,
    c: impl Values,
    f: impl Fn(f64, f64, f64) -> f64,
) {
    for (cell, to) in to.iter_mut().enumerate() {
        *to = f(a.at(cell), b.at(cell), c.at(cell));
    }
}

/// a b + c, in one rounding where the processor does that quickly.
#[inline(always)]
fn fused<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[inline(always)]
unsafe fn tile<const N: usize, const FUSED: bool>(code: &[Instruction], table: Table) {
    for instruction in code {
        // SAFETY: slots were numbered by `Program::compile`, and the caller filled the table. Nobody writes where an
        // instruction reads, for its result goes to another register or to an output.
        let [a, b, c] = instruction.from.map(|slot| unsafe { (*table.add(slot as usize)).cast_const() });
        let [a_varies, b_varies, c_varies] = instruction.varies;
        // SAFETY: as above.
        let to: &mut [f64; N] = unsafe { &mut *(*table.add(instruction.to as usize)).cast() };
        // Each `match` below chooses by whether an operand varies.
        macro_rules! varying {
            ($place:ident) => {
                // SAFETY: as above; a slot that varies holds as many values as the tile.
                unsafe { &*$place.cast::<[f64; N]>() }
            };
        }
        macro_rules! fixed {
            ($place:ident) => {
                // SAFETY: as above.
                unsafe { *$place }
            };
        }
        macro_rules! one {
            ($f:expr) => {
                match a_varies {
                    true => each(to, varying!(a), 0.0, 0.0, |a, _, _| $f(a)),
                    false => each(to, fixed!(a), 0.0, 0.0, |a, _, _| $f(a)),
                }
            };
        }
        macro_rules! two {
            ($f:expr) => {
                match (a_varies, b_varies) {
                    (true, true) => each(to, varying!(a), varying!(b), 0.0, |a, b, _| $f(a, b)),
                    (true, false) => each(to, varying!(a), fixed!(b), 0.0, |a, b, _| $f(a, b)),
                    (false, true) => each(to, fixed!(a), varying!(b), 0.0, |a, b, _| $f(a, b)),
                    (false, false) => each(to, fixed!(a), fixed!(b), 0.0, |a, b, _| $f(a, b)),
                }
            };
        }
        macro_rules! three {
            ($f:expr) => {
                match (a_varies, b_varies, c_varies) {
                    (true, true, true) => each(to, varying!(a), varying!(b), varying!(c), $f),
                    (true, true, false) => each(to, varying!(a), varying!(b), fixed!(c), $f),
                    (true, false, true) => each(to, varying!(a), fixed!(b), varying!(c), $f),
                    (true, false, false) => each(to, varying!(a), fixed!(b), fixed!(c), $f),
                    (false, true, true) => each(to, fixed!(a), varying!(b), varying!(c), $f),
                    (false, true, false) => each(to, fixed!(a), varying!(b), fixed!(c), $f),
                    (false, false, true) => each(to, fixed!(a), fixed!(b), varying!(c), $f),
                    (false, false, false) => each(to, fixed!(a), fixed!(b), fixed!(c), $f),
                }
            };
        }
        match instruction.code {
            Code::Copy => one!(|a| a),
            Code::Add => two!(|a, b| a + b),
            Code::Subtract => two!(|a, b| a - b),
            Code::Multiply => two!(|a, b| a * b),
            Code::Divide => two!(|a, b| a / b),
            Code::Negate => one!(|a: f64| -a),
            Code::MultiplyAdd => three!(fused::<FUSED>),
            Code::MultiplySubtract => three!(|a, b, c| fused::<FUSED>(a, b, -c)),
            Code::SubtractProduct => three!(|a, b, c| fused::<FUSED>(-a, b, c)),
            Code::Minimum => two!(|a, b| if a < b { a } else { b }),
            Code::Maximum => two!(|a, b| if a > b { a } else { b }),
            Code::Less => two!(|a, b| if a < b { 1.0 } else { 0.0 }),
            Code::LessEqual => two!(|a, b| if a <= b { 1.0 } else { 0.0 }),
            Code::Choose => three!(|a, b, c| if a != 0.0 { b } else { c }),
            Code::RealPower => two!(|a: f64, b| a.powf(b)),
            Code::Apply(function) => one!(|a| function.of(a)),
        }
    }
}
