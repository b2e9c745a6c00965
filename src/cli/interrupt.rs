//! Ctrl-C: the first asks the run to stop after its step, the second stops the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether somebody asked to stop.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. Where the system gives no signals the program cannot be stopped gently, which is no reason not
    /// to run.
    pub fn listen() -> Self {
        let asked = Arc::new(AtomicBool::new(false));
        let heard = asked.clone();
        let listening = ctrlc::set_handler(move || {
            if heard.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        });
        if let Err(error) = listening {
            super::terminal::tell(format!("note: Ctrl-C will not stop gently ({error})"));
        }
        Self(asked)
    }

    /// Whether somebody asked.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
