//! What a Sentinel tells of a master.

use super::{
    Failure, Session,
    access::{pairs, text},
};
use crate::snapshot::sessions::{RedisReplica, Sentinel};

impl Session {
    /// The address of the master of a name: `HOST:PORT`.
    pub(crate) async fn master(&mut self, master: &str) -> Result<String, Failure> {
        let mut asked = redis::cmd("SENTINEL");
        asked.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        let address: Option<(String, String)> = self.ask(&asked).await?;
        address
            .map(|(host, port)| crate::snapshot::hostile::line(&format!("{host}:{port}")))
            .ok_or_else(|| Failure::Server(format!("no master is called `{master}`")))
    }

    /// What this Sentinel says of the master of a name.
    pub(crate) async fn sentinel(&mut self, master: &str) -> Result<Sentinel, Failure> {
        let shown: redis::Value = self.ask(redis::cmd("SENTINEL").arg("MASTER").arg(master)).await?;
        let field = Fields::of(shown);
        let replicas: Vec<redis::Value> = self.ask(redis::cmd("SENTINEL").arg("REPLICAS").arg(master)).await?;
        let quorum_check: Result<String, Failure> = self.ask(redis::cmd("SENTINEL").arg("CKQUORUM").arg(master)).await;
        Ok(Sentinel {
            master: field.address(),
            master_flags: field.text("flags"),
            quorum: field.number("quorum"),
            other_sentinels: field.number("num-other-sentinels"),
            quorum_check: match quorum_check {
                Ok(answer) => crate::snapshot::hostile::line(&answer),
                // `NOQUORUM …` is what it has to say, not a failure to ask.
                Err(Failure::Server(answer)) => answer,
                Err(failure) => return Err(failure),
            },
            replicas: replicas.into_iter().map(replica).collect(),
            ..Sentinel::default()
        })
    }
}

fn replica(shown: redis::Value) -> RedisReplica {
    let field = Fields::of(shown);
    RedisReplica {
        address: field.address(),
        flags: field.text("flags"),
        master_link: field.text("master-link-status"),
        offset: field.number("slave-repl-offset").unwrap_or_default(),
    }
}

/// The fields of one answer.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn of(shown: redis::Value) -> Self {
        let fields = pairs(shown).into_iter();
        Self(fields.filter_map(|(key, value)| Some((key, text(&value)?))).collect())
    }

    fn text(&self, name: &str) -> String {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.text(name).parse().ok()
    }

    fn address(&self) -> String {
        format!("{}:{}", self.text("ip"), self.text("port"))
    }
}
