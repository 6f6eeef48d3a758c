//! Registers of the OV2640, by the data sheet's names. Two banks share the addresses; a register selects one.

/// A bank of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bank {
    /// The processor that scales and converts the picture.
    Dsp = 0,
    /// The array of pixels, its clock and its exposure.
    Sensor = 1,
}

/// Selects the bank; the same in both.
pub const BANK_SEL: u8 = 0xff;

/// Registers of [`Bank::Dsp`].
pub mod dsp {
    /// Whether the picture goes round the DSP.
    pub const R_BYPASS: u8 = 0x05;
    pub const R_BYPASS_OFF: u8 = 0x00;
    /// Division and rounding before the zoom.
    pub const CTRLI: u8 = 0x50;
    pub const CTRLI_LP_DP: u8 = 0x80;
    /// Width and height of the window that is scaled, by 4.
    pub const HSIZE: u8 = 0x51;
    pub const VSIZE: u8 = 0x52;
    /// Start of that window.
    pub const XOFFL: u8 = 0x53;
    pub const YOFFL: u8 = 0x54;
    /// Upper bits of the four before.
    pub const VHYX: u8 = 0x55;
    pub const TEST: u8 = 0x57;
    /// Width and height that are sent, by 4, and their upper bits.
    pub const ZMOW: u8 = 0x5a;
    pub const ZMOH: u8 = 0x5b;
    pub const ZMHH: u8 = 0x5c;
    /// Address and data of the effects' own registers.
    pub const BPADDR: u8 = 0x7c;
    pub const BPDATA: u8 = 0x7d;
    /// Parts that are on.
    pub const CTRL2: u8 = 0x86;
    pub const CTRL2_DCW: u8 = 0x20;
    pub const CTRL2_SDE: u8 = 0x10;
    pub const CTRL2_UV_ADJ: u8 = 0x08;
    pub const CTRL2_UV_AVG: u8 = 0x04;
    pub const CTRL2_CMX: u8 = 0x01;
    pub const CTRL3: u8 = 0x87;
    pub const CTRL3_BPC: u8 = 0x80;
    pub const CTRL3_WPC: u8 = 0x40;
    /// Lower bits of the array's size.
    pub const SIZEL: u8 = 0x8c;
    /// Width and height of the array's picture, by 8.
    pub const HSIZE8: u8 = 0xc0;
    pub const VSIZE8: u8 = 0xc1;
    /// Parts that are on.
    pub const CTRL0: u8 = 0xc2;
    pub const CTRL0_YUV422: u8 = 0x08;
    pub const CTRL0_YUV: u8 = 0x04;
    pub const CTRL0_RGB: u8 = 0x02;
    pub const CTRL1: u8 = 0xc3;
    pub const CTRL1_ALL_BUT_LENS: u8 = 0xfd;
    /// Speed of the port.
    pub const R_DVP_SP: u8 = 0xd3;
    pub const R_DVP_SP_AUTO: u8 = 0x80;
    /// Format that is sent.
    pub const IMAGE_MODE: u8 = 0xda;
    pub const IMAGE_MODE_YUV422: u8 = 0x00;
    pub const IMAGE_MODE_RGB565: u8 = 0x08;
    pub const IMAGE_MODE_LOW_BYTE_FIRST: u8 = 0x01;
    /// Parts that are held in reset.
    pub const RESET: u8 = 0xe0;
    pub const RESET_JPEG: u8 = 0x10;
    pub const RESET_DVP: u8 = 0x04;
    /// The microcontroller, which is not used.
    pub const MC_BIST: u8 = 0xf9;
    pub const MC_BIST_RESET: u8 = 0x80;
    pub const MC_BIST_BOOT_ROM: u8 = 0x40;
}

/// Registers of [`Bank::Sensor`].
pub mod sensor {
    /// Dummy frames, which lower the frame rate in the dark, and lower bits of the rows' window.
    pub const COM1: u8 = 0x03;
    /// Mirror, flip, and the lowest bits of the exposure.
    pub const REG04: u8 = 0x04;
    pub const REG04_BASE: u8 = 0x28;
    pub const REG04_MIRROR: u8 = 0x80;
    pub const REG04_FLIP: u8 = 0x40;
    /// Shifts the first row, so that colours stay right when flipped.
    pub const REG04_VREF: u8 = 0x10;
    /// Standby, and strength of the outputs.
    pub const COM2: u8 = 0x09;
    pub const COM2_STANDBY: u8 = 0x10;
    pub const COM2_DRIVE_X3: u8 = 0x02;
    /// Product: 0x2641 or 0x2642.
    pub const PIDH: u8 = 0x0a;
    pub const PIDL: u8 = 0x0b;
    /// Banding.
    pub const COM3: u8 = 0x0c;
    pub const COM3_BASE: u8 = 0x38;
    pub const COM3_50_HZ: u8 = 0x04;
    /// Division of the clock, less 1.
    pub const CLKRC: u8 = 0x11;
    /// Reset, size of the array's picture, colour bars.
    pub const COM7: u8 = 0x12;
    pub const COM7_RESET: u8 = 0x80;
    pub const COM7_CIF: u8 = 0x20;
    pub const COM7_BARS: u8 = 0x02;
    /// What is automatic.
    pub const COM8: u8 = 0x13;
    pub const COM8_BASE: u8 = 0xc0;
    pub const COM8_BANDING: u8 = 0x20;
    pub const COM8_GAIN: u8 = 0x04;
    pub const COM8_EXPOSURE: u8 = 0x01;
    /// Ceiling of the gain in bits 7–5.
    pub const COM9: u8 = 0x14;
    pub const COM9_BASE: u8 = 0x08;
    /// Window of the array that is read.
    pub const HSTART: u8 = 0x17;
    pub const HSTOP: u8 = 0x18;
    pub const VSTART: u8 = 0x19;
    pub const VSTOP: u8 = 0x1a;
    /// Maker: 0x7fa2.
    pub const MIDH: u8 = 0x1c;
    pub const MIDL: u8 = 0x1d;
    /// Highest and lowest luminance at which exposure and gain stay.
    pub const AEW: u8 = 0x24;
    pub const AEB: u8 = 0x25;
    /// Luminance beyond which they change in large steps, by 16: above it the upper half, below it the lower half.
    pub const VV: u8 = 0x26;
    /// Lower bits of the columns' window, and division of the pixel clock.
    pub const REG32: u8 = 0x32;
    pub const ARCOM2: u8 = 0x34;
    /// Upper bits of the banding steps: 50 Hz in bits 7–6, 60 Hz in bits 5–4.
    pub const COM25: u8 = 0x4e;
    /// Rows of a banding step at 50 Hz and at 60 Hz.
    pub const BD50: u8 = 0x4f;
    pub const BD60: u8 = 0x50;
    /// Most banding steps, less 1: at 50 Hz the upper half, at 60 Hz the lower half.
    pub const REG5A: u8 = 0x5a;
    /// Weights of 16 zones, two bits each, four zones of a row in a register.
    pub const REG5D: u8 = 0x5d;
    pub const REG5E: u8 = 0x5e;
    pub const REG5F: u8 = 0x5f;
    pub const REG60: u8 = 0x60;
    pub const HISTO_LOW: u8 = 0x61;
    pub const HISTO_HIGH: u8 = 0x62;
}
