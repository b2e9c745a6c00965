//! Finished runs of a study, known by their content: a study that was stopped repeats none of them.
//!
//! A run is known by the hash of its decided scenario, the model files, what is looked at and when, and the program's own bytes.
//! Each is a sealed part of the draft that is being made, and goes when the draft is finished.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::base::error::{Error, Result};
use crate::base::folder::{self, AnswerFolder, Identity, hash};
use crate::engine::observe::Record;
use crate::run::session::Session;
use crate::scenario::Plan;
use crate::study::evidence::reading::RunAnswer;
use crate::study::job::fingerprint;
use crate::study::practice::Practice;

/// The file of a run.
const FILE: &str = "run.json";

/// Where finished runs are kept.
#[derive(Debug, Clone)]
pub struct Store {
    folder: Option<PathBuf>,
    program: Arc<str>,
    /// Runs that some thread of this process has kept or is about to keep: two that compute the same write it once.
    written: Arc<Mutex<HashSet<String>>>,
}

/// A run as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    record: Record,
    session: Option<Session>,
    practice: Practice,
}

impl Store {
    /// Keeps nothing.
    pub fn none() -> Self {
        Self { folder: None, program: Arc::from(""), written: Arc::default() }
    }

    /// Keeps runs in a folder, which is made when the first one ends.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder: Some(folder), program: program().into(), written: Arc::default() }
    }

    /// The answer of a plan: the one that is kept, if `may_reuse`, else what `compute` gives, which is kept then. Of a run of which only
    /// the needles are read, `response` is false.
    ///
    /// # Errors
    /// As of `compute`, or it cannot be kept.
    pub fn answer(
        &self,
        plan: &Plan,
        response: bool,
        may_reuse: bool,
        compute: impl FnOnce() -> Result<RunAnswer>,
    ) -> Result<RunAnswer> {
        let Some(folder) = &self.folder else { return compute() };
        let looks: Vec<String> = plan.looks.iter().map(|look| format!("{:x}", look.to_bits())).collect();
        let own = fingerprint(plan, &self.program);
        let key = hash([own.as_str(), if response { "response" } else { "needles" }, &looks.join(" ")]);
        let place = folder.join(&key[..32]);
        if may_reuse && let Some(answer) = found(&place, &key) {
            return Ok(answer);
        }
        let answer = compute()?;
        // A thread that panicked while it held the list has nothing half done in it.
        if !self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
            return Ok(answer);
        }
        folder::write_part(&place, &identity(&key), |fresh| {
            let path = fresh.join(FILE);
            let RunAnswer { record, session, practice } = answer.clone();
            let text = serde_json::to_string(&Kept { record, session, practice })
                .map_err(|cause| Error::file(&path, "write", cause.into()))?;
            folder::file::write(&path, text)?;
            Ok(Map::new())
        })?;
        Ok(answer)
    }
}

fn identity(key: &str) -> Identity {
    Identity::of("job", "", [key])
}

/// The answer in a folder, if it is whole and that of this run. What holds a number that JSON has not is computed again.
fn found(place: &Path, key: &str) -> Option<RunAnswer> {
    let sealed =
        AnswerFolder::open(place).filter(|own| own.identity().2 == identity(key).settings && own.is_whole())?;
    let text = std::fs::read_to_string(sealed.root().join(FILE)).ok()?;
    let Kept { record, session, practice } = serde_json::from_str(&text).ok()?;
    Some(RunAnswer { record, session, practice })
}

/// What tells this program from others that may compute differently: its version and its own bytes.
pub fn program() -> String {
    let own = std::env::current_exe().and_then(std::fs::read).map(|bytes| blake3::hash(&bytes).to_hex().to_string());
    format!("{} {}", env!("CARGO_PKG_VERSION"), own.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn a_finished_run_is_not_repeated_and_any_other_is() {
        let folder = tempfile::tempdir().unwrap();
        let text = "tissue = \"uniform\"\nresponse = \"brusselator\"\n[course]\nfollowed = \"1 min\"\n";
        let mut plan = Scenario::from_text("x", text).plan().unwrap();
        let store = Store::in_folder(folder.path().join("jobs"));
        let count = Cell::new(0);
        let ask = |store: &Store, plan: &Plan, may_reuse: bool| {
            let answer = store.answer(plan, true, may_reuse, || {
                count.set(count.get() + 1);
                RunAnswer::of(crate::run::run(&Arc::new(plan.clone()), &mut |_| true)?)
            });
            (answer.unwrap().record.values, count.get())
        };
        let (first, _) = ask(&store, &plan, true);
        assert_eq!(ask(&store, &plan, true), (first.clone(), 1));
        assert_eq!(ask(&store, &plan, false), (first.clone(), 2));
        assert_eq!(ask(&Store { program: Arc::from("another"), ..store.clone() }, &plan, true), (first.clone(), 3));
        // What was changed by hand is not taken for computed.
        for entry in std::fs::read_dir(folder.path().join("jobs")).unwrap() {
            std::fs::write(entry.unwrap().path().join(FILE), "{}").unwrap();
        }
        assert_eq!(ask(&store, &plan, true), (first, 4));
        plan.looks.push(30.0);
        assert_eq!(ask(&store, &plan, true).1, 5);
    }

    #[test]
    fn threads_that_compute_the_same_do_not_get_into_each_others_way() {
        let folder = tempfile::tempdir().unwrap();
        let text = "tissue = \"uniform\"\nresponse = \"brusselator\"\n[course]\nfollowed = \"1 min\"\n";
        let plan = Arc::new(Scenario::from_text("x", text).plan().unwrap());
        let answer = RunAnswer::of(crate::run::run(&plan, &mut |_| true).unwrap()).unwrap();
        for round in 0..20 {
            let store = Store::in_folder(folder.path().join(round.to_string()));
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..4)
                    .map(|_| scope.spawn(|| store.answer(&plan, true, false, || Ok(answer.clone())).map(drop)))
                    .collect();
                all.into_iter().for_each(|one| one.join().unwrap().unwrap());
            });
        }
    }
}
