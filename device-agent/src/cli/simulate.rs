//! `simulate`: a fleet.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use contract::Mac;
use device_agent::{Counters, SimConfig, Simulator, tls};
use settings::Model;

#[derive(clap::Args)]
pub struct Simulate {
    /// How many phones.
    #[arg(long)]
    count: usize,
    /// Where to look for the server.
    #[arg(long)]
    acs_url: String,
    /// The first phone's MAC address; the others count up from it.
    #[arg(long, default_value = "C0:74:AD:10:00:00")]
    first_mac: Mac,
    #[arg(long, default_value = "GHP620")]
    model: Model,
    /// Firmware version to report.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    firmware: String,
    /// Seconds over which the phones start.
    #[arg(long, default_value_t = 10.0)]
    ramp: f64,
    /// Seconds between progress lines.
    #[arg(long, default_value_t = 5.0)]
    report: f64,
    /// End after this many seconds instead of at a signal.
    #[arg(long)]
    duration: Option<f64>,
    /// Keep the phones' memory on disk below this directory.
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// Offer the control endpoint on this loopback address; needs --state-dir.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// Port the server calls all phones on; 0 takes any.
    #[arg(long, default_value_t = 0)]
    connection_request_port: u16,
    /// Seconds before a failed session is tried again the first time.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    retry_wait: u32,
    /// PEM file of authorities to trust beside the system's.
    #[arg(long, env = "BELLHOP_CA")]
    ca: Option<PathBuf>,
}

impl Simulate {
    pub async fn run(self) -> anyhow::Result<()> {
        anyhow::ensure!((1..=1_000_000).contains(&self.count), "--count is 1 to 1000000");
        let seconds = |name: &str, value: f64| {
            Duration::try_from_secs_f64(value)
                .map_err(|_| anyhow::anyhow!("--{name} is a number of seconds, not {value}"))
        };
        let report = seconds("report", self.report)?.max(Duration::from_millis(100));
        let duration = self.duration.map(|value| seconds("duration", value)).transpose()?;
        let config = SimConfig {
            first_mac: self.first_mac,
            model: self.model,
            firmware: self.firmware,
            ramp: seconds("ramp", self.ramp)?,
            state_dir: self.state_dir,
            connection_request_port: self.connection_request_port,
            control: self.control,
            retry_wait_s: self.retry_wait,
            authorities: self.ca.as_deref().map(tls::extra_authorities).transpose()?,
            ..SimConfig::new(self.count, self.acs_url)
        };
        let start = Instant::now();
        let fleet = Simulator::start(config).await?;
        let end = async {
            match duration {
                Some(duration) => {
                    tokio::time::sleep(duration).await;
                    Ok(())
                }
                None => super::told_to_end().await,
            }
        };
        let mut end = std::pin::pin!(end);
        let mut ticks = tokio::time::interval(report);
        ticks.tick().await;
        loop {
            tokio::select! {
                _ = ticks.tick() => println!("{}", line(start, &fleet.counters())),
                ended = &mut end => {
                    ended?;
                    break;
                }
            }
        }
        let last = fleet.shutdown().await;
        println!("summary {}", line(start, &last));
        Ok(())
    }
}

fn line(start: Instant, counters: &Counters) -> String {
    // The most common versions; a rollout in progress has two or three.
    let mut versions: Vec<_> = counters.versions.iter().collect();
    versions.sort_by_key(|(version, phones)| (std::cmp::Reverse(**phones), **version));
    let versions: Vec<String> =
        versions.iter().take(5).map(|(version, phones)| format!("v{version}:{phones}")).collect();
    format!(
        "t={:.1}s phones={} started={} online={} connected={} unacknowledged={} restarts={} versions={} rss_kb={} rss_kb_per_phone={:.1}",
        start.elapsed().as_secs_f64(),
        counters.phones,
        counters.started,
        counters.online,
        counters.connected,
        counters.unacknowledged,
        counters.restarts,
        versions.join(","),
        counters.resident_kb,
        counters.resident_kb as f64 / counters.phones.max(1) as f64,
    )
}
