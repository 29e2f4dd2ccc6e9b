//! Every generated configuration comes back equal from every format.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use provisioning::crypt::Digest;
use provisioning::{Audience, Document, Format, ReadOptions, WriteOptions, read, write};
use settings::{Catalogue, Model};

use crate::generate::{Dice, document};

/// What was left out of how many settings, by audience and format.
type Tally = BTreeMap<(&'static str, &'static str), (usize, usize)>;

const fn format_name(format: Format) -> &'static str {
    match format {
        Format::AliasXml => "alias",
        Format::GroupedXml => "grouped",
        Format::PValueXml => "p-xml",
        Format::Text => "text",
        Format::PValueText => "p-text",
        Format::Binary => "binary",
    }
}

fn there_and_back(document: &Document, audience: Audience, format: Format, tally: &mut Tally) {
    let written = write(document, format, &WriteOptions::new(audience)).unwrap();
    let options = ReadOptions { mac: document.mac, ..ReadOptions::default() };
    let again = read(&written.bytes, &options).unwrap_or_else(|error| {
        panic!("{format:?} {audience:?}: {error}\n{}", String::from_utf8_lossy(&written.bytes))
    });
    let mut wanted = document.clone();
    for left in &written.left_out {
        assert!(wanted.remove(&left.key).is_some(), "{left:?}");
    }
    let text = String::from_utf8_lossy(&written.bytes);
    assert!(again.iter().eq(wanted.iter()), "{format:?} {audience:?}\n{again:#?}\n{wanted:#?}\n{text}");
    assert!(again.aside().is_empty() && again.warnings().is_empty(), "{again:?}\n{text}");
    if !matches!(format, Format::Text | Format::PValueText) {
        assert_eq!(again.mac, document.mac);
    }
    if audience == Audience::Bellhop && format != Format::Binary {
        assert!(written.left_out.is_empty(), "{format:?}: {:?}", written.left_out);
    }
    let count = tally.entry((if audience == Audience::Vendor { "vendor" } else { "bellhop" }, format_name(format)));
    let (left, all) = count.or_default();
    *left += written.left_out.len();
    *all += document.len();
}

fn run(seeds: std::ops::Range<u64>) -> Tally {
    let mut tally = Tally::new();
    for seed in seeds {
        let mut dice = Dice(seed);
        let model = Model::ALL[dice.below(Model::ALL.len())];
        let size = if seed % 1000 == 999 { None } else { Some(10) };
        let document = document(&mut dice, model, size);
        for format in Format::ALL {
            let audience = if dice.one_in(2) { Audience::Vendor } else { Audience::Bellhop };
            there_and_back(&document, audience, format, &mut tally);
        }
    }
    tally
}

/// `BELLHOP_CONFIGURATIONS` sets another number than ten thousand.
#[test]
fn ten_thousand_configurations_come_back_equal_from_every_format() {
    let number = std::env::var("BELLHOP_CONFIGURATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let halves = [0..number / 2, number / 2..number].map(|seeds| std::thread::spawn(move || run(seeds)));
    for half in halves {
        for ((audience, format), (left, all)) in half.join().unwrap() {
            println!("{audience} {format}: {left} of {all} settings left out");
        }
    }
}

/// Everything of every model at once, to both audiences.
#[test]
fn a_phone_with_every_setting_comes_back_equal() {
    let mut tally = Tally::new();
    for (seed, model) in Model::ALL.into_iter().enumerate() {
        let document = document(&mut Dice(seed as u64), model, None);
        assert!(document.len() > 500, "{}", document.len());
        for format in Format::ALL {
            there_and_back(&document, Audience::Vendor, format, &mut tally);
            there_and_back(&document, Audience::Bellhop, format, &mut tally);
        }
    }
    for ((audience, format), (left, all)) in tally {
        println!("{audience} {format}: {left} of {all} settings left out");
    }
}

#[test]
fn the_generator_makes_values_of_every_type() {
    let mut missing: BTreeSet<&str> =
        Catalogue::get().settings().iter().map(|setting| setting.value_type.name()).collect();
    let mut secrets = 0;
    for seed in 0..40 {
        let document = document(&mut Dice(seed), Model::Ghp621W, None);
        for (key, value) in document.iter().filter(|(_, value)| !value.is_empty()) {
            let setting = Catalogue::get().find(key).unwrap().setting;
            secrets += usize::from(setting.secret);
            // The default alone would prove little.
            if setting.default.as_deref() != Some(value) {
                missing.remove(setting.value_type.name());
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    assert!(secrets > 100);
}

#[test]
fn unknown_entries_are_passed_on_where_asked() {
    let file = b"P271=1\nP77777=keep me\nno.such.alias = x\n";
    let document = read(file, &ReadOptions::default()).unwrap();
    assert_eq!(document.aside().len(), 2);
    let options = WriteOptions { audience: Audience::Vendor, unknown: true };
    let written = write(&document, Format::PValueText, &options).unwrap();
    assert_eq!(written.bytes, b"P271=1\nP77777=keep me\n");
    assert_eq!(written.left_out.len(), 1);
    let written = write(&document, Format::AliasXml, &options).unwrap();
    assert!(String::from_utf8(written.bytes).unwrap().contains("<item name=\"no.such.alias\">x</item>"));
    let written = write(&document, Format::PValueText, &WriteOptions::new(Audience::Vendor)).unwrap();
    assert_eq!(written.bytes, b"P271=1\n");
}

/// U+FFFE is text to the catalogue, but no character of XML.
#[test]
fn what_xml_cannot_hold_is_reported() {
    let mut document = Document::default();
    document.set("account.1.name", "a\u{fffe}b").unwrap();
    let written = write(&document, Format::AliasXml, &WriteOptions::new(Audience::Bellhop)).unwrap();
    assert_eq!(written.left_out.len(), 1);
    let written = write(&document, Format::Text, &WriteOptions::new(Audience::Bellhop)).unwrap();
    assert!(read(&written.bytes, &ReadOptions::default()).unwrap().iter().eq(document.iter()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_format_and_audience_encrypted_too(seed in any::<u64>(), password in "[ -~]{1,20}", salt: [u8; 8]) {
        let document = document(&mut Dice(seed), Model::Ghp621W, Some(8));
        let mut tally = Tally::new();
        for format in Format::ALL {
            for audience in [Audience::Vendor, Audience::Bellhop] {
                there_and_back(&document, audience, format, &mut tally);
            }
            let written = write(&document, format, &WriteOptions::new(Audience::Vendor)).unwrap();
            if !written.bytes.is_empty() {
                for digest in Digest::ALL {
                    let file = written.encrypt(&password, salt, digest);
                    let options = ReadOptions { password: Some(&password), ..ReadOptions::default() };
                    let plain = read(&written.bytes, &ReadOptions::default()).unwrap();
                    prop_assert_eq!(read(&file, &options).unwrap(), plain);
                }
            }
        }
    }
}
