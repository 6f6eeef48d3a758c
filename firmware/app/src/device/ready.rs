//! What a device needs before it exists: its store is opened, its image started, and a store made where there was none.

use embedded_storage::nor_flash::NorFlash;
use link::message::{Text, append};
use store::{Layout, OpenError, Store};

use super::Platform;
use crate::Recogniser;
use crate::update::{self, Started, Trouble};

/// The keys with which a device starts.
#[derive(Clone, Copy)]
pub struct StartKeys<'k> {
    /// The store's key.
    pub store: &'k [u8; 32],
    /// The maker's public key, if the board has one.
    pub maker: Option<&'k [u8; 32]>,
}

/// Opens the store in `flash`, and starts an image of one of the slots. Where the flash is blank and an image runs, the store is
/// made. Returns the image, and why image or store are not ready: nothing if they are. `store` is filled in place, because it is
/// large.
///
/// `flash` opens the flash of the store, and says where in it the store lies. Only one is in use at a time.
pub fn ready<'a, P: Platform, F: NorFlash>(
    platform: &mut P,
    flash: impl Fn() -> (F, Layout),
    slot: impl Fn(bool) -> &'a [u8],
    keys: StartKeys<'_>,
    arena: &mut [u8],
    store: &mut Option<Store<F>>,
) -> (Started<'a, F::Error>, Text) {
    let opened = open(&flash, keys.store, store);
    let mut started = start(platform, slot, keys.maker, arena, store.as_mut());
    let ready = match (opened, &started.recogniser) {
        (Err(OpenError::Unformatted), Some(recogniser)) => {
            format(&flash, recogniser, keys.store, platform.random(), store)
        }
        (opened, _) => opened,
    };
    // A store whose counters fail still says who the administrators are.
    if let (None, Some(Err(error))) = (&started.trouble, store.as_mut().map(Store::count_start)) {
        started.trouble = Some(Trouble::Store(error));
    }
    let mut trouble = Text::new();
    if let Some(why) = &started.trouble {
        append(&mut trouble, why);
    }
    if let Err(error) = ready {
        append(&mut trouble, &error);
    }
    (started, trouble)
}

/// Starts an image.
// Not inlined, so that its stack is free again when it returns.
#[inline(never)]
fn start<'a, P: Platform, F: NorFlash>(
    platform: &mut P,
    slot: impl Fn(bool) -> &'a [u8],
    key: Option<&[u8; 32]>,
    arena: &mut [u8],
    store: Option<&mut Store<F>>,
) -> Started<'a, F::Error> {
    update::start(slot, key, store, arena, &mut || platform.feed())
}

/// Opens the store.
#[inline(never)]
fn open<F: NorFlash>(
    flash: &impl Fn() -> (F, Layout),
    key: &[u8; 32],
    store: &mut Option<Store<F>>,
) -> Result<(), OpenError<F::Error>> {
    let (flash, layout) = flash();
    *store = Some(Store::open_any(flash, layout, key)?);
    Ok(())
}

/// Makes a store for the people of an image.
#[inline(never)]
fn format<F: NorFlash>(
    flash: &impl Fn() -> (F, Layout),
    recogniser: &Recogniser<'_>,
    key: &[u8; 32],
    random: [u8; 32],
    store: &mut Option<Store<F>>,
) -> Result<(), OpenError<F::Error>> {
    let image = recogniser.image();
    let (flash, layout) = flash();
    let [a, b, c, d, e, f, g, h, ..] = random;
    let random = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    let (network, dimension) = (image.model_id, image.dimension() as u16);
    *store = Some(Store::format(flash, layout, key, network, dimension, random)?);
    Ok(())
}
