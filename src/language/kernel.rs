//! The loop that runs programs: one instruction after the other, each for a tile of cells.
//!
//! The loop is compiled several times, for processors with 512-bit vectors, with 256-bit vectors and fused multiply-add, and
//! for all others; [`crate::processor`] says which is run. The first two give the same bits; the last rounds a product before
//! it is added.
//!
//! This file alone handles raw addresses. What makes that sound: places are made by [`Program::compile`] only, so a register
//! or constant lies inside the buffer, whose size [`Layout`] computes; an input's address is that of a slice whose length
//! [`Program::run`] has checked; and a result never goes to a register that the same instruction reads.

use std::mem::MaybeUninit;

use crate::language::program::{Code, Instruction, LANES, LARGE_TILE, MAX_INPUTS, Place, Program, TILE, Target};
use crate::processor::{Instructions, instructions};

/// The values of one input for a block of cells.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a> {
    /// One value for each cell.
    Block(&'a [f64]),
    /// The same value for all cells.
    Value(f64),
}

/// How the buffer is divided: constants, registers, inputs with one value for all cells, a last incomplete tile.
struct Layout {
    tile: usize,
    registers: usize,
    values: usize,
    tail: usize,
    tail_out: usize,
    size: usize,
}

impl Layout {
    fn of(program: &Program) -> Self {
        let (inputs, tile) = (program.inputs.len(), program.tile());
        let registers = program.constants.len().next_multiple_of(LANES);
        let values = registers + program.registers * tile;
        let tail = values + inputs * tile;
        let tail_out = tail + inputs * LANES;
        // A cache line more, so that the buffer can begin on one.
        Self { tile, registers, values, tail, tail_out, size: tail_out + program.outputs * LANES + LANES }
    }
}

/// Where operands and results of a tile lie.
#[derive(Clone, Copy)]
struct Bases {
    buffer: *mut f64,
    registers: *mut f64,
    inputs: *const *const f64,
    out: *mut f64,
    /// Distance between outputs.
    stride: usize,
}

impl Program {
    /// Computes `length` cells; output k of cell i goes to `out[k * length + i]`. `scratch` is grown the first time and can
    /// be handed to any program after that.
    ///
    /// # Panics
    /// There are not as many inputs as [`Program::inputs`], or a block or `out` is too short: mistakes of the caller.
    pub fn run(&self, inputs: &[Operand<'_>], length: usize, out: &mut [f64], scratch: &mut Vec<f64>) {
        self.run_at(instructions(), inputs, length, out, scratch);
    }

    pub(super) fn run_at(
        &self,
        level: Instructions,
        inputs: &[Operand<'_>],
        length: usize,
        out: &mut [f64],
        scratch: &mut Vec<f64>,
    ) {
        assert_eq!(inputs.len(), self.inputs.len(), "a program is run with as many values as it has inputs");
        assert!(inputs.len() <= MAX_INPUTS, "a program has a bounded number of inputs");
        assert!(out.len() >= self.outputs * length, "there is room for all outputs");
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
        let buffer = buffer.as_mut_ptr();
        let mut table = [const { MaybeUninit::<*const f64>::uninit() }; MAX_INPUTS];
        let mut at = 0;
        while at < length {
            let left = length - at;
            let partial = left < LANES;
            for (index, input) in inputs.iter().enumerate() {
                // SAFETY: offsets are inside the buffer by `Layout`, and `at` is inside the block as was asserted.
                table[index].write(unsafe {
                    match input {
                        Operand::Value(_) => buffer.add(layout.values + index * layout.tile),
                        Operand::Block(block) if partial => {
                            let copy = buffer.add(layout.tail + index * LANES);
                            for lane in 0..LANES {
                                copy.add(lane).write(block[at + lane.min(left - 1)]);
                            }
                            copy
                        }
                        Operand::Block(block) => block.as_ptr().add(at),
                    }
                });
            }
            // SAFETY: as above; where fewer than `LANES` cells are left, results go to the buffer first.
            unsafe {
                let mut bases = Bases {
                    buffer,
                    registers: buffer.add(layout.registers),
                    inputs: table.as_ptr().cast(),
                    out: out.as_mut_ptr().add(at),
                    stride: length,
                };
                if partial {
                    (bases.out, bases.stride) = (buffer.add(layout.tail_out), LANES);
                }
                at += run_tile(level, &self.code, bases, left.min(layout.tile));
                if partial {
                    for output in 0..self.outputs {
                        for lane in 0..left {
                            out[output * length + length - left + lane] = bases.out.add(output * LANES + lane).read();
                        }
                    }
                }
            }
        }
    }
}

/// Runs one tile of at most `left` cells (rounded up to a few) and returns how many cells that were.
unsafe fn run_tile(level: Instructions, code: &[Instruction], bases: Bases, left: usize) -> usize {
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
            (Instructions::Plain, LARGE_TILE) => tile::<LARGE_TILE, false>(code, bases),
            (Instructions::Plain, TILE) => tile::<TILE, false>(code, bases),
            (Instructions::Plain, _) => tile::<LANES, false>(code, bases),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, LARGE_TILE) => tile_fused::<LARGE_TILE>(code, bases),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, TILE) => tile_fused::<TILE>(code, bases),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, _) => tile_fused::<LANES>(code, bases),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, LARGE_TILE) => tile_wide::<LARGE_TILE>(code, bases),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, TILE) => tile_wide::<TILE>(code, bases),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, _) => tile_wide::<LANES>(code, bases),
        }
    }
    cells.min(left)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn tile_wide<const N: usize>(code: &[Instruction], bases: Bases) {
    // SAFETY: the caller vouches for the places.
    unsafe { tile::<N, true>(code, bases) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_fused<const N: usize>(code: &[Instruction], bases: Bases) {
    // SAFETY: the caller vouches for the places.
    unsafe { tile::<N, true>(code, bases) }
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

/// Distance between registers for tiles of `N` cells.
const fn pitch<const N: usize>() -> usize {
    if N > TILE { N } else { TILE }
}

impl Bases {
    /// The operand that has a value for each cell.
    #[inline(always)]
    unsafe fn block<'a, const N: usize>(self, place: Place) -> &'a [f64; N] {
        // SAFETY: the index was assigned by `Program::compile`; nobody writes there while the instruction reads, for its
        // result goes to another register or to the output.
        unsafe {
            let first = match place.base {
                0 => self.registers.add(place.index as usize * pitch::<N>()).cast_const(),
                base => *self.inputs.add(base as usize - 1),
            };
            &*first.cast()
        }
    }

    #[inline(always)]
    unsafe fn constant(self, place: Place) -> f64 {
        // SAFETY: the index was assigned by `Program::compile`.
        unsafe { *self.buffer.add(place.index as usize) }
    }

    #[inline(always)]
    unsafe fn target<'a, const N: usize>(self, to: Target) -> &'a mut [f64; N] {
        // SAFETY: as for `block`.
        unsafe {
            let first = match to {
                Target::Register(index) => self.registers.add(index as usize * pitch::<N>()),
                Target::Output(index) => self.out.add(index as usize * self.stride),
            };
            &mut *first.cast()
        }
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
unsafe fn tile<const N: usize, const FUSED: bool>(code: &[Instruction], bases: Bases) {
    for instruction in code {
        let [a, b, c] = instruction.from;
        // SAFETY: the caller vouches for the places.
        let to: &mut [f64; N] = unsafe { bases.target(instruction.to) };
        // SAFETY: as above. Each `match` below chooses by whether an operand varies.
        macro_rules! varying {
            ($place:ident) => {
                unsafe { bases.block::<N>($place) }
            };
        }
        macro_rules! fixed {
            ($place:ident) => {
                // SAFETY: as above.
                unsafe { bases.constant($place) }
            };
        }
        macro_rules! one {
            ($f:expr) => {
                match a.varies {
                    true => each(to, varying!(a), 0.0, 0.0, |a, _, _| $f(a)),
                    false => each(to, fixed!(a), 0.0, 0.0, |a, _, _| $f(a)),
                }
            };
        }
        macro_rules! two {
            ($f:expr) => {
                match (a.varies, b.varies) {
                    (true, true) => each(to, varying!(a), varying!(b), 0.0, |a, b, _| $f(a, b)),
                    (true, false) => each(to, varying!(a), fixed!(b), 0.0, |a, b, _| $f(a, b)),
                    (false, true) => each(to, fixed!(a), varying!(b), 0.0, |a, b, _| $f(a, b)),
                    (false, false) => each(to, fixed!(a), fixed!(b), 0.0, |a, b, _| $f(a, b)),
                }
            };
        }
        macro_rules! three {
            ($f:expr) => {
                match (a.varies, b.varies, c.varies) {
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
