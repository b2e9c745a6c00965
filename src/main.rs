//! The command `dermasim`.

use std::process::ExitCode;

use dermasim::base::memory::FromLines;

#[global_allocator]
static MEMORY: FromLines = FromLines;

fn main() -> ExitCode {
    dermasim::cli::main()
}
