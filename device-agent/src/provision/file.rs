//! A file that came: read by `provisioning`, and taken as a whole or not at all.

use contract::Mac;
use provisioning::{Document, Limits, ReadOptions, Reason};
use settings::Model;
use subtle::ConstantTimeEq;

use crate::store::{Change, intern};

/// The administrator's password, which an authenticated file carries.
pub(super) const ADMIN_KEY: &str = "users.admin.password";
/// Entries named in an error.
const MOST_NAMED: usize = 3;

/// What a file must be.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub mac: Mac,
    pub model: Model,
    /// "XML Config File Password"; empty where there is none.
    pub password: &'a str,
    /// "Authenticate Conf File": the administrator's password as it is now. `None`: files need not know it.
    pub admin: Option<&'a str>,
}

/// Reads and checks a whole file.
///
/// # Errors
/// In words, without any value of the file.
pub fn read(bytes: &[u8], rules: Rules<'_>) -> Result<Document, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    let password = Some(rules.password).filter(|password| !password.is_empty());
    let options = ReadOptions { mac: Some(rules.mac), password, limits: Limits::default() };
    let mut document = provisioning::read(bytes, &options).map_err(|error| error.to_string())?;
    let refused: Vec<String> = document
        .aside()
        .iter()
        .filter(|aside| matches!(aside.reason, Reason::Refused(_)))
        .map(ToString::to_string)
        .collect();
    if !refused.is_empty() {
        let more = refused.len().saturating_sub(MOST_NAMED);
        let mut why = refused.into_iter().take(MOST_NAMED).collect::<Vec<_>>().join("; ");
        if more > 0 {
            why += &format!("; and {more} more");
        }
        return Err(why);
    }
    document.keep_to(rules.model);
    if document.is_empty() && document.aside().is_empty() {
        return Err("there is no setting in it".to_owned());
    }
    match rules.admin {
        None => {}
        Some("") => {
            return Err("files must be authenticated, but this phone has no administrator password yet; \
                        set one, or turn \"Authenticate Conf File\" off"
                .to_owned());
        }
        Some(admin) => {
            let given = document.get(ADMIN_KEY).unwrap_or_default();
            if !bool::from(given.as_bytes().ct_eq(admin.as_bytes())) {
                return Err(
                    "it does not carry the administrator password of this phone (P2, users.admin.password)".to_owned()
                );
            }
        }
    }
    Ok(document)
}

/// The settings of a document, as the store takes them.
pub fn changes(document: &Document) -> Vec<Change> {
    document.iter().map(|(key, value)| (intern(key), Some(value.to_owned()))).collect()
}

/// Entries of a file that are no settings of this phone.
pub fn unknown(document: &Document) -> usize {
    let counts = |reason: &Reason| matches!(reason, Reason::Unknown | Reason::NotHere | Reason::NotOnModel(_));
    document.aside().iter().filter(|aside| counts(&aside.reason)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use provisioning::crypt::{Digest, encrypt};

    fn rules() -> Rules<'static> {
        Rules { mac: "c074ad120701".parse().unwrap(), model: Model::Ghp620, password: "", admin: None }
    }

    const FILE: &str = "<?xml version=\"1.0\"?><gs_provision version=\"1\"><mac>c074ad120701</mac><config version=\"2\">\
        <item name=\"hotel.room.number\">1207</item><item name=\"users.admin.password\">4dmin!</item>\
        <item name=\"no.such\">1</item></config></gs_provision>";

    #[test]
    fn a_file_is_taken_with_what_the_phone_knows_of_it() {
        let document = read(FILE.as_bytes(), rules()).unwrap();
        assert_eq!((document.get("hotel.room.number"), unknown(&document)), (Some("1207"), 1));
        assert_eq!(changes(&document).len(), 2);
    }

    #[test]
    fn what_is_wrong_is_said_without_values() {
        let wrong = |file: &[u8], rules| read(file, rules).unwrap_err();
        assert!(wrong(&FILE.as_bytes()[..FILE.len() - 20], rules()).contains("line"));
        assert!(wrong(FILE.replace("0701", "0702").as_bytes(), rules()).contains("not for"));
        let secret = wrong(b"tr069.periodicinforminterval=hunter2\n", rules());
        assert!(secret.contains("line 1") && secret.contains("periodicinforminterval"), "{secret}");
        assert_eq!(wrong(b"", rules()), "it is empty");
        assert_eq!(wrong(b"# nothing\n", rules()), "there is no setting in it");
        let many: String = (0..9).map(|_| "tr069.periodicinforminterval=x\n").collect();
        assert!(wrong(many.as_bytes(), rules()).len() < 400);
    }

    #[test]
    fn an_encrypted_file_needs_its_password() {
        let file = encrypt(FILE.as_bytes(), "s3cret", [7; 8], Digest::Sha256);
        assert!(read(&file, Rules { password: "s3cret", ..rules() }).is_ok());
        assert!(read(&file, Rules { password: "other", ..rules() }).unwrap_err().contains("password"));
        assert!(read(&file, rules()).unwrap_err().contains("encrypted"));
    }

    #[test]
    fn an_authenticated_file_carries_the_administrators_password() {
        assert!(read(FILE.as_bytes(), Rules { admin: Some("4dmin!"), ..rules() }).is_ok());
        for admin in ["other", ""] {
            let why = read(FILE.as_bytes(), Rules { admin: Some(admin), ..rules() }).unwrap_err();
            assert!(!why.contains("4dmin!") && why.contains("administrator password"), "{why}");
        }
    }
}
