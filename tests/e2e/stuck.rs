//! Releases whose Helm or whose operator was killed: `rescue` proves that nobody works on them, and makes them good again.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
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
    place.helm("4.3", &["upgrade", RELEASE, &chart, "--wait"]).succeeds();

    killed(&place, "upgrade", "pending-upgrade");
    place.helm("4.3", &["upgrade", RELEASE, &chart]).ends_with(1);
    let report = place
        .helm_apimgmt("4.3", &["rescue", "--quiet", "0s", "--yes", "-o", "json"])
        .succeeds()
        .json();
    assert_eq!(
        (&report["plan"]["from"], &report["plan"]["to"]),
        (&3.into(), &2.into()),
        "{report:#}"
    );
    assert_eq!(states(&place), ["failed", "superseded", "failed", "deployed"]);
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
    // Helm's silence proves nothing yet, but on its own machine everybody can see that it is gone.
    place
        .helm_apimgmt("4.3", &["rescue", "--yes"])
        .succeeds()
        .says("which worked on it, is gone")
        .says("serves again");
    assert_eq!(states(&place), ["superseded", "failed", "deployed"]);
    place.kubectl(&["get", "lease", "apimgmt-operation"]).ends_with(1);
}

/// The number of the process that the journal says is at work.
fn journaled_process(place: &Namespace) -> Option<String> {
    let map = place.kubectl(&["get", "configmap", "apimgmt-journal", "--output", "json"]);
    let map: Value = serde_json::from_slice(&map.output.stdout).ok()?;
    let entries: Value = serde_json::from_str(map["data"]["operations"].as_str()?).ok()?;
    let marks = entries.as_array()?.last()?["marks"].as_array()?.clone();
    let note = text(&marks.last()?["note"]);
    Some(note.split_once("process ")?.1.split(' ').next()?.to_owned())
}
