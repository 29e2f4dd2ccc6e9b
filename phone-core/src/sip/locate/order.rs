//! The order in which SRV and NAPTR records are used.

use std::cmp::{Ordering, Reverse};

use super::dns::{Naptr, Record};
use crate::rng::Rng;
use crate::sip::transport::Transport;

/// Priority and weight.
fn rank(record: &Record) -> (u16, u16) {
    match record {
        Record::Srv(srv) => (srv.priority, srv.weight),
        Record::Address(_) | Record::Naptr(_) => (u16::MAX, 0),
    }
}

/// By priority, then the heaviest first; one fixed order for one set.
pub(super) fn heaviest_first(a: &Record, b: &Record) -> Ordering {
    let key = |record: &Record| (rank(record).0, Reverse(rank(record).1));
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}

/// Puts SRV records into the order of use: by priority, and drawn by weight within one (RFC 2782, "Usage rules").
pub(super) fn by_weight(mut records: Vec<Record>, rng: &mut Rng) -> Vec<Record> {
    // Those without weight come first within a priority, as the RFC's draw wants it.
    records.sort_by_key(rank);
    let mut ordered = Vec::with_capacity(records.len());
    while let Some((priority, _)) = records.first().map(rank) {
        let weights: Vec<u64> =
            records.iter().map(rank).take_while(|(p, _)| *p == priority).map(|(_, w)| u64::from(w)).collect();
        let total: u64 = weights.iter().sum();
        let drawn = if total == 0 {
            // Nobody said who should get more: spread evenly.
            usize::try_from(rng.next_u64() % weights.len().max(1) as u64).unwrap_or(0)
        } else {
            let at = rng.next_u64() % (total + 1);
            let mut sum = 0;
            let reaches = |weight: &u64| {
                sum += weight;
                sum >= at
            };
            weights.iter().position(reaches).unwrap_or(0)
        };
        ordered.push(records.remove(drawn));
    }
    ordered
}

/// The NAPTR service of a transport (RFC 3263 §4.1).
const fn service(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "SIP+D2U",
        Transport::Tcp => "SIP+D2T",
        Transport::Tls => "SIPS+D2T",
    }
}

/// The NAPTR records, in the order of use, that lead to this transport by an SRV name (`s`) or a host (`a`).
pub(super) fn usable(records: &[Record], transport: Transport) -> impl Iterator<Item = &Naptr> {
    records.iter().filter_map(move |record| match record {
        Record::Naptr(naptr) if naptr.service.eq_ignore_ascii_case(service(transport)) => {
            let leads = naptr.flags.eq_ignore_ascii_case("s") || naptr.flags.eq_ignore_ascii_case("a");
            leads.then_some(naptr)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::dns::Srv;
    use super::*;

    fn srv(priority: u16, weight: u16, target: &str) -> Record {
        Record::Srv(Srv { priority, weight, port: 5060, target: target.to_owned() })
    }

    fn first_counts(records: &[Record], rounds: usize) -> Vec<usize> {
        let mut rng = Rng::new(7, 1);
        let mut counts = vec![0; records.len()];
        for _ in 0..rounds {
            let ordered = by_weight(records.to_vec(), &mut rng);
            assert_eq!(ordered.len(), records.len());
            let at = records.iter().position(|record| Some(record) == ordered.first()).unwrap();
            counts[at] += 1;
        }
        counts
    }

    #[test]
    fn weights_share_the_load() {
        let counts = first_counts(&[srv(1, 10, "a"), srv(1, 30, "b"), srv(1, 60, "c"), srv(2, 9999, "d")], 10_000);
        // 11/101, 30/101, 60/101: the draw includes both ends.
        for (count, wanted) in counts.iter().zip([1089, 2970, 5941, 0]) {
            assert!(count.abs_diff(wanted) < 250, "{counts:?}");
        }
    }

    #[test]
    fn records_without_weight_share_evenly_and_beside_others_get_little() {
        let even = first_counts(&[srv(1, 0, "a"), srv(1, 0, "b"), srv(1, 0, "c")], 6000);
        assert!(even.iter().all(|count| count.abs_diff(2000) < 250), "{even:?}");
        let little = first_counts(&[srv(1, 0, "a"), srv(1, 99, "b")], 10_000);
        assert!((1..300).contains(&little[0]), "{little:?}");
    }

    #[test]
    fn priorities_are_kept_apart() {
        let records = vec![srv(20, 0, "d"), srv(10, 1, "a"), srv(20, 5, "c"), srv(10, 9, "b")];
        let mut rng = Rng::new(1, 1);
        for _ in 0..100 {
            let ordered = by_weight(records.clone(), &mut rng);
            let priorities: Vec<u16> = ordered.iter().map(|record| rank(record).0).collect();
            assert_eq!(priorities, [10, 10, 20, 20]);
        }
    }

    #[test]
    fn naptr_services_fit_the_transport() {
        let naptr = |preference, flags: &str, service: &str| {
            Record::Naptr(Naptr {
                order: 1,
                preference,
                flags: flags.into(),
                service: service.into(),
                replacement: String::new(),
            })
        };
        let records = [
            naptr(1, "s", "SIPS+D2T"),
            naptr(2, "S", "sip+d2t"),
            naptr(3, "s", "SIP+D2U"),
            naptr(4, "u", "SIP+D2U"),
            naptr(5, "a", "SIP+D2U"),
            naptr(6, "s", "E2U+sip"),
        ];
        let found = |transport| usable(&records, transport).map(|naptr| naptr.preference).collect::<Vec<_>>();
        assert_eq!(found(Transport::Tls), [1]);
        assert_eq!(found(Transport::Tcp), [2]);
        assert_eq!(found(Transport::Udp), [3, 5]);
    }
}
