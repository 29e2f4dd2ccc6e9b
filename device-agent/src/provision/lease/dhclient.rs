//! dhclient.leases(5): one block after the other, of all interfaces, also of leases that have ended.

use contract::Timestamp;

use super::text::{self, Options, Reader};

/// A block of the file.
#[derive(Default)]
struct Block {
    options: Options,
    interface: Option<String>,
    /// Milliseconds since 1970; `None`: never.
    ends: Option<i64>,
}

impl Block {
    /// How near it is to the phone's own interface; `None`: it has ended.
    fn rank(&self, reader: &Reader) -> Option<Rank> {
        if self.ends.is_some_and(|ends| ends <= reader.now_ms) {
            return None;
        }
        let Some((interface, own)) = self.interface.as_ref().zip(reader.own.as_ref()) else {
            return Some(Rank::Unknown);
        };
        Some(match interface == own {
            true => Rank::Own,
            // The server may be reached by a tunnel, while another card has the lease.
            false if reader.all.contains(interface) => Rank::Other,
            false => Rank::Unknown,
        })
    }
}

/// The highest counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Of another network card of this machine.
    Other,
    Unknown,
    Own,
}

pub(super) fn begins_lease(line: &str) -> bool {
    line.trim().strip_prefix("lease").is_some_and(|rest| rest.trim() == "{")
}

/// Those of the last block that has not ended. One of the phone's own interface goes before others.
pub(super) fn options(text: &str, reader: &Reader) -> Options {
    let (mut last, mut now) = (None::<(Rank, Options)>, None::<Block>);
    for line in text.lines().map(str::trim) {
        if begins_lease(line) {
            now = Some(Block::default());
        } else if line == "}" {
            // Half a lease at the end of the file is none.
            let Some(block) = now.take() else { continue };
            if let Some(rank) = block.rank(reader)
                && last.as_ref().is_none_or(|(before, _)| rank >= *before)
            {
                last = Some((rank, block.options));
            }
        } else if let Some(block) = &mut now {
            statement(line, block);
        }
    }
    last.map(|(_, options)| options).unwrap_or_default()
}

/// `option NAME VALUE;`, `interface "NAME";`, `expire WHEN;`
fn statement(line: &str, block: &mut Block) {
    // `db-time-format local` writes the time for people behind it: `expire epoch 1764374400; # Sat Nov 29 ...`.
    let line = if line.starts_with("expire ") { line.split('#').next().unwrap_or_default().trim() } else { line };
    let Some((word, rest)) = line.strip_suffix(';').and_then(|line| line.split_once(' ')) else { return };
    let rest = rest.trim();
    match word {
        "interface" => block.interface = Some(rest.trim_matches('"').to_owned()),
        "expire" => block.ends = ends(rest),
        "option" => {
            let option = rest.split_once(' ').and_then(|(name, value)| {
                let code = text::code_of(name)?;
                Some((code, value_of(code, value.trim())?))
            });
            block.options.extend(option);
        }
        _ => {}
    }
}

/// `WEEKDAY YEAR/MONTH/DAY HOUR:MINUTE:SECOND` in UTC, `epoch SECONDS` or `never`. What cannot be read does not end.
fn ends(text: &str) -> Option<i64> {
    let (first, rest) = text.split_once(' ')?;
    if first == "epoch" {
        return rest.trim().parse::<i64>().ok()?.checked_mul(1000);
    }
    let (day, time) = rest.trim().split_once(' ')?;
    Timestamp::parse(&format!("{}T{}Z", day.replace('/', "-"), time.trim())).map(Timestamp::millis)
}

fn value_of(code: u8, value: &str) -> Option<Vec<u8>> {
    if let Some(quoted) = value.strip_prefix('"') {
        return unquote(quoted.strip_suffix('"')?);
    }
    match code {
        2 => text::offset(value),
        42 => Some(text::quads(value)),
        150 if value.contains('.') => Some(text::quads(value)),
        _ => value.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect(),
    }
}

/// A quoted text: `\` before a quote, a backslash or three octal digits.
fn unquote(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next()? {
            digit @ b'0'..=b'7' => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                }
                out.push(u8::try_from(value).ok()?);
            }
            other => out.push(other),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::Lease;
    use super::*;

    fn block(interface: &str, expire: &str, server: &str) -> String {
        format!(
            "lease {{\n  interface \"{interface}\";\n  option tftp-server-name \"{server}\";\n  expire {expire};\n}}\n"
        )
    }

    /// What counts at 2026-11-29 12:00 UTC on eth0 of a machine that has wlan0 as well.
    fn server(blocks: &[String]) -> Option<String> {
        let now_ms = Timestamp::parse("2026-11-29T12:00:00Z").unwrap().millis();
        let all = ["lo", "eth0", "wlan0"].map(str::to_owned).into();
        Lease::read_by(blocks.concat().as_bytes(), &Reader { now_ms, own: Some("eth0".into()), all })
            .0
            .server
            .as_deref()
            .map(str::to_owned)
    }

    const LATER: &str = "0 2026/11/29 13:00:00";

    #[test]
    fn a_lease_that_has_ended_does_not_count() {
        let good = block("eth0", LATER, "good");
        for over in ["0 2026/11/29 11:59:59", "epoch 1764417599", "4 2020/01/02 00:00:00"] {
            let over = block("eth0", over, "old");
            assert_eq!(server(std::slice::from_ref(&over)), None, "{over}");
            assert_eq!(server(&[good.clone(), over]).as_deref(), Some("good"));
        }
        for holds in [LATER, "never", "epoch 4000000000", "epoch 4000000000; # Sun Oct  2 07:06:40 2096", "in a while"]
        {
            assert_eq!(server(&[block("eth0", holds, "s")]).as_deref(), Some("s"), "{holds}");
        }
    }

    #[test]
    fn a_lease_of_another_interface_counts_where_there_is_no_other() {
        let (own, other, unknown) =
            (block("eth0", LATER, "own"), block("wlan0", LATER, "other"), block("ens3", LATER, "un"));
        assert_eq!(server(&[own.clone(), other.clone()]).as_deref(), Some("own"));
        assert_eq!(server(std::slice::from_ref(&other)).as_deref(), Some("other"), "the server is reached by a tunnel");
        assert_eq!(server(&[unknown.clone(), other]).as_deref(), Some("un"), "made where the card has another name");
        assert_eq!(server(&[own.clone(), unknown]).as_deref(), Some("own"));
        assert_eq!(server(&[own, block("eth0", LATER, "newer")]).as_deref(), Some("newer"));
    }
}
