//! The double as Alertmanager and a reader see it: a real process.
#![expect(
    clippy::unwrap_used,
    reason = "everything here is a test, also what Clippy does not see as one"
)]
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

struct Receiver {
    process: Child,
    url: String,
    client: Client,
}

impl Receiver {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alert-receiver"));
        command.env_clear().env("LISTEN", "127.0.0.1:0").stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("alert-receiver listens on ").unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            process,
            url: format!("http://{address}/alerts"),
            client: Client::builder().no_proxy().tls_certs_only([]).build().unwrap(),
        }
    }

    async fn send(&self, alerts: Value) -> StatusCode {
        // As Alertmanager words it, with the fields that are not kept.
        let body =
            json!({"version": "4", "receiver": "default", "status": "firing", "groupKey": "{}", "alerts": alerts});
        self.client.post(&self.url).json(&body).send().await.unwrap().status()
    }

    async fn kept(&self) -> Vec<Value> {
        self.client.get(&self.url).send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn alert(name: &str) -> Value {
    json!({"status": "firing", "labels": {"alertname": name}, "annotations": {"summary": "s"}, "startsAt": "2026-11-23T08:00:00Z", "fingerprint": "0"})
}

#[tokio::test]
async fn what_arrives_is_shown_in_order() {
    let receiver = Receiver::start();
    assert!(receiver.kept().await.is_empty());
    assert_eq!(receiver.send(json!([alert("one"), alert("two")])).await, StatusCode::OK);
    let kept = receiver.kept().await;
    let names: Vec<_> = kept.iter().map(|alert| &alert["labels"]["alertname"]).collect();
    assert_eq!(names, ["one", "two"]);
}

#[tokio::test]
async fn only_the_newest_are_kept() {
    let receiver = Receiver::start();
    let many: Vec<_> = (0..501).map(|number| alert(&number.to_string())).collect();
    receiver.send(json!(many)).await;
    let kept = receiver.kept().await;
    assert_eq!((kept.len(), &kept[0]["labels"]["alertname"]), (500, &json!("1")));
}

#[tokio::test]
async fn what_is_no_notification_is_refused() {
    let receiver = Receiver::start();
    let answer = receiver.client.post(&receiver.url).json(&json!({"alerts": "all"}));
    assert_eq!(answer.send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(receiver.kept().await.is_empty());
}
