//! Devices of a GDMS account as rows of an import.

use std::collections::BTreeMap;

use settings::Model;

use super::{Row, Sheet};

/// A device as GDMS lists it, with its accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    pub mac: String,
    pub serial: String,
    /// What somebody called it, for example "Room 1207".
    pub name: String,
    pub model: String,
    pub site: String,
    pub accounts: Vec<Account>,
}

/// A SIP account of a device. GDMS gives no passwords away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// From 1.
    pub index: u16,
    pub user: String,
    pub auth_user: String,
    pub display_name: String,
    pub server: String,
}

/// Headings that the guess of the mapping knows; "Device name" is for people.
const HEADINGS: [&str; 9] =
    ["Building", "Floor", "Room", "Extension", "MAC", "Serial", "Model", "Device name", "phone: account.1.sip.userid"];
const OF_ACCOUNT: [&str; 4] = ["sip.userid", "sip.subscriber.userid", "sip.subscriber.name", "sip.server.1.address"];

/// Models named in a note.
const NAMED: usize = 20;

/// The devices as a sheet. A device called by a room number gets a room, on the floor the number begins with. An account
/// has exchanges, adapters and door stations, too: what is none of our models is left out.
pub fn sheet(devices: &[Device]) -> Sheet {
    let is_phone = |device: &&Device| device.model.is_empty() || device.model.parse::<Model>().is_ok();
    let (devices, others): (Vec<&Device>, Vec<&Device>) = devices.iter().partition(is_phone);
    let mut headings: Vec<String> = HEADINGS.map(str::to_owned).into();
    for account in 1..=2 {
        // The first account's user is the extension.
        let from = usize::from(account == 1);
        headings.extend(OF_ACCOUNT.iter().skip(from).map(|key| format!("phone: account.{account}.{key}")));
    }
    let row = |(at, device): (usize, &&Device)| {
        let number = room_number(&device.name);
        let account = |index| device.accounts.iter().find(|account| account.index == index);
        let first = account(1);
        let user = first.map(|account| account.user.clone()).unwrap_or_default();
        let (extension, spare) = if number.is_some() { (user, String::new()) } else { (String::new(), user) };
        let mut cells = vec![
            device.site.clone(),
            number.map(floor).unwrap_or_default(),
            number.unwrap_or_default().to_owned(),
            extension,
            device.mac.clone(),
            device.serial.clone(),
            device.model.clone(),
            device.name.clone(),
            spare,
        ];
        for index in 1..=2 {
            let found = account(index).cloned().unwrap_or_default();
            let values = [found.user, found.auth_user, found.display_name, found.server];
            cells.extend(values.into_iter().skip(usize::from(index == 1)));
        }
        Row { line: u32::try_from(at).unwrap_or(u32::MAX).saturating_add(2), cells, ..Row::default() }
    };
    let rows = devices.iter().enumerate().map(row).collect();
    let mut notes = vec!["GDMS does not tell SIP passwords: set them before the phones are moved over.".to_owned()];
    notes.extend((!others.is_empty()).then(|| left_out(&others)));
    let bare = devices.iter().filter(|device| device.serial.is_empty()).count();
    notes.extend((bare > 0).then(|| {
        format!(
            "GDMS does not tell the serial number of {bare} of the phones. Those that are new here have an error: add \
             them by hand, from their labels."
        )
    }));
    Sheet { headings, rows, notes }
}

fn left_out(devices: &[&Device]) -> String {
    let mut models = BTreeMap::<&str, usize>::new();
    for device in devices {
        *models.entry(&device.model).or_default() += 1;
    }
    let more = if models.len() > NAMED { " and others" } else { "" };
    let named: Vec<String> = models.iter().take(NAMED).map(|(model, count)| format!("{model} ({count})")).collect();
    let (what, are) = if devices.len() == 1 { ("device", "is") } else { ("devices", "are") };
    format!("{} {what} of models we do not know {are} left out: {}{more}.", devices.len(), named.join(", "))
}

/// "1207", "Room 1207", "Zimmer 1207 - Bad": the one number that stands in the name.
fn room_number(name: &str) -> Option<&str> {
    let mut words =
        name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let number = words.next().filter(|word| word.len() <= 8)?;
    words.next().is_none().then_some(number)
}

/// "1207" is on "Floor 12"; below 100: "Floor 0".
fn floor(number: &str) -> String {
    let digits = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let floor = number.get(..digits.saturating_sub(2)).unwrap_or_default().trim_start_matches('0');
    format!("Floor {}", if floor.is_empty() { "0" } else { floor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::import::{mapping, parse};

    #[test]
    fn finds_the_room_in_a_device_s_name() {
        for (name, number) in [
            ("1207", Some("1207")),
            ("Room 1207", Some("1207")),
            ("Zimmer 12a, Bad", Some("12a")),
            ("Lobby", None),
            ("Room 12 bed 2", None),
            ("123456789", None),
        ] {
            assert_eq!(room_number(name), number, "{name}");
        }
        assert_eq!(
            [floor("1207"), floor("12"), floor("0308"), floor("305b")],
            ["Floor 12", "Floor 0", "Floor 3", "Floor 3"]
        );
    }

    #[test]
    fn what_is_no_phone_is_left_out_and_named() {
        let device = |model: &str, serial: &str| Device {
            mac: "C074AD000001".into(),
            serial: serial.into(),
            model: model.into(),
            ..Device::default()
        };
        let devices =
            [device("UCM6302", "1"), device("ghp621", "2"), device("HT812", "3"), device("HT812", "4"), device("", "")];
        let sheet = sheet(&devices);
        assert_eq!(sheet.rows.iter().map(|row| row.cell(5)).collect::<Vec<_>>(), ["2", ""]);
        let notes = sheet.notes[1..].join(" ");
        assert!(
            notes.starts_with("3 devices of models we do not know are left out: HT812 (2), UCM6302 (1)."),
            "{notes}"
        );
        assert!(notes.contains("the serial number of 1 of the phones"), "{notes}");
    }

    #[test]
    fn every_column_but_the_name_is_taken_for_something() {
        let account = Account {
            index: 1,
            user: "1207".into(),
            auth_user: "a1207".into(),
            display_name: "Room".into(),
            server: "sip.example".into(),
        };
        let device = |name: &str, mac: &str| Device {
            mac: mac.into(),
            serial: "SN1".into(),
            name: name.into(),
            model: "GHP621".into(),
            site: "North".into(),
            accounts: vec![account.clone()],
        };
        let sheet = sheet(&[device("Room 1207", "C074AD000001"), device("Lobby", "C074AD000002")]);
        for accounts in [false, true] {
            let choices = mapping::guess(&sheet.headings, accounts);
            let unknown: Vec<_> = choices.iter().filter(|choice| choice.field.is_none()).collect();
            assert_eq!(unknown.len(), 1, "{unknown:?}");
            let columns = mapping::columns(&choices, sheet.headings.len()).unwrap();
            let (rows, findings) = parse::rows(&sheet, &columns);
            assert!(findings.is_empty(), "{findings:?}");
            assert_eq!((rows[0].room.as_deref(), rows[0].extension.as_deref()), (Some("1207"), Some("1207")));
            assert_eq!((rows[1].room.as_deref(), rows[1].extension.as_deref()), (None, None));
            assert!(rows[1].values.iter().any(|(_, key, value)| key == "account.1.sip.userid" && value == "1207"));
            assert!(rows.iter().all(|row| row.account.first.is_none()), "GDMS has no passwords, so no accounts");
        }
    }
}
