//! Probes: what their failures say, and whether the probe itself is what is wrong.

use jiff::SignedDuration;

use super::{Scene, health::since};
use crate::snapshot::{
    Pod, Port,
    events::Event,
    pods::{Container, Probe},
};

/// Failures older than this are of the past. The kubelet sends at most one event every few minutes about a pod that
/// has had many.
const FRESH: SignedDuration = SignedDuration::from_mins(30);

/// The three probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeKind {
    /// Restarts.
    Liveness,
    /// Takes out of services.
    Readiness,
    /// Holds the others back.
    Startup,
}

impl ProbeKind {
    /// As the kubelet begins its messages.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Liveness => "Liveness",
            Self::Readiness => "Readiness",
            Self::Startup => "Startup",
        }
    }

    /// The field of the container.
    pub(crate) const fn field(self) -> &'static str {
        match self {
            Self::Liveness => "livenessProbe",
            Self::Readiness => "readinessProbe",
            Self::Startup => "startupProbe",
        }
    }

    /// The probe of a container.
    pub(crate) fn of(self, container: &Container) -> Option<&Probe> {
        match self {
            Self::Liveness => container.liveness_probe.as_ref(),
            Self::Readiness => container.readiness_probe.as_ref(),
            Self::Startup => container.startup_probe.as_ref(),
        }
    }
}

/// A probe that cannot pass, whatever the container does.
pub(crate) struct WrongProbe {
    /// What is wrong with it, one clause about the probe.
    pub(crate) fault: String,
    /// The part to change, as a JSON path inside the probe.
    pub(crate) part: &'static str,
    /// The value that would fit, when one is known.
    pub(crate) fitting: Option<String>,
    /// Whether the server itself said it: it answers, but not there.
    pub(crate) answered: bool,
}

impl<'a> Scene<'a> {
    /// The fresh failures of a probe, oldest first.
    fn probe_failures(&self, pod: &'a Pod, container: &str, kind: ProbeKind) -> impl Iterator<Item = &'a Event> {
        let about = format!("{{{container}}}");
        self.pod_events(pod).filter(move |event| {
            let place = &event.involved_object.field_path;
            event.reason == "Unhealthy"
                && event.message.starts_with(kind.word())
                && (place.is_empty() || place.ends_with(&about))
                && since(event.last_seen(), self.now()) < FRESH
        })
    }

    /// The latest failure of a probe that says more than that no answer came: on a loaded node every probe times out
    /// now and then.
    pub(crate) fn probe_failure(&self, pod: &'a Pod, container: &str, kind: ProbeKind) -> Option<&'a Event> {
        let tells = self
            .probe_failures(pod, container, kind)
            .filter(|event| !is_timeout(&event.message));
        tells
            .last()
            .or_else(|| self.probe_failures(pod, container, kind).last())
    }

    /// The failure of a probe that was seen most often.
    pub(crate) fn usual_failure(&self, pod: &'a Pod, container: &str, kind: ProbeKind) -> Option<&'a Event> {
        let failures = self.probe_failures(pod, container, kind);
        failures.max_by_key(|event| (event.count, event.last_seen()))
    }

    /// How often the probe failed, as far as the events tell.
    pub(crate) fn failures(&self, pod: &'a Pod, container: &str, kind: ProbeKind) -> i64 {
        self.probe_failure(pod, container, kind)
            .map_or(0, |event| event.count.max(1))
    }

    /// The latest event that says that a container was killed because of a probe.
    pub(crate) fn probe_kill(&self, pod: &'a Pod, container: &str, kind: ProbeKind) -> Option<&'a Event> {
        let failed = format!(
            "Container {container} failed {} probe",
            kind.word().to_ascii_lowercase()
        );
        let kill = self
            .pod_events(pod)
            .filter(|event| event.reason == "Killing" && event.message.starts_with(&failed));
        kill.last()
    }

    /// Whether the probe itself is wrong, by its failure and by the ports that the container declares.
    pub(crate) fn wrong_probe(&self, pod: &'a Pod, container: &Container, kind: ProbeKind) -> Option<WrongProbe> {
        let probe = kind.of(container)?;
        let failure = self.probe_failure(pod, &container.name, kind);
        let message = failure.map(|event| event.message.as_str()).unwrap_or_default();
        wrong_port(probe, container, message)
            .or_else(|| other_port_in_log(self, pod, probe, container, message))
            .or_else(|| wrong_path(probe, container, message))
            .or_else(|| wrong_scheme(probe, message))
    }
}

/// Whether a failure only says that no answer came in time.
fn is_timeout(message: &str) -> bool {
    const WORDS: [&str; 4] = [
        "context deadline exceeded",
        "Client.Timeout",
        "i/o timeout",
        "command timed out",
    ];
    WORDS.iter().any(|word| message.contains(word)) && !message.contains("connection refused")
}

fn port_of(probe: &Probe) -> Option<(&Port, &'static str)> {
    let http = probe.http_get.as_ref().map(|get| (&get.port, "/httpGet/port"));
    http.or_else(|| {
        probe
            .tcp_socket
            .as_ref()
            .map(|socket| (&socket.port, "/tcpSocket/port"))
    })
}

/// The port by number; `None` for a name that the container does not declare.
fn number(port: &Port, container: &Container) -> Option<u16> {
    match port {
        Port::Number(number) => Some(*number),
        Port::Name(name) => container
            .ports
            .iter()
            .find(|it| it.name == *name)
            .map(|it| it.container_port),
    }
}

/// A port that the container does not declare, though it declares others. A server may well listen on a port that is
/// not declared: only a probe that is refused, or whose failure nobody could read, is wrong.
fn wrong_port(probe: &Probe, container: &Container, message: &str) -> Option<WrongProbe> {
    let (port, place) = port_of(probe)?;
    let declared: Vec<u16> = container.ports.iter().map(|it| it.container_port).collect();
    let known = number(port, container);
    let is_declared = known.is_some_and(|number| declared.contains(&number));
    let other_failure = !message.is_empty() && !message.contains("connection refused");
    if is_declared || (known.is_some() && (other_failure || declared.is_empty())) {
        return None;
    }
    let ports = super::list(&declared.iter().map(ToString::to_string).collect::<Vec<_>>());
    let fault = match (port, declared.is_empty()) {
        (Port::Name(name), true) => format!("asks port `{name}`, and the container declares no port of that name"),
        _ => format!("asks port {port}, while the container listens on {ports}"),
    };
    Some(WrongProbe {
        fault,
        part: place,
        fitting: declared.first().map(ToString::to_string),
        answered: false,
    })
}

/// A refused port when the container's own log says that it listens elsewhere.
fn other_port_in_log(
    scene: &Scene<'_>,
    pod: &Pod,
    probe: &Probe,
    container: &Container,
    message: &str,
) -> Option<WrongProbe> {
    let (port, place) = port_of(probe)?;
    let asked = number(port, container)?;
    if !message.contains("connection refused") {
        return None;
    }
    let elsewhere = scene
        .log(pod, &container.name, false)
        .iter()
        .rev()
        .find_map(|line| listening_port(line))?;
    (elsewhere != asked).then(|| WrongProbe {
        fault: format!("asks port {asked}, while the container's log says that it listens on {elsewhere}"),
        part: place,
        fitting: Some(elsewhere.to_string()),
        answered: false,
    })
}

/// The port of a log line such as `listening on 0.0.0.0:8080` or `Server started on port 3000`.
fn listening_port(line: &str) -> Option<u16> {
    let lower = line.to_ascii_lowercase();
    if !["listening", "listen ", "started on", "serving on", "running on"]
        .iter()
        .any(|word| lower.contains(word))
    {
        return None;
    }
    let of_address = super::addresses::written(&lower)
        .last()
        .map(|target| target.port)
        .filter(|port| *port > 0);
    of_address.or_else(|| super::after(&lower, "port").and_then(|word| word.trim_matches([':', '.', '=']).parse().ok()))
}

/// A path that the server does not have: it answers, but 404 or another refusal of the path itself.
fn wrong_path(probe: &Probe, container: &Container, message: &str) -> Option<WrongProbe> {
    let get = probe.http_get.as_ref()?;
    let status = super::after(message, "statuscode: ")?;
    let refusal = match status {
        "404" => "there is nothing at that path",
        "405" => "that path takes no GET",
        "401" | "403" => "that path needs a login, which a probe does not have",
        _ => return None,
    };
    Some(WrongProbe {
        fault: format!("asks {}, where the server answers {status}: {refusal}", get.path),
        part: "/httpGet/path",
        fitting: other_path(probe, container),
        answered: true,
    })
}

/// A path that another probe of the container asks.
fn other_path(wrong: &Probe, container: &Container) -> Option<String> {
    let probes = [
        &container.liveness_probe,
        &container.readiness_probe,
        &container.startup_probe,
    ];
    let paths = probes
        .into_iter()
        .flatten()
        .filter_map(|probe| Some(&probe.http_get.as_ref()?.path));
    let own = wrong.http_get.as_ref().map(|get| &get.path);
    paths.filter(|path| Some(*path) != own).min().cloned()
}

fn wrong_scheme(probe: &Probe, message: &str) -> Option<WrongProbe> {
    let get = probe.http_get.as_ref()?;
    let (speaks, fitting) = match get.scheme.as_str() {
        "HTTPS" if message.contains("server gave HTTP response to HTTPS client") => ("plain HTTP", "HTTP"),
        "" | "HTTP" if message.contains("malformed HTTP response") => ("TLS", "HTTPS"),
        _ => return None,
    };
    let scheme = if get.scheme.is_empty() { "HTTP" } else { &get.scheme };
    Some(WrongProbe {
        fault: format!("speaks {scheme}, while the server speaks {speaks}"),
        part: "/httpGet/scheme",
        fitting: Some(fitting.into()),
        answered: true,
    })
}
