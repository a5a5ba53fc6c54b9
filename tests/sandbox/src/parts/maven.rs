//! What is fetched from Maven Central, and the Java that runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Error;
use super::run::Runner;

/// Where Debian has the runtime.
pub(super) const JAVA: &str = "/usr/lib/jvm/java-17-openjdk-amd64";

/// A file of Maven Central by its coordinates.
pub(super) struct Artifact {
    pub group: &'static str,
    pub name: &'static str,
    pub version: &'static str,
    /// The ending of its name.
    pub kind: &'static str,
    /// Empty for the main one of its kind.
    pub classifier: &'static str,
}

impl Artifact {
    fn coordinates(&self) -> String {
        let all = [self.group, self.name, self.version, self.kind, self.classifier];
        all.join(":").trim_end_matches(':').to_owned()
    }

    fn file(&self) -> String {
        let parts = [self.name, self.version, self.classifier];
        format!("{}.{}", parts.join("-").trim_end_matches('-'), self.kind)
    }
}

/// Fetches the file into the folder, and tells where it is.
pub(super) fn fetch(runner: &Runner, purpose: &str, artifact: &Artifact, folder: &Path) -> Result<PathBuf, Error> {
    let mut maven = Command::new("mvn");
    maven
        .args(["--quiet", "--batch-mode", "dependency:copy"])
        .arg(format!("-Dartifact={}", artifact.coordinates()))
        .arg(format!("-DoutputDirectory={}", folder.display()))
        .current_dir(folder);
    runner.run(purpose, &mut maven)?;
    Ok(folder.join(artifact.file()))
}

#[cfg(test)]
mod tests {
    use super::Artifact;

    #[test]
    fn a_classifier_is_named_only_where_there_is_one() {
        let mut artifact = Artifact {
            group: "io.zipkin",
            name: "zipkin-server",
            version: "3.5.1",
            kind: "jar",
            classifier: "exec",
        };
        assert_eq!(artifact.coordinates(), "io.zipkin:zipkin-server:3.5.1:jar:exec");
        assert_eq!(artifact.file(), "zipkin-server-3.5.1-exec.jar");
        artifact.classifier = "";
        assert_eq!(artifact.coordinates(), "io.zipkin:zipkin-server:3.5.1:jar");
        assert_eq!(artifact.file(), "zipkin-server-3.5.1.jar");
    }
}
