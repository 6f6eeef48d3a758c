//! A start: the image that runs is chosen, checked, tested, and noted in the store.
//!
//! 1. [`Boot::Examine`]: the image in that slot is verified ([`super::verify()`]).
//! 2. [`Boot::Kept`], [`Boot::Trial`], [`Boot::Reverted`]: the slot is written to the store. Only then the image computes its
//!    golden embedding ([`crate::selftest`]).
//! 3. If that fails the slot is [`Condition::Bad`], and the choice is made again.
//! 4. If it passes, the store notes what [`passed`] says. If the image is a new one with another embedder, the store forgets
//!    the people of the old one: a cut meanwhile is made good at the next start.
//! 5. [`Boot::Service`]: nothing runs but the link.

use core::fmt;

use embedded_storage::nor_flash::NorFlash;
use link::message::UpdateStage;
use store::{Slot, Store};

use super::boot::{ADOPTING, Boot, Condition, choose, passed};
use super::verify::{Demands, VerifyError, verify};
use crate::Recogniser;
use crate::selftest::{self, SelfTestError};

/// Why a device is not ready after its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble<E> {
    /// The image in the slot that the store names may not run, and neither may the other.
    Image(VerifyError),
    /// It fails its test, and the other may not run.
    SelfTest(SelfTestError),
    /// The image that runs has another embedder than the one with which this many people were enrolled.
    OtherNetwork(u16),
    /// The store's flash fails.
    Store(store::Error<E>),
}

impl<E: fmt::Debug> fmt::Display for Trouble<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => error.fmt(f),
            Self::SelfTest(error) => error.fmt(f),
            Self::OtherNetwork(people) => write!(
                f,
                "{people} people were enrolled with another network than the image's: update to an image with that \
                 network, or delete all people"
            ),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// A start that has ended.
#[derive(Debug)]
pub struct Started<'a, E> {
    /// The image that runs, unless none does.
    pub recogniser: Option<Recogniser<'a>>,
    /// Whether it is in the second slot.
    pub is_second: bool,
    /// The outcome of the update before.
    pub past: UpdateStage,
    /// Why the device is not ready.
    pub trouble: Option<Trouble<E>>,
}

/// People in a store, without administrators.
pub fn people_of<F: NorFlash>(store: &Store<F>) -> u16 {
    store.people().iter().filter(|entry| entry.centres > 0).count() as u16
}

/// Whether the store's people were enrolled with the image's embedder.
pub fn is_of_same_network<F: NorFlash>(store: &Store<F>, recogniser: &Recogniser<'_>) -> bool {
    let image = recogniser.image();
    store.network() == image.model_id && usize::from(store.dimension()) == image.dimension()
}

/// Starts an image. `slot` gives the memory of the first and of the second slot. Without a store, the first image that may
/// run does, and nothing is noted. `key` is the maker's: without one, images need no signature. `breathe` is called after
/// every step of the self-test.
pub fn start<'a, F: NorFlash>(
    slot: impl Fn(bool) -> &'a [u8],
    key: Option<&[u8; 32]>,
    mut store: Option<&mut Store<F>>,
    arena: &mut [u8],
    breathe: &mut dyn FnMut(),
) -> Started<'a, F::Error> {
    let mut conditions = [Condition::Unknown; 2];
    // Why the active slot's image does not run.
    let mut reason = None;
    let mut examined = None;
    let counters = |store: &Option<&mut Store<F>>| match store {
        Some(store) => (store.counters().slot, store.counters().floor),
        None => (Slot::default(), 0),
    };
    let (active, _) = counters(&store);
    let not_ready = |trouble| Started {
        recogniser: None,
        is_second: active.is_second,
        past: UpdateStage::None,
        trouble: Some(trouble),
    };
    let mut in_store = active;
    loop {
        let (_, floor) = counters(&store);
        let boot = choose(in_store, conditions);
        let is_second = match boot {
            Boot::Examine { is_second } => {
                breathe();
                let demands = Demands { key, floor, enrolled: None };
                let condition = match verify(slot(is_second), &demands, arena) {
                    Ok((verified, recogniser)) => {
                        examined = Some(recogniser);
                        Condition::Good { version: verified.version }
                    }
                    Err(error) => {
                        reason = reason.or(Some(Trouble::Image(error)));
                        Condition::Bad
                    }
                };
                set(&mut conditions, is_second, condition);
                continue;
            }
            Boot::Kept { is_second } => is_second,
            Boot::Trial(next) | Boot::Reverted(next) => {
                in_store = next;
                if let Some(store) = &mut store
                    && let Err(error) = store.set_slot(next)
                {
                    return not_ready(Trouble::Store(error));
                }
                next.is_second
            }
            Boot::Service => return not_ready(reason.unwrap_or(Trouble::Image(VerifyError::NoGolden))),
        };
        let tested = match &examined {
            Some(recogniser) => test(recogniser, arena, breathe),
            None => Err(Trouble::Image(VerifyError::NoGolden)),
        };
        if let Err(why) = tested {
            reason = reason.or(Some(why));
            examined = None;
            set(&mut conditions, is_second, Condition::Bad);
            continue;
        }
        let (Some(passed), Some(recogniser)) = (passed(boot, conditions), examined.take()) else {
            return not_ready(reason.unwrap_or(Trouble::Image(VerifyError::NoGolden)));
        };
        let noted = store.map_or(Ok(()), |store| {
            let is_new = matches!(boot, Boot::Trial(_)) || in_store.trial == ADOPTING;
            if !is_of_same_network(store, &recogniser) {
                if !is_new {
                    return Err(Trouble::OtherNetwork(people_of(store)));
                }
                adopt(store, is_second, &recogniser).map_err(Trouble::Store)?;
            }
            store.set_slot(passed.slot).map_err(Trouble::Store)?;
            // Without a key versions are not signed, and mean nothing.
            key.map_or(Ok(()), |_| store.raise_floor(passed.floor)).map_err(Trouble::Store)
        });
        let trouble = noted.err();
        return Started { recogniser: Some(recogniser), is_second, past: passed.stage, trouble };
    }
}

fn set(conditions: &mut [Condition; 2], is_second: bool, condition: Condition) {
    let [first, second] = conditions;
    *if is_second { second } else { first } = condition;
}

/// Compares the golden embedding.
fn test<E>(
    recogniser: &Recogniser<'_>,
    arena: &mut [u8],
    breathe: &mut dyn FnMut(),
) -> Result<(), Trouble<E>> {
    let golden = recogniser.image().golden.ok_or(Trouble::Image(VerifyError::NoGolden))?;
    selftest::run(recogniser.embedder(), &golden, arena, breathe).map_err(Trouble::SelfTest)
}

/// Has the store hold people of this image's embedder.
fn adopt<F: NorFlash>(
    store: &mut Store<F>,
    is_second: bool,
    recogniser: &Recogniser<'_>,
) -> Result<(), store::Error<F::Error>> {
    store.set_slot(Slot { is_second, trial: ADOPTING })?;
    let image = recogniser.image();
    store.adopt(image.model_id, image.dimension() as u16)
}
