//! The figures, for people and as JSON.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub phones: usize,
    /// Each phone's.
    pub events: u64,
    /// The broker alone comes first.
    pub throughput: Vec<Throughput>,
    pub idle: Vec<Idle>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Throughput {
    pub name: String,
    pub messages: u64,
    pub seconds: f64,
    pub messages_per_second: f64,
    /// Of the measured process, for a message.
    pub cpu_us: f64,
    /// Of PostgreSQL, for a message.
    pub database_cpu_us: f64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Idle {
    pub name: String,
    pub connections: usize,
    pub before_kb: u64,
    pub with_kb: u64,
}

impl Throughput {
    pub fn new(name: &str, messages: u64, took: Duration, cpu_us: u64, database_cpu_us: u64) -> Self {
        let seconds = took.as_secs_f64();
        let each = |us: u64| us as f64 / messages.max(1) as f64;
        Self {
            name: name.to_owned(),
            messages,
            seconds,
            messages_per_second: messages as f64 / seconds,
            cpu_us: each(cpu_us),
            database_cpu_us: each(database_cpu_us),
        }
    }

    pub fn words(&self) -> String {
        format!("{}: {:.0} messages/s, {:.1} µs CPU each", self.name, self.messages_per_second, self.cpu_us)
    }
}

impl Idle {
    pub fn kb_each(&self) -> f64 {
        self.with_kb.saturating_sub(self.before_kb) as f64 / self.connections.max(1) as f64
    }

    pub fn words(&self) -> String {
        format!("{}: {:.1} kB for each of {} idle connections", self.name, self.kb_each(), self.connections)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} phones, {} events each, QoS 1, 32 unconfirmed at most", self.phones, self.events)?;
        writeln!(f, "| | messages/s | of the broker alone | CPU a message, µs | of PostgreSQL, µs |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        let alone = self.throughput.first().map_or(0.0, |row| row.messages_per_second);
        for row in &self.throughput {
            writeln!(
                f,
                "| {} | {:.0} | {:.0} % | {:.1} | {:.1} |",
                row.name,
                row.messages_per_second,
                100.0 * row.messages_per_second / alone,
                row.cpu_us,
                row.database_cpu_us
            )?;
        }
        if !self.idle.is_empty() {
            writeln!(f, "\n| idle | connections | before, MB | with them, MB | kB each |\n|---|---|---|---|---|")?;
        }
        for row in &self.idle {
            let mb = |kb: u64| kb as f64 / 1024.0;
            writeln!(
                f,
                "| {} | {} | {:.1} | {:.1} | {:.1} |",
                row.name,
                row.connections,
                mb(row.before_kb),
                mb(row.with_kb),
                row.kb_each()
            )?;
        }
        Ok(())
    }
}
