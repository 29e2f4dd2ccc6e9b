//! SetParameterValues (TR-069 A.3.2.1): all or nothing, everything is checked before anything is changed.

use std::collections::HashSet;

use cwmp::{
    Fault, FaultCode, Message, ParameterValue, SetParameterValues, SetParameterValuesFault, SetParameterValuesResponse,
    Status, Value, XsdType,
};
use settings::{Catalogue, Effect, value_from_path};

use super::{check_key, disk, few_enough};
use crate::cpe::tree::paging::{self, Rows};
use crate::cpe::tree::{Fixed, Leaf, MqttField, Own, PageField, View};
use crate::device::Device;
use crate::diagnostics::model::TestParameter;
use crate::store::{Change, Deed, Document, MqttAccess, intern};

/// A parameter key that names a version of the desired document.
const VERSION_PREFIX: &str = "bh:";

/// Why a value is refused, with words of its own where there are any.
type Refusal = (FaultCode, Option<String>);

/// What is to be changed, gathered parameter by parameter.
struct Plan<'a> {
    device: &'a Device,
    changes: Vec<Change>,
    seen: HashSet<String>,
    status: Status,
    mqtt: MqttAccess,
    own: Vec<(&'static Own, String)>,
    tests: Vec<(&'static TestParameter, String)>,
    rows: Option<Rows>,
}

pub(super) fn values(device: &Device, request: SetParameterValues) -> Result<Message, Fault> {
    check_key("ParameterKey", &request.parameter_key)?;
    few_enough(request.parameters.len())?;
    let view = View::of(device);
    let mut plan = Plan {
        device,
        changes: Vec::new(),
        seen: HashSet::new(),
        status: Status::Applied,
        mqtt: device.mqtt_access(),
        own: Vec::new(),
        tests: Vec::new(),
        rows: None,
    };
    let mut refused = Vec::new();
    for ParameterValue { name, value } in &request.parameters {
        let checked = match view.leaf(name) {
            None => Err((FaultCode::INVALID_PARAMETER_NAME, None)),
            Some(leaf) if !leaf.writable() => Err((FaultCode::NOT_WRITABLE, None)),
            Some(leaf) if !type_fits(&leaf.xsd_type(name), leaf, value) => {
                Err((FaultCode::INVALID_PARAMETER_TYPE, None))
            }
            Some(leaf) => plan.add(name, leaf, value),
        };
        if let Err((code, text)) = checked {
            refused.push(refusal(name, code, text));
        }
    }
    refused.extend(plan.rows_make_no_sense());
    if !refused.is_empty() {
        let mut fault = Fault::of(FaultCode::INVALID_ARGUMENTS);
        fault.parameters = refused;
        return Err(fault);
    }
    if let Some(twice) = plan.twice() {
        return Err(Fault::new(FaultCode::INVALID_ARGUMENTS, format!("{twice} is there twice")));
    }
    plan.carry_out(request.parameter_key)
}

fn refusal(name: &str, code: FaultCode, text: Option<String>) -> SetParameterValuesFault {
    SetParameterValuesFault { name: name.to_owned(), code, text: text.unwrap_or_else(|| code.text().to_owned()) }
}

impl Plan<'_> {
    fn add(&mut self, name: &str, leaf: Leaf, value: &Value) -> Result<(), Refusal> {
        let bad = |text: String| (FaultCode::INVALID_PARAMETER_VALUE, Some(text));
        match leaf {
            Leaf::Setting(found) => {
                let canonical = settings::validate_ref(found, value_from_path(name, &value.text))
                    .map_err(|error| bad(error.to_string()))?;
                let key = found.key();
                if found.setting.effect == Effect::Reboot && self.device.value(&key) != canonical {
                    self.status = Status::Pending;
                }
                self.changes.push((intern(&key), Some(canonical)));
            }
            Leaf::Fixed(fixed) => set_mqtt(fixed, value, &mut self.mqtt)?,
            Leaf::Own(own) => self.own.push((own, own.kind.check(&value.text).map_err(bad)?)),
            Leaf::Test(test) => self.tests.push((test, test.kind.check(&value.text).map_err(bad)?)),
            Leaf::Page(row, field) => {
                let rows = self.rows.get_or_insert_with(|| Rows::of(self.device));
                if field == PageField::Label && value.text.contains([';', '=']) {
                    return Err(bad("no ; and no =".to_owned()));
                }
                rows.set(row, field, &value.text);
                if field == PageField::Address {
                    check_rows(rows).map_err(bad)?;
                }
            }
            Leaf::Hop(_) => return Err((FaultCode::NOT_WRITABLE, None)),
        }
        Ok(())
    }

    /// A label cannot be kept without its address.
    fn rows_make_no_sense(&self) -> Option<SetParameterValuesFault> {
        let row = self.rows.as_ref()?.label_alone()?;
        let name = format!("{}{row}.{}", paging::TABLE, PageField::Label.name());
        let text = "a row with a label needs an address".to_owned();
        Some(refusal(&name, FaultCode::INVALID_PARAMETER_VALUE, Some(text)))
    }

    /// The same thing by two names, or by one name twice.
    fn twice(&mut self) -> Option<String> {
        let keys = self.changes.iter().map(|(key, _)| key.to_string());
        let own = self.own.iter().map(|(own, _)| own.path.to_owned());
        let tests = self.tests.iter().map(|(test, _)| test.path.to_owned());
        let rows = self.rows.iter().map(|_| paging::SETTING.to_owned());
        keys.chain(own).chain(tests).chain(rows).find(|name| !self.seen.insert(name.clone()))
    }

    fn carry_out(self, key: String) -> Result<Message, Fault> {
        let Self { device, mut changes, status, mqtt, own, tests, rows, .. } = self;
        let rows = rows.map(|rows| rows.print());
        if let Some((listening, _)) = &rows {
            changes.push((intern(paging::SETTING), Some(listening.clone())));
        }
        let effects = device
            .set_from_acs(&changes, move |document| {
                remember_key(document, key);
                document.mqtt = mqtt;
                document.own.extend(own.into_iter().map(|(own, value)| (intern(own.path), value.into())));
                if let Some((_, empty)) = rows {
                    document.paging_rows = empty;
                }
            })
            .map_err(|error| disk(&error))?;
        if !tests.is_empty() {
            device.with_tests(|known| known.write(tests));
            device.tests_wake.notify_one();
        }
        let version = device.applied_version();
        tracing::info!(asked = changes.len(), changed = effects.len(), version, "settings applied");
        Ok(SetParameterValuesResponse { status }.into())
    }
}

/// The ACS's mark of what it has done to the phone; some of them name a version of the desired document.
pub(super) fn remember_key(document: &mut Document, key: String) {
    if let Some(version) = key.strip_prefix(VERSION_PREFIX).and_then(|text| text.parse().ok()) {
        document.version = version;
    }
    document.parameter_key = key;
}

fn check_rows(rows: &Rows) -> Result<(), String> {
    let Some(found) = Catalogue::get().find(paging::SETTING) else { return Ok(()) };
    settings::validate_ref(found, &rows.print().0).map(|_| ()).map_err(|error| error.to_string())
}

/// The table as it is to be, with the deed that made it so.
pub(super) fn store_rows(device: &Device, rows: &Rows, deed: Option<Deed>, key: String) -> Result<(), Fault> {
    let (listening, empty) = rows.print();
    let change = (intern(paging::SETTING), Some(listening));
    let changes =
        if device.value(paging::SETTING) == change.1.as_deref().unwrap_or_default() { vec![] } else { vec![change] };
    let deeds: Vec<Deed> = deed.into_iter().collect();
    device
        .change(&changes, &deeds, move |document| {
            remember_key(document, key);
            document.paging_rows = empty;
        })
        .map_err(|error| disk(&error))
}

/// Untyped senders write everything as string; senders of whole numbers mix their kinds.
fn type_fits(wanted: &XsdType, leaf: Leaf, value: &Value) -> bool {
    let number =
        |kind: &XsdType| matches!(kind, XsdType::Int | XsdType::UnsignedInt | XsdType::Long | XsdType::UnsignedLong);
    let boolean_setting =
        matches!(leaf, Leaf::Setting(found) if matches!(found.setting.value_type, settings::ValueType::Bool));
    match &value.type_ {
        XsdType::String => true,
        XsdType::Boolean => *wanted == XsdType::Boolean || boolean_setting,
        kind if number(kind) => number(wanted),
        kind => kind == wanted,
    }
}

fn set_mqtt(fixed: Fixed, value: &Value, access: &mut MqttAccess) -> Result<(), Refusal> {
    let invalid = |text: &str| (FaultCode::INVALID_PARAMETER_VALUE, Some(text.to_owned()));
    let text = value.text.as_str();
    if text.len() > 256 || text.chars().any(char::is_control) {
        return Err(invalid("at most 256 bytes, no control characters"));
    }
    let Fixed::Mqtt(field) = fixed else { return Err((FaultCode::NOT_WRITABLE, None)) };
    match field {
        MqttField::Enable | MqttField::Tls => {
            let on = match text {
                "1" | "true" => true,
                "0" | "false" => false,
                _ => return Err(invalid("true or false")),
            };
            *(if field == MqttField::Tls { &mut access.tls } else { &mut access.enable }) = on;
        }
        MqttField::Host => text.clone_into(&mut access.host),
        MqttField::Port => {
            access.port = text.parse().ok().filter(|port| *port != 0).ok_or_else(|| invalid("1 to 65535"))?;
        }
        MqttField::Username => text.clone_into(&mut access.username),
        MqttField::Password => text.clone_into(&mut access.password),
    }
    Ok(())
}
