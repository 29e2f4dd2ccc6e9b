//! Whether this server has the key its database was sealed with. With another one every phone's secrets would be lost one
//! by one, each by an error of its own; so it is asked once, before anything is read or written.

use anyhow::{Context, bail};
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel};

use crate::db::Db;
use crate::db::entity::secret_key;
use crate::secrets::Secrets;

const NAME: &str = "server.secret_key";

/// Remembers the key of a new database, and recognises that of an old one.
///
/// # Errors
/// Another key sealed it.
pub async fn recognise(db: &Db, secrets: &Secrets) -> anyhow::Result<()> {
    let write = db.write().await?;
    let row = secret_key::Model { name: NAME.to_owned(), sealed: secrets.seal(NAME, NAME)? };
    let once = OnConflict::column(secret_key::Column::Name).do_nothing().to_owned();
    secret_key::Entity::insert(row.into_active_model()).on_conflict(once).exec_without_returning(&write.tx).await?;
    let kept = secret_key::Entity::find_by_id(NAME).one(&write.tx).await?.context("the key's row is there")?;
    write.commit().await?;
    if secrets.open(NAME, &kept.sealed).is_err() {
        bail!(
            "The database was sealed with another {NAME} than this server has. Put back the key that was kept with it \
             (the file secret.key in server.data_dir, or the setting {NAME}): without it no phone's password can be read."
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_is_opened_by_its_own_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.sqlite").display());
        let db = Db::connect(&url, 2).await.unwrap();
        let key = |byte: &str| Secrets::load(&byte.repeat(32), folder.path()).unwrap();
        for _ in 0..2 {
            recognise(&db, &key("5a")).await.unwrap();
        }
        let refused = recognise(&db, &key("5b")).await.unwrap_err().to_string();
        assert!(refused.contains("sealed with another server.secret_key"), "{refused}");
        recognise(&db, &key("5a")).await.unwrap();
    }
}
