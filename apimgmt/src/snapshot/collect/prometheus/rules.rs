//! The rules that Prometheus has loaded, by `/api/v1/rules`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::super::{Run, caller::Caller, trouble::Trouble};
use crate::snapshot::{Why, hostile, sessions::Rule};

/// Most rules that are kept: far above what a release brings, far below what would be a flood.
const MOST: usize = 5000;

#[derive(Deserialize)]
struct Groups {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    name: String,
    #[serde(default)]
    rules: Vec<Loaded>,
}

/// A rule as the API writes it; what is not there stays at its default.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Loaded {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    query: String,
    labels: BTreeMap<String, String>,
    health: String,
    last_error: String,
    last_evaluation: Option<Timestamp>,
    state: String,
}

impl Run {
    /// Every loaded rule, in the order of its group; `None` where the server tells nothing of rules.
    pub(super) async fn rules(&self, prometheus: &Caller<'_>) -> Result<Option<Vec<Rule>>, Trouble> {
        let loaded: Groups = match self.ask_prometheus(prometheus, "/api/v1/rules").await {
            Ok(loaded) => loaded,
            Err(Trouble::Unreadable(Why::Session(_))) => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        let rules = loaded.groups.into_iter().flat_map(|group| {
            let named = hostile::line(&group.name);
            group.rules.into_iter().map(move |rule| reduced(&named, &rule))
        });
        Ok(Some(rules.take(MOST).collect()))
    }
}

fn reduced(group: &str, rule: &Loaded) -> Rule {
    Rule {
        kind: hostile::line(&rule.kind),
        group: group.to_owned(),
        name: hostile::line(&rule.name),
        query: hostile::line(&rule.query),
        health: hostile::line(&rule.health),
        last_error: hostile::line(&rule.last_error),
        // A rule that was never evaluated has the year 1.
        last_evaluation: rule.last_evaluation.filter(|time| *time > Timestamp::UNIX_EPOCH),
        state: hostile::line(&rule.state),
        severity: rule
            .labels
            .get("severity")
            .map(|text| hostile::line(text))
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Groups, reduced};

    #[test]
    fn rules_are_read_as_prometheus_writes_them() {
        let text = r#"{"groups": [{"name": "redis", "file": "rules.yaml", "interval": 15, "rules": [
            {"state": "firing", "name": "RedisDown", "query": "absent(redis_up == 1)", "duration": 60, "labels": {"severity": "critical"},
             "annotations": {}, "alerts": [{"state": "firing"}], "health": "ok", "lastEvaluation": "2026-11-23T08:00:00.5Z", "evaluationTime": 0.1, "type": "alerting"},
            {"name": "a:b", "query": "vector(1)", "health": "unknown", "lastEvaluation": "0001-01-01T00:00:00Z", "type": "recording"}]}]}"#;
        let groups: Groups = serde_json::from_str(text).unwrap();
        let group = &groups.groups[0];
        let alert = reduced(&group.name, &group.rules[0]);
        assert_eq!(
            (alert.group.as_str(), alert.name.as_str(), alert.severity.as_str()),
            ("redis", "RedisDown", "critical")
        );
        assert_eq!((alert.state.as_str(), alert.kind.as_str()), ("firing", "alerting"));
        assert!(alert.last_evaluation.is_some());
        assert_eq!(reduced(&group.name, &group.rules[1]).last_evaluation, None);
    }
}
