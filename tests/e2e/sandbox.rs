//! The sandbox as the tests use it: namespaces of their own, the real tools, and waiting for conditions.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Longest wait for anything.
pub(crate) const LONGEST: Duration = Duration::from_mins(4);

/// The release, chart and default namespace of the document.
pub(crate) const RELEASE: &str = "integration-api-management";

/// The checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the checkout is there")
}

/// A namespace of one test. It is deleted at the end; when the test fails, what was in it is printed first.
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Namespace {
    /// An empty place for a test: neither namespace nor release exist.
    pub(crate) fn absent(name: &str) -> Self {
        assert_eq!(
            context(),
            "sandbox",
            "these tests break things on purpose and run on the sandbox alone"
        );
        let namespace = Self {
            name: format!("e2e-{name}"),
        };
        namespace.delete();
        namespace
    }

    /// A namespace with what the platform puts into every one.
    pub(crate) fn new(name: &str) -> Self {
        let namespace = Self::absent(name);
        namespace.kubectl(&["create", "namespace", &namespace.name]).succeeds();
        until("the platform's secrets", || {
            namespace
                .kubectl(&["get", "secret", "registry-credentials", "tls-secret"])
                .output
                .status
                .success()
        });
        namespace
    }

    /// kubectl in this namespace.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Ran {
        run(tool("kubectl").arg("--namespace").arg(&self.name).args(arguments))
    }

    /// `kubectl apimgmt` in this namespace, as a user types it.
    pub(crate) fn apimgmt(&self, arguments: &[&str]) -> Ran {
        run(tool("kubectl")
            .arg("apimgmt")
            .args(arguments)
            .arg("--namespace")
            .arg(&self.name))
    }

    /// `helm apimgmt` in this namespace, by the Helm of a version.
    pub(crate) fn helm_apimgmt(&self, version: &str, arguments: &[&str]) -> Ran {
        run(tool(&format!("helm-{version}"))
            .arg("apimgmt")
            .args(arguments)
            .arg("--namespace")
            .arg(&self.name))
    }

    /// Plain Helm in this namespace.
    pub(crate) fn helm(&self, version: &str, arguments: &[&str]) -> Ran {
        run(tool(&format!("helm-{version}"))
            .args(arguments)
            .arg("--namespace")
            .arg(&self.name))
    }

    /// Applies a manifest.
    pub(crate) fn apply(&self, file: &Path) {
        self.kubectl(&["apply", "--filename", &file.display().to_string()])
            .succeeds();
    }

    /// The values of the sandbox with a public host of this namespace, so that releases side by side don't share one.
    pub(crate) fn values(&self) -> String {
        self.values_over("target/sandbox/values.yaml")
    }

    /// Values of a file below the checkout, with a public host of this namespace.
    pub(crate) fn values_over(&self, file: &str) -> String {
        let values = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let name = Path::new(file).file_stem().expect("it has a name").to_string_lossy();
        let file = root().join("target/e2e").join(format!("{}-{name}.yaml", self.name));
        fs::create_dir_all(file.parent().expect("it has one")).expect("target/ can be written");
        let own = values.replace("api-management.sandbox.test", &format!("{}.sandbox.test", self.name));
        fs::write(&file, own).expect("target/ can be written");
        file.display().to_string()
    }

    /// Applies a manifest given as text.
    pub(crate) fn apply_text(&self, manifest: &str) -> Ran {
        let file = root().join("target/e2e").join(format!("{}-manifest.yaml", self.name));
        fs::write(&file, manifest).expect("target/ can be written");
        self.kubectl(&["apply", "--filename", &file.display().to_string()])
    }

    /// What `verify` says of every item, by id.
    pub(crate) fn items(&self, arguments: &[&str]) -> BTreeMap<String, Value> {
        let report = self.apimgmt(&[&["verify", "-o", "json"], arguments].concat()).json();
        items_of(&report)
            .map(|item| (text(&item["id"]), item.clone()))
            .collect()
    }

    /// The verdict of every item, by id.
    pub(crate) fn verdicts(&self, arguments: &[&str]) -> BTreeMap<String, String> {
        let verdict = |(id, item): (String, Value)| (id, text(&item["verdict"]));
        self.items(arguments).into_iter().map(verdict).collect()
    }

    /// The findings of `troubleshoot`, as `(id, object)`, info left out.
    pub(crate) fn findings(&self) -> Vec<(String, String)> {
        let report = self.apimgmt(&["troubleshoot", "-o", "json"]).json();
        let findings = report["findings"].as_array().expect("findings").iter();
        findings
            .filter(|finding| finding["severity"] != "info")
            .map(|finding| (text(&finding["id"]), text(&finding["object"])))
            .collect()
    }

    /// Deployments that are not yet as their newest generation wants them.
    pub(crate) fn unready(&self) -> Vec<String> {
        let list = self.kubectl(&["get", "deployments", "--output", "json"]).json();
        let deployments = list["items"].as_array().expect("items").iter();
        deployments
            .filter(|it| {
                let (wanted, status) = (&it["spec"]["replicas"], &it["status"]);
                status["observedGeneration"] != it["metadata"]["generation"]
                    || status["replicas"].as_u64() != wanted.as_u64().filter(|count| *count > 0)
                    || ["updatedReplicas", "readyReplicas"]
                        .iter()
                        .any(|of| status[of] != status["replicas"])
            })
            .map(|it| format!("deployment/{} is not ready", text(&it["metadata"]["name"])))
            .collect()
    }

    fn delete(&self) {
        let deleted = [
            "delete",
            "namespace",
            &self.name,
            "--ignore-not-found",
            "--wait",
            "--timeout=120s",
        ];
        run(tool("kubectl").args(deleted)).succeeds();
    }

    fn dump(&self) {
        for arguments in [
            &["get", "all,pvc,events", "--output", "wide"][..],
            &["describe", "pods"][..],
        ] {
            let Ran { output, .. } = self.kubectl(arguments);
            apimgmt::report::message(
                &String::from_utf8_lossy(&output.stdout)
                    .chars()
                    .take(12_000)
                    .collect::<String>(),
            );
        }
        apimgmt::report::message(&self.apimgmt(&["troubleshoot"]).text());
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dump();
        }
        let _ = run(tool("kubectl").args(["delete", "namespace", &self.name, "--ignore-not-found", "--wait=false"]));
    }
}

/// The items of a report, in its order.
pub(crate) fn items_of(report: &Value) -> impl Iterator<Item = &Value> {
    let sections = report["sections"].as_array().expect("sections").iter();
    sections.flat_map(|section| section["items"].as_array().expect("items"))
}

/// The verdicts without those that rest on a reading of the moment: traffic and use, which other tests move too.
pub(crate) fn steady(mut verdicts: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for moving in ["response-time", "throughput", "cache-hit-rate", "resource-usage"] {
        verdicts.remove(&format!("performance/{moving}"));
    }
    verdicts
}

/// A command that ran.
pub(crate) struct Ran {
    line: String,
    pub(crate) output: Output,
}

impl Ran {
    /// The exit code.
    pub(crate) fn code(&self) -> i32 {
        self.output.status.code().unwrap_or(-1)
    }

    /// Both outputs.
    pub(crate) fn text(&self) -> String {
        format!(
            "{}{}",
            String::from_utf8_lossy(&self.output.stdout),
            String::from_utf8_lossy(&self.output.stderr)
        )
    }

    /// Ends the test unless it ended with `code`.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "`{}` said:\n{}", self.line, self.text());
        self
    }

    /// Ends the test unless it ended with 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.ends_with(0)
    }

    /// Ends the test unless it said `words`.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(
            self.text().contains(words),
            "`{}` did not say {words:?} but:\n{}",
            self.line,
            self.text()
        );
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.output.stdout)
            .unwrap_or_else(|error| panic!("`{}` gave no JSON ({error}) but:\n{}", self.line, self.text()))
    }
}

/// A tool of the sandbox, with the sandbox's kubeconfig and both plugins in reach.
pub(crate) fn tool(name: &str) -> Command {
    let mut command = Command::new(root().join("target/sandbox/bin").join(name));
    command.env("HELM_CACHE_HOME", root().join("target/e2e/cache").join(name));
    at_the_sandbox(command)
}

/// A line as a person types it into a shell, with the sandbox's tools in reach.
pub(crate) fn shell(line: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", line]).current_dir(root());
    at_the_sandbox(command)
}

fn at_the_sandbox(mut command: Command) -> Command {
    let root = root();
    let tools = root.join("target/sandbox/bin");
    let plugins = root.join("target/e2e/plugins");
    link_plugin(&plugins);
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("KUBECONFIG", root.join("target/sandbox/kubeconfig"))
        .env(
            "PATH",
            format!("{}:{}:{path}", root.join("target/release").display(), tools.display()),
        )
        .env("HELM_PLUGINS", &plugins)
        .env("HELM_CONFIG_HOME", root.join("target/e2e/config"))
        .stdin(Stdio::null());
    command
}

/// Puts the checkout where Helm looks for plugins; tests that run side by side may all try.
fn link_plugin(plugins: &Path) {
    let link = plugins.join("apimgmt");
    fs::create_dir_all(plugins).expect("target/ can be written");
    match std::os::unix::fs::symlink(root(), &link) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => panic!("{}: {error}", link.display()),
        _ => {}
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ran {
    let line = format!("{command:?}").split("\" \"").collect::<Vec<_>>().join(" ");
    let line = line
        .rsplit("/bin/")
        .next()
        .unwrap_or(&line)
        .trim_matches('"')
        .to_owned();
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("`{line}` did not start: {error}"));
    Ran { line, output }
}

/// Waits for a condition; the deadline is far beyond what it takes.
#[track_caller]
pub(crate) fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(within(LONGEST, holds), "waited {} s for {what}", LONGEST.as_secs());
}

/// Waits until nothing is left that speaks against it; what is left in the end is told.
pub(crate) fn until_none(what: &str, mut left: impl FnMut() -> Vec<String>) {
    let mut last = Vec::new();
    let settled = within(LONGEST, || {
        last = left();
        last.is_empty()
    });
    assert!(settled, "waited {} s until {what}; left: {last:#?}", LONGEST.as_secs());
}

/// Whether a condition comes to hold in time.
pub(crate) fn within(longest: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if begun.elapsed() > longest {
            return false;
        }
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// A JSON string.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn context() -> String {
    let ran = run(tool("kubectl").args(["config", "current-context"]));
    String::from_utf8_lossy(&ran.output.stdout).trim().to_owned()
}
