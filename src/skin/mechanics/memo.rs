//! Answers that are kept: what a tissue answers to a device is asked again by every point of a sweep and every draw of a sample.
//!
//! The key is the whole question, compared by value, so that an answer cannot be out of date; the oldest goes first when there are
//! too many. Two threads that ask the same at the same time both compute it, and get the same.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last answers to questions.
#[derive(Debug)]
pub struct Memo<Question, Answer> {
    kept: Mutex<VecDeque<(Question, Answer)>>,
    most: usize,
}

impl<Question: PartialEq + Clone, Answer: Clone> Memo<Question, Answer> {
    /// Keeps so many answers.
    pub const fn new(most: usize) -> Self {
        Self { kept: Mutex::new(VecDeque::new()), most }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(Question, Answer)>> {
        // Nothing is half written in a list whose holder panicked: entries go in whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a question, computed by `answer` if it is not known.
    ///
    /// # Errors
    /// Those of `answer`, which are not kept.
    pub fn of<Failure>(
        &self,
        question: &Question,
        answer: impl FnOnce() -> Result<Answer, Failure>,
    ) -> Result<Answer, Failure> {
        let known = self.kept().iter().find(|(asked, _)| asked == question).map(|(_, known)| known.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let found = answer()?;
        let mut kept = self.kept();
        if kept.len() >= self.most {
            kept.pop_front();
        }
        kept.push_back((question.clone(), found.clone()));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_once_forgets_the_oldest_and_keeps_no_failure() {
        let memo: Memo<u32, u32> = Memo::new(2);
        assert!(memo.of(&1, || Err("no")).is_err());
        let asked = std::cell::Cell::new(0);
        let square = |n: u32| {
            memo.of(&n, || {
                asked.set(asked.get() + 1);
                Ok::<u32, ()>(n * n)
            })
        };
        for (n, computed) in [(1, 1), (1, 1), (2, 2), (1, 2), (3, 3), (2, 3), (1, 4)] {
            assert_eq!(square(n).unwrap(), n * n);
            assert_eq!(asked.get(), computed, "{n}");
        }
    }
}
