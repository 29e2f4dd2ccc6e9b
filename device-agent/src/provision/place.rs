//! Where files are: "Configure Server Path" and its like, with or without scheme, user, port and folder.

use std::fmt;

use reqwest::Url;

/// Longest address, bytes (TR-069 A.4.3.3 has the same).
const MOST_ADDRESS: usize = 1024;

/// What the names of files end with that somebody may offer by their own address.
const FILES: [&str; 4] = [".xml", ".cfg", ".txt", ".bin"];

/// How files are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Tftp,
    Ftp,
    /// Port 990: TLS from the first byte (RFC 4217 calls that obsolete, servers have it); any other: `AUTH TLS`.
    Ftps,
    Http,
    Https,
}

impl Scheme {
    /// As in an address and in the settings `provisioning.*.protocol`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tftp => "tftp",
            Self::Ftp => "ftp",
            Self::Ftps => "ftps",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        let all = [Self::Tftp, Self::Ftp, Self::Ftps, Self::Http, Self::Https];
        all.into_iter().find(|one| one.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether the server has to prove its name, and nobody on the way reads along.
    const fn is_protected(self) -> bool {
        matches!(self, Self::Ftps | Self::Https)
    }

    const fn port(self) -> u16 {
        match self {
            Self::Tftp => 69,
            Self::Ftp | Self::Ftps => 21,
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Who asks. Debug prints no password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({})", self.user)
    }
}

/// Why an address is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    #[error("the address has more than {MOST_ADDRESS} bytes")]
    Long,
    #[error("the address cannot be read; write for example provision.example.com:8443/folder")]
    Form,
    #[error("the protocol is not TFTP, FTP, FTPS, HTTP or HTTPS")]
    Scheme,
}

/// A folder on a server, or one file of it. Debug and Display print neither password nor query.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    scheme: Scheme,
    /// Without user and password.
    url: Url,
    pub login: Login,
    /// It is one file and no folder.
    file: bool,
}

impl Place {
    /// Reads the address of a folder, whatever its last step looks like: settings and DHCP name no files, and folders of
    /// firmware are called `1.0.1.101`. `usual` is how files are fetched where it does not say.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn parse(address: &str, usual: Scheme) -> Result<Self, PlaceError> {
        let address = address.trim();
        if address.len() > MOST_ADDRESS {
            return Err(PlaceError::Long);
        }
        if address.is_empty() || address.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(PlaceError::Form);
        }
        let (scheme, rest) = match address.split_once("://") {
            Some((scheme, rest)) => (Scheme::of(scheme).ok_or(PlaceError::Scheme)?, rest),
            None => (usual, address),
        };
        // A backslash would be a slash to some and not to others, and then the host another one.
        if rest.contains('\\') {
            return Err(PlaceError::Form);
        }
        let mut url = Url::parse(&format!("{}://{rest}", scheme.as_str())).map_err(|_| PlaceError::Form)?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(PlaceError::Form);
        }
        let login = Login { user: decode(url.username()), password: decode(url.password().unwrap_or_default()) };
        url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| PlaceError::Form)?;
        url.set_fragment(None);
        Ok(Self { scheme, url, login, file: false })
    }

    /// As [`Self::parse`], for an address somebody offered or typed: a folder, or one file, which has a query or one of the
    /// usual endings.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn offered(address: &str, usual: Scheme) -> Result<Self, PlaceError> {
        let place = Self::parse(address, usual)?;
        let last = place.url.path().rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let file = !last.is_empty() && (place.url.query().is_some() || FILES.iter().any(|end| last.ends_with(end)));
        Ok(Self { file, ..place })
    }

    /// With this user and password, unless the address brought its own.
    #[must_use]
    pub fn or_login(mut self, login: Login) -> Self {
        if self.login.user.is_empty() {
            self.login = login;
        }
        self
    }

    /// Whether it is one file and not a folder.
    pub const fn is_file(&self) -> bool {
        self.file
    }

    /// A file of this folder; the query stays.
    #[must_use]
    pub fn file(&self, name: &str) -> Self {
        let mut url = self.url.clone();
        // Fails only for addresses that have no path at all, which `parse` does not let in.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(name);
        }
        Self { url, ..self.clone() }
    }

    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Name or address, an IPv6 one without brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    pub fn port(&self) -> u16 {
        self.url.port().unwrap_or(self.scheme.port())
    }

    /// Whether what is meant for that server may go to this one: it is the same by scheme, host and port, or it is the same
    /// host by a protocol that has it prove its name.
    pub fn is_of(&self, other: &Self) -> bool {
        let same_port = self.scheme == other.scheme && self.port() == other.port();
        self.host().eq_ignore_ascii_case(other.host()) && (same_port || self.scheme.is_protected())
    }

    /// The path as servers that are not HTTP take it: decoded.
    pub fn path(&self) -> String {
        decode(self.url.path())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.url.clone();
        shown.set_query(None);
        f.write_str(shown.as_str())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

/// Percent signs and what follows them, decoded; what is no UTF-8 then is replaced.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (*byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            (other, ..) => {
                out.push(other);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(text: &str) -> Place {
        Place::parse(text, Scheme::Https).unwrap()
    }

    #[test]
    fn every_form_of_the_path() {
        for (text, file) in [
            ("prov.example.com", "https://prov.example.com/cfg.xml"),
            ("prov.example.com/", "https://prov.example.com/cfg.xml"),
            ("prov.example.com:8443/a/b", "https://prov.example.com:8443/a/b/cfg.xml"),
            ("http://10.0.0.1/a/?t=1", "http://10.0.0.1/a/cfg.xml?t=1"),
            ("TFTP://10.0.0.1/a", "tftp://10.0.0.1/a/cfg.xml"),
            ("ftps://[2001:db8::1]:990", "ftps://[2001:db8::1]:990/cfg.xml"),
            ("ftp://u:p%40@h/x", "ftp://h/x/cfg.xml"),
        ] {
            assert_eq!(place(text).file("cfg.xml").url().as_str(), file, "{text}");
        }
        let with = place("us%65r:p%40@h/x");
        assert_eq!((with.login.user.as_str(), with.login.password.as_str()), ("user", "p@"));
        let other = Login { user: "other".into(), password: "o".into() };
        assert_eq!(with.or_login(other.clone()).login.user, "user");
        assert_eq!(place("h").or_login(other).login.user, "other");
        assert_eq!((place("ftps://[2001:db8::1]").host(), place("ftps://x").port()), ("2001:db8::1", 21));
    }

    #[test]
    fn names_are_one_step_of_the_path() {
        let file = place("ftp://h/a").file("../x y?#");
        assert_eq!(file.path(), "/a/../x y?#");
        assert_eq!(file.url().path_segments().unwrap().count(), 2, "{}", file.url());
    }

    #[test]
    fn files_and_folders() {
        let offered = |text: &str| Place::offered(text, Scheme::Https).unwrap();
        for file in ["h/a/cfg.xml", "http://h/get?mac=1", "h/y.CFG", "tftp://h/ghp610fw.bin", "h/a.b/settings.txt"] {
            assert!(offered(file).is_file(), "{file}");
            assert!(!place(file).is_file(), "a setting or DHCP names a folder: {file}");
        }
        for folder in
            ["h", "h/", "h/a", "h/a/", "h/v1.2/", "h/v1.2", "h/3cx.v20", "h/fw/1.0.1.101", "h/?token=1", "prov.cfg"]
        {
            assert!(!offered(folder).is_file() && !place(folder).is_file(), "{folder}");
        }
        assert_eq!(place("h/fw/1.0.1.101").file("ghp610fw.bin").url().path(), "/fw/1.0.1.101/ghp610fw.bin");
    }

    #[test]
    fn nothing_secret_is_printed() {
        let place = place("user:hunter2@h/a?token=hunter2");
        assert!(!format!("{place} {place:?}").contains("hunter2"), "{place:?}");
        assert_eq!(place.to_string(), "https://h/a");
    }

    #[test]
    fn what_is_no_address() {
        for text in ["", " ", "gopher://h", "https://", "h/\u{7}", "a b", "h\\@evil", "http://h:99999", "//"] {
            assert!(Place::parse(text, Scheme::Https).is_err(), "{text:?}");
        }
        assert_eq!(Place::parse(&"x".repeat(2000), Scheme::Http), Err(PlaceError::Long));
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_an_error(text in "\\PC{0,80}", name in "\\PC{0,20}") {
            if let Ok(place) = Place::parse(&text, Scheme::Http) {
                let file = place.file(&name);
                prop_assert_eq!(file.host(), place.host());
                prop_assert_eq!(file.port(), place.port());
            }
        }
    }
}
