//! From the graph of an expression to a list of instructions for blocks of cells.
//!
//! An instruction computes one operation for a whole tile of cells, so that the cost of reading it is shared. The steps:
//! powers become multiplications; quotients with a common divisor share its reciprocal; a product that is used in one sum
//! only is fused with it; the order is depth first, the operand that needs more registers before the other, so that few
//! values wait; a register is free again after the last use of its value. What depends on no cell, as on depth or a signal,
//! is computed once a run.
//!
//! The difference of two products is not fused: it is exactly zero where both are equal, as gains and losses at rest are.

use std::collections::HashMap;

use crate::engine::language::graph::{Function, Graph, Id, Op};
use crate::engine::language::{Input, Own, Turns};

/// Cells of a tile: one instruction computes so many values.
pub(super) const TILE: usize = 64;
/// Values that a constant is repeated for; also the smallest tile.
pub(super) const LANES: usize = 8;

/// A compiled expression program. Values are computed over blocks of cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Program {
    /// What it reads, in the order in which [`Program::run`] is handed the values.
    pub inputs: Vec<Input>,
    /// How many values it computes for each cell.
    pub outputs: usize,
    pub(super) code: Vec<Instruction>,
    /// What is the same for all cells of a run: computed once, each result kept as a constant.
    pub(super) prelude: Vec<(Instruction, u32)>,
    /// Inputs that are constants of a run: input and constant.
    pub(super) given: Vec<(u32, u32)>,
    pub(super) constants: Vec<f64>,
    pub(super) registers: usize,
    /// Inputs that lie at a fixed distance from another one: input, the other, and how many cells behind it.
    pub(super) beside: Vec<(u32, u32, i32)>,
    /// Where its conditions turn.
    pub turns: Turns,
    /// The same as machine code, where there can be any.
    #[cfg(target_arch = "x86_64")]
    pub(super) native: crate::engine::language::native::Made,
}

/// One operation on tiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Instruction {
    pub code: Code,
    /// Where the kernel's tables have it.
    pub operation: u8,
    pub to: ResultPlace,
    pub from: [OperandPlace; 3],
}

/// Where an operand is found: in a register, among the constants, or in input `base -` [`INPUTS`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct OperandPlace {
    pub base: u32,
    /// Whether it has a value for each cell; a constant has the same for all.
    pub varies: bool,
    /// Offset of the register, or number of the constant.
    pub index: u32,
}

/// Bases of places.
pub(super) const REGISTERS: u32 = 0;
pub(super) const CONSTANTS: u32 = 1;
pub(super) const INPUTS: u32 = 2;

/// Where a result goes: to an output or to a register.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ResultPlace {
    pub output: bool,
    pub index: u32,
}

/// What an instruction computes from its operands a, b, c.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Code {
    Copy,
    Add,
    Subtract,
    Multiply,
    Divide,
    Negate,
    /// a b + c
    MultiplyAdd,
    /// a b - c
    MultiplySubtract,
    /// c - a b
    SubtractProduct,
    Minimum,
    Maximum,
    Less,
    LessEqual,
    /// b if a is not zero, else c
    Choose,
    RealPower,
    Apply(Function),
}

impl Code {
    /// Its row in the tables of the kernel.
    pub(super) fn row(self) -> u8 {
        match self {
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
        }
    }
}

/// An operand before registers are assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum OperandSource {
    Value(u32),
    Number(u64),
    Input(u32),
}

/// An operation before registers are assigned.
type UnassignedOperation = (Code, [Option<OperandSource>; 3]);

impl Program {
    /// Compiles the expressions `roots`, one output each.
    pub(super) fn compile(graph: &Graph, roots: &[Id]) -> Self {
        let reachable = graph.reachable(roots);
        let mut inputs: Vec<Input> = reachable
            .iter()
            .filter_map(|&id| match graph.op(id) {
                Op::Input(input) => Some(input),
                _ => None,
            })
            .collect();
        inputs.sort_unstable();
        let mut selection = Selection::new(graph, &reachable, roots, &inputs);
        for &id in &reachable {
            selection.select(id);
        }
        let outputs: Vec<OperandSource> = roots.iter().map(|root| selection.made[root]).collect();
        let steps = std::mem::take(&mut selection.steps);
        let mut assignment = Assignment::new(&steps, &outputs, &inputs);
        assignment.run();
        let Assignment { code, prelude, given, constants, registers, .. } = assignment;
        let turns = graph.turns(&reachable);
        Self { inputs, outputs: roots.len(), code, prelude, given, constants, registers, turns, ..Self::default() }
    }

    /// For each input the one from which it is found, and the distance from that [bytes].
    pub(super) fn bases(&self) -> Vec<(u32, i32)> {
        let mut bases: Vec<(u32, i32)> = (0..self.inputs.len()).map(|input| (input as u32, 0)).collect();
        for &(own, base, cells) in &self.beside {
            bases[own as usize] = (base, cells * size_of::<f64>() as i32);
        }
        bases
    }

    /// The expressions of the outputs, in another graph and with other inputs.
    pub(super) fn lift(&self, graph: &mut Graph, renamed: &dyn Fn(Input) -> Input) -> Vec<Id> {
        let mut constants: Vec<Id> = self.constants.iter().map(|value| graph.number(*value)).collect();
        for &(input, constant) in &self.given {
            constants[constant as usize] = graph.input(renamed(self.inputs[input as usize]));
        }
        let mut registers: HashMap<u32, Id> = HashMap::new();
        let mut outputs = vec![Id::default(); self.outputs];
        for (instruction, constant) in &self.prelude {
            let of = |place: &OperandPlace| constants[place.index as usize];
            constants[*constant as usize] = expression(graph, instruction.code, instruction.from.each_ref().map(of));
        }
        for Instruction { code, to, from, .. } in &self.code {
            let from = from.each_ref().map(|place| match place.base {
                // Operands that an operation does not have name the first register.
                REGISTERS => registers.get(&(place.index / TILE as u32)).copied().unwrap_or_default(),
                CONSTANTS => constants[place.index as usize],
                base => graph.input(renamed(self.inputs[(base - INPUTS) as usize])),
            });
            let id = expression(graph, *code, from);
            if to.output {
                outputs[to.index as usize] = id;
            } else {
                registers.insert(to.index, id);
            }
        }
        outputs
    }

    /// How many instructions it has, for estimates of time.
    pub fn instructions(&self) -> usize {
        self.code.len() + self.prelude.len()
    }
}

/// Chooses operations for nodes of the graph.
struct Selection<'a> {
    graph: &'a Graph,
    inputs: HashMap<Input, u32>,
    uses: HashMap<Id, usize>,
    /// How many quotients have this divisor, or a power of it.
    divisors: HashMap<Id, usize>,
    made: HashMap<Id, OperandSource>,
    steps: Vec<UnassignedOperation>,
    known: HashMap<UnassignedOperation, u32>,
}

impl<'a> Selection<'a> {
    fn new(graph: &'a Graph, reachable: &[Id], roots: &[Id], inputs: &[Input]) -> Self {
        let mut uses: HashMap<Id, usize> = HashMap::new();
        let mut divisors: HashMap<Id, usize> = HashMap::new();
        for &id in roots {
            *uses.entry(id).or_default() += 1;
        }
        for &id in reachable {
            for operand in graph.op(id).operands() {
                *uses.entry(operand).or_default() += 1;
            }
            if let Op::Divide(_, below) = graph.op(id) {
                *divisors.entry(root_of(graph, below).0).or_default() += 1;
            }
        }
        let inputs = inputs.iter().enumerate().map(|(index, &input)| (input, index as u32)).collect();
        Self { graph, inputs, uses, divisors, made: HashMap::new(), steps: Vec::new(), known: HashMap::new() }
    }

    fn step(&mut self, code: Code, operands: &[OperandSource]) -> OperandSource {
        let mut list: [Option<OperandSource>; 3] = [None; 3];
        for (slot, &operand) in list.iter_mut().zip(operands) {
            *slot = Some(operand);
        }
        if matches!(code, Code::Add | Code::Multiply) && rank(list[1]) < rank(list[0]) {
            list.swap(0, 1);
        }
        let steps = &mut self.steps;
        let index = *self.known.entry((code, list)).or_insert_with(|| {
            steps.push((code, list));
            steps.len() as u32 - 1
        });
        OperandSource::Value(index)
    }

    fn number(value: f64) -> OperandSource {
        OperandSource::Number(value.to_bits())
    }

    fn power(&mut self, base: OperandSource, n: u32) -> OperandSource {
        match n {
            1 => base,
            _ if n.is_multiple_of(2) => {
                let half = self.power(base, n / 2);
                self.step(Code::Multiply, &[half, half])
            }
            _ => {
                let less = self.power(base, n - 1);
                self.step(Code::Multiply, &[less, base])
            }
        }
    }

    /// The reciprocal of `below`, if it is to be computed once for several quotients.
    fn reciprocal(&mut self, below: Id) -> Option<OperandSource> {
        if let Some(value) = self.graph.value(below) {
            // Only where x/x stays exactly 1.
            let inverse = 1.0 / value;
            return (value * inverse == 1.0 && inverse.is_normal()).then(|| Self::number(inverse));
        }
        let (base, n) = root_of(self.graph, below);
        if self.divisors.get(&base).copied().unwrap_or(0) < 2 {
            return None;
        }
        let base = self.made[&base];
        let inverse = self.step(Code::Divide, &[Self::number(1.0), base]);
        Some(self.power(inverse, n))
    }

    /// The factors of a node that is one multiplication, if it is used once only and so may be fused.
    fn product(&mut self, id: Id) -> Option<(OperandSource, OperandSource)> {
        if self.uses.get(&id).copied().unwrap_or(0) > 1 {
            return None;
        }
        match self.graph.op(id) {
            Op::Multiply(a, b) => Some((self.made[&a], self.made[&b])),
            Op::Power(a, 2) => Some((self.made[&a], self.made[&a])),
            Op::Divide(a, b) if !self.graph.is(a, 1.0) => {
                let inverse = self.reciprocal(b)?;
                Some((self.made[&a], inverse))
            }
            _ => None,
        }
    }

    fn select(&mut self, id: Id) {
        let made = |this: &Self, id: Id| this.made[&id];
        let result = match self.graph.op(id) {
            Op::Number(bits) => OperandSource::Number(bits),
            Op::Input(input) => OperandSource::Input(self.inputs[&input]),
            Op::Symbol(_) => Self::number(f64::NAN),
            Op::Add(a, b) => {
                let (a, b) = if self.product(b).is_some() { (a, b) } else { (b, a) };
                match self.product(b) {
                    Some((x, y)) => self.step(Code::MultiplyAdd, &[x, y, self.made[&a]]),
                    None => self.step(Code::Add, &[made(self, a), made(self, b)]),
                }
            }
            Op::Subtract(a, b) => match (self.product(a), self.product(b)) {
                (Some((x, y)), None) => self.step(Code::MultiplySubtract, &[x, y, self.made[&b]]),
                (None, Some((x, y))) => self.step(Code::SubtractProduct, &[x, y, self.made[&a]]),
                _ => self.step(Code::Subtract, &[made(self, a), made(self, b)]),
            },
            Op::Multiply(a, b) => self.step(Code::Multiply, &[made(self, a), made(self, b)]),
            Op::Divide(a, b) => match self.reciprocal(b) {
                Some(inverse) if self.graph.is(a, 1.0) => inverse,
                Some(inverse) => self.step(Code::Multiply, &[made(self, a), inverse]),
                None => self.step(Code::Divide, &[made(self, a), made(self, b)]),
            },
            Op::Negate(a) => self.step(Code::Negate, &[made(self, a)]),
            Op::Power(a, n) => {
                let power = self.power(made(self, a), n.unsigned_abs());
                if n < 0 { self.step(Code::Divide, &[Self::number(1.0), power]) } else { power }
            }
            Op::RealPower(a, b) => self.step(Code::RealPower, &[made(self, a), made(self, b)]),
            Op::Apply(function, a) => self.step(Code::Apply(function), &[made(self, a)]),
            // The number first: a NaN in the other operand then reaches the result.
            Op::Minimum(a, b) if self.graph.value(b).is_some() => {
                self.step(Code::Minimum, &[made(self, b), made(self, a)])
            }
            Op::Maximum(a, b) if self.graph.value(b).is_some() => {
                self.step(Code::Maximum, &[made(self, b), made(self, a)])
            }
            Op::Minimum(a, b) => self.step(Code::Minimum, &[made(self, a), made(self, b)]),
            Op::Maximum(a, b) | Op::Or(a, b) => self.step(Code::Maximum, &[made(self, a), made(self, b)]),
            Op::Less(a, b) => self.step(Code::Less, &[made(self, a), made(self, b)]),
            Op::LessEqual(a, b) => self.step(Code::LessEqual, &[made(self, a), made(self, b)]),
            Op::And(a, b) => self.step(Code::Multiply, &[made(self, a), made(self, b)]),
            Op::Not(a) => self.step(Code::Subtract, &[Self::number(1.0), made(self, a)]),
            Op::Choose(c, a, b) => self.step(Code::Choose, &[made(self, c), made(self, a), made(self, b)]),
        };
        self.made.insert(id, result);
    }
}

/// An order of operands that does not depend on how they came about, so that a b and b a are one step.
fn rank(source: Option<OperandSource>) -> (u8, u64) {
    match source {
        Some(OperandSource::Number(bits)) => (0, bits),
        Some(OperandSource::Input(index)) => (1, index.into()),
        Some(OperandSource::Value(index)) => (2, index.into()),
        None => (3, 0),
    }
}

/// The base and exponent of a divisor.
fn root_of(graph: &Graph, below: Id) -> (Id, u32) {
    match graph.op(below) {
        Op::Power(base, n) if n > 0 => (base, n as u32),
        _ => (below, 1),
    }
}

/// Whether an input has one value for all cells of every run.
pub(super) fn uniform(input: Input) -> bool {
    matches!(
        input,
        Input::QuasiRest(_)
            | Input::Signal(_)
            | Input::Reduction(_)
            | Input::Flux(_)
            | Input::Time
            | Input::SinceAct
            | Input::Depth
            | Input::Own(Own { varies: false, .. })
    )
}

/// Orders steps and assigns registers.
struct Assignment<'a> {
    steps: &'a [UnassignedOperation],
    outputs: &'a [OperandSource],
    inputs: &'a [Input],
    /// Whether a step depends on nothing that differs between cells.
    fixed: Vec<bool>,
    /// Uses that are still to come, of each step.
    waiting: Vec<usize>,
    place: Vec<Option<u32>>,
    free: Vec<u32>,
    code: Vec<Instruction>,
    prelude: Vec<(Instruction, u32)>,
    given: Vec<(u32, u32)>,
    constants: Vec<f64>,
    constant_index: HashMap<OperandSource, u32>,
    registers: usize,
}

impl<'a> Assignment<'a> {
    fn new(steps: &'a [UnassignedOperation], outputs: &'a [OperandSource], inputs: &'a [Input]) -> Self {
        let mut fixed: Vec<bool> = Vec::with_capacity(steps.len());
        // A step stands after its operands.
        for (_, list) in steps {
            let of = |source: &OperandSource| match *source {
                OperandSource::Number(_) => true,
                OperandSource::Input(index) => uniform(inputs[index as usize]),
                OperandSource::Value(step) => fixed[step as usize],
            };
            let all = list.iter().flatten().all(of);
            fixed.push(all);
        }
        Self {
            steps,
            outputs,
            inputs,
            fixed,
            prelude: Vec::new(),
            given: Vec::new(),
            waiting: vec![0; steps.len()],
            place: vec![None; steps.len()],
            free: Vec::new(),
            code: Vec::new(),
            constants: Vec::new(),
            constant_index: HashMap::new(),
            registers: 0,
        }
    }

    fn operands(&self, step: u32) -> impl Iterator<Item = u32> + use<> {
        self.steps[step as usize].1.into_iter().flatten().filter_map(|source| match source {
            OperandSource::Value(index) => Some(index),
            _ => None,
        })
    }

    /// The steps that outputs need, each after its operands.
    fn order(&self) -> Vec<u32> {
        // How many registers the operands need if nothing is shared (Sethi and Ullman's number).
        let mut need = vec![1_usize; self.steps.len()];
        for step in 0..self.steps.len() {
            let mut below: Vec<usize> = self.operands(step as u32).map(|operand| need[operand as usize]).collect();
            below.sort_unstable_by(|a, b| b.cmp(a));
            need[step] = below.iter().enumerate().map(|(position, need)| need + position).max().unwrap_or(0).max(1);
        }
        let mut order = Vec::new();
        let mut state = vec![0_u8; self.steps.len()];
        for output in self.outputs {
            let OperandSource::Value(root) = *output else { continue };
            let mut stack = vec![root];
            while let Some(&step) = stack.last() {
                match state[step as usize] {
                    0 => {
                        state[step as usize] = 1;
                        let mut below: Vec<u32> = self.operands(step).filter(|&o| state[o as usize] == 0).collect();
                        // The last pushed is computed first.
                        below.sort_by_key(|&operand| need[operand as usize]);
                        stack.extend(below);
                    }
                    1 => {
                        state[step as usize] = 2;
                        order.push(step);
                        stack.pop();
                    }
                    _ => {
                        stack.pop();
                    }
                }
            }
        }
        order
    }

    fn run(&mut self) {
        let order = self.order();
        for &step in &order {
            for operand in self.operands(step).collect::<Vec<_>>() {
                self.waiting[operand as usize] += 1;
            }
        }
        let mut copies: HashMap<u32, Vec<u32>> = HashMap::new();
        for (output, source) in self.outputs.iter().enumerate() {
            match *source {
                OperandSource::Value(step) => copies.entry(step).or_default().push(output as u32),
                other => {
                    let from = self.locate(other);
                    self.emit(Code::Copy, output as u32, true, &[from]);
                }
            }
        }
        for step in order {
            let (code, list) = self.steps[step as usize];
            let from: Vec<OperandPlace> = list.into_iter().flatten().map(|source| self.locate(source)).collect();
            let outputs = copies.remove(&step).unwrap_or_default();
            if self.fixed[step as usize] {
                let constant = self.constant(OperandSource::Value(step), f64::NAN);
                self.prelude.push((instruction(code, 0, false, &from), constant));
                let here = self.kept(constant);
                for output in outputs {
                    self.emit(Code::Copy, output, true, &[here]);
                }
                continue;
            }
            if let ([output], 0) = (&outputs[..], self.waiting[step as usize]) {
                self.emit(code, *output, true, &from);
                self.release(step);
                continue;
            }
            // Before the operands are released: the kernel counts on a result not replacing an operand.
            let register = self.free.pop().unwrap_or_else(|| {
                self.registers += 1;
                self.registers as u32 - 1
            });
            self.place[step as usize] = Some(register);
            self.emit(code, register, false, &from);
            self.release(step);
            let here = self.register(register);
            for output in outputs {
                self.emit(Code::Copy, output, true, &[here]);
            }
            if self.waiting[step as usize] == 0 {
                self.place[step as usize] = None;
                self.free.push(register);
            }
        }
    }

    /// Frees the registers of operands that no later step needs.
    fn release(&mut self, step: u32) {
        for operand in self.operands(step).collect::<Vec<_>>() {
            self.waiting[operand as usize] -= 1;
            if self.waiting[operand as usize] == 0
                && let Some(register) = self.place[operand as usize].take()
            {
                self.free.push(register);
            }
        }
    }

    /// The constant that holds a source, made the first time.
    fn constant(&mut self, source: OperandSource, value: f64) -> u32 {
        let constants = &mut self.constants;
        *self.constant_index.entry(source).or_insert_with(|| {
            constants.push(value);
            constants.len() as u32 - 1
        })
    }

    fn locate(&mut self, source: OperandSource) -> OperandPlace {
        match source {
            OperandSource::Input(index) if uniform(self.inputs[index as usize]) => {
                let before = self.constants.len();
                let constant = self.constant(source, f64::NAN);
                if self.constants.len() > before {
                    self.given.push((index, constant));
                }
                self.kept(constant)
            }
            OperandSource::Input(index) => OperandPlace { base: INPUTS + index, varies: true, index: 0 },
            OperandSource::Value(step) if self.fixed[step as usize] => {
                let constant = self.constant(source, f64::NAN);
                self.kept(constant)
            }
            OperandSource::Value(step) => self.register(self.place[step as usize].unwrap_or(0)),
            OperandSource::Number(bits) => {
                let constant = self.constant(source, f64::from_bits(bits));
                self.kept(constant)
            }
        }
    }

    fn register(&self, number: u32) -> OperandPlace {
        OperandPlace { base: REGISTERS, varies: true, index: number * TILE as u32 }
    }

    fn kept(&self, constant: u32) -> OperandPlace {
        OperandPlace { base: CONSTANTS, varies: false, index: constant }
    }

    fn emit(&mut self, code: Code, index: u32, output: bool, from: &[OperandPlace]) {
        self.code.push(instruction(code, index, output, from));
    }
}

/// What an operation computes.
fn expression(graph: &mut Graph, code: Code, [a, b, c]: [Id; 3]) -> Id {
    match code {
        Code::Copy => a,
        Code::Add => graph.add(a, b),
        Code::Subtract => graph.subtract(a, b),
        Code::Multiply => graph.multiply(a, b),
        Code::Divide => graph.divide(a, b),
        Code::Negate => graph.negate(a),
        Code::MultiplyAdd => {
            let product = graph.multiply(a, b);
            graph.add(product, c)
        }
        Code::MultiplySubtract => {
            let product = graph.multiply(a, b);
            graph.subtract(product, c)
        }
        Code::SubtractProduct => {
            let product = graph.multiply(a, b);
            graph.subtract(c, product)
        }
        Code::Minimum => graph.minimum(a, b),
        Code::Maximum => graph.maximum(a, b),
        Code::Less => graph.less(a, b),
        Code::LessEqual => graph.less_equal(a, b),
        Code::Choose => graph.choose(a, b, c),
        Code::RealPower => graph.real_power(a, b),
        Code::Apply(function) => graph.apply(function, a),
    }
}

fn instruction(code: Code, index: u32, output: bool, from: &[OperandPlace]) -> Instruction {
    let mut list = [OperandPlace::default(); 3];
    list[..from.len()].copy_from_slice(from);
    Instruction { code, operation: code.row(), to: ResultPlace { output, index }, from: list }
}
