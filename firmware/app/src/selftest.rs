//! The self-test: the embedder gives the embedding of the image's GOLDEN section, bit for bit. It covers the processor's
//! kernels, the memory of the image and the arena.

use core::fmt;

use format::golden::Golden;
use format::network::MAX_DIMENSION;
use nn::{Network, RunError};

/// Why a self-test failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfTestError {
    /// The network does not run.
    Run,
    /// The embedding differs, first in this element.
    Differs {
        /// Number of the element.
        element: u16,
        /// As it should be.
        expected: i16,
        /// As the board made it.
        found: i16,
    },
}

impl fmt::Display for SelfTestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => write!(f, "self-test: the embedder does not run on the golden crop"),
            Self::Differs { element, expected, found } => write!(
                f,
                "self-test: element {element} of the golden embedding is {found} and should be {expected}: memory, \
                 processor or firmware are faulty, and nobody is recognised"
            ),
        }
    }
}

impl core::error::Error for SelfTestError {}

/// Runs the embedder on the golden crop. `breathe` is called after every row.
///
/// # Errors
/// [`SelfTestError`].
pub fn run(
    embedder: &Network<'_>,
    golden: &Golden<'_>,
    arena: &mut [u8],
    breathe: &mut dyn FnMut(),
) -> Result<(), SelfTestError> {
    let mut embedding = [0; MAX_DIMENSION];
    let embedding = embedding.get_mut(..golden.embedding.len()).ok_or(SelfTestError::Run)?;
    let mut crop = golden.crop;
    match embedder.embed_observed(&mut crop, arena, embedding, |_, _, _| breathe()) {
        Ok(()) => compare(golden.embedding, embedding),
        Err(RunError::Arena { .. } | RunError::Dimension { .. } | RunError::Source(_) | RunError::Broken) => {
            Err(SelfTestError::Run)
        }
    }
}

pub(crate) fn compare(expected: &[i16], found: &[i16]) -> Result<(), SelfTestError> {
    for (element, (&expected, &found)) in expected.iter().zip(found).enumerate() {
        if expected != found {
            return Err(SelfTestError::Differs { element: element as u16, expected, found });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_element_that_differs_is_named() {
        assert_eq!(compare(&[1, 2, 3], &[1, 2, 3]), Ok(()));
        let differs = SelfTestError::Differs { element: 1, expected: 2, found: -2 };
        assert_eq!(compare(&[1, 2, 3], &[1, -2, 4]), Err(differs));
    }
}
