//! Events of a model: fields change at their times, seen before and after; those at the start are part of it.

use std::path::Path;
use std::sync::Arc;

use dermasim::base::error::Source;
use dermasim::run::{self, Outcome};
use dermasim::scenario::Scenario;

fn scenario(folder: &Path, model: &str, rest: &str) -> Scenario {
    std::fs::write(folder.join("model.toml"), model).unwrap();
    let text = format!("question = \"q\"\nresponse = \"model.toml\"\n[slab]\nthickness = \"1 mm\"\ncells = 10\n{rest}");
    std::fs::write(folder.join("scenario.toml"), text).unwrap();
    Scenario::read(&folder.join("scenario.toml")).unwrap()
}

fn run(model: &str, rest: &str) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let plan = scenario(folder.path(), model, rest).plan().unwrap_or_else(|error| panic!("{error}"));
    run::run(&Arc::new(plan), &mut |_| true).unwrap_or_else(|error| panic!("{error}"))
}

const GRID: &str = "[grid]\ngeometry = \"section\"\nwidth = \"1 mm\"\ncells = 3\n";

/// Rows (hours, u, w) of a model whose fields change by events alone.
#[test]
fn events_happen_at_their_times_in_the_order_of_the_file() {
    let model = "name = \"events\"\n[field.u]\ninitial = 1\n[field.w]\nkind = \"surface\"\n[signal.s]\n\
        [event.start]\nat = 0\nset = { u = \"u + 3 + s\" }\n\
        [event.half]\nat = [\"1 d\", \"1440 min\"]\nset = { u = \"0.5*u\" }\n\
        [event.add]\nevery = \"12 h\"\nuntil = \"24 h\"\nset = { w = \"w + 1\" }\n\
        [event.late]\nevery = \"30 h\"\nfrom = \"29 h\"\nset = { u = \"u + 1\", w = 0 }\n\
        [observable.u]\nvalue = \"mean(u, all)\"\n[observable.w]\nvalue = \"mean(w, surface)\"\n";
    let rest = format!("[course]\nfollowed = \"30 h\"\n{GRID}[observe]\nevery = \"20 h\"\n[signals]\ns = 1\n");
    let outcome = run(model, &rest);
    let rows: Vec<(f64, f64, f64)> =
        outcome.record.times.iter().zip(&outcome.record.values).map(|(t, row)| (t / 3600.0, row[0], row[1])).collect();
    let wanted = [
        (0.0, 5.0, 0.0),
        (12.0, 5.0, 0.0),
        (12.0, 5.0, 1.0),
        (20.0, 5.0, 1.0),
        (24.0, 5.0, 1.0),
        (24.0, 2.5, 2.0),
        (29.0, 2.5, 2.0),
        (29.0, 3.5, 0.0),
        (30.0, 3.5, 0.0),
    ];
    assert_eq!(rows.len(), wanted.len(), "{rows:?}");
    for (row, wanted) in rows.iter().zip(wanted) {
        assert!(
            (row.0 - wanted.0).abs() < 1e-9 && (row.1 - wanted.1).abs() < 1e-12 && row.2 == wanted.2,
            "{row:?} {wanted:?}"
        );
    }
}

/// A film that is wiped off after six hours and a receptor that is replaced every two: what was put on is what was wiped off,
/// what was carried away with the receptor, and what is there.
#[test]
fn a_dose_is_wiped_off_and_a_receptor_replaced() {
    let model = "name = \"franz\"\n[field.gel]\nkind = \"surface\"\nunit = \"mg/cm^3\"\ninitial = \"[10 mg/cm^3]\"\n\
        [field.cup]\nkind = \"surface\"\nunit = \"mg/cm^3\"\n\
        [field.drug]\nunit = \"mg/cm^3\"\ndiffusivity = \"[0.1 mm^2/h]\"\n\
        boundary.top = { reservoir = \"gel\", thickness = \"0.2 mm\", partition = 0.5 }\n\
        boundary.bottom = { reservoir = \"cup\", thickness = \"1 cm\" }\n\
        [event.wipe]\nat = \"6 h\"\nset = { gel = 0 }\n[event.replace]\nevery = \"2 h\"\nset = { cup = 0 }\n\
        [observable.gel]\nvalue = \"[0.2 mm]*mean(gel, surface)\"\nunit = \"mg/cm^2\"\n\
        [observable.cup]\nvalue = \"[1 cm]*mean(cup, surface)\"\nunit = \"mg/cm^2\"\n\
        [observable.skin]\nvalue = \"integral(drug, all)\"\nunit = \"mg/cm^2\"\n\
        [observable.out]\nvalue = \"through(drug, bottom)\"\nunit = \"mg/cm^2\"\n";
    let outcome = run(model, &format!("[course]\nfollowed = \"15 h\"\n{GRID}[observe]\nevery = \"1 h\"\n"));
    let (times, rows) = (&outcome.record.times, &outcome.record.values);
    let twice: Vec<usize> = (1..times.len()).filter(|i| times[*i] == times[i - 1]).collect();
    let hours: Vec<f64> = twice.iter().map(|i| (times[*i] / 3600.0).round()).collect();
    assert_eq!(hours, [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]);
    let mut gone = 0.0;
    for i in 0..rows.len() {
        if twice.contains(&i) {
            assert_eq!(rows[i][1], 0.0);
            assert_eq!((rows[i][2], rows[i][3]), (rows[i - 1][2], rows[i - 1][3]));
            gone += rows[i - 1][0] + rows[i - 1][1] - rows[i][0] - rows[i][1];
        }
        let all = rows[i][0] + rows[i][1] + rows[i][2] + gone;
        assert!((all - 0.2).abs() < 1e-4 * 0.2, "{i}: {all}");
    }
    // Between events rows are read off between steps; at events they are the state itself.
    let last = rows.len() - 1;
    let all = rows[last][0] + rows[last][1] + rows[last][2] + gone;
    assert!((all - 0.2).abs() < 1e-12, "{:e}", all - 0.2);
    assert!(gone > 0.02 && rows[last][3] > 0.02, "{gone} {:?}", rows[last]);
}

#[test]
fn events_that_make_no_sense_are_refused_at_their_line() {
    let cases = [
        ("at = \"6 h\"\nset = { u = 0 }", ""),
        ("at = [\"6 h\", \"2 d\"]\nset = { u = \"2*u + h\", h = \"h*h\" }", ""),
        ("at = \"6 h\"", "the event changes nothing"),
        ("set = { u = 0 }", "the event has no time"),
        ("at = 6\nset = { u = 0 }", "a time needs a unit"),
        ("at = \"6 mm\"\nset = { u = 0 }", "a time is in"),
        ("at = \"-6 h\"\nset = { u = 0 }", "before the start of the run"),
        ("every = \"0 h\"\nset = { u = 0 }", "must be positive"),
        ("at = \"1 h\"\nuntil = \"2 h\"\nset = { u = 0 }", "it does not"),
        ("every = \"2 h\"\nuntil = \"1 h\"\nset = { u = 0 }", "ends before it begins"),
        ("at = \"6 h\"\nset = { v = 0 }", "unknown field `v`"),
        ("at = \"6 h\"\nset = { o = 0 }", "a quasi-steady field follows the others at once"),
        ("at = \"6 h\"\nset = { u = \"u - 1\" }", "this may make `u` negative"),
        ("at = \"6 h\"\nset = { h = \"u\" }", "a field of the cells"),
        ("at = \"6 h\"\nset = { u = \"[1 mm]\" }", "the new value of the field"),
        ("at = \"6 h\"\nset = { u = \"distance/[1 mm]\" }", "a puncture nearby"),
    ];
    for (event, message) in cases {
        let text = format!(
            "name = \"e\"\n[field.u]\n[field.h]\nkind = \"surface\"\n[field.o]\nkind = \"quasi_steady\"\nrest = \"solve\"\n\
             diffusivity = \"[1 mm^2/h]\"\n[process.p]\nchanges = {{ o = \"(1 - o)*[1 1/h]\" }}\n[event.e]\n{event}\n"
        );
        match dermasim::skin::model(&Source::new("m.toml", text.as_str())) {
            Ok(_) => assert!(message.is_empty(), "{event} is accepted"),
            Err(error) => {
                assert!(!message.is_empty() && error.message().contains(message), "{event}: {error}");
                assert!(error.line().is_some_and(|line| line >= 11), "{error}");
            }
        }
    }
    // So many that nobody could wait for them.
    let folder = tempfile::tempdir().unwrap();
    let model = "name = \"e\"\n[field.u]\n[event.tick]\nevery = \"1 ms\"\nset = { u = 0 }\n";
    let told = scenario(folder.path(), model, &format!("[course]\nfollowed = \"1 d\"\n{GRID}")).plan().unwrap_err();
    assert!(told.message().contains("the event `tick` happens 86") && told.line() == Some(3), "{told}");
}
