//! What the ACS may ask for, carried out.

use std::collections::HashSet;
use std::sync::Arc;

use cwmp::{
    EventCode, Fault, FaultCode, GetParameterAttributes, GetParameterAttributesResponse, GetParameterNames,
    GetParameterNamesResponse, GetParameterValues, GetParameterValuesResponse, GetRpcMethodsResponse, Message,
    ParameterAttribute, ParameterInfo, ParameterValue, Reboot, SetParameterAttributes, SetParameterValues,
    SetParameterValuesFault, SetParameterValuesResponse, Status, Value, XsdType,
};
use settings::{Effect, value_from_path};

use super::tree::{Fixed, INFORM, Leaf, MqttField, Tree};
use crate::device::{Device, ROOM_KEY, Restart};
use crate::store::{Change, MqttAccess, PendingEvent, intern};

/// The methods we serve.
const METHODS: [&str; 9] = [
    "GetRPCMethods",
    "SetParameterValues",
    "GetParameterValues",
    "GetParameterNames",
    "SetParameterAttributes",
    "GetParameterAttributes",
    "AddObject",
    "DeleteObject",
    "Reboot",
];
/// A parameter key that names a version of the desired document.
const VERSION_PREFIX: &str = "bh:";
/// TR-069 A.3.2.1.
const MOST_PARAMETER_KEY: usize = 32;

/// Carries a request out. May wait for the disk.
pub async fn execute(device: &Arc<Device>, request: Message) -> Message {
    let done = device.blocking(move |device| carry_out(device, request)).await;
    match done {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%error, "a request could not be carried out");
            Fault::of(FaultCode::INTERNAL_ERROR).into()
        }
    }
}

fn carry_out(device: &Device, request: Message) -> Message {
    let name = request.name();
    let result = match request {
        Message::GetRpcMethods => {
            let methods = METHODS.iter().chain(&["FactoryReset"]).map(|name| (*name).to_owned()).collect();
            Ok(GetRpcMethodsResponse { methods }.into())
        }
        Message::GetParameterNames(request) => names(device, &request),
        Message::GetParameterValues(request) => values(device, &request),
        Message::SetParameterValues(request) => set(device, request),
        Message::GetParameterAttributes(request) => attributes(device, &request),
        Message::SetParameterAttributes(request) => set_attributes(device, &request),
        // No table of ours grows or shrinks.
        Message::AddObject(_) | Message::DeleteObject(_) => Err(Fault::of(FaultCode::INVALID_PARAMETER_NAME)),
        Message::Reboot(request) => reboot(device, request),
        Message::FactoryReset => {
            device.set_restart(Restart::FactoryReset);
            Ok(Message::FactoryResetResponse)
        }
        _ => Err(Fault::of(FaultCode::METHOD_NOT_SUPPORTED)),
    };
    result.unwrap_or_else(|fault| {
        tracing::info!(request = name, code = fault.code.0, text = %fault.text, "refused a request of the ACS");
        fault.into()
    })
}

fn names(device: &Device, request: &GetParameterNames) -> Result<Message, Fault> {
    let tree = Tree::of(device.identity().model);
    let code = if request.next_level && !request.path.is_empty() && !request.path.ends_with('.') {
        FaultCode::INVALID_ARGUMENTS
    } else {
        FaultCode::INVALID_PARAMETER_NAME
    };
    let names = tree.names(&request.path, request.next_level).ok_or_else(|| Fault::of(code))?;
    let parameters = names.into_iter().map(|(name, writable)| ParameterInfo { name, writable }).collect();
    Ok(GetParameterNamesResponse { parameters }.into())
}

fn values(device: &Device, request: &GetParameterValues) -> Result<Message, Fault> {
    let tree = Tree::of(device.identity().model);
    let mut parameters = Vec::new();
    for name in &request.names {
        if name.is_empty() || name.ends_with('.') {
            let before = parameters.len();
            parameters.extend(tree.below(name).map(|(path, leaf)| ParameterValue::new(path, leaf.read(path, device))));
            if parameters.len() == before {
                return Err(unknown(name));
            }
        } else {
            let leaf = tree.leaf(name).ok_or_else(|| unknown(name))?;
            parameters.push(ParameterValue::new(name.as_str(), leaf.read(name, device)));
        }
    }
    Ok(GetParameterValuesResponse { parameters }.into())
}

/// What every Inform tells.
pub fn inform_parameters(device: &Device) -> Vec<ParameterValue> {
    let tree = Tree::of(device.identity().model);
    let read = |path: &&str| tree.leaf(path).map(|leaf| ParameterValue::new(*path, leaf.read(path, device)));
    INFORM.iter().filter_map(read).collect()
}

/// All or nothing: everything is checked before anything is changed.
fn set(device: &Device, request: SetParameterValues) -> Result<Message, Fault> {
    let tree = Tree::of(device.identity().model);
    if request.parameter_key.chars().count() > MOST_PARAMETER_KEY {
        return Err(Fault::new(FaultCode::INVALID_ARGUMENTS, "ParameterKey is longer than 32 characters"));
    }
    let mut seen = HashSet::new();
    let mut changes: Vec<Change> = Vec::new();
    let mut mqtt = device.mqtt_access();
    let mut refused = Vec::new();
    let mut status = Status::Applied;
    for ParameterValue { name, value } in &request.parameters {
        let checked = match tree.leaf(name) {
            None => Err((FaultCode::INVALID_PARAMETER_NAME, None)),
            Some(leaf) if !leaf.writable() => Err((FaultCode::NOT_WRITABLE, None)),
            Some(leaf) if !type_fits(&leaf.xsd_type(name), leaf, value) => {
                Err((FaultCode::INVALID_PARAMETER_TYPE, None))
            }
            Some(Leaf::Fixed(fixed)) => set_mqtt(fixed, value, &mut mqtt).map(|()| None),
            Some(Leaf::Setting(found)) => match settings::validate_ref(found, value_from_path(name, &value.text)) {
                Ok(canonical) => Ok(Some((found, canonical))),
                Err(error) => Err((FaultCode::INVALID_PARAMETER_VALUE, Some(error.to_string()))),
            },
        };
        match checked {
            Ok(Some((found, canonical))) => {
                let key = found.key();
                if found.setting.effect == Effect::Reboot && device.value(&key) != canonical {
                    status = Status::Pending;
                }
                if !seen.insert(key.clone()) {
                    return Err(Fault::new(FaultCode::INVALID_ARGUMENTS, format!("{key} is there twice")));
                }
                changes.push((intern(&key), Some(canonical)));
            }
            Ok(None) => {}
            Err((code, text)) => refused.push(SetParameterValuesFault {
                name: name.clone(),
                code,
                text: text.unwrap_or_else(|| code.text().to_owned()),
            }),
        }
    }
    if !refused.is_empty() {
        let mut fault = Fault::of(FaultCode::INVALID_ARGUMENTS);
        fault.parameters = refused;
        return Err(fault);
    }
    let key = request.parameter_key;
    let effects = device
        .set_from_acs(&changes, move |document| {
            if let Some(version) = key.strip_prefix(VERSION_PREFIX).and_then(|text| text.parse().ok()) {
                document.version = version;
            }
            document.parameter_key = key;
            document.mqtt = mqtt;
        })
        .map_err(|error| {
            tracing::error!(%error, "settings could not be stored");
            Fault::of(FaultCode::INTERNAL_ERROR)
        })?;
    tracing::info!(
        asked = changes.len(),
        changed = effects.len(),
        version = device.applied_version(),
        "settings applied"
    );
    Ok(SetParameterValuesResponse { status }.into())
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

type Refusal = (FaultCode, Option<String>);

fn set_mqtt(fixed: Fixed, value: &Value, access: &mut MqttAccess) -> Result<(), Refusal> {
    let invalid = |text: &str| (FaultCode::INVALID_PARAMETER_VALUE, Some(text.to_owned()));
    let text = value.text.as_str();
    if text.len() > 256 || text.chars().any(char::is_control) {
        return Err(invalid("at most 256 bytes, no control characters"));
    }
    let Fixed::Mqtt(field) = fixed else { return Err((FaultCode::NOT_WRITABLE, None)) };
    match field {
        MqttField::Enable => {
            access.enable = match text {
                "1" | "true" => true,
                "0" | "false" => false,
                _ => return Err(invalid("true or false")),
            }
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

/// The room number is told at each change, nothing else.
fn notification(path: &str) -> u32 {
    if settings::key_of_path(path).as_deref() == Some(ROOM_KEY) { 2 } else { 0 }
}

fn attributes(device: &Device, request: &GetParameterAttributes) -> Result<Message, Fault> {
    let tree = Tree::of(device.identity().model);
    let mut parameters = Vec::new();
    let attribute = |path: &str| ParameterAttribute {
        name: path.to_owned(),
        notification: notification(path),
        access_list: Vec::new(),
    };
    for name in &request.names {
        if name.is_empty() || name.ends_with('.') {
            parameters.extend(tree.below(name).map(|(path, _)| attribute(path)));
        } else {
            tree.leaf(name).ok_or_else(|| unknown(name))?;
            parameters.push(attribute(name));
        }
    }
    Ok(GetParameterAttributesResponse { parameters }.into())
}

/// Attributes cannot be changed: only what changes nothing is accepted.
fn set_attributes(device: &Device, request: &SetParameterAttributes) -> Result<Message, Fault> {
    let tree = Tree::of(device.identity().model);
    for entry in &request.parameters {
        tree.leaf(&entry.name).ok_or_else(|| unknown(&entry.name))?;
        if entry.notification_change && entry.notification != notification(&entry.name) {
            return Err(Fault::of(FaultCode::NOTIFICATION_REJECTED));
        }
    }
    Ok(Message::SetParameterAttributesResponse)
}

/// The event is on disk before the answer leaves; the restart follows the session.
fn reboot(device: &Device, request: Reboot) -> Result<Message, Fault> {
    let pending = PendingEvent { code: EventCode::M_REBOOT.as_str().to_owned(), command_key: request.command_key };
    device.update(|document| document.pending.push(pending)).map_err(|_| Fault::of(FaultCode::INTERNAL_ERROR))?;
    device.set_restart(Restart::Reboot);
    Ok(Message::RebootResponse)
}

fn unknown(name: &str) -> Fault {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(128).collect();
    Fault::new(FaultCode::INVALID_PARAMETER_NAME, format!("There is no parameter {shown}"))
}

#[cfg(test)]
mod tests;
