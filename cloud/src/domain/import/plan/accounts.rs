//! The SIP account of a room's phone: which one a row means, what is wrong with that, and what it changes. An account is
//! known by its server and its user: another user is another account, and the one before stays without a room.

use std::collections::{HashMap, HashSet};

use contract::rest::SECRET_MASK;
use uuid::Uuid;

use super::{Changes, Work};
use crate::domain::account::{MOST_ACCOUNTS, display_name, user, weakness};
use crate::domain::catalogue;
use crate::domain::import::mapping::Word;
use crate::domain::import::parse::{Found, Wanted};

/// Settings of an account that come before it where they are set on a room or a phone: user, name to prove itself,
/// password and server.
pub fn hiding() -> [String; 4] {
    let [user, auth_user, server] =
        [catalogue::SIP_USER, catalogue::SIP_AUTH_USER, catalogue::SIP_SERVER].map(str::to_owned);
    [user, auth_user, catalogue::sip_password(1), server]
}

/// Names of servers in one sentence.
const NAMED: usize = 20;

/// An account that is there.
#[derive(Clone)]
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
#[derive(Clone, Default, PartialEq, Eq)]
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
    cell: Word,
    pub(super) shared: bool,
}

impl Meant {
    /// The cell the room's extension is from.
    pub(super) fn says(&self) -> Word {
        let is_user = !self.shared && self.extension.as_ref() == Some(&self.user);
        if is_user { self.cell } else { Word::Extension }
    }
}

type Wrong = (Word, Found);
/// What rows say of accounts that are there: in which line, and what.
type Told<'a> = HashMap<(Uuid, String, Word), (u32, &'a str)>;

impl<'a> Work<'a> {
    /// Finds the account of each row, and what its room's extension is to be.
    pub(super) fn accounts(&mut self) {
        let wanted = self.wanted;
        let (mut made, mut told) = (HashSet::new(), Told::new());
        for (at, row) in wanted.iter().enumerate() {
            let meant = self.meant(row).and_then(|meant| {
                let Some(meant) = meant else { return Ok(None) };
                self.free(row, &meant)?;
                self.named(row, &meant)?;
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
        // A row that repeats the room's extension means the account the room has.
        let repeats = room.is_some_and(|room| row.extension.as_ref() == Some(&room.extension));
        let its_own =
            || has.filter(|(on, _)| repeats && *on == server).map(|(_, user)| (user.clone(), Word::Extension));
        let of_extension = || row.extension.clone().map(|user| (user, Word::Extension));
        let there = || {
            let kept = room.map(|room| room.extension.clone()).filter(|extension| !extension.is_empty());
            has.map(|(_, user)| user.clone()).or(kept).map(|user| (user, first))
        };
        let Some((name, cell)) = of_cell.or_else(its_own).or_else(of_extension).or_else(there) else {
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
        let shared = self.known.is_shared(&(server, user.clone()));
        let kept = row.extension.as_ref().filter(|wanted| same && room.is_some_and(|room| room.extension == **wanted));
        // The room's number that goes with the account it had.
        let left = || room.is_some_and(|room| has.is_some_and(|(_, of)| *of == room.extension) && !same);
        let extension = match &row.extension {
            // Several rooms have it, so it is the extension of none of them unless the row says so.
            Some(wanted) if shared => Some(wanted.clone()),
            None if shared => left().then(String::new),
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
        Ok(Some(Meant { server, user, extension, cell, shared }))
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
        let alike: Vec<Uuid> =
            servers.iter().filter(|(other, _)| other.to_lowercase() == lower).map(|(_, id)| *id).collect();
        servers
            .get(name)
            .copied()
            .map_or_else(
                || match alike.as_slice() {
                    [only] => Ok(*only),
                    [] => Err(format!("There is no SIP server of this name. There are: {}.", listed())),
                    _ => Err(format!("Several SIP servers have this name but for capitals. There are: {}.", listed())),
                },
                Ok,
            )
            .map_err(|reason| {
                let remedy = "Write one of these names as it stands here, or add the server.";
                (Word::SipServer, Found::error("server-unknown", reason, remedy))
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

    /// Whether phones can show its name. One that is there already stays, whatever it is.
    fn named(&self, row: &Wanted, meant: &Meant) -> Result<(), Wrong> {
        let Some(name) = &row.account.display_name else { return Ok(()) };
        let there = self.known.accounts.get(&(meant.server, meant.user.clone()));
        if there.is_some_and(|there| there.display_name.trim() == name) {
            return Ok(());
        }
        display_name(name).map(drop).map_err(|why| {
            let remedy = "Correct the cell, or empty it to leave the field as it is.";
            (Word::SipDisplayName, Found::error("value-not-allowed", why, remedy))
        })
    }

    /// Whether rows agree on an account that several have, and whether there may be so many.
    fn agreed(
        &self,
        at: usize,
        row: &'a Wanted,
        meant: &Meant,
        made: &mut HashSet<(Uuid, String)>,
        told: &mut Told<'a>,
    ) -> Result<(), Wrong> {
        let key = (meant.server, meant.user.clone());
        let refused = self.refused.get(at).copied().unwrap_or_default();
        if !self.known.accounts.contains_key(&key) {
            if refused {
                return Ok(());
            }
            if (self.known.accounts.len() + made.len()) as u64 >= MOST_ACCOUNTS && !made.contains(&key) {
                let reason = format!("A property has at most {MOST_ACCOUNTS} accounts.");
                let found = Found::error("too-many-accounts", reason, "Remove accounts that nobody has.");
                return Err((meant.cell, found));
            }
            made.insert(key);
            return Ok(());
        }
        let says = [
            (Word::SipAuthUser, &row.account.auth_user),
            (Word::SipDisplayName, &row.account.display_name),
            (Word::SipPassword, &row.account.password),
        ];
        let says = || says.iter().filter_map(|(word, text)| Some((*word, text.as_deref()?)));
        let of = |word: Word| (meant.server, meant.user.clone(), word);
        for (word, text) in says() {
            if let Some((line, _)) = told.get(&of(word)).filter(|(_, other)| *other != text) {
                let reason = format!("Line {line} says something else of the account {}.", meant.user);
                return Err((word, Found::error("account-twice", reason, "Write the same into both rows.")));
            }
        }
        if !refused {
            for (word, text) in says() {
                told.entry(of(word)).or_insert((row.line, text));
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
        if let Some((key, on)) = self.hidden(row, meant, room.map(|room| room.id)) {
            let title = catalogue::title_and_page(&key).0;
            let reason = format!("\"{title}\" is set on the {on} itself, which comes before the account.");
            let remedy = "Remove the value from the settings there.";
            self.find(at, meant.cell, Found::warning("hidden-by-setting", reason, remedy));
        }
    }

    /// The first value set on the room or its phone that comes before what follows from the account, and where it is set.
    fn hidden(&self, row: &Wanted, meant: &Meant, room: Option<Uuid>) -> Option<(String, &'static str)> {
        let there = self.known.accounts.get(&(meant.server, meant.user.clone()));
        let stands = || self.standing.get(&room?).copied();
        let phone = row.mac.or_else(stands).and_then(|mac| self.known.phones.get(&mac)).map(|phone| phone.id);
        let auth_user = row.account.auth_user.as_ref().or(there.map(|there| &there.auth_user)).unwrap_or(&meant.user);
        let password = row.account.password.as_ref().or(there.map(|there| &there.password));
        // The server's address is not known here: whatever is set comes before it.
        let follows = [Some(&meant.user), Some(auth_user), password, None];
        let scopes = [(room, "room"), (phone, "phone")];
        hiding().into_iter().zip(follows).find_map(|(key, follows)| {
            let hides =
                |scope: Uuid| self.known.values.get(&(scope, key.clone())).is_some_and(|set| Some(set) != follows);
            let on = scopes.iter().find(|(scope, _)| scope.is_some_and(hides))?.1;
            Some((key, on))
        })
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
