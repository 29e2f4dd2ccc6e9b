//! Which way is taken: failing over, staying, failing back.

use std::time::Duration;

use super::{Change, FailoverMode, Failure, Instant, Locator, Next, Way};

/// How long a way that failed is not the first to be tried.
const PENALTY: Duration = Duration::from_secs(60);
const PENALTY_MOST: Duration = Duration::from_secs(3600);

impl Locator {
    /// A registration (first, refresh or retry) begins: says where to, `None` while no address is known. This is when
    /// "DNS SRV Failover Mode" decides whether the way that answered last is kept or the first tried again. In the
    /// middle of a failover it changes nothing, so that each way has its turn.
    pub fn begin(&mut self, now: Instant) -> Option<&Way> {
        let midway = self.trial.is_some() || (!self.tried.is_empty() && !self.confirmed);
        if !midway {
            self.tried.clear();
            if !self.is_held(now) {
                self.prefer(self.first(now));
            }
        }
        self.registering = true;
        self.exhausted = false;
        self.registering()
    }

    /// A response came this way, other than 503 (or a proxy's 408): it lives.
    pub fn answered_by(&mut self, now: Instant, way: &Way) {
        self.penalties.retain(|(penalised, _)| penalised != way);
        if self.trial.as_ref() == Some(way) {
            self.current = self.trial.take();
            self.confirmed = false;
            self.tell(Change::FailedBack);
        }
        // While a better one is on trial, the one in use says nothing new.
        if self.trial.is_none() && self.current.as_ref() == Some(way) {
            self.confirm(now, way.clone());
        } else {
            self.tried.retain(|tried| tried != way);
        }
    }

    /// A request sent this way came to nothing: says what to do with it.
    pub fn no_answer(&mut self, now: Instant, way: &Way, failure: Failure) -> Next {
        let fails = |other: &Way| match failure {
            Failure::Silent => other.target == way.target,
            Failure::Unavailable { .. } => other == way,
        };
        let wait = match failure {
            Failure::Unavailable { retry_after: Some(wait) } => wait.clamp(PENALTY, PENALTY_MOST),
            Failure::Unavailable { retry_after: None } | Failure::Silent => PENALTY,
        };
        for failed in self.ways.iter().filter(|other| fails(other)) {
            if !self.tried.contains(failed) {
                self.tried.push(failed.clone());
            }
            self.penalties.retain(|(penalised, _)| penalised != failed);
            self.penalties.push((failed.clone(), now + wait));
        }
        let trial_failed = self.trial.as_ref().is_some_and(fails);
        let current_failed = self.current.as_ref().is_some_and(fails);
        if trial_failed {
            self.trial = None;
            if !current_failed {
                self.prefer(self.next(now));
                return self.registering().cloned().map_or(Next::Exhausted, Next::Try);
            }
        }
        if current_failed {
            return self.fail_over(now);
        }
        // Late news of a way that is not used any more.
        match &self.current {
            Some(way) if !self.exhausted => self.send_by(way.clone()),
            _ => Next::Exhausted,
        }
    }

    fn fail_over(&mut self, now: Instant) -> Next {
        self.confirmed = false;
        // A registration that is already at another way goes on there, and everything else with it.
        if let Some(next) = self.trial.take().or_else(|| self.next(now)) {
            self.current = Some(next.clone());
            self.exhausted = false;
            self.tell(Change::FailedOver);
            return self.send_by(next);
        }
        // From the start, whatever was kept until now.
        self.tried.clear();
        self.failback_at = None;
        self.saved_until = None;
        self.registering = false;
        self.current = self.first(now);
        self.exhausted = true;
        Next::Exhausted
    }

    fn send_by(&self, way: Way) -> Next {
        let first = self.settings.register_before_failover && self.settings.register && !self.confirmed;
        if first { Next::Register(way) } else { Next::Try(way) }
    }

    /// The way in use answered.
    fn confirm(&mut self, now: Instant, way: Way) {
        let moved = self.last.as_ref() != Some(&way);
        let other_leg = self.last.as_ref().is_none_or(|last| last.leg != way.leg);
        // A registration that came back to the saved one has tried the others: saved anew. Other requests have not.
        if moved || !self.confirmed || self.registering {
            self.saved_until = self.fresh_until.get(way.leg).copied().flatten();
        }
        let by_timer = self.is_by_timer();
        if !self.wants_failback(&way) {
            self.failback_at = None;
        } else if self.failback_at.is_none() || other_leg || (moved && by_timer) {
            self.failback_at = Some(now + self.settings.failback);
        }
        self.tried.clear();
        self.exhausted = false;
        self.registering = false;
        self.confirmed = true;
        self.last = Some(way);
    }

    /// The failback timer ended.
    pub(super) fn fail_back(&mut self, now: Instant) {
        if !self.confirmed {
            // Failing over at the moment; the timer starts again with the next that answers.
            return;
        }
        let first = self.first(now);
        if first == self.current {
            // The better ones have failed just now.
            self.failback_at = self.current.as_ref().filter(|way| self.wants_failback(way)).map(|_| now + PENALTY);
            return;
        }
        self.tried.clear();
        if self.settings.register {
            self.prefer(first);
            self.tell(Change::FailbackDue);
        } else {
            // Nobody else can find out but the requests themselves.
            self.current = first;
            self.confirmed = false;
            self.tell(Change::FailedBack);
        }
    }

    /// New ways from the DNS. What is in use stays, as long as it is one of them.
    pub(super) fn take_ways(&mut self, now: Instant, mut ways: Vec<Way>) {
        let until_no_response = self.settings.failover_mode == FailoverMode::UntilNoResponse && self.confirmed;
        if let Some(current) = self.current.clone().filter(|way| until_no_response && !ways.contains(way)) {
            // "Even after the TTL": also when the DNS does not know it any more.
            ways.push(current);
        }
        let new = ways.iter().any(|way| !self.ways.contains(way));
        self.ways = ways;
        self.penalties.retain(|(way, until)| now < *until && self.ways.contains(way));
        self.tried.retain(|way| self.ways.contains(way));
        self.trial.take_if(|way| !self.ways.contains(way));
        let gone = self.current.as_ref().is_none_or(|way| !self.ways.contains(way));
        if gone || (self.exhausted && new) {
            let had = self.current.is_some();
            self.confirmed = false;
            self.exhausted = false;
            self.failback_at = None;
            self.current = self.trial.take().or_else(|| self.next(now)).or_else(|| self.first(now));
            match &self.current {
                Some(_) => self.tell(Change::Located),
                None if had => self.tell(Change::Lost),
                None => {}
            }
        }
    }

    /// The place of a way among all.
    pub(super) fn position(&self, way: &Way) -> Option<usize> {
        self.ways.iter().position(|other| other == way)
    }

    /// Makes `way` the next to register with: on trial, if there is one in use that answers.
    fn prefer(&mut self, way: Option<Way>) {
        if self.confirmed {
            self.trial = way.filter(|way| self.current.as_ref() != Some(way));
        } else if way.is_some() {
            self.current = way;
        }
    }

    /// The next registration goes to the way in use, whatever else there is.
    fn is_held(&self, now: Instant) -> bool {
        self.confirmed
            && match self.settings.failover_mode {
                FailoverMode::Default => false,
                FailoverMode::UntilTtl => self.saved_until.is_none_or(|until| now < until),
                FailoverMode::UntilNoResponse => true,
                FailoverMode::FailbackTimer => self.failback_at.is_some(),
            }
    }

    fn is_by_timer(&self) -> bool {
        match self.settings.failover_mode {
            FailoverMode::FailbackTimer => true,
            FailoverMode::UntilNoResponse => false,
            // Without registrations nothing else ever tries the first again.
            FailoverMode::Default | FailoverMode::UntilTtl => !self.settings.register,
        }
    }

    /// The failback timer has a say in how long this way is used: always on the second server or proxy.
    fn wants_failback(&self, way: &Way) -> bool {
        way.leg > 0 || (self.is_by_timer() && self.ways.first() != Some(way))
    }

    /// Where a round of tries starts.
    fn first(&self, now: Instant) -> Option<Way> {
        self.ways.iter().min_by_key(|way| self.cost(now, way)).cloned()
    }

    /// The best one that has not failed since the last answer.
    fn next(&self, now: Instant) -> Option<Way> {
        self.ways.iter().filter(|way| !self.tried.contains(way)).min_by_key(|way| self.cost(now, way)).cloned()
    }

    /// What counts before the order of preference (the first of the least is taken): ways that failed lately come last,
    /// and while the failback timer runs, so do those of better servers and proxies.
    fn cost(&self, now: Instant, way: &Way) -> (bool, bool) {
        let penalised = self.penalties.iter().any(|(penalised, until)| penalised == way && now < *until);
        let floor = self.current.as_ref().filter(|_| self.failback_at.is_some()).map_or(0, |current| current.leg);
        (penalised, way.leg < floor)
    }
}
