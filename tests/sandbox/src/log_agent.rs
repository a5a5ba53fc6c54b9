//! The node's log agent, as a platform team would run one: what containers of releases write goes to Loki, line by line.
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    identity,
    inventory::SYSTEM_NAMESPACES,
    observability::{self, LOKI_ADDRESS, LOKI_PORT},
    site::Site,
};

/// Between two looks at the files.
const PAUSE: Duration = Duration::from_millis(500);
/// The same while nobody takes them: a lean sandbox has no Loki.
const LONG_PAUSE: Duration = Duration::from_secs(5);
/// Longest time for one push.
const LIMIT: Duration = Duration::from_secs(5);
/// Most bytes of one file that are taken at once: a flood in one waits for the next look.
const PIECE: u64 = 1 << 20;
/// One container's file of lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stream {
    namespace: String,
    pod: String,
    container: String,
}

/// What is to be sent: lines with their times in nanoseconds.
type Lines = BTreeMap<Stream, Vec<(String, String)>>;

/// Follows the files until it is killed. What could not be sent is read again.
pub(crate) async fn run(site: &Site) -> Result<()> {
    let folder = site.in_state("log/pods");
    let mut sent: BTreeMap<PathBuf, u64> = BTreeMap::new();
    let mut takes_them = true;
    loop {
        sleep(if takes_them { PAUSE } else { LONG_PAUSE }).await;
        let (lines, read) = look(&folder, &sent);
        if lines.is_empty() {
            continue;
        }
        let pushed = timeout(LIMIT, push(&lines)).await;
        let pushed = pushed.unwrap_or_else(|_| bail!("no answer in time"));
        match &pushed {
            Ok(()) => sent = read,
            // Once is enough: without Loki this would be all that it ever says.
            Err(error) if takes_them => say(&format!("logs can't be sent: {error:#}")),
            Err(_) => {}
        }
        takes_them = pushed.is_ok();
    }
}

/// Whose logs are the platform's own affair.
fn is_of_platform(namespace: &str) -> bool {
    SYSTEM_NAMESPACES.contains(&namespace) || [identity::NAMESPACE, observability::NAMESPACE].contains(&namespace)
}

/// New whole lines of all files, and how far each is then read. Files that are gone are forgotten.
fn look(folder: &Path, sent: &BTreeMap<PathBuf, u64>) -> (Lines, BTreeMap<PathBuf, u64>) {
    let (mut lines, mut read) = (Lines::new(), BTreeMap::new());
    for (stream, path) in files(folder) {
        let from = sent.get(&path).copied().unwrap_or(0);
        // A file may end between two looks.
        let Ok((text, to)) = new_text(&path, from) else {
            continue;
        };
        let new: Vec<_> = text.lines().filter_map(line).collect();
        if !new.is_empty() {
            lines.entry(stream).or_default().extend(new);
        }
        read.insert(path, to);
    }
    (lines, read)
}

/// `NAMESPACE_POD_UID/CONTAINER/N.log`
fn files(folder: &Path) -> Vec<(Stream, PathBuf)> {
    let inside = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for pod in inside(folder) {
        let title = name(&pod);
        let mut parts = title.splitn(3, '_');
        let (Some(namespace), Some(pod_name)) = (parts.next(), parts.next()) else {
            continue;
        };
        if is_of_platform(namespace) {
            continue;
        }
        for container in inside(&pod) {
            let stream = Stream {
                namespace: namespace.to_owned(),
                pod: pod_name.to_owned(),
                container: name(&container),
            };
            let logs = inside(&container).into_iter();
            let logs = logs.filter(|file| file.extension().is_some_and(|ending| ending == "log"));
            found.extend(logs.map(|file| (stream.clone(), file)));
        }
    }
    found
}

/// What a file holds past `from`, up to its last whole line, and where that ends.
fn new_text(path: &Path, from: u64) -> Result<(String, u64)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    // Shorter than it was: another file has its name now.
    let from = if length < from { 0 } else { from };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(PIECE).read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    bytes.truncate(whole);
    Ok((String::from_utf8_lossy(&bytes).into_owned(), from + whole as u64))
}

/// `TIME stdout F TEXT`, as container runtimes write it.
fn line(text: &str) -> Option<(String, String)> {
    let mut parts = text.splitn(4, ' ');
    let time: Timestamp = parts.next()?.parse().ok()?;
    let text = parts.nth(2)?;
    Some((time.as_nanosecond().to_string(), text.to_owned()))
}

/// Sends lines as Loki's push API takes them.
async fn push(lines: &Lines) -> Result<()> {
    let streams: Vec<Value> = lines
        .iter()
        .map(|(stream, values)| {
            json!({
                "stream": {"namespace": stream.namespace, "pod": stream.pod, "container": stream.container},
                "values": values,
            })
        })
        .collect();
    let body = json!({"streams": streams}).to_string();
    let mut connection = TcpStream::connect((LOKI_ADDRESS, LOKI_PORT)).await?;
    let head = format!(
        "POST /loki/api/v1/push HTTP/1.1\r\nHost: loki\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body.as_bytes()).await?;
    let mut answer = String::new();
    connection.take(4096).read_to_string(&mut answer).await?;
    let status: u16 = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .context("the answer is not HTTP")?;
    if status == 400 {
        // What it will never take must not hold up what comes after.
        say(&format!(
            "lines were refused: {}",
            answer.lines().last().unwrap_or_default()
        ));
        return Ok(());
    }
    ensure!(status < 500, "Loki answered {status}");
    if status >= 300 {
        bail!("Loki answered {status}");
    }
    Ok(())
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{} {text}", Timestamp::now());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_once_whole_and_from_releases_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = |pod: &str| {
            let container = folder.path().join(pod).join("app");
            fs::create_dir_all(&container).unwrap();
            container.join("0.log")
        };
        let (release, platform) = (file("shop_app-1_uid"), file("kube-system_dns_uid"));
        let written = "2026-11-23T08:00:00.5Z stdout F one two\n2026-11-23T08:00:01Z stderr F hal";
        fs::write(&release, written).unwrap();
        fs::write(platform, written).unwrap();
        let (lines, read) = look(folder.path(), &BTreeMap::new());
        let stream = Stream {
            namespace: "shop".to_owned(),
            pod: "app-1".to_owned(),
            container: "app".to_owned(),
        };
        let expected = vec![("1795420800500000000".to_owned(), "one two".to_owned())];
        assert_eq!(lines, Lines::from([(stream, expected)]));
        fs::write(&release, written.to_owned() + "f\n").unwrap();
        let (lines, read) = look(folder.path(), &read);
        assert_eq!(lines.into_values().next().unwrap()[0].1, "half");
        assert!(look(folder.path(), &read).0.is_empty());
        fs::write(&release, "2026-11-23T08:00:02Z stdout F anew\n").unwrap();
        assert_eq!(look(folder.path(), &read).0.into_values().next().unwrap()[0].1, "anew");
    }
}
