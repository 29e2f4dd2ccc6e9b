//! SRTP against another implementation of it, both ways.

use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;
use rtp::Header;
use rtp::srtp::{Protect, Suite, Unprotect};

const SUITES: [(Suite, ProtectionProfile); 4] = [
    (Suite::Aes128Sha1_80, ProtectionProfile::Aes128CmHmacSha1_80),
    (Suite::Aes128Sha1_32, ProtectionProfile::Aes128CmHmacSha1_32),
    (Suite::Aes256Sha1_80, ProtectionProfile::Aes256CmHmacSha1_80),
    (Suite::Aes256Sha1_32, ProtectionProfile::Aes256CmHmacSha1_32),
];

fn master(suite: Suite) -> Vec<u8> {
    (0..suite.master_len()).map(|n| (n * 73 + 11) as u8).collect()
}

fn other(suite: Suite, profile: ProtectionProfile) -> Context {
    let master = master(suite);
    let (key, salt) = master.split_at(suite.key_len());
    let provider = rtc_srtp::crypto::default_provider().expect("a provider is built in");
    let (rtp, rtcp) = (srtp_replay_protection(64), srtcp_replay_protection(64));
    Context::new(key, salt, profile, Some(rtp), Some(rtcp), provider.crypto()).expect("the suite is known")
}

/// A packet of G.711, its sequence number about to wrap.
fn rtp_packet(n: u16) -> Vec<u8> {
    let mut out = vec![0; 12];
    let sequence = 65_400u16.wrapping_add(n);
    let header = Header { marker: n == 0, payload_type: 8, sequence, timestamp: u32::from(n) * 160, ssrc: 0xcafe_0001 };
    header.write(&mut out).expect("there is room");
    out.extend((0..160u16).map(|i| (i * 3 + n) as u8));
    out
}

/// An empty receiver report and a BYE.
fn rtcp_packet(n: u16) -> Vec<u8> {
    let mut out = vec![0x80, 201, 0, 1, 0xca, 0xfe, 0, 1, 0x81, 203, 0, 3, 0xca, 0xfe, 0, 1, 7];
    out.extend_from_slice(format!("{n:07}").as_bytes());
    out
}

#[test]
fn what_we_protect_another_reads() {
    for (suite, profile) in SUITES {
        let mut ours = Protect::new(suite, &master(suite), &[]).unwrap();
        let mut theirs = other(suite, profile);
        for n in 0..400 {
            let plain = rtp_packet(n);
            let mut buf = plain.clone();
            buf.resize(200, 0);
            let len = ours.protect_rtp(&mut buf, plain.len()).unwrap();
            assert_eq!(theirs.decrypt_rtp(&buf[..len]).unwrap(), plain, "{suite:?} {n}");

            let plain = rtcp_packet(n);
            let mut buf = plain.clone();
            buf.resize(60, 0);
            let len = ours.protect_rtcp(&mut buf, plain.len()).unwrap();
            assert_eq!(theirs.decrypt_rtcp(&buf[..len]).unwrap(), plain, "{suite:?} {n}");
        }
    }
}

#[test]
fn what_another_protects_we_read() {
    for (suite, profile) in SUITES {
        let mut ours = Unprotect::new(suite, &master(suite), &[]).unwrap();
        let mut theirs = other(suite, profile);
        for n in 0..400 {
            let plain = rtp_packet(n);
            let mut buf = theirs.encrypt_rtp(&plain).unwrap();
            let len = ours.unprotect_rtp(&mut buf).unwrap();
            assert_eq!(buf[..len], plain, "{suite:?} {n}");

            let plain = rtcp_packet(n);
            let mut buf = theirs.encrypt_rtcp(&plain).unwrap();
            let len = ours.unprotect_rtcp(&mut buf).unwrap();
            assert_eq!(buf[..len], plain, "{suite:?} {n}");
        }
    }
}
