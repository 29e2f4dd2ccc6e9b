//! Locking a value, so that no layer further in may override it.

use leptos::prelude::*;

use super::draft::Said;

#[component]
pub fn Lock(key: String, said: Memo<Said>, on_change: Callback<(bool, String)>) -> impl IntoView {
    let locked = Memo::new(move |_| said.with(|said| said.locked));
    let reason = move || said.with(|said| said.reason.clone());
    let id = StoredValue::new(format!("why-{key}"));
    view! {
        <label class="check">
            <input
                type="checkbox"
                data-testid="lock"
                prop:checked=move || locked.get()
                on:change:target=move |event| on_change.run((event.target().checked(), said.get_untracked().reason))
            />
            "Lock it: nothing further in may override it"
        </label>
        {move || locked.get().then(|| view! {
            <div class="field">
                <label for=id.get_value()>"Why it is locked"</label>
                <input
                    id=id.get_value()
                    type="text"
                    maxlength="200"
                    data-testid="lock-reason"
                    prop:value=reason
                    on:input:target=move |event| on_change.run((true, event.target().value()))
                />
            </div>
        })}
    }
}
