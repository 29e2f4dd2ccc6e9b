//! The tests as the data model has them (TR-106 `IPPingDiagnostics`, `TraceRouteDiagnostics`; TR-143
//! `DownloadDiagnostics`, `UploadDiagnostics`): the ACS writes what is wanted and `Requested`; when the session is over
//! the test runs, and "8 DIAGNOSTICS COMPLETE" tells that there are results.

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::rest::{Direction, PingRequest, ThroughputRequest, TraceRequest};
use cwmp::CwmpTime;
use tokio::sync::Semaphore;

use super::{DiagnosticError, TransferError, ping, throughput, traceroute};
use crate::cpe::http;
use crate::cpe::tree::own::Kind;
use crate::device::Device;
use crate::tls::Purpose;

/// Tests at the same time in a process of many phones.
static ROOM: Semaphore = Semaphore::const_new(8);

pub const HOPS: &str = "Device.LAN.TraceRouteDiagnostics.RouteHops.";
pub const HOP_HOST: &str = "HopHost";

/// Which test a parameter is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    Ping,
    Route,
    Download,
    Upload,
}

/// One parameter of a test.
#[derive(Debug)]
pub struct TestParameter {
    pub path: &'static str,
    pub test: Test,
    pub kind: Kind,
    /// Written by the ACS; else a result.
    pub input: bool,
    pub default: &'static str,
}

macro_rules! table {
    ($($test:ident $prefix:literal { $($name:literal $input:literal $kind:expr, $default:literal;)* })*) => {
        /// All of them.
        pub static TABLE: &[TestParameter] = &[$($(TestParameter {
            path: concat!($prefix, $name), test: Test::$test, kind: $kind, input: $input, default: $default,
        },)*)*];
    };
}

const TIME: Kind = Kind::Time;
const COUNT: Kind = Kind::Number(0, u32::MAX);
const DSCP: Kind = Kind::Number(0, 63);
/// No packet of a higher priority leaves a phone that does not tag.
const PRIORITY: Kind = Kind::Number(0, 0);

table! {
    Ping "Device.LAN.IPPingDiagnostics." {
        "DiagnosticsState" true Kind::State, "None";
        "Host" true Kind::Text(256), "";
        "NumberOfRepetitions" true Kind::Number(1, 100), "3";
        "Timeout" true Kind::Number(100, 10_000), "2000";
        "DataBlockSize" true Kind::Number(1, 1472), "56";
        "DSCP" true DSCP, "0";
        "SuccessCount" false COUNT, "0";
        "FailureCount" false COUNT, "0";
        "AverageResponseTime" false COUNT, "0";
        "MinimumResponseTime" false COUNT, "0";
        "MaximumResponseTime" false COUNT, "0";
    }
    Route "Device.LAN.TraceRouteDiagnostics." {
        "DiagnosticsState" true Kind::State, "None";
        "Host" true Kind::Text(256), "";
        "Timeout" true Kind::Number(100, 10_000), "2000";
        "DataBlockSize" true Kind::Number(1, 1472), "32";
        "MaxHopCount" true Kind::Number(1, 64), "30";
        "DSCP" true DSCP, "0";
        "ResponseTime" false COUNT, "0";
    }
    Download "Device.DownloadDiagnostics." {
        "DiagnosticsState" true Kind::State, "None";
        "Interface" true Kind::Text(0), "";
        "DownloadURL" true Kind::Text(256), "";
        "DSCP" true Kind::Number(0, 0), "0";
        "EthernetPriority" true PRIORITY, "0";
        "ROMTime" false TIME, "0001-01-01T00:00:00Z";
        "BOMTime" false TIME, "0001-01-01T00:00:00Z";
        "EOMTime" false TIME, "0001-01-01T00:00:00Z";
        "TestBytesReceived" false COUNT, "0";
        "TotalBytesReceived" false COUNT, "0";
    }
    Upload "Device.UploadDiagnostics." {
        "DiagnosticsState" true Kind::State, "None";
        "Interface" true Kind::Text(0), "";
        "UploadURL" true Kind::Text(256), "";
        "DSCP" true Kind::Number(0, 0), "0";
        "EthernetPriority" true PRIORITY, "0";
        "TestFileLength" true Kind::Number(1, 100_000_000), "1000000";
        "ROMTime" false TIME, "0001-01-01T00:00:00Z";
        "BOMTime" false TIME, "0001-01-01T00:00:00Z";
        "EOMTime" false TIME, "0001-01-01T00:00:00Z";
        "TotalBytesSent" false COUNT, "0";
    }
}

/// What was written and what came out, in this life of the phone.
#[derive(Debug, Default)]
pub struct Tests {
    values: BTreeMap<&'static str, String>,
    hops: Vec<String>,
    /// Counts what was written, so that a test under way knows that it is not wanted any more.
    written: u64,
}

impl Tests {
    /// Writes inputs that have been checked. Writing to a test stops it, or starts it where the state is among them.
    pub fn write(&mut self, inputs: Vec<(&'static TestParameter, String)>) {
        self.written += 1;
        for (parameter, _) in &inputs {
            self.values.insert(state_path(parameter.test), "None".to_owned());
        }
        self.values.extend(inputs.into_iter().map(|(parameter, value)| (parameter.path, value)));
    }

    fn get(&self, path: &'static str) -> &str {
        let default = || TABLE.iter().find(|parameter| parameter.path == path).map_or("", |known| known.default);
        self.values.get(path).map_or_else(default, String::as_str)
    }

    fn requested(&self) -> Option<(Test, u64)> {
        let all = [Test::Ping, Test::Route, Test::Download, Test::Upload];
        let found = all.into_iter().find(|test| self.get(state_path(*test)) == "Requested")?;
        Some((found, self.written))
    }
}

fn state_path(test: Test) -> &'static str {
    match test {
        Test::Ping => "Device.LAN.IPPingDiagnostics.DiagnosticsState",
        Test::Route => "Device.LAN.TraceRouteDiagnostics.DiagnosticsState",
        Test::Download => "Device.DownloadDiagnostics.DiagnosticsState",
        Test::Upload => "Device.UploadDiagnostics.DiagnosticsState",
    }
}

/// A parameter's value now.
pub fn read(device: &Device, parameter: &'static TestParameter) -> String {
    if !device.has_tests() {
        return parameter.default.to_owned();
    }
    device.with_tests(|tests| tests.get(parameter.path).to_owned())
}

/// Hops of the last route test.
pub fn hops(device: &Device) -> usize {
    if device.has_tests() { device.with_tests(|tests| tests.hops.len()) } else { 0 }
}

/// Who answered there; counted from 1.
pub fn hop(device: &Device, number: usize) -> String {
    device.with_tests(|tests| tests.hops.get(number.wrapping_sub(1)).cloned().unwrap_or_default())
}

/// What a test found: its state, other values, and hops.
struct Found {
    state: &'static str,
    values: Vec<(&'static str, String)>,
    hops: Vec<String>,
}

impl Found {
    fn state(state: &'static str) -> Self {
        Self { state, values: Vec::new(), hops: Vec::new() }
    }
}

/// Lives until dropped.
pub(crate) async fn run(device: Arc<Device>) {
    loop {
        let wanted = (!device.in_session() && device.has_tests()).then(|| device.with_tests(|tests| tests.requested()));
        let Some((test, written)) = wanted.flatten() else {
            device.tests_wake.notified().await;
            continue;
        };
        let found = tokio::select! {
            found = Box::pin(carry_out(&device, test)) => found,
            () = rewritten(&device, written) => continue,
        };
        let kept = device.with_tests(|tests| {
            let wanted = tests.written == written;
            if wanted {
                tests.values.extend(found.values);
                tests.values.insert(state_path(test), found.state.to_owned());
                if test == Test::Route {
                    tests.hops = found.hops;
                }
            }
            wanted
        });
        if kept {
            tracing::info!(?test, state = found.state, "a test is done");
            device.tests_done();
        }
    }
}

/// Returns when other parameters have been written since.
async fn rewritten(device: &Device, written: u64) {
    while device.with_tests(|tests| tests.written) == written {
        device.tests_wake.notified().await;
    }
}

async fn carry_out(device: &Arc<Device>, test: Test) -> Found {
    let Ok(_room) = ROOM.acquire().await else { return Found::state("Error_Internal") };
    let text = |path| device.with_tests(|tests| tests.get(path).to_owned());
    let number = |path| text(path).parse::<u32>().unwrap_or(0);
    match test {
        Test::Ping => {
            let request = PingRequest {
                host: text("Device.LAN.IPPingDiagnostics.Host"),
                count: number("Device.LAN.IPPingDiagnostics.NumberOfRepetitions") as u16,
                size: number("Device.LAN.IPPingDiagnostics.DataBlockSize") as u16,
                timeout_ms: number("Device.LAN.IPPingDiagnostics.Timeout"),
                dscp: number("Device.LAN.IPPingDiagnostics.DSCP") as u8,
            };
            found_ping(ping::run(&request, |_| {}).await)
        }
        Test::Route => {
            let request = TraceRequest {
                host: text("Device.LAN.TraceRouteDiagnostics.Host"),
                max_hops: number("Device.LAN.TraceRouteDiagnostics.MaxHopCount") as u8,
                tries: 1,
                timeout_ms: number("Device.LAN.TraceRouteDiagnostics.Timeout"),
            };
            let datagram = traceroute::Datagram {
                size: number("Device.LAN.TraceRouteDiagnostics.DataBlockSize") as u16,
                dscp: number("Device.LAN.TraceRouteDiagnostics.DSCP") as u8,
            };
            found_route(traceroute::run_with(&request, datagram, |_| {}).await)
        }
        Test::Download | Test::Upload => throughput_test(device, test).await,
    }
}

fn found_ping(result: Result<contract::rest::PingResult, DiagnosticError>) -> Found {
    let result = match result {
        Ok(result) => result,
        Err(error) => return Found::state(error_state(&error)),
    };
    let (least, mean, most) = result.round_trip_ms().unwrap_or_default();
    let lost = result.sent - result.received;
    let time = |ms: f64| (ms.round() as u64).to_string();
    let values = vec![
        ("Device.LAN.IPPingDiagnostics.SuccessCount", result.received.to_string()),
        ("Device.LAN.IPPingDiagnostics.FailureCount", lost.to_string()),
        ("Device.LAN.IPPingDiagnostics.AverageResponseTime", time(mean)),
        ("Device.LAN.IPPingDiagnostics.MinimumResponseTime", time(least)),
        ("Device.LAN.IPPingDiagnostics.MaximumResponseTime", time(most)),
    ];
    Found { values, ..Found::state("Complete") }
}

fn found_route(result: Result<contract::rest::TraceResult, DiagnosticError>) -> Found {
    let result = match result {
        Ok(result) => result,
        Err(error) => return Found::state(error_state(&error)),
    };
    let last = result.hops.last().and_then(|hop| hop.round_trips_ms.iter().flatten().next().copied());
    let time = last.filter(|_| result.reached).unwrap_or(0.0).round() as u64;
    Found {
        state: if result.reached { "Complete" } else { "Error_MaxHopCountExceeded" },
        values: vec![("Device.LAN.TraceRouteDiagnostics.ResponseTime", time.to_string())],
        hops: result.hops.into_iter().map(|hop| hop.address).collect(),
    }
}

fn error_state(error: &DiagnosticError) -> &'static str {
    tracing::info!(%error, "a test could not be made");
    match error {
        DiagnosticError::CannotResolve(_) => "Error_CannotResolveHostName",
        DiagnosticError::Invalid { .. } => "Error_Other",
        DiagnosticError::NotAllowed(_) | DiagnosticError::Internal(_) | DiagnosticError::Transfer(_) => {
            "Error_Internal"
        }
    }
}

async fn throughput_test(device: &Arc<Device>, test: Test) -> Found {
    let upload = test == Test::Upload;
    let text = |path| device.with_tests(|tests| tests.get(path).to_owned());
    let request = ThroughputRequest {
        direction: if upload { Direction::Upload } else { Direction::Download },
        url: text(if upload { "Device.UploadDiagnostics.UploadURL" } else { "Device.DownloadDiagnostics.DownloadURL" }),
        bytes: text("Device.UploadDiagnostics.TestFileLength").parse().unwrap_or(0),
    };
    let client = match http::client(&device.tls_options(Purpose::Download)) {
        Ok(client) => client,
        Err(error) => {
            tracing::info!(%error, "a test could not be made");
            return Found::state("Error_InitConnectionFailed");
        }
    };
    let measured = match throughput::run(&client, &request, |_| {}).await {
        Ok(measured) => measured,
        Err(error) => {
            tracing::info!(%error, "a test could not be made");
            return Found::state(match error {
                DiagnosticError::Transfer(TransferError::Timeout | TransferError::Status(_)) => "Error_NoResponse",
                DiagnosticError::Transfer(TransferError::Broken(_)) if upload => "Error_NoTransferComplete",
                DiagnosticError::Transfer(TransferError::Broken(_)) => "Error_TransferFailed",
                _ => "Error_InitConnectionFailed",
            });
        }
    };
    let time = |at: contract::Timestamp| CwmpTime::from_unix_ms(at.millis()).print();
    let count = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX).to_string();
    let values = if upload {
        vec![
            ("Device.UploadDiagnostics.ROMTime", time(measured.requested_at)),
            ("Device.UploadDiagnostics.BOMTime", time(measured.began_at)),
            ("Device.UploadDiagnostics.EOMTime", time(measured.ended_at)),
            ("Device.UploadDiagnostics.TotalBytesSent", count(measured.total_bytes)),
        ]
    } else {
        vec![
            ("Device.DownloadDiagnostics.ROMTime", time(measured.requested_at)),
            ("Device.DownloadDiagnostics.BOMTime", time(measured.began_at)),
            ("Device.DownloadDiagnostics.EOMTime", time(measured.ended_at)),
            ("Device.DownloadDiagnostics.TestBytesReceived", count(measured.result.bytes)),
            ("Device.DownloadDiagnostics.TotalBytesReceived", count(measured.total_bytes)),
        ]
    };
    Found { values, ..Found::state("Completed") }
}
