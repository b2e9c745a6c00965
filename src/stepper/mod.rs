//! Advancing the fields in time.
//!
//! ∂(ρu)/∂t = ∇·(ρD∇u − ρχu∇s) + ρR(u), with quasi-steady fields solved wherever a rate is evaluated.
//!
//! * `system` evaluates the right-hand side; it is the plain reference to which everything else answers.
//! * `implicit` is the default method, `explicit` the short reference, `wavefront` a fast kernel of it.
//! * `transport` and `follow` are the fluxes; `line`, `modes`, `sweep`, `sparse` and `quasi` the linear solves; `positive` keeps fields
//!   from going negative.

mod explicit;
mod follow;
mod implicit;
mod line;
mod modes;
mod positive;
mod quasi;
mod sparse;
mod sweep;
mod system;
mod transport;
mod wavefront;

use crate::error::{Error, Result};
use crate::scenario::{Method, Stepping};
use crate::skin::Skin;

pub use implicit::{ROS34PW2, Tableau};
pub use system::System;

/// Compiles functions once for each instruction set and runs the one that [`crate::processor`] names. A body is
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
                match $crate::processor::instructions() {
                    // Safety: the processor has what is in use.
                    $crate::processor::Instructions::Avx512 => return unsafe { avx512($($argument),*) },
                    $crate::processor::Instructions::Avx2 => return unsafe { avx2($($argument),*) },
                    $crate::processor::Instructions::Plain => {}
                }
            }
            $body::<0>($($argument),*)
        }
    )*};
}
pub(crate) use wide;

/// a b + c, in one rounding where that is quick.
#[inline(always)]
fn multiply_add<const LEVEL: u8>(a: f64, b: f64, c: f64) -> f64 {
    if LEVEL > 0 { a.mul_add(b, c) } else { a * b + c }
}

/// Asks for a value that will be needed soon, into the second cache: the first one is full of what is worked on. The address
/// need not be one of the program's.
#[inline(always)]
fn prefetch(at: *const f64) {
    #[cfg(target_arch = "x86_64")]
    // Safety: a hint that never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// An array that several threads write, each its own places.
struct Shared(*mut f64, usize);

// Safety: only `row` reaches the values, and its callers hand every thread places of its own.
unsafe impl Sync for Shared {}

impl Shared {
    fn new(values: &mut [f64]) -> Self {
        Self(values.as_mut_ptr(), values.len())
    }

    /// # Safety
    /// Nobody else uses the values of `places` meanwhile.
    #[allow(clippy::mut_from_ref)]
    unsafe fn row(&self, places: std::ops::Range<usize>) -> &mut [f64] {
        assert!(places.end <= self.1);
        unsafe { std::slice::from_raw_parts_mut(self.0.add(places.start), places.len()) }
    }
}

/// Counts of what stepping took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Accepted steps.
    pub accepted: u64,
    /// Rejected steps.
    pub rejected: u64,
}

/// A method with its buffers.
#[derive(Debug)]
enum Scheme {
    Implicit(Box<implicit::Implicit>),
    Explicit(Box<explicit::Explicit>),
}

/// Advances a skin from event to event.
#[derive(Debug)]
pub struct Stepper {
    system: System,
    scheme: Scheme,
    stepping: Stepping,
    /// The step that the last accepted one recommends [s].
    next: f64,
    /// What it took so far.
    pub count: Count,
}

/// The first step after a start or a session [s]; the error estimate takes over from there.
const FIRST_STEP: f64 = 1.0;
/// Error of a balance against the error of a step that is allowed: steps do not see it.
pub const BALANCE: f64 = 1e-3;
/// Explicit steps that are taken before anybody looks at the state.
const SPAN: f64 = 48.0;
/// A step shorter than this part of the time reached cannot change it.
const SHORTEST: f64 = 1e-13;

impl Stepper {
    /// A stepper for a skin; solves the quasi-steady fields at rest and stores them there.
    ///
    /// # Errors
    /// The quasi-steady fields have no balance.
    pub fn new(skin: &mut Skin, stepping: &Stepping) -> Result<Self> {
        let mut system = System::new(skin)?;
        system.settle(skin)?;
        let scheme = match stepping.method {
            Method::Implicit => Scheme::Implicit(Box::new(implicit::Implicit::new(skin, &system, ROS34PW2))),
            Method::Explicit => Scheme::Explicit(Box::new(explicit::Explicit::runge_kutta(skin))),
            Method::Euler => Scheme::Explicit(Box::new(explicit::Explicit::euler(&system, skin))),
        };
        Ok(Self { system, scheme, stepping: stepping.clone(), next: FIRST_STEP, count: Count::default() })
    }

    /// Starts afresh after a jump in the fields or the signals.
    ///
    /// # Errors
    /// The quasi-steady fields have no balance.
    pub fn restart(&mut self, skin: &mut Skin) -> Result<()> {
        self.next = FIRST_STEP;
        if let Scheme::Implicit(scheme) = &mut self.scheme {
            scheme.restart(skin);
        }
        self.system.refresh(skin)
    }

    /// Advances to `target` [s], landing on it exactly. `watch` sees the skin after every accepted step
    /// of the given length and stops by `false`.
    ///
    /// # Errors
    /// The step would have to be too short, a value is not finite, or `watch` stopped.
    pub fn advance(&mut self, skin: &mut Skin, target: f64, watch: &mut dyn FnMut(&Skin, f64) -> bool) -> Result<()> {
        while skin.time < target {
            let left = target - skin.time;
            let wanted = match &self.scheme {
                Scheme::Implicit(_) => self.stepping.fixed.unwrap_or(self.next.min(self.stepping.longest)),
                // Explicit methods divide what they are given into steps that are stable, or fixed.
                Scheme::Explicit(scheme) => match self.stepping.fixed {
                    Some(fixed) => (SPAN * fixed).min(self.stepping.longest.max(fixed)),
                    None => (SPAN * scheme.stable(&self.system, skin)).min(self.stepping.longest),
                },
            };
            // Two even steps rather than a full one and a sliver.
            let step = if wanted >= left * (1.0 - 1e-10) {
                left
            } else if self.stepping.fixed.is_none() && wanted > 0.5 * left {
                0.5 * left
            } else {
                wanted
            };
            let landing = if step == left { target } else { skin.time + step };
            if let Scheme::Explicit(scheme) = &mut self.scheme {
                scheme.advance(&mut self.system, skin, step, self.stepping.fixed, &mut self.count)?;
            } else if let Scheme::Implicit(scheme) = &mut self.scheme {
                let adaptive = self.stepping.fixed.is_none();
                let allowed = implicit::allowed(&self.stepping, step);
                if adaptive {
                    self.system.ask(BALANCE * allowed);
                }
                let (accepted, next) = scheme.step(&mut self.system, skin, step, allowed, adaptive)?;
                // A step cut short by an event says nothing against the longer one wanted before.
                self.next = if accepted && step < wanted { next.max(wanted) } else { next };
                if !accepted {
                    self.count.rejected += 1;
                    if !adaptive || self.next < SHORTEST * target.max(1.0) {
                        return Err(self.stuck(skin, step));
                    }
                    continue;
                }
                self.count.accepted += 1;
            }
            skin.time = landing;
            if matches!(self.scheme, Scheme::Explicit(_)) {
                skin.check()?;
            }
            if !watch(skin, step) {
                return Err(Error::Interrupted);
            }
        }
        Ok(())
    }

    /// One step of exactly this length [s], whatever its error: for comparisons of methods.
    ///
    /// # Errors
    /// A value is not finite, or the method is explicit.
    pub fn force(&mut self, skin: &mut Skin, step: f64) -> Result<()> {
        let Scheme::Implicit(scheme) = &mut self.scheme else {
            return Err(Error::simulation("explicit methods choose their steps themselves"));
        };
        if !scheme.step(&mut self.system, skin, step, implicit::allowed(&self.stepping, step), false)?.0 {
            return Err(self.stuck(skin, step));
        }
        skin.time += step;
        Ok(())
    }

    fn stuck(&self, skin: &Skin, step: f64) -> Error {
        let worst = match &self.scheme {
            Scheme::Implicit(scheme) => scheme.worst(skin),
            Scheme::Explicit(_) => String::new(),
        };
        Error::simulation(format!(
            "no acceptable step on day {:.6}: even {step:.3e} s is too long for `{worst}`",
            skin.time / crate::units::DAY
        ))
    }
}
