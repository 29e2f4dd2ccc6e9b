//! Changes of one layer that are not pushed yet. Nothing leaves the browser by typing.

use std::collections::BTreeMap;

use contract::rest::{LayerValue, SECRET_MASK};

use crate::words::sentence;

/// What a layer says, or is to say, about one setting.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// `None`: the layer says nothing; what lies below shows through.
    pub value: Option<String>,
    pub locked: bool,
    pub reason: String,
}

impl Said {
    pub fn of(value: &LayerValue) -> Self {
        Self { value: Some(value.value.clone()), locked: value.locked, reason: value.reason.clone() }
    }

    /// Whether it stands for a secret nobody may see: set, and to be left as it is.
    pub fn masked(&self) -> bool {
        self.value.as_deref() == Some(SECRET_MASK)
    }
}

/// The changes, by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft(BTreeMap<String, Said>);

impl Draft {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, key: &str) -> Option<&Said> {
        self.0.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &Said)> {
        self.0.iter()
    }

    /// Takes a wish; one that leaves everything as it is is none.
    pub fn wish(&mut self, key: &str, wish: Said, now: &Said) {
        if wish == *now {
            self.0.remove(key);
        } else {
            self.0.insert(key.to_owned(), wish);
        }
    }

    pub fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Forgets a wish that is still this one.
    pub fn forget_if(&mut self, key: &str, wish: &Said) {
        if self.get(key) == Some(wish) {
            self.forget(key);
        }
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What keeps it from being reviewed: the first key with a value that is not allowed, and why.
    pub fn first_wrong(&self) -> Option<(&str, String)> {
        self.0.iter().find_map(|(key, said)| wrong(key, said).map(|why| (key.as_str(), why)))
    }
}

/// Why a wish cannot be, in words, without the key one is looking at.
pub fn wrong(key: &str, said: &Said) -> Option<String> {
    let value = said.value.as_deref().filter(|_| !said.masked());
    if let Some(why) = value.and_then(|value| refusal(key, value)) {
        return Some(why);
    }
    (said.value.is_some() && said.locked && said.reason.trim().is_empty())
        .then(|| "Say why it is locked: people who are refused will read it.".to_owned())
}

/// Why the text is no value of this setting; variables are allowed.
pub fn refusal(key: &str, value: &str) -> Option<String> {
    use provisioning::variables::{TemplateError, check};
    use settings::SettingError;
    match check(key, value) {
        Ok(_) => None,
        Err(TemplateError::Setting(SettingError::Invalid { reason, .. })) => Some(format!("This value {reason}.")),
        Err(TemplateError::Example(SettingError::Invalid { reason, .. })) => {
            Some(format!("With its variables filled in, this value {reason}."))
        }
        Err(error) => Some(sentence(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(value: &str) -> Said {
        Said { value: Some(value.into()), ..Said::default() }
    }

    #[test]
    fn a_wish_for_what_is_there_is_none() {
        let mut draft = Draft::default();
        draft.wish("audio.volume.ring", said("5"), &Said::default());
        assert_eq!(draft.len(), 1);
        draft.wish("audio.volume.ring", said("5"), &said("5"));
        assert!(draft.is_empty());
        draft.wish("audio.volume.ring", Said::default(), &said("5"));
        assert_eq!(draft.get("audio.volume.ring"), Some(&Said::default()), "to be removed");
    }

    #[test]
    fn a_wrong_wish_says_why() {
        assert_eq!(wrong("audio.volume.ring", &said("5")), None);
        assert!(wrong("audio.volume.ring", &said("99")).unwrap().starts_with("This value is not allowed"));
        assert_eq!(wrong("account.1.name", &said("Room {room.number}")), None);
        assert!(wrong("account.1.name", &said("{rom.number}")).unwrap().contains("did you mean {room.number}?"));
        assert!(wrong("account.1.name", &said("{sip.password}")).unwrap().contains("secret"));
        let lock = Said { locked: true, ..said("5") };
        assert!(wrong("audio.volume.ring", &lock).unwrap().starts_with("Say why"));
        assert_eq!(wrong("account.1.sip.subscriber.password", &said(SECRET_MASK)), None, "left as it is");
    }
}
