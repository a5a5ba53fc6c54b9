//! Traffic is denied by default and opened by need: the policies, evaluated on every edge.

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses},
    edges::{
        Edge, Edges, Ends, Place, Purpose, Stand, Target,
        policy::{Connection, Direction, Policies},
    },
    snapshot::{Labels, Snapshot, Source, Specified, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/network-policies",
    title: "Traffic is denied by default and opened by need",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "Without policies any pod of the cluster reaches the database.",
    fix: "Apply the chart's NetworkPolicies: `networkPolicy.enabled=true`.",
    reads: &[
        Source::NetworkPolicies,
        Source::Namespaces,
        Source::Deployments,
        Source::StatefulSets,
        Source::DaemonSets,
        Source::Jobs,
        Source::CronJobs,
        Source::Pods,
        Source::Services,
        Source::Ingresses,
        Source::Expectations,
    ],
    judge,
};

/// An address that belongs to nobody, and stands for everything outside of the cluster (RFC 5737, TEST-NET-2).
const ELSEWHERE: &str = "198.51.100.1";

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let policies = snapshot.network_policies()?;
    let namespaces = row.read(snapshot.namespaces());
    let policies = Policies {
        listed: policies,
        namespace: &snapshot.namespace,
        namespaces: namespaces.map(Vec::as_slice).unwrap_or_default(),
    };
    let names: Vec<_> = policies
        .listed
        .iter()
        .map(|policy| policy.metadata.name.as_str())
        .collect();
    row.stable(
        Source::NetworkPolicies,
        format!("namespace/{}", snapshot.namespace),
        "network policies",
        names.join(", "),
    );
    if let Some(specified) = row.read(snapshot.pod_specs()) {
        denied_by_default(&mut row, &policies, &specified);
    }
    let (edges, ends) = (row.read(Edges::of(snapshot)), row.read(Ends::of(snapshot)));
    if let (Some(edges), Some(ends), Some(_)) = (edges, ends, namespaces) {
        let evaluation = Evaluation {
            policies: &policies,
            ends: &ends,
        };
        evaluation.edges(&mut row, &edges);
        evaluation.ways_out(&mut row, &edges);
        evaluation.ways_in(&mut row, &edges);
    }
    Ok(row.verdict("every pod is isolated, needed connections are permitted and no other that was looked at"))
}

/// Every pod and template is isolated in both directions.
fn denied_by_default(row: &mut Clauses<'_>, policies: &Policies<'_>, specified: &[Specified<'_>]) {
    if specified.is_empty() {
        row.unseen("there is no pod and no template that could be isolated");
        return;
    }
    let is_isolated = |labels: &Labels, direction| policies.isolates(direction, labels);
    let mut open = 0;
    for one in specified {
        let missing: Vec<_> = [Direction::Ingress, Direction::Egress]
            .into_iter()
            .filter(|direction| !is_isolated(&one.metadata.labels, *direction))
            .map(Direction::name)
            .collect();
        if !missing.is_empty() {
            open += 1;
            row.breach(format!(
                "nothing denies {} of {} by default",
                missing.join(" and "),
                one.object
            ));
        }
    }
    row.stable(
        Source::NetworkPolicies,
        "pods and templates",
        "isolated both ways",
        format!("{} of {}", specified.len() - open, specified.len()),
    );
}

struct Evaluation<'a> {
    policies: &'a Policies<'a>,
    ends: &'a Ends,
}

impl Evaluation<'_> {
    /// The directions in which an edge is denied; `None` where its ends are not known to policies.
    fn denied(&self, from: Stand, to: &Target) -> Option<Vec<Direction>> {
        let from = self.ends.place(from)?;
        let (to, port) = self.ends.target(to)?;
        let connection = Connection {
            from,
            to: &to,
            port,
            protocol: "TCP",
        };
        Some(self.policies.denied(connection))
    }

    fn edges(&self, row: &mut Clauses<'_>, edges: &Edges) {
        let mut looked_at = 0;
        for edge in &edges.all {
            let Some(denied) = self.denied(edge.from, &edge.to) else {
                continue;
            };
            looked_at += 1;
            found(row, edge, &denied);
        }
        self.names(row, edges);
        if looked_at == 0 {
            row.unseen("no part of the platform was found, so no connection could be looked at");
        }
    }

    /// The application asks the cluster's DNS, where clusters have it.
    fn names(&self, row: &mut Clauses<'_>, edges: &Edges) {
        let asks = edges
            .with(Purpose::Needed)
            .find(|edge| edge.from == Stand::Application && edges.part(Stand::Application).is_some());
        let (Some(_), Some(from)) = (asks, self.ends.place(Stand::Application)) else {
            return;
        };
        let server = Place::cluster_dns();
        for protocol in ["UDP", "TCP"] {
            let connection = Connection {
                from,
                to: &server,
                port: 53,
                protocol,
            };
            let denied = self.policies.denied(connection);
            judged(
                row,
                &format!("application -> cluster DNS, port 53 {protocol}"),
                true,
                &denied,
            );
        }
    }

    /// What a part may reach outside of the cluster: nothing that is not declared.
    fn ways_out(&self, row: &mut Clauses<'_>, edges: &Edges) {
        for stand in [Stand::Application, Stand::Database, Stand::Cache] {
            if edges.part(stand).is_none() {
                continue;
            }
            // Where a name outside is needed, policies can only open its port to every address.
            let is_needed = |port: u16| {
                edges
                    .with(Purpose::Needed)
                    .any(|edge| edge.from == stand && edge.to.part.is_none() && edge.to.port == port)
            };
            for port in [80, 443, 6443].into_iter().filter(|port| !is_needed(*port)) {
                let target = Target::tcp(ELSEWHERE, port);
                if let Some(denied) = self.denied(stand, &target) {
                    let words = format!("{} -> any address outside, port {port}", stand.name());
                    judged(row, &words, false, &denied);
                }
            }
        }
    }

    /// What holds data is nobody's from outside of the cluster, not even behind a Service that leads there.
    fn ways_in(&self, row: &mut Clauses<'_>, edges: &Edges) {
        let Ok(elsewhere) = ELSEWHERE.parse().map(Place::Address) else {
            return;
        };
        for stand in [Stand::Database, Stand::Cache] {
            let Some((to, port)) = edges.part(stand).and_then(|target| self.ends.target(target)) else {
                continue;
            };
            let denied = self.policies.denied(Connection {
                from: &elsewhere,
                to: &to,
                port,
                protocol: "TCP",
            });
            let words = format!("any address outside -> {}, port {port}", stand.name());
            judged(row, &words, false, &denied);
        }
    }
}

fn found(row: &mut Clauses<'_>, edge: &Edge, denied: &[Direction]) {
    judged(row, &edge.id(), edge.is_needed(), denied);
}

fn judged(row: &mut Clauses<'_>, words: &str, is_needed: bool, denied: &[Direction]) {
    let directions: Vec<_> = denied.iter().map(|direction| direction.name()).collect();
    let directions = directions.join(" and ");
    let outcome = if denied.is_empty() {
        "permitted".to_owned()
    } else {
        format!("denied at {directions}")
    };
    row.stable(Source::NetworkPolicies, format!("edge/{words}"), "evaluated", &outcome);
    match (is_needed, denied.is_empty()) {
        (true, false) => row.breach(format!("{words} is needed, and {directions} denies it")),
        (false, true) => row.breach(format!("{words} must be closed, and policies permit it")),
        _ => {}
    }
}
