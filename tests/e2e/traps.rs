//! Traps of Helm itself: replicas that somebody else owns, a cache that can't be written, a release too large to be kept.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    sandbox::{Namespace, RELEASE, root, run, tool},
    stuck::chart,
};

#[test]
fn replicas_that_an_autoscaler_owns_stay_as_it_left_them() {
    // By patches of Helm 3, and by server-side apply of Helm 4.
    for helm in ["3.22", "4.3"] {
        let place = Namespace::new(&format!("scaled-{helm}").replace('.', "-"));
        // As in the chart where there is an autoscaler: what is not rendered belongs to whoever scales.
        let without = ["--set", "replicas=null"];
        let install = ["install", RELEASE, &chart(), "--wait"];
        place.helm(helm, &[&install[..], &without].concat()).succeeds();
        // By the subresource, as the autoscaler does.
        place
            .kubectl(&["scale", "deployment/lifecycle", "--replicas=2"])
            .succeeds();
        let upgrade = ["upgrade", RELEASE, &chart(), "--set", "command=sleep 3601"];
        place
            .helm_apimgmt(helm, &[&upgrade[..], &without].concat())
            .succeeds()
            .says("revision 2");
        let wanted = ["get", "deployment/lifecycle", "--output", "jsonpath={.spec.replicas}"];
        assert_eq!(place.kubectl(&wanted).succeeds().text().trim(), "2", "{helm}");
    }
}

#[test]
fn a_cache_that_can_t_be_written_stops_plugins_of_helm_4_alone() {
    let folder = root().join("target/e2e");
    fs::create_dir_all(&folder).expect("target/ can be written");
    // Below a file nothing can be made, not even by root.
    let file = folder.join("no-cache");
    fs::write(&file, "").expect("target/ can be written");
    let cache = file.join("cache");
    // Without a cluster each Helm takes its own version for the cluster's.
    let arguments = ["template", "--kube-version", "1.35.4"];
    for helm in ["3.17", "3.22"] {
        run(tool(&format!("helm-{helm}"))
            .arg("apimgmt")
            .args(arguments)
            .env("HELM_CACHE_HOME", &cache))
        .succeeds()
        .says("kind: StatefulSet");
    }
    for helm in ["4.1", "4.3"] {
        let tool = tool(&format!("helm-{helm}"));
        // This Helm loads no plugin then, and says so: what it warns of is what the README tells.
        let mut by_helm = self::tool(&format!("helm-{helm}"));
        run(by_helm.arg("apimgmt").args(arguments).env("HELM_CACHE_HOME", &cache))
            .ends_with(1)
            .says("failed to load plugin");
        // By itself the plugin works with that Helm all the same.
        let directly = run(Command::new(root().join("target/release/helm-apimgmt"))
            .args(arguments)
            .env("HELM_BIN", tool.get_program())
            .env("HELM_CACHE_HOME", &cache));
        let directly = directly.succeeds();
        assert!(
            String::from_utf8_lossy(&directly.output.stdout).starts_with("---"),
            "what Helm warns of is not among the objects"
        );
    }
}

#[test]
fn a_release_that_is_too_large_to_be_kept_changes_nothing() {
    let large = large_chart();
    for helm in ["3.17", "4.3"] {
        let place = Namespace::new(&format!("large-{helm}").replace('.', "-"));
        place.helm(helm, &["install", RELEASE, &chart(), "--wait"]).succeeds();
        place
            .helm_apimgmt(helm, &["upgrade", RELEASE, &large, "--set", "replicas=2"])
            .ends_with(1)
            .says("refused, and nothing was changed")
            .says("hint: ")
            .says(".helmignore");
        let wanted = ["get", "deployment/lifecycle", "--output", "jsonpath={.spec.replicas}"];
        assert_eq!(place.kubectl(&wanted).succeeds().text().trim(), "1", "{helm}");
        // Plain Helm works on it as before.
        place
            .helm(helm, &["upgrade", RELEASE, &chart(), "--wait"])
            .succeeds()
            .says("REVISION: 2");
    }
}

/// The chart with a file that no compression makes small enough for a Secret.
fn large_chart() -> String {
    let copy: PathBuf = root().join("target/e2e/large-chart");
    let _ = fs::remove_dir_all(&copy);
    run(Command::new("cp").args(["--recursive", &chart(), &copy.display().to_string()])).succeeds();
    // Digits of a linear congruence: the same each time, and without any pattern that compresses.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    })
    .take(1_500_000)
    .collect();
    fs::write(copy.join("noise.bin"), noise).expect("target/ can be written");
    copy.display().to_string()
}
