//! From the entries of a file to a document. Entries that are one setting together are joined, repeated ones decided.

use std::collections::HashMap;

use contract::mac::Mac;
use settings::{Catalogue, Dialect, SettingError, SettingRef};

use crate::{
    document::{Aside, Document, Reason, Warning},
    error::{ErrorKind, Place, ReadError},
    limits::Limits,
};

/// One name and value as it stands in a file.
struct Entry {
    name: String,
    value: String,
    place: Place,
    dialect: Dialect,
    /// The setting it belongs to, by key, and the part it is.
    target: Option<(SettingRef, Option<&'static str>)>,
}

/// The entries that are one setting together.
struct Parts {
    found: SettingRef,
    /// Of the last of them.
    order: usize,
    list: Vec<(&'static str, Entry)>,
}

/// A setting with what said so.
struct Said {
    key: String,
    canonical: String,
    order: usize,
    entries: Vec<Entry>,
}

/// Collects the entries of one file.
pub(crate) struct Collector<'a> {
    limits: &'a Limits,
    document: Document,
    /// `None` where a later one has the same name.
    entries: Vec<Option<Entry>>,
    /// Where each name, lower case, was seen last.
    last: HashMap<(Dialect, String), usize>,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Self { limits, document: Document::default(), entries: vec![], last: HashMap::new() }
    }

    pub(crate) fn mac(&mut self, mac: Mac) {
        self.document.mac = Some(mac);
    }

    pub(crate) fn warn(&mut self, place: Place, text: impl Into<String>) {
        // Enough to see what is wrong; a file may not make us write a book.
        if self.document.warnings.len() < 100 {
            self.document.warnings.push(Warning { place, text: text.into() });
        }
    }

    /// Takes an entry in.
    pub(crate) fn push(&mut self, dialect: Dialect, name: &str, value: String, place: Place) -> Result<(), ReadError> {
        self.check(name, &value, place)?;
        let target = target(dialect, name);
        let before = self.last.insert((dialect, name.to_lowercase()), self.entries.len());
        if let Some(before) = before.and_then(|before| self.entries.get_mut(before)).and_then(Option::take) {
            self.keep(before, Reason::Superseded);
        }
        self.entries.push(Some(Entry { name: name.to_owned(), value, place, dialect, target }));
        Ok(())
    }

    /// Keeps an entry that cannot count where it stands.
    pub(crate) fn aside(
        &mut self,
        dialect: Dialect,
        name: &str,
        value: String,
        place: Place,
        reason: Reason,
    ) -> Result<(), ReadError> {
        self.check(name, &value, place)?;
        self.document.aside.push(Aside { name: name.to_owned(), value, place, reason, dialect });
        Ok(())
    }

    fn check(&self, name: &str, value: &str, place: Place) -> Result<(), ReadError> {
        let limit = |what: String| Err(ReadError::new(ErrorKind::Limit, place, what).named(name));
        if name.len() > self.limits.name {
            return limit(format!("a name has at most {} bytes", self.limits.name));
        }
        if value.len() > self.limits.value {
            return limit(format!("a value has at most {} bytes", self.limits.value));
        }
        if self.entries.len() + self.document.aside.len() >= self.limits.entries {
            return limit(format!("a file has at most {} settings", self.limits.entries));
        }
        Ok(())
    }

    /// The document all entries make.
    pub(crate) fn finish(mut self) -> Document {
        let entries = std::mem::take(&mut self.entries);
        let mut said: Vec<Said> = vec![];
        let mut parts: Vec<Parts> = vec![];
        let mut at: HashMap<(String, Dialect), usize> = HashMap::new();
        for (order, entry) in entries.into_iter().enumerate() {
            let Some(entry) = entry else { continue };
            match entry.target {
                None => self.keep(entry, Reason::Unknown),
                Some((found, None)) => said.extend(self.whole(found, entry, order)),
                Some((found, Some(of))) => {
                    let i = *at.entry((found.key(), entry.dialect)).or_insert_with(|| {
                        parts.push(Parts { found, order, list: vec![] });
                        parts.len() - 1
                    });
                    if let Some(parts) = parts.get_mut(i) {
                        parts.order = order;
                        parts.list.push((of, entry));
                    }
                }
            }
        }
        for parts in parts {
            said.extend(self.join(parts));
        }
        self.settle(said);
        self.document.aside.sort_by_key(|aside| aside.place);
        self.document.warnings.sort_by_key(|warning| warning.place);
        self.document
    }

    fn whole(&mut self, found: SettingRef, entry: Entry, order: usize) -> Option<Said> {
        if entry.value.trim().is_empty() && !found.setting.value_type.allows_empty() {
            self.keep(entry, Reason::Empty);
            return None;
        }
        match found.value_from_wire(entry.dialect, &entry.value) {
            Ok(canonical) => Some(Said { key: found.key(), canonical, order, entries: vec![entry] }),
            Err(error) => {
                let reason = refusal(&error, &entry.name);
                self.keep(entry, reason);
                None
            }
        }
    }

    fn join(&mut self, Parts { found, order, list }: Parts) -> Option<Said> {
        let (_, first) = list.first()?;
        let (dialect, place) = (first.dialect, first.place);
        let words: Vec<(&str, &str)> = list.iter().map(|(of, entry)| (*of, entry.value.as_str())).collect();
        let joined = found.value_from_parts(dialect, &words);
        // A ringtone without its pattern would say nothing, so it is not missed.
        let counts = |of: &str| !of.starts_with("ringtone.");
        let all = found.setting.parts.iter().filter(|part| counts(&part.of)).count();
        let have = list.iter().filter(|(of, _)| counts(of)).count();
        let entries = list.into_iter().map(|(_, entry)| entry);
        match joined {
            Ok(canonical) => {
                if have < all {
                    self.warn(place, format!("{}: {have} of {all} items; the others count as empty", found.key()));
                }
                Some(Said { key: found.key(), canonical, order, entries: entries.collect() })
            }
            Err(error) => {
                for entry in entries {
                    let reason = refusal(&error, &entry.name);
                    self.keep(entry, reason);
                }
                None
            }
        }
    }

    /// One setting may be said under two names; what stands last counts, and the other is kept where it says otherwise.
    fn settle(&mut self, mut said: Vec<Said>) {
        said.sort_by_key(|said| said.order);
        let mut counts: HashMap<String, Said> = HashMap::new();
        for later in said {
            let place = later.entries.last().map_or(Place::Whole, |entry| entry.place);
            let before = counts.insert(later.key.clone(), later);
            let after = before.as_ref().and_then(|before| counts.get(&before.key));
            let differs = before.as_ref().zip(after).is_some_and(|(before, after)| before.canonical != after.canonical);
            if let Some(before) = before.filter(|_| differs) {
                self.warn(place, format!("{} is set under two names that disagree; this one counts", before.key));
                before.entries.into_iter().for_each(|entry| self.keep(entry, Reason::Superseded));
            }
        }
        self.document.values.extend(counts.into_values().map(|said| (said.key, said.canonical)));
    }

    fn keep(&mut self, entry: Entry, reason: Reason) {
        let Entry { name, value, place, dialect, .. } = entry;
        self.document.aside.push(Aside { name, value, place, reason, dialect });
    }
}

/// What the catalogue says, without the key where the entry is called so anyway.
fn refusal(error: &SettingError, name: &str) -> Reason {
    let said = error.to_string();
    let twice = error.key().eq_ignore_ascii_case(name);
    let short = said.strip_prefix(error.key()).and_then(|said| said.strip_prefix(": "));
    Reason::Refused(short.filter(|_| twice).map(str::to_owned).unwrap_or(said))
}

/// The vendor's name first, then our key.
fn target(dialect: Dialect, name: &str) -> Option<(SettingRef, Option<&'static str>)> {
    let catalogue = Catalogue::get();
    match dialect {
        Dialect::P => catalogue.find_p(name).map(|item| (item.setting, item.part.map(|part| part.of.as_str()))),
        Dialect::Alias => match catalogue.find_alias(name) {
            Some(item) => Some((item.setting, item.part.map(|part| part.of.as_str()))),
            None => catalogue.find(name).map(|found| (found, None)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(entries: &[(&str, &str)]) -> Document {
        let limits = Limits::default();
        let mut collector = Collector::new(&limits);
        for (i, (name, value)) in entries.iter().enumerate() {
            let dialect = if name.starts_with('P') { Dialect::P } else { Dialect::Alias };
            collector.push(dialect, name, (*value).to_owned(), Place::Line(i + 1)).unwrap();
        }
        collector.finish()
    }

    #[test]
    fn the_last_of_a_name_counts_and_the_others_are_kept() {
        let document = collect(&[("account.1.name", "A"), ("Account.1.NAME", "B"), ("account.1.name", "C")]);
        assert_eq!(document.get("account.1.name"), Some("C"));
        let kept: Vec<_> = document.aside().iter().map(|a| (a.value.as_str(), a.place, a.reason.clone())).collect();
        assert_eq!(kept, [("A", Place::Line(1), Reason::Superseded), ("B", Place::Line(2), Reason::Superseded)]);
    }

    #[test]
    fn what_cannot_be_a_setting_is_kept_with_the_reason() {
        let document = collect(&[("P99999", "x"), ("account.1.enable", "perhaps"), ("status.system.model", "x")]);
        assert!(document.is_empty());
        let reasons: Vec<_> = document.aside().iter().map(ToString::to_string).collect();
        assert_eq!(reasons[0], "line 1, P99999: is no setting we know");
        assert!(reasons[1].starts_with("line 2, account.1.enable: \"perhaps\" is not allowed"), "{}", reasons[1]);
        assert_eq!(reasons.len(), 3);
    }

    #[test]
    fn an_address_without_all_octets_is_not_guessed() {
        let document = collect(&[("P9", "10"), ("P10", "0"), ("P12", "1")]);
        assert!(document.is_empty());
        assert_eq!(document.aside().len(), 3);
        let document = collect(&[("P9", "10"), ("P10", "0"), ("P11", "0"), ("P12", "1")]);
        assert_eq!(document.get("network.port.eth.1.address"), Some("10.0.0.1"));
    }

    #[test]
    fn a_codec_list_without_its_beginning_is_not_guessed() {
        let document = collect(&[("P57", "8"), ("P59", "0")]);
        assert_eq!((document.len(), document.aside().len()), (0, 2), "{document:?}");
    }

    #[test]
    fn fewer_codecs_than_places_are_taken_with_a_warning() {
        let document = collect(&[("P57", "8"), ("P58", "0")]);
        assert_eq!(document.get("account.1.codec.choice"), Some("pcma,pcmu"));
        assert!(document.warnings()[0].text.contains("2 of 8"), "{:?}", document.warnings());
    }

    #[test]
    fn of_two_names_that_disagree_the_last_counts_and_the_other_is_kept() {
        let document = collect(&[("P271", "1"), ("account.1.enable", "No")]);
        assert_eq!(document.get("account.1.enable"), Some("no"));
        assert_eq!(document.warnings().len(), 1);
        assert_eq!((document.aside()[0].name.as_str(), &document.aside()[0].reason), ("P271", &Reason::Superseded));
        // A whole behind its parts, and before them.
        let document = collect(&[("P57", "8"), ("account.1.codec.choice", "opus")]);
        assert_eq!(document.get("account.1.codec.choice"), Some("opus"));
        let document = collect(&[("account.1.codec.choice", "opus"), ("P57", "8")]);
        assert_eq!(document.get("account.1.codec.choice"), Some("pcma"));
        assert_eq!(document.aside()[0].value, "opus");
        let agreed = collect(&[("P271", "0"), ("account.1.enable", "No")]);
        assert!(agreed.warnings().is_empty() && agreed.aside().is_empty());
    }
}
