//! From the parameters of a diagnostics object to a result.

use contract::rest::{Direction, Hop, PingResult, Task, TaskResult, ThroughputResult, TraceResult};
use cwmp::{CwmpTime, ParameterValue};

/// What the phone told of one diagnostics object.
pub struct Told<'a> {
    root: &'a str,
    values: &'a [ParameterValue],
}

/// `Error_CannotResolveHostName` in words.
pub fn reason(state: &str) -> String {
    match state {
        "Error_CannotResolveHostName" => "it could not find the address of the host".to_owned(),
        "Error_MaxHopCountExceeded" => "the host is farther away than the hops allowed".to_owned(),
        "Error_InitConnectionFailed" => "it could not connect to the server".to_owned(),
        "Error_NoResponse" => "the server did not answer".to_owned(),
        "Error_TransferFailed" => "the transfer broke off".to_owned(),
        "Error_Timeout" => "it took too long".to_owned(),
        "Requested" => "it did not finish in time".to_owned(),
        "None" | "" => "it does not know of the measurement any more".to_owned(),
        other => {
            let plain: String = other.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
            format!("it says {plain}")
        }
    }
}

impl<'a> Told<'a> {
    pub fn new(root: &'a str, values: &'a [ParameterValue]) -> Self {
        Self { root, values }
    }

    fn text(&self, name: &str) -> &'a str {
        let wanted = |one: &&ParameterValue| one.name.strip_prefix(self.root) == Some(name);
        self.values.iter().find(wanted).map_or("", |one| one.value.text.trim())
    }

    fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    pub fn state(&self) -> &'a str {
        self.text("DiagnosticsState")
    }

    pub fn result(&self, task: &Task) -> TaskResult {
        match task {
            Task::Traceroute(trace) => TaskResult::Traceroute(self.trace(&trace.host)),
            Task::Throughput(test) => TaskResult::Throughput(self.throughput(test.direction, test.bytes)),
            Task::Ping(ping) => TaskResult::Ping(self.ping(&ping.host)),
            _ => TaskResult::Parameters { count: 0 },
        }
    }

    /// TR-106 tells the smallest, mean and largest round trip; TR-181 in microseconds as well.
    fn ping(&self, host: &str) -> PingResult {
        let count = |name| u32::try_from(self.number(name)).unwrap_or(u32::MAX);
        let (received, lost) = (count("SuccessCount"), count("FailureCount"));
        let time = |name: &str| match self.number(&format!("{name}Detailed")) {
            0 => self.number(name) as f64,
            micros => micros as f64 / 1000.0,
        };
        let times = ["MinimumResponseTime", "AverageResponseTime", "MaximumResponseTime"].map(time);
        PingResult {
            address: match self.text("IPAddressUsed") {
                "" => host.to_owned(),
                address => address.to_owned(),
            },
            sent: received.saturating_add(lost),
            received,
            round_trips_ms: Vec::new(),
            summary_ms: (received > 0).then(|| times.to_vec()),
        }
    }

    fn trace(&self, host: &str) -> TraceResult {
        let mut hops: Vec<(u32, Hop)> = Vec::new();
        for one in self.values {
            let Some(rest) = one.name.strip_prefix(self.root).and_then(|rest| rest.strip_prefix("RouteHops.")) else {
                continue;
            };
            let Some((number, leaf)) = rest.split_once('.') else { continue };
            let Ok(number) = number.parse::<u32>() else { continue };
            let at = hops.iter().position(|(known, _)| *known == number).unwrap_or_else(|| {
                hops.push((number, Hop { address: String::new(), round_trips_ms: Vec::new() }));
                hops.len() - 1
            });
            let (text, hop) = (one.value.text.trim(), &mut hops[at].1);
            match leaf {
                "HopHostAddress" | "HostAddress" if !text.is_empty() => hop.address = text.to_owned(),
                "HopHost" | "Host" if hop.address.is_empty() => hop.address = text.to_owned(),
                "HopRTTimes" | "RTTimes" => {
                    let times = text.split(',').take(3).filter(|time| !time.trim().is_empty());
                    // 0 stands for no answer where there is no address.
                    hop.round_trips_ms = times.map(|time| time.trim().parse().ok()).collect();
                }
                _ => {}
            }
        }
        hops.sort_by_key(|(number, _)| *number);
        let mut hops: Vec<Hop> = hops.into_iter().map(|(_, hop)| hop).take(64).collect();
        for hop in &mut hops {
            hop.address = hop.address.chars().take(253).collect();
            if hop.address.is_empty() {
                hop.round_trips_ms.iter_mut().for_each(|time| *time = None);
            }
        }
        let address = match self.text("IPAddressUsed") {
            "" => host.to_owned(),
            address => address.to_owned(),
        };
        // Complete means that the last hop was the host (TR-106: else Error_MaxHopCountExceeded).
        TraceResult { address, reached: !hops.is_empty(), hops }
    }

    fn throughput(&self, direction: Direction, asked: u64) -> ThroughputResult {
        let time = |name| CwmpTime::parse(self.text(name)).ok().map(|time| time.at.timestamp_micros());
        let micros = match (time("BOMTime"), time("EOMTime")) {
            (Some(began), Some(ended)) => (ended - began).max(1),
            _ => 1,
        };
        let bytes = match (direction, self.number("TestBytesReceived"), self.number("TestFileLength")) {
            (Direction::Download, bytes, _) => bytes,
            (Direction::Upload, _, 0) => asked,
            (Direction::Upload, _, bytes) => bytes,
        };
        let bits_per_second = (bytes as f64 * 8.0 / (micros as f64 / 1e6)) as u64;
        ThroughputResult { bytes, duration_ms: micros as f64 / 1000.0, bits_per_second }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cwmp::Value;

    fn values(root: &str, pairs: &[(&str, &str)]) -> Vec<ParameterValue> {
        pairs.iter().map(|(name, text)| ParameterValue::new(format!("{root}{name}"), Value::string(*text))).collect()
    }

    #[test]
    fn a_ping_as_tr_106_tells_it() {
        let root = "Device.LAN.IPPingDiagnostics.";
        let values = values(
            root,
            &[
                ("DiagnosticsState", "Complete"),
                ("SuccessCount", "3"),
                ("FailureCount", "1"),
                ("MinimumResponseTime", "1"),
                ("AverageResponseTime", "2"),
                ("MaximumResponseTime", "4"),
            ],
        );
        let told = Told::new(root, &values);
        assert_eq!(told.state(), "Complete");
        let ping = told.ping("10.0.0.1");
        assert_eq!((ping.sent, ping.received, ping.round_trip_ms()), (4, 3, Some((1.0, 2.0, 4.0))));
    }

    #[test]
    fn hops_are_in_their_order() {
        let root = "Device.IP.Diagnostics.TraceRoute.";
        let values = values(
            root,
            &[
                ("RouteHops.10.Host", "b"),
                ("RouteHops.2.Host", ""),
                ("RouteHops.2.RTTimes", "0,0"),
                ("RouteHops.10.RTTimes", "3,4"),
            ],
        );
        let trace = Told::new(root, &values).trace("b");
        assert_eq!(trace.hops[0], Hop { address: String::new(), round_trips_ms: vec![None, None] });
        assert_eq!(trace.hops[1], Hop { address: "b".into(), round_trips_ms: vec![Some(3.0), Some(4.0)] });
    }

    #[test]
    fn throughput_is_bytes_over_time() {
        let root = "Device.DownloadDiagnostics.";
        let values = values(
            root,
            &[
                ("BOMTime", "2026-01-31T12:00:00.000000Z"),
                ("EOMTime", "2026-01-31T12:00:02.500000Z"),
                ("TestBytesReceived", "2500000"),
            ],
        );
        let test = Told::new(root, &values).throughput(Direction::Download, 0);
        assert_eq!((test.bytes, test.bits_per_second), (2_500_000, 8_000_000));
    }
}
