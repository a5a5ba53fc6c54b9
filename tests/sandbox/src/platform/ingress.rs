//! `HAProxy` as a process: its files, its reload without a lost connection, and the address it tells the cluster.
use std::{fs, sync::Arc};

use anyhow::{Context, Result};
use k8s_openapi::api::networking::v1::Ingress;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{haproxy, haproxy::Plan, log};
use crate::{
    file,
    node::configuration::INGRESS_PROCESS,
    process::run,
    site::{NODE_ADDRESS, Site},
};

/// Writes the plan's files. `HAProxy` starts as soon as the configuration is there, so that comes last.
pub(super) fn write(site: &Site, plan: &Plan) -> Result<()> {
    let folder = site.in_state("ingress");
    let pki = |file: &str| fs::read_to_string(site.in_state("pki").join(file));
    file::write_private(
        &folder.join("fallback.pem"),
        &(pki("fallback.crt")? + &pki("fallback.key")?),
    )?;
    for (name, bundle) in &plan.certificates {
        file::write_private(&folder.join(name), bundle)?;
    }
    file::write(&folder.join("certificates.list"), &plan.certificate_list)?;
    let new = folder.join("haproxy.new");
    file::write(&new, &plan.configuration)?;
    fs::rename(&new, folder.join("haproxy.cfg")).context("can't replace the ingress's configuration")
}

/// Writes the plan and has the running `HAProxy` take it, if it takes it at all.
pub(super) fn serve(site: &Site, plan: &Plan) -> Result<()> {
    for problem in &plan.problems {
        log(problem);
    }
    write(site, plan)?;
    if let Err(error) = run("haproxy", &["-c", "-q", "-f", &site.text("ingress/haproxy.cfg")]) {
        log(&format!("the ingress goes on with its former configuration: {error:#}"));
        return Ok(());
    }
    let process = fs::read_to_string(INGRESS_PROCESS)
        .ok()
        .and_then(|text| Pid::from_raw(text.lines().next()?.trim().parse().ok()?));
    match process {
        Some(process) => kill_process(process, Signal::USR2).context("can't tell the ingress to reload")?,
        // It is about to start, and will read what was just written.
        None => log("the ingress isn't running yet"),
    }
    Ok(())
}

/// Tells every served Ingress the address it can be reached at.
pub(super) async fn publish_address(client: &Client, ingresses: &[Arc<Ingress>]) {
    let address = json!([{"ip": NODE_ADDRESS}]);
    for ingress in ingresses.iter().filter(|ingress| haproxy::is_ours(ingress)) {
        let told = ingress
            .status
            .as_ref()
            .and_then(|status| status.load_balancer.as_ref()?.ingress.as_ref());
        if told.is_some_and(|told| told.iter().any(|one| one.ip.as_deref() == Some(NODE_ADDRESS))) {
            continue;
        }
        let api = Api::<Ingress>::namespaced(client.clone(), &ingress.namespace().unwrap_or_default());
        let patch = Patch::Merge(json!({"status": {"loadBalancer": {"ingress": address}}}));
        if let Err(error) = api
            .patch_status(&ingress.name_any(), &PatchParams::default(), &patch)
            .await
        {
            log(&format!(
                "can't tell Ingress {} its address: {error}",
                ingress.name_any()
            ));
        }
    }
}
