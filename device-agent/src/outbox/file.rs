//! The outbox on disk.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use contract::event::DeviceEvent;
use contract::mqtt::EventAck;
use serde::{Deserialize, Serialize};

use crate::atomic::{self, Survive};

/// The file is rewritten when it is longer than this and four times what it need be.
const COMPACT_FROM: u64 = 256 << 10;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Ack { ack: EventAck },
    Dropped { dropped: u64 },
    Event(DeviceEvent),
}

/// What the file held.
#[derive(Default)]
pub(super) struct Content {
    pub events: Vec<DeviceEvent>,
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
    pub(super) fn append(&mut self, event: &DeviceEvent) -> io::Result<()> {
        self.line(&Line::Event(event.clone()))?;
        self.file.sync_data()
    }

    pub(super) fn acknowledged(
        &mut self,
        ack: EventAck,
        left: &VecDeque<DeviceEvent>,
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

    /// Replaces the file by these events.
    pub(super) fn rewrite(&mut self, events: &VecDeque<DeviceEvent>, dropped: u64) -> io::Result<()> {
        let mut text = Vec::new();
        if dropped > 0 {
            write(&mut text, &Line::Dropped { dropped })?;
        }
        for event in events {
            write(&mut text, &Line::Event(event.clone()))?;
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
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 || line.last() != Some(&b'\n') {
            break;
        }
        whole += read as u64;
        match serde_json::from_slice(&line) {
            Ok(Line::Event(event)) => content.events.push(event),
            Ok(Line::Ack { ack }) => {
                content.events.retain(|event| !ack.covers(event.boot, event.seq));
            }
            Ok(Line::Dropped { dropped }) => content.dropped = dropped,
            Err(error) => tracing::warn!(%error, "a line of the outbox cannot be read: passed over"),
        }
    }
    content.events.sort_by_key(|event| (event.boot, event.seq));
    content.events.dedup_by_key(|event| (event.boot, event.seq));
    Ok((content, whole))
}
