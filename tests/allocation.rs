//! A step takes no memory: everything it needs is there from the start. With `DERMASIM_SHOW_MEMORY` set the test says where
//! memory is taken.
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System as Heap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dermasim::engine::stepper::Stepper;
use dermasim::engine::stepper::Stepping;
use dermasim::run;
use dermasim::scenario::Scenario;
use dermasim::skin::injury;

/// The system's allocator, counting while it is watched.
struct Counting;

static WATCHED: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicUsize = AtomicUsize::new(0);
static INSIDE: AtomicBool = AtomicBool::new(false);

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if WATCHED.load(Ordering::Relaxed) && !INSIDE.swap(true, Ordering::Relaxed) {
            COUNT.fetch_add(1, Ordering::Relaxed);
            if std::env::var_os("DERMASIM_SHOW_MEMORY").is_some() {
                eprintln!("{} bytes\n{}", layout.size(), std::backtrace::Backtrace::force_capture());
            }
            INSIDE.store(false, Ordering::Relaxed);
        }
        // SAFETY: the caller's.
        unsafe { Heap.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { Heap.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn steps_take_no_memory() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    for grid in
        ["strata = 2\nresolution = 0.5\n", "geometry = \"tile\"\nwidth = \"0.5 mm\"\ncells = 16\nresolution = 0.5\n"]
    {
        let text = format!(
            "tissue = \"cheek\"\n[needling]\ndevice = \"skinpen\"\nlength = \"1 mm\"\n[course]\nfollowed = \"7 d\"\n[grid]\n{grid}"
        );
        let plan = Scenario::from_text("allocation", &text).plan().unwrap();
        let taken = pool.install(|| {
            let needling = plan.needle(0, 2).unwrap();
            let mut skin = run::begin(&plan, Some(&needling)).unwrap();
            let stepping = Stepping { fixed: Some(30.0), ..plan.stepping.clone() };
            let mut stepper = Stepper::new(&mut skin, &stepping).unwrap();
            injury::receive(&mut skin, &needling).unwrap();
            stepper.restart(&mut skin).unwrap();
            // Each thread has buffers that grow when it first meets a kind of work, and which thread does is not fixed. So
            // some stretch of twenty steps must take nothing; if steps took memory, none would.
            let stretch = |end: f64, skin: &mut _, stepper: &mut Stepper| {
                COUNT.store(0, Ordering::SeqCst);
                WATCHED.store(true, Ordering::SeqCst);
                stepper.advance(skin, end, &mut |_, _| true).unwrap();
                WATCHED.store(false, Ordering::SeqCst);
                COUNT.load(Ordering::SeqCst)
            };
            (1..=10).map(|i| stretch(600.0 * f64::from(i), &mut skin, &mut stepper)).min().unwrap()
        });
        assert!(taken == 0, "{taken} times memory was taken in every 20 steps of\n{grid}");
    }
}
