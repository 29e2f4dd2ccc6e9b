//! The guide's page "Config File" and "Start provision": `GET /provision`, `POST /provision {"url"?}`, `GET /config.txt`,
//! `GET /config.xml`, `POST /config`, `GET` and `POST /config/user`, `GET` and `POST /backup`.

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use provisioning::{Document, Format};
use serde::{Deserialize, Serialize};

use super::read;
use crate::device::Device;
use crate::ntp::Time;
use crate::pnp::Pnp;
use crate::provision::{self, Reason, Status, backup, export, file};
use crate::serve::{self, Answer, attachment, json, plain};

/// The header with a backup package's password.
const PASSWORD: &str = "x-backup-password";

/// `POST /provision`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvisionRequest {
    /// Ask here: a folder or one file. Absent: as the settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// `GET /provision`.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    status: Status,
    /// Settings a user set at the phone.
    set_by_user: Vec<Arc<str>>,
    /// Whether files leave them as they are.
    user_protection: bool,
    /// Servers of the time that are in force.
    time_servers: Vec<String>,
    /// What they said.
    time: Time,
    /// Seconds the phone's time is east of UTC.
    offset_s: i32,
}

/// What a file that was uploaded did.
#[derive(Debug, Serialize)]
struct Taken {
    changed: usize,
    /// Entries that are no settings of this phone.
    unknown: usize,
}

/// Whether the path is one of these.
pub(super) fn is_ours(path: &str) -> bool {
    ["/provision", "/config.txt", "/config.xml", "/config", "/config/user", "/backup"].contains(&path)
}

/// The answer to a request for one of these.
pub(super) async fn answer(device: &Arc<Device>, pnp: &Arc<Pnp>, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    match (request.method().clone(), path.as_str()) {
        (Method::GET, "/provision") => json(StatusCode::OK, &shown(device)),
        (Method::POST, "/provision") => match read::<ProvisionRequest>(request).await {
            Ok(order) => start(device, order),
            Err(refused) => refused,
        },
        (Method::GET, "/config.txt") => whole(device, Format::PValueText, "text/plain; charset=utf-8", "config.txt"),
        (Method::GET, "/config.xml") => whole(device, Format::AliasXml, "text/xml; charset=utf-8", "config.xml"),
        (Method::POST, "/config") => upload(device, request, false).await,
        (Method::GET, "/config/user") => {
            let text = export::text(device, export::Part::User, true);
            attachment("text/plain; charset=utf-8", "user-config.txt", text)
        }
        (Method::POST, "/config/user") => upload(device, request, true).await,
        (Method::GET, "/backup") => pack(device, &request).await,
        (Method::POST, "/backup") => restore(device, pnp, request).await,
        _ => plain(StatusCode::METHOD_NOT_ALLOWED, "GET or POST\n"),
    }
}

fn shown(device: &Device) -> Shown {
    let servers = ["datetime.ntp.server.1", "datetime.ntp.server.2"].map(|key| device.value_in_force(key));
    Shown {
        status: device.provision().status(),
        set_by_user: device.set_by_user(),
        user_protection: device.value("provisioning.userprotect.enable") == "yes",
        time_servers: servers.into_iter().filter(|server| !server.is_empty()).collect(),
        time: device.time.shown(),
        offset_s: device.offset_s(),
    }
}

fn start(device: &Device, order: ProvisionRequest) -> Answer {
    match order.url {
        None => device.provision().order(Reason::Asked, None),
        Some(url) => {
            if let Err(error) = device.provision().order_from(Reason::Asked, &url) {
                return plain(StatusCode::BAD_REQUEST, &format!("url: {error}\n"));
            }
        }
    }
    json(StatusCode::ACCEPTED, &shown(device))
}

fn whole(device: &Device, format: Format, kind: &'static str, name: &str) -> Answer {
    let document = export::document(device, export::Part::Everything, false, Some(device.identity().mac));
    attachment(kind, name, export::file(&document, format))
}

/// Whoever uploads a file means it: the protection of what a user set is not asked. `by_user`: it is the user's own
/// configuration, and counts as set at the phone.
async fn upload(device: &Arc<Device>, request: Request<Incoming>, by_user: bool) -> Answer {
    let bytes = match body(request, provisioning::Limits::default().bytes).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    let taken = device.blocking(move |device| {
        let document: Document = provision::read(device, &bytes)?;
        let unknown = file::unknown(&document);
        let changed = device.set_uploaded(&file::changes(&document), by_user)?;
        Ok::<_, String>(Taken { changed, unknown })
    });
    say(taken.await)
}

async fn pack(device: &Arc<Device>, request: &Request<Incoming>) -> Answer {
    let password = password(request);
    match device.blocking(move |device| backup::pack(device, &password)).await {
        Ok(Ok(bytes)) => attachment("application/octet-stream", "backup.bin", bytes),
        Ok(Err(why)) => plain(StatusCode::BAD_REQUEST, &format!("{why}\n")),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

async fn restore(device: &Arc<Device>, pnp: &Arc<Pnp>, request: Request<Incoming>) -> Answer {
    let password = password(&request);
    let bytes = match body(request, backup::MOST_BYTES).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    let pnp = pnp.clone();
    let taken = device.blocking(move |device| {
        let restored = backup::restore(device, Some(&pnp.service), &bytes, &password)?;
        Ok::<_, String>(Taken { changed: restored.changed, unknown: restored.unknown })
    });
    say(taken.await)
}

fn password<B>(request: &Request<B>) -> String {
    request.headers().get(PASSWORD).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

async fn body(request: Request<Incoming>, most: usize) -> Result<Bytes, Answer> {
    let refused = |status| plain(status, &format!("the file has more than {most} bytes, or broke off\n"));
    serve::body_up_to(request, most).await.map_err(refused)
}

fn say(taken: std::io::Result<Result<Taken, String>>) -> Answer {
    match taken {
        Ok(Ok(taken)) => json(StatusCode::OK, &taken),
        Ok(Err(why)) => plain(StatusCode::BAD_REQUEST, &format!("{why}; the settings stay as they were\n")),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}
