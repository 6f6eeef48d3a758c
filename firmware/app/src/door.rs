//! What the device does with what it sees: a state machine without input or output. Sightings and the time go in, orders
//! come out.
//!
//! ```text
//! Idle → Voting(k of n) → Open(until) → Idle
//!                       → Idle, or after too many strangers Locked(until) → Idle
//! Idle → Enrolling{shot i of n} → Saving → Idle
//! any  → Service: nothing opens, only the link works
//! ```
//!
//! # Rules
//!
//! * An attempt is counted when a face's first decision is there, before anybody learns what it is: a cut in power after
//!   it cannot undo the attempt. A person who is let in clears the count.
//! * Whoever leaves in the middle of a vote has used up an attempt.
//! * After `attempts` failures in a row the door is locked for `lock_ms`; each further lock-out in a row lasts twice as long,
//!   up to 64 times. After a restart a lock-out begins anew: there is no clock that a power cut leaves going. A restart with
//!   as many counted attempts locks the door, too: a cut before the answer gives no further attempt.
//! * A door that was open is closed when it is locked, whoever caused the lock-out.
//! * Orders are carried out in order. If one fails, the rest is dropped and the door goes to [`State::Service`].

pub mod enrol;
pub mod vote;

use format::gates::{Gate, Refusal};
use heapless::Vec;
use matcher::BlendError;

use enrol::{Enrolment, ShotError};
use vote::{Ballot, Vote, Votes};

/// Number of a person. Never used again, also not after the person is deleted.
pub type PersonId = u32;

/// Most lock-outs that make the next one longer.
const MOST_DOUBLINGS: u8 = 6;

/// What a maker decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Decisions that let a person in.
    pub votes: Votes,
    /// How long the door stays open, in milliseconds.
    pub open_ms: u32,
    /// Failures in a row that lock the door; 0 never locks it.
    pub attempts: u32,
    /// How long the first lock-out lasts, in milliseconds.
    pub lock_ms: u32,
    /// Shots of an enrolment.
    pub shots: u8,
    /// How long an enrolment waits for its next shot, in milliseconds.
    pub enrol_ms: u32,
}

impl Default for Settings {
    /// Two of three decisions, open for five seconds; five failures lock for half a minute; five shots, with half a minute
    /// for each.
    fn default() -> Self {
        let votes = const { Votes::new_checked(2, 3).expect("two of three") };
        Settings { votes, open_ms: 5_000, attempts: 5, lock_ms: 30_000, shots: 5, enrol_ms: 30_000 }
    }
}

/// What outlives a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Failures since somebody was let in.
    pub attempts: u32,
    /// Lock-outs since somebody was let in.
    pub lockouts: u8,
    /// Whether the door is locked.
    pub is_locked: bool,
}

/// Why nothing can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The image cannot be used, or its embedder gives another embedding than it should.
    Image,
    /// The store cannot be read or written.
    Store,
    /// What opens the door cannot be switched.
    Output,
    /// The image has no networks that find faces, or no frames come from the camera. Ends when frames come again.
    Blind,
}

/// What the door is doing.
#[derive(Clone, Debug)]
// The enrolment is the largest, and a device has one door.
#[allow(clippy::large_enum_variant)]
pub enum State {
    /// It waits for a face.
    Idle,
    /// A face is being decided on.
    Voting(Vote),
    /// It is open.
    Open {
        /// When it closes.
        until_ms: u64,
    },
    /// Nobody is let in.
    Locked {
        /// When that ends.
        until_ms: u64,
    },
    /// Somebody is being enrolled.
    Enrolling {
        /// The shots.
        enrolment: Enrolment,
        /// When it is given up.
        until_ms: u64,
    },
    /// All shots are taken, and the person is to be stored.
    Saving {
        /// The shots.
        enrolment: Enrolment,
        /// When it is given up.
        until_ms: u64,
    },
    /// Nothing can run.
    Service(Fault),
}

/// What a frame showed.
#[derive(Clone, Copy, Debug)]
pub enum Glimpse<'e> {
    /// No face.
    Nobody,
    /// A face that was not examined. `is_new` when it was not followed from the frame before.
    Face {
        /// Whether it is another face than in the frame before.
        is_new: bool,
    },
    /// A face that is not fit to be decided on.
    Unfit(Refusal),
    /// A face that is fit.
    Fit {
        /// Its embedding.
        embedding: &'e [i16],
        /// The person that the gallery recognises in it.
        person: Option<PersonId>,
        /// Cosine from which on the gallery accepts a face, Q30.
        threshold_q30: i32,
    },
}

/// What happened, for whoever listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// A person was let in.
    Accepted(PersonId),
    /// Somebody was not.
    Rejected,
    /// Who asked over the link was told that this person is accepted, or that nobody is. The door does not open for it.
    Answered(Option<PersonId>),
    /// The face is not fit to be decided on.
    Unfit(Refusal),
    /// The door is closed again.
    Closed,
    /// The door is locked for this many milliseconds.
    Locked(u64),
    /// The lock-out is over.
    Unlocked,
    /// A shot was taken.
    Shot {
        /// Shots taken.
        taken: u8,
        /// Shots wanted.
        wanted: u8,
    },
    /// A shot was not taken.
    NoShot(ShotError),
    /// A person is enrolled, and stored.
    Enrolled(PersonId),
    /// An enrolment was given up: it took too long, or somebody asked for it.
    GivenUp,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Store this tally, and go on only when it is stored.
    Store(Tally),
    /// Open for this person.
    Open(PersonId),
    /// Close.
    Close,
    /// Store the person of [`State::Saving`], then call [`Door::saved`].
    Save,
    /// Decide once more on the face that is followed.
    LookAgain,
    /// Tell whoever listens.
    Tell(News),
}

/// Orders of one step.
pub type Orders = Vec<Order, 6>;

fn orders(list: impl IntoIterator<Item = Order>) -> Orders {
    let mut orders = Orders::new();
    add(&mut orders, list);
    orders
}

fn add(orders: &mut Orders, more: impl IntoIterator<Item = Order>) {
    // There is room for the orders of every step.
    more.into_iter().for_each(|order| _ = orders.push(order));
}

/// Why an enrolment cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// Another enrolment is going on.
    Enrolling,
    /// The door is locked.
    Locked,
    /// Nothing can run.
    Service,
}

/// The door.
#[derive(Clone, Debug)]
pub struct Door {
    settings: Settings,
    tally: Tally,
    state: State,
}

impl Door {
    /// The door after a start, with the tally from before.
    pub fn new(settings: Settings, tally: Tally, now_ms: u64) -> Self {
        let mut door = Door { settings, tally, state: State::Idle };
        if !tally.is_locked && door.is_used_up() {
            // A cut came between the last attempt and its end. The next order stores this.
            door.tally = Tally { lockouts: tally.lockouts.saturating_add(1), is_locked: true, ..tally };
        }
        if door.tally.is_locked {
            door.state = State::Locked { until_ms: now_ms + lock_ms(&settings, door.tally.lockouts) };
        }
        door
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What outlives a restart.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What a maker decided.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether frames are looked at now.
    pub fn is_watching(&self) -> bool {
        matches!(self.state, State::Idle | State::Voting(_) | State::Enrolling { .. })
    }

    /// Nothing can run from now on. The door is closed, and an enrolment given up.
    pub fn fail(&mut self, fault: Fault) -> Orders {
        let was_enrolling = self.is_enrolling();
        self.state = State::Service(fault);
        let news = was_enrolling.then_some(Order::Tell(News::GivenUp));
        orders([Order::Close].into_iter().chain(news))
    }

    /// Whether somebody is being enrolled.
    pub fn is_enrolling(&self) -> bool {
        matches!(self.state, State::Enrolling { .. } | State::Saving { .. })
    }

    /// Frames come again: the door was blind no longer than that.
    pub fn recover(&mut self) {
        if matches!(self.state, State::Service(Fault::Blind)) {
            self.state = State::Idle;
        }
    }

    /// Counts an attempt of somebody who asks over the link, where no vote is held. Its answer follows in
    /// [`Self::answered`]. Nobody may ask while the door is locked.
    pub fn ask(&mut self) -> Orders {
        self.tally.attempts = self.tally.attempts.saturating_add(1);
        orders([Order::Store(self.tally)])
    }

    /// The attempt of [`Self::ask`] was accepted as this person, or not. It does not open the door.
    pub fn answered(&mut self, accepted: Option<PersonId>, now_ms: u64) -> Orders {
        if accepted.is_none() {
            return self.count_rejection(News::Answered(None), now_ms);
        }
        // The attempt of a vote that goes on stays counted.
        let attempts = u32::from(matches!(self.state, State::Voting(_)));
        self.tally = Tally { attempts, ..Tally::default() };
        orders([Order::Store(self.tally), Order::Tell(News::Answered(accepted))])
    }

    /// Time passes.
    pub fn tick(&mut self, now_ms: u64) -> Orders {
        match self.state {
            State::Open { until_ms } if now_ms >= until_ms => {
                self.state = State::Idle;
                // Whoever still stands there is decided on anew.
                orders([Order::Close, Order::LookAgain, Order::Tell(News::Closed)])
            }
            State::Locked { until_ms } if now_ms >= until_ms => self.unlock(),
            State::Enrolling { until_ms, .. } | State::Saving { until_ms, .. } if now_ms >= until_ms => {
                self.give_up()
            }
            _ => Orders::new(),
        }
    }

    /// Ends a lock-out. The count of failures begins anew, the lengths of further lock-outs do not.
    pub fn unlock(&mut self) -> Orders {
        if !matches!(self.state, State::Locked { .. }) {
            return Orders::new();
        }
        self.state = State::Idle;
        self.tally = Tally { attempts: 0, is_locked: false, ..self.tally };
        orders([Order::Store(self.tally), Order::Tell(News::Unlocked)])
    }

    /// Ends a lock-out and forgets all lock-outs: for an administrator.
    pub fn forgive(&mut self) -> Orders {
        self.tally = Tally::default();
        let news = matches!(self.state, State::Locked { .. }).then_some(Order::Tell(News::Unlocked));
        if news.is_some() {
            self.state = State::Idle;
        }
        orders([Order::Store(self.tally)].into_iter().chain(news))
    }

    /// Begins an enrolment of so many shots: of a new person, or of more photos of one.
    ///
    /// # Errors
    /// [`Busy`].
    pub fn enrol(
        &mut self,
        person: Option<PersonId>,
        shots: u8,
        dimension: usize,
        now_ms: u64,
    ) -> Result<Orders, Busy> {
        let closing = match self.state {
            State::Enrolling { .. } | State::Saving { .. } => return Err(Busy::Enrolling),
            State::Locked { .. } => return Err(Busy::Locked),
            State::Service(_) => return Err(Busy::Service),
            State::Idle | State::Voting(_) => None,
            State::Open { .. } => Some(Order::Close),
        };
        let enrolment = Enrolment::new(person, shots, dimension);
        self.state = State::Enrolling { enrolment, until_ms: now_ms + u64::from(self.settings.enrol_ms) };
        Ok(orders(closing.into_iter().chain([Order::LookAgain])))
    }

    /// Waits anew for the next shot, with which the enrolment is complete if `is_last`. Returns whether shots can follow.
    pub fn next_shot(&mut self, is_last: bool, now_ms: u64) -> bool {
        let State::Enrolling { enrolment, until_ms } = &mut self.state else { return false };
        *until_ms = now_ms + u64::from(self.settings.enrol_ms);
        if is_last {
            enrolment.end_with_next();
        }
        is_last || enrolment.taken() + 1 < enrolment.wanted()
    }

    /// Gives up the enrolment that is going on.
    pub fn give_up(&mut self) -> Orders {
        if !self.is_enrolling() {
            return Orders::new();
        }
        self.state = State::Idle;
        orders([Order::Tell(News::GivenUp)])
    }

    /// The person of [`State::Saving`] is stored under this number.
    pub fn saved(&mut self, person: PersonId) -> Orders {
        self.state = State::Idle;
        orders([Order::Tell(News::Enrolled(person))])
    }

    /// A frame was looked at.
    pub fn seen(&mut self, now_ms: u64, glimpse: &Glimpse<'_>) -> Orders {
        match &mut self.state {
            State::Idle | State::Voting(_) => self.judge(now_ms, glimpse),
            State::Enrolling { .. } => self.shoot(now_ms, glimpse),
            State::Open { .. } | State::Locked { .. } | State::Saving { .. } | State::Service(_) => {
                Orders::new()
            }
        }
    }

    fn judge(&mut self, now_ms: u64, glimpse: &Glimpse<'_>) -> Orders {
        let is_voting = matches!(self.state, State::Voting(_));
        match *glimpse {
            // Whoever was being voted on is gone.
            Glimpse::Nobody | Glimpse::Face { is_new: true } if is_voting => self.reject(now_ms),
            Glimpse::Nobody | Glimpse::Face { .. } => Orders::new(),
            // A picture of a face is no bad shot but an attempt, and is not looked at again.
            Glimpse::Unfit(refusal) if refusal.gate == Gate::Alive => {
                let mut list = self.begin_vote();
                let _ = list.push(Order::Tell(News::Unfit(refusal)));
                add(&mut list, self.reject(now_ms).iter().copied());
                list
            }
            Glimpse::Unfit(refusal) => orders([Order::LookAgain, Order::Tell(News::Unfit(refusal))]),
            Glimpse::Fit { person, .. } => {
                let mut list = self.begin_vote();
                let State::Voting(vote) = &mut self.state else { return list };
                let after = match vote.add(person) {
                    None => orders([Order::LookAgain]),
                    Some(Ballot::Elected(person)) => {
                        self.tally = Tally::default();
                        self.state = State::Open { until_ms: now_ms + u64::from(self.settings.open_ms) };
                        let news = Order::Tell(News::Accepted(person));
                        orders([Order::Store(self.tally), Order::Open(person), news])
                    }
                    Some(Ballot::Nobody) => self.reject(now_ms),
                };
                add(&mut list, after.iter().copied());
                list
            }
        }
    }

    /// Begins a vote, and counts the attempt, unless one is going on.
    fn begin_vote(&mut self) -> Orders {
        if matches!(self.state, State::Voting(_)) {
            return Orders::new();
        }
        self.state = State::Voting(Vote::new(self.settings.votes));
        self.tally.attempts = self.tally.attempts.saturating_add(1);
        orders([Order::Store(self.tally)])
    }

    /// A face was not accepted. Its attempt is counted already.
    fn reject(&mut self, now_ms: u64) -> Orders {
        self.state = State::Idle;
        self.count_rejection(News::Rejected, now_ms)
    }

    /// Whether there were as many attempts as lock the door.
    fn is_used_up(&self) -> bool {
        self.settings.attempts > 0 && self.tally.attempts >= self.settings.attempts
    }

    fn count_rejection(&mut self, news: News, now_ms: u64) -> Orders {
        if !self.is_used_up() {
            return orders([Order::Tell(news)]);
        }
        let ending = match self.state {
            State::Open { .. } => Some(Order::Close),
            State::Enrolling { .. } | State::Saving { .. } => Some(Order::Tell(News::GivenUp)),
            _ => None,
        };
        self.tally.lockouts = self.tally.lockouts.saturating_add(1);
        self.tally.is_locked = true;
        let lock_ms = lock_ms(&self.settings, self.tally.lockouts);
        self.state = State::Locked { until_ms: now_ms + lock_ms };
        let rest = [Order::Store(self.tally), Order::Tell(news), Order::Tell(News::Locked(lock_ms))];
        orders(ending.into_iter().chain(rest))
    }

    // Not inlined, so that the stack of an enrolment is in use for enrolments only.
    #[inline(never)]
    fn shoot(&mut self, now_ms: u64, glimpse: &Glimpse<'_>) -> Orders {
        let State::Enrolling { enrolment, until_ms } = &mut self.state else { return Orders::new() };
        match *glimpse {
            Glimpse::Nobody | Glimpse::Face { .. } => Orders::new(),
            Glimpse::Unfit(refusal) => orders([Order::LookAgain, Order::Tell(News::Unfit(refusal))]),
            Glimpse::Fit { embedding, person, threshold_q30 } => {
                match enrolment.offer(embedding, person, threshold_q30) {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        return orders([Order::LookAgain, Order::Tell(News::NoShot(error))]);
                    }
                    Err(BlendError { .. }) => return self.fail(Fault::Image),
                }
                *until_ms = now_ms + u64::from(self.settings.enrol_ms);
                let news = News::Shot { taken: enrolment.taken(), wanted: enrolment.wanted() };
                if !enrolment.is_complete() {
                    return orders([Order::LookAgain, Order::Tell(news)]);
                }
                let (enrolment, until_ms) = (enrolment.clone(), *until_ms);
                self.state = State::Saving { enrolment, until_ms };
                orders([Order::Tell(news), Order::Save])
            }
        }
    }
}

/// Length of a lock-out, the `lockouts`th in a row.
fn lock_ms(settings: &Settings, lockouts: u8) -> u64 {
    u64::from(settings.lock_ms) << lockouts.saturating_sub(1).min(MOST_DOUBLINGS)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    const HALF: i32 = 1 << 29;

    fn settings(needed: u8, of: u8) -> Settings {
        Settings { votes: Votes::new_checked(needed, of).unwrap(), attempts: 2, ..Settings::default() }
    }

    fn fit(person: Option<PersonId>) -> Glimpse<'static> {
        Glimpse::Fit { embedding: &[3, 4], person, threshold_q30: HALF }
    }

    fn told(orders: &Orders) -> Vec<News> {
        let news = orders.iter().filter_map(|order| match order {
            Order::Tell(news) => Some(*news),
            _ => None,
        });
        news.collect()
    }

    #[test]
    fn attempt_is_stored_before_anybody_learns_the_answer() {
        for person in [None, Some(3)] {
            let mut door = Door::new(settings(1, 1), Tally::default(), 0);
            let orders = door.seen(0, &fit(person));
            let one = Tally { attempts: 1, ..Tally::default() };
            assert_eq!(orders[0], Order::Store(one));
        }
    }

    #[test]
    fn person_is_let_in_for_a_time() {
        let mut door = Door::new(settings(2, 3), Tally { attempts: 1, lockouts: 1, is_locked: false }, 0);
        assert_eq!(door.seen(5, &fit(Some(3)))[1..], [Order::LookAgain]);
        let news = Order::Tell(News::Accepted(3));
        assert_eq!(
            door.seen(6, &fit(Some(3))),
            orders([Order::Store(Tally::default()), Order::Open(3), news])
        );
        assert!(!door.is_watching());
        assert!(door.tick(5005).is_empty());
        assert_eq!(door.tick(5006), orders([Order::Close, Order::LookAgain, Order::Tell(News::Closed)]));
        assert!(door.is_watching());
    }

    #[test]
    fn strangers_lock_the_door_and_each_lockout_is_longer() {
        let mut door = Door::new(settings(1, 1), Tally::default(), 0);
        assert_eq!(told(&door.seen(0, &fit(None))), [News::Rejected]);
        assert_eq!(told(&door.seen(1, &fit(None))), [News::Rejected, News::Locked(30_000)]);
        assert!(door.seen(2, &fit(Some(3))).is_empty() && door.tick(30_000).is_empty());
        assert_eq!(told(&door.tick(30_001)), [News::Unlocked]);
        let open = Tally { attempts: 0, lockouts: 1, is_locked: false };
        assert_eq!(*door.tally(), open);
        door.seen(40_000, &fit(None));
        assert_eq!(told(&door.seen(40_001, &fit(None)))[1], News::Locked(60_000));
        for lockouts in [7, 8, u8::MAX] {
            assert_eq!(lock_ms(&settings(1, 1), lockouts), 64 * 30_000);
        }
    }

    #[test]
    fn lockout_begins_anew_after_a_restart() {
        let locked = Tally { attempts: 2, lockouts: 2, is_locked: true };
        let mut door = Door::new(settings(1, 1), locked, 100);
        assert!(door.seen(200, &fit(Some(3))).is_empty());
        assert!(door.tick(60_099).is_empty());
        assert_eq!(told(&door.tick(60_100)), [News::Unlocked]);
    }

    #[test]
    fn administrator_ends_a_lockout_and_its_history() {
        let locked = Tally { attempts: 2, lockouts: 2, is_locked: true };
        let mut door = Door::new(settings(1, 1), locked, 0);
        let orders = door.forgive();
        assert_eq!((orders[0], told(&orders)), (Order::Store(Tally::default()), [News::Unlocked].to_vec()));
        assert_eq!(told(&door.forgive()), []);
    }

    #[test]
    fn leaving_in_the_middle_of_a_vote_is_a_failure() {
        for glimpse in [Glimpse::Nobody, Glimpse::Face { is_new: true }] {
            let mut door = Door::new(settings(2, 3), Tally::default(), 0);
            door.seen(0, &fit(None));
            assert!(door.seen(1, &Glimpse::Face { is_new: false }).is_empty());
            assert_eq!(told(&door.seen(1, &glimpse)), [News::Rejected]);
            door.seen(2, &fit(Some(3)));
            assert_eq!(told(&door.seen(3, &glimpse)), [News::Rejected, News::Locked(30_000)]);
        }
        // Without a decision nothing happened.
        let mut door = Door::new(settings(2, 3), Tally::default(), 0);
        assert!(door.seen(0, &Glimpse::Nobody).is_empty());
    }

    #[test]
    fn enrolment_takes_its_shots_and_is_saved() {
        let mut door = Door::new(Settings { shots: 2, ..settings(1, 1) }, Tally::default(), 0);
        assert_eq!(door.enrol(None, 2, 2, 0).unwrap(), orders([Order::LookAgain]));
        assert_eq!(door.enrol(None, 2, 2, 0), Err(Busy::Enrolling));
        assert_eq!(told(&door.seen(1, &fit(Some(9)))), [News::NoShot(ShotError::Enrolled(9))]);
        assert_eq!(told(&door.seen(2, &fit(None))), [News::Shot { taken: 1, wanted: 2 }]);
        assert_eq!(told(&door.seen(3, &fit(None))), [News::NoShot(ShotError::TooAlike)]);
        let turned = Glimpse::Fit { embedding: &[4, 3], person: None, threshold_q30: HALF };
        let orders = door.seen(4, &turned);
        assert_eq!(orders[1], Order::Save);
        assert!(matches!(door.state(), State::Saving { enrolment, .. } if enrolment.taken() == 2));
        assert_eq!(told(&door.saved(12)), [News::Enrolled(12)]);
        // No attempt was counted.
        assert_eq!(*door.tally(), Tally::default());
    }

    #[test]
    fn questions_over_the_link_are_attempts_too() {
        let mut door = Door::new(settings(2, 3), Tally::default(), 0);
        assert_eq!(door.ask()[0], Order::Store(Tally { attempts: 1, ..Tally::default() }));
        let news = Order::Tell(News::Answered(Some(3)));
        assert_eq!(door.answered(Some(3), 0), orders([Order::Store(Tally::default()), news]));
        for now_ms in 0..2 {
            door.ask();
            door.answered(None, now_ms);
        }
        assert!(matches!(door.state(), State::Locked { until_ms: 30_001 }));
    }

    #[test]
    fn lockout_by_questions_over_the_link_closes_an_open_door() {
        let mut door = Door::new(settings(1, 1), Tally::default(), 0);
        door.seen(0, &fit(Some(3)));
        for _ in 0..2 {
            door.ask();
        }
        assert_eq!(door.answered(None, 1)[0], Order::Close);
        assert!(matches!(door.state(), State::Locked { .. }));
        // It also ends an enrolment.
        let mut door = Door::new(settings(1, 1), Tally { attempts: 1, ..Tally::default() }, 0);
        door.enrol(None, 5, 2, 0).unwrap();
        door.ask();
        let news = [News::GivenUp, News::Answered(None), News::Locked(30_000)];
        assert_eq!(told(&door.answered(None, 1)), news);
    }

    #[test]
    fn question_over_the_link_does_not_forget_the_attempt_of_a_vote() {
        let mut door = Door::new(settings(2, 3), Tally::default(), 0);
        door.seen(0, &fit(None));
        door.ask();
        door.answered(Some(3), 1);
        assert_eq!(door.tally().attempts, 1);
    }

    #[test]
    fn cut_before_the_answer_gives_no_further_attempt() {
        let cut = Tally { attempts: 2, lockouts: 1, is_locked: false };
        let mut door = Door::new(settings(1, 1), cut, 0);
        assert!(door.seen(1, &fit(Some(3))).is_empty());
        assert!(door.tick(59_999).is_empty());
        let after = Tally { attempts: 0, lockouts: 2, is_locked: false };
        assert_eq!(door.tick(60_000)[0], Order::Store(after));
    }

    #[test]
    fn shots_are_taken_until_the_last_one_is_asked_for() {
        let mut door = Door::new(settings(1, 1), Tally::default(), 0);
        door.enrol(None, enrol::MOST_SHOTS as u8, 2, 0).unwrap();
        door.seen(1, &fit(None));
        assert!(door.next_shot(true, 20_000));
        assert!(door.tick(49_999).is_empty());
        let turned = Glimpse::Fit { embedding: &[4, 3], person: None, threshold_q30: HALF };
        assert_eq!(door.seen(3, &turned)[1], Order::Save);
        assert!(!door.next_shot(true, 4));
    }

    #[test]
    fn enrolment_that_a_fault_ends_is_given_up() {
        let mut door = Door::new(settings(1, 1), Tally::default(), 0);
        door.enrol(None, 5, 2, 0).unwrap();
        assert_eq!(told(&door.fail(Fault::Blind)), [News::GivenUp]);
    }

    #[test]
    fn shot_of_another_dimension_is_a_fault_of_the_image() {
        let mut door = Door::new(settings(1, 1), Tally::default(), 0);
        door.enrol(None, 5, 2, 0).unwrap();
        let longer = Glimpse::Fit { embedding: &[3, 4, 5], person: None, threshold_q30: HALF };
        assert_eq!(door.seen(1, &longer), orders([Order::Close, Order::Tell(News::GivenUp)]));
        assert!(matches!(door.state(), State::Service(Fault::Image)));
    }

    #[test]
    fn blind_door_recovers_and_no_other() {
        let mut door = Door::new(settings(1, 1), Tally::default(), 0);
        door.fail(Fault::Blind);
        door.recover();
        assert!(door.is_watching());
        door.fail(Fault::Store);
        door.recover();
        assert!(!door.is_watching());
    }

    #[test]
    fn enrolment_without_shots_is_given_up() {
        let mut door = Door::new(settings(1, 1), Tally::default(), 0);
        door.enrol(None, 2, 2, 0).unwrap();
        assert!(door.tick(29_999).is_empty());
        assert_eq!(told(&door.tick(30_000)), [News::GivenUp]);
        assert!(door.give_up().is_empty());
    }

    #[test]
    fn nothing_opens_in_service_or_while_locked() {
        let mut door = Door::new(settings(1, 1), Tally::default(), 0);
        door.seen(0, &fit(Some(3)));
        assert_eq!(door.fail(Fault::Store), orders([Order::Close]));
        assert!(door.seen(1, &fit(Some(3))).is_empty() && door.tick(u64::MAX).is_empty());
        assert_eq!(door.enrol(None, 2, 2, 0), Err(Busy::Service));
        let locked = Tally { attempts: 2, lockouts: 1, is_locked: true };
        assert_eq!(Door::new(settings(1, 1), locked, 0).enrol(None, 2, 2, 0), Err(Busy::Locked));
    }

    #[test]
    fn picture_of_a_face_is_a_failure() {
        let refusal = Refusal { gate: Gate::Alive, figure: 1, limit: 2 };
        let mut door = Door::new(settings(2, 3), Tally::default(), 0);
        let orders = door.seen(0, &Glimpse::Unfit(refusal));
        assert_eq!(orders[0], Order::Store(Tally { attempts: 1, ..Tally::default() }));
        assert_eq!(told(&orders), [News::Unfit(refusal), News::Rejected]);
        let last = told(&door.seen(1, &Glimpse::Unfit(refusal)));
        assert_eq!(last[2], News::Locked(30_000));
        // In the middle of a vote it ends it, and is not counted twice.
        let mut door = Door::new(settings(2, 3), Tally::default(), 0);
        door.seen(0, &fit(Some(3)));
        assert_eq!(told(&door.seen(1, &Glimpse::Unfit(refusal))), [News::Unfit(refusal), News::Rejected]);
        assert_eq!(door.tally().attempts, 1);
    }

    #[test]
    fn unfit_face_is_looked_at_again_and_costs_nothing() {
        let refusal = Refusal::NOWHERE;
        let mut door = Door::new(settings(1, 1), Tally::default(), 0);
        let expected = orders([Order::LookAgain, Order::Tell(News::Unfit(refusal))]);
        assert_eq!(door.seen(0, &Glimpse::Unfit(refusal)), expected);
        assert_eq!(*door.tally(), Tally::default());
    }
}
