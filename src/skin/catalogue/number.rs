//! Tables of sourced numbers, declared once: the name of a number, its unit and the sign it may have.

use std::sync::Arc;

use crate::base::error::{Result, Source};
use crate::base::sourced::{Choice, Sourced, WrittenNumber};
use crate::base::units::Quantity;

/// Which values a number may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Above zero.
    Positive,
    /// Zero or above.
    NotNegative,
    /// Any.
    Either,
}

/// Checks a number as [`WrittenNumber::check`] does, and that it measures what `unit` measures and has the sign it may have.
pub(super) fn checked(written: WrittenNumber, source: &Arc<Source>, unit: &str, sign: Sign) -> Result<Sourced> {
    let number = written.check(source)?;
    let at = || number.place.1.clone();
    let values: Vec<f64> = match &number.value {
        Choice::One(one) => vec![one.value],
        Choice::By(_, table) => table.values().map(|one| one.value).collect(),
    };
    Quantity { value: values[0], dimension: number.dimension() }
        .expect(unit)
        .map_err(|error| error.at(source, at()))?;
    let refusal = match sign {
        Sign::Positive if values.iter().any(|value| *value <= 0.0) => "this must be above zero",
        Sign::NotNegative if values.iter().any(|value| *value < 0.0) => "this cannot be negative",
        _ => return Ok(number),
    };
    Err(source.refuse(at(), refusal))
}

/// Declares a table of numbers: the type with its numbers, what serde reads, the check between the two, and the list of
/// its numbers by dotted name.
macro_rules! table {
    ($(#[$meta:meta])* $name:ident from $written:ident {
        $($(#[$about:meta])* $field:ident: $unit:literal $sign:ident,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $($(#[$about])* pub $field: $crate::base::sourced::Sourced,)*
        }

        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $written {
            $($field: $crate::base::sourced::WrittenNumber,)*
        }

        impl $written {
            pub(super) fn check(self, source: &std::sync::Arc<$crate::base::error::Source>) -> $crate::base::error::Result<$name> {
                use $crate::skin::catalogue::number::{Sign, checked};
                Ok($name { $($field: checked(self.$field, source, $unit, Sign::$sign)?,)* })
            }
        }

        impl $name {
            /// Every number of the table with its dotted name, which begins with `prefix`.
            pub fn numbers(&self, prefix: &str) -> Vec<(String, &$crate::base::sourced::Sourced)> {
                vec![$((format!("{prefix}.{}", stringify!($field)), &self.$field),)*]
            }
        }
    };
}

pub(super) use table;
