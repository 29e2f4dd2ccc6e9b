//! Accounts for the PBX, as CSV (RFC 4180). The one place where people read passwords; each time is in the audit.

use std::collections::HashMap;
use std::fmt::Write;

use contract::PropertyId;
use contract::rest::ExportAccounts;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use uuid::Uuid;

use super::derive::name_of;
use super::{open, property, server};
use crate::app::{Actor, App, Result, audit};
use crate::db::entity::{room, sip_account, sip_assignment};

const HEAD: &str = "user,auth_user,password,display_name\r\n";

/// The text of the file, UTF-8.
pub async fn csv(app: &App, actor: &Actor, id: PropertyId, wanted: ExportAccounts) -> Result<String> {
    let write = app.db.write_beside().await?;
    let tx = &write.tx;
    property(tx, id.0).await?;
    let mut select = sip_account::Entity::find().filter(sip_account::Column::PropertyId.eq(id.0));
    let mut said = String::new();
    if let Some(which) = wanted.server {
        let found = server(tx, id.0, which.0).await?;
        select = select.filter(sip_account::Column::ServerId.eq(found.id));
        said = format!(" of {}", found.name);
    }
    let accounts = select.order_by_asc(sip_account::Column::User).all(tx).await?;
    let rooms: HashMap<Uuid, room::Model> = room::Entity::find()
        .filter(room::Column::PropertyId.eq(id.0))
        .all(tx)
        .await?
        .into_iter()
        .map(|room| (room.id, room))
        .collect();
    let of_property = sip_account::Entity::find()
        .select_only()
        .column(sip_account::Column::Id)
        .filter(sip_account::Column::PropertyId.eq(id.0))
        .into_query();
    let room_of: HashMap<Uuid, Uuid> = sip_assignment::Entity::find()
        .filter(sip_assignment::Column::AccountId.in_subquery(of_property))
        .all(tx)
        .await?
        .into_iter()
        .filter_map(|one| Some((one.account_id, one.room_id?)))
        .collect();
    let mut text = HEAD.to_owned();
    for account in &accounts {
        let room = room_of.get(&account.id).and_then(|id| rooms.get(id));
        let (password, shown) = (open(app, account)?, tame(name_of(account, room, |_| None)));
        let line = [&account.user, &account.auth_user, &password, &shown].map(|field| quoted(field)).join(",");
        // Writing to a string does not fail.
        let _ = write!(text, "{line}\r\n");
    }
    let detail = format!("{} accounts{said}, with passwords", accounts.len());
    audit::record(tx, actor, "sip-account.export", &id.to_string(), detail).await?;
    write.commit().await?;
    Ok(text)
}

/// What a spreadsheet does not take for a formula: a guest's name is whatever somebody typed.
fn tame(name: String) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t']) { format!("'{name}") } else { name }
}

fn quoted(field: &str) -> String {
    match field.contains([',', '"', '\r', '\n', ' ', '\'']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{quoted, tame};

    #[test]
    fn fields_are_quoted_where_they_must_be_and_names_are_no_formulas() {
        for (field, written) in [
            ("1207", "1207"),
            ("+351215550100", "+351215550100"),
            ("Room 1207", "\"Room 1207\""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("", ""),
        ] {
            assert_eq!(quoted(field), written);
        }
        assert_eq!(tame("=HYPERLINK(1)".into()), "'=HYPERLINK(1)");
        assert_eq!(tame("Room 1207".into()), "Room 1207");
    }
}
