//! The USB connector: a serial port (CDC-ACM) at full speed.
//!
//! `embassy-usb` is asynchronous. An executor of its own runs it in an interrupt, which comes when the controller or the loop has
//! something: enumeration has limits of some 50 ms, which the loop does not keep while it checks an image.
#![allow(unsafe_code)]

use chips::line::{Line, Rings};
use embassy_executor::task;
use embassy_futures::join::join3;
use embassy_futures::select::{Either, select};
use embassy_rp::executor::InterruptExecutor;
use embassy_rp::interrupt::{self, InterruptExt as _, Priority};
use embassy_rp::usb::{Driver, InterruptHandler};
use embassy_rp::{Peri, bind_interrupts, peripherals};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;
use embassy_usb::class::cdc_acm::{CdcAcmClass, Receiver, Sender, State};
use embassy_usb::driver::EndpointError;
use embassy_usb::{Builder, Config};

use super::identity::serial;
use crate::facts;

/// Bytes of the largest packet.
const PACKET_BYTES: usize = 64;

type Bus<'d> = Driver<'d, peripherals::USB>;
type Call = Signal<CriticalSectionRawMutex, ()>;

static RINGS: Rings = Rings::new();
/// The loop has taken bytes.
static TAKEN: Call = Signal::new();
/// The loop has given bytes.
static GIVEN: Call = Signal::new();
static EXECUTOR: InterruptExecutor = InterruptExecutor::new();

bind_interrupts!(struct Interrupts {
    USBCTRL_IRQ => InterruptHandler<peripherals::USB>;
});

/// The line. Before [`start`] nothing moves its bytes.
pub const fn line() -> Line {
    Line::new(&RINGS, || {
        TAKEN.signal(());
        GIVEN.signal(());
    })
}

/// Connects to the computer; called once.
///
/// # Panics
/// The second time.
pub fn start(usb: Peri<'static, peripherals::USB>) -> Line {
    interrupt::SWI_IRQ_0.set_priority(Priority::P3);
    let spawner = EXECUTOR.start(interrupt::SWI_IRQ_0);
    spawner.spawn(run(usb).expect("the one task"));
    line()
}

#[embassy_rp::interrupt]
unsafe fn SWI_IRQ_0() {
    // SAFETY: `start` enables this interrupt when it has started the executor.
    unsafe { EXECUTOR.on_interrupt() };
}

#[task]
async fn run(usb: Peri<'static, peripherals::USB>) {
    let (vendor, product) = facts::USB;
    let serial = serial();
    let mut config = Config::new(vendor, product);
    config.manufacturer = Some("Geode");
    config.product = Some(facts::NAME);
    config.serial_number = Some(&serial);
    let (mut descriptors, mut others, mut control) = ([0; 128], [0; 32], [0; 64]);
    let mut state = State::new();
    let mut builder = Builder::new(
        Driver::new(usb, Interrupts),
        config,
        &mut descriptors,
        &mut others,
        &mut [],
        &mut control,
    );
    let (sender, receiver) = CdcAcmClass::new(&mut builder, &mut state, PACKET_BYTES as u16).split();
    let mut device = builder.build();
    join3(device.run(), receive(receiver), send(sender)).await;
}

/// Moves bytes from the computer. It waits while there is no room.
async fn receive<'d>(mut port: Receiver<'d, Bus<'d>>) {
    let mut bytes = [0; PACKET_BYTES];
    loop {
        port.wait_connection().await;
        while let Ok(count) = port.read_packet(&mut bytes).await {
            bytes[..count].iter().for_each(|&byte| {
                RINGS.received.push(byte);
            });
            while RINGS.received.room() < PACKET_BYTES {
                TAKEN.wait().await;
            }
        }
    }
}

/// Moves bytes to the computer.
async fn send<'d>(mut port: Sender<'d, Bus<'d>>) {
    loop {
        while let Either::Second(()) = select(port.wait_connection(), GIVEN.wait()).await {
            // Nobody is there. What was meant for somebody else does not wait for the next one.
            RINGS.sent.skip(usize::MAX);
        }
        while send_next(&mut port).await.is_ok() {}
    }
}

/// Sends a packet as soon as there is one.
async fn send_next<'d>(port: &mut Sender<'d, Bus<'d>>) -> Result<(), EndpointError> {
    if !port.dtr() {
        // The program on the other side has closed the port.
        RINGS.sent.skip(usize::MAX);
    }
    let mut bytes = [0; PACKET_BYTES];
    let mut count = 0;
    while count < PACKET_BYTES
        && let Some(byte) = RINGS.sent.peek(count)
    {
        bytes[count] = byte;
        count += 1;
    }
    if count == 0 {
        GIVEN.wait().await;
        return Ok(());
    }
    port.write_packet(&bytes[..count]).await?;
    RINGS.sent.skip(count);
    if count == PACKET_BYTES && RINGS.sent.is_empty() {
        // A computer waits for more after a full packet.
        port.write_packet(&[]).await?;
    }
    Ok(())
}
