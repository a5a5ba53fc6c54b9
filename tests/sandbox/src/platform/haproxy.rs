//! From Ingresses, Services and certificates to a configuration of `HAProxy`: pure, so that every bad input can be tried.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::{
    core::v1::Service,
    networking::v1::{HTTPIngressPath, Ingress, IngressServiceBackend},
};
use kube::ResourceExt;

use super::{ByName, CLASS, certificates};

/// What `HAProxy` is to read, and what in the cluster could not be served.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) configuration: String,
    /// `bind … crt-list`: which certificate answers which host.
    pub(super) certificate_list: String,
    /// File names and their content.
    pub(super) certificates: BTreeMap<String, String>,
    pub(super) problems: Vec<String>,
}

impl Plan {
    /// For a cluster without Ingresses.
    pub(super) fn nothing(folder: &str) -> Self {
        plan(folder, &[], &BTreeMap::new(), &BTreeMap::new())
    }
}

/// One path of one host. The order is the one in which `HAProxy` must try them: exact hosts before wildcards and before
/// no host, longer paths before shorter ones, whole paths before prefixes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    any_host: bool,
    wildcard: bool,
    shorter: usize,
    prefix: bool,
    host: String,
    path: String,
    backend: String,
}

/// Whether an Ingress is of the class that is served here.
pub(super) fn is_ours(ingress: &Ingress) -> bool {
    let class = ingress
        .spec
        .as_ref()
        .and_then(|spec| spec.ingress_class_name.as_deref());
    class.or_else(|| {
        ingress
            .annotations()
            .get("kubernetes.io/ingress.class")
            .map(String::as_str)
    }) == Some(CLASS)
}

/// Plans for everything that can be served; what can't is named in `problems` and leaves the rest alone.
pub(super) fn plan(
    folder: &str,
    ingresses: &[Arc<Ingress>],
    services: &ByName<Service>,
    secrets: &ByName<k8s_openapi::api::core::v1::Secret>,
) -> Plan {
    let mut plan = Plan::default();
    let mut rules = BTreeSet::new();
    let mut backends = BTreeMap::new();
    let mut secure = BTreeSet::new();
    for ingress in ingresses.iter().filter(|ingress| is_ours(ingress)) {
        let namespace = ingress.namespace().unwrap_or_default();
        let title = format!("Ingress {namespace}/{}", ingress.name_any());
        let Some(spec) = &ingress.spec else { continue };
        for tls in spec.tls.iter().flatten() {
            let hosts: Vec<&String> = tls.hosts.iter().flatten().filter(|host| is_host(host)).collect();
            secure.extend(hosts.iter().map(|host| (*host).clone()));
            let name = tls.secret_name.clone().unwrap_or_default();
            let bundle = secrets
                .get(&(namespace.clone(), name.clone()))
                .context("it isn't there")
                .and_then(|secret| certificates::bundle(secret));
            match bundle {
                Ok(bundle) => {
                    let file = format!("{namespace}.{name}.pem");
                    for host in hosts {
                        let _ = writeln!(plan.certificate_list, "{folder}/{file} {host}");
                    }
                    plan.certificates.insert(file, bundle);
                }
                Err(error) => plan.problems.push(format!(
                    "{title}: Secret {name} can't be used, the fallback certificate is served: {error:#}"
                )),
            }
        }
        for rule in spec.rules.iter().flatten() {
            let host = rule.host.clone().unwrap_or_default();
            for path in rule.http.iter().flat_map(|http| &http.paths) {
                match route(&namespace, &host, path, services) {
                    Ok((rule, server)) => {
                        backends.insert(rule.backend.clone(), server);
                        rules.insert(rule);
                    }
                    Err(error) => plan.problems.push(format!("{title}: {error:#}")),
                }
            }
        }
    }
    plan.configuration = render(folder, &rules, &backends, &secure);
    plan
}

fn route(namespace: &str, host: &str, path: &HTTPIngressPath, services: &ByName<Service>) -> Result<(Rule, String)> {
    ensure!(host.is_empty() || is_host(host), "{host:?} is no host name");
    let text = path.path.clone().unwrap_or_else(|| "/".to_owned());
    ensure!(is_path(&text), "{text:?} is no path that can be served");
    let backend = path.backend.service.as_ref().context("only Services can be backends")?;
    let (port, server) = server(namespace, backend, services)?;
    let prefix = path.path_type != "Exact";
    let text = if prefix {
        text.trim_end_matches('/').to_owned()
    } else {
        text
    };
    let rule = Rule {
        any_host: host.is_empty(),
        wildcard: host.starts_with("*."),
        shorter: usize::MAX - text.len(),
        prefix,
        host: host.to_owned(),
        path: text,
        backend: format!("{namespace}_{}_{port}", backend.name),
    };
    Ok((rule, server))
}

/// The Service's own address: whether a pod behind it takes connections is the cluster's business.
fn server(namespace: &str, backend: &IngressServiceBackend, services: &ByName<Service>) -> Result<(i32, String)> {
    let name = &backend.name;
    let service = services
        .get(&(namespace.to_owned(), name.clone()))
        .with_context(|| format!("there is no Service {name}"))?;
    let spec = service
        .spec
        .as_ref()
        .with_context(|| format!("Service {name} is empty"))?;
    let wanted = backend
        .port
        .as_ref()
        .with_context(|| format!("no port of Service {name} is named"))?;
    let port = spec
        .ports
        .iter()
        .flatten()
        .find(|port| wanted.number == Some(port.port) || wanted.name.is_some() && wanted.name == port.name)
        .map(|port| port.port)
        .with_context(|| format!("Service {name} has no such port"))?;
    match spec.cluster_ip.as_deref() {
        None | Some("None" | "") => bail!("Service {name} has no address of its own"),
        Some(address) => Ok((port, format!("{address}:{port}"))),
    }
}

fn is_host(host: &str) -> bool {
    let name = host.strip_prefix("*.").unwrap_or(host);
    !name.is_empty()
        && name.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        })
}

/// Only what needs no quoting in the configuration.
fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~!$&()*+,;=:@".contains(&byte))
}

const HEAD: &str = "\
global
  log stdout format raw daemon warning
  maxconn 4000
  hard-stop-after 30s
  ssl-default-bind-options ssl-min-ver TLSv1.2
  ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
defaults
  mode http
  log global
  option forwardfor
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
";

fn render(
    folder: &str,
    rules: &BTreeSet<Rule>,
    backends: &BTreeMap<String, String>,
    secure: &BTreeSet<String>,
) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("frontend http\n  bind :80\n");
    for host in secure {
        // Without the port that the client came through: HTTPS has its own.
        let _ = writeln!(
            text,
            "  http-request redirect code 308 location https://%[req.hdr(host),host_only]%[capture.req.uri] if {}",
            host_condition(host)
        );
    }
    push_rules(&mut text, rules);
    let _ = writeln!(
        text,
        "frontend https\n  bind :443 ssl crt {folder}/fallback.pem crt-list {folder}/certificates.list alpn h2,http/1.1\n  \
         http-request set-header X-Forwarded-Proto https\n  \
         http-response set-header Strict-Transport-Security \"max-age=31536000; includeSubDomains\""
    );
    push_rules(&mut text, rules);
    text.push_str(
        "backend nothing\n  http-request return status 404 content-type text/plain string \"no such route\\n\"\n",
    );
    for (name, server) in backends {
        let _ = writeln!(text, "backend {name}\n  server service {server}");
    }
    text
}

fn push_rules(text: &mut String, rules: &BTreeSet<Rule>) {
    for rule in rules {
        let host = if rule.any_host {
            String::new()
        } else {
            host_condition(&rule.host)
        };
        let paths = match (rule.prefix, rule.path.as_str()) {
            (true, "") => vec![String::new()],
            (true, path) => vec![format!("{{ path {path} }}"), format!("{{ path_beg {path}/ }}")],
            (false, path) => vec![format!("{{ path {path} }}")],
        };
        for path in paths {
            let condition = format!("{host} {path}");
            let condition = condition.trim();
            let condition = if condition.is_empty() { "TRUE" } else { condition };
            let _ = writeln!(text, "  use_backend {} if {condition}", rule.backend);
        }
    }
    text.push_str("  default_backend nothing\n");
}

/// A wildcard stands for exactly one label.
fn host_condition(host: &str) -> String {
    match host.strip_prefix("*.") {
        Some(parent) => {
            format!(
                "{{ req.hdr(host),host_only,lower -m reg ^[^.]+\\.{}$ }}",
                parent.replace('.', "\\.")
            )
        }
        None => format!("{{ req.hdr(host),host_only,lower -m str {host} }}"),
    }
}

#[cfg(test)]
#[path = "haproxy_tests.rs"]
mod tests;
