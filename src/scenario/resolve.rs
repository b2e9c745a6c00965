//! From what was typed to what is meant.
//!
//! Each option is decided in one line: the value typed if it is sound, else the default that stands beside it. The text of
//! what was decided is kept, so that a run's folder holds a scenario that gives the same run again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde_spanned::Spanned;
use toml_edit::{DocumentMut, Item, Table};

use crate::base::error::{Result, Source, read_toml, suggestion};
use crate::base::sourced::Traits;
use crate::base::units::DAY;
use crate::engine::grid::Layer;
use crate::engine::language::{Compiled, Definition, LayerName, Model, Setting, VolumeField};
use crate::scenario::change::{Change, ROOTS};
use crate::scenario::decide::{Decider, LENGTH, Limits, as_written};
use crate::scenario::estimate::{Estimate, Size};
use crate::scenario::expect::expectations;
use crate::scenario::files::ModelFile;
use crate::scenario::geometry::{self, MOST_CELLS};
use crate::scenario::overlay::{Overlays, USUAL};
use crate::scenario::plan::{Origin, Plan};
use crate::scenario::schedule::settle;
use crate::scenario::timeline;
use crate::scenario::written::{self, Amount, Word, WrittenScenario};
use crate::skin::catalogue::{CatalogueKind, Cost, Device, Mechanics, Operator, Rules, Tissue};
use crate::skin::protocol::{Dose, Protocol, Solver};

/// A year in seconds.
const YEAR: f64 = 365.25 * DAY;
const DEPTH: Limits = Limits { low: (0.0, "0 mm"), ..LENGTH };
const NEEDLE: Limits = Limits { unit: "mm", low: (1e-5, "10 µm"), high: (1e-2, "10 mm") };
const FREQUENCY: Limits = Limits { unit: "Hz", low: (0.1, "0.1 Hz"), high: (1e4, "10 kHz") };
const SPEED: Limits = Limits { unit: "mm/s", low: (1e-5, "0.01 mm/s"), high: (10.0, "10 m/s") };
const FORCE: Limits = Limits { unit: "N", low: (1e-3, "1 mN"), high: (1e3, "1 kN") };
const WEAR: Limits = Limits { unit: "1", low: (0.0, "0"), high: (1e4, "10000") };
const AREA: Limits = Limits { unit: "cm^2", low: (1e-6, "0.01 cm^2"), high: (2.0, "2 m^2") };
const DENSITY: Limits = Limits { unit: "1/cm^2", low: (1e2, "0.01 1/cm^2"), high: (1e9, "100000 1/cm^2") };
const PASSES: Limits = Limits { unit: "1", low: (0.01, "0.01"), high: (1e3, "1000") };
const COVERAGE: Limits = Limits { unit: "s/cm^2", low: (1.0, "0.0001 s/cm^2"), high: (1e8, "10000 s/cm^2") };
const AGE: Limits = Limits { unit: "years", low: (0.0, "0"), high: (120.0 * YEAR, "120 years") };
/// Ways to compute the mechanics of needles; the first is usual.
const SOLVERS: [&str; 3] = ["surrogate", "grid", "lumped"];
const YEARS: Limits = Limits { unit: "1", low: (0.0, "0"), high: (120.0, "120 years") };

/// What a scenario text means. `changes` concern model files; those of the scenario itself are already in the text.
///
/// # Errors
/// All that is wrong with the text and the files it names, as far as one thing does not hide another.
pub(super) fn resolve(name: &str, folder: &Path, source: &Arc<Source>, changes: &[&Change]) -> Result<Plan> {
    let typed: WrittenScenario = read_toml(source)?;
    let mut decide = Decider::new(source);
    let plan = planned(&mut decide, name, folder, &typed, changes);
    decide.faults()?;
    plan.ok_or_else(|| decide.refuse(0..0, "this scenario has no plan"))
}

/// The plan, unless something without which there is none is at fault.
fn planned(
    decide: &mut Decider,
    name: &str,
    folder: &Path,
    typed: &WrittenScenario,
    changes: &[&Change],
) -> Option<Plan> {
    let name = decide.word("", "name", typed.name.as_ref(), name);
    let question = typed.question.clone().unwrap_or_default();
    decide.note("", "question", question.as_str().into());

    // What stands for itself; each is read even if another is at fault.
    let overlays = decide.part(|decide| Overlays::read(decide, typed, folder))?;
    let opener = Opener { folder, changes, overlays: &overlays };
    let tissue = decide.part(|decide| {
        let file = tissue_file(decide, typed, &opener)?;
        Ok((Arc::new(Tissue::read(&file.used)?), file))
    });
    let response = decide.part(|decide| {
        let mut file =
            opener.open(decide, CatalogueKind::Response, ("", "response"), typed.response.as_ref(), "default")?;
        // The model's own faults are told before those of the probes that are added to it.
        crate::skin::model(&file.used)?;
        add_probes(decide, typed, &mut file)?;
        Ok((Arc::new(crate::skin::model(&file.used)?), file))
    });
    let mut files = Vec::new();
    let practice = decide.part(|decide| practice(decide, typed, folder, &mut files));
    let seed = decide.whole("", "seed", typed.seed.as_ref(), 1, 0..=i64::MAX as usize) as u64;
    let needled = typed.needling.is_some();
    let protocol = decide.part(|decide| match &typed.needling {
        Some(needling) => protocol(decide, needling, typed.mechanics.as_ref(), &opener, &mut files).map(Some),
        None => no_needling(decide, typed, changes),
    });
    let course = decide.part(|decide| timeline::course(decide, typed.course.as_ref(), needled));
    let most_steps = decide.part(|decide| timeline::most_steps(decide, &typed.stepping));
    let ((tissue, tissue_file), (model, response)) = (tissue?, response?);
    let stepping = decide.part(|decide| timeline::stepping(decide, &typed.stepping, model.stepping));

    // The skin of this person, and what the model is in it.
    let mut read = vec![tissue_file, response];
    read.extend(overlays.used(&read));
    read.append(&mut files);
    let files = read;
    if let Some(Some(protocol)) = &protocol {
        decide.part(|_| tissue.suits(&protocol.mechanics))?;
    }
    let (traits, age) = decide.part(|decide| person(decide, typed, &tissue, &files))?;
    let layers = decide.part(|_| tissue.layers(&traits))?;
    let setting = Setting {
        layers: layers.iter().map(|own| LayerName { name: own.name.clone(), groups: own.groups.clone() }).collect(),
        traits: traits.clone(),
    };
    let compiled = decide.part(|_| model.compile(&setting))?;
    let shape = decide.part(|decide| {
        let (geometry, resolution) = geometry::geometry(decide, &typed.grid, &layers, needled, wound_width(&model))?;
        geometry::faces(&model, &geometry)?;
        geometry::axes(&model, &geometry)?;
        let reached: Vec<Layer> = geometry::reached(&layers, &geometry);
        probes_reach(decide, typed, &model, &compiled, &reached)?;
        geometry::regions(&model, &reached)?;
        Ok((geometry, resolution))
    });
    let observables: Vec<&str> = compiled.observables.iter().map(|one| one.name.as_str()).collect();
    let expected = decide.part(|decide| expectations(&decide.source, &observables));

    // When things happen.
    let (sessions, end) = course?;
    let fields: Vec<&str> = (compiled.volume.iter().map(|field| field.name.as_str()))
        .chain(compiled.surface.iter().filter(|field| field.adds_up.is_none()).map(|field| field.name.as_str()))
        .chain(compiled.quasi.iter().map(|field| field.name.as_str()))
        .collect();
    let snapshots =
        decide.part(|decide| timeline::snapshots(decide, typed.snapshots.as_ref(), &fields, &sessions, end));
    let signals = decide.part(|decide| signals(decide, typed, &overlays, &model, &sessions, end));
    let events = decide.part(|_| timeline::events(&model, &sessions, end))?;
    let looks = decide.part(|decide| timeline::looks(decide, typed.observe.as_ref(), &sessions, &events, end));
    decide.part(|decide| copy_tables(decide, changes))?;

    let (rules, cost) = practice?;
    let (protocol, most_steps, stepping, looks) = (protocol?, most_steps?, stepping?, looks?);
    let ((geometry, resolution), expected) = (shape?, expected?);
    let ((snapshots, snapshot_fields), mut signals) = (snapshots?, signals?);
    // What happens at one moment has one time, in whatever units it was written.
    let happening = events.iter().map(|(time, _)| time);
    let anchors: Vec<f64> = sessions.iter().chain(&snapshots).chain(happening).copied().chain([end]).collect();
    settle(signals.iter_mut().map(|(time, ..)| time), &anchors, end);
    signals.retain(|(time, ..)| *time < end);
    signals.sort_by(|a, b| a.0.total_cmp(&b.0));

    let (warnings, numbers) = decide.part(|_| {
        let (mut warnings, mut numbers) = (timeline::idle_events(&model, &events, end), Vec::new());
        for file in &files {
            warnings.extend(file.outside(changes)?);
            // What is laid over other files is counted there.
            let laid =
                |key: &str| overlays.lays(file.kind) && ROOTS.iter().any(|root| key.split('.').next() == Some(root));
            numbers.extend(file.numbers()?.into_iter().filter(|number| !laid(&number.key)));
        }
        Ok((warnings, numbers))
    })?;
    let size = Size {
        cells: geometry::cells(&geometry, resolution, &layers, compiled.turns.each()),
        fields: fields.len(),
        kept_fields: if snapshot_fields.is_empty() { fields.len() } else { snapshot_fields.len() },
        snapshots: snapshots.len(),
        sessions: sessions.len(),
        end,
        longest: stepping.longest,
        tolerance: stepping.tolerance,
        fixed: stepping.fixed,
    };
    let grid_place = [&typed.grid.cells, &typed.grid.resolution, &typed.grid.spacing].into_iter().flatten().next();
    let estimate = decide.part(|decide| {
        Estimate::of(&size).map_err(|error| match grid_place {
            Some(place) => error.at(&decide.source, place.span()),
            None => error,
        })
    })?;
    Some(Plan {
        name,
        question,
        model,
        tissue,
        layers,
        traits,
        age,
        lesion: overlays.lesion.clone(),
        agents: overlays.agents(),
        rules,
        cost,
        protocol,
        geometry,
        resolution,
        end,
        sessions,
        looks,
        snapshots,
        snapshot_fields,
        events,
        signals,
        stepping,
        most_steps,
        seed,
        origin: Origin { scenario: decide.decided.to_string(), files, numbers, warnings, expected, estimate },
    })
}

/// What the scenario and its agents set the model's signals to, and when.
fn signals(
    decide: &mut Decider,
    typed: &WrittenScenario,
    overlays: &Overlays,
    model: &Model,
    sessions: &[f64],
    end: f64,
) -> Result<Vec<(f64, String, f64)>> {
    let mut signals = timeline::signals(decide, &typed.signals, &model.signals, end)?;
    let applied = overlays.signals(decide, &model.signals, sessions, end)?;
    if let Some((name, _)) =
        typed.signals.iter().find(|(name, _)| applied.iter().any(|(_, own, _)| own == name.get_ref()))
    {
        let message = format!("an agent sets the signal `{}` already", name.get_ref());
        return Err(decide.refuse(name.span(), message).help("say when under [agent.NAME]"));
    }
    signals.extend(applied);
    Ok(signals)
}

/// How wide a wound is that no needle made, if the model has one \[m\].
fn wound_width(model: &Model) -> Option<f64> {
    match &model.constants.get("wound_width")?.definition {
        Definition::Number(number) => number.alone(&Traits::new()).ok(),
        Definition::Expression(_) => None,
    }
}

/// Opens model files and applies the scenario's changes to them.
struct Opener<'a> {
    folder: &'a Path,
    changes: &'a [&'a Change],
    overlays: &'a Overlays,
}

impl Opener<'_> {
    /// Opens the file that an option names. In the decided scenario the option names the copy in the run's folder.
    fn open(
        &self,
        decide: &mut Decider,
        kind: CatalogueKind,
        (table, key): (&str, &str),
        given: Option<&Word>,
        default: &str,
    ) -> Result<ModelFile> {
        let word = given.map_or(default, |word| word.get_ref().as_str());
        let mut file = ModelFile::open(kind, word, self.folder).map_err(|error| match given {
            Some(word) => error.at(&decide.source, word.span()),
            None => error,
        })?;
        decide.note(table, key, file.path().into());
        self.overlays.lay(&mut file)?;
        let own: Vec<&Change> = self.overlays.changes.iter().chain(self.changes.iter().copied()).collect();
        file.change(&own)?;
        Ok(file)
    }
}

/// The tissue, or a file that describes the slab in its place.
fn tissue_file(decide: &mut Decider, typed: &WrittenScenario, opener: &Opener) -> Result<ModelFile> {
    let Some(slab) = &typed.slab else {
        if typed.tissue.is_none() {
            return Err(decide
                .refuse(0..0, "the scenario names no tissue")
                .help("write tissue = \"cheek\" at the top; `dermasim list tissues` shows the others"));
        }
        return opener.open(decide, CatalogueKind::Tissue, ("", "tissue"), typed.tissue.as_ref(), "");
    };
    if let Some(tissue) = &typed.tissue {
        return Err(decide.refuse(tissue.span(), "a scenario has a tissue or a slab, not both"));
    }
    let slab = slab.get_ref();
    let layer = decide.word("slab", "layer", slab.layer.as_ref(), "medium");
    if layer.is_empty() || !layer.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
        let span = slab.layer.as_ref().map_or(0..0, Word::span);
        return Err(decide.refuse(span, format!("`{layer}` is no name for a layer")));
    }
    let thickness = decide.amount("slab", "thickness", slab.thickness.as_ref(), Some("1 mm"), LENGTH)?.unwrap_or(1e-3);
    let cells = decide.whole("slab", "cells", slab.cells.as_ref(), 1, 1..=MOST_CELLS);
    let spacing = thickness / cells as f64;
    let text = format!(
        "what = \"a uniform slab, described by the scenario\"\n\n[layer.{layer}]\nspacing = [\"{spacing} m\", \"{spacing} m\"]\n\
         thickness = {{ value = \"{thickness} m\", evidence = \"assumed\", source = \"set by the scenario\" }}\n\
         stiffness = {{ value = \"1 kPa\", evidence = \"assumed\", source = \"a slab is not needled\" }}\n"
    );
    let mut file = ModelFile::made(CatalogueKind::Tissue, "slab", text);
    file.change(opener.changes)?;
    Ok(file)
}

/// The rules of a plan that names none.
const GOOD_PRACTICE: &str = "good_practice";

/// The rules a protocol is measured by, and the prices.
type RulesAndCost = (Vec<Arc<Rules>>, Option<Arc<Cost>>);

fn practice(
    decide: &mut Decider,
    typed: &WrittenScenario,
    folder: &Path,
    files: &mut Vec<ModelFile>,
) -> Result<RulesAndCost> {
    let mut open = |kind: CatalogueKind, word: &Word| -> Result<(Arc<Source>, String)> {
        let mut file =
            ModelFile::open(kind, word.get_ref(), folder).map_err(|error| error.at(&decide.source, word.span()))?;
        file.tell_apart(files);
        let opened = (file.used.clone(), file.path());
        files.push(file);
        Ok(opened)
    };
    let (mut rules, mut paths) = (Vec::new(), toml_edit::Array::new());
    // A needled plan that names no rules is measured by good practice.
    let usual = [Word::new(0..0, GOOD_PRACTICE.to_owned())];
    let named: &[Word] = match &typed.rules {
        Some(named) => named,
        None if typed.needling.is_some() => &usual,
        None => &[],
    };
    for word in named {
        let (source, path) = open(CatalogueKind::Rules, word)?;
        rules.push(Arc::new(Rules::read(&source)?));
        paths.push(path);
    }
    let mut cost = None;
    if let Some(word) = &typed.cost {
        let (source, path) = open(CatalogueKind::Cost, word)?;
        cost = Some(Arc::new(Cost::read(&source)?));
        decide.note("", "cost", path.into());
    }
    if !paths.is_empty() {
        decide.note("", "rules", toml_edit::Value::Array(paths));
    }
    Ok((rules, cost))
}

/// Adds the scenario's probes to the response model, as observables and regions of their own.
fn add_probes(decide: &Decider, typed: &WrittenScenario, response: &mut ModelFile) -> Result<()> {
    for (name, probe) in &typed.probe {
        let mut document = response.document()?;
        let table = |document: &mut DocumentMut, kind: &str, key: &str, entries: Vec<(&str, String)>| {
            let root = document.as_table_mut();
            let Some(all) = root.entry(kind).or_insert(Item::Table(Table::new())).as_table_mut() else { return false };
            let mut own = Table::new();
            for (key, value) in entries {
                own.insert(key, toml_edit::value(value));
            }
            let free = !all.contains_key(key);
            all.insert(key, Item::Table(own));
            free
        };
        let mut value = probe.value.get_ref().clone();
        let mut ends = Vec::new();
        for (key, end) in [("from", &probe.from), ("to", &probe.to)] {
            if let Some(end) = end {
                ends.push((key, format!("{} m", decide.read(key, end, DEPTH)?)));
            }
        }
        if !ends.is_empty() {
            let region = format!("probe_{}", name.get_ref());
            value = format!("mean({value}, {region})");
            table(&mut document, "region", &region, ends);
        }
        let word = |word: &Option<Word>, default: &str| word.as_ref().map_or(default, |w| w.get_ref()).to_owned();
        let entries = vec![
            ("what", word(&probe.what, &format!("probe {}", name.get_ref()))),
            ("value", value),
            ("unit", word(&probe.unit, "1")),
        ];
        if !table(&mut document, "observable", name.get_ref(), entries) {
            return Err(decide.refuse(name.span(), format!("the model already has an observable `{}`", name.get_ref())));
        }
        response.use_document(&document)?;
        crate::skin::model(&response.used).map_err(|error| {
            let message = format!("probe `{}`: {}", name.get_ref(), error.message());
            error.retold(&decide.source, probe.value.span(), message)
        })?;
    }
    Ok(())
}

/// Refuses probes that reach below the tissue, or into layers in which nothing of what they read lives.
fn probes_reach(
    decide: &Decider,
    typed: &WrittenScenario,
    model: &Model,
    compiled: &Compiled,
    layers: &[Layer],
) -> Result<()> {
    let depth = layers.last().map_or(0.0, |last| last.bottom);
    let shown = |metres: f64| geometry::Millimetres(metres);
    for (name, probe) in &typed.probe {
        let end = |end: &Option<Amount>, default: f64| {
            end.as_ref().map_or(Ok(default), |end| decide.read("from", end, DEPTH))
        };
        let (from, to) = (end(&probe.from, 0.0)?, end(&probe.to, depth)?);
        let (Some(place), name) = (probe.to.as_ref().or(probe.from.as_ref()), name.get_ref()) else { continue };
        if from >= depth || to > depth * (1.0 + 1e-9) {
            let message = format!("the probe `{name}` reaches below the tissue, which is {} deep", shown(depth));
            return Err(decide
                .refuse(place.span(), message)
                .help(format!("let it end at \"{}\" or above", shown(depth))));
        }
        let met: Vec<usize> =
            (0..layers.len()).filter(|&at| layers[at].bottom.min(to) > layers[at].top.max(from)).collect();
        let named = model.fields_named(name);
        let lives =
            |field: &&VolumeField| named.contains(&field.name.as_str()) && met.iter().any(|&at| field.lives[at]);
        let volume: Vec<&VolumeField> =
            compiled.volume.iter().filter(|field| named.contains(&field.name.as_str())).collect();
        // Layers are numbered as those of the tissue, unless a point has one of them.
        let numbered = compiled.layers.len() == layers.len();
        if numbered && volume.len() == named.len() && !volume.is_empty() && !volume.iter().any(lives) {
            let there: Vec<String> = met.iter().map(|&at| format!("`{}`", layers[at].name)).collect();
            let message =
                format!("the probe `{name}` reads `{}`, which does not live in {}", named[0], there.join(", "));
            return Err(decide.refuse(place.span(), message).help("read it where it lives"));
        }
    }
    Ok(())
}

fn protocol(
    decide: &mut Decider,
    typed: &Spanned<written::WrittenNeedling>,
    mechanics: Option<&Word>,
    opener: &Opener,
    files: &mut Vec<ModelFile>,
) -> Result<Protocol> {
    let place = typed.span();
    let typed = typed.get_ref();
    let device_file =
        opener.open(decide, CatalogueKind::Device, ("needling", "device"), typed.device.as_ref(), "skinpen")?;
    let operator = typed.operator.as_ref();
    let operator_file =
        opener.open(decide, CatalogueKind::Operator, ("needling", "operator"), operator, "dermatologist")?;
    let mechanics_file = opener.open(decide, CatalogueKind::Mechanics, ("", "mechanics"), mechanics, "default")?;
    let device = Arc::new(Device::read(&device_file.used)?);
    let operator = Arc::new(Operator::read(&operator_file.used)?);
    let mechanics = Arc::new(Mechanics::read(&mechanics_file.used)?);
    files.extend([device_file, operator_file, mechanics_file]);

    let solver = match decide.choice("needling", "mechanics", typed.mechanics.as_ref(), &SOLVERS) {
        "grid" => Solver::Grid,
        "lumped" => Solver::Lumped,
        _ => Solver::Surrogate,
    };

    // The usual length, or the longest a smaller device has.
    let longest = device.length.longest.of(&Traits::new())?;
    let usual = if device.allows(1.5e-3).is_ok() { "1.5 mm".to_owned() } else { format!("{} mm", longest * 1e3) };
    let length = decide.amount("needling", "length", typed.length.as_ref(), Some(&usual), NEEDLE)?.unwrap_or(longest);
    let set = typed.length.as_ref().map_or(place.clone(), Amount::span);
    device.allows(length).map_err(|error| error.at(&decide.source, set))?;
    let frequency = decide.amount("needling", "frequency", typed.frequency.as_ref(), None, FREQUENCY)?;
    let glide = decide.amount("needling", "glide", typed.glide.as_ref(), None, SPEED)?;
    let press = decide.amount("needling", "press", typed.press.as_ref(), None, FORCE)?;
    let wear = decide.amount("needling", "wear", typed.wear.as_ref(), None, WEAR)?;
    let area = decide.amount("needling", "area", typed.area.as_ref(), None, AREA)?;
    let density = decide.amount("needling", "dose", typed.dose.as_ref(), None, DENSITY)?;
    let passes = decide.amount("needling", "passes", typed.passes.as_ref(), None, PASSES)?;
    let coverage = decide.amount("needling", "coverage", typed.coverage.as_ref(), None, COVERAGE)?;
    let dose = match (density, passes, coverage) {
        (None, None, None) => Dose::Device,
        (Some(density), None, None) => Dose::Density(density),
        (None, Some(passes), None) => Dose::Passes(passes),
        (None, None, Some(coverage)) => Dose::Coverage(coverage),
        _ => {
            let second = [&typed.coverage, &typed.passes].into_iter().flatten().next().map_or(place, Amount::span);
            return Err(decide
                .refuse(second, "the dose is given twice")
                .help("give one of dose (holes per area), passes, or coverage (time per area)"));
        }
    };
    Ok(Protocol { device, operator, mechanics, solver, length, frequency, glide, press, wear, area, dose })
}

/// Without needling nothing may be said about it.
fn no_needling(decide: &Decider, typed: &WrittenScenario, changes: &[&Change]) -> Result<Option<Protocol>> {
    if let Some(mechanics) = &typed.mechanics {
        return Err(decide
            .refuse(mechanics.span(), "mechanics are named, but nothing is needled")
            .help("add [needling]"));
    }
    let unused = changes.iter().find(|change| ["device", "operator", "mechanics"].contains(&change.path[0].as_str()));
    match unused {
        None => Ok(None),
        Some(change) => Err(change.refuse(format!("`{}` is changed, but nothing is needled", change.key))),
    }
}

/// The person's traits: the tissue's own where the scenario says nothing.
fn person(
    decide: &mut Decider,
    typed: &WrittenScenario,
    tissue: &Tissue,
    files: &[ModelFile],
) -> Result<(Traits, f64)> {
    let mut traits = Traits::from([("sex".into(), "female".into()), ("fitzpatrick".into(), "III".into())]);
    traits = tissue.traits(&traits);
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        for (name, alternatives) in file.traits()? {
            known.entry(name).or_default().extend(alternatives);
        }
    }
    known.remove("layer");
    let mut age = 35.0;
    for (name, value) in &typed.person {
        if name.get_ref() == "age" {
            age = match value.get_ref() {
                toml::Value::String(_) => decide.read("age", value, AGE)? / YEAR,
                _ => decide.read("age", value, YEARS)?,
            };
            decide.note("person", "age", as_written(value.get_ref()));
            continue;
        }
        let word = match value.get_ref() {
            toml::Value::String(word) => word.clone(),
            // Skin types are numbered as people write them, too.
            toml::Value::Integer(number @ 1..=6) if name.get_ref() == "fitzpatrick" => {
                ["I", "II", "III", "IV", "V", "VI"][*number as usize - 1].to_owned()
            }
            other => {
                let message = format!("`{}` is a text", name.get_ref());
                let help = format!("write {} = \"{}\"", name.get_ref(), other.to_string().trim_matches('"'));
                return Err(decide.refuse(value.span(), message).help(help));
            }
        };
        let names = || {
            USUAL.into_iter().chain(known.keys().map(String::as_str)).chain(tissue.traits.keys().map(String::as_str))
        };
        if !names().any(|own| own == name.get_ref()) {
            return Err(decide
                .refuse(name.span(), format!("no file of this scenario asks for the trait `{}`", name.get_ref()))
                .help(suggestion(name.get_ref(), names().collect::<Vec<_>>())));
        }
        let mut alternatives: BTreeSet<&str> =
            known.get(name.get_ref()).into_iter().flatten().map(String::as_str).collect();
        match name.get_ref().as_str() {
            "sex" => alternatives.extend(["female", "male"]),
            "fitzpatrick" => alternatives.extend(["I", "II", "III", "IV", "V", "VI"]),
            _ => {}
        }
        if !alternatives.is_empty() && !alternatives.contains(word.as_str()) {
            return Err(decide
                .refuse(value.span(), format!("unknown {} `{word}`", name.get_ref()))
                .help(suggestion(&word, alternatives)));
        }
        traits.insert(name.get_ref().clone(), word.clone());
    }
    traits.insert("age".into(), age.to_string());
    for (name, value) in &traits {
        if name != "age" {
            decide.note("person", name, value.as_str().into());
        } else if !typed.person.contains_key("age") {
            decide.note("person", "age", 35.into());
        }
    }
    Ok((traits, age))
}

/// Copies what is decided as it stands: probes, signals, changes of model files, expectations.
fn copy_tables(decide: &mut Decider, changes: &[&Change]) -> Result<()> {
    let original: DocumentMut = decide.source.text.parse().map_err(|_| decide.refuse(0..0, "this is not TOML"))?;
    for name in ["agent", "probe", "signals", "expect"] {
        if let Some(item) = original.get(name) {
            decide.decided.insert(name, item.clone());
        }
    }
    for change in changes {
        let key = change.path.join(".");
        decide.note("set", &key, change.value.clone());
    }
    Ok(())
}
