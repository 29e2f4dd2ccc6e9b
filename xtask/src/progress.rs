//! Steps with their time, for a person at a terminal and for a log file.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// `1m05s`, `12.3s`, `0.4s`.
pub fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds >= 60 { format!("{}m{:02}s", seconds / 60, seconds % 60) } else { format!("{:.1}s", time.as_secs_f64()) }
}

/// A step that is under way. On a terminal its line is rewritten in place; otherwise it speaks up every 20 seconds.
pub struct Step {
    text: String,
    started: Instant,
    terminal: bool,
    spoke: Cell<Instant>,
}

impl Step {
    /// Runs `work` as one step and prints how it went and how long it took.
    pub fn run<T>(text: &str, work: impl FnOnce(&Step) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let now = Instant::now();
        let step =
            Step { text: text.into(), started: now, terminal: std::io::stdout().is_terminal(), spoke: Cell::new(now) };
        step.show("");
        let result = work(&step);
        let (mark, time) = (if result.is_ok() { "ok" } else { "FAILED" }, elapsed(step.started.elapsed()));
        if step.terminal {
            print!("\r\x1b[2K");
        }
        println!("{:>8}  {} ({mark})", time, step.text);
        result
    }

    /// Call often while waiting; `note` says what is going on right now.
    pub fn tick(&self, note: &str) {
        let pause = if self.terminal { Duration::from_millis(200) } else { Duration::from_secs(20) };
        if self.spoke.get().elapsed() >= pause {
            self.spoke.set(Instant::now());
            self.show(note);
        }
    }

    fn show(&self, note: &str) {
        let note: String = note.trim().chars().filter(|c| !c.is_control()).take(60).collect();
        let note = if note.is_empty() { String::new() } else { format!("  {note}") };
        let time = elapsed(self.started.elapsed());
        if self.terminal {
            print!("\r\x1b[2K{time:>8}  {} …{note}", self.text);
            let _ = std::io::stdout().flush();
        } else {
            println!("{time:>8}  {} …{note}", self.text);
        }
    }

    /// A line of its own, below which the step goes on (also what a command with its own output needs).
    pub fn say(&self, line: &str) {
        if self.terminal {
            print!("\r\x1b[2K");
        }
        println!("          {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(elapsed(Duration::from_millis(440)), "0.4s");
        assert_eq!(elapsed(Duration::from_secs(65)), "1m05s");
    }
}
