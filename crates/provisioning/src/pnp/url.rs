//! The URL that is handed out: a folder for phones that append `cfg<mac>.xml` themselves, a file for the others.

use super::subscribe::Asker;
use crate::agent::Maker;

/// Longest URL, in bytes; a packet has to hold it.
pub const MAX_URL: usize = 1024;

/// Why a URL will not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Too long, or not printable.
    #[error("a URL has 1 to {MAX_URL} printable ASCII characters and no blanks")]
    Text,
    /// No scheme that phones fetch by.
    #[error("a URL begins with http://, https://, tftp://, ftp:// or ftps:// and names a host")]
    Scheme,
}

/// Checks a URL that came from outside or goes out.
///
/// # Errors
/// [`UrlError`].
pub fn check_url(url: &str) -> Result<&str, UrlError> {
    let url = url.trim();
    if url.is_empty() || url.len() > MAX_URL || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(UrlError::Text);
    }
    let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
    let known = ["http", "https", "tftp", "ftp", "ftps"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if known && host.bytes().any(|byte| byte.is_ascii_alphanumeric()) { Ok(url) } else { Err(UrlError::Scheme) }
}

/// What each maker's phones are told. `{url}` is the folder with a `/` behind it, `{mac}` and `{MAC}` the address in lower
/// and upper case, `{model}` the model in lower case (`phone` where it is not told).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forms {
    /// Grandstream's phones and ours: a folder.
    pub folder: String,
    /// A file.
    pub yealink: String,
    /// A file.
    pub snom: String,
    /// A file.
    pub other: String,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            folder: "{url}".into(),
            yealink: "{url}{mac}.cfg".into(),
            snom: "{url}snom{model}-{MAC}.htm".into(),
            other: "{url}{mac}.cfg".into(),
        }
    }
}

impl Forms {
    /// The URL for a phone.
    ///
    /// # Errors
    /// [`UrlError`], if folder and form make none.
    pub fn url(&self, folder: &str, asker: &Asker) -> Result<String, UrlError> {
        let form = match asker.maker {
            Some(Maker::Bellhop | Maker::Grandstream) => &self.folder,
            Some(Maker::Yealink) => &self.yealink,
            Some(Maker::Snom) => &self.snom,
            None => &self.other,
        };
        let folder = if folder.ends_with('/') { folder.to_owned() } else { format!("{folder}/") };
        let compact = asker.mac.compact();
        let url = form
            .replace("{url}", &folder)
            .replace("{mac}", &compact)
            .replace("{MAC}", &compact.to_uppercase())
            .replace("{model}", &model(asker));
        check_url(&url).map(str::to_owned)
    }
}

/// The model as a part of a file name.
fn model(asker: &Asker) -> String {
    let lower = asker.model.to_ascii_lowercase().replace(' ', "-");
    let bare = lower.strip_prefix("snom").unwrap_or(&lower);
    if bare.is_empty() || bare == "oem" { "phone".to_owned() } else { bare.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(maker: Option<Maker>, model: &str) -> Asker {
        let mac = "c074ad112233".parse().unwrap();
        Asker { mac, maker, vendor: String::new(), model: model.into(), version: String::new() }
    }

    #[test]
    fn grandstream_and_ours_get_a_folder_the_others_a_file() {
        let forms = Forms::default();
        for (maker, model, wanted) in [
            (Some(Maker::Grandstream), "GRP2612W", "http://h/p/"),
            (Some(Maker::Bellhop), "GHP620", "http://h/p/"),
            (Some(Maker::Yealink), "T53W", "http://h/p/c074ad112233.cfg"),
            (Some(Maker::Snom), "snomD785", "http://h/p/snomd785-C074AD112233.htm"),
            (Some(Maker::Snom), "OEM", "http://h/p/snomphone-C074AD112233.htm"),
            (None, "VOIP PHONE", "http://h/p/c074ad112233.cfg"),
        ] {
            for folder in ["http://h/p", "http://h/p/"] {
                assert_eq!(forms.url(folder, &asker(maker, model)).as_deref(), Ok(wanted));
            }
        }
        let own = Forms { other: "{url}{model}/{mac}".into(), ..Forms::default() };
        assert_eq!(own.url("http://h", &asker(None, "VOIP PHONE")).as_deref(), Ok("http://h/voip-phone/c074ad112233"));
    }

    #[test]
    fn only_urls_that_phones_fetch_are_taken() {
        for url in ["http://h", "HTTPS://[2001:db8::1]:8443/x", "tftp://10.0.0.1", "ftp://u:p@h/x", "ftps://h/"] {
            assert_eq!(check_url(url), Ok(url));
        }
        assert_eq!(check_url(" http://h/\r\n"), Ok("http://h/"));
        for url in ["h/p", "file:///etc/passwd", "javascript://x", "http://", "http:///x", "http://@/"] {
            assert_eq!(check_url(url), Err(UrlError::Scheme), "{url}");
        }
        for url in [String::new(), "http://a b".into(), format!("http://{}", "a".repeat(MAX_URL)), "http://é".into()] {
            assert_eq!(check_url(&url), Err(UrlError::Text), "{url}");
        }
    }
}
