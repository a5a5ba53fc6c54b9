//! Bundles: one archive that holds a recording, what was found in it, and what a reader of the incident looks up next.
//!
//! Everything in it comes from the Snapshot, which holds no secret. `findings.json` and `findings.md` are what
//! `troubleshoot` said, `recording.yaml` is what it saw, `logs/POD/CONTAINER.log` the last lines of each container
//! that was asked, `objects/KIND-NAME.yaml` each object that a finding names, with its events.

use std::io::{self, Read};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::json;

use super::{Form, Style, text, troubleshoot::Report};
use crate::{Error, snapshot::Snapshot};

/// The recording's place in the archive.
const RECORDING: &str = "recording.yaml";
/// The bytes that every gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Most bytes that a bundle may unpack to: a hundred times what a recording of 10,000 pods takes.
const LARGEST: u64 = 1 << 30;

/// The archive of a run: tar, packed by gzip; the same run gives the same bytes.
pub fn packed(snapshot: &Snapshot, report: &Report) -> Result<Vec<u8>, Error> {
    let plain = Style {
        color: false,
        width: text::DEFAULT_WIDTH,
    };
    let mut archive = Archive::new(snapshot);
    archive
        .put(RECORDING, &snapshot.to_recording())
        .and_then(|()| archive.put("findings.json", &report.render(Form::Json, plain)))
        .and_then(|()| archive.put("findings.md", &report.markdown()))
        .and_then(|()| archive.put_logs(snapshot))
        .and_then(|()| archive.put_objects(snapshot, report))
        .and_then(|()| archive.tar.into_inner()?.finish())
        .map_err(|error| Error::could_not("could not pack the bundle").because(error))
}

/// The recording in a file's bytes: of a bundle its part, else the file itself.
pub fn recording(bytes: Vec<u8>) -> Result<String, Error> {
    let text = if bytes.starts_with(&GZIP) {
        unpacked(&bytes)
    } else {
        String::from_utf8(bytes).map_err(io::Error::other)
    };
    text.map_err(|error| {
        Error::usage("the recording could not be read")
            .because(error)
            .hint("name a file that `--record` or `--bundle` wrote")
    })
}

fn unpacked(bytes: &[u8]) -> io::Result<String> {
    let mut archive = tar::Archive::new(GzDecoder::new(bytes).take(LARGEST));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path_bytes().as_ref() == RECORDING.as_bytes() {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            return Ok(text);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        format!("the archive holds no {RECORDING}"),
    ))
}

struct Archive {
    tar: tar::Builder<GzEncoder<Vec<u8>>>,
    written_at: u64,
}

impl Archive {
    fn new(snapshot: &Snapshot) -> Self {
        Self {
            tar: tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default())),
            written_at: u64::try_from(snapshot.taken_at.as_second()).unwrap_or(0),
        }
    }

    fn put(&mut self, path: &str, content: &str) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(self.written_at);
        self.tar.append_data(&mut header, path, content.as_bytes())
    }

    fn put_logs(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        for tail in snapshot.logs().into_iter().flatten() {
            let run = if tail.previous { "-previous" } else { "" };
            let path = format!("logs/{}/{}{run}.log", plain(&tail.pod), plain(&tail.container));
            let mut lines: Vec<_> = tail.lines.iter().map(|line| text::escape(line)).collect();
            // The last line ends, too.
            lines.push(String::new());
            self.put(&path, &lines.join("\n"))?;
        }
        Ok(())
    }

    fn put_objects(&mut self, snapshot: &Snapshot, report: &Report) -> io::Result<()> {
        for (object, described) in snapshot.described(&report.objects()) {
            let events: Vec<_> = snapshot
                .events()
                .into_iter()
                .flatten()
                .filter(|event| event.is_about(&object))
                .collect();
            let path = format!("objects/{}.yaml", plain(&object));
            self.put(&path, &super::yaml(&json!({ "objects": described, "events": events })))?;
        }
        Ok(())
    }
}

/// A name of the cluster as the name of a file that stays where it is put.
fn plain(name: &str) -> String {
    let letters = name.chars().map(|letter| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => letter,
        '.' => '.',
        _ => '-',
    });
    letters.collect::<String>().trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnoses::{self, diagnose};

    const BROKEN: &str = "takenAt: 2026-11-24T00:00:00Z
objects:
  - {kind: Secret, apiVersion: v1, metadata: {name: login}}
  - kind: Pod
    apiVersion: v1
    metadata: {name: gateway-1, uid: one}
    spec: {containers: [{name: app, image: gateway:1}]}
    status:
      phase: Pending
      containerStatuses:
        - name: app
          state: {waiting: {reason: ErrImagePull, message: 'gateway:1: not found'}}
  - kind: Event
    apiVersion: v1
    metadata: {name: failed}
    type: Warning
    involvedObject: {kind: Pod, name: gateway-1, uid: one}
    reason: Failed
    message: 'Failed to pull image \"gateway:1\": not found'
    lastTimestamp: 2026-11-24T00:00:00Z
facts:
  logs: [{pod: ../../gateway-1, container: app, previous: true, lines: [\"\\u001b[31mgone\"]}]
";

    fn bundle() -> (Snapshot, Vec<u8>) {
        let snapshot = Snapshot::from_recording(BROKEN).unwrap();
        let report = Report::new(&snapshot, diagnose(diagnoses::ALL, &snapshot));
        let bytes = packed(&snapshot, &report).unwrap();
        (snapshot, bytes)
    }

    fn files(bytes: &[u8]) -> Vec<(String, String)> {
        let mut archive = tar::Archive::new(GzDecoder::new(bytes));
        let entries = archive.entries().unwrap().map(Result::unwrap);
        entries
            .map(|mut entry| {
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                (entry.path().unwrap().display().to_string(), text)
            })
            .collect()
    }

    #[test]
    fn a_bundle_reads_back_as_what_was_seen() {
        let (snapshot, bytes) = bundle();
        assert_eq!(recording(bytes).unwrap(), snapshot.to_recording());
    }

    #[test]
    fn a_recording_reads_as_it_is() {
        assert_eq!(recording(BROKEN.into()).unwrap(), BROKEN);
    }

    #[test]
    fn the_same_run_gives_the_same_bytes() {
        assert_eq!(bundle().1, bundle().1);
    }

    #[test]
    fn what_a_reader_looks_up_next_is_inside_under_harmless_names() {
        let files = files(&bundle().1);
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "recording.yaml",
                "findings.json",
                "findings.md",
                "logs/-..-gateway-1/app-previous.log",
                "objects/pod-gateway-1.yaml"
            ]
        );
        assert!(!files[3].1.contains('\u{1b}'), "{:?}", files[3].1);
        assert!(files[4].1.contains("Failed to pull image"), "{}", files[4].1);
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        for bytes in [&[0x1f, 0x8b, 0][..], &[0xff, 0xfe][..]] {
            let error = recording(bytes.to_vec()).unwrap_err();
            assert_eq!(error.code(), crate::ExitCode::Usage, "{error}");
        }
    }

    #[test]
    fn a_bundle_cut_off_is_refused() {
        let mut bytes = bundle().1;
        bytes.truncate(40);
        assert!(recording(bytes).is_err());
    }
}
