//! The way back from the vendor's configuration files: which setting an item belongs to, and its canonical value.

use crate::{
    Catalogue, Choice, SettingError, SettingRef, ValueType,
    data::{Part, fill},
    found::pick,
    validate::validate_ref,
    wire::Dialect,
};

/// Where an item of a vendor's file belongs.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// The setting.
    pub setting: SettingRef,
    /// Which of its parts, where it has parts and this is one.
    pub part: Option<&'static Part>,
}

impl Item {
    /// Every item the setting is written as in the dialect, by name. A name not known is left out.
    pub(crate) fn all(setting: SettingRef, dialect: Dialect) -> Vec<(String, Option<usize>)> {
        let declared = setting.setting;
        let whole = match dialect {
            Dialect::Alias if declared.vendor_alias => {
                Some(fill(declared.alias.as_deref().unwrap_or(&declared.key), setting.instance))
            }
            Dialect::Alias => None,
            Dialect::P => setting.p_value().map(str::to_owned),
        };
        let parts = declared.parts.iter().enumerate().filter_map(|(i, part)| {
            let name = match dialect {
                Dialect::Alias => part.alias.as_deref().map(|alias| fill(alias, setting.instance)),
                Dialect::P => pick(&part.p, &setting).map(str::to_owned),
            };
            Some((name?, Some(i)))
        });
        whole.map(|name| (name, None)).into_iter().chain(parts).collect()
    }
}

impl Catalogue {
    /// The setting behind a vendor's alias such as `account.1.sip.userid`, in any case.
    pub fn find_alias(&'static self, name: &str) -> Option<Item> {
        self.item(name, Dialect::Alias)
    }

    /// The setting behind a P-value such as `P47`, in any case.
    pub fn find_p(&'static self, name: &str) -> Option<Item> {
        self.item(name, Dialect::P)
    }
}

impl SettingRef {
    /// The canonical value of one item that carries the whole setting.
    ///
    /// # Errors
    /// [`SettingError::Invalid`] for a word that means nothing here, or a value out of range.
    pub fn value_from_wire(&self, dialect: Dialect, word: &str) -> Result<String, SettingError> {
        let inverted = dialect == Dialect::P && self.setting.p_inverted;
        let choices = self.setting.value_type.choices();
        match &self.setting.value_type {
            ValueType::Bool => {
                let on = validate_ref(*self, word)? == "yes";
                Ok(if on != inverted { "yes" } else { "no" }.into())
            }
            ValueType::Enum { .. } | ValueType::TimeZone { .. } => match meaning(choices, word, dialect) {
                Some(choice) => Ok(choice.value.clone()),
                None => validate_ref(*self, word),
            },
            ValueType::Multi { .. } | ValueType::CodecList { .. } => {
                let words = word.split(',').map(|word| meaning(choices, word, dialect).map_or(word, |c| &c.value));
                validate_ref(*self, &words.collect::<Vec<_>>().join(","))
            }
            _ => validate_ref(*self, word),
        }
    }

    /// The canonical value of the parts that are there, as (the part's `of`, its word). Parts that are missing count as
    /// off or empty, but an address needs all its octets, and a list may miss its last places only.
    ///
    /// # Errors
    /// [`SettingError::Invalid`] for a word that means nothing here, or a whole that is not allowed.
    pub fn value_from_parts(&self, dialect: Dialect, parts: &[(&str, &str)]) -> Result<String, SettingError> {
        let joined = self.join(dialect, parts).map_err(|reason| SettingError::Invalid {
            key: self.key(),
            shown: None,
            reason,
        })?;
        validate_ref(*self, &joined)
    }

    fn join(&self, dialect: Dialect, parts: &[(&str, &str)]) -> Result<String, String> {
        let choices = self.setting.value_type.choices();
        let word_of = |of: &str| parts.iter().find(|(part, _)| *part == of).map(|(_, word)| word.trim());
        let unknown = |of: &str| format!("of item {of} means nothing here");
        let known = |of: &str, word: &str| meaning(choices, word, dialect).map(|c| &c.value).ok_or_else(|| unknown(of));
        let declared = self.setting.parts.iter().map(|part| part.of.as_str());
        let mut out: Vec<String> = vec![];
        let mut separator = ";";
        // The first place of a list that is not there.
        let mut gap = None;
        for of in declared {
            if let (None, Some(gap), true) = (of.split_once('.'), gap, word_of(of).is_some()) {
                return Err(format!("is not complete: {gap} is missing"));
            }
            match (of.split_once('.'), &self.setting.value_type) {
                (None, ValueType::Multi { .. }) => {
                    separator = ",";
                    let Some(word) = word_of(of).filter(|word| !word.is_empty()) else { continue };
                    match crate::check::boolean(word).as_deref() {
                        Ok("yes") => out.push(of.to_owned()),
                        Ok(_) => {}
                        Err(_) => return Err(unknown(of)),
                    }
                }
                (None, ValueType::CodecList { .. }) => {
                    separator = ",";
                    let Some(word) = word_of(of) else {
                        gap = gap.or(Some(of));
                        continue;
                    };
                    if word.is_empty() {
                        continue;
                    }
                    // The phone fills its places by repeating a codec; the first mention counts.
                    let codec = known(of, word)?;
                    if !out.contains(codec) {
                        out.push(codec.clone());
                    }
                }
                (None, _) => {
                    separator = ",";
                    match word_of(of) {
                        Some(word) => out.extend((!word.is_empty()).then(|| word.to_owned())),
                        None => gap = gap.or(Some(of)),
                    }
                }
                (Some(("octet", _)), _) => {
                    // As a phone writes an address that is not set.
                    if parts.iter().all(|(_, word)| word.trim().is_empty()) {
                        continue;
                    }
                    separator = ".";
                    match word_of(of) {
                        Some(word) if word.parse::<u8>().is_ok() => out.push(word.to_owned()),
                        Some(_) => return Err(unknown(of)),
                        None => return Err(format!("is not complete: {of} is missing")),
                    }
                }
                (Some(("pattern", n)), _) => {
                    let Some(pattern) = word_of(of).filter(|pattern| !pattern.is_empty()) else { continue };
                    let tone = format!("ringtone.{n}");
                    let word = word_of(&tone).ok_or_else(|| format!("is not complete: {tone} is missing"))?;
                    out.push(format!("{pattern}={}", known(&tone, word)?));
                }
                (Some(("address", n)), _) => {
                    let address = word_of(of).unwrap_or_default();
                    let label = word_of(&format!("label.{n}")).unwrap_or_default();
                    out.push(if label.is_empty() { address.to_owned() } else { format!("{address}={label}") });
                }
                _ => {}
            }
        }
        Ok(out.join(separator))
    }
}

/// The choice a word means: by the dialect's own words first, then by the other's, then by ours.
fn meaning<'a>(choices: &'a [Choice], word: &str, dialect: Dialect) -> Option<&'a Choice> {
    let word = word.trim();
    let same = |of: &str| of.eq_ignore_ascii_case(word);
    let wire = |c: &&Choice| c.wire.as_deref().is_some_and(same);
    let p = |c: &&Choice| c.p.as_deref().is_some_and(same);
    let ours = |c: &&Choice| same(&c.value);
    let by = |test: &dyn Fn(&&'a Choice) -> bool| choices.iter().find(|c| test(c));
    match dialect {
        Dialect::Alias => by(&wire).or_else(|| by(&ours)).or_else(|| by(&p)),
        Dialect::P => by(&p).or_else(|| by(&wire)).or_else(|| by(&ours)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(key: &str) -> SettingRef {
        Catalogue::get().find(key).expect("known key")
    }

    #[test]
    fn every_name_leads_back_to_its_setting() {
        for dialect in [Dialect::Alias, Dialect::P] {
            let mut names = 0;
            for model in crate::Model::ALL {
                for setting in Catalogue::get().concrete(model) {
                    for (name, part) in Item::all(setting, dialect) {
                        let item = Catalogue::get().item(&name.to_uppercase(), dialect).expect("indexed");
                        assert_eq!(item.setting.key(), setting.key(), "{name}");
                        assert_eq!(item.part.is_some(), part.is_some(), "{name}");
                        names += 1;
                    }
                }
            }
            assert!(names > 3000, "{names}");
        }
        assert!(Catalogue::get().find_alias("nothing.of.the.kind").is_none());
        assert!(Catalogue::get().find_p("P0").is_none());
        assert!(Catalogue::get().find_p(&"P1".repeat(5000)).is_none());
    }

    #[test]
    fn words_of_both_dialects_and_ours() {
        let transport = find("account.1.sip.transport");
        for (dialect, word) in
            [(Dialect::Alias, "tls or tcp"), (Dialect::Alias, "tls"), (Dialect::Alias, "2"), (Dialect::P, "2")]
        {
            assert_eq!(transport.value_from_wire(dialect, word).as_deref(), Ok("tls"), "{word}");
        }
        assert!(transport.value_from_wire(Dialect::P, "99").is_err());
    }

    #[test]
    fn a_negated_p_value_comes_back() {
        let inverted = find("account.1.call.recoveryonblindtransfer");
        assert_eq!(inverted.value_from_wire(Dialect::P, "0").as_deref(), Ok("yes"));
        assert_eq!(inverted.value_from_wire(Dialect::Alias, "Yes").as_deref(), Ok("yes"));
    }

    #[test]
    fn parts_make_one_value() {
        let codecs = find("account.1.codec.choice");
        let parts = [("1", "8"), ("2", "0"), ("3", "0")];
        assert_eq!(codecs.value_from_parts(Dialect::P, &parts).as_deref(), Ok("pcma,pcmu"));
        for wrong in [&[("1", "77")][..], &[("2", "0")], &[("1", "8"), ("3", "0")]] {
            assert!(codecs.value_from_parts(Dialect::P, wrong).is_err(), "{wrong:?}");
        }
        let dtmf = find("account.1.dtmf.send");
        let parts = [("info", "Yes"), ("audio", "No"), ("rtp", "Yes")];
        assert_eq!(dtmf.value_from_parts(Dialect::Alias, &parts).as_deref(), Ok("rtp,info"));
        let address = find("network.port.eth.1.address");
        let parts = [("octet.1", "10"), ("octet.2", "0"), ("octet.3", "0"), ("octet.4", "7")];
        assert_eq!(address.value_from_parts(Dialect::P, &parts).as_deref(), Ok("10.0.0.7"));
        assert!(address.value_from_parts(Dialect::P, &parts[..3]).is_err());
        let unset = parts.map(|(of, _)| (of, ""));
        assert_eq!(address.value_from_parts(Dialect::P, &unset).as_deref(), Ok(""));
        let ring = find("account.1.ring.match");
        let parts = [("pattern.2", "1xx"), ("ringtone.2", "2"), ("pattern.1", ""), ("ringtone.1", "1")];
        assert_eq!(ring.value_from_parts(Dialect::Alias, &parts).as_deref(), Ok("1xx=ring2"));
        let paging = find("multicast.listening");
        let parts = [("address.2", "224.0.1.75:5004"), ("label.2", "Pool")];
        assert_eq!(paging.value_from_parts(Dialect::P, &parts).as_deref(), Ok(";224.0.1.75:5004=Pool"));
    }
}
