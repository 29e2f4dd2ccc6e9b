//! `/pnp` of the control endpoint: the PnP service's template, CSV, effects, progress and distribution.
//!
//! | | |
//! |---|---|
//! | `GET /pnp` | how it stands: settings, template, phones, who was refused; what this phone itself was told |
//! | `PUT /pnp/settings` | `{"enable":true,"mode":"local"\|"custom","url":"…"}` |
//! | `GET`, `PUT`, `DELETE /pnp/template` | the profile template, XML |
//! | `GET`, `PUT`, `DELETE /pnp/csv` | the values; `GET` makes the file for the template |
//! | `GET /pnp/effects` | which file each phone gets |
//! | `GET /pnp/files/{mac}` | one phone's file |
//! | `POST /pnp/redistribute` | `{"macs":["…"]}`, or `{"all":true}` |
//! | `DELETE /pnp/phones/{mac}` | takes a phone off the list |

use std::net::IpAddr;
use std::sync::Arc;

use contract::Mac;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use provisioning::pnp::profile::MAX_TEMPLATE;
use provisioning::pnp::table::MAX_TABLE;
use serde::{Deserialize, Serialize};

use super::read;
use crate::agent::Shared;
use crate::device::Device;
use crate::pnp::service::{KEYS, Refused, Status, custom_url};
use crate::pnp::{Offer, own_ip};
use crate::serve::{self, Answer, attachment, json, plain};

/// `PUT /pnp/settings`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    enable: bool,
    mode: Mode,
    #[serde(default)]
    url: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Local,
    Custom,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Redistribute {
    #[serde(default)]
    macs: Vec<Mac>,
    #[serde(default)]
    all: bool,
}

#[derive(Serialize)]
struct Redistributed {
    /// Phones that are being told.
    told: usize,
    /// Phones that have to be restarted to ask again.
    unreachable: Vec<Mac>,
}

#[derive(Serialize)]
struct Page {
    settings: Settings,
    #[serde(flatten)]
    status: Status,
    /// What this phone was told by another server.
    offer: Option<Offer>,
}

#[derive(Serialize)]
struct Uploaded {
    #[serde(flatten)]
    page: Page,
    /// Variables that had values, and are not in the new template.
    unused: Vec<String>,
}

/// Everything that is wrong; row 0 is the file as a whole.
#[derive(Serialize)]
struct Errors {
    errors: Vec<ErrorAt>,
}

#[derive(Serialize)]
struct ErrorAt {
    row: u64,
    column: String,
    why: String,
}

pub(super) async fn answer(shared: &Shared, request: Request<Incoming>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let rest = path.strip_prefix("/pnp").unwrap_or_default();
    let pnp = shared.pnp().clone();
    let service = &pnp.service;
    match (method, rest) {
        (Method::GET, "" | "/") => json(StatusCode::OK, &page(shared)),
        (Method::PUT, "/settings") => match read::<Settings>(request).await {
            Ok(wanted) => set(shared, wanted).await,
            Err(refused) => refused,
        },
        (Method::GET, "/template") => match service.template() {
            Some(text) => attachment("application/xml", "pnp-template.xml", text),
            None => refuse(Refused::NoTemplate),
        },
        (Method::PUT, "/template") => upload(shared, request, true).await,
        (Method::DELETE, "/template") => clear(shared, true).await,
        (Method::GET, "/csv") => match service.csv() {
            Ok(text) => attachment("text/csv; charset=utf-8", "pnp-values.csv", text),
            Err(error) => refuse(error),
        },
        (Method::PUT, "/csv") => upload(shared, request, false).await,
        (Method::DELETE, "/csv") => clear(shared, false).await,
        (Method::GET, "/effects") => match service.effects() {
            Ok(effects) => json(StatusCode::OK, &effects),
            Err(error) => refuse(error),
        },
        (Method::POST, "/redistribute") => match read::<Redistribute>(request).await {
            Ok(Redistribute { macs, all }) if all != macs.is_empty() => {
                plain(StatusCode::BAD_REQUEST, "either {\"all\":true} or {\"macs\":[…]}\n")
            }
            Ok(Redistribute { macs, all }) => {
                let (told, unreachable) = service.redistribute((!all).then_some(&macs));
                json(StatusCode::OK, &Redistributed { told, unreachable })
            }
            Err(refused) => refused,
        },
        (method, rest) => match (method, rest.rsplit_once('/')) {
            (Method::GET, Some(("/files", mac))) => match mac.parse::<Mac>() {
                Ok(mac) => match service.file(mac) {
                    Ok((name, text)) => attachment("text/plain; charset=utf-8", &name, text),
                    Err(error) => refuse(error),
                },
                Err(error) => plain(StatusCode::BAD_REQUEST, &format!("{error}\n")),
            },
            (Method::DELETE, Some(("/phones", mac))) => match mac.parse::<Mac>() {
                Ok(mac) => drop_phone(shared, mac).await,
                Err(error) => plain(StatusCode::BAD_REQUEST, &format!("{error}\n")),
            },
            _ => plain(
                StatusCode::NOT_FOUND,
                "GET /pnp, PUT /pnp/settings, GET PUT DELETE /pnp/template and /pnp/csv, GET /pnp/effects, \
                 GET /pnp/files/MAC, POST /pnp/redistribute, DELETE /pnp/phones/MAC\n",
            ),
        },
    }
}

fn page(shared: &Shared) -> Page {
    let (device, _) = shared.now();
    let pnp = shared.pnp();
    Page { settings: settings(&device), status: pnp.service.status(), offer: pnp.offer() }
}

fn settings(device: &Device) -> Settings {
    let [enable, mode, url] = KEYS.map(|key| device.value(key));
    let mode = if mode == "custom" { Mode::Custom } else { Mode::Local };
    Settings { enable: enable == "yes", mode, url }
}

async fn set(shared: &Shared, wanted: Settings) -> Answer {
    let (device, _) = shared.now();
    if wanted.mode == Mode::Custom
        && let Err(why) = custom_url(&wanted.url, own_ip(&device).map_or(device.line().ip, IpAddr::V4))
    {
        return plain(StatusCode::UNPROCESSABLE_ENTITY, &format!("{why}\n"));
    }
    let set = device.blocking(move |device| {
        let mode = if wanted.mode == Mode::Custom { "custom" } else { "local" };
        let enable = if wanted.enable { "yes" } else { "no" };
        // The switch last: what it starts finds the rest in place.
        let [enable_key, mode_key, url_key] = KEYS;
        device.set_locally(url_key, wanted.url.trim())?;
        device.set_locally(mode_key, mode)?;
        device.set_locally(enable_key, enable)
    });
    match set.await {
        Ok(Ok(())) => json(StatusCode::OK, &settings(&device)),
        Ok(Err(why)) => plain(StatusCode::UNPROCESSABLE_ENTITY, &format!("{why}\n")),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

async fn upload(shared: &Shared, request: Request<Incoming>, template: bool) -> Answer {
    let most = if template { MAX_TEMPLATE } else { MAX_TABLE };
    let body = match serve::body_up_to(request, most).await {
        Ok(body) => body,
        Err(status) => return plain(status, &format!("the file has more than {} KiB, or broke off\n", most >> 10)),
    };
    let pnp = shared.pnp().clone();
    let taken = tokio::task::spawn_blocking(move || match template {
        true => pnp.service.set_template(&body),
        false => pnp.service.set_table(&body).map(|()| vec![]),
    });
    match taken.await {
        Ok(Ok(unused)) => json(StatusCode::OK, &Uploaded { page: page(shared), unused }),
        Ok(Err(error)) => refuse(error),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

async fn drop_phone(shared: &Shared, mac: Mac) -> Answer {
    let pnp: Arc<_> = shared.pnp().clone();
    match tokio::task::spawn_blocking(move || pnp.service.drop_phone(mac)).await {
        Ok(Ok(())) => json(StatusCode::OK, &()),
        Ok(Err(error)) => refuse(error),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

async fn clear(shared: &Shared, template: bool) -> Answer {
    let pnp: Arc<_> = shared.pnp().clone();
    match tokio::task::spawn_blocking(move || pnp.service.clear(template)).await {
        Ok(Ok(())) => json(StatusCode::OK, &page(shared)),
        Ok(Err(error)) => refuse(error.into()),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

fn refuse(error: Refused) -> Answer {
    let status = match error {
        Refused::NoTemplate | Refused::NoPhone => StatusCode::NOT_FOUND,
        Refused::Disk(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Refused::Template(_) | Refused::Table(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let errors = match error {
        Refused::Table(errors) => {
            errors.into_iter().map(|error| ErrorAt { row: error.row, column: error.column, why: error.why }).collect()
        }
        other => vec![ErrorAt { row: 0, column: String::new(), why: other.to_string() }],
    };
    json(status, &Errors { errors })
}
