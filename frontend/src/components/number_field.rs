//! A whole number within named limits.

use std::ops::RangeInclusive;

use leptos::prelude::*;

use super::field::TextField;

/// The number an input holds; the error names the limits.
pub fn whole(text: &str, limits: &RangeInclusive<u64>, unit: &str) -> Result<u64, String> {
    let fits = text.trim().parse().ok().filter(|number| limits.contains(number));
    fits.ok_or_else(|| format!("Write a whole number {}.", span(limits, unit)))
}

fn span(limits: &RangeInclusive<u64>, unit: &str) -> String {
    format!("from {} to {} {unit}", limits.start(), limits.end()).trim_end().to_owned()
}

#[component]
pub fn NumberField(
    id: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    limits: RangeInclusive<u64>,
    #[prop(optional)] unit: &'static str,
) -> impl IntoView {
    let help = format!("{}.", span(&limits, unit).replacen('f', "F", 1));
    let error = Signal::derive(move || value.with(|text| whole(text, &limits, unit).err()));
    view! { <TextField id label help value error inputmode="numeric" testid=id/> }
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn limits_hold() {
        assert_eq!(whole(" 7 ", &(1..=100), ""), Ok(7));
        for text in ["0", "101", "", "x", "-1", "1.5"] {
            assert_eq!(whole(text, &(1..=100), "ms").unwrap_err(), "Write a whole number from 1 to 100 ms.");
        }
    }
}
