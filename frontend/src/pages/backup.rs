//! A property's backup package: keeping one, and putting one back after a look at what that changes.

use contract::rest::BackupOrder;
use leptos::prelude::*;

use super::property::use_scope;
use crate::app::use_title;
use crate::components::config_upload::{Kind, Upload};
use crate::components::empty::FormError;
use crate::components::field::TextField;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::components::property_tabs::PropertyTabs;
use crate::files::hand_over;
use crate::layer_at::LayerAt;
use crate::live::use_live_stream;
use crate::state::use_shared;

#[component]
pub fn BackupPage() -> impl IntoView {
    let scope = use_scope()?;
    let shared = use_shared();
    let live = use_live_stream();
    let id = scope.0;
    use_title(|| "Backup".into());
    Effect::new(move |_| live.watch(Some(id.get()), None));
    let of = Signal::derive(move || format!("/properties/{}", id.get()));
    let (for_backup, for_restore) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (sending, restored) = (Sending::new(), RwSignal::new(false));
    let keep = move || {
        let order = BackupOrder { password: for_backup.get_untracked() };
        let path = format!("{}/backup", of.get_untracked());
        let name = shared.property(id.get_untracked()).map_or_else(|| "property".to_owned(), |one| one.code);
        let package = async move { shared.api.post_for_bytes(&path, &order).await };
        sending.run(package, move |bytes| match hand_over(&bytes, &format!("backup-{name}.tar")) {
            Ok(()) => shared.say("The package is among your downloads."),
            Err(why) => sending.refuse(why),
        });
    };
    let history = move || {
        let at = LayerAt::new(contract::rest::Layer::Property, id.get().0);
        format!("{}?view=history", at.href(None))
    };
    Some(view! {
        <div class="page" data-testid="backup-page">
            <header class="page-head">
                <div>
                    <h1>"Backup"</h1>
                    <p class="quiet-text">"Every setting of this property, its room types, rooms and phones, in one file. Guests are not in it."</p>
                </div>
            </header>
            <PropertyTabs id/>
            <form class="card stack form" aria-labelledby="keep-title" novalidate on:submit=move |event| {
                event.prevent_default();
                keep();
            }>
                <h2 id="keep-title">"Keep a backup"</h2>
                <TextField id="backup-password" label="Password" kind="password" autocomplete="new-password" value=for_backup error=sending.at("password")
                    help="12 to 64 characters: passwords of SIP accounts and phones are in the package, sealed with it. Empty: they are left out." testid="backup-password"/>
                <FormError error=sending.error fields=&["password"]/>
                <div class="row">
                    <button type="submit" class="button primary" data-testid="backup-keep" disabled=move || sending.busy.get()>
                        <Svg icon=Icon::Download/>{move || if sending.busy.get() { "Packing…" } else { "Download the backup" }}
                    </button>
                </div>
            </form>
            <section class="card stack form" aria-labelledby="restore-title">
                <h2 id="restore-title">"Put a backup back"</h2>
                <p>"Settings become what they are in the package, and what it does not have goes. Rooms, phones and room types are not made: settings of what is not here any more are named and left out."</p>
                <TextField id="restore-password" label="Password of the package" kind="password" autocomplete="off" value=for_restore
                    help="Empty: secrets stay as they are now." testid="restore-password"/>
                <Upload of kind=Kind::Package password=for_restore on_change=Callback::new(move |()| restored.set(true))/>
                <Show when=move || restored.get()>
                    <p class="note"><Svg icon=Icon::Clock/> <span>"Each layer that changed has a change set, which can be undone. "<a href=history data-testid="restore-history">"See the property's history"</a></span></p>
                </Show>
            </section>
        </div>
    })
}
