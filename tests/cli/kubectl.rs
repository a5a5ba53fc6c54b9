//! Transcripts of `kubectl apimgmt`: what users see, word for word, without a cluster.

mod transcript;

use transcript::{run, transcript};

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-apimgmt");

fn kubectl(lines: &[&[&str]]) -> String {
    transcript(BINARY, "kubectl apimgmt", lines)
}

#[test]
fn help() {
    insta::assert_snapshot!(kubectl(&[
        &["--help"],
        &["verify", "--help"],
        &["troubleshoot", "--help"],
        &["rollback", "--help"],
        &["items", "--help"],
    ]));
}

#[test]
fn wrong_usage_suggests_the_nearest_name() {
    insta::assert_snapshot!(kubectl(&[
        &[],
        &["verfy"],
        &["verify", "--recrod", "x"],
        &["verify", "cache/instnace"],
        &["verify", "everything"],
        &["verify", "-o", "jsn"],
        &["verify", "--deadline", "soon"],
        &["verify", "--from", "absent.yaml"],
        &["verify", "--from", "healthy.yaml", "--record", "x"],
        &["troubleshoot", "--from", "healthy.yaml", "--bundle", "/nowhere/x"],
        &["troubleshoot", "pods"],
        &["items", "explain", "database/instances"],
        &["completion", "tcsh"],
    ]));
}

#[test]
fn no_cluster_is_said_plainly() {
    insta::assert_snapshot!(kubectl(&[
        &["verify"],
        &["verify", "--kubeconfig", "absent"],
        &["verify", "--kubeconfig", "kubeconfig.yaml", "--context", "prod"],
        &["verify", "--kubeconfig", "kubeconfig.yaml", "--context", "producton"],
        &["troubleshoot", "--kubeconfig", "kubeconfig.yaml", "--user", "nobody"],
    ]));
}

#[test]
fn a_recorded_healthy_release_is_judged() {
    insta::assert_snapshot!(kubectl(&[
        &["verify", "--from", "healthy.yaml"],
        &[
            "verify",
            "cache",
            "database/instance",
            "--from",
            "healthy.yaml",
            "-o",
            "short"
        ],
        &["verify", "cache/instance", "--from", "healthy.yaml", "-o", "json"],
        &["verify", "cache/instance", "--from", "healthy.yaml", "-o", "yaml"],
        &[
            "verify",
            "cache/instance",
            "--from",
            "healthy.yaml",
            "--color",
            "always"
        ],
        &["troubleshoot", "--from", "healthy-troubleshoot.yaml"],
    ]));
}

#[test]
fn a_recorded_release_without_redis_has_one_cause() {
    insta::assert_snapshot!(kubectl(&[
        &["verify", "--from", "redis-stopped.yaml", "-o", "short"],
        &["troubleshoot", "--from", "redis-stopped-troubleshoot.yaml"],
        &[
            "troubleshoot",
            "--from",
            "redis-stopped-troubleshoot.yaml",
            "-o",
            "json"
        ],
        &["troubleshoot", "tls", "--from", "redis-stopped-troubleshoot.yaml"],
        &[
            "troubleshoot",
            "--from",
            "redis-stopped-troubleshoot.yaml",
            "-o",
            "markdown"
        ],
    ]));
}

#[test]
fn a_bundle_is_its_owners_alone_and_tells_the_same_on_another_machine() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let bundle = folder.path().join("incident.tar.gz");
    let bundle = bundle.to_str().expect("a plain name");
    let recorded = ["troubleshoot", "--from", "redis-stopped-troubleshoot.yaml"];
    let first = run(BINARY, &[&recorded[..], &["--bundle", bundle]].concat());
    let second = run(BINARY, &["troubleshoot", "--from", bundle]);
    assert_eq!(
        String::from_utf8_lossy(&second.stdout),
        String::from_utf8_lossy(&first.stdout)
    );
    assert_eq!((first.status.code(), second.status.code()), (Some(3), Some(3)));
    let mode = std::fs::metadata(bundle).expect("it was written").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn items_are_listed_and_explained() {
    insta::assert_snapshot!(kubectl(&[
        &["items"],
        &["items", "explain", "cache/instance", "infrastructure"]
    ]));
}

#[test]
fn the_same_recording_gives_the_same_bytes_and_the_same_code_in_every_form() {
    for recording in ["healthy.yaml", "redis-stopped.yaml"] {
        let mut codes = Vec::new();
        for form in [
            "table",
            "short",
            "wide",
            "json",
            "yaml",
            "junit",
            "sarif",
            "markdown",
            "html",
            "prometheus",
        ] {
            let arguments = ["verify", "--from", recording, "-o", form];
            let (first, second) = (run(BINARY, &arguments), run(BINARY, &arguments));
            assert_eq!(first.stdout, second.stdout, "{recording} as {form}");
            codes.push(first.status.code());
        }
        assert!(
            codes.windows(2).all(|pair| pair[0] == pair[1]),
            "{recording}: {codes:?}"
        );
    }
}

#[test]
fn completion_scripts_name_the_verbs() {
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(run(BINARY, &["completion", shell]).stdout).expect("scripts are text");
        for verb in ["verify", "troubleshoot", "rollback", "items"] {
            assert!(script.contains(verb), "{shell} lacks {verb}");
        }
    }
}
