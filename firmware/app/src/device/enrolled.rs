//! Everybody who is enrolled: the people of the image and those of the store, whose records are opened one centre at a
//! time.

use embedded_storage::nor_flash::NorFlash;
use heapless::String;
use matcher::dot::centre_norm;
use matcher::{Centres, MAX_DIMENSION, Runs};
use store::{Error, Head, MAX_NAME, Store};
use zeroize::Zeroize;

use crate::Recogniser;
use crate::door::PersonId;

/// Ids of the image's people are their numbers from here on. Ids of a store stay below.
pub const FIRST_OF_IMAGE: PersonId = 1 << 31;

/// The image's people and the store's. Their numbers are those of the image, then the store's indices.
pub struct Enrolled<'e, 'a, F> {
    /// The image.
    pub recogniser: &'e Recogniser<'a>,
    /// The store.
    pub store: &'e mut Store<F>,
}

impl<F: NorFlash> Enrolled<'_, '_, F> {
    /// People of the image.
    fn of_image(&self) -> usize {
        self.recogniser.image().gallery.people_count()
    }

    /// Number of people.
    pub fn count(&self) -> usize {
        self.of_image() + self.store.people().iter().filter(|entry| entry.centres > 0).count()
    }

    /// Id of the person with this number.
    pub fn id(&self, number: u16) -> Option<PersonId> {
        match usize::from(number).checked_sub(self.of_image()) {
            None => Some(FIRST_OF_IMAGE + PersonId::from(number)),
            Some(index) => self.store.people().get(index).map(|entry| entry.id),
        }
    }

    /// Name of the person with this number; empty if there is none, or it cannot be opened.
    pub fn name(&mut self, number: u16) -> String<MAX_NAME> {
        let name = match usize::from(number).checked_sub(self.of_image()) {
            None => self.recogniser.image().gallery.person(number).map(|person| person.name.try_into()),
            Some(index) => {
                let mut head = Head::new();
                self.store.open_head(index, &mut head).ok().map(|()| head.name().try_into())
            }
        };
        name.and_then(Result::ok).unwrap_or_default()
    }
}

impl<F: NorFlash> Runs for Enrolled<'_, '_, F> {
    type Error = Error<F::Error>;

    fn dimension(&self) -> usize {
        self.recogniser.image().dimension()
    }

    fn each(&mut self, show: &mut dyn FnMut(&Centres<'_>)) -> Result<(), Self::Error> {
        let of_image = self.of_image();
        show(self.recogniser.matcher().gallery());
        let dimension = self.dimension();
        let mut vector = [0i8; MAX_DIMENSION];
        let vector = vector.get_mut(..dimension).ok_or(Error::Centres)?;
        for index in 0..self.store.people().len() {
            let centres = self.store.people().get(index).map_or(0, |entry| entry.centres);
            // There are fewer people than numbers.
            let owner = (of_image + index) as u16;
            for part in 0..centres {
                let shown = self.store.open_centre(index, part, vector).and_then(|()| {
                    let norm = centre_norm(vector);
                    let (norms, owners) = ([norm], [owner]);
                    let centre = Centres::new_checked(dimension, vector, &norms, &owners);
                    centre.map(|centre| show(&centre)).map_err(|_| Error::Damaged)
                });
                if shown.is_err() {
                    vector.zeroize();
                    return shown;
                }
            }
        }
        vector.zeroize();
        Ok(())
    }
}
