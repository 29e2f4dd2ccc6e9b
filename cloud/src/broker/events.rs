//! Lets `kick` wait until a connection is really gone, and drops what may not be kept.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use mqtt5::broker::{BrokerEventHandler, ClientDisconnectEvent, ClientPublishEvent, PublishAction};
use tokio::sync::oneshot;

use super::auth::may_retain;
use super::stats::{Counters, Refusal};

pub(super) struct Events {
    counters: Arc<Counters>,
    waiting: Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>,
}

impl Events {
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self { counters, waiting: Mutex::default() }
    }

    /// Resolves when the next connection of `client_id` has ended and its will is published.
    pub(super) fn closed(&self, client_id: &str) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(client_id.to_owned()).or_default().push(done);
        wait
    }
}

impl BrokerEventHandler for Events {
    /// The library asks whether a client may publish without saying whether the message is to be kept; here it says so.
    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        let refused = event.retain && !may_retain(event.user_id.as_deref(), &event.topic);
        if refused {
            self.counters.refused(Refusal::Publish);
        }
        Box::pin(std::future::ready(if refused { PublishAction::Handled } else { PublishAction::Continue }))
    }

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
