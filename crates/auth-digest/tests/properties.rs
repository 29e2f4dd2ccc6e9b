//! Nothing a peer sends panics; what we print we read.
#![allow(clippy::unwrap_used)]

use auth_digest::{Algorithm, BasicCredentials, Challenge, Credentials, Ha1, Qop, respond, verify};
use proptest::collection::vec;
use proptest::prelude::*;

fn algorithm() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(&Algorithm::ALL[..])
}

/// Anything a quoted string can carry.
fn words() -> impl Strategy<Value = String> {
    "[ -~\u{e4}\u{20ac}]{0,24}"
}

fn challenge() -> impl Strategy<Value = Challenge> {
    let qop = prop::sample::subsequence(vec![Qop::Auth, Qop::AuthInt], 0..=2);
    (words(), words(), prop::option::of(words()), algorithm(), any::<bool>(), qop, any::<bool>()).prop_map(
        |(realm, nonce, opaque, algorithm, session, qop, stale)| Challenge {
            realm,
            nonce,
            opaque,
            algorithm,
            session,
            qop,
            stale,
        },
    )
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "\\PC{0,200}", start in prop::sample::select(vec!["", "Digest ", "Basic "])) {
        let text = format!("{start}{text}");
        let _ = Challenge::parse([text.as_str()]);
        let _ = Credentials::parse(&text);
        let _ = BasicCredentials::parse(&text);
    }

    #[test]
    fn parsing_header_shaped_noise_never_panics(text in "(Digest|realm|nonce|qop|nc|[=,\" \\\\/a\u{e4}])*") {
        let _ = Challenge::parse([text.as_str()]);
        let _ = Credentials::parse(&text);
    }

    #[test]
    fn challenges_print_and_parse(challenges in vec(challenge(), 1..4)) {
        let lines: Vec<_> = challenges.iter().map(Challenge::to_string).collect();
        prop_assert_eq!(&Challenge::parse(lines.iter().map(String::as_str)).unwrap(), &challenges);
        let one = lines.join(", ");
        prop_assert_eq!(&Challenge::parse([one.as_str()]).unwrap(), &challenges);
    }

    #[test]
    fn the_right_password_and_no_other_is_accepted(
        challenge in challenge(), user in words(), password in words(), other in words(),
        uri in words(), body in vec(any::<u8>(), 0..40), nc in any::<u32>(),
    ) {
        let sent = respond(&challenge, &user, &password, "POST", &uri, &body, "cnonce", nc);
        let received = Credentials::parse(&sent.to_string()).unwrap();
        prop_assert_eq!(&received, &sent);
        if challenge.session {
            let ha1 = Ha1::new(challenge.algorithm, &user, &challenge.realm, &password);
            prop_assert!(verify(&received, &ha1, "POST", &uri, &body).is_err(), "no server of ours asks so");
        } else if !challenge.qop.is_empty() {
            prop_assert_eq!(received.count(), Some(nc));
            let ha1 = Ha1::new(challenge.algorithm, &user, &challenge.realm, &password);
            prop_assert!(verify(&received, &ha1, "POST", &uri, &body).is_ok());
            let wrong = Ha1::new(challenge.algorithm, &user, &challenge.realm, &other);
            prop_assert_eq!(verify(&received, &wrong, "POST", &uri, &body).is_ok(), other == password);
        }
    }
}
