//! Gain of each channel from a table: the scaling of squeeze and excitation.

use crate::ensure;
use crate::kernels::Element;
use crate::quant::Stage;

/// One output row `[width][c]`: `bias + (x − zero_point) · gain`, requantised. A channel's gain is looked up in
/// `table` by its gate (entry 0 is for gate −128). `gates` is `[c]`, gains have 15 fractional bits, and `zero_point`
/// is the input's.
/// `None` when lengths do not agree, or the table has not 256 entries.
pub fn scale<I: Element, O: Element>(
    input: &[I],
    zero_point: i32,
    gates: &[i8],
    table: &[i16],
    stage: &Stage<'_>,
    output: &mut [O],
) -> Option<()> {
    let channels = stage.bias.len();
    let table: &[i16; 256] = table.try_into().ok()?;
    ensure(channels > 0 && gates.len() == channels && input.len() == output.len())?;
    ensure(output.len().is_multiple_of(channels))?;
    for (channel, &gate) in gates.iter().enumerate() {
        let gain: i32 = table[usize::from(gate.wrapping_sub(i8::MIN) as u8)].into();
        let stage = stage.channel(channel)?;
        let (output, input) = (output.iter_mut().skip(channel), input.iter().skip(channel));
        for (out, &value) in output.step_by(channels).zip(input.step_by(channels)) {
            let product = value.into().wrapping_sub(zero_point).wrapping_mul(gain);
            *out = O::from_i32(stage.requantise(stage.bias.wrapping_add(product)));
        }
    }
    Some(())
}
