//! URLs, URL templates and SIP URIs.

use super::{Refusal, net, refuse};

/// An absolute URL; `schemes` limits the scheme unless empty; `bare` also allows `host[:port][/path]`.
pub fn url(value: &str, schemes: &[String], bare: bool) -> Result<String, Refusal> {
    printable_ascii(value)?;
    let Some((scheme, rest)) = value.split_once("://") else {
        if !bare {
            return refuse("the scheme is missing");
        }
        authority(value.split(['/', '?', '#']).next().unwrap_or_default())?;
        return Ok(value.to_owned());
    };
    let known = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if !known || !(schemes.is_empty() || schemes.iter().any(|s| s.eq_ignore_ascii_case(scheme))) {
        return refuse(format!("the scheme {scheme} is not allowed"));
    }
    authority(rest.split(['/', '?', '#']).next().unwrap_or_default())?;
    Ok(value.to_owned())
}

/// An http or https URL in which `$name` or `${name}` may stand anywhere after the scheme.
pub fn template(value: &str) -> Result<String, Refusal> {
    printable_ascii(value)?;
    let Some((scheme, rest)) = value.split_once("://") else {
        return refuse("the scheme is missing");
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return refuse(format!("the scheme {scheme} is not allowed"));
    }
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if place.contains('$') {
        let plain = place.bytes().all(|b| b.is_ascii_alphanumeric() || b"$_-.:@[]{}".contains(&b));
        return if plain { Ok(value.to_owned()) } else { refuse("it is not a host") };
    }
    authority(place)?;
    Ok(value.to_owned())
}

/// A user, `user@host[:port]`, or the same behind `sip:` or `sips:` with `;parameters`, or a `tel:` number.
pub fn sip_uri(value: &str) -> Result<String, Refusal> {
    printable_ascii(value)?;
    if let Some(number) = strip_scheme(value, "tel:") {
        let digits = number.split(';').next().unwrap_or_default();
        let fine = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit() || b"+*#-.()".contains(&b));
        return if fine { Ok(value.to_owned()) } else { refuse("it is not a telephone number") };
    }
    let named = strip_scheme(value, "sips:").or_else(|| strip_scheme(value, "sip:"));
    let address = named.unwrap_or(value).split([';', '?']).next().unwrap_or_default();
    match address.rsplit_once('@') {
        Some((user, place)) if !user.is_empty() && user_chars(user) => {
            net::host_port(place)?;
            Ok(value.to_owned())
        }
        Some(_) => refuse("the user part is not allowed"),
        None if named.is_some() => net::host_port(address).map(|_| value.to_owned()),
        None if !address.is_empty() && user_chars(address) => Ok(value.to_owned()),
        None => refuse("the user part is not allowed"),
    }
}

fn strip_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = value.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn user_chars(user: &str) -> bool {
    user.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/%#:".contains(&b))
}

fn printable_ascii(value: &str) -> Result<(), Refusal> {
    match value.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`')) {
        Some(bad) => refuse(format!("'{bad}' must be percent-encoded")),
        None => Ok(()),
    }
}

/// `[user[:password]@]host[:port]`
fn authority(value: &str) -> Result<(), Refusal> {
    let place = value.rsplit_once('@').map_or(value, |(_, place)| place);
    net::host_port(place).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let web = ["http".to_owned(), "https".to_owned()];
        assert!(url("https://user:pw@acs.example:7548/x?y=1", &web, false).is_ok());
        assert!(url("https://[2001:db8::1]/", &web, false).is_ok());
        assert!(url("prov.example.com/cfg", &web, true).is_ok());
        for bad in [
            "ftp://a",
            "https://",
            "https:///x",
            "https://a b",
            "https://a:0/",
            "prov.example.com",
            "://a",
            "https://a/ü",
        ] {
            assert!(url(bad, &web, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn templates() {
        assert!(template("http://hotel.example/hook?mac=$mac&to=$remote").is_ok());
        assert!(template("http://$ip:8080/x").is_ok());
        for bad in ["tftp://a/$mac", "http://", "hotel/x", "http://a|$b/"] {
            assert!(template(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sip_uris() {
        for good in [
            "1001",
            "moh@pbx.example",
            "sip:moh@pbx:5060;transport=tcp",
            "sips:pbx.example",
            "tel:+15551234;ext=1",
            "*98",
        ] {
            assert!(sip_uri(good).is_ok(), "{good}");
        }
        for bad in ["sip:", "a@", "@b", "a@b c", "tel:", "tel:xyz", "<sip:a@b>", "a@b@-c"] {
            assert!(sip_uri(bad).is_err(), "{bad}");
        }
    }
}
