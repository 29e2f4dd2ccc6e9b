//! The cipher against openssl itself, and the vectors of the reference.

use std::io::Write;
use std::process::{Command, Stdio};

use provisioning::crypt::{self, Digest};
use provisioning::{ReadOptions, read};
use serde_json::Value;

const PLAIN: &[u8] = b"<?xml version=\"1.0\"?><config version=\"1\"><P270>Zimmer \xc3\xbc</P270></config>";

const fn name(digest: Digest) -> &'static str {
    match digest {
        Digest::Md5 => "md5",
        Digest::Sha256 => "sha256",
    }
}

/// `None`: there is no openssl here. `Some(Err)`: it refused.
fn openssl(args: &[&str], input: &[u8]) -> Option<Result<Vec<u8>, String>> {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    Some(if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into()) })
}

#[test]
fn openssl_opens_ours_and_we_open_openssls() {
    for digest in Digest::ALL {
        for password in ["s3cret", "with blank and ü", "a"] {
            let pass = format!("pass:{password}");
            let enc = ["enc", "-aes-256-cbc", "-md", name(digest), "-pass", &pass];
            let Some(theirs) = openssl(&enc, PLAIN) else {
                eprintln!("skipped: openssl is absent");
                return;
            };
            let theirs = theirs.unwrap();
            assert_eq!(crypt::open(&theirs, password), Ok((PLAIN.to_vec(), digest)));
            let options = ReadOptions { password: Some(password), ..ReadOptions::default() };
            assert_eq!(read(&theirs, &options).unwrap().get("account.1.name"), Some("Zimmer ü"));
            let ours = crypt::encrypt(PLAIN, password, *b"\x01\xff8bytes", digest);
            let opened = openssl(&[&enc[..], &["-d"]].concat(), &ours).unwrap();
            assert_eq!(opened.as_deref(), Ok(PLAIN), "{digest:?} {password}");
        }
    }
}

#[test]
fn without_or_with_a_wrong_password_the_error_says_so() {
    let file = crypt::encrypt(PLAIN, "s3cret", [7; 8], Digest::Md5);
    let error = read(&file, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "the file: it is encrypted; give its password");
    let error = read(&file, &ReadOptions { password: Some("guess"), ..ReadOptions::default() }).unwrap_err();
    assert_eq!(error.to_string(), "the file: the password does not fit, or the file is damaged");
    let twice = crypt::encrypt(&file, "s3cret", [7; 8], Digest::Md5);
    assert!(read(&twice, &ReadOptions { password: Some("s3cret"), ..ReadOptions::default() }).is_err());
}

#[test]
fn vectors_of_the_reference() {
    let vectors: Value = serde_json::from_str(include_str!("../golden/vectors.json")).unwrap();
    let text = |value: &Value, field: &str| value[field].as_str().unwrap().to_owned();
    let all = vectors["openssl_xml"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    for vector in all {
        let digest = if vector["md"] == "md5" { Digest::Md5 } else { Digest::Sha256 };
        let (plain, password) = (text(vector, "plaintext"), text(vector, "password"));
        let file = hex::decode(text(vector, "file_hex")).unwrap();
        let salt: [u8; 8] = hex::decode(text(vector, "salt")).unwrap().try_into().unwrap();
        assert_eq!(crypt::encrypt(plain.as_bytes(), &password, salt, digest), file);
        assert_eq!(crypt::open(&file, &password), Ok((plain.into_bytes(), digest)));
        let options = ReadOptions { password: Some(&password), ..ReadOptions::default() };
        assert_eq!(read(&file, &options).unwrap().get("account.1.enable"), Some("yes"));
    }
    let all = vectors["binary_cfg"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    for vector in all {
        let file = hex::decode(text(vector, "file_hex")).unwrap();
        let document = read(&file, &ReadOptions::default()).unwrap();
        assert_eq!(document.mac.unwrap().compact(), text(vector, "mac"));
        assert_eq!(document.len() + document.aside().len(), vector["params"].as_array().unwrap().len());
    }
}
