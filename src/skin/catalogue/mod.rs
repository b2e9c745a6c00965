//! The catalogue: tissues, devices, operators, lesions, agents, response models and whatever else is data, as files.
//!
//! The files below `models/` are part of the program, so that an installed one finds them. A local file of the same name
//! in `./models/` comes first, and a name that ends in `.toml` is a path of its own, from the folder of the scenario or
//! from the current folder.

mod compose;
mod cost;
mod device;
mod mechanics;
mod number;
mod operator;
mod overlay;
mod population;
mod rules;
mod tissue;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use compose::{changed, compose, is_number};
pub use cost::{Cost, Price};
pub use device::{DefaultDose, Device, Drive, Hand, Lengths, Needle, NeedleLayout, Pen, Plate, Roller, Tip};
pub use mechanics::{
    BedConstants, Crowding, Dome, Drag, Fading, Material, Mechanics, Merging, Pain, PunctureForce, Resistance,
    Shedding, Speed, Touch, Variation,
};
pub use operator::{Glide, Hands, Operator, Press};
pub use overlay::{AgentDose, Carriage, Overlay};
pub use population::Population;
pub use rules::{Bound, Rule, Rules};
pub use tissue::{
    Ageing, Backing, Connecting, LayerMechanics, Loops, Plexus, Support, Tissue, TissueLayer, Vessels, aged,
};

use crate::base::error::{Error, Result, Source, suggestion};

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The longest model file that is read [bytes].
const LONGEST_FILE: u64 = 8 << 20;

/// What a file of the catalogue describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CatalogueKind {
    /// A place of the skin.
    Tissue,
    /// A tool with needles.
    Device,
    /// Who holds the tool.
    Operator,
    /// How the skin responds.
    Response,
    /// Constants of needle mechanics.
    Mechanics,
    /// Skin that is not healthy: what is laid over tissue and response model.
    Lesion,
    /// A wound that no needle made: laid over the response model.
    Wound,
    /// What is put on the skin, or happens to it, beside needles: laid over the response model.
    Agent,
    /// A trait of a person: factors for tissue and response model.
    Person,
    /// Rules of a jurisdiction or an authority.
    Rules,
    /// Prices of a region.
    Cost,
    /// Who comes to be treated: distributions of traits.
    Population,
}

impl CatalogueKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Tissue,
        Self::Device,
        Self::Operator,
        Self::Response,
        Self::Mechanics,
        Self::Lesion,
        Self::Wound,
        Self::Agent,
        Self::Person,
        Self::Rules,
        Self::Cost,
        Self::Population,
    ];

    /// The folder below `models/`.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Tissue => "tissues",
            Self::Device => "devices",
            Self::Operator => "operators",
            Self::Response => "response",
            Self::Mechanics => "mechanics",
            Self::Lesion => "lesions",
            Self::Wound => "wounds",
            Self::Agent => "agents",
            Self::Person => "persons",
            Self::Rules => "rules",
            Self::Cost => "costs",
            Self::Population => "populations",
        }
    }
}

impl fmt::Display for CatalogueKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tissue => "tissue",
            Self::Device => "device",
            Self::Operator => "operator",
            Self::Response => "response model",
            Self::Mechanics => "set of mechanics",
            Self::Lesion => "lesion",
            Self::Wound => "wound",
            Self::Agent => "agent",
            Self::Person => "trait of a person",
            Self::Rules => "set of rules",
            Self::Cost => "list of costs",
            Self::Population => "population",
        })
    }
}

/// One file of the catalogue, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// The name by which a scenario calls it.
    pub name: String,
    /// What it is, in a sentence; empty if the file does not say.
    pub what: String,
    /// Whether the file lies in `./models/` rather than in the program.
    pub local: bool,
}

/// The text of a file of the catalogue.
///
/// A `name` that ends in `.toml` is a path, looked for in the folder `beside` and then in the current one. Any other name is
/// looked for in `./models/`, then in the program.
///
/// A file that `extends` another of its kind is laid over that one ([`compose()`]). In the file of an agent `@` stands for the
/// agent's name, so that several agents of one pattern have fields of their own.
///
/// # Errors
/// There is none of that name (the message names the nearest), or it cannot be read; or it extends itself.
pub fn find(kind: CatalogueKind, name: &str, beside: Option<&Path>) -> Result<Arc<Source>> {
    extended(kind, name, beside, &stem_of(name), &mut Vec::new())
}

/// The text of a file with all that it extends.
fn extended(
    kind: CatalogueKind,
    name: &str,
    beside: Option<&Path>,
    own: &str,
    above: &mut Vec<String>,
) -> Result<Arc<Source>> {
    let mut source = plain(kind, name, beside)?;
    if kind == CatalogueKind::Agent {
        source = Source::new(source.name.clone(), source.text.replace('@', own));
    }
    let document = toml_edit::Document::parse(source.text.as_str()).ok();
    let Some(base) = document.as_ref().and_then(|document| document.get("extends")) else { return Ok(source) };
    let place = base.span().unwrap_or(0..0);
    let Some(base) = base.as_str() else {
        return Err(source.refuse(place, "`extends` is the name of another file of the same kind"));
    };
    if above.contains(&source.name) {
        return Err(source.refuse(place, format!("`{own}` extends itself")));
    }
    above.push(source.name.clone());
    let folder = Path::new(&source.name).parent();
    let lower = extended(kind, base, folder, own, above).map_err(|error| error.at(&source, place.clone()))?;
    Ok(compose(&lower, &source, "")?.named(&source.name))
}

/// The text of one file.
fn plain(kind: CatalogueKind, name: &str, beside: Option<&Path>) -> Result<Arc<Source>> {
    if name.ends_with(".toml") {
        let near = beside.map(|folder| folder.join(name));
        let found = near.into_iter().chain([PathBuf::from(name)]).find(|path| path.is_file());
        let path = found.ok_or_else(|| {
            Error::input(format!("there is no file `{name}`")).help(match beside {
                Some(folder) if folder != Path::new("") => {
                    format!("looked in `{}` and in the current folder", folder.display())
                }
                _ => "looked in the current folder".into(),
            })
        })?;
        return read(&path);
    }
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if plain {
        let short = format!("models/{}/{name}.toml", kind.folder());
        if Path::new(&short).is_file() {
            return read(Path::new(&short));
        }
        if let Some((path, text)) = EMBEDDED.iter().find(|(path, _)| *path == short) {
            return Ok(Source::new(*path, *text));
        }
    }
    let known = list(kind);
    Err(Error::input(format!("there is no {kind} called `{name}`"))
        .help(suggestion(name, known.iter().map(|entry| entry.name.as_str()))))
}

/// Which numbers moved the answers most when all were drawn at once: the table `models/influence/uncertainty.toml`.
pub fn influence() -> &'static str {
    EMBEDDED.iter().find(|(path, _)| *path == "models/influence/uncertainty.toml").map_or("", |(_, text)| text)
}

/// What the catalogue holds of a kind, by name.
pub fn list(kind: CatalogueKind) -> Vec<CatalogueEntry> {
    let folder = format!("models/{}/", kind.folder());
    let mut entries = BTreeMap::new();
    for (path, text) in EMBEDDED {
        if let Some(name) = path.strip_prefix(&folder).and_then(|rest| rest.strip_suffix(".toml")) {
            entries.insert(name.to_owned(), CatalogueEntry { name: name.to_owned(), what: what(text), local: false });
        }
    }
    for file in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let path = file.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".toml"))
        else {
            continue;
        };
        // A local copy that says nothing new is not shown as an override.
        if let Ok(source) = read(&path) {
            let embedded = EMBEDDED.iter().any(|(known, text)| Path::new(known) == path && *text == source.text);
            let entry = CatalogueEntry { name: name.to_owned(), what: what(&source.text), local: !embedded };
            entries.insert(name.to_owned(), entry);
        }
    }
    entries.into_values().collect()
}

/// The `what` of a model file, if it can be read.
fn what(text: &str) -> String {
    // Where `@` stands for the name of an agent, the text is no TOML before it is replaced.
    let table: Option<toml::Table> = toml::from_str(text).or_else(|_| toml::from_str(&text.replace('@', "_"))).ok();
    table.and_then(|table| table.get("what")?.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Reads a file that somebody named.
fn read(path: &Path) -> Result<Arc<Source>> {
    let failed = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::InvalidData => Error::input(format!("`{}` is not a text", path.display())),
        _ => Error::file(path, "read", cause),
    };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > LONGEST_FILE {
        let message = format!("`{}` is {} MB long, too long for a model", path.display(), length >> 20);
        return Err(Error::input(message));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Ok(Source::new(path.to_string_lossy().replace('\\', "/").trim_start_matches("./"), text))
}

/// The name by which a file is called that somebody names by name or by path.
pub fn stem_of(word: &str) -> String {
    Path::new(word).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

/// The name by which a file is called: its own without folder and ending.
fn stem(source: &Source) -> String {
    let file = source.name.rsplit('/').next().unwrap_or(&source.name);
    file.strip_suffix(".toml").unwrap_or(file).to_owned()
}
