//! One run of a study and the mark that tells it is done.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::scenario::{Plan, Scenario};

/// The name of the file that marks a finished run.
const MARK: &str = "done.json";

/// One run of a study. Its plan is made when it is needed and not kept, so that ten thousand jobs take no more memory than ten.
#[derive(Debug, Clone)]
pub struct Job {
    /// What it is called in messages, as "03-length-0.75mm".
    pub name: String,
    /// Where its answer goes.
    pub folder: PathBuf,
    scenario: Scenario,
    /// Whether fields are kept.
    whole: bool,
    program: Arc<str>,
    /// Hash of everything that decides the answer, once it is known.
    fingerprint: OnceLock<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct JobMark {
    fingerprint: String,
}

impl Job {
    /// A job of a scenario, which keeps fields if it is `whole`; `program` tells programs apart that may compute differently.
    pub fn new(
        name: impl Into<String>,
        folder: impl Into<PathBuf>,
        scenario: Scenario,
        whole: bool,
        program: &Arc<str>,
    ) -> Self {
        let fingerprint = OnceLock::new();
        Self { name: name.into(), folder: folder.into(), scenario, whole, program: program.clone(), fingerprint }
    }

    /// What is run.
    ///
    /// # Errors
    /// As [`Scenario::plan`].
    pub fn plan(&self) -> Result<Arc<Plan>> {
        let mut plan = self.scenario.plan()?;
        if !self.whole {
            plan.snapshots.clear();
        }
        self.fingerprint.get_or_init(|| fingerprint(&plan, &self.program));
        Ok(Arc::new(plan))
    }

    /// Hash of everything that decides the answer.
    fn fingerprint(&self) -> Result<&str> {
        if self.fingerprint.get().is_none() {
            self.plan()?;
        }
        Ok(self.fingerprint.get().map_or("", String::as_str))
    }

    /// Whether the folder holds the finished answer of exactly this job.
    pub fn is_done(&self) -> bool {
        self.is_done_in(&self.folder)
    }

    /// Whether another folder holds it.
    pub fn is_done_in(&self, folder: &Path) -> bool {
        let text = std::fs::read_to_string(folder.join(MARK));
        text.ok()
            .and_then(|text| serde_json::from_str::<JobMark>(&text).ok())
            .is_some_and(|mark| self.fingerprint().is_ok_and(|own| own == mark.fingerprint))
    }

    /// Puts the mark into a folder that holds the whole answer.
    ///
    /// # Errors
    /// The mark cannot be written.
    pub fn mark(&self, folder: &Path) -> Result<()> {
        let path = folder.join(MARK);
        let mark = serde_json::json!(JobMark { fingerprint: self.fingerprint()?.to_owned() });
        std::fs::write(&path, format!("{mark:#}\n")).map_err(|cause| Error::file(path, "write", cause))
    }
}

/// Hash of the decided scenario, the model files it uses and the program.
pub fn fingerprint(plan: &Plan, program: &str) -> String {
    let mut hash = blake3::Hasher::new();
    let files = plan.origin.files.iter().map(|file| file.used.text.as_str());
    for part in [program, &plan.origin.scenario].into_iter().chain(files) {
        // Lengths keep the parts apart.
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_hex().to_string()
}
