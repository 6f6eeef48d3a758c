//! Gain of each channel from a table, channels side by side.

use super::Lanes;
use super::depthwise::End;
use crate::ensure;
use crate::kernels::Element;
use crate::quant::Stage;

/// [`crate::kernels::portable::scale`] of bytes with at least [`Lanes::LANES`] channels.
/// `None` when lengths do not agree, there are fewer channels, or the table has not 256 entries.
#[inline(always)]
pub fn scale<S: Lanes, O: Element>(
    set: S,
    input: &[i8],
    zero_point: i32,
    gates: &[i8],
    table: &[i16],
    stage: &Stage<'_>,
    output: &mut [O],
) -> Option<()> {
    let channels = stage.bias.len();
    let table: &[i16; 256] = table.try_into().ok()?;
    ensure(channels >= S::LANES && gates.len() == channels && input.len() == output.len())?;
    ensure(stage.positive.len() == channels && stage.negative.len() == channels)?;
    ensure(output.len().is_multiple_of(channels))?;
    for block in (0..channels).step_by(S::LANES) {
        // The last block may overlap the one before and compute some channels again.
        let first = block.min(channels - S::LANES);
        let end = End::new(set, stage, first);
        let (mut starts, mut gains) = ([0; 16], [0; 16]);
        let lanes = gates[first..first + S::LANES].iter().zip(&stage.bias[first..]);
        for ((start, factor), (&gate, &bias)) in starts.iter_mut().zip(&mut gains).zip(lanes) {
            *factor = table[usize::from(gate.wrapping_sub(i8::MIN) as u8)].into();
            // (x − zero_point) · gain, with the second product computed outside the loop.
            *start = bias.wrapping_sub(zero_point.wrapping_mul(*factor));
        }
        let (starts, gains) = (set.load(&starts), set.factors(set.load(&gains)));
        for (input, output) in input.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
            let sums = set.multiply_add(starts, set.widen(&input[first..]), gains);
            end.store(set, sums, &mut output[first..])?;
        }
    }
    Some(())
}
