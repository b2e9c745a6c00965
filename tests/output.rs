//! The run folder: complete, whole, the same bytes every time, and readable again.

mod output_sample;

use std::fs;
use std::path::Path;

use dermasim::present::output::{self, Inputs, KeptRun};
use output_sample as sample;

fn write(kept: &KeptRun<'_>, folder: &Path) {
    let provenance = sample::provenance();
    let models = [("tissue/cheek".to_owned(), "a = 1".to_owned())];
    let inputs = Inputs { scenario: "tissue = \"cheek\"\n", models: &models, provenance: &provenance };
    output::write_kept(kept, &sample::cost(), &inputs, folder).unwrap();
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_folder_is_complete_and_the_same_every_time() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for folder in &folders {
        write(&sample::run("cheek", sample::cells(), 1.0), folder.path());
    }
    let (mut one, mut other) = (files(folders[0].path()), files(folders[1].path()));
    for wanted in [
        "scenario.toml",
        "manifest.json",
        "summary.json",
        "timecourse.csv",
        "timecourse.parquet",
        "timecourse_control.csv",
        "timecourse_control.parquet",
        "observables.csv",
        "needling.csv",
        "provenance.csv",
        "holes.csv",
        "fields.zarr/zarr.json",
        "paraview/fields.pvd",
        "paraview/surface.pvd",
    ] {
        assert!(one.iter().any(|(name, _)| name == wanted), "{wanted} is missing");
    }
    // The manifest tells the memory of this process, which is nobody's to promise.
    one.retain(|(name, _)| name != "manifest.json");
    other.retain(|(name, _)| name != "manifest.json");
    assert!(one == other, "two writes of one run differ");
}

#[test]
fn the_summary_keeps_its_contract() {
    let folder = tempfile::tempdir().unwrap();
    write(&sample::run("cheek", sample::cells(), 1.0), folder.path());
    let text = fs::read_to_string(folder.path().join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&String> = summary.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["observables", "needling", "provenance", "practice", "faults", "doubts"]);
    for (name, answer) in summary["observables"].as_object().unwrap() {
        let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["unit", "rest", "peak", "peak_day", "end", "resolved_day"], "{name}");
    }
    let erythema = &summary["observables"]["erythema"];
    assert!(erythema["peak"].as_f64().unwrap() > 0.5 && erythema["resolved_day"].as_f64().unwrap() > 56.0);
    assert!(summary["observables"]["collagen_I"]["resolved_day"].is_null());
    assert_eq!(summary["provenance"]["measured"], 1);
    assert_eq!(summary["needling"]["sessions"][2]["day"], 56.0);
}

#[test]
fn a_run_reads_back_as_it_was_written() {
    for shape in [sample::cells(), sample::tile(), sample::section(), sample::point()] {
        let folder = tempfile::tempdir().unwrap();
        let kept = sample::run("cheek", shape, 1.0);
        write(&kept, folder.path());
        let again = KeptRun::read(folder.path()).unwrap();
        assert_eq!(again.about, kept.about);
        assert_eq!(again.answers, kept.answers);
        assert_eq!(again.needling, kept.needling);
        assert_eq!(again.record.values, kept.record.values);
        assert_eq!(again.shape.z, kept.shape.z);
        assert_eq!(again.shape.layers, kept.shape.layers);
        assert_eq!(again.snapshots.len(), kept.snapshots.len());
        for (ours, theirs) in kept.snapshots.iter().zip(again.snapshots.iter()) {
            assert_eq!(ours.fields.len(), theirs.fields.len());
            for ((name, _, values), (other, _, read)) in ours.fields.iter().zip(&theirs.fields) {
                assert_eq!((name, values), (other, read), "{}", kept.shape.kind);
            }
            assert_eq!(ours.marks.len(), theirs.marks.len());
        }
    }
}

#[test]
fn a_folder_that_is_no_run_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let message = KeptRun::read(folder.path()).unwrap_err().message().into_owned();
    assert!(message.contains("summary.json"), "{message}");
    fs::write(folder.path().join("summary.json"), "{\"observables\": 3}").unwrap();
    assert!(KeptRun::read(folder.path()).is_err());
}

/// Leaves example folders behind for a look with other programs (xarray, ParaView, pandas).
#[test]
fn every_grid_can_be_written() {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("output-sample");
    for (name, shape) in [
        ("cells", sample::cells()),
        ("tile", sample::tile()),
        ("section", sample::section()),
        ("point", sample::point()),
    ] {
        write(&sample::run(name, shape, 1.0), &base.join(name));
    }
}
