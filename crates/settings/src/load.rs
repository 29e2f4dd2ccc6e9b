//! From TOML to entries, strictly: an unknown field, a missing range or a limit that means nothing is an error.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    Choice, Model,
    data::{Action, Effect, Instances, Part, Scope, Setting, Status},
    limits::{Limits, value_type},
};

/// A catalogue file is wrong. Only possible while developing: the files are embedded and tested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct CatalogueError {
    /// The file's name.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    page: String,
    #[serde(default)]
    setting: Vec<RawSetting>,
    #[serde(default)]
    status: Vec<RawStatus>,
    #[serde(default)]
    action: Vec<RawAction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSetting {
    key: String,
    #[serde(default)]
    section: String,
    title: String,
    help: String,
    scope: Scope,
    instances: Option<String>,
    #[serde(default)]
    instances_on: BTreeMap<String, String>,
    #[serde(rename = "type")]
    type_name: String,
    min: Option<i64>,
    max: Option<i64>,
    step: Option<i64>,
    #[serde(default)]
    name_part: bool,
    unit: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    schemes: Vec<String>,
    #[serde(default)]
    bare: bool,
    #[serde(default)]
    extra: Vec<String>,
    default: Option<String>,
    #[serde(default)]
    secret: bool,
    #[serde(default)]
    models: Vec<Model>,
    #[serde(default)]
    p: Vec<String>,
    #[serde(default)]
    p_inverted: bool,
    vendor_alias: Option<bool>,
    alias: Option<String>,
    #[serde(default)]
    parts: Vec<Part>,
    tr069: Option<String>,
    effect: Effect,
    unsupported: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStatus {
    key: String,
    #[serde(default)]
    section: String,
    title: String,
    help: String,
    instances: Option<String>,
    #[serde(rename = "type")]
    type_name: String,
    min: Option<i64>,
    max: Option<i64>,
    unit: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    source: String,
    tr069: Option<String>,
    #[serde(default)]
    models: Vec<Model>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAction {
    key: String,
    #[serde(default)]
    section: String,
    title: String,
    help: String,
    starts: String,
    #[serde(default)]
    models: Vec<Model>,
}

/// The entries of one file, in its order.
#[derive(Default)]
pub(crate) struct Entries {
    pub settings: Vec<Setting>,
    pub statuses: Vec<Status>,
    pub actions: Vec<Action>,
}

/// Reads one file into `entries`.
pub(crate) fn read(file: &str, text: &str, entries: &mut Entries) -> Result<(), CatalogueError> {
    let fail = |what: String| CatalogueError { file: file.to_owned(), what };
    let page: Page = toml::from_str(text).map_err(|e| fail(e.to_string()))?;
    let name = page.page;
    for raw in page.setting {
        let key = raw.key.clone();
        entries.settings.push(setting(&name, raw).map_err(|what| fail(format!("{key}: {what}")))?);
    }
    for raw in page.status {
        let key = raw.key.clone();
        entries.statuses.push(status(&name, raw).map_err(|what| fail(format!("{key}: {what}")))?);
    }
    entries.actions.extend(page.action.into_iter().map(|raw| Action {
        key: raw.key,
        page: name.clone(),
        section: raw.section,
        title: raw.title,
        help: raw.help,
        starts: raw.starts,
        models: raw.models,
    }));
    Ok(())
}

fn setting(page: &str, raw: RawSetting) -> Result<Setting, String> {
    let limits = Limits {
        min: raw.min,
        max: raw.max,
        unit: raw.unit,
        choices: raw.choices,
        schemes: raw.schemes,
        bare: raw.bare,
    };
    if raw.step.is_some_and(|step| step < 2 || !matches!(raw.type_name.as_str(), "int" | "port")) {
        return Err("only int and port take a `step`, of 2 or more".into());
    }
    if raw.name_part && raw.type_name != "text" {
        return Err("only text can be a `name_part`".into());
    }
    let templated = raw.key.contains("{account}") || raw.key.contains("{key}");
    let scoped = raw.scope != Scope::Device;
    if raw.key != raw.key.to_lowercase() {
        return Err("keys are lower case".into());
    }
    if templated != scoped || scoped != raw.instances.is_some() {
        return Err("account and key settings, and only these, have a placeholder in the key and `instances`".into());
    }
    if raw.type_name == "secret" && !raw.secret {
        return Err("a secret needs `secret = true`".into());
    }
    let instances_on = raw.instances_on.into_iter().map(|(model, range)| Ok((model, instances(&range)?)));
    Ok(Setting {
        value_type: value_type(&raw.type_name, limits)?,
        instances: raw.instances.as_deref().map(instances).transpose()?,
        instances_on: instances_on.collect::<Result<_, String>>()?,
        vendor_alias: raw.vendor_alias.unwrap_or(true),
        key: raw.key,
        page: page.to_owned(),
        section: raw.section,
        title: raw.title,
        help: raw.help,
        scope: raw.scope,
        step: raw.step,
        name_part: raw.name_part,
        extra: raw.extra,
        default: raw.default,
        secret: raw.secret,
        models: raw.models,
        p: raw.p,
        p_inverted: raw.p_inverted,
        alias: raw.alias,
        parts: raw.parts,
        tr069: raw.tr069,
        effect: raw.effect,
        unsupported: raw.unsupported,
    })
}

fn status(page: &str, raw: RawStatus) -> Result<Status, String> {
    let mut limits =
        Limits { min: raw.min, max: raw.max, unit: raw.unit, choices: raw.choices, schemes: vec![], bare: false };
    if raw.type_name == "int" {
        limits.min = limits.min.or(Some(0));
        limits.max = limits.max.or(Some(i64::MAX));
    }
    if raw.key.contains('{') != raw.instances.is_some() {
        return Err("a placeholder in the key needs `instances`, and only it".into());
    }
    Ok(Status {
        value_type: value_type(&raw.type_name, limits)?,
        instances: raw.instances.as_deref().map(instances).transpose()?,
        key: raw.key,
        page: page.to_owned(),
        section: raw.section,
        title: raw.title,
        help: raw.help,
        source: raw.source,
        tr069: raw.tr069,
        models: raw.models,
    })
}

fn instances(range: &str) -> Result<Instances, String> {
    let parsed = range.split_once('-').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    match parsed {
        Some((first, last)) if first <= last => Ok(Instances { first, last }),
        _ => Err(format!("\"{range}\" is not an index range")),
    }
}
