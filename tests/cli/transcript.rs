//! Runs a binary without a cluster and a clean environment, and writes down what a user would see.

use std::{fmt::Write, path::Path};

use assert_cmd::Command;

/// What the program `binary` answers to each command line: exit code, standard output, standard error.
pub(crate) fn transcript(binary: &str, shown_as: &str, lines: &[&[&str]]) -> String {
    let mut text = String::new();
    for arguments in lines {
        let output = run(binary, arguments);
        let _ = writeln!(text, "$ {shown_as} {}", arguments.join(" "));
        let _ = writeln!(
            text,
            "[exit {}]",
            output.status.code().map_or("signal".into(), |code| code.to_string())
        );
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            if !bytes.is_empty() {
                let _ = write!(text, "--- {name}\n{}", String::from_utf8_lossy(bytes));
            }
        }
        text.push('\n');
    }
    text
}

/// Runs it in the folder of the recordings, with an environment that holds nothing of this machine.
pub(crate) fn run(binary: &str, arguments: &[&str]) -> std::process::Output {
    Command::new(binary)
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/recordings"))
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("PATH", "/nonexistent")
        .output()
        .expect("the binary is built by cargo")
}
