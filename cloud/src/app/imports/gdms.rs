//! Imports from a customer's GDMS account. Only the addresses the configuration names are called, so nobody can make the
//! server call another machine; user, password and secret live only as long as the reading takes.

use std::sync::Arc;
use std::time::Duration;

use contract::PropertyId;
use contract::rest::*;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};

use super::brief::Brief;
use super::run::{Claim, FIRST, READING_MS};
use super::{blank, exists, filled, make_room};
use crate::app::error::{conflict, invalid, unavailable};
use crate::app::{Actor, App, AppError, Result, audit};
use crate::clock::now_ms;
use crate::db::entity::import;
use crate::domain::import::gdms::sheet;
use crate::gdms::{Client, GdmsError, Login, Named};

/// Devices asked for until a person sees how far it is.
const LOT: usize = 40;
/// Devices GDMS refused to tell of that are named; further ones are counted.
const MOST_NOTES: usize = 200;
/// Organisations asked for their sites, and how many of them at once.
const MOST_ASKED: usize = 100;
const BESIDE: usize = 4;
/// How long a person waits for the list of sites; a request has 30 s.
const LOOK: Duration = Duration::from_secs(25);

/// Where GDMS accounts may be read.
pub fn addresses(app: &App) -> Vec<String> {
    app.config.import.gdms.clone()
}

/// Organisations and sites of an account.
pub async fn sites(app: &App, login: GdmsLogin) -> Result<Vec<GdmsOrganisation>> {
    let GdmsLogin { base_url, user, password, client_id, client_secret } = login;
    let client = client(app, Login { base: base_url, user, password, client_id, client_secret })?;
    let sites = async |(at, Named { id, name }): (usize, Named)| {
        // One of further on can be chosen as a whole.
        let sites = if at < MOST_ASKED { client.sites(&id).await? } else { Vec::new() };
        let sites = sites.into_iter().map(|site| GdmsSite { id: site.id, name: site.name }).collect();
        Ok::<_, GdmsError>(GdmsOrganisation { id, name, sites })
    };
    let look = async {
        let organisations = client.organisations().await?.into_iter().enumerate();
        stream::iter(organisations.map(&sites)).buffered(BESIDE).try_collect().await
    };
    match tokio::time::timeout(LOOK, look).await {
        Ok(found) => found.map_err(refused),
        Err(_) => Err(unavailable("GDMS does not answer in time. Try again later.")),
    }
}

/// Begins to read an account's devices.
pub async fn create(app: &Arc<App>, actor: &Actor, to: PropertyId, wanted: GdmsImport) -> Result<ImportSummary> {
    let GdmsImport { base_url, user, password, client_id, client_secret, organisation, site } = wanted;
    for (field, id) in [("organisation", &organisation), ("site", &site)] {
        if id
            .as_ref()
            .is_some_and(|id| id.is_empty() || id.len() > 40 || !id.chars().all(|c| c.is_ascii_alphanumeric()))
        {
            return Err(invalid(field, "An id is 1 to 40 letters and digits, as the list of sites gives it."));
        }
    }
    let host = base_url.trim_start_matches("https://").trim_start_matches("http://").to_owned();
    let client = client(app, Login { base: base_url, user, password, client_id, client_secret })?;
    exists(app, to).await?;
    let mut row = blank(actor, to, format!("GDMS at {host}"), ImportSource::Gdms, ImportState::Fetching);
    (row.fence, row.lease_until) = (FIRST, now_ms() + READING_MS);
    let write = app.db.write_beside().await?;
    let busy = import::Entity::find()
        .filter(import::Column::PropertyId.eq(to.0))
        .filter(import::Column::State.eq(ImportState::Fetching.as_str()))
        .count(&write.tx)
        .await?;
    if busy > 0 {
        return Err(conflict("import-running", "import", "A GDMS account is being read already. Wait until it is."));
    }
    make_room(&write.tx, to.0).await?;
    import::Entity::insert(row.clone().into_active_model()).exec_without_returning(&write.tx).await?;
    audit::record(&write.tx, actor, "import.create", &to.to_string(), row.name.clone()).await?;
    write.commit().await?;
    let summary = Brief::from(&row).summary();
    let (app, claim) = (app.clone(), Claim::first(row.id, actor));
    tokio::spawn(async move {
        let read = read(&app, &client, &claim, row, organisation.as_deref().unwrap_or_default(), site.as_deref());
        let read = tokio::select! {
            read = read => read,
            () = claim.held(&app) => return,
        };
        let failed = match read {
            Ok(()) => return,
            Err(Broke::Gdms(error)) => error.to_string(),
            Err(Broke::Ours(error)) => {
                tracing::error!(error = format!("{error:#}"), "reading a GDMS account broke off");
                "It broke off on our side. Begin again, and look at the server's log.".to_owned()
            }
        };
        if let Err(error) = claim.fail(&app, &failed).await {
            tracing::error!(%error, "cannot say that reading a GDMS account broke off");
        }
    });
    Ok(summary)
}

enum Broke {
    Gdms(GdmsError),
    Ours(AppError),
}

impl From<GdmsError> for Broke {
    fn from(error: GdmsError) -> Self {
        Self::Gdms(error)
    }
}

impl From<AppError> for Broke {
    fn from(error: AppError) -> Self {
        Self::Ours(error)
    }
}

async fn read(
    app: &App,
    client: &Client,
    claim: &Claim,
    mut row: import::Model,
    organisation: &str,
    site: Option<&str>,
) -> std::result::Result<(), Broke> {
    let (devices, mut notes) = client.devices(organisation, site).await?;
    let mut silent = 0;
    let (total, mut complete) = (devices.len(), Vec::with_capacity(devices.len()));
    for lot in devices.chunks(LOT) {
        claim.read(app, complete.len(), total).await?;
        let (lot, of_lot) = client.complete(lot.to_vec()).await?;
        complete.extend(lot);
        silent += of_lot.len();
        notes.extend(of_lot.into_iter().take(MOST_NOTES.saturating_sub(notes.len())));
    }
    if silent > notes.len() {
        notes.push(format!("GDMS refused to tell of {silent} devices in all."));
    }
    let mut sheet = sheet(&complete);
    sheet.notes.extend(notes);
    filled(app, &mut row, sheet).await?;
    claim.ready(app, row).await?;
    Ok(())
}

fn client(app: &App, login: Login) -> Result<Client> {
    if !app.config.import.gdms.contains(&login.base) {
        let allowed = app.config.import.gdms.join(", ");
        let detail = format!(
            "This server reads GDMS accounts at {allowed}. Others are added in its configuration (import.gdms)."
        );
        return Err(invalid("base_url", detail));
    }
    let given = [
        ("user", &login.user),
        ("password", &login.password),
        ("client_id", &login.client_id),
        ("client_secret", &login.client_secret),
    ];
    for (field, text) in given {
        if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
            return Err(invalid(field, "GDMS needs 1 to 200 characters here."));
        }
    }
    Ok(Client::new(login)?)
}

fn refused(error: GdmsError) -> AppError {
    match error {
        GdmsError::Login(_) => invalid("password", error.to_string()),
        GdmsError::Refused(_) => conflict("gdms-refused", "base_url", error.to_string()),
        GdmsError::Unreachable(_) | GdmsError::Nonsense(_) => unavailable(error.to_string()),
    }
}
