//! Where the others read something else, and why we do not.

/// A known difference.
pub struct Difference {
    pub oracle: &'static str,
    /// The messages that show it, by name and text.
    pub when: fn(&str, &str) -> bool,
    pub fields: &'static [&'static str],
    pub why: &'static str,
}

/// Every message of the corpus that is read differently shows one of these, and each is shown by a message.
pub const DIFFERENCES: &[Difference] = &[
    // ---- rsip 0.4 ----
    Difference {
        oracle: "rsip",
        when: |_, text| text.contains("+sip.instance"),
        fields: &["contacts"],
        why: "rsip knows no parameters with quoted values; RFC 5626 puts one into every Contact",
    },
    Difference {
        oracle: "rsip",
        when: |name, _| name == "several contacts",
        fields: &["contacts"],
        why: "rsip reads one value a Contact header; RFC 3261 §7.3.1 allows a list",
    },
    Difference {
        oracle: "rsip",
        when: |name, _| name == "all contacts",
        fields: &["contacts"],
        why: "rsip takes the `*` of RFC 3261 §10.2.2 for a host",
    },
    Difference {
        oracle: "rsip",
        when: |name, _| name == "tel URI",
        fields: &["from", "from.tag", "contacts"],
        why: "rsip takes the number of a tel: URI (RFC 3966) for a port",
    },
    Difference {
        oracle: "rsip",
        when: |_, text| text.contains("\r\n ") || text.contains("\r\n\t"),
        fields: &["message"],
        why: "rsip refuses folded headers (RFC 3261 §7.3.1)",
    },
    Difference {
        oracle: "rsip",
        when: |name, _| name == "dot in the user",
        fields: &["from", "from.tag"],
        why: "rsip looks for the end of the user at the first dot; RFC 3261 §25.1 has dots in it (mark)",
    },
    Difference {
        oracle: "rsip",
        when: |name, _| name == "IPv6",
        fields: &["message"],
        why: "rsip knows no IPv6 addresses",
    },
    Difference {
        oracle: "rsip",
        when: |name, _| matches!(name, "intmeth" | "unknown method"),
        fields: &["message"],
        why: "rsip refuses methods it does not know; a phone has to answer them (RFC 3261 §8.2.1)",
    },
    Difference {
        oracle: "rsip",
        when: |name, _| matches!(name, "compact names" | "dblreq"),
        fields: &["via", "via.branch", "from", "from.tag", "to", "to.tag", "call-id", "contacts", "content-length"],
        why: "rsip does not know compact names (RFC 3261 §7.3.3)",
    },
    Difference {
        oracle: "rsip",
        when: |name, _| name == "blanks in Via",
        fields: &["via", "via.branch"],
        why: "rsip wants no blanks around the slashes, which RFC 3261 §25.1 (SLASH) allows",
    },
    Difference {
        oracle: "rsip",
        when: |name, _| matches!(name, "line breaks before" | "bare line feeds"),
        fields: &["message"],
        why: "RFC 3261 §7.5 has line breaks before a message ignored; bare LF is what hand-made senders write",
    },
    // ---- ezk-sip-types 0.6 ----
    Difference {
        oracle: "ezk",
        when: |_, text| text.contains("\\\""),
        fields: &["from", "from.display", "from.tag", "contacts"],
        why: "ezk ends a quoted string at an escaped quote (RFC 3261 §25.1 quoted-pair)",
    },
    Difference {
        oracle: "ezk",
        when: |name, _| name == "intmeth",
        fields: &["to.display"],
        why: "ezk leaves the backslashes of quoted pairs in a display name",
    },
    Difference {
        oracle: "ezk",
        when: |name, _| name == "intmeth",
        fields: &["via.branch"],
        why: "ezk undoes %hh in parameters of headers; only URIs have escapes, a branch is a plain token",
    },
    Difference {
        oracle: "ezk",
        when: |name, _| name == "esc01",
        fields: &["contacts"],
        why: "ezk undoes %hh in URI parameters; we keep them as written, so that a URI goes back as it came",
    },
    Difference {
        oracle: "ezk",
        when: |name, _| matches!(name, "tel URI" | "all contacts"),
        fields: &["from", "from.tag", "contacts"],
        why: "ezk reads sip: and sips: URIs only, and drops from a list what it cannot read",
    },
    Difference {
        oracle: "ezk",
        when: |name, _| name == "line breaks before",
        fields: &["message"],
        why: "ezk leaves line breaks before a message (RFC 3261 §7.5) to its caller",
    },
];
