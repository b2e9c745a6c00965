use super::*;

fn identity(settings: &str) -> Identity {
    Identity::of("run", "x", [settings])
}

fn answer(at: &Path, settings: &str, files: &[(&str, &str)]) -> Result<Vec<String>> {
    let draft = Draft::begin(at, identity(settings), false, false)?;
    for (name, text) in files {
        file::write(&draft.folder()?.join(name), text)?;
    }
    draft.finish(Map::new())
}

fn text(path: PathBuf) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn names(folder: &Path) -> Vec<String> {
    let all = tree(folder).unwrap();
    all.into_iter().filter(|(_, kind)| !kind.is_dir()).map(|(path, _)| path.display().to_string()).collect()
}

#[test]
fn a_new_answer_takes_the_place_of_the_old_and_nothing_is_left_beside() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("x");
    answer(&at, "a", &[("old.csv", "1"), ("both.csv", "1"), ("figures/f.png", "f")]).unwrap();
    answer(&at, "a", &[("both.csv", "2"), ("new/n.csv", "n")]).unwrap();
    assert_eq!(names(&at), ["both.csv", "manifest.json", "new/n.csv"]);
    assert_eq!(fs::read_dir(above.path()).unwrap().count(), 1);
    assert!(AnswerFolder::open(&at).unwrap().is_whole());
}

#[test]
fn an_unfinished_draft_leaves_everything_as_it_was() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("deep/er/x");
    drop(Draft::begin(&at, identity("a"), false, false).unwrap());
    assert_eq!(fs::read_dir(above.path()).unwrap().count(), 0);
}

#[test]
fn the_users_files_stay_where_they_are_and_changed_ones_stay_beside() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("x");
    answer(&at, "a", &[("report.html", "first"), ("figures/f.png", "f")]).unwrap();
    fs::write(at.join("notes.txt"), "mine").unwrap();
    fs::create_dir(at.join("figures/mine")).unwrap();
    fs::write(at.join("figures/mine/a.txt"), "mine too").unwrap();
    fs::write(at.join("report.html"), "first, with remarks").unwrap();
    let told = answer(&at, "a", &[("report.html", "second")]).unwrap();
    assert!(told.len() == 1 && told[0].ends_with("kept as `report.html.kept`"), "{told:?}");
    assert_eq!(names(&at), ["figures/mine/a.txt", "manifest.json", "notes.txt", "report.html", "report.html.kept"]);
    assert_eq!(text(at.join("report.html.kept")), "first, with remarks");
    // The same once more: what is kept stays under its name, and a second change gets another.
    fs::write(at.join("report.html"), "second, with remarks").unwrap();
    answer(&at, "a", &[("report.html", "third")]).unwrap();
    assert_eq!(text(at.join("report.html.kept")), "first, with remarks");
    assert_eq!(text(at.join("report.html.kept-2")), "second, with remarks");
    assert_eq!(text(at.join("notes.txt")), "mine");
}

#[test]
fn a_copy_of_an_answer_inside_an_answer_is_the_users() {
    let above = tempfile::tempdir().unwrap();
    let (at, other) = (above.path().join("x"), above.path().join("y"));
    answer(&at, "a", &[("t.csv", "1")]).unwrap();
    answer(&other, "b", &[("t.csv", "2")]).unwrap();
    fs::rename(&other, at.join("backup")).unwrap();
    answer(&at, "a", &[("t.csv", "3")]).unwrap();
    assert_eq!(text(at.join("backup/t.csv")), "2");
    assert!(AnswerFolder::open(&at.join("backup")).unwrap().is_whole());
}

#[test]
fn what_a_kill_left_is_cleared_at_every_stage() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("x");
    let (new, old) = (above.path().join(".x.new"), above.path().join(".x.old"));
    let again = |stage: &str| {
        answer(&at, "a", &[("t.csv", "again")]).unwrap_or_else(|error| panic!("{stage}: {error}"));
        assert_eq!(names(&at), ["manifest.json", "notes.txt", "t.csv"], "{stage}");
        assert_eq!(fs::read_dir(above.path()).unwrap().count(), 1, "{stage}");
    };
    answer(&at, "a", &[("t.csv", "1")]).unwrap();
    fs::write(at.join("notes.txt"), "mine").unwrap();
    let answer_at = |path: &Path| {
        let seed = above.path().join("seed");
        answer(&seed, "a", &[("t.csv", "2")]).unwrap();
        fs::rename(&seed, path).unwrap();
    };
    // While it was written, after the user's file had its second name.
    fs::create_dir(&new).unwrap();
    fs::write(new.join(DRAFT), "{}").unwrap();
    fs::write(new.join("half.csv"), "").unwrap();
    fs::hard_link(at.join("notes.txt"), new.join("notes.txt")).unwrap();
    again("draft");
    // Before the swap, sealed.
    answer_at(&new);
    fs::hard_link(at.join("notes.txt"), new.join("notes.txt")).unwrap();
    again("sealed");
    // After the old one was moved aside and before the new one was moved in.
    answer_at(&new);
    fs::hard_link(at.join("notes.txt"), new.join("notes.txt")).unwrap();
    fs::rename(&at, &old).unwrap();
    again("moved aside");
    // While the old one was removed, with a file of the user's that came late.
    answer_at(&old);
    fs::remove_file(old.join("t.csv")).unwrap();
    fs::rename(at.join("notes.txt"), old.join("notes.txt")).unwrap();
    again("removing");
    // Nothing but the old one aside.
    fs::rename(&at, &old).unwrap();
    again("only the old");
    // A part of the old one, after somebody removed the new one.
    fs::rename(&at, &old).unwrap();
    fs::remove_file(old.join("t.csv")).unwrap();
    again("a part of the old");
    // A folder of the user's that came into the way and was swapped out.
    fs::create_dir(&new).unwrap();
    fs::hard_link(at.join("notes.txt"), new.join("notes.txt")).unwrap();
    again("swapped out");
    // Nothing but an empty folder.
    fs::create_dir_all(new.join("figures")).unwrap();
    again("empty");
}

#[test]
fn what_lies_beside_and_is_not_ours_is_not_touched() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("x");
    for name in [".x.new", ".x.old"] {
        let path = above.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("thesis.txt"), "years").unwrap();
        let error = answer(&at, "a", &[]).unwrap_err();
        assert!(error.message().contains("in the way"), "{error}");
        assert_eq!(text(path.join("thesis.txt")), "years");
        fs::rename(&path, above.path().join(format!("moved{name}"))).unwrap();
    }
    let lock = above.path().join(".x.lock");
    fs::write(&lock, "years").unwrap();
    assert!(answer(&at, "a", &[]).unwrap_err().message().contains("in the way"));
    assert_eq!(text(lock), "years");
}

#[test]
fn one_run_at_a_time_writes_to_a_folder() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("x");
    let first = Draft::begin(&at, identity("a"), false, false).unwrap();
    let error = Draft::begin(&at, identity("a"), false, false).unwrap_err();
    assert!(error.message().contains("another run is writing"), "{error}");
    drop(first);
    answer(&at, "a", &[]).unwrap();
}

#[test]
fn an_answer_to_something_else_stays_unless_it_is_given_up() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("x");
    answer(&at, "a", &[("t.csv", "1")]).unwrap();
    let error = answer(&at, "b", &[]).unwrap_err();
    assert!(error.to_string().contains("other settings") && error.to_string().contains("x-2"), "{error}");
    assert_eq!(text(at.join("t.csv")), "1");
    let forced = Draft::begin(&at, identity("b"), true, false).unwrap();
    forced.finish(Map::new()).unwrap();
    assert_eq!(names(&at), ["manifest.json"]);
}

#[test]
fn a_folder_that_goes_away_meanwhile_is_made_again() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("deep/x");
    let draft = Draft::begin(&at, identity("a"), false, false).unwrap();
    fs::remove_dir_all(above.path().join("deep")).unwrap();
    file::write(&draft.folder().unwrap().join("t.csv"), "1").unwrap();
    draft.finish(Map::new()).unwrap();
    assert_eq!(names(&at), ["manifest.json", "t.csv"]);
}

#[test]
fn what_comes_into_the_way_meanwhile_stays_and_the_answer_goes_beside() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("x");
    let draft = Draft::begin(&at, identity("a"), false, false).unwrap();
    fs::write(&at, "mine").unwrap();
    let error = draft.finish(Map::new()).unwrap_err();
    assert!(error.message().contains("x-2"), "{error}");
    assert_eq!(text(at), "mine");
    assert!(AnswerFolder::open(&above.path().join("x-2")).unwrap().is_whole());
}

#[test]
fn changes_by_hand_are_seen() {
    let above = tempfile::tempdir().unwrap();
    let at = above.path().join("x");
    answer(&at, "a", &[("t.csv", "1"), ("u.csv", "1")]).unwrap();
    let seen = |what: &str| {
        let error = AnswerFolder::open(&at).unwrap().verify(|_| true).unwrap_err();
        assert!(error.message().contains(what), "{error}");
    };
    fs::write(at.join("t.csv"), "2").unwrap();
    seen("t.csv");
    fs::write(at.join("t.csv"), "1").unwrap();
    fs::remove_file(at.join("u.csv")).unwrap();
    seen("missing");
    fs::write(at.join("u.csv"), "1").unwrap();
    let manifest = text(at.join(MANIFEST));
    fs::write(at.join(MANIFEST), manifest.replace("\"kind\": \"run\"", "\"kind\": \"sun\"")).unwrap();
    seen(MANIFEST);
}
