//! The command `dermasim`.

use std::process::ExitCode;

fn main() -> ExitCode {
    dermasim::cli::main()
}
