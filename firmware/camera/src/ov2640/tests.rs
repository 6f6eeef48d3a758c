//! The bus, transaction by transaction.

use std::vec::Vec;

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use embedded_hal_mock::eh1::MockError;
use embedded_hal_mock::eh1::delay::{CheckedDelay, NoopDelay, Transaction as Pause};
use embedded_hal_mock::eh1::digital::{Mock as Line, State as Level, Transaction as Change};
use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

use super::*;
use crate::pins::Unconnected;
use crate::settings::{Gain, Limits};

const SETTINGS: Settings = Settings {
    clock_hz: 24_000_000,
    limits: Limits { pixel_clock_hz: 12_000_000, frames_per_s: 60 },
    orientation: Orientation { is_mirrored: false, is_flipped: false },
    mains: Mains::Hz50,
    exposure: Exposure::DEFAULT,
};

/// A transaction, and the bank and register that an error at it names.
type Step = (Transaction, u16);

fn write(bank: u8, register: u8, value: u8) -> Step {
    (Transaction::write(0x30, [register, value].to_vec()), u16::from_be_bytes([bank, register]))
}

fn read(register: u8, value: u8) -> [Step; 2] {
    let at = 0x0100 | u16::from(register);
    [(Transaction::write(0x30, [register].to_vec()), at), (Transaction::read(0x30, [value].to_vec()), at)]
}

fn identity([product_high, product_low, maker_high, maker_low]: [u8; 4]) -> Vec<Step> {
    let pairs = [(0x0a, product_high), (0x0b, product_low), (0x1c, maker_high), (0x1d, maker_low)];
    let reads = pairs.into_iter().flat_map(|(register, value)| read(register, value));
    [write(1, 0xff, 1)].into_iter().chain(reads).collect()
}

/// Writes with the selection of their banks. The sensor's bank is selected at the start.
fn selected(values: &[(u8, u8, u8)]) -> Vec<Step> {
    let mut selected = 1;
    let mut steps = Vec::new();
    for &(bank, register, value) in values {
        if bank != selected {
            steps.push(write(bank, 0xff, bank));
            selected = bank;
        }
        steps.push(write(bank, register, value));
    }
    steps
}

/// All that `init` writes after the reset: bank, register, value.
fn values(format: [(u8, u8); 2], settings: &[(u8, u8)]) -> Vec<(u8, u8, u8)> {
    let shared = tables::GROUPS
        .iter()
        .flat_map(|group| group.values.iter().map(|&(register, value)| (group.bank as u8, register, value)));
    let mut values = std::vec![(0, 0xe0, 0x14)];
    values.extend(shared);
    values.extend(format.map(|(register, value)| (0, register, value)));
    values.extend(settings.iter().map(|&(register, value)| (1, register, value)));
    values.extend([(0, 0xe0, 0x00), (0, 0x05, 0x00)]);
    values
}

const BIG_ENDIAN: [(u8, u8); 2] = [(0xda, 0x08), (0xe1, 0x77)];

/// The registers of [`SETTINGS`]: clock halved, banding at 50 Hz, exposure, orientation.
const WRITTEN: [(u8, u8); 12] = [
    (0x11, 0x01),
    (0x0c, 0x3c),
    (0x4e, 0x00),
    (0x4f, 101),
    (0x50, 84),
    (0x5a, 0x23),
    (0x24, 0x40),
    (0x25, 0x38),
    (0x26, 0x82),
    (0x14, 0x48),
    (0x13, 0xe5),
    (0x04, 0x28),
];

fn init_steps(format: [(u8, u8); 2], settings: &[(u8, u8)]) -> Vec<Step> {
    let mut steps = identity([0x26, 0x42, 0x7f, 0xa2]);
    steps.push(write(1, 0x12, 0x80));
    // After the reset the bank is selected anew, whichever it is.
    steps.extend(selected(&values(format, settings)));
    steps
}

fn bus(steps: &[Step]) -> Mock {
    Mock::new(&steps.iter().map(|(transaction, _)| transaction.clone()).collect::<Vec<_>>())
}

fn sensor_on(bus: &Mock) -> Ov2640<Mock, NoopDelay> {
    Ov2640::new(bus.clone(), NoopDelay::new(), Pins { reset: Unconnected, power_down: Unconnected })
}

/// Runs a function on an initialised sensor; it must send exactly `writes` to the sensor's bank.
fn after_init<T>(
    settings: &Settings,
    written: &[(u8, u8)],
    writes: &[(u8, u8)],
    run: impl FnOnce(&mut Ov2640<Mock, NoopDelay>) -> T,
) -> T {
    let mut steps = init_steps(BIG_ENDIAN, written);
    steps.extend(writes.iter().map(|&(register, value)| write(1, register, value)));
    let mut bus = bus(&steps);
    let mut sensor = sensor_on(&bus);
    sensor.init(PixelFormat::Rgb565, settings).unwrap();
    let result = run(&mut sensor);
    bus.done();
    result
}

#[test]
fn probe_reads_product_and_maker() {
    for product in [0x41, 0x42] {
        let mut bus = bus(&identity([0x26, product, 0x7f, 0xa2]));
        assert_eq!(sensor_on(&bus).probe(), Ok(0x2600 | u16::from(product)));
        bus.done();
    }
}

#[test]
fn another_chip_is_refused() {
    let wrong = |register, found, wanted| Error::WrongChip { address: 0x30, register, found, wanted };
    for (bytes, reads, error) in [
        ([0x56, 0x40, 0, 0], 2, wrong(0x010a, 0x5640, 0x2642)),
        ([0x26, 0x40, 0, 0], 2, wrong(0x010a, 0x2640, 0x2642)),
        ([0xff, 0xff, 0, 0], 2, wrong(0x010a, 0xffff, 0x2642)),
        ([0x26, 0x42, 0x7f, 0xa3], 4, wrong(0x011c, 0x7fa3, 0x7fa2)),
    ] {
        let steps = identity(bytes);
        let mut bus = bus(&steps[..1 + 2 * reads]);
        let mut sensor = sensor_on(&bus);
        assert_eq!(sensor.init(PixelFormat::Rgb565, &SETTINGS), Err(error));
        assert_eq!(sensor.hold_exposure(), Err(Error::NotInitialised));
        bus.done();
    }
}

#[test]
fn init_writes_every_format() {
    for (format, values) in [
        (PixelFormat::Rgb565, BIG_ENDIAN),
        (PixelFormat::Rgb565Little, [(0xda, 0x09), (0xe1, 0x77)]),
        (PixelFormat::Yuv422, [(0xda, 0x00), (0xe1, 0x67)]),
    ] {
        let mut bus = bus(&init_steps(values, &WRITTEN));
        assert_eq!(sensor_on(&bus).init(format, &SETTINGS), Ok(()), "{format:?}");
        bus.done();
    }
    for format in [PixelFormat::Rgb888, PixelFormat::Grey] {
        let mut bus = bus(&[]);
        assert_eq!(sensor_on(&bus).init(format, &SETTINGS), Err(Error::Format(format)));
        bus.done();
    }
}

#[test]
fn registers_of_an_initialised_sensor() {
    let mut banks = [[None; 256]; 2];
    for (bank, register, value) in values(BIG_ENDIAN, &WRITTEN) {
        banks[usize::from(bank)][usize::from(register)] = Some(value);
    }
    // The array: CIF, 400×296, its clock halved, no dummy frames, neither reset nor bars nor standby.
    // The DSP: 400×296, all of it, to 320×240; all parts but the lens; port on.
    for (bank, register, value) in [
        (1, 0x12, 0x20),
        (1, 0x32, 0x89),
        (1, 0x03, 0x0a),
        (1, 0x09, 0x02),
        (0, 0xc0, (400_u16 / 8) as u8),
        (0, 0xc1, (296_u16 / 8) as u8),
        (0, 0x51, (400_u16 / 4) as u8),
        (0, 0x52, (296_u16 / 4) as u8),
        (0, 0x55, 0),
        (0, 0x5a, (WIDTH / 4) as u8),
        (0, 0x5b, (HEIGHT / 4) as u8),
        (0, 0x5c, 0),
        (0, 0x86, 0x3d),
        (0, 0x87, 0xd0),
        (0, 0xc2, 0x0e),
        (0, 0xc3, 0xfd),
        (0, 0xd3, 0x82),
        (0, 0xe0, 0),
        (0, 0x05, 0),
        (0, 0xf9, 0xc0),
    ] {
        let found = banks[bank][register];
        assert_eq!(found, Some(value), "bank {bank}, register {register:#04x}");
    }
    // Tables behind one register are complete: 16, 13 and 13 bytes.
    for (register, count) in [(0x91, 16), (0x93, 13), (0x97, 13)] {
        let writes = values(BIG_ENDIAN, &WRITTEN);
        assert_eq!(writes.iter().filter(|&&(bank, at, _)| (bank, at) == (0, register)).count(), count);
    }
}

#[test]
fn a_failure_at_any_transaction_is_told_and_init_starts_anew() {
    let steps = init_steps(BIG_ENDIAN, &WRITTEN);
    assert!(steps.len() > 180, "{}", steps.len());
    for kind in [
        ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address),
        ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data),
        ErrorKind::Bus,
    ] {
        for (place, (failing, register)) in steps.iter().enumerate() {
            let mut all = steps[..place].to_vec();
            all.push((failing.clone().with_error(kind), *register));
            all.extend(steps.iter().cloned());
            let mut bus = bus(&all);
            let mut sensor = sensor_on(&bus);
            let silent = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
            let error = match place {
                0 if kind == silent => Error::NoAnswer { address: 0x30 },
                _ => Error::Bus { address: 0x30, register: *register, kind },
            };
            assert_eq!(sensor.init(PixelFormat::Rgb565, &SETTINGS), Err(error), "transaction {place}");
            // Nothing is sent to a sensor in between.
            let refused = Err(Error::NotInitialised);
            assert_eq!(sensor.stop(), refused);
            assert_eq!(sensor.start(), refused);
            assert_eq!(sensor.slow_down(), Err(Error::NotInitialised));
            assert_eq!(sensor.frame_us(), Err(Error::NotInitialised));
            assert_eq!(sensor.set_orientation(Orientation::default()), refused);
            assert_eq!(sensor.set_exposure(Exposure::DEFAULT), refused);
            assert_eq!(sensor.hold_exposure(), refused);
            assert_eq!(sensor.release_exposure(), refused);
            assert_eq!(sensor.set_test_pattern(None), refused);
            assert_eq!(sensor.init(PixelFormat::Rgb565, &SETTINGS), Ok(()), "transaction {place}");
            bus.done();
        }
    }
}

#[test]
fn the_port_is_off_until_the_last_two_writes() {
    let writes = values(BIG_ENDIAN, &WRITTEN);
    let (last, before) = writes.split_last_chunk::<2>().map(|(before, last)| (last, before)).unwrap();
    assert_eq!(before[0], (0, 0xe0, 0x14));
    assert!(before[1..].iter().all(|&(bank, register, _)| (bank, register) != (0, 0xe0)));
    assert_eq!(*last, [(0, 0xe0, 0), (0, 0x05, 0)]);
}

#[test]
fn pins_wake_and_reset_the_module() {
    let mut reset = Line::new(&[Change::set(Level::Low), Change::set(Level::High)]);
    let mut power_down = Line::new(&[Change::set(Level::Low)]);
    let mut delay = CheckedDelay::new(&[Pause::delay_ms(10), Pause::delay_ms(10)]);
    let mut bus = bus(&identity([0x26, 0x42, 0x7f, 0xa2]));
    let pins = Pins { reset: reset.clone(), power_down: power_down.clone() };
    assert_eq!(Ov2640::new(bus.clone(), delay.clone(), pins).probe(), Ok(0x2642));
    reset.done();
    power_down.done();
    delay.done();
    bus.done();
}

#[test]
fn pins_that_fail_are_told() {
    let error = || MockError::Io(std::io::ErrorKind::Other);
    for (reset_changes, power_down_changes, pin) in [
        (std::vec![Change::set(Level::Low).with_error(error())], std::vec![], Pin::Reset),
        (
            std::vec![Change::set(Level::Low)],
            std::vec![Change::set(Level::Low).with_error(error())],
            Pin::PowerDown,
        ),
        (
            std::vec![Change::set(Level::Low), Change::set(Level::High).with_error(error())],
            std::vec![Change::set(Level::Low)],
            Pin::Reset,
        ),
    ] {
        let (mut reset, mut power_down) = (Line::new(&reset_changes), Line::new(&power_down_changes));
        let mut bus = bus(&[]);
        let pins = Pins { reset: reset.clone(), power_down: power_down.clone() };
        let mut sensor = Ov2640::new(bus.clone(), NoopDelay::new(), pins);
        assert_eq!(sensor.init(PixelFormat::Rgb565, &SETTINGS), Err(Error::Pin(pin)));
        reset.done();
        power_down.done();
        bus.done();
    }
}

#[test]
fn the_clock_is_divided_as_the_limits_want() {
    let divided = |clock_hz, pixel_clock_hz, frames_per_s| {
        division(&Settings { clock_hz, limits: Limits { pixel_clock_hz, frames_per_s }, ..SETTINGS })
    };
    // Frames in a second that the sensor is known to send at these clocks.
    assert_eq!(divided(24_000_000, u32::MAX, u32::MAX), Some(1));
    assert_eq!(1_000_000 / frame_us(24_000_000, 1), 60);
    assert_eq!(1_000_000 / frame_us(20_000_000, 1), 50);
    assert_eq!(1_000_000 / frame_us(24_000_000, 2), 30);
    assert_eq!(divided(24_000_000, 24_000_000, 61), Some(1));
    assert_eq!(divided(24_000_000, 24_000_000, 60), Some(2));
    assert_eq!(divided(24_000_000, 23_999_999, 61), Some(2));
    assert_eq!(divided(24_000_000, 12_000_000, 30), Some(3));
    assert_eq!(divided(24_000_000, 12_000_000, 31), Some(2));
    assert_eq!(divided(24_000_000, 750_000, 60), Some(32));
    assert_eq!(divided(24_000_000, 749_999, 60), None);
    assert_eq!(divided(24_000_000, 24_000_000, 2), Some(31));
    assert_eq!(divided(24_000_000, 24_000_000, 1), None);
    assert_eq!(divided(24_000_000, 0, 30), None);
    assert_eq!(divided(24_000_000, 12_000_000, 0), None);
    for clock_hz in [6_000_000, 12_000_000, 20_000_000, 24_000_000, 48_000_000] {
        for pixel_clock_hz in [2_000_000, 7_000_000, 40_000_000] {
            for frames_per_s in 2..70 {
                let Some(n) = divided(clock_hz, pixel_clock_hz, frames_per_s) else {
                    continue;
                };
                let fits = |n: u8| {
                    let frame_clocks = u64::from(2 * 595 * 336 * u32::from(n));
                    clock_hz <= pixel_clock_hz * u32::from(n)
                        && u64::from(clock_hz) <= frame_clocks * u64::from(frames_per_s)
                };
                assert!(fits(n) && (n == 1 || !fits(n - 1)), "{clock_hz} {pixel_clock_hz} {frames_per_s}");
            }
        }
    }
    let mut bus = bus(&[]);
    let limits = Limits { pixel_clock_hz: 700_000, frames_per_s: 30 };
    let refused = sensor_on(&bus).init(PixelFormat::Rgb565, &Settings { limits, ..SETTINGS });
    assert_eq!(refused, Err(Error::Limits { clock_hz: 24_000_000 }));
    bus.done();
}

#[test]
fn steps_of_the_exposure_follow_the_clock() {
    let banding = |clock_hz, division| {
        let [_, _, (_, high), (_, rows_50), (_, rows_60), (_, steps)] =
            clock_values(&Settings { clock_hz, ..SETTINGS }, division);
        [high, rows_50, rows_60, steps]
    };
    // The rows of public drivers for the undivided clock, and their steps for half of it.
    assert_eq!(banding(24_000_000, 1), [0x00, 0xca, 0xa8, 0x01]);
    assert_eq!(banding(24_000_000, 2), [0x00, 101, 84, 0x23]);
    assert_eq!(banding(48_000_000, 1), [0x50, 0x93, 0x50, 0x00]);
    assert_eq!(banding(24_000_000, 32), [0x00, 6, 5, 0xff]);
    assert_eq!(banding(1, 32), [0x00, 1, 1, 0xff]);
    // 1023 rows are the most.
    assert_eq!(banding(u32::MAX, 1), [0xf0, 0xff, 0xff, 0x00]);
    let mains = |mains| clock_values(&Settings { mains, ..SETTINGS }, 1)[1];
    assert_eq!([mains(Mains::Hz50), mains(Mains::Hz60)], [(0x0c, 0x3c), (0x0c, 0x38)]);
}

#[test]
fn slowing_down_halves_the_clock_down_to_its_end() {
    let mut steps = init_steps(BIG_ENDIAN, &WRITTEN);
    for [clkrc, rows_50, rows_60, steps_of] in
        [[3, 50, 42, 0x57], [7, 25, 21, 0xcf], [15, 13, 11, 0xff], [31, 6, 5, 0xff]]
    {
        let writes = [
            (0xff, 1),
            (0x11, clkrc),
            (0x0c, 0x3c),
            (0x4e, 0),
            (0x4f, rows_50),
            (0x50, rows_60),
            (0x5a, steps_of),
            (0x13, 0xe5),
        ];
        steps.extend(writes.map(|(register, value)| write(1, register, value)));
    }
    let mut bus = bus(&steps);
    let mut sensor = sensor_on(&bus);
    sensor.init(PixelFormat::Rgb565, &SETTINGS).unwrap();
    assert_eq!(sensor.frame_us(), Ok(33_320));
    for frame_us in [66_640, 133_280, 266_560, 533_120] {
        assert_eq!(sensor.slow_down(), Ok(true));
        assert_eq!(sensor.frame_us(), Ok(frame_us));
    }
    assert_eq!(sensor.slow_down(), Ok(false));
    bus.done();
}

#[test]
fn a_failed_slow_down_can_be_repeated() {
    let writes =
        [(0xff, 1), (0x11, 3), (0x0c, 0x3c), (0x4e, 0), (0x4f, 50), (0x50, 42), (0x5a, 0x57), (0x13, 0xe5)];
    let slower = writes.map(|(register, value)| write(1, register, value));
    for (place, (failing, register)) in slower.iter().enumerate() {
        let mut steps = init_steps(BIG_ENDIAN, &WRITTEN);
        steps.extend_from_slice(&slower[..place]);
        steps.push((failing.clone().with_error(ErrorKind::Other), *register));
        steps.extend_from_slice(&slower);
        let mut bus = bus(&steps);
        let mut sensor = sensor_on(&bus);
        sensor.init(PixelFormat::Rgb565, &SETTINGS).unwrap();
        let error = Error::Bus { address: 0x30, register: *register, kind: ErrorKind::Other };
        assert_eq!(sensor.slow_down(), Err(error));
        assert_eq!(sensor.frame_us(), Ok(33_320));
        assert_eq!(sensor.slow_down(), Ok(true));
        bus.done();
    }
}

#[test]
fn exposure_is_held_and_let_go() {
    after_init(&SETTINGS, &WRITTEN, &[(0xff, 1), (0x13, 0xe0), (0xff, 1), (0x13, 0xe5)], |sensor| {
        sensor.hold_exposure().unwrap();
        sensor.release_exposure().unwrap();
    });
}

#[test]
fn exposure_has_a_window_and_a_ceiling() {
    let bright = Exposure { mean: 120, tolerance: 8, ceiling: Gain::X2 };
    let writes = [(0xff, 1), (0x24, 128), (0x25, 112), (0x26, 0xc6), (0x14, 0x08)];
    after_init(&SETTINGS, &WRITTEN, &writes, |sensor| {
        sensor.set_exposure(bright).unwrap();
        let none = Exposure { tolerance: 0, ..bright };
        assert_eq!(sensor.set_exposure(none), Err(Error::Exposure { mean: 120, tolerance: 0 }));
    });
    for (ceiling, com9) in [
        (Gain::X2, 0x08),
        (Gain::X4, 0x28),
        (Gain::X8, 0x48),
        (Gain::X16, 0x68),
        (Gain::X32, 0x88),
        (Gain::X64, 0xa8),
        (Gain::X128, 0xc8),
    ] {
        assert_eq!(exposure_values(Exposure { ceiling, ..bright }).unwrap()[3], (0x14, com9));
    }
    // Large steps stay in four bits at both ends.
    for (mean, vv) in [(5, 0x40), (16, 0x50), (40, 0x61), (200, 0xfb), (250, 0xfe)] {
        assert_eq!(exposure_values(Exposure { mean, ..Exposure::DEFAULT }).unwrap()[2], (0x26, vv));
    }
    let mut bus = bus(&[]);
    let exposure = Exposure { mean: 2, ..Exposure::DEFAULT };
    let refused = sensor_on(&bus).init(PixelFormat::Rgb565, &Settings { exposure, ..SETTINGS });
    assert_eq!(refused, Err(Error::Exposure { mean: 2, tolerance: 4 }));
    bus.done();
}

#[test]
fn the_picture_is_turned() {
    for (is_mirrored, is_flipped, reg04) in
        [(false, false, 0x28), (true, false, 0xa8), (false, true, 0x78), (true, true, 0xf8)]
    {
        let orientation = Orientation { is_mirrored, is_flipped };
        after_init(&SETTINGS, &WRITTEN, &[(0xff, 1), (0x04, reg04)], |sensor| {
            sensor.set_orientation(orientation).unwrap();
        });
        let mut written = WRITTEN;
        written[11] = (0x04, reg04);
        after_init(&Settings { orientation, ..SETTINGS }, &written, &[], |_| ());
    }
}

#[test]
fn bars_and_standby_are_turned_on_and_off() {
    let writes =
        [(0xff, 1), (0x12, 0x22), (0xff, 1), (0x12, 0x20), (0xff, 1), (0x09, 0x12), (0xff, 1), (0x09, 0x02)];
    after_init(&SETTINGS, &WRITTEN, &writes, |sensor| {
        let ones = TestPattern::WalkingOnes;
        assert_eq!(sensor.set_test_pattern(Some(ones)), Err(Error::Pattern(ones)));
        sensor.set_test_pattern(Some(TestPattern::Bars)).unwrap();
        sensor.set_test_pattern(None).unwrap();
        sensor.stop().unwrap();
        sensor.start().unwrap();
    });
}
