//! Two time courses at the times of one of them.

use crate::engine::observe::Record;

/// Times closer than this are the same moment \[s\].
const SAME: f64 = 1e-6;

/// How a record is read at one moment of another: one row, or between two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pair {
    /// The record has this moment.
    Row(usize),
    /// Between a row and the next, at this share of the way.
    Between(usize, f64),
    /// The record does not reach it.
    Outside,
}

impl Pair {
    /// The value of an observable of the record, by its column.
    pub fn of(self, record: &Record, column: usize) -> Option<f64> {
        let at = |row: usize| record.values.get(row)?.get(column).copied();
        match self {
            Self::Row(row) => at(row),
            Self::Between(row, share) => Some((1.0 - share) * at(row)? + share * at(row + 1)?),
            Self::Outside => None,
        }
    }
}

/// For each moment of `first`, how `other` is read there. A session stands twice in a record, before and after: the first is
/// paired with the first, the second with the second.
pub fn pair(first: &Record, other: &Record) -> Vec<Pair> {
    let mut repeats = 0;
    first
        .times
        .iter()
        .enumerate()
        .map(|(row, time)| {
            repeats = if row > 0 && time - first.times[row - 1] < SAME { repeats + 1 } else { 0 };
            let begin = other.times.partition_point(|own| *own < time - SAME);
            let end = other.times.partition_point(|own| *own <= time + SAME);
            if begin < end {
                return Pair::Row((begin + repeats).min(end - 1));
            }
            match (begin.checked_sub(1), other.times.get(begin)) {
                (Some(before), Some(after)) => {
                    let from = other.times[before];
                    Pair::Between(before, (time - from) / (after - from))
                }
                _ => Pair::Outside,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_paired_before_with_before() {
        let record = |times: &[f64]| Record {
            times: times.to_vec(),
            values: times.iter().enumerate().map(|(i, _)| vec![i as f64]).collect(),
            ..Record::default()
        };
        let (first, other) = (record(&[0.0, 1.0, 1.0, 2.0, 9.0]), record(&[0.0, 1.0, 1.0, 3.0]));
        let values: Vec<_> = pair(&first, &other).iter().map(|pair| pair.of(&other, 0)).collect();
        assert_eq!(values, [Some(0.0), Some(1.0), Some(2.0), Some(2.5), None]);
    }
}
