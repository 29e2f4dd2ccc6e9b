//! What people are shown of the service. Values are shown in files alone, which somebody has to ask for.

use std::net::IpAddr;

use contract::{Mac, Timestamp};
use provisioning::ReadOptions;
use provisioning::pnp::table::MOST_PHONES;
use serde::Serialize;

use super::state::{Found, Stage, State, Way};

/// The service as it is.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    /// Where phones are pointed; absent while the service is off or in trouble.
    pub url: Option<String>,
    /// Why phones are told nothing, though it is on.
    pub trouble: Option<String>,
    pub template: Option<Template>,
    pub table: Option<Values>,
    /// In the order of their addresses.
    pub phones: Vec<Phone>,
    /// Phones there was no room for, the last twenty, and how often that happened.
    pub refused: Vec<RefusedPhone>,
    pub refused_count: u64,
    pub most_phones: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Template {
    pub file_name: String,
    /// Whether each phone has a file of its own.
    pub per_phone: bool,
    pub variables: Vec<String>,
    pub bytes: usize,
    pub sha256: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Values {
    pub rows: usize,
    pub sha256: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Phone {
    pub mac: Mac,
    pub ip: IpAddr,
    pub model: String,
    pub version: String,
    /// `discovered`, `told`, `fetched`, `done` or `failed`.
    pub stage: &'static str,
    pub note: String,
    pub at: Timestamp,
    /// Whether the CSV has a row for it.
    pub listed: bool,
    /// Whether it can be told again without being restarted.
    pub reachable: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct RefusedPhone {
    pub mac: Mac,
    pub ip: IpAddr,
    pub at: Timestamp,
    pub why: String,
}

/// The file a phone gets.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Effect {
    /// Absent for a file that is the same for all.
    pub mac: Option<Mac>,
    pub file_name: String,
    pub bytes: usize,
    /// What somebody should look at.
    pub problems: Vec<String>,
}

pub(super) fn status(state: &State) -> Status {
    let listed = state.listed();
    let custom = matches!(state.way, Some(Way::Custom(_)));
    let template = state.profile().zip(state.template_size()).map(|(profile, (bytes, sha256))| Template {
        file_name: profile.file_name().to_owned(),
        per_phone: profile.is_per_phone(),
        variables: profile.variables().to_vec(),
        bytes,
        sha256,
    });
    let phones = state.found.iter().map(|(mac, found)| Phone {
        mac: *mac,
        ip: found.ip,
        model: found.model.clone(),
        version: found.version.clone(),
        stage: match found.stage {
            Stage::Discovered => "discovered",
            Stage::Acknowledged if custom => "done",
            Stage::Told | Stage::Acknowledged => "told",
            Stage::Fetched => "fetched",
            Stage::Done => "done",
            Stage::Failed => "failed",
        },
        note: found.note.clone(),
        at: found.at,
        listed: listed.contains(mac),
        reachable: found.session.is_some(),
    });
    let why = format!("{MOST_PHONES} phones are in the list already; remove one that is not needed");
    let refused = state.turned.iter().map(|turned| RefusedPhone {
        mac: turned.mac,
        ip: turned.ip,
        at: turned.at,
        why: why.clone(),
    });
    Status {
        url: state.way.as_ref().map(|way| match way {
            Way::Local(url) | Way::Custom(url) => url.clone(),
        }),
        trouble: state.trouble.clone(),
        template,
        table: state.table_size().map(|(rows, sha256)| Values { rows, sha256 }),
        phones: phones.collect(),
        refused: refused.collect(),
        refused_count: state.turned_count,
        most_phones: MOST_PHONES,
    }
}

/// The file of each phone in the values; without variables, of each phone that was found, or the one file for all.
pub(super) fn effects(state: &State) -> Option<Vec<Effect>> {
    let profile = state.profile()?;
    let nobody = Mac::new([0, 0, 0, 0, 0, 0]);
    if !profile.is_per_phone() {
        return Some(vec![effect(state, None, nobody)?]);
    }
    let mut macs = state.listed();
    if profile.variables().is_empty() {
        macs.extend(state.found.keys().filter(|mac| !macs.contains(mac)).copied().collect::<Vec<_>>());
    }
    Some(macs.into_iter().filter_map(|mac| effect(state, Some(mac), mac)).collect())
}

fn effect(state: &State, shown: Option<Mac>, mac: Mac) -> Option<Effect> {
    let profile = state.profile()?;
    let (mut bytes, mut problems) = (0, vec![]);
    match state.file(mac)? {
        Ok(file) => {
            bytes = file.len();
            // What looks like a configuration file of the vendor's has to be one.
            if file.contains("<gs_provision") || file.contains("<config ") {
                match provisioning::read(file.as_bytes(), &ReadOptions { mac: shown, ..ReadOptions::default() }) {
                    Ok(document) => problems.extend(document.warnings().iter().take(5).map(ToString::to_string)),
                    Err(error) => problems.push(error.to_string()),
                }
            }
        }
        Err(error) => problems.push(error.to_string()),
    }
    let values = state.values(mac).unwrap_or_default();
    let empty = profile.variables().iter().zip(&values).filter(|(_, value)| value.trim().is_empty());
    problems.extend(empty.map(|(name, _)| format!("{name} is empty")));
    let names = ["cfg%%mac_address%%.xml", "cfg%%mac_address%%", "dev%%mac_address%%.cfg"];
    if state.found.get(&mac).is_some_and(Found::appends) && !names.contains(&profile.file_name()) {
        problems.push(format!("this phone asks for {}, not for this name", names[0]));
    }
    Some(Effect { mac: shown, file_name: profile.name_for(mac), bytes, problems })
}
