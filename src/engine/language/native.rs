//! Programs as machine code of this processor.
//!
//! The loop of `kernel` reads the operands of every operation from memory and writes its result there. Here a program becomes
//! one function for a vector of cells after the other, whose values stay in registers, as a compiler would have made it of the
//! same formulas written by hand. Operations and their order are those of the program, so bits are those of the loop, which
//! remains the reference, and does the work where there is no such code: on other processors, without vectors, for less than a
//! vector of cells, or where the system allows no memory that can be executed.
//!
//! **Safety.** The code reads and writes what its arguments name: whole vectors of inputs and outputs, whose lengths
//! [`Program::run_into`](crate::engine::language::Program::run_into) has checked, constants, and its own space.
#![expect(unsafe_code, reason = "machine code is called")]

use std::ops::Range;
use std::sync::OnceLock;

use memmap2::{Mmap, MmapMut};

/// The code of a program for both widths of vectors, each made when it is first wanted.
#[derive(Debug, Default)]
pub(super) struct Made(Box<[OnceLock<Option<Native>>; 2]>);

// Code follows from the program, so a copy makes its own.
impl Clone for Made {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Made {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Made {
    /// The code for one width, made now if it never was.
    pub fn of(&self, wide: bool, make: impl FnOnce() -> Option<Native>) -> Option<&Native> {
        self.0[usize::from(wide)].get_or_init(make).as_ref()
    }
}

/// A program as a function.
#[derive(Debug)]
pub(super) struct Native {
    code: Mmap,
    /// Numbers of its own space.
    pub space: usize,
}

/// Addresses of inputs and of outputs, constants, space, where to end and where to begin \[bytes of a row\]. Whole vectors only.
type NativeFunction = unsafe extern "sysv64" fn(*const *const f64, *const *mut f64, *const f64, *mut f64, usize, usize);

impl Native {
    /// Code that was translated, and how many numbers of space it needs; none where the system allows no memory that can be executed.
    /// Memory is never writable and executable at once.
    pub fn new(code: &[u8], space: usize) -> Option<Self> {
        let mut memory = MmapMut::map_anon(code.len()).ok()?;
        memory.copy_from_slice(code);
        Some(Self { code: memory.make_exec().ok()?, space })
    }

    /// Computes the cells of a range.
    ///
    /// # Safety
    /// Begin and length of the range are multiples of eight, and it is not empty; each varying input and each output has an
    /// address in the tables from which the values of the range are found; `constants` holds those of the program and [`MORE`],
    /// `space` has as many numbers as [`Native::space`]; the processor has the instructions.
    pub unsafe fn run(
        &self,
        from: *const *const f64,
        to: *const *mut f64,
        constants: *const f64,
        space: *mut f64,
        range: Range<usize>,
    ) {
        const SIZE: usize = size_of::<f64>();
        // SAFETY: what was translated is such a function, and the caller vouches for what it is handed.
        unsafe {
            let entry: NativeFunction = std::mem::transmute(self.code.as_ptr());
            entry(from, to, constants, space, range.end * SIZE, range.start * SIZE);
        }
    }
}

/// Numbers that some operations need besides the program's constants, behind which they stand: the sign, all but the sign, 1, 0.
pub(super) const MORE: [f64; 4] = [-0.0, f64::from_bits(u64::MAX >> 1), 1.0, 0.0];
