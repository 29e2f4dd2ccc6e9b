//! Header field names, with the compact forms of RFC 3261 §7.3.3 and its extensions.

use std::fmt;

macro_rules! names {
    ($($variant:ident $text:literal $($compact:literal)?;)*) => {
        /// A header field this phone knows. Others are reached by their text.
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Name { $($variant,)* }

        impl Name {
            /// Every known name.
            pub const ALL: &[Name] = &[$(Name::$variant,)*];

            /// Every name with its texts, for [`Name::lookup`].
            const TEXTS: &[(&str, Option<&str>, Name)] =
                &[$(($text, names!(@compact $($compact)?), Name::$variant),)*];

            /// The full name, as sent.
            pub const fn as_str(self) -> &'static str {
                match self { $(Name::$variant => $text,)* }
            }

            /// The compact form, if there is one.
            pub const fn compact(self) -> Option<&'static str> {
                match self { $(Name::$variant => names!(@compact $($compact)?),)* }
            }
        }
    };
    (@compact) => { None };
    (@compact $compact:literal) => { Some($compact) };
}

names! {
    Via "Via" "v";
    From "From" "f";
    To "To" "t";
    CallId "Call-ID" "i";
    CSeq "CSeq";
    Contact "Contact" "m";
    MaxForwards "Max-Forwards";
    Expires "Expires";
    MinExpires "Min-Expires";
    ContentLength "Content-Length" "l";
    ContentType "Content-Type" "c";
    ContentEncoding "Content-Encoding" "e";
    Route "Route";
    RecordRoute "Record-Route";
    Path "Path";
    ServiceRoute "Service-Route";
    WwwAuthenticate "WWW-Authenticate";
    ProxyAuthenticate "Proxy-Authenticate";
    Authorization "Authorization";
    ProxyAuthorization "Proxy-Authorization";
    AuthenticationInfo "Authentication-Info";
    Allow "Allow";
    Accept "Accept";
    Supported "Supported" "k";
    Require "Require";
    ProxyRequire "Proxy-Require";
    Unsupported "Unsupported";
    RetryAfter "Retry-After";
    UserAgent "User-Agent";
    Server "Server";
    Warning "Warning";
    Date "Date";
    Subject "Subject" "s";
    Event "Event" "o";
    AllowEvents "Allow-Events" "u";
    SubscriptionState "Subscription-State";
    ReferTo "Refer-To" "r";
    ReferredBy "Referred-By" "b";
    SessionExpires "Session-Expires" "x";
    MinSe "Min-SE";
    AlertInfo "Alert-Info";
    CallInfo "Call-Info";
    Replaces "Replaces";
    Reason "Reason";
    Priority "Priority";
    RSeq "RSeq";
    RAck "RAck";
    Privacy "Privacy";
    PPreferredIdentity "P-Preferred-Identity";
    PAssertedIdentity "P-Asserted-Identity";
    RemotePartyId "Remote-Party-ID";
    PAccessNetworkInfo "P-Access-Network-Info";
    PEmergencyInfo "P-Emergency-Info";
    XGrandstreamPbx "X-Grandstream-PBX";
    Mac "MAC";
    Geolocation "Geolocation";
    GeolocationRouting "Geolocation-Routing";
    SipIfMatch "SIP-If-Match";
    SipETag "SIP-ETag";
    InReplyTo "In-Reply-To";
    Diversion "Diversion";
    Organization "Organization";
    ContentDisposition "Content-Disposition";
    AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language";
    ReferSub "Refer-Sub";
    TargetDialog "Target-Dialog";
}

impl Name {
    /// The name `text` stands for, in any case, full or compact.
    pub fn lookup(text: &str) -> Option<Name> {
        // Compact forms are one letter, and no full name is.
        let found = match text.len() {
            1 => Self::TEXTS.iter().find(|(_, compact, _)| compact.is_some_and(|one| one.eq_ignore_ascii_case(text))),
            _ => Self::TEXTS.iter().find(|(full, ..)| full.eq_ignore_ascii_case(text)),
        };
        found.map(|(.., name)| *name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_by_both_its_forms_in_any_case() {
        for name in Name::ALL {
            assert_eq!(Name::lookup(&name.as_str().to_ascii_uppercase()), Some(*name));
            if let Some(compact) = name.compact() {
                assert_eq!(compact.len(), 1, "{name}");
                assert_eq!(Name::lookup(compact), Some(*name));
                assert_eq!(Name::lookup(&compact.to_ascii_uppercase()), Some(*name));
            }
        }
        assert_eq!((Name::lookup(""), Name::lookup("z"), Name::lookup("Viaa")), (None, None, None));
    }
}
