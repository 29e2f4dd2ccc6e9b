//! Picking a variable: `{room.number}` becomes each room's own number when the value reaches its phone.

use leptos::html::Details;
use leptos::prelude::*;
use provisioning::variables::VARIABLES;
use wasm_bindgen::JsCast;

/// The text with `word` in place of the selected part (UTF-16 units, as browsers count), and where the caret goes.
fn insert(text: &str, start: u32, end: u32, word: &str) -> (String, u32) {
    let units: Vec<u16> = text.encode_utf16().collect();
    let start = (start as usize).min(units.len());
    let end = (end as usize).clamp(start, units.len());
    let (before, after) = (units.get(..start).unwrap_or_default(), units.get(end..).unwrap_or_default());
    let mut out = String::from_utf16_lossy(before);
    out.push_str(word);
    let caret = start + word.encode_utf16().count();
    out.push_str(&String::from_utf16_lossy(after));
    (out, caret as u32)
}

/// Opens a list of variables; the chosen one is put where the caret is in the input `id`.
#[component]
pub fn VariablePicker(
    /// The input's id.
    #[prop(into)]
    id: String,
    /// Whether the setting is secret; only those may hold a secret variable.
    secret: bool,
    value: Signal<String>,
    on_value: Callback<String>,
) -> impl IntoView {
    let open = NodeRef::<Details>::new();
    let id = StoredValue::new(id);
    let pick = move |name: &'static str| {
        let input = document()
            .get_element_by_id(&id.get_value())
            .and_then(|element| element.dyn_into::<web_sys::HtmlInputElement>().ok());
        let text = value.get_untracked();
        let end = text.encode_utf16().count() as u32;
        let at = |found: Option<Result<Option<u32>, wasm_bindgen::JsValue>>| found.and_then(Result::ok).flatten();
        let start = at(input.as_ref().map(|input| input.selection_start())).unwrap_or(end);
        let stop = at(input.as_ref().map(|input| input.selection_end())).unwrap_or(start);
        let (text, caret) = insert(&text, start, stop, &format!("{{{name}}}"));
        on_value.run(text);
        if let Some(details) = open.get_untracked() {
            details.set_open(false);
        }
        // Once the input shows the new text.
        request_animation_frame(move || {
            if let Some(input) = input {
                let _ = input.focus();
                let _ = input.set_selection_range(caret, caret);
            }
        });
    };
    let options = VARIABLES.iter().filter(|variable| secret || !variable.secret).map(|variable| {
        view! {
            <li>
                <button type="button" class="variable" data-testid="variable" data-name=variable.name on:click=move |_| pick(variable.name)>
                    <span class="mono">{format!("{{{}}}", variable.name)}</span>
                    <span class="quiet-text">{format!("{}, such as {}", variable.help, variable.example)}</span>
                </button>
            </li>
        }
    });
    view! {
        <details class="variables" node_ref=open on:keydown=move |event| {
            if event.key() == "Escape" && let Some(details) = open.get_untracked() && details.open() {
                event.stop_propagation();
                details.set_open(false);
            }
        }>
            <summary class="button small quiet" data-testid="variables">"Insert a variable"</summary>
            <ul>{options.collect_view()}</ul>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::insert;

    #[test]
    fn a_variable_goes_where_the_caret_is() {
        assert_eq!(insert("Room ", 5, 5, "{room.number}"), ("Room {room.number}".into(), 18));
        assert_eq!(insert("Züge x", 5, 6, "{a.b}"), ("Züge {a.b}".into(), 10));
        assert_eq!(insert("", 9, 4, "{a.b}"), ("{a.b}".into(), 5));
    }
}
