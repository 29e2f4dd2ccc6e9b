//! From what offer and answer came to, to what a leg is told.

use media::config::{Budget, Config, Events, Key, Keys, PayloadTypes, Redundancy};
use rtp::srtp;

use crate::codec;
use crate::sdp::{self, MasterKey, Suite};
use crate::settings::media::{MediaSettings, RtcpMode};

const fn suite(suite: Suite) -> srtp::Suite {
    match suite {
        Suite::Aes128Sha1_80 => srtp::Suite::Aes128Sha1_80,
        Suite::Aes128Sha1_32 => srtp::Suite::Aes128Sha1_32,
        Suite::Aes256Sha1_80 => srtp::Suite::Aes256Sha1_80,
        Suite::Aes256Sha1_32 => srtp::Suite::Aes256Sha1_32,
    }
}

fn key(key: &MasterKey) -> Key {
    Key { master: key.key_and_salt().to_vec(), mki: key.mki().to_vec() }
}

/// Everything a leg is told.
pub(super) fn config(agreed: &sdp::Agreed, settings: &MediaSettings) -> Config {
    let (bitrate, bitrate_with_copies) = codec::bitrates(&agreed.codec);
    let types = |send, receive| PayloadTypes { send, receive };
    Config {
        codec: codec::of(&agreed.codec),
        payload_types: types(agreed.codec.send_pt, agreed.codec.recv_pt),
        ptime_ms: agreed.ptime_ms,
        bitrate,
        bitrate_with_copies,
        redundancy: agreed
            .red
            .map(|red| Redundancy { payload_types: types(red.send_pt, red.recv_pt), budget: Budget::TwoCopies }),
        events: agreed.dtmf.map(|dtmf| Events { payload_types: types(dtmf.send_pt, dtmf.recv_pt), clock: dtmf.clock }),
        remote: agreed.remote,
        remote_rtcp: agreed.remote_rtcp,
        rtcp_mux: agreed.rtcp_mux,
        sends: agreed.direction.sends(),
        receives: agreed.direction.receives(),
        symmetric: settings.symmetric_rtp,
        rtp_keep_alive: settings.rtp_keepalive,
        rtcp_sender_reports: settings.rtcp_keepalive_sender,
        // "RTCP Mux Only": no second port, so no RTCP where the other side does not multiplex.
        rtcp: agreed.rtcp_mux || settings.rtcp_mode != RtcpMode::MuxOnly,
        // Who has us on hold need not be heard.
        timeout: settings.rtp_timeout.filter(|_| !agreed.held_by_remote),
        jitter_adaptive: settings.jitter_adaptive,
        jitter_ms: settings.jitter_ms,
        keys: agreed.srtp.as_ref().map(|pair| Keys {
            suite: suite(pair.suite),
            send: key(&pair.local),
            receive: key(&pair.remote),
        }),
    }
}
