//! Nanoseconds to protect and to unprotect a 20 ms packet of G.711, beside another implementation.
//!
//! `cargo run --release -p rtp --example srtp_speed`

use std::hint::black_box;
use std::time::Instant;

use rtc_srtp::context::Context;
use rtc_srtp::option::srtp_replay_protection;
use rtc_srtp::protection_profile::ProtectionProfile;
use rtp::Header;
use rtp::srtp::{Protect, Suite, Unprotect};

const PACKETS: usize = 60_000;
const BATCH: usize = 500;

fn packets() -> Vec<Vec<u8>> {
    let packet = |n: usize| {
        let mut out = vec![7; 172];
        let (sequence, timestamp) = (n as u16, n as u32 * 160);
        Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 1 }.write(&mut out);
        out.resize(192, 0);
        out
    };
    (0..PACKETS).map(packet).collect()
}

/// Of the quickest batch: others of the machine have no part in it.
fn nanoseconds<T>(items: &mut [T], mut work: impl FnMut(&mut T)) -> u128 {
    let batch = |batch: &mut [T]| {
        let start = Instant::now();
        batch.iter_mut().for_each(&mut work);
        start.elapsed().as_nanos() / BATCH as u128
    };
    items.chunks_exact_mut(BATCH).map(batch).min().unwrap_or(0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let suites = [
        (Suite::Aes128Sha1_80, ProtectionProfile::Aes128CmHmacSha1_80),
        (Suite::Aes128Sha1_32, ProtectionProfile::Aes128CmHmacSha1_32),
        (Suite::Aes256Sha1_80, ProtectionProfile::Aes256CmHmacSha1_80),
        (Suite::Aes256Sha1_32, ProtectionProfile::Aes256CmHmacSha1_32),
    ];
    for (suite, profile) in suites {
        let master = vec![5; suite.master_len()];
        let (key, salt) = master.split_at(suite.key_len());
        let provider = rtc_srtp::crypto::default_provider()?;
        let context = || Context::new(key, salt, profile, Some(srtp_replay_protection(64)), None, provider.crypto());
        let (mut tx, mut rx) = (Protect::new(suite, &master, &[])?, Unprotect::new(suite, &master, &[])?);
        let (mut other_tx, mut other_rx) = (context()?, context()?);

        let mut plain = packets();
        let mut ours = plain.clone();
        let len = 172 + suite.rtp_tag_len();
        let protect = nanoseconds(&mut ours, |p| assert_eq!(tx.protect_rtp(p, 172), Ok(len)));
        let mut copies = ours.clone();
        let unprotect = nanoseconds(&mut copies, |p| assert_eq!(rx.unprotect_rtp(&mut p[..len]), Ok(172)));
        let other_protect = nanoseconds(&mut plain, |p| assert!(black_box(other_tx.encrypt_rtp(&p[..172])).is_ok()));
        let other_unprotect = nanoseconds(&mut ours, |p| assert!(black_box(other_rx.decrypt_rtp(&p[..len])).is_ok()));
        println!(
            "{suite:?}: protect {protect} ns, unprotect {unprotect} ns; rtc-srtp {other_protect} ns, {other_unprotect} ns"
        );
    }
    Ok(())
}
