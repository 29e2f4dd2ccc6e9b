//! What a task may ask: every field has its limits, and what is wrong is named.

use contract::rest::*;
use cwmp::{InstallOperation, Message, Operation, illegal_char};

use crate::app::Result;
use crate::app::error::invalid;

/// Characters of a parameter's name on the wire (TR-069 A.3.2).
pub const MAX_PATH: usize = 256;
/// Characters of a value a person may set by hand.
const MAX_VALUE: usize = 32 * 1024;
/// Parameters of one task.
const MAX_ITEMS: usize = 256;
/// Seconds a phone may be asked to wait before it does something: a week.
const MAX_DELAY: u32 = 7 * 24 * 3600;
/// Bytes a throughput test may send.
pub const MAX_TEST_BYTES: u64 = 100_000_000;

/// Refuses what no phone could be asked.
pub fn check(task: &Task) -> Result<()> {
    match task {
        Task::Refresh { path } => match path.is_empty() || path.ends_with('.') {
            true if path.is_empty() => Ok(()),
            _ => name("path", path),
        },
        Task::SetParameters { values } => {
            count("values", values.len())?;
            values.iter().try_for_each(|value| {
                parameter("path", &value.path)?;
                text("value", &value.value, MAX_VALUE)?;
                xsd_type(&value.xsd_type)
            })?;
            let mut names: Vec<&str> = values.iter().map(|value| value.path.as_str()).collect();
            names.sort_unstable();
            match names.windows(2).find(|pair| pair[0] == pair[1]) {
                Some(twice) => Err(invalid("path", format!("{} is there twice.", twice[0]))),
                None => Ok(()),
            }
        }
        Task::SetAttributes { attributes } => {
            count("attributes", attributes.len())?;
            attributes.iter().try_for_each(|one| {
                name("path", &one.path)?;
                range("notification", u64::from(one.notification), 0, 2)
            })
        }
        Task::AddObject { object: path } | Task::DeleteObject { object: path } => object(path),
        Task::Reboot | Task::FactoryReset | Task::Transfers | Task::Methods | Task::CancelTransfer { .. } => Ok(()),
        Task::Download(order) => {
            file_type(&order.file_type)?;
            text("target_file_name", &order.target_file_name, 256)?;
            delay(order.delay_seconds)?;
            match (&order.file, &order.url) {
                (Some(_), None) => Ok(()),
                (None, Some(address)) => url("url", address, 256),
                _ => Err(invalid("file", "Name either a file that is kept here, or the URL of one.")),
            }
        }
        Task::Upload { file_type: wanted, delay_seconds } => {
            file_type(wanted)?;
            delay(*delay_seconds)
        }
        Task::ScheduleInform { delay_seconds } => {
            range("delay_seconds", u64::from(*delay_seconds), 1, MAX_DELAY.into())
        }
        Task::ScheduleDownload { file_type: wanted, windows, .. } => {
            file_type(wanted)?;
            if windows.is_empty() || windows.len() > 2 {
                return Err(invalid("windows", "Give one or two time windows."));
            }
            let mut before = 0;
            windows.iter().try_for_each(|window| {
                let start = std::mem::replace(&mut before, window.end);
                if window.start < start || window.end <= window.start || window.end > MAX_DELAY {
                    let detail =
                        "Each window ends after it starts and within a week, and the second starts after the first.";
                    return Err(invalid("windows", detail));
                }
                if !["1 At Any Time", "2 Immediately", "3 When Idle", "4 Confirmation Needed"]
                    .contains(&window.mode.as_str())
                {
                    let detail = "mode is 1 At Any Time, 2 Immediately, 3 When Idle or 4 Confirmation Needed.";
                    return Err(invalid("mode", detail));
                }
                if !(-1..=100).contains(&window.max_retries) {
                    return Err(invalid("max_retries", "max_retries is -1 to 100."));
                }
                text("user_message", &window.user_message, 256)
            })
        }
        Task::Ping(ping) => {
            host(&ping.host)?;
            range("count", ping.count.into(), 1, 100)?;
            range("size", ping.size.into(), 0, 1472)?;
            range("timeout_ms", ping.timeout_ms.into(), 100, 10_000)?;
            range("dscp", ping.dscp.into(), 0, 63)
        }
        Task::Traceroute(trace) => {
            host(&trace.host)?;
            range("max_hops", trace.max_hops.into(), 1, 64)?;
            range("tries", trace.tries.into(), 1, 3)?;
            range("timeout_ms", trace.timeout_ms.into(), 100, 10_000)
        }
        Task::Throughput(test) => {
            if !test.url.is_empty() {
                url("url", &test.url, 256)?;
            }
            let least = u64::from(test.direction == Direction::Upload);
            range("bytes", test.bytes, least, MAX_TEST_BYTES)
        }
        Task::InstallUnit { url: address, uuid } => {
            url("url", address, 1024)?;
            let request = cwmp::ChangeDuState { operations: vec![install(address, uuid)], command_key: String::new() };
            Message::from(request).check().map_err(|_| invalid("uuid", "This is no UUID."))
        }
    }
}

/// The operation that installs a software unit; without a UUID the phone makes one.
pub fn install(url: &str, uuid: &str) -> Operation {
    Operation::Install(InstallOperation {
        url: url.to_owned(),
        uuid: (!uuid.is_empty()).then(|| uuid.to_owned()),
        username: None,
        password: None,
        execution_env_ref: None,
    })
}

/// A full name or a partial path.
pub fn name(field: &str, path: &str) -> Result<()> {
    let parts: Vec<&str> = path.strip_suffix('.').unwrap_or(path).split('.').collect();
    let fits = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-[]:".contains(c));
    if path.is_empty() || path.len() > MAX_PATH || !parts.iter().all(fits) {
        let detail = format!(
            "A parameter's name has at most {MAX_PATH} characters: letters, digits, - and _, with dots between its parts."
        );
        return Err(invalid(field, detail));
    }
    Ok(())
}

/// The full name of one parameter.
fn parameter(field: &str, path: &str) -> Result<()> {
    name(field, path)?;
    match path.ends_with('.') || !path.contains('.') {
        true => Err(invalid(field, format!("{path} is an object; name one parameter below it."))),
        false => Ok(()),
    }
}

fn object(path: &str) -> Result<()> {
    name("object", path)?;
    match path.ends_with('.') {
        true => Ok(()),
        false => Err(invalid("object", "The path of an object ends in a dot.")),
    }
}

fn count(field: &str, items: usize) -> Result<()> {
    match (1..=MAX_ITEMS).contains(&items) {
        true => Ok(()),
        false => Err(invalid(field, format!("{items} entries; a task has 1 to {MAX_ITEMS}."))),
    }
}

fn range(field: &str, value: u64, least: u64, most: u64) -> Result<()> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(invalid(field, format!("{field} is {value}; it is {least} to {most}."))),
    }
}

fn delay(seconds: u32) -> Result<()> {
    range("delay_seconds", seconds.into(), 0, MAX_DELAY.into())
}

fn text(field: &str, text: &str, most: usize) -> Result<()> {
    if text.chars().count() > most {
        return Err(invalid(field, format!("At most {most} characters.")));
    }
    match illegal_char(text) {
        Some(c) => Err(invalid(field, format!("The character U+{:04X} cannot be sent.", u32::from(c)))),
        None => Ok(()),
    }
}

/// Types TR-106 knows; empty: as the phone reported it.
fn xsd_type(name: &str) -> Result<()> {
    let known = [
        "",
        "string",
        "int",
        "unsignedInt",
        "long",
        "unsignedLong",
        "boolean",
        "dateTime",
        "base64",
        "base64Binary",
        "hexBinary",
    ];
    match known.contains(&name) {
        true => Ok(()),
        false => Err(invalid("type", format!("type is one of {}, or empty.", known[1..].join(", ")))),
    }
}

/// "1 Firmware Upgrade Image", or a vendor's own "X 00000E Something".
pub fn file_type(wanted: &str) -> Result<()> {
    let numbered = wanted.split_once(' ').is_some_and(|(number, rest)| {
        !rest.trim().is_empty() && (number == "X" || number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let plain = wanted.chars().count() <= 64 && !wanted.chars().any(char::is_control);
    match numbered && plain && !wanted.starts_with(' ') {
        true => Ok(()),
        false => Err(invalid(
            "file_type",
            "file_type is a number and a name of TR-069, such as \"1 Firmware Upgrade Image\".",
        )),
    }
}

fn host(host: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
    match !host.is_empty() && host.len() <= 253 && host.chars().all(fits) && !host.starts_with('-') {
        true => Ok(()),
        false => Err(invalid("host", "host is a name or an IP address of at most 253 characters.")),
    }
}

/// An address a phone can fetch from. Passwords do not belong into it: it is shown to people.
fn url(field: &str, address: &str, most: usize) -> Result<()> {
    text(field, address, most)?;
    let parsed = url::Url::parse(address).ok();
    let good = parsed.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https" | "ftp" | "tftp")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    });
    match good {
        true => Ok(()),
        false => Err(invalid(field, "This is no http, https, ftp or tftp address without a user name in it.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::AppError;

    fn field(task: &str) -> Option<String> {
        match check(&serde_json::from_str(task).unwrap()) {
            Ok(()) => None,
            Err(AppError::Refused(problem)) => problem.field,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        for (task, wrong) in [
            (r#"{"kind":"refresh","path":""}"#, None),
            (r#"{"kind":"refresh","path":"Device.A..B"}"#, Some("path")),
            (r#"{"kind":"set-parameters","values":[]}"#, Some("values")),
            (r#"{"kind":"set-parameters","values":[{"path":"Device.","value":""}]}"#, Some("path")),
            (r#"{"kind":"set-parameters","values":[{"path":"D.A","value":"","type":"float"}]}"#, Some("type")),
            (r#"{"kind":"set-attributes","attributes":[{"path":"D.","notification":3}]}"#, Some("notification")),
            (r#"{"kind":"add-object","object":"Device.A"}"#, Some("object")),
            (r#"{"kind":"download","file_type":"1 Firmware Upgrade Image"}"#, Some("file")),
            (r#"{"kind":"download","file_type":"x","url":"http://a/b"}"#, Some("file_type")),
            (r#"{"kind":"download","file_type":"1 F","url":"http://u:p@a/b"}"#, Some("url")),
            (r#"{"kind":"download","file_type":"1 F","url":"file:///etc/passwd"}"#, Some("url")),
            (r#"{"kind":"schedule-inform","delay_seconds":0}"#, Some("delay_seconds")),
            (r#"{"kind":"ping","host":"a b","count":1,"size":0,"timeout_ms":100}"#, Some("host")),
            (r#"{"kind":"ping","host":"a","count":101,"size":0,"timeout_ms":100}"#, Some("count")),
            (r#"{"kind":"traceroute","host":"a","max_hops":0,"tries":1,"timeout_ms":100}"#, Some("max_hops")),
            (r#"{"kind":"throughput","direction":"upload"}"#, Some("bytes")),
            (r#"{"kind":"install-unit","url":"http://a/b","uuid":"nonsense"}"#, Some("uuid")),
        ] {
            assert_eq!(field(task).as_deref(), wrong, "{task}");
        }
    }
}
