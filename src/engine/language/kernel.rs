//! The loop that runs programs: one instruction after the other, each for a tile of cells. Where `native` has machine code of a
//! program, that is run instead, except for less than a vector of cells.
//!
//! Every operation is one small function, found in a table by the row of its code. It goes over a tile in chunks of
//! [`LANES`] cells. There is a table for processors with fused multiply-add, and one for all others; [`crate::base::processor`]
//! says which is run. The second rounds a product before it is added.
//!
//! This file handles raw addresses, as does `bound`. What makes that sound: places are made by [`Program::compile`] only, so a register
//! or constant lies inside its array, whose size [`BufferLayout`] computes; an input's address is that of a slice whose length
//! [`Program::run_into`] has checked; and a result never goes to a register that the same instruction reads.
#![expect(unsafe_code, reason = "the loop reads operands by address, after the places were checked")]

use std::mem::MaybeUninit;

use crate::base::processor::{Instructions, instructions};
use crate::engine::language::program::{
    CONSTANTS, Code, INPUTS, Instruction, LANES, OperandPlace, Program, REGISTERS, TILE,
};

/// The values of one input for a block of cells.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a> {
    /// One value for each cell.
    Block(&'a [f64]),
    /// The same value for all cells.
    Value(f64),
}

/// Room for the operands of a program: on the stack for as many as most have, so that nothing is asked of the memory.
#[derive(Debug)]
pub struct Operands<'a> {
    few: [MaybeUninit<Operand<'a>>; FEW],
    many: Vec<Operand<'a>>,
}

/// Operands that find room on the stack. Beside the work of a program with more, a piece of memory costs nothing.
const FEW: usize = 512;

impl Default for Operands<'_> {
    fn default() -> Self {
        Self { few: [const { MaybeUninit::uninit() }; FEW], many: Vec::new() }
    }
}

impl<'a> Operands<'a> {
    /// Holds the operands, and hands them out one after the other.
    #[inline]
    pub fn fill(&mut self, operands: impl ExactSizeIterator<Item = Operand<'a>>) -> &[Operand<'a>] {
        if operands.len() > FEW {
            self.many.clear();
            self.many.extend(operands);
            return &self.many;
        }
        let mut count = 0;
        for (place, operand) in self.few.iter_mut().zip(operands) {
            place.write(operand);
            count += 1;
        }
        // SAFETY: so many were just written.
        unsafe { &*(&raw const self.few[..count] as *const [Operand<'a>]) }
    }
}

/// How the buffer is divided: registers, inputs with one value for all cells, a last incomplete tile, constants where some are
/// those of the run, the result of a prelude, and the addresses of all.
struct BufferLayout {
    addresses: usize,
    constants: usize,
    single: usize,
    values: usize,
    tail: usize,
    tail_out: usize,
    size: usize,
}

impl BufferLayout {
    fn of(program: &Program) -> Self {
        let inputs = program.inputs.len();
        let values = program.registers * TILE;
        let tail = values + inputs * TILE;
        let tail_out = tail + inputs * LANES;
        let constants = tail_out + program.outputs * LANES;
        let single = constants + program.constants.len().next_multiple_of(LANES);
        let addresses = single + LANES;
        // A cache line more, so that the buffer can begin on one.
        let size = addresses + INPUTS as usize + inputs + LANES;
        Self { values, tail, tail_out, constants, single, addresses, size }
    }
}

/// Where operands and results of a tile lie.
pub(super) struct TileAddresses {
    /// Addresses of registers, of constants, and of each input, as far as they are used.
    pub from: *mut *const f64,
    /// Registers, outputs.
    pub to: [*mut f64; 2],
    /// Distance between registers, between outputs.
    pub stride: [usize; 2],
}

type TileOperation = unsafe fn(&TileAddresses, &Instruction, usize);

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
        assert!(
            self.outputs == 0 || out.len() >= (self.outputs - 1) * stride + length,
            "there is room for all outputs"
        );
        #[cfg(target_arch = "x86_64")]
        if length >= LANES
            && self.may_end(length)
            && let Some(native) = self.native(level)
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
        let layout = BufferLayout::of(self);
        let buffer = grown(scratch, layout.size);
        for (index, input) in inputs.iter().enumerate() {
            match input {
                // SAFETY: offsets are inside the buffer by `BufferLayout`.
                Operand::Value(value) => unsafe {
                    std::slice::from_raw_parts_mut(buffer.add(layout.values + index * TILE), TILE).fill(*value);
                },
                Operand::Block(block) => assert!(block.len() >= length, "a block has a value for each cell"),
            }
        }
        // SAFETY: offsets are inside the buffer by `BufferLayout`, and an address is no larger than a number.
        let from = unsafe {
            let from = buffer.add(layout.addresses).cast::<*const f64>();
            from.add(REGISTERS as usize).write(buffer.cast_const());
            from.add(CONSTANTS as usize).write(self.constants.as_ptr());
            from
        };
        let mut table = TileAddresses { from, to: [buffer, out.as_mut_ptr()], stride: [TILE, stride] };
        if !self.given.is_empty() {
            // SAFETY: offsets are inside the buffer by `BufferLayout`.
            unsafe { self.settle(level, inputs, &mut table, buffer.add(layout.constants), buffer.add(layout.single)) };
            table.to[0] = buffer;
        }
        let operations = operations(level);
        let mut at = 0;
        while at < length {
            let left = length - at;
            let partial = left < LANES;
            let chunks = (left.min(TILE) / LANES).max(1);
            for (index, input) in inputs.iter().enumerate() {
                // SAFETY: offsets are inside the buffer by `BufferLayout`, and `at` is inside the block as was asserted.
                let address = unsafe {
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
                };
                // SAFETY: the table has a place for each input.
                unsafe { from.add(INPUTS as usize + index).write(address) };
            }
            // SAFETY: as above; where fewer than `LANES` cells are left, results go to the buffer first.
            unsafe {
                if partial {
                    (table.to[1], table.stride[1]) = (buffer.add(layout.tail_out), LANES);
                } else {
                    table.to[1] = out.as_mut_ptr().add(at);
                }
                for instruction in &self.code {
                    operations[instruction.operation as usize](&table, instruction, chunks);
                }
                if partial {
                    for output in 0..self.outputs {
                        for lane in 0..left {
                            out[output * stride + at + lane] = table.to[1].add(output * LANES + lane).read();
                        }
                    }
                }
                at += chunks * LANES;
            }
        }
    }
}

impl Program {
    /// Computes what is the same for all cells, into a copy of the constants; `single` has room for one result.
    ///
    /// # Safety
    /// There is room for the constants, for their address in the table, and for a result of [`LANES`].
    pub(super) unsafe fn settle(
        &self,
        level: Instructions,
        inputs: &[Operand<'_>],
        table: &mut TileAddresses,
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
            table.from.add(CONSTANTS as usize).write(constants.cast_const());
            table.to[0] = single;
            let operations = operations_for_one(level);
            for (instruction, constant) in &self.prelude {
                operations[instruction.operation as usize](table, instruction, 1);
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

impl TileAddresses {
    #[inline(always)]
    unsafe fn address(&self, place: OperandPlace) -> *const f64 {
        // SAFETY: base and index were assigned by `Program::compile`, and the table has an address for every base used.
        unsafe { self.from.add(place.base as usize).read().add(place.index as usize) }
    }

    #[inline(always)]
    unsafe fn target(&self, instruction: &Instruction) -> *mut f64 {
        let to = instruction.to;
        let kind = usize::from(to.output);
        // SAFETY: as above.
        unsafe { self.to[kind].add(to.index as usize * self.stride[kind]) }
    }
}

/// Computes `f` of the first `N` operands for `chunks` times `W` cells. An operand that is the same for all cells is
/// repeated once, and then read again for every chunk: so one loop serves all kinds of operands. The plain loop over lanes is
/// what the compiler turns into vector instructions.
///
/// # Safety
/// The places of the instruction are good for so many cells.
#[inline(always)]
unsafe fn each<const W: usize, const N: usize>(
    table: &TileAddresses,
    instruction: &Instruction,
    chunks: usize,
    f: impl Fn([f64; N]) -> f64,
) {
    // SAFETY: the caller vouches for the places; nobody else writes the result, which no operand overlaps.
    unsafe {
        let mut same = [[0.0; W]; N];
        let mut from: [(*const [f64; W], usize); N] = [(std::ptr::null(), 0); N];
        for operand in 0..N {
            let place = instruction.from[operand];
            let address = table.address(place);
            from[operand] = if place.varies {
                (address.cast(), 1)
            } else {
                same[operand] = [*address; W];
                (&raw const same[operand], 0)
            };
        }
        let to = table.target(instruction).cast::<[f64; W]>();
        for chunk in 0..chunks {
            let values: [[f64; W]; N] =
                std::array::from_fn(|operand| from[operand].0.add(chunk * from[operand].1).read());
            let result: [f64; W] = std::array::from_fn(|lane| f(std::array::from_fn(|operand| values[operand][lane])));
            to.add(chunk).write(result);
        }
    }
}

/// a b + c, in one rounding where the processor does that quickly.
#[inline(always)]
fn fused<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// The operation in row `ROW` of the tables.
#[inline(always)]
unsafe fn operate<const W: usize, const FUSED: bool, const ROW: u8>(
    table: &TileAddresses,
    instruction: &Instruction,
    chunks: usize,
) {
    // SAFETY: the caller vouches for the places.
    unsafe {
        match ROW {
            0 => each::<W, _>(table, instruction, chunks, |[a]| a),
            1 => each::<W, _>(table, instruction, chunks, |[a, b]| a + b),
            2 => each::<W, _>(table, instruction, chunks, |[a, b]| a - b),
            3 => each::<W, _>(table, instruction, chunks, |[a, b]| a * b),
            4 => each::<W, _>(table, instruction, chunks, |[a, b]| a / b),
            5 => each::<W, _>(table, instruction, chunks, |[a]| -a),
            6 => each::<W, _>(table, instruction, chunks, |[a, b, c]| fused::<FUSED>(a, b, c)),
            7 => each::<W, _>(table, instruction, chunks, |[a, b, c]| fused::<FUSED>(a, b, -c)),
            8 => each::<W, _>(table, instruction, chunks, |[a, b, c]| fused::<FUSED>(-a, b, c)),
            9 => each::<W, _>(table, instruction, chunks, |[a, b]| if a < b { a } else { b }),
            10 => each::<W, _>(table, instruction, chunks, |[a, b]| if a > b { a } else { b }),
            11 => each::<W, _>(table, instruction, chunks, |[a, b]| if a < b { 1.0 } else { 0.0 }),
            12 => each::<W, _>(table, instruction, chunks, |[a, b]| if a <= b { 1.0 } else { 0.0 }),
            13 => each::<W, _>(table, instruction, chunks, |[a, b, c]| if a != 0.0 { b } else { c }),
            14 => each::<W, _>(table, instruction, chunks, |[a, b]| a.powf(b)),
            _ => {
                if let Code::Apply(function) = instruction.code {
                    each::<W, _>(table, instruction, chunks, |[a]| function.of(a));
                }
            }
        }
    }
}

/// Rows of the tables, one for each code.
const ROWS: usize = 16;

unsafe fn plain<const W: usize, const ROW: u8>(table: &TileAddresses, instruction: &Instruction, chunks: usize) {
    // SAFETY: the caller vouches for the places.
    unsafe { operate::<W, false, ROW>(table, instruction, chunks) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn vector<const W: usize, const ROW: u8>(table: &TileAddresses, instruction: &Instruction, chunks: usize) {
    // SAFETY: the caller vouches for the places.
    unsafe { operate::<W, true, ROW>(table, instruction, chunks) }
}

macro_rules! rows {
    ($of:ident $width:expr; $($row:literal)*) => {{
        static TABLE: [TileOperation; ROWS] = [$($of::<{ $width }, $row>),*];
        &TABLE
    }};
}

/// The same for a single value.
fn operations_for_one(level: Instructions) -> &'static [TileOperation; ROWS] {
    match level {
        Instructions::Plain => rows!(plain 1; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15),
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 | Instructions::Avx512 => rows!(vector 1; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15),
    }
}

/// The operations of a set of instructions. The widest set is left to machine code.
fn operations(level: Instructions) -> &'static [TileOperation; ROWS] {
    match level {
        Instructions::Plain => rows!(plain LANES; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15),
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 | Instructions::Avx512 => rows!(vector LANES; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15),
    }
}
