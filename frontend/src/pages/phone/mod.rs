//! The page of one phone: what it is and does on top, and below it one tab for each thing one does with it.

mod checks;
mod config_files;
mod configuration;
mod diagnostics;
mod drift;
mod files;
mod first_fetch;
mod head;
mod live;
mod overview;
mod parameter_pane;
mod parameter_value;
mod parameters;
mod ping;
mod scope;
mod session_steps;
mod sessions;
mod start;
mod step_xml;
mod tab;
mod tasks;
mod tasks_power;
mod tasks_receive;
mod tasks_send;
mod tasks_transfers;
mod throughput;
mod traceroute;
mod tree;
mod tree_keys;
mod tree_list;
mod tree_row;
mod wake;

use std::time::Duration;

use contract::rest::PhoneDetail;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::app::use_title;
use crate::components::empty::{Empty, skeleton_list};
use crate::components::icon::Icon;
use crate::live::{use_live, use_live_stream};
use crate::load::{Loaded, use_load};
use crate::state::use_shared;
use configuration::Configuration;
use diagnostics::Diagnostics;
use head::Head;
use overview::Overview;
use parameters::Parameters;
use scope::PhoneScope;
use sessions::Sessions;
use tab::{Tab, Tabs};
use tasks::Tasks;

#[component]
pub fn PhonePage() -> impl IntoView {
    let shared = use_shared();
    let live = use_live_stream();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("phone").unwrap_or_default());
    let tab = Memo::new(move |_| Tab::of(&params.read().get("tab").unwrap_or_default()));
    let detail = use_load(move || id.get(), move |id| shared.api.get_owned::<PhoneDetail>(format!("/phones/{id}")));
    let gone = RwSignal::new(false);
    use_live(move |change| {
        if live::apply(detail, gone, change) {
            // A changed document comes with several messages: the values are read again once they are through.
            detail.reload_after(Duration::from_millis(400));
        }
    });
    let property = Memo::new(move |_| detail.with(|detail| detail.phone.property));
    Effect::new(move |_| {
        if let Some(property) = property.get() {
            live.watch(property, None);
        }
    });
    let mac = Memo::new(move |_| detail.with(|detail| detail.phone.mac.to_string()));
    use_title(move || match tab.get() {
        Some(Tab::Overview) | None => format!("Phone {}", mac.get().unwrap_or_default()),
        Some(tab) => format!("{} of phone {}", tab.word(), mac.get().unwrap_or_default()),
    });
    view! {
        <div class="page" data-testid="phone-page" data-mac=move || mac.get()>
            <Show
                when=move || !gone.get()
                fallback=|| view! {
                    <Empty icon=Icon::Trash title="This phone was removed">
                        <p>"Somebody took it out of Bellhop while you looked at it."</p>
                        <a class="button primary" href="/phones">"See all phones"</a>
                    </Empty>
                }
            >
                {detail.view(skeleton_list, move |value| view! { <Phone value detail tab/> }.into_any())}
            </Show>
        </div>
    }
}

#[component]
fn Phone(value: RwSignal<PhoneDetail>, detail: Loaded<PhoneDetail>, tab: Memo<Option<Tab>>) -> impl IntoView {
    let scope = PhoneScope::provide(value, detail);
    let body = move || match tab.get() {
        Some(Tab::Overview) => view! { <Overview/> }.into_any(),
        Some(Tab::Configuration) => view! { <Configuration/> }.into_any(),
        Some(Tab::Parameters) => view! { <Parameters/> }.into_any(),
        Some(Tab::Sessions) => view! { <Sessions/> }.into_any(),
        Some(Tab::Diagnostics) => view! { <Diagnostics/> }.into_any(),
        Some(Tab::Tasks) => view! { <Tasks/> }.into_any(),
        None => view! {
            <Empty icon=Icon::Search title="There is no such page">
                <p>"The address may be old or mistyped."</p>
                <a class="button primary" href=format!("/phones/{}", scope.id)>"See this phone"</a>
            </Empty>
        }
        .into_any(),
    };
    view! {
        <Head/>
        <Tabs id=scope.id tab/>
        <div
            class="tab-panel"
            role="tabpanel"
            id="tab-panel"
            aria-labelledby=move || tab.get().map(Tab::element)
            data-testid="tab-panel"
            data-tab=move || tab.get().map(Tab::path)
        >
            {body}
        </div>
    }
}
