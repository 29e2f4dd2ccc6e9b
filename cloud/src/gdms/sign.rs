//! What GDMS wants to see of a password, and of each request.

use std::collections::BTreeMap;

use md5::Md5;
use sha2::{Digest, Sha256};

/// SHA-256, in hexadecimal, of the hexadecimal MD5 of the password.
pub fn password(plain: &str) -> String {
    hex::encode(Sha256::digest(hex::encode(Md5::digest(plain))))
}

/// A request's signature: of its parameters by name, with the client's id and secret, and of its body.
pub fn request(parameters: &BTreeMap<&str, &str>, body: &str) -> String {
    let mut text = String::from("&");
    for (name, value) in parameters {
        text.push_str(name);
        text.push('=');
        text.push_str(value);
        text.push('&');
    }
    if !body.is_empty() {
        text.push_str(&hex::encode(Sha256::digest(body)));
        text.push('&');
    }
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_a_password_like_the_reference() {
        assert_eq!(password("P@ssw0rd"), "bced1a3e39c03aea361c16cde2049b50713761044f1293965a234369cb0b5aa7");
    }

    #[test]
    fn signs_parameters_in_their_order_and_the_body() {
        let parameters =
            BTreeMap::from([("timestamp", "1"), ("access_token", "t"), ("client_secret", "s"), ("client_id", "c")]);
        let text = "&access_token=t&client_id=c&client_secret=s&timestamp=1&";
        assert_eq!(request(&parameters, ""), hex::encode(Sha256::digest(text)));
        let with_body = format!("{text}{}&", hex::encode(Sha256::digest("{\"mac\":\"x\"}")));
        assert_eq!(request(&parameters, "{\"mac\":\"x\"}"), hex::encode(Sha256::digest(with_body)));
    }
}
