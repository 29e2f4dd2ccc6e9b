//! The network around this phone as the kernel and the resolver know it: interface, mask, router, name servers.

use std::net::{IpAddr, Ipv4Addr};

/// Name servers a resolver asks (MAXNS of resolv.h).
const MOST_SERVERS: usize = 3;

/// What the routing table says of an address of ours.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Route {
    pub interface: String,
    /// The router to everything that is not on the wire.
    pub gateway: Option<Ipv4Addr>,
    /// Of the network the address is in.
    pub mask: Option<Ipv4Addr>,
}

impl Route {
    /// Blocking, shortly: a file the kernel writes.
    pub(crate) fn of(ip: IpAddr) -> Self {
        Self::towards(ip, &read("/proc/net/route"))
    }

    /// `table` is `/proc/net/route`: numbers are hexadecimal, in the machine's byte order.
    fn towards(ip: IpAddr, table: &str) -> Self {
        let mut default = Self::default();
        let mut connected: Option<(&str, u32)> = None;
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [interface, destination, gateway, _, _, _, _, mask, ..] = fields[..] else { continue };
            let address = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::from_be);
            let (Some(destination), Some(gateway), Some(mask)) =
                (address(destination), address(gateway), address(mask))
            else {
                continue;
            };
            if mask == 0 && default.gateway.is_none() {
                default = Self { interface: interface.to_owned(), gateway: Some(gateway.into()), mask: None };
            } else if let IpAddr::V4(ip) = ip
                && mask != 0
                && u32::from(ip) & mask == destination
                // The narrowest network counts.
                && connected.is_none_or(|(_, known)| known < mask)
            {
                connected = Some((interface, mask));
            }
        }
        match connected {
            Some((interface, mask)) if interface != default.interface => {
                Self { interface: interface.to_owned(), gateway: None, mask: Some(mask.into()) }
            }
            Some((_, mask)) => Self { mask: Some(mask.into()), ..default },
            None => default,
        }
    }
}

/// The name servers this phone asks, first to last. Blocking, shortly.
pub(crate) fn name_servers() -> Vec<IpAddr> {
    servers(&read("/etc/resolv.conf"))
}

/// `table` is resolv.conf(5).
fn servers(table: &str) -> Vec<IpAddr> {
    let named = table.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        words.next().filter(|word| *word == "nameserver")?;
        words.next()?.parse().ok()
    });
    named.take(MOST_SERVERS).collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t010C140A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t0000140A\t010C140A\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
        eth0\t000C140A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        wlan0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

    #[test]
    fn the_route_names_interface_gateway_and_mask() {
        let route = |ip: &str| Route::towards(ip.parse().unwrap(), ROUTES);
        let (gateway, mask) = (Some(Ipv4Addr::new(10, 20, 12, 1)), Some(Ipv4Addr::new(255, 255, 255, 0)));
        assert_eq!(route("10.20.12.7"), Route { interface: "eth0".into(), gateway, mask });
        assert_eq!(route("192.168.2.4"), Route { interface: "wlan0".into(), gateway: None, mask });
        assert_eq!(route("2001:db8::1"), Route { interface: "eth0".into(), gateway, mask: None });
        assert_eq!(Route::towards("10.20.12.7".parse().unwrap(), "rubbish\nmore\trubbish"), Route::default());
    }

    #[test]
    fn name_servers_are_addresses_and_three_at_most() {
        let table = "# by DHCP\nsearch hotel.example\nnameserver 10.20.0.53\nnameserver\nnameserver pbx\n\
            \tnameserver 2001:db8::53 \nnameserver 10.20.0.54\nnameserver 10.20.0.55\n";
        let found: Vec<String> = servers(table).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.20.0.53", "2001:db8::53", "10.20.0.54"]);
        assert!(servers("").is_empty());
    }
}
