//! The arena over time: the place of each ring of rows, and the time it is in use.

use anyhow::Result;
use format::layer::{Layer, Operator};
use format::network::Model;
use nn::stream::{Order, Step, state_elements};

use super::Figures;
use super::axes::{Axis, Frame, thousands};
use super::canvas::{Anchor, Ink, Plot, SMALL, inks, nothing, plot, shortened, text_width};

const TITLE: &str = "Memory over time";
/// Neighbours in time get different colours; text on them is black.
const INKS: [Ink; 6] = [inks::SKY, inks::ORANGE, inks::GREEN, inks::YELLOW, inks::PURPLE, inks::BLUE];
/// Most rings that are listed.
const MOST_ROWS: usize = 15;

/// A ring of rows. A step is the making of one row of one layer. Where blocks overlap, one grows into rows of the
/// other that are no longer needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Names of the tensors in the ring.
    pub name: String,
    /// Start in the arena.
    pub offset_bytes: usize,
    /// Length in bytes.
    pub bytes: usize,
    /// First step that uses it.
    pub start_step: usize,
    /// The step after the last step that uses it.
    pub end_step: usize,
}

/// A network's memory, from the first row to the embedding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arena {
    /// The rings.
    pub blocks: Vec<Block>,
    /// Bytes of the arena.
    pub total_bytes: usize,
    /// Steps of one embedding.
    pub steps: usize,
    /// Steps that complete a barrier of the plan.
    pub barriers: Vec<usize>,
}

impl Arena {
    /// The memory of a checked model, by a dry run. `name` gives the layers' names. An addition that replaces an input
    /// shares its block.
    pub fn of(model: &Model<'_>, name: impl Fn(usize) -> String) -> Self {
        let layers: Vec<Layer> = model.layers().collect();
        let place = |tensor: usize| {
            let output = &layers[tensor].output;
            (output.offset, output.ring, output.element)
        };
        // For every tensor, the tensor whose ring it shares.
        let mut owner: Vec<usize> = (0..layers.len()).collect();
        for (index, layer) in layers.iter().enumerate() {
            if layer.operator == Operator::Add
                && let Some(input) =
                    layer.inputs().iter().map(|&i| usize::from(i)).find(|&i| place(i) == place(index))
            {
                owner[index] = owner[input];
            }
        }
        // First and last step of every ring, and the layer of every step.
        let mut alive: Vec<Option<[usize; 2]>> = vec![None; layers.len()];
        let mut made: Vec<u16> = Vec::new();
        let mut state = vec![0; state_elements(layers.len())];
        let mut order = Order::new(model, &mut state).expect("state for all layers");
        while let Step::Row(layer, _) = order.step().expect("a network that was checked") {
            let step = made.len();
            for used in layers[layer].inputs().iter().map(|&input| usize::from(input)).chain([layer]) {
                alive[owner[used]].get_or_insert([step, step])[1] = step;
            }
            made.push(layer as u16);
        }
        let steps = made.len();
        // Outputs are read after the last step.
        for output in model.outputs() {
            if let Some([_, last]) = alive[owner[usize::from(output.tensor)]].as_mut() {
                *last = steps;
            }
        }
        let blocks = alive.iter().enumerate().filter_map(|(ring, alive)| {
            let [start_step, last] = (*alive)?;
            let output = &layers[ring].output;
            let names: Vec<String> = (0..layers.len()).filter(|&t| owner[t] == ring).map(&name).collect();
            Some(Block {
                name: names.join(", "),
                offset_bytes: model.state_bytes() + output.offset as usize,
                bytes: output.ring_bytes(),
                start_step,
                end_step: (last + 1).min(steps),
            })
        });
        let complete = |barrier: u16| made.iter().rposition(|&layer| layer == barrier).map(|step| step + 1);
        Arena {
            blocks: blocks.collect(),
            total_bytes: model.arena_bytes(),
            steps,
            barriers: (0..model.barrier_count())
                .map(|number| model.barrier(number))
                .filter_map(complete)
                .collect(),
        }
    }

    /// Bytes of the rings in use at a step.
    pub fn used(&self, step: usize) -> usize {
        let used = self.blocks.iter().filter(|block| (block.start_step..block.end_step).contains(&step));
        used.map(|block| block.bytes).sum()
    }
}

/// Draws every block as a rectangle of its bytes and its time.
///
/// # Errors
/// As [`plot`].
pub fn timeline(data: &Arena) -> Result<Plot> {
    if data.blocks.is_empty() || data.steps == 0 {
        return nothing(TITLE, "no tensor is ever made");
    }
    plot(TITLE, [640, 460], |canvas| {
        const KIB: f64 = 1024.0;
        let total = data.total_bytes.max(1) as f64;
        let end = data.blocks.iter().map(|block| block.offset_bytes + block.bytes).max().unwrap_or(0) as f64;
        let top = end.max(total) * 1.1 / KIB;
        let unit = if top < 4.0 { 1 } else { 0 };
        let frame = Frame {
            from: [80.0, 12.0],
            to: [626.0, 404.0],
            x: Axis::linear("rows made, all layers together", [0.0, data.steps as f64], 0),
            y: Axis::linear("place in the arena (KiB)", [0.0, top], unit),
        };
        frame.draw(canvas);
        let corners = |block: &Block| {
            let [low, high] = [block.offset_bytes, block.offset_bytes + block.bytes].map(|b| b as f64 / KIB);
            [frame.at(block.start_step as f64, high), frame.at(block.end_step as f64, low)]
        };
        let mut blocks: Vec<&Block> = data.blocks.iter().collect();
        blocks.sort_by_key(|block| block.start_step);
        for (index, block) in blocks.iter().enumerate() {
            let [from, to] = corners(block);
            canvas.bar(from, to, INKS[index % INKS.len()].alpha(0.55));
            canvas.outline(from, to, inks::BLACK.width(0.5));
        }
        for &step in data.barriers.iter().filter(|&&step| step < data.steps) {
            let x = frame.at(step as f64, 0.0)[0];
            canvas.dashes(&[[x, frame.from[1]], [x, frame.to[1]]], inks::BLACK.width(1.0), 3.0);
        }
        for block in blocks {
            let [from, to] = corners(block);
            let size = [to[0] - from[0], to[1] - from[1]];
            let middle = [(from[0] + to[0]) / 2.0, (from[1] + to[1]) / 2.0];
            let last_part = block.name.rsplit('/').find(|part| !part.is_empty()).unwrap_or(&block.name);
            let label = shortened(last_part, SMALL, size[0] - 6.0);
            let tall = shortened(last_part, SMALL, size[1] - 6.0);
            if size[1] >= SMALL + 2.0 && label.chars().count() >= last_part.chars().count().min(6) {
                canvas.text(middle, [Anchor::Middle; 2], SMALL, inks::BLACK, &label);
            } else if size[0] >= SMALL + 2.0 && tall.chars().count() >= last_part.chars().count().min(6) {
                canvas.text_upwards(middle, SMALL, inks::BLACK, &tall);
            }
        }
        let line = [frame.at(0.0, total / KIB), frame.at(data.steps as f64, total / KIB)];
        canvas.line(&line, inks::VERMILION.width(2.0));
        let label = format!("arena: {} B", thousands(total, 0));
        let at = [line[1][0] - 6.0 - text_width(&label, SMALL), line[1][1] - 12.0];
        canvas.bar([at[0] - 3.0, at[1] - 9.0], [line[1][0] - 2.0, at[1] + 9.0], inks::WHITE.alpha(0.8));
        canvas.text(at, [Anchor::Left, Anchor::Middle], SMALL, inks::VERMILION, &label);
    })
}

/// The largest rings.
pub fn table(data: &Arena) -> Figures {
    let mut table = Figures::new(&["ring", "bytes", "at", "from row", "to row"]);
    let mut blocks: Vec<&Block> = data.blocks.iter().collect();
    blocks.sort_by_key(|block| std::cmp::Reverse(block.bytes));
    let most = (0..data.steps).map(|step| data.used(step)).max().unwrap_or(0);
    let whole = |value: usize| thousands(value as f64, 0);
    let none = String::new;
    table.push(["the arena".into(), whole(data.total_bytes), "0".into(), "0".into(), whole(data.steps)]);
    table.push(["most in use at once".into(), whole(most), none(), none(), none()]);
    for block in blocks.into_iter().take(MOST_ROWS) {
        let Block { name, offset_bytes, bytes, start_step, end_step } = block;
        let figures = [bytes, offset_bytes, start_step, end_step].map(|&value| whole(value));
        table.push([name.clone()].into_iter().chain(figures));
    }
    table
}

#[cfg(test)]
mod tests {
    use format::Role;
    use format::layer::{Element, Stage, Tensor, Window};
    use format::network::Output;
    use format::preprocess::{Colour, Preprocess};

    use super::super::tests::{Shapes, says_nothing};
    use super::*;
    use crate::simulator::AlignedBytes;
    use crate::{plan, sections};

    /// Two convolutions 3 × 3 around a shortcut, and a dense end.
    fn network() -> Vec<Layer> {
        let stage = Stage { bias: 0, positive: 64, negative: 64, shift: 0, low: -128, high: 127 };
        let wide = Stage { low: i16::MIN, high: i16::MAX, ..stage };
        let tensor = |[height, width, channels]: [u16; 3], element| Tensor {
            height,
            width,
            channels,
            element,
            zero_point: 0,
            ring: 0,
            offset: 0,
        };
        let map = tensor([12, 12, 4], Element::I8);
        let window = Window { kernel: [3, 3], pad: [1, 1], ..Window::PIXEL };
        let conv = |input| Layer { window, weights: 128, stage, ..Layer::new(Operator::Conv, &[input], map) };
        let whole = Window { kernel: [12, 12], ..Window::PIXEL };
        let end = Layer::new(Operator::Conv, &[3], tensor([1, 1, 4], Element::I16));
        vec![
            Layer::new(Operator::Input, &[], tensor([12, 12, 3], Element::I8)),
            conv(0),
            conv(1),
            Layer { gains: [1, 1], stage, ..Layer::new(Operator::Add, &[1, 2], map) },
            Layer { window: whole, weights: 128, stage: wide, ..end },
        ]
    }

    fn example() -> (plan::Plan, Arena) {
        let mut layers = network();
        let plan = plan::plan(&mut layers, &[4]);
        let input = Preprocess {
            height: 12,
            width: 12,
            colour: Colour::Rgb,
            mean: 0.0,
            scale: 1.0,
            template: [[0; 2]; 5],
        };
        let section = sections::network(&sections::NetworkParts {
            name: "test",
            source: [0; 32],
            input,
            layers: &layers,
            outputs: &[Output { name: "embedding", tensor: 4, scale: 1.0, function: Default::default() }],
            plan: &plan,
            blob: &[0; 8192],
        });
        let bytes = AlignedBytes::copy(&section.unwrap());
        let model = Model::new_checked(Role::Embedder, bytes.bytes()).unwrap();
        let arena = Arena::of(&model, |layer| format!("layer {layer}"));
        (plan, arena)
    }

    #[test]
    fn blocks_are_the_planners_rings() {
        let (plan, arena) = example();
        assert_eq!(arena.total_bytes, plan.arena_bytes);
        assert_eq!(arena.steps, 12 * 4 + 1);
        assert_eq!(arena.barriers.len(), plan.barriers.len());
        assert_eq!(arena.blocks.len(), plan.rings.len());
        for (block, ring) in arena.blocks.iter().zip(&plan.rings) {
            let names: Vec<String> = ring.tensors.iter().map(|tensor| format!("layer {tensor}")).collect();
            assert_eq!(block.name, names.join(", "));
            let place = (block.offset_bytes - plan.state_bytes, block.bytes.next_multiple_of(16));
            assert_eq!(place, (ring.offset, ring.bytes));
            assert_eq!(
                [block.start_step, block.end_step],
                [ring.alive[0], (ring.alive[1] + 1).min(arena.steps)]
            );
        }
    }

    #[test]
    fn blocks_never_overlap_and_fill_the_arena() {
        let (_, arena) = example();
        for (index, a) in arena.blocks.iter().enumerate() {
            for b in &arena.blocks[..index] {
                let in_time = a.start_step < b.end_step && b.start_step < a.end_step;
                let in_place =
                    a.offset_bytes < b.offset_bytes + b.bytes && b.offset_bytes < a.offset_bytes + a.bytes;
                assert!(!(in_time && in_place), "{a:?} {b:?}");
            }
        }
        let end = arena.blocks.iter().map(|b| b.offset_bytes + b.bytes.next_multiple_of(16)).max();
        assert_eq!(end, Some(arena.total_bytes));
    }

    #[test]
    fn rectangles_are_their_blocks() {
        let block = |offset_bytes, bytes, start_step, end_step| {
            let name = format!("net/ring {offset_bytes}");
            Block { name, offset_bytes, bytes, start_step, end_step }
        };
        let data = Arena {
            blocks: vec![block(0, 2048, 0, 50), block(2048, 4096, 25, 100)],
            total_bytes: 6144,
            steps: 100,
            barriers: vec![50, 100],
        };
        let shapes = Shapes::of(&timeline(&data).unwrap());
        let ([a], [b]) = (&shapes.bars("#56B4E9")[..], &shapes.bars("#E69F00")[..]) else { panic!() };
        assert!((a[2] - 273.0).abs() < 0.3 && (b[2] - 273.0 * 1.5).abs() < 0.3, "{a:?} {b:?}");
        assert!((b[3] / a[3] - 2.0).abs() < 0.01 && (b[1] + b[3] - a[1]).abs() < 0.3, "{a:?} {b:?}");
        assert!(shapes.says("arena: 6144 B") && shapes.says("ring 0"));
        assert_eq!(table(&data).rows[1][1], "6144");
        assert_eq!(table(&data).rows[2], ["net/ring 2048", "4096", "2048", "25", "100"]);
    }

    #[test]
    fn no_block_and_one_block_are_drawn_too() {
        assert!(says_nothing(&timeline(&Arena::default()).unwrap()));
        let blocks = vec![Block { name: "x".into(), offset_bytes: 0, bytes: 4, start_step: 0, end_step: 1 }];
        let one = Arena { blocks, total_bytes: 16, steps: 1, barriers: vec![1] };
        assert_eq!(Shapes::of(&timeline(&one).unwrap()).bars("#56B4E9").len(), 1);
    }
}
