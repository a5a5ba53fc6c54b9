//! Ctrl-C, SIGTERM and SIGHUP: asked for once, heard by every step that may stop.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Whether somebody wants us to stop.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<u32>);

impl Interrupt {
    /// Listens from now on; the signals no longer end the process by themselves.
    pub fn listen() -> Self {
        let (sender, receiver) = watch::channel(0);
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let sender = sender.clone();
            if let Ok(mut signals) = signal(kind) {
                tokio::spawn(async move {
                    while signals.recv().await.is_some() {
                        sender.send_modify(|times| *times += 1);
                    }
                });
            }
        }
        Self(receiver)
    }

    /// Nobody ever asks.
    pub fn never() -> Self {
        Self(watch::channel(0).1)
    }

    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|times| *times > 0).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
