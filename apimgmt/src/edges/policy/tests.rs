//! Laws of the evaluation, over many policies that chance makes; the same each time.

use serde_json::{Value, json};

use super::*;

/// Numbers that look like chance and are the same each time (a linear congruential generator, Knuth's MMIX constants).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        let chosen = self.below(u64::try_from(choices.len()).unwrap_or(u64::MAX));
        choices[usize::try_from(chosen).unwrap_or_default()].clone()
    }
}

const PARTS: [&str; 3] = ["app", "database", "cache"];

fn selector(chance: &mut Chance) -> Value {
    match chance.below(4) {
        0 => json!({}),
        1 => json!({ "matchExpressions": [{ "key": "part", "operator": "Exists" }] }),
        2 => json!({ "matchExpressions": [{ "key": "part", "operator": "NotIn", "values": [chance.of(&PARTS)] }] }),
        _ => json!({ "matchLabels": { "part": chance.of(&PARTS) } }),
    }
}

fn peer(chance: &mut Chance) -> Value {
    match chance.below(4) {
        0 => json!({ "podSelector": selector(chance) }),
        1 => json!({ "namespaceSelector": { "matchLabels": { "team": chance.of(&["one", "two"]) } } }),
        2 => json!({ "namespaceSelector": {}, "podSelector": selector(chance) }),
        _ => {
            json!({ "ipBlock": { "cidr": chance.of(&["0.0.0.0/0", "10.0.0.0/8"]), "except": chance.of(&[json!([]), json!(["10.1.0.0/16"])]) } })
        }
    }
}

fn port(chance: &mut Chance) -> Value {
    match chance.below(4) {
        0 => json!({ "port": chance.of(&[80, 5432]) }),
        1 => json!({ "port": "sql", "protocol": "TCP" }),
        2 => json!({ "port": 80, "endPort": chance.of(&[80, 5432]) }),
        _ => json!({ "protocol": chance.of(&["TCP", "UDP"]) }),
    }
}

fn rule(chance: &mut Chance, peers: &str) -> Value {
    let list = |chance: &mut Chance, one: fn(&mut Chance) -> Value| -> Vec<Value> {
        (0..chance.below(3)).map(|_| one(chance)).collect()
    };
    let mut rule = json!({});
    rule[peers] = json!(list(chance, peer));
    rule["ports"] = json!(list(chance, port));
    rule
}

fn policy(chance: &mut Chance) -> NetworkPolicy {
    let rules = |chance: &mut Chance, peers: &str| -> Vec<Value> {
        (0..chance.below(3)).map(|_| rule(chance, peers)).collect()
    };
    let types = chance.of(&[
        json!([]),
        json!(["Ingress"]),
        json!(["Egress"]),
        json!(["Ingress", "Egress"]),
    ]);
    serde_json::from_value(json!({ "spec": {
        "podSelector": selector(chance), "policyTypes": types,
        "ingress": rules(chance, "from"), "egress": rules(chance, "to"),
    } }))
    .unwrap()
}

fn place(chance: &mut Chance) -> Place {
    if chance.below(5) == 0 {
        return Place::Address(chance.of(&["10.1.2.3", "10.2.0.1", "192.0.2.1"]).parse().unwrap());
    }
    let labels = match chance.below(4) {
        0 => Labels::new(),
        _ => [("part".to_owned(), chance.of(&PARTS).to_owned())].into(),
    };
    Place::Pod {
        namespace: chance.of(&["shop", "shop", "other"]).to_owned(),
        labels,
        ports: vec![("sql".into(), 5432, String::new())],
        address: None,
    }
}

fn namespaces() -> Vec<Namespace> {
    serde_json::from_value(json!([
        { "metadata": { "name": "shop", "labels": { "team": "one" } } },
        { "metadata": { "name": "other", "labels": { "team": "two" } } },
    ]))
    .unwrap()
}

/// A set of policies and a connection, both by chance.
struct Trial {
    policies: Vec<NetworkPolicy>,
    from: Place,
    to: Place,
    port: u16,
    protocol: &'static str,
}

impl Trial {
    fn is_permitted_by(&self, policies: &[NetworkPolicy]) -> bool {
        let namespaces = namespaces();
        let policies = Policies {
            listed: policies,
            namespace: "shop",
            namespaces: &namespaces,
        };
        let connection = Connection {
            from: &self.from,
            to: &self.to,
            port: self.port,
            protocol: self.protocol,
        };
        policies.denied(connection).is_empty()
    }
}

fn each(mut law: impl FnMut(&mut Chance, &Trial)) {
    let (mut permitted, mut denied) = (0, 0);
    for seed in 0..4000 {
        let mut chance = Chance(seed);
        let trial = Trial {
            policies: (0..chance.below(4)).map(|_| policy(&mut chance)).collect(),
            from: place(&mut chance),
            to: place(&mut chance),
            port: chance.of(&[80, 443, 5432]),
            protocol: chance.of(&["TCP", "UDP"]),
        };
        *(if trial.is_permitted_by(&trial.policies) {
            &mut permitted
        } else {
            &mut denied
        }) += 1;
        law(&mut chance, &trial);
    }
    assert!(
        permitted > 400 && denied > 400,
        "{permitted} permitted, {denied} denied: a law that sees one kind proves little"
    );
}

#[test]
fn without_policies_everything_is_permitted() {
    each(|_, trial| assert!(trial.is_permitted_by(&[])));
}

#[test]
fn the_order_of_policies_means_nothing() {
    each(|_, trial| {
        let mut turned = trial.policies.clone();
        turned.reverse();
        assert_eq!(trial.is_permitted_by(&trial.policies), trial.is_permitted_by(&turned));
    });
}

#[test]
fn a_further_rule_never_denies() {
    each(|chance, trial| {
        let before = trial.is_permitted_by(&trial.policies);
        let mut more = trial.policies.clone();
        for policy in &mut more {
            // A rule for egress makes a policy without types isolate: that is another policy, not a further rule.
            let is_typed = !policy.spec.policy_types.is_empty();
            policy
                .spec
                .ingress
                .push(serde_json::from_value(rule(chance, "from")).unwrap());
            if is_typed {
                policy
                    .spec
                    .egress
                    .push(serde_json::from_value(rule(chance, "to")).unwrap());
            }
        }
        assert!(!before || trial.is_permitted_by(&more), "{:?}", trial.policies);
    });
}

#[test]
fn a_policy_with_no_rules_denies_every_connection_of_its_pods_that_no_other_permits() {
    let deny: NetworkPolicy =
        serde_json::from_value(json!({ "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"] } })).unwrap();
    each(|_, trial| {
        let is_own = |place: &Place| matches!(place, Place::Pod { namespace, .. } if namespace == "shop");
        let alone = trial.is_permitted_by(std::slice::from_ref(&deny));
        assert_eq!(alone, !is_own(&trial.from) && !is_own(&trial.to));
        let mut beside = trial.policies.clone();
        beside.push(deny.clone());
        assert!(!trial.is_permitted_by(&beside) || trial.is_permitted_by(&trial.policies));
    });
}

#[test]
fn a_range_of_ports_is_each_of_its_ports() {
    each(|_, trial| {
        let mut spelled = trial.policies.clone();
        let spell = |ports: &mut Vec<PermittedPort>| {
            let mut written = Vec::new();
            for port in ports.drain(..) {
                match (&port.port, port.end_port) {
                    (Some(Port::Number(first)), Some(last)) => {
                        let within = [80, 443, 5432]
                            .into_iter()
                            .filter(|number| (*first..=last).contains(number));
                        written.extend(within.map(|number| PermittedPort {
                            port: Some(Port::Number(number)),
                            end_port: None,
                            ..port.clone()
                        }));
                    }
                    _ => written.push(port),
                }
            }
            *ports = written;
        };
        for policy in &mut spelled {
            policy.spec.ingress.iter_mut().for_each(|rule| spell(&mut rule.ports));
            policy.spec.egress.iter_mut().for_each(|rule| spell(&mut rule.ports));
        }
        assert_eq!(trial.is_permitted_by(&trial.policies), trial.is_permitted_by(&spelled));
    });
}

#[test]
fn a_hole_in_a_range_never_permits() {
    each(|_, trial| {
        let mut whole = trial.policies.clone();
        let fill = |peers: &mut Vec<Peer>| {
            peers
                .iter_mut()
                .filter_map(|peer| peer.ip_block.as_mut())
                .for_each(|block| block.except.clear());
        };
        for policy in &mut whole {
            policy.spec.ingress.iter_mut().for_each(|rule| fill(&mut rule.from));
            policy.spec.egress.iter_mut().for_each(|rule| fill(&mut rule.to));
        }
        assert!(!trial.is_permitted_by(&trial.policies) || trial.is_permitted_by(&whole));
    });
}

#[test]
fn ranges_contain_what_they_say() {
    let contains = |cidr: &str, address: &str| contains(cidr, address.parse().unwrap());
    assert!(contains("0.0.0.0/0", "192.0.2.1") && contains("192.0.2.1/32", "192.0.2.1"));
    assert!(contains("10.0.0.0/9", "10.127.255.255") && !contains("10.0.0.0/9", "10.128.0.0"));
    assert!(contains("2001:db8::/33", "2001:db8:7fff::1") && !contains("2001:db8::/33", "2001:db8:8000::1"));
    assert!(!contains("::/0", "192.0.2.1"), "each family has its own ranges");
    for wrong in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "x/8", ""] {
        assert!(!contains(wrong, "10.0.0.1"), "{wrong}");
    }
}
