//! No file of the user's is lost, and at every moment there is a whole answer.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A model of two numbers that runs in no time.
const OSCILLATOR: &str = "question = \"Does it swing?\"\nresponse = \"van_der_pol\"\n[slab]\n[course]\nfollowed = \"2 d\"\n\
                          [grid]\ngeometry = \"point\"\n[observe]\nevery = \"6 h\"\n";
/// The same, for some seconds.
const LONG: &str = "question = \"Does it swing?\"\nresponse = \"van_der_pol\"\n[slab]\n[course]\nfollowed = \"20 d\"\n\
                    [grid]\ngeometry = \"point\"\n[stepping]\nfixed = \"1 s\"\n[observe]\nevery = \"1 d\"\n";

fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin("dermasim")
}

fn run(here: &Path, arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).current_dir(here).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A folder with the scenario in it.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("osc.toml"), OSCILLATOR).unwrap();
    fs::write(home.path().join("long.toml"), LONG).unwrap();
    home
}

/// Every file below a folder and what is in it; the folders too.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut all, mut open) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
                all.insert(name + "/", Vec::new());
            } else {
                all.insert(name, fs::read(&path).unwrap_or_default());
            }
        }
    }
    all
}

fn refused(here: &Path, out: &str, said: &[&str]) {
    let before = content(here);
    let output = run(here, &["run", "osc.toml", "-q", "--out", out]);
    assert_eq!(output.status.code(), Some(2), "{out}: {}", told(&output));
    for word in said {
        assert!(told(&output).contains(word), "{out}: `{word}` is not in: {}", told(&output));
    }
    assert_eq!(before, content(here), "{out}");
}

fn whole(answer: &Path) {
    assert!(
        dermasim::base::folder::AnswerFolder::open(answer).is_some_and(|own| own.is_whole()),
        "{answer:?} is not whole"
    );
    for name in ["summary.json", "report.html", "timecourse.csv", "scenario.toml"] {
        assert!(answer.join(name).is_file(), "{name} is missing");
    }
}

fn ok(output: &Output) {
    assert!(output.status.success(), "{}", told(output));
}

#[test]
fn up_from_a_folder_that_is_not_there() {
    let home = home();
    fs::create_dir(home.path().join("victim")).unwrap();
    fs::write(home.path().join("victim/thesis.txt"), "years").unwrap();
    refused(home.path(), "victim/new/..", &["`victim/new`, which is not there", "--out victim"]);
    refused(home.path(), "victim/new/../other", &["which is not there", "--out victim/other"]);
    refused(home.path(), "victim/thesis.txt/..", &["thesis.txt`, which is no folder"]);
    refused(home.path(), "victim", &["no answer of dermasim"]);
    refused(home.path(), "victim/../victim", &["no answer of dermasim"]);
    // Up from a folder that is there is a path like any other.
    fs::create_dir(home.path().join("a")).unwrap();
    ok(&run(home.path(), &["run", "osc.toml", "-q", "--out", "a/../b"]));
    whole(&home.path().join("b"));
}

#[test]
fn the_folder_somebody_stands_in() {
    let home = home();
    ok(&run(home.path(), &["run", "osc.toml", "-q", "--out", "ans"]));
    let answer = home.path().join("ans");
    fs::create_dir(answer.join("deep")).unwrap();
    let before = content(&answer);
    let whole_path = answer.to_string_lossy().into_owned();
    let linked = home.path().join("link");
    std::os::unix::fs::symlink(home.path(), &linked).unwrap();
    let through = linked.join("ans").to_string_lossy().into_owned();
    for (here, out) in
        [("ans", "."), ("ans", "./"), ("ans/deep", ".."), ("ans", "../ans"), ("ans", &whole_path), ("ans", &through)]
    {
        let scenario = answer.join("scenario.toml");
        let output = run(&home.path().join(here), &["run", scenario.to_str().unwrap(), "-q", "--out", out]);
        assert_eq!(output.status.code(), Some(2), "{out}: {}", told(&output));
        assert!(told(&output).contains("stand in") && told(&output).contains("cd .."), "{}", told(&output));
        assert_eq!(before, content(&answer));
    }
    refused(home.path(), ".", &["stand in"]);
    refused(home.path(), "..", &["stand in"]);
    refused(home.path(), "/", &["root"]);
}

#[test]
fn links_and_files() {
    let home = home();
    fs::create_dir(home.path().join("real")).unwrap();
    fs::write(home.path().join("plain"), "years").unwrap();
    std::os::unix::fs::symlink("real", home.path().join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", home.path().join("lost")).unwrap();
    refused(home.path(), "link", &["is a link to `real`", "--out real"]);
    refused(home.path(), "lost", &["link to what is not there"]);
    refused(home.path(), "lost/x", &["link to what is not there"]);
    refused(home.path(), "plain", &["is a file"]);
    refused(home.path(), "plain/x", &["`plain` is a file"]);
    // A link on the way is as good as a folder.
    ok(&run(home.path(), &["run", "osc.toml", "-q", "--out", "link/x"]));
    whole(&home.path().join("real/x"));
}

/// Mounts a small disk at a folder; `None`, with the reason, where that is not possible.
struct Mounted(PathBuf);

impl Mounted {
    fn at(path: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", size, "none"]).arg(path).output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(path.to_path_buf())),
            other => {
                eprintln!("skipped: no disk can be mounted here: {other:?}");
                None
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _done = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_place_where_a_disk_is_mounted() {
    let home = home();
    let mounted = home.path().join("mn t");
    let Some(_guard) = Mounted::at(&mounted, "size=50m") else { return };
    ok(&run(home.path(), &["run", "osc.toml", "-q", "--out", "other"]));
    assert!(Command::new("cp").arg("-r").arg(home.path().join("other/.")).arg(&mounted).status().unwrap().success());
    refused(home.path(), "mn t", &["another disk is mounted", "--out mn t/answer"]);
    ok(&run(home.path(), &["run", "osc.toml", "-q", "--out", "mn t/answer"]));
    whole(&mounted.join("answer"));
    // A folder bound to another place on the same disk, and a disk inside the answer.
    let bound = home.path().join("bound");
    fs::create_dir(&bound).unwrap();
    let bind = Command::new("mount").arg("--bind").arg(home.path().join("other")).arg(&bound).status();
    if bind.is_ok_and(|status| status.success()) {
        let _bound = Mounted(bound);
        refused(home.path(), "bound", &["another disk is mounted"]);
    }
    if let Some(_inner) = Mounted::at(&home.path().join("other/inner"), "size=1m") {
        refused(home.path(), "other", &["in `other` another disk is mounted"]);
    }
}

#[test]
fn a_full_disk() {
    let home = home();
    let disk = home.path().join("disk");
    let Some(_guard) = Mounted::at(&disk, "size=4m") else { return };
    ok(&run(home.path(), &["run", "osc.toml", "-q", "--out", "disk/x"]));
    // Not even the trial fits.
    let filled = disk.join("filler");
    let fill = |left: u64| {
        let _gone = fs::remove_file(&filled);
        let room = Command::new("df").args(["--output=avail", "-B1"]).arg(&disk).output().unwrap();
        let room: u64 = String::from_utf8_lossy(&room.stdout).lines().nth(1).unwrap().trim().parse().unwrap();
        fs::write(&filled, vec![1; (room.saturating_sub(left)) as usize]).unwrap();
    };
    fill(0);
    refused(home.path(), "disk/x", &["no space left"]);
    refused(home.path(), "disk/y", &["no space left"]);
    // The trial fits and the answer does not: the old one stays, and nothing is left of the new.
    fill(1 << 17);
    let before = content(&disk);
    let output = run(home.path(), &["run", "osc.toml", "-q", "--out", "disk/x"]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).to_lowercase().contains("no space left"), "{}", told(&output));
    assert_eq!(before, content(&disk));
    fs::remove_file(&filled).unwrap();
    ok(&run(home.path(), &["run", "osc.toml", "-q", "--out", "disk/x"]));
}

#[test]
fn a_disk_that_can_only_be_read() {
    let home = home();
    let disk = home.path().join("disk");
    let Some(_guard) = Mounted::at(&disk, "size=20m") else { return };
    ok(&run(home.path(), &["run", "osc.toml", "-q", "--out", "disk/x"]));
    assert!(Command::new("mount").args(["-o", "remount,ro"]).arg(&disk).status().unwrap().success());
    let begun = std::time::Instant::now();
    let output = run(home.path(), &["run", "long.toml", "-q", "--out", "disk/y"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("read-only") && begun.elapsed() < Duration::from_secs(2), "{}", told(&output));
    refused(home.path(), "disk/x", &["read-only", "--out"]);
}

/// Starts a run that takes a while, and waits until it computes.
fn begin(here: &Path, out: &str) -> std::process::Child {
    let mut child = Command::new(program());
    child
        .args(["run", "long.toml", "-q", "--out", out])
        .current_dir(here)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let out = here.join(out);
    let draft = out.with_file_name(format!(".{}.new", out.file_name().unwrap().to_str().unwrap()));
    for _ in 0..500 {
        if draft.join(".draft").is_file() {
            return child;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("the run does not begin");
}

#[test]
fn a_folder_that_is_removed_while_the_run_computes() {
    let home = home();
    for gone in ["a/b/c", "a/b", "a/b/.c.new"] {
        let child = begin(home.path(), "a/b/c");
        fs::create_dir_all(home.path().join("a/b/c")).unwrap();
        fs::remove_dir_all(home.path().join(gone)).unwrap();
        ok(&child.wait_with_output().unwrap());
        whole(&home.path().join("a/b/c"));
        assert_eq!(fs::read_dir(home.path().join("a/b")).unwrap().count(), 1);
        fs::remove_dir_all(home.path().join("a")).unwrap();
    }
}

#[test]
fn the_users_files_in_an_answer() {
    let home = home();
    let answer = home.path().join("x");
    ok(&run(home.path(), &["run", "osc.toml", "-q", "--out", "x"]));
    fs::write(answer.join("notes.txt"), "before").unwrap();
    fs::write(answer.join("figures/mine.png"), "before").unwrap();
    fs::write(answer.join("report.html"), "with remarks").unwrap();
    std::os::unix::fs::symlink("/etc/hostname", answer.join("link")).unwrap();
    fs::create_dir(answer.join("empty")).unwrap();
    let output = run(home.path(), &["run", "osc.toml", "-q", "--out", "x"]);
    ok(&output);
    assert!(told(&output).contains("report.html.kept"), "{}", told(&output));
    whole(&answer);
    assert_eq!(fs::read(answer.join("notes.txt")).unwrap(), b"before");
    assert_eq!(fs::read(answer.join("figures/mine.png")).unwrap(), b"before");
    assert_eq!(fs::read(answer.join("report.html.kept")).unwrap(), b"with remarks");
    assert!(answer.join("link").is_symlink() && answer.join("empty").is_dir());
    assert!(fs::metadata("/etc/hostname").is_ok());
    ok(&run(home.path(), &["plot", "x"]));
    assert_eq!(fs::read(answer.join("figures/mine.png")).unwrap(), b"before");
    whole(&answer);
}

#[test]
fn a_file_that_comes_while_the_run_computes() {
    let home = home();
    let answer = home.path().join("x");
    ok(&run(home.path(), &["run", "long.toml", "-q", "--out", "x"]));
    let child = begin(home.path(), "x");
    let second = run(home.path(), &["run", "long.toml", "-q", "--out", "x"]);
    assert_eq!(second.status.code(), Some(2), "{}", told(&second));
    assert!(told(&second).contains("another run is writing"), "{}", told(&second));
    fs::write(answer.join("late.txt"), "late").unwrap();
    fs::write(answer.join("summary.json"), "late too").unwrap();
    ok(&child.wait_with_output().unwrap());
    whole(&answer);
    assert_eq!(fs::read(answer.join("late.txt")).unwrap(), b"late");
    assert_eq!(fs::read(answer.join("summary.json.kept")).unwrap(), b"late too");
    // Into a folder that was not there, too.
    let child = begin(home.path(), "y");
    fs::create_dir(home.path().join("y")).unwrap();
    fs::write(home.path().join("y/late.txt"), "late").unwrap();
    ok(&child.wait_with_output().unwrap());
    whole(&home.path().join("y"));
    assert_eq!(fs::read(home.path().join("y/late.txt")).unwrap(), b"late");
    assert!(!home.path().join(".y.new").exists() && !home.path().join(".x.new").exists());
}

#[test]
fn other_settings_do_not_replace_an_answer_without_a_word() {
    let home = home();
    let sweep = format!("{OSCILLATOR}[sweep]\n\"response.mu\" = [1, 2]\n");
    let ensemble = format!("{OSCILLATOR}[uncertainty]\nsamples = 3\nnumbers = [\"response.mu\"]\n");
    fs::write(home.path().join("sweep.toml"), sweep).unwrap();
    fs::write(home.path().join("ensemble.toml"), ensemble).unwrap();
    for scenario in ["osc", "sweep", "ensemble"] {
        let file = format!("{scenario}.toml");
        let at = home.path().join("output").join(scenario);
        ok(&run(home.path(), &["run", &file, "-q"]));
        let before = content(&at);
        let output = run(home.path(), &["run", &file, "-q", "--set", "course.followed=1 d"]);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        for word in ["other settings", "--force", &format!("--out output/{scenario}-2")] {
            assert!(told(&output).contains(word), "{word}: {}", told(&output));
        }
        assert_eq!(before, content(&at), "{scenario}");
        ok(&run(home.path(), &["run", &file, "-q"]));
        ok(&run(home.path(), &["run", &file, "-q", "--set", "course.followed=1 d", "--force"]));
        // Another kind of answer under one name.
        let other = if scenario == "osc" { "sweep.toml" } else { "osc.toml" };
        let output = run(home.path(), &["run", other, "-q", "--out", at.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        let output = run(home.path(), &["strike", "osc.toml", "--out", at.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    }
    // What only words it, or what is expected of it, is no other answer.
    fs::write(
        home.path().join("osc.toml"),
        format!("{}[expect]\n\"x.end\" = {{ at_most = 9 }}\n", OSCILLATOR.replace("swing", "sway")),
    )
    .unwrap();
    ok(&run(home.path(), &["run", "osc.toml", "-q", "--force"]));
    fs::write(home.path().join("osc.toml"), OSCILLATOR).unwrap();
    ok(&run(home.path(), &["run", "osc.toml", "-q"]));
}

#[test]
fn what_was_changed_by_hand_is_not_taken_for_computed() {
    let home = home();
    for name in ["a", "b"] {
        ok(&run(home.path(), &["run", "osc.toml", "-q", "--out", name]));
    }
    let table = home.path().join("a/timecourse.csv");
    let text = fs::read_to_string(&table).unwrap();
    for (name, changed) in [("timecourse.csv", text.replacen("0.25", "0.26", 1)), ("observables.csv", "name".into())] {
        let path = home.path().join("a").join(name);
        let before = fs::read(&path).unwrap();
        fs::write(&path, changed).unwrap();
        for arguments in [&["compare", "a", "b"][..], &["plot", "a"]] {
            let output = run(home.path(), arguments);
            assert_eq!(output.status.code(), Some(2), "{}", told(&output));
            assert!(told(&output).contains(name) && told(&output).contains("changed"), "{}", told(&output));
        }
        fs::write(&path, before).unwrap();
    }
    ok(&run(home.path(), &["compare", "a", "b", "-q"]));
    // A sweep takes up what it has, but not what was changed.
    fs::write(home.path().join("sweep.toml"), format!("{OSCILLATOR}[sweep]\n\"response.mu\" = [1, 2, 3]\n")).unwrap();
    ok(&run(home.path(), &["run", "sweep.toml", "-q"]));
    let at = home.path().join("output/sweep");
    let right = fs::read_to_string(at.join("sweep.csv")).unwrap();
    let summary = at.join("runs/2-mu-2/summary.json");
    let text = fs::read_to_string(&summary).unwrap();
    fs::write(&summary, text.replace("\"end\": ", "\"end\": 7")).unwrap();
    let output = run(home.path(), &["run", "sweep.toml"]);
    ok(&output);
    assert_eq!(told(&output).matches("was there").count(), 2, "{}", told(&output));
    assert_eq!(right, fs::read_to_string(at.join("sweep.csv")).unwrap());
    assert!(at.join("runs/2-mu-2/summary.json.kept").is_file());
}

#[test]
fn a_killed_sweep_goes_on_where_it_was() {
    let home = home();
    fs::write(home.path().join("sweep.toml"), format!("{LONG}[sweep]\n\"response.mu\" = [1, 2, 3]\n")).unwrap();
    let mut command = Command::new(program());
    command.args(["run", "sweep.toml", "-q", "--threads", "1", "--out", "x"]).current_dir(home.path());
    let mut child = command.spawn().unwrap();
    let first = home.path().join(".x.new/runs/1-mu-1");
    for _ in 0..3000 {
        if first.is_dir() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first.is_dir() && !home.path().join("x").exists());
    // Another study does not take its place without a word.
    let output = run(home.path(), &["run", "sweep.toml", "-q", "--out", "x", "--set", "course.followed=1 d"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains(".x.new") && told(&output).contains("--force"), "{}", told(&output));
    // What is half or was changed is computed again.
    fs::write(home.path().join(".x.new/half.csv"), "").unwrap();
    let output = run(home.path(), &["run", "sweep.toml", "--out", "x"]);
    ok(&output);
    assert_eq!(told(&output).matches("was there").count(), 1, "{}", told(&output));
    assert!(!home.path().join("x/half.csv").exists() && home.path().join("x/sweep.csv").is_file());
    whole(&home.path().join("x/runs/1-mu-1"));
    assert!(!home.path().join(".x.new").exists());
}

/// Numbers between zero and one, the same every time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        // A linear congruence is random enough for moments.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A command that writes an answer, and how to tell that it is whole. The two variants answer different things.
struct Case<'a> {
    variants: [Vec<&'a str>; 2],
    answer: &'a str,
    whole: &'a dyn Fn(&Path),
}

impl Case<'_> {
    /// Kills the command at `count` moments spread over the time it takes, and looks after each that the answer and the user's
    /// file are whole and that the next run goes through. A first run finds nothing, a later one an answer to either variant.
    fn killed(&self, home: &Path, count: usize, first: bool) {
        let at = home.join(self.answer);
        let begun = std::time::Instant::now();
        self.again(home, 0, "before");
        let longest = begun.elapsed().mul_f64(1.1);
        let notes = at.join("notes.txt");
        fs::write(&notes, "mine").unwrap();
        let mut chance = Chance(7);
        for number in 0..count {
            if first && at.exists() {
                fs::remove_dir_all(&at).unwrap();
            }
            let after = longest.mul_f64(chance.next());
            let mut command = Command::new(program());
            command.args(&self.variants[number % 2]).current_dir(home).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            std::thread::sleep(after);
            let _ended = child.kill();
            child.wait().unwrap();
            // A file of the user's may be brought back before the first answer is there.
            let only_notes =
                first && fs::read_dir(&at).is_ok_and(|all| all.flatten().all(|own| own.file_name() == "notes.txt"));
            if !first || (at.exists() && !only_notes) {
                (self.whole)(&at);
            }
            if !first {
                assert_eq!(fs::read(&notes).unwrap(), b"mine", "{number}: the user's file is lost after {after:?}");
            }
            if number % 5 == 0 {
                self.again(home, number, &format!("{after:?}"));
            }
        }
        self.again(home, 0, "at the end");
    }

    /// Lets the system kill the command at the n-th of some calls, or lets that call fail, for every n.
    fn injected(&self, home: &Path, calls: &str, fault: &str, most: usize) -> usize {
        let at = home.join(self.answer);
        let notes = at.join("notes.txt");
        for number in 1..=most {
            let mut command = Command::new("strace");
            command.args([
                "-f",
                "-o",
                "trace",
                "-e",
                &format!("trace={calls}"),
                "-e",
                &format!("inject={calls}:{fault}:when={number}"),
            ]);
            command.arg(program()).args(&self.variants[number % 2]).current_dir(home);
            let output = command.output().unwrap();
            let said = format!("{calls} {fault} {number}: {}", told(&output));
            assert!(!told(&output).contains("panicked"), "{said}");
            (self.whole)(&at);
            assert_eq!(fs::read(&notes).unwrap(), b"mine", "{said}");
            let struck = fs::read_to_string(home.join("trace")).unwrap();
            if !struck.contains("INJECTED") && !struck.contains("killed by SIGKILL") {
                return number - 1;
            }
            self.again(home, number + 1, &said);
        }
        most
    }

    /// Runs it undisturbed: nothing stays beside the answer.
    fn again(&self, home: &Path, number: usize, when: &str) {
        let output = run(home, &self.variants[number % 2]);
        assert!(output.status.success(), "{when}: {}", told(&output));
        let at = home.join(self.answer);
        (self.whole)(&at);
        let beside = fs::read_dir(at.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = beside.filter(|name| name.to_string_lossy().starts_with('.')).collect();
        assert!(left.is_empty(), "{when}: {left:?} is left");
    }
}

const SHORTER: [&str; 3] = ["--set", "course.followed=1 d", "--force"];

fn of_a_run<'a>(whole: &'a dyn Fn(&Path)) -> Case<'a> {
    let base = ["run", "osc.toml", "-q", "--out", "o/x"];
    let variants = [[&base[..], &["--force"]].concat(), [&base[..], &SHORTER].concat()];
    Case { variants, answer: "o/x", whole }
}

#[test]
fn kills_while_an_answer_is_replaced() {
    let home = home();
    of_a_run(&whole).killed(home.path(), 40, false);
}

#[test]
fn kills_while_a_first_answer_is_written() {
    let home = home();
    of_a_run(&whole).killed(home.path(), 20, true);
}

#[test]
fn calls_of_the_system_that_kill_or_fail() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: there is no strace");
        return;
    }
    let home = home();
    let case = of_a_run(&whole);
    case.again(home.path(), 0, "before");
    fs::write(home.path().join("o/x/notes.txt"), "mine").unwrap();
    for (calls, fault) in [
        ("renameat2", "signal=SIGKILL"),
        ("renameat2", "error=EINVAL"),
        ("linkat,link", "error=EPERM"),
        ("linkat,link", "signal=SIGKILL"),
    ] {
        assert!(case.injected(home.path(), calls, fault, 9) > 0, "{calls} {fault}");
    }
}

fn is_whole(at: &Path) {
    let answer = dermasim::base::folder::AnswerFolder::open(at)
        .unwrap_or_else(|| panic!("{at:?} is no answer: {:?}", content(at).keys()));
    answer.verify(|_| true).unwrap_or_else(|error| panic!("{error}"));
}

/// Kills at 500 moments, and at every call of the system that makes, renames, syncs or removes; and lets those calls fail.
fn at_every_moment(home: &Path, case: &Case<'_>) {
    case.killed(home, 200, true);
    case.killed(home, 300, false);
    let mut struck = 0;
    if Command::new("strace").arg("-V").output().is_ok() {
        for (calls, fault, most) in [
            ("renameat2", "signal=SIGKILL", 3),
            ("rename,renameat", "signal=SIGKILL", 20),
            ("unlink,unlinkat,rmdir", "signal=SIGKILL", 60),
            ("fsync", "signal=SIGKILL", 60),
            ("mkdir,mkdirat", "signal=SIGKILL", 20),
            ("renameat2", "error=EINVAL", 3),
            ("linkat,link", "error=EPERM", 20),
            ("unlink,unlinkat,rmdir", "error=EIO", 40),
            ("fsync", "error=EIO", 40),
            ("rename,renameat", "error=ENOSPC", 20),
            ("mkdir,mkdirat", "error=ENOSPC", 20),
        ] {
            struck += case.injected(home, calls, fault, most);
        }
    }
    let what = case.answer;
    println!("{what}: 500 kills, {struck} faults: 0 files of the user's lost, 0 half answers, 0 reruns refused");
}

/// Minutes, as the next two: `cargo test --test files -- --ignored --nocapture`.
#[test]
#[ignore = "500 kills and some hundred faults take minutes: cargo test --test files -- --ignored --nocapture"]
fn runs_killed_at_every_moment() {
    let home = home();
    at_every_moment(home.path(), &of_a_run(&whole));
}

#[test]
#[ignore = "500 kills and some hundred faults take minutes: cargo test --test files -- --ignored --nocapture"]
fn sweeps_killed_at_every_moment() {
    let home = home();
    fs::write(home.path().join("sweep.toml"), format!("{OSCILLATOR}[sweep]\n\"response.mu\" = [1, 2, 3]\n")).unwrap();
    let of_sweep = |at: &Path| {
        is_whole(at);
        assert!(at.join("report.html").is_file() && at.join("sweep.csv").is_file());
        for run in ["1-mu-1", "2-mu-2", "3-mu-3"] {
            whole(&at.join("runs").join(run));
        }
    };
    let base = ["run", "sweep.toml", "-q", "--out", "s/x"];
    let variants = [[&base[..], &["--force"]].concat(), [&base[..], &SHORTER].concat()];
    at_every_moment(home.path(), &Case { variants, answer: "s/x", whole: &of_sweep });
}

#[test]
#[ignore = "500 kills and some hundred faults take minutes: cargo test --test files -- --ignored --nocapture"]
fn claims_killed_at_every_moment() {
    let home = home();
    fs::create_dir_all(home.path().join("scenarios/claims")).unwrap();
    let claim = "[uncertainty]\nsamples = 3\nnumbers = [\"response.mu\"]\n[claim]\nid = \"K1\"\nstatement = \"It swings\"\n\
                 answer = \"It does: {{ end.told }}.\"\n[claim.reading.end]\nwhat = \"x after a day\"\nvalue = \"at(x, [1 d])\"\n\
                 [claim.part.p]\nwhat = \"it is small\"\nholds = \"end < 100\"\n";
    for id in ["K1", "K2"] {
        let text = format!("{OSCILLATOR}{claim}").replace("K1", id);
        fs::write(home.path().join(format!("scenarios/claims/{id}.toml")), text).unwrap();
    }
    let of_claims = |at: &Path| {
        is_whole(at);
        assert!(at.join("index.html").is_file() && at.join("K1/answer.json").is_file());
        is_whole(&at.join("K1/runs/run"));
    };
    let base = ["claims", "-q", "--out", "c/x"];
    let variants = [[&base[..], &["--force"]].concat(), [&base[..], &["K1", "--force"]].concat()];
    at_every_moment(home.path(), &Case { variants, answer: "c/x", whole: &of_claims });
}
