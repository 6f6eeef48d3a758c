//! Values that every OV2640 gets, in the order in which they are written.
//!
//! Registers that are a number have no meaning in the data sheet. Their values are the maker's, as the drivers of Linux,
//! OpenMV and Espressif hold them; where these differ by the size of the array's picture, those of CIF are here.

use super::registers::dsp::*;
use super::registers::sensor::*;
use super::registers::{Bank, dsp};

/// Values for one bank.
pub struct Group {
    /// The bank.
    pub bank: Bank,
    /// Registers and values.
    pub values: &'static [(u8, u8)],
}

const fn dsp(values: &'static [(u8, u8)]) -> Group {
    Group { bank: Bank::Dsp, values }
}

const fn sensor(values: &'static [(u8, u8)]) -> Group {
    Group { bank: Bank::Sensor, values }
}

/// No picture leaves the chip while its port is in reset.
pub const PORT_OFF: Group = dsp(&[(dsp::RESET, RESET_JPEG | RESET_DVP)]);

/// The picture goes through the DSP to the port.
pub const PORT_ON: Group = dsp(&[(dsp::RESET, 0), (R_BYPASS, R_BYPASS_OFF)]);

/// What all formats and settings share.
pub const GROUPS: [Group; 12] = [
    // Reserved.
    dsp(&[(0x2c, 0xff), (0x2e, 0xdf)]),
    // The array is read as CIF, 400×296: the whole view. No dummy frames. The array's clock is halved.
    sensor(&[
        (COM7, COM7_CIF),
        (COM1, 0x0a),
        (REG32, 0x89),
        (HSTART, 0x11),
        (HSTOP, 0x43),
        (VSTART, 0x00),
        (VSTOP, 0x25),
    ]),
    // Strength of the outputs.
    sensor(&[(COM2, COM2_DRIVE_X3)]),
    // Reserved: analogue part, the same for all sizes.
    sensor(&[
        (0x3c, 0x32),
        (0x2c, 0x0c),
        (0x33, 0x78),
        (0x3a, 0x33),
        (0x3b, 0xfb),
        (0x3e, 0x00),
        (0x43, 0x11),
        (0x16, 0x10),
        (0x4a, 0x81),
        (0x21, 0x99),
        (0x5c, 0x00),
        (0x63, 0x00),
        (0x7c, 0x05),
        (0x20, 0x80),
        (0x28, 0x30),
        (0x6c, 0x00),
        (0x6e, 0x00),
        (0x70, 0x02),
        (0x71, 0x94),
        (0x73, 0xc1),
    ]),
    // Reserved: analogue part of CIF.
    sensor(&[
        (0x6d, 0x00),
        (0x3d, 0x38),
        (0x39, 0x92),
        (0x35, 0xda),
        (0x22, 0x1a),
        (0x37, 0xc3),
        (0x23, 0x00),
        (ARCOM2, 0xc0),
        (0x06, 0x88),
        (0x07, 0xc0),
        (0x0d, 0x87),
        (0x0e, 0x41),
        (0x4c, 0x00),
    ]),
    // Luminance is measured with weight 1 at the border and 3 in the middle, where a face is.
    sensor(&[
        (REG5D, 0x55),
        (REG5E, 0x7d),
        (REG5F, 0x7d),
        (REG60, 0x55),
        (HISTO_LOW, 0x70),
        (HISTO_HIGH, 0x80),
    ]),
    // The microcontroller rests; correction of black and white pixels is on; the rest is reserved.
    dsp(&[
        (0xe5, 0x7f),
        (MC_BIST, MC_BIST_RESET | MC_BIST_BOOT_ROM),
        (0x41, 0x24),
        (0x76, 0xff),
        (0x33, 0xa0),
        (0x42, 0x20),
        (0x43, 0x18),
        (0x4c, 0x00),
        (CTRL3, CTRL3_BPC | CTRL3_WPC | 0x10),
        (0x88, 0x3f),
        (0xd7, 0x03),
        (0xd9, 0x10),
        (0xc8, 0x08),
        (0xc9, 0x80),
    ]),
    // Effects: no effect, usual saturation. The data register moves on to the next address.
    dsp(&[
        (BPADDR, 0x00),
        (BPDATA, 0x00),
        (BPADDR, 0x03),
        (BPDATA, 0x48),
        (BPDATA, 0x48),
        (BPADDR, 0x08),
        (BPDATA, 0x20),
        (BPDATA, 0x10),
        (BPDATA, 0x0e),
    ]),
    // Three reserved tables, each an address and then its data: the tone curve, and what sharpens and denoises.
    dsp(&[
        (0x90, 0x00),
        (0x91, 0x0e),
        (0x91, 0x1a),
        (0x91, 0x31),
        (0x91, 0x5a),
        (0x91, 0x69),
        (0x91, 0x75),
        (0x91, 0x7e),
        (0x91, 0x88),
        (0x91, 0x8f),
        (0x91, 0x96),
        (0x91, 0xa3),
        (0x91, 0xaf),
        (0x91, 0xc4),
        (0x91, 0xd7),
        (0x91, 0xe8),
        (0x91, 0x20),
        (0x92, 0x00),
        (0x93, 0x06),
        (0x93, 0xe3),
        (0x93, 0x03),
        (0x93, 0x03),
        (0x93, 0x00),
        (0x93, 0x02),
        (0x93, 0x00),
        (0x93, 0x00),
        (0x93, 0x00),
        (0x93, 0x00),
        (0x93, 0x00),
        (0x93, 0x00),
        (0x93, 0x00),
        (0x96, 0x00),
        (0x97, 0x08),
        (0x97, 0x19),
        (0x97, 0x02),
        (0x97, 0x0c),
        (0x97, 0x24),
        (0x97, 0x30),
        (0x97, 0x28),
        (0x97, 0x26),
        (0x97, 0x02),
        (0x97, 0x98),
        (0x97, 0x80),
        (0x97, 0x00),
        (0x97, 0x00),
    ]),
    // Reserved: white balance, found from the picture (0xc7).
    dsp(&[
        (0xa4, 0x00),
        (0xa8, 0x00),
        (0xc5, 0x11),
        (0xc6, 0x51),
        (0xbf, 0x80),
        (0xc7, 0x10),
        (0xb6, 0x66),
        (0xb8, 0xa5),
        (0xb7, 0x64),
        (0xb9, 0x7c),
        (0xb3, 0xaf),
        (0xb4, 0x97),
        (0xb5, 0xff),
        (0xb0, 0xc5),
        (0xb1, 0x94),
        (0xb2, 0x0f),
        (0xc4, 0x5c),
    ]),
    // All parts but the correction of the lens, whose values depend on the lens.
    dsp(&[
        (CTRL0, CTRL0_YUV422 | CTRL0_YUV | CTRL0_RGB),
        (CTRL1, CTRL1_ALL_BUT_LENS),
        (0x7f, 0x00),
        (0xe5, 0x1f),
        (0xdd, 0x7f),
    ]),
    // From 400×296, all of it, to 320×240. The chip chooses the speed of the port.
    dsp(&[
        (HSIZE8, 0x32),
        (VSIZE8, 0x25),
        (SIZEL, 0x00),
        (HSIZE, 0x64),
        (VSIZE, 0x4a),
        (XOFFL, 0x00),
        (YOFFL, 0x00),
        (VHYX, 0x00),
        (TEST, 0x00),
        (CTRL2, CTRL2_DCW | CTRL2_SDE | CTRL2_UV_ADJ | CTRL2_UV_AVG | CTRL2_CMX),
        (CTRLI, CTRLI_LP_DP),
        (ZMOW, 0x50),
        (ZMOH, 0x3c),
        (ZMHH, 0x00),
        (R_DVP_SP, R_DVP_SP_AUTO | 0x02),
    ]),
];
