//! Advancing the fields in time.
//!
//! ∂(ρu)/∂t = ∇·(ρD∇u − ρχu∇s) + ρR(u), with quasi-steady fields solved wherever a rate is evaluated.
//!
//! * `system` evaluates the right-hand side; it is the plain reference to which everything else answers.
//! * `implicit` is the default method, `explicit` the short reference, `wavefront` its fast kernel.
//! * `transport`, `sparse` and `quasi` are the linear solves they are built from; `positive` keeps fields from going negative.

mod explicit;
mod implicit;
mod positive;
mod quasi;
mod sparse;
mod system;
mod transport;
mod wavefront;

use crate::error::{Error, Result};
use crate::scenario::{Method, Stepping};
use crate::skin::Skin;

pub use implicit::{ROS34PW2, Tableau};
pub use system::System;

/// Compiles functions once for each instruction set and runs the one that [`crate::processor`] names. The
/// arithmetic is the same in all: no fused operations are introduced, so the bits are too.
macro_rules! wide {
    ($(fn $name:ident($($argument:ident: $type:ty),* $(,)?) = $body:ident;)*) => {$(
        #[inline]
        fn $name($($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2($($argument: $type),*) { $body($($argument),*) }
                #[target_feature(enable = "avx512f")]
                fn avx512($($argument: $type),*) { $body($($argument),*) }
                match $crate::processor::instructions() {
                    // Safety: the processor has what is in use.
                    $crate::processor::Instructions::Avx512 => return unsafe { avx512($($argument),*) },
                    $crate::processor::Instructions::Avx2 => return unsafe { avx2($($argument),*) },
                    $crate::processor::Instructions::Plain => {}
                }
            }
            $body($($argument),*)
        }
    )*};
}
pub(crate) use wide;

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
/// Fixed explicit steps that are taken before anybody looks at the state.
const SPAN: f64 = 64.0;
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
            Method::Implicit => Scheme::Implicit(Box::new(implicit::Implicit::new(skin, ROS34PW2))),
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

    /// Advances to `target` [s], landing on it exactly. `watch` sees every accepted step (time, step) and stops by `false`.
    ///
    /// # Errors
    /// The step would have to be too short, a value is not finite, or `watch` stopped.
    pub fn advance(&mut self, skin: &mut Skin, target: f64, watch: &mut dyn FnMut(f64, f64) -> bool) -> Result<()> {
        while skin.time < target {
            let left = target - skin.time;
            let wanted = match &self.scheme {
                Scheme::Implicit(_) => self.stepping.fixed.unwrap_or(self.next.min(self.stepping.longest)),
                // Explicit methods divide what they are given into steps that are stable, or fixed.
                Scheme::Explicit(_) => {
                    self.stepping.fixed.map_or(self.stepping.longest, |fixed| (SPAN * fixed).min(self.stepping.longest))
                }
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
                let (accepted, next) = scheme.step(&mut self.system, skin, step, self.stepping.tolerance, adaptive)?;
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
            skin.check()?;
            if !watch(skin.time, step) {
                return Err(Error::Interrupted);
            }
        }
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
