//! A plain input for a parameter the catalogue does not know: what its XML Schema type allows, and no more.

use leptos::prelude::*;

use crate::components::field::FieldNotes;

/// The longest value that is sent (TR-106 strings are shorter unless they say otherwise), in characters.
const LONGEST: usize = 65_536;

/// Smallest and largest value of a whole-number type.
fn range(xsd_type: &str) -> Option<(i128, i128)> {
    match xsd_type {
        "int" => Some((i32::MIN.into(), i32::MAX.into())),
        "unsignedInt" => Some((0, u32::MAX.into())),
        "long" => Some((i64::MIN.into(), i64::MAX.into())),
        "unsignedLong" => Some((0, u64::MAX.into())),
        _ => None,
    }
}

/// Why a value cannot be sent, with what to write instead.
pub fn refusal(xsd_type: &str, value: &str) -> Option<String> {
    if value.chars().count() > LONGEST {
        return Some(format!("This value is longer than {LONGEST} characters. Shorten it."));
    }
    if let Some((low, high)) = range(xsd_type) {
        let fits = value.trim().parse::<i128>().is_ok_and(|number| (low..=high).contains(&number));
        return (!fits).then(|| format!("Write a whole number from {low} to {high}."));
    }
    match xsd_type {
        "boolean" if !matches!(value, "true" | "false" | "0" | "1") => Some("Choose on or off.".into()),
        "dateTime" if !date_time(value.trim()) => {
            Some("Write a date and time like 2026-01-31T14:05:00Z; 0001-01-01T00:00:00Z means unknown.".into())
        }
        "hexBinary" if value.len() % 2 == 1 || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Some("Write pairs of the digits 0-9 and A-F.".into())
        }
        "base64" | "base64Binary" if !base64(value) => {
            Some("This is not base64: letters, digits, + and /, in groups of four.".into())
        }
        _ => None,
    }
}

/// `2026-01-31T14:05:00`, with or without parts of a second and a zone.
fn date_time(text: &str) -> bool {
    let pattern = "dddd-dd-ddTdd:dd:dd";
    let Some((head, tail)) = text.split_at_checked(pattern.len()) else { return false };
    let fits = |(letter, wanted): (char, char)| if wanted == 'd' { letter.is_ascii_digit() } else { letter == wanted };
    head.chars().zip(pattern.chars()).all(fits)
        && tail.chars().all(|letter| letter.is_ascii_digit() || ".Z+-:".contains(letter))
}

fn base64(text: &str) -> bool {
    let data = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - data.len() <= 2
        && data.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn help(xsd_type: &str) -> String {
    match (xsd_type, range(xsd_type)) {
        (_, Some((low, high))) => format!("A whole number from {low} to {high}."),
        ("dateTime", _) => "A date and time, for example 2026-01-31T14:05:00Z.".into(),
        ("hexBinary", _) => "Hexadecimal digits.".into(),
        ("base64" | "base64Binary", _) => "Bytes in base64.".into(),
        ("" | "boolean", _) => String::new(),
        (other, _) => format!("Type {other}."),
    }
}

#[component]
pub fn ParameterInput(
    xsd_type: String,
    value: RwSignal<String>,
    #[prop(into)] error: Signal<Option<String>>,
) -> impl IntoView {
    let number = range(&xsd_type).is_some();
    let input = if xsd_type == "boolean" {
        let on = move || value.with(|value| value == "true" || value == "1");
        view! {
            <button
                type="button"
                id="parameter-value"
                class="switch"
                role="switch"
                data-testid="parameter-value"
                aria-checked=move || if on() { "true" } else { "false" }
                on:click=move |_| value.set(if on() { "false".into() } else { "true".into() })
            >
                <span class="knob" aria-hidden="true"></span>
                {move || if on() { "On" } else { "Off" }}
            </button>
        }
        .into_any()
    } else {
        view! {
            <input
                id="parameter-value"
                type="text"
                inputmode=number.then_some("numeric")
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                data-testid="parameter-value"
                aria-describedby="parameter-help parameter-error"
                aria-invalid=move || error.get().is_some().then_some("true")
                prop:value=move || value.get()
                on:input:target=move |event| value.set(event.target().value())
            />
        }
        .into_any()
    };
    view! {
        <div class="field">
            <label for="parameter-value">"Value"</label>
            {input}
            <FieldNotes help=help(&xsd_type) help_id="parameter-help".into() error error_id="parameter-error".into()/>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn each_type_has_its_values() {
        for (kind, value) in [
            ("string", "anything at all"),
            ("unsignedInt", "4294967295"),
            ("int", "-1"),
            ("boolean", "true"),
            ("dateTime", "2026-01-31T14:05:00.5+01:00"),
            ("dateTime", "0001-01-01T00:00:00Z"),
            ("hexBinary", "00fF"),
            ("base64", "aGFsbG8="),
            ("base64", ""),
            ("", "whatever"),
        ] {
            assert_eq!(refusal(kind, value), None, "{kind} {value}");
        }
        for (kind, value) in [
            ("unsignedInt", "-1"),
            ("unsignedInt", "4294967296"),
            ("int", "1.5"),
            ("int", ""),
            ("boolean", "maybe"),
            ("dateTime", "31.01.2026"),
            ("hexBinary", "abc"),
            ("base64", "abc"),
            ("base64", "===="),
        ] {
            assert!(refusal(kind, value).is_some(), "{kind} {value}");
        }
    }
}
