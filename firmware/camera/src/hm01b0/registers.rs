//! Registers of the HM01B0, by the data sheet's names. Addresses have 16 bits, values 8.

pub const MODEL_ID_H: u16 = 0x0000;
pub const MODEL_ID_L: u16 = 0x0001;
/// Whether frames are sent.
pub const MODE_SELECT: u16 = 0x0100;
pub const MODE_STANDBY: u8 = 0x00;
pub const MODE_STREAMING: u8 = 0x01;
pub const IMG_ORIENTATION: u16 = 0x0101;
pub const ORIENTATION_MIRROR: u8 = 0x01;
pub const ORIENTATION_FLIP: u8 = 0x02;
pub const SW_RESET: u16 = 0x0103;
/// What was written is used from the next frame on.
pub const GRP_PARAM_HOLD: u16 = 0x0104;
pub const GRP_PARAM_USE: u8 = 0x01;
/// Exposure in rows, and gains.
pub const INTEGRATION_H: u16 = 0x0202;
pub const INTEGRATION_L: u16 = 0x0203;
pub const ANALOG_GAIN: u16 = 0x0205;
pub const DIGITAL_GAIN_H: u16 = 0x020e;
pub const DIGITAL_GAIN_L: u16 = 0x020f;
/// Rows of a frame and periods of a row, with those that are not sent.
pub const FRAME_LEN_LINES_H: u16 = 0x0340;
pub const FRAME_LEN_LINES_L: u16 = 0x0341;
pub const LINE_LEN_PCK_H: u16 = 0x0342;
pub const LINE_LEN_PCK_L: u16 = 0x0343;
/// Binning; 1, 1 and 0 are none.
pub const READOUT_X: u16 = 0x0383;
pub const READOUT_Y: u16 = 0x0387;
pub const BINNING_MODE: u16 = 0x0390;
pub const TEST_PATTERN_MODE: u16 = 0x0601;
pub const TEST_PATTERN_OFF: u8 = 0x00;
pub const TEST_PATTERN_BARS: u8 = 0x01;
pub const TEST_PATTERN_WALKING_ONES: u8 = 0x11;
/// Black level: on, target; and its twin for bright scenes.
pub const BLC_CFG: u16 = 0x1000;
pub const BLC_TGT: u16 = 0x1003;
pub const BLI_EN: u16 = 0x1006;
pub const BLC2_TGT: u16 = 0x1007;
/// Pixels that are always bright or dark.
pub const DPC_CTRL: u16 = 0x1008;
pub const DPC_MONO: u8 = 0x01;
pub const SINGLE_THR_HOT: u16 = 0x100b;
pub const SINGLE_THR_COLD: u16 = 0x100c;
pub const VSYNC_HSYNC_PIXEL_SHIFT_EN: u16 = 0x1012;
pub const STATISTIC_CTRL: u16 = 0x2000;
/// Automatic exposure.
pub const AE_CTRL: u16 = 0x2100;
pub const AE_TARGET_MEAN: u16 = 0x2101;
pub const AE_MIN_MEAN: u16 = 0x2102;
/// Distance from the target at which the exposure stops to change, and at which it starts again.
pub const CONVERGE_IN_TH: u16 = 0x2103;
pub const CONVERGE_OUT_TH: u16 = 0x2104;
/// Longest and shortest exposure in rows.
pub const MAX_INTG_H: u16 = 0x2105;
pub const MAX_INTG_L: u16 = 0x2106;
pub const MIN_INTG: u16 = 0x2107;
/// Highest gain, as a power of two.
pub const MAX_AGAIN_FULL: u16 = 0x2108;
pub const MAX_AGAIN_BIN2: u16 = 0x2109;
pub const MIN_AGAIN: u16 = 0x210a;
/// Digital gain; 0x40 is once.
pub const MAX_DGAIN: u16 = 0x210b;
pub const MIN_DGAIN: u16 = 0x210c;
pub const DAMPING_FACTOR: u16 = 0x210d;
/// Steps of the exposure that lamps need, in rows.
pub const FS_CTRL: u16 = 0x210e;
pub const FS_60HZ_H: u16 = 0x210f;
pub const FS_60HZ_L: u16 = 0x2110;
pub const FS_50HZ_H: u16 = 0x2111;
pub const FS_50HZ_L: u16 = 0x2112;
/// Detection of motion.
pub const MD_CTRL: u16 = 0x2150;
/// 1: 324×244 of 324×324 pixels.
pub const QVGA_WIN_EN: u16 = 0x3010;
pub const SIX_BIT_MODE_EN: u16 = 0x3011;
/// Width of the port; 0x02 is eight bits.
pub const BIT_CONTROL: u16 = 0x3059;
/// Division of the clock: 3, 2, 1, 0 in bits 1–0 divide by 1, 2, 4, 8; 2 in bits 3–2 leaves the registers' clock whole.
pub const OSC_CLK_DIV: u16 = 0x3060;
pub const OSC_CLK_DIV_BASE: u8 = 0x08;
/// 0: the clock comes from outside.
pub const ANA_REGISTER_17: u16 = 0x3067;
/// Edge of the pixel clock.
pub const PCLK_POLARITY: u16 = 0x3068;
