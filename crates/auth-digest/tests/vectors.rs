//! The standards' own examples, and the grammar's corners.
#![allow(clippy::unwrap_used)]

use auth_digest::{Algorithm, AuthError, Challenge, Credentials, Ha1, Mismatch, Qop, respond, strongest, verify};

const RFC_7616: [&str; 2] = [
    r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#,
    r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#,
];
const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

#[test]
fn rfc_7616_section_3_9_1_both_algorithms() {
    let challenges = Challenge::parse(RFC_7616).unwrap();
    let expected = [
        (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
    ];
    for (challenge, (algorithm, response)) in challenges.iter().zip(expected) {
        let sent = respond(challenge, "Mufasa", "Circle of Life", "GET", "/dir/index.html", b"", CNONCE, 1);
        assert_eq!((sent.algorithm, sent.response.as_str()), (algorithm, response));
        let ha1 = Ha1::new(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
        let received = Credentials::parse(&sent.to_string()).unwrap();
        assert_eq!(received, sent);
        assert_eq!(verify(&received, &ha1, "GET", "/dir/index.html", b""), Ok(()));
        assert_eq!(verify(&received, &ha1, "PUT", "/dir/index.html", b""), Err(Mismatch::Proof));
        assert_eq!(verify(&received, &ha1, "GET", "/", b""), Err(Mismatch::Uri));
    }
}

#[test]
fn rfc_2617_section_3_5() {
    let challenge = r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
    let challenge = &Challenge::parse([challenge]).unwrap()[0];
    assert_eq!(challenge.algorithm, Algorithm::Md5, "a missing algorithm is MD5");
    let sent = respond(challenge, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", b"", "0a4f113b", 1);
    assert_eq!(sent.response, "6629fae49393a05397450978507c4ef1");
    assert_eq!(sent.nc.as_deref(), Some("00000001"));
    assert_eq!(sent.opaque.as_deref(), Some("5ccc069c403ebaf9f0171e9517f40e41"));
}

#[test]
fn rfc_2069_servers_without_qop_are_answered_but_such_clients_are_refused() {
    let challenge = &Challenge::parse([r#"Digest realm="r", nonce="n""#]).unwrap()[0];
    let sent = respond(challenge, "u", "p", "GET", "/", b"", "c", 1);
    assert_eq!((sent.qop, sent.cnonce.as_deref(), sent.nc.as_deref()), (None, None, None));
    let ha1 = Ha1::new(Algorithm::Md5, "u", "r", "p");
    assert_eq!(verify(&sent, &ha1, "GET", "/", b""), Err(Mismatch::NoQop));
}

#[test]
fn rfc_8760_several_challenges_in_one_header_the_strongest_wins() {
    let value = RFC_7616.join(", ");
    let challenges = Challenge::parse([value.as_str()]).unwrap();
    assert_eq!(challenges.len(), 2);
    assert_eq!(strongest(&challenges).unwrap().algorithm, Algorithm::Sha256);
    let reversed: Vec<_> = challenges.into_iter().rev().collect();
    assert_eq!(strongest(&reversed).unwrap().algorithm, Algorithm::Sha256);
    assert_eq!(strongest(&[]), None);
}

#[test]
fn rfc_8760_sip_register_with_each_algorithm() {
    for algorithm in Algorithm::ALL {
        let challenge = Challenge::new(algorithm, "hotel.example", "84f1c1ae6cbe5ua9c8e88dfa3ecm3459");
        let challenge = &Challenge::parse([challenge.to_string().as_str()]).unwrap()[0];
        let sent = respond(challenge, "1204", "p\u{e4}ss", "REGISTER", "sip:hotel.example", b"", "c", 2);
        assert_eq!(sent.response.len(), algorithm.digits());
        let ha1 = Ha1::new(algorithm, "1204", "hotel.example", "p\u{e4}ss");
        assert_eq!(verify(&sent, &ha1, "REGISTER", "sip:hotel.example", b""), Ok(()));
        let weaker = Ha1::new(Algorithm::Md5, "1204", "hotel.example", "p\u{e4}ss");
        let wrong = if algorithm == Algorithm::Md5 { Ok(()) } else { Err(Mismatch::Algorithm) };
        assert_eq!(verify(&sent, &weaker, "REGISTER", "sip:hotel.example", b""), wrong);
    }
}

#[test]
fn auth_int_covers_the_body() {
    let challenge = &Challenge::parse([r#"Digest realm="r", nonce="n", qop="auth-int""#]).unwrap()[0];
    let sent = respond(challenge, "u", "p", "POST", "/", b"body", "c", 1);
    assert_eq!(sent.qop, Some(Qop::AuthInt));
    let ha1 = Ha1::new(Algorithm::Md5, "u", "r", "p");
    assert_eq!(verify(&sent, &ha1, "POST", "/", b"body"), Ok(()));
    assert_eq!(verify(&sent, &ha1, "POST", "/", b"Body"), Err(Mismatch::Proof));
}

/// The proofs were made by hand with Python's `hashlib`, by the words of RFC 7616 §3.4.2 and RFC 2617 §3.2.2.2: no standard
/// has an example. The first challenge is as IIS sends it.
#[test]
fn session_algorithms_are_answered_and_no_server_of_ours_takes_them() {
    let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
    for (form, session, nc, qop, response) in [
        ("MD5-sess", true, 1, r#"qop="auth","#, "8e3825c57e897f5a0dec6c2d4e5059d0"),
        ("sha-256-SESS", true, 2, r#"qop="auth","#, "da9692cb42087d7011243410f92f21c13acecaa6bbafa73f6da70d95ef263f0b"),
        ("MD5-sess", true, 1, "", "4726bc10c33fa6cb357eb27807b1cce8"),
        ("MD5", false, 1, r#"qop="auth","#, "6629fae49393a05397450978507c4ef1"),
    ] {
        let value = format!(r#"Digest {qop}algorithm={form},nonce="{nonce}",charset=utf-8,realm="testrealm@host.com""#);
        let challenge = &Challenge::parse([value.as_str()]).unwrap()[0];
        assert_eq!(challenge.session, session);
        let sent = respond(challenge, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", b"", "0a4f113b", nc);
        assert_eq!((sent.response.as_str(), sent.cnonce.as_deref()), (response, Some("0a4f113b")), "{form}");
        let printed = sent.to_string();
        let name = form.to_uppercase().replace("SESS", "sess");
        assert!(printed.contains(&format!("algorithm={name}, ")), "{printed}");
        assert_eq!(Credentials::parse(&printed).unwrap(), sent);
        let ha1 = Ha1::new(challenge.algorithm, "Mufasa", "testrealm@host.com", "Circle Of Life");
        let wanted = if session { Err(Mismatch::Algorithm) } else { Ok(()) };
        assert_eq!(verify(&sent, &ha1, "GET", "/dir/index.html", b""), wanted);
    }
}

#[test]
fn a_session_is_taken_only_where_there_is_no_other_of_its_strength() {
    let of = |form: &str| format!(r#"Digest realm="r", nonce="n", algorithm={form}"#);
    let strongest_of = |forms: &[&str]| {
        let values: Vec<_> = forms.iter().map(|form| of(form)).collect();
        let challenges = Challenge::parse(values.iter().map(String::as_str)).unwrap();
        let found = strongest(&challenges).unwrap();
        (found.algorithm, found.session)
    };
    assert_eq!(strongest_of(&["MD5-sess", "MD5"]), (Algorithm::Md5, false));
    assert_eq!(strongest_of(&["MD5", "SHA-256-sess"]), (Algorithm::Sha256, true));
    for unknown in ["-sess", "SHA3-sess", "sess", "\u{e4}-sess"] {
        assert_eq!(Challenge::parse([of(unknown).as_str()]), Err(AuthError::UnknownAlgorithm), "{unknown}");
    }
}

#[test]
fn unknown_algorithms_and_protections_are_named() {
    assert_eq!(Challenge::parse([r#"Digest realm="r", nonce="n", algorithm=SHA3"#]), Err(AuthError::UnknownAlgorithm));
    assert_eq!(Challenge::parse([r#"Digest realm="r", nonce="n", qop="auth-conf""#]), Err(AuthError::UnknownQop));
}

#[test]
fn other_schemes_around_are_passed_over() {
    let value =
        r#"Negotiate a/b+c==, Basic realm="x, y", DIGEST REALM = "r" , nonce="n",x-new="1", stale=TRUE, Bearer"#;
    let challenges = Challenge::parse([value]).unwrap();
    assert_eq!(challenges.len(), 1);
    assert!(challenges[0].stale);
    assert_eq!(Challenge::parse([r#"Basic realm="x""#]), Err(AuthError::OtherScheme));
}

#[test]
fn quoted_strings_keep_escapes_and_commas() {
    let value = r#"Digest realm="a \"b\", \\c", nonce="n,=", qop="auth""#;
    let challenges = Challenge::parse([value]).unwrap();
    assert_eq!(challenges[0].realm, r#"a "b", \c"#);
    assert_eq!(challenges[0].nonce, "n,=");
    assert_eq!(Challenge::parse([challenges[0].to_string().as_str()]).unwrap(), challenges);
}

#[test]
fn broken_headers_are_refused() {
    let long = format!(r#"Digest realm="{}", nonce="n""#, "x".repeat(4096));
    assert_eq!(Challenge::parse([long.as_str()]), Err(AuthError::TooLong));
    let many = format!(r#"Digest realm="r", nonce="n"{}"#, ", a=b".repeat(100));
    assert_eq!(Challenge::parse([many.as_str()]), Err(AuthError::TooManyParameters));
    for value in [r#"Digest realm="r"#, r#"realm="r", nonce="n""#, "Digest /", "Digest realm=\"r\r\n\", nonce=\"n\""] {
        assert_eq!(Challenge::parse([value]), Err(AuthError::Malformed), "{value}");
    }
    assert_eq!(Challenge::parse([r#"Digest nonce="n""#]), Err(AuthError::Missing("realm")));
    assert_eq!(Challenge::parse([r#"Digest realm="r", realm="s", nonce="n""#]), Err(AuthError::Duplicate("realm")));
    let good = r#"Digest username="u", realm="r", nonce="n", uri="/", response="8ca523f5e9506fed4657c9700eebdbec", qop=auth, nc=00000001, cnonce="c""#;
    assert!(Credentials::parse(good).is_ok());
    for (from, to) in
        [("8ca5", "8cg5"), ("8ca5", "8c"), ("00000001", "1"), (", cnonce=\"c\"", ""), ("qop=auth", "qop=x")]
    {
        assert!(Credentials::parse(&good.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn printing_cannot_start_a_new_header() {
    let challenge = Challenge::new(Algorithm::Md5, "r\r\nSet-Cookie: a=b", "n");
    assert!(!challenge.to_string().contains(['\r', '\n']));
}

#[test]
fn debug_prints_no_secret() {
    let ha1 = Ha1::new(Algorithm::Sha256, "u", "r", "p");
    assert!(!format!("{ha1:?}").contains(ha1.expose()));
    assert_eq!(Ha1::from_hex(Algorithm::Sha256, ha1.expose()).unwrap().expose(), ha1.expose());
    assert!(Ha1::from_hex(Algorithm::Md5, ha1.expose()).is_err());
}

/// As corrected by erratum 4897: the RFC's own figures are of a draft's hash. We send the name itself, not its hash.
#[test]
fn rfc_7616_section_3_9_2_sha_512_256() {
    let challenge = r#"Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true"#;
    let challenge = &Challenge::parse([challenge]).unwrap()[0];
    let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
    let sent = respond(challenge, "J\u{e4}s\u{f8}n Doe", "Secret, or not?", "GET", "/doe.json", b"", cnonce, 1);
    assert_eq!(sent.response, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
}
