//! What an upgrade would change is shown, saved and applied as it was shown; what users want done around it is done.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    sandbox::{Namespace, RELEASE, root},
    stuck::chart,
};

#[test]
fn a_saved_plan_is_applied_as_it_was_shown_or_refused() {
    let place = Namespace::new("planned");
    let (chart, file) = (chart(), root().join("target/e2e/planned.json").display().to_string());
    place.helm("3.22", &["install", RELEASE, &chart, "--wait"]).succeeds();
    place
        .helm_apimgmt("4.3", &["diff", RELEASE, &chart, "--exit-code"])
        .succeeds()
        .says("Nothing would change");
    let wanted = ["diff", RELEASE, &chart, "--set", "replicas=2", "--plan-file", &file];
    let shown = place
        .helm_apimgmt("3.22", &[&wanted[..], &["--exit-code", "-o", "json"]].concat())
        .ends_with(3)
        .json();
    assert_eq!(shown["changes"][0]["fields"][0]["path"], "spec.replicas", "{shown:#}");
    assert_eq!(shown["values"][0]["new"], "2");
    assert_eq!(
        fs::metadata(&file).expect("it was written").permissions().mode() & 0o777,
        0o600
    );

    let apply = ["upgrade", "--plan-file", &file];
    place
        .helm_apimgmt("3.22", &[&apply[..], &["--set", "replicas=3"]].concat())
        .ends_with(2)
        .says("beside `--plan-file`");
    place
        .kubectl(&["label", "deployment", "lifecycle", "moved=yes"])
        .succeeds();
    place
        .helm_apimgmt("3.22", &apply)
        .ends_with(3)
        .says("deployment/lifecycle changed in the cluster since");
    place
        .kubectl(&["label", "deployment", "lifecycle", "moved-"])
        .succeeds();
    place.helm_apimgmt("3.22", &apply).succeeds().says("revision 2");
    place
        .helm_apimgmt("3.22", &apply)
        .ends_with(3)
        .says("has moved from revision 1");
}

#[test]
fn hooks_run_around_an_upgrade_and_show_no_secret() {
    let place = Namespace::new("hooked");
    let chart = chart();
    place
        .kubectl(&[
            "create",
            "secret",
            "generic",
            "canary",
            "--from-literal=key=seven-canaries-sing",
        ])
        .succeeds();
    place.helm("4.3", &["install", RELEASE, &chart, "--wait"]).succeeds();
    let folder = root().join("target/e2e");
    let (file, trace) = (folder.join("hooks.yaml"), folder.join("hooks-trace"));
    let _ = fs::remove_file(&trace);
    let hooks = format!(
        r#"
hooks:
- {{name: note, before: infrastructure, command: [sh, -c, 'echo "$APIMGMT_VERB $APIMGMT_RELEASE" >> {trace}']}}
- name: job
  before: database
  job: {{image: "localhost/busybox:1.35", command: [sh, -c, 'echo "the key is $key, said seven-canaries-sing"'], secrets: [canary]}}
- {{name: nobody there, after: cache, http: {{url: "http://127.0.0.1:9/token"}}, onFailure: continue}}
- {{name: late, after: monitoring, command: [sh, -c, 'echo late >> {trace}']}}
"#,
        trace = trace.display()
    );
    fs::write(&file, hooks).expect("target/ can be written");
    let file = file.display().to_string();
    let helms = "hook=echo helm said seven-canaries-sing";
    let ran = place
        .helm_apimgmt("4.3", &["upgrade", RELEASE, &chart, "--set", helms, "--hooks", &file])
        .succeeds()
        .says("job| the key is …secret…, said …secret…")
        .says("lifecycle-hook| helm said …secret…")
        .says("hook `nobody there` failed, and the change goes on");
    assert!(!ran.text().contains("seven-canaries"), "{}", ran.text());
    assert_eq!(
        fs::read_to_string(&trace).expect("both wrote"),
        format!("upgrade {RELEASE}\nlate\n")
    );
    let left = place.kubectl(&[
        "get",
        "jobs",
        "--selector",
        "app.kubernetes.io/component=hook",
        "--output",
        "name",
    ]);
    assert_eq!(left.succeeds().text().trim(), "");

    let failing = "- {name: stop, before: cache, command: ['false']}";
    fs::write(folder.join("hooks.yaml"), failing).expect("target/ can be written");
    place
        .helm_apimgmt("4.3", &["upgrade", RELEASE, &chart, "--hooks", &file])
        .ends_with(3)
        .says("hook `stop` failed");
    place
        .helm("4.3", &["history", RELEASE])
        .succeeds()
        .says("Upgrade complete");
    let late = "- {name: stop, after: monitoring, command: ['false']}";
    fs::write(folder.join("hooks.yaml"), late).expect("target/ can be written");
    place
        .helm_apimgmt(
            "4.3",
            &["upgrade", RELEASE, &chart, "--set", "replicas=2", "--hooks", &file],
        )
        .ends_with(5)
        .says("serves again, verified");
}
