//! What the Sentinels of a Redis master say, each for itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What one Sentinel says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sentinel {
    /// The object it was read from, such as `pod/sentinel-0`.
    pub object: String,
    /// Why it could not be asked.
    pub error: Option<String>,
    /// What it answers to PING of a client that did not log in; empty when it was not asked.
    pub stranger: String,
    /// Address of the master as it sees it: `10.1.0.7:6379`.
    pub master: String,
    /// Flags of the master: `master`, `s_down`, `o_down`.
    pub master_flags: String,
    /// Sentinels that must agree.
    pub quorum: Option<i64>,
    /// Other Sentinels that it knows.
    pub other_sentinels: Option<i64>,
    /// The answer to `SENTINEL CKQUORUM`: begins with `OK` when quorum and majority are reachable.
    pub quorum_check: String,
    /// The replicas that it knows.
    pub replicas: Vec<RedisReplica>,
}

impl Sentinel {
    /// The address that more than half of those that answer call the master.
    ///
    /// # Errors
    /// In words: nobody answers, or no address has so many.
    pub fn agreed(all: &[Self]) -> Result<&str, String> {
        let answering: Vec<&Self> = all.iter().filter(|sentinel| sentinel.error.is_none()).collect();
        let mut voices: BTreeMap<&str, usize> = BTreeMap::new();
        for sentinel in &answering {
            *voices.entry(&sentinel.master).or_default() += 1;
        }
        let most = voices.into_iter().max_by_key(|(_, count)| *count);
        match most {
            None => Err("no Sentinel tells which server is the master".into()),
            Some((address, count)) if count * 2 > answering.len() => Ok(address),
            Some(_) => Err("the Sentinels do not agree on the master".into()),
        }
    }
}

/// A replica as a Sentinel or the master sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RedisReplica {
    /// Address: `10.1.0.8:6379`.
    pub address: String,
    /// `slave`, with `s_down` or `disconnected` when it is not well.
    pub flags: String,
    /// `ok` when its link to the master is up.
    pub master_link: String,
    /// Bytes of the replication log that it has.
    pub offset: i64,
}

#[cfg(test)]
mod tests {
    use super::Sentinel;

    #[test]
    fn the_master_is_whom_most_of_those_that_answer_name() {
        let named = |masters: &[&str]| -> Vec<Sentinel> {
            let sentinel = |master: &&str| Sentinel {
                master: (*master).into(),
                error: master.is_empty().then(|| "no answer".into()),
                ..Sentinel::default()
            };
            masters.iter().map(sentinel).collect()
        };
        assert_eq!(Sentinel::agreed(&named(&["a:1", "b:1", "a:1"])), Ok("a:1"));
        assert_eq!(Sentinel::agreed(&named(&["", "", "b:1"])), Ok("b:1"));
        assert!(Sentinel::agreed(&named(&["a:1", "b:1"])).is_err());
        assert!(Sentinel::agreed(&named(&["", ""])).is_err());
        assert!(Sentinel::agreed(&[]).is_err());
    }
}
