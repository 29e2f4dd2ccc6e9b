//! Adding an extension pool, or changing one.

use contract::rest::{ExtensionPool, ExtensionPoolSpec};
use leptos::prelude::*;

use super::Sip;
use crate::components::empty::FormError;
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::select_field::SelectField;

const FIELDS: &[&str] = &["name", "server", "first", "last", "reserved"];

/// `1000, 1900-1999` as its parts.
fn parts(text: &str) -> Vec<String> {
    text.split([',', ';', ' ']).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[component]
pub fn PoolForm(sip: Sip, pool: Option<ExtensionPool>, on_close: Callback<()>) -> impl IntoView {
    let id = pool.as_ref().map(|pool| pool.id);
    let text = |read: fn(&ExtensionPool) -> String| RwSignal::new(pool.as_ref().map(read).unwrap_or_default());
    let name = text(|pool| pool.name.clone());
    let (first, last) = (text(|pool| pool.first.clone()), text(|pool| pool.last.clone()));
    let reserved = text(|pool| pool.reserved.join(", "));
    let server = text(|pool| pool.server.to_string());
    if server.with_untracked(String::is_empty) {
        server.set(untrack(|| sip.choices()).into_iter().next().map(|(id, _)| id).unwrap_or_default());
    }
    let sending = Sending::new();
    request_animation_frame(|| crate::app::focus("pool-name"));
    let save = move || {
        let trimmed = |text: RwSignal<String>| text.get_untracked().trim().to_owned();
        let Ok(server) = server.get_untracked().parse() else { return };
        let spec = ExtensionPoolSpec {
            name: trimmed(name),
            server,
            first: trimmed(first),
            last: trimmed(last),
            reserved: parts(&reserved.get_untracked()),
        };
        sending.run(sip.keep("extension-pools", id, spec), move |()| sip.saved(on_close));
    };
    view! {
        <form class="card stack form" novalidate aria-label="Extension pool" on:submit=move |event| {
            event.prevent_default();
            save();
        }>
            <h3>{if id.is_some() { "Change the pool" } else { "New extension pool" }}</h3>
            <div class="pair">
                <TextField id="pool-name" label="Name" help="For people, for example Rooms." value=name error=sending.at("name") testid="pool-name"/>
                <SelectField id="pool-server" label="On the server" options=Signal::derive(move || sip.choices()) value=server error=sending.at("server")/>
            </div>
            <div class="pair">
                <TextField id="pool-first" label="First number" value=first error=sending.at("first") inputmode="numeric" testid="pool-first"/>
                <TextField id="pool-last" label="Last number" help="As many digits as the first." value=last error=sending.at("last") inputmode="numeric" testid="pool-last"/>
            </div>
            <TextField id="pool-reserved" label="Never give out" help="Numbers and spans, for example 6000, 6900-6999." value=reserved error=sending.at("reserved")/>
            <FormError error=sending.error fields=FIELDS/>
            <div class="row">
                <button type="submit" class="button primary" data-testid="pool-save" disabled=move || sending.busy.get()>"Save"</button>
                <button type="button" class="button" on:click=move |_| on_close.run(())>"Cancel"</button>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn reserved_numbers_are_taken_apart() {
        assert_eq!(super::parts("1000, 1900-1999;7"), ["1000", "1900-1999", "7"]);
        assert!(super::parts(" , ").is_empty());
    }
}
