//! Many questions to one server over few connections: each port-forward costs the API server and the node more than the
//! question itself.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::HeaderValue;
use tokio::{sync::Semaphore, time::timeout_at};

use super::{
    Run,
    http_call::{Conversation, Reply},
    reach::Reach,
    trouble::Trouble,
    tunnel::Tunnel,
};

/// A server that is asked by HTTP.
pub(super) struct Caller<'a> {
    run: &'a Run,
    reach: &'a Reach,
    idle: Mutex<Vec<Line>>,
    places: Semaphore,
}

/// A connection and the way that it takes.
struct Line {
    conversation: Conversation,
    way: Tunnel,
}

/// One question.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// Path with its query.
    pub(super) path: &'a str,
    /// `Authorization`, where the server wants one.
    pub(super) authorization: Option<&'a HeaderValue>,
    /// Longest time for the answer.
    pub(super) within: Duration,
    /// Most bytes of the body that are read.
    pub(super) most: usize,
}

impl<'a> Caller<'a> {
    /// A server behind `reach`, asked over at most `lines` connections at once.
    pub(super) fn new(run: &'a Run, reach: &'a Reach, lines: usize) -> Self {
        Self {
            run,
            reach,
            idle: Mutex::default(),
            places: Semaphore::new(lines),
        }
    }

    /// Sees to it that a connection is open, so that the next answer takes no longer than the server does.
    pub(super) async fn prepare(&self) -> Result<(), Trouble> {
        let line = match self.kept() {
            Some(line) => line,
            None => self.open().await?,
        };
        self.keep(line);
        Ok(())
    }

    /// The answer to a question.
    ///
    /// # Errors
    /// When the server cannot be reached, hangs up, or does not answer in time.
    pub(super) async fn get(&self, question: Question<'_>) -> Result<Reply, Trouble> {
        let _place = self
            .places
            .acquire()
            .await
            .map_err(|error| Trouble::failed(error.to_string()))?;
        if let Some(line) = self.kept() {
            match self.ask(line, question).await {
                // The server may have hung up since the last answer.
                Ok(Err(_)) => {}
                Ok(Ok(reply)) => return Ok(reply),
                Err(trouble) => return Err(trouble),
            }
        }
        self.ask(self.open().await?, question).await?.map_err(Trouble::session)
    }

    /// The answer over one connection, or why that broke, in words.
    async fn ask(&self, mut line: Line, question: Question<'_>) -> Result<Result<Reply, String>, Trouble> {
        let Question {
            path,
            authorization,
            within,
            most,
        } = question;
        let asked = line.conversation.get("localhost", path, authorization, most);
        match timeout_at(self.run.until(within), asked).await {
            Err(_) => Err(Trouble::session(format!(
                "no answer to {path} within {} s",
                within.as_secs()
            ))),
            Ok(Err(message)) => Ok(Err(line.way.refusal().await.unwrap_or(message))),
            Ok(Ok(reply)) => {
                self.keep(line);
                Ok(Ok(reply))
            }
        }
    }

    async fn open(&self) -> Result<Line, Trouble> {
        let mut way = self.run.tunnel(self.reach).await?;
        let stream = way
            .stream()
            .ok_or_else(|| Trouble::session("the port-forward gave no stream"))?;
        match Conversation::begin(stream).await {
            Ok(conversation) => Ok(Line { conversation, way }),
            Err(message) => Err(Trouble::session(way.refusal().await.unwrap_or(message))),
        }
    }

    fn kept(&self) -> Option<Line> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|line| !line.conversation.is_over());
        idle.pop()
    }

    fn keep(&self, line: Line) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}
