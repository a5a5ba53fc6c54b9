//! What a release relies on, tried on a sandbox that runs: `sandbox up`, then `cargo test -p sandbox -- --ignored`.
#![expect(clippy::unwrap_used, reason = "a test that can't go on ends")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

const REASON: &str = "`sandbox up` first";

/// Everything but a pull secret lets a pod run this.
const BUSYBOX: &str = "localhost/busybox:1.35";

fn output(file: &str) -> PathBuf {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    checkout.join("target/sandbox").join(file)
}

fn kubectl(arguments: &[&str]) -> Output {
    let mut command = Command::new(output("bin/kubectl"));
    command
        .arg("--kubeconfig")
        .arg(output("kubeconfig"))
        .args(arguments)
        .output()
        .expect(REASON)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Tries until the answer is there.
fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        if let Some(answer) = attempt() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited 90 s for {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A namespace of its own for one test.
struct Namespace(String);

impl Namespace {
    fn new(name: &str) -> Self {
        let name = format!("sandbox-{name}-{}", std::process::id());
        let created = kubectl(&["create", "namespace", &name]);
        assert!(created.status.success(), "{}", text(&created));
        let namespace = Self(name);
        eventually("the platform's Secrets", || {
            namespace.try_run(&["get", "secret", "tls-secret", "registry-credentials"])
        });
        namespace
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = kubectl(&[&["--namespace", &self.0], arguments].concat());
        assert!(
            output.status.success(),
            "kubectl {}: {}",
            arguments.join(" "),
            text(&output)
        );
        text(&output)
    }

    fn try_run(&self, arguments: &[&str]) -> Option<String> {
        let output = kubectl(&[&["--namespace", &self.0], arguments].concat());
        output.status.success().then(|| text(&output))
    }

    fn apply(&self, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        let file = std::env::temp_dir().join(format!("{}.json", self.0));
        fs::write(&file, list).unwrap();
        self.run(&["apply", "--filename", file.to_str().unwrap()]);
        fs::remove_file(file).unwrap();
    }

    fn wait_until_ready(&self, pod: &str) {
        self.run(&["wait", "--for=condition=Ready", "--timeout=90s", pod]);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        kubectl(&["delete", "namespace", "--wait=false", &self.0]);
    }
}

/// A pod that serves a greeting from a volume, with its Service.
fn web(image: &str) -> [Value; 3] {
    let script = "echo hello > /data/index.html; echo started; exec httpd -f -p 8080 -h /data";
    [
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }),
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "imagePullSecrets": [{"name": "registry-credentials"}],
                "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 1000},
                "containers": [{
                    "name": "web",
                    "image": image,
                    "command": ["sh", "-c", script],
                    "readinessProbe": {"httpGet": {"path": "/index.html", "port": 8080}, "periodSeconds": 1},
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            },
        }),
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
        }),
    ]
}

fn sleeper(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": image, "command": ["sleep", "3600"]}],
        },
    })
}

/// An image of the registry, by digest.
fn pinned(name: &str) -> String {
    let images: Value = serde_json::from_slice(&fs::read(output("images.json")).expect(REASON)).unwrap();
    images[name]
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
#[ignore = "takes a running sandbox"]
fn a_pod_has_its_volume_its_logs_and_its_name() {
    let namespace = Namespace::new("pod");
    namespace.apply(&web(&pinned("busybox")));
    namespace.apply(&[sleeper("client", BUSYBOX)]);
    namespace.wait_until_ready("pod/web");
    namespace.wait_until_ready("pod/client");
    assert!(namespace.run(&["get", "pvc", "data"]).contains("Bound"));
    assert_eq!(namespace.run(&["logs", "web"]), "started\n");
    assert!(namespace.run(&["exec", "web", "--", "id"]).contains("uid=1000"));
    let fetch = |url: &str| namespace.try_run(&["exec", "client", "--", "timeout", "5", "wget", "-qO-", url]);
    eventually("the Service", || {
        fetch("http://web/index.html").filter(|page| page == "hello\n")
    });
    let lookup = |name: &str| namespace.try_run(&["exec", "client", "--", "nslookup", name]);
    assert!(lookup("api-management.sandbox.test").unwrap().contains("192.168.111.1"));
    assert_eq!(lookup("example.com"), None);
}

#[test]
#[ignore = "takes a running sandbox"]
fn the_registry_wants_the_pull_secret() {
    let namespace = Namespace::new("pull");
    // Even an image that the node has already.
    namespace.apply(&web(&pinned("busybox")));
    namespace.wait_until_ready("pod/web");
    namespace.apply(&[sleeper("stranger", &pinned("busybox"))]);
    let reason = "jsonpath={.status.containerStatuses[0].state.waiting.message}";
    let message = eventually("the refusal", || {
        namespace
            .try_run(&["get", "pod", "stranger", "--output", reason])
            .filter(|text| !text.is_empty())
    });
    assert!(
        message.contains("401 Unauthorized") || message.contains("Back-off pulling"),
        "{message}"
    );
}

#[test]
#[ignore = "takes a running sandbox"]
fn a_policy_shuts_a_pod_to_others() {
    let namespace = Namespace::new("policy");
    namespace.apply(&web(&pinned("busybox")));
    namespace.apply(&[sleeper("client", BUSYBOX)]);
    namespace.wait_until_ready("pod/web");
    namespace.wait_until_ready("pod/client");
    let fetch = || {
        namespace.try_run(&[
            "exec",
            "client",
            "--",
            "timeout",
            "3",
            "wget",
            "-qO-",
            "http://web/index.html",
        ])
    };
    eventually("the Service", fetch);
    namespace.apply(&[json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "guests"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "web"}},
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"guest": "yes"}}}]}],
        },
    })]);
    eventually("the policy to hold", || fetch().is_none().then_some(()));
    namespace.run(&["label", "pod", "client", "guest=yes"]);
    eventually("the guest to be let in", fetch);
}

#[tokio::test]
#[ignore = "takes a running sandbox"]
async fn the_ingress_serves_the_secret_that_is_named() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let namespace = Namespace::new("ingress");
    namespace.apply(&web(&pinned("busybox")));
    namespace.wait_until_ready("pod/web");
    let host = format!("{}.sandbox.test", namespace.0);
    let backend = json!({"service": {"name": "web", "port": {"name": "http"}}});
    namespace.apply(&[json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web"},
        "spec": {
            "ingressClassName": "sandbox",
            "tls": [{"hosts": [host], "secretName": "tls-secret"}],
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    })]);
    let values: Value = serde_yaml::from_slice(&fs::read(output("values.yaml")).expect(REASON)).unwrap();
    let address: SocketAddr = values["checklist"]["hosts"][0]["connectTo"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let authority = reqwest::Certificate::from_pem(&fs::read(output("ca.crt")).unwrap()).unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([authority])
        .resolve(&host, address)
        .build()
        .unwrap();
    let url = format!("https://{host}:{}/index.html", address.port());
    let deadline = Instant::now() + Duration::from_secs(30);
    let answer = loop {
        // Until the ingress has the host, it shows a certificate of its own.
        match client.get(&url).send().await {
            Ok(answer) if answer.status().is_success() => break answer,
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(answer.headers().contains_key("strict-transport-security"));
    assert_eq!(answer.text().await.unwrap(), "hello\n");
    let status = "jsonpath={.status.loadBalancer.ingress[0].ip}";
    eventually("the address", || {
        namespace
            .try_run(&["get", "ingress", "web", "--output", status])
            .filter(|address| address == "192.168.111.1")
    });
}

#[test]
#[ignore = "takes a running sandbox"]
fn a_port_is_forwarded() {
    let namespace = Namespace::new("forward");
    namespace.apply(&web(&pinned("busybox")));
    namespace.wait_until_ready("pod/web");
    let mut forward = Command::new(output("bin/kubectl"))
        .arg("--kubeconfig")
        .arg(output("kubeconfig"))
        .args(["--namespace", &namespace.0, "port-forward", "pod/web", ":8080"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It writes a line for every connection, so somebody has to listen until the end.
    let mut told = BufReader::new(forward.stdout.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let port = line
        .split("127.0.0.1:")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .unwrap()
        .parse::<u16>()
        .unwrap();
    let mut connection = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.write_all(b"GET /index.html HTTP/1.0\r\n\r\n").unwrap();
    let mut page = String::new();
    connection.read_to_string(&mut page).unwrap();
    forward.kill().unwrap();
    forward.wait().unwrap();
    assert!(page.ends_with("hello\n"), "{page}");
}

#[test]
#[ignore = "takes a running sandbox"]
fn the_metrics_api_knows_the_node() {
    let answer = kubectl(&["top", "nodes", "--no-headers"]);
    assert!(text(&answer).starts_with("node1"), "{}", text(&answer));
}
