//! How a connection ends, and how long to stay away then.

use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode};

use crate::clock::Backoff;

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum End {
    Stopped,
    /// Another broker or other credentials, or none.
    Changed,
    Lost(Away, String),
}

/// How welcome we would be if we came back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Away {
    /// The line broke, or the broker is just starting.
    Broken,
    /// The broker has too much to do.
    Busy,
    /// It does not want us as we are. Other credentials end the wait.
    Unwanted,
}

pub(super) type Step<T> = Result<T, End>;

pub(super) fn lost(why: impl ToString) -> End {
    End::Lost(Away::Broken, why.to_string())
}

/// A refused CONNECT (MQTT 5 §3.2.2.2). Another server than the one the ACS named is not gone to (0x9C, 0x9D).
pub(super) fn refused(code: ConnectReturnCode) -> End {
    use ConnectReturnCode::*;
    let away = match code {
        ServerUnavailable | ServiceUnavailable | UnspecifiedError => Away::Broken,
        ServerBusy | QuotaExceeded | ConnectionRateExceeded | UseAnotherServer | ServerMoved => Away::Busy,
        _ => Away::Unwanted,
    };
    End::Lost(away, format!("refused: {code:?}"))
}

/// The broker's DISCONNECT (MQTT 5 §3.14.2.1).
pub(super) fn dismissed(code: DisconnectReasonCode) -> End {
    use DisconnectReasonCode::*;
    let away = match code {
        NormalDisconnection | UnspecifiedError | ServerShuttingDown | KeepAliveTimeout | MaximumConnectTime => {
            Away::Broken
        }
        // After an administrative action the credentials may be others, or the next login tells.
        AdministrativeAction => Away::Broken,
        ServerBusy | MessageRateTooHigh | QuotaExceeded | UseAnotherServer | ServerMoved | ConnectionRateExceeded => {
            Away::Busy
        }
        // Taken over: there is another phone with our name, and quarrelling over it helps neither.
        _ => Away::Unwanted,
    };
    End::Lost(away, format!("dismissed: {code:?}"))
}

/// The waits between connections, each drawn from all of its range (full jitter): a house of phones that lost its broker
/// at the same moment does not come back at the same moment.
pub(super) struct Waits {
    broken: Backoff,
    busy: Backoff,
    unwanted: Backoff,
}

impl Waits {
    pub(super) const fn new() -> Self {
        const fn waits(first_ms: u64, most_s: u64) -> Backoff {
            Backoff::new(Duration::from_millis(first_ms), Duration::from_secs(most_s))
        }
        Self { broken: waits(1_000, 30), busy: waits(5_000, 120), unwanted: waits(2_000, 600) }
    }

    pub(super) fn next(&mut self, away: Away) -> Duration {
        match away {
            Away::Broken => self.broken.next_full(),
            Away::Busy => self.busy.next_full(),
            Away::Unwanted => self.unwanted.next_full(),
        }
    }

    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away(end: End) -> Away {
        let End::Lost(away, _) = end else { panic!("{end:?}") };
        away
    }

    #[test]
    fn who_is_not_wanted_stays_away_longer_than_who_was_cut_off() {
        use ConnectReturnCode as C;
        for code in [C::NotAuthorized, C::BadUserNamePassword, C::Banned, C::ClientIdentifierNotValid] {
            assert_eq!(away(refused(code)), Away::Unwanted, "{code:?}");
        }
        for code in [C::ConnectionRateExceeded, C::ServerBusy, C::QuotaExceeded, C::UseAnotherServer, C::ServerMoved] {
            assert_eq!(away(refused(code)), Away::Busy, "{code:?}");
        }
        assert_eq!(away(refused(C::ServerUnavailable)), Away::Broken);
        use DisconnectReasonCode as D;
        assert_eq!(away(dismissed(D::ServerShuttingDown)), Away::Broken);
        assert_eq!(away(dismissed(D::ConnectionRateExceeded)), Away::Busy);
        assert_eq!(away(dismissed(D::SessionTakenOver)), Away::Unwanted);
        assert_eq!(away(dismissed(D::NotAuthorized)), Away::Unwanted);
    }

    #[test]
    fn waits_grow_to_their_limits() {
        let mut waits = Waits::new();
        for (away, most) in [(Away::Broken, 30), (Away::Busy, 120), (Away::Unwanted, 600)] {
            let drawn: Vec<_> = (0..200).map(|_| waits.next(away)).collect();
            assert!(drawn.iter().all(|wait| *wait <= Duration::from_secs(most)));
            // Full jitter: the short ones are drawn as often as the long ones.
            assert!(drawn[20..].iter().any(|wait| *wait < Duration::from_secs(most) / 3));
            assert!(drawn[20..].iter().any(|wait| *wait > Duration::from_secs(most) / 2));
        }
    }
}
