//! The USB connector: a serial port (CDC-ACM) at full speed. At high speed the packets of a serial port would have to be of 512 bytes.
//!
//! `usb-device` is called from the interrupt alone. Enumeration has limits of some 50 ms, which the loop does not keep while it
//! checks an image or erases a page; and a task of an executor would need an executor.
#![allow(unsafe_code)]

#[cfg_attr(feature = "h743", path = "usb/internal.rs")]
#[cfg_attr(feature = "h747", path = "usb/ulpi.rs")]
#[cfg_attr(feature = "n6", path = "usb/high_speed.rs")]
mod transceiver;

use core::cell::RefCell;
use core::sync::atomic::{AtomicBool, Ordering};

use chips::line::{Line, Rings};
use cortex_m::singleton;
use critical_section::Mutex;
#[cfg(feature = "h7")]
use embassy_stm32::Peri;
#[cfg(feature = "h7")]
use embassy_stm32::gpio::{AfType, AnyPin, Flex, OutputType, Speed};
use embassy_stm32::interrupt::{InterruptExt as _, Priority};
#[cfg(not(feature = "h743"))]
use embassy_stm32::pac::otg::vals::Dspd;
use embassy_stm32::uid;
#[cfg(not(feature = "h743"))]
use embassy_time::{Duration, block_for};
use synopsys_usb_otg::{PhyType, UsbBus, UsbPeripheral};
use usb_device::bus::UsbBusAllocator;
use usb_device::device::{StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbDeviceState, UsbVidPid};
use usbd_serial::{SerialPort, USB_CLASS_CDC};

use transceiver::INTERRUPT;
pub use transceiver::Pins;

/// Words of the controller's memory for packets, and of ours for those from the computer.
const PACKET_WORDS: usize = 1024;
/// Bytes of the largest packet.
const PACKET_BYTES: usize = 64;
/// The bus runs at least so fast. More than 32 MHz are all the same to the driver.
const LEAST_AHB_HZ: u32 = 150_000_000;
/// Time without the device, after which no computer takes it for the one that was there before.
#[cfg(not(feature = "h743"))]
const AWAY: Duration = Duration::from_millis(50);
/// Alternate function of the pins, whichever the transceiver is.
#[cfg(feature = "h7")]
const ALTERNATE_FUNCTION: u8 = 10;

static RINGS: Rings = Rings::new();
static PORT: Mutex<RefCell<Option<Port>>> = Mutex::new(RefCell::new(None));
/// There is a port. Beside it, as a panic in the interrupt asks for the line as well.
static IS_OPEN: AtomicBool = AtomicBool::new(false);

/// The chip's controller with the transceiver that the board uses.
struct Controller;

// SAFETY: all these controllers are high-speed ones with this layout of registers, 9 endpoints and 4 KB of packet memory (ST RM0433, section
// 57; RM0399; RM0486). Nothing else uses the one that `transceiver` names.
unsafe impl UsbPeripheral for Controller {
    const REGISTERS: *const () = transceiver::REGISTERS.as_ptr().cast_const();
    const HIGH_SPEED: bool = true;
    const FIFO_DEPTH_WORDS: usize = PACKET_WORDS;
    const ENDPOINT_COUNT: usize = 9;

    fn enable() {
        transceiver::enable();
    }

    fn ahb_frequency_hz(&self) -> u32 {
        LEAST_AHB_HZ
    }

    fn phy_type(&self) -> PhyType {
        transceiver::TYPE
    }
}

type Bus = UsbBus<Controller>;

struct Port {
    device: UsbDevice<'static, Bus>,
    serial: SerialPort<'static, Bus>,
}

/// The line. Before [`start`] nothing moves its bytes.
pub const fn line() -> Line {
    Line::new(&RINGS, || {
        listen();
        INTERRUPT.pend();
    })
}

/// What a board tells whose link is a UART, as this does not start.
pub const FAILED: &str = "USB: its transceiver does not start, so that the link is USART1";

/// Whether it was started, and the transceiver with it.
pub fn is_open() -> bool {
    IS_OPEN.load(Ordering::Relaxed)
}

/// Lets the interrupt come. It keeps itself away while there is no room for what the computer sends.
fn listen() {
    // SAFETY: the interrupt's function is below, and does nothing before the port is there.
    unsafe { INTERRUPT.enable() };
}

/// Gives a pin to the controller, for ever.
#[cfg(feature = "h7")]
fn give(pin: Peri<'static, AnyPin>) {
    let mut pin = Flex::new(pin);
    pin.set_as_af_unchecked(ALTERNATE_FUNCTION, AfType::output(OutputType::PushPull, Speed::VeryHigh));
    core::mem::forget(pin);
}

/// Connects to the computer under this vendor, product and name; called once. `None` the second time, and when the transceiver does
/// not start.
pub fn start((vendor, product): (u16, u16), name: &'static str, pins: Pins) -> Option<Line> {
    pins.open()?;
    let memory = singleton!(: [u32; PACKET_WORDS] = [0; PACKET_WORDS])?;
    let bus: &UsbBusAllocator<Bus> = singleton!(: UsbBusAllocator<Bus> = UsbBus::new(Controller, memory))?;
    let serial = SerialPort::new(bus);
    let texts =
        StringDescriptors::default().manufacturer("Geode").product(name).serial_number(uid::uid_hex());
    let device = UsbDeviceBuilder::new(bus, UsbVidPid(vendor, product))
        .strings(&[texts])
        .ok()?
        .device_class(USB_CLASS_CDC)
        .build();
    transceiver::connect();
    critical_section::with(|section| PORT.borrow_ref_mut(section).replace(Port { device, serial }));
    IS_OPEN.store(true, Ordering::Relaxed);
    INTERRUPT.set_priority(Priority::P7);
    listen();
    Some(line())
}

/// Shows the device as one of full speed. The controller has offered high speed, for less time than a computer takes to notice.
#[cfg(not(feature = "h743"))]
fn show_at_full_speed() {
    let registers = transceiver::REGISTERS;
    registers.dctl().modify(|w| w.set_sdis(true));
    block_for(AWAY);
    registers.dcfg().modify(|w| w.set_dspd(Dspd::FULL_SPEED_EXTERNAL));
    registers.dctl().modify(|w| w.set_sdis(false));
}

/// What the controller's interrupt does.
fn serve() {
    critical_section::with(|section| {
        if let Some(port) = &mut *PORT.borrow_ref_mut(section) {
            port.serve();
        }
    });
}

impl Port {
    /// Moves bytes both ways, as many as there is room for.
    fn serve(&mut self) {
        self.device.poll(&mut [&mut self.serial]);
        // A program that opens the port says that it is ready, and the system takes that back when it closes it.
        if self.device.state() != UsbDeviceState::Configured || !self.serial.dtr() {
            // Nobody is there. What was meant for somebody else does not wait for the next one.
            RINGS.sent.skip(usize::MAX);
            return;
        }
        let mut bytes = [0; PACKET_BYTES];
        loop {
            // The computer waits while there is no room.
            let room = RINGS.received.room().min(PACKET_BYTES);
            match self.serial.read(&mut bytes[..room]) {
                Ok(count) if count > 0 => bytes[..count].iter().for_each(|&byte| {
                    RINGS.received.push(byte);
                }),
                _ => break,
            }
        }
        loop {
            let mut count = 0;
            while count < PACKET_BYTES
                && let Some(byte) = RINGS.sent.peek(count)
            {
                bytes[count] = byte;
                count += 1;
            }
            match self.serial.write(&bytes[..count]) {
                Ok(taken) if taken > 0 => RINGS.sent.skip(taken),
                _ => break,
            }
        }
        // It sends the rest when a packet has arrived.
        let _ = self.serial.flush();
        if RINGS.received.room() == 0 {
            // A packet that nobody takes would call the interrupt again and again.
            INTERRUPT.disable();
        }
    }
}
