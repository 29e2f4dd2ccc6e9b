//! A list whose order counts, such as codecs: moved up and down, taken out and added, by pointer or keys.

use leptos::prelude::*;

use super::icon::{Icon, Svg};
use crate::app::focus;

fn parts(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The list with one of it a place further up or down; at the end it stays.
fn moved(list: &[String], word: &str, up: bool) -> Vec<String> {
    let mut list = list.to_vec();
    let Some(at) = list.iter().position(|one| one == word) else { return list };
    let to = if up { at.checked_sub(1) } else { Some(at + 1).filter(|to| *to < list.len()) };
    if let Some(to) = to {
        list.swap(at, to);
    }
    list
}

#[component]
pub fn Ordered(
    id: String,
    label: String,
    /// What may be in it: values and what they are called.
    choices: Vec<(String, String)>,
    /// Commas between, the best first.
    value: Signal<String>,
    on_value: Callback<String>,
    /// Ids of what describes it.
    described: String,
) -> impl IntoView {
    let choices = StoredValue::new(choices);
    let name = move |word: &str| {
        choices.with_value(|all| {
            all.iter().find(|(one, _)| one == word).map_or_else(|| word.to_owned(), |(_, label)| label.clone())
        })
    };
    let list = Memo::new(move |_| value.with(|value| parts(value)));
    let said = RwSignal::new(String::new());
    let stem = StoredValue::new(id.clone());
    let button = move |word: &str, what: &str| format!("{}-{what}-{word}", stem.get_value());
    let go = move |word: String, up: bool| {
        let now = list.with_untracked(|list| moved(list, &word, up));
        let (count, at) = (now.len(), now.iter().position(|one| *one == word).map_or(0, |at| at + 1));
        said.set(format!("{} is {at} of {count} now.", name(&word)));
        on_value.run(now.join(","));
        // The line moves, and the focus with it: to the other button where there is no further way.
        let end = if up { at <= 1 } else { at >= count };
        let next = button(&word, if up != end { "up" } else { "down" });
        request_animation_frame(move || focus(&next));
    };
    let remove = move |word: String| {
        let now: Vec<String> = list.with_untracked(|list| list.iter().filter(|one| **one != word).cloned().collect());
        said.set(format!("{} is taken out.", name(&word)));
        on_value.run(now.join(","));
        let next = button(&word, "add");
        request_animation_frame(move || focus(&next));
    };
    let add = move |word: String| {
        let mut now = list.get_untracked();
        now.push(word.clone());
        said.set(format!("{} is added as the last.", name(&word)));
        on_value.run(now.join(","));
        let next = button(&word, "remove");
        request_animation_frame(move || focus(&next));
    };
    let row = move |word: String| {
        let title = name(&word);
        let place = {
            let word = word.clone();
            Memo::new(move |_| list.with(|list| list.iter().position(|one| *one == word).unwrap_or(0)))
        };
        let last = move || list.with(|list| place.get() + 1 >= list.len());
        let (up, down, out) = (word.clone(), word.clone(), word.clone());
        view! {
            <li data-testid="ordered-item" data-word=word.clone()>
                <span class="ordered-place">{move || place.get() + 1}</span>
                <span class="grow">{title.clone()}</span>
                <button type="button" class="icon-button" id=button(&word, "up") data-testid="ordered-up" title="Up" aria-label=format!("Move {title} up") disabled=move || place.get() == 0 on:click=move |_| go(up.clone(), true)><Svg icon=Icon::SortUp/></button>
                <button type="button" class="icon-button" id=button(&word, "down") data-testid="ordered-down" title="Down" aria-label=format!("Move {title} down") disabled=last on:click=move |_| go(down.clone(), false)><Svg icon=Icon::SortDown/></button>
                <button type="button" class="icon-button" id=button(&word, "remove") data-testid="ordered-remove" title="Take out" aria-label=format!("Take {title} out") on:click=move |_| remove(out.clone())><Svg icon=Icon::Close/></button>
            </li>
        }
    };
    let rest = move || {
        let list = list.get();
        choices.with_value(|all| all.iter().filter(|(word, _)| !list.contains(word)).cloned().collect::<Vec<_>>())
    };
    let offer = move |(word, title): (String, String)| {
        let mine = word.clone();
        view! {
            <button type="button" class="button small" id=button(&word, "add") data-testid="ordered-add" data-word=word.clone() aria-label=format!("Add {title}") on:click=move |_| add(mine.clone())>
                <Svg icon=Icon::Plus/>
                {title.clone()}
            </button>
        }
    };
    view! {
        <div id=id class="ordered" role="group" tabindex="-1" aria-label=label aria-describedby=described data-testid="setting-value" data-value=move || value.get()>
            <ol>
                <For each=move || list.get() key=Clone::clone children=row/>
            </ol>
            {move || list.with(Vec::is_empty).then(|| view! { <p class="quiet-text">"Nothing is chosen yet: add the best first."</p> })}
            <div class="row wrap">
                <For each=rest key=|one| one.0.clone() children=offer/>
            </div>
            <p class="sr" role="status">{said}</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moves_a_place_and_stays_at_the_ends() {
        let list = parts("pcmu, pcma,opus");
        let go = |word: &str, up: bool| moved(&list, word, up).join(",");
        assert_eq!(go("opus", true), "pcmu,opus,pcma");
        assert_eq!(go("pcmu", false), "pcma,pcmu,opus");
        assert_eq!(go("pcmu", true), "pcmu,pcma,opus");
        assert_eq!(go("opus", false), "pcmu,pcma,opus");
        assert_eq!(go("g729", true), "pcmu,pcma,opus", "what is not there moves nothing");
    }
}
