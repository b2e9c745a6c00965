//! Runs one kernel so many times with 256-bit vectors or plain ones, for `.ci/instructions` to count what it executes.
//!
//! The count of one call is the difference of two runs; what is set up is the same in both.

use std::process::ExitCode;

use dermasim::base::error::Result;
use dermasim::base::processor::{Instructions, force};
use dermasim::study::bench::{DiffusionKernel, GrayScott, Kinetics, pool};

#[global_allocator]
static MEMORY: dermasim::base::memory::FromLines = dermasim::base::memory::FromLines;

fn run(kernel: &str, calls: usize, set: &str) -> Result<bool> {
    force(Instructions::named(set)?)?;
    pool(1)?.install(|| {
        match kernel {
            "diffusion_implicit" => {
                let mut diffusion = DiffusionKernel::new([24, 20, 16], 4)?;
                (0..calls).for_each(|_| diffusion.run());
            }
            "gray_scott_explicit" => {
                let mut block = GrayScott::new([24, 20, 16])?;
                (0..calls).for_each(|_| block.run());
            }
            "kinetics_default" => {
                let mut kinetics = Kinetics::uneven()?;
                (0..calls).for_each(|_| kinetics.by_language());
            }
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` and `cargo test --all-targets` pass options of their own.
    let [kernel, calls, set] = &arguments[..] else {
        println!("use .ci/instructions");
        return ExitCode::SUCCESS;
    };
    match run(kernel, calls.parse().unwrap_or(1), set) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("there is no kernel `{kernel}`");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
