//! One or several of a list of choices.

use super::{Refusal, refuse};
use crate::Choice;

/// One choice by value, label or vendor word, in this order, in any case.
pub fn one(choices: &[Choice], value: &str) -> Result<String, Refusal> {
    let same = |word: &str| word.eq_ignore_ascii_case(value);
    choices
        .iter()
        .find(|c| same(&c.value))
        .or_else(|| choices.iter().find(|c| same(&c.label)))
        .or_else(|| choices.iter().find(|c| c.wire.as_deref().is_some_and(same)))
        .map_or(Err(None), |c| Ok(c.value.clone()))
}

/// Any of the choices, put in the catalogue's order.
pub fn many(choices: &[Choice], value: &str) -> Result<String, Refusal> {
    let picked = words(choices, value)?;
    let ordered = choices.iter().map(|c| c.value.as_str()).filter(|v| picked.iter().any(|p| p == v));
    Ok(ordered.collect::<Vec<_>>().join(","))
}

/// Some of the choices in the order given, none twice.
pub fn ordered(choices: &[Choice], value: &str) -> Result<String, Refusal> {
    let picked = words(choices, value)?;
    for (i, word) in picked.iter().enumerate() {
        if picked.iter().take(i).any(|before| before == word) {
            return refuse(format!("{word} appears twice"));
        }
    }
    Ok(picked.join(","))
}

fn words(choices: &[Choice], value: &str) -> Result<Vec<String>, Refusal> {
    let each = value.split(',').map(str::trim).filter(|word| !word.is_empty());
    each.map(|word| {
        one(choices, word).map_err(|_| Some(format!("\"{}\" is none of them", crate::error::printable(word))))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abc() -> Vec<Choice> {
        let choice = |value: &str, label: &str, wire: &str| Choice {
            value: value.into(),
            label: label.into(),
            wire: Some(wire.into()),
            p: None,
        };
        vec![choice("a", "Alpha", "AA"), choice("b", "Beta", "BB"), choice("c", "Gamma", "CC")]
    }

    #[test]
    fn one_by_value_label_or_word() {
        for word in ["a", "ALPHA", "aa"] {
            assert_eq!(one(&abc(), word).as_deref(), Ok("a"));
        }
        assert!(one(&abc(), "d").is_err());
    }

    #[test]
    fn sets_and_lists() {
        assert_eq!(many(&abc(), "c, a,,a").as_deref(), Ok("a,c"));
        assert_eq!(ordered(&abc(), "c, Alpha").as_deref(), Ok("c,a"));
        assert!(ordered(&abc(), "a,b,a").is_err());
        assert!(many(&abc(), "a,x").is_err());
    }
}
