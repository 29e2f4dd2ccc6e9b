//! The orders a phone remembers, on disk.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use contract::mqtt::CommandState;
use contract::rest::TaskResult;
use serde::{Deserialize, Serialize};

use crate::atomic::{self, Survive};
use crate::store::Storage;

/// The file's name.
const COMMANDS_FILE: &str = "commands.json";
const MOST: usize = 256;
/// Results are kept up to this many bytes in all; of the older ones only how they ended.
const MOST_OUTPUT: usize = 256 << 10;

/// One order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub id: String,
    /// The order's kind, for what a restart makes of it.
    pub kind: String,
    pub state: CommandState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<TaskResult>,
}

/// Whether an order is new.
#[derive(Debug, PartialEq)]
pub(crate) enum Begin {
    /// It is remembered now: begin.
    New,
    /// It was begun before, in this life or an earlier one.
    Known(Box<Known>),
}

/// The last 256, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    file: Option<PathBuf>,
    known: VecDeque<Known>,
}

impl Memory {
    /// Reads what an earlier life left, and ends what it had begun: a reboot has happened, anything else was cut off.
    /// Returns those as well. A file that cannot be read is put aside: a phone must come up.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn open(storage: &Storage) -> io::Result<(Self, Vec<Known>)> {
        let mut memory = Self { file: storage.file(COMMANDS_FILE), known: VecDeque::new() };
        let Some(path) = &memory.file else { return Ok((memory, Vec::new())) };
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((memory, Vec::new())),
            Err(error) => return Err(error),
        };
        match serde_json::from_slice(&text) {
            Ok(known) => memory.known = known,
            Err(error) => {
                tracing::error!(%error, "the memory of commands is damaged and put aside");
                std::fs::rename(path, path.with_extension("damaged"))?;
            }
        }
        let ended = memory.end_running();
        if !ended.is_empty() {
            memory.write()?;
        }
        Ok((memory, ended))
    }

    /// Everything, for the next life of a phone without a disk; what stays behind is empty.
    pub(crate) fn take(&mut self) -> (Self, Vec<Known>) {
        let mut next = std::mem::take(self);
        let ended = next.end_running();
        (next, ended)
    }

    fn end_running(&mut self) -> Vec<Known> {
        let mut ended = Vec::new();
        for known in self.known.iter_mut().filter(|known| !known.state.is_final()) {
            if known.kind == "reboot" {
                known.state = CommandState::Done;
            } else {
                known.state = CommandState::Failed;
                known.fault = Some("the phone restarted meanwhile".to_owned());
            }
            ended.push(known.clone());
        }
        ended
    }

    /// Remembers an order before it is begun. Synced when it returns.
    ///
    /// # Errors
    /// The file system's; the order must not be begun then.
    pub(crate) fn begin(&mut self, id: &str, kind: &str) -> io::Result<Begin> {
        if let Some(known) = self.known.iter().find(|known| known.id == id) {
            return Ok(Begin::Known(Box::new(known.clone())));
        }
        if self.known.len() == MOST {
            self.known.pop_front();
        }
        let (id, kind) = (id.to_owned(), kind.to_owned());
        self.known.push_back(Known { id, kind, state: CommandState::Running, fault: None, output: None });
        if let Err(error) = self.write() {
            self.known.pop_back();
            return Err(error);
        }
        Ok(Begin::New)
    }

    /// Remembers how an order ended. One that is forgotten already stays so.
    ///
    /// # Errors
    /// The file system's; it is known in memory then.
    pub(crate) fn end(
        &mut self,
        id: &str,
        state: CommandState,
        fault: Option<String>,
        output: Option<TaskResult>,
    ) -> io::Result<()> {
        let Some(known) = self.known.iter_mut().find(|known| known.id == id) else { return Ok(()) };
        (known.state, known.fault, known.output) = (state, fault, output);
        self.bound_output();
        self.write()
    }

    /// An order was not begun after all: the next of its name is new.
    ///
    /// # Errors
    /// The file system's; it is forgotten in memory then.
    pub(crate) fn forget(&mut self, id: &str) -> io::Result<()> {
        let before = self.known.len();
        self.known.retain(|known| known.id != id);
        if self.known.len() == before { Ok(()) } else { self.write() }
    }

    fn bound_output(&mut self) {
        let mut bytes = 0;
        for known in self.known.iter_mut().rev() {
            let Some(output) = &known.output else { continue };
            bytes += serde_json::to_vec(output).map_or(0, |text| text.len());
            if bytes > MOST_OUTPUT {
                known.output = None;
            }
        }
    }

    fn write(&self) -> io::Result<()> {
        let Some(path) = &self.file else { return Ok(()) };
        let text = serde_json::to_vec(&self.known).map_err(io::Error::other)?;
        atomic::replace(path, &text, Survive::PowerCut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(dir: &tempfile::TempDir) -> (Memory, Vec<Known>) {
        Memory::open(&Storage::Disk(dir.path().to_owned())).unwrap()
    }

    #[test]
    fn an_order_is_new_once_whatever_happens_to_the_phone() {
        let dir = tempfile::tempdir().unwrap();
        let (mut memory, ended) = disk(&dir);
        assert_eq!((memory.begin("a", "ping").unwrap(), ended), (Begin::New, vec![]));
        let output = Some(TaskResult::Methods { methods: vec!["x".into()] });
        memory.end("a", CommandState::Done, None, output.clone()).unwrap();
        let (mut memory, ended) = disk(&dir);
        assert!(ended.is_empty());
        let Begin::Known(known) = memory.begin("a", "ping").unwrap() else { panic!() };
        assert_eq!((known.state, known.output), (CommandState::Done, output));
    }

    #[test]
    fn a_restart_ends_what_was_begun() {
        let dir = tempfile::tempdir().unwrap();
        let mut memory = disk(&dir).0;
        memory.begin("r", "reboot").unwrap();
        memory.begin("p", "ping").unwrap();
        let (mut memory, ended) = disk(&dir);
        let ends: Vec<_> = ended.iter().map(|known| (known.id.as_str(), known.state)).collect();
        assert_eq!(ends, [("r", CommandState::Done), ("p", CommandState::Failed)]);
        assert!(matches!(memory.begin("r", "reboot").unwrap(), Begin::Known(known) if known.state.is_final()));
        // Told once.
        assert!(disk(&dir).1.is_empty());
    }

    #[test]
    fn the_last_256_are_remembered_and_long_results_cut_first() {
        let dir = tempfile::tempdir().unwrap();
        let mut memory = disk(&dir).0;
        for number in 0..MOST + 10 {
            memory.begin(&number.to_string(), "ping").unwrap();
            let output = TaskResult::Methods { methods: vec!["x".repeat(8 << 10)] };
            memory.end(&number.to_string(), CommandState::Done, None, Some(output)).unwrap();
        }
        let mut memory = disk(&dir).0;
        assert_eq!(memory.known.len(), MOST);
        assert_eq!(memory.begin("0", "ping").unwrap(), Begin::New);
        let kept = |id: usize| memory.known.iter().find(|known| known.id == id.to_string()).unwrap().output.is_some();
        assert!(kept(MOST + 9) && !kept(MOST - 100));
        assert!(std::fs::metadata(dir.path().join(COMMANDS_FILE)).unwrap().len() < 2 * MOST_OUTPUT as u64);
    }

    #[test]
    fn a_damaged_file_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(COMMANDS_FILE), "[{").unwrap();
        let (mut memory, ended) = disk(&dir);
        assert_eq!((memory.begin("a", "ping").unwrap(), ended), (Begin::New, vec![]));
        assert!(dir.path().join("commands.damaged").exists());
    }
}
