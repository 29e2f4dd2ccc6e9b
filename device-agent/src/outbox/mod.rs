//! Events on their way to the cloud. Each is on disk, synced, before it is published, and stays until the cloud says it
//! has it. `(boot, seq)` names it for ever.
//!
//! The file holds JSON lines: events, and acknowledgements `{"ack":{boot,first,last}}` (not synced: one that is lost costs a
//! repetition). It is cut to nothing whenever all is acknowledged, and rewritten when mostly acknowledged.

mod file;

use std::collections::VecDeque;
use std::io;

use contract::Timestamp;
use contract::event::{DeviceEvent, EventKind};
use contract::mqtt::EventAck;

use crate::store::Storage;
use file::File;

/// The outbox file's name.
pub const OUTBOX_FILE: &str = "outbox.jsonl";
/// Bytes of unacknowledged events kept on disk.
const MOST_BYTES_DISK: u64 = 64 << 20;
/// … and in memory, a simulated phone.
const MOST_BYTES_MEMORY: u64 = 64 << 10;

/// Unacknowledged events, oldest first.
#[derive(Debug)]
pub struct Outbox {
    boot: u32,
    next_seq: u64,
    events: VecDeque<DeviceEvent>,
    /// Bytes the events take as lines.
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
            events: VecDeque::new(),
            bytes: 0,
            most_bytes: if storage.is_disk() { MOST_BYTES_DISK } else { MOST_BYTES_MEMORY },
            dropped: 0,
            file: None,
        };
        if let Some(path) = storage.file(OUTBOX_FILE) {
            let (file, content) = File::open(path)?;
            outbox.file = Some(file);
            outbox.dropped = content.dropped;
            for event in content.events {
                outbox.bytes += size(&event);
                // Should the boot counter ever have been lost, numbers are not given twice all the same.
                if event.boot == boot {
                    outbox.next_seq = outbox.next_seq.max(event.seq + 1);
                }
                outbox.events.push_back(event);
            }
        }
        Ok(outbox)
    }

    /// Everything, for the next life of a phone without a disk; what stays behind is empty.
    pub(crate) fn take(&mut self, boot: u32) -> Self {
        let events = std::mem::take(&mut self.events);
        let bytes = std::mem::take(&mut self.bytes);
        Self { boot, next_seq: 1, events, bytes, most_bytes: self.most_bytes, dropped: self.dropped, file: None }
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
        self.next_seq += 1;
        self.bytes += size(&event);
        self.events.push_back(event.clone());
        let made_room = self.make_room();
        match &mut self.file {
            None => {}
            Some(file) if made_room => file.rewrite(&self.events, self.dropped)?,
            Some(file) => file.append(&event)?,
        }
        Ok(event)
    }

    /// The cloud has stored these events.
    ///
    /// # Errors
    /// The file system's; the events are forgotten all the same and may be repeated after a restart.
    pub fn acknowledge(&mut self, ack: EventAck) -> io::Result<usize> {
        let before = self.events.len();
        let bytes = &mut self.bytes;
        self.events.retain(|event| {
            let kept = !ack.covers(event.boot, event.seq);
            if !kept {
                *bytes -= size(event);
            }
            kept
        });
        let removed = before - self.events.len();
        if self.events.is_empty() {
            self.events.shrink_to_fit();
        }
        if let (Some(file), 1..) = (&mut self.file, removed) {
            file.acknowledged(ack, &self.events, self.bytes, self.dropped)?;
        }
        Ok(removed)
    }

    /// Unacknowledged events, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &DeviceEvent> {
        self.events.iter()
    }

    /// The oldest unacknowledged event after this one. Events are in the order of (boot, seq).
    pub fn after(&self, last: Option<(u32, u64)>) -> Option<&DeviceEvent> {
        let start = last.map_or(0, |last| self.events.partition_point(|event| (event.boot, event.seq) <= last));
        self.events.get(start)
    }

    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Events given up for want of room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Drops the oldest until the rest fits: what only tells of the phone's health first, then anything.
    fn make_room(&mut self) -> bool {
        if self.bytes <= self.most_bytes {
            return false;
        }
        // A good part at once: dropping rewrites the file.
        let target = self.most_bytes - self.most_bytes / 8;
        for telemetry_only in [true, false] {
            let (bytes, dropped) = (&mut self.bytes, &mut self.dropped);
            // The newest is the one being stored.
            let newest = self.events.back().map(|event| (event.boot, event.seq));
            self.events.retain(|event| {
                let drop = *bytes > target
                    && (!telemetry_only || is_telemetry(event.kind))
                    && Some((event.boot, event.seq)) != newest;
                if drop {
                    *bytes -= size(event);
                    *dropped += 1;
                }
                !drop
            });
        }
        tracing::warn!(dropped = self.dropped, "the outbox is full: the oldest events are given up");
        true
    }
}

/// What a person at the front desk would not miss.
fn is_telemetry(kind: EventKind) -> bool {
    use EventKind::*;
    matches!(
        kind,
        SetupCompleted
            | Registered
            | Unregistered
            | RegisterFailed
            | IdleToBusy
            | BusyToIdle
            | AutoProvisionCompleted
            | IpChange
    )
}

/// The length of the event's line, near enough and without writing it.
fn size(event: &DeviceEvent) -> u64 {
    let detail = event.detail.as_ref().map_or(0, |detail| detail.len() + 12);
    let account = event.account.map_or(0, |_| 12);
    (88 + event.kind.as_str().len() + detail + account) as u64
}

#[cfg(test)]
mod tests;
