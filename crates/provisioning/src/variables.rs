//! Variables in templates: `{room.number}` in a setting's value becomes the room's number.
//!
//! A variable is a pair of braces around a name with a dot, such as `{sip.user}`. Every other brace is text, so dial
//! plans (`{ x+ | *xx }`) and the `${mac}` of Action URLs stay what they are. `{{room.number}` is the text
//! `{room.number}`; where a dial plan begins with a variable, a blank divides the braces: `{ {room.extension} | x+ }`.
//!
//! What is put in is not looked at again: a guest called `{sip.password}` stays that.

mod fill;

use settings::{Catalogue, SettingError, distance};

pub use fill::fill;

/// Something a template can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name, without braces.
    pub name: &'static str,
    /// What it stands for.
    pub help: &'static str,
    /// What it may look like.
    pub example: &'static str,
    /// The value is never shown.
    pub secret: bool,
}

const fn open(name: &'static str, help: &'static str, example: &'static str) -> Variable {
    Variable { name, help, example, secret: false }
}

/// Every variable there is.
pub const VARIABLES: &[Variable] = &[
    open("chain.name", "Name of the hotel chain", "Harbour Hotels"),
    open("property.name", "Name of the property", "Harbour Hotel Lisbon"),
    open("property.code", "Short code of the property", "LIS1"),
    open("property.phone", "The property's telephone number", "+351215550100"),
    open("property.front_desk", "Number of the front desk as dialled from a room", "0"),
    open("property.time_zone", "Time zone of the property", "Europe/Lisbon"),
    open("building.name", "Name of the building the room is in", "Main"),
    open("floor.name", "Name of the floor the room is on", "3"),
    open("room.number", "Number of the room, as on its door", "314"),
    open("room.extension", "Extension of the room", "6314"),
    open("guest.name", "Name of the guest, empty while the room is vacant", "Mrs Silva"),
    open("device.mac", "MAC address, twelve digits without separators", "c074ad120701"),
    open("device.mac_colons", "MAC address with colons", "c0:74:ad:12:07:01"),
    open("device.model", "Model of the phone", "GHP621W"),
    open("device.serial", "Serial number of the phone", "21AM0BJG90AD5C01"),
    open("sip.server", "SIP server of the phone's first account, with its port if it has one", "pbx.lis1.example"),
    open("sip.host", "The same without a port", "pbx.lis1.example"),
    open("sip.user", "User of the phone's first SIP account, else the room's extension", "6314"),
    open("sip.auth_user", "Authentication name of that account", "6314"),
    open("sip.display_name", "What that account shows to people who are called", "Room 314"),
    Variable { name: "sip.password", help: "Password of that account", example: "(secret)", secret: true },
];

/// Longest template, in bytes.
pub const MAX_TEMPLATE: usize = 16 << 10;
/// Longest result, in bytes.
pub const MAX_RESULT: usize = 32 << 10;
/// Most variables in one template.
pub const MAX_VARIABLES: usize = 64;

/// Why a template is wrong, or cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// No such variable.
    #[error("character {at}: there is no variable {{{name}}}{}; for the text itself write {{{{{name}}}", hint(.suggestion))]
    Unknown {
        /// Its name as written, at most 40 characters.
        name: String,
        /// Where its brace stands, in characters from 1.
        at: usize,
        /// The nearest name.
        suggestion: Option<&'static str>,
    },
    /// The variable has no value here.
    #[error("there is no value for {{{0}}}")]
    Missing(&'static str),
    /// The template or what it makes is too large.
    #[error(
        "a template has at most {MAX_TEMPLATE} bytes and {MAX_VARIABLES} variables, and makes at most {MAX_RESULT} bytes"
    )]
    TooLarge,
}

fn hint(suggestion: &Option<&'static str>) -> String {
    suggestion.map(|name| format!("; did you mean {{{name}}}?")).unwrap_or_default()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(&'static Variable),
}

/// A template whose variables all exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`VariableError::Unknown`] with position and suggestion; [`VariableError::TooLarge`].
    pub fn parse(text: &str) -> Result<Self, VariableError> {
        if text.len() > MAX_TEMPLATE {
            return Err(VariableError::TooLarge);
        }
        let (mut pieces, mut plain, mut rest) = (vec![], String::new(), text);
        while let Some(brace) = rest.find('{') {
            let (before, here) = rest.split_at(brace);
            plain.push_str(before);
            let inside = here.get(1..).unwrap_or_default();
            if let Some((_, after)) = inside.strip_prefix('{').and_then(name) {
                // The first of two braces only says that the second is text.
                plain.push_str(inside.get(..inside.len() - after.len()).unwrap_or_default());
                rest = after;
            } else if let Some((name, after)) = name(inside) {
                let at = text.get(..text.len() - here.len()).unwrap_or_default().chars().count() + 1;
                let variable = find(name).ok_or_else(|| unknown(name, at))?;
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Variable(variable));
                rest = after;
            } else {
                plain.push('{');
                rest = inside;
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        let template = Self { pieces };
        if template.variables().count() > MAX_VARIABLES { Err(VariableError::TooLarge) } else { Ok(template) }
    }

    /// The variables, in the order they stand, with repetitions.
    pub fn variables(&self) -> impl Iterator<Item = &'static Variable> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(variable) => Some(*variable),
            Piece::Text(_) => None,
        })
    }

    /// Whether the result must not be shown.
    pub fn is_secret(&self) -> bool {
        self.variables().any(|variable| variable.secret)
    }

    /// Fills it in. `lookup` gives a variable's value by name; `None` where there is none.
    ///
    /// # Errors
    /// [`VariableError::Missing`] and [`VariableError::TooLarge`].
    pub fn expand(&self, lookup: impl Fn(&str) -> Option<String>) -> Result<String, VariableError> {
        self.expand_as(lookup, |_, _, value| value)
    }

    /// The same, with each value written by `write`, which is given what stands before it, and the variable's name.
    fn expand_as(
        &self,
        lookup: impl Fn(&str) -> Option<String>,
        write: impl Fn(&str, &str, String) -> String,
    ) -> Result<String, VariableError> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(variable) => {
                    let value = lookup(variable.name).ok_or(VariableError::Missing(variable.name))?;
                    let written = write(&out, variable.name, value);
                    out.push_str(&written);
                }
            }
            if out.len() > MAX_RESULT {
                return Err(VariableError::TooLarge);
            }
        }
        Ok(out)
    }
}

/// A template for a setting that will not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A variable is wrong.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// The value is not allowed.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The value is not allowed, with the variables' examples filled in.
    #[error("filled in with examples, {0}")]
    Example(SettingError),
    /// A variable that is secret, in a setting that is not.
    #[error("{{{variable}}} is secret, {key} is shown to people; use it in a secret setting")]
    Shown {
        /// The variable.
        variable: &'static str,
        /// The setting.
        key: String,
    },
}

/// Checks a value with variables for a setting, before any room is known: it is validated with the examples filled in.
/// What a real room makes of it has to be validated again.
///
/// # Errors
/// [`TemplateError`].
pub fn check(key: &str, text: &str) -> Result<Template, TemplateError> {
    let template = Template::parse(text)?;
    let example = |name: &str| find(name).map(|variable| variable.example.to_owned());
    let filled = match Catalogue::get().find(key) {
        Some(found) => fill(found, &template, example)?,
        None => template.expand(example)?,
    };
    let plain = template.variables().next().is_none();
    settings::validate(key, &filled)
        .map_err(|error| if plain { TemplateError::Setting(error) } else { TemplateError::Example(error) })?;
    let secret = Catalogue::get().find(key).is_some_and(|found| found.setting.secret);
    let shown = template.variables().find(|variable| variable.secret && !secret);
    match shown {
        Some(variable) => Err(TemplateError::Shown { variable: variable.name, key: key.to_owned() }),
        None => Ok(template),
    }
}

/// A template for the text itself, whatever is in it.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(brace) = rest.find('{') {
        let (before, here) = rest.split_at(brace);
        out.push_str(before);
        let inside = here.get(1..).unwrap_or_default();
        if name(inside).is_some() {
            out.push('{');
        }
        out.push('{');
        rest = inside;
    }
    out.push_str(rest);
    out
}

fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

fn unknown(name: &str, at: usize) -> VariableError {
    let lower = name.to_lowercase();
    let near = VARIABLES.iter().map(|variable| (distance(&lower, variable.name), variable.name)).min();
    let suggestion = near.filter(|(far, best)| *far <= 2 + best.len() / 4).map(|(_, best)| best);
    VariableError::Unknown { name: name.to_owned(), at, suggestion }
}

/// Longest thing between braces taken for a name.
const MAX_NAME: usize = 40;

/// `name}` at the beginning: words of letters, digits and `_` that begin with a letter, two or more, joined by dots. The
/// first is not made of `x` alone, which a dial plan might say. Gives the name and what follows the brace.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().take(MAX_NAME + 1).position(|b| b == b'}')?;
    let (name, rest) = text.split_at_checked(end)?;
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let (first, _) = name.split_once('.')?;
    let fine = name.split('.').all(word) && !first.bytes().all(|b| b.eq_ignore_ascii_case(&b'x'));
    fine.then_some((name, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(template: &str) -> Result<String, VariableError> {
        Template::parse(template)?.expand(|name| match name {
            "room.number" => Some("314".into()),
            "room.extension" => Some("6314".into()),
            "guest.name" => Some("{sip.password}".into()),
            "sip.password" => Some("hunter2".into()),
            _ => None,
        })
    }

    #[test]
    fn variables_are_filled_in() {
        assert_eq!(filled("Room {room.number}").as_deref(), Ok("Room 314"));
        assert_eq!(filled("{room.number}{room.extension}").as_deref(), Ok("3146314"));
        assert_eq!(filled("").as_deref(), Ok(""));
        assert_eq!(filled("{property.name}"), Err(VariableError::Missing("property.name")));
    }

    #[test]
    fn dial_plans_and_action_urls_are_text() {
        for text in [
            "{ x+ | \\+x+ | *x+ | *xx*x+ }",
            "{^1900x.|<=1617>xxxxxxx}",
            "{x.x}",
            "{[3-5]xx.}",
            "http://h/?m=${mac}&r=${remote}",
            "{}",
            "{",
            "}",
            "{{",
            "{ room.number }",
            "{room.}",
            "{.number}",
            "{3.number}",
        ] {
            assert_eq!(filled(text).as_deref(), Ok(text));
        }
        assert_eq!(filled("{ {room.extension} | x+ }").as_deref(), Ok("{ 6314 | x+ }"));
        assert!(settings::check_dial_plan(&filled("{ {room.extension} | x+ }").unwrap()).is_ok());
    }

    #[test]
    fn two_braces_are_the_text_itself() {
        assert_eq!(filled("{{room.number} is {room.number}").as_deref(), Ok("{room.number} is 314"));
        assert_eq!(filled("{{no.such}").as_deref(), Ok("{no.such}"));
        assert_eq!(filled("{{{room.number}}").as_deref(), Ok("{{room.number}}"));
    }

    #[test]
    fn an_unknown_name_is_placed_and_the_nearest_is_offered() {
        let error = filled("Zimmer № {rom.number}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "character 10: there is no variable {rom.number}; did you mean {room.number}?; for the text itself write {{rom.number}"
        );
        let VariableError::Unknown { suggestion, .. } = filled("{Room.Number}").unwrap_err() else { panic!() };
        assert_eq!(suggestion, Some("room.number"));
        let VariableError::Unknown { suggestion, .. } = filled("{weather.tomorrow}").unwrap_err() else { panic!() };
        assert_eq!(suggestion, None);
    }

    #[test]
    fn what_is_put_in_is_not_read_again() {
        assert_eq!(filled("{guest.name}").as_deref(), Ok("{sip.password}"));
    }

    #[test]
    fn secrets_are_known_as_such() {
        assert!(Template::parse("{sip.password}").unwrap().is_secret());
        assert!(!Template::parse("{sip.user}").unwrap().is_secret());
    }

    #[test]
    fn a_template_is_checked_for_its_setting() {
        for (key, text) in [
            ("account.1.sip.userid", "{room.extension}"),
            ("account.1.name", "{property.code} {room.number}"),
            ("account.1.sip.server.1.address", "pbx.{property.code}.example"),
            ("account.1.sip.subscriber.password", "{sip.password}"),
            ("account.1.call.dialplan", "{ {room.extension} | x+ }"),
            ("ons.actionurl.offhook", "http://h.example/?guest={guest.name}&hotel={property.name}"),
        ] {
            assert!(check(key, text).is_ok(), "{key}: {:?}", check(key, text));
        }
        let error = check("account.1.enable", "{room.number}").unwrap_err();
        assert!(error.to_string().starts_with("filled in with examples, account.1.enable: \"314\" is not"), "{error}");
        assert!(matches!(check("account.1.enable", "perhaps"), Err(TemplateError::Setting(_))));
        assert!(matches!(check("account.1.name", "{rom.number}"), Err(TemplateError::Variable(_))));
        let error = check("account.1.name", "{sip.password}").unwrap_err();
        assert!(matches!(error, TemplateError::Shown { .. }), "{error}");
    }

    #[test]
    fn sizes_have_limits() {
        let many = "{room.number}".repeat(MAX_VARIABLES);
        assert!(Template::parse(&many).is_ok());
        assert_eq!(Template::parse(&format!("{many}{{room.number}}")), Err(VariableError::TooLarge));
        assert_eq!(Template::parse(&"a".repeat(MAX_TEMPLATE + 1)), Err(VariableError::TooLarge));
        let template = Template::parse(&many).unwrap();
        assert_eq!(template.expand(|_| Some("a".repeat(1000))), Err(VariableError::TooLarge));
    }

    #[test]
    fn the_list_has_no_name_twice_and_every_name_can_be_written() {
        for (i, variable) in VARIABLES.iter().enumerate() {
            assert!(VARIABLES.iter().skip(i + 1).all(|other| other.name != variable.name), "{}", variable.name);
            let template = Template::parse(&format!("{{{}}}", variable.name)).unwrap();
            assert_eq!(template.variables().collect::<Vec<_>>(), [variable]);
            assert!(!variable.help.is_empty() && !variable.example.is_empty());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_can_be_said(text in prop_oneof![any::<String>(), "[{}a-z.x|]{0,30}", "(\\{|\\}|room\\.number|x\\.){0,12}"]) {
            let template = Template::parse(&literal(&text)).unwrap();
            prop_assert_eq!(template.variables().count(), 0);
            prop_assert_eq!(template.expand(|_| None), Ok(text));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = Template::parse(&text).map(|template| template.expand(|name| Some(name.to_owned())));
        }
    }
}
