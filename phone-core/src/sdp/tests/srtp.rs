//! SRTP modes, keys, and who refuses whom.

use super::*;

/// Names of the suites offered, with the profile.
fn offered(pairs: &[(&str, &str)]) -> (String, Vec<String>) {
    let text = leg(1, pairs).offer(Direction::SendRecv);
    let profile = text.split("m=audio 5004 ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let suites = text.lines().filter_map(|line| line.strip_prefix("a=crypto:"));
    (profile, suites.map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect())
}

#[test]
fn srtp_mode_and_key_length_decide_the_offer() {
    for mode in ["no", "optional"] {
        assert_eq!(offered(&[("audio.srtpmode", mode)]), ("RTP/AVP".to_owned(), vec![]));
    }
    let all = Suite::ALL.map(|suite| suite.name().to_owned()).to_vec();
    assert_eq!(offered(&[("audio.srtpmode", "enabled")]), ("RTP/AVP".to_owned(), all.clone()));
    assert_eq!(offered(&[("audio.srtpmode", "forced")]), ("RTP/SAVP".to_owned(), all));
    let with = |length| offered(&[("audio.srtpmode", "forced"), ("audio.srtpkeylength", length)]).1;
    assert_eq!(with("aes128"), ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"]);
    assert_eq!(with("aes256"), ["AES_256_CM_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_32"]);
}

#[test]
fn crypto_life_time_shows_only_if_it_is_on() {
    for (set, count) in [("yes", 4), ("no", 0)] {
        let mut leg = leg(1, &[("audio.srtpmode", "forced"), ("audio.cryptolifetime", set)]);
        assert_eq!(leg.offer(Direction::SendRecv).matches("|2^31\r\n").count(), count);
    }
}

#[test]
fn each_mode_against_each() {
    use Refusal::{SrtpDisabled, SrtpRequired};
    // Encrypted, plain, or why not.
    let table: [(&str, [Result<bool, Refusal>; 4]); 4] = [
        ("no", [Ok(false), Ok(false), Err(SrtpRequired), Ok(false)]),
        ("enabled", [Ok(false), Ok(true), Ok(true), Ok(true)]),
        ("forced", [Err(SrtpDisabled), Ok(true), Ok(true), Ok(true)]),
        ("optional", [Ok(false), Ok(false), Err(SrtpRequired), Ok(false)]),
    ];
    for (caller, row) in table {
        for (callee, expected) in ["no", "enabled", "forced", "optional"].into_iter().zip(row) {
            let mut a = leg(1, &[("audio.srtpmode", caller)]);
            let mut b = leg(2, &[("audio.srtpmode", callee)]);
            let offer = a.offer(Direction::SendRecv);
            let answer = b.answer(&offer, Direction::SendRecv);
            let got = answer.map(|answer| {
                a.answered(&answer).unwrap();
                let (a, b) = (a.agreed().unwrap().srtp.as_ref(), b.agreed().unwrap().srtp.as_ref());
                let mirrored = b.map(|b| SrtpPair { suite: b.suite, local: b.remote.clone(), remote: b.local.clone() });
                assert_eq!(a, mirrored.as_ref());
                a.is_some()
            });
            assert_eq!(got, expected, "{caller} calls {callee}");
        }
    }
}

const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const KEY_256: &str = "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8AESIzRFVmd4iZqrvM3Q";

/// An offer or answer of PCMU with crypto lines.
fn with(profile: &str, crypto: &str) -> String {
    format!("v=0\r\nc=IN IP4 198.51.100.1\r\nm=audio 4000 {profile} 0\r\n{crypto}")
}

#[test]
fn the_first_usable_line_of_an_offer_is_answered_with_its_tag() {
    let mut leg = leg(1, &[("audio.srtpmode", "enabled"), ("audio.srtpkeylength", "aes128")]);
    let lines = format!(
        "a=crypto:1 AEAD_AES_256_GCM inline:{KEY}\r\na=crypto:2 AES_256_CM_HMAC_SHA1_80 inline:{KEY_256}\r\n\
        a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20 UNENCRYPTED_SRTP\r\n\
        a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^20|1:4 WSH=128 -X\r\n"
    );
    let answer = leg.answer(&with("RTP/SAVP", &lines), Direction::SendRecv).unwrap();
    let said: Vec<_> = answer.lines().filter(|line| line.starts_with("a=crypto:")).collect();
    assert!(said.len() == 1 && said[0].starts_with("a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:"), "{answer}");
    assert!(answer.contains(" RTP/SAVP 0"));
    let pair = leg.agreed().unwrap().srtp.as_ref().unwrap();
    assert_eq!((pair.remote.mki(), pair.local.mki()), (&[0, 0, 0, 1][..], &[][..]));
    assert_eq!((pair.remote.key().len(), pair.remote.salt().len()), (16, 14));
    assert_eq!(&pair.remote.key()[..3], b"YS_");
}

#[test]
fn aes_256_by_both_names_and_without_padding() {
    for name in ["AES_256_CM_HMAC_SHA1_80", "AES_CM_256_HMAC_SHA1_80", "aes_256_cm_hmac_sha1_80"] {
        for pad in ["", "=="] {
            let line = CryptoLine::parse(&format!("1 {name} inline:{KEY_256}{pad}")).unwrap();
            assert_eq!((line.suite, line.key.key_and_salt().len()), (Suite::Aes256Sha1_80, 46));
            assert_eq!(CryptoLine::parse(&line.value(true)), Some(line));
        }
    }
}

#[test]
fn lines_that_ask_for_what_we_do_not_do_count_as_not_there() {
    for line in [
        "",
        "1",
        "x AES_CM_128_HMAC_SHA1_80 inline:KEY",
        "1 AES_CM_128_HMAC_SHA1_80 inline:",
        "1 AES_CM_128_HMAC_SHA1_80 inline:KEYKEY",
        "1 AES_CM_128_HMAC_SHA1_80 inline:KEY;inline:KEY",
        "1 AES_CM_128_HMAC_SHA1_80 uri:KEY",
        "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|1:0",
        "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|300:1",
        "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:129",
        "1 AES_CM_128_HMAC_SHA1_80 inline:KEY UNAUTHENTICATED_SRTP",
        "1 AES_CM_128_HMAC_SHA1_80 inline:KEY KDR=1",
        "1 AES_256_CM_HMAC_SHA1_80 inline:KEY",
        "1 F8_128_HMAC_SHA1_80 inline:KEY",
    ] {
        assert_eq!(CryptoLine::parse(&line.replace("KEY", KEY)), None, "{line}");
    }
    for line in ["inline:KEY|2^48", "inline:KEY|1048576|255:1", "INLINE:KEY|1:1", "inline:KEY KDR=0"] {
        let line = line.replace("KEY", KEY);
        assert!(CryptoLine::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 {line}")).is_some(), "{line}");
    }
}

#[test]
fn an_encrypted_offer_without_a_common_suite_is_refused() {
    let mut leg = leg(1, &[("audio.srtpmode", "optional"), ("audio.srtpkeylength", "aes256")]);
    let line = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
    assert_eq!(leg.answer(&with("RTP/SAVP", &line), Direction::SendRecv), Err(Refusal::NoCommonSuite));
    assert_eq!(leg.answer(&with("RTP/SAVPF", ""), Direction::SendRecv), Err(Refusal::NoCommonSuite));
    assert_eq!(leg.answer(&with("UDP/TLS/RTP/SAVPF", ""), Direction::SendRecv), Err(Refusal::NoAudio));
    // Best effort: then plain.
    leg.answer(&with("RTP/AVP", &line), Direction::SendRecv).unwrap();
    assert!(leg.agreed().unwrap().srtp.is_none());
}

#[test]
fn answers_that_break_what_was_offered_are_refused() {
    let line = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
    let answered = |mode: &str, text: &str| {
        let mut leg = leg(1, &[("audio.srtpmode", mode)]);
        leg.offer(Direction::SendRecv);
        leg.answered(text).map(|()| leg.agreed().unwrap().srtp.is_some())
    };
    assert_eq!(answered("forced", &with("RTP/SAVP", "")), Err(Refusal::NoCommonSuite));
    assert_eq!(answered("forced", &with("RTP/AVP", "")), Err(Refusal::SrtpRequired));
    assert_eq!(answered("no", &with("RTP/SAVP", &line)), Err(Refusal::SrtpDisabled));
    assert_eq!(answered("no", &with("RTP/AVP", &line)), Ok(false));
    assert_eq!(answered("enabled", &with("RTP/AVP", "")), Ok(false));
    // The profile and the tag may be wrong as long as the suite tells.
    assert_eq!(answered("enabled", &with("RTP/SAVP", &line)), Ok(true));
    assert_eq!(answered("forced", &with("RTP/AVP", &line)), Ok(true));
}

#[test]
fn one_call_offered_twice_is_taken_encrypted_if_encryption_is_on() {
    let line = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
    let twice = format!("{}m=audio 4000 RTP/SAVP 0\r\n{line}", with("RTP/AVP", ""));
    for (mode, ports) in [("no", (5004, 0)), ("optional", (0, 5004)), ("forced", (0, 5004))] {
        let answer = leg(1, &[("audio.srtpmode", mode)]).answer(&twice, Direction::SendRecv).unwrap();
        let media = Session::parse(answer.as_bytes()).unwrap().media;
        assert_eq!((media[0].port, media[1].port), ports, "{mode}");
    }
}

#[test]
fn keys_stay_through_hold_and_change_with_the_address() {
    let mut a = leg(1, &[("audio.srtpmode", "forced")]);
    let mut b = leg(2, &[("audio.srtpmode", "enabled")]);
    exchange(&mut a, &mut b, Direction::SendRecv, Direction::SendRecv);
    let keys = |leg: &Negotiator| leg.agreed().unwrap().srtp.clone().unwrap();
    let before = keys(&a);
    exchange(&mut a, &mut b, Direction::SendOnly, Direction::SendRecv);
    assert_eq!(keys(&a), before);
    exchange(&mut b, &mut a, Direction::SendRecv, Direction::SendRecv);
    assert_eq!(keys(&a), before);
    assert_eq!(keys(&b).local, before.remote);

    let moved = LocalMedia { address: IpAddr::from([192, 0, 2, 99]), ..a.local_media().clone() };
    a.relocate(moved);
    exchange(&mut a, &mut b, Direction::SendRecv, Direction::SendRecv);
    assert_ne!(keys(&a).local, before.local);
    assert_eq!(keys(&a).local, keys(&b).remote);
    // To the other side this is somebody else, who must not be sent what the old key has counted.
    assert_ne!(keys(&b).local, before.remote);
    assert_eq!(keys(&a).remote, keys(&b).local);
    // The origin keeps its address.
    assert!(a.local().unwrap().contains(" IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.99\r\n"));
}

#[test]
fn somebody_else_after_a_hold_gets_a_new_key() {
    let offer = |address: &str, key: &str| {
        with("RTP/SAVP", &format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n"))
            .replace("198.51.100.1", address)
    };
    let other = KEY.replace('W', "X");
    let mut leg = leg(1, &[("audio.srtpmode", "forced")]);
    let mut key_after = |offer: String| {
        leg.answer(&offer, Direction::SendRecv).unwrap();
        leg.agreed().unwrap().srtp.clone().unwrap().local
    };
    let first = key_after(offer("198.51.100.1", KEY));
    assert_eq!(key_after(offer("0.0.0.0", KEY)), first);
    assert_eq!(key_after(offer("198.51.100.1", KEY)), first);
    // The same peer elsewhere, or the same place with another key, goes on.
    assert_eq!(key_after(offer("198.51.100.2", KEY)), first);
    assert_eq!(key_after(offer("198.51.100.2", &other)), first);
    assert_eq!(key_after(offer("0.0.0.0", &other)), first);
    assert_ne!(key_after(offer("198.51.100.3", KEY)), first);
}

#[test]
fn nothing_prints_keys_but_the_description() {
    let mut leg = leg(1, &[("audio.srtpmode", "forced")]);
    let offer = leg.offer(Direction::SendRecv);
    let answer = self::leg(2, &[("audio.srtpmode", "forced")]).answer(&offer, Direction::SendRecv).unwrap();
    leg.answered(&answer).unwrap();
    let session = Session::parse(offer.as_bytes()).unwrap();
    let printed = format!("{leg:?} {:?} {session:?}", leg.agreed());
    let key = offer.split("inline:").nth(1).unwrap().split('|').next().unwrap();
    let first_byte = format!("[{}", leg.agreed().unwrap().srtp.as_ref().unwrap().local.key()[0]);
    assert!(!printed.contains(key) && !printed.contains("inline") && !printed.contains(&first_byte), "{printed}");
}
