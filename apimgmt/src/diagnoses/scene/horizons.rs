//! What keeps old rows and transaction ids of the database, in words, and what lets go of them.

use super::{Scene, clean, commands::is_plain, lasting, servers::Server};
use crate::snapshot::sessions::{Horizon, Postgresql};

impl Horizon {
    /// Who holds the oldest transaction, for a person.
    pub(crate) fn holder(&self) -> String {
        let name = clean(&self.name);
        let who = clean(&self.description);
        let seconds = self
            .seconds
            .map_or(String::new(), |seconds| format!(" for {}", lasting(seconds)));
        match self.kind.as_str() {
            "session" => format!("the transaction of pid {name} ({who}), open{seconds}, holds them"),
            "prepared" => format!("the prepared transaction {name} of {who}, there{seconds}, holds them"),
            "slot" => format!("the {who} replication slot {name} holds them"),
            _ => format!("the replica {name} holds them (hot_standby_feedback)"),
        }
    }
}

impl<'a> Scene<'a> {
    /// What makes it let go.
    pub(crate) fn release(&self, server: &Server<'a, Postgresql>, horizon: &Horizon) -> String {
        let name = &horizon.name;
        let statement = match horizon.kind.as_str() {
            "session" if is_plain(name) => format!("select pg_terminate_backend({name})"),
            "prepared" if is_plain(name) => format!("rollback prepared '{name}'"),
            "slot" if is_plain(name) => format!("select pg_drop_replication_slot('{name}')"),
            _ => return "End what holds them: a long query on the replica, or its `hot_standby_feedback`".into(),
        };
        self.psql(server.pod, &server.facts.database, &statement)
    }
}
