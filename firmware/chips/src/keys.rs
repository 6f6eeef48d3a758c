//! The device's keys at its start.

use embedded_storage::nor_flash::NorFlash;
use store::keys::{Secrets, open};

use crate::random::{Generator, RandomError, draw};
use crate::trouble::Troubles;

/// The keys in a flash of their own. At the first start they are drawn, and `blank` erases the store, as nothing can open any more
/// what was sealed before.
///
/// If there are no keys that the device could keep, `troubles` says why, and these are others at each start: a store must not be
/// opened with them.
///
/// # Errors
/// When not even such can be drawn.
pub fn start<F: NorFlash, G: Generator>(
    flash: &mut F,
    generator: &mut G,
    blank: impl FnOnce() -> bool,
    troubles: &mut Troubles,
) -> Result<Secrets, RandomError> {
    let kept = open(flash, || {
        let keys = two(generator).ok()?;
        blank().then_some(keys)
    });
    match kept {
        Ok(keys) => Ok(keys),
        Err(error) => {
            troubles.keys = Some(error);
            two(generator)
        }
    }
}

fn two<G: Generator>(generator: &mut G) -> Result<Secrets, RandomError> {
    Ok([draw(generator)?, draw(generator)?])
}

impl Troubles {
    /// Whether the device has keys that it kept.
    pub const fn has_keys(&self) -> bool {
        self.keys.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use store::keys::KeysError;
    use store::sim::{Flash, Tear};

    use super::*;

    /// Gives 1, 2, 3 and so on, or nothing.
    struct Count(u32, bool);

    impl Generator for Count {
        fn word(&mut self) -> Result<u32, RandomError> {
            self.0 += 1;
            if self.1 { Ok(self.0) } else { Err(RandomError::Clock) }
        }

        fn restart(&mut self) {}
    }

    #[test]
    fn keys_are_made_once_and_the_store_is_erased_then() {
        let mut bytes = vec![0xff; 4096];
        let mut flash = Flash::<32, 4096>::new(&mut bytes, &mut [], &mut [], Tear::Whole, 1);
        let (mut erased, mut troubles) = (0, Troubles::default());
        let mut run = |generator: &mut Count| {
            let blank = || {
                erased += 1;
                true
            };
            start(&mut flash, generator, blank, &mut troubles)
        };
        let first = run(&mut Count(0, true)).unwrap();
        assert_eq!(run(&mut Count(500, false)), Ok(first));
        assert_eq!((erased, troubles), (1, Troubles::default()));
        assert!(troubles.has_keys());
    }

    #[test]
    fn lost_keys_leave_the_store_alone() {
        let mut bytes = vec![0; 4096];
        let mut flash = Flash::<32, 4096>::new(&mut bytes, &mut [], &mut [], Tear::Whole, 1);
        let mut troubles = Troubles::default();
        let mut run = |from| {
            start(&mut flash, &mut Count(from, true), || unreachable!("the store is erased"), &mut troubles)
        };
        assert_ne!(run(0).unwrap(), run(100).unwrap());
        assert!(troubles.keys == Some(KeysError::Lost) && !troubles.has_keys());
    }

    #[test]
    fn store_that_cannot_be_erased_and_random_numbers_that_fail_make_no_keys() {
        let mut bytes = vec![0xff; 4096];
        let mut flash = Flash::<32, 4096>::new(&mut bytes, &mut [], &mut [], Tear::Whole, 1);
        let mut troubles = Troubles::default();
        assert!(start(&mut flash, &mut Count(0, true), || false, &mut troubles).is_ok());
        assert_eq!(troubles.keys.take(), Some(KeysError::Unmade));
        let failed = start(&mut flash, &mut Count(0, false), || true, &mut troubles);
        assert_eq!((failed, troubles.keys), (Err(RandomError::Clock), Some(KeysError::Unmade)));
        assert!(bytes.iter().all(|&byte| byte == 0xff));
    }
}
