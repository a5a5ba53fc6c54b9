//! Releases whose Helm or whose operator was killed: `rescue` proves that nobody works on them, and makes them good again.

use std::{
    fs,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::Value;

use crate::{
    interrupted::{plugin, states},
    sandbox::{Namespace, RELEASE, root, text, tool, until},
};

/// A chart whose pods become ready when they are told to.
pub(crate) fn chart() -> String {
    root().join("tests/e2e/charts/lifecycle").display().to_string()
}

/// Longer than any test: whatever waits for it waits until it is killed.
const NEVER_READY: &str = "readyAfter=3600";

fn begin(mut command: Command) -> Child {
    command
        .process_group(0)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

fn kill(mut child: Child) {
    child.kill().expect("it can be killed");
    child.wait().expect("it has ended");
}

/// Plain Helm, killed as soon as its revision is pending.
fn killed(place: &Namespace, verb: &str, pending: &str) {
    let chart = chart();
    let mut command = tool("helm-4.3");
    command.args([
        verb,
        RELEASE,
        &chart,
        "--wait",
        "--set",
        NEVER_READY,
        "--namespace",
        &place.name,
    ]);
    let helm = begin(command);
    until(pending, || states(place).last().is_some_and(|state| state == pending));
    kill(helm);
}

#[test]
fn a_release_whose_helm_was_killed_is_rescued_once_nobody_can_be_at_work() {
    let place = Namespace::new("stuck");
    let chart = chart();
    killed(&place, "install", "pending-install");
    place
        .helm_apimgmt("4.3", &["install", RELEASE, &chart])
        .ends_with(1)
        .says("helm apimgmt rescue");
    place
        .helm_apimgmt("4.3", &["rescue", "--yes"])
        .ends_with(4)
        .says("after 330 s of silence");
    assert_eq!(states(&place), ["pending-install"], "nothing was changed");
    place
        .helm_apimgmt("4.3", &["rescue", "--quiet", "0s", "--dry-run"])
        .succeeds()
        .says("revision 1 failed");
    place
        .helm_apimgmt("3.22", &["rescue", "--quiet", "0s"])
        .ends_with(2)
        .says("nobody is there to say yes");
    place
        .helm_apimgmt("3.22", &["rescue", "--quiet", "0s", "--yes"])
        .succeeds()
        .says("is `failed` now");
    // A deployment that once took too long says so until its next pod is ready, and Helm believes it.
    until("plain Helm to go on", || {
        place
            .helm("4.3", &["upgrade", RELEASE, &chart, "--reset-values", "--wait"])
            .code()
            == 0
    });

    killed(&place, "upgrade", "pending-upgrade");
    place.helm("4.3", &["upgrade", RELEASE, &chart]).ends_with(1);
    let report = place
        .helm_apimgmt("4.3", &["rescue", "--quiet", "0s", "--yes", "-o", "json"])
        .succeeds()
        .json();
    let (from, to) = (report["plan"]["from"].as_u64(), report["plan"]["to"].as_u64());
    assert_eq!(from, to.map(|to| to + 1), "{report:#}");
    let states = states(&place);
    assert_eq!(states[states.len() - 3..], ["superseded", "failed", "deployed"]);
    place
        .helm_apimgmt("4.3", &["rescue", "--yes"])
        .succeeds()
        .says("needs no rescue");
    place.helm("4.3", &["upgrade", RELEASE, &chart, "--wait"]).succeeds();
}

#[test]
fn an_upgrade_whose_operator_and_helm_were_killed_is_rescued_at_once() {
    let place = Namespace::new("orphaned");
    let chart = chart();
    place.helm("4.3", &["install", RELEASE, &chart, "--wait"]).succeeds();
    let upgrade = begin(plugin(&place, &["upgrade", RELEASE, &chart, "--set", NEVER_READY]));
    let mut helm = None;
    until("the journal to name Helm's process", || {
        helm = journaled_process(&place);
        helm.is_some() && states(&place).last().is_some_and(|state| state == "pending-upgrade")
    });
    kill(upgrade);
    let helm = helm.expect("it was named");
    place
        .helm_apimgmt("4.3", &["rescue", "--yes"])
        .ends_with(1)
        .says(&format!("process {helm} of"))
        .says("still runs");
    let killed = Command::new("kill").args(["-s", "KILL", &helm]).status();
    assert!(killed.is_ok_and(|status| status.success()));
    // Helm's silence proves nothing yet, but on its own machine everybody can see that it is gone; the lease is silent soon.
    let mut rescue = place.helm_apimgmt("4.3", &["rescue", "--yes"]);
    until("the lease to be taken over", || {
        if rescue.code() != 0 {
            rescue = place.helm_apimgmt("4.3", &["rescue", "--yes"]);
        }
        rescue.code() == 0
    });
    rescue.says("which worked on it, is gone").says("serves again");
    assert_eq!(states(&place), ["superseded", "failed", "deployed"]);
    place.kubectl(&["get", "lease", "apimgmt-operation"]).ends_with(1);
}

/// The number of the process that the journal says is at work.
fn journaled_process(place: &Namespace) -> Option<String> {
    let note = text(&marks(place)?.last()?["note"]);
    Some(note.split_once("process ")?.1.split(' ').next()?.to_owned())
}

/// What the journal says of its newest operation, step by step.
fn marks(place: &Namespace) -> Option<Vec<Value>> {
    let map = place.kubectl(&["get", "configmap", "apimgmt-journal", "--output", "json"]);
    let map: Value = serde_json::from_slice(&map.output.stdout).ok()?;
    let entries: Value = serde_json::from_str(map["data"]["operations"].as_str()?).ok()?;
    entries.as_array()?.last()?["marks"].as_array().cloned()
}

/// Steps of an upgrade, and what makes it stay at them.
const STEPS: [(&str, &[&str]); 6] = [
    ("before", &[]),
    ("hook early", &["--hooks", "early"]),
    ("helm", &["--set", NEVER_READY]),
    ("gates", &["--set", "replicas=2"]),
    ("hook late", &["--hooks", "late"]),
    ("return", &["--set", "image=localhost/absent:1"]),
];

#[test]
fn an_upgrade_that_is_killed_at_any_step_is_made_good_without_hand_work() {
    thread::scope(|scope| {
        for (step, arguments) in STEPS {
            scope.spawn(move || killed_at(step, arguments));
        }
    });
}

fn killed_at(step: &str, arguments: &[&str]) {
    let place = Namespace::new(&format!("killed-{}", step.replace(' ', "-")));
    let chart = chart();
    place.helm("4.3", &["install", RELEASE, &chart, "--wait"]).succeeds();
    let file = root().join("target/e2e").join(format!("{}-hooks.yaml", place.name));
    let hooks = match arguments {
        [_, "early"] => "- {name: early, before: cache, command: [sleep, '3600'], timeout: 2h}",
        _ => "- {name: late, after: cache, command: [sleep, '3600'], timeout: 2h}",
    };
    fs::write(&file, hooks).expect("target/ can be written");
    let file = file.display().to_string();
    let own = arguments.iter().map(|word| match *word {
        "early" | "late" => file.as_str(),
        word => word,
    });
    let arguments: Vec<_> = ["upgrade", RELEASE, &chart].into_iter().chain(own).collect();
    let upgrade = begin(plugin(&place, &arguments));
    until(&format!("step {step}"), || {
        steps(&place).iter().any(|begun| begun == step)
    });
    let children = children(upgrade.id());
    kill(upgrade);
    for child in children {
        // It may have ended meanwhile, which is as good.
        let _ = Command::new("kill")
            .args(["-s", "KILL", &child])
            .stderr(Stdio::null())
            .status();
    }
    until("a rescue", || {
        let rescue = place.helm_apimgmt("4.3", &["rescue", "--yes", "--quiet", "0s"]);
        matches!(rescue.code(), 0 | 5)
    });
    until("the next upgrade", || {
        place.helm_apimgmt("4.3", &["upgrade", RELEASE, &chart]).code() == 0
    });
    let states = states(&place);
    assert_eq!(
        states.iter().filter(|state| *state == "deployed").count(),
        1,
        "{step}: {states:?}"
    );
    assert!(
        states.last().is_some_and(|state| state == "deployed"),
        "{step}: {states:?}"
    );
    place.kubectl(&["get", "lease", "apimgmt-operation"]).ends_with(1);
}

/// Steps that the newest operation in the journal has begun.
fn steps(place: &Namespace) -> Vec<String> {
    let marks = marks(place).unwrap_or_default();
    marks.iter().map(|mark| text(&mark["step"])).collect()
}

/// Processes that a process has started.
fn children(of: u32) -> Vec<String> {
    let found = Command::new("ps")
        .args(["-o", "pid=", "--ppid", &of.to_string()])
        .output()
        .expect("ps is there");
    String::from_utf8_lossy(&found.stdout)
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}
