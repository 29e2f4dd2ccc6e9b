//! What the forms of the diagnostics share: the host, the button, and what the server has against it.

use contract::rest::{JobView, Task};
use leptos::prelude::*;

use super::scope::PhoneScope;
use crate::api::ApiError;
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};

/// The longest name DNS has.
const HOST: usize = 253;

#[derive(Clone, Copy)]
pub struct Starter {
    scope: PhoneScope,
    pub sending: Sending,
    on_start: Callback<JobView>,
}

impl Starter {
    pub fn new(scope: PhoneScope, on_start: Callback<JobView>) -> Self {
        Self { scope, sending: Sending::new(), on_start }
    }

    /// Sends a task that needs a host. `None`: an input is wrong, and says so itself.
    pub fn start(self, host: RwSignal<String>, task: Option<Task>) {
        let text = host.with_untracked(|host| host.trim().to_owned());
        if let Some(why) = refusal(&text) {
            return self.sending.refuse(ApiError::local("invalid", "This is no host", why).of_field("host"));
        }
        self.send(task);
    }

    pub fn send(self, task: Option<Task>) {
        let Some(task) = task else { return };
        let order = async move { self.scope.order(&task).await };
        self.sending.run(order, move |job| {
            self.on_start.try_run(job);
        });
    }
}

/// Why a text is no host name or address.
fn refusal(host: &str) -> Option<&'static str> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || ".-:_%[]".contains(letter);
    if host.is_empty() {
        Some("Write a host name or IP address, for example 10.0.0.1.")
    } else if host.len() > HOST || !host.chars().all(fits) {
        Some("A host name has letters, digits, dots and hyphens, without http:// and path.")
    } else {
        None
    }
}

pub fn host_field(id: &'static str, host: RwSignal<String>, starter: Starter) -> impl IntoView {
    view! { <TextField id label="Host" placeholder="Name or IP address" help="As the phone sees it, for example its gateway or the SIP server." value=host error=starter.sending.at("host") testid=id/> }
}

#[component]
pub fn StartButton(
    starter: Starter,
    /// A run is on its way.
    busy: Memo<bool>,
    word: &'static str,
) -> impl IntoView {
    let off = move || busy.get() || starter.sending.busy.get();
    view! {
        <div class="row">
            <button type="submit" class="button primary" data-testid="diagnostic-start" disabled=off>
                {move || view! { <span class="spin-box" class:spin=off()><Svg icon=if off() { Icon::Sync } else { Icon::ChevronRight }/></span> }}
                {move || if off() { "Running…" } else { word }}
            </button>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn hosts_are_names_and_addresses() {
        for host in ["10.0.0.1", "sip.example.com", "fe80::1%eth0", "pbx"] {
            assert_eq!(refusal(host), None);
        }
        for host in ["", "http://x/", "a b"] {
            assert!(refusal(host).is_some());
        }
    }
}
