//! The camera of an emulated device, its button and its output: words in memory that it shares with this computer.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use app::device::mailbox;
use format::PixelFormat;

use crate::secret::hex;
use crate::shared::SharedRam;
use crate::sight::camera::Shot;
use crate::signing::PublicKey;

/// Time in which a device takes a frame, unless it is occupied with a face.
const PATIENCE: Duration = Duration::from_secs(30);

/// The computer's side.
pub struct Mailbox {
    ram: SharedRam,
}

impl Mailbox {
    /// Over a board's memory. Gives it random bytes, which it needs at each start.
    ///
    /// # Errors
    /// When the memory's file cannot be written.
    pub fn new(ram: SharedRam) -> Result<Self> {
        let mut mailbox = Mailbox { ram };
        let random = crate::secret::random()?;
        mailbox.ram.put_at(mailbox::RANDOM, &random)?;
        mailbox.write(mailbox::STATE, mailbox::HELD)?;
        mailbox.write(mailbox::BUTTON, 0)?;
        mailbox.write(mailbox::OUTPUT, 0)?;
        Ok(mailbox)
    }

    /// The memory.
    pub fn ram(&self) -> &SharedRam {
        &self.ram
    }

    /// The memory, to be changed before the machine starts.
    pub fn ram_mut(&mut self) -> &mut SharedRam {
        &mut self.ram
    }

    /// The maker's public key that the board knows.
    ///
    /// # Errors
    /// When the memory's file cannot be read.
    pub fn maker_key(&mut self) -> Result<Option<PublicKey>> {
        if self.read(mailbox::MAKER)? != mailbox::BURNT {
            return Ok(None);
        }
        let mut key = [0; 32];
        self.ram.read_at(mailbox::MAKER_KEY, &mut key)?;
        Ok(Some(PublicKey(key)))
    }

    /// Gives the board a maker's key, which it keeps.
    ///
    /// # Errors
    /// When it has another.
    pub fn burn(&mut self, key: PublicKey) -> Result<()> {
        match self.maker_key()? {
            Some(known) if known == key => Ok(()),
            Some(known) => bail!(
                "the device {} trusts the maker's key {} for as long as it lives; give another --state",
                self.ram.path().display(),
                hex(&known.0)
            ),
            None => {
                self.ram.put_at(mailbox::MAKER_KEY, &key.0)?;
                self.write(mailbox::MAKER, mailbox::BURNT)
            }
        }
    }

    fn read(&mut self, place: usize) -> Result<u32> {
        let mut word = [0; 4];
        self.ram.read_at(place, &mut word)?;
        Ok(u32::from_le_bytes(word))
    }

    fn write(&mut self, place: usize, value: u32) -> Result<()> {
        self.ram.put_at(place, &value.to_le_bytes())
    }

    /// Whether the device has the door open.
    ///
    /// # Errors
    /// When the memory's file cannot be read.
    pub fn is_open(&mut self) -> Result<bool> {
        Ok(self.read(mailbox::OUTPUT)? != 0)
    }

    /// How often the device has fed its watchdog.
    ///
    /// # Errors
    /// As [`Self::is_open`].
    pub fn fed(&mut self) -> Result<u32> {
        self.read(mailbox::ALIVE)
    }

    /// Presses the button for a moment.
    ///
    /// # Errors
    /// When the device does not run.
    pub fn press(&mut self) -> Result<()> {
        let press = |mailbox: &mut Self, value| {
            mailbox.write(mailbox::BUTTON, value)?;
            // Long enough to be seen.
            let (fed, deadline) = (mailbox.fed()?, Instant::now() + PATIENCE);
            while mailbox.fed()?.wrapping_sub(fed) < 3 {
                ensure!(Instant::now() < deadline, "the emulated device does not run");
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        };
        press(self, 1)?;
        press(self, 0)
    }

    /// Shows the device a frame, as soon as it takes one.
    ///
    /// # Errors
    /// When the frame is too large, or the device takes no frame.
    pub fn show(&mut self, shot: &Shot) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.read(mailbox::STATE)? != mailbox::FREE {
            if Instant::now() >= deadline {
                bail!("the emulated device takes no frame");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.write(mailbox::STATE, mailbox::WRITING)?;
        self.ram.put(&shot.pixels)?;
        self.write(mailbox::SIZE, u32::from(shot.height) << 16 | u32::from(shot.width))?;
        let format = PixelFormat::ALL.iter().position(|&format| format == shot.format).unwrap_or(0);
        self.write(mailbox::FORMAT, format as u32)?;
        self.write(mailbox::STATE, mailbox::COMPLETE)
    }

    /// Waits until the device has looked at the frame, for as long as `patience`; returns whether it has.
    ///
    /// # Errors
    /// When the memory's file cannot be read.
    pub fn is_taken_within(&mut self, patience: Duration) -> Result<bool> {
        let deadline = Instant::now() + patience;
        while self.read(mailbox::STATE)? == mailbox::COMPLETE {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(true)
    }
}
