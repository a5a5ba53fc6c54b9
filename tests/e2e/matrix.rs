//! Every Helm: a release that one made, another upgrades and a third takes back; the plugin loads in each, from a folder and
//! from an archive, and others beside it. `MATRIX=all` tries every pair, otherwise a fixed slice.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    sandbox::{Namespace, RELEASE, Ran, root, run, text, tool},
    stuck::chart,
};

const HELMS: [&str; 4] = ["3.17", "3.22", "4.1", "4.3"];
/// From the oldest to the newest and back, over both ways to apply.
const SLICE: [(&str, &str); 2] = [("3.17", "4.3"), ("4.3", "3.22")];

#[test]
fn what_one_helm_made_another_upgrades_and_takes_back() {
    let all = HELMS
        .into_iter()
        .flat_map(|maker| HELMS.map(|changer| (maker, changer)));
    let pairs: Vec<_> = match std::env::var("MATRIX").as_deref() {
        Ok("all") => all.collect(),
        _ => SLICE.into(),
    };
    for (maker, changer) in &pairs {
        goes_on(maker, changer);
        apimgmt::report::message(&format!("made by {maker}, changed by {changer}: good"));
    }
    apimgmt::report::message(&format!("{0} of {0} pairs of Helms", pairs.len()));
}

fn goes_on(maker: &str, changer: &str) {
    let place = Namespace::new(&format!("matrix-{maker}-{changer}").replace('.', "-"));
    let chart = chart();
    place.helm(maker, &["install", RELEASE, &chart, "--wait"]).succeeds();
    place
        .helm_apimgmt(changer, &["upgrade", RELEASE, &chart, "--set", "replicas=2"])
        .succeeds();
    rolled_back(&place, maker).says("runs revision 1 again, verified");
    // To everybody it is an ordinary release, whose history tells the truth.
    place.helm(changer, &["upgrade", RELEASE, &chart, "--wait"]).succeeds();
    for helm in HELMS {
        let history = place.helm(helm, &["history", RELEASE, "--output", "json"]).succeeds();
        let history: Value = serde_json::from_slice(&history.output.stdout).expect("it is JSON");
        let history = history.as_array().expect("a list").iter();
        let told: Vec<_> = history.map(|entry| text(&entry["status"])).collect();
        assert_eq!(
            told,
            ["superseded", "superseded", "superseded", "deployed"],
            "{maker} {changer} {helm}"
        );
    }
}

fn rolled_back(place: &Namespace, helm: &str) -> Ran {
    let binary = tool(&format!("helm-{helm}")).get_program().to_owned();
    run(tool("kubectl")
        .args(["apimgmt", "rollback", "release", "--yes", "--namespace", &place.name])
        .env("HELM_BIN", binary))
    .succeeds()
}

#[test]
fn the_plugin_loads_in_every_helm_from_a_folder_and_from_an_archive() {
    let folder = root().join("target/e2e/packaged");
    let _ = fs::remove_dir_all(&folder);
    let unpacked = packed(&folder);
    let archive = folder.join("apimgmt-0.1.0.tgz").display().to_string();
    let tar = [
        "--create",
        "--gzip",
        "--file",
        &archive,
        "--directory",
        &folder.display().to_string(),
        "apimgmt",
    ]
    .map(str::to_owned);
    run(Command::new("tar").args(tar)).succeeds();
    for helm in HELMS {
        // Helm 3 takes archives from servers alone.
        let from_archive: &[&str] = if helm.starts_with('4') {
            &[&archive, "--verify=false"]
        } else {
            &[&unpacked]
        };
        let checkout = root().display().to_string();
        for (form, source) in [("folder", &[checkout.as_str()][..]), ("archive", from_archive)] {
            // Helm 4 installs into its data, wherever HELM_PLUGINS points.
            let data = folder.join(format!("data-{helm}-{form}"));
            other_plugin(&data.join("plugins"));
            let with = |arguments: &[&str]| {
                run(tool(&format!("helm-{helm}"))
                    .args(arguments)
                    .env_remove("HELM_PLUGINS")
                    .env("HELM_DATA_HOME", &data))
            };
            with(&[&["plugin", "install"][..], source].concat()).succeeds();
            with(&["apimgmt", "--help"])
                .succeeds()
                .says("Usage: helm apimgmt COMMAND");
            with(&["other"]).succeeds().says("others load beside it");
            // Without a cluster each Helm takes its own version for the cluster's.
            with(&["apimgmt", "template", "--kube-version", "1.35.4"])
                .succeeds()
                .says("kind: StatefulSet");
            with(&[
                "apimgmt",
                "install",
                "--set",
                "replicas=x",
                "--kubeconfig",
                "/does/not/exist",
            ])
            .ends_with(1);
            with(&["apimgmt", "instal"])
                .ends_with(2)
                .says("did you mean `helm apimgmt install`?");
        }
    }
}

/// The plugin as it is shipped: no link leads out of it.
fn packed(folder: &Path) -> String {
    let plugin = folder.join("apimgmt");
    fs::create_dir_all(plugin.join("bin")).expect("target/ can be written");
    for file in ["plugin.yaml", "completion.yaml", "LICENSE"] {
        fs::copy(root().join(file), plugin.join(file)).expect("it is there");
    }
    fs::copy(
        root().join("target/release/helm-apimgmt"),
        plugin.join("bin/helm-apimgmt"),
    )
    .expect("it was built");
    let chart = root().join("chart").display().to_string();
    run(Command::new("cp").args(["--recursive", &chart, &plugin.display().to_string()])).succeeds();
    plugin.display().to_string()
}

fn other_plugin(plugins: &Path) -> PathBuf {
    let other = plugins.join("other");
    fs::create_dir_all(&other).expect("target/ can be written");
    let manifest =
        "name: other\nversion: 0.1.0\nusage: other\ndescription: another\ncommand: \"echo others load beside it\"\n";
    fs::write(other.join("plugin.yaml"), manifest).expect("target/ can be written");
    other
}
