//! Who hears of changes, and who may make them (TR-069 A.3.2.4, A.3.2.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use cwmp::{
    Fault, FaultCode, GetParameterAttributes, GetParameterAttributesResponse, Message, ParameterAttribute,
    SetParameterAttributes,
};

use super::{disk, few_enough, unknown};
use crate::cpe::notify::{self, ACTIVE};
use crate::cpe::tree::View;
use crate::device::{Device, SUBSCRIBER};
use crate::store::{Attribute, intern};

/// The standard's limits of an access list's entries: 64 characters; how many is not said.
const MOST_ENTRIES: usize = 16;
const MOST_ENTRY: usize = 64;

pub(super) fn get(device: &Device, request: &GetParameterAttributes) -> Result<Message, Fault> {
    let view = View::of(device);
    let mut paths: Vec<&str> = Vec::new();
    for name in &request.names {
        if name.is_empty() || name.ends_with('.') {
            paths.extend(view.below(name).ok_or_else(|| unknown(name))?.into_iter().map(|(path, _)| path));
        } else {
            view.leaf(name).ok_or_else(|| unknown(name))?;
            paths.push(name);
        }
        few_enough(paths.len())?;
    }
    let parameters = device.document(|document| {
        let attribute = |path: &str| {
            let access = document.attributes.get(path).and_then(|attribute| attribute.access.as_ref());
            ParameterAttribute {
                name: path.to_owned(),
                notification: notify::level(document, path).into(),
                access_list: match access {
                    Some(access) => access.iter().map(ToString::to_string).collect(),
                    None => vec![SUBSCRIBER.to_owned()],
                },
            }
        };
        paths.into_iter().map(attribute).collect()
    });
    Ok(GetParameterAttributesResponse { parameters }.into())
}

/// All or nothing.
pub(super) fn set(device: &Device, request: SetParameterAttributes) -> Result<Message, Fault> {
    let view = View::of(device);
    let mut changes: BTreeMap<Arc<str>, Attribute> = BTreeMap::new();
    for entry in request.parameters {
        let one = |leaf| vec![(entry.name.as_str(), leaf)];
        let leaves = if entry.name.is_empty() || entry.name.ends_with('.') {
            view.below(&entry.name)
        } else {
            view.leaf(&entry.name).map(one)
        };
        let leaves = leaves.ok_or_else(|| unknown(&entry.name))?;
        let notification = match entry.notification {
            _ if !entry.notification_change => None,
            0..=2 => Some(entry.notification as u8),
            // Lightweight notifications go by UDP multicast, which this phone does not send (Annex M).
            3..=6 => return Err(Fault::of(FaultCode::NOTIFICATION_REJECTED)),
            _ => return Err(Fault::new(FaultCode::INVALID_ARGUMENTS, "Notification: 0 to 6")),
        };
        let access: Option<Vec<Box<str>>> = match entry.access_list_change {
            true => Some(entry.access_list.iter().map(|who| who.as_str().into()).collect()),
            false => None,
        };
        if access.as_ref().is_some_and(|list| {
            list.len() > MOST_ENTRIES || list.iter().any(|who| who.is_empty() || who.chars().count() > MOST_ENTRY)
        }) {
            return Err(Fault::new(
                FaultCode::INVALID_ARGUMENTS,
                "AccessList: at most 16 entries of 1 to 64 characters",
            ));
        }
        for (path, leaf) in leaves {
            if notification == Some(ACTIVE) && !leaf.active_possible() {
                return Err(Fault::new(FaultCode::NOTIFICATION_REJECTED, format!("{path} changes all the time")));
            }
            let change = changes.entry(intern(path)).or_default();
            change.notification = notification.or(change.notification);
            change.access = access.clone().or(change.access.take());
        }
        few_enough(changes.len())?;
    }
    device
        .update(|document| {
            for (path, change) in changes {
                let attribute = document.attributes.entry(path).or_default();
                attribute.notification = change.notification.or(attribute.notification);
                attribute.access = change.access.or(attribute.access.take());
            }
        })
        .map_err(|error| disk(&error))?;
    Ok(Message::SetParameterAttributesResponse)
}
