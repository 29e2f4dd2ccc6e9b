//! Lets `kick` wait until a connection is really gone.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use mqtt5::broker::{BrokerEventHandler, ClientDisconnectEvent};
use tokio::sync::oneshot;

#[derive(Default)]
pub(super) struct Events {
    waiting: Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>,
}

impl Events {
    /// Resolves when the next connection of `client_id` has ended and its will is published.
    pub(super) fn closed(&self, client_id: &str) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(client_id.to_owned()).or_default().push(done);
        wait
    }
}

impl BrokerEventHandler for Events {
    fn on_client_disconnect<'a>(
        &'a self,
        event: ClientDisconnectEvent,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for done in waiting.remove(&*event.client_id).into_iter().flatten() {
            let _ = done.send(());
        }
        Box::pin(std::future::ready(()))
    }
}
