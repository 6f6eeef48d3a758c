//! Several decisions on one face: a person is let in when enough of them agree.

use heapless::Vec;

use super::PersonId;

/// Most decisions of a vote.
pub const MOST_DECISIONS: u8 = 8;

/// How many decisions must name the same person, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Votes {
    needed: u8,
    of: u8,
}

impl Votes {
    /// `needed` of `of` decisions; `None` unless 1 ≤ `needed` ≤ `of` ≤ [`MOST_DECISIONS`].
    pub const fn new_checked(needed: u8, of: u8) -> Option<Self> {
        if 1 <= needed && needed <= of && of <= MOST_DECISIONS { Some(Votes { needed, of }) } else { None }
    }
}

/// How a vote ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ballot {
    /// Enough decisions name this person.
    Elected(PersonId),
    /// Nobody can be named often enough any more.
    Nobody,
}

/// A vote that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    votes: Votes,
    named: Vec<Option<PersonId>, { MOST_DECISIONS as usize }>,
}

impl Vote {
    /// A vote without a decision.
    pub const fn new(votes: Votes) -> Self {
        Vote { votes, named: Vec::new() }
    }

    /// Adds a decision: the person that it accepted, if any. Returns how the vote ended, if it did.
    pub fn add(&mut self, person: Option<PersonId>) -> Option<Ballot> {
        // A vote that is over takes no more.
        let _ = self.named.push(person);
        let count = |person: PersonId| self.named.iter().filter(|&&named| named == Some(person)).count();
        if let Some(person) = person
            && count(person) >= usize::from(self.votes.needed)
        {
            return Some(Ballot::Elected(person));
        }
        let most = self.named.iter().flatten().map(|&person| count(person)).max().unwrap_or(0);
        let left = usize::from(self.votes.of).saturating_sub(self.named.len());
        (most + left < usize::from(self.votes.needed)).then_some(Ballot::Nobody)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(needed: u8, of: u8, decisions: &[Option<PersonId>]) -> (usize, Option<Ballot>) {
        let mut vote = Vote::new(Votes::new_checked(needed, of).unwrap());
        for (number, &decision) in decisions.iter().enumerate() {
            if let Some(ballot) = vote.add(decision) {
                return (number + 1, Some(ballot));
            }
        }
        (decisions.len(), None)
    }

    #[test]
    fn person_is_elected_as_soon_as_enough_decisions_agree() {
        assert_eq!(outcome(1, 1, &[Some(7)]), (1, Some(Ballot::Elected(7))));
        assert_eq!(outcome(2, 3, &[Some(7), Some(7), None]), (2, Some(Ballot::Elected(7))));
        assert_eq!(outcome(2, 3, &[Some(7), None, Some(7)]), (3, Some(Ballot::Elected(7))));
        assert_eq!(outcome(2, 3, &[None, Some(7)]), (2, None));
    }

    #[test]
    fn two_people_do_not_add_up() {
        assert_eq!(outcome(2, 3, &[Some(7), Some(8), Some(9)]), (3, Some(Ballot::Nobody)));
        assert_eq!(outcome(3, 4, &[Some(7), Some(8), None]), (3, Some(Ballot::Nobody)));
    }

    #[test]
    fn vote_ends_when_nobody_can_win() {
        assert_eq!(outcome(2, 3, &[None, None, Some(7)]), (2, Some(Ballot::Nobody)));
        assert_eq!(outcome(1, 1, &[None]), (1, Some(Ballot::Nobody)));
        assert_eq!(outcome(8, 8, &[None]), (1, Some(Ballot::Nobody)));
    }

    #[test]
    fn impossible_votes_are_refused() {
        for (needed, of) in [(0, 1), (2, 1), (0, 0), (1, 9)] {
            assert_eq!(Votes::new_checked(needed, of), None);
        }
    }
}
