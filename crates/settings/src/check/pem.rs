//! PEM: armour and base64. What is inside is for the TLS library to judge.

use super::{Refusal, refuse};

/// Longest PEM text, in bytes.
pub const MAX: usize = 16 * 1024;

/// One or more blocks, nothing but blank lines between them; LF line ends, one at the end.
pub fn pem(value: &str) -> Result<String, Refusal> {
    if value.chars().any(|c| super::is_bad_char(c) && !matches!(c, '\n' | '\r' | '\t')) {
        return refuse("it contains control characters");
    }
    let mut out = String::with_capacity(value.len() + 1);
    let mut lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) else {
            return refuse("text outside BEGIN and END");
        };
        let plain =
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ');
        if !plain {
            return refuse("the BEGIN line is wrong");
        }
        out.push_str(line);
        out.push('\n');
        block(label, &mut lines, &mut out)?;
    }
    Ok(out)
}

fn block<'a>(label: &str, lines: &mut impl Iterator<Item = &'a str>, out: &mut String) -> Result<(), Refusal> {
    let end = format!("-----END {label}-----");
    let mut body = String::new();
    let mut headers = false;
    for line in lines {
        if line == end {
            if !is_base64(&body) {
                return refuse(format!("the base64 of {label} is wrong"));
            }
            out.push_str(line);
            out.push('\n');
            return Ok(());
        }
        // RFC 1421 headers of an encrypted key, before the base64; a blank line divides them from it.
        if body.is_empty() && line.contains(": ") {
            headers = true;
        } else {
            if std::mem::take(&mut headers) {
                out.push('\n');
            }
            body.push_str(line);
        }
        out.push_str(line);
        out.push('\n');
    }
    refuse(format!("END {label} is missing"))
}

/// Standard alphabet, padded, not empty.
fn is_base64(body: &str) -> bool {
    let data = body.trim_end_matches('=');
    let padding = body.len() - data.len();
    !data.is_empty()
        && body.len().is_multiple_of(4)
        && padding <= 2
        && data.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let one = "-----BEGIN CERTIFICATE-----\r\nTUlJ\r\nQg==\r\n-----END CERTIFICATE-----";
        let canonical = pem(one).expect("good");
        assert_eq!(canonical, "-----BEGIN CERTIFICATE-----\nTUlJ\nQg==\n-----END CERTIFICATE-----\n");
        assert_eq!(pem(&canonical).as_deref(), Ok(canonical.as_str()));
        let key = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nTUlJ\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(pem(key).as_deref(), Ok(key));
        for bad in [
            "TUlJ",
            "-----BEGIN A-----\nTUlJ",
            "-----BEGIN A-----\nTUlJ\n-----END B-----",
            "-----BEGIN A-----\nTUl\n-----END A-----",
            "-----BEGIN A-----\n-----END A-----",
            "-----BEGIN A-----\nTU*J\n-----END A-----",
            "-----BEGIN A-----\nTUlJ\n-----END A-----\nhello",
        ] {
            assert!(pem(bad).is_err(), "{bad}");
        }
    }
}
