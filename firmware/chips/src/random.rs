//! Random numbers from a generator that may fail.

use core::fmt;

use embassy_time::Duration;

use crate::wait::wait;

/// Words of a draw.
const WORDS: usize = 8;
/// A draw is begun so often.
const ATTEMPTS: usize = 5;

/// Why a generator gives no numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RandomError {
    /// It gives nothing in time.
    TimedOut,
    /// Its noise is not noise: its own test failed, or words repeat.
    Seed,
    /// Its clock is missing or too slow.
    Clock,
}

impl fmt::Display for RandomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RandomError::TimedOut => write!(f, "random numbers: none in time"),
            RandomError::Seed => write!(f, "random numbers: the noise fails its test"),
            RandomError::Clock => write!(f, "random numbers: no clock"),
        }
    }
}

/// A generator.
pub trait Generator {
    /// A word.
    ///
    /// # Errors
    /// [`RandomError`], in a limited time.
    fn word(&mut self) -> Result<u32, RandomError>;

    /// Starts it anew. What it gave before is forgotten.
    fn restart(&mut self);
}

/// The word of a generator within a time. `look` says what the generator has: nothing yet, a word, or why there is none.
///
/// # Errors
/// What `look` says, or [`RandomError::TimedOut`]. Zero is [`RandomError::Seed`]: generators of ST give it when they have nothing.
/// (RM0433, section 34.3.3.)
pub fn word_within(
    limit: Duration,
    mut look: impl FnMut() -> Option<Result<u32, RandomError>>,
) -> Result<u32, RandomError> {
    let mut found = None;
    let looked = wait(limit, || {
        found = look();
        found.is_some()
    });
    match (looked, found) {
        (Ok(()), Some(Ok(0))) => Err(RandomError::Seed),
        (Ok(()), Some(found)) => found,
        _ => Err(RandomError::TimedOut),
    }
}

/// 32 bytes that nobody can foresee. After an error the generator is started anew, and nothing of the draw before is used. A word
/// that is the one before it is an error as well: one in four milliards is so by chance.
///
/// # Errors
/// The last one, when no attempt ends well.
pub fn draw<G: Generator>(generator: &mut G) -> Result<[u8; 32], RandomError> {
    let mut error = RandomError::Seed;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            generator.restart();
        }
        match words(generator) {
            Ok(bytes) => return Ok(bytes),
            Err(why) => error = why,
        }
    }
    Err(error)
}

fn words<G: Generator>(generator: &mut G) -> Result<[u8; 32], RandomError> {
    let mut bytes = [0; 4 * WORDS];
    let mut last = generator.word()?;
    for place in bytes.as_chunks_mut::<4>().0 {
        let word = generator.word()?;
        if word == last {
            return Err(RandomError::Seed);
        }
        *place = word.to_le_bytes();
        last = word;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A generator with a script; behind it come 1, 2, 3 and so on.
    #[derive(Default)]
    struct Script {
        words: VecDeque<Result<u32, RandomError>>,
        restarts: usize,
        next: u32,
    }

    impl Generator for Script {
        fn word(&mut self) -> Result<u32, RandomError> {
            self.words.pop_front().unwrap_or_else(|| {
                self.next += 1;
                Ok(self.next)
            })
        }

        fn restart(&mut self) {
            self.restarts += 1;
        }
    }

    fn script(words: &[Result<u32, RandomError>]) -> Script {
        Script { words: words.iter().copied().collect(), ..Script::default() }
    }

    #[test]
    fn word_is_waited_for_and_zero_is_none() {
        let mut calls = 0;
        let late = word_within(Duration::from_millis(2), || {
            calls += 1;
            (calls == 3).then_some(Ok(7))
        });
        assert_eq!(late, Ok(7));
        let word = |found| word_within(Duration::from_millis(2), || found);
        assert_eq!(word(Some(Ok(0))), Err(RandomError::Seed));
        assert_eq!(word(Some(Err(RandomError::Clock))), Err(RandomError::Clock));
        assert_eq!(word(None), Err(RandomError::TimedOut));
    }

    fn numbers(first: u32) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, number) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(first..) {
            *place = number.to_le_bytes();
        }
        bytes
    }

    #[test]
    fn draw_is_eight_words_behind_a_first_one() {
        let mut sound = script(&[]);
        assert_eq!(draw(&mut sound), Ok(numbers(2)));
        assert_eq!((draw(&mut sound), sound.restarts), (Ok(numbers(11)), 0));
    }

    #[test]
    fn draw_with_an_error_is_begun_anew() {
        for why in [RandomError::TimedOut, RandomError::Seed, RandomError::Clock] {
            let mut once = script(&[Ok(7), Ok(8), Err(why)]);
            assert_eq!((draw(&mut once), once.restarts), (Ok(numbers(2)), 1));
            assert_eq!(draw(&mut script(&[Err(why); ATTEMPTS])), Err(why));
        }
    }

    #[test]
    fn words_that_repeat_are_not_random() {
        let mut once = script(&[Ok(7), Ok(7)]);
        assert_eq!((draw(&mut once), once.restarts), (Ok(numbers(2)), 1));
        assert_eq!(draw(&mut script(&[Ok(0); 2 * ATTEMPTS])), Err(RandomError::Seed));
    }
}
