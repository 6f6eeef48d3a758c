//! A button without the bouncing of its contacts.

use app::output::Active;
use embassy_time::{Duration, Instant};
use embedded_hal::digital::InputPin;

/// Contacts that do not change for this long have stopped bouncing.
const BOUNCE: Duration = Duration::from_millis(20);

/// A button on a pin.
pub struct Button<P> {
    pin: P,
    /// The pin's level while the button is held down.
    held: Active,
    is_held: bool,
    /// Since when the pin says otherwise.
    other_since: Option<Instant>,
}

impl<P: InputPin> Button<P> {
    /// The button, let go. `held` is the pin's level while it is held down.
    pub const fn new(pin: P, held: Active) -> Self {
        Button { pin, held, is_held: false, other_since: None }
    }

    /// Whether it is held down. A pin that cannot be read counts as unchanged.
    pub fn is_held(&mut self) -> bool {
        let is_high = self.pin.is_high().unwrap_or(self.is_held == (self.held == Active::High));
        if (is_high == (self.held == Active::High)) == self.is_held {
            self.other_since = None;
            return self.is_held;
        }
        let now = Instant::now();
        let since = *self.other_since.get_or_insert(now);
        if now.duration_since(since) >= BOUNCE {
            self.is_held = !self.is_held;
            self.other_since = None;
        }
        self.is_held
    }
}

#[cfg(test)]
mod tests {
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    use super::*;
    use crate::clock::pass;

    #[test]
    fn bouncing_contacts_are_one_press() {
        for (held, is_down, is_up) in
            [(Active::High, State::High, State::Low), (Active::Low, State::Low, State::High)]
        {
            let levels = [is_up, is_down, is_up, is_down, is_down, is_up, is_down];
            let mut pin = Mock::new(&levels.map(Transaction::get));
            let mut button = Button::new(pin.clone(), held);
            let mut look = |after: Duration| {
                pass(after);
                button.is_held()
            };
            assert!(!look(Duration::MIN) && !look(BOUNCE) && !look(BOUNCE) && !look(BOUNCE));
            assert!(look(BOUNCE), "down for {BOUNCE:?}");
            assert!(look(BOUNCE) && look(Duration::MIN), "one bounce while it is held");
            pin.done();
        }
    }

    #[test]
    fn pin_that_cannot_be_read_changes_nothing() {
        let error = MockError::Io(std::io::ErrorKind::Other);
        let look = || Transaction::get(State::Low);
        let mut pin =
            Mock::new(&[look(), look(), look().with_error(error.clone()), look().with_error(error)]);
        let mut button = Button::new(pin.clone(), Active::Low);
        button.is_held();
        pass(BOUNCE);
        for _ in 0..3 {
            assert!(button.is_held());
            pass(BOUNCE);
        }
        pin.done();
    }
}
