//! SIP servers of a property.

use std::collections::HashMap;

use contract::rest::{Accepted, SipServer, SipServerSpec, SipTransport};
use contract::{PropertyId, SipServerId};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::{property, reach, server};
use crate::app::close::close;
use crate::app::error::{conflict, invalid};
use crate::app::idempotency::Once;
use crate::app::rooms::valid;
use crate::app::tree::name;
use crate::app::{Actor, App, AppError, Result, audit, views};
use crate::db::entity::{extension_pool, sip_account, sip_server};
use crate::db::is_duplicate;

/// The most servers of a property.
const MOST_SERVERS: u64 = 100;

pub async fn list(app: &App, id: PropertyId) -> Result<Vec<SipServer>> {
    let db = app.db.read();
    property(db, id.0).await?;
    let counts: Vec<(Uuid, i64)> = sip_account::Entity::find()
        .select_only()
        .column(sip_account::Column::ServerId)
        .column_as(sip_account::Column::Id.count(), "accounts")
        .filter(sip_account::Column::PropertyId.eq(id.0))
        .group_by(sip_account::Column::ServerId)
        .into_tuple()
        .all(db)
        .await?;
    let counts: HashMap<Uuid, i64> = counts.into_iter().collect();
    let rows = sip_server::Entity::find()
        .filter(sip_server::Column::PropertyId.eq(id.0))
        .order_by_asc(sip_server::Column::Name)
        .all(db)
        .await?;
    Ok(rows.iter().map(|row| view(row, counts.get(&row.id).copied().unwrap_or_default())).collect())
}

pub async fn create(app: &App, actor: &Actor, once: &Once, id: PropertyId, wanted: SipServerSpec) -> Result<SipServer> {
    let row = checked(Uuid::now_v7(), id.0, wanted)?;
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    property(tx, id.0).await?;
    let there = sip_server::Entity::find().filter(sip_server::Column::PropertyId.eq(id.0)).count(tx).await?;
    if there >= MOST_SERVERS {
        let detail = format!("A property has at most {MOST_SERVERS} SIP servers. Remove one that is not used.");
        return Err(conflict("too-many-servers", "name", detail));
    }
    sip_server::Entity::insert(row.clone().into_active_model()).exec(tx).await.map_err(taken)?;
    audit::record(tx, actor, "sip-server.create", &row.id.to_string(), words(&row)).await?;
    let answer = view(&row, 0);
    once.keep(tx, &answer).await?;
    write.commit().await?;
    Ok(answer)
}

/// Changes a server; every phone with an account on it follows.
pub async fn change(
    app: &App,
    actor: &Actor,
    once: &Once,
    id: PropertyId,
    which: SipServerId,
    wanted: SipServerSpec,
) -> Result<Accepted> {
    let row = checked(which.0, id.0, wanted)?;
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    server(tx, id.0, which.0).await?;
    row.clone().into_active_model().reset_all().update(tx).await.map_err(taken)?;
    audit::record(tx, actor, "sip-server.change", &row.id.to_string(), words(&row)).await?;
    let phones = reach::of_server(tx, row.id).await?;
    let jobs = reach::follow(app, tx, actor, phones, &[], format!("SIP server {}", row.name)).await?;
    close(app, write, once, &jobs, views::accepted_many(&jobs)).await
}

/// Removes a server nothing is on any more.
pub async fn remove(app: &App, actor: &Actor, id: PropertyId, which: SipServerId) -> Result<()> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    let row = server(tx, id.0, which.0).await?;
    let accounts = sip_account::Entity::find().filter(sip_account::Column::ServerId.eq(row.id)).count(tx).await?;
    let pools = extension_pool::Entity::find().filter(extension_pool::Column::ServerId.eq(row.id)).count(tx).await?;
    if accounts + pools > 0 {
        let detail = format!(
            "{accounts} accounts and {pools} pools are on {}. Move them to another server, or remove them first.",
            row.name
        );
        return Err(conflict("server-in-use", "server", detail));
    }
    sip_server::Entity::delete_by_id(row.id).exec(tx).await?;
    audit::record(tx, actor, "sip-server.remove", &row.id.to_string(), row.name).await?;
    Ok(write.commit().await?)
}

fn checked(id: Uuid, property: Uuid, wanted: SipServerSpec) -> Result<sip_server::Model> {
    let host = settings::validate("datetime.ntp.server.1", wanted.host.trim())
        .ok()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| invalid("host", "Write a host name or an address without a port, such as pbx.example."))?;
    if wanted.port == Some(0) {
        return Err(invalid("port", "A port is 1 to 65535; leave it out for the usual one."));
    }
    if let Some(minutes) = wanted.register_expiry {
        valid("register_expiry", "account.1.sip.registerexpiration", &minutes.to_string())?;
    }
    Ok(sip_server::Model {
        id,
        property_id: property,
        name: name("name", &wanted.name)?,
        host,
        port: wanted.port.map_or(0, i32::from),
        transport: wanted.transport.as_str().to_owned(),
        outbound_proxy: valid("outbound_proxy", "account.1.sip.outboundproxy.1.address", wanted.outbound_proxy.trim())?,
        second_server: valid("second_server", "account.1.sip.server.2.address", wanted.second_server.trim())?,
        register_expiry: wanted.register_expiry.and_then(|minutes| i32::try_from(minutes).ok()).unwrap_or_default(),
    })
}

/// `host` or `host:port`, as settings have it.
pub fn address(server: &sip_server::Model) -> String {
    let v6 = server.host.contains(':');
    match (server.port, v6) {
        (0, _) => server.host.clone(),
        (port, true) => format!("[{}]:{port}", server.host),
        (port, false) => format!("{}:{port}", server.host),
    }
}

fn taken(error: sea_orm::DbErr) -> AppError {
    match is_duplicate(&error) {
        true => conflict("name-taken", "name", "Another SIP server of this property has this name."),
        false => error.into(),
    }
}

fn words(row: &sip_server::Model) -> String {
    format!("{}: {} by {}", row.name, address(row), row.transport)
}

fn view(row: &sip_server::Model, accounts: i64) -> SipServer {
    SipServer {
        id: SipServerId(row.id),
        name: row.name.clone(),
        host: row.host.clone(),
        port: u16::try_from(row.port).ok().filter(|port| *port != 0),
        transport: row.transport.parse().unwrap_or(SipTransport::Udp),
        outbound_proxy: row.outbound_proxy.clone(),
        second_server: row.second_server.clone(),
        register_expiry: u32::try_from(row.register_expiry).ok().filter(|minutes| *minutes != 0),
        accounts: u32::try_from(accounts).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(host: &str) -> SipServerSpec {
        SipServerSpec {
            name: "Main".into(),
            host: host.into(),
            port: Some(5061),
            transport: SipTransport::Tls,
            outbound_proxy: String::new(),
            second_server: "b.example:5070".into(),
            register_expiry: Some(30),
        }
    }

    #[test]
    fn a_server_is_written_as_the_settings_want_it() {
        for (host, written) in
            [("PBX.example", "pbx.example:5061"), ("10.0.0.5", "10.0.0.5:5061"), ("fd00::5", "[fd00::5]:5061")]
        {
            let row = checked(Uuid::nil(), Uuid::nil(), spec(host)).unwrap();
            assert_eq!(address(&row), written);
            assert_eq!(settings::validate("account.1.sip.server.1.address", written).as_deref(), Ok(written));
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_field() {
        let field = |change: fn(&mut SipServerSpec)| {
            let mut wanted = spec("pbx.example");
            change(&mut wanted);
            match checked(Uuid::nil(), Uuid::nil(), wanted) {
                Err(AppError::Refused(problem)) => problem.field.unwrap_or_default(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(field(|one| one.host = "pbx.example:5060".into()), "host");
        assert_eq!(field(|one| one.host = String::new()), "host");
        assert_eq!(field(|one| one.name = " ".into()), "name");
        assert_eq!(field(|one| one.port = Some(0)), "port");
        assert_eq!(field(|one| one.second_server = "two words".into()), "second_server");
        assert_eq!(field(|one| one.outbound_proxy = "sip:proxy".into()), "outbound_proxy");
        assert_eq!(field(|one| one.register_expiry = Some(0)), "register_expiry");
        assert_eq!(field(|one| one.register_expiry = Some(70_000)), "register_expiry");
    }
}
