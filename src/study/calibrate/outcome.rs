//! What a calibration found, what it learned, and the model file it makes.

use nalgebra::{DMatrix, SymmetricEigen};
use serde::Serialize;
use toml_edit::{DocumentMut, Item, TableLike};

use crate::base::error::{Error, Result};
use crate::study::calibrate::file::Calibration;

/// What was learned of one constant.
#[derive(Debug, Clone, Serialize)]
pub struct Learned {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Value before.
    pub before: f64,
    /// Value found.
    pub value: f64,
    /// Range in which it stayed.
    pub range: [f64; 2],
    /// Factor within which it is known, one standard deviation of the posterior.
    pub factor: f64,
    /// Share of the uncertainty of the prior that the observations took away: 0 nothing learned, 1 known.
    pub learned: f64,
    /// The constant with which it trades most, and the correlation; `None` if it is the only one.
    pub trades_with: Option<(String, f64)>,
}

/// What a calibration found.
#[derive(Debug, Clone, Serialize)]
pub struct Fitted {
    /// The place found, in σ from the start.
    pub z: Vec<f64>,
    /// Misfit of the readings before and after, ½ Σ w r².
    pub misfit: [f64; 2],
    /// The constants.
    pub constants: Vec<Learned>,
    /// Eigenvalues of the Gauss–Newton Hessian of the readings, largest first; below the prior's λ a direction is not
    /// identifiable.
    pub eigenvalues: Vec<f64>,
    /// How many directions the observations decide.
    pub identifiable: usize,
    /// Steps of the search.
    pub iterations: u64,
    /// Places that were looked at.
    pub evaluations: usize,
}

impl Fitted {
    /// From the place found and the derivatives of the weighted misfits there.
    pub(super) fn new(
        calibration: &Calibration,
        z: Vec<f64>,
        misfit: [f64; 2],
        jacobian: &DMatrix<f64>,
        iterations: u64,
        evaluations: usize,
    ) -> Self {
        let count = z.len();
        let prior = calibration.prior;
        let square = jacobian.transpose() * jacobian;
        let mut eigenvalues: Vec<f64> =
            SymmetricEigen::new(square.clone()).eigenvalues.iter().map(|value| value.max(0.0)).collect();
        eigenvalues.sort_by(|a, b| b.total_cmp(a));
        let information = square + DMatrix::identity(count, count) * prior;
        let covariance = information.try_inverse().unwrap_or_else(|| DMatrix::identity(count, count) / prior);
        let correlation = |a: usize, b: usize| covariance[(a, b)] / (covariance[(a, a)] * covariance[(b, b)]).sqrt();
        let constants = calibration
            .constants
            .iter()
            .enumerate()
            .map(|(index, constant)| {
                let variance = covariance[(index, index)];
                let other = (0..count)
                    .filter(|other| *other != index)
                    .max_by(|a, b| correlation(index, *a).abs().total_cmp(&correlation(index, *b).abs()));
                Learned {
                    name: constant.name.clone(),
                    unit: constant.unit.to_string(),
                    before: constant.start,
                    value: constant.value(z[index]),
                    range: constant.range,
                    factor: (variance.sqrt() * constant.sigma()).exp(),
                    learned: 1.0 - prior * variance,
                    trades_with: other.map(|b| (calibration.constants[b].name.clone(), correlation(index, b))),
                }
            })
            .collect();
        let identifiable = eigenvalues.iter().filter(|value| **value > prior).count();
        Self { z, misfit, constants, eigenvalues, identifiable, iterations, evaluations }
    }
}

/// The text of the model with the constants found: `evidence = "tuned"`, and a source that says to what.
///
/// # Errors
/// The model's text no longer holds a constant.
pub fn model_text(calibration: &Calibration, fitted: &Fitted) -> Result<String> {
    let source = &calibration.model;
    let mut document: DocumentMut =
        source.text.parse().map_err(|error| Error::input(format!("{}: {error}", source.name)))?;
    let ids = calibration.observations.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(", ");
    for (constant, learned) in calibration.constants.iter().zip(&fitted.constants) {
        let found = document.get_mut("constant").and_then(|all| all.get_mut(&constant.name));
        let Some(table) = found.and_then(Item::as_table_like_mut) else {
            return Err(Error::input(format!("{} has no constant `{}`", source.name, constant.name)));
        };
        put(
            table,
            "value",
            &if constant.unit.text == "1" { String::new() } else { constant.text(learned.value) },
            learned.value,
        );
        let text = |key: &str| table.get(key).and_then(Item::as_str).unwrap_or_default().to_owned();
        let earlier = text("source");
        // A model that is fitted again forgets the earlier fit, not what stood before it.
        let earlier = earlier.rsplit_once("; before: ").map_or(earlier.clone(), |(_, before)| before.to_owned());
        let said = format!(
            "fitted by `dermasim calibrate` ({}) to {ids}: known within a factor {:.2}, {:.0} % of the prior uncertainty taken \
             away; before: {earlier}",
            calibration.name,
            learned.factor,
            100.0 * learned.learned
        );
        put(table, "evidence", "tuned", 0.0);
        put(table, "source", &said, 0.0);
    }
    Ok(document.to_string())
}

/// Replaces a value, a text or (if the text is empty) a number, and leaves the blanks around it as they were.
fn put(table: &mut dyn TableLike, key: &str, text: &str, number: f64) {
    let mut value = if text.is_empty() { toml_edit::Value::from(number) } else { toml_edit::Value::from(text) };
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(value));
}
