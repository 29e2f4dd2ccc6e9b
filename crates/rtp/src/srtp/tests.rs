//! Both ends against each other, and against what must be refused.

use proptest::prelude::*;

use super::*;
use crate::packet::{HEADER_LEN, Header, Packet};

const KEY: &str = "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6";

fn ends(suite: Suite, mki: &[u8]) -> (Protect, Unprotect) {
    let master: Vec<u8> = (0..suite.master_len() as u8).map(|n| n.wrapping_mul(37)).collect();
    (Protect::new(suite, &master, mki).unwrap(), Unprotect::new(suite, &master, mki).unwrap())
}

fn packet(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut out = vec![0; HEADER_LEN];
    Header { marker: false, payload_type: 0, sequence, timestamp: 160 * u32::from(sequence), ssrc }.write(&mut out);
    out.extend((0..160).map(|n| n as u8 ^ sequence as u8));
    out
}

fn protect(end: &mut Protect, plain: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buf = plain.to_vec();
    buf.resize(plain.len() + 200, 0);
    let len = end.protect_rtp(&mut buf, plain.len())?;
    buf.truncate(len);
    Ok(buf)
}

fn unprotect(end: &mut Unprotect, protected: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buf = protected.to_vec();
    match end.unprotect_rtp(&mut buf) {
        Ok(len) => Ok(buf[..len].to_vec()),
        Err(error) => {
            assert_eq!(buf, protected, "a refused packet is left as it was");
            Err(error)
        }
    }
}

#[test]
fn a_known_packet_comes_out_as_others_write_it() {
    let master = hex::decode(KEY).unwrap();
    let mut end = Protect::new(Suite::Aes128Sha1_80, &master, &[]).unwrap();
    let mut plain = hex::decode("800f1234decafbadcafebabe").unwrap();
    plain.extend([0xab; 16]);
    let expected = "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb";
    assert_eq!(hex::encode(protect(&mut end, &plain).unwrap()), expected);
}

#[test]
fn every_suite_comes_through_a_wrap_with_and_without_identifier() {
    for suite in Suite::ALL {
        for mki in [&[][..], &[1, 2, 3, 4], &[9; MAX_MKI]] {
            let (mut tx, mut rx) = ends(suite, mki);
            for n in 0..300u16 {
                let plain = packet(7, 65_400u16.wrapping_add(n));
                let protected = protect(&mut tx, &plain).unwrap();
                assert_eq!(protected.len(), plain.len() + mki.len() + suite.rtp_tag_len());
                assert_ne!(protected[HEADER_LEN..plain.len()], plain[HEADER_LEN..]);
                assert_eq!(unprotect(&mut rx, &protected).unwrap(), plain);
            }
        }
    }
}

#[test]
fn header_extension_and_padding_come_through() {
    let (mut tx, mut rx) = ends(Suite::Aes256Sha1_32, &[]);
    let mut plain = packet(7, 1);
    plain[0] |= 0x20 | 0x10 | 1;
    plain.splice(12..12, [1, 2, 3, 4, 0xbe, 0xde, 0, 1, 5, 6, 7, 8]);
    *plain.last_mut().unwrap() = 4;
    let protected = protect(&mut tx, &plain).unwrap();
    assert_eq!(protected[..24], plain[..24]);
    assert_eq!(unprotect(&mut rx, &protected).unwrap(), plain);
}

#[test]
fn rtcp_comes_through_with_a_long_tag_always() {
    for suite in Suite::ALL {
        let (mut tx, mut rx) = ends(suite, &[5]);
        for n in 0..10u8 {
            let plain = [0x80, 201, 0, 1, 0, 0, 0, 9, n, n, n, n];
            let mut buf = [0; 100];
            buf[..12].copy_from_slice(&plain);
            let len = tx.protect_rtcp(&mut buf, 12).unwrap();
            assert_eq!((len, &buf[..8], &buf[12..16]), (12 + 4 + 1 + 10, &plain[..8], &[0x80, 0, 0, n][..]));
            let mut copy = buf;
            assert_eq!(rx.unprotect_rtcp(&mut buf[..len]), Ok(12));
            assert_eq!(buf[..12], plain);
            assert_eq!(rx.unprotect_rtcp(&mut copy[..len]), Err(SrtpError::Replayed));
        }
    }
}

#[test]
fn rtcp_that_is_not_encrypted_is_refused() {
    let (mut tx, mut rx) = ends(Suite::Aes128Sha1_80, &[]);
    let mut buf = [0; 40];
    buf[..12].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 9, 1, 1, 1, 1]);
    tx.protect_rtcp(&mut buf, 12).unwrap();
    buf[12] = 0;
    let tag = rx.context.rtcp.tag(&buf[..12], &[0, 0, 0, 0]);
    buf[16..26].copy_from_slice(&tag[..10]);
    assert_eq!(rx.unprotect_rtcp(&mut buf[..26]), Err(SrtpError::Unencrypted));
}

#[test]
fn a_replay_is_refused_and_what_is_late_but_new_is_taken() {
    let (mut tx, mut rx) = ends(Suite::Aes128Sha1_80, &[]);
    let all: Vec<_> = (0..200u16).map(|n| protect(&mut tx, &packet(7, 65_500u16.wrapping_add(n))).unwrap()).collect();
    // The first sets the roll-over; the others come backwards about the wrap.
    assert!(unprotect(&mut rx, &all[0]).is_ok());
    for n in (72..200).rev() {
        assert!(unprotect(&mut rx, &all[n]).is_ok(), "{n}");
        assert_eq!(unprotect(&mut rx, &all[n]), Err(SrtpError::Replayed));
    }
    assert_eq!(unprotect(&mut rx, &all[71]), Err(SrtpError::Replayed), "it is older than the window");
    assert_eq!(rx.refused(), Refused { unauthentic: 0, replayed: 129, other: 0 });
}

#[test]
fn what_came_in_order_is_a_replay_for_as_long_as_it_is_remembered() {
    let (mut tx, mut rx) = ends(Suite::Aes128Sha1_80, &[]);
    let all: Vec<_> = (0..300u16).map(|n| protect(&mut tx, &packet(7, n)).unwrap()).collect();
    // Every seventh is kept back.
    for n in (0..300).filter(|n| n % 7 != 0) {
        assert!(unprotect(&mut rx, &all[n]).is_ok());
    }
    for (n, protected) in all.iter().enumerate() {
        let late = n % 7 == 0 && n > 299 - 128;
        assert_eq!(unprotect(&mut rx, protected).is_ok(), late, "{n}");
    }
}

#[test]
fn after_a_long_silence_what_is_late_is_still_taken() {
    let (mut tx, mut rx) = ends(Suite::Aes128Sha1_80, &[]);
    let all: Vec<_> = (0..400u16).map(|n| protect(&mut tx, &packet(7, n)).unwrap()).collect();
    for n in [0, 1, 2, 300, 299, 298, 173] {
        assert!(unprotect(&mut rx, &all[n]).is_ok(), "{n}");
    }
    assert_eq!(unprotect(&mut rx, &all[172]), Err(SrtpError::Replayed));
}

#[test]
fn no_index_is_used_twice() {
    let (mut tx, _) = ends(Suite::Aes128Sha1_80, &[]);
    assert!(protect(&mut tx, &packet(7, 10)).is_ok());
    assert_eq!(protect(&mut tx, &packet(7, 10)), Err(SrtpError::Replayed));
    assert!(protect(&mut tx, &packet(8, 10)).is_ok());
}

#[test]
fn another_key_or_identifier_is_refused_and_counted() {
    let (mut tx, _) = ends(Suite::Aes128Sha1_32, &[1]);
    let protected = protect(&mut tx, &packet(7, 1)).unwrap();
    let (_, mut other_mki) = ends(Suite::Aes128Sha1_32, &[2]);
    assert_eq!(unprotect(&mut other_mki, &protected), Err(SrtpError::Mki));
    let mut other_key = Unprotect::new(Suite::Aes128Sha1_32, &[3; 30], &[1]).unwrap();
    assert_eq!(unprotect(&mut other_key, &protected), Err(SrtpError::Tag));
    assert_eq!((other_mki.refused().unauthentic, other_key.refused().unauthentic), (1, 1));
}

#[test]
fn sources_are_bounded_and_forged_ones_take_no_place() {
    let (mut tx, mut rx) = ends(Suite::Aes128Sha1_80, &[]);
    for ssrc in 0..100 {
        let mut forged = packet(ssrc, 1);
        forged.extend([0; 10]);
        assert_eq!(unprotect(&mut rx, &forged), Err(SrtpError::Tag));
    }
    for ssrc in 0..MAX_SOURCES as u32 {
        let protected = protect(&mut tx, &packet(ssrc, 1)).unwrap();
        assert!(unprotect(&mut rx, &protected).is_ok());
    }
    assert_eq!(protect(&mut tx, &packet(99, 1)), Err(SrtpError::Sources));
    assert!(protect(&mut tx, &packet(3, 2)).is_ok());
}

#[test]
fn a_key_is_used_up() {
    let (mut tx, mut rx) = ends(Suite::Aes128Sha1_80, &[]);
    tx.limit(2);
    let first = protect(&mut tx, &packet(7, 1)).unwrap();
    let second = protect(&mut tx, &packet(7, 2)).unwrap();
    assert_eq!(protect(&mut tx, &packet(7, 3)), Err(SrtpError::KeyUsedUp));
    let mut rtcp = [0; 64];
    rtcp[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 9]);
    assert!(tx.protect_rtcp(&mut rtcp.clone(), 8).is_ok() && tx.protect_rtcp(&mut rtcp.clone(), 8).is_ok());
    assert_eq!(tx.protect_rtcp(&mut rtcp, 8), Err(SrtpError::KeyUsedUp));
    (rx.rtp_left, rx.rtcp_left) = (1, 0);
    assert!(unprotect(&mut rx, &first).is_ok());
    assert_eq!(unprotect(&mut rx, &second), Err(SrtpError::KeyUsedUp));
    assert_eq!(rx.unprotect_rtcp(&mut rtcp[..30]), Err(SrtpError::KeyUsedUp));
}

#[test]
fn a_roll_over_beyond_48_bits_uses_the_key_up() {
    let mut sources = source::Sources::default();
    sources.accept(7, (1 << 48) - 1);
    assert_eq!(sources.index(7, 0), Err(SrtpError::KeyUsedUp));
    assert_eq!(sources.index(7, 65_530), Ok((1 << 48) - 6));
}

#[test]
fn a_buffer_without_room_is_refused_and_nothing_changes() {
    let (mut tx, _) = ends(Suite::Aes128Sha1_80, &[1, 2]);
    let plain = packet(7, 1);
    let mut buf = plain.clone();
    buf.resize(plain.len() + 11, 0);
    let before = buf.clone();
    assert_eq!(tx.protect_rtp(&mut buf, plain.len()), Err(SrtpError::Buffer));
    assert_eq!(buf, before);
    assert!(protect(&mut tx, &plain).is_ok());
    assert_eq!(tx.protect_rtp(&mut buf, 4000), Err(SrtpError::Malformed));
    assert_eq!(tx.protect_rtp(&mut buf, 11), Err(SrtpError::Malformed));
    assert!(matches!(Protect::new(Suite::Aes128Sha1_80, &[0; 30], &[0; MAX_MKI + 1]), Err(SrtpError::MkiLength)));
}

proptest! {
    #[test]
    fn a_changed_packet_is_refused_and_changes_nothing(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4),
        cut in 0usize..40,
        which in 0usize..4,
    ) {
        let (mut tx, mut rx) = ends(Suite::ALL[which], &[]);
        let first = protect(&mut tx, &packet(7, 65_535)).unwrap();
        let whole = protect(&mut tx, &packet(7, 0)).unwrap();
        prop_assert!(unprotect(&mut rx, &first).is_ok());
        let mut changed = whole.clone();
        changed.truncate(whole.len() - cut);
        for (at, flip) in changes {
            let at = at.index(changed.len());
            changed[at] ^= flip;
        }
        prop_assume!(changed != whole);
        let before = (rx.rtp_sources.clone(), rx.rtcp_sources.clone(), rx.rtp_left, rx.rtcp_left);
        prop_assert!(unprotect(&mut rx, &changed).is_err());
        prop_assert!(rx.unprotect_rtcp(&mut changed).is_err());
        prop_assert_eq!(before, (rx.rtp_sources.clone(), rx.rtcp_sources.clone(), rx.rtp_left, rx.rtcp_left));
        prop_assert_eq!(unprotect(&mut rx, &whole).unwrap(), packet(7, 0));
    }

    #[test]
    fn any_bytes_are_refused(mut data in proptest::collection::vec(any::<u8>(), 0..200), first in 0x80u8..0xc0) {
        let (mut tx, mut rx) = ends(Suite::Aes128Sha1_80, &[]);
        if let Some(byte) = data.first_mut() {
            *byte = first;
        }
        prop_assert!(rx.unprotect_rtp(&mut data).is_err());
        prop_assert!(rx.unprotect_rtcp(&mut data).is_err());
        let len = data.len();
        data.resize(len + 20, 0);
        let parses = Packet::parse(&data[..len]).is_ok();
        prop_assert_eq!(tx.protect_rtp(&mut data, len).is_ok(), parses);
    }
}
