//! The phone's own codes, carried out. A room number or an extension that was dialled is told to the cloud, and what became
//! of it said to whoever dialled. The setting and the event are on disk before anything is said; the answer is only said, for
//! what was decided comes as settings.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use audio::speech::{Word, digits};
use contract::event::EventKind;
use contract::rest::{ClaimReason, ClaimState};
use phone_core::Code;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::device::{Device, ROOM_KEY, Restart};
use crate::keypad::{Keypad, NoRoom};
use crate::phone::Line;

/// How long the cloud may take before the phone says that nothing was heard.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const PASSWORD_KEY: &str = "keys.lock.password";

/// What the cloud says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The room number; empty for an extension.
    pub number: String,
    pub state: ClaimState,
    pub reason: Option<ClaimReason>,
}

/// Codes that were dialled and are not carried out; more are not dialled in one moment.
const MOST_CODES: usize = 8;
const MOST_DIGITS: usize = 64;

/// What was dialled and is not answered, and answers that are not said.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    now: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The number, and when it is too late.
    waiting: Option<(String, Instant)>,
    answers: Vec<Answer>,
    codes: VecDeque<Code>,
    /// Of a phone without `phone-core`.
    digits: String,
    keypad: Keypad,
}

impl Claims {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.wake.notify_one();
    }

    fn begin(&self, number: &str) {
        self.change(|state| state.waiting = Some((number.to_owned(), Instant::now() + ANSWER_WITHIN)));
    }

    /// A code was dialled.
    pub(crate) fn dialled(&self, code: Code) {
        self.change(|state| {
            if state.codes.len() < MOST_CODES {
                state.codes.push_back(code);
            }
        });
    }

    /// The handset was moved: what was entered counts no more.
    pub(crate) fn hung(&self) {
        self.lock().digits.clear();
    }

    /// A key of a phone that only says what a phone would say.
    pub(crate) fn pressed(&self, key: char) {
        let digits = {
            let mut state = self.lock();
            if key != '#' {
                if state.digits.len() < MOST_DIGITS {
                    state.digits.push(key);
                }
                return;
            }
            std::mem::take(&mut state.digits)
        };
        if let Some(code) = Code::read(&digits) {
            self.dialled(code);
        }
    }

    fn next_code(&self) -> Option<Code> {
        self.lock().codes.pop_front()
    }

    /// The cloud has answered.
    pub(crate) fn answered(&self, answer: Answer) {
        self.change(|state| state.answers.push(answer));
    }

    /// The ACS has set values: `names` are the room number and the extension now. Says what that means for what was dialled,
    /// where no broker will: another number is a no; a new version that leaves it is a yes.
    pub(crate) fn configured(&self, names: [&str; 2], new_version: bool, has_broker: bool) {
        let mut state = self.lock();
        let Some((number, _)) = &state.waiting else { return };
        let word = if !number.is_empty() && !names.contains(&number.as_str()) {
            ClaimState::Refused
        } else if new_version && !has_broker {
            ClaimState::Accepted
        } else {
            return;
        };
        let answer = Answer { number: number.clone(), state: word, reason: None };
        state.answers.push(answer);
        drop(state);
        self.wake.notify_one();
    }

    /// Answers to say now; the second: nothing was heard in time.
    fn take(&self, now: Instant) -> (Vec<Answer>, bool) {
        let mut state = self.lock();
        let mut answers = std::mem::take(&mut state.answers);
        // What was taken back by the settings and is then said by name is said once.
        answers.dedup_by(|later, earlier| later.number == earlier.number && later.state == earlier.state);
        if answers.iter().any(|answer| state.waiting.as_ref().is_some_and(|(number, _)| *number == answer.number)) {
            state.waiting = None;
        }
        let late = state.waiting.take_if(|(_, until)| now >= *until).is_some();
        (answers, late)
    }

    async fn changed(&self) {
        let until = self.lock().waiting.as_ref().map(|(_, until)| *until);
        match until {
            Some(until) => drop(tokio::time::timeout_at(until, self.wake.notified()).await),
            None => self.wake.notified().await,
        }
    }
}

/// Carries out what is dialled, and says answers, until dropped.
pub(crate) async fn run(device: Arc<Device>, line: Line) {
    loop {
        device.claims.changed().await;
        while let Some(code) = device.claims.next_code() {
            carry_out(&device, &line, code).await;
        }
        let (answers, late) = device.claims.take(Instant::now());
        for answer in answers {
            tracing::info!(state = answer.state.as_str(), reason = ?answer.reason, "the cloud answered what was dialled");
            line.say(words(&answer), false).await;
        }
        if late {
            tracing::info!("nobody answered what was dialled");
            line.say(vec![Word::No, Word::NoAnswer], false).await;
        }
    }
}

async fn carry_out(device: &Arc<Device>, line: &Line, code: Code) {
    let (password, now) = (device.value(PASSWORD_KEY), std::time::Instant::now());
    match code {
        Code::ReadRoom => line.say(read_back(&device.value(ROOM_KEY)), true).await,
        Code::PickExtension => {
            device.claims.begin("");
            device.raise(EventKind::ExtensionWanted, None, None).await;
            line.say(vec![Word::Moment], true).await;
        }
        Code::SetRoom(dialled) => {
            let current = device.value(ROOM_KEY);
            let room = device.claims.lock().keypad.room_of(&dialled, &current, &password, now).map(str::to_owned);
            let said = match room {
                Ok(room) => set_room(device, room).await,
                Err(why) => {
                    tracing::info!(?why, "a dialled room number was not taken");
                    let word = match why {
                        NoRoom::Locked | NoRoom::Star => Word::Refused,
                        NoRoom::Password | NoRoom::Empty => Word::Password,
                    };
                    vec![Word::No, word]
                }
            };
            line.say(said, true).await;
        }
        Code::FactoryReset(dialled) => {
            let opens = device.claims.lock().keypad.opens(&dialled, &password, now);
            match opens {
                Ok(()) => {
                    tracing::warn!("a factory reset was dialled at the phone");
                    device.set_restart(Restart::FactoryReset);
                }
                Err(why) => {
                    tracing::warn!(?why, "a dialled factory reset was refused");
                    line.say(vec![Word::No, Word::Refused], true).await;
                }
            }
        }
    }
}

async fn set_room(device: &Arc<Device>, room: String) -> Vec<Word> {
    let number = room.clone();
    let set = device.blocking(move |device| device.set_locally(ROOM_KEY, &number));
    match set.await {
        Ok(Ok(())) => {
            tracing::info!("the room number was set at the phone");
            device.claims.begin(&room);
            device.raise(EventKind::RoomDialled, None, Some(room)).await;
            vec![Word::Moment]
        }
        Ok(Err(why)) => {
            tracing::info!(%why, "a dialled room number was not accepted");
            vec![Word::No, Word::Refused]
        }
        Err(error) => {
            tracing::error!(%error, "a dialled room number could not be stored");
            vec![Word::No, Word::Refused]
        }
    }
}

fn read_back(room: &str) -> Vec<Word> {
    let mut said: Vec<Word> = digits(room).collect();
    if said.is_empty() {
        return vec![Word::NoRoomNumber];
    }
    said.insert(0, Word::RoomNumber);
    said
}

fn words(answer: &Answer) -> Vec<Word> {
    let no = |why: Option<Word>| [Word::No, Word::Refused].into_iter().chain(why).collect();
    match answer.state {
        ClaimState::Accepted => {
            let number = (!answer.number.is_empty()).then_some(Word::RoomNumber);
            [Word::Yes, Word::Accepted].into_iter().chain(number).chain(digits(&answer.number)).collect()
        }
        ClaimState::Waiting => vec![Word::FrontDesk],
        ClaimState::Refused => no(match answer.reason {
            Some(ClaimReason::UnknownRoom) => Some(Word::UnknownRoom),
            Some(ClaimReason::Taken) => Some(Word::Taken),
            Some(ClaimReason::Over) => Some(Word::Over),
            Some(ClaimReason::OtherRoom) => Some(Word::OtherRoom),
            Some(ClaimReason::Off | ClaimReason::NoProperty | ClaimReason::NoExtension) | None => None,
        }),
        ClaimState::Rejected => no(None),
        // Something else was dialled meanwhile, and is answered by itself.
        ClaimState::New | ClaimState::Expired => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(number: &str, state: ClaimState, reason: Option<ClaimReason>) -> Answer {
        Answer { number: number.to_owned(), state, reason }
    }

    #[test]
    fn every_answer_is_said_in_words() {
        let said = |state, reason| words(&answer("1207", state, reason));
        let number = [Word::RoomNumber, Word::One, Word::Two, Word::Zero, Word::Seven];
        assert_eq!(said(ClaimState::Accepted, None)[2..], number);
        assert_eq!(read_back("1207"), number);
        assert_eq!(read_back(""), [Word::NoRoomNumber]);
        assert_eq!(said(ClaimState::Waiting, None), [Word::FrontDesk]);
        let taken = said(ClaimState::Refused, Some(ClaimReason::Taken));
        assert_eq!(taken, [Word::No, Word::Refused, Word::Taken]);
        assert_eq!(words(&answer("", ClaimState::Accepted, None)), [Word::Yes, Word::Accepted]);
        assert!(said(ClaimState::Expired, None).is_empty());
    }

    #[test]
    fn an_answer_ends_the_waiting_and_silence_is_said_once() {
        let claims = Claims::default();
        claims.begin("1207");
        claims.answered(answer("1208", ClaimState::Refused, None));
        let (answers, late) = claims.take(Instant::now());
        assert!(answers.len() == 1 && !late);
        let in_time = Instant::now() + ANSWER_WITHIN;
        assert_eq!(claims.take(in_time), (Vec::new(), true));
        assert_eq!(claims.take(in_time), (Vec::new(), false));
        claims.begin("1207");
        claims.answered(answer("1207", ClaimState::Accepted, None));
        claims.take(Instant::now());
        assert_eq!(claims.take(Instant::now() + ANSWER_WITHIN), (Vec::new(), false));
    }

    #[test]
    fn without_a_broker_the_settings_are_the_answer() {
        let claims = Claims::default();
        claims.configured(["1207", ""], true, false);
        assert!(claims.take(Instant::now()).0.is_empty(), "nothing was dialled");
        for (names, new_version, has_broker, wanted) in [
            (["1207", ""], false, false, None),
            (["1207", ""], true, true, None),
            (["1207", ""], true, false, Some(ClaimState::Accepted)),
            (["PH1", "1207"], true, false, Some(ClaimState::Accepted)),
            (["101", "7101"], true, true, Some(ClaimState::Refused)),
            (["", ""], false, false, Some(ClaimState::Refused)),
        ] {
            claims.begin("1207");
            claims.configured(names, new_version, has_broker);
            assert_eq!(
                claims.take(Instant::now()).0.first().map(|answer| answer.state),
                wanted,
                "{names:?} {new_version}"
            );
        }
    }
}
