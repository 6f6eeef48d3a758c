//! Counts frames, and says how many when a fuzzer ends, beside libFuzzer's own figures.

use std::cell::Cell;

/// Frames of one kind.
pub struct Count {
    kind: &'static str,
    frames: Cell<u64>,
}

thread_local! {
    /// Frames of the link, whole and damaged.
    pub static LINK: Count = const { Count::new("link") };
    /// Frames of controllers, whole and damaged.
    pub static FM22X: Count = const { Count::new("fm22x") };
    /// Messages that one side of a session received, sealed and others.
    pub static SESSION: Count = const { Count::new("session") };
}

impl Count {
    const fn new(kind: &'static str) -> Self {
        Count { kind, frames: Cell::new(0) }
    }

    /// One more.
    pub fn add(&self) {
        self.frames.set(self.frames.get() + 1);
    }
}

impl Drop for Count {
    /// The main thread's values are dropped when libFuzzer calls `exit`.
    fn drop(&mut self) {
        eprintln!("stat::frames_{}: {}", self.kind, self.frames.get());
    }
}
