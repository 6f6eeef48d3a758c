//! The steps that make the store safe. Tests leave one out and see that it is missed.

/// A safety step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The old half is erased before a commit returns.
    FinalErase,
    /// The header is written after the pieces. Only a test has another way.
    #[cfg(test)]
    HeaderLast,
    /// Tags of headers and counter records are compared.
    Tag,
    /// What was written is read back.
    ReadBack,
    /// The epoch is in the counter log before anything is sealed under it.
    Reserve,
    /// Leftovers of a cut are erased when the store is opened.
    Scrub,
}

/// Whether the step is taken: always, outside of tests.
#[cfg(not(test))]
pub const fn is_taken(_: Step) -> bool {
    true
}

#[cfg(test)]
std::thread_local! {
    /// The step that this thread leaves out.
    pub static LEFT_OUT: core::cell::Cell<Option<Step>> = const { core::cell::Cell::new(None) };
}

/// Whether the step is taken: if this thread's test does not leave it out.
#[cfg(test)]
pub fn is_taken(step: Step) -> bool {
    LEFT_OUT.get() != Some(step)
}

#[cfg(test)]
std::thread_local! {
    /// What this thread has sealed since it was cleared: a digest of the text by nonce; and whether a nonce came twice
    /// for different texts.
    pub static SEALED: core::cell::RefCell<(std::collections::HashMap<[u8; 12], u64>, bool)> = Default::default();
}

/// Notes what is sealed under a nonce.
#[cfg(test)]
pub fn note_sealed(nonce: [u8; 12], associated: &[u8], text: &[u8]) {
    use core::hash::{Hash, Hasher};
    let mut hasher = std::hash::DefaultHasher::new();
    (associated, text).hash(&mut hasher);
    let digest = hasher.finish();
    SEALED
        .with_borrow_mut(|(sealed, is_twice)| *is_twice |= *sealed.entry(nonce).or_insert(digest) != digest);
}
