//! HTTPS on every public host is trusted, modern and enforced.

use std::collections::BTreeSet;

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{Snapshot, Source, Unreadable, sessions::Host},
    values::{Expectations, ExpectedTls},
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/https",
    title: "HTTPS is trusted, modern and enforced",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "A client that can be talked down to plain text is not protected.",
    fix: "Correct the certificate or the ingress setting that is named.",
    reads: &[Source::Hosts, Source::Ingresses, Source::Expectations],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let answers = snapshot.hosts()?;
    let expected = row.read(snapshot.expectations());
    let ingresses = row.read(snapshot.ingresses());
    let mut hosts: BTreeSet<&str> = answers.iter().map(|answer| answer.host.as_str()).collect();
    hosts.extend(
        expected
            .into_iter()
            .flat_map(|expected| &expected.hosts)
            .map(|host| host.host.as_str()),
    );
    let rules = ingresses.into_iter().flatten().flat_map(|ingress| &ingress.spec.rules);
    hosts.extend(rules.map(|rule| rule.host.as_str()));
    // A wildcard is asked by the hosts that are declared for it.
    hosts.retain(|host| !host.is_empty() && !host.starts_with("*."));
    if hosts.is_empty() {
        row.unseen("no public host is declared, and no Ingress serves one");
    }
    for host in &hosts {
        let Some(answer) = answers.iter().find(|answer| answer.host == *host) else {
            row.unseen(format!("{host} was not asked"));
            continue;
        };
        if let Some(error) = &answer.error {
            row.moving(Source::Hosts, object(answer), "handshake", error);
            row.breach(format!("{host} does not complete a TLS handshake: {error}"));
            continue;
        }
        identity(&mut row, answer);
        if let Some(expected) = expected {
            strength(&mut row, answer, &expected.tls);
            enforcement(&mut row, answer, &expected.tls);
            redirect(&mut row, answer, expected);
        }
    }
    Ok(row.verdict(format!("{} trusted, modern and enforced", counted(hosts.len(), "host"))))
}

fn object(answer: &Host) -> String {
    format!("host/{}", answer.host)
}

fn identity(row: &mut Clauses<'_>, answer: &Host) {
    let host = &answer.host;
    let Some(leaf) = answer.served.first() else {
        row.unseen(format!("the certificate that {host} serves was not seen"));
        return;
    };
    row.stable(Source::Hosts, object(answer), "certificate", leaf.names.join(", "));
    match &answer.untrusted {
        Some(why) => row.breach(format!("the chain of {host} is not trusted: {why}")),
        None => row.stable(Source::Hosts, object(answer), "chain", "trusted"),
    }
    if !leaf.covers(host) {
        row.breach(format!("the certificate of {host} is for {}", leaf.names.join(", ")));
    }
}

/// `12` of `TLSv1.2` and `1.2`.
fn protocol(text: &str) -> Option<u32> {
    let (major, minor) = text.trim_start_matches("TLSv").split_once('.')?;
    Some(major.parse::<u32>().ok()? * 10 + minor.parse::<u32>().ok()?)
}

fn strength(row: &mut Clauses<'_>, answer: &Host, expected: &ExpectedTls) {
    let host = &answer.host;
    let minimum = protocol(&expected.minimum_version).map(|version| version.max(12));
    row.stable(
        Source::Hosts,
        object(answer),
        "protocol, suite",
        format!("{}, {}", answer.protocol, answer.cipher_suite),
    );
    match (protocol(&answer.protocol), minimum) {
        (Some(spoken), Some(minimum)) if spoken < minimum => {
            row.breach(format!(
                "{host} speaks {}, older than TLS {}",
                answer.protocol, expected.minimum_version
            ));
        }
        (Some(_), Some(_)) => {}
        (None, _) => row.unseen(format!("the TLS version that {host} speaks was not seen")),
        (_, None) => row.unseen(format!(
            "`checklist.tls.minimumVersion` is `{}`",
            expected.minimum_version
        )),
    }
    if answer.cipher_suite.is_empty() {
        row.unseen(format!("the cipher suite that {host} chose was not seen"));
    } else if is_weak(&answer.cipher_suite) {
        row.breach(format!("{host} chose the weak suite {}", answer.cipher_suite));
    }
    match &answer.old_protocols {
        None => row.unseen(format!(
            "whether {host} still accepts old TLS versions could not be tried"
        )),
        Some(old) => {
            let old: Vec<&str> = old
                .iter()
                .map(String::as_str)
                .filter(|old| protocol(old).is_none_or(|old| minimum.is_none_or(|minimum| old < minimum)))
                .collect();
            row.stable(Source::Hosts, object(answer), "old versions accepted", listed(&old));
            if !old.is_empty() {
                row.breach(format!("{host} still accepts {}", old.join(", ")));
            }
        }
    }
    match &answer.weak_suites {
        None => row.unseen(format!("whether {host} accepts weak suites could not be tried")),
        Some(weak) => {
            row.stable(Source::Hosts, object(answer), "weak suites accepted", listed(weak));
            if !weak.is_empty() {
                row.breach(format!("{host} accepts the weak suite {}", weak.join(", ")));
            }
        }
    }
}

fn listed(values: &[impl AsRef<str>]) -> String {
    if values.is_empty() {
        return "none".to_owned();
    }
    values.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ")
}

/// No forward secrecy, no authenticated encryption, or no encryption at all.
fn is_weak(suite: &str) -> bool {
    let suite = suite.to_ascii_uppercase().replace('-', "_");
    let authenticated = ["GCM", "CHACHA20", "CCM"].iter().any(|mode| suite.contains(mode));
    let modern = suite.starts_with("TLS13_") || (suite.starts_with("TLS_") && !suite.contains("_WITH_"));
    !authenticated || !(modern || suite.contains("ECDHE") || suite.contains("DHE_")) || suite.contains("_ANON_")
}

fn enforcement(row: &mut Clauses<'_>, answer: &Host, expected: &ExpectedTls) {
    let host = &answer.host;
    if expected.hsts {
        let header = answer.hsts.as_deref().unwrap_or("none");
        row.stable(Source::Hosts, object(answer), "Strict-Transport-Security", header);
        match (&answer.hsts, answer.https_status) {
            (Some(header), _) if max_age(header).is_some_and(|age| age > 0) => {}
            (Some(header), _) => row.breach(format!(
                "{host} sends Strict-Transport-Security `{header}`, which binds nobody"
            )),
            (None, Some(_)) => row.breach(format!("{host} sends no Strict-Transport-Security")),
            (None, None) => row.unseen(format!(
                "{host} gave no answer over HTTPS that would show Strict-Transport-Security"
            )),
        }
    }
}

fn redirect(row: &mut Clauses<'_>, answer: &Host, expected: &Expectations) {
    let host = &answer.host;
    if !expected.tls.redirect_http {
        return;
    }
    let declared = expected.hosts.iter().find(|declared| declared.host == *host);
    if declared.is_some_and(|declared| !declared.connect_to.is_empty() && declared.connect_to_http.is_empty()) {
        row.unseen(format!(
            "where {host} serves plain HTTP is not declared (`connectToHttp`)"
        ));
        return;
    }
    let location = answer.http_location.as_deref().unwrap_or_default();
    let status = answer
        .http_status
        .map_or_else(|| "none".to_owned(), |status| status.to_string());
    row.stable(
        Source::Hosts,
        object(answer),
        "plain HTTP",
        format!("{status} {location}"),
    );
    match (answer.http_status, &answer.http_error) {
        (Some(301 | 302 | 307 | 308), _) if leads_to_https(location) => {}
        (Some(status), _) => row.breach(format!(
            "{host} answers plain HTTP with {status} instead of a redirect to HTTPS"
        )),
        (None, Some(error)) => row.breach(format!("{host} does not redirect plain HTTP: {error}")),
        (None, None) => row.unseen(format!("whether {host} redirects plain HTTP was not seen")),
    }
}

fn leads_to_https(location: &str) -> bool {
    location
        .get(..8)
        .is_some_and(|start| start.eq_ignore_ascii_case("https://"))
}

/// The value of `max-age` in seconds.
fn max_age(header: &str) -> Option<u64> {
    header.split(';').find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim()
            .eq_ignore_ascii_case("max-age")
            .then(|| value.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::is_weak;

    #[test]
    fn suites_are_weak_without_forward_secrecy_or_authentication() {
        for strong in [
            "TLS13_AES_256_GCM_SHA384",
            "TLS_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "ECDHE-ECDSA-AES128-GCM-SHA256",
        ] {
            assert!(!is_weak(strong), "{strong}");
        }
        for weak in [
            "TLS_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
            "TLS_RSA_WITH_RC4_128_MD5",
            "TLS_DH_anon_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
            "TLS_ECDHE_RSA_WITH_NULL_SHA",
        ] {
            assert!(is_weak(weak), "{weak}");
        }
    }
}
