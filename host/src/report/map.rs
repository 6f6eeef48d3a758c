//! The memories of a board, to scale.

use anyhow::Result;

use super::canvas::{Anchor, Canvas, Ink, Plot, SMALL, TEXT, inks, plot, shortened};
use crate::inspect::map::{Content, MemoryMap, MemoryPart};
use crate::output::grouped;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 16.0;
const RIGHT: f64 = WIDTH - 16.0;
/// Height of a memory's bar, and of a line of text below it.
const BAR: f64 = 34.0;
const LINE: f64 = 22.0;
/// Least width of a part, so that it is seen.
const LEAST: f64 = 3.0;
/// Where addresses stand.
const ADDRESS: f64 = 270.0;

fn ink(content: Content) -> Ink {
    match content {
        Content::Firmware => inks::BLUE,
        Content::Image => inks::GREEN,
        Content::SecondSlot => inks::YELLOW,
        Content::Store => inks::VERMILION,
        Content::Keys => inks::BLACK,
        Content::Arena => inks::ORANGE,
        Content::Stack => inks::PURPLE,
        Content::Frame => inks::SKY,
        Content::Retained => inks::BLACK.alpha(0.6),
        Content::Statics => inks::GREY,
        Content::Free => inks::PALE,
    }
}

/// Draws a bar for each memory, whose length stands for all of its bytes, and below it a line for each part. What is taken of a part is
/// full, the rest pale.
///
/// # Errors
/// As [`plot`].
pub fn map(board: &str, image: &str, memories: &[MemoryMap]) -> Result<Plot> {
    let title = format!("Memories of {board} with {image}");
    let height = |map: &MemoryMap| 30.0 + BAR + 10.0 + LINE * map.parts.len() as f64 + 16.0;
    let whole = 44.0 + memories.iter().map(height).sum::<f64>();
    plot(&title, [WIDTH as u32, whole.ceil() as u32], |canvas| {
        let shown = shortened(&title, TEXT, RIGHT - LEFT);
        canvas.text([LEFT, 22.0], [Anchor::Left, Anchor::Middle], TEXT, inks::BLACK, &shown);
        let mut top = 44.0;
        for memory in memories {
            draw(canvas, memory, top);
            top += height(memory);
        }
    })
}

/// Left and right edges of the parts: to scale, but none narrower than [`LEAST`].
fn edges(memory: &MemoryMap) -> Vec<[f64; 2]> {
    let width = RIGHT - LEFT;
    let share = |part: &MemoryPart| part.bytes as f64 / memory.bytes.max(1) as f64 * width;
    let widths: Vec<f64> = memory.parts.iter().map(|part| share(part).max(LEAST)).collect();
    // What the narrow ones take is taken from all others.
    let wide: f64 = widths.iter().filter(|&&width| width > LEAST).sum();
    let narrow: f64 = widths.iter().filter(|&&width| width <= LEAST).sum();
    let factor = if wide > 0.0 { (width - narrow) / wide } else { 1.0 };
    let mut left = LEFT;
    let place = |part_width: f64| {
        let from = left;
        left += if part_width > LEAST { part_width * factor } else { part_width };
        [from, left]
    };
    widths.into_iter().map(place).collect()
}

fn draw(canvas: &mut Canvas<'_>, memory: &MemoryMap, top: f64) {
    let head =
        format!("{}, {} bytes from {:#010x}", memory.memory, grouped(memory.bytes as u64), memory.address);
    canvas.text([LEFT, top + 12.0], [Anchor::Left, Anchor::Middle], SMALL, inks::BLACK, &head);
    let (from, to) = (top + 26.0, top + 26.0 + BAR);
    for (index, (part, [left, right])) in memory.parts.iter().zip(edges(memory)).enumerate() {
        let ink = ink(part.part);
        let used = part.used_bytes.map_or(1.0, |used| (used as f64 / part.bytes.max(1) as f64).min(1.0));
        canvas.bar([left, from], [right, to], inks::WHITE);
        canvas.bar([left, from], [right, to], ink.alpha(0.25));
        canvas.bar([left, from], [left + (right - left) * used, to], ink);
        canvas.outline([left, from], [right, to], inks::BLACK.width(0.5));
        let y = to + 12.0 + LINE * index as f64 + LINE / 2.0;
        canvas.bar([LEFT, y - 6.0], [LEFT + 12.0, y + 6.0], ink);
        canvas.outline([LEFT, y - 6.0], [LEFT + 12.0, y + 6.0], inks::BLACK.width(0.5));
        let text = |canvas: &mut Canvas<'_>, x, text: &str| {
            canvas.text([x, y], [Anchor::Left, Anchor::Middle], SMALL, inks::BLACK, text);
        };
        text(canvas, LEFT + 20.0, part.part.name());
        let end = u64::from(part.address) + part.bytes as u64 - 1;
        text(canvas, ADDRESS, &format!("{:#010x} to {end:#010x}", part.address));
        let bytes = match part.used_bytes.filter(|_| part.part != Content::Free) {
            Some(used) => format!("{} of {}", grouped(used as u64), grouped(part.bytes as u64)),
            None => grouped(part.bytes as u64),
        };
        canvas.text([RIGHT, y], [Anchor::Right, Anchor::Middle], SMALL, inks::BLACK, &bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{BOARDS, Board};
    use crate::inspect::map::{UsedMemory, memories};

    fn texts(svg: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(svg).unwrap();
        let nodes = document.descendants().filter(|node| node.has_tag_name("text"));
        nodes.filter_map(|node| node.text()).map(|text| text.trim().to_string()).collect()
    }

    #[test]
    fn parts_fill_the_bar_in_order_and_the_smallest_is_seen() {
        for board in BOARDS.iter() {
            for memory in memories(board, &UsedMemory::default()) {
                let edges = edges(&memory);
                let (first, last) = (edges[0], edges[edges.len() - 1]);
                assert!((first[0] - LEFT).abs() < 1e-6 && (last[1] - RIGHT).abs() < 1e-6, "{}", board.name);
                for pair in edges.windows(2) {
                    assert_eq!(pair[0][1], pair[1][0]);
                }
                assert!(edges.iter().all(|[left, right]| right - left >= LEAST * 0.9), "{edges:?}");
            }
        }
    }

    #[test]
    fn every_part_has_a_line_and_names_are_escaped() {
        let board = Board::named("stm32h743").unwrap();
        let memories = memories(board, &UsedMemory { image_bytes: 1_338_096, ..UsedMemory::default() });
        let plot = map(&board.name, "<b>&.geode", &memories).unwrap();
        let texts = texts(&plot.svg);
        assert!(texts.iter().any(|text| text.contains("<b>&.geode")), "{texts:?}");
        for expected in ["keys", "second image", "1,338,096 of 3,932,160", "0x081e0000 to 0x081fffff"] {
            assert!(texts.iter().any(|text| text == expected), "{expected}: {texts:?}");
        }
        assert!(!plot.png.is_empty());
    }
}
