//! The limits of this machine: memory bandwidth, fused multiply-adds, divisions.
#![expect(unsafe_code, reason = "functions compiled for an instruction set may be called where the processor has it")]

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::processor::{self, Instructions};
use crate::study::bench::timing::Timing;

/// Which machine it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor, as it names itself.
    pub processor: String,
    /// Threads that run at once.
    pub threads: usize,
    /// The vector instructions in use.
    pub instructions: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let named = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Self {
            processor: named.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned()),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            instructions: processor::description(),
        }
    }
}

/// What so many threads reach together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MachineLimits {
    /// How many threads.
    pub threads: usize,
    /// Reading and writing in place what no cache holds, a ← a s: counted bytes \[1/s\].
    pub in_place: f64,
    /// a ← b + s c of arrays that no cache holds: counted bytes \[1/s\], without those that a store reads first.
    pub triad: f64,
    /// Multiply-adds in registers, two operations each \[1/s\].
    pub operations: f64,
    /// Divisions in registers \[1/s\].
    pub divisions: f64,
}

/// Numbers of an array: several times what caches hold.
const LARGE: usize = 1 << 23;
/// Numbers that one thread is handed at a time.
const PIECE: usize = 1 << 16;

impl MachineLimits {
    /// Measures on the threads it is called on.
    pub fn measure(threads: usize, seconds: f64) -> Self {
        // Written first by the threads that use them.
        let array =
            |value: f64| -> Vec<f64> { (0..LARGE).into_par_iter().with_min_len(PIECE).map(|_| value).collect() };
        let (mut a, b, c) = (array(1.0), array(2.0), array(3.0));
        let in_place = Timing::of(seconds, || {
            a.par_chunks_mut(PIECE).for_each(|a| scale(a, 0.999));
        });
        let triad = Timing::of(seconds, || {
            let pieces = a.par_chunks_mut(PIECE).zip(b.par_chunks(PIECE)).zip(c.par_chunks(PIECE));
            pieces.for_each(|((a, b), c)| add_scaled(a, b, c, 0.5));
        });
        std::hint::black_box(&a);
        let together = |work: fn(usize)| {
            let timing =
                Timing::of(0.5 * seconds, || (0..threads).into_par_iter().with_max_len(1).for_each(|_| work(ROUNDS)));
            (threads * ROUNDS * WIDE * LANES) as f64 / timing.seconds
        };
        Self {
            threads,
            in_place: (16 * LARGE) as f64 / in_place.seconds,
            triad: (24 * LARGE) as f64 / triad.seconds,
            operations: 2.0 * together(multiply_add),
            divisions: together(divide),
        }
    }
}

fn scale_body<const LEVEL: u8>(a: &mut [f64], s: f64) {
    a.iter_mut().for_each(|a| *a *= s);
}

fn add_scaled_body<const LEVEL: u8>(a: &mut [f64], b: &[f64], c: &[f64], s: f64) {
    a.iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a = b + s * c);
}

crate::base::processor::wide! {
    fn scale(a: &mut [f64], s: f64) = scale_body;
    fn add_scaled(a: &mut [f64], b: &[f64], c: &[f64], s: f64) = add_scaled_body;
}

/// Operations that wait for none of the others, enough to fill every unit.
const WIDE: usize = 12;
/// Numbers of the widest vector.
const LANES: usize = 8;
/// Rounds of one measurement.
const ROUNDS: usize = 400_000;

#[inline(always)]
fn registers<const FUSED: bool, const DIVIDE: bool>(rounds: usize) {
    let mut values = [1.5_f64; WIDE * LANES];
    let by = std::hint::black_box(0.999);
    for _ in 0..rounds {
        for value in &mut values {
            *value = match (DIVIDE, FUSED) {
                (true, _) => by / *value,
                (false, true) => value.mul_add(by, by),
                (false, false) => *value * by + by,
            };
        }
    }
    std::hint::black_box(&values);
}

/// Compiled for each set of instructions.
macro_rules! in_registers {
    ($name:ident, $divide:literal) => {
        fn $name(rounds: usize) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2(rounds: usize) {
                    registers::<true, $divide>(rounds);
                }
                #[target_feature(enable = "avx512f,avx2,fma")]
                fn avx512(rounds: usize) {
                    registers::<true, $divide>(rounds);
                }
                match processor::instructions() {
                    // SAFETY: the processor has what is in use.
                    Instructions::Avx512 => return unsafe { avx512(rounds) },
                    // SAFETY: as above.
                    Instructions::Avx2 => return unsafe { avx2(rounds) },
                    Instructions::Plain => {}
                }
            }
            registers::<false, $divide>(rounds);
        }
    };
}
in_registers!(multiply_add, false);
in_registers!(divide, true);
