//! Writes x86-64 vector instructions: the few that programs are made of.
//!
//! With 512-bit vectors in the EVEX form, with 256-bit ones in the VEX form, as the processor's manual lays them out (Intel 64
//! and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2). Vectors hold double precision numbers.

/// A general register, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct General(u8);

impl General {
    /// Free for short use.
    pub const SHORT: Self = Self(0);
    pub const RBX: Self = Self(3);
    /// Those that nothing else is kept in, where no function is called.
    pub const FREE: [Self; 8] = [Self(1), Self(2), Self(6), Self(7), Self(8), Self(9), Self(10), Self(11)];
    pub const R12: Self = Self(12);
    pub const R13: Self = Self(13);
    pub const R14: Self = Self(14);
    pub const R15: Self = Self(15);
}

/// A vector register, by its number.
pub(super) type Vector = u8;

/// The last operand of an instruction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum AssemblyOperand {
    Register(Vector),
    /// A vector at base + displacement.
    Near(General, i32),
    /// A vector at base + index + displacement.
    Indexed(General, General, i32),
    /// One number at base + displacement, for all lanes. 512-bit form only, but for [`Assembler::broadcast`].
    Repeated(General, i32),
}

/// An opcode: the map of opcodes (1: 0F, 2: 0F38, 3: 0F3A), the code, and W in the VEX form; W is 1 in the EVEX form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opcode(u8, u8, bool);

impl Opcode {
    pub const LOAD: Self = Self(1, 0x10, false);
    pub const STORE: Self = Self(1, 0x11, false);
    pub const MOVE: Self = Self(1, 0x28, false);
    pub const SQRT: Self = Self(1, 0x51, false);
    pub const ADD: Self = Self(1, 0x58, false);
    pub const MULTIPLY: Self = Self(1, 0x59, false);
    pub const SUBTRACT: Self = Self(1, 0x5c, false);
    pub const MINIMUM: Self = Self(1, 0x5d, false);
    pub const DIVIDE: Self = Self(1, 0x5e, false);
    pub const MAXIMUM: Self = Self(1, 0x5f, false);
    const COMPARE: Self = Self(1, 0xc2, false);
    const BROADCAST: Self = Self(2, 0x19, false);
    const BLEND_BY_MASK: Self = Self(2, 0x65, true);
    const BLEND_BY_VECTOR: Self = Self(3, 0x4b, false);
    /// On whole numbers where vectors have 512 bits, as the other form needs more of the processor.
    const AND: [Self; 2] = [Self(1, 0x54, false), Self(1, 0xdb, true)];
    const EXCLUSIVE_OR: [Self; 2] = [Self(1, 0x57, false), Self(1, 0xef, true)];

    /// to ← to · last + middle, of ab + c (0x98), ab − c (0x9a), c − ab (0x9c).
    pub fn fused_132(code: u8) -> Self {
        Self(2, code, true)
    }
    /// to ← middle · to + last
    pub fn fused_213(code: u8) -> Self {
        Self(2, code + 0x10, true)
    }
    /// to ← middle · last + to
    pub fn fused_231(code: u8) -> Self {
        Self(2, code + 0x20, true)
    }
}

/// Which numbers a comparison holds for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Comparison {
    /// Ordered and less.
    Less = 17,
    /// Ordered and less or equal.
    LessEqual = 18,
    /// Not equal, or not ordered.
    NotEqual = 4,
}

/// Instructions one after the other.
#[derive(Debug)]
pub(super) struct Assembler {
    pub code: Vec<u8>,
    /// Whether vectors have 512 bits rather than 256.
    wide: bool,
}

/// The mask register that comparisons of 512-bit vectors write.
const MASK: u8 = 1;
/// Bytes of a 512-bit vector, and of a number.
const VECTOR: i32 = 64;
const NUMBER: i32 = 8;

impl Assembler {
    pub fn new(wide: bool) -> Self {
        Self { code: Vec::new(), wide }
    }

    fn byte(&mut self, byte: u8) {
        self.code.push(byte);
    }

    /// to ← middle `opcode` last
    pub fn three(&mut self, opcode: Opcode, to: Vector, middle: Vector, last: AssemblyOperand) {
        let size = if matches!(last, AssemblyOperand::Repeated(..)) { NUMBER } else { VECTOR };
        self.encode(opcode, to, middle, last, 0, size);
    }

    /// to ← `opcode` last
    pub fn two(&mut self, opcode: Opcode, to: Vector, last: AssemblyOperand) {
        self.three(opcode, to, 0, last);
    }

    /// Writes a register to memory.
    pub fn store(&mut self, from: Vector, to: AssemblyOperand) {
        self.two(Opcode::STORE, from, to);
    }

    /// to ← the number at base + displacement, in all lanes
    pub fn broadcast(&mut self, to: Vector, base: General, displacement: i32) {
        self.encode(Opcode::BROADCAST, to, 0, AssemblyOperand::Near(base, displacement), 0, NUMBER);
    }

    /// to ← middle and last, bit by bit
    pub fn and(&mut self, to: Vector, middle: Vector, last: AssemblyOperand) {
        self.three(Opcode::AND[usize::from(self.wide)], to, middle, last);
    }

    /// to ← middle exclusive or last, bit by bit
    pub fn exclusive_or(&mut self, to: Vector, middle: Vector, last: AssemblyOperand) {
        self.three(Opcode::EXCLUSIVE_OR[usize::from(self.wide)], to, middle, last);
    }

    /// to ← `yes` where left and right compare so, else `no`. `to` may be `yes` or `no`, but neither of the others in the
    /// 256-bit form.
    pub fn choose(
        &mut self,
        to: Vector,
        [left, right]: [Vector; 2],
        comparison: Comparison,
        [yes, no]: [Vector; 2],
        mask: Vector,
    ) {
        let code = comparison as u8;
        if self.wide {
            self.encode(Opcode::COMPARE, MASK, left, AssemblyOperand::Register(right), 0, VECTOR);
            self.byte(code);
            self.encode(Opcode::BLEND_BY_MASK, to, no, AssemblyOperand::Register(yes), MASK, VECTOR);
        } else {
            self.encode(Opcode::COMPARE, mask, left, AssemblyOperand::Register(right), 0, VECTOR);
            self.byte(code);
            self.encode(Opcode::BLEND_BY_VECTOR, to, no, AssemblyOperand::Register(yes), 0, VECTOR);
            self.byte(mask << 4);
        }
    }

    /// `size` is that of the last operand, in which short displacements count in the EVEX form.
    fn encode(
        &mut self,
        Opcode(map, code, wide_bit): Opcode,
        register: Vector,
        middle: Vector,
        last: AssemblyOperand,
        mask: u8,
        size: i32,
    ) {
        // Bits 3 and 4 of what stands in the last operand.
        let (third, fourth, repeated) = match last {
            AssemblyOperand::Register(vector) => (vector >> 3 & 1, vector >> 4 & 1, false),
            AssemblyOperand::Near(base, _) => (base.0 >> 3, 0, false),
            AssemblyOperand::Indexed(base, index, _) => (base.0 >> 3, index.0 >> 3, false),
            AssemblyOperand::Repeated(base, _) => (base.0 >> 3, 0, true),
        };
        let inverted = |bit: u8, at: u8| (bit & 1 ^ 1) << at;
        if self.wide {
            self.byte(0x62);
            self.byte(
                inverted(register >> 3, 7)
                    | inverted(fourth, 6)
                    | inverted(third, 5)
                    | inverted(register >> 4, 4)
                    | map,
            );
            self.byte(1 << 7 | (!middle & 15) << 3 | 1 << 2 | 1);
            self.byte(0b10 << 5 | u8::from(repeated) << 4 | inverted(middle >> 4, 3) | mask);
        } else {
            debug_assert!(!repeated && register < 16 && middle < 16);
            self.byte(0xc4);
            self.byte(inverted(register >> 3, 7) | inverted(fourth, 6) | inverted(third, 5) | map);
            self.byte(u8::from(wide_bit) << 7 | (!middle & 15) << 3 | 1 << 2 | 1);
        }
        self.byte(code);
        self.operand(register, last, if self.wide { size } else { 1 });
    }

    /// The bytes that name the operands. A short displacement counts in `size`.
    fn operand(&mut self, register: u8, last: AssemblyOperand, size: i32) {
        let register = (register & 7) << 3;
        let (base, index, displacement) = match last {
            AssemblyOperand::Register(vector) => return self.byte(0b11 << 6 | register | vector & 7),
            AssemblyOperand::Near(base, displacement) | AssemblyOperand::Repeated(base, displacement) => {
                (base, None, displacement)
            }
            AssemblyOperand::Indexed(base, index, displacement) => (base, Some(index), displacement),
        };
        let short = i8::try_from(displacement / size).ok().filter(|_| displacement % size == 0);
        // Two bases have no form without a displacement.
        let form = match short {
            Some(0) if base.0 & 7 != 5 => 0b00,
            Some(_) => 0b01,
            None => 0b10,
        };
        match index {
            Some(index) => {
                self.byte(form << 6 | register | 0b100);
                self.byte((index.0 & 7) << 3 | base.0 & 7);
            }
            None => {
                self.byte(form << 6 | register | base.0 & 7);
                if base.0 & 7 == 4 {
                    self.byte(0x24);
                }
            }
        }
        match (form, short) {
            (0b00, _) => {}
            (_, Some(short)) => self.byte(short as u8),
            (_, None) => self.code.extend(displacement.to_le_bytes()),
        }
    }

    /// to ← the address at base + displacement
    pub fn load_address(&mut self, to: General, base: General, displacement: i32) {
        self.byte(0x48 | to.0 >> 3 << 2 | base.0 >> 3);
        self.byte(0x8b);
        self.operand(to.0, AssemblyOperand::Near(base, displacement), 1);
    }

    /// Saves the registers that belong to the caller, and takes the six arguments of a function with the System V convention
    /// into rbx, r14, r15, r13, rbp, r12.
    pub fn begin(&mut self) {
        // push rbx, rbp, r12, r13, r14, r15; sub rsp, 8
        self.code.extend([0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x48, 0x83, 0xec, 0x08]);
        // mov rbx, rdi; mov r14, rsi; mov r15, rdx; mov r13, rcx; mov rbp, r8
        self.code.extend([0x48, 0x89, 0xfb, 0x49, 0x89, 0xf6, 0x49, 0x89, 0xd7, 0x49, 0x89, 0xcd, 0x4c, 0x89, 0xc5]);
        // mov r12, r9
        self.code.extend([0x4d, 0x89, 0xcc]);
    }

    /// Adds to r12, and goes back to `start` as long as it is below rbp.
    pub fn repeat(&mut self, step: i32, start: usize) {
        // add r12, step; cmp r12, rbp; jb start
        self.code.extend([0x49, 0x81, 0xc4]);
        self.code.extend(step.to_le_bytes());
        self.code.extend([0x49, 0x39, 0xec, 0x0f, 0x82]);
        let back = start as i64 - (self.code.len() as i64 + 4);
        self.code.extend((back as i32).to_le_bytes());
    }

    /// Leaves vectors as other code expects them.
    pub fn clean(&mut self) {
        self.code.extend([0xc5, 0xf8, 0x77]);
    }

    /// Gives back what [`Assembler::begin`] saved, and returns.
    pub fn end(&mut self) {
        self.clean();
        self.code.extend([0x48, 0x83, 0xc4, 0x08, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3]);
    }

    /// Calls a function with the System V convention, whose first argument is a number and whose second is base + displacement.
    pub fn call(&mut self, function: usize, first: u32, second: (General, i32)) {
        self.clean();
        // mov edi, first
        self.byte(0xbf);
        self.code.extend(first.to_le_bytes());
        // lea rsi, [base + displacement]
        let (base, displacement) = second;
        self.byte(0x48 | base.0 >> 3);
        self.byte(0x8d);
        self.operand(6, AssemblyOperand::Near(base, displacement), 1);
        // mov rax, function; call rax
        self.code.extend([0x48, 0xb8]);
        self.code.extend((function as u64).to_le_bytes());
        self.code.extend([0xff, 0xd0]);
    }
}
