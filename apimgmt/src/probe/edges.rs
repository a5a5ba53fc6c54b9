//! The edges of the platform, tried from pods that stand where its parts stand: what each of them tries, and what their
//! last words come to as evidence.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Probe;
use crate::{
    Error,
    edges::{Edge, Edges, Stand, Way},
    snapshot::{Snapshot, hostile, sessions::ProbeResult},
};

/// Longest outcome that is kept; the last words of a container have 4096 bytes for all of them.
pub(super) const LONGEST_OUTCOME: usize = 120;

/// One try, as a pod is told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Try {
    pub(super) way: Way,
    /// Name or address that is connected to.
    pub(super) host: String,
    #[serde(default)]
    pub(super) port: u16,
    #[serde(default)]
    pub(super) path: String,
    /// It must connect; else it must not.
    pub(super) open: bool,
}

/// What a pod says of its tries: one outcome for each, in their order.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Said {
    /// The stand, as it was told.
    pub(super) stand: String,
    pub(super) outcomes: Vec<String>,
}

/// The stands with the namespaces that they stand in and the edges that begin there.
pub(super) fn stands(snapshot: &Snapshot) -> Result<Vec<(Stand, String, Vec<Edge>)>, Error> {
    let unread = |why| Error::could_not("could not tell which connections to try").because(Box::new(why));
    let edges = Edges::of(snapshot).map_err(unread)?;
    let outside = &snapshot.expectations().map_err(unread)?.network.outside_namespace;
    let of = |stand: Stand| -> Vec<Edge> { edges.all.iter().filter(|edge| edge.from == stand).cloned().collect() };
    Ok(Stand::ALL
        .into_iter()
        .map(|stand| {
            let namespace = if stand == Stand::Outside {
                outside
            } else {
                &snapshot.namespace
            };
            (stand, namespace.clone(), of(stand))
        })
        .filter(|(.., edges)| !edges.is_empty())
        .collect())
}

/// What a pod is told.
pub(super) fn environment(stand: Stand, edges: &[Edge]) -> Value {
    let tries: Vec<Try> = edges
        .iter()
        .map(|edge| Try {
            way: edge.to.way,
            // Who may not connect may well not ask for names either: that would prove nothing.
            host: match &edge.to.address {
                Some(address) if !edge.is_needed() => address.clone(),
                _ => edge.to.host.clone(),
            },
            port: edge.to.port,
            path: edge.to.path.clone(),
            open: edge.is_needed(),
        })
        .collect();
    json!({ "env": [
        { "name": "PROBE_STAND", "value": stand.name() },
        { "name": "PROBE_EDGES", "value": json!(tries).to_string() },
    ] })
}

/// One result for each item that edges are evidence for. What a pod says is taken for the edges that it was told, and
/// for no others.
pub(super) fn results(edges: &[Edge], message: &str) -> Result<Vec<ProbeResult>, Error> {
    let said = serde_json::from_str::<Said>(message).ok();
    let said = said.filter(|said| said.outcomes.len() == edges.len()).ok_or_else(|| {
        let said = crate::report::escape(&message.chars().take(200).collect::<String>());
        Error::could_not(format!(
            "the probe `{}` ended without a result: {said}",
            Probe::Edges.name()
        ))
    })?;
    let stand = edges.first().map_or("", |edge| edge.from.name());
    let mut values: BTreeMap<String, String> = edges
        .iter()
        .zip(&said.outcomes)
        .map(|(edge, outcome)| (edge.id(), hostile::capped(outcome, LONGEST_OUTCOME)))
        .collect();
    values.insert("stand".into(), stand.into());
    let result = |item: &&str| ProbeResult {
        item: (*item).into(),
        at: Some(Timestamp::now()),
        passed: true,
        detail: format!("tried as {stand}"),
        values: values.clone(),
    };
    Ok(Probe::Edges.items().iter().map(result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::{Purpose, Target};

    fn edges() -> Vec<Edge> {
        let postgres = Target {
            address: Some("10.96.0.11".into()),
            ..Target::tcp("postgres.shop.svc", 5432)
        };
        let edge = |purpose| Edge {
            from: Stand::Outside,
            to: postgres.clone(),
            purpose,
        };
        vec![edge(Purpose::Needed), edge(Purpose::Isolation)]
    }

    #[test]
    fn what_must_be_closed_is_tried_by_address_and_what_is_needed_by_name() {
        let told = environment(Stand::Outside, &edges());
        let tries: Vec<Try> = serde_json::from_str(told["env"][1]["value"].as_str().unwrap()).unwrap();
        let hosts: Vec<_> = tries.iter().map(|one| (one.host.as_str(), one.open)).collect();
        assert_eq!(hosts, [("postgres.shop.svc", true), ("10.96.0.11", false)]);
    }

    #[test]
    fn a_pod_is_believed_for_the_edges_that_it_was_told() {
        let said = |outcomes: &[&str]| json!({ "stand": "cache", "outcomes": outcomes }).to_string();
        let one = &edges()[..1];
        let results = results(one, &said(&["open"])).unwrap();
        assert_eq!(results.len(), Probe::Edges.items().len());
        assert_eq!(results[0].values["stand"], "outside", "whatever it calls itself");
        assert_eq!(results[0].values["outside -> postgres.shop.svc:5432"], "open");
        for wrong in [said(&[]), said(&["open", "open"]), "\u{1b}[2J".to_owned()] {
            assert!(super::results(one, &wrong).is_err(), "{wrong}");
        }
    }
}
