//! A canonical value as the vendor's configuration files write it: alias items and P-values.

use crate::{
    Choice, Setting, SettingRef, ValueType,
    data::{Part, fill},
    found::pick,
};

/// The two vocabularies of the vendor's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Names such as `account.1.enable`, values mostly words.
    Alias,
    /// Numbers such as `P271`, values mostly numbers.
    P,
}

impl SettingRef {
    /// (alias, value) pairs for a canonical value. Empty where no alias, or not the word for this value, is known.
    pub fn alias_items(&self, canonical: &str) -> Vec<(String, String)> {
        let setting = self.setting;
        let mut items = self.part_items(canonical, Dialect::Alias);
        if setting.vendor_alias {
            let alias = fill(setting.alias.as_deref().unwrap_or(&setting.key), self.instance);
            items.extend(whole(setting, canonical, Dialect::Alias).map(|value| (alias, value)));
        }
        items
    }

    /// (P-value, value) pairs for a canonical value. Empty where the number, or the number of this value, is unknown.
    pub fn p_items(&self, canonical: &str) -> Vec<(String, String)> {
        let mut items = self.part_items(canonical, Dialect::P);
        if let Some(p) = self.p_value() {
            items.extend(whole(self.setting, canonical, Dialect::P).map(|value| (p.to_owned(), value)));
        }
        items
    }

    fn part_items(&self, canonical: &str, dialect: Dialect) -> Vec<(String, String)> {
        let name = |part: &Part| match dialect {
            Dialect::Alias => part.alias.as_deref().map(|alias| fill(alias, self.instance)),
            Dialect::P => self.part_p(part),
        };
        let parts = self.setting.parts.iter();
        parts.filter_map(|part| Some((name(part)?, part_value(self.setting, &part.of, canonical, dialect)?))).collect()
    }

    fn part_p(&self, part: &Part) -> Option<String> {
        pick(&part.p, self).map(str::to_owned)
    }
}

fn whole(setting: &Setting, canonical: &str, dialect: Dialect) -> Option<String> {
    match &setting.value_type {
        ValueType::Bool => Some(switch((canonical == "yes") != (dialect == Dialect::P && setting.p_inverted), dialect)),
        ValueType::Enum { choices } => word(choices, canonical, dialect),
        ValueType::Multi { choices } | ValueType::CodecList { choices } => {
            let words = canonical.split(',').filter(|v| !v.is_empty()).map(|v| match dialect {
                // Lists are written in words in both kinds of file.
                Dialect::P => word(choices, v, Dialect::P).or_else(|| word(choices, v, Dialect::Alias)),
                Dialect::Alias => word(choices, v, Dialect::Alias),
            });
            Some(words.collect::<Option<Vec<_>>>()?.join(","))
        }
        // A POSIX zone besides the vendor's list has a setting of its own there.
        ValueType::TimeZone { choices } if !choices.is_empty() && !canonical.is_empty() => {
            word(choices, canonical, dialect)
        }
        // Rules and page groups are only known part by part.
        ValueType::RingMatch { .. } | ValueType::PagingList { .. } => None,
        _ => Some(canonical.to_owned()),
    }
}

fn switch(on: bool, dialect: Dialect) -> String {
    match (dialect, on) {
        (Dialect::Alias, true) => "Yes",
        (Dialect::Alias, false) => "No",
        (Dialect::P, true) => "1",
        (Dialect::P, false) => "0",
    }
    .into()
}

fn word(choices: &[Choice], value: &str, dialect: Dialect) -> Option<String> {
    let choice = choices.iter().find(|c| c.value == value)?;
    match dialect {
        Dialect::Alias => choice.wire.clone(),
        Dialect::P => choice.p.clone(),
    }
}

/// The part `of` of a value; see the catalogue's README.
fn part_value(setting: &Setting, of: &str, canonical: &str, dialect: Dialect) -> Option<String> {
    let numbered = |separator: char, n: &str| canonical.split(separator).nth(n.parse::<usize>().ok()?.checked_sub(1)?);
    match (of.split_once('.'), &setting.value_type) {
        (None, ValueType::Multi { choices }) if choices.iter().any(|c| c.value == of) => {
            Some(switch(canonical.split(',').any(|v| v == of), dialect))
        }
        (None, ValueType::CodecList { choices }) => {
            // A shorter list repeats its last codec: the phone offers nothing more for it.
            let value = numbered(',', of).or_else(|| canonical.rsplit(',').next())?;
            word(choices, value, dialect)
        }
        (None, _) => Some(numbered(',', of).unwrap_or_default().to_owned()),
        (Some(("octet", n)), _) => Some(numbered('.', n).unwrap_or("0").to_owned()).filter(|_| !canonical.is_empty()),
        (Some(("pattern", n)), _) => {
            Some(numbered(';', n).and_then(|rule| rule.rsplit_once('=')).map_or("", |(pattern, _)| pattern).to_owned())
        }
        (Some(("ringtone", n)), kind) => {
            let (_, tone) = numbered(';', n)?.rsplit_once('=')?;
            word(kind.choices(), tone, dialect)
        }
        (Some(("address", n)), _) => {
            Some(numbered(';', n).unwrap_or_default().split('=').next().unwrap_or_default().to_owned())
        }
        (Some(("label", n)), _) => {
            Some(numbered(';', n).and_then(|entry| entry.split_once('=')).map_or("", |(_, label)| label).to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::Catalogue;

    type Items = Vec<(String, String)>;

    fn items(key: &str, value: &str) -> (Items, Items) {
        let found = Catalogue::get().find(key).expect("known key");
        (found.alias_items(value), found.p_items(value))
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn switches_and_choices() {
        let (alias, p) = items("account.2.enable", "yes");
        assert_eq!((alias, p), (vec![pair("account.2.enable", "Yes")], vec![pair("P401", "1")]));
        let (alias, p) = items("account.1.sip.transport", "tls");
        assert_eq!((alias, p), (vec![pair("account.1.sip.transport", "Tls Or Tcp")], vec![pair("P130", "2")]));
    }

    #[test]
    fn a_negated_p_value() {
        let (alias, p) = items("account.1.call.recoveryonblindtransfer", "yes");
        assert_eq!((alias, p), (vec![pair("account.1.call.recoveryonblindtransfer", "Yes")], vec![pair("P2384", "0")]));
    }

    #[test]
    fn one_setting_many_items() {
        let (alias, p) = items("account.2.codec.choice", "pcma,pcmu");
        assert_eq!(alias.len(), 8);
        assert_eq!(p.first(), Some(&pair("P451", "8")));
        assert_eq!(p.last(), Some(&pair("P458", "0")));
        let (alias, _) = items("account.1.dtmf.send", "rtp");
        assert!(alias.contains(&pair("account.1.dtmf.sendinrtp", "Yes")));
        assert!(alias.contains(&pair("account.1.dtmf.sendinaudio", "No")));
        let (alias, p) = items("account.1.ring.match", "[3-5]xx=ring2");
        assert!(alias.contains(&pair("account.1.ring.match.1.callerid", "[3-5]xx")));
        assert!(alias.contains(&pair("account.1.ring.match.1.ringtone", "2")));
        assert!(alias.contains(&pair("account.1.ring.match.10.callerid", "")));
        assert!(p.contains(&pair("P1488", "[3-5]xx")));
    }

    #[test]
    fn a_zone_beside_the_list_is_not_said_as_if_it_were_in_it() {
        assert_eq!(items("datetime.timezone", "PST8PDT").1, [pair("P64", "PST8PDT")]);
        assert_eq!(items("datetime.timezone", "CET-1CEST,M3.5.0,M10.5.0/4"), (vec![], vec![]));
        assert_eq!(items("datetime.timezone.custom", "CET-1CEST").1, [pair("P246", "CET-1CEST")]);
    }

    #[test]
    fn spelling_of_the_vendor() {
        let (alias, _) = items("account.1.call.rfc2543hold.enable", "no");
        assert_eq!(alias, vec![pair("account.1.call.rfc2543Hold.enable", "No")]);
    }
}
