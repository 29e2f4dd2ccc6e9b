//! Whether this server has the key its database was sealed with. With another one every phone's secrets would be lost one
//! by one, each by an error of its own; so it is asked once, before anything is read or written.

use anyhow::{Context, bail};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::db::Db;
use crate::db::entity::{layer_value, secret_key, sip_account};
use crate::domain::catalogue;
use crate::secrets::{SEALED, Secrets};

const NAME: &str = "server.secret_key";
const OTHER_KEY: &str = "The database was sealed with another server.secret_key than this server has. Put back the key that was \
                         kept with it (the file secret.key in server.data_dir, or the setting server.secret_key): without it no \
                         phone's password can be read.";

/// Remembers the key of a new database, and recognises that of an old one.
///
/// # Errors
/// Another key sealed it.
pub async fn recognise(db: &Db, secrets: &Secrets) -> anyhow::Result<()> {
    let write = db.write().await?;
    if secret_key::Entity::find_by_id(NAME).one(&write.tx).await?.is_none()
        && !opens_what_is_there(&write.tx, secrets).await?
    {
        bail!(OTHER_KEY);
    }
    let row = secret_key::Model { name: NAME.to_owned(), sealed: secrets.seal(NAME, NAME)? };
    let once = OnConflict::column(secret_key::Column::Name).do_nothing().to_owned();
    secret_key::Entity::insert(row.into_active_model()).on_conflict(once).exec_without_returning(&write.tx).await?;
    let kept = secret_key::Entity::find_by_id(NAME).one(&write.tx).await?.context("the key's row is there")?;
    write.commit().await?;
    if secrets.open(NAME, &kept.sealed).is_err() {
        bail!(OTHER_KEY);
    }
    Ok(())
}

/// Of a database from before its key was remembered: whether some value that is there opens.
async fn opens_what_is_there(tx: &impl ConnectionTrait, secrets: &Secrets) -> anyhow::Result<bool> {
    if let Some(row) = sip_account::Entity::find().filter(sip_account::Column::Password.ne("")).one(tx).await? {
        return Ok(secrets.open(&catalogue::sip_password(row.slot), &row.password).is_ok());
    }
    // What is no secret may begin so, too.
    let rows = layer_value::Entity::find().filter(layer_value::Column::Value.starts_with(SEALED)).all(tx).await?;
    let row = rows.iter().find(|row| catalogue::is_secret(&row.key));
    Ok(row.is_none_or(|row| secrets.open(&row.key, &row.value).is_ok()))
}

#[cfg(test)]
mod tests {
    use sea_orm::ActiveValue::Set;

    use super::*;

    #[tokio::test]
    async fn a_database_is_opened_by_its_own_key_alone() {
        let (db, folder) = crate::db::scratch(2).await;
        let key = |byte: &str| Secrets::load(&byte.repeat(32), folder.path()).unwrap();
        for _ in 0..2 {
            recognise(&db, &key("5a")).await.unwrap();
        }
        let refused = recognise(&db, &key("5b")).await.unwrap_err().to_string();
        assert!(refused.contains("sealed with another server.secret_key"), "{refused}");
        recognise(&db, &key("5a")).await.unwrap();
        // As it was before keys were remembered; a name is no secret, whatever it looks like.
        let sealed = key("5a").seal("keys.lock.password", "1207").unwrap();
        for (key, value) in [("hotel.name", "sealed:1:x"), ("keys.lock.password", &sealed)] {
            let value = layer_value::ActiveModel {
                layer: Set("chain".to_owned()),
                scope_id: Set(Some(uuid::Uuid::nil())),
                key: Set(key.to_owned()),
                value: Set(value.to_owned()),
                locked: Set(false),
                reason: Set(String::new()),
                changed_at: Set(0),
                changed_by: Set(String::new()),
                ..Default::default()
            };
            layer_value::Entity::insert(value).exec(db.read()).await.unwrap();
        }
        secret_key::Entity::delete_many().exec(db.read()).await.unwrap();
        assert!(recognise(&db, &key("5b")).await.is_err());
        recognise(&db, &key("5a")).await.unwrap();
    }
}
