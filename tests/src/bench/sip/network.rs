//! Calls over UDP on the loopback interface, in a network namespace of the benchmark's own: set-up beside baresip, and calls a
//! second with SIPp.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::peers::{Baresip, Sipp, scripts, there};
use super::phones::{Ours, serve_registrar};
use super::report::{CallsRow, Percentiles, SetUpRow};
use super::wire::{SetUp, Wire};

const REGISTRAR: &str = "127.0.0.30:5060";
/// SIPp calls from the registrar's address: a phone takes as much as it can from its server, and 20 requests a second from
/// anybody else.
const SIPP_CALLS: &str = "127.0.0.30:5070";
const SIPP_ANSWERS: &str = "127.0.0.42:5060";
const OUR_CALLER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
const OUR_CALLEE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 12);
const BARESIP_CALLER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 21);
const BARESIP_CALLEE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 22);
/// Calls of one kind in a row, before the other's turn: both have the same machine.
const TURN: usize = 10;
/// A call lasts so long, and so does the pause behind it.
const PAUSE: Duration = Duration::from_millis(60);
/// How long a rate is held.
const HOLD: Duration = Duration::from_secs(4);
/// Phones that SIPp calls in turn. One that talks lets the next call ring, so each gets a call only now and then.
const CALLEES: u32 = 128;
/// Phones that call SIPp at once.
const CALLERS: u32 = 8;

/// What there is to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Set-ups of each kind.
    pub calls: usize,
    /// Calls a second to try, ascending.
    pub rates: Vec<u32>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    pub setups: Vec<SetUpRow>,
    pub calls: Vec<CallsRow>,
}

/// Runs this program again in a namespace, with `--inside`, and takes its figures.
///
/// # Errors
/// If a program is missing, the system allows no namespace, or calls fail.
pub fn run(plan: &Plan) -> Result<Figures> {
    for program in ["baresip", "sipp", "setpriv", "unshare", "ip"] {
        ensure!(there(program), "{program} is not installed; --calls 0 does without");
    }
    let folder = tempfile::tempdir()?;
    let figures = folder.path().join("figures.json");
    let mut inside = Command::new(scripts().join("namespace.sh"));
    inside.arg(std::env::current_exe()?).arg("--inside").arg(&figures).args(["--calls", &plan.calls.to_string()]);
    let rates: Vec<String> = plan.rates.iter().map(u32::to_string).collect();
    inside.args(["--rates", &rates.join(",")]);
    ensure!(inside.status().context("namespace.sh")?.success(), "the calls failed; see above");
    Ok(serde_json::from_slice(&std::fs::read(figures)?)?)
}

/// The part within the namespace.
///
/// # Errors
/// If calls fail.
pub async fn inside(plan: &Plan, figures: &Path) -> Result<()> {
    serve_registrar(REGISTRAR).await?;
    let setups = set_ups(plan.calls).await?;
    let calls = rates(&plan.rates).await?;
    std::fs::write(figures, serde_json::to_vec(&Figures { setups, calls })?)?;
    Ok(())
}

// ---- set-up ----

async fn set_ups(calls: usize) -> Result<Vec<SetUpRow>> {
    let mut caller = Ours::start(1, OUR_CALLER.into(), REGISTRAR, false).await?;
    let mut callee = Ours::start(2, OUR_CALLEE.into(), REGISTRAR, true).await?;
    let of_baresip = |user, address, answer| async move {
        Baresip::start(user, REGISTRAR, &format!("{address}:5060"), answer).await
    };
    let mut their_caller = of_baresip("200001", BARESIP_CALLER, "answer=manual").await?;
    let mut their_callee = of_baresip("200002", BARESIP_CALLEE, "answer=auto").await?;
    let their_number = format!("sip:200002@{BARESIP_CALLEE}:5060");
    println!("set-up of {calls} calls each, ours and baresip's");
    // The first turn warms up; nobody looks.
    let mut wire = None;
    for turn in 0..=calls.div_ceil(TURN) {
        if turn == 1 {
            wire = Some(Wire::watch()?);
        }
        for _ in 0..TURN {
            let call = caller.call(&OUR_CALLEE.to_string()).await.context("our phones")?;
            sleep(PAUSE).await;
            caller.hang_up(call).await?;
            sleep(PAUSE).await;
        }
        caller.forget();
        callee.forget();
        for _ in 0..TURN {
            their_caller.command("dial", &their_number).await?;
            their_caller.event("CALL_ESTABLISHED").await?;
            sleep(PAUSE).await;
            their_caller.command("hangup", "").await?;
            their_callee.event("CALL_CLOSED").await?;
            sleep(PAUSE).await;
        }
    }
    let seen = wire.context("no calls were asked for")?.finish()?;
    Ok(vec![row("phone-core", OUR_CALLER, &seen)?, row("baresip", BARESIP_CALLER, &seen)?])
}

fn row(name: &str, from: Ipv4Addr, seen: &[(Ipv4Addr, SetUp)]) -> Result<SetUpRow> {
    let mine: Vec<SetUp> = seen.iter().filter(|(source, _)| *source == from).map(|(_, set_up)| *set_up).collect();
    let of = |value: fn(&SetUp) -> Option<f64>| Percentiles::of(mine.iter().filter_map(value).collect());
    let incomplete = mine.iter().filter(|one| one.acknowledged.is_none() || one.answered.is_none()).count();
    ensure!(incomplete == 0 && !mine.is_empty(), "{incomplete} of {} calls of {name} are not complete", mine.len());
    Ok(SetUpRow {
        name: name.to_owned(),
        calls: mine.len(),
        ringing: of(|one| one.ringing),
        answered: of(|one| one.answered),
        acknowledged: of(|one| one.acknowledged),
        ok_to_ack: of(|one| Some(one.acknowledged? - one.answered?)),
    })
}

// ---- rates ----

async fn rates(rates: &[u32]) -> Result<Vec<CallsRow>> {
    let mut rows = Vec::new();
    if rates.is_empty() {
        return Ok(rows);
    }
    let uas = Sipp::answering(SIPP_ANSWERS)?;
    sleep(Duration::from_millis(500)).await;
    let (host, port) = SIPP_ANSWERS.split_once(':').context("host:port")?;
    let sipp = [("sipp".to_owned(), host.to_owned(), port.parse()?)];
    for rate in rates {
        rows.push(sipp_calls("SIPp to SIPp", &sipp, *rate).await?);
    }
    drop(uas);
    let mut phones = Vec::new();
    for number in 0..CALLEES {
        let address = Ipv4Addr::new(127, 0, 2, u8::try_from(number + 1)?);
        phones.push(Ours::start(300 + number, address.into(), REGISTRAR, true).await?);
    }
    let users = (0..CALLEES).map(|number| ((100_300 + number).to_string(), format!("127.0.2.{}", number + 1), 5060));
    let users: Vec<(String, String, u16)> = users.collect();
    for rate in rates {
        let row = sipp_calls(&format!("SIPp to {CALLEES} phones of ours"), &users, *rate).await?;
        let held = row.held();
        rows.push(row);
        phones.iter_mut().for_each(Ours::forget);
        // Beyond that it only gets worse.
        if !held {
            break;
        }
    }
    drop(phones);
    rows.push(ours_call_sipp().await?);
    Ok(rows)
}

async fn sipp_calls(name: &str, users: &[(String, String, u16)], rate: u32) -> Result<CallsRow> {
    let sipp = Sipp::calling(SIPP_CALLS, users, rate, u64::from(rate) * HOLD.as_secs())?;
    let (counted, took) = sipp.finish(HOLD * 30).await?;
    Ok(CallsRow {
        name: name.to_owned(),
        asked: rate,
        calls: counted.successful,
        failed: counted.failed,
        retransmissions: counted.retransmissions,
        per_second: counted.successful as f64 / took.as_secs_f64(),
    })
}

/// As fast as they can: each dials, is answered, hangs up, and dials again.
async fn ours_call_sipp() -> Result<CallsRow> {
    let uas = Sipp::answering(SIPP_ANSWERS)?;
    sleep(Duration::from_millis(500)).await;
    let mut phones = Vec::new();
    for number in 0..CALLERS {
        let address = IpAddr::from([127, 0, 1, u8::try_from(number + 1)?]);
        phones.push(Ours::start(100 + number, address, REGISTRAR, false).await?);
    }
    let start = Instant::now();
    let mut calling = JoinSet::new();
    for mut phone in phones {
        calling.spawn(async move {
            let (mut calls, mut failed) = (0u64, 0u64);
            while start.elapsed() < HOLD {
                match phone.call(SIPP_ANSWERS).await {
                    Ok(call) => {
                        phone.hang_up(call).await?;
                        calls += 1;
                    }
                    Err(_) => failed += 1,
                }
            }
            anyhow::Ok((calls, failed))
        });
    }
    let (mut calls, mut failed) = (0, 0);
    while let Some(done) = calling.join_next().await {
        let (made, not) = done??;
        (calls, failed) = (calls + made, failed + not);
    }
    let took = start.elapsed();
    // It writes its counts each second.
    sleep(Duration::from_millis(1500)).await;
    Ok(CallsRow {
        name: format!("{CALLERS} phones of ours to SIPp"),
        asked: 0,
        calls,
        failed,
        retransmissions: uas.counted()?.retransmissions,
        per_second: calls as f64 / took.as_secs_f64(),
    })
}
