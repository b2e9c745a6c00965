//! Mechanics of needles in layered skin, computed from the tissue itself.
//!
//! A needle dents the skin until its tip pierces, cuts its way against tearing, spreading and friction as long as the skin drives
//! it on, and is pulled out again. Each part is a file:
//!
//! | part | what it says | verified against |
//! |---|---|---|
//! | [`elastic`] | layered, nearly incompressible bodies of revolution on a staggered grid | manufactured solution, Lamé, Boussinesq |
//! | [`contact`] | rigid bodies pressed in, linear | Sneddon, Hertz |
//! | [`ground`], [`dent`] | stiffening layers on their backing under a load, a nose, a drum | trends |
//! | [`support`] | force by dent, beside other needles | trends |
//! | [`relax`] | stress that fades | one Maxwell element, power law |
//! | [`puncture`] | when a tip pierces | rows 1 to 4 of the validation |
//! | [`cavity`] | finite strain around the needle | exact pressure, radial balance |
//! | [`channel`] | forces inside the skin | closed forms |
//! | [`strike`] | all of it in time | rows 5, 8, 9, 27 |
//! | [`surrogate`] | a table of strikes with its error | strikes in time |
//! | [`memo`] | what was asked before | |
//!
//! SI units throughout. What no part knows: inertia, anisotropy in the plane, tension of the skin at rest, stick and slip, bending.

mod assembly;
pub mod band;
pub mod cavity;
pub mod channel;
pub mod contact;
pub mod dent;
pub mod elastic;
pub mod ground;
pub mod memo;
pub mod puncture;
pub mod relax;
pub mod strike;
pub mod support;
pub mod surrogate;
