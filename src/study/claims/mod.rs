//! Claims: what people say about needling, each answered by runs.
//!
//! A claim is one file in `scenarios/claims/`: a scenario as any other, with `[population]` or `[uncertainty]` so that it has
//! samples, and a table `[claim]` that holds the statement, what is read off the runs, which parts the statement has, and how
//! the answer is worded:
//!
//! ```toml
//! [claim]
//! id = "C15"
//! statement = "Redness is mostly gone within two days"
//! observations = ["V7", "V8"]            # of `scenarios/evidence/`, which bear on it
//! given = ["V8b"]                        # observations that a sample must meet to count; may be left out
//! limits = "…"                           # what to keep in mind; may be left out
//! answer = "{% if redness_left.value < 0.5 %}Mostly{% else %}Hardly{% endif %} gone: {{ redness_left.told }} is left."
//!
//! [claim.runs]                           # the scenario with changes, by name; one unnamed run if this is left out
//! long = { "needling.length" = "2 mm" }
//!
//! [claim.reading.redness_left]           # see `evidence::reading`; later readings may use earlier ones by name
//! what = "redness after two days against its peak"
//! value = "at(erythema, [48 h]) / peak(erythema)"
//! unit = "%"
//!
//! [claim.part.redness]                   # a condition on the readings
//! what = "redness is mostly gone after 48 h"
//! holds = "redness_left < 0.5"           # or outside = "why the model cannot tell"
//!
//! [[claim.panel]]                        # what is drawn: course, readings, or value across something
//! title = "Redness"
//! course = "erythema"
//! until = "7 d"
//! ```
//!
//! # The verdict
//!
//! Every run is computed as the file says and for each sample; a sample is the same draw in all runs of a claim, and (since a
//! draw depends on seed and name alone) in all claims with the same seed and number of samples. The claim **holds** in a sample
//! if every part does.
//!
//! Numbers drawn independently within their ranges may come together to a skin that nobody has: one that stays red for months
//! after one session. A claim says which observations it takes as `given`; a sample whose numbers miss one of them (computed
//! with that observation's own scenario) is set aside before its runs begin, and counts nowhere. This is the simplest
//! conditioning on data, by rejection. Then, the first that applies:
//!
//! | verdict | when |
//! |---|---|
//! | not decidable | the run as written failed, or fewer than three in four of the samples not set aside ran, or fewer than three |
//! | contested | it does not hold as written, or in fewer than nine in ten samples |
//! | not decidable | a part is outside the model |
//! | weak | its evidence is graded C or D |
//! | supported | else |
//!
//! The **evidence** is graded A to D. It begins with the best grade among the linked observations that the model meets (a fit,
//! which could hardly be missed, counts one grade lower; an identity counts for nothing), D if there is none. It falls one grade for
//! each of these: a linked observation is missed; a reading rests on an observable whose definition is assumed, a heuristic; more
//! than two thirds of the numbers of the run are assumed. With `[uncertainty]` the
//! samples draw assumed and tuned numbers within their ranges too.
//!
//! Where it fails: samples are few, so a share of nine in ten means all of them; jointly fitted constants are sampled
//! independently; and a model that is wrong in its structure agrees with itself in every sample.

mod decided;
mod file;
mod find;
mod judge;
mod run;
mod words;

pub use decided::{Decided, ReadingSpread};
pub use file::{Claim, ClaimPanel, Look, Reading, StatementPart};
pub use find::{all, chosen, ids};
pub use judge::{AnswerGrade, ClaimAnswer, ClaimSample, Linked, Verdict, judge};
pub use run::{ClaimFindings, FollowedRun, Keep, Sampled, run_all};
pub use words::first_sentence;
