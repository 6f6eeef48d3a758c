//! Values that every HM01B0 gets, in the order in which they are written.
//!
//! Registers that are a number have no meaning in the data sheet. Their values are the maker's, as the drivers of Zephyr,
//! OpenMV and TensorFlow hold them.

use super::registers::*;

/// Registers and values. The exposure is not automatic yet, and no frame is sent.
pub const VALUES: [(u16, u8); 43] = [
    // Reserved: analogue part.
    (0x3044, 0x0a),
    (0x3045, 0x00),
    (0x3047, 0x0a),
    (0x3050, 0xc0),
    (0x3051, 0x42),
    (0x3052, 0x50),
    (0x3053, 0x00),
    (0x3054, 0x03),
    (0x3055, 0xf7),
    (0x3056, 0xf8),
    (0x3057, 0x29),
    (0x3058, 0x1f),
    (0x3064, 0x00),
    (0x3065, 0x04),
    // The clock comes from outside; its edge.
    (ANA_REGISTER_17, 0x00),
    (PCLK_POLARITY, 0x21),
    // Black level. 0x1001, 0x1002 and 0x0350 are reserved.
    (BLC_TGT, 0x08),
    (BLC2_TGT, 0x08),
    (BLC_CFG, BLC_ON),
    (0x1001, 0x40),
    (0x1002, 0x32),
    (0x0350, 0x7f),
    (BLI_EN, 0x01),
    // Bad pixels of a grey sensor. 0x1009 and 0x100a are thresholds of clusters.
    (DPC_CTRL, DPC_MONO),
    (0x1009, 0xa0),
    (0x100a, 0x60),
    (SINGLE_THR_HOT, 0x90),
    (SINGLE_THR_COLD, 0x40),
    // VSYNC and HSYNC are not shifted. Luminance is measured; motion is not.
    (VSYNC_HSYNC_PIXEL_SHIFT_EN, 0x00),
    (STATISTIC_CTRL, 0x07),
    (MD_CTRL, 0x00),
    // Bounds of the automatic exposure that no setting changes: digital gain at most twice.
    (AE_MIN_MEAN, 0x0a),
    (MIN_INTG, 0x02),
    (MIN_AGAIN, 0x00),
    (MAX_DGAIN, 0x80),
    (MIN_DGAIN, 0x40),
    (DAMPING_FACTOR, 0x20),
    // 324×244 without binning, eight bits over eight wires.
    (QVGA_WIN_EN, 0x01),
    (READOUT_X, 0x01),
    (READOUT_Y, 0x01),
    (BINNING_MODE, 0x00),
    (SIX_BIT_MODE_EN, 0x70),
    (BIT_CONTROL, 0x02),
];

/// Black level as [`VALUES`] have it.
pub const BLC_ON: u8 = 0x43;

/// What would change the bits of a test pattern is off: automatic exposure, black level, bad pixels, gains.
pub const UNTOUCHED: [(u16, u8); 6] = [
    (AE_CTRL, 0x00),
    (BLC_CFG, 0x00),
    (DPC_CTRL, 0x00),
    (ANALOG_GAIN, 0x00),
    (DIGITAL_GAIN_H, 0x01),
    (DIGITAL_GAIN_L, 0x00),
];

/// The picture again after [`UNTOUCHED`].
pub const PICTURE: [(u16, u8); 3] = [(BLC_CFG, BLC_ON), (DPC_CTRL, DPC_MONO), (AE_CTRL, 0x01)];
