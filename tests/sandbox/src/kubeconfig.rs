//! Kubeconfigs: one for people and tests, one for each component inside the node.
use std::{fs, path::Path};

use anyhow::{Context, Result};
use k8s_openapi::ByteString;
use serde_json::json;

use crate::{record::Ports, site::Site};

/// Writes the kubeconfigs of the components, which speak to the API server directly.
pub(crate) fn write_inside(site: &Site, api: u16) -> Result<()> {
    let server = format!("https://127.0.0.1:{api}");
    for component in ["admin", "controller-manager", "scheduler", "proxy", "kubelet"] {
        write(
            site,
            component,
            &server,
            &site.in_state("etc").join(format!("{component}.kubeconfig")),
        )?;
    }
    Ok(())
}

/// Writes the kubeconfig of this checkout, whose only context is `sandbox`, and the authority's certificate beside it.
pub(crate) fn write_outside(site: &Site, ports: Ports) -> Result<()> {
    let authority = site.output.join("ca.crt");
    fs::create_dir_all(&site.output)
        .and_then(|()| fs::copy(site.in_state("pki/ca.crt"), &authority))
        .with_context(|| format!("can't write {}", authority.display()))?;
    write(
        site,
        "admin",
        &format!("https://127.0.0.1:{}", ports.api),
        &site.kubeconfig(),
    )
}

fn write(site: &Site, user: &str, server: &str, path: &Path) -> Result<()> {
    let read = |file: String| -> Result<ByteString> {
        let path = site.in_state("pki").join(file);
        fs::read(&path)
            .map(ByteString)
            .with_context(|| format!("can't read {}", path.display()))
    };
    let text = serde_yaml::to_string(&json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [{
            "name": "sandbox",
            "cluster": {"server": server, "certificate-authority-data": read("ca.crt".to_owned())?},
        }],
        "users": [{
            "name": user,
            "user": {
                "client-certificate-data": read(format!("{user}.crt"))?,
                "client-key-data": read(format!("{user}.key"))?,
            },
        }],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
    }))?;
    crate::file::write_private(path, &text)
}
