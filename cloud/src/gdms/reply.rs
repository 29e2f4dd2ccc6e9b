//! What GDMS answers: `{"retCode":0,"msg":"OK","data":…}`. Lists stand in `data` itself, or in its `result`.

use serde_json::Value;

use super::{GdmsError, Named};
use crate::domain::import::gdms::{Account, Device};

/// Characters taken of any text.
const MAX_TEXT: usize = 128;

/// What is in an answer.
pub enum Reply {
    Data(Value),
    /// The token is none any more.
    TokenEnded,
    Refused(String),
}

/// Takes an answer apart.
///
/// # Errors
/// It is no JSON object, or one without `retCode`.
pub fn read(status: u16, body: &[u8]) -> Result<Reply, GdmsError> {
    let Ok(Value::Object(mut object)) = serde_json::from_slice(body) else {
        return Err(GdmsError::Nonsense(format!("status {status}, and no JSON")));
    };
    // OAuth's own form (RFC 6750).
    if status == 401 || object.get("error").and_then(Value::as_str) == Some("invalid_token") {
        return Ok(Reply::TokenEnded);
    }
    let Some(code) = object.get("retCode").and_then(|code| code.as_i64().or_else(|| code.as_str()?.parse().ok()))
    else {
        return Err(GdmsError::Nonsense(format!("status {status}, and no retCode")));
    };
    let message = object.get("msg").map(text).unwrap_or_default();
    match code {
        0 => Ok(Reply::Data(object.remove("data").unwrap_or(Value::Null))),
        _ if message.to_lowercase().contains("token") => Ok(Reply::TokenEnded),
        _ => Ok(Reply::Refused(format!("({code}): {message}"))),
    }
}

/// The rows of a list.
pub fn rows(data: &Value) -> &[Value] {
    let list =
        data.as_array().or_else(|| ["result", "list", "records"].iter().find_map(|name| data.get(name)?.as_array()));
    list.map_or(&[], Vec::as_slice)
}

/// How many rows the list says it has.
pub fn total(data: &Value) -> Option<u64> {
    data.get("total").and_then(|total| total.as_u64().or_else(|| total.as_str()?.parse().ok()))
}

/// An organisation or a site.
pub fn named(row: &Value, id: &[&str], name: &[&str]) -> Option<Named> {
    let id = first(row, id);
    (!id.is_empty()).then(|| Named { id, name: first(row, name) })
}

/// A device; `None` without a MAC address.
pub fn device(row: &Value) -> Option<Device> {
    let device = Device {
        mac: first(row, &["mac"]),
        serial: first(row, &["sn"]),
        name: first(row, &["deviceName"]),
        model: first(row, &["deviceType"]),
        site: first(row, &["siteName"]),
        accounts: Vec::new(),
    };
    (!device.mac.is_empty()).then_some(device)
}

/// Accounts of a device. Their order counts where no number is given.
pub fn accounts(data: &Value) -> Vec<Account> {
    let list = match rows(data) {
        [] => data
            .get("accounts")
            .or_else(|| data.get("accountList"))
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice),
        rows => rows,
    };
    let account = |(at, row): (usize, &Value)| {
        let index = first(row, &["accountIndex", "accountNumber", "index"]).parse().ok();
        Account {
            index: index.unwrap_or(u16::try_from(at).unwrap_or(u16::MAX).saturating_add(1)),
            user: first(row, &["sipUserId", "userId"]),
            auth_user: first(row, &["sipAuthId", "authId"]),
            display_name: first(row, &["displayName", "accountName"]),
            server: first(row, &["sipServer", "server"]),
        }
    };
    list.iter().take(16).enumerate().map(account).filter(|account| !account.user.is_empty()).collect()
}

fn first(row: &Value, names: &[&str]) -> String {
    names.iter().filter_map(|name| row.get(name)).map(text).find(|text| !text.is_empty()).unwrap_or_default()
}

fn text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_lists_wherever_they_stand() {
        for data in [
            json!([{ "mac": "a" }]),
            json!({ "result": [{ "mac": "a" }], "total": "1" }),
            json!({ "list": [{ "mac": "a" }] }),
        ] {
            assert_eq!(rows(&data).iter().filter_map(device).count(), 1, "{data}");
        }
        assert!(rows(&json!(null)).is_empty() && rows(&json!({ "result": "x" })).is_empty());
        let two = accounts(
            &json!({ "accounts": [{ "sipUserId": 1207 }, { "sipUserId": "" }, { "sipUserId": "9", "accountIndex": 2 }] }),
        );
        assert_eq!(
            two.iter().map(|account| (account.index, account.user.as_str())).collect::<Vec<_>>(),
            [(1, "1207"), (2, "9")]
        );
    }

    #[test]
    fn tells_what_an_answer_means() {
        assert!(matches!(read(200, br#"{"retCode":0,"data":[1]}"#), Ok(Reply::Data(_))));
        assert!(matches!(read(200, br#"{"retCode":"0"}"#), Ok(Reply::Data(Value::Null))));
        assert!(matches!(read(401, br#"{"error":"invalid_token"}"#), Ok(Reply::TokenEnded)));
        assert!(matches!(read(200, br#"{"retCode":40003,"msg":"access_token expired"}"#), Ok(Reply::TokenEnded)));
        assert!(
            matches!(read(200, br#"{"retCode":40010,"msg":"no right"}"#), Ok(Reply::Refused(text)) if text == "(40010): no right")
        );
        for body in ["", "<html>busy</html>", "[]", "{}", "{\"retCode\":null}"] {
            assert!(read(200, body.as_bytes()).is_err(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(body in "[\\[\\]{}\":,0-9a-zA-Z]{0,80}") {
            if let Ok(Reply::Data(data)) = read(200, body.as_bytes()) {
                let _ = (accounts(&data), total(&data));
            }
        }
    }
}
