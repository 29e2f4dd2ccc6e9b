//! The message layer beside two others: rsip 0.4 and ezk-sip-types 0.6. They agree on what a message says, or the difference
//! is named in [`differences`] with its reason. And what our builder writes, all three read alike.
#![allow(clippy::unwrap_used)]

#[path = "oracles/corpus.rs"]
mod corpus;
#[path = "oracles/differences.rs"]
mod differences;
#[path = "oracles/ezk.rs"]
mod ezk;
#[path = "oracles/ours.rs"]
mod ours;
#[path = "oracles/reading.rs"]
mod reading;
#[path = "oracles/rsip.rs"]
mod theirs;
#[path = "oracles/written.rs"]
mod written;

use std::collections::BTreeSet;

use differences::DIFFERENCES;
use reading::Reading;

/// An oracle's name, and how it reads a message.
type Oracle = (&'static str, fn(&[u8]) -> Reading);
const ORACLES: [Oracle; 2] = [("rsip", theirs::read), ("ezk", ezk::read)];

/// The fields two readings do not agree on, and what each says.
fn disagreements(ours: &Reading, theirs: &Reading) -> Vec<(&'static str, String)> {
    if theirs.contains_key("message") && !ours.contains_key("message") {
        return vec![("message", "theirs unreadable".to_owned())];
    }
    let fields: BTreeSet<&'static str> = ours.keys().chain(theirs.keys()).copied().collect();
    let said = |reading: &Reading, field| reading.get(field).cloned().unwrap_or_else(|| "absent".to_owned());
    let differ = fields.into_iter().filter(|field| ours.get(field) != theirs.get(field));
    differ.map(|field| (field, format!("ours {}, theirs {}", said(ours, field), said(theirs, field)))).collect()
}

#[test]
fn all_agree_but_where_it_is_said() {
    let (mut used, mut wrong) = (BTreeSet::new(), Vec::new());
    let (mut compared, mut agreed) = (0, 0);
    for (name, bytes) in corpus::all() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let ours = ours::read(&bytes);
        for (oracle, read) in ORACLES {
            let theirs = read(&bytes);
            compared += ours.len();
            agreed += ours.iter().filter(|(field, value)| theirs.get(*field) == Some(value)).count();
            for (field, said) in disagreements(&ours, &theirs) {
                let known = DIFFERENCES.iter().position(|known| {
                    known.oracle == oracle && known.fields.contains(&field) && (known.when)(&name, &text)
                });
                match known {
                    Some(known) => drop(used.insert(known)),
                    None => wrong.push(format!("{name}: {oracle}: {field}: {said}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n"));
    let stale: Vec<&str> =
        DIFFERENCES.iter().enumerate().filter(|(at, _)| !used.contains(at)).map(|(_, known)| known.why).collect();
    assert!(stale.is_empty(), "no message shows these any more: {stale:#?}");
    println!("{agreed} of {compared} readings agree");
    assert!(agreed * 10 > compared * 7, "{agreed} of {compared}: too little is compared");
}
