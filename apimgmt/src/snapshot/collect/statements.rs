//! What people stored in the namespace: attestations and waivers, and reports of scanners. Each is one labelled config
//! map that nobody can change; who wrote it is what its author's identity was, and RBAC decides who may write one.

use serde::de::DeserializeOwned;

use super::{Run, expectations::ToolMap, trouble::Trouble};
use crate::{
    snapshot::{
        Source, hostile,
        sessions::{Import, Statement},
    },
    statement::{IMPORT_LABEL, KEY, STATEMENT_LABEL},
};

/// Digests of one image that are kept: far above what a scanner names.
const DIGESTS: usize = 16;

impl Run {
    /// Attestations and waivers. One that cannot be read is never passed over: it might be a revocation.
    pub(super) async fn statements(&self) -> Result<Vec<Statement>, Trouble> {
        let maps = self
            .tool_maps(Source::Statements, &format!("{STATEMENT_LABEL}=true"))
            .await?;
        maps.iter().map(statement).collect()
    }

    /// Reports of scanners.
    pub(super) async fn imports(&self) -> Result<Vec<Import>, Trouble> {
        let maps = self.tool_maps(Source::Imports, &format!("{IMPORT_LABEL}=true")).await?;
        maps.iter().map(import).collect()
    }
}

fn statement(map: &ToolMap) -> Result<Statement, Trouble> {
    let mut statement: Statement = content(map)?;
    for text in [
        &mut statement.item,
        &mut statement.by,
        &mut statement.text,
        &mut statement.sha256,
    ] {
        *text = hostile::line(text);
    }
    statement.object = object(map);
    statement.at = map.metadata.creation_timestamp;
    Ok(statement)
}

fn import(map: &ToolMap) -> Result<Import, Trouble> {
    let mut import: Import = content(map)?;
    for text in [
        &mut import.tool,
        &mut import.tool_version,
        &mut import.subject,
        &mut import.sha256,
        &mut import.by,
    ] {
        *text = hostile::line(text);
    }
    import.digests.truncate(DIGESTS);
    import
        .digests
        .iter_mut()
        .for_each(|digest| *digest = hostile::line(digest));
    import.object = object(map);
    import.at = map.metadata.creation_timestamp;
    Ok(import)
}

fn object(map: &ToolMap) -> String {
    format!("configmap/{}", map.metadata.name)
}

fn content<T: DeserializeOwned>(map: &ToolMap) -> Result<T, Trouble> {
    let name = &map.metadata.name;
    let text = map
        .data
        .get(KEY)
        .ok_or_else(|| Trouble::failed(format!("configmap/{name} has no key `{KEY}`")))?;
    serde_json::from_str(text)
        .map_err(|error| Trouble::failed(hostile::line(&format!("`{KEY}` of configmap/{name}: {error}"))))
}
