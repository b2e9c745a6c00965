//! What is the program meant to reach, and what does it? The table of `dermasim bench --long`: the kernels, and whole runs as a user
//! would start them. Takes some ten minutes.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let status = Command::new(env!("CARGO_BIN_EXE_dermasim")).args(["bench", "--long"]).status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(cause) => {
            eprintln!("the program could not be started: {cause}");
            ExitCode::FAILURE
        }
    }
}
