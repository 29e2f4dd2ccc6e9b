//! What happens to a leg, in a small queue.

/// Something that happened to a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A digit was heard.
    Digit(char),
    /// No audio came for too long. Told again after the same time.
    TimedOut,
    /// The other side's stream says it ends (RTCP BYE).
    Bye,
}

const PLACES: usize = 64;

/// The oldest events. Full, it drops the newest.
#[derive(Debug)]
pub struct Events {
    places: [Option<Event>; PLACES],
    first: usize,
    count: usize,
}

impl Default for Events {
    fn default() -> Self {
        Self { places: [None; PLACES], first: 0, count: 0 }
    }
}

impl Events {
    pub fn push(&mut self, event: Event) {
        if self.count < PLACES
            && let Some(place) = self.places.get_mut((self.first + self.count) % PLACES)
        {
            *place = Some(event);
            self.count += 1;
        }
    }

    pub fn pop(&mut self) -> Option<Event> {
        if self.count == 0 {
            return None;
        }
        let event = self.places.get_mut(self.first)?.take();
        self.first = (self.first + 1) % PLACES;
        self.count -= 1;
        event
    }
}
