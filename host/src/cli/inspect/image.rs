//! `host inspect IMAGE`: what is printed of a flash image.

use std::fmt::{self, Write as _};
use std::path::Path;

use host::inspect::image::{FrameNeeds, ImageInspection, NetworkRow, SignatureRow, StoreRow};

pub fn print(out: &mut String, path: &Path, inspection: &ImageInspection) -> fmt::Result {
    writeln!(out, "{}, {} bytes", path.display(), inspection.image_bytes)?;
    match &inspection.signature {
        Some(SignatureRow { version, key, is_sound: true }) => {
            writeln!(out, "signed as version {version} with the key {key}")?;
        }
        Some(SignatureRow { version, .. }) => {
            writeln!(out, "signed as version {version}, but not this image: it was changed after signing")?;
        }
        None => writeln!(out, "not signed")?,
    }
    writeln!(
        out,
        "\n  {:10} {:>14} {:>7} {:>8} {:>10} {:>10}  name",
        "network", "picture", "layers", "M MACs", "arena", "flash"
    )?;
    for NetworkRow { role, network, input: [h, w, c], layers, macs, arena_bytes, section_bytes } in
        &inspection.networks
    {
        writeln!(
            out,
            "  {role:10} {:>14} {layers:>7} {:>8.1} {arena_bytes:>8} B {section_bytes:>8} B  {network}",
            format!("{h}×{w}×{c}"),
            *macs as f64 / 1e6
        )?;
    }
    writeln!(out, "\n  arena       {} bytes of RAM, one for all networks", inspection.arena_bytes)?;
    if let Some(FrameNeeds { size: [width, height], colour_bytes, grey_bytes, is_colour }) = inspection.frame
    {
        let needed = if is_colour { "colour" } else { "grey" };
        writeln!(
            out,
            "  frame       {width}×{height}: {colour_bytes} bytes in colour, {grey_bytes} in grey; these networks need {needed}"
        )?;
    } else {
        writeln!(out, "  frame       none: the image has no eyes")?;
    }
    for row in &inspection.boards {
        writeln!(
            out,
            "\n  {} at {} MHz: {} of {} bytes of RAM (arena, stack {}), {} bytes for \
             frames, {} bytes of flash with the firmware{}",
            row.board,
            row.clock_mhz,
            row.ram_bytes,
            row.ram_room,
            row.stack_bytes,
            row.frame_room,
            row.flash_bytes,
            if row.fits { "" } else { "; does not fit" }
        )?;
        for step in &row.steps {
            let [low, high] = step.ms;
            let passes = if step.passes == 1 { String::new() } else { format!(", {} passes", step.passes) };
            writeln!(
                out,
                "    {:12} {:>8.1} M instructions {low:>7.0} to {high:>5.0} ms{passes}",
                step.step,
                step.instructions / 1e6
            )?;
        }
        let sum = |bound: usize| row.steps.iter().map(|step| step.ms[bound]).sum::<f64>();
        let instructions: f64 = row.steps.iter().map(|step| step.instructions).sum();
        writeln!(
            out,
            "    {:12} {:>8.1} M instructions {:>7.0} to {:>5.0} ms",
            "together",
            instructions / 1e6,
            sum(0),
            sum(1)
        )?;
        if let Some(StoreRow { bytes, people, cycles, changes, attempts }) = row.store {
            writeln!(
                out,
                "    {:12} {people} people with three centres each in {bytes} bytes; {changes} changes or {attempts} \
                 attempts until a page was erased {cycles} times",
                "store"
            )?;
        }
        for excess in &row.excesses {
            writeln!(out, "    {} cannot run it: {excess}", row.board)?;
        }
    }
    writeln!(
        out,
        "\n  Estimates of the networks' layers: fitted to counts under emulation and to models of the cores; from memory that\n  \
         never waits to weights in quad serial flash. Cutting pictures from a frame adds some per cent. A board scans every\n  \
         frame, and does the rest once for each person."
    )
}
