//! The SIP account of a room's phone: which one a row means, what is wrong with that, and what it changes. An account is
//! known by its server and its user: another user is another account, and the one before stays without a room.

use std::collections::{HashMap, HashSet};

use contract::rest::SECRET_MASK;
use uuid::Uuid;

use super::{Changes, Work};
use crate::domain::account::{MOST_ACCOUNTS, user, weakness};
use crate::domain::catalogue;
use crate::domain::import::mapping::Word;
use crate::domain::import::parse::{Found, Wanted};

/// Names of servers in one sentence.
const NAMED: usize = 20;

/// An account that is there.
#[derive(Clone, Debug)]
pub struct KnownAccount {
    pub id: Uuid,
    pub auth_user: String,
    pub display_name: String,
    /// In the clear; empty unless rows have passwords.
    pub password: String,
    /// 1 or 2: which account of a phone it is.
    pub slot: i32,
    pub shared: bool,
    pub rooms: Vec<Uuid>,
    pub phones: Vec<Uuid>,
}

/// What a row does to the account of its room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountStep {
    pub server: Uuid,
    pub user: String,
    /// `None`: it is made. Without a password of its own it gets a random one, without a name to prove itself its user.
    pub id: Option<Uuid>,
    pub auth_user: Option<String>,
    pub display_name: Option<String>,
    /// In the clear.
    pub password: Option<String>,
    /// The room gets it, instead of the one it has.
    pub give: bool,
}

impl AccountStep {
    pub fn changes(&self) -> bool {
        self.auth_user.is_some() || self.display_name.is_some() || self.password.is_some()
    }
}

/// The account a row means.
pub(super) struct Meant {
    server: Uuid,
    user: String,
    /// What the room's extension is to be; `None`: as it is.
    extension: Option<String>,
    /// The cell its user is from.
    pub(super) cell: Word,
}

type Wrong = (Word, Found);

impl<'a> Work<'a> {
    /// Finds the account of each row, and what its room's extension is to be.
    pub(super) fn accounts(&mut self) {
        let wanted = self.wanted;
        let (mut made, mut told) = (HashSet::new(), HashMap::new());
        for (at, row) in wanted.iter().enumerate() {
            let meant = self.meant(row).and_then(|meant| {
                let Some(meant) = meant else { return Ok(None) };
                self.free(row, &meant)?;
                self.agreed(at, row, &meant, &mut made, &mut told)?;
                Ok(Some(meant))
            });
            let meant = meant.unwrap_or_else(|(word, found)| {
                self.find(at, word, found);
                None
            });
            if let Some(meant) = &meant {
                self.account_warnings(at, row, meant);
            }
            self.extensions.push(meant.as_ref().map_or_else(|| row.extension.clone(), |meant| meant.extension.clone()));
            self.meant.push(meant);
        }
    }

    /// Which account a row is about, if any.
    fn meant(&self, row: &Wanted) -> Result<Option<Meant>, Wrong> {
        let Some(first) = row.account.first.filter(|_| !row.account.broken) else { return Ok(None) };
        let Some(number) = &row.room else {
            if row.mac.is_none() {
                // That has been said.
                return Ok(None);
            }
            let reason = "The SIP account is for a room, and the row names none.";
            let remedy = "Give the room's number, or take the column for a setting of the phone.";
            return Err((first, Found::error("names-nothing", reason, remedy)));
        };
        let room = self.known.rooms.get(number);
        let has = room.and_then(|room| room.account.as_ref());
        let server = self.server(row, has)?;
        let of_cell = row.account.user.clone().map(|user| (user, Word::SipUser));
        let of_extension = || row.extension.clone().map(|user| (user, Word::Extension));
        let there = || {
            let kept = room.map(|room| room.extension.clone()).filter(|extension| !extension.is_empty());
            has.map(|(_, user)| user.clone()).or(kept).map(|user| (user, first))
        };
        let Some((name, cell)) = of_cell.or_else(of_extension).or_else(there) else {
            if row.refused {
                // Perhaps it stands in a cell that has an error.
                return Ok(None);
            }
            let reason =
                format!("The row has part of a SIP account, and room {number} has neither SIP user nor extension.");
            return Err((Word::SipUser, Found::error("user-missing", reason, "Add a column with the SIP users.")));
        };
        let user = user(&name).map_err(|why| {
            let reason = format!("{name} cannot be a SIP user. {why}");
            (cell, Found::error("value-not-allowed", reason, "Correct the cell, or add a column with the SIP users."))
        })?;
        let same = has.is_some_and(|(on, of)| *on == server && *of == user);
        let shared = self.known.accounts.get(&(server, user.clone())).is_some_and(|account| account.shared);
        let kept = row.extension.as_ref().filter(|wanted| same && room.is_some_and(|room| room.extension == **wanted));
        let extension = match &row.extension {
            // Of several rooms that have it, it is the extension of none.
            wanted if shared => wanted.clone(),
            None if same => None,
            Some(_) if kept.is_some() => kept.cloned(),
            Some(wanted) if *wanted != user => {
                let reason =
                    format!("The row says extension {wanted} and SIP user {user}; a room's account is its extension.");
                let remedy = "Write the SIP user into the column of the extension too, or leave that column out.";
                return Err((Word::Extension, Found::error("extension-differs", reason, remedy)));
            }
            _ => Some(user.clone()),
        };
        Ok(Some(Meant { server, user, extension, cell }))
    }

    /// The server a row names, or the one there is.
    fn server(&self, row: &Wanted, has: Option<&(Uuid, String)>) -> Result<Uuid, Wrong> {
        let servers = &self.known.servers;
        let listed = || {
            let mut names: Vec<&str> = servers.keys().map(String::as_str).collect();
            names.sort_unstable();
            let more = if names.len() > NAMED { " and others" } else { "" };
            names.truncate(NAMED);
            format!("{}{more}", names.join(", "))
        };
        if servers.is_empty() {
            let remedy = "Add a SIP server to the property, or take the column for a setting.";
            let found =
                Found::error("server-unknown", "The property has no SIP server an account could be on.", remedy);
            return Err((Word::SipServer, found));
        }
        let Some(name) = &row.account.server else {
            let only = || servers.values().next().copied().filter(|_| servers.len() == 1);
            return has.map(|(server, _)| *server).or_else(only).ok_or_else(|| {
                let reason = format!("The property has several SIP servers, and the row names none: {}.", listed());
                (Word::SipServer, Found::error("server-missing", reason, "Add a column with the names of the servers."))
            });
        };
        let lower = name.to_lowercase();
        let mut alike = servers.iter().filter(|(other, _)| other.to_lowercase() == lower).map(|(_, id)| *id);
        let found = servers.get(name).copied().or_else(|| alike.next().filter(|_| alike.next().is_none()));
        found.ok_or_else(|| {
            let reason = format!("There is no SIP server of this name. There are: {}.", listed());
            (Word::SipServer, Found::error("server-unknown", reason, "Write one of these names, or add the server."))
        })
    }

    /// Whether the room may have it. What other rooms have is held against their rows together with the extensions.
    fn free(&self, row: &Wanted, meant: &Meant) -> Result<(), Wrong> {
        let key = (meant.server, meant.user.clone());
        let room = row.room.as_ref().and_then(|number| self.known.rooms.get(number));
        if room.is_some_and(|room| room.account.as_ref() == Some(&key)) {
            return Ok(());
        }
        let user = &meant.user;
        if self.known.emergency.contains(user) {
            let reason = format!("{user} is a number help is called by.");
            let found = Found::error("emergency-number", reason, "Give the room another SIP user.");
            return Err((meant.cell, found));
        }
        let Some(there) = self.known.accounts.get(&key) else { return Ok(()) };
        let taken = |what: String| {
            let remedy = "Choose another user, or take the account back first.";
            Err((meant.cell, Found::error("user-taken", format!("SIP user {user} is {what}."), remedy)))
        };
        if there.slot != 1 {
            return taken(format!("account {} of phones", there.slot));
        }
        if there.shared {
            return Ok(());
        }
        if !there.phones.is_empty() {
            return taken("the account of a phone of its own".to_owned());
        }
        let numbers = there.rooms.iter().filter_map(|id| self.numbers.get(id).copied());
        let mut others =
            numbers.filter(|number| self.known.rooms.get(*number).is_some_and(|room| room.extension != *user));
        others.next().map_or(Ok(()), |number| taken(format!("the account of room {number}")))
    }

    /// Whether rows agree on an account that several have, and whether there may be so many.
    fn agreed(
        &self,
        at: usize,
        row: &'a Wanted,
        meant: &Meant,
        made: &mut HashSet<(Uuid, String)>,
        told: &mut HashMap<(Uuid, String), usize>,
    ) -> Result<(), Wrong> {
        let key = (meant.server, meant.user.clone());
        let refused = self.refused.get(at).copied().unwrap_or_default();
        match self.known.accounts.get(&key) {
            None if refused => {}
            None => {
                if (self.known.accounts.len() + made.len()) as u64 >= MOST_ACCOUNTS && !made.contains(&key) {
                    let reason = format!("A property has at most {MOST_ACCOUNTS} accounts.");
                    let found = Found::error("too-many-accounts", reason, "Remove accounts that nobody has.");
                    return Err((meant.cell, found));
                }
                made.insert(key);
            }
            Some(_) => {
                let first = told.get(&key).and_then(|first| Some((*first, self.wanted.get(*first)?)));
                let Some((_, first)) = first else {
                    if !refused {
                        told.insert(key, at);
                    }
                    return Ok(());
                };
                let (one, other) = (&first.account, &row.account);
                let differ = |one: &Option<String>, other: &Option<String>| {
                    one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one != other)
                };
                let cell = [
                    (Word::SipAuthUser, &one.auth_user, &other.auth_user),
                    (Word::SipDisplayName, &one.display_name, &other.display_name),
                    (Word::SipPassword, &one.password, &other.password),
                ]
                .into_iter()
                .find(|(_, one, other)| differ(one, other));
                if let Some((cell, ..)) = cell {
                    let reason = format!("Line {} says something else of the account {}.", first.line, meant.user);
                    return Err((cell, Found::error("account-twice", reason, "Write the same into both rows.")));
                }
            }
        }
        Ok(())
    }

    fn account_warnings(&mut self, at: usize, row: &Wanted, meant: &Meant) {
        let key = (meant.server, meant.user.clone());
        let room = row.room.as_ref().and_then(|number| self.known.rooms.get(number));
        if let Some((_, old)) = room.and_then(|room| room.account.as_ref()).filter(|has| **has != key) {
            let reason = format!("The room has the account {old}, which stays with the property and is nobody's.");
            let remedy =
                "Nothing, if the room gets another account; remove the old one when the PBX has no use for it.";
            self.find(at, meant.cell, Found::warning("account-replaced", reason, remedy));
        }
        if let Some(why) = row.account.password.as_ref().and_then(|password| weakness(password, &meant.user)) {
            let remedy = "Leave the cell empty: a new account gets a random password, and the list for the PBX has it.";
            let found = Found::warning("password-weak", format!("The password is weak: {why}."), remedy);
            self.find(at, Word::SipPassword, found);
        }
        // A value set on the room comes before what follows from its account.
        let there = self.known.accounts.get(&key);
        let auth_user = row.account.auth_user.as_ref().or(there.map(|there| &there.auth_user)).unwrap_or(&meant.user);
        let password = row.account.password.as_ref().or(there.map(|there| &there.password));
        let own = [
            (catalogue::SIP_USER.to_owned(), Some(&meant.user)),
            (catalogue::SIP_AUTH_USER.to_owned(), Some(auth_user)),
            (catalogue::sip_password(1), password),
        ];
        let hides = |(key, wanted): &&(String, Option<&String>)| {
            let value = room.and_then(|room| self.known.values.get(&(room.id, key.clone())));
            value.is_some_and(|value| Some(value) != *wanted)
        };
        if let Some((key, _)) = own.iter().find(hides) {
            let title = catalogue::title_and_page(key).0;
            let reason = format!("\"{title}\" is set on the room itself, which comes before the account.");
            let remedy = "Remove the value from the room's settings.";
            self.find(at, meant.cell, Found::warning("hidden-by-setting", reason, remedy));
        }
    }

    /// What a row does to its account.
    pub(super) fn account(&self, at: usize, row: &Wanted, changes: &mut Changes) -> Option<AccountStep> {
        let meant = self.meant.get(at)?.as_ref()?;
        let key = (meant.server, meant.user.clone());
        let there = self.known.accounts.get(&key);
        let room = row.room.as_ref().and_then(|number| self.known.rooms.get(number));
        let has = room.and_then(|room| room.account.as_ref());
        // Blanks at its ends cannot be told apart in a file.
        let new = |old: Option<&String>, new: &Option<String>| {
            new.clone().filter(|new| old.is_none_or(|old| old.trim() != new.trim()))
        };
        let step = AccountStep {
            id: there.map(|there| there.id),
            auth_user: new(there.map(|there| &there.auth_user), &row.account.auth_user),
            display_name: new(there.map(|there| &there.display_name), &row.account.display_name),
            password: new(there.map(|there| &there.password), &row.account.password),
            give: has != Some(&key),
            server: meant.server,
            user: meant.user.clone(),
        };
        if step.give {
            let name = |id: &Uuid| self.server_names.get(id).copied().unwrap_or_default();
            let (old_server, old_user) = has.map_or(("", ""), |(server, user)| (name(server), user.as_str()));
            changes.differ("sip-server", old_server, name(&step.server));
            changes.differ("sip-user", old_user, &step.user);
        }
        if let Some(new) = &step.auth_user {
            changes.say("sip-auth-user", there.map_or("", |there| &there.auth_user), new);
        }
        if let Some(new) = &step.display_name {
            changes.say("sip-display-name", there.map_or("", |there| &there.display_name), new);
        }
        match (&step.password, there) {
            (Some(_), there) => changes.say("sip-password", there.map_or("", |_| SECRET_MASK), SECRET_MASK),
            (None, None) => changes.say("sip-password", "", "a random one"),
            (None, Some(_)) => {}
        }
        (step.give || step.changes()).then_some(step)
    }
}
