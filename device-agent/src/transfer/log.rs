//! The program's own recent log, for "Vendor Log File" and the data model's `DeviceLog`.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// Bytes kept.
const MOST_BYTES: usize = 128 << 10;

static RECENT: Mutex<VecDeque<u8>> = Mutex::new(VecDeque::new());

/// Where the program's log has to be written to as well; see [`recent`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Recent;

impl io::Write for Recent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        recent.extend(bytes);
        let surplus = recent.len().saturating_sub(MOST_BYTES);
        recent.drain(..surplus);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Recent {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// The last lines, oldest first, of at most so many bytes. In a process with several phones they share it.
pub fn recent(most: usize) -> String {
    let recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    let from = recent.len().saturating_sub(most);
    let bytes: Vec<u8> = recent.iter().skip(from).copied().collect();
    let text = String::from_utf8_lossy(&bytes);
    // Not half a line at the top.
    match text.split_once('\n') {
        Some((_, rest)) if from > 0 || recent.len() == MOST_BYTES => rest.to_owned(),
        _ => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_end_is_kept_in_whole_lines() {
        for number in 0..20_000 {
            writeln!(Recent, "line {number}").unwrap();
        }
        let log = recent(usize::MAX);
        assert!(log.len() <= MOST_BYTES && log.ends_with("line 19999\n"));
        assert!(log.starts_with("line "));
        assert!(recent(20).len() < 20);
    }
}
