//! An array that several threads write, each its own places.
#![expect(unsafe_code, reason = "threads write disjoint rows of one array, which slices cannot say")]

use std::marker::PhantomData;
use std::ops::Range;

/// The array. No reference to it is left while this lives.
pub(super) struct Shared<'a, T> {
    start: *mut T,
    length: usize,
    array: PhantomData<&'a mut [T]>,
}

// SAFETY: only `row` reaches the values, and its callers hand every thread places of its own.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(super) fn new(values: &'a mut [T]) -> Self {
        Self { start: values.as_mut_ptr(), length: values.len(), array: PhantomData }
    }

    /// Some places of it.
    ///
    /// # Safety
    /// Nobody else uses the values of `places` meanwhile.
    #[expect(clippy::mut_from_ref, reason = "places are handed out once, as the caller vouches")]
    pub(super) unsafe fn row(&self, places: Range<usize>) -> &mut [T] {
        assert!(places.start <= places.end && places.end <= self.length, "places outside of the array");
        // SAFETY: they lie inside of the array, and the caller vouches that nobody else uses them.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(places.start), places.len()) }
    }
}
