//! Runs jobs side by side: as many at a time as there are threads, each with its share of them.
//!
//! Every job gets a pool of threads of its own. In one common pool, a thread that waits for a part of its run would begin
//! another run meanwhile, until all runs were under way and in memory at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::error::{Error, Result};
use crate::study::Job;

/// How a job ended.
#[derive(Debug)]
pub enum Ended {
    /// It had been done before.
    Before,
    /// It was run now.
    Now,
    /// It failed.
    Failed(Error),
    /// It was not begun, because the study was stopped.
    Left,
}

/// Told of every job that begins and ends, from any thread.
pub trait JobBoard: Sync {
    /// A job begins.
    fn begins(&self, job: &Job);
    /// A job ended.
    fn ended(&self, job: &Job, how: &Ended);
    /// Whether the study is to stop.
    fn stop(&self) -> bool;
}

/// Runs all jobs that are not done, `threads` threads in all, and tells how each ended, in the order of the jobs. A job that
/// fails does not keep the others from running; an interruption does.
///
/// # Errors
/// The system gives no threads.
pub fn run_all(
    jobs: &[Job],
    threads: usize,
    board: &dyn JobBoard,
    run: &(dyn Fn(&Job) -> Result<()> + Sync),
) -> Result<Vec<Ended>> {
    let open = jobs.iter().filter(|job| !job.is_done()).count();
    let done = each(jobs.len(), threads, open, &|number, pool| {
        let job = &jobs[number];
        let how = if board.stop() {
            Ended::Left
        } else if job.is_done() {
            Ended::Before
        } else {
            board.begins(job);
            match pool.install(|| run(job)) {
                Ok(()) => Ended::Now,
                Err(Error::Interrupted) => Ended::Left,
                Err(error) => Ended::Failed(error),
            }
        };
        board.ended(job, &how);
        how
    })?;
    Ok(done)
}

/// Does `work` for each number below `count` side by side, with `threads` threads in all for the `open` ones that take time,
/// and gives what came out in order. Each worker has a pool of its own.
///
/// # Errors
/// The system gives no threads.
pub fn each<T: Send>(
    count: usize,
    threads: usize,
    open: usize,
    work: &(dyn Fn(usize, &rayon::ThreadPool) -> T + Sync),
) -> Result<Vec<T>> {
    let workers = threads.clamp(1, open.max(1));
    let share = (threads / workers).max(1);
    let pools = (0..workers)
        .map(|_| rayon::ThreadPoolBuilder::new().num_threads(share).build())
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| Error::simulation(format!("the system gives no threads: {error}")))?;
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<T>>> = Mutex::new((0..count).map(|_| None).collect());
    std::thread::scope(|scope| {
        for pool in &pools {
            scope.spawn(|| {
                while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < count) {
                    let out = work(number, pool);
                    // A thread that panicked while it held the list has nothing half done in it.
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner)[number] = Some(out);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(done.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;

    struct Quiet(AtomicBool);

    impl JobBoard for Quiet {
        fn begins(&self, _: &Job) {}
        fn ended(&self, _: &Job, _: &Ended) {}
        fn stop(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn jobs(folder: &Path, program: &str) -> Vec<Job> {
        let text = "tissue = \"uniform\"\nresponse = \"brusselator\"\n";
        let (scenario, program) = (crate::scenario::Scenario::from_text("x", text), Arc::from(program));
        (0..5).map(|i| Job::new(format!("{i}"), folder.join(i.to_string()), scenario.clone(), true, &program)).collect()
    }

    fn write(job: &Job) -> Result<()> {
        std::fs::create_dir_all(&job.folder).map_err(|cause| Error::file(&job.folder, "write", cause))?;
        job.mark(&job.folder)
    }

    #[test]
    fn an_interrupted_study_goes_on_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = jobs(folder.path(), "1");
        let quiet = Quiet(AtomicBool::new(false));
        let first = run_all(&jobs, 2, &quiet, &|job| {
            if job.name == "3" {
                quiet.0.store(true, Ordering::Relaxed);
                return Err(Error::Interrupted);
            }
            write(job)
        });
        assert!(matches!(first.unwrap()[3], Ended::Left));
        quiet.0.store(false, Ordering::Relaxed);
        let second = run_all(&jobs, 2, &quiet, &write).unwrap();
        assert!(matches!(second[0], Ended::Before) && matches!(second[3], Ended::Now));
    }

    #[test]
    fn another_program_runs_again_and_a_failure_stays_alone() {
        let folder = tempfile::tempdir().unwrap();
        let quiet = Quiet(AtomicBool::new(false));
        run_all(&jobs(folder.path(), "1"), 3, &quiet, &write).unwrap();
        let ended = run_all(&jobs(folder.path(), "2"), 3, &quiet, &|job| {
            if job.name == "2" { Err(Error::simulation("no")) } else { write(job) }
        });
        let ended = ended.unwrap();
        assert!(matches!(ended[2], Ended::Failed(_)));
        assert!(ended.iter().enumerate().all(|(i, how)| i == 2 || matches!(how, Ended::Now)));
    }
}
