//! Large arrays.
//!
//! Sweeps walk over states of many megabytes, row by row in several arrays at once. On pages of 4 KiB nearly every row is a new
//! page, whose address the processor has to look up; and where such pages lie decides by chance which of them compete for the
//! same places of a cache. So the system is asked for large pages where it grants them on request. It may refuse; nothing but the
//! time depends on it.

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
        // Safety: whole pages of this array; the advice changes none of its values.
        unsafe { libc::madvise(start.add(skip).cast_mut().cast(), length, libc::MADV_HUGEPAGE) };
    }
    zeros
}

/// Small pages begin at multiples of this, or of less.
#[cfg(target_os = "linux")]
const PAGE: usize = 1 << 16;

#[cfg(test)]
mod tests {
    #[test]
    fn all_are_zero() {
        for length in [0, 1, 1 << 12, 1 << 20] {
            let zeros: Vec<f64> = super::zeros(length);
            assert!(zeros.len() == length && zeros.iter().all(|zero| *zero == 0.0));
        }
    }
}
