//! The loop that runs programs: one instruction after the other, each for a tile of cells. Where `native` has machine code of a
//! program, that is run instead, except for less than a vector of cells.
//!
//! Every operation is one small function for each kind of its operands (a value for each cell, or a constant) and each width
//! of tile, found in a table. The tables exist for processors with 512-bit vectors, with 256-bit vectors and fused
//! multiply-add, and for all others; [`crate::processor`] says which are run. The first two give the same bits; the last
//! rounds a product before it is added.
//!
//! This file handles raw addresses, as does `bound`. What makes that sound: places are made by [`Program::compile`] only, so a register
//! or constant lies inside its array, whose size [`Layout`] computes; an input's address is that of a slice whose length
//! [`Program::run_into`] has checked; and a result never goes to a register that the same instruction reads.

use std::mem::MaybeUninit;

use crate::language::program::{Code, Instruction, LANES, Place, Program, ROOM, TILE};
use crate::processor::{Instructions, instructions};

/// The values of one input for a block of cells.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a> {
    /// One value for each cell.
    Block(&'a [f64]),
    /// The same value for all cells.
    Value(f64),
}

/// How the buffer is divided: registers, inputs with one value for all cells, a last incomplete tile, constants where some are
/// those of the run, and the result of a prelude.
struct Layout {
    constants: usize,
    single: usize,
    values: usize,
    tail: usize,
    tail_out: usize,
    size: usize,
}

impl Layout {
    fn of(program: &Program) -> Self {
        let inputs = program.inputs.len();
        let values = program.registers * TILE;
        let tail = values + inputs * TILE;
        let tail_out = tail + inputs * LANES;
        let constants = tail_out + program.outputs * LANES;
        let single = constants + program.constants.len().next_multiple_of(LANES);
        // A cache line more, so that the buffer can begin on one.
        Self { values, tail, tail_out, constants, single, size: single + 2 * LANES }
    }
}

/// Where operands and results of a tile lie.
pub(super) struct Table {
    /// Registers, then each input, then constants.
    pub from: [MaybeUninit<*const f64>; ROOM + 2],
    /// Registers, outputs.
    pub to: [*mut f64; 2],
    /// Distance between registers, between outputs.
    pub stride: [usize; 2],
}

type Operation = unsafe fn(&Table, &Instruction);

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
        assert!(inputs.len() <= ROOM, "a program has a bounded number of inputs");
        assert!(stride >= length, "outputs do not overlap");
        assert!(
            self.outputs == 0 || out.len() >= (self.outputs - 1) * stride + length,
            "there is room for all outputs"
        );
        #[cfg(target_arch = "x86_64")]
        if length >= LANES
            && self.may_end(length)
            && let Some(native) = self.native.of(self, level)
        {
            let prepared = self.prepare(native, level, inputs, length, scratch);
            return prepared.run_all(inputs, 0..length, out, stride);
        }
        self.interpret(level, inputs, length, out, stride, scratch);
    }

    /// [`Program::run_at`] without machine code: the reference.
    pub(super) fn interpret(
        &self,
        level: Instructions,
        inputs: &[Operand<'_>],
        length: usize,
        out: &mut [f64],
        stride: usize,
        scratch: &mut Vec<f64>,
    ) {
        let layout = Layout::of(self);
        let buffer = grown(scratch, layout.size);
        for (index, input) in inputs.iter().enumerate() {
            match input {
                // SAFETY: offsets are inside the buffer by `Layout`.
                Operand::Value(value) => unsafe {
                    std::slice::from_raw_parts_mut(buffer.add(layout.values + index * TILE), TILE).fill(*value);
                },
                Operand::Block(block) => assert!(block.len() >= length, "a block has a value for each cell"),
            }
        }
        let mut table = Table {
            from: [const { MaybeUninit::uninit() }; ROOM + 2],
            to: [buffer, out.as_mut_ptr()],
            stride: [TILE, stride],
        };
        table.from[0].write(buffer.cast_const());
        table.from[inputs.len() + 1].write(self.constants.as_ptr());
        if !self.given.is_empty() {
            // SAFETY: offsets are inside the buffer by `Layout`.
            unsafe { self.settle(level, inputs, &mut table, buffer.add(layout.constants), buffer.add(layout.single)) };
            table.to[0] = buffer;
        }
        let mut at = 0;
        while at < length {
            let left = length - at;
            let partial = left < LANES;
            for (index, input) in inputs.iter().enumerate() {
                // SAFETY: offsets are inside the buffer by `Layout`, and `at` is inside the block as was asserted.
                table.from[index + 1].write(unsafe {
                    match input {
                        Operand::Value(_) => buffer.add(layout.values + index * TILE),
                        Operand::Block(block) if partial => {
                            let copy = buffer.add(layout.tail + index * LANES);
                            for lane in 0..LANES {
                                copy.add(lane).write(block[at + lane.min(left - 1)]);
                            }
                            copy
                        }
                        Operand::Block(block) => {
                            let first = block.as_ptr().add(at);
                            if left >= TILE {
                                fetch(first);
                            }
                            first
                        }
                    }
                });
            }
            // SAFETY: as above; where fewer than `LANES` cells are left, results go to the buffer first.
            unsafe {
                if partial {
                    (table.to[1], table.stride[1]) = (buffer.add(layout.tail_out), LANES);
                } else {
                    table.to[1] = out.as_mut_ptr().add(at);
                }
                let (width, operations) = operations(level, left);
                for instruction in &self.code {
                    operations[instruction.operation as usize](&table, instruction);
                }
                if partial {
                    for output in 0..self.outputs {
                        for lane in 0..left {
                            out[output * stride + at + lane] = table.to[1].add(output * LANES + lane).read();
                        }
                    }
                }
                at += width;
            }
        }
    }
}

impl Program {
    /// Computes what is the same for all cells, into a copy of the constants; `single` has room for one result.
    ///
    /// # Safety
    /// There is room for the constants and for a result of [`LANES`].
    pub(super) unsafe fn settle(
        &self,
        level: Instructions,
        inputs: &[Operand<'_>],
        table: &mut Table,
        constants: *mut f64,
        single: *mut f64,
    ) {
        // SAFETY: the caller vouches for the room. An instruction of the prelude reads constants alone, and writes a few lanes
        // to a register of its own.
        unsafe {
            constants.copy_from_nonoverlapping(self.constants.as_ptr(), self.constants.len());
            for &(input, constant) in &self.given {
                let Operand::Value(value) = inputs[input as usize] else { panic!("a uniform input has one value") };
                constants.add(constant as usize).write(value);
            }
            table.from[inputs.len() + 1].write(constants.cast_const());
            table.to[0] = single;
            let (_, operations) = operations(level, LANES);
            for (instruction, constant) in &self.prelude {
                operations[instruction.operation as usize](table, instruction);
                constants.add(*constant as usize).write(single.read());
            }
        }
    }
}

/// The buffer with so much room, from a cache line on.
pub(super) fn grown(scratch: &mut Vec<f64>, size: usize) -> *mut f64 {
    if scratch.len() < size {
        scratch.resize(size, 0.0);
    }
    let skip = scratch.as_ptr().align_offset(LANES * size_of::<f64>()).min(LANES);
    scratch[skip..].as_mut_ptr()
}

/// Asks for a tile of an input before anybody waits for it. Instructions touch few inputs each, so without this their waits for
/// the outer caches would come one after the other.
#[inline(always)]
fn fetch(first: *const f64) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..TILE / LANES {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing, so any address will do.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(first.wrapping_add(line * LANES).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = first;
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

impl Table {
    #[inline(always)]
    unsafe fn address(&self, place: Place) -> *const f64 {
        // SAFETY: base and index were assigned by `Program::compile`, and the table has an address for every base used.
        unsafe { self.from.get_unchecked(place.base as usize).assume_init_read().add(place.index as usize) }
    }

    /// The operand that has a value for each cell.
    #[inline(always)]
    unsafe fn block<'a, const N: usize>(&self, place: Place) -> &'a [f64; N] {
        // SAFETY: as above; nobody writes there while the instruction reads, for its result goes elsewhere.
        unsafe { &*self.address(place).cast() }
    }

    #[inline(always)]
    unsafe fn target<'a, const N: usize>(&self, instruction: &Instruction) -> &'a mut [f64; N] {
        let to = instruction.to;
        let kind = usize::from(to.output);
        // SAFETY: as above.
        unsafe { &mut *self.to[kind].add(to.index as usize * self.stride[kind]).cast() }
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

/// The operation in row `ROW` of the tables for operands of kind `KIND` (bit i: operand i has a value for each cell).
#[inline(always)]
unsafe fn operate<const N: usize, const FUSED: bool, const ROW: u8, const KIND: u8>(
    table: &Table,
    instruction: &Instruction,
) {
    let [a, b, c] = instruction.from;
    // SAFETY: the caller vouches for the places.
    let to: &mut [f64; N] = unsafe { table.target(instruction) };
    macro_rules! one {
        ($f:expr) => {
            // SAFETY: as above. `KIND` says which operands vary.
            match KIND & 1 {
                1 => each(to, unsafe { table.block::<N>(a) }, 0.0, 0.0, |a, _, _| $f(a)),
                _ => each(to, unsafe { *table.address(a) }, 0.0, 0.0, |a, _, _| $f(a)),
            }
        };
    }
    macro_rules! with_two {
        ($a:expr, $f:expr) => {
            match KIND & 2 {
                2 => each(to, $a, unsafe { table.block::<N>(b) }, 0.0, |a, b, _| $f(a, b)),
                _ => each(to, $a, unsafe { *table.address(b) }, 0.0, |a, b, _| $f(a, b)),
            }
        };
    }
    macro_rules! two {
        ($f:expr) => {
            // SAFETY: as above.
            match KIND & 1 {
                1 => with_two!(unsafe { table.block::<N>(a) }, $f),
                _ => with_two!(unsafe { *table.address(a) }, $f),
            }
        };
    }
    macro_rules! with_three {
        ($a:expr, $b:expr, $f:expr) => {
            match KIND & 4 {
                4 => each(to, $a, $b, unsafe { table.block::<N>(c) }, $f),
                _ => each(to, $a, $b, unsafe { *table.address(c) }, $f),
            }
        };
    }
    macro_rules! three {
        ($f:expr) => {
            // SAFETY: as above.
            match KIND & 3 {
                3 => with_three!(unsafe { table.block::<N>(a) }, unsafe { table.block::<N>(b) }, $f),
                2 => with_three!(unsafe { *table.address(a) }, unsafe { table.block::<N>(b) }, $f),
                1 => with_three!(unsafe { table.block::<N>(a) }, unsafe { *table.address(b) }, $f),
                _ => with_three!(unsafe { *table.address(a) }, unsafe { *table.address(b) }, $f),
            }
        };
    }
    match ROW {
        0 => one!(|a: f64| a),
        1 => two!(|a: f64, b: f64| a + b),
        2 => two!(|a: f64, b: f64| a - b),
        3 => two!(|a: f64, b: f64| a * b),
        4 => two!(|a: f64, b: f64| a / b),
        5 => one!(|a: f64| -a),
        6 => three!(fused::<FUSED>),
        7 => three!(|a, b, c: f64| fused::<FUSED>(a, b, -c)),
        8 => three!(|a: f64, b, c| fused::<FUSED>(-a, b, c)),
        9 => two!(|a: f64, b: f64| if a < b { a } else { b }),
        10 => two!(|a: f64, b: f64| if a > b { a } else { b }),
        11 => two!(|a: f64, b: f64| if a < b { 1.0 } else { 0.0 }),
        12 => two!(|a: f64, b: f64| if a <= b { 1.0 } else { 0.0 }),
        13 => three!(|a: f64, b: f64, c: f64| if a != 0.0 { b } else { c }),
        14 => two!(|a: f64, b: f64| a.powf(b)),
        _ => {
            if let Code::Apply(function) = instruction.code {
                one!(|a| function.of(a));
            }
        }
    }
}

/// Rows of the tables, one for each code.
const ROWS: usize = 16;

/// The place of an instruction in the tables.
pub(super) fn operation(code: Code, from: &[Place; 3]) -> u8 {
    let row = match code {
        Code::Copy => 0,
        Code::Add => 1,
        Code::Subtract => 2,
        Code::Multiply => 3,
        Code::Divide => 4,
        Code::Negate => 5,
        Code::MultiplyAdd => 6,
        Code::MultiplySubtract => 7,
        Code::SubtractProduct => 8,
        Code::Minimum => 9,
        Code::Maximum => 10,
        Code::Less => 11,
        Code::LessEqual => 12,
        Code::Choose => 13,
        Code::RealPower => 14,
        Code::Apply(_) => 15,
    };
    let kind = (0..3).filter(|&i| from[i].varies).map(|i| 1 << i).sum::<u8>();
    row * 8 + kind
}

unsafe fn plain<const N: usize, const ROW: u8, const KIND: u8>(table: &Table, instruction: &Instruction) {
    // SAFETY: the caller vouches for the places.
    unsafe { operate::<N, false, ROW, KIND>(table, instruction) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn narrow<const N: usize, const ROW: u8, const KIND: u8>(table: &Table, instruction: &Instruction) {
    // SAFETY: the caller vouches for the places.
    unsafe { operate::<N, true, ROW, KIND>(table, instruction) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn wide<const N: usize, const ROW: u8, const KIND: u8>(table: &Table, instruction: &Instruction) {
    // SAFETY: the caller vouches for the places.
    unsafe { operate::<N, true, ROW, KIND>(table, instruction) }
}

macro_rules! row {
    ($of:ident, $n:expr, $row:expr) => {
        [
            $of::<{ $n }, $row, 0>,
            $of::<{ $n }, $row, 1>,
            $of::<{ $n }, $row, 2>,
            $of::<{ $n }, $row, 3>,
            $of::<{ $n }, $row, 4>,
            $of::<{ $n }, $row, 5>,
            $of::<{ $n }, $row, 6>,
            $of::<{ $n }, $row, 7>,
        ]
    };
}

macro_rules! operations {
    ($of:ident, $n:expr) => {{
        const ALL: [[Operation; 8]; ROWS] = [
            row!($of, $n, 0),
            row!($of, $n, 1),
            row!($of, $n, 2),
            row!($of, $n, 3),
            row!($of, $n, 4),
            row!($of, $n, 5),
            row!($of, $n, 6),
            row!($of, $n, 7),
            row!($of, $n, 8),
            row!($of, $n, 9),
            row!($of, $n, 10),
            row!($of, $n, 11),
            row!($of, $n, 12),
            row!($of, $n, 13),
            row!($of, $n, 14),
            row!($of, $n, 15),
        ];
        static TABLE: [[Operation; 8]; ROWS] = ALL;
        ($n, TABLE.as_flattened())
    }};
}

/// The width of the next tile and its operations, for `left` cells.
fn operations(level: Instructions, left: usize) -> (usize, &'static [Operation]) {
    const HALF: usize = 2 * LANES;
    match (level, left) {
        (Instructions::Plain, TILE..) => operations!(plain, TILE),
        (Instructions::Plain, HALF..) => operations!(plain, HALF),
        (Instructions::Plain, _) => operations!(plain, LANES),
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx2, TILE..) => operations!(narrow, TILE),
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx2, HALF..) => operations!(narrow, HALF),
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx2, _) => operations!(narrow, LANES),
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx512, TILE..) => operations!(wide, TILE),
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx512, HALF..) => operations!(wide, HALF),
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx512, _) => operations!(wide, LANES),
    }
}
