//! Keeping only the findings that were asked for.

use super::{ALL, Diagnosed, Finding, Topic};

impl Diagnosed {
    /// Keeps the findings of a topic, and those about an object of a name or with a symptom there; of what could not be
    /// read, what the topic asks for.
    pub fn keep(&mut self, topic: Option<Topic>, name: Option<&str>) {
        self.findings.retain(|finding| {
            topic.is_none_or(|topic| topic_of(finding).is_some_and(|own| topic.causes().contains(&own)))
                && name.is_none_or(|name| touches(finding, name))
        });
        if let Some(topic) = topic {
            let asked: Vec<_> = ALL
                .iter()
                .copied()
                .filter(|it| topic.causes().contains(&it.topic))
                .collect();
            let reads = super::reads(&asked);
            self.unreadable.retain(|why| reads.contains(&why.source));
        }
    }
}

impl Topic {
    /// Topics whose causes show as trouble of this one: a pod may be ill for want of memory or of a service.
    const fn causes(self) -> &'static [Self] {
        match self {
            Self::Pod => &[Self::Pod, Self::Memory, Self::Network, Self::Database],
            Self::Database => &[Self::Database, Self::Pod, Self::Memory, Self::Network],
            Self::Memory => &[Self::Memory],
            Self::Tls => &[Self::Tls],
            Self::Network => &[Self::Network, Self::Pod, Self::Database],
            Self::Release => &[Self::Release, Self::Pod, Self::Memory, Self::Network, Self::Database],
        }
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
