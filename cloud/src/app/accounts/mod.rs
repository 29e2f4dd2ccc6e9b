//! SIP servers, pools of extensions and SIP accounts: objects of a property, from which its phones' accounts follow.
//!
//! | file | what it is |
//! |---|---|
//! | `servers`, `pools` | the registrars, and the numbers given out |
//! | `change` | an account made, changed, removed, given a new password |
//! | `assign` | an account given to a room or a phone, and taken back; `room.extension` follows |
//! | `fill` | every room without an account gets one |
//! | `list` | accounts as people see them |
//! | `export` | the one place where passwords are read: for the PBX |
//! | `derive` | what an account means for the settings of a phone |

pub mod assign;
pub mod change;
pub mod derive;
pub mod export;
pub mod fill;
pub mod list;
pub mod pools;
mod reach;
pub mod servers;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::error::not_found;
use super::{App, Result};
use crate::db::entity::{property, sip_account, sip_server};
use crate::domain::catalogue;
use crate::secrets::random;

/// Accounts of a phone.
pub const SLOTS: [i32; 2] = [1, 2];
/// Letters and digits that nobody takes for each other, in files and on paper.
const LETTERS: &[u8; 56] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz2345678";
/// 139 bits.
const PASSWORD_LENGTH: usize = 24;

/// A password every phone and every file format takes: letters and digits only.
pub fn new_password() -> String {
    let mut password = String::with_capacity(PASSWORD_LENGTH);
    while password.len() < PASSWORD_LENGTH {
        // What lies above the last whole multiple is thrown away, so that all letters are as likely.
        let even = random::<32>().into_iter().filter(|byte| usize::from(*byte) < 256 / LETTERS.len() * LETTERS.len());
        let letters = even.filter_map(|byte| LETTERS.get(usize::from(byte) % LETTERS.len()));
        password.extend(letters.map(|letter| char::from(*letter)).take(PASSWORD_LENGTH - password.len()));
    }
    password
}

/// As it goes into phones' documents: sealed under the key of the setting.
pub fn seal(app: &App, slot: i32, password: &str) -> Result<String> {
    Ok(app.secrets.seal(&catalogue::sip_password(slot), password)?)
}

/// The password in plain text.
pub fn open(app: &App, account: &sip_account::Model) -> Result<String> {
    Ok(app.secrets.open(&catalogue::sip_password(account.slot), &account.password)?)
}

async fn property(tx: &impl ConnectionTrait, id: Uuid) -> Result<property::Model> {
    property::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| not_found("property"))
}

/// A server of this property.
async fn server(tx: &impl ConnectionTrait, property: Uuid, id: Uuid) -> Result<sip_server::Model> {
    let found = sip_server::Entity::find_by_id(id).filter(sip_server::Column::PropertyId.eq(property)).one(tx).await?;
    found.ok_or_else(|| not_found("SIP server"))
}

/// An account of this property.
async fn account(tx: &impl ConnectionTrait, property: Uuid, id: Uuid) -> Result<sip_account::Model> {
    let found =
        sip_account::Entity::find_by_id(id).filter(sip_account::Column::PropertyId.eq(property)).one(tx).await?;
    found.ok_or_else(|| not_found("SIP account"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn passwords_are_long_plain_and_never_the_same() {
        let made: HashSet<String> = (0..1000).map(|_| new_password()).collect();
        assert_eq!(made.len(), 1000);
        for password in &made {
            assert_eq!(password.len(), PASSWORD_LENGTH);
            assert!(password.bytes().all(|byte| LETTERS.contains(&byte)));
            assert_eq!(settings::validate(&catalogue::sip_password(1), password).as_ref(), Ok(password));
        }
        let used: HashSet<char> = made.iter().flat_map(|password| password.chars()).collect();
        assert_eq!(used.len(), LETTERS.len(), "every letter occurs");
    }
}
