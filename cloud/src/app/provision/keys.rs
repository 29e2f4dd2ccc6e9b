//! Which password a phone's next file is encrypted with. A file tells the phone the password of the next one, and nobody says
//! whether the phone took it: a transfer may break off behind our back, or the phone refuses the file for another value in it.
//! So the password it had before is kept beside the new one until the phone shows which it has (by TR-069, or by the ETag of
//! the file it took), and who asks for the same version again is answered with the older one now and then.

use serde_json::from_str;

use super::file::FILE_KEY;
use crate::app::Result;
use crate::db::entity::phone_file;
use crate::secrets::Secrets;

/// Passwords a phone may have; more are forgotten, the oldest first.
const MOST: usize = 4;
/// How long an older one is kept beside the one that was told last, in milliseconds.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// And how long none at all, where the phone had none before: that file goes out in clear.
const CLEAR_MS: i64 = 24 * 3_600_000;

/// Passwords a phone may decrypt files with, in clear; empty text stands for none.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Keys {
    newest: String,
    /// The newest of them first.
    older: Vec<String>,
}

impl Keys {
    pub fn only(key: String) -> Self {
        Self { newest: key, older: Vec::new() }
    }

    pub fn of(secrets: &Secrets, row: &phone_file::Model, now: i64) -> Result<Self> {
        let mut keys = Self::only(secrets.open(FILE_KEY, &row.file_key)?);
        if !row.older_keys.is_empty() && now - row.key_at < KEPT_MS {
            for sealed in from_str::<Vec<String>>(&row.older_keys)? {
                let key = secrets.open(FILE_KEY, &sealed)?;
                if !key.is_empty() || now - row.key_at < CLEAR_MS {
                    keys.older.push(key);
                }
            }
        }
        Ok(keys)
    }

    pub fn newest(&self) -> &str {
        &self.newest
    }

    pub fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.newest).chain(&self.older).map(String::as_str)
    }

    /// For who asks for the same version this many times again (0: for the first time). An older one at 1, 3, 7, 15 and so
    /// on: a phone that has the newest and asks again and again is bothered less and less, and any other gets its file.
    pub fn at(&self, turn: i64) -> &str {
        let turn = turn.max(0) as u64;
        let nth = if (turn + 1).is_power_of_two() { (turn + 1).ilog2() as usize } else { 0 };
        let older = nth.checked_sub(1).and_then(|nth| self.older.get(nth.checked_rem(self.older.len())?));
        older.unwrap_or(&self.newest)
    }

    /// After a file was handed over that tells this one.
    pub fn told(self, next: &str) -> Self {
        let mut older: Vec<String> = std::iter::once(self.newest).chain(self.older).filter(|key| key != next).collect();
        older.truncate(MOST - 1);
        Self { newest: next.to_owned(), older }
    }

    /// As [`Keys::of`] reads them: the newest, and the others.
    pub fn sealed(&self, secrets: &Secrets) -> Result<(String, String)> {
        let seal = |key: &String| if key.is_empty() { Ok(String::new()) } else { secrets.seal(FILE_KEY, key) };
        let older = self.older.iter().map(seal).collect::<anyhow::Result<Vec<_>>>()?;
        let older = if older.is_empty() { String::new() } else { serde_json::to_string(&older)? };
        Ok((seal(&self.newest)?, older))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(all: &[&str]) -> Keys {
        let mut all = all.iter().map(|key| (*key).to_owned());
        Keys { newest: all.next().unwrap(), older: all.collect() }
    }

    #[test]
    fn whoever_asks_again_gets_every_password_in_turn_and_the_newest_mostly() {
        let of = |keys: &Keys| (0..16).map(|turn| keys.at(turn).to_owned()).collect::<Vec<_>>().concat();
        assert_eq!(of(&keys(&["c"])), "c".repeat(16));
        assert_eq!(of(&keys(&["c", "b"])), "cbcbcccbcccccccb");
        assert_eq!(of(&keys(&["c", "b", "a"])), "cbcacccbccccccca");
        assert_eq!(keys(&["c", "b"]).at(-1), "c");
    }

    #[test]
    fn what_was_told_comes_before_what_the_phone_may_have_kept() {
        let told = |from: &[&str], next: &str| keys(from).told(next).all().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(told(&["a"], "b"), ["b", "a"]);
        assert_eq!(told(&["b", "a"], "b"), ["b", "a"], "told again");
        assert_eq!(told(&["b", "a"], "a"), ["a", "b"]);
        assert_eq!(told(&["d", "c", "b", "a"], "e"), ["e", "d", "c", "b"]);
    }
}
