//! Calibration: a constant put wrong on purpose is found again, and the model that is written says what it was fitted to.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use dermasim::base::error::Source;
use dermasim::base::sourced::Evidence;
use dermasim::scenario::Change;
use dermasim::skin::catalogue::{CatalogueKind, find};
use dermasim::study::calibrate::{self, Calibration, SearchBoard};
use dermasim::study::evidence::ObservationBoard;

#[derive(Default)]
struct Count(AtomicUsize);

impl ObservationBoard for Count {
    fn ended(&self, _: &str, _: usize, _: usize) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn stop(&self) -> bool {
        false
    }
}

impl SearchBoard for Count {
    fn evaluated(&self, _: usize, least: f64) {
        assert!(least.is_finite());
    }
}

fn calibration(folder: &Path, text: &str) -> dermasim::base::error::Result<Calibration> {
    // Coarse: what is asked is the search, not the skin.
    let changes = ["grid.resolution=0.25", "grid.strata=1", "stepping.tolerance=5e-2", "observe.every=12 h"];
    let changes = changes.iter().map(|change| Change::parse(change)).collect::<Result<_, _>>()?;
    Calibration::read(&Source::new("x.toml", text), folder, changes)
}

#[test]
fn a_constant_put_wrong_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let sound = find(CatalogueKind::Response, "default", None).unwrap();
    let line = sound.text.lines().find(|line| line.starts_with("kappa_LK ")).expect("the constant");
    let wrong = line.replacen("0.65 1/d", "0.37 1/d", 1);
    assert_ne!(line, wrong);
    let path = folder.path().join("wrong.toml");
    std::fs::write(&path, sound.text.replacen(line, &wrong, 1)).unwrap();
    let text = format!(
        "name = \"found\"\nresponse = {:?}\nconstants = [\"kappa_LK\"]\niterations = 3\nprior = 0.02\n[observations]\nV2 = 1\n",
        path.display().to_string()
    );
    let calibration = calibration(folder.path(), &text).unwrap_or_else(|error| panic!("{error}"));
    let count = Count::default();
    let fitted = calibrate::fit(&calibration, 2, &count, &dermasim::study::Store::none())
        .unwrap_or_else(|error| panic!("{error}"));
    let found = &fitted.constants[0];
    // The observation itself leaves some room around the value of the shipped model.
    assert!((found.value / 0.65 - 1.0).abs() < 0.35, "{found:?}");
    assert!(fitted.misfit[1] < 0.5 * fitted.misfit[0], "{:?}", fitted.misfit);
    assert!(found.learned > 0.5 && found.factor > 1.0 && fitted.identifiable == 1, "{found:?}");
    let text = calibrate::model_text(&calibration, &fitted).unwrap();
    let model = dermasim::skin::model(&Source::new("found.toml", text)).unwrap_or_else(|error| panic!("{error}"));
    let number = model.constants["kappa_LK"].number().expect("a number");
    assert_eq!(number.evidence, Evidence::Tuned);
    assert!(number.source.contains("to V2:") && number.range.is_some(), "{}", number.source);
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let here = Path::new("");
    for (text, message) in [
        ("constants = [\"kapa_LK\"]\n[observations]\nV2 = 1\n", "did you mean `kappa_LK`?"),
        ("constants = [\"d_T\"]\n[observations]\nV99 = 1\n", "there is no observation `V99`"),
        ("constants = [\"d_T\"]\n[observations]\nV2 = -1\n", "a weight is a number above zero"),
        ("constants = [\"delta_f\"]\n[observations]\nV2 = 1\n", "is computed from other constants"),
        ("constants = [\"g_F\"]\n[observations]\nV2 = 1\n", "has several values"),
        ("constants = [\"beta_3\"]\n[observations]\nV2 = 1\n", "reaches zero"),
        ("constants = []\n[observations]\nV2 = 1\n", "needs constants and observations"),
        ("constants = [\"d_T\"]\niterations = 0\n[observations]\nV2 = 1\n", "`iterations` is a whole number"),
        ("constant = [\"d_T\"]\n[observations]\nV2 = 1\n", "unknown key `constant`"),
    ] {
        let error = calibration(here, &format!("name = \"x\"\n{text}")).expect_err(message);
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert_eq!(error.exit_code(), 2);
    }
}
