//! Advancing the fields in time.
//!
//! ∂(ρu)/∂t = ∇·(ρD∇u − ρχu∇s) + ρR(u), with quasi-steady fields solved wherever a rate is evaluated.
//!
//! * `system` evaluates the right-hand side; it is the plain reference to which everything else answers.
//! * `implicit` is the default method, `explicit` a stabilised one for what is hardly stiff, `wavefront` a fast kernel.
//! * `judge` weighs the error of a step against what is allowed, `clock` sees to it that no step leaps over what time does.
//! * `transport` and `follow` are the fluxes; `line`, `modes`, `sweep`, `sparse` and `quasi` the linear solves; `positive` keeps fields
//!   from going negative.
#![expect(unsafe_code, reason = "a prefetch takes an address")]

mod buffers;
mod clock;
mod drift;
mod explicit;
mod follow;
mod implicit;
mod judge;
mod line;
mod modes;
mod positive;
mod quasi;
mod shared;
mod sparse;
mod stepping;
mod sweep;
mod system;
mod transport;
mod wavefront;

use crate::base::error::{Error, Result};
use crate::engine::medium::Medium;
use clock::Watch;
use judge::Judge;

pub use implicit::{ROS34PW2, Tableau};
pub use stepping::{Method, Stepping};
pub use system::System;

/// a b + c, in one rounding where that is quick.
#[inline(always)]
fn multiply_add<const LEVEL: u8>(a: f64, b: f64, c: f64) -> f64 {
    if LEVEL > 0 { a.mul_add(b, c) } else { a * b + c }
}

/// Prefetches a value into the second cache, as the first one is full of what is worked on. The address need not be one of the
/// program's.
#[inline(always)]
fn prefetch(at: *const f64) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint that never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Counts of what stepping took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Accepted steps.
    pub accepted: u64,
    /// Rejected steps.
    pub rejected: u64,
    /// Steps taken although their error was larger than allowed, for they could not be shorter.
    pub beyond: u64,
}

/// When a step is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// Its error is allowed.
    Allowed,
    /// The same, but that a field that begins in this step may err: it cannot be shorter.
    Beginning,
    /// Whatever its error, as long as it is finite.
    Finite,
    /// Never: it is only tried.
    Trial,
}

impl Demand {
    fn met(self, judge: &Judge) -> bool {
        match self {
            Self::Allowed => judge.error() <= 1.0,
            Self::Beginning => judge.error().is_finite() && judge.only_beginnings(),
            Self::Finite => judge.error().is_finite(),
            Self::Trial => false,
        }
    }
}

/// What came of a step that was tried.
#[derive(Debug, Clone, Copy)]
struct Trial {
    accepted: bool,
    /// The length recommended next \[s\].
    next: f64,
}

/// Where a stepper stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// At the target.
    Target,
    /// At a moment at which something jumps with time.
    Turn,
}

/// A method with its buffers.
#[derive(Debug)]
enum Scheme {
    Implicit(Box<implicit::Implicit>),
    Explicit(Box<explicit::Explicit>),
    Euler(explicit::Euler),
}

impl Scheme {
    fn judge(&self) -> Option<&Judge> {
        match self {
            Self::Implicit(scheme) => Some(scheme.judge()),
            Self::Explicit(scheme) => Some(scheme.judge()),
            Self::Euler(_) => None,
        }
    }
}

/// Advances a medium from event to event.
#[derive(Debug)]
pub struct Stepper {
    system: System,
    scheme: Scheme,
    stepping: Stepping,
    watch: Option<Watch>,
    /// The step that the last accepted one recommends [s].
    next: f64,
    /// Whether no step was tried since the last start.
    fresh: bool,
    /// Steps tried in a row that were too short to get anywhere.
    crawled: u64,
    /// The largest error of a fixed step, relative to what is allowed.
    pub excess: f64,
    /// Whether a fixed step leapt over what a course of time does meanwhile.
    pub leapt: bool,
    /// What it took so far.
    pub count: Count,
}

/// The first step after a start or an act of the host [s]; the error estimate takes over from there.
const FIRST_STEP: f64 = 1.0;
/// Error of a balance against the error of a step that is allowed: steps do not see it.
pub const BALANCE: f64 = 1e-3;
/// Part of the time to reach below which a step is not shortened. A field that begins at nothing errs by as much as it is
/// whatever the step, so of this size; any other field must be within what is allowed, or the run ends.
const SHORTEST: f64 = 1e-12;
/// Steps of the shortest length after which a run is given up.
const LAST_RESORTS: u64 = 4000;
/// Steps shorter than this part of the time to reach do not get there: after so many in a row a run is given up.
const CRAWL: (f64, u64) = (1e-8, 20_000);

impl Stepper {
    /// A stepper for a medium; solves the quasi-steady fields at rest and stores them there.
    ///
    /// # Errors
    /// The quasi-steady fields have no balance.
    pub fn new(medium: &mut Medium, stepping: &Stepping) -> Result<Self> {
        let mut system = System::new(medium)?;
        system.settle(medium)?;
        let scheme = match stepping.method {
            Method::Implicit => {
                Scheme::Implicit(Box::new(implicit::Implicit::new(medium, &system, ROS34PW2, stepping.absolute)))
            }
            Method::Explicit => Scheme::Explicit(Box::new(explicit::Explicit::new(medium, &system, stepping.absolute))),
            Method::Euler => Scheme::Euler(explicit::Euler::new(&system, medium)),
        };
        let watch = Watch::new(&medium.compiled, stepping.tolerance);
        let stepping = stepping.clone();
        Ok(Self {
            system,
            scheme,
            stepping,
            watch,
            next: FIRST_STEP,
            fresh: true,
            crawled: 0,
            excess: 0.0,
            leapt: false,
            count: Count::default(),
        })
    }

    /// Observables will be recorded at these moments \[s\]: pulses in time are found down to a hundredth of their intervals.
    ///
    /// # Errors
    /// Something changes so fast with time that no step can follow it.
    pub fn looks(&mut self, medium: &Medium, looks: &[f64]) -> Result<()> {
        self.watch.as_mut().map_or(Ok(()), |watch| watch.begin(looks, medium.last_act))
    }

    /// Starts afresh after a jump in the fields or the signals.
    ///
    /// # Errors
    /// The quasi-steady fields have no balance.
    pub fn restart(&mut self, medium: &mut Medium) -> Result<()> {
        (self.next, self.fresh) = (FIRST_STEP, true);
        match &mut self.scheme {
            Scheme::Implicit(scheme) => scheme.restart(medium),
            Scheme::Explicit(scheme) => scheme.restart(medium),
            Scheme::Euler(_) => {}
        }
        self.watch.iter_mut().for_each(Watch::restart);
        self.system.refresh(medium)
    }

    /// Advances to `target` [s], landing on it exactly. `watch` sees the medium after every accepted step of the given length and
    /// stops by `false`.
    ///
    /// # Errors
    /// The step would have to be too short, a value is not finite, or `watch` stopped.
    pub fn advance(
        &mut self,
        medium: &mut Medium,
        target: f64,
        watch: &mut dyn FnMut(&Medium, f64) -> bool,
    ) -> Result<()> {
        while self.leg(medium, target, watch)? == Landing::Turn {}
        Ok(())
    }

    /// Advances to `target` \[s\], or to a moment before it at which rates jump with time.
    ///
    /// # Errors
    /// As [`Stepper::advance`].
    pub fn leg(
        &mut self,
        medium: &mut Medium,
        target: f64,
        watch: &mut dyn FnMut(&Medium, f64) -> bool,
    ) -> Result<Landing> {
        while medium.time < target {
            let turn = self.watch.as_mut().and_then(|watch| {
                watch.turn(
                    medium.time,
                    target.min(medium.time + 2.0 * self.next.max(self.stepping.fixed.unwrap_or(0.0))),
                    medium.last_act,
                )
            });
            let end = turn.map_or(target, |[before, _]| before.min(target));
            if end > medium.time && !self.step(medium, end, watch)? {
                continue;
            }
            if let Some([before, after]) = turn
                && medium.time >= before
                && after <= target
            {
                medium.time = after;
                self.fresh = true;
                self.system.refresh(medium)?;
                return Ok(Landing::Turn);
            }
        }
        Ok(Landing::Target)
    }

    /// Finds out what fields that begin at nothing may become.
    fn expect(&mut self, medium: &mut Medium, left: f64, allowed: f64) -> Result<()> {
        let system = &mut self.system;
        let mut trials = Vec::new();
        for span in [left, left / 16.0] {
            let deviations = match &mut self.scheme {
                Scheme::Implicit(scheme) if scheme.judge().is_blind() => {
                    scheme.step(system, medium, span, allowed, Demand::Trial)?;
                    scheme.judge().deviations()
                }
                Scheme::Explicit(scheme) if scheme.judge().is_blind() => {
                    scheme.step(system, medium, span, allowed, Demand::Trial, left)?;
                    scheme.judge().deviations()
                }
                _ => return Ok(()),
            };
            trials.push(deviations);
        }
        match &mut self.scheme {
            Scheme::Implicit(scheme) => scheme.judge_mut().expect(&trials),
            Scheme::Explicit(scheme) => scheme.judge_mut().expect(&trials),
            Scheme::Euler(_) => {}
        }
        Ok(())
    }

    /// Takes or tries one step towards `end`; says whether it got there.
    fn step(&mut self, medium: &mut Medium, end: f64, watch: &mut dyn FnMut(&Medium, f64) -> bool) -> Result<bool> {
        let left = end - medium.time;
        let mut wanted = match (&self.scheme, self.stepping.fixed) {
            (Scheme::Euler(_), Some(fixed)) => explicit::Euler::span(fixed).min(self.stepping.longest.max(fixed)),
            (Scheme::Euler(_), None) => return Err(Error::input("Euler's method has steps of a fixed length")),
            (_, fixed) => fixed.unwrap_or(self.next.min(self.stepping.longest)),
        };
        if let Some(watch) = &mut self.watch {
            let followed = watch.followed(medium.time, wanted.min(left), end, medium.last_act).min(wanted);
            match self.stepping.fixed {
                None => wanted = followed,
                Some(_) => self.leapt |= followed < wanted.min(left),
            }
        }
        // Two even steps rather than a full one and a sliver.
        let step = if wanted >= left * (1.0 - 1e-10) {
            left
        } else if self.stepping.fixed.is_none() && wanted > 0.5 * left {
            0.5 * left
        } else {
            wanted
        };
        let landing = if step == left { end } else { medium.time + step };
        let adaptive = self.stepping.fixed.is_none();
        let allowed = implicit::allowed(&self.stepping, step);
        let shortest = adaptive && step <= SHORTEST * end;
        let demand = match (adaptive, shortest) {
            (false, _) => Demand::Finite,
            (true, true) => Demand::Beginning,
            (true, false) => Demand::Allowed,
        };
        if adaptive {
            self.system.ask(BALANCE * allowed);
        }
        self.crawled = if adaptive && wanted < CRAWL.0 * end { self.crawled + 1 } else { 0 };
        if self.crawled > CRAWL.1 {
            return Err(self.stuck(medium, step));
        }
        if self.fresh && adaptive {
            self.expect(medium, left, allowed)?;
        }
        self.fresh = false;
        let system = &mut self.system;
        let tried = match &mut self.scheme {
            Scheme::Euler(scheme) => {
                scheme.advance(system, medium, step, self.stepping.fixed.unwrap_or(step), &mut self.count)?;
                medium.check()?;
                None
            }
            Scheme::Implicit(scheme) => Some(scheme.step(system, medium, step, allowed, demand)?),
            Scheme::Explicit(scheme) => Some(scheme.step(system, medium, step, allowed, demand, left)?),
        };
        if let Some(Trial { accepted, next }) = tried {
            let error = self.scheme.judge().map_or(0.0, Judge::error);
            // A step cut short by an event says nothing against the longer one wanted before.
            self.next = if accepted && step < wanted { next.max(wanted) } else { next };
            if !accepted {
                self.count.rejected += 1;
                if !adaptive || shortest {
                    return Err(self.stuck(medium, step));
                }
                self.next = self.next.max(SHORTEST * end);
                return Ok(false);
            }
            self.count.accepted += 1;
            if shortest && error > 1.0 {
                self.count.beyond += 1;
                if self.count.beyond > LAST_RESORTS {
                    return Err(self.stuck(medium, step));
                }
            }
            if !adaptive {
                self.excess = self.excess.max(error);
            }
        }
        medium.time = landing;
        match watch(medium, step) {
            true => Ok(landing == end),
            false => Err(Error::Interrupted),
        }
    }

    /// One step of exactly this length [s], whatever its error: for comparisons of methods.
    ///
    /// # Errors
    /// A value is not finite, or the method is explicit.
    pub fn force(&mut self, medium: &mut Medium, step: f64) -> Result<()> {
        let Scheme::Implicit(scheme) = &mut self.scheme else {
            return Err(Error::simulation("explicit methods choose their steps themselves"));
        };
        if !scheme
            .step(&mut self.system, medium, step, implicit::allowed(&self.stepping, step), Demand::Finite)?
            .accepted
        {
            return Err(self.stuck(medium, step));
        }
        medium.time += step;
        Ok(())
    }

    /// What repairs of negative values moved of each field, as a part of the largest content it had; only fields of which
    /// something was moved.
    pub fn repaired(&self, medium: &Medium) -> Vec<(String, f64)> {
        let Some(judge) = self.scheme.judge() else { return Vec::new() };
        let parts = judge.repaired().enumerate().filter(|(_, part)| *part > 0.0);
        parts.map(|(f, part)| (judge::name_of(medium, f).to_owned(), part)).collect()
    }

    /// Why there is no step: the rates are no numbers where the state is, or change too fast.
    fn stuck(&mut self, medium: &Medium, step: f64) -> Error {
        let day = medium.time / crate::base::units::DAY;
        let mut rates = vec![0.0; medium.state.len()];
        self.system.rates(medium, &mut rates);
        if let Some(place) = medium.not_finite(&rates) {
            return Error::simulation(format!(
                "the rate of {place} is not a number on day {day:.6}, as 0/0 or a root of a negative number is none: write it so that \
                 it has a value there, as u*v/(u + v + 1e-12) in place of u*v/(u + v)"
            ));
        }
        let worst = self.scheme.judge().map_or("", |judge| judge::name_of(medium, judge.limiting()));
        Error::simulation(format!("no acceptable step on day {day:.6}: even {step:.3e} s is too long for `{worst}`"))
    }
}
