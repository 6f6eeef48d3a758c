//! A checked view of unit centres quantised to int8.

use core::fmt;
use core::num::NonZeroUsize;

use format::gallery::{self, Gallery};

use crate::dot::{MAX_DIMENSION, centre_norm};

/// Most centres of a view, because centres are numbered by `u16`.
pub const MAX_CENTRES: usize = 1 << 16;

/// Why centres are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CentresError {
    /// The dimension is not in 1..=[`MAX_DIMENSION`].
    Dimension(usize),
    /// There are more than [`MAX_CENTRES`] centres, or the lengths of the arrays do not agree.
    Lengths {
        /// Norms given.
        norms: usize,
        /// Owners given; must equal the norms.
        owners: usize,
        /// Elements given; must be the number of centres times the dimension.
        elements: usize,
    },
    /// A centre holds −128. The quantiser never writes it, and sums could overflow with it.
    Element {
        /// Its number.
        centre: usize,
    },
    /// The norm of a centre is zero or wrong.
    Norm {
        /// Its number.
        centre: usize,
    },
    /// The owner of a centre has a lower number than the one before.
    Owner {
        /// Its number.
        centre: usize,
    },
}

impl fmt::Display for CentresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Dimension(given) => write!(f, "dimension {given} is not in 1..={MAX_DIMENSION}"),
            Self::Lengths { norms, owners, elements } => {
                write!(
                    f,
                    "{norms} norms, {owners} owners and {elements} elements do not describe the same centres"
                )
            }
            Self::Element { centre } => write!(f, "centre {centre} holds -128"),
            Self::Norm { centre } => {
                write!(f, "the norm of centre {centre} is zero or does not match its vector")
            }
            Self::Owner { centre } => write!(f, "the owner of centre {centre} is out of order"),
        }
    }
}

impl core::error::Error for CentresError {}

/// Centres of enrolled people, or of strangers.
#[derive(Clone, Copy, Debug)]
pub struct Centres<'a> {
    dimension: NonZeroUsize,
    vectors: &'a [i8],
    norms: &'a [u32],
    owners: &'a [u16],
    least_norm: u32,
}

/// One centre of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Centre<'a> {
    /// Direction, of any length but zero.
    pub vector: &'a [i8],
    /// Squared norm of `vector`.
    pub norm: u32,
    /// Number of the person.
    pub owner: u16,
}

impl<'a> Centres<'a> {
    /// Checks and joins three arrays that do not come from an image: `vectors` `[centre][dimension]`, elements in
    /// −127..=127; `norms` `[centre]`, the squared norm of each; `owners` `[centre]`, the number of each centre's
    /// person, never descending. The arrays may be empty.
    ///
    /// # Errors
    /// [`CentresError`], naming the first centre that is wrong.
    pub fn new_checked(
        dimension: usize,
        vectors: &'a [i8],
        norms: &'a [u32],
        owners: &'a [u16],
    ) -> Result<Self, CentresError> {
        let centres = Centres::of_lengths(dimension, vectors, norms, owners)?;
        let mut least_owner = 0;
        for (number, centre) in centres.iter().enumerate() {
            if centre.vector.contains(&i8::MIN) {
                return Err(CentresError::Element { centre: number });
            }
            if centre.norm == 0 || centre.norm != centre_norm(centre.vector) {
                return Err(CentresError::Norm { centre: number });
            }
            if centre.owner < least_owner {
                return Err(CentresError::Owner { centre: number });
            }
            least_owner = centre.owner;
        }
        Ok(centres)
    }

    /// The centres of an image's gallery or cohort. They were checked with the image: only lengths are checked again.
    ///
    /// # Errors
    /// [`CentresError::Dimension`], [`CentresError::Lengths`].
    pub fn of_gallery(gallery: &Gallery<'a>) -> Result<Self, CentresError> {
        // The image's check of a gallery covers all that `new_checked` checks.
        const {
            assert!(format::network::MAX_DIMENSION <= MAX_DIMENSION);
            assert!(gallery::MAX_CENTRES <= MAX_CENTRES);
        }
        Centres::of_lengths(gallery.dimension(), gallery.vectors, gallery.norms, gallery.owners)
    }

    /// The view, if dimension and lengths are right.
    fn of_lengths(
        dimension: usize,
        vectors: &'a [i8],
        norms: &'a [u32],
        owners: &'a [u16],
    ) -> Result<Self, CentresError> {
        let dimension = NonZeroUsize::new(dimension)
            .filter(|dimension| dimension.get() <= MAX_DIMENSION)
            .ok_or(CentresError::Dimension(dimension))?;
        let count = norms.len();
        if count > MAX_CENTRES || owners.len() != count || vectors.len() != count * dimension.get() {
            let lengths =
                CentresError::Lengths { norms: count, owners: owners.len(), elements: vectors.len() };
            return Err(lengths);
        }
        let least_norm = norms.iter().copied().min().unwrap_or(1);
        Ok(Centres { dimension, vectors, norms, owners, least_norm })
    }

    /// Elements of a centre.
    pub fn dimension(&self) -> usize {
        self.dimension.get()
    }

    /// Number of centres.
    pub fn len(&self) -> usize {
        self.norms.len()
    }

    /// Vectors of the centres, `[centre][dimension]`.
    pub(crate) fn vectors(&self) -> &'a [i8] {
        self.vectors
    }

    /// Centre number `number`, and the vectors of the centres after it. `None` if there is no such centre.
    pub(crate) fn split_at(&self, number: usize) -> Option<(Centre<'a>, &'a [i8])> {
        let from = self.vectors.get(number * self.dimension.get()..)?;
        let (vector, after) = from.split_at_checked(self.dimension.get())?;
        let (&norm, &owner) = (self.norms.get(number)?, self.owners.get(number)?);
        Some((Centre { vector, norm, owner }, after))
    }

    /// The least squared norm of all centres; 1 if there is none.
    pub(crate) fn least_norm(&self) -> u32 {
        self.least_norm
    }

    /// Whether there is no centre.
    pub fn is_empty(&self) -> bool {
        self.norms.is_empty()
    }

    /// Centre number `number`, if there is one.
    pub fn get(&self, number: u16) -> Option<Centre<'a>> {
        self.split_at(number.into()).map(|(centre, _)| centre)
    }

    /// The centres in order.
    pub fn iter(&self) -> impl Iterator<Item = Centre<'a>> + use<'a> {
        let attributes = self.norms.iter().zip(self.owners);
        let vectors = self.vectors.chunks_exact(self.dimension.get());
        vectors.zip(attributes).map(|(vector, (&norm, &owner))| Centre { vector, norm, owner })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_arrays_are_read_as_given() {
        let centres = Centres::new_checked(2, &[3, 4, -127, 0], &[25, 16129], &[1, 7]).unwrap();
        assert_eq!((centres.dimension(), centres.len(), centres.is_empty()), (2, 2, false));
        let mut read = centres.iter();
        assert_eq!(read.next(), Some(Centre { vector: &[3, 4], norm: 25, owner: 1 }));
        assert_eq!(read.next(), Some(Centre { vector: &[-127, 0], norm: 16129, owner: 7 }));
        assert_eq!(read.next(), None);
        assert_eq!((centres.get(0), centres.get(1)), (centres.iter().next(), centres.iter().nth(1)));
        assert_eq!((centres.get(2), centres.get(u16::MAX)), (None, None));
    }

    #[test]
    fn no_centres_are_a_view_too() {
        assert!(Centres::new_checked(512, &[], &[], &[]).unwrap().is_empty());
    }

    #[test]
    fn each_fault_is_named() {
        let check = |dimension, vectors: &[i8], norms: &[u32], owners: &[u16]| {
            Centres::new_checked(dimension, vectors, norms, owners).map(|_| ()).unwrap_err()
        };
        assert_eq!(check(0, &[], &[], &[]), CentresError::Dimension(0));
        assert_eq!(check(513, &[], &[], &[]), CentresError::Dimension(513));
        let lengths = |norms, owners, elements| CentresError::Lengths { norms, owners, elements };
        assert_eq!(check(2, &[3, 4, 5], &[25], &[0]), lengths(1, 1, 3));
        assert_eq!(check(2, &[3, 4], &[25, 25], &[0]), lengths(2, 1, 2));
        assert_eq!(check(2, &[3, 4], &[25], &[0, 0]), lengths(1, 2, 2));
        assert_eq!(check(2, &[3, 4, -128, 0], &[25, 16384], &[0, 1]), CentresError::Element { centre: 1 });
        assert_eq!(check(2, &[3, 4, 3, 4], &[25, 24], &[0, 1]), CentresError::Norm { centre: 1 });
        assert_eq!(check(2, &[0, 0], &[0], &[0]), CentresError::Norm { centre: 0 });
        assert_eq!(check(1, &[1, 1, 1], &[1, 1, 1], &[0, 2, 1]), CentresError::Owner { centre: 2 });
    }

    #[test]
    fn more_centres_than_numbers_are_refused() {
        let count = MAX_CENTRES + 1;
        let (vectors, norms, owners) = (std::vec![1; count], std::vec![1; count], std::vec![0; count]);
        let refused = Centres::new_checked(1, &vectors, &norms, &owners).unwrap_err();
        assert_eq!(refused, CentresError::Lengths { norms: count, owners: count, elements: count });
        assert!(Centres::new_checked(1, &vectors[1..], &norms[1..], &owners[1..]).is_ok());
    }
}
