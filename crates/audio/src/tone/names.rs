//! The tones by name, as they are when no setting says otherwise: those of North America.

use super::{Pattern, SpecError, Step, ToneSpec, melodies};

/// A tone of the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToneName {
    /// Dial now.
    Dial,
    /// Dial now, for a second call.
    SecondDial,
    /// Dial now, and there is a message.
    Message,
    /// The far end rings.
    Ringback,
    /// Another call waits.
    CallWaiting,
    /// The far end is busy.
    Busy,
    /// The call cannot be made.
    Reorder,
    /// Something is wrong; once.
    Warning,
    /// Something was done; once.
    Confirmation,
    /// A call is on hold; once.
    HoldReminder,
    /// The phone has started; once.
    BootUp,
    /// The ring of the setting "System Ringtone".
    SystemRing,
    /// The built-in rings, 1 to 6.
    Ring(u8),
    /// The ring of a door.
    Doorbell,
}

/// How loud the call waiting tone is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallWaitingGain {
    /// 12 dB below the tone's own level.
    #[default]
    Low,
    /// 6 dB below.
    Medium,
    /// As the tone says.
    High,
}

impl CallWaitingGain {
    /// Of the setting's words.
    pub fn parse(text: &str) -> Option<Self> {
        [("low", Self::Low), ("medium", Self::Medium), ("high", Self::High)]
            .into_iter()
            .find_map(|(name, gain)| text.eq_ignore_ascii_case(name).then_some(gain))
    }

    /// dB to add to the tone.
    pub const fn db(self) -> f32 {
        match self {
            Self::Low => -12.0,
            Self::Medium => -6.0,
            Self::High => 0.0,
        }
    }
}

impl ToneName {
    /// A ring by the setting's word: `system`, `ring1` to `ring6`, `doorbell`.
    pub fn ring(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "system" => Some(Self::SystemRing),
            "doorbell" => Some(Self::Doorbell),
            other => {
                let number = other.strip_prefix("ring")?.parse().ok()?;
                (1..=melodies::RINGS).contains(&number).then_some(Self::Ring(number))
            }
        }
    }

    /// What the setting of this tone is when it is empty; `None` if the tone has no setting.
    pub const fn default_spec(self) -> Option<&'static str> {
        Some(match self {
            Self::Dial | Self::SecondDial => "f1=350@-13,f2=440@-13,c=0/0;",
            Self::Message => "f1=350@-13,f2=440@-13,c=10/10;",
            Self::Ringback => "f1=440@-19,f2=480@-19,c=200/400;",
            Self::CallWaiting => "f1=440@-13,c=25/525;",
            Self::Busy => "f1=480@-21,f2=620@-21,c=50/50;",
            Self::Reorder => "f1=480@-21,f2=620@-21,c=25/25;",
            Self::SystemRing => "f1=440@-13,f2=480@-13,c=200/400;",
            _ => return None,
        })
    }

    /// What is played when the tone's setting is this; an empty one leaves it as it is.
    ///
    /// # Errors
    /// If the setting cannot be read.
    pub fn pattern_of(self, setting: &str) -> Result<Pattern, SpecError> {
        if setting.trim().is_empty() {
            return Ok(self.pattern());
        }
        ToneSpec::parse(setting).map(|spec| Pattern::of_spec(&spec))
    }

    /// What is played when no setting says otherwise.
    pub fn pattern(self) -> Pattern {
        if let Some(spec) = self.default_spec().and_then(|text| ToneSpec::parse(text).ok()) {
            return Pattern::of_spec(&spec);
        }
        let beep = |hz, ms| Step::sine(hz, -16.0, ms);
        match self {
            Self::Warning => Pattern::new(&[beep(480.0, 150), Step::pause(80), beep(400.0, 250)], false),
            Self::Confirmation => Pattern::new(&[beep(880.0, 80), Step::pause(40), beep(1175.0, 120)], false),
            Self::HoldReminder => Pattern::new(&[beep(620.0, 120), Step::pause(100), beep(620.0, 120)], false),
            Self::BootUp => melodies::boot_up(),
            Self::Doorbell => melodies::doorbell(),
            Self::Ring(number) => melodies::ring(number),
            _ => Pattern::new(&[], false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tone_sounds_and_none_is_cut_off() {
        use ToneName::*;
        let plain = [
            Dial,
            SecondDial,
            Message,
            Ringback,
            CallWaiting,
            Busy,
            Reorder,
            Warning,
            Confirmation,
            HoldReminder,
            BootUp,
            SystemRing,
            Doorbell,
        ];
        let mut seen: Vec<Pattern> = vec![];
        for name in plain.into_iter().chain((1..=6).map(Ring)) {
            let pattern = name.pattern();
            assert!(pattern.steps().iter().any(Step::sounds), "{name:?}");
            assert!(pattern.steps().len() < crate::tone::MAX_STEPS, "{name:?}");
            for step in pattern.steps() {
                assert!(step.peak[0] + step.peak[1] < 32_767.0, "{name:?}");
            }
            // The second dial tone is the first one, and the system ring differs from ringback by its level.
            assert!(name == SecondDial || !seen.contains(&pattern), "{name:?}");
            seen.push(pattern);
        }
    }

    #[test]
    fn a_setting_replaces_the_tone_and_an_empty_one_does_not() {
        let busy = ToneName::Busy;
        assert_eq!(busy.pattern_of(" "), Ok(busy.pattern()));
        assert_eq!(busy.pattern_of("f1=425,c=50/50;").map(|p| p.steps()[0].hz), Ok([425.0, 0.0]));
        assert_eq!(busy.pattern_of("loud"), Err(SpecError::NoValue));
    }

    #[test]
    fn rings_have_the_words_of_the_setting() {
        assert_eq!(ToneName::ring("System"), Some(ToneName::SystemRing));
        assert_eq!(ToneName::ring("ring6"), Some(ToneName::Ring(6)));
        assert_eq!(ToneName::ring("doorbell"), Some(ToneName::Doorbell));
        assert_eq!((ToneName::ring("ring7"), ToneName::ring("ring0"), ToneName::ring("")), (None, None, None));
        assert_eq!(CallWaitingGain::parse("Medium"), Some(CallWaitingGain::Medium));
        assert_eq!(CallWaitingGain::parse("loud"), None);
    }
}
