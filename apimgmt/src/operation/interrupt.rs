//! Ctrl-C, SIGTERM and SIGHUP: asked for once, heard by every step that may stop.

use crate::{Error, ExitCode};

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

    /// Work that changes nothing, and so may be dropped at any point.
    ///
    /// A terminal's Ctrl-C reaches the Helm that the work waits for as well. Whatever fails once somebody asked failed
    /// because of it, so it is told as interrupted and not as that Helm's error.
    ///
    /// # Errors
    /// What the work says, or that it was interrupted.
    pub async fn or<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let interrupted = || Error::new(ExitCode::Interrupted, "interrupted before anything was changed");
        tokio::select! {
            biased;
            () = self.asked() => Err(interrupted()),
            done = work => done.map_err(|error| if self.is_asked() { interrupted() } else { error }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_fails_once_somebody_asked_was_interrupted() {
        let (sender, receiver) = watch::channel(0);
        let interrupt = Interrupt(receiver);
        let killed = async {
            sender.send_modify(|times| *times += 1);
            Err::<(), _>(Error::usage("the values can't be read"))
        };
        let told = interrupt.or(killed).await.map_err(|error| error.code());
        assert_eq!(told, Err(ExitCode::Interrupted));
    }

    #[tokio::test]
    async fn work_that_never_ends_is_left_and_other_errors_stay_what_they_are() {
        let (_sender, receiver) = watch::channel(1);
        let told = Interrupt(receiver)
            .or(std::future::pending::<Result<(), Error>>())
            .await;
        assert_eq!(told.map_err(|error| error.code()), Err(ExitCode::Interrupted));
        let mistaken = async { Err::<(), _>(Error::usage("the values can't be read")) };
        let told = Interrupt::never().or(mistaken).await;
        assert_eq!(told.map_err(|error| error.code()), Err(ExitCode::Usage));
    }
}
