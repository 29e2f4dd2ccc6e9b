//! Whatever the DNS and the servers do.

use proptest::prelude::*;

use super::*;
use crate::rng::Rng;

/// What happens next; numbers choose among what there is.
#[derive(Clone, Debug)]
enum Event {
    Answer(usize, Option<Vec<Record>>, u64),
    Begin,
    CallFails(bool),
    RegisterFails(bool),
    CallAnswered,
    RegisterAnswered,
    /// News of any way at all.
    Stray(usize, bool),
    Pass(u64),
    Apply(usize),
}

const MODES: [&str; 4] = ["default", "until_ttl", "until_no_response", "failback_timer"];
const DNS: [&str; 4] = ["a", "srv", "naptr_srv", "configured_ip"];
const NAMES: [&str; 6] = ["p.x", "q.x", "_sip._udp.p.x", ".", "", "192.0.2.77"];

fn record() -> impl Strategy<Value = Record> {
    let name = || prop_oneof![prop::sample::select(&NAMES[..]).prop_map(str::to_owned), "[ -~]{0,12}"];
    prop_oneof![
        (0u8..12).prop_map(|n| Record::Address(std::net::Ipv4Addr::new(192, 0, 2, n).into())),
        (0u16..6).prop_map(|n| Record::Address(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n).into())),
        (0u16..4, 0u16..4, 0u16..3, name()).prop_map(|(priority, weight, port, target)| Record::Srv(Srv {
            priority,
            weight,
            port,
            target
        })),
        (0u16..3, 0u16..3, "[sSaAuU]{0,2}", "(SIP\\+D2U|SIP\\+D2T|x)", name()).prop_map(
            |(order, preference, flags, service, replacement)| {
                Record::Naptr(Naptr { order, preference, flags, service, replacement })
            }
        ),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (any::<usize>(), prop::option::weighted(0.8, prop::collection::vec(record(), 0..20)), 0u64..2000)
            .prop_map(|(at, records, ttl)| Event::Answer(at, records, ttl)),
        2 => Just(Event::Begin),
        2 => any::<bool>().prop_map(Event::CallFails),
        3 => any::<bool>().prop_map(Event::RegisterFails),
        1 => Just(Event::CallAnswered),
        2 => Just(Event::RegisterAnswered),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(at, silent)| Event::Stray(at, silent)),
        3 => (0u64..4000).prop_map(Event::Pass),
        1 => (0usize..4).prop_map(Event::Apply),
    ]
}

fn pairs(dns: usize, mode: usize, proxy: bool, register: bool) -> Vec<(&'static str, &'static str)> {
    let mut pairs = vec![
        ("sip.server.1.address", "p.x"),
        ("sip.server.2.address", "q.x"),
        ("network.dnsmode", DNS[dns]),
        ("network.dnssrvfailovermode", MODES[mode]),
        ("network.failbacktimer", "20"),
        ("network.primaryip", "192.0.2.200"),
        ("network.backupip.1", "192.0.2.201"),
        ("network.dnssrvregisterbeforefailover", if proxy { "yes" } else { "no" }),
        ("sip.registration", if register { "yes" } else { "no" }),
    ];
    if proxy {
        pairs.extend([("sip.outboundproxy.1.address", "r.x"), ("sip.outboundproxy.2.address", "192.0.2.99")]);
    }
    pairs
}

fn failure(silent: bool) -> Failure {
    if silent { Failure::Silent } else { Failure::Unavailable { retry_after: Some(secs(100)) } }
}

fn holds(locator: &Locator) {
    let ways = locator.ways();
    assert_eq!(locator.way().is_none(), ways.is_empty(), "a way, if there is any");
    for way in [locator.way(), locator.registering()].into_iter().flatten() {
        assert!(ways.contains(way), "only ways that are known");
    }
    assert!(ways.len() <= 4 * (MAX_ADDRESSES + 1));
    for (at, way) in ways.iter().enumerate() {
        assert!(!ways[..at].contains(way), "each way once");
    }
    let state = locator.state();
    assert!(state.index <= state.of && (state.index == 0) == state.way.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn requests_go_to_known_places_and_everyone_has_a_turn(
        (dns, mode, proxy, register) in (0usize..4, 0usize..4, any::<bool>(), any::<bool>()),
        events in prop::collection::vec(event(), 0..60),
        alive in any::<usize>(),
        slow in 0u64..100,
        calls in any::<bool>(),
    ) {
        let first = settings(&pairs(dns, mode, proxy, register));
        let mut locator = Locator::new(first, Transport::Udp, IpPreference::PreferIpv4, Rng::new(5, 5));
        let mut now = Instant::ZERO;
        let mut waiting: Vec<Query> = Vec::new();
        locator.start(now);
        for event in events {
            let (way, registering) = (locator.way().cloned(), locator.registering().cloned());
            match event {
                Event::Answer(at, records, ttl) => {
                    if !waiting.is_empty() {
                        let query = waiting.remove(at % waiting.len());
                        let given = records.ok_or(DnsFailure).map(|records| Records { ttl: secs(ttl), records });
                        locator.answered(now, &query, given);
                    }
                }
                Event::Begin => _ = locator.begin(now),
                Event::CallFails(silent) => _ = way.map(|way| locator.no_answer(now, &way, failure(silent))),
                Event::RegisterFails(silent) => {
                    _ = registering.map(|way| locator.no_answer(now, &way, failure(silent)));
                }
                Event::CallAnswered => _ = way.map(|way| locator.answered_by(now, &way)),
                Event::RegisterAnswered => _ = registering.map(|way| locator.answered_by(now, &way)),
                Event::Stray(at, silent) => {
                    let stray = locator.ways().get(at % locator.ways().len().max(1)).cloned();
                    _ = stray.map(|way| locator.no_answer(now, &way, failure(silent)));
                }
                Event::Pass(seconds) => {
                    let end = now + secs(seconds);
                    while let Some(at) = locator.poll_timeout().filter(|at| *at <= end) {
                        now = now.max(at);
                        locator.handle_timeout(now);
                        holds(&locator);
                        prop_assert!(locator.poll_timeout().is_none_or(|next| next > now), "time goes on");
                    }
                    now = end;
                }
                Event::Apply(mode) => {
                    let new = settings(&pairs(dns, mode, proxy, register));
                    locator.apply(now, new, Transport::Udp, IpPreference::PreferIpv4);
                }
            }
            while let Some(query) = locator.poll_query() {
                waiting.retain(|known| *known != query);
                waiting.push(query);
                prop_assert!(waiting.len() < 1000);
            }
            while locator.poll_change().is_some() {}
            holds(&locator);
        }

        // From here on the DNS says nothing new, and one way answers.
        for _ in 0..200 {
            now = locator.poll_timeout().map_or(now, |at| now.max(at));
            locator.handle_timeout(now);
            while let Some(query) = locator.poll_query() {
                locator.answered(now, &query, Err(DnsFailure));
            }
        }
        let ways = locator.ways().to_vec();
        let Some(alive) = ways.get(alive % ways.len().max(1)) else { return Ok(()) };
        let mut tries = 0;
        locator.begin(now);
        loop {
            let way = if calls { locator.way() } else { locator.registering() }.cloned();
            let Some(way) = way else { panic!("ways, and none in use") };
            if way == *alive {
                locator.answered_by(now, &way);
                prop_assert_eq!(if calls { locator.way() } else { locator.registering() }, Some(alive));
                break;
            }
            // What is left of the round under way, and one from the start.
            tries += 1;
            prop_assert!(tries <= 2 * ways.len() + 1, "{} of {} tries", tries, ways.len());
            now = now + secs(slow);
            if locator.no_answer(now, &way, Failure::Unavailable { retry_after: None }) == Next::Exhausted {
                locator.begin(now);
            }
            holds(&locator);
        }
    }
}
