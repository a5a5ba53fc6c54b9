//! The private registry of the node: TLS by the sandbox's authority, one account, storage that outlives the node.
use std::{
    fmt::Write as _,
    fs,
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::{
    file,
    site::{NODE_ADDRESS, REGISTRY, Site},
};

/// The account of the pull secret.
pub(crate) const ACCOUNT: &str = "puller";

/// Writes the configuration, and a password on the first time.
pub(crate) fn configure(site: &Site) -> Result<()> {
    let password_file = site.in_state("registry.password");
    if !password_file.exists() {
        let mut random = [0_u8; 16];
        std::io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut random)?;
        let password = random.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        file::write_private(&password_file, &password)?;
    }
    if site.light {
        return Ok(());
    }
    let accounts = site.in_state("etc/registry.htpasswd");
    file::write_private(&accounts, &account(&password(site)?)?)?;
    let configuration = json!({
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": true}},
        "storage": {
            "filesystem": {"rootdirectory": site.text("registry")},
            "delete": {"enabled": true},
        },
        "http": {
            "addr": format!("{NODE_ADDRESS}:5000"),
            "relativeurls": true,
            "tls": {"certificate": site.text("pki/registry.crt"), "key": site.text("pki/registry.key")},
        },
        "auth": {"htpasswd": {"realm": "sandbox", "path": accounts.display().to_string()}},
    });
    file::write(
        &site.in_state("etc/registry.yaml"),
        &serde_yaml::to_string(&configuration)?,
    )
}

/// One line of a password file, of the only kind that the registry takes.
fn account(password: &str) -> Result<String> {
    let mut htpasswd = Command::new("htpasswd")
        // The lowest cost that bcrypt has: the registry computes it anew for every request.
        .args(["-niB", "-C", "4", ACCOUNT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("can't run htpasswd\nhint: it is in Debian's package apache2-utils")?;
    htpasswd
        .stdin
        .take()
        .context("htpasswd takes no input")?
        .write_all(password.as_bytes())?;
    let output = htpasswd.wait_with_output()?;
    ensure!(output.status.success(), "htpasswd failed: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

fn password(site: &Site) -> Result<String> {
    let path = site.in_state("registry.password");
    fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))
}

/// The content of a pull secret, as `kubectl create secret docker-registry` makes it.
pub(crate) fn pull_secret(site: &Site) -> Result<String> {
    let (account, password) = (ACCOUNT, password(site)?);
    Ok(json!({"auths": {REGISTRY: {"username": account, "password": password}}}).to_string())
}
