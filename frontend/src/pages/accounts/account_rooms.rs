//! Whose a SIP account is: one room, or several where they may share it.

use contract::RoomId;
use contract::rest::{Board, SipAccount};
use leptos::prelude::*;

use crate::components::field::TextField;
use crate::components::icon::{Icon, Svg};

/// What a form says of the rooms. A list of them only where several may have the account, or still do.
#[derive(Clone, Copy)]
pub struct Rooms {
    pub shared: RwSignal<bool>,
    /// Numbers of the list.
    list: RwSignal<Vec<String>>,
    /// The one room, or one more for the list.
    text: RwSignal<String>,
    was: StoredValue<Vec<String>>,
    /// Phones that have it besides, in words.
    phones: StoredValue<Vec<String>>,
}

impl Rooms {
    pub fn of(account: Option<&SipAccount>) -> Self {
        let uses = account.map(|account| account.used_by.as_slice()).unwrap_or_default();
        let was: Vec<String> = uses.iter().filter_map(|one| one.room_number.clone()).collect();
        let phones = uses.iter().filter_map(|one| one.mac).map(|mac| mac.to_string()).collect();
        let rooms = Self {
            shared: RwSignal::new(account.is_some_and(|account| account.shared)),
            list: RwSignal::new(was.clone()),
            text: RwSignal::new(String::new()),
            was: StoredValue::new(was),
            phones: StoredValue::new(phones),
        };
        rooms.settle();
        rooms
    }

    /// The numbers that are wanted, if they are others than before.
    pub fn changed(self) -> Option<Vec<String>> {
        let wanted = with(&self.list.get_untracked(), &self.text.get_untracked());
        let same = |was: &Vec<String>| was.len() == wanted.len() && was.iter().all(|one| wanted.contains(one));
        (!self.was.with_value(same)).then_some(wanted)
    }

    /// Between the one field and the list, as the switch and the rooms want it.
    fn settle(self) {
        let (shared, list) = (self.shared.get_untracked(), self.list.get_untracked());
        let (list, text) = settled(shared, list, self.text.get_untracked());
        self.list.set(list);
        self.text.set(text);
    }

    fn add(self) {
        self.list.set(with(&self.list.get_untracked(), &self.text.get_untracked()));
        self.text.set(String::new());
        crate::app::focus("account-room");
    }

    fn remove(self, number: &str) {
        self.list.update(|list| list.retain(|one| one != number));
        self.settle();
        crate::app::focus("account-room");
    }

    fn is_list(self) -> bool {
        self.shared.get() || self.list.with(|list| !list.is_empty())
    }
}

/// The list with one more.
fn with(list: &[String], text: &str) -> Vec<String> {
    let mut all = list.to_vec();
    let text = text.trim();
    if !text.is_empty() && !all.iter().any(|one| one == text) {
        all.push(text.to_owned());
    }
    all
}

/// One room stands in the field, unless several may have the account.
fn settled(shared: bool, list: Vec<String>, text: String) -> (Vec<String>, String) {
    let mut all = with(&list, &text);
    if shared || all.len() > 1 { (all, String::new()) } else { (Vec::new(), all.pop().unwrap_or_default()) }
}

/// The rooms with these numbers.
///
/// # Errors
/// Those the property has not, by name.
pub fn find(numbers: &[String], board: Option<&Board>) -> Result<Vec<RoomId>, String> {
    let all = board.into_iter().flat_map(|board| &board.buildings).flat_map(|one| &one.floors);
    let all: Vec<_> = all.flat_map(|floor| &floor.rooms).collect();
    let of = |number: &String| all.iter().find(|room| room.number == *number).map(|room| room.id);
    let missing: Vec<&str> = numbers.iter().filter(|number| of(number).is_none()).map(String::as_str).collect();
    match missing.is_empty() {
        true => Ok(numbers.iter().filter_map(of).collect()),
        false => Err(format!("This property has no room {}. Write numbers as on the doors.", missing.join(", "))),
    }
}

#[component]
pub fn RoomsField(rooms: Rooms, error: Signal<Option<String>>) -> impl IntoView {
    let Rooms { shared, list, text, phones, .. } = rooms;
    let switch = move |on: bool| {
        shared.set(on);
        rooms.settle();
    };
    let row = move |number: String| {
        let (label, kept) = (format!("Take it from room {number}"), number.clone());
        view! {
            <li class="row" data-testid="account-of-room" data-room=number.clone()>
                <span class="grow">{format!("Room {number}")}</span>
                <button type="button" class="icon-button" title="Remove" aria-label=label on:click=move |_| rooms.remove(&kept)><Svg icon=Icon::Trash/></button>
            </li>
        }
    };
    let one = "Whose account it is; empty: nobody's. It is taken from whoever had it.";
    let field = move || {
        let (label, help) = if rooms.is_list() { ("One more room", "") } else { ("Room", one) };
        view! { <TextField id="account-room" label=label help=help value=text error testid="account-room"/> }
    };
    let also =
        phones.with_value(|phones| (!phones.is_empty()).then(|| format!("Also given to phone {}.", phones.join(", "))));
    view! {
        <div class="stack">
            <label class="check">
                <input type="checkbox" data-testid="account-shared" prop:checked=move || shared.get() on:change:target=move |event| switch(event.target().checked())/>
                "Several rooms may have it"
            </label>
            <Show when=move || rooms.is_list()>
                <ul class="plain stack" aria-label="Rooms that have it" data-testid="account-rooms">
                    <For each=move || list.get() key=Clone::clone let:number>{row(number)}</For>
                </ul>
            </Show>
            {field}
            <Show when=move || rooms.is_list()>
                <div class="row">
                    <button type="button" class="button small" data-testid="account-room-add" on:click=move |_| rooms.add()><Svg icon=Icon::Plus/>"Add the room"</button>
                </div>
            </Show>
            {also.map(|text| view! { <p class="quiet-text">{text}</p> })}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(all: &[&str]) -> Vec<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn one_room_stands_in_its_field_and_several_in_a_list() {
        assert_eq!(settled(false, numbers(&["1201"]), String::new()), (vec![], "1201".to_owned()));
        assert_eq!(settled(true, vec![], " 1201 ".into()), (numbers(&["1201"]), String::new()));
        let both = numbers(&["1201", "1202"]);
        assert_eq!(settled(false, both.clone(), String::new()), (both, String::new()), "until one is left");
        assert_eq!(settled(false, vec![], String::new()), (vec![], String::new()));
        assert_eq!(with(&numbers(&["1201"]), "1201"), numbers(&["1201"]), "not twice");
    }

    #[test]
    fn rooms_that_are_not_there_are_named() {
        assert_eq!(find(&[], None), Ok(vec![]));
        let refused = find(&numbers(&["1399", "12 A"]), None).unwrap_err();
        assert!(refused.contains("1399, 12 A"), "{refused}");
    }
}
