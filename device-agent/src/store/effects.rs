//! `effects.log`: one JSON line for each setting whose value really changed and for each thing done, once.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use contract::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Document, intern};
use crate::atomic;

/// The log starts anew beyond this; the one before is kept as `effects.log.1`.
const MOST_BYTES: u64 = 8 << 20;
/// What stands in a secret's place.
const MASK: &str = "***";

/// A setting that changed, or something done: a [`Deed`]'s key is `action.reboot` or the like, which no setting has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    pub at: Timestamp,
    /// The document's write that did it.
    pub generation: u64,
    /// The desired version in force then.
    pub version: i64,
    pub parameter_key: Arc<str>,
    pub key: Arc<str>,
    /// Masked if secret; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Box<str>>,
    /// Masked if secret; absent if the setting was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Box<str>>,
}

impl Effect {
    /// The kind of the deed, if it is one.
    pub fn deed(&self) -> Option<&str> {
        self.key.strip_prefix(DEED_PREFIX)
    }
}

/// Something a phone does at most once for each order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// `reboot`, `factory-reset`, `download`, `upload`, `add-object`, `delete-object`, `schedule-inform`.
    pub kind: &'static str,
    /// The order's CommandKey or ParameterKey.
    pub command_key: String,
    /// What it was done to: a file type, an object.
    pub detail: Option<String>,
}

/// What a deed's effect is called.
const DEED_PREFIX: &str = "action.";

/// What the effects of one change share.
pub(super) struct Stamp {
    at: Timestamp,
    generation: u64,
    version: i64,
    parameter_key: Arc<str>,
}

impl Stamp {
    pub(super) fn of(document: &Document, at: Timestamp) -> Self {
        Self {
            at,
            generation: document.generation,
            version: document.version,
            parameter_key: document.parameter_key.as_str().into(),
        }
    }

    pub(super) fn deed(&self, deed: &Deed) -> Effect {
        Effect {
            at: self.at,
            generation: self.generation,
            version: self.version,
            parameter_key: deed.command_key.as_str().into(),
            key: intern(&format!("{DEED_PREFIX}{}", deed.kind)),
            old: None,
            new: deed.detail.as_deref().map(Into::into),
        }
    }

    pub(super) fn effect(&self, key: &Arc<str>, old: Option<Box<str>>, new: Option<&str>) -> Effect {
        // What the catalogue does not know is not shown either.
        let secret = settings::Catalogue::get().find(key).is_none_or(|found| found.setting.secret);
        let mask = |text: Box<str>| if secret { MASK.into() } else { text };
        Effect {
            at: self.at,
            generation: self.generation,
            version: self.version,
            parameter_key: self.parameter_key.clone(),
            key: key.clone(),
            old: old.map(mask),
            new: new.map(Into::into).map(mask),
        }
    }
}

/// Adds lines and syncs them.
pub(super) fn append(log: &Path, effects: &[Effect]) -> io::Result<()> {
    if effects.is_empty() {
        return Ok(());
    }
    if std::fs::metadata(log).is_ok_and(|about| about.len() > MOST_BYTES) {
        std::fs::rename(log, log.with_extension("log.1"))?;
    }
    let new = !log.exists();
    let mut lines = Vec::new();
    for effect in effects {
        serde_json::to_writer(&mut lines, effect).map_err(io::Error::other)?;
        lines.push(b'\n');
    }
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(log)?;
    file.write_all(&lines)?;
    file.sync_data()?;
    if new { atomic::sync_directory_of(log) } else { Ok(()) }
}

/// At start: cuts a half-written last line off and adds what the last change did but the log does not say.
pub(super) fn complete(log: &Path, last_change: &[Effect]) -> io::Result<()> {
    let mut seen = 0;
    match OpenOptions::new().read(true).write(true).open(log) {
        Ok(mut file) => {
            let generation = last_change.first().map_or(0, |effect| effect.generation);
            let (whole, count) = scan(&file, generation)?;
            seen = count;
            if file.metadata()?.len() != whole {
                file.set_len(whole)?;
                file.seek(SeekFrom::End(0))?;
                file.sync_all()?;
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    append(log, last_change.get(seen..).unwrap_or_default())
}

/// Bytes up to the last whole line, and how many lines are of this generation.
fn scan(file: &File, generation: u64) -> io::Result<(u64, usize)> {
    let mut reader = BufReader::new(file);
    let (mut whole, mut count, mut line) = (0, 0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok((whole, count));
        }
        whole += read as u64;
        if serde_json::from_slice::<Effect>(&line).is_ok_and(|effect| effect.generation == generation) {
            count += 1;
        }
    }
}

pub(super) fn read(log: &Path) -> Vec<Effect> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
