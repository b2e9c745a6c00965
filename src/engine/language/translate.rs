//! From programs to machine code of this processor, which `native` runs.
//!
//! **Registers.** A program is one straight line, so it is known when each value is needed next. Where a register is wanted
//! and none is free, the value whose next use is furthest is put away (Belady 1966): inputs and constants can be read again where
//! they stand, results are stored. What is read from memory for one use is an operand of that operation.
#![expect(unsafe_code, reason = "machine code calls a function by its address")]

use std::collections::HashMap;

use crate::base::processor::Instructions;
use crate::engine::language::assembler::{Assembler, AssemblyOperand, Comparison, General, Opcode, Vector};
use crate::engine::language::graph::Function;
use crate::engine::language::native::Native;
use crate::engine::language::program::{CONSTANTS, Code, INPUTS, Instruction, OperandPlace, Program, REGISTERS, TILE};

impl Program {
    /// Its machine code for an instruction set, if there can be any.
    pub(super) fn native(&self, level: Instructions) -> Option<&Native> {
        let wide = match level {
            Instructions::Plain => return None,
            Instructions::Avx2 => false,
            Instructions::Avx512 => true,
        };
        self.native.of(wide, || {
            let (code, space) = Translation::of(self, wide);
            Native::new(&code, space)
        })
    }
}

/// Lanes of the widest vector; places in a function's space are of this size.
const LANES: usize = 8;
/// Where the arguments are kept.
const FROM: General = General::RBX;
const TO: General = General::R14;
const NUMBERS: General = General::R15;
const SPACE: General = General::R13;
const AT: General = General::R12;
/// Slots of the space that calls use.
const CALL_SLOTS: u32 = 2;
/// Registers beside those that results need: for inputs that are needed again, and operands.
const WORKING: usize = 8;
/// A value that is needed again within so many operations is worth a register.
const SOON: usize = 40;

/// A value of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Value {
    Input(u32),
    Constant(u32),
    Result(u32),
}

/// Where a value is, and when it is needed.
#[derive(Debug, Default)]
struct State {
    register: Option<Vector>,
    /// Whether it stays in its register for good.
    fixed: bool,
    slot: Option<u32>,
    /// Operations that use it, the next one last.
    uses: Vec<usize>,
}

/// Where the result of an operation goes.
#[derive(Debug, Clone, Copy)]
enum To {
    Value(Value),
    Output(u32),
}

/// An operation on values.
struct ValueOperation {
    code: Code,
    from: Vec<Value>,
    to: To,
}

/// The operations of a program on values instead of registers that are used again.
fn steps(program: &Program) -> Vec<ValueOperation> {
    let mut current: HashMap<u32, u32> = HashMap::new();
    let mut list = Vec::with_capacity(program.code.len());
    for (index, &Instruction { code, to, from, .. }) in program.code.iter().enumerate() {
        let value = |place: &OperandPlace| match place.base {
            REGISTERS => Value::Result(current[&(place.index / TILE as u32)]),
            CONSTANTS => Value::Constant(place.index),
            base => Value::Input(base - INPUTS),
        };
        let from = from[..operands(code)].iter().map(value).collect();
        let to = if to.output {
            To::Output(to.index)
        } else {
            current.insert(to.index, index as u32);
            To::Value(Value::Result(index as u32))
        };
        list.push(ValueOperation { code, from, to });
    }
    list
}

fn operands(code: Code) -> usize {
    match code {
        Code::Copy | Code::Negate | Code::Apply(_) => 1,
        Code::MultiplyAdd | Code::MultiplySubtract | Code::SubtractProduct | Code::Choose => 3,
        _ => 2,
    }
}

/// A function of the language for some lanes: a ← f(a), or a ← a to the power b, where a and b are vectors one after the other.
extern "sysv64" fn apply(function: u32, values: *mut [[f64; LANES]; 2]) {
    const FUNCTIONS: [Function; 7] =
        [Function::Exp, Function::Log, Function::Sqrt, Function::Tanh, Function::Sin, Function::Cos, Function::Abs];
    // SAFETY: the code hands over the first slots of its space.
    let [a, b] = unsafe { &mut *values };
    match FUNCTIONS.get(function as usize) {
        Some(function) => a.iter_mut().for_each(|a| *a = function.of(*a)),
        None => a.iter_mut().zip(b).for_each(|(a, b)| *a = a.powf(*b)),
    }
}

/// The number of [`apply`] for a power.
const POWER: u32 = u32::MAX;

struct Translation {
    assembler: Assembler,
    wide: bool,
    values: HashMap<Value, State>,
    /// What each register holds.
    holds: Vec<Option<Value>>,
    free_slots: Vec<u32>,
    slots: u32,
    /// The operation that is being translated.
    now: usize,
    /// Where `MORE` begins.
    more: u32,
    /// Addresses of inputs, then of outputs, that are kept in registers.
    addresses: Vec<Option<General>>,
    /// Inputs that lie at a distance from another one [bytes].
    beside: Vec<(u32, i32)>,
}

impl Translation {
    /// The code of a program, and how many numbers of space it needs.
    fn of(program: &Program, wide: bool) -> (Vec<u8>, usize) {
        let mut own = Self {
            assembler: Assembler::new(wide),
            wide,
            values: HashMap::new(),
            holds: vec![None; if wide { 32 } else { 16 }],
            free_slots: Vec::new(),
            slots: CALL_SLOTS,
            now: 0,
            more: program.constants.len() as u32,
            addresses: vec![None; program.inputs.len() + program.outputs],
            beside: program.bases(),
        };
        let steps = steps(program);
        for (index, step) in steps.iter().enumerate().rev() {
            for value in &step.from {
                own.values.entry(*value).or_default().uses.push(index);
            }
        }
        own.assembler.begin();
        let calls = |step: &ValueOperation| match step.code {
            Code::RealPower => true,
            Code::Apply(function) => !matches!(function, Function::Abs | Function::Sqrt),
            _ => false,
        };
        if !steps.iter().any(calls) {
            own.settle(program);
        }
        let start = own.assembler.code.len();
        for (index, step) in steps.iter().enumerate() {
            own.now = index;
            own.translate(step);
        }
        own.assembler.repeat(if wide { 64 } else { 32 }, start);
        own.assembler.end();
        (own.assembler.code, own.slots as usize * LANES)
    }

    /// Keeps addresses, and constants as far as registers are left over, for the whole run.
    fn settle(&mut self, program: &Program) {
        let inputs = program.inputs.len();
        let mut uses = vec![0; inputs + program.outputs];
        uses[inputs..].fill(1);
        for (value, state) in &self.values {
            if let Value::Input(input) = *value {
                uses[self.beside[input as usize].0 as usize] += state.uses.len();
            }
        }
        let mut order: Vec<usize> = (0..uses.len()).filter(|at| uses[*at] > 0).collect();
        order.sort_by_key(|at| (std::cmp::Reverse(uses[*at]), *at));
        for (at, register) in order.into_iter().zip(General::FREE) {
            let (table, place) = if at < inputs { (FROM, at) } else { (TO, at - inputs) };
            self.assembler.load_address(register, table, 8 * place as i32);
            self.addresses[at] = Some(register);
        }
        let mut constants: Vec<(usize, u32)> = self
            .values
            .iter()
            .filter_map(|(value, state)| match value {
                Value::Constant(constant) => Some((state.uses.len(), *constant)),
                _ => None,
            })
            .collect();
        constants.sort_by_key(|(uses, constant)| (std::cmp::Reverse(*uses), *constant));
        let left = self.holds.len().saturating_sub(program.registers + WORKING);
        for (_, constant) in constants.into_iter().take(left) {
            let (value, register) = (Value::Constant(constant), self.room(&[]));
            self.fetch(register, value);
            self.hold(register, value);
            self.values.entry(value).or_default().fixed = true;
        }
    }

    fn register(&self, value: Value) -> Option<Vector> {
        self.values.get(&value)?.register
    }

    /// The next operation after this one that uses a value.
    fn next(&self, value: Value) -> Option<usize> {
        self.values.get(&value)?.uses.iter().rev().copied().find(|at| *at > self.now)
    }

    /// The register of a value that nobody needs after this operation.
    fn dying(&self, value: Value) -> Option<Vector> {
        self.register(value).filter(|_| self.next(value).is_none() && !self.values[&value].fixed)
    }

    /// A value's operand in memory.
    fn memory(&mut self, value: Value) -> AssemblyOperand {
        match value {
            Value::Input(input) => {
                let (base, distance) = self.beside[input as usize];
                let address = self.address(FROM, base as usize, base as usize);
                AssemblyOperand::Indexed(address, AT, distance)
            }
            Value::Constant(constant) => AssemblyOperand::Repeated(NUMBERS, 8 * constant as i32),
            Value::Result(_) => slot(self.values[&value].slot.expect("a result that is in no register was stored")),
        }
    }

    /// The register with an address of a table, which is read if it is not kept.
    fn address(&mut self, table: General, place: usize, at: usize) -> General {
        self.addresses[at].unwrap_or_else(|| {
            self.assembler.load_address(General::SHORT, table, 8 * place as i32);
            General::SHORT
        })
    }

    /// A register that is free for another value; values of `keep` stay where they are.
    fn room(&mut self, keep: &[Value]) -> Vector {
        if let Some(free) = self.holds.iter().position(Option::is_none) {
            return free as Vector;
        }
        let far = |value: Value| {
            let distance = self.next(value).map_or(usize::MAX / 2, |next| 2 * (next - self.now));
            // What need not be stored goes sooner.
            let stored = !matches!(value, Value::Result(_)) || self.values[&value].slot.is_some();
            if stored { distance + distance / 2 } else { distance }
        };
        let held = self.holds.iter().enumerate().filter_map(|(register, value)| Some((register, (*value)?)));
        let others = held.filter(|(_, value)| !keep.contains(value) && !self.values[value].fixed);
        let (register, value) = others.max_by_key(|(_, value)| far(*value)).expect("few values are kept");
        self.put_away(value);
        register as Vector
    }

    /// Takes a value out of its register, and stores it if it could not be had again.
    fn put_away(&mut self, value: Value) {
        let needed = self.next(value).is_some();
        let state = self.values.get_mut(&value).expect("it is in a register");
        let register = state.register.take().expect("it is in a register");
        if needed && matches!(value, Value::Result(_)) && state.slot.is_none() {
            let at = self.free_slots.pop().unwrap_or_else(|| {
                self.slots += 1;
                self.slots - 1
            });
            state.slot = Some(at);
            self.assembler.store(register, slot(at));
        }
        self.holds[register as usize] = None;
    }

    fn hold(&mut self, register: Vector, value: Value) {
        self.holds[register as usize] = Some(value);
        self.values.entry(value).or_default().register = Some(register);
    }

    /// Reads a value into a register.
    fn fetch(&mut self, register: Vector, value: Value) {
        match value {
            Value::Constant(constant) => self.assembler.broadcast(register, NUMBERS, 8 * constant as i32),
            _ => {
                let memory = self.memory(value);
                self.assembler.two(Opcode::LOAD, register, memory);
            }
        }
    }

    /// The register of a value, which is read into one if need be.
    fn load(&mut self, value: Value, keep: &[Value]) -> Vector {
        if let Some(register) = self.register(value) {
            return register;
        }
        let register = self.room(keep);
        self.fetch(register, value);
        self.hold(register, value);
        register
    }

    /// A value as the last operand of an operation, which is what is emitted next.
    fn operand(&mut self, value: Value, keep: &[Value]) -> AssemblyOperand {
        let soon = self.next(value).is_some_and(|next| next < self.now + SOON);
        let repeated = matches!(value, Value::Constant(_));
        if self.register(value).is_some() || if repeated { !self.wide } else { soon } {
            return AssemblyOperand::Register(self.load(value, keep));
        }
        self.memory(value)
    }

    /// Frees what nobody needs after this operation.
    fn release(&mut self, from: &[Value]) {
        for value in from {
            let now = self.now;
            let Some(state) = self.values.get_mut(value) else { continue };
            while state.uses.last().is_some_and(|at| *at <= now) {
                state.uses.pop();
            }
            if state.uses.is_empty() && !state.fixed {
                if let Some(register) = state.register.take() {
                    self.holds[register as usize] = None;
                }
                self.free_slots.extend(state.slot.take());
            }
        }
    }

    fn translate(&mut self, step: &ValueOperation) {
        let from = &step.from[..];
        let register = match (step.code, from) {
            (Code::Copy, &[a]) => match step.to {
                To::Output(_) => self.load(a, from),
                To::Value(_) => {
                    let a = self.operand(a, from);
                    let to = self.room(from);
                    self.assembler.two(
                        if matches!(a, AssemblyOperand::Register(_)) { Opcode::MOVE } else { Opcode::LOAD },
                        to,
                        a,
                    );
                    to
                }
            },
            (Code::Add, &[a, b]) => self.two(Opcode::ADD, self.either(a, b), from),
            (Code::Multiply, &[a, b]) => self.two(Opcode::MULTIPLY, self.either(a, b), from),
            (Code::Subtract, &[a, b]) => self.two(Opcode::SUBTRACT, [a, b], from),
            (Code::Divide, &[a, b]) => self.two(Opcode::DIVIDE, [a, b], from),
            (Code::Minimum, &[a, b]) => self.two(Opcode::MINIMUM, [a, b], from),
            (Code::Maximum, &[a, b]) => self.two(Opcode::MAXIMUM, [a, b], from),
            (Code::MultiplyAdd, &[a, b, c]) => self.fused(0x98, [a, b, c], step),
            (Code::MultiplySubtract, &[a, b, c]) => self.fused(0x9a, [a, b, c], step),
            (Code::SubtractProduct, &[a, b, c]) => self.fused(0x9c, [a, b, c], step),
            (Code::Negate, &[a]) => self.bits(a, 0, Assembler::exclusive_or),
            (Code::Apply(Function::Abs), &[a]) => self.bits(a, 1, Assembler::and),
            (Code::Apply(Function::Sqrt), &[a]) => {
                let operand = self.operand(a, from);
                self.release(from);
                let to = self.room(&[]);
                self.assembler.two(Opcode::SQRT, to, operand);
                to
            }
            (Code::Less, &[a, b]) => self.choose([a, b], Comparison::Less, self.truth()),
            (Code::LessEqual, &[a, b]) => self.choose([a, b], Comparison::LessEqual, self.truth()),
            (Code::Choose, &[a, b, c]) => {
                let [_, zero] = self.truth();
                self.choose([a, zero], Comparison::NotEqual, [b, c])
            }
            (Code::Apply(function), &[_]) => self.call(function as u32, from),
            (Code::RealPower, &[_, _]) => self.call(POWER, from),
            (code, _) => unreachable!("{code:?} has as many operands as the program says"),
        };
        match step.to {
            To::Output(output) => {
                let to = self.address(TO, output as usize, self.beside.len() + output as usize);
                self.assembler.store(register, AssemblyOperand::Indexed(to, AT, 0));
                self.release(from);
            }
            To::Value(value) => {
                self.release(from);
                // A value kept until now may be in the register that was overwritten.
                if let Some(other) = self.holds[register as usize].take() {
                    debug_assert!(other == value, "{other:?} was overwritten");
                }
                self.hold(register, value);
            }
        }
    }

    /// 1 and 0.
    fn truth(&self) -> [Value; 2] {
        [Value::Constant(self.more + 2), Value::Constant(self.more + 3)]
    }

    /// The operands of a sum or product, one in a register first.
    fn either(&self, a: Value, b: Value) -> [Value; 2] {
        if self.register(a).is_none() && (self.register(b).is_some() || matches!(a, Value::Constant(_))) {
            [b, a]
        } else {
            [a, b]
        }
    }

    fn two(&mut self, opcode: Opcode, [a, b]: [Value; 2], from: &[Value]) -> Vector {
        let left = self.load(a, from);
        let right = self.operand(b, from);
        self.release(from);
        let to = self.room(&[]);
        self.assembler.three(opcode, to, left, right);
        to
    }

    /// Combines a value with one of `MORE`, bit by bit.
    fn bits(&mut self, a: Value, which: u32, with: fn(&mut Assembler, Vector, Vector, AssemblyOperand)) -> Vector {
        let left = self.load(a, &[a]);
        let right = self.operand(Value::Constant(self.more + which), &[a]);
        self.release(&[a]);
        let to = self.room(&[]);
        with(&mut self.assembler, to, left, right);
        to
    }

    /// A product with a sum or difference, of which the processor overwrites one operand.
    fn fused(&mut self, code: u8, [a, b, c]: [Value; 3], step: &ValueOperation) -> Vector {
        let from = &step.from[..];
        if let Some(to) = self.dying(c) {
            let [x, y] = self.either(a, b);
            let x = self.load(x, from);
            let y = self.operand(y, from);
            self.assembler.three(Opcode::fused_231(code), to, x, y);
            self.release(from);
            return to;
        }
        for (x, y) in [(a, b), (b, a)] {
            let Some(to) = self.dying(x) else { continue };
            let soon = self.next(c).is_some_and(|next| next < self.now + SOON);
            if self.register(c).is_some() || soon && !matches!(c, Value::Constant(_)) {
                let c = self.load(c, from);
                let y = self.operand(y, from);
                self.assembler.three(Opcode::fused_132(code), to, c, y);
            } else {
                let y = self.load(y, from);
                let c = self.operand(c, from);
                self.assembler.three(Opcode::fused_213(code), to, y, c);
            }
            self.release(from);
            return to;
        }
        let To::Value(result) = step.to else {
            // Only for its register, which is free again at once.
            let scratch = Value::Result(u32::MAX);
            let to = self.fused_into(code, [a, b, c], scratch, from);
            self.holds[to as usize] = None;
            self.values.remove(&scratch);
            return to;
        };
        self.fused_into(code, [a, b, c], result, from)
    }

    fn fused_into(&mut self, code: u8, [a, b, c]: [Value; 3], result: Value, from: &[Value]) -> Vector {
        let keep = [a, b, c, result];
        let to = self.room(&keep);
        match self.register(c) {
            Some(c) => self.assembler.two(Opcode::MOVE, to, AssemblyOperand::Register(c)),
            None => self.fetch(to, c),
        }
        self.hold(to, result);
        let [x, y] = self.either(a, b);
        let x = self.load(x, &keep);
        let y = self.operand(y, &keep);
        self.assembler.three(Opcode::fused_231(code), to, x, y);
        self.release(from);
        to
    }

    fn choose(&mut self, compared: [Value; 2], comparison: Comparison, outcomes: [Value; 2]) -> Vector {
        let all = [compared[0], compared[1], outcomes[0], outcomes[1]];
        let [left, right, yes, no] = all.map(|value| self.load(value, &all));
        let to = self.room(&all);
        self.assembler.choose(to, [left, right], comparison, [yes, no], to);
        to
    }

    /// Calls [`apply`], which leaves nothing in the registers.
    fn call(&mut self, function: u32, from: &[Value]) -> Vector {
        for (place, value) in from.iter().enumerate() {
            let register = self.load(*value, from);
            self.assembler.store(register, slot(place as u32));
        }
        self.release(from);
        for value in self.holds.clone().into_iter().flatten() {
            self.put_away(value);
        }
        self.assembler.call(apply as *const () as usize, function, (SPACE, 0));
        let to = self.room(&[]);
        self.assembler.two(Opcode::LOAD, to, slot(0));
        to
    }
}

/// Operand of a place in the space.
fn slot(number: u32) -> AssemblyOperand {
    AssemblyOperand::Near(SPACE, 8 * LANES as i32 * number as i32)
}
