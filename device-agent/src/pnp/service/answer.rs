//! Hears phones that ask the group and tells them where to fetch, as long as the settings want it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use provisioning::pnp::server::{Limits, Output};
use provisioning::pnp::{MAX_PACKET, Server, check_url};
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use super::state::Way;
use super::{KEYS, files};
use crate::clock;
use crate::device::Device;
use crate::pnp::{LOOK, Pnp, own_ip, socket, until};

/// Until a service that could not start tries again.
const AGAIN: Duration = Duration::from_secs(30);
/// Subscriptions are kept as long as anybody may want to distribute again.
const KEEP: Duration = Duration::from_secs(30 * 86_400);

/// What the settings want, and where this phone is: phones are told its address, so that the service follows it.
#[derive(Clone, Debug, PartialEq)]
struct Wanted {
    enabled: bool,
    /// `None`: there is no network yet.
    ip: Option<Ipv4Addr>,
    /// `None`: the files are here.
    custom: Option<String>,
}

impl Wanted {
    fn of(device: &Device) -> Self {
        let [enable, mode, url] = KEYS.map(|key| device.value(key));
        let enabled = enable == "yes";
        let ip = if enabled { own_ip(device) } else { None };
        Self { enabled, ip, custom: (mode == "custom").then_some(url) }
    }
}

/// Runs while the settings want it. Lives until dropped.
pub(crate) async fn run(device: &Arc<Device>, pnp: &Arc<Pnp>) {
    loop {
        let wanted = Wanted::of(device);
        let changed = async {
            while Wanted::of(device) == wanted {
                tokio::select! {
                    () = device.pnp_wake.notified() => {}
                    // Nobody tells that an address has changed.
                    () = tokio::time::sleep(LOOK), if wanted.enabled => {}
                }
            }
        };
        if !wanted.enabled {
            pnp.service.lock().begin(None, None);
            changed.await;
            continue;
        }
        let work = async {
            let Err(error) = serve(device, pnp, &wanted).await else { return };
            tracing::warn!(%error, "the PnP service cannot work");
            pnp.service.lock().begin(None, Some(error.to_string()));
            tokio::time::sleep(AGAIN).await;
        };
        tokio::select! {
            () = work => {}
            () = changed => {}
        }
    }
}

/// The URL of another server, as the setting may write it.
///
/// # Errors
/// If it is none, or names this phone: then the URL mode is "local".
pub(crate) fn custom_url(text: &str, own: IpAddr) -> Result<String, String> {
    let text = text.trim();
    let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = check_url(&url).map_err(|error| format!("PNP URL: {error}"))?;
    let host = url.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let ip = host.parse::<IpAddr>();
    let is_own = host.eq_ignore_ascii_case("localhost")
        || ip.is_ok_and(|ip| ip == own || ip.is_loopback() || ip.is_unspecified());
    if is_own { Err("PNP URL: it names this phone; use the URL mode Local".to_owned()) } else { Ok(url.to_owned()) }
}

async fn serve(device: &Arc<Device>, pnp: &Arc<Pnp>, wanted: &Wanted) -> io::Result<()> {
    let ip = wanted.ip.ok_or_else(|| io::Error::other("the phone has no IPv4 address on a network yet"))?;
    let end = CancellationToken::new();
    let _ends_with_this = end.clone().drop_guard();
    let way = match &wanted.custom {
        Some(url) => Way::Custom(custom_url(url, ip.into()).map_err(io::Error::other)?),
        None => Way::Local(files::start(ip, pnp, end).await?),
    };
    let (hears, speaks) = (socket::hears(ip)?, socket::speaks(ip)?);
    let mut desk = Desk::new(device, pnp, speaks, ip)?;
    tracing::info!(%ip, "the PnP service answers phones on this LAN");
    pnp.service.lock().begin(Some(way), None);
    let (mut asked, mut answered) = (vec![0; MAX_PACKET + 1], vec![0; MAX_PACKET + 1]);
    loop {
        let due = desk.server.next_time().map(|at| desk.started + at);
        let outputs = tokio::select! {
            received = hears.recv_from(&mut asked) => desk.packet(received, &asked),
            received = desk.socket.recv_from(&mut answered) => desk.packet(received, &answered),
            () = pnp.service.wake.notified() => desk.tell_again(),
            () = until(due) => desk.server.on_time(desk.started.elapsed()),
        };
        desk.act(outputs).await;
    }
}

struct Desk<'a> {
    device: &'a Device,
    pnp: &'a Pnp,
    socket: UdpSocket,
    server: Server,
    started: Instant,
}

impl<'a> Desk<'a> {
    fn new(device: &'a Device, pnp: &'a Pnp, socket: UdpSocket, ip: Ipv4Addr) -> io::Result<Self> {
        let local = SocketAddr::new(ip.into(), socket.local_addr()?.port());
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        let name = format!("Bellhop/{}", device.identity().firmware);
        let limits = Limits { sessions: 256, packets: 2000, keep: KEEP, ..Limits::default() };
        let server = Server::new(local, name, secret, limits);
        Ok(Self { device, pnp, socket, server, started: Instant::now() })
    }

    fn packet(&mut self, received: io::Result<(usize, SocketAddr)>, bytes: &[u8]) -> Vec<Output> {
        // An error is about an answer somebody did not want (ICMP).
        let Ok((length, from)) = received else { return vec![] };
        let taken = self.server.on_packet(self.started.elapsed(), from, bytes.get(..length).unwrap_or_default());
        taken.unwrap_or_else(|why| {
            tracing::debug!(%from, %why, "a PnP packet is not taken");
            vec![]
        })
    }

    fn tell_again(&mut self) -> Vec<Output> {
        let now = self.started.elapsed();
        let mut out = vec![];
        let again = self.pnp.service.lock().take_again(clock::now());
        for (id, url) in again {
            let (known, outputs) = self.server.tell(now, id, &url);
            if !known {
                self.pnp.service.lock().lost(id);
            }
            out.extend(outputs);
        }
        out
    }

    async fn act(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send { to, packet } => self.send(to, &packet).await,
                Output::Asked { id, asker, from } => {
                    // This phone may be asking for a server of its own.
                    let own = asker.mac == self.device.identity().mac;
                    let url = match own {
                        true => None,
                        false => self.pnp.service.lock().asked(clock::now(), id, &asker, from.ip()),
                    };
                    for output in self.server.decide(self.started.elapsed(), id, url.as_deref()) {
                        if let Output::Send { to, packet } = output {
                            self.send(to, &packet).await;
                        }
                    }
                }
                Output::Acknowledged { id } => self.pnp.service.lock().answered(clock::now(), id, Ok(())),
                Output::Failed { id, status } => {
                    let why = match status {
                        Some(status) => format!("it answered {status}"),
                        None => "it did not answer".to_owned(),
                    };
                    self.pnp.service.lock().answered(clock::now(), id, Err(why));
                }
            }
        }
    }

    async fn send(&self, to: SocketAddr, packet: &[u8]) {
        if let Err(error) = self.socket.send_to(packet, to).await {
            tracing::debug!(%to, %error, "a PnP packet was not sent");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_server_is_never_this_phone() {
        let own = "192.0.2.7".parse().unwrap();
        assert_eq!(custom_url("files.example/p", own).as_deref(), Ok("http://files.example/p"));
        assert_eq!(custom_url("https://u@192.0.2.8:8443/", own).as_deref(), Ok("https://u@192.0.2.8:8443/"));
        for url in ["192.0.2.7/p", "http://u:p@192.0.2.7:80/", "http://LOCALHOST/", "[::1]:80/x", "tftp://127.0.0.2"] {
            assert!(custom_url(url, own).unwrap_err().contains("names this phone"), "{url}");
        }
        assert!(custom_url("", own).unwrap_err().starts_with("PNP URL: "));
    }
}
