//! The operator's end in the middle of a change: Ctrl-C in each phase, and kill -9 of a way back.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::sandbox::{Namespace, RELEASE, root, text, tool, until};

/// Longest wait for a line or an end.
const LONGEST: Duration = Duration::from_mins(4);

/// A command that runs, read line by line as a person sees it.
struct Watched {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Watched {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let errors = child.stderr.take().expect("it is piped");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// Waits until a line holds `words`.
    #[track_caller]
    fn says(&mut self, words: &str) -> &mut Self {
        let begun = Instant::now();
        while !self.seen.iter().any(|line| line.contains(words)) {
            match self.lines.recv_timeout(LONGEST.saturating_sub(begun.elapsed())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("it never said {words:?} but:\n{}", self.seen.join("\n"))
                }
            }
        }
        self
    }

    /// Signals what a terminal would: the whole group.
    fn signal(&mut self, name: &str) -> &mut Self {
        let group = format!("-{}", self.child.id());
        let sent = Command::new("kill").args(["-s", name, "--", &group]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal was sent");
        self
    }

    /// The exit code, or the number of the signal that ended it, negative.
    #[track_caller]
    fn ends(&mut self) -> i32 {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                self.seen.extend(self.lines.iter());
                return status.code().unwrap_or_else(|| -status.signal().unwrap_or_default());
            }
            assert!(begun.elapsed() < LONGEST, "it does not end:\n{}", self.seen.join("\n"));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    fn ends_with(&mut self, code: i32) {
        let ended = self.ends();
        assert_eq!(ended, code, "it said:\n{}", self.seen.join("\n"));
    }
}

/// `helm apimgmt` as Helm starts it, without the Helm around it: that one is ended by the signal itself.
pub(crate) fn plugin(place: &Namespace, arguments: &[&str]) -> Command {
    let helm = tool("helm-4.3");
    let mut command = Command::new(root().join("target/release/helm-apimgmt"));
    for (name, value) in helm.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
        .env("HELM_BIN", helm.get_program())
        .env("HELM_NAMESPACE", &place.name)
        .env("HELM_PLUGIN_DIR", root())
        .args(arguments)
        .stdin(Stdio::null());
    command
}

fn kubectl_plugin(place: &Namespace, arguments: &[&str]) -> Command {
    let mut command = tool("kubectl");
    command
        .arg("apimgmt")
        .args(arguments)
        .args(["--namespace", &place.name]);
    command
}

pub(crate) fn states(place: &Namespace) -> Vec<String> {
    let ran = place.helm("4.3", &["history", RELEASE, "--output", "json"]);
    let Ok(history) = serde_json::from_slice::<Value>(&ran.output.stdout) else {
        return Vec::new();
    };
    let revisions = history.as_array().cloned().unwrap_or_default();
    revisions.iter().map(|revision| text(&revision["status"])).collect()
}

/// Nothing half-done: nobody holds the lease, nothing is pending, no probe is left.
fn nothing_is_half_done(place: &Namespace) {
    let lease = place.kubectl(&["get", "lease", "apimgmt-operation"]);
    assert_ne!(lease.code(), 0, "the lease was given back");
    assert!(states(place).iter().all(|state| !state.starts_with("pending")));
    let probes = place
        .kubectl(&[
            "get",
            "pods,persistentvolumeclaims",
            "--selector",
            "apimgmt.io/probe-run",
            "--output",
            "name",
        ])
        .succeeds()
        .text();
    assert_eq!(probes.trim(), "", "no probe is left");
}

fn level(place: &Namespace) -> String {
    let wanted = [
        "get",
        "configmap",
        "api-management-config",
        "--output",
        "jsonpath={.data.LOG_LEVEL}",
    ];
    place.kubectl(&wanted).text()
}

#[test]
fn control_c_and_kill_leave_nothing_half_done() {
    let place = Namespace::absent("interrupted");
    let values = place.values();
    while_it_installs(&place, &values);
    while_it_upgrades(&place, &values);
    a_killed_rollback_is_resumed(&place);
    a_killed_rollback_is_aborted(&place);
}

fn while_it_installs(place: &Namespace, values: &str) {
    let install = ["install", "--values", values];
    let mut early = Watched::start(&mut plugin(place, &install));
    early.says("install of release/").signal("INT").ends_with(130);
    until("the namespace that it made to be gone", || {
        place.kubectl(&["get", "namespace", &place.name]).code() != 0
    });

    let mut waiting = Watched::start(&mut plugin(place, &["upgrade", "--install", "--values", values]));
    waiting
        .says("statefulset/postgres 0/1 ready")
        .signal("INT")
        .ends_with(130);
    nothing_is_half_done(place);
    assert_eq!(
        states(place).last().map(String::as_str),
        Some("failed"),
        "a first install is kept as failed"
    );

    place
        .helm_apimgmt("4.3", &["upgrade", "--install", "--values", values])
        .succeeds();
}

fn while_it_upgrades(place: &Namespace, values: &str) {
    let before = level(place);
    let upgrade = [
        "upgrade",
        "--values",
        values,
        "--set",
        "application.config.LOG_LEVEL=debug",
    ];
    for moment in ["deployment/api-management", "probing as"] {
        let mut upgrading = Watched::start(&mut plugin(place, &upgrade));
        upgrading.says(moment).signal("INT").ends_with(130);
        nothing_is_half_done(place);
        assert_eq!(
            level(place),
            before,
            "after Ctrl-C at `{moment}` the former revision serves"
        );
        assert_eq!(states(place).last().map(String::as_str), Some("deployed"));
    }
    // Helm itself ends at once; what it started goes on to clean up.
    let mut by_helm = tool("helm-4.3");
    by_helm.arg("apimgmt").args(upgrade).args(["--namespace", &place.name]);
    let mut upgrading = Watched::start(&mut by_helm);
    upgrading.says("deployment/api-management").signal("INT").ends();
    until("the plugin to have cleaned up", || {
        place.kubectl(&["get", "lease", "apimgmt-operation"]).code() != 0
    });
    nothing_is_half_done(place);
    assert_eq!(level(place), before);
    place.helm_apimgmt("4.3", &upgrade).succeeds();
    assert_eq!(level(place), "debug");
}

/// Whoever was killed holds the lease until it has been silent for long enough; until then a second operator is refused.
fn once_the_lease_is_silent(place: &Namespace, arguments: &[&str]) {
    let mut last = None;
    until("the lease of the killed to be taken over", || {
        let ran = place.apimgmt(arguments);
        let refused = ran.code() == 1 && ran.text().contains("works in");
        last = Some(ran);
        !refused
    });
    last.expect("it ran").succeeds();
}

fn a_killed_rollback_is_resumed(place: &Namespace) {
    let mut rollback = Watched::start(&mut kubectl_plugin(place, &["rollback", "release", "--yes"]));
    rollback.says("deployment/api-management").signal("KILL").ends_with(-9);
    place
        .apimgmt(&["rollback", "release", "--plan"])
        .ends_with(6)
        .says("--resume")
        .says("--abort");
    once_the_lease_is_silent(place, &["rollback", "--resume", "--yes"]);
    assert_ne!(level(place), "debug");
    nothing_is_half_done(place);
}

fn a_killed_rollback_is_aborted(place: &Namespace) {
    let before = level(place);
    let mut rollback = Watched::start(&mut kubectl_plugin(place, &["rollback", "release", "--yes"]));
    rollback.says("deployment/api-management").signal("KILL").ends_with(-9);
    once_the_lease_is_silent(place, &["rollback", "--abort", "--yes"]);
    assert_eq!(level(place), before, "what was there before the rollback is back");
    nothing_is_half_done(place);
}
