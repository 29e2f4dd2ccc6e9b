//! What the phone should be and why, what it says it is, and what to do where both differ.

use std::time::Duration;

use contract::rest::{Configuration as Shown, Layer, LeftOut};
use leptos::prelude::*;

use super::checks::PhoneChecks;
use super::config_files::ConfigFiles;
use super::drift::Drifted;
use super::scope::{PhoneScope, use_phone};
use crate::components::empty::skeleton_list;
use crate::components::icon::{Icon, Svg};
use crate::components::values_table::ValuesTable;
use crate::layer_at::LayerAt;
use crate::live::use_live;
use crate::load::use_load;
use crate::words::{self, counted};

#[component]
pub fn Configuration() -> impl IntoView {
    let PhoneScope { shared, id, value, .. } = use_phone();
    let loaded = use_load(|| (), move |()| shared.api.get_owned::<Shown>(format!("/phones/{id}/configuration")));
    let later = move || loaded.reload_after(Duration::from_millis(400));
    // The phone's page reads its detail anew whenever values may have changed; these are the same values with reasons.
    let detail =
        Memo::new(move |_| value.with(|value| (value.values.clone(), value.desired_version, value.applied_version)));
    Effect::new(move |before: Option<()>| {
        detail.track();
        if before.is_some() {
            later();
        }
    });
    use_live(move |change| {
        let mine = change.phone.as_ref().is_some_and(|phone| phone.id == id);
        if change.reload || mine || change.job.as_ref().is_some_and(|job| job.phone == id) {
            later();
        }
    });
    let at = LayerAt::new(Layer::Phone, id.0);
    let body = move |shown: RwSignal<Shown>| {
        let values = Memo::new(move |_| shown.with(|shown| shown.values.clone()));
        let left_out = Memo::new(move |_| shown.with(|shown| shown.left_out.clone()));
        view! {
            <Drifted values on_change=Callback::new(move |()| loaded.reload())/>
            {move || left_out.with(|left| !left.is_empty()).then(|| view! { <NotFilledIn left_out=left_out.get()/> })}
            <PhoneChecks/>
            <ValuesTable values/>
            <ConfigFiles on_change=Callback::new(move |()| loaded.reload())/>
        }
        .into_any()
    };
    view! {
        <div class="row between wrap">
            <h2>"Configuration"</h2>
            <span class="row wrap">
                <a class="button" href=format!("{}?view=history", at.href(None)) data-testid="phone-history"><Svg icon=Icon::Clock/>"History"</a>
                <a class="button primary" href=at.href(None) data-testid="phone-settings"><Svg icon=Icon::Settings/>"Change settings of this phone"</a>
            </span>
        </div>
        {loaded.view(skeleton_list, body)}
    }
}

/// Values whose variables make nothing that is allowed.
#[component]
fn NotFilledIn(left_out: Vec<LeftOut>) -> impl IntoView {
    let title = format!("{} not be filled in for this phone", counted(left_out.len(), "value could", "values could"));
    let row = |one: LeftOut| {
        view! {
            <li>
                <b>{one.title}</b> " " <span class="mono quiet-text">{one.key}</span>
                <p>{format!("{} {} says ", words::layer(one.layer).word, one.scope_name)} <span class="value mono">{one.template}</span> {format!(": {}", one.reason)}</p>
            </li>
        }
    };
    view! {
        <section class="card stack" aria-label=title.clone() data-testid="left-out">
            <h3 class="row"><Svg icon=Icon::Alert/> {title.clone()}</h3>
            <p class="help">"The value of the layer below counts instead. Fill in what the variable stands for, or set the value on a nearer layer."</p>
            <ul class="changes">{left_out.into_iter().map(row).collect_view()}</ul>
        </section>
    }
}
