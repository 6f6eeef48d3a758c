//! Counts the cases that ran, and reports a case that failed.

use core::fmt;

use crate::SHARED;
use crate::sets::KERNELS;

/// Why a battery failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A kernel and the naive loop differ.
    Differs {
        /// The kernel.
        kernel: &'static str,
        /// Number of the case.
        case: u32,
        /// First element that differs.
        element: usize,
    },
    /// A kernel refused lengths that agree.
    Refused {
        /// The kernel.
        kernel: &'static str,
        /// Number of the case.
        case: u32,
    },
    /// No case of a kernel ran.
    NeverRan {
        /// The kernel.
        kernel: &'static str,
    },
}

/// Number of kernels.
const COUNT: usize = KERNELS.len() + SHARED.len();

/// Their names.
fn names() -> impl Iterator<Item = &'static str> {
    KERNELS.iter().copied().chain(SHARED)
}

/// Number of cases that ran, for each kernel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Counts([u32; COUNT]);

impl Counts {
    /// No case has run.
    pub(crate) const fn new() -> Self {
        Counts([0; COUNT])
    }

    /// Counts a case. `differs` is the first element that differs, if any.
    ///
    /// # Errors
    /// If an element differs.
    ///
    /// # Panics
    /// When the kernel is not listed.
    pub(crate) fn add(
        &mut self,
        kernel: &'static str,
        case: u32,
        differs: Option<usize>,
    ) -> Result<(), Failure> {
        if let Some(element) = differs {
            return Err(Failure::Differs { kernel, case, element });
        }
        let number = names().position(|listed| listed == kernel).expect("every kernel is listed");
        self.0[number] += 1;
        Ok(())
    }

    /// The counts, if each kernel had a case.
    ///
    /// # Errors
    /// The first kernel that had none.
    pub(crate) fn of_all(self) -> Result<Counts, Failure> {
        match self.iter().find(|&(_, count)| count == 0) {
            Some((kernel, _)) => Err(Failure::NeverRan { kernel }),
            None => Ok(self),
        }
    }

    /// Each kernel's name and cases.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> + '_ {
        names().zip(self.0)
    }

    /// Cases of all kernels together.
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }
}

/// As a map from names to numbers.
impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_without_a_case_is_a_failure() {
        let mut counts = Counts::new();
        for kernel in names().skip(1) {
            counts.add(kernel, 0, None).unwrap();
        }
        assert_eq!(counts.of_all(), Err(Failure::NeverRan { kernel: KERNELS[0] }));
        counts.add(KERNELS[0], 1, None).unwrap();
        assert_eq!(counts.of_all().map(|counts| counts.total()), Ok(COUNT as u32));
    }

    #[test]
    fn a_case_that_differs_is_not_counted() {
        let mut counts = Counts::new();
        let failure = Failure::Differs { kernel: KERNELS[0], case: 3, element: 7 };
        assert_eq!(counts.add(KERNELS[0], 3, Some(7)), Err(failure));
        assert_eq!(counts.total(), 0);
    }
}
