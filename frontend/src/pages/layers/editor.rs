//! The page of one layer: its settings in the editor, and its history.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::PropertyId;
use contract::rest::{Layer, LayerValue, Progress};
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::checks::PropertyChecks;
use super::drifted::PropertyDrift;
use super::history::HistoryList;
use super::property_facts::PropertyFacts;
use crate::app::use_title;
use crate::components::dial_plan_tester::TriedFor;
use crate::components::empty::{Empty, skeleton_list};
use crate::components::icon::{Icon, Svg};
use crate::components::progress::ProgressBar;
use crate::components::property_tabs::PropertyTabs;
use crate::components::push::PushDialog;
use crate::components::template::{EditorScope, Ground, TemplateEditor};
use crate::drafts::use_drafts;
use crate::findings::use_findings;
use crate::layer_at::LayerAt;
use crate::layer_data::{LayerData, load};
use crate::live::{use_live, use_live_stream};
use crate::load::{Loaded, use_load};
use crate::notes::notes;
use crate::pages::property::use_scope;
use crate::state::use_shared;
use crate::words;

/// `/p/{property}/settings`.
#[component]
pub fn PropertySettingsPage() -> impl IntoView {
    let scope = use_scope()?;
    Some(view! { <LayerView at=Memo::new(move |_| Some(LayerAt::new(Layer::Property, scope.0.get().0)))/> })
}

/// `/layers/{layer}/{id}`.
#[component]
pub fn LayerPage() -> impl IntoView {
    let params = use_params_map();
    let at = Memo::new(move |_| {
        let part = |name: &str| params.read().get(name).unwrap_or_default();
        LayerAt::parse(&part("layer"), &part("id"))
    });
    view! { <LayerView at/> }
}

#[component]
fn LayerView(at: Memo<Option<LayerAt>>) -> impl IntoView {
    let nowhere = || {
        view! {
            <div class="page">
                <Empty icon=Icon::Search title="There is no such layer">
                    <p>"The address may be old or mistyped."</p>
                    <a class="button primary" href="/layers">"See all layers"</a>
                </Empty>
            </div>
        }
        .into_any()
    };
    // Another layer is another page, with a draft of its own.
    move || at.get().map_or_else(nowhere, |at| view! { <OneLayer at/> }.into_any())
}

#[component]
fn OneLayer(at: LayerAt) -> impl IntoView {
    let shared = use_shared();
    let live = use_live_stream();
    let query = use_query_map();
    let within = query.read_untracked().get("property").and_then(|id| id.parse::<PropertyId>().ok());
    let data = use_load(|| (), move |()| load(shared.api, at, within));
    let property = Memo::new(move |_| data.with(|data| data.property).flatten());
    provide_context(TriedFor(property.into()));
    // What stands beside the editor is looked at anew after each.
    let changes = RwSignal::new(0_u32);
    let changed = Callback::new(move |()| {
        changes.update(|changes| *changes += 1);
        data.reload();
    });
    Effect::new(move |_| live.watch(property.get(), None));
    let name = Memo::new(move |_| data.with(LayerData::name).unwrap_or_default());
    use_title(move || format!("Settings of {}", name.get()));
    use_live(move |change| {
        if change.reload {
            data.reload_after(Duration::from_secs(2));
        }
    });
    let tab = Memo::new(move |_| query.read().get("view").unwrap_or_default() == "history");
    let base = move || at.href(property.get().map(|id| id.0));
    let history = move || {
        let base = base();
        format!("{base}{}view=history", if base.contains('?') { "&" } else { "?" })
    };
    view! {
        <div class="page wide" data-testid="layer-page" data-layer=at.layer.as_str()>
            <header class="page-head">
                <div>
                    <Lineage data/>
                    <h1>{move || format!("Settings of {}", name.get())}</h1>
                    <p class="quiet-text">{reach(at.layer)}</p>
                </div>
                <nav class="row" aria-label="This layer">
                    <a class="filter" href=base aria-current=move || (!tab.get()).then_some("page")>"Settings"</a>
                    <a class="filter" href=history data-testid="history-link" aria-current=move || tab.get().then_some("page")><Svg icon=Icon::Clock/>"History"</a>
                    <a class="filter" href="/layers" data-testid="layers-link"><Svg icon=Icon::Rooms/>"All layers"</a>
                </nav>
            </header>
            {(at.layer == Layer::Property).then(|| view! { <PropertyTabs id=Signal::stored(PropertyId(at.id))/> <InSync id=PropertyId(at.id)/> })}
            {move || if tab.get() {
                let zone = Signal::derive(move || shared.zone(property.get()));
                view! { <HistoryList at zone on_undone=Callback::new(move |()| data.reload())/> }.into_any()
            } else {
                let id = PropertyId(at.id);
                view! {
                    {(at.layer == Layer::Property).then(|| view! {
                        <PropertyFacts id on_changed=changed/>
                        <PropertyChecks id changes/>
                        <PropertyDrift id/>
                    })}
                    {data.view(skeleton_list, move |value| view! { <Editor at value on_changed=changed/> }.into_any())}
                }
                .into_any()
            }}
        </div>
    }
}

fn reach(layer: Layer) -> &'static str {
    match layer {
        Layer::Chain | Layer::ModelDefault => "For every phone of the chain",
        Layer::Brand => "For every phone of this brand's properties",
        Layer::Property => "For every phone of this property",
        Layer::RoomType => "For the phones in rooms of this type",
        Layer::Room => "For whatever phone stands in this room",
        Layer::Phone => "For this phone alone",
    }
}

/// The layers it stands on.
#[component]
fn Lineage(data: Loaded<LayerData>) -> impl IntoView {
    let places = Memo::new(move |_| data.with(|data| data.places.clone()).unwrap_or_default());
    let links = move || {
        let mut places = places.get();
        places.pop();
        let link = |place: crate::layer_at::Place| {
            let look = words::layer(place.at.layer);
            view! { <li><a href=place.href title=look.word><Svg icon=look.icon/><span class="sr">{look.word}" "</span>{place.name}</a></li> }
        };
        places.into_iter().map(link).collect_view()
    };
    view! { <nav aria-label="Layers this stands on"><ol class="crumbs" data-testid="crumbs">{links}</ol></nav> }
}

#[component]
fn Editor(at: LayerAt, value: RwSignal<LayerData>, on_changed: Callback<()>) -> impl IntoView {
    let shared = use_shared();
    let draft = use_drafts().of(at);
    let property = Memo::new(move |_| value.with(|value| value.property));
    let here = Memo::new(move |_| {
        let values = value.with(|value| value.here.values.clone());
        values.into_iter().map(|value| (value.key.clone(), value)).collect::<BTreeMap<String, LayerValue>>()
    });
    let ground: Memo<Ground> = Memo::new(move |_| value.with(|value| value.ground.clone()));
    let mut scope = EditorScope {
        layer: at.layer,
        here: here.into(),
        ground: ground.into(),
        draft,
        notes: Signal::stored(BTreeMap::new()),
        zone: Signal::derive(move || shared.zone(property.get())),
    };
    let findings = use_findings(at, draft, scope.ground);
    scope.notes = Memo::new(move |_| {
        let mut notes = notes(scope);
        findings.with(|found| {
            found.iter().for_each(|(key, all)| notes.entry(key.clone()).or_default().extend(all.clone()))
        });
        notes
    })
    .into();
    let open = RwSignal::new(false);
    let name = Memo::new(move |_| value.with(LayerData::name));
    view! {
        <TemplateEditor scope on_review=Callback::new(move |()| open.set(true))/>
        <PushDialog at name draft here=here.into() open on_changed/>
    }
}

/// How many phones of a property are as they should be.
#[component]
fn InSync(id: PropertyId) -> impl IntoView {
    let shared = use_shared();
    let progress = use_load(|| (), move |()| shared.api.get_owned::<Progress>(format!("/properties/{id}/progress")));
    use_live(move |change| {
        // Counted by the server; asked for at most every second while changes come in.
        if change.reload || change.room.is_some() || change.phone.is_some() || change.job.is_some() {
            progress.reload_after(Duration::from_secs(1));
        }
    });
    progress.view(|| ().into_any(), |progress| view! { <ProgressBar progress/> }.into_any())
}
