//! Ranges of the shipped numbers: a value lies in the middle of what is held possible, on the scale on which it is drawn, and what
//! is a definition or a weight says that it is not drawn.

use std::path::Path;

use dermasim::base::sourced::Evidence;
use dermasim::base::units::Quantity;
use dermasim::scenario::{ModelFile, ModelNumber, Scenario, WIDE};
use dermasim::skin::catalogue::{CatalogueKind, list};

fn numbers(kind: CatalogueKind) -> Vec<(String, ModelNumber)> {
    let all = list(kind).into_iter();
    all.flat_map(|entry| {
        let file = ModelFile::open(kind, &entry.name, Path::new("")).unwrap_or_else(|error| panic!("{error}"));
        let numbers = file.numbers().unwrap_or_else(|error| panic!("{error}"));
        numbers.into_iter().map(move |number| (entry.name.clone(), number))
    })
    .collect()
}

fn default_numbers() -> Vec<(String, ModelNumber)> {
    let response = numbers(CatalogueKind::Response).into_iter().filter(|(file, _)| file == "default");
    [CatalogueKind::Mechanics, CatalogueKind::Tissue, CatalogueKind::Operator]
        .into_iter()
        .flat_map(numbers)
        .chain(response)
        .collect()
}

#[test]
fn drawn_numbers_lie_in_the_middle_of_their_ranges() {
    let of = |text: &str| text.parse::<Quantity>().ok().map(|own| own.value);
    let mut leaning = Vec::new();
    for (file, number) in default_numbers() {
        let uncertain = matches!(number.evidence, Evidence::Assumed | Evidence::Tuned) && number.drawn;
        let Some([low, high]) = number.range.as_ref().filter(|_| uncertain) else { continue };
        let (Some(value), Some(low), Some(high)) = (of(&number.text), of(low), of(high)) else { continue };
        let scale = |own: f64| if low > 0.0 && high / low >= WIDE { own.ln() } else { own };
        let (low, middle, high) = (scale(low), scale(value), scale(high));
        // Three digits in which ranges are written, and a little room.
        if low < high && (2.0 * middle - low - high).abs() > 0.1 * (high - low) {
            leaning.push(format!("{file}: {} = {} in {:?}", number.key, number.text, number.range));
        }
    }
    assert!(leaning.is_empty(), "{}", leaning.join("\n"));
}

#[test]
fn definitions_and_weights_are_not_drawn() {
    let all = default_numbers();
    let drawn = |key: &str| {
        let found = all.iter().find(|(file, number)| file == "default" && number.key == format!("constant.{key}"));
        found.unwrap_or_else(|| panic!("no `{key}`")).1.drawn
    };
    let chosen = ["C1_set", "E_set", "X_0", "w_scar", "w_deep", "w_firm", "red_1", "feel_3", "g_C", "S_half"];
    assert!(chosen.iter().all(|key| !drawn(key)), "{chosen:?}");
    assert!(["d_T", "D_K", "C_max"].iter().all(|key| drawn(key)));
}

#[test]
fn a_chosen_number_cannot_be_asked_for_in_an_ensemble() {
    let text = "tissue = \"cheek\"\n[needling]\n[uncertainty]\nsamples = 4\nnumbers = [\"response.X_0\"]\n";
    let scenario = Scenario::from_text("chosen", text);
    let plan = scenario.plan().unwrap_or_else(|error| panic!("{error}"));
    let told = scenario.samples(&plan).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(told.contains("`response.X_0` is chosen, not uncertain") && told.contains(":5:"), "{told}");
    assert!(told.contains("[set] or [sweep]"), "{told}");
}
