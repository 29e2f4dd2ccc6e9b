//! The figures, as a table and as JSON.

use std::fmt;

use serde::Serialize;

/// Everything of one run of the benchmark.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Phones that are known.
    pub phones: usize,
    /// How they prove themselves.
    pub login: String,
    pub rows: Vec<Row>,
    pub parse: Parse,
}

/// One scenario with one database at one load, and the baseline beside it.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub database: String,
    pub scenario: String,
    /// POSTs a session has.
    pub posts: usize,
    pub at_once: usize,
    pub server: Figures,
    /// Of the database's own processes, in µs a session; `None` where it lives in the server.
    pub database_cpu_us: Option<f64>,
    pub baseline: Figures,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    pub sessions: usize,
    pub seconds: f64,
    pub sessions_per_second: f64,
    /// Of the process that answers, in µs a session.
    pub cpu_us: f64,
    /// Of the load generator, in µs a session.
    pub client_cpu_us: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Sessions with a POST more, because the server wanted a new proof.
    pub challenged: usize,
}

/// Reading a GetParameterValuesResponse with `cwmp`, alone, on one core.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Parse {
    pub parameters: usize,
    pub bytes: usize,
    pub megabytes_per_second: f64,
}

impl Row {
    /// The server's rate as a part of the baseline's.
    pub fn ratio(&self) -> f64 {
        self.server.sessions_per_second / self.baseline.sessions_per_second.max(0.001)
    }
}

impl Report {
    /// The aims, and whether they are met.
    pub fn aims(&self) -> Vec<(String, bool)> {
        let mut aims = Vec::new();
        let idle = |database: &'static str| {
            self.rows.iter().filter(move |row| row.database == database && row.scenario == super::IDLE)
        };
        for (database, least) in [("SQLite", 0.5), ("PostgreSQL", 1.0 / 3.0)] {
            for row in idle(database) {
                let ratio = row.ratio();
                let aim = format!("{database}, {} at once: {ratio:.2} of the baseline, aim {least:.2}", row.at_once);
                aims.push((aim, ratio >= least));
            }
            let cpu = idle(database).map(|row| row.server.cpu_us).fold(0.0, f64::max);
            if cpu > 0.0 {
                aims.push((format!("{database}: at most {cpu:.0} µs of CPU a session, aim 150"), cpu <= 150.0));
            }
            for row in idle(database).filter(|row| row.at_once == 64) {
                let p99 = row.server.p99_ms;
                aims.push((format!("{database}, 64 at once: p99 {p99:.1} ms, aim 50"), p99 < 50.0));
            }
        }
        let rate = self.parse.megabytes_per_second;
        aims.push((
            format!("a {}-parameter answer is read at {rate:.0} MB/s, aim 200", self.parse.parameters),
            rate >= 200.0,
        ));
        aims
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} known phones, {}", self.phones, self.login)?;
        let mut part = None;
        for row in &self.rows {
            if part != Some((&row.scenario, &row.database)) {
                part = Some((&row.scenario, &row.database));
                writeln!(f, "\n{}, {} ({} POSTs)", row.scenario, row.database, row.posts)?;
                writeln!(
                    f,
                    "  {:>7} {:>10} {:>10} {:>5}   {:>7} {:>8} {:>8} {:>7}   {:>17} {:>17}",
                    "",
                    "",
                    "baseline",
                    "",
                    "CPU µs",
                    "baseline",
                    "database",
                    "client",
                    "p50 ms (baseline)",
                    "p99 ms (baseline)"
                )?;
                writeln!(f, "  at once sessions/s sessions/s ratio")?;
            }
            let (server, baseline) = (&row.server, &row.baseline);
            let database = row.database_cpu_us.map_or_else(|| "-".to_owned(), |us| format!("{us:.0}"));
            writeln!(
                f,
                "  {:>7} {:>10.0} {:>10.0} {:>5.2}   {:>7.0} {:>8.0} {:>8} {:>7.0}   {:>8.2} {:>8} {:>8.2} {:>8}",
                row.at_once,
                server.sessions_per_second,
                baseline.sessions_per_second,
                row.ratio(),
                server.cpu_us,
                baseline.cpu_us,
                database,
                server.client_cpu_us,
                server.p50_ms,
                format!("({:.2})", baseline.p50_ms),
                server.p99_ms,
                format!("({:.2})", baseline.p99_ms),
            )?;
        }
        let parse = &self.parse;
        writeln!(
            f,
            "\nreading {} parameters, {} kB: {:.0} MB/s on one core\n",
            parse.parameters,
            parse.bytes / 1000,
            parse.megabytes_per_second
        )?;
        for (aim, met) in self.aims() {
            writeln!(f, "{}  {aim}", if met { "met " } else { "MISSED" })?;
        }
        Ok(())
    }
}
