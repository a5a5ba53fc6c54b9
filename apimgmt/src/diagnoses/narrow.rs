//! Keeping only the findings that were asked for.

use super::{ALL, Diagnosed, Finding, Topic};

impl Diagnosed {
    /// Keeps the findings of a topic, and those about an object of a name or with a symptom there.
    pub fn keep(&mut self, topic: Option<Topic>, name: Option<&str>) {
        self.findings.retain(|finding| {
            topic.is_none_or(|topic| topic_of(finding) == Some(topic)) && name.is_none_or(|name| touches(finding, name))
        });
    }
}

fn topic_of(finding: &Finding) -> Option<Topic> {
    ALL.iter()
        .find(|diagnosis| diagnosis.id == finding.id)
        .map(|diagnosis| diagnosis.topic)
}

/// Whether a finding is about `name`, written as `NAME` or `KIND/NAME`, itself or by a symptom.
fn touches(finding: &Finding, name: &str) -> bool {
    let is = |object: &str| object == name || object.rsplit_once('/').is_some_and(|(_, own)| own == name);
    is(&finding.object) || finding.symptoms.iter().any(|symptom| is(&symptom.object))
}
