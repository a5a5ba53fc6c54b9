//! What the hooks of Helm write while they run: Helm itself shows it at their end, if at all.

use std::collections::{BTreeMap, BTreeSet};

use futures::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, api::LogParams};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    hooks::{Output, Surroundings},
    scene::Scene,
};

/// What is read of one pod: what is shown is far less.
const BYTES: i64 = 1 << 20;

/// One line of a hook.
pub(super) struct Line {
    hook: String,
    text: String,
}

/// Follows the pods of hooks; it ends with them, or when it is dropped.
pub(super) struct HookLogs<'a> {
    surroundings: &'a Surroundings<'a>,
    followed: BTreeSet<crate::snapshot::Uid>,
    outputs: BTreeMap<String, Output<'a>>,
    sender: mpsc::Sender<Line>,
    lines: mpsc::Receiver<Line>,
    tasks: JoinSet<()>,
}

impl<'a> HookLogs<'a> {
    pub(super) fn of(surroundings: &'a Surroundings<'a>) -> Self {
        let (sender, lines) = mpsc::channel(256);
        Self {
            surroundings,
            followed: BTreeSet::new(),
            outputs: BTreeMap::new(),
            sender,
            lines,
            tasks: JoinSet::new(),
        }
    }

    /// Begins to follow what has come to run.
    pub(super) fn look(&mut self, scene: &Scene) {
        for (job, pod) in scene.hook_pods() {
            if self.followed.insert(pod.metadata.uid.clone()) {
                let (client, namespace) = (
                    self.surroundings.reader.client().clone(),
                    self.surroundings.reader.namespace().to_owned(),
                );
                let pod = pod.metadata.name.clone();
                self.tasks
                    .spawn(follow(client, namespace, pod, job.to_owned(), self.sender.clone()));
            }
        }
    }

    /// The next line. It can be dropped and asked again.
    pub(super) async fn next(&mut self) -> Line {
        match self.lines.recv().await {
            Some(line) => line,
            None => std::future::pending().await,
        }
    }

    /// Shows a line.
    pub(super) async fn show(&mut self, line: Line) {
        let Line { hook, text } = line;
        if !self.outputs.contains_key(&hook) {
            let output = Output::of(&hook, self.surroundings).await;
            self.outputs.insert(hook.clone(), output);
        }
        if let Some(output) = self.outputs.get(&hook) {
            output.line(&text);
        }
    }

    /// Shows what came before the end.
    pub(super) async fn rest(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.show(line).await;
        }
    }
}

async fn follow(client: Client, namespace: String, pod: String, hook: String, lines: mpsc::Sender<Line>) {
    let pods: Api<Pod> = Api::namespaced(client, &namespace);
    let params = LogParams {
        follow: true,
        limit_bytes: Some(BYTES),
        ..LogParams::default()
    };
    let Ok(log) = pods.log_stream(&pod, &params).await else {
        return;
    };
    let mut log = log.lines();
    while let Ok(Some(text)) = log.try_next().await {
        let line = Line {
            hook: hook.clone(),
            text,
        };
        if lines.send(line).await.is_err() {
            return;
        }
    }
}
