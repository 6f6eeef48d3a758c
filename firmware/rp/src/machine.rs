//! A state machine of PIO, for tests: the instructions that the programs use, a cycle each.

use std::collections::VecDeque;
use std::vec::Vec;

use pio::{InSource, Instruction, InstructionOperands as Operands, JmpCondition, SideSet, WaitSource};

use crate::port::{Code, PUSH_BITS};

/// Bytes of a FIFO that has the other FIFO's room as well.
const FIFO: usize = 8;

/// What state machines of a block share, and the board sees.
#[derive(Default)]
pub struct Shared {
    /// Flags, by their numbers.
    pub flags: u8,
    /// The FIFO.
    pub fifo: VecDeque<u8>,
    /// A byte has waited for room in it.
    pub has_stalled: bool,
}

/// A state machine.
pub struct Machine {
    code: Vec<Operands>,
    wrap: (usize, usize),
    jump_pin: usize,
    at: usize,
}

impl Machine {
    /// A state machine at the start of a program.
    pub fn new(code: &Code, jump_pin: usize) -> Self {
        let decoded = code.code.iter().map(|&word| {
            let instruction = Instruction::decode(word, SideSet::default()).expect("an instruction");
            assert_eq!(instruction.delay, 0);
            instruction.operands
        });
        let wrap = (code.wrap.source.into(), code.wrap.target.into());
        Machine { code: decoded.collect(), wrap, jump_pin, at: 0 }
    }

    /// A cycle with these levels of the pins.
    pub fn step(&mut self, pins: u32, shared: &mut Shared) {
        let level = |pin: usize| pins >> pin & 1;
        let mut next = if self.at == self.wrap.0 { self.wrap.1 } else { self.at + 1 };
        match self.code[self.at] {
            Operands::WAIT { polarity, source: WaitSource::PIN, index, .. } => {
                if level(index.into()) != polarity.into() {
                    return;
                }
            }
            Operands::WAIT { polarity: 1, source: WaitSource::IRQ, index, relative: false } => {
                if shared.flags & 1 << index == 0 {
                    return;
                }
                shared.flags &= !(1 << index);
            }
            Operands::JMP { condition, address } => {
                let is_taken = match condition {
                    JmpCondition::Always => true,
                    JmpCondition::PinHigh => level(self.jump_pin) == 1,
                    other => panic!("{other:?}"),
                };
                if is_taken {
                    next = address.into();
                }
            }
            Operands::IN { source: InSource::PINS, bit_count: PUSH_BITS } => {
                if shared.fifo.len() == FIFO {
                    shared.has_stalled = true;
                    return;
                }
                shared.fifo.push_back(pins as u8);
            }
            Operands::IRQ { clear: false, wait: false, index, .. } => shared.flags |= 1 << index,
            other => panic!("{other:?}"),
        }
        self.at = next;
    }
}
