//! How the phone sounds: volumes, gains and tones (the guide's "Preferences" and "Ringtone").

use super::read::Values;

/// "Lock Speaker Volume": what the volume keys may not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VolumeLock {
    /// The ring.
    pub ring: bool,
    /// Calls.
    pub talk: bool,
}

/// "Call Waiting Tone Gain".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToneGain {
    /// Soft.
    #[default]
    Low,
    /// In between.
    Medium,
    /// As loud as other tones.
    High,
}

/// Frequencies and rhythm of the phone's tones, in the catalogue's form (`f1=350@-13,f2=440@-13,c=0/0;`). Empty for the
/// usual one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tones {
    /// The built-in ring.
    pub system_ring: String,
    /// Ready to dial.
    pub dial: String,
    /// Ready to dial a second number.
    pub second_dial: String,
    /// Ready to dial, and messages wait.
    pub message: String,
    /// It rings there.
    pub ringback: String,
    /// Another call waits.
    pub call_waiting: String,
    /// Busy there.
    pub busy: String,
    /// The number does not work.
    pub reorder: String,
}

/// What the phone's sound is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundSettings {
    /// "Speaker Ring Volume", 1..=8, or 0 for no ring. Default 4.
    pub ring_volume: u8,
    /// "Handset Sidetone Volume", 0..=30. Default 15.
    pub sidetone: u8,
    /// See [`VolumeLock`].
    pub lock: VolumeLock,
    /// "Enable Warning Tone": tones for a line that is down, and for messages that wait. Default on.
    pub warning_tones: bool,
    /// "Handset TX Gain", dB, -6..=6.
    pub tx_gain_db: i8,
    /// "Enable HAC": the handset is loud enough for hearing aids.
    pub hac: bool,
    /// "Enable Bootup Tone". Default off: after a power cut a whole hotel would sound.
    pub boot_tone: bool,
    /// See [`ToneGain`].
    pub call_waiting_gain: ToneGain,
    /// See [`Tones`].
    pub tones: Tones,
}

impl Default for SoundSettings {
    fn default() -> Self {
        Self::from_values(&Values::phone(&|_| None))
    }
}

impl SoundSettings {
    /// Reads the phone's values. What is absent or makes no sense takes the catalogue's default.
    pub fn from_values(values: &Values<'_>) -> Self {
        let level = |key: &str, default: u32, low: u32, high: u32| {
            u8::try_from(values.number(key, default, low, high)).unwrap_or_default()
        };
        let lock = |ring, talk| VolumeLock { ring, talk };
        let locks = [
            ("no", lock(false, false)),
            ("ring", lock(true, false)),
            ("talk", lock(false, true)),
            ("both", lock(true, true)),
        ];
        let gains = [("low", ToneGain::Low), ("medium", ToneGain::Medium), ("high", ToneGain::High)];
        let tone = |name: &str| values.text(&format!("audio.tone.{name}"));
        Self {
            ring_volume: level("audio.volume.ring", 4, 0, 8),
            sidetone: level("audio.handset.sidetone.volume", 15, 0, 30),
            lock: values.choice("audio.volume.lock", VolumeLock::default(), &locks),
            warning_tones: values.yes("sounds.warning.enable", true),
            tx_gain_db: decibels(&values.text("audio.handset.txgain")),
            hac: values.yes("audio.handset.enablehac", false),
            boot_tone: values.yes("sounds.booting.enable", false),
            call_waiting_gain: values.choice("audio.tone.callwaiting.gain", ToneGain::Low, &gains),
            tones: Tones {
                system_ring: tone("systemring"),
                dial: tone("dial"),
                second_dial: tone("seconddial"),
                message: tone("message"),
                ringback: tone("ringback"),
                call_waiting: tone("callwaiting"),
                busy: tone("busy"),
                reorder: tone("reorder"),
            },
        }
    }
}

/// `-6db` to `6db`; anything else is 0.
fn decibels(text: &str) -> i8 {
    let number = text.strip_suffix("db").and_then(|number| number.parse::<i8>().ok());
    number.filter(|number| (-6..=6).contains(number)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_read() {
        let get = |key: &str| {
            Some(match key {
                "audio.volume.ring" => "8".to_owned(),
                "audio.handset.sidetone.volume" => "30".to_owned(),
                "audio.volume.lock" => "talk".to_owned(),
                "sounds.warning.enable" => "no".to_owned(),
                "sounds.booting.enable" => "yes".to_owned(),
                "audio.handset.txgain" => "-4db".to_owned(),
                "audio.handset.enablehac" => "yes".to_owned(),
                "audio.tone.callwaiting.gain" => "high".to_owned(),
                tone => tone.strip_prefix("audio.tone.")?.to_owned(),
            })
        };
        let set = SoundSettings::from_values(&Values::phone(&get));
        assert_eq!((set.ring_volume, set.sidetone, set.tx_gain_db), (8, 30, -4));
        assert!(set.hac && !set.warning_tones && set.boot_tone && !set.lock.ring && set.lock.talk);
        assert_eq!(set.call_waiting_gain, ToneGain::High);
        let tones = &set.tones;
        let told = [&tones.system_ring, &tones.dial, &tones.second_dial, &tones.message, &tones.ringback];
        assert_eq!(told, ["systemring", "dial", "seconddial", "message", "ringback"]);
        assert_eq!([&tones.call_waiting, &tones.busy, &tones.reorder], ["callwaiting", "busy", "reorder"]);
    }

    #[test]
    fn defaults_are_those_of_the_catalogue() {
        let set = SoundSettings::default();
        assert_eq!((set.ring_volume, set.sidetone, set.tx_gain_db), (4, 15, 0));
        assert!(set.warning_tones && !set.boot_tone && !set.hac && set.lock == VolumeLock::default());
        assert_eq!(decibels("7db") + decibels("loud"), 0);
    }
}
