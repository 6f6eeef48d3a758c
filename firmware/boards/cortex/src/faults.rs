//! Faults, and interrupts that nobody expects.

/// Makes both call a function of type `fn() -> !`. A fault calls it on an empty stack: the old one may be what has overflowed, and
/// then nothing can be pushed on it.
#[macro_export]
macro_rules! faults {
    ($stop:expr) => {
        const _: () = {
            #[allow(unsafe_code)]
            // SAFETY: the run-time jumps here when the core faults, and this does not return. Nobody goes on with the old stack.
            #[unsafe(naked)]
            #[unsafe(export_name = "HardFault")]
            unsafe extern "C" fn fault() -> ! {
                core::arch::naked_asm!(
                    "movw r0, :lower16:_stack_start",
                    "movt r0, :upper16:_stack_start",
                    "msr msp, r0",
                    "b {stop}",
                    stop = sym stop,
                )
            }

            extern "C" fn stop() -> ! {
                ($stop)()
            }

            #[allow(unsafe_code)]
            // SAFETY: the run-time calls this for interrupts without a function of their own. It needs nothing of them.
            #[unsafe(export_name = "DefaultHandler")]
            extern "C" fn unexpected() -> ! {
                ($stop)()
            }
        };
    };
}
