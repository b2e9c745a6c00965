//! What a scenario lays over its models: a lesion, a wound, agents, traits of the person; and when the agents are put on.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use toml_edit::{Item, Value};

use crate::base::error::{Error, Result, suggestion};
use crate::base::sourced::Traits;
use crate::base::units::DAY;
use crate::engine::language::Signal;
use crate::scenario::change::Change;
use crate::scenario::decide::{Decider, LENGTH, Limits, as_written, quantity};
use crate::scenario::files::ModelFile;
use crate::scenario::keyed;
use crate::scenario::timeline::MOMENT;
use crate::scenario::written::{Amount, Word, WrittenScenario};
use crate::skin::catalogue::{self, AgentDose, CatalogueKind, Overlay};

/// Traits that mean something without a file of their own.
pub(super) const USUAL: [&str; 3] = ["age", "sex", "fitzpatrick"];
/// Options of `[agent.NAME]` that are no constants of the agent.
const OPTIONS: [&str; 6] = ["at", "after", "lasts", "every", "count", "strength"];
const OFFSET: Limits = Limits { unit: "h", low: (-365.0 * DAY, "-1 year"), high: (3650.0 * DAY, "10 years") };
const SPAN: Limits = Limits { unit: "h", low: (1.0, "1 s"), high: (3650.0 * DAY, "10 years") };
/// The most applications of one agent.
const MOST: usize = 5000;

/// An agent as the scenario uses it.
#[derive(Debug)]
struct Applied {
    overlay: Arc<Overlay>,
    options: IndexMap<String, (Range<usize>, Amount)>,
    place: Range<usize>,
}

/// Everything that is laid over the models.
#[derive(Debug, Default)]
pub(super) struct Overlays {
    /// The files, in the order in which they are laid.
    pub files: Vec<ModelFile>,
    /// The lesion.
    pub lesion: Option<Arc<Overlay>>,
    /// Numbers of agents that the scenario sets.
    pub changes: Vec<Change>,
    agents: Vec<Applied>,
}

impl Overlays {
    /// Finds the files and reads how agents are used.
    pub fn read(decide: &mut Decider, typed: &WrittenScenario, folder: &Path) -> Result<Self> {
        let mut all = Self::default();
        if let Some(word) = &typed.lesion {
            let (file, overlay) = open(decide, CatalogueKind::Lesion, word, folder)?;
            decide.note("", "lesion", file.path().into());
            all.lesion = Some(overlay);
            all.files.push(file);
        }
        all.wound(decide, typed, folder)?;
        let document = keyed::document(&decide.source)?;
        let options = typed
            .agent
            .keys()
            .filter(|key| !typed.agents.iter().any(|word| catalogue::stem_of(word.get_ref()) == *key.get_ref()));
        let mut paths = toml_edit::Array::new();
        for word in typed.agents.iter().chain(options) {
            let (mut file, overlay) = open(decide, CatalogueKind::Agent, word, folder)?;
            file.tell_apart(&all.files);
            if all.agents.iter().any(|own| own.overlay.name == overlay.name) {
                return Err(decide.refuse(word.span(), format!("the agent `{}` is named twice", overlay.name)));
            }
            paths.push(file.path());
            let mut used = Applied { overlay, options: IndexMap::new(), place: word.span() };
            let table = typed.agent.iter().find(|(key, _)| *key.get_ref() == used.overlay.name);
            for (key, value) in table.into_iter().flat_map(|(_, table)| table) {
                if OPTIONS.contains(&key.get_ref().as_str()) {
                    used.options.insert(key.get_ref().clone(), (key.span(), value.clone()));
                    continue;
                }
                let own = format!("{}_{}", used.overlay.name, key.get_ref());
                let constants = file.document()?;
                let constants = constants.get("response").and_then(|all| all.get("constant")?.as_table_like());
                let known = constants.into_iter().flat_map(|all| all.iter());
                let prefix = format!("{}_", used.overlay.name);
                let known: Vec<&str> = known.filter_map(|(name, _)| name.strip_prefix(prefix.as_str())).collect();
                if !known.contains(&key.get_ref().as_str()) {
                    let message = format!("the agent `{}` has no `{}`", used.overlay.name, key.get_ref());
                    let all: Vec<&str> = known.into_iter().chain(OPTIONS).collect();
                    return Err(decide.refuse(key.span(), message).help(suggestion(key.get_ref(), all)));
                }
                let value = document.get("agent").and_then(|all| all.get(&used.overlay.name)?.get(key.get_ref()));
                if let Some(value) = value.and_then(Item::as_value) {
                    let place = (decide.source.clone(), key.span());
                    all.changes.push(Change::new(vec!["response".into(), own], value.clone(), place)?);
                }
            }
            all.agents.push(used);
            all.files.push(file);
        }
        if !paths.is_empty() {
            decide.note("", "agents", Value::Array(paths));
        }
        // Everybody has an age; other traits bring their files when they are named.
        let known: Vec<String> = catalogue::list(CatalogueKind::Person).into_iter().map(|entry| entry.name).collect();
        let named = typed.person.keys().map(|name| name.get_ref().as_str()).filter(|name| !USUAL.contains(name));
        for name in USUAL.into_iter().chain(named).filter(|name| known.iter().any(|own| own == name)) {
            let file = ModelFile::open(CatalogueKind::Person, name, folder)?;
            Overlay::read(CatalogueKind::Person, &file.used)?;
            all.files.push(file);
        }
        Ok(all)
    }

    /// Finds the file of a wound that no needle made, and sets how wide and deep the scenario says it is.
    fn wound(&mut self, decide: &mut Decider, typed: &WrittenScenario, folder: &Path) -> Result<()> {
        let Some(wound) = typed.wound.as_ref().map(serde_spanned::Spanned::get_ref) else { return Ok(()) };
        let (file, _) = open(decide, CatalogueKind::Wound, &wound.kind, folder)?;
        decide.note("wound", "kind", file.path().into());
        for (key, given) in [("width", &wound.width), ("depth", &wound.depth)] {
            let Some(given) = given else { continue };
            decide.amount("wound", key, Some(given), None, LENGTH)?;
            let path = vec!["response".into(), format!("wound_{key}")];
            let place = (decide.source.clone(), given.span());
            self.changes.push(Change::new(path, as_written(given.get_ref()), place)?);
        }
        self.files.push(file);
        Ok(())
    }

    /// Takes away the files of traits that nothing in this scenario asked for and that fit none of its models.
    pub fn used(&self, files: &[ModelFile]) -> Vec<ModelFile> {
        let laid = |upper: &ModelFile| files.iter().any(|file| file.has(upper));
        self.files.iter().filter(|upper| !USUAL.contains(&upper.name.as_str()) || laid(upper)).cloned().collect()
    }

    /// Lays all that concerns a model file over it.
    pub fn lay(&self, file: &mut ModelFile) -> Result<()> {
        for upper in &self.files {
            match file.lay(upper) {
                // A trait that other files know too need not fit every response model.
                Err(_) if upper.kind == CatalogueKind::Person && USUAL.contains(&upper.name.as_str()) => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Whether files of this kind are laid over others.
    pub fn lays(&self, kind: CatalogueKind) -> bool {
        self.files.iter().any(|file| file.kind == kind)
    }

    /// The agents.
    pub fn agents(&self) -> Vec<Arc<Overlay>> {
        self.agents.iter().map(|agent| agent.overlay.clone()).collect()
    }

    /// Changes of signals by the agents: time \[s\], name, value (SI).
    pub fn signals(
        &self,
        decide: &Decider,
        known: &IndexMap<String, Signal>,
        sessions: &[f64],
        end: f64,
    ) -> Result<Vec<(f64, String, f64)>> {
        let mut events: Vec<(f64, String, f64)> = Vec::new();
        for agent in &self.agents {
            let Some(dose) = &agent.overlay.dose else {
                match agent.options.first() {
                    Some((name, (place, _))) => {
                        let message = format!("`{}` has no dose, so it has no `{name}`", agent.overlay.name);
                        return Err(decide.refuse(place.clone(), message));
                    }
                    None => continue,
                }
            };
            let source = &agent.overlay.source;
            let Some(signal) = known.get(&dose.signal) else {
                return Err(source
                    .refuse(0..0, format!("the dose sets the signal `{}`, which the model has not", dose.signal))
                    .help(suggestion(&dose.signal, known.keys().map(String::as_str))));
            };
            if events.iter().any(|(_, name, _)| *name == dose.signal) {
                let message = format!("another agent sets the signal `{}` too", dose.signal);
                return Err(decide.refuse(agent.place.clone(), message));
            }
            let strength = match agent.options.get("strength") {
                Some((_, given)) => {
                    let measured = quantity(given.get_ref()).and_then(|one| one.expect(&signal.unit.text));
                    measured.map_err(|error| error.at(&decide.source, given.span()))?
                }
                None => dose.strength.in_unit(&Traits::new(), &signal.unit.text)?,
            };
            let [low, high] = signal.range;
            if !(low..=high).contains(&strength) {
                let message = format!("`{}` cannot be {} {}", dose.signal, signal.unit.of(strength), signal.unit.text);
                let place = agent.options.get("strength").map_or(agent.place.clone(), |(_, given)| given.span());
                return Err(decide.refuse(place, message));
            }
            for (from, until) in stretches(decide, agent, dose, sessions, end)? {
                events.push((from, dose.signal.clone(), strength));
                events.push((until, dose.signal.clone(), signal.default));
            }
        }
        events.retain(|(time, ..)| *time < end);
        Ok(events)
    }
}

fn open(decide: &Decider, kind: CatalogueKind, word: &Word, folder: &Path) -> Result<(ModelFile, Arc<Overlay>)> {
    let file = ModelFile::open(kind, word.get_ref(), folder).map_err(|error| error.at(&decide.source, word.span()))?;
    let overlay = Overlay::read(kind, &file.used)?;
    Ok((file, Arc::new(overlay)))
}

/// When an agent is on: stretches that follow each other.
fn stretches(
    decide: &Decider,
    agent: &Applied,
    dose: &AgentDose,
    sessions: &[f64],
    end: f64,
) -> Result<Vec<(f64, f64)>> {
    let none = Traits::new();
    let option = |name: &str| agent.options.get(name).map(|(_, amount)| amount);
    let number = |name: &str, own: Option<&crate::base::sourced::Sourced>, limits: Limits| -> Result<Option<f64>> {
        match (option(name), own) {
            (Some(given), _) => decide.read(name, given, limits).map(Some),
            (None, Some(own)) => own.of(&none).map(Some),
            (None, None) => Ok(None),
        }
    };
    let mut each_session = dose.each_session;
    let mut moments = None;
    if let Some(at) = option("at") {
        match at.get_ref() {
            toml::Value::String(word) if word == "session" => each_session = true,
            toml::Value::String(word) if word == "start" => each_session = false,
            toml::Value::Array(list) => {
                let read = |value: &toml::Value| {
                    decide.read("at", &serde_spanned::Spanned::new(at.span(), value.clone()), MOMENT)
                };
                moments = Some(list.iter().map(read).collect::<Result<Vec<f64>>>()?);
            }
            _ => {
                return Err(decide
                    .refuse(at.span(), "`at` says what the times count from")
                    .help("write at = \"session\", at = \"start\", or a list of times such as [\"3 d\", \"10 d\"]"));
            }
        }
    }
    let after = number("after", Some(&dose.after), OFFSET)?.unwrap_or(0.0);
    let lasts = number("lasts", Some(&dose.lasts), SPAN)?.unwrap_or(DAY);
    let every = number("every", dose.every.as_ref(), SPAN)?;
    let count = match option("count") {
        Some(given) => decide.whole_of("count", given, &(1..=MOST))?,
        None => dose.count.as_ref().map_or(Ok(1.0), |count| count.of(&none))? as usize,
    };
    let anchors = match moments {
        Some(moments) => moments,
        None if each_session && !sessions.is_empty() => sessions.to_vec(),
        None => vec![0.0],
    };
    let every = match (every, count) {
        (Some(every), _) => every,
        (None, 1) => lasts,
        (None, _) => {
            return Err(decide.refuse(agent.place.clone(), "several applications need `every`, the time between them"));
        }
    };
    let mut all: Vec<(f64, f64)> = Vec::new();
    for anchor in anchors {
        for number in 0..count {
            let from = anchor + after + number as f64 * every;
            if from < 0.0 {
                return Err(early(decide, agent, from));
            }
            if from < end {
                all.push((from, from + lasts));
            }
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut joined: Vec<(f64, f64)> = Vec::new();
    for (from, until) in all {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => joined.push((from, until)),
        }
    }
    Ok(joined)
}

fn early(decide: &Decider, agent: &Applied, from: f64) -> Error {
    let minutes = -from / 60.0;
    let message = format!("`{}` is put on {minutes:.0} min before the run begins", agent.overlay.name);
    decide.refuse(agent.place.clone(), message).help("let the first session be later: first = \"2 h\" under [course]")
}
