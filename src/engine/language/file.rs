//! The form of a model file: what may stand where, before anything is understood.

use std::fmt;
use std::marker::PhantomData;

use indexmap::IndexMap;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_spanned::Spanned;

use crate::base::sourced::{Evidence, WrittenNumber};

/// A table whose keys know their places.
pub(super) type SpannedTable<T> = IndexMap<Spanned<String>, T>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub name: Spanned<String>,
    #[serde(default)]
    pub what: String,
    #[serde(default)]
    pub source: String,
    pub layers: Option<Vec<Spanned<String>>>,
    pub scale: Option<ScaleForm>,
    #[serde(default)]
    pub stepping: SteppingForm,
    #[serde(default)]
    pub constant: SpannedTable<ConstantForm>,
    #[serde(default)]
    pub signal: SpannedTable<SignalForm>,
    #[serde(default)]
    pub field: SpannedTable<FieldForm>,
    #[serde(default)]
    pub intermediate: SpannedTable<TextOr<IntermediateForm>>,
    #[serde(default)]
    pub process: SpannedTable<ProcessForm>,
    #[serde(default)]
    pub event: SpannedTable<TimedForm>,
    #[serde(default)]
    pub region: SpannedTable<RegionForm>,
    #[serde(default)]
    pub observable: SpannedTable<ObservableForm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScaleForm {
    pub length: Spanned<String>,
    pub time: Spanned<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SteppingForm {
    pub tolerance: Option<Spanned<Scalar>>,
    pub absolute: Option<Spanned<Scalar>>,
    pub scale: Option<Spanned<Scalar>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConstantForm {
    pub what: Option<String>,
    pub value: Option<Spanned<toml::Value>>,
    pub expression: Option<Spanned<String>>,
    pub by: Option<Spanned<String>>,
    pub sd: Option<Spanned<toml::Value>>,
    pub evidence: Spanned<Evidence>,
    pub source: Spanned<String>,
    pub range: Option<Spanned<Vec<toml::Value>>>,
    pub checked: Option<bool>,
    pub drawn: Option<bool>,
    #[serde(default)]
    pub times: SpannedTable<WrittenNumber>,
}

impl ConstantForm {
    /// The number, if it is one and not an expression.
    pub(super) fn written(self) -> Option<WrittenNumber> {
        let Self { what, value, by, sd, evidence, source, range, checked, drawn, times, .. } = self;
        let times = times.into_iter().map(|(name, factor)| (name.into_inner(), factor)).collect();
        Some(WrittenNumber { what, value: value?, by, sd, evidence, source, range, checked, drawn, times })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignalForm {
    #[serde(default)]
    pub what: String,
    pub unit: Option<Spanned<String>>,
    pub default: Option<Spanned<Scalar>>,
    pub range: Option<Spanned<[Scalar; 2]>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KindForm {
    #[default]
    Volume,
    Surface,
    QuasiSteady,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldForm {
    #[serde(default)]
    pub what: String,
    #[serde(default)]
    pub source: String,
    pub symbol: Option<String>,
    #[serde(default)]
    pub kind: KindForm,
    pub unit: Option<Spanned<String>>,
    pub lives_in: Option<Spanned<Vec<Spanned<String>>>>,
    pub rest: Option<Spanned<OneOr<Scalar>>>,
    pub initial: Option<Spanned<OneOr<Scalar>>>,
    #[serde(default)]
    pub signed: bool,
    pub scale: Option<Spanned<Scalar>>,
    pub diffusivity: Option<Spanned<ByAxis>>,
    pub drift: Option<Spanned<ByAxis>>,
    pub reference_density: Option<Spanned<OneOr<Scalar>>>,
    #[serde(default)]
    pub chemotaxis: Vec<ChemotaxisForm>,
    #[serde(default)]
    pub boundary: BoundaryForm,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChemotaxisForm {
    pub along: Spanned<String>,
    pub sensitivity: Spanned<OneOr<Scalar>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BoundaryForm {
    pub top: Option<Spanned<TextOr<FaceForm>>>,
    pub bottom: Option<Spanned<TextOr<FaceForm>>>,
    pub left: Option<Spanned<TextOr<FaceForm>>>,
    pub right: Option<Spanned<TextOr<FaceForm>>>,
    pub front: Option<Spanned<TextOr<FaceForm>>>,
    pub back: Option<Spanned<TextOr<FaceForm>>>,
}

impl BoundaryForm {
    /// Where the first condition stands, if there is one.
    pub(super) fn first(&self) -> Option<std::ops::Range<usize>> {
        let faces = [&self.top, &self.bottom, &self.left, &self.right, &self.front, &self.back];
        faces.into_iter().flatten().next().map(Spanned::span)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaceForm {
    pub value: Option<Spanned<Scalar>>,
    pub exchange: Option<Spanned<Scalar>>,
    pub outside: Option<Spanned<Scalar>>,
    pub flux: Option<Spanned<Scalar>>,
    pub reservoir: Option<Spanned<String>>,
    pub thickness: Option<Spanned<Scalar>>,
    pub partition: Option<Spanned<Scalar>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntermediateForm {
    pub value: Spanned<String>,
    #[serde(default)]
    pub what: String,
    #[serde(default)]
    pub source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProcessForm {
    #[serde(default)]
    pub what: String,
    #[serde(default)]
    pub source: String,
    pub rate: Option<Spanned<String>>,
    #[serde(default)]
    pub takes: SpannedTable<Spanned<Scalar>>,
    #[serde(default)]
    pub gives: SpannedTable<Spanned<Scalar>>,
    #[serde(default)]
    pub changes: SpannedTable<Spanned<Scalar>>,
    pub layers: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventForm {
    #[serde(default)]
    pub what: String,
    #[serde(default)]
    pub source: String,
    #[serde(default)]
    pub intermediate: SpannedTable<TextOr<IntermediateForm>>,
    #[serde(default)]
    pub effect: SpannedTable<Spanned<Scalar>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimedForm {
    #[serde(default)]
    pub what: String,
    #[serde(default)]
    pub source: String,
    pub at: Option<Spanned<Moments>>,
    pub every: Option<Spanned<Scalar>>,
    pub from: Option<Spanned<Scalar>>,
    pub until: Option<Spanned<Scalar>>,
    #[serde(default)]
    pub set: SpannedTable<Spanned<Scalar>>,
}

/// One time, or a list of times.
#[derive(Debug)]
pub(super) struct Moments(pub Vec<Scalar>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionForm {
    #[serde(default)]
    pub what: String,
    pub layers: Option<Spanned<Vec<Spanned<String>>>>,
    pub from: Option<Spanned<Scalar>>,
    pub to: Option<Spanned<Scalar>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ObservableForm {
    #[serde(default)]
    pub what: String,
    pub value: Spanned<String>,
    pub unit: Option<Spanned<String>>,
    pub group: Option<Spanned<String>>,
    pub evidence: Option<Evidence>,
    #[serde(default)]
    pub source: String,
}

/// A number, or a text that is a quantity or an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Number(f64),
    Text(String),
}

/// One value for everywhere, or a table of values by layer.
#[derive(Debug)]
pub(super) enum OneOr<T> {
    One(T),
    Table(SpannedTable<Spanned<T>>),
}

/// One value, or a table by layer or by axis; what it is by, its keys tell.
#[derive(Debug)]
pub(super) enum ByAxis {
    One(Scalar),
    Table(SpannedTable<Spanned<OneOr<Scalar>>>),
}

/// A text, or a table that says more.
#[derive(Debug)]
pub(super) enum TextOr<T> {
    Text(Spanned<String>),
    Table(T),
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number or a text")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
        if value.is_finite() { Ok(Scalar::Number(value)) } else { Err(E::custom("a number must be finite")) }
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct MomentsVisitor;

impl<'de> Visitor<'de> for MomentsVisitor {
    type Value = Moments;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a time such as \"6 h\", or a list of times")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Moments, E> {
        ScalarVisitor.visit_i64(value).map(|one| Moments(vec![one]))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Moments, E> {
        ScalarVisitor.visit_f64(value).map(|one| Moments(vec![one]))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Moments, E> {
        ScalarVisitor.visit_str(value).map(|one| Moments(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Moments, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(Moments(all))
    }
}

impl<'de> Deserialize<'de> for Moments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MomentsVisitor)
    }
}

struct OneOrVisitor;

impl<'de> Visitor<'de> for OneOrVisitor {
    type Value = OneOr<Scalar>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, a text, or a table by layer")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        ScalarVisitor.visit_i64(value).map(OneOr::One)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        ScalarVisitor.visit_f64(value).map(OneOr::One)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        ScalarVisitor.visit_str(value).map(OneOr::One)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        SpannedTable::deserialize(MapAccessDeserializer::new(map)).map(OneOr::Table)
    }
}

impl<'de> Deserialize<'de> for OneOr<Scalar> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrVisitor)
    }
}

struct ByAxisVisitor;

impl<'de> Visitor<'de> for ByAxisVisitor {
    type Value = ByAxis;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, a text, or a table by layer or by axis")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<ByAxis, E> {
        ScalarVisitor.visit_i64(value).map(ByAxis::One)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<ByAxis, E> {
        ScalarVisitor.visit_f64(value).map(ByAxis::One)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<ByAxis, E> {
        ScalarVisitor.visit_str(value).map(ByAxis::One)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ByAxis, A::Error> {
        SpannedTable::deserialize(MapAccessDeserializer::new(map)).map(ByAxis::Table)
    }
}

impl<'de> Deserialize<'de> for ByAxis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByAxisVisitor)
    }
}

struct TextOrVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TextOrVisitor<T> {
    type Value = Result<String, T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or a table")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Ok(value.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Err)
    }
}

/// Either kind, before its place is known.
struct Either<T>(Result<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Either<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrVisitor(PhantomData)).map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let either = Spanned::<Either<T>>::deserialize(deserializer)?;
        let span = either.span();
        Ok(match either.into_inner().0 {
            Ok(text) => Self::Text(Spanned::new(span, text)),
            Err(table) => Self::Table(table),
        })
    }
}
