//! What an import would do, doing it, and what came of it.

use contract::rest::{ApplyImport, Import, ImportCounts, ImportSource, ImportState, ImportUndone, Undo};
use leptos::prelude::*;

use super::start::look;
use crate::components::chip::Chip;
use crate::components::confirm::ConfirmButton;
use crate::components::empty::FormError;
use crate::components::form::Sending;
use crate::components::icon::{Icon, Svg};
use crate::load::Loaded;
use crate::state::use_shared;
use crate::words::{counted, phones};

/// What rows make and change, in words.
fn effects(counts: &ImportCounts) -> Vec<String> {
    let parts = [
        (counts.buildings_made, "new building", "new buildings"),
        (counts.floors_made, "new floor", "new floors"),
        (counts.rooms_made, "new room", "new rooms"),
        (counts.rooms_changed, "changed room", "changed rooms"),
        (counts.phones_made, "new phone", "new phones"),
        (counts.phones_changed, "changed phone", "changed phones"),
        (counts.values_set, "value set", "values set"),
        (counts.accounts_made, "new SIP account", "new SIP accounts"),
        (counts.accounts_changed, "changed SIP account", "changed SIP accounts"),
        (counts.accounts_given, "room given an account", "rooms given an account"),
    ];
    parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| counted(count as usize, one, many))
        .collect()
}

/// What taking the settings back did, in words.
fn taken_back(undone: &ImportUndone) -> String {
    let mut parts = vec![match undone.undone {
        0 => "Nothing was taken back.".to_owned(),
        count => format!("{} as before.", counted(count as usize, "room or phone is", "rooms and phones are")),
    }];
    if undone.changed_since > 0 {
        let more = if undone.changed_since as usize > undone.names.len() { " and others" } else { "" };
        parts.push(format!(
            "Changed again since, or not readable any more, and left alone: {}{more}.",
            undone.names.join(", ")
        ));
    }
    if undone.left > 0 {
        parts.push(format!("{} left: do it again.", counted(undone.left as usize, "is", "are")));
    }
    parts.join(" ")
}

/// Whether a column sets values of rooms or phones. Its counts are of the last time only.
fn sets_values(import: &Import) -> bool {
    import.columns.iter().any(|column| column.layer.is_some())
}

/// Whether there is nothing to apply. An import that broke off counts what it did, not what is left.
fn is_all_so(state: ImportState, counts: &ImportCounts) -> bool {
    state == ImportState::Ready && counts.make + counts.change == 0
}

#[component]
pub fn Run(import: RwSignal<Import>, loaded: Loaded<Import>, trying: RwSignal<bool>) -> impl IntoView {
    let shared = use_shared();
    let sending = Sending::new();
    let wait = Signal::derive(move || trying.get() || sending.busy.get());
    let state = Memo::new(move |_| import.with(|import| import.state));
    let apply = Callback::new(move |skip_errors: bool| {
        let id = import.with_untracked(|import| import.id);
        let tell = async move {
            let answer = shared.api.tell(&format!("/imports/{id}/apply"), &ApplyImport { skip_errors }).await;
            if answer.is_err() {
                // It may have been tried anew.
                loaded.reload();
            }
            answer
        };
        sending.run(tell, move |()| loaded.reload());
    });
    let undone = RwSignal::new(None::<ImportUndone>);
    let undo = Callback::new(move |force: bool| {
        let id = import.with_untracked(|import| import.id);
        let wanted = Undo { force, ..Undo::default() };
        let post = async move { shared.api.post::<_, ImportUndone>(&format!("/imports/{id}/undo"), &wanted).await };
        sending.run(post, move |answer| undone.set(Some(answer)));
    });
    let said = move || undone.with(|undone| undone.as_ref().map(taken_back));
    let is_since = move || undone.with(|undone| undone.as_ref().is_some_and(|undone| undone.changed_since > 0));
    let counts = Memo::new(move |_| import.with(|import| import.counts));
    let errors = Memo::new(move |_| import.with(|import| import.errors));
    // An account that was never read to its end: there is nothing to apply.
    let unread = move || {
        import.with(|import| import.source == ImportSource::Gdms && import.columns.is_empty())
            && state.get() == ImportState::Failed
    };
    let line = move || {
        let (state, rows) = (state.get(), import.with(|import| import.rows));
        let rows = counted(rows as usize, "row", "rows");
        match state {
            ImportState::Ready => format!("{rows} read. Nothing is changed yet."),
            ImportState::Fetching => match import.with(|import| (import.rows_done, import.rows)) {
                (_, 0) => "Being read…".to_owned(),
                (done, all) => format!("Being read: {done} of {}.", counted(all as usize, "phone", "phones")),
            },
            ImportState::Applying => format!("{} of {rows} done.", import.with(|import| import.rows_done)),
            ImportState::Done => format!("{rows} applied."),
            ImportState::Failed if unread() => "It could not be read. Nothing was changed.".to_owned(),
            ImportState::Failed => {
                "It stopped. What was done stays; it may be applied again and goes on where it was.".to_owned()
            }
        }
    };
    let figures = move || {
        let counts = counts.get();
        let figure = |label: &'static str, count: u32, bad: bool| view! { <div class:bad={bad && count > 0}><dt>{label}</dt><dd>{count}</dd></div> };
        view! {
            <dl class="figures" data-testid="import-counts">
                {figure("Rows that make something", counts.make, false)}
                {figure("Rows that change something", counts.change, false)}
                {figure("Rows that are so already", counts.same, false)}
                {figure("Rows with an error", counts.refused, true)}
            </dl>
        }
    };
    let reached = move || {
        let reach = import.with(|import| import.reach);
        (state.get() == ImportState::Ready && reach.phones > 0).then(|| {
            let also = |count: u32, what: &str| if count > 0 { format!(", {count} {what}") } else { String::new() };
            let (restart, in_call) = (also(reach.restart, "will restart"), also(reach.in_call, "in a call now"));
            view! { <p data-testid="import-reach">{format!("{} that are there follow{restart}{in_call}.", phones(reach.phones))}</p> }
        })
    };
    let progress = move || {
        let label = match state.get() {
            ImportState::Applying => Some("Rows done"),
            ImportState::Fetching => Some("Phones read"),
            _ => None,
        };
        label.map(|label| {
            let (done, all) = import.with(|import| (import.rows_done, import.rows.max(1)));
            view! { <progress class="meter" aria-label=label max=all value=done></progress> }
        })
    };
    let nothing = move || counts.with(|counts| is_all_so(state.get(), counts));
    let buttons = move || {
        match (state.get(), errors.get()) {
        (ImportState::Failed, _) if unread() => Some(view! {
            <p>"Check in GDMS that this user may see the organisation with its devices, and that its API access is on. Then sign in again: only the secrets are asked for anew."</p>
            <div class="row"><a class="button primary" data-testid="import-again" href=move || format!("/p/{}/import", import.with(|import| import.property))>"Sign in again"</a></div>
        }.into_any()),
        (ImportState::Ready | ImportState::Failed, _) if nothing() => Some(
            view! { <p>"There is nothing to do: every row that can be used is so already."</p> }.into_any(),
        ),
        (ImportState::Ready | ImportState::Failed, 0) => Some(view! {
            <div class="row"><button type="button" class="button primary" data-testid="import-apply" disabled=wait on:click=move |_| apply.run(false)>
                <Svg icon=Icon::Check/>"Apply"
            </button></div>
        }.into_any()),
        (ImportState::Ready | ImportState::Failed, errors) => Some(view! {
            <p class="note"><Svg icon=Icon::Alert/> <span>{format!("{} below. Correct the file and choose it again, take a column for something else, or leave those rows out.", counted(errors as usize, "error stands", "errors stand"))}</span></p>
            <div class="row"><ConfirmButton label="Apply without them" icon=Icon::Check question="Leave rows with errors out and apply the others?" yes="Apply the others" on_yes=Callback::new(move |()| apply.run(true)) disabled=wait testid="import-skip"/></div>
        }.into_any()),
        _ => None,
    }
    };
    view! {
        <section class="card stack" aria-label="What it does">
            <div class="row between wrap" role="status" aria-live="polite">
                <b data-testid="import-line">{line}</b>
                {move || view! { <Chip look=look(state.get())/> }}
            </div>
            {progress}
            {move || (state.get() != ImportState::Fetching && !unread()).then(figures)}
            {reached}
            {move || Some(counts.with(effects)).filter(|some| !some.is_empty()).map(|some| view! { <p>{some.join(", ")}</p> })}
            {move || import.with(|import| (!import.note.is_empty()).then(|| import.note.clone())).map(|note| view! { <p class="note"><Svg icon=Icon::Alert/> <span>{note}</span></p> })}
            <FormError error=sending.error fields=&[]/>
            {buttons}
            <Show when=move || matches!(state.get(), ImportState::Done | ImportState::Failed) && !unread()>
                <div class="row wrap">
                    <a class="button" href=move || format!("/p/{}/rooms", import.with(|import| import.property))><Svg icon=Icon::Rooms/>"See the rooms"</a>
                    <Show when=move || import.with(sets_values)>
                        <ConfirmButton label="Take its settings back" icon=Icon::Swap question="Set the values of rooms and phones back to what they were? Rooms, phones and accounts stay." yes="Take them back" on_yes=Callback::new(move |()| undo.run(false)) disabled=wait testid="import-undo"/>
                    </Show>
                    <Show when=is_since>
                        <ConfirmButton label="Take these back too" icon=Icon::Swap question="Also set values back that somebody changed after this import?" yes="Take them back" on_yes=Callback::new(move |()| undo.run(true)) disabled=wait testid="import-undo-all"/>
                    </Show>
                </div>
                <p role="status" data-testid="import-undone">{said}</p>
            </Show>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_name_what_there_is() {
        let counts = ImportCounts { rooms_made: 2, phones_changed: 1, ..ImportCounts::default() };
        assert_eq!(effects(&counts), ["2 new rooms", "1 changed phone"]);
    }

    #[test]
    fn what_broke_off_before_its_first_row_may_be_applied_again() {
        let none = ImportCounts::default();
        assert!(is_all_so(ImportState::Ready, &none) && !is_all_so(ImportState::Failed, &none));
        assert!(!is_all_so(ImportState::Ready, &ImportCounts { make: 1, ..none }));
    }

    #[test]
    fn what_was_left_alone_is_named() {
        let names = vec!["Room 101".to_owned(), "Room 102".to_owned()];
        let undone = ImportUndone { undone: 1, changed_since: 3, names, phones: 1, left: 2 };
        let said = "1 room or phone is as before. Changed again since, or not readable any more, and left alone: Room 101, \
                    Room 102 and others. \
                    2 are left: do it again.";
        assert_eq!(taken_back(&undone), said);
        assert_eq!(taken_back(&ImportUndone::default()), "Nothing was taken back.");
    }
}
