//! What to fetch next and what an answer means: servers one after the other, on each the files in the order asked for. No
//! socket, no clock, no randomness.

use std::time::Duration;

use super::place::Place;
use crate::clock::wait_after;

/// Starts of one file, the first included.
const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_secs(2);
const MOST_WAIT: Duration = Duration::from_secs(30);
/// A server may ask for a longer wait, but not for one that uses a run up.
const MOST_ASKED: Duration = Duration::from_secs(45);

/// What a run is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Servers, each with a folder or the one file there is. The next is asked when the one before fails.
    pub sources: Vec<Place>,
    /// In the order in which they are asked for.
    pub names: Vec<String>,
    /// Take all there are; else the first found is the only one.
    pub all: bool,
}

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Fetch(Place),
    Wait(Duration),
    Done,
}

/// What came of a fetch.
#[derive(Debug)]
pub enum Answer<T> {
    /// The file is here and as it should be.
    File(T),
    /// There is no such file.
    Missing,
    /// There may be none: some servers do not tell that from one they do not show. In words.
    Hidden(String),
    /// The file is here but cannot be taken. Nothing is, then.
    Bad(String),
    /// The server cannot be asked; `again`: perhaps later.
    Failed { why: String, again: bool },
    /// As [`Self::Failed`], and the server says after what time it may be asked again.
    Later { why: String, wait: Duration },
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End<T> {
    /// The files of one server, in order.
    Files(Vec<(Place, T)>),
    /// The last server's reason; the place is a file where one is to blame. `again`: a later run may
    /// fare better.
    Failed { place: Place, why: String, again: bool },
    /// There is nobody to ask.
    Nobody,
}

/// One run.
#[derive(Debug)]
pub struct Machine<T> {
    plan: Plan,
    source: usize,
    name: usize,
    tries: u32,
    wait: bool,
    /// What the server asked for.
    asked_wait: Duration,
    /// What it answered instead of the first file that may be missing, with that file's address.
    hidden: Option<(Place, String)>,
    found: Vec<(Place, T)>,
    /// Set when it is over badly, or the server before failed.
    failed: Option<(Place, String, bool)>,
    over: bool,
}

impl<T> Machine<T> {
    pub fn new(plan: Plan) -> Self {
        let over = plan.sources.is_empty();
        let (found, hidden, failed) = (Vec::new(), None, None);
        Self {
            plan,
            source: 0,
            name: 0,
            tries: 0,
            wait: false,
            asked_wait: Duration::ZERO,
            hidden,
            found,
            failed,
            over,
        }
    }

    /// What to do now. `jitter` is 0 to 1.
    pub fn next(&mut self, jitter: f64) -> Step {
        if std::mem::take(&mut self.wait) {
            let own = wait_after(self.tries.saturating_sub(1), FIRST_WAIT, MOST_WAIT, jitter);
            // Not before, and not all phones of a house in the same moment.
            let asked = std::mem::take(&mut self.asked_wait).min(MOST_ASKED);
            return Step::Wait(own.max(asked.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 4.0)));
        }
        match self.place() {
            Some(place) if !self.over => Step::Fetch(place),
            _ => Step::Done,
        }
    }

    /// What is fetched now.
    fn place(&self) -> Option<Place> {
        let source = self.plan.sources.get(self.source)?;
        if source.is_file() {
            return (self.name == 0).then(|| source.clone());
        }
        self.plan.names.get(self.name).map(|name| source.file(name))
    }

    /// The fetch that [`Self::next`] asked for has ended.
    pub fn answered(&mut self, answer: Answer<T>) {
        let Some(place) = self.place().filter(|_| !self.over) else { return };
        match answer {
            Answer::File(file) => {
                self.found.push((place, file));
                if self.plan.all { self.next_name() } else { self.over = true }
            }
            Answer::Missing => self.next_name(),
            Answer::Hidden(why) => {
                self.hidden.get_or_insert((place, why));
                self.next_name();
            }
            // The server is the right one, its file is not: another server would not make that good.
            Answer::Bad(why) => {
                self.found.clear();
                self.failed = Some((place, why, false));
                self.over = true;
            }
            Answer::Failed { again: true, .. } if self.tries + 1 < TRIES => self.once_more(Duration::ZERO),
            Answer::Later { wait, .. } if self.tries + 1 < TRIES => self.once_more(wait),
            Answer::Later { why, .. } => self.next_source(place, why, true),
            Answer::Failed { why, again } => self.next_source(place, why, again),
        }
    }

    const fn once_more(&mut self, wait: Duration) {
        self.tries += 1;
        (self.wait, self.asked_wait) = (true, wait);
    }

    fn next_name(&mut self) {
        self.name += 1;
        self.tries = 0;
        if self.place().is_some() {
            return;
        }
        match self.plan.sources.get(self.source) {
            Some(source) if self.found.is_empty() => {
                let place = source.clone();
                let why = if place.is_file() { "there is no such file" } else { "none of the phone's files is there" };
                let why = match &self.hidden {
                    Some((file, instead)) => format!("{why}; of {file} {instead}"),
                    None => why.to_owned(),
                };
                self.next_source(place, why, true);
            }
            _ => self.over = true,
        }
    }

    /// Half of a server's files is nothing to go by.
    fn next_source(&mut self, place: Place, why: String, again: bool) {
        self.found.clear();
        self.hidden = None;
        self.failed = Some((place, why, again));
        (self.source, self.name, self.tries) = (self.source + 1, 0, 0);
        self.over = self.source >= self.plan.sources.len();
    }

    /// After [`Step::Done`].
    pub fn end(self) -> End<T> {
        match self.failed {
            _ if !self.found.is_empty() => End::Files(self.found),
            Some((place, why, again)) => End::Failed { place, why, again },
            None => End::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::place::Scheme;
    use proptest::prelude::*;

    fn plan(sources: &[&str], all: bool) -> Plan {
        let of = |text: &&str| Place::offered(text, Scheme::Http).unwrap();
        Plan { sources: sources.iter().map(of).collect(), names: ["a", "b", "c"].map(str::to_owned).into(), all }
    }

    /// Runs with a server that answers by path, and tells what was asked and how long it all took.
    fn play(plan: Plan, mut server: impl FnMut(&str) -> Answer<u8>) -> (Vec<String>, Duration, End<u8>) {
        let (mut machine, mut asked, mut time) = (Machine::new(plan), Vec::new(), Duration::ZERO);
        loop {
            match machine.next(1.0) {
                Step::Fetch(place) => {
                    asked.push(place.to_string());
                    machine.answered(server(place.url().as_str()));
                }
                Step::Wait(wait) => time += wait,
                Step::Done => return (asked, time, machine.end()),
            }
        }
    }

    fn names(end: &End<u8>) -> Vec<String> {
        match end {
            End::Files(files) => files.iter().map(|(place, _)| place.to_string()).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn the_first_found_is_the_only_one() {
        let (asked, _, end) = play(plan(&["h"], false), |url| match url.ends_with("/b") {
            true => Answer::File(1),
            false => Answer::Missing,
        });
        assert_eq!(asked, ["http://h/a", "http://h/b"]);
        assert_eq!(names(&end), ["http://h/b"]);
    }

    #[test]
    fn all_there_are_in_their_order() {
        let (asked, _, end) = play(plan(&["h"], true), |url| match url.ends_with("/b") {
            true => Answer::Missing,
            false => Answer::File(1),
        });
        assert_eq!(asked.len(), 3);
        assert_eq!(names(&end), ["http://h/a", "http://h/c"]);
    }

    #[test]
    fn a_silent_server_is_asked_again_and_then_the_next_one() {
        let silent = || Answer::Failed { why: "no answer".into(), again: true };
        let (asked, time, end) = play(plan(&["one", "two"], true), |url| match url {
            "http://two/c" => Answer::Missing,
            url if url.contains("two") => Answer::File(2),
            _ => silent(),
        });
        assert_eq!(asked[..4], ["http://one/a"; 4]);
        assert_eq!(time, Duration::from_secs(2 + 4 + 8), "doubling waits");
        assert_eq!(names(&end), ["http://two/a", "http://two/b"]);
        let (_, _, end) = play(plan(&["one"], true), |url| if url.ends_with('c') { silent() } else { Answer::File(1) });
        assert!(matches!(end, End::Failed { why, .. } if why == "no answer"), "half of the files is none");
    }

    #[test]
    fn a_refusal_is_not_repeated_and_a_bad_file_ends_it_all() {
        let refused = || Answer::Failed { why: "HTTP 401".into(), again: false };
        let (asked, time, end) = play(plan(&["one"], false), |_| refused());
        assert_eq!((asked.len(), time), (1, Duration::ZERO));
        assert!(matches!(end, End::Failed { .. }));
        let (asked, _, end) = play(plan(&["one", "two"], true), |url| match url.ends_with("/b") {
            true => Answer::Bad("wrong MAC".into()),
            false => Answer::File(1),
        });
        assert_eq!(asked, ["http://one/a", "http://one/b"]);
        assert!(
            matches!(end, End::Failed { place, why, again: false } if why == "wrong MAC" && place.to_string() == "http://one/b")
        );
    }

    #[test]
    fn one_file_by_its_own_address_and_nobody_to_ask() {
        let (asked, _, end) = play(plan(&["h/x/some.cfg"], true), |_| Answer::File(1));
        assert_eq!((asked.len(), names(&end)), (1, vec!["http://h/x/some.cfg".to_owned()]));
        let (_, _, end) = play(plan(&["h/x/some.cfg"], true), |_| Answer::Missing);
        assert!(matches!(end, End::Failed { .. }));
        assert_eq!(play(plan(&[], true), |_| Answer::Missing).2, End::Nobody);
    }

    #[test]
    fn a_file_the_server_does_not_show_is_passed_over_and_named_if_none_is_found() {
        let forbidden = || Answer::Hidden("the server answered HTTP 403".into());
        let (asked, _, end) = play(plan(&["h"], false), |url| match url.ends_with("/b") {
            true => Answer::File(1),
            false => forbidden(),
        });
        assert_eq!((asked.len(), names(&end)), (2, vec!["http://h/b".to_owned()]));
        let (asked, _, end) = play(plan(&["one", "two"], false), |url| match url {
            "http://one/b" => forbidden(),
            _ => Answer::Missing,
        });
        assert_eq!(asked.len(), 6);
        let none = "none of the phone's files is there";
        assert!(matches!(end, End::Failed { why, again: true, .. } if why == none), "of the last server");
        let (_, _, end) = play(plan(&["one"], true), |_| forbidden());
        assert!(
            matches!(&end, End::Failed { why, .. } if *why == format!("{none}; of http://one/a the server answered HTTP 403")),
            "{end:?}"
        );
    }

    #[test]
    fn a_server_that_says_when_is_asked_then_and_not_for_ever_later() {
        for (seconds, waited) in [(0, 2.0 + 4.0 + 8.0), (20, 3.0 * 25.0), (1_000_000, 3.0 * 56.25)] {
            let wait = Duration::from_secs(seconds);
            let (asked, time, end) = play(plan(&["h"], false), |_| Answer::Later { why: "busy".into(), wait });
            assert_eq!((asked.len(), time), (4, Duration::from_secs_f64(waited)), "{seconds}");
            assert!(matches!(end, End::Failed { why, again: true, .. } if why == "busy"));
        }
    }

    proptest! {
        /// Whatever servers answer: it ends, after a bounded number of fetches, and never with half of an answer.
        #[test]
        fn every_run_ends(answers in proptest::collection::vec(0u8..7, 0..64), all: bool, sources in 0usize..4) {
            let mut answers = answers.into_iter();
            let hosts: Vec<String> = (0..sources).map(|n| format!("h{n}")).collect();
            let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
            let (asked, time, end) = play(plan(&hosts, all), |_| match answers.next().unwrap_or(1) {
                0 => Answer::File(0),
                1 => Answer::Missing,
                2 => Answer::Bad(String::new()),
                3 => Answer::Failed { why: String::new(), again: true },
                4 => Answer::Later { why: String::new(), wait: Duration::MAX },
                5 => Answer::Hidden(String::new()),
                _ => Answer::Failed { why: String::new(), again: false },
            });
            prop_assert!(asked.len() <= sources * 3 * TRIES as usize);
            prop_assert!(time <= MOST_ASKED * 2 * (sources * 3 * TRIES as usize) as u32);
            if let End::Files(files) = end {
                prop_assert!(!files.is_empty() && (all || files.len() == 1));
                let host = files[0].0.host().to_owned();
                prop_assert!(files.iter().all(|(place, _)| place.host() == host));
            }
        }
    }
}
