//! Large arrays.
//!
//! Sweeps walk over states of many megabytes, row by row in several arrays at once. On pages of 4 KiB nearly every row is a new
//! page, whose address the processor has to look up; and where such pages lie decides by chance which of them compete for the
//! same places of a cache. So the system is asked for large pages where it grants them on request. It may refuse; nothing but the
//! time depends on it.
#![expect(unsafe_code, reason = "large pages, and arrays that begin at cache lines, need the system's own calls")]

use std::alloc::{GlobalAlloc, Layout, System};

/// Arrays from this size on are worth large pages [bytes]: two of them fit surely.
pub const LARGE: usize = 4 << 20;

/// So many zeros.
pub fn zeros<T: Copy + From<u8>>(length: usize) -> Vec<T> {
    let zeros = vec![T::from(0); length];
    // The system has not made the pages yet: large arrays of zeros are given out untouched.
    #[cfg(target_os = "linux")]
    if size_of_val(&zeros[..]) >= LARGE {
        let start = zeros.as_ptr().cast::<u8>();
        let skip = start.align_offset(PAGE);
        let length = (size_of_val(&zeros[..]) - skip) / PAGE * PAGE;
        // SAFETY: whole pages of this array; the advice changes none of its values.
        unsafe { libc::madvise(start.add(skip).cast_mut().cast(), length, libc::MADV_HUGEPAGE) };
    }
    zeros
}

/// Small pages begin at multiples of this, or of less.
#[cfg(target_os = "linux")]
const PAGE: usize = 1 << 16;

/// Gives out arrays of a page or more from a cache line on. Systems begin them in the middle of one, where every second vector, or
/// every one of 512 bits, lies in two.
#[derive(Debug, Clone, Copy)]
pub struct FromLines;

/// Bytes of a cache line, and of arrays that begin with one.
const LINE: usize = 64;
const ARRAY: usize = 4096;

impl FromLines {
    /// What is asked of the system for an array: room to begin it later, and to keep by how much.
    fn wider(layout: Layout) -> Option<Layout> {
        let array = layout.size() >= ARRAY && layout.align() < LINE;
        array.then(|| Layout::from_size_align(layout.size() + LINE, align_of::<usize>()).ok()).flatten()
    }

    /// The array in what the system gave.
    ///
    /// # Safety
    /// There is a line more than the array needs, which begins where a `usize` may.
    unsafe fn begin(given: *mut u8) -> *mut u8 {
        if given.is_null() {
            return given;
        }
        let skip = LINE - given as usize % LINE;
        // SAFETY: at least as much as a `usize` and at most a line is skipped.
        unsafe {
            let begin = given.add(skip);
            begin.cast::<usize>().sub(1).write(skip);
            begin
        }
    }
}

// SAFETY: blocks come from the system and are as large as asked for; a layout says in the same way each time whether it is that
// of an array, and those keep in front of them where their block begins.
unsafe impl GlobalAlloc for FromLines {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe {
            match Self::wider(layout) {
                Some(wider) => Self::begin(System.alloc(wider)),
                None => System.alloc(layout),
            }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe {
            match Self::wider(layout) {
                Some(wider) => Self::begin(System.alloc_zeroed(wider)),
                None => System.alloc_zeroed(layout),
            }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's; an array keeps how much was skipped.
        unsafe {
            match Self::wider(layout) {
                Some(wider) => System.dealloc(block.sub(block.cast::<usize>().sub(1).read()), wider),
                None => System.dealloc(block, layout),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_begin_with_a_line_and_keep_what_they_hold_when_they_grow() {
        for size in [1, 64, ARRAY - 1, ARRAY, ARRAY + 1, 1 << 20, 9 << 20] {
            for align in [1, 8, 64, 4096] {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: blocks are given back as they were taken, and only their own bytes are touched.
                unsafe {
                    let block = FromLines.alloc_zeroed(layout);
                    assert!((0..size).all(|at| block.add(at).read() == 0));
                    (0..size).for_each(|at| block.add(at).write(at as u8));
                    // Across the size from which blocks are arrays, in both directions.
                    let other = if size < ARRAY { 3 * ARRAY } else { size / 3 };
                    let block = FromLines.realloc(block, layout, other);
                    let kept = size.min(other);
                    assert!((0..kept).all(|at| block.add(at).read() == at as u8), "{size} {align}");
                    let least = if other >= ARRAY { align.max(LINE) } else { align };
                    assert!((block as usize).is_multiple_of(least), "{size} {align}");
                    FromLines.dealloc(block, Layout::from_size_align(other, align).unwrap());
                }
            }
        }
    }

    #[test]
    fn all_are_zero() {
        for length in [0, 1, 1 << 12, 1 << 20] {
            let zeros: Vec<f64> = zeros(length);
            assert!(zeros.len() == length && zeros.iter().all(|zero| *zero == 0.0));
        }
    }
}
