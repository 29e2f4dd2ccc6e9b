//! From a document to the entries of a file. What would not come back the same is not written but reported.

use settings::{Catalogue, Dialect, SettingRef};

use crate::{
    document::{Document, Reason},
    entries::Collector,
    error::Place,
    format::WriteOptions,
    limits::Limits,
};

/// Who is to read the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The vendor's phones: nothing but names and words known to be theirs.
    Vendor,
    /// Ours: what the vendor has no name or word for goes under our key with our value, so that nothing is left out.
    Bellhop,
}

/// A setting that is not in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its key, or the name of an entry that was aside.
    pub key: String,
    /// Why, as the end of a sentence.
    pub reason: &'static str,
}

/// (name, value) as they go into the file.
pub(crate) type Pair = (String, String);

/// A document in a dialect.
#[derive(Default)]
pub(crate) struct Expressed {
    /// In the dialect asked for.
    pub(crate) items: Vec<Pair>,
    /// Our own keys and values: what the dialect cannot say. Always empty for the vendor.
    pub(crate) own: Vec<Pair>,
    pub(crate) left_out: Vec<LeftOut>,
}

/// Whether a name and value can stand in a file.
pub(crate) type Fits = fn(&str, &str) -> bool;

/// What a format asks for.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) dialect: Dialect,
    /// Our keys and values wherever they may stand, not only where the vendor has none.
    pub(crate) prefer_own: bool,
    /// For items of the dialect.
    pub(crate) fits: Fits,
    /// For our keys and values.
    pub(crate) own_fits: Fits,
}

/// Every setting of the document.
pub(crate) fn express(document: &Document, options: &WriteOptions, wish: Wish) -> Expressed {
    let mut out = Expressed::default();
    for (key, value) in document.iter() {
        let Some(found) = Catalogue::get().find(key) else { continue };
        let own = || {
            let own = vec![(key.to_owned(), value.to_owned())];
            let may = options.audience == Audience::Bellhop && (wish.own_fits)(key, value);
            (may && comes_back(found, Dialect::Alias, &own, value)).then_some(own)
        };
        if let Some(own) = wish.prefer_own.then(own).flatten() {
            out.own.extend(own);
            continue;
        }
        let items = match wish.dialect {
            Dialect::Alias => found.alias_items(value),
            Dialect::P => found.p_items(value),
        };
        let fit = items.iter().all(|(name, value)| (wish.fits)(name, value));
        if fit && comes_back(found, wish.dialect, &items, value) {
            out.items.extend(items);
            continue;
        }
        if let Some(own) = own() {
            out.own.extend(own);
            continue;
        }
        let reason = match (fit, items.is_empty()) {
            (false, _) => "its value cannot stand in this kind of file",
            (_, true) => "the vendor's name or word for it is not known",
            (_, false) => "the vendor's words do not say all of its value",
        };
        out.left_out.push(LeftOut { key: key.to_owned(), reason });
    }
    if options.unknown {
        pass_on(document, wish, &mut out);
    }
    out
}

/// Entries of the file the document came from that the catalogue does not know, as they were.
fn pass_on(document: &Document, wish: Wish, out: &mut Expressed) {
    for aside in document.aside().iter().filter(|aside| aside.reason == Reason::Unknown) {
        if aside.dialect == wish.dialect && (wish.fits)(&aside.name, &aside.value) {
            out.items.push((aside.name.clone(), aside.value.clone()));
        } else {
            let reason = "an unknown entry that does not fit this kind of file";
            out.left_out.push(LeftOut { key: aside.name.clone(), reason });
        }
    }
}

/// Reads the items as a phone of ours would. The guarantee of every format: what is written is what was meant.
fn comes_back(found: SettingRef, dialect: Dialect, items: &[Pair], canonical: &str) -> bool {
    let limits = Limits::default();
    let mut collector = Collector::new(&limits);
    for (name, value) in items {
        if collector.push(dialect, name, value.clone(), Place::Whole).is_err() {
            return false;
        }
    }
    let read = collector.finish();
    read.aside().is_empty() && read.len() == 1 && read.get(&found.key()) == Some(canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(_: &str, _: &str) -> bool {
        true
    }

    fn said(key: &str, value: &str, dialect: Dialect, audience: Audience) -> Expressed {
        let mut document = Document::default();
        document.set(key, value).unwrap();
        let wish = Wish { dialect, prefer_own: false, fits: any, own_fits: any };
        express(&document, &WriteOptions::new(audience), wish)
    }

    #[test]
    fn a_word_the_vendor_does_not_have_is_ours_or_reported() {
        // FTP has a P number but no known word.
        let out = said("provisioning.config.protocol", "ftp", Dialect::Alias, Audience::Vendor);
        assert!(out.items.is_empty() && out.own.is_empty());
        assert_eq!(out.left_out[0].key, "provisioning.config.protocol");
        let out = said("provisioning.config.protocol", "ftp", Dialect::Alias, Audience::Bellhop);
        assert_eq!(out.own, [("provisioning.config.protocol".to_owned(), "ftp".to_owned())]);
        let out = said("provisioning.config.protocol", "ftp", Dialect::P, Audience::Vendor);
        assert_eq!(out.items, [("P212".to_owned(), "3".to_owned())]);
    }

    #[test]
    fn half_a_value_is_not_written() {
        // An empty codec list has no items at all.
        let out = said("account.1.codec.choice", "", Dialect::P, Audience::Vendor);
        assert_eq!(out.left_out.len(), 1);
        let out = said("account.1.codec.choice", "", Dialect::P, Audience::Bellhop);
        assert_eq!(out.own.len(), 1);
    }
}
