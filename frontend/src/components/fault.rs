//! Why the phone refused: its code and words, what they mean and what to do.

use contract::rest::FaultView;
use leptos::prelude::*;

use super::icon::{Icon, Svg};

#[component]
pub fn Fault(fault: FaultView) -> impl IntoView {
    let said = !fault.text.is_empty() && !fault.text.eq_ignore_ascii_case(&fault.meaning);
    let own = said.then(|| view! { <p class="quiet-text">"The phone says: " <q>{fault.text.clone()}</q></p> });
    let parameters = fault.parameters.into_iter().map(|one| {
        view! {
            <li>
                <span class="mono">{one.path}</span>
                <p>{format!("{} ({}). {}", one.meaning.trim_end_matches('.'), one.code, one.advice)}</p>
            </li>
        }
    });
    view! {
        <div class="fault" role="note" data-testid="fault" data-code=fault.code>
            <p>
                <Svg icon=Icon::Alert/>
                <b>{format!("Fault {}: {}", fault.code, fault.meaning)}</b>
            </p>
            <p>{fault.advice}</p>
            {own}
            <ul>{parameters.collect_view()}</ul>
        </div>
    }
}
