//! The figures, for people: tables in Markdown, and what is to be reached.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::cost::{CostRow, SrtpCost};
use crate::jitter::JitterRow;
use crate::network::Conditions;
use crate::table::Row;

/// All that was measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Processor, cores, and the load (1 minute) at the end: others may work on this machine too.
    pub machine: String,
    pub seeds: u64,
    pub rows: Vec<Row>,
    pub costs: Vec<CostRow>,
    pub srtp: Option<SrtpCost>,
    pub jitter: Vec<JitterRow>,
}

impl Conditions {
    /// `30 % in bursts`.
    pub fn name(&self) -> String {
        let loss = match (self.loss, self.burst) {
            (loss, Some(burst)) => format!("{loss} % in bursts of {burst}"),
            (loss, None) => format!("{loss} %"),
        };
        if self.jitter_ms > 20 { format!("{loss}, jitter to {} ms", self.jitter_ms) } else { loss }
    }
}

/// What is to be reached: a row's codec, whether the loss comes in bursts, percent, the least PESQ and the most kbit/s.
const AIMS: [(&str, bool, u8, f64, f64); 4] = [
    ("Opus, up to one copy", false, 30, 3.4, 48.0),
    ("Opus, up to two copies", false, 30, 3.8, 72.0),
    ("Opus, up to two copies", true, 30, 3.2, 72.0),
    ("G.711, up to two copies", false, 30, 3.0, 200.0),
];

impl Report {
    /// Adds the figures of another run.
    pub fn take(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.costs.extend(other.costs);
        self.srtp = self.srtp.or(other.srtp);
        self.jitter.extend(other.jitter);
        self.seeds = self.seeds.max(other.seeds);
        if self.machine.is_empty() {
            self.machine = other.machine;
        }
    }

    /// The conditions that were measured, in order.
    fn conditions(&self) -> Vec<Conditions> {
        let mut all: Vec<Conditions> = Vec::new();
        for row in &self.rows {
            if !all.contains(&row.conditions) {
                all.push(row.conditions);
            }
        }
        all
    }

    pub fn row(&self, who: &str, codec: &str, conditions: &Conditions) -> Option<&Row> {
        self.rows.iter().find(|row| row.who == who && row.codec == codec && row.conditions == *conditions)
    }

    /// Columns of one family of codecs: who and which.
    pub fn columns(&self, codec: &str) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        for row in self.rows.iter().filter(|row| row.codec.starts_with(codec)) {
            let column = (row.who.clone(), row.codec.clone());
            if !all.contains(&column) {
                all.push(column);
            }
        }
        all
    }

    /// All tables.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (codec, judged) in [("Opus", "wideband PESQ, P.862.2"), ("G.711", "narrowband PESQ, P.862.1")] {
            let columns = self.columns(codec);
            if !columns.is_empty() {
                let mut each: Vec<String> = Vec::new();
                for (who, codec) in &columns {
                    let count = self
                        .rows
                        .iter()
                        .find(|row| row.who == *who && row.codec == *codec)
                        .map_or(0, |row| row.pesq.count);
                    let text = format!("{count} of {who}");
                    if !each.contains(&text) {
                        each.push(text);
                    }
                }
                let _ = writeln!(text, "### {codec}\n\nClips scored at each point: {}.\n", each.join(", "));
                let _ = writeln!(text, "Mean ± standard deviation of the {judged}:\n");
                self.table(&mut text, &columns, |row| format!("{:.2} ± {:.2}", row.pesq.mean, row.pesq.sd));
                let _ = writeln!(text, "\nDelay from mouth to ear, ms / kbit/s of RTP payload / STOI:\n");
                self.table(&mut text, &columns, |row| {
                    format!("{:.0} / {:.0} / {:.2}", row.delay_ms.mean, row.kbit_s, row.stoi.mean)
                });
                let ours: Vec<(String, String)> =
                    columns.iter().filter(|(who, _)| who == "phone-core").cloned().collect();
                let _ = writeln!(text, "\nFrames played from a copy or in-band error correction / made up, %:\n");
                self.table(&mut text, &ours, |row| {
                    row.repaired.map_or("".into(), |(recovered, made_up)| format!("{recovered:.1} / {made_up:.1}"))
                });
                let _ =
                    writeln!(text, "\nPESQ of the first clip of a call, while redundancy and buffer still adapt:\n");
                self.table(&mut text, &columns, |row| format!("{:.2} ± {:.2}", row.first.mean, row.first.sd));
                text.push('\n');
            }
        }
        self.aims(&mut text);
        self.costs(&mut text);
        self.jitter(&mut text);
        text
    }

    fn table(&self, text: &mut String, columns: &[(String, String)], cell: impl Fn(&Row) -> String) {
        let heads: Vec<String> = columns.iter().map(|(who, codec)| format!("{who}: {codec}")).collect();
        let _ = writeln!(text, "| loss | {} |\n|---|{}", heads.join(" | "), "---|".repeat(heads.len()));
        for conditions in self.conditions() {
            let cells = columns.iter().map(|(who, codec)| self.row(who, codec, &conditions).map_or("".into(), &cell));
            let _ = writeln!(text, "| {} | {} |", conditions.name(), cells.collect::<Vec<String>>().join(" | "));
        }
    }

    /// What was to be reached, and where the peer is ahead.
    fn aims(&self, text: &mut String) {
        if !self.rows.iter().any(|row| row.who == "phone-core") {
            return;
        }
        let _ = writeln!(text, "### Aims\n\n| aim | measured | |\n|---|---|---|");
        let verdict = |good| if good { "reached" } else { "**missed**" };
        for (codec, bursts, loss, least, most) in AIMS {
            let found = self.rows.iter().find(|row| {
                let Conditions { jitter_ms, .. } = row.conditions;
                row.codec == codec
                    && row.conditions.burst.is_some() == bursts
                    && row.conditions.loss == loss
                    && jitter_ms == 20
            });
            let Some(row) = found else { continue };
            let good = row.pesq.mean >= least && row.kbit_s <= most;
            let (name, pesq, kbit_s) = (row.conditions.name(), row.pesq.mean, row.kbit_s);
            let _ = writeln!(
                text,
                "| {codec}: {least} at {name} within {most} kbit/s | {pesq:.2} at {kbit_s:.0} kbit/s | {} |",
                verdict(good)
            );
        }
        let ten = |row: &&Row| row.who == "phone-core" && row.conditions.loss == 10 && row.conditions.jitter_ms == 20;
        if let Some(delay) = self.rows.iter().filter(ten).map(|row| row.delay_ms.mean).max_by(f64::total_cmp) {
            let _ = writeln!(
                text,
                "| mouth to ear 150 ms at most at 10 % loss | {delay:.0} ms | {} |",
                verdict(delay <= 150.0)
            );
        }
        let rate = |codec| {
            let clean = |row: &&Row| row.who == "phone-core" && row.codec == codec && row.conditions.loss == 0;
            self.rows.iter().filter(clean).map(|row| row.kbit_s).next()
        };
        if let (Some(with), Some(alone)) = (rate("Opus, up to two copies"), rate("Opus alone")) {
            let good = with <= alone * 1.01;
            let _ = writeln!(text, "| nothing on a clean line | {with:.1} of {alone:.1} kbit/s | {} |", verdict(good));
        }
        let (ahead, points) = self.against_peer();
        if points > 0 {
            let behind = if ahead.is_empty() { "at none".into() } else { ahead.join("; ") };
            let _ = writeln!(
                text,
                "| ahead of baresip at every point | behind {behind} of {points} | {} |",
                verdict(ahead.is_empty())
            );
        }
        text.push('\n');
    }

    /// Points at which the peer's best is ahead of our most redundant, and how many points there are.
    fn against_peer(&self) -> (Vec<String>, usize) {
        let (mut ahead, mut points) = (Vec::new(), 0);
        for codec in ["Opus", "G.711"] {
            for conditions in self.conditions() {
                let Some(ours) = self.row("phone-core", &format!("{codec}, up to two copies"), &conditions) else {
                    continue;
                };
                let theirs = self
                    .rows
                    .iter()
                    .filter(|row| row.who == "baresip" && row.codec.starts_with(codec) && row.conditions == conditions);
                let Some(best) = theirs.max_by(|a, b| a.pesq.mean.total_cmp(&b.pesq.mean)) else { continue };
                points += 1;
                if best.pesq.mean > ours.pesq.mean {
                    ahead.push(format!(
                        "{codec} {} ({:.2} to {:.2})",
                        conditions.name(),
                        ours.pesq.mean,
                        best.pesq.mean
                    ));
                }
            }
        }
        (ahead, points)
    }

    fn costs(&self, text: &mut String) {
        if self.costs.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "### Cost\n\nMilliseconds of one core for a second of a call, both directions:\n\n\
             | codec | codec alone | SRTP alone | whole leg | ratio | at 10 % loss | calls a core | packets/s a core | kB a leg |\n\
             |---|---|---|---|---|---|---|---|---|"
        );
        for row in &self.costs {
            let _ = writeln!(
                text,
                "| {} | {:.2} | {:.3} | {:.2} | {:.2} | {:.2} | {:.0} | {:.0} | {:.0} |",
                row.codec,
                row.codec_ms,
                row.srtp_ms,
                row.leg_ms,
                row.ratio(),
                row.lossy_ms,
                row.calls_per_core(),
                row.packets_per_second(),
                row.memory_kb
            );
        }
        if let Some(srtp) = &self.srtp {
            let _ = writeln!(
                text,
                "\nSRTP (AES_CM_128_HMAC_SHA1_80, 160 bytes): {:.0} ns to protect and {:.0} ns to unprotect a packet; \
                 rtc-srtp {:.0} ns and {:.0} ns.",
                srtp.ours_protect, srtp.ours_unprotect, srtp.theirs_protect, srtp.theirs_unprotect
            );
        }
        text.push('\n');
    }

    fn jitter(&self, text: &mut String) {
        if self.jitter.is_empty() {
            return;
        }
        let _ = writeln!(
            text,
            "### Jitter\n\n| jitter | 99th percentile, ms | minutes | underruns a minute | made up, ms a minute | mouth to ear, ms |\n\
             |---|---|---|---|---|---|"
        );
        for row in &self.jitter {
            let _ = writeln!(
                text,
                "| {} | {:.0} | {:.0} | {:.2} | {:.0} | {:.0} |",
                row.kind.name(),
                row.p99_ms,
                row.minutes,
                row.underruns_per_minute,
                row.concealed_ms_per_minute,
                row.delay_ms
            );
        }
        text.push('\n');
    }
}

/// Processor, cores and load.
pub fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("?", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("?");
    format!("{model}, {cores} cores, load {load}")
}
