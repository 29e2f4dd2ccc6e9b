//! The PBX of a property: where phones are asked in by SIP.

use contract::PropertyId;
use contract::rest::{Pbx, PbxChange, PbxTransport, SECRET_MASK};
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel};

use super::error::{invalid, not_found};
use super::{Actor, App, Result, audit};
use crate::db::entity::{pbx, property};

/// The context the password is sealed with.
pub const SEALED: &str = "pbx-password";

/// What a property says of its PBX; an empty address if it says nothing.
pub async fn of_property(app: &App, id: PropertyId) -> Result<Pbx> {
    property::Entity::find_by_id(id.0).one(app.db.read()).await?.ok_or_else(|| not_found("property"))?;
    let row = pbx::Entity::find_by_id(id.0).one(app.db.read()).await?;
    let text = |get: fn(&pbx::Model) -> &String| row.as_ref().map(get).cloned().unwrap_or_default();
    Ok(Pbx {
        address: text(|row| &row.address),
        transport: text(|row| &row.transport).parse().unwrap_or(PbxTransport::Udp),
        domain: text(|row| &row.domain),
        user: text(|row| &row.user),
        password: if text(|row| &row.password).is_empty() { String::new() } else { SECRET_MASK.to_owned() },
    })
}

/// Changes it; an empty address takes it away.
pub async fn set(app: &App, actor: &Actor, id: PropertyId, wanted: PbxChange) -> Result<Pbx> {
    let write = app.db.write().await?;
    let tx = &write.tx;
    property::Entity::find_by_id(id.0).one(tx).await?.ok_or_else(|| not_found("property"))?;
    let before = pbx::Entity::find_by_id(id.0).one(tx).await?;
    let address = wanted.address.trim();
    if address.is_empty() {
        pbx::Entity::delete_by_id(id.0).exec(tx).await?;
        audit::record(tx, actor, "pbx.remove", &id.to_string(), String::new()).await?;
    } else {
        check_address(address)?;
        let domain = part("domain", &wanted.domain)?;
        let user = part("user", &wanted.user)?;
        let password = match wanted.password.as_str() {
            "" => String::new(),
            SECRET_MASK => before.map(|row| row.password).unwrap_or_default(),
            new if new.len() > 256 || new.chars().any(char::is_control) => {
                return Err(invalid("password", "The password has at most 256 characters."));
            }
            new => app.secrets.seal(SEALED, new)?,
        };
        let detail = format!("{address} by {}, domain {domain:?}, user {user:?}", wanted.transport.as_str());
        let transport = wanted.transport.as_str().to_owned();
        let row = pbx::Model { property_id: id.0, address: address.to_owned(), transport, domain, user, password };
        use pbx::Column::*;
        pbx::Entity::insert(row.into_active_model())
            .on_conflict(
                OnConflict::column(PropertyId).update_columns([Address, Transport, Domain, User, Password]).to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
        audit::record(tx, actor, "pbx.change", &id.to_string(), detail).await?;
    }
    write.commit().await?;
    of_property(app, id).await
}

/// `host:port`, the host a name, an IPv4 address or an IPv6 address in brackets.
fn check_address(text: &str) -> Result<()> {
    let wrong = || invalid("address", "Write host and port, such as pbx.example:5060 or 10.0.0.5:5060.");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    if port.parse::<u16>().map_err(|_| wrong())? == 0 {
        return Err(wrong());
    }
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let good = match bracketed {
        Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            !host.is_empty() && host.len() <= 253 && host.chars().all(named)
        }
    };
    if good { Ok(()) } else { Err(wrong()) }
}

/// What stands in a SIP address as it is.
fn part(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '+' | ':' | '[' | ']');
    if text.len() > 128 || !text.chars().all(allowed) {
        return Err(invalid(field, "At most 128 letters, digits, dots, hyphens and underscores."));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::check_address;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["pbx.example:5060", "10.0.0.5:5061", "[fd00::5]:5060"] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        for bad in
            ["pbx.example", "10.0.0.5:", ":5060", "x y:5060", "fd00::5:5060", "[fd00]:1", "h:0", "h:70000", "a@b:1"]
        {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }
}
