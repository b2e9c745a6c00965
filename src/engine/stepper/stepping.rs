//! What a stepper is told.

/// How time is stepped.
#[derive(Debug, Clone, PartialEq)]
pub struct Stepping {
    /// Which method.
    pub method: Method,
    /// Relative error that a short step may make; of a long one less is allowed (`stepper::implicit`).
    pub tolerance: f64,
    /// Absolute part of the error, relative to the size that a field has had (`stepper::judge`).
    pub absolute: f64,
    /// Longest step \[s\].
    pub longest: f64,
    /// A fixed step \[s\] instead of an adaptive one.
    pub fixed: Option<f64>,
}

/// A method of stepping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Implicit, adaptive, the default.
    Implicit,
    /// Explicit with as many stages as stability demands, adaptive: for what is hardly stiff.
    Explicit,
    /// Explicit Euler with fixed steps and without control: for comparisons of kernels, and no choice of a scenario.
    Euler,
}
