//! The test alert against doubles of Alertmanager and of a receiver.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{Route, follow, sum};

/// What the double answers to a request's first line and body.
type Answers = dyn Fn(&str, &str) -> (u16, String) + Send + Sync;

/// A server that answers one request a connection.
async fn server(answers: Arc<Answers>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answers = answers.clone();
            tokio::spawn(async move {
                let (line, body) = heard(&mut stream).await;
                let (status, text) = answers(&line, &body);
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    text.len()
                );
                let _ = stream.write_all((head + &text).as_bytes()).await;
            });
        }
    });
    address
}

/// A request's first line, and its body to the end.
async fn heard(stream: &mut TcpStream) -> (String, String) {
    let mut text = String::new();
    loop {
        let mut piece = vec![0; 4096];
        let length = stream.read(&mut piece).await.unwrap_or_default();
        text.push_str(&String::from_utf8_lossy(&piece[..length]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let announced = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if length == 0 || body.len() >= announced.unwrap_or(0) {
            return (head.lines().next().unwrap_or_default().to_owned(), body.to_owned());
        }
    }
}

/// An Alertmanager that hands what it takes to `kept`, unless it is deaf.
async fn alertmanager(kept: Arc<Mutex<Vec<String>>>, state: &'static str, delivers: bool) -> String {
    server(Arc::new(move |line: &str, body: &str| {
        let mut kept = kept.lock().unwrap();
        if line.starts_with("POST") {
            kept.push(body.to_owned());
            return (200, String::new());
        }
        if line.contains("/metrics") {
            let sent = if delivers { kept.len() } else { 0 };
            return (
                200,
                format!("alertmanager_notifications_total{{integration=\"webhook\"}} {sent}\n"),
            );
        }
        (
            200,
            format!(r#"[{{"receivers": [{{"name": "default"}}], "status": {{"state": "{state}"}}}}]"#),
        )
    }))
    .await
}

fn route(alertmanager: String, receiver: String) -> Route {
    Route {
        alertmanager,
        receiver,
        path: "/alerts".into(),
        within: Duration::from_millis(20),
    }
}

#[tokio::test]
async fn an_alert_that_arrives_is_ended_and_nothing_is_left() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let alertmanager = alertmanager(kept.clone(), "active", true).await;
    let shown = kept.clone();
    let receiver = server(Arc::new(move |_: &str, _: &str| (200, shown.lock().unwrap().join("")))).await;
    let result = follow(&route(alertmanager, receiver), "abc").await;
    assert!(result.passed, "{result:?}");
    assert_eq!(result.values["receivers"], "default");
    assert_eq!(result.values["leftBehind"], "0");
    assert_eq!(kept.lock().unwrap().len(), 2, "fired and ended");
}

#[tokio::test]
async fn without_a_receiver_alertmanagers_count_tells() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let delivering = alertmanager(kept.clone(), "active", true).await;
    let result = follow(&route(delivering, String::new()), "abc").await;
    assert!(result.passed, "{result:?}");
    let silent = alertmanager(kept, "active", false).await;
    let result = follow(&route(silent, String::new()), "abc").await;
    assert!(result.detail.contains("tells nobody"), "{result:?}");
}

#[tokio::test]
async fn an_alert_that_goes_nowhere_says_where_it_was_lost() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let suppressing = alertmanager(kept, "suppressed", true).await;
    let empty = server(Arc::new(|_: &str, _: &str| (200, "[]".to_owned()))).await;
    let result = follow(&route(suppressing, empty), "abc").await;
    assert!(!result.passed);
    assert!(result.values["routed"].contains("silenced"), "{result:?}");
    assert!(result.values["arrived"].contains("not at"), "{result:?}");
}

#[test]
fn a_counter_is_summed_over_its_labels_alone() {
    let text = "# HELP alertmanager_notifications_total x\n\
                alertmanager_notifications_total{integration=\"email\"} 2\n\
                alertmanager_notifications_total{integration=\"webhook\"} 3\n\
                alertmanager_notifications_total_more 7\n";
    assert_eq!(sum(text, "alertmanager_notifications_total"), 5);
}
