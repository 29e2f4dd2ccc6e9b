//! How a call sounded, as a collector wants to hear it (RFC 6035): "VQ Session Report".

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rtp::quality::vq::{End, Metrics, Moment, Session, session_report};

use super::Phone;
use super::calls::Entry;
use crate::sip::call::CallId;
use crate::sip::message::NameAddr;
use crate::time::Instant;

impl Phone {
    /// Tells the collector of the call's account, if there is one and it is to be told.
    pub(super) fn report_quality(&mut self, now: Instant, id: CallId) {
        let Some(entry) = self.entry(id).filter(|entry| entry.was_up && self.settings.quality_reports) else { return };
        let index = entry.call.account;
        let Some(account) = self.account(index).filter(|account| account.line.settings.quality_collector.is_some())
        else {
            return;
        };
        let Some(local) = account.line.local() else { return };
        let mac = account.line.identity.mac_address();
        let Some(report) = report(entry, SocketAddr::new(local, entry.call.media_port()), &mac, now) else { return };
        if let Some(account) = self.account_mut(index) {
            account.publish(now, report);
        }
    }
}

fn report(entry: &Entry, local: SocketAddr, mac: &str, now: Instant) -> Option<String> {
    let (quality, dialog, agreed) = (entry.quality.as_deref()?, entry.call.dialog()?, entry.call.media()?);
    let (ours, theirs) = (without_tag(&dialog.local), without_tag(&dialog.remote));
    let (local_tag, remote_tag) = (dialog.local.tag().unwrap_or_default(), dialog.remote.tag().unwrap_or_default());
    let nowhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    let codec = &agreed.codec;
    let ms = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    let frames = agreed.ptime_ms.checked_div(codec.frame_ms).unwrap_or(1).max(1);
    let seconds = now.since_epoch().as_secs();
    let metrics = Metrics {
        start: Moment(seconds.saturating_sub(quality.duration.as_secs())),
        stop: Moment(seconds),
        payload_type: codec.recv_pt,
        coding: codec.name.encoding(codec.packing),
        sample_rate: codec.name.sample_rate(),
        frame_ms: codec.frame_ms,
        frames_per_packet: u8::try_from(frames).unwrap_or(u8::MAX),
        silence_suppressed: codec.silence,
        jitter_ms: Some(ms(quality.jitter)),
        max_jitter_ms: Some(ms(quality.max_jitter)),
        report: quality.report,
    };
    let remote_metrics = quality.remote.map(|report| Metrics {
        payload_type: codec.send_pt,
        jitter_ms: None,
        max_jitter_ms: None,
        report,
        ..metrics
    });
    let (local_ssrc, remote_ssrc) = quality.sources;
    let (from_tag, to_tag) = if entry.call.outgoing { (local_tag, remote_tag) } else { (remote_tag, local_tag) };
    Some(session_report(&Session {
        call_id: &dialog.call_id,
        to_tag,
        from_tag,
        local_id: &ours,
        remote_id: &theirs,
        orig_id: if entry.call.outgoing { &ours } else { &theirs },
        local_mac: Some(mac),
        local: End { address: local, ssrc: local_ssrc },
        remote: End { address: agreed.remote.unwrap_or(nowhere), ssrc: remote_ssrc },
        local_metrics: metrics,
        remote_metrics,
    }))
}

fn without_tag(address: &NameAddr) -> String {
    let mut address = address.clone();
    address.params = Default::default();
    address.to_string()
}
