//! What the application's database role must be able to do.

use serde::{Deserialize, Serialize};

/// Privileges on every table of some schemas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedPrivileges {
    /// Schemas with the application's tables.
    pub schemas: Vec<String>,
    /// `SELECT`, `INSERT`, `UPDATE`, `DELETE`.
    pub tables: Vec<String>,
    /// Tables of which reading is enough, as `schema.table`.
    pub read_only: Vec<String>,
}

impl Default for ExpectedPrivileges {
    fn default() -> Self {
        Self {
            schemas: vec!["public".into()],
            tables: ["SELECT", "INSERT", "UPDATE", "DELETE"].map(str::to_owned).into(),
            read_only: vec!["public.schema_migrations".into()],
        }
    }
}
