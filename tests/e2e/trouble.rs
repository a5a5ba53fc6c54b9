//! Trouble before any work: no cluster, a server that hangs, credentials that ended, values that do not fit.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use crate::sandbox::{Namespace, RELEASE, root, run, tool, until_none};

#[test]
fn a_server_that_hangs_is_given_up_at_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let server = format!("http://{}", silent.local_addr().expect("bound"));
    let begun = Instant::now();
    let arguments = ["apimgmt", "verify", "--server", &server, "--deadline", "2s"];
    let ran = run(tool("kubectl").args(arguments));
    assert_eq!(ran.code(), 1, "{}", ran.text());
    assert!(begun.elapsed() < Duration::from_secs(10), "{}", ran.text());
    ran.says("hint: ");
}

#[test]
fn no_cluster_and_ended_credentials_are_told_apart() {
    let nobody = ["apimgmt", "verify", "--server", "https://127.0.0.1:1"];
    run(tool("kubectl").args(nobody))
        .ends_with(1)
        .says("127.0.0.1:1")
        .says("hint: ");
    let ended = ["apimgmt", "verify", "--token", "ended"];
    run(tool("kubectl").args(ended))
        .ends_with(1)
        .says("credentials")
        .says("hint: ");
}

#[test]
fn where_there_is_no_namespace_nothing_is_said_to_be_well() {
    let place = Namespace::absent("nowhere");
    place
        .apimgmt(&["troubleshoot"])
        .ends_with(1)
        .says("no namespace `e2e-nowhere`")
        .says("hint: ");
}

#[test]
fn values_that_break_the_schema_are_named_with_path_and_line() {
    let place = Namespace::absent("values");
    let file = root().join("target/e2e/broken-values.yaml");
    std::fs::create_dir_all(file.parent().expect("it has one")).expect("target/ can be written");
    std::fs::write(
        &file,
        "application:\n  replicas: many\npostgresql:\n  majorVersion: fifteen\n",
    )
    .expect("writable");
    let file = file.display().to_string();
    for version in ["3.17", "4.3"] {
        let ran = place
            .helm_apimgmt(version, &["install", "--values", &file])
            .ends_with(2);
        ran.says("application.replicas")
            .says("broken-values.yaml:2: ")
            .says("postgresql.majorVersion")
            .says("broken-values.yaml:4: ");
    }
    nothing_was_made(&place);
}

#[test]
fn values_that_can_t_work_together_are_refused_before_anything_is_made() {
    let place = Namespace::absent("rules");
    let folder = root().join("target/e2e/rules");
    std::fs::create_dir_all(&folder).expect("target/ can be written");
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::write(&file, text).expect("writable");
        file.display().to_string()
    };
    let values = place.values();
    let profile = write(
        "profile.hbs",
        "# made for each place\npostgresql:\n  maxConnections: {{connections}}\napplication:\n  podAnnotations: {note: {{quote password}}}\n",
    );
    let few = write("few.yaml", "connections: 20\npassword: hunter2\n");
    let wrong = write("wrong.yaml", "connections: many\npassword: hunter2\n");
    let slip = write("slip.yaml", "conections: 20\npassword: hunter2\n");
    for version in ["3.17", "4.3"] {
        let run = |verb: &str, env: &str| {
            place.helm_apimgmt(
                version,
                &[verb, "--values", &values, "--profile", &profile, "--env", env],
            )
        };
        let with = |verb: &str, env: &str| {
            let ran = run(verb, env);
            assert!(!ran.text().contains("hunter2"), "{}", ran.text());
            ran
        };
        with("install", &few)
            .ends_with(2)
            .says("pools-fit-database: deployment/api-management: ")
            .says("--skip-check pools-fit-database");
        with("install", &wrong)
            .ends_with(2)
            .says("profile.hbs:3: `postgresql.maxConnections`");
        with("install", &slip)
            .ends_with(2)
            .says("profile.hbs:3:")
            .says("did you mean `conections`?");
        with("check", &few).ends_with(3).says("✘ pools-fit-database: ");
        // Without a cluster each Helm takes its own version for the cluster's.
        let template = [
            "template",
            "--kube-version",
            "1.35.4",
            "--values",
            &values,
            "--profile",
            &profile,
            "--env",
            &few,
        ];
        let shown = place.helm_apimgmt(version, &template).succeeds().text();
        assert!(shown.contains("max_connections=20"), "{version}");
    }
    let arguments = [
        "template",
        "--show-origin",
        "--profile",
        &profile,
        "--env",
        &few,
        "--set",
        "application.maxSurge=2",
    ];
    let shown = place.helm_apimgmt("4.3", &arguments).succeeds().text();
    let origin = |words: &str| {
        shown
            .lines()
            .find(|line| line.trim_start().starts_with(words))
            .map(str::to_owned)
    };
    assert!(
        origin("maxConnections: 20").is_some_and(|line| line.ends_with("profile.hbs:3")),
        "{shown}"
    );
    assert!(
        origin("maxSurge: 2").is_some_and(|line| line.ends_with("# --set")),
        "{shown}"
    );
    assert!(
        origin("minReadySeconds:").is_some_and(|line| line.contains("# values.yaml:")),
        "{shown}"
    );
    nothing_was_made(&place);
}

#[test]
fn a_chart_of_somebody_else_is_checked_in_its_archive() {
    let place = Namespace::new("archive");
    let folder = root().join("target/e2e").display().to_string();
    let chart = root().join("tests/e2e/charts/lifecycle").display().to_string();
    place
        .helm("4.3", &["package", &chart, "--destination", &folder])
        .succeeds();
    let archive = root().join("target/e2e/lifecycle-0.1.0.tgz").display().to_string();
    for version in ["3.17", "4.3"] {
        let check = |more: &[&str]| place.helm_apimgmt(version, &[&["check", "shop", &archive][..], more].concat());
        check(&["--set", "repilcas=2"])
            .ends_with(2)
            .says("--set: `repilcas`: there is no such value; did you mean `replicas`?");
        check(&["--offline", "--set", "image=busybox"])
            .succeeds()
            .says("! images-pinned: deployment/lifecycle: ");
        check(&["--set", "secret=wanted"]).says("- references-present: secret/wanted: ");
    }
}

#[test]
fn a_taken_name_and_an_unknown_flag_change_nothing() {
    let place = Namespace::absent("taken");
    place
        .helm_apimgmt("4.3", &["install", "--vaules", "x"])
        .ends_with(2)
        .says("--values");
    place.kubectl(&["create", "namespace", &place.name]).succeeds();
    let simple = root().join("tests/e2e/charts/simple").display().to_string();
    place.helm("4.3", &["install", RELEASE, &simple]).succeeds();
    place
        .helm_apimgmt("4.3", &["install"])
        .ends_with(2)
        .says(RELEASE)
        .says("hint: ");
}

#[test]
fn a_probe_that_cannot_run_says_why_passes_nothing_and_leaves_nothing() {
    let place = Namespace::new("unprobed");
    let declared = |image: &str| {
        let map = serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "declared", "labels": {"apimgmt.io/checklist": "true"}},
            "data": {
                "checklist.yaml": "{}",
                "verification.yaml": format!("{{image: {image:?}, pullSecrets: [registry-credentials]}}"),
            },
        });
        place.apply_text(&map.to_string()).succeeds();
    };
    let item = "monitoring/alerts";
    let probed = |reason: &str| {
        let ran = place.apimgmt(&["verify", "--active", item, "-o", "json"]).says(reason);
        let report = ran.json();
        assert_eq!(report["summary"]["pass"], 0, "{report:#}");
        let left = place
            .kubectl(&["get", "pods,configmaps", "--output", "name"])
            .succeeds();
        let left = left.text();
        assert!(!left.contains("probe"), "{left}");
    };
    declared("registry.sandbox.test:5000/kubectl-apimgmt:absent");
    probed("ErrImagePull");
    place.kubectl(&["create", "quota", "none", "--hard=pods=0"]).succeeds();
    probed("exceeded quota");
}

#[test]
fn a_log_of_100_mb_is_searched_to_its_end_and_harms_no_terminal() {
    let place = Namespace::new("talkative");
    place.apply(&root().join("tests/e2e/talkative.yaml"));
    until_none("the log is written", || {
        let tail = ["logs", "deployment/talkative", "--tail=1"];
        let tail = place.kubectl(&tail).text();
        if tail.contains("the end") {
            Vec::new()
        } else {
            vec![tail]
        }
    });
    let ran = place
        .apimgmt(&["verify", "security/secret-exposure", "-o", "wide"])
        .ends_with(3);
    let text = ran.text();
    assert!(text.contains("log of main of pod/talkative-"), "{text}");
    assert!(!text.contains("canary-of-the-talkative"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    let report = place
        .apimgmt(&["verify", "security/secret-exposure", "-o", "json"])
        .json();
    let bytes = report["cost"]["bytes"].as_u64().expect("a count");
    assert!(bytes > 100_000_000, "{bytes} bytes were read");
    let found = place.apimgmt(&["troubleshoot"]);
    assert!(!found.text().contains('\u{1b}'), "{:?}", found.text());
    assert!(found.code() != 1, "{}", found.text());
}

/// Not even the namespace is there.
fn nothing_was_made(place: &Namespace) {
    let found = place.kubectl(&["get", "namespace", &place.name]);
    assert!(!found.output.status.success(), "nothing was made");
}
