//! What a change would do: whom it reaches, what it interrupts, and each value before and after.

use contract::rest::{Preview, PreviewCount, PreviewGroup, PreviewKey, PreviewLeftOut};
use leptos::prelude::*;

use super::lint::LintView;
use crate::catalogue;
use crate::components::icon::{Icon, Svg};
use crate::words::phones;

#[component]
pub fn PreviewView(preview: Preview) -> impl IntoView {
    let Preview {
        in_scope,
        phones: changed,
        reboot,
        re_register,
        in_call,
        offline,
        by_file,
        by_property,
        by_room_type,
        keys,
        lint,
    } = preview;
    let first = match (changed, in_scope) {
        (0, 0) => "No phone stands below this layer yet. The values are kept for those that come.".to_owned(),
        (0, _) => format!("Nothing changes for the {} below.", phones(in_scope)),
        (some, all) if some == all => format!("Changes {}, all there are below.", phones(some)),
        (some, all) => format!("Changes {some} of the {} below.", phones(all)),
    };
    let fact = |count: u32, icon: Icon, tone: &'static str, text: String| {
        (count > 0).then(|| view! { <li class=format!("chip tone-{tone}")><Svg icon/>{text}</li> })
    };
    view! {
        <div class="preview" data-testid="preview">
            <p role="status"><b data-testid="preview-phones">{first}</b></p>
            <ul class="row wrap">
                {fact(reboot, Icon::Sync, "orange", format!("{} will restart", phones(reboot)))}
                {fact(re_register, Icon::Sync, "blue", format!("{} will register anew", phones(re_register)))}
                {fact(in_call, Icon::OffHook, "red", format!("{} in a call now: a restart waits for its end", phones(in_call)))}
                {fact(by_file, Icon::Phone, "none", format!("{} with nothing but files: they get it when they next fetch", phones(by_file)))}
                {fact(offline, Icon::Offline, "none", format!("{} not connected: they get it when they are back", phones(offline)))}
            </ul>
            <LintView lint changed/>
            <Counts title="By property" counts=by_property/>
            <Counts title="By room type" counts=by_room_type/>
            <ul class="preview-keys">{keys.into_iter().map(|key| view! { <Key key/> }).collect_view()}</ul>
        </div>
    }
}

#[component]
fn Counts(title: &'static str, counts: Vec<PreviewCount>) -> impl IntoView {
    (counts.len() > 1 || counts.iter().any(|count| count.id.is_some() && title.contains("type"))).then(|| {
        let rows = counts.into_iter().map(|count| {
            let name = if count.name.is_empty() { "Without a type".to_owned() } else { count.name };
            let name = if count.property_name.is_empty() { name } else { format!("{name}, {}", count.property_name) };
            view! { <li><span class="grow">{name}</span><b>{count.phones}</b></li> }
        });
        view! {
            <div class="preview-counts" data-testid="preview-counts">
                <h3>{title}</h3>
                <ul>{rows.collect_view()}</ul>
            </div>
        }
    })
}

#[component]
fn Key(key: PreviewKey) -> impl IntoView {
    let title = catalogue::title_of(&key.key, &key.title);
    let name = key.key.clone();
    let shown = move |value: Option<String>| match value {
        None => view! { <span class="quiet-text">"not set"</span> }.into_any(),
        Some(value) if value.is_empty() => view! { <span class="quiet-text">"empty"</span> }.into_any(),
        Some(value) => view! { <span class="value mono">{catalogue::shown(&name, &value)}</span> }.into_any(),
    };
    let group = move |group: PreviewGroup| {
        view! {
            <li class="preview-group">
                {shown(group.before)}
                <span aria-hidden="true">"→"</span><span class="sr">" becomes "</span>
                {shown(group.after)}
                <span class="quiet-text">{phones(group.phones)}</span>
            </li>
        }
    };
    let effect = match key.effect.as_str() {
        "reboot" => Some("restarts the phone"),
        "re-register" => Some("registers anew"),
        _ => None,
    };
    let stays = [
        (key.overridden, ["keeps its own value", "keep their own value"], "a nearer layer sets it"),
        (key.locked, ["keeps its value", "keep their value"], "a layer above locked it"),
        (key.left_out, ["cannot be given this value"; 2], "a variable has nothing to stand for"),
    ];
    let stays = stays.into_iter().filter(|(count, ..)| *count > 0).map(|(count, [one, many], why)| {
        let what = if count == 1 { one } else { many };
        view! { <p class="quiet-text" data-testid="preview-stays">{format!("{} {what}: {why}.", phones(count))}</p> }
    });
    let example = |one: PreviewLeftOut| {
        let who = one.room_number.map_or_else(|| one.mac.to_string(), |room| format!("Room {room}"));
        view! { <li>{format!("{who}: {}", one.reason)}</li> }
    };
    let examples = (!key.left_out_examples.is_empty()).then(|| {
        view! {
            <details class="more">
                <summary>"Which ones, and why"</summary>
                <ul>{key.left_out_examples.into_iter().map(example).collect_view()}</ul>
            </details>
        }
    });
    view! {
        <li data-testid="preview-key" data-key=key.key.clone()>
            <p><b>{title}</b> " " <span class="mono quiet-text">{key.key.clone()}</span>
                {effect.map(|effect| view! { " " <span class="chip tone-orange">{effect}</span> })}
            </p>
            <ul>{key.groups.into_iter().map(group).collect_view()}</ul>
            {stays.collect_view()}
            {examples}
        </li>
    }
}
