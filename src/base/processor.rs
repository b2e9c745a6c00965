//! Which vector instructions the kernels use: one choice for the whole process.
//!
//! Kernels are compiled once for each set and ask here which to run. The choice is the widest set the processor has, unless
//! a narrower one is forced before: fused and plain arithmetic round differently, so a comparison between machines, or an
//! instrument that does not know the newest instructions, needs the same set everywhere. Both wide sets are fused and give
//! the same bits.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::base::error::{Error, Result, suggestion};

/// A set of vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// What every processor of this kind has.
    Plain,
    /// 256-bit vectors with fused multiply-add, x86-64.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors, x86-64.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The choice, one more than its place in `ALL`; zero before anybody asked.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

impl Instructions {
    /// All sets, the narrowest first.
    #[cfg(target_arch = "x86_64")]
    pub const ALL: &'static [Self] = &[Self::Plain, Self::Avx2, Self::Avx512];
    /// All sets, the narrowest first.
    #[cfg(not(target_arch = "x86_64"))]
    pub const ALL: &'static [Self] = &[Self::Plain];

    /// Its name, as in `--instructions avx2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        }
    }

    /// Whether this processor has them.
    pub fn available(self) -> bool {
        match self {
            Self::Plain => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Self::Avx2.available() && is_x86_feature_detected!("avx512f"),
        }
    }

    /// The set of that name.
    ///
    /// # Errors
    /// There is none, or this processor does not have it.
    pub fn named(name: &str) -> Result<Self> {
        let names = Self::ALL.iter().map(|set| set.name());
        let Some(set) = Self::ALL.iter().copied().find(|set| set.name() == name) else {
            return Err(Error::input(format!("there are no instructions `{name}`")).help(suggestion(name, names)));
        };
        if !set.available() {
            let own: Vec<&str> = Self::ALL.iter().filter(|set| set.available()).map(|set| set.name()).collect();
            return Err(Error::input(format!("this processor has no {name} instructions"))
                .help(format!("it has {}", own.join(", "))));
        }
        Ok(set)
    }
}

/// The set in use.
#[inline]
pub fn instructions() -> Instructions {
    match CHOSEN.load(Ordering::Relaxed) {
        0 => widest(),
        chosen => Instructions::ALL[chosen as usize - 1],
    }
}

#[cold]
fn widest() -> Instructions {
    let widest = Instructions::ALL.iter().copied().rfind(|set| set.available()).unwrap_or(Instructions::Plain);
    store(widest);
    widest
}

/// Makes every kernel use this set from now on.
///
/// # Errors
/// This processor does not have it.
pub fn force(set: Instructions) -> Result<()> {
    store(Instructions::named(set.name())?);
    Ok(())
}

// Alone here is the number written, and never for a set the processor lacks: kernels rely on that.
fn store(set: Instructions) {
    let place = Instructions::ALL.iter().position(|own| *own == set).unwrap_or(0);
    CHOSEN.store(place as u8 + 1, Ordering::Relaxed);
}

/// The processor's family and the vector instructions in use, as "x86_64+avx2+fma+avx512f".
pub fn description() -> String {
    let vectors = match instructions() {
        Instructions::Plain => "",
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => "+avx2+fma",
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => "+avx2+fma+avx512f",
    };
    format!("{}{vectors}", std::env::consts::ARCH)
}

/// Compiles functions once for each instruction set and runs the one that [`instructions`] names. A body is
/// told the level: 0 for any processor, 1 with 256-bit vectors and fused multiply-add, 2 with 512-bit vectors. The last two
/// give the same bits.
macro_rules! wide {
    ($($visible:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) = $body:ident;)*) => {$(
        #[inline]
        $visible fn $name($($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($argument: $type),*) { $body::<1>($($argument),*) }
                #[target_feature(enable = "avx512f")]
                fn avx512($($argument: $type),*) { $body::<2>($($argument),*) }
                #[allow(unsafe_code, reason = "the processor has the instructions that are in use")]
                match $crate::base::processor::instructions() {
                    // SAFETY: the processor has what is in use.
                    $crate::base::processor::Instructions::Avx512 => return unsafe { avx512($($argument),*) },
                    // SAFETY: as above.
                    $crate::base::processor::Instructions::Avx2 => return unsafe { avx2($($argument),*) },
                    $crate::base::processor::Instructions::Plain => {}
                }
            }
            $body::<0>($($argument),*)
        }
    )*};
}
pub(crate) use wide;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_name_is_refused_with_the_nearest() {
        let error = Instructions::named("avx215").unwrap_err().to_string();
        assert!(error.contains("avx215"), "{error}");
        assert_eq!(Instructions::named("plain").unwrap(), Instructions::Plain);
    }
}
