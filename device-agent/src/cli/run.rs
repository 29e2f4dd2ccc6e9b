//! `run`: one phone.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use audio::device::DeviceKind;
use contract::Mac;
use device_agent::{Agent, AgentConfig, SoundChoice, Storage, tls};
use settings::Model;

#[derive(clap::Args)]
pub struct Run {
    /// Directory of everything the phone remembers; created if missing.
    #[arg(long, env = "BELLHOP_STATE_DIR")]
    state_dir: PathBuf,
    /// MAC address, for example c0:74:ad:12:07:01.
    #[arg(long)]
    mac: Mac,
    /// Serial number; the MAC's digits unless given.
    #[arg(long)]
    serial: Option<String>,
    /// GHP610, GHP610W, GHP611, GHP611W, GHP620, GHP620W, GHP621 or GHP621W.
    #[arg(long, default_value = "GHP620")]
    model: Model,
    /// Where to look for the server before it has said otherwise. Empty: nowhere, until a configuration file or DHCP names
    /// one.
    #[arg(long, default_value = "")]
    acs_url: String,
    /// Offer the control endpoint on this loopback address, for example 127.0.0.1:9470.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// Take rehearsals at the control endpoint: a tester has the phone say any request, answer or fault.
    #[arg(long, hide = true, requires = "control")]
    test_faults: bool,
    /// Port the server calls on, instead of the setting's; 0 takes any.
    #[arg(long)]
    connection_request_port: Option<u16>,
    /// Firmware version to report.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    firmware: String,
    /// Address SIP binds to.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::UNSPECIFIED))]
    sip_bind: IpAddr,
    /// Where sound comes from and goes to: null (silence), wav:IN,OUT, loopback, browser (the page of the control
    /// endpoint), card or card:NAME (if built with them), or off (calls without audio).
    #[arg(long, env = "BELLHOP_SOUND", default_value = "null")]
    sound: SoundChoice,
    /// Seconds before a failed session is tried again the first time.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    retry_wait: u32,
    /// Neither ask the LAN for a configuration server nor be one (SIP PnP, 224.0.1.75:5060).
    #[arg(long)]
    no_pnp: bool,
    /// PEM file of authorities to trust beside the system's.
    #[arg(long, env = "BELLHOP_CA")]
    ca: Option<PathBuf>,
    /// File in which a DHCP client leaves what it was told: leases of dhclient or systemd-networkd, or
    /// the environment of a script of udhcpc, dhcpcd or dhclient.
    #[arg(long, env = "BELLHOP_DHCP_LEASE")]
    dhcp_lease: Option<PathBuf>,
}

impl Run {
    pub async fn run(self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.sound.0 != Some(DeviceKind::Browser) || self.control.is_some(),
            "--sound browser needs --control: the page is served there"
        );
        let config = AgentConfig {
            storage: Storage::Disk(self.state_dir),
            mac: self.mac,
            serial: self.serial.unwrap_or_else(|| self.mac.compact()),
            model: self.model,
            firmware: self.firmware,
            acs_url: self.acs_url,
            control: self.control,
            test_faults: self.test_faults,
            connection_request_port: self.connection_request_port,
            sip_bind: self.sip_bind,
            sound: self.sound.0,
            simulated: false,
            retry_wait_s: self.retry_wait,
            pnp: !self.no_pnp,
            authorities: self.ca.as_deref().map(tls::extra_authorities).transpose()?,
            dhcp_lease: self.dhcp_lease,
        };
        let browser = config.sound == Some(DeviceKind::Browser);
        let agent = Agent::start(config).await?;
        if let Some(address) = agent.control_addr() {
            tracing::info!(%address, "control endpoint");
            if browser {
                tracing::info!("open http://{address}/ to hear and speak; it asks for the token in control.token");
            }
        }
        super::told_to_end().await?;
        tracing::info!("ending");
        agent.shutdown().await;
        Ok(())
    }
}
