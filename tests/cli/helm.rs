//! Transcripts of `helm apimgmt`: what users see, word for word, without a cluster and without Helm.

mod transcript;

use transcript::transcript;

fn helm(lines: &[&[&str]]) -> String {
    transcript(env!("CARGO_BIN_EXE_helm-apimgmt"), "helm apimgmt", lines)
}

#[test]
fn help() {
    insta::assert_snapshot!(helm(&[
        &[],
        &["install", "--help"],
        &["upgrade", "--help"],
        &["diff", "--help"],
        &["check", "--help"],
        &["template", "--help"],
        &["test", "--help"],
        &["status", "--help"],
        &["rescue", "--help"],
        &["uninstall", "--help"],
    ]));
}

#[test]
fn wrong_usage_suggests_the_nearest_name() {
    insta::assert_snapshot!(helm(&[
        &["instal"],
        &["deploy"],
        &["install", "--vaules", "x"],
        &["upgrade", "--timeout"],
        &["install", "--skip-check", "cache/instance"],
        &["uninstall", "--delete-everything"],
    ]));
}

#[test]
fn an_absent_helm_is_said_plainly() {
    insta::assert_snapshot!(helm(&[&["install", "--kubeconfig", "kubeconfig.yaml"], &["template"]]));
}
