//! Trials on a live cluster: `KUBECONFIG=… NAMESPACE=… cargo test -p apimgmt -- --ignored live --nocapture`.

use kube::Config;

use super::{Limits, Request, client, collect};
use crate::snapshot::Source;

#[tokio::test]
#[ignore = "needs a cluster: KUBECONFIG and NAMESPACE"]
async fn live_everything_is_read_or_says_why() {
    let config = Config::infer().await.unwrap();
    let request = Request {
        namespace: std::env::var("NAMESPACE").unwrap_or_else(|_| "integration-api-management".into()),
        sources: Source::ALL.iter().copied().collect(),
        context: String::new(),
        server: config.cluster_url.to_string(),
        limits: Limits::default(),
        config: None,
    };
    let snapshot = collect(client(config).unwrap(), request).await.unwrap();
    println!("{}", snapshot.to_recording());
    println!("{:?}", snapshot.cost);
    for source in Source::ALL {
        if let Some(why) = snapshot.readings.unreadable(*source) {
            println!("{}: {why}", source.id());
        }
    }
}

#[test]
#[ignore = "a measurement: POD_JSON names a file with one pod"]
fn live_what_ten_thousand_strangers_take() {
    let text = std::fs::read(std::env::var("POD_JSON").unwrap()).unwrap();
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .unwrap()
            .to_owned()
    };
    println!(
        "before {} {} {}",
        resident(),
        size_of::<crate::snapshot::strangers::Stranger>(),
        size_of::<crate::snapshot::Pod>()
    );
    let begun = std::time::Instant::now();
    let pods: Vec<_> = (0..10_003)
        .map(|_| serde_json::from_slice::<crate::snapshot::strangers::Stranger>(&text).unwrap())
        .collect();
    println!("after {} {:?} {} bytes each", resident(), begun.elapsed(), text.len());
    drop(pods);
}
