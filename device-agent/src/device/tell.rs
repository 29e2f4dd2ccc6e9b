//! What the phone tells the cloud beside events: measurements, and what came of commands.

use std::io;
use std::sync::Arc;

use contract::mqtt::{CommandResult, CommandState, Item};
use contract::rest::TaskResult;

use super::Device;
use crate::clock;
use crate::command::{Begin, Known};
use crate::outbox::Outbox;

/// Room for a result's other fields in [`CommandResult::MOST_BYTES`].
const MOST_OUTPUT: usize = CommandResult::MOST_BYTES - 2048;

impl Device {
    /// Measures where waiting is allowed, stores the items and has them published.
    pub(crate) async fn measured(self: &Arc<Self>, measure: impl FnOnce(&Self) -> Vec<Item> + Send + 'static) {
        let stored = self.blocking(move |device| {
            let items = measure(device);
            device.lock().outbox.push_telemetry(clock::now(), items)
        });
        if let Err(error) = stored.await.flatten() {
            tracing::warn!(%error, "telemetry could not be stored; it is sent all the same");
        }
        self.mqtt_wake.notify_one();
    }

    /// Entries given up for want of room.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().outbox.dropped()
    }

    /// Remembers an order before it is begun, on disk, and tells that it runs.
    ///
    /// # Errors
    /// The file system's; the order must not be begun then.
    pub(crate) async fn begin_command(self: &Arc<Self>, id: &str, kind: &'static str) -> io::Result<Begin> {
        let id = id.to_owned();
        let begun = self.blocking(move |device| {
            let mut inner = device.lock();
            let begun = inner.commands.begin(&id, kind)?;
            if begun == Begin::New {
                told(inner.outbox.push_result(clock::now(), id, CommandState::Running, None, None));
            }
            Ok(begun)
        });
        let begun = begun.await.flatten();
        self.mqtt_wake.notify_one();
        begun
    }

    /// Remembers how an order ended, and tells it.
    pub(crate) async fn end_command(self: &Arc<Self>, id: &str, ended: Result<Option<TaskResult>, String>) {
        let id = id.to_owned();
        let (state, fault, output) = match ended {
            Ok(output) if length(output.as_ref()) <= MOST_OUTPUT => (CommandState::Done, None, output),
            Ok(_) => (CommandState::Failed, Some("the result is too long to be told".to_owned()), None),
            Err(why) => (CommandState::Failed, Some(short(&why)), None),
        };
        let stored = self.blocking(move |device| {
            let mut inner = device.lock();
            if let Err(error) = inner.commands.end(&id, state, fault.clone(), output.clone()) {
                tracing::error!(%error, "how a command ended could not be stored");
            }
            told(inner.outbox.push_result(clock::now(), id, state, fault, output));
        });
        if let Err(error) = stored.await {
            tracing::error!(%error, "how a command ended could not be stored");
        }
        self.mqtt_wake.notify_one();
    }

    /// Tells how far an order is.
    pub(crate) async fn tell_progress(self: &Arc<Self>, id: &str, so_far: TaskResult) {
        if length(Some(&so_far)) > MOST_OUTPUT {
            return;
        }
        let id = id.to_owned();
        let stored = self.blocking(move |device| {
            let outbox = &mut device.lock().outbox;
            told(outbox.push_result(clock::now(), id, CommandState::Running, None, Some(so_far)));
        });
        if let Err(error) = stored.await {
            tracing::warn!(%error, "how far a command is could not be stored");
        }
        self.mqtt_wake.notify_one();
    }

    /// Tells again what is known of an order.
    pub(crate) async fn tell_command(self: &Arc<Self>, known: Known) {
        let stored = self.blocking(move |device| ended(&mut device.lock().outbox, vec![known]));
        if let Err(error) = stored.await {
            tracing::error!(%error, "what is known of a command could not be stored");
        }
        self.mqtt_wake.notify_one();
    }
}

/// Tells what is known of these orders.
pub(super) fn ended(outbox: &mut Outbox, ended: Vec<Known>) {
    for Known { id, state, fault, output, .. } in ended {
        told(outbox.push_result(clock::now(), id, state, fault, output));
    }
}

fn told(stored: io::Result<()>) {
    if let Err(error) = stored {
        tracing::error!(%error, "a result could not be stored; it is sent all the same");
    }
}

fn length(output: Option<&TaskResult>) -> usize {
    output.map_or(0, |output| serde_json::to_vec(output).map_or(usize::MAX, |text| text.len()))
}

/// As the contract takes it: 1024 bytes, no control characters.
fn short(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(250).collect()
}
