//! Calibration: constants of a response model chosen so that the engine itself meets observations.
//!
//! With constants θ, each taken as z = (ln θ − ln θ₀)/σ with σ a quarter of the logarithm of its range, misfits rⱼ(z) of the
//! readings of the observations and weights wⱼ, what is sought is the least of
//!
//! ```text
//! f(z) = ½ Σⱼ wⱼ rⱼ(z)² + ½ λ Σᵢ zᵢ² + ½ Σᵢ bᵢ(z)²
//! ```
//!
//! The second term is the prior: a constant leaves its place only if an observation asks for it, and nothing is fitted that
//! was not observed. bᵢ keeps constants in their ranges. The search is a trust-region method (argmin) with the Gauss–Newton
//! Hessian JᵀJ; derivatives are differences over a step large enough to drown the error of the stepping. All runs of a
//! Jacobian go side by side.
//!
//! What the observations say of each constant is told by the posterior covariance C = (JᵀJ + λ 1)⁻¹ at the least: the share
//! learned is 1 − λ Cᵢᵢ, and directions of JᵀJ with small eigenvalues are not identifiable.
//!
//! Where it fails: the posterior is that of a linear model around one minimum; misfits that are zero inside a band say
//! nothing there.

mod file;
mod outcome;
mod search;

pub use file::{Calibration, FreeConstant};
pub use outcome::{Fitted, Learned, model_text};
pub use search::{SearchBoard, fit};
