//! The bus, transaction by transaction.

use std::vec::Vec;

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use embedded_hal_mock::eh1::delay::{CheckedDelay, NoopDelay, Transaction as Pause};
use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

use super::*;
use crate::settings::{Limits, Mains};

const SETTINGS: Settings = Settings {
    clock_hz: 24_000_000,
    limits: Limits { pixel_clock_hz: 6_000_000, frames_per_s: 30 },
    orientation: Orientation { is_mirrored: true, is_flipped: false },
    mains: Mains::Hz60,
    exposure: Exposure::DEFAULT,
};

/// A transaction, and the register that an error at it names.
type Step = (Transaction, u16);

fn write(register: u16, value: u8) -> Step {
    let [high, low] = register.to_be_bytes();
    (Transaction::write(0x24, [high, low, value].to_vec()), register)
}

fn read(register: u16, value: u8) -> Step {
    let address = register.to_be_bytes().to_vec();
    (Transaction::write_read(0x24, address, [value].to_vec()), register)
}

/// The registers of [`SETTINGS`]: 24 MHz divided by 4, 6 MHz / 376 / 30 = 532 rows, steps of 133 rows at 60 Hz.
const WRITTEN: [(u16, u8); 23] = [
    (0x3060, 0x09),
    (0x0340, 0x02),
    (0x0341, 0x14),
    (0x0342, 0x01),
    (0x0343, 0x78),
    (0x2105, 0x02),
    (0x2106, 0x12),
    (0x210e, 0x03),
    (0x210f, 0x00),
    (0x2110, 133),
    (0x2111, 0x00),
    (0x2112, 133),
    (0x0202, 0x01),
    (0x0203, 0x08),
    (0x2101, 60),
    (0x2103, 3),
    (0x2104, 5),
    (0x2108, 3),
    (0x2109, 3),
    (0x2100, 1),
    (0x0101, 1),
    (0x0104, 1),
    (0x0100, 1),
];

fn init_steps() -> Vec<Step> {
    let mut steps = std::vec![read(0x0000, 0x01), read(0x0001, 0xb0), write(0x0103, 1)];
    // Not in standby at the first question.
    steps.extend([read(0x0100, 0x01), read(0x0100, 0x00)]);
    let values = tables::VALUES.iter().chain(&WRITTEN);
    steps.extend(values.map(|&(register, value)| write(register, value)));
    steps
}

fn bus(steps: &[Step]) -> Mock {
    Mock::new(&steps.iter().map(|(transaction, _)| transaction.clone()).collect::<Vec<_>>())
}

fn sensor_on(bus: &Mock) -> Hm01b0<Mock, NoopDelay> {
    Hm01b0::new(bus.clone(), NoopDelay::new())
}

/// Runs a function on an initialised sensor; it must make exactly these transactions.
fn after_init<T>(steps: &[Step], run: impl FnOnce(&mut Hm01b0<Mock, NoopDelay>) -> T) -> T {
    let mut bus = bus(&[&init_steps(), steps].concat());
    let mut sensor = sensor_on(&bus);
    sensor.init(&SETTINGS).unwrap();
    let result = run(&mut sensor);
    bus.done();
    result
}

fn writes(values: &[(u16, u8)]) -> Vec<Step> {
    values.iter().map(|&(register, value)| write(register, value)).collect()
}

#[test]
fn probe_reads_the_model() {
    let mut good = bus(&[read(0x0000, 0x01), read(0x0001, 0xb0)]);
    assert_eq!(sensor_on(&good).probe(), Ok(()));
    good.done();
    for found in [0x0360_u16, 0x01b1, 0x00b0, 0xffff] {
        let [high, low] = found.to_be_bytes();
        let mut wrong = bus(&[read(0x0000, high), read(0x0001, low)]);
        let error = Error::WrongChip { address: 0x24, register: 0, found, wanted: 0x01b0 };
        assert_eq!(sensor_on(&wrong).init(&SETTINGS), Err(error));
        wrong.done();
    }
}

#[test]
fn a_failure_at_any_transaction_is_told_and_init_starts_anew() {
    let steps = init_steps();
    assert_eq!(steps.len(), 5 + 43 + 23);
    let silent = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
    for kind in [silent, ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data), ErrorKind::ArbitrationLoss] {
        for (place, (failing, register)) in steps.iter().enumerate() {
            let mut all = steps[..place].to_vec();
            all.push((failing.clone().with_error(kind), *register));
            all.extend(steps.iter().cloned());
            let mut bus = bus(&all);
            let mut sensor = sensor_on(&bus);
            let error = match place {
                0 if kind == silent => Error::NoAnswer { address: 0x24 },
                _ => Error::Bus { address: 0x24, register: *register, kind },
            };
            assert_eq!(sensor.init(&SETTINGS), Err(error), "transaction {place}");
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
            assert_eq!(sensor.init(&SETTINGS), Ok(()), "transaction {place}");
            bus.done();
        }
    }
}

#[test]
fn streaming_starts_with_the_last_write() {
    let written = tables::VALUES.iter().chain(&WRITTEN);
    let starts: Vec<usize> = written
        .enumerate()
        .filter(|(_, (register, _))| *register == 0x0100)
        .map(|(place, _)| place)
        .collect();
    assert_eq!(starts, [tables::VALUES.len() + WRITTEN.len() - 1]);
}

#[test]
fn a_sensor_that_stays_in_reset_is_told() {
    let mut steps = std::vec![read(0x0000, 0x01), read(0x0001, 0xb0), write(0x0103, 1)];
    steps.extend(std::iter::repeat_n(read(0x0100, 0x01), 10));
    let mut bus = bus(&steps);
    let mut delay = CheckedDelay::new(&[const { 10 }; 10].map(Pause::delay_ms));
    assert_eq!(Hm01b0::new(bus.clone(), delay.clone()).init(&SETTINGS), Err(Error::Reset { address: 0x24 }));
    bus.done();
    delay.done();
}

#[test]
fn the_clock_is_divided_as_the_limits_want() {
    let speed_of = |clock_hz, pixel_clock_hz, frames_per_s, least| {
        let limits = Limits { pixel_clock_hz, frames_per_s };
        let speed = speed(&Settings { clock_hz, limits, ..SETTINGS }, least);
        speed.map(|Speed { halvings, rows }| (halvings, rows))
    };
    // Public drivers divide 6 MHz by 4 for 15 frames in a second, by 2 for 30, and not for 60.
    assert_eq!(speed_of(1_500_000, 6_000_000, 60, 0), Some((0, 260)));
    assert_eq!(speed_of(6_000_000, 6_000_000, 60, 0), Some((0, 266)));
    assert_eq!(speed_of(6_000_000, 6_000_000, 62, 0), Some((0, 260)));
    assert_eq!(speed_of(6_000_000, 5_999_999, 60, 0), Some((1, 260)));
    assert_eq!(speed_of(24_000_000, 3_000_000, 1, 0), Some((3, 7979)));
    assert_eq!(speed_of(24_000_000, 2_999_999, 1, 0), None);
    assert_eq!(speed_of(24_000_000, 24_000_000, 1, 0), Some((0, 63830)));
    assert_eq!(speed_of(36_000_000, 36_000_000, 1, 0), None);
    assert_eq!(speed_of(6_000_000, 0, 30, 0), None);
    assert_eq!(speed_of(0, 0, 30, 0), None);
    assert_eq!(speed_of(6_000_000, 6_000_000, 0, 0), None);
    assert_eq!(speed_of(6_000_000, 6_000_000, 60, 3), Some((3, 260)));
    assert_eq!(speed_of(6_000_000, 6_000_000, 60, 4), None);
    let mut bus = bus(&[]);
    let limits = Limits { pixel_clock_hz: 1, frames_per_s: 30 };
    let refused = sensor_on(&bus).init(&Settings { limits, ..SETTINGS });
    assert_eq!(refused, Err(Error::Limits { clock_hz: 24_000_000 }));
    bus.done();
}

#[test]
fn steps_of_the_exposure_follow_the_clock() {
    // The rows of the maker's own table for rows of 375 periods at 6 MHz are 133 and 160.
    for (mains, rows) in [(Mains::Hz60, 133), (Mains::Hz50, 160)] {
        let values = speed_values(&Settings { mains, ..SETTINGS }, Speed { halvings: 2, rows: 260 });
        assert_eq!(values[8..], [(0x210f, 0), (0x2110, rows), (0x2111, 0), (0x2112, rows)]);
    }
}

#[test]
fn slowing_down_halves_the_clock_down_to_its_end() {
    let slower = writes(&[
        (0x3060, 0x08),
        (0x0340, 0x01),
        (0x0341, 0x0a),
        (0x0342, 0x01),
        (0x0343, 0x78),
        (0x2105, 0x01),
        (0x2106, 0x08),
        (0x210e, 0x03),
        (0x210f, 0x00),
        (0x2110, 66),
        (0x2111, 0x00),
        (0x2112, 66),
        (0x2100, 1),
        (0x0104, 1),
    ]);
    after_init(&slower, |sensor| {
        assert_eq!(sensor.frame_us(), Ok(33_338));
        assert_eq!(sensor.slow_down(), Ok(true));
        // 266 rows at half the clock: blank rows go first.
        assert_eq!(sensor.frame_us(), Ok(33_338));
        assert_eq!(sensor.slow_down(), Ok(false));
    });
}

#[test]
fn exposure_is_held_as_it_was_found_and_let_go() {
    let found = [(0x0202, 0x00), (0x0203, 0xf7), (0x0205, 0x20), (0x020e, 0x01), (0x020f, 0x40)];
    let mut steps: Vec<Step> = found.iter().map(|&(register, value)| read(register, value)).collect();
    steps.push(write(0x2100, 0));
    steps.extend(writes(&found));
    steps.extend(writes(&[(0x0104, 1), (0x2100, 1), (0x0104, 1)]));
    after_init(&steps, |sensor| {
        sensor.hold_exposure().unwrap();
        sensor.release_exposure().unwrap();
    });
}

#[test]
fn exposure_has_a_window_and_a_ceiling() {
    let steps = writes(&[(0x2101, 100), (0x2103, 5), (0x2104, 7), (0x2108, 4), (0x2109, 4), (0x0104, 1)]);
    after_init(&steps, |sensor| {
        let exposure = Exposure { mean: 100, tolerance: 6, ceiling: Gain::X16 };
        sensor.set_exposure(exposure).unwrap();
        let none = Exposure { tolerance: 0, ..exposure };
        assert_eq!(sensor.set_exposure(none), Err(Error::Exposure { mean: 100, tolerance: 0 }));
    });
    for (ceiling, value) in
        [(Gain::X2, 1), (Gain::X4, 2), (Gain::X8, 3), (Gain::X16, 4), (Gain::X32, 4), (Gain::X128, 4)]
    {
        let values = exposure_values(Exposure { ceiling, ..Exposure::DEFAULT }).unwrap();
        assert_eq!(values[3..], [(0x2108, value), (0x2109, value)]);
    }
}

#[test]
fn the_picture_is_turned() {
    for (is_mirrored, is_flipped, value) in
        [(false, false, 0), (true, false, 1), (false, true, 2), (true, true, 3)]
    {
        after_init(&writes(&[(0x0101, value), (0x0104, 1)]), |sensor| {
            sensor.set_orientation(Orientation { is_mirrored, is_flipped }).unwrap();
        });
    }
}

#[test]
fn patterns_and_standby_are_turned_on_and_off() {
    let untouched = [(0x2100, 0), (0x1000, 0), (0x1008, 0), (0x0205, 0), (0x020e, 1), (0x020f, 0)];
    let steps = [
        writes(&untouched),
        writes(&[(0x0601, 0x11), (0x0104, 1)]),
        writes(&untouched),
        writes(&[(0x0601, 0x01), (0x0104, 1)]),
        writes(&[(0x1000, 0x43), (0x1008, 0x01), (0x2100, 1), (0x0601, 0x00), (0x0104, 1)]),
        writes(&[(0x0100, 0), (0x0100, 1)]),
    ];
    after_init(&steps.concat(), |sensor| {
        sensor.set_test_pattern(Some(TestPattern::WalkingOnes)).unwrap();
        sensor.set_test_pattern(Some(TestPattern::Bars)).unwrap();
        sensor.set_test_pattern(None).unwrap();
        sensor.stop().unwrap();
        sensor.start().unwrap();
    });
}
