//! What the phone has been told, kept across restarts: one JSON document, replaced as a whole.
//!
//! A change is the document's write. Its effects travel inside the document until they stand in `effects.log`, so that
//! a crash between the two loses none and repeats none.

mod document;
mod effects;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::Timestamp;

pub use document::{Attribute, Document, MqttAccess, Scheduled, intern};
pub use effects::{Deed, Effect};

use crate::atomic::{self, Survive};

/// The settings file's name.
pub const SETTINGS_FILE: &str = "settings.json";
/// The effects log's name.
pub const EFFECTS_FILE: &str = "effects.log";
/// Effects a phone without a disk remembers.
const MEMORY_EFFECTS: usize = 256;

/// Where a phone keeps things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Below this directory.
    Disk(PathBuf),
    /// Until the program ends.
    Memory,
}

impl Storage {
    pub(crate) fn file(&self, name: &str) -> Option<PathBuf> {
        match self {
            Self::Disk(directory) => Some(directory.join(name)),
            Self::Memory => None,
        }
    }

    pub(crate) fn is_disk(&self) -> bool {
        matches!(self, Self::Disk(_))
    }
}

/// One change of one setting: the new value, or `None` to forget it.
pub type Change = (Arc<str>, Option<String>);

/// The settings document and where it lives.
#[derive(Debug)]
pub struct Store {
    storage: Storage,
    document: Document,
    /// Without a disk, instead of the log.
    effects: VecDeque<Effect>,
    /// How many effects of each kind there were since this was opened.
    done: Vec<(Arc<str>, u32)>,
}

impl Store {
    /// Reads the document; a phone without one starts empty. A file that cannot be read as one (worn-out flash) is put
    /// aside, since a phone must come up: the ACS fills it again.
    ///
    /// # Errors
    /// The file system's.
    pub fn open(storage: Storage) -> io::Result<Self> {
        let mut document = Document::default();
        if let Some(path) = storage.file(SETTINGS_FILE) {
            if let Some(directory) = path.parent() {
                atomic::private_directory(directory)?;
            }
            match read(&path)? {
                Some(Ok(read)) => document = read,
                Some(Err(error)) => {
                    tracing::error!(%error, "the settings file is damaged and put aside; starting without settings");
                    std::fs::rename(&path, path.with_extension("damaged"))?;
                }
                None => {}
            }
        }
        if let Some(log) = storage.file(EFFECTS_FILE) {
            effects::complete(&log, &document.last_change)?;
        }
        Ok(Self { storage, document, effects: VecDeque::new(), done: Vec::new() })
    }

    /// Everything, for the next life of a phone without a disk; what stays behind is empty.
    pub(crate) fn take(&mut self) -> Self {
        let (document, effects) = (std::mem::take(&mut self.document), std::mem::take(&mut self.effects));
        Self { storage: self.storage.clone(), document, effects, done: Vec::new() }
    }

    pub fn document(&self) -> &Document {
        &self.document
    }

    /// A setting's stored value; `None` if never set.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.document.values.get(key).map(AsRef::as_ref)
    }

    /// Changes anything but settings values. Nothing is changed on error.
    ///
    /// # Errors
    /// The file system's.
    pub fn update(&mut self, change: impl FnOnce(&mut Document)) -> io::Result<()> {
        if !self.storage.is_disk() {
            change(&mut self.document);
            self.document.generation += 1;
            return Ok(());
        }
        let mut next = self.document.clone();
        change(&mut next);
        next.generation += 1;
        self.write(next)
    }

    /// Changes what need not survive the program's end by itself: it is kept with the next write.
    pub fn touch<R>(&mut self, change: impl FnOnce(&mut Document) -> R) -> R {
        change(&mut self.document)
    }

    /// Sets values and whatever `also` does, all at once or not at all. Tells what really changed.
    ///
    /// # Errors
    /// The file system's; nothing is changed then.
    pub fn set(
        &mut self,
        changes: &[Change],
        at: Timestamp,
        also: impl FnOnce(&mut Document),
    ) -> io::Result<Vec<Effect>> {
        self.commit(changes, &[], at, also)
    }

    /// Like [`Self::set`], for what is done besides setting values; each deed is an effect of its own.
    ///
    /// # Errors
    /// The file system's; nothing is changed then.
    pub fn commit(
        &mut self,
        changes: &[Change],
        deeds: &[Deed],
        at: Timestamp,
        also: impl FnOnce(&mut Document),
    ) -> io::Result<Vec<Effect>> {
        let effects = if self.storage.is_disk() {
            let mut next = self.document.clone();
            let effects = record(&mut next, changes, deeds, at, also);
            next.last_change.clone_from(&effects);
            self.write(next)?;
            effects
        } else {
            record(&mut self.document, changes, deeds, at, also)
        };
        self.remember(&effects);
        Ok(effects)
    }

    /// Every effect still known, oldest first.
    pub fn effects(&self) -> Vec<Effect> {
        match self.storage.file(EFFECTS_FILE) {
            Some(log) => effects::read(&log),
            None => self.effects.iter().cloned().collect(),
        }
    }

    /// How many effects of each kind there were since this was opened: deeds by their name, changed settings together as
    /// `setting`.
    pub fn done(&self) -> &[(Arc<str>, u32)] {
        &self.done
    }

    fn remember(&mut self, done: &[Effect]) {
        for effect in done {
            let kind = effect.deed().unwrap_or("setting");
            match self.done.iter_mut().find(|(known, _)| **known == *kind) {
                Some((_, count)) => *count += 1,
                None => self.done.push((intern(kind), 1)),
            }
        }
        match self.storage.file(EFFECTS_FILE) {
            // The document holds them too: a log that cannot be written now is completed at the next start.
            Some(log) => {
                if let Err(error) = effects::append(&log, done) {
                    tracing::warn!(%error, "the effects log could not be written");
                }
            }
            None => {
                self.effects.extend(done.iter().cloned());
                let surplus = self.effects.len().saturating_sub(MEMORY_EFFECTS);
                self.effects.drain(..surplus);
            }
        }
    }

    fn write(&mut self, next: Document) -> io::Result<()> {
        if let Some(path) = self.storage.file(SETTINGS_FILE) {
            let text = serde_json::to_vec_pretty(&next).map_err(io::Error::other)?;
            atomic::replace(&path, &text, Survive::PowerCut)?;
        }
        self.document = next;
        Ok(())
    }
}

/// Carries the change out on a document.
fn record(
    document: &mut Document,
    changes: &[Change],
    deeds: &[Deed],
    at: Timestamp,
    also: impl FnOnce(&mut Document),
) -> Vec<Effect> {
    also(document);
    document.generation += 1;
    let stamp = effects::Stamp::of(document, at);
    let mut done = Vec::new();
    for (key, new) in changes {
        let old = match new {
            Some(new) => document.values.insert(key.clone(), new.as_str().into()),
            None => document.values.remove(key),
        };
        if old.as_deref() != new.as_deref() {
            done.push(stamp.effect(key, old, new.as_deref()));
        }
    }
    done.extend(deeds.iter().map(|deed| stamp.deed(deed)));
    done
}

/// `None`: there is no file. The inner error: it holds no document.
fn read(path: &Path) -> io::Result<Option<Result<Document, serde_json::Error>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
