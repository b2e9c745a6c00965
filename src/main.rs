//! The command `dermasim`.

use std::process::ExitCode;

use dermasim::memory::FromLines;

#[global_allocator]
static MEMORY: FromLines = FromLines;

fn main() -> ExitCode {
    dermasim::cli::main()
}
