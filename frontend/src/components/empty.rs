//! Nothing there, not there yet, or not to be had: the states around the data.

use leptos::prelude::*;

use super::icon::{Icon, Svg};
use crate::api::ApiError;

/// Nothing there; the children say what to do first.
#[component]
pub fn Empty(icon: Icon, #[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <div class="empty">
            <span class="empty-icon"><Svg icon/></span>
            <h2>{title}</h2>
            {children()}
        </div>
    }
}

/// Could not be loaded.
#[component]
pub fn Failed(error: ApiError, retry: Callback<()>) -> impl IntoView {
    view! {
        <div class="empty" role="alert">
            <span class="empty-icon tone-red"><Svg icon=Icon::Alert/></span>
            <h2>{error.0.title.clone()}</h2>
            <p>{error.0.detail.clone()}</p>
            <div class="row">
                <button type="button" class="button primary" on:click=move |_| retry.run(())>"Try again"</button>
                <a class="button" href="/">"Go to the start"</a>
            </div>
        </div>
    }
}

/// What is shown may be old: loading it anew failed.
#[component]
pub fn Stale(error: ApiError, retry: Callback<()>) -> impl IntoView {
    view! {
        <div class="banner tone-amber" role="status">
            <Svg icon=Icon::Alert/>
            <span>{format!("This may be out of date. {}", error.sentence())}</span>
            <button type="button" class="button" on:click=move |_| retry.run(())>"Try again"</button>
        </div>
    }
}

/// A refused form, above its buttons; errors about one field stand at the field.
#[component]
pub fn FormError(error: RwSignal<Option<ApiError>>, fields: &'static [&'static str]) -> impl IntoView {
    move || {
        let error = error.get()?;
        let at_field = error.0.field.as_deref().is_some_and(|field| fields.contains(&field));
        (!at_field).then(|| {
            view! {
                <p class="form-error" role="alert">
                    <Svg icon=Icon::Alert/>
                    <span><b>{error.0.title.clone()}</b> " " {error.0.detail.clone()}</span>
                </p>
            }
        })
    }
}

fn bars(class: &'static str, count: usize) -> AnyView {
    let bars = (0..count).map(|_| view! { <span class="bone"></span> }).collect_view();
    view! { <div class=class role="status"><span class="sr">"Loading…"</span>{bars}</div> }.into_any()
}

pub fn skeleton_list() -> AnyView {
    bars("bones list", 8)
}

pub fn skeleton_cells() -> AnyView {
    bars("bones cells", 40)
}

pub fn skeleton_panel() -> AnyView {
    bars("bones panel-bones", 6)
}
