//! The step loop takes no memory: what it needs it has from the start.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dermasim::scenario::Scenario;
use dermasim::stepper::Stepper;
use dermasim::{needling, simulate};

/// Counts what is taken.
struct Counting;

static TAKEN: AtomicU64 = AtomicU64::new(0);

// Safety: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn steps_take_no_memory() {
    let text =
        "tissue = \"cheek\"\n[needling]\ndevice = \"skinpen\"\nlength = \"1.5 mm\"\n[course]\nfollowed = \"9 d\"\n";
    let cells = "[grid]\ngeometry = \"cells\"\nstrata = 3\nresolution = 0.5\n";
    let tile = "[grid]\ngeometry = \"tile\"\nwidth = \"1 mm\"\ncells = 16\nresolution = 0.5\n";
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    for grid in [cells, tile] {
        let plan = Arc::new(Scenario::from_text("allocation", &format!("{text}{grid}")).plan().expect("a plan"));
        let (steps, taken) = pool.install(|| {
            let strata = if grid == cells { 3 } else { 1 };
            let session = needling::injure(&plan, 0, strata).expect("a session");
            let mut skin = simulate::begin(&plan, Some(&session)).expect("skin");
            let mut stepper = Stepper::new(&mut skin, &plan.stepping).expect("a stepper");
            skin.receive(&session).expect("an injury");
            stepper.restart(&mut skin).expect("a balance");
            stepper.advance(&mut skin, 86_400.0, &mut |_, _| true).expect("a day");
            let (before, taken) = (stepper.count.accepted, TAKEN.load(Ordering::Relaxed));
            stepper.advance(&mut skin, 8.0 * 86_400.0, &mut |_, _| true).expect("a week");
            (stepper.count.accepted - before, TAKEN.load(Ordering::Relaxed) - taken)
        });
        assert!(steps > 5);
        // The queues of the thread pool grow now and then; a step has some twenty parallel loops over dozens of tasks.
        assert!(taken <= steps / 4, "{taken} allocations in {steps} steps");
    }
}
