//! The figures, for people and as JSON.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Processors, and the load (1 minute) before and after: others may work on this machine too.
    pub cores: usize,
    pub load_before: f64,
    pub load_after: f64,
    pub messages: Vec<MessageRow>,
    pub core: Vec<CoreRow>,
    pub memory: Option<Memory>,
    pub storms: Vec<StormRow>,
    pub setups: Vec<SetUpRow>,
    pub calls: Vec<CallsRow>,
}

/// Messages a second of one core.
#[derive(Clone, Debug, Serialize)]
pub struct MessageRow {
    pub message: String,
    pub what: String,
    pub ours_per_second: f64,
    pub rsip_per_second: f64,
}

impl MessageRow {
    pub fn ratio(&self) -> f64 {
        self.ours_per_second / self.rsip_per_second
    }
}

/// Transactions or calls a second of one core, without sockets.
#[derive(Clone, Debug, Serialize)]
pub struct CoreRow {
    pub what: String,
    pub times: u64,
    pub per_second: f64,
    pub cpu_us: f64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    pub phones: usize,
    pub before_kb: u64,
    pub with_kb: u64,
}

impl Memory {
    pub fn kb_each(&self) -> f64 {
        self.with_kb.saturating_sub(self.before_kb) as f64 / self.phones.max(1) as f64
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct StormRow {
    pub name: String,
    pub phones: usize,
    pub answers_per_second: u32,
    /// From the registrar's return until every phone was bound.
    pub seconds: f64,
    /// The same if phones never waited and never asked twice.
    pub least_seconds: f64,
    /// REGISTERs that came in that time, and in its worst second.
    pub registers: u64,
    pub peak_per_second: u64,
    /// Of these, lost in the registrar's full queue.
    pub dropped: u64,
    /// Not bound three lives of a binding later.
    pub left_behind: usize,
}

/// Call set-ups as seen on the wire, milliseconds from the INVITE on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SetUpRow {
    pub name: String,
    pub calls: usize,
    pub ringing: Percentiles,
    pub answered: Percentiles,
    pub acknowledged: Percentiles,
    /// From the 200 to the ACK: the caller alone.
    pub ok_to_ack: Percentiles,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Percentiles {
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Percentiles {
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * values.len() as f64).ceil() as usize;
            values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self { p50_ms: at(0.5), p99_ms: at(0.99) }
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} / {:.2}", self.p50_ms, self.p99_ms)
    }
}

/// Calls at a given rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallsRow {
    pub name: String,
    /// Calls a second that were asked for, 0 for as many as there can be; and how many there were.
    pub asked: u32,
    pub calls: u64,
    pub failed: u64,
    pub retransmissions: u64,
    pub per_second: f64,
}

impl CallsRow {
    pub fn held(&self) -> bool {
        self.failed == 0 && self.retransmissions == 0 && self.per_second >= 0.95 * f64::from(self.asked)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} cores, load {:.1} before and {:.1} after", self.cores, self.load_before, self.load_after)?;
        if !self.messages.is_empty() {
            writeln!(f, "\n| one core | | ours, 1/s | rsip, 1/s | ours / rsip |\n|---|---|---|---|---|")?;
        }
        for row in &self.messages {
            let (ours, rsip) = (row.ours_per_second, row.rsip_per_second);
            writeln!(f, "| {} | {} | {ours:.0} | {rsip:.0} | {:.2} |", row.message, row.what, row.ratio())?;
        }
        if !self.core.is_empty() {
            writeln!(f, "\n| one core, no sockets | 1/s | CPU each, µs |\n|---|---|---|")?;
        }
        for row in &self.core {
            writeln!(f, "| {} | {:.0} | {:.1} |", row.what, row.per_second, row.cpu_us)?;
        }
        if let Some(memory) = &self.memory {
            let mb = |kb: u64| kb as f64 / 1024.0;
            writeln!(f, "\n| registered phones | before, MB | with them, MB | kB each |\n|---|---|---|---|")?;
            let (before, with) = (mb(memory.before_kb), mb(memory.with_kb));
            writeln!(f, "| {} | {before:.1} | {with:.1} | {:.1} |", memory.phones, memory.kb_each())?;
        }
        if !self.storms.is_empty() {
            writeln!(
                f,
                "\n| storm | answers/s | all back after, s | at best, s | REGISTERs | most in a second | lost | \
                 left behind |\n|---|---|---|---|---|---|---|---|"
            )?;
        }
        for row in &self.storms {
            writeln!(
                f,
                "| {} phones: {} | {} | {:.1} | {:.1} | {} | {} | {} | {} |",
                row.phones,
                row.name,
                row.answers_per_second,
                row.seconds,
                row.least_seconds,
                row.registers,
                row.peak_per_second,
                row.dropped,
                row.left_behind
            )?;
        }
        self.setups(f)?;
        self.rates(f)
    }
}

impl Report {
    fn setups(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.setups.is_empty() {
            writeln!(f, "\n| call set-up, ms (p50 / p99) | calls | INVITE to 180 | to 200 | to ACK | 200 to ACK |")?;
            writeln!(f, "|---|---|---|---|---|---|")?;
        }
        for row in &self.setups {
            let (ringing, answered, acknowledged) = (row.ringing, row.answered, row.acknowledged);
            writeln!(
                f,
                "| {} | {} | {ringing} | {answered} | {acknowledged} | {} |",
                row.name, row.calls, row.ok_to_ack
            )?;
        }
        if let [ours, baseline, ..] = self.setups.as_slice() {
            let (ours, theirs) = (ours.acknowledged, baseline.acknowledged);
            let (p50, p99) = (ours.p50_ms / theirs.p50_ms, ours.p99_ms / theirs.p99_ms);
            writeln!(f, "\nTo ACK, of baresip's: {:.0} % (p50), {:.0} % (p99)", 100.0 * p50, 100.0 * p99)?;
        }
        Ok(())
    }

    fn rates(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.calls.is_empty() {
            writeln!(f, "\n| calls at a rate | asked, 1/s | got, 1/s | calls | failed | sent again | held |")?;
            writeln!(f, "|---|---|---|---|---|---|---|")?;
        }
        for row in &self.calls {
            let held = if row.held() { "yes" } else { "no" };
            let asked = if row.asked == 0 { "all they can".to_owned() } else { row.asked.to_string() };
            writeln!(
                f,
                "| {} | {} | {:.0} | {} | {} | {} | {held} |",
                row.name, asked, row.per_second, row.calls, row.failed, row.retransmissions
            )?;
        }
        Ok(())
    }
}
