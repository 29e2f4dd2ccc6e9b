//! A property's backup package: keeping one, and putting one back after a look at what that changes.

use contract::PropertyId;
use contract::rest::{BackupOrder, Layer};
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
    let live = use_live_stream();
    let id = scope.0;
    use_title(|| "Backup".into());
    Effect::new(move |_| live.watch(Some(id.get()), None));
    Some(view! {
        <div class="page" data-testid="backup-page">
            <header class="page-head">
                <div>
                    <h1>"Backup"</h1>
                    <p class="quiet-text">"Every setting of this property, its room types, rooms and phones, in one file. Guests are not in it."</p>
                </div>
            </header>
            <PropertyTabs id/>
            {move || view! { <Package id=id.get()/> }}
        </div>
    })
}

#[component]
fn Package(id: PropertyId) -> impl IntoView {
    let shared = use_shared();
    let of = format!("/properties/{id}");
    let path = format!("{of}/backup");
    let wrong = RwSignal::new(None::<String>);
    let (for_backup, for_restore) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (sending, restored) = (Sending::new(), RwSignal::new(false));
    let keep = move || {
        let order = BackupOrder { password: for_backup.get_untracked() };
        let path = path.clone();
        let name = shared.property(id).map_or_else(|| "property".to_owned(), |one| one.code);
        let package = async move { shared.api.post_for_bytes(&path, &order).await };
        sending.run(package, move |bytes| match hand_over(&bytes, &format!("backup-{name}.tar")) {
            Ok(()) => {
                for_backup.try_set(String::new());
                shared.say("The package is among your downloads.");
            }
            Err(why) => sending.refuse(why),
        });
    };
    let history = format!("{}?view=history", LayerAt::new(Layer::Property, id.0).href(None));
    let restored_now = Callback::new(move |()| {
        for_restore.set(String::new());
        restored.set(true);
    });
    view! {
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
            <p>"Settings become what they are in the package, and what it does not have goes. Rooms, phones and room types are not made: settings of what is not here any more, or is called otherwise now, are named and left out."</p>
            <TextField id="restore-password" label="Password of the package" kind="password" autocomplete="new-password" value=for_restore error=wrong
                help="Empty: secrets stay as they are now." testid="restore-password"/>
            <Upload of kind=Kind::Package password=for_restore error=wrong on_change=restored_now/>
            <Show when=move || restored.get()>
                <p class="note"><Svg icon=Icon::Clock/> <span>"What changed stands in the history of the property, and of each room type, room and phone, where it can be undone. "<a href=history.clone() data-testid="restore-history">"See the property's history"</a></span></p>
            </Show>
        </section>
    }
}
