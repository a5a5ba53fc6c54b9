//! `attest`: states what no machine can see, or imports what a scanner saw.

use std::{fs, io::Read, path::PathBuf};

use apimgmt::{
    Error, ExitCode,
    checklist::{judge, select, sources},
    report::{self, print},
    snapshot::{
        collect::{Client, Limits, Request, collect},
        sessions::{Import, ImportKind, Statement, StatementKind},
    },
    statement::{self, import, until},
};
use clap::Args;
use jiff::Timestamp;

use super::{NAMESPACE, one_item};
use crate::arguments::Global;

/// Longest evidence in words; what is longer is a file, of which the digest is kept.
const LONGEST: usize = 400;

/// Flags of `attest`.
#[derive(Debug, Args)]
pub(crate) struct Attest {
    /// Id of the item; with `--import` it may be left out
    #[arg(value_name = "ID", required_unless_present = "import")]
    id: Option<String>,
    /// What shows that it holds, in words, or `@FILE`, of which the digest is kept
    #[arg(long, value_name = "TEXT|@FILE", required_unless_present_any = ["revoke", "import"])]
    evidence: Option<String>,
    /// Until when it counts: `2027-01-31`, a time, or a length of time such as `30d`
    #[arg(long, value_name = "TIME", required_unless_present_any = ["revoke", "import"])]
    until: Option<String>,
    /// Take former attestations of the item back
    #[arg(long, conflicts_with_all = ["evidence", "until", "import"])]
    revoke: bool,
    /// Import a report of Trivy, Grype, kube-bench or kubescape (JSON), or SARIF
    #[arg(long, value_name = "FILE", conflicts_with_all = ["evidence", "until"], help_heading = "Importing")]
    import: Option<PathBuf>,
    /// When it was scanned, where the report does not say
    #[arg(long, value_name = "TIME", requires = "import", help_heading = "Importing")]
    scanned_at: Option<Timestamp>,
    /// Digest of the image, where the report does not name it
    #[arg(long, value_name = "sha256:…", requires = "import", help_heading = "Importing")]
    image: Option<String>,
}

/// Stores the attestation or the report in the release's namespace.
pub(crate) async fn run(global: &Global, attest: Attest) -> Result<ExitCode, Error> {
    let connected = global.connection().connect().await?;
    let (client, namespace) = (
        connected.client,
        connected.namespace.unwrap_or_else(|| NAMESPACE.into()),
    );
    if let Some(file) = &attest.import {
        return imported(&client, &namespace, &attest, file).await;
    }
    let item = one_item(attest.id.as_deref().unwrap_or_default())?;
    let mut statement = Statement {
        kind: StatementKind::Attestation,
        item: item.to_owned(),
        revoked: attest.revoke,
        ..Statement::default()
    };
    if !attest.revoke {
        (statement.text, statement.sha256) = evidence(attest.evidence.as_deref().unwrap_or_default())?;
        statement.until = Some(until(attest.until.as_deref().unwrap_or_default(), Timestamp::now())?);
        let request = Request {
            namespace: namespace.clone(),
            sources: sources(&select(&[item.to_owned()])?),
            context: connected.context,
            server: connected.server,
            limits: Limits::default(),
            config: None,
        };
        refuse_what_is_measured(item, &client, request).await?;
    }
    statement.by = statement::identity(&client).await?;
    let object = statement::keep_statement(&client, &namespace, &statement).await?;
    let what = if attest.revoke {
        "took back the attestation of"
    } else {
        "attested"
    };
    print(&format!(
        "{} {what} {item}: {object} in {namespace}\n",
        report::escape(&statement.by)
    ))?;
    Ok(ExitCode::Done)
}

/// Nobody ticks by hand what a machine can see.
async fn refuse_what_is_measured(item: &str, client: &Client, request: Request) -> Result<(), Error> {
    let snapshot = collect(client.clone(), request).await?;
    let sections = judge(&select(&[item.to_owned()])?, &snapshot);
    let row = sections.iter().flat_map(|section| &section.rows).next();
    match row.map(|row| (row.word(), row.detail().to_owned())) {
        None | Some(("manual", _)) => Ok(()),
        Some((word, detail)) => Err(Error::usage(format!(
            "`{item}` is measured, so nobody attests it; it is {word}: {}",
            report::escape(&detail)
        ))
        .hint(format!(
            "mend it, or set it aside for a while: `kubectl apimgmt waive {item} --until 7d --reason TEXT`"
        ))),
    }
}

/// The words, or the name of the file and its digest.
fn evidence(text: &str) -> Result<(String, String), Error> {
    let Some(file) = text.strip_prefix('@') else {
        if text.trim().is_empty() || text.chars().count() > LONGEST {
            return Err(
                Error::usage(format!("the evidence must have 1 to {LONGEST} characters"))
                    .hint("write more into a file and give `--evidence @FILE`"),
            );
        }
        return Ok((text.to_owned(), String::new()));
    };
    let bytes = bytes(&PathBuf::from(file))?;
    let name = file.rsplit('/').next().unwrap_or(file);
    Ok((name.to_owned(), statement::digest(&bytes)))
}

fn bytes(file: &PathBuf) -> Result<Vec<u8>, Error> {
    let refused = |error: std::io::Error| {
        Error::usage(format!("could not read `{}`", file.display()))
            .because(error)
            .hint("name a file that exists and can be read")
    };
    let mut bytes = Vec::new();
    fs::File::open(file)
        .and_then(|open| open.take(import::LARGEST + 1).read_to_end(&mut bytes))
        .map_err(refused)?;
    if bytes.len() as u64 > import::LARGEST {
        return Err(Error::usage(format!("`{}` is larger than 256 MiB", file.display())));
    }
    Ok(bytes)
}

async fn imported(client: &Client, namespace: &str, attest: &Attest, file: &PathBuf) -> Result<ExitCode, Error> {
    let mut report = import::read(&bytes(file)?)?;
    report.scanned_at = report.scanned_at.or(attest.scanned_at);
    if let Some(image) = &attest.image {
        report
            .digests
            .push(image.rsplit('@').next().unwrap_or(image).to_owned());
    }
    complete(&report, attest.id.as_deref())?;
    report.by = statement::identity(client).await?;
    let object = statement::keep_import(client, namespace, &report).await?;
    let counts: Vec<String> = report
        .counts
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    let counts = if counts.is_empty() {
        "no findings".to_owned()
    } else {
        counts.join(", ")
    };
    print(&format!(
        "imported {} of {}: {counts}; {object} in {namespace}\n",
        report::escape(&report.tool),
        report::escape(&report.subject)
    ))?;
    Ok(ExitCode::Done)
}

/// A report that does not say of what and from when proves nothing, nor does one of another kind than the item asks for.
fn complete(import: &Import, id: Option<&str>) -> Result<(), Error> {
    let proves: &[&str] = match import.kind {
        ImportKind::Image => &["security/images", "security/vulnerabilities"],
        ImportKind::Benchmark => &["security/compliance"],
    };
    if let Some(id) = id {
        let item = one_item(id)?;
        if !proves.contains(&item) {
            return Err(
                Error::usage(format!("a report of {} says nothing of `{item}`", import.tool))
                    .hint(format!("it is evidence for {}", proves.join(" and "))),
            );
        }
    }
    if import.scanned_at.is_none() {
        return Err(Error::usage("the report does not say when it was made")
            .hint("say it with `--scanned-at 2026-11-23T08:00:00Z`"));
    }
    let is_digest = |digest: &String| digest.starts_with("sha256:") && digest.len() == 71;
    if import.kind == ImportKind::Image && !(import.digests.iter().all(is_digest) && !import.digests.is_empty()) {
        return Err(Error::usage("the report does not name the digest of its image")
            .hint("say it with `--image sha256:…`; `kubectl get pods -o jsonpath={..imageID}` shows those that run"));
    }
    Ok(())
}
