//! What the application's role in PostgreSQL may do.

use serde::{Deserialize, Serialize};

/// The application's role: its attributes, what it reaches, and what it was refused when it tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DatabaseRole {
    /// Name.
    pub name: String,
    /// Most connections that the role may have; -1 for any number.
    pub connection_limit: i64,
    /// Attributes and memberships that give more than reading and writing rows, each with the role that has it:
    /// `superuser of api_management`, `pg_read_server_files`.
    pub powers: Vec<String>,
    /// Other databases of the server that the role may connect to.
    pub other_databases: Vec<String>,
    /// The role owns the database.
    pub owns_database: bool,
    /// Tables in the declared schemas that the role owns.
    pub owned_tables: i64,
    /// Declared schemas in which the role may create objects.
    pub creates_in: Vec<String>,
    /// Tables in the declared schemas.
    pub tables: i64,
    /// Statements that were tried in a transaction that was rolled back.
    pub tried: i64,
    /// What was refused, in the server's words with the table.
    pub refused: Vec<String>,
}
