//! What of a chip does not work although the device goes on.

use core::fmt;

use link::message::{Text, append};
use store::keys::KeysError;

use crate::nor::NorError;

/// Why a chip runs from its own oscillator instead of the crystal. Then its clock is some percent wrong at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCrystal;

impl fmt::Display for NoCrystal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "crystal: does not swing, the chip's own oscillator is used")
    }
}

/// What does not work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// The crystal.
    pub crystal: Option<NoCrystal>,
    /// The flash chip.
    pub flash: Option<NorError>,
    /// The device's keys.
    pub keys: Option<KeysError>,
}

impl Troubles {
    /// All is well.
    pub const NONE: Troubles = Troubles { crystal: None, flash: None, keys: None };

    /// Adds them to a text, with a semicolon between two. What does not fit is cut off.
    pub fn tell(&self, text: &mut Text) {
        let Troubles { crystal, flash, keys } = self;
        let all: [Option<&dyn fmt::Display>; 3] = [some(crystal), some(flash), some(keys)];
        for trouble in all.into_iter().flatten() {
            append(text, trouble);
        }
    }
}

fn some<T: fmt::Display>(trouble: &Option<T>) -> Option<&dyn fmt::Display> {
    trouble.as_ref().map(|trouble| trouble as _)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_says_all_troubles() {
        let mut text = Text::new();
        Troubles::default().tell(&mut text);
        assert!(text.is_empty());
        let troubles =
            Troubles { crystal: Some(NoCrystal), keys: Some(KeysError::Lost), ..Troubles::default() };
        troubles.tell(&mut text);
        let wanted = "crystal: does not swing, the chip's own oscillator is used; keys: none of their places can be read; the \
                      sector must be erased by hand";
        assert_eq!(text, wanted);
    }
}
