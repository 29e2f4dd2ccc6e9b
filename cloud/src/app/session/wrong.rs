//! Proofs that did not hold. Who shows too many is not listened to for a while, so that no password is found by trying.

use uuid::Uuid;

use crate::once::PerMinute;

/// From one address, in a minute. A hotel's phones share one, and those whose password is right do not count.
const MOST_OF_ADDRESS: u32 = 120;
/// For one phone, in a minute, from wherever.
const MOST_OF_PHONE: u32 = 20;

#[derive(Default)]
pub struct WrongProofs {
    addresses: PerMinute,
    phones: PerMinute,
}

impl WrongProofs {
    /// Whether what `client` shows for a phone is not looked at for now.
    pub fn too_many(&self, client: &str, phone: Uuid, now: i64) -> bool {
        let of_address = self.addresses.times(client, now);
        // Nobody elsewhere can shut a phone out: its own address must have shown something wrong as well.
        of_address >= MOST_OF_ADDRESS || of_address > 0 && self.phones.times(&phone.to_string(), now) >= MOST_OF_PHONE
    }

    pub fn count(&self, client: &str, phone: Uuid, now: i64) {
        self.addresses.allows(client, MOST_OF_ADDRESS, now);
        self.phones.allows(&phone.to_string(), MOST_OF_PHONE, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_tries_too_often_waits_and_nobody_else() {
        let (wrong, phone, other) = (WrongProofs::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        for _ in 0..MOST_OF_PHONE {
            assert!(!wrong.too_many("a", phone, 0));
            wrong.count("a", phone, 0);
        }
        assert!(wrong.too_many("a", phone, 59_999));
        assert!(!wrong.too_many("a", other, 0), "its neighbours go on");
        assert!(!wrong.too_many("b", phone, 0), "so does the phone itself, elsewhere");
        assert!(!wrong.too_many("a", phone, 60_000));
        for number in 0..u128::from(MOST_OF_ADDRESS) {
            wrong.count("c", Uuid::from_u128(100 + number), 0);
        }
        assert!(wrong.too_many("c", other, 0));
    }
}
