//! One room's configuration in every format, for people to read. `BELLHOP_UPDATE_GOLDEN=1` writes the files anew.

use std::path::PathBuf;

use provisioning::variables::VARIABLES;
use provisioning::{Audience, Document, Format, ReadOptions, WriteOptions, read, write};

const FILES: [(Format, Audience, &str); 8] = [
    (Format::AliasXml, Audience::Vendor, "alias.xml"),
    (Format::AliasXml, Audience::Bellhop, "alias-bellhop.xml"),
    (Format::GroupedXml, Audience::Vendor, "grouped.xml"),
    (Format::PValueXml, Audience::Vendor, "p-values.xml"),
    (Format::PValueXml, Audience::Bellhop, "p-values-bellhop.xml"),
    (Format::Text, Audience::Bellhop, "settings.txt"),
    (Format::PValueText, Audience::Vendor, "p-values.txt"),
    (Format::Binary, Audience::Vendor, "binary.cfg"),
];

/// Words, numbers, parts, negations, things the vendor has no word for.
fn room_314() -> Document {
    let mut document = Document::for_phone("c0:74:ad:12:07:01".parse().unwrap());
    for (key, value) in [
        ("account.1.enable", "yes"),
        ("account.1.name", "Room 314 <\"Sea & Sky\">"),
        ("account.1.sip.server.1.address", "pbx.lis1.example"),
        ("account.1.sip.userid", "6314"),
        ("account.1.sip.transport", "tls"),
        ("account.1.codec.choice", "g722,pcma,pcmu"),
        ("account.1.dtmf.send", "rtp,info"),
        ("account.1.call.recoveryonblindtransfer", "yes"),
        ("account.1.ring.match", "0=ring2"),
        ("account.1.call.dialplan", "{ x+ | \\+x+ | *x+ }"),
        ("multicast.listening", "224.0.1.75:5004=Pool;224.0.1.76:5004"),
        ("network.port.eth.1.address", "10.3.14.7"),
        ("datetime.timezone", "CET-1CEST,M3.5.0,M10.5.0/3"),
        ("provisioning.config.protocol", "ftp"),
        ("security.certificate", "-----BEGIN CERTIFICATE-----\nTUlJ\nQg==\n-----END CERTIFICATE-----\n"),
    ] {
        document.set(key, value).unwrap_or_else(|error| panic!("{error}"));
    }
    document
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn update(name: &str, bytes: &[u8]) {
    if std::env::var_os("BELLHOP_UPDATE_GOLDEN").is_some() {
        std::fs::write(path(name), bytes).unwrap();
    }
}

#[test]
fn a_room_is_written_as_the_golden_files_have_it() {
    let mut different = vec![];
    for (format, audience, name) in FILES {
        let written = write(&room_314(), format, &WriteOptions::new(audience)).unwrap();
        update(name, &written.bytes);
        if std::fs::read(path(name)).ok() != Some(written.bytes) {
            different.push(name);
        }
    }
    assert!(different.is_empty(), "{different:?} differ; BELLHOP_UPDATE_GOLDEN=1 writes them anew");
}

#[test]
fn the_golden_files_say_the_room() {
    for (format, audience, name) in FILES {
        let written = write(&room_314(), format, &WriteOptions::new(audience)).unwrap();
        if std::env::var_os("BELLHOP_UPDATE_GOLDEN").is_some() {
            continue;
        }
        let document = read(&std::fs::read(path(name)).unwrap(), &ReadOptions::default()).unwrap();
        let mut wanted = room_314();
        for left in written.left_out {
            wanted.remove(&left.key);
        }
        assert!(document.iter().eq(wanted.iter()), "{name}: {document:#?}");
        assert!(document.len() >= 10, "{name}: {}", document.len());
    }
}

/// Written by hand as phones and people write: other case, both forms, both vocabularies, comments, one mistake.
#[test]
fn a_file_by_hand() {
    let document = read(&std::fs::read(path("by-hand.xml")).unwrap(), &ReadOptions::default()).unwrap();
    let said: Vec<String> = document.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    let aside: Vec<String> = document.aside().iter().map(ToString::to_string).collect();
    let warnings: Vec<String> = document.warnings().iter().map(ToString::to_string).collect();
    let report = format!("{}\n\n{}\n\n{}\n", said.join("\n"), aside.join("\n"), warnings.join("\n"));
    update("by-hand.report.txt", report.as_bytes());
    assert_eq!(report, std::fs::read_to_string(path("by-hand.report.txt")).unwrap());
}

#[test]
fn the_page_about_files_has_every_variable() {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/CONFIG-FILES.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `{")).collect();
    assert_eq!(rows.len(), VARIABLES.len());
    for (row, variable) in rows.iter().zip(VARIABLES) {
        assert!(row.starts_with(&format!("| `{{{}}}` | {}", variable.name, variable.help)), "{row}");
    }
}
