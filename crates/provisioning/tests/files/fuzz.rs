//! Bytes that are no configuration: never a panic, never long.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use provisioning::{Audience, Document, Format, ReadOptions, Reason, WriteOptions, agent, crypt, names, read, write};
use settings::Model;

use crate::generate::{Dice, document};

/// What any input must survive. A file that is taken can be written again in every format, unknown entries included, and
/// says the same.
fn survive(bytes: &[u8]) {
    let options = ReadOptions { password: Some("s3cret"), ..ReadOptions::default() };
    let document = match read(bytes, &options) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.to_string().len() < 1000);
            return;
        }
    };
    assert!(format!("{document:?}").len() < bytes.len() * 40 + 1000);
    for format in Format::ALL {
        let Ok(written) = write(&document, format, &WriteOptions { audience: Audience::Bellhop, unknown: true }) else {
            assert!(format == Format::Binary && document.mac.is_none());
            continue;
        };
        let again = read(&written.bytes, &ReadOptions::default()).unwrap_or_else(|error| {
            panic!("{format:?}: {error}\n{}", String::from_utf8_lossy(&written.bytes));
        });
        let mut wanted = document.clone();
        for left in &written.left_out {
            wanted.remove(&left.key);
        }
        assert!(again.iter().eq(wanted.iter()), "{format:?}");
        let unknown = |document: &Document| document.aside().iter().filter(|a| a.reason == Reason::Unknown).count();
        let lost = written.left_out.len() - (document.len() - wanted.len());
        assert_eq!(unknown(&again) + lost, unknown(&document), "{format:?}\n{document:?}\n{again:?}");
    }
}

#[test]
fn a_hundred_thousand_bent_files_are_survived() {
    let seeds = [0..12, 12..24].map(|seeds: std::ops::Range<u64>| {
        std::thread::spawn(move || {
            for seed in seeds {
                bend(seed);
            }
        })
    });
    seeds.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Some 4,200 bent copies of each seed's files.
fn bend(seed: u64) {
    let mut dice = Dice(seed);
    let document = document(&mut dice, Model::Ghp621W, Some(8));
    for format in Format::ALL {
        let whole = write(&document, format, &WriteOptions::new(Audience::Bellhop)).unwrap();
        for _ in 0..700 {
            let mut bytes = whole.bytes.clone();
            for _ in 0..1 + dice.below(4) {
                let at = dice.below(bytes.len().max(1));
                match dice.below(5) {
                    0 => bytes.truncate(at),
                    1 if at < bytes.len() => bytes[at] = dice.next() as u8,
                    2 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
                    3 => {
                        let to = (at + dice.below(40)).min(bytes.len());
                        let piece = bytes[at.min(to)..to].to_vec();
                        let into = dice.below(bytes.len().max(1)).min(bytes.len());
                        bytes.splice(into..into, piece);
                    }
                    _ => {
                        const WORDS: [&[u8]; 10] = [
                            b"<",
                            b">",
                            b"&",
                            b"<part name=\"a\">",
                            b"]]>",
                            b"<![CDATA[",
                            b"<!DOCTYPE",
                            b"=",
                            b"\n",
                            b"\"\\",
                        ];
                        let into = at.min(bytes.len());
                        bytes.splice(into..into, WORDS[dice.below(10)].iter().copied());
                    }
                }
            }
            survive(&bytes);
        }
    }
}

/// A megabyte that makes the reader work as hard as it can.
#[test]
fn the_worst_files_take_a_moment_only() {
    let full = |piece: &str| piece.repeat((1 << 20) / piece.len());
    let wrap = |inside: String| {
        let room = (1 << 20) - 100;
        format!("<config version=\"2\">{}</config>", inside.get(..room.min(inside.len())).unwrap_or_default())
    };
    let files = [
        full("<"),
        full("&"),
        full("<a>"),
        full("<!--"),
        full("a=1\n"),
        full("P1=1\n"),
        full("\n"),
        full("\"\\"),
        wrap(full("<!-- -->")),
        wrap(full("<![CDATA[]]>")),
        wrap(full("&amp;")),
        wrap(full("<item name=\"account.1.name\">x</item>")),
        wrap(full("<x a=\"\" b=\"\" c=\"\" d=\"\"/>")),
        format!("<config version=\"2\"><item name=\"account.1.name\">{}", full("a<!---->")),
        format!("<config {}>", full("a=\"\" ")),
        (0..16_000).map(|i| format!("no.such.name.{i} = x\n")).collect(),
        (0..60_000).map(|i| format!("P{i}=x\n")).collect(),
    ];
    for file in files {
        let file = &file.as_bytes()[..file.len().min(1 << 20)];
        let begun = Instant::now();
        let _ = read(file, &ReadOptions::default());
        let took = begun.elapsed();
        // Some tenths of a second on a free machine; work that grows with the square would take minutes.
        assert!(took < Duration::from_secs(5), "{took:?} for {:?}", String::from_utf8_lossy(&file[..60]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        survive(&bytes);
    }

    #[test]
    fn any_binary_body(mac: [u8; 6], body: Vec<u8>) {
        let mut file = vec![0; 6];
        file.extend_from_slice(&mac);
        file.extend_from_slice(b"\r\n\r\n");
        file.extend_from_slice(&body);
        file.resize(file.len().div_ceil(2) * 2, 0);
        let words = (file.len() / 2) as u32;
        file[..4].copy_from_slice(&words.to_be_bytes());
        let sum = file.chunks(2).fold(0u16, |sum, word| sum.wrapping_add(u16::from_be_bytes([word[0], word[1]])));
        file[4..6].copy_from_slice(&sum.wrapping_neg().to_be_bytes());
        survive(&file);
    }

    #[test]
    fn any_encrypted_bytes(bytes: Vec<u8>, salt: [u8; 8]) {
        survive(&crypt::encrypt(&bytes, "s3cret", salt, crypt::Digest::Sha256));
        let mut file = b"Salted__".to_vec();
        file.extend_from_slice(&bytes);
        survive(&file);
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_name_and_agent(text in any::<String>(), near in "(cfg|dev|[0-9a-f]{12}|\\.xml|\\.cfg|/|%)*") {
        let _ = names::wanted(&text, "", "");
        let _ = names::wanted(&near, "", "");
        let _ = (names::owner(&text), names::owner(&near), names::owner(&format!("cfg{text}")));
        let _ = agent::recognise(&text);
        let _ = agent::recognise(&format!("Grandstream Model HW {text}"));
        let _ = agent::recognise(&format!("Mozilla/4.0 (compatible; snom{text})"));
    }
}
