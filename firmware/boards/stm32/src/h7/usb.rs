//! The USB connector: a serial port (CDC-ACM) at full speed.
//!
//! `usb-device` is called from the interrupt alone. Enumeration has limits of some 50 ms, which the loop does not keep while it
//! checks an image or erases a page; and a task of an executor would need an executor.
#![allow(unsafe_code)]

use core::cell::RefCell;

use chips::line::{Line, Rings};
use cortex_m::singleton;
use critical_section::Mutex;
use embassy_stm32::gpio::{AfType, Flex, OutputType, Speed};
use embassy_stm32::interrupt::{Interrupt, InterruptExt as _, Priority};
use embassy_stm32::{Peri, interrupt, pac, peripherals, rcc, uid};
use synopsys_usb_otg::{UsbBus, UsbPeripheral};
use usb_device::bus::UsbBusAllocator;
use usb_device::device::{StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbDeviceState, UsbVidPid};
use usbd_serial::{SerialPort, USB_CLASS_CDC};

/// Words of memory for packets from the computer.
const PACKET_WORDS: usize = 1024;
/// Bytes of the largest packet.
const PACKET_BYTES: usize = 64;
/// Alternate function of the data pins.
const DATA_AF: u8 = 10;
const AHB_HZ: u32 = 240_000_000;

static RINGS: Rings = Rings::new();
static PORT: Mutex<RefCell<Option<Port>>> = Mutex::new(RefCell::new(None));

/// The OTG controller with a full-speed transceiver of its own, which ST calls OTG2_HS as well as OTG_FS.
struct Controller;

// SAFETY: the registers are at this address, and have the layout of a high-speed controller with 9 endpoints and 4 KB of
// packet memory (ST RM0433, section 57). Nothing else uses them.
unsafe impl UsbPeripheral for Controller {
    const REGISTERS: *const () = pac::USB_OTG_FS.as_ptr().cast_const();
    const HIGH_SPEED: bool = true;
    const FIFO_DEPTH_WORDS: usize = 1024;
    const ENDPOINT_COUNT: usize = 9;

    fn enable() {
        rcc::enable_and_reset::<peripherals::USB_OTG_FS>();
        critical_section::with(|_| {
            // The transceiver's supply is detected; the board feeds it.
            pac::PWR.cr3().modify(|w| w.set_usb33den(true));
            // There is no external transceiver, whose clock a sleeping core would wait for.
            pac::RCC.ahb1lpenr().modify(|w| w.set_usb_otg_fs_ulpilpen(false));
        });
    }

    fn ahb_frequency_hz(&self) -> u32 {
        AHB_HZ
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
        Interrupt::OTG_FS.pend();
    })
}

/// Lets the interrupt come. It keeps itself away while there is no room for what the computer sends.
fn listen() {
    // SAFETY: the interrupt's function is below, and does nothing before the port is there.
    unsafe { Interrupt::OTG_FS.enable() };
}

/// Connects to the computer under this vendor, product and name; called once. `None` the second time.
pub fn start(
    (vendor, product): (u16, u16),
    name: &'static str,
    minus: Peri<'static, peripherals::PA11>,
    plus: Peri<'static, peripherals::PA12>,
) -> Option<Line> {
    for pin in [Flex::new(minus), Flex::new(plus)] {
        let mut pin = pin;
        pin.set_as_af_unchecked(DATA_AF, AfType::output(OutputType::PushPull, Speed::VeryHigh));
        core::mem::forget(pin);
    }
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
    critical_section::with(|section| PORT.borrow_ref_mut(section).replace(Port { device, serial }));
    Interrupt::OTG_FS.set_priority(Priority::P7);
    listen();
    Some(line())
}

#[interrupt]
fn OTG_FS() {
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
            Interrupt::OTG_FS.disable();
        }
    }
}
