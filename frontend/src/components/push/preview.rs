//! What a change would do: whom it reaches, what it interrupts, and each value before and after.

use contract::rest::{Preview, PreviewCount, PreviewGroup, PreviewKey, PreviewLeftOut, PreviewPhone, SetValue};
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
        in_call_reboot,
        reboot_unheard,
        offline,
        by_file,
        reboot_phones,
        in_call_phones,
        offline_phones,
        by_property,
        by_room_type,
        keys,
        lint,
    } = preview;
    let first = match (changed, in_scope) {
        (0, 0) => "No phone stands below this layer yet. The values are kept for those that come.".to_owned(),
        (0, _) => format!("Nothing changes for the {} below.", phones(in_scope)),
        (some, 0) => format!("Changes {}.", phones(some)),
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
                {fact(reboot_unheard, Icon::Alert, "red", format!("Of {} nobody knows whether they are in a call: their restart may end it", phones(reboot_unheard)))}
                {fact(re_register, Icon::Sync, "blue", format!("{} will register anew", phones(re_register)))}
                {fact(in_call, Icon::OffHook, "red", in_call_words(in_call, in_call_reboot))}
                {fact(by_file, Icon::Phone, "none", format!("{} with nothing but files: they get it when they next fetch", phones(by_file)))}
                {fact(offline, Icon::Offline, "none", format!("{} not connected: they get it when they are back", phones(offline)))}
            </ul>
            <Named title="Phones that restart" count=reboot named=reboot_phones/>
            <Named title="Phones in a call now" count=in_call named=in_call_phones/>
            <Named title="Phones that are not connected" count=offline named=offline_phones/>
            <LintView lint changed/>
            <Counts title="By property" counts=by_property/>
            <Counts title="By room type" counts=by_room_type/>
            <ul class="preview-keys">{keys.into_iter().map(|key| view! { <Key key/> }).collect_view()}</ul>
        </div>
    }
}

fn in_call_words(in_call: u32, restart: u32) -> String {
    match restart {
        0 => format!("{} in a call now", phones(in_call)),
        some if some == in_call => format!("{} in a call now: a restart waits for its end", phones(in_call)),
        some => {
            format!("{} in a call now, {some} of them to restart: that waits for the end of the call", phones(in_call))
        }
    }
}

/// Which phones a count is of, the first of them.
#[component]
fn Named(title: &'static str, count: u32, named: Vec<PreviewPhone>) -> impl IntoView {
    (!named.is_empty()).then(|| {
        let more = (named.len() < count as usize).then(|| {
            let rest = count as usize - named.len();
            view! { <li class="quiet-text">{format!("and {rest} more")}</li> }
        });
        let one = |phone: PreviewPhone| {
            let who = phone.room_number.map_or_else(|| "Without a room".to_owned(), |room| format!("Room {room}"));
            view! { <li><a href=format!("/phones/{}", phone.phone)>{who}</a> " " <span class="mono quiet-text">{phone.mac.to_string()}</span></li> }
        };
        view! {
            <details class="more" data-testid="preview-named">
                <summary>{title}</summary>
                <ul>{named.into_iter().map(one).collect_view()} {more}</ul>
            </details>
        }
    })
}

/// What becomes of a lock, if anything does.
fn lock_words(before: Option<&SetValue>, after: Option<&SetValue>) -> Option<String> {
    let lock = |said: Option<&SetValue>| said.filter(|said| said.locked).map(|said| said.reason.clone());
    match (lock(before), lock(after)) {
        (before, after) if before == after => None,
        (before, after) => {
            let words = |reason: Option<String>| match reason {
                Some(reason) => format!("locked: {reason}"),
                None => "not locked".to_owned(),
            };
            Some(format!("{} → {}", words(before), words(after)))
        }
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
    let shown = |value: Option<String>| match value {
        None => view! { <span class="quiet-text">"not set"</span> }.into_any(),
        Some(value) if value.is_empty() => view! { <span class="quiet-text">"empty"</span> }.into_any(),
        Some(value) => view! { <span class="value mono">{catalogue::shown(&name, &value)}</span> }.into_any(),
    };
    // What the layer itself says, where that is not seen in what phones get: a value under another one, or none below.
    let unseen = key.groups.is_empty() && !key.secret;
    let own = (unseen && key.own_before.as_ref().map(|own| &own.value) != key.own_after.as_ref().map(|own| &own.value))
        .then(|| {
            let value = |own: Option<&SetValue>| shown(own.map(|own| own.value.clone()));
            let (before, after) = (value(key.own_before.as_ref()), value(key.own_after.as_ref()));
            view! {
                <li class="preview-group">
                    <span class="quiet-text">"on this layer "</span>
                    {before}<span aria-hidden="true">"→"</span><span class="sr">" becomes "</span>{after}
                </li>
            }
        });
    let group = |group: PreviewGroup| {
        view! {
            <li class="preview-group">
                {shown(group.before)}
                <span aria-hidden="true">"→"</span><span class="sr">" becomes "</span>
                {shown(group.after)}
                <span class="quiet-text">{phones(group.phones)}</span>
            </li>
        }
    };
    let lock = lock_words(key.own_before.as_ref(), key.own_after.as_ref());
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
            <ul>{own} {key.groups.into_iter().map(group).collect_view()}</ul>
            {lock.map(|lock| view! { <p class="quiet-text" data-testid="preview-lock">{lock}</p> })}
            {stays.collect_view()}
            {examples}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_comes_goes_or_has_another_reason_is_told_of() {
        let said = |locked: bool, reason: &str| SetValue { value: "5".into(), locked, reason: reason.into() };
        let words = |before: Option<SetValue>, after| lock_words(before.as_ref(), Option::<SetValue>::as_ref(&after));
        let gone = words(Some(said(true, "Law")), Some(said(false, "")));
        assert_eq!(gone.as_deref(), Some("locked: Law → not locked"));
        assert_eq!(words(None, Some(said(true, "Brand"))).as_deref(), Some("not locked → locked: Brand"));
        assert!(words(Some(said(true, "Law")), Some(said(true, "Brand"))).is_some());
        assert_eq!(words(Some(said(true, "Law")), Some(said(true, "Law"))), None);
        assert_eq!(words(None, Some(said(false, ""))), None);
    }

    #[test]
    fn a_restart_waits_for_a_call_only_where_the_phone_in_it_restarts() {
        assert!(!in_call_words(3, 0).contains("restart"));
        assert!(in_call_words(3, 3).contains("a restart waits for its end"));
        assert!(in_call_words(3, 1).contains("1 of them to restart"));
    }
}
