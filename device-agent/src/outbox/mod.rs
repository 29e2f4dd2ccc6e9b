//! Events, telemetry and results on their way to the cloud. Each is on disk, synced, before it is published, and stays until
//! the cloud says it has it. `(boot, seq)` names it for ever.
//!
//! The file holds JSON lines: entries, and acknowledgements `{"ack":{boot,first,last}}` (not synced: one that is lost costs a
//! repetition). It is cut to nothing whenever all is acknowledged, and rewritten when mostly acknowledged.

mod entry;
mod file;

use std::collections::VecDeque;
use std::io;

use contract::Timestamp;
use contract::event::{DeviceEvent, EventKind};
use contract::mqtt::{CommandResult, CommandState, EventAck, Item, Telemetry};
use contract::rest::TaskResult;

use crate::store::Storage;
use file::File;

pub use entry::{Entry, Worth};

/// The outbox file's name.
pub const OUTBOX_FILE: &str = "outbox.jsonl";
/// Bytes of unacknowledged entries kept on disk.
const MOST_BYTES_DISK: u64 = 64 << 20;
/// … and in memory, a simulated phone.
const MOST_BYTES_MEMORY: u64 = 64 << 10;

/// An entry and the bytes it takes as a line, near enough.
#[derive(Debug)]
struct Kept {
    entry: Entry,
    bytes: u32,
}

/// Unacknowledged entries, oldest first.
#[derive(Debug)]
pub struct Outbox {
    boot: u32,
    next_seq: u64,
    entries: VecDeque<Kept>,
    /// Bytes the entries take as lines.
    bytes: u64,
    most_bytes: u64,
    dropped: u64,
    file: Option<File>,
}

impl Outbox {
    /// Reads what an earlier life left. `boot` must be greater than any before.
    ///
    /// # Errors
    /// The file system's.
    pub fn open(storage: &Storage, boot: u32) -> io::Result<Self> {
        let mut outbox = Self {
            boot,
            next_seq: 1,
            entries: VecDeque::new(),
            bytes: 0,
            most_bytes: if storage.is_disk() { MOST_BYTES_DISK } else { MOST_BYTES_MEMORY },
            dropped: 0,
            file: None,
        };
        if let Some(path) = storage.file(OUTBOX_FILE) {
            let (file, content) = File::open(path)?;
            outbox.file = Some(file);
            outbox.dropped = content.dropped;
            for entry in content.entries {
                let (of, seq) = entry.name();
                // Should the boot counter ever have been lost, numbers are not given twice all the same.
                if of == boot {
                    outbox.next_seq = outbox.next_seq.max(seq + 1);
                }
                outbox.keep(entry);
            }
        }
        Ok(outbox)
    }

    /// Everything, for the next life of a phone without a disk; what stays behind is empty.
    pub(crate) fn take(&mut self, boot: u32) -> Self {
        let entries = std::mem::take(&mut self.entries);
        let bytes = std::mem::take(&mut self.bytes);
        Self { boot, next_seq: 1, entries, bytes, most_bytes: self.most_bytes, dropped: self.dropped, file: None }
    }

    /// Stores an event; afterwards it may be published.
    ///
    /// # Errors
    /// The file system's; the event is kept in memory then.
    pub fn push(
        &mut self,
        at: Timestamp,
        kind: EventKind,
        account: Option<u8>,
        detail: Option<&str>,
    ) -> io::Result<DeviceEvent> {
        let detail = detail.map(|detail| detail.chars().take(DeviceEvent::MAX_DETAIL).collect());
        let event = DeviceEvent { boot: self.boot, seq: self.next_seq, at, kind, account, detail };
        self.store(Entry::Event(event.clone()))?;
        Ok(event)
    }

    /// Stores measurements.
    ///
    /// # Errors
    /// The file system's; they are kept in memory then.
    pub fn push_telemetry(&mut self, at: Timestamp, items: Vec<Item>) -> io::Result<()> {
        self.store(Entry::Telemetry(Box::new(Telemetry { boot: self.boot, seq: self.next_seq, at, items })))
    }

    /// Stores what came of a command.
    ///
    /// # Errors
    /// The file system's; it is kept in memory then.
    pub fn push_result(
        &mut self,
        at: Timestamp,
        id: String,
        state: CommandState,
        fault: Option<String>,
        output: Option<TaskResult>,
    ) -> io::Result<()> {
        let result = CommandResult { boot: self.boot, seq: self.next_seq, id, at, state, fault, output };
        self.store(Entry::Result(Box::new(result)))
    }

    fn store(&mut self, entry: Entry) -> io::Result<()> {
        self.next_seq += 1;
        self.keep(entry);
        let made_room = self.make_room();
        match (&mut self.file, self.entries.back()) {
            (Some(file), _) if made_room => file.rewrite(&self.entries, self.dropped),
            (Some(file), Some(newest)) => file.append(&newest.entry),
            _ => Ok(()),
        }
    }

    fn keep(&mut self, entry: Entry) {
        let bytes = entry.size();
        self.bytes += u64::from(bytes);
        self.entries.push_back(Kept { entry, bytes });
    }

    /// The cloud has stored what these name.
    ///
    /// # Errors
    /// The file system's; they are forgotten all the same and may be repeated after a restart.
    pub fn acknowledge(&mut self, ack: EventAck) -> io::Result<usize> {
        // In order, so that what it names lies together.
        let first = self.entries.partition_point(|kept| kept.entry.name() < (ack.boot, ack.first));
        let end = self.entries.partition_point(|kept| kept.entry.name() <= (ack.boot, ack.last));
        let removed = end.saturating_sub(first);
        if removed == 0 {
            return Ok(0);
        }
        self.bytes -= self.entries.drain(first..end).map(|kept| u64::from(kept.bytes)).sum::<u64>();
        if self.entries.is_empty() {
            self.entries.shrink_to_fit();
        }
        if let Some(file) = &mut self.file {
            file.acknowledged(ack, &self.entries, self.bytes, self.dropped)?;
        }
        Ok(removed)
    }

    /// Unacknowledged entries, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(|kept| &kept.entry)
    }

    /// The oldest unacknowledged entry after this one. Entries are in the order of (boot, seq).
    pub fn after(&self, last: Option<(u32, u64)>) -> Option<&Entry> {
        let start = last.map_or(0, |last| self.entries.partition_point(|kept| kept.entry.name() <= last));
        self.entries.get(start).map(|kept| &kept.entry)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries given up for want of room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Drops the oldest of what is worth least until the rest fits. What is just being stored goes last of its kind; an
    /// alarm goes only when there are nothing but alarms.
    fn make_room(&mut self) -> bool {
        if self.bytes <= self.most_bytes {
            return false;
        }
        // A good part at once: dropping rewrites the file.
        let target = self.most_bytes - self.most_bytes / 8;
        for worth in [Worth::Telemetry, Worth::Event, Worth::Alarm] {
            // Alarms only as far as they must.
            let target = if worth == Worth::Alarm { self.most_bytes } else { target };
            let (bytes, dropped) = (&mut self.bytes, &mut self.dropped);
            self.entries.retain(|kept| {
                let drop = *bytes > target && kept.entry.worth() == worth;
                if drop {
                    *bytes -= u64::from(kept.bytes);
                    *dropped += 1;
                }
                !drop
            });
        }
        tracing::warn!(dropped = self.dropped, "the outbox is full: the oldest of the least worth are given up");
        true
    }
}

#[cfg(test)]
mod tests;
