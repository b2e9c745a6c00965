//! Models made of others: what is laid over what, where a fault is shown, and what a number's account says.

use std::path::Path;

use dermasim::base::error::Source;
use dermasim::base::sourced::Traits;
use dermasim::engine::language::Model;
use dermasim::scenario::{Plan, Scenario};
use dermasim::skin::catalogue::{CatalogueKind, compose, find};

const BASE: &str = "name = \"base\"\nwhat = \"decay\"\n[constant.k]\nvalue = \"2 1/d\"\nrange = [\"1 1/d\", \"3 1/d\"]\nevidence = \"assumed\"\nsource = \"chosen\"\n\n\
    [field.u]\nwhat = \"u\"\nrest = 0\ninitial = 1\n\n[process.decay]\nwhat = \"decay\"\nrate = \"k * u\"\ntakes = { u = 1 }\n\n\
    [observable.u]\nwhat = \"u\"\nvalue = \"mean(u, all)\"\n";

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn scenario(folder: &Path, text: &str) -> dermasim::base::error::Result<Plan> {
    write(folder, "scenario.toml", text);
    Scenario::read(&folder.join("scenario.toml"))?.plan()
}

fn number(model: &Model, name: &str, traits: &Traits) -> f64 {
    model.constants[name].number().unwrap().of(traits).unwrap()
}

#[test]
fn a_model_that_extends_another_holds_only_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "base.toml", BASE);
    write(
        folder.path(),
        "own.toml",
        "extends = \"base.toml\"\nname = \"own\"\n[constant.k]\nvalue = \"5 1/d\"\nevidence = \"tuned\"\nsource = \"mine\"\n\
         [process.decay]\nrate = \"2 * k * u\"\n[observable.twice]\nwhat = \"twice\"\nvalue = \"2 * mean(u, all)\"\n",
    );
    let model =
        dermasim::skin::model(&find(CatalogueKind::Response, "own.toml", Some(folder.path())).unwrap()).unwrap();
    assert_eq!(model.name, "own");
    assert!((number(&model, "k", &Traits::new()) - 5.0 / 86400.0).abs() < 1e-18);
    // The number was replaced whole, its range with it; the process kept what it takes.
    assert!(model.constants["k"].number().unwrap().range.is_none());
    assert_eq!(model.processes["decay"].takes.len(), 1);
    assert_eq!(model.observables.keys().collect::<Vec<_>>(), ["u", "twice"]);
}

#[test]
fn a_fault_is_shown_where_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "base.toml", BASE);
    let cases = [
        (
            "extends = \"base.toml\"\n[process.more]\nwhat = \"x\"\nrate = \"kk * u\"\ntakes = { u = 1 }\n",
            "own.toml",
            4,
            "kk",
        ),
        ("extends = \"base.toml\"\n\n[constant.k]\nvaleu = 3\n", "own.toml", 4, "valeu"),
        ("extends = \"own.toml\"\n", "own.toml", 1, "extends itself"),
        ("extends = \"nothing\"\n", "own.toml", 1, "nothing"),
        (
            "extends = \"base.toml\"\n[constant.q.times.half]\nvalue = 0.5\nevidence = \"assumed\"\nsource = \"mine\"\n",
            "own.toml",
            2,
            "to multiply",
        ),
        // What breaks is below: the process of the base loses its field's unit.
        (
            "extends = \"base.toml\"\n[constant.k]\nvalue = \"5 mm\"\nevidence = \"tuned\"\nsource = \"mine\"\n",
            "base.toml",
            16,
            "",
        ),
    ];
    for (text, file, line, part) in cases {
        write(folder.path(), "own.toml", text);
        let error = find(CatalogueKind::Response, "own.toml", Some(folder.path()))
            .and_then(|source| dermasim::skin::model(&source))
            .unwrap_err();
        let shown = error.to_string();
        assert!(shown.contains(file) && error.message().contains(part), "{shown}");
        assert_eq!(error.line(), Some(line), "{shown}");
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn laying_a_text_twice_changes_nothing() {
    let base = Source::new("base.toml", BASE);
    let upper = Source::new(
        "upper.toml",
        "[response.constant.k.times.a]\nvalue = 2\nevidence = \"assumed\"\nsource = \"mine\"\n\
         [response.constant.new]\nvalue = 1\nevidence = \"assumed\"\nsource = \"mine\"\n",
    );
    let once = compose(&base, &upper, "response").unwrap();
    let twice = compose(&once, &upper, "response").unwrap();
    assert_eq!(once.text, twice.text);
    assert_eq!(number(&dermasim::skin::model(&once).unwrap(), "k", &Traits::new()), 4.0 / 86400.0);
}

#[test]
fn factors_multiply_and_stay_when_a_number_is_replaced() {
    let base = Source::new("base.toml", BASE);
    let factor = |name: &str, value: f64| {
        let text =
            format!("[response.constant.k.times.{name}]\nvalue = {value}\nevidence = \"assumed\"\nsource = \"mine\"\n");
        Source::new(format!("{name}.toml"), text)
    };
    let replaced = Source::new(
        "new.toml",
        "[response.constant.k]\nvalue = \"10 1/d\"\nevidence = \"assumed\"\nsource = \"mine\"\n",
    );
    let one = compose(&base, &factor("a", 0.5), "response").unwrap();
    let two = compose(&one, &factor("b", 3.0), "response").unwrap();
    let three = compose(&two, &replaced, "response").unwrap();
    let day = 86400.0;
    for (source, value) in [(&one, 1.0), (&two, 3.0), (&three, 15.0)] {
        let own = number(&dermasim::skin::model(source).unwrap(), "k", &Traits::new()) * day;
        assert!((own - value).abs() < 1e-12, "{own} {value}");
    }
}

#[test]
fn by_age_a_number_lies_on_lines_between_ages() {
    let text = BASE.replace(
        "value = \"2 1/d\"\nrange = [\"1 1/d\", \"3 1/d\"]",
        "by = \"age\"\nvalue = { 20 = \"1 1/d\", 40 = \"3 1/d\", 60 = \"2 1/d\" }",
    );
    let model = dermasim::skin::model(&Source::new("age.toml", text)).unwrap();
    for (age, value) in [("10", 1.0), ("20", 1.0), ("30", 2.0), ("40", 3.0), ("55", 2.25), ("90", 2.0)] {
        let own = number(&model, "k", &Traits::from([("age".into(), age.into())])) * 86400.0;
        assert!((own - value).abs() < 1e-12, "{age}: {own}");
    }
}

#[test]
fn numbers_know_the_file_they_were_written_in() {
    let folder = tempfile::tempdir().unwrap();
    let plan = scenario(
        folder.path(),
        "tissue = \"cheek\"\nlesion = \"stretch_mark\"\nagents = [\"lidocaine\"]\n[person]\nsmoker = \"yes\"\nage = 50\n\
         [course]\nfollowed = \"1 d\"\n[agent.lidocaine]\nafter = \"0 h\"\n",
    )
    .unwrap();
    let file = |key: &str| {
        plan.origin.numbers.iter().find(|number| number.key == key).unwrap_or_else(|| panic!("{key}")).file.clone()
    };
    assert_eq!(file("constant.E_set"), "lesion stretch_mark");
    assert_eq!(file("constant.k_set"), "response default");
    assert_eq!(file("constant.lidocaine_mass"), "agent lidocaine");
    assert_eq!(file("constant.s_1.times.smoker"), "person smoker");
    assert_eq!(file("layer.viable_epidermis.thickness.times.stretch"), "lesion stretch_mark");
    assert_eq!(file("layer.viable_epidermis.thickness"), "tissue cheek");
    // Every number is counted once.
    let mut keys: Vec<_> = plan.origin.numbers.iter().map(|number| (number.root, &number.key)).collect();
    keys.sort();
    let count = keys.len();
    keys.dedup();
    assert_eq!(count, keys.len());
}

#[test]
fn what_was_decided_runs_again_as_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let text = "tissue = \"cheek\"\nlesion = \"acne_scar_boxcar\"\nagents = [\"vitamin_c\"]\nrules = [\"california\"]\ncost = \"united_states\"\n\
                [agent.hyaluronan]\nmass = \"20 kDa\"\nafter = \"1 h\"\n[person]\ndiabetic = \"yes\"\n[needling]\n[course]\nfollowed = \"40 d\"\n";
    let plan = scenario(folder.path(), text).unwrap();
    for file in &plan.origin.files {
        let path = folder.path().join(file.path());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.original.text).unwrap();
    }
    let again = scenario(folder.path(), &plan.origin.scenario).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.origin.scenario, plan.origin.scenario);
    assert_eq!(again.signals, plan.signals);
    for (one, other) in plan.origin.files.iter().zip(&again.origin.files) {
        let differs = one.used.text.lines().zip(other.used.text.lines()).find(|(one, other)| one != other);
        assert!(one.used.text == other.used.text, "{}: {differs:?}", one.path());
    }
}

#[test]
fn wrong_lesions_agents_and_persons_are_refused_kindly() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("tissue = \"cheek\"\nlesion = \"acne_scar_roling\"\n", 2, "no lesion", "acne_scar_rolling"),
        ("tissue = \"cheek\"\nagents = [\"lidocain\"]\n", 2, "no agent", "lidocaine"),
        ("tissue = \"cheek\"\n[agent.lidocaine]\nmas = \"1 kDa\"\n", 3, "has no `mas`", "mass"),
        ("tissue = \"cheek\"\nagents = [\"lidocaine\"]\n[needling]\n", 2, "before the run begins", "first"),
        ("tissue = \"cheek\"\n[person]\nsmoker = \"sometimes\"\n", 3, "unknown smoker", "yes"),
        ("tissue = \"cheek\"\n[agent.soiled_needles]\nlasts = \"1 h\"\n", 3, "has no dose", ""),
        ("tissue = \"cheek\"\nagents = [\"dressing\"]\n[signals]\nocclusion = 1\n", 4, "already", ""),
        ("tissue = \"cheek\"\nrules = [\"californa\"]\n", 2, "no set of rules", "california"),
    ];
    for (text, line, message, help) in cases {
        let error = scenario(folder.path(), text).unwrap_err();
        let shown = error.to_string();
        assert!(error.message().contains(message) && shown.contains(help), "{shown}");
        assert_eq!(error.line(), Some(line), "{shown}");
    }
}
