//! How this phone is doing, in numbers: the interface towards the server, memory, load and storage. Measured every five
//! minutes, whether or not there is a broker; the outbox keeps it.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use contract::mqtt::{Item, Link, Network, System};

use crate::clock;
use crate::device::Device;
use crate::net::resident_kb;
use crate::route::Route;
use crate::store::Storage;

/// Between two measurements, give or take a tenth.
const EVERY: Duration = Duration::from_secs(300);

/// Measures for ever, once the cloud has given this phone a name. The first time is drawn, so that a house of phones does
/// not measure in step.
pub(crate) async fn run(device: &Arc<Device>) {
    let mut wait = EVERY.mul_f64(clock::jitter());
    loop {
        tokio::time::sleep(wait).await;
        wait = EVERY.mul_f64(0.9 + clock::jitter() / 5.0);
        if device.phone_id().is_some() {
            device.measured(measure).await;
        }
    }
}

/// Blocking, shortly: files the kernel writes.
fn measure(device: &Device) -> Vec<Item> {
    vec![Item::Network(network(device.line().ip)), Item::System(system(device))]
}

fn system(device: &Device) -> System {
    let memory = read("/proc/meminfo");
    let memory = |name: &str| number(memory.lines().find_map(|line| line.strip_prefix(name)));
    let storage_free_kb = match device.storage() {
        Storage::Disk(directory) => free_kb(directory),
        Storage::Memory => None,
    };
    System {
        rss_kb: resident_kb(),
        memory_total_kb: memory("MemTotal:"),
        memory_available_kb: memory("MemAvailable:"),
        load: read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
        storage_free_kb,
        uptime_s: device.uptime_s(),
        unacknowledged: device.unacknowledged() as u64,
        dropped: device.dropped(),
    }
}

fn free_kb(directory: &Path) -> Option<u64> {
    let found = nix::sys::statvfs::statvfs(directory).ok()?;
    Some(found.blocks_available() as u64 * found.fragment_size() as u64 / 1024)
}

fn network(ip: IpAddr) -> Network {
    let route = Route::of(ip);
    let interface = if ip.is_loopback() { "lo".to_owned() } else { route.interface };
    let counter = |name: &str| number(Some(&read(&format!("/sys/class/net/{interface}/statistics/{name}"))));
    let kind = read(&format!("/sys/class/net/{interface}/type"));
    let link = match kind.trim() {
        _ if Path::new(&format!("/sys/class/net/{interface}/wireless")).exists() => Link::Wifi,
        // ARPHRD_ETHER and ARPHRD_LOOPBACK.
        "1" => Link::Ethernet,
        "772" => Link::Loopback,
        _ => Link::Unknown,
    };
    Network {
        link,
        ip: ip.to_string(),
        gateway: route.gateway.map(|gateway| gateway.to_string()).unwrap_or_default(),
        rx_bytes: counter("rx_bytes"),
        tx_bytes: counter("tx_bytes"),
        rx_errors: counter("rx_errors"),
        tx_errors: counter("tx_errors"),
        rssi_dbm: rssi(&interface, &read("/proc/net/wireless")),
        interface,
    }
}

/// `table` is `/proc/net/wireless`.
fn rssi(interface: &str, table: &str) -> Option<i16> {
    let line = table.lines().find_map(|line| line.trim_start().strip_prefix(interface)?.strip_prefix(':'))?;
    let level: f32 = line.split_whitespace().nth(2)?.parse().ok()?;
    Some(level as i16)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The number a text begins with; 0 if there is none.
fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_radio_tells_its_level() {
        let table = "Inter-| sta-|   Quality        |\n face | tus | link level noise |\n wlan0: 0000   54.  -61.  -256        0\n";
        assert_eq!(rssi("wlan0", table), Some(-61));
        assert_eq!(rssi("eth0", table), None);
    }

    #[test]
    fn this_machine_measures_itself() {
        let network = network(Ipv4Addr::LOCALHOST.into());
        assert_eq!((network.interface.as_str(), network.link), ("lo", Link::Loopback));
        assert!(free_kb(Path::new("/")).is_some());
        assert!(number(Some(&read("/proc/meminfo").replace("MemTotal:", ""))) > 0);
    }
}
