//! How many frames a second this computer sees, with the device's own code and kernels, and no camera that it waits for.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use app::Recogniser;
use app::sight::{Followed, see};
use link::message::{Attention, SightCost};
use vision::Frame;

use crate::board::{ARENA_BYTES, Nanoseconds};
use crate::camera::Film;
use crate::state::read_image;

/// How long each measurement lasts at least.
const LEAST: Duration = Duration::from_secs(3);

/// Sees all frames of a video again and again, and prints the mean of a frame.
///
/// # Errors
/// When image or video cannot be used.
pub fn run(image: &Path, video: &Path) -> Result<()> {
    let bytes = read_image(image)?;
    let mut film = Film::of_file(video, false)?;
    let mut frames = Vec::new();
    while let Some(pixels) = film.next()? {
        frames.push(pixels);
    }
    let mut arena = vec![0u128; ARENA_BYTES / 16];
    let arena: &mut [u8] = bytemuck::cast_slice_mut(&mut arena);
    let recogniser =
        Recogniser::new(bytes.bytes(), arena).map_err(|error| anyhow!("{}: {error}", image.display()))?;
    let eyes = recogniser.eyes();
    let eyes = eyes.with_context(|| format!("{} has no eyes; `host export` adds them", image.display()))?;
    let taken = film.taken();
    let stride = usize::from(taken.width) * taken.format.pixel_bytes();
    println!("{} frames of {}×{} pixels", frames.len(), taken.width, taken.height);
    // As when a face is only followed, and as when somebody is decided on in each frame.
    for (what, attention) in
        [("to find faces", Attention::Video { steady: u8::MAX }), ("to decide on each", Attention::Photo)]
    {
        let (mut cost, mut count, mut decided) = (SightCost::default(), 0u64, 0u64);
        let start = Instant::now();
        while start.elapsed() < LEAST {
            let mut followed = Followed::default();
            for pixels in &frames {
                let frame = Frame::new_checked(pixels, taken.width, taken.height, stride, taken.format)
                    .map_err(|error| anyhow!("{}: {error}", video.display()))?;
                let seen =
                    see(&recogniser, eyes, &frame, attention, &mut followed, arena, &mut Nanoseconds::new());
                let seen = seen.map_err(|error| anyhow!("{}: {error}", image.display()))?;
                let look = seen.face.as_ref().and_then(|face| face.look.as_ref());
                decided += u64::from(look.is_some_and(|look| look.decided.is_some()));
                count += 1;
                cost.scan_instructions += seen.cost.scan_instructions;
                cost.look_instructions += seen.cost.look_instructions;
                cost.crop_instructions += seen.cost.crop_instructions;
                cost.embed_instructions += seen.cost.embed_instructions;
                cost.match_instructions += seen.cost.match_instructions;
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        ensure!(count > 0, "{}: it has no frames", video.display());
        let ms = |nanoseconds: u64, of: u64| nanoseconds as f64 / 1e6 / of.max(1) as f64;
        println!(
            "{what}: {:.1} frames a second, {:.2} ms a frame",
            count as f64 / seconds,
            1e3 * seconds / count as f64
        );
        println!("  {:.2} ms to search a frame", ms(cost.scan_instructions, count));
        if decided > 0 {
            println!("  {decided} of {count} frames were decided on; of one of these:");
            println!("  {:.2} ms to examine the face", ms(cost.look_instructions, decided));
            println!("  {:.2} ms to cut it out", ms(cost.crop_instructions, decided));
            println!("  {:.2} ms to embed it", ms(cost.embed_instructions, decided));
            println!("  {:.3} ms to match it", ms(cost.match_instructions, decided));
        }
    }
    Ok(())
}
