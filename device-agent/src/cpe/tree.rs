//! The data model: what each path is, by model. Settings come from the catalogue; the rest is the short table below.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::OnceLock;

use cwmp::{Value, XsdType};
use settings::{Catalogue, Model, SettingRef, ValueType, value_to_path, vendor_path};

use crate::clock;
use crate::device::Device;
use crate::store::MqttAccess;

pub const MANUFACTURER: &str = "Bellhop";
pub const HARDWARE: &str = "1.0";
pub const PARAMETER_KEY: &str = "Device.ManagementServer.ParameterKey";

/// A parameter that is no setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixed {
    Manufacturer,
    Oui,
    ProductClass,
    ModelName,
    Serial,
    Hardware,
    Software,
    UpTime,
    CurrentLocalTime,
    ConnectionRequestUrl,
    ParameterKey,
    IpAddress,
    MacAddress,
    LineStatus(u8),
    Mqtt(MqttField),
}

/// The writable ones of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MqttField {
    Enable,
    Host,
    Port,
    Username,
    Password,
}

const FIXED: &[(&str, Fixed)] = &[
    ("Device.DeviceInfo.Manufacturer", Fixed::Manufacturer),
    ("Device.DeviceInfo.ManufacturerOUI", Fixed::Oui),
    ("Device.DeviceInfo.ProductClass", Fixed::ProductClass),
    ("Device.DeviceInfo.ModelName", Fixed::ModelName),
    ("Device.DeviceInfo.SerialNumber", Fixed::Serial),
    ("Device.DeviceInfo.HardwareVersion", Fixed::Hardware),
    ("Device.DeviceInfo.SoftwareVersion", Fixed::Software),
    ("Device.DeviceInfo.UpTime", Fixed::UpTime),
    ("Device.Time.CurrentLocalTime", Fixed::CurrentLocalTime),
    ("Device.ManagementServer.ConnectionRequestURL", Fixed::ConnectionRequestUrl),
    (PARAMETER_KEY, Fixed::ParameterKey),
    ("Device.LAN.IPAddress", Fixed::IpAddress),
    ("Device.LAN.MACAddress", Fixed::MacAddress),
    ("Device.Services.VoiceService.1.VoiceProfile.1.Line.1.Status", Fixed::LineStatus(1)),
    ("Device.Services.VoiceService.1.VoiceProfile.2.Line.1.Status", Fixed::LineStatus(2)),
    ("Device.X_BELLHOP_Mqtt.Enable", Fixed::Mqtt(MqttField::Enable)),
    ("Device.X_BELLHOP_Mqtt.Host", Fixed::Mqtt(MqttField::Host)),
    ("Device.X_BELLHOP_Mqtt.Port", Fixed::Mqtt(MqttField::Port)),
    ("Device.X_BELLHOP_Mqtt.Username", Fixed::Mqtt(MqttField::Username)),
    ("Device.X_BELLHOP_Mqtt.Password", Fixed::Mqtt(MqttField::Password)),
];

/// What every Inform tells.
pub const INFORM: &[&str] = &[
    "Device.DeviceInfo.HardwareVersion",
    "Device.DeviceInfo.SoftwareVersion",
    PARAMETER_KEY,
    "Device.ManagementServer.ConnectionRequestURL",
    "Device.LAN.IPAddress",
    "Device.LAN.MACAddress",
    "Device.X_BELLHOP_Settings.hotel.room.number",
];

/// What stands behind a path.
#[derive(Clone, Copy, Debug)]
pub enum Leaf {
    Fixed(Fixed),
    Setting(SettingRef),
}

/// One model's paths, sorted. Built once a process.
#[derive(Debug)]
pub struct Tree {
    leaves: BTreeMap<String, Leaf>,
}

impl Tree {
    pub fn of(model: Model) -> &'static Self {
        static TREES: [OnceLock<Tree>; Model::ALL.len()] = [const { OnceLock::new() }; Model::ALL.len()];
        let index = Model::ALL.iter().position(|known| *known == model).unwrap_or(0);
        TREES[index].get_or_init(|| Self::build(model))
    }

    fn build(model: Model) -> Self {
        let mut leaves: BTreeMap<String, Leaf> =
            FIXED.iter().map(|(path, fixed)| ((*path).to_owned(), Leaf::Fixed(*fixed))).collect();
        for found in Catalogue::get().concrete(model) {
            leaves.insert(vendor_path(&found.key()), Leaf::Setting(found));
            if let Some(path) = found.tr069_path() {
                leaves.entry(path).or_insert(Leaf::Setting(found));
            }
        }
        Self { leaves }
    }

    /// A full name. Vendor paths are found in any case.
    pub fn leaf(&self, path: &str) -> Option<Leaf> {
        if let Some(leaf) = self.leaves.get(path) {
            return Some(*leaf);
        }
        let key = settings::key_of_path(path)?;
        self.leaves.get(&vendor_path(&key)).copied()
    }

    /// Every parameter below a partial path (empty, or ending in a dot).
    pub fn below<'a>(&'a self, partial: &'a str) -> impl Iterator<Item = (&'a str, Leaf)> + 'a {
        let from = self.leaves.range::<str, _>((Bound::Included(partial), Bound::Unbounded));
        from.take_while(move |(path, _)| path.starts_with(partial)).map(|(path, leaf)| (path.as_str(), *leaf))
    }

    /// The names a GetParameterNames answers with, objects ending in a dot; `None` if there is no such path.
    pub fn names(&self, path: &str, next_level: bool) -> Option<Vec<(String, bool)>> {
        if !path.is_empty() && !path.ends_with('.') {
            let leaf = self.leaf(path)?;
            // TR-069 A.3.2.3: a full name has no next level.
            return (!next_level).then(|| vec![(path.to_owned(), leaf.writable())]);
        }
        let mut names: BTreeMap<&str, bool> = BTreeMap::new();
        for (full, leaf) in self.below(path) {
            let rest = full.get(path.len()..).unwrap_or_default();
            let mut dots = rest.match_indices('.').map(|(at, _)| path.len() + at + 1);
            if next_level {
                match dots.next().and_then(|end| full.get(..end)) {
                    Some(object) => names.insert(object, false),
                    None => names.insert(full, leaf.writable()),
                };
            } else {
                names.extend(dots.filter_map(|end| full.get(..end)).map(|object| (object, false)));
                names.insert(full, leaf.writable());
            }
        }
        if names.is_empty() {
            return None;
        }
        if !next_level && !path.is_empty() {
            names.insert(path, false);
        }
        Some(names.into_iter().map(|(name, writable)| (name.to_owned(), writable)).collect())
    }
}

impl Leaf {
    pub fn writable(self) -> bool {
        matches!(self, Self::Setting(_) | Self::Fixed(Fixed::Mqtt(_)))
    }

    /// The type the parameter has at this path.
    pub fn xsd_type(self, path: &str) -> XsdType {
        match self {
            Self::Fixed(Fixed::UpTime | Fixed::Mqtt(MqttField::Port)) => XsdType::UnsignedInt,
            Self::Fixed(Fixed::Mqtt(MqttField::Enable)) => XsdType::Boolean,
            Self::Fixed(Fixed::CurrentLocalTime) => XsdType::DateTime,
            Self::Fixed(_) => XsdType::String,
            // TR-104 has words for a line's Enable.
            Self::Setting(_) if path.ends_with(".Line.1.Enable") => XsdType::String,
            Self::Setting(found) => match &found.setting.value_type {
                // Words besides the number ("0 or default") make it a text.
                _ if found.setting.extra.iter().any(|extra| extra.parse::<i64>().is_err()) => XsdType::String,
                ValueType::Bool => XsdType::Boolean,
                ValueType::Int { min, .. } | ValueType::Percent { min, .. } | ValueType::Port { min, .. } => {
                    if *min < 0 { XsdType::Int } else { XsdType::UnsignedInt }
                }
                _ => XsdType::String,
            },
        }
    }

    /// The value now. Secrets read as empty (TR-069 A.3.2.2 leaves them unreadable).
    pub fn read(self, path: &str, device: &Device) -> Value {
        let text = match self {
            Self::Setting(found) if found.setting.secret => String::new(),
            Self::Setting(found) => value_to_path(found, path, &device.value(&found.key())),
            Self::Fixed(fixed) => read_fixed(fixed, device),
        };
        // A number or boolean that was never set has no lexical form of its type.
        let type_ = if text.is_empty() { XsdType::String } else { self.xsd_type(path) };
        Value::new(type_, text)
    }
}

fn read_fixed(fixed: Fixed, device: &Device) -> String {
    let identity = device.identity();
    match fixed {
        Fixed::Manufacturer => MANUFACTURER.to_owned(),
        Fixed::Oui => identity.mac.oui(),
        Fixed::ProductClass | Fixed::ModelName => identity.model.as_str().to_owned(),
        Fixed::Serial => identity.serial.clone(),
        Fixed::Hardware => HARDWARE.to_owned(),
        Fixed::Software => identity.firmware.clone(),
        Fixed::UpTime => device.uptime_s().to_string(),
        Fixed::CurrentLocalTime => cwmp::CwmpTime::from_unix_ms(clock::now().millis()).print(),
        Fixed::ConnectionRequestUrl => device.connection_request_url(),
        Fixed::ParameterKey => device.document(|document| document.parameter_key.clone()),
        Fixed::IpAddress => device.line().ip.to_string(),
        Fixed::MacAddress => identity.mac.to_string(),
        Fixed::LineStatus(account) => line_status(device, account).to_owned(),
        Fixed::Mqtt(field) => read_mqtt(field, &device.mqtt_access()),
    }
}

/// TR-104's words.
fn line_status(device: &Device, account: u8) -> &'static str {
    use contract::mqtt::AccountStatus::*;
    match device.line().accounts.iter().find(|state| state.account == account).map(|state| state.status) {
        Some(Registered) => "Up",
        Some(Registering) => "Registering",
        Some(Failed) => "Error",
        Some(Unregistered) => "Quiescent",
        Some(Disabled) | None => "Disabled",
    }
}

fn read_mqtt(field: MqttField, access: &MqttAccess) -> String {
    match field {
        MqttField::Enable => access.enable.to_string(),
        MqttField::Host => access.host.clone(),
        MqttField::Port => access.port.to_string(),
        MqttField::Username => access.username.clone(),
        MqttField::Password => String::new(),
    }
}
