//! The outbox on disk.

use std::collections::{BTreeMap, VecDeque};
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use contract::event::DeviceEvent;
use contract::mqtt::{CommandResult, EventAck, Telemetry};
use serde::{Deserialize, Serialize};

use super::Kept;
use super::entry::Entry;
use crate::atomic::{self, Survive};

/// The file is rewritten when it is longer than this and four times what it need be.
const COMPACT_FROM: u64 = 256 << 10;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Ack { ack: EventAck },
    Dropped { dropped: u64 },
    Telemetry { telemetry: Box<Telemetry> },
    Result { result: Box<CommandResult> },
    Event(DeviceEvent),
}

impl From<&Entry> for Line {
    fn from(entry: &Entry) -> Self {
        match entry.clone() {
            Entry::Event(event) => Self::Event(event),
            Entry::Telemetry(telemetry) => Self::Telemetry { telemetry },
            Entry::Result(result) => Self::Result { result },
        }
    }
}

/// What the file held.
#[derive(Default)]
pub(super) struct Content {
    pub entries: Vec<Entry>,
    pub dropped: u64,
}

#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    file: std::fs::File,
    length: u64,
}

impl File {
    pub(super) fn open(path: PathBuf) -> io::Result<(Self, Content)> {
        if let Some(directory) = path.parent() {
            atomic::private_directory(directory)?;
        }
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        let (content, whole) = read(&file)?;
        // A line cut off by a crash goes, or the next would be written onto its end.
        if file.metadata()?.len() != whole {
            tracing::info!("the outbox ended in half a line: cut off");
            file.set_len(whole)?;
        }
        file.seek(SeekFrom::Start(whole))?;
        file.sync_all()?;
        atomic::sync_directory_of(&path)?;
        Ok((Self { path, file, length: whole }, content))
    }

    /// Synced when it returns.
    pub(super) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        self.line(&entry.into())?;
        self.file.sync_data()
    }

    pub(super) fn acknowledged(
        &mut self,
        ack: EventAck,
        left: &VecDeque<Kept>,
        left_bytes: u64,
        dropped: u64,
    ) -> io::Result<()> {
        if left.is_empty() && dropped == 0 {
            self.file.set_len(0)?;
            self.file.seek(SeekFrom::Start(0))?;
            self.length = 0;
            Ok(())
        } else if self.length > COMPACT_FROM && self.length / 4 > left_bytes {
            self.rewrite(left, dropped)
        } else {
            self.line(&Line::Ack { ack })
        }
    }

    /// Replaces the file by these entries.
    pub(super) fn rewrite(&mut self, entries: &VecDeque<Kept>, dropped: u64) -> io::Result<()> {
        let mut text = Vec::new();
        if dropped > 0 {
            write(&mut text, &Line::Dropped { dropped })?;
        }
        for kept in entries {
            write(&mut text, &(&kept.entry).into())?;
        }
        atomic::replace(&self.path, &text, Survive::PowerCut)?;
        self.file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        self.length = self.file.seek(SeekFrom::End(0))?;
        Ok(())
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        let mut text = Vec::with_capacity(160);
        write(&mut text, line)?;
        if let Err(error) = self.file.write_all(&text) {
            // Half a line must not stay before the next one.
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            return Err(error);
        }
        self.length += text.len() as u64;
        Ok(())
    }
}

fn write(text: &mut Vec<u8>, line: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *text, line).map_err(io::Error::other)?;
    text.push(b'\n');
    Ok(())
}

/// What the file holds, and its length up to the last whole line. A line in the middle that cannot be read (a worn-out
/// flash) is passed over.
fn read(file: &std::fs::File) -> io::Result<(Content, u64)> {
    let mut reader = BufReader::new(file);
    let (mut content, mut whole, mut line) = (Content::default(), 0, Vec::new());
    let mut entries = BTreeMap::new();
    let keep = |entries: &mut BTreeMap<_, _>, entry: Entry| drop(entries.insert(entry.name(), entry));
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 || line.last() != Some(&b'\n') {
            break;
        }
        whole += read as u64;
        match serde_json::from_slice(&line) {
            Ok(Line::Event(event)) => keep(&mut entries, Entry::Event(event)),
            Ok(Line::Telemetry { telemetry }) => keep(&mut entries, Entry::Telemetry(telemetry)),
            Ok(Line::Result { result }) => keep(&mut entries, Entry::Result(result)),
            Ok(Line::Ack { ack }) if ack.first <= ack.last => {
                entries.extract_if((ack.boot, ack.first)..=(ack.boot, ack.last), |_, _| true).for_each(drop);
            }
            Ok(Line::Ack { .. }) => {}
            Ok(Line::Dropped { dropped }) => content.dropped = dropped,
            Err(error) => tracing::warn!(%error, "a line of the outbox cannot be read: passed over"),
        }
    }
    content.entries = entries.into_values().collect();
    Ok((content, whole))
}
