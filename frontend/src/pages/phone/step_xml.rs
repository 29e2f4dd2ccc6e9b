//! One message as it was sent, laid out for reading.

use contract::rest::StepXml;
use leptos::prelude::*;

use crate::components::copy::CopyButton;
use crate::components::empty::skeleton_list;
use crate::load::use_load;
use crate::state::use_shared;
use crate::xml::pretty;

#[component]
pub fn Xml(path: String) -> impl IntoView {
    let shared = use_shared();
    let loaded = use_load(move || path.clone(), move |path| shared.api.get_owned::<StepXml>(path));
    let ready = |step: RwSignal<StepXml>| {
        let text = Memo::new(move |_| step.with(|step| pretty(&step.xml)));
        view! {
            <div class="xml" data-testid="xml">
                <CopyButton text what="the XML"/>
                <pre tabindex="0" aria-label="The message as XML">{text}</pre>
            </div>
        }
        .into_any()
    };
    view! { <div class="step-more">{loaded.view(skeleton_list, ready)}</div> }
}
