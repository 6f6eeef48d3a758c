//! Where a device is: on a serial port, or emulated with its memory in a file that outlives the emulator.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Error, Result, bail, ensure};
use format::header::MAGIC;
use link::session::Fingerprint;

use super::camera::Mailbox;
use super::keys::Keys;
use super::session::{Greeted, Session};
use crate::board::{Board, Front};
use crate::output;
use crate::shared::{SharedRam, process_file};
use crate::signing::PublicKey;
use crate::simulator::AlignedBytes;
use crate::transport::Transport;

/// Where a device is.
#[derive(Clone, Debug)]
pub enum Place {
    /// On a serial port, or at a socket.
    Port {
        /// Its name.
        path: String,
        /// Bits per second.
        baud: u32,
    },
    /// In an emulator.
    Emulated {
        /// The board.
        board: &'static Board,
        /// The image with which it begins; not needed if the file has one.
        image: Option<PathBuf>,
        /// Puts the image in the place of those that the file has, as a probe would.
        is_flashed: bool,
        /// The maker's key that it trusts; kept in the file.
        maker_key: Option<PublicKey>,
        /// The file in which its memory stays between two starts. It is made if there is none.
        state: PathBuf,
        /// What its second UART leads to: a terminal, or a socket that is made there.
        front: Option<PathBuf>,
    },
}

/// A device that answered, and its camera if it is emulated.
pub struct Reached {
    /// The device.
    pub greeted: Greeted,
    /// Camera, button and output of an emulated one.
    pub mailbox: Option<Mailbox>,
    /// The emulator's number among the system's processes.
    pub process: Option<u32>,
}

/// A device that this computer has exchanged keys with.
pub struct Paired {
    /// What the administrator calls it.
    pub name: String,
    /// What the device shows, too.
    pub fingerprint: Fingerprint,
    /// Whether its button was pressed for the second time, as that of an emulated one is.
    pub is_confirmed: bool,
}

/// Puts the image into a device's memory that has none. The board itself checks it when it starts.
fn install(ram: &mut SharedRam, image: Option<(&Path, &[u8])>, is_flashed: bool) -> Result<()> {
    let state = ram.path().display().to_string();
    let (slots, room) = ram.image_room();
    let mut is_new = true;
    for slot in 0..slots {
        is_new &= ram.read_slot(slot, MAGIC.len())? != MAGIC;
    }
    let Some((path, bytes)) = image else {
        ensure!(!is_new, "the device {state} has no image yet; give the one with which it begins: --image");
        return Ok(());
    };
    let path = path.display();
    ensure!(
        bytes.len() <= room,
        "{path}: {} bytes, and the board has room for {room}: it keeps two images, so that an update can go back",
        bytes.len()
    );
    if !is_new && !is_flashed {
        for slot in 0..slots {
            if ram.read_slot(slot, bytes.len())? == bytes {
                return Ok(());
            }
        }
        bail!(
            "the device {state} has another image than {path}: leave --image out to start what it has, send the image with \
             `host update`, or add --flash to replace it as a probe would"
        );
    }
    // Which slot runs is in the sealed store: in the place of images goes this one alone.
    for slot in 0..if is_new { 1 } else { slots } {
        ram.write_slot(slot, bytes)?;
    }
    Ok(())
}

impl Place {
    /// Reaches the device; starts it if it is emulated, as if its power came back.
    ///
    /// # Errors
    /// When the port cannot be opened, the emulator not be started, or nobody answers.
    pub fn reach(&self) -> Result<Reached> {
        match self {
            Place::Port { path, baud } => {
                let greeted = Greeted::new(Transport::port(path, *baud)?)?;
                Ok(Reached { greeted, mailbox: None, process: None })
            }
            Place::Emulated { image, .. } => {
                let (mut transport, mailbox) = self.start()?;
                let process = transport.process();
                let greeted = Greeted::new(transport)?;
                if let Some(path) = image
                    && greeted.hello().trouble.is_empty()
                    && greeted.hello().image != AlignedBytes::read(path)?.image(path)?.digest
                {
                    output::warn(&format!(
                        "the device runs another image than {}, which it had before an update; leave --image out",
                        path.display()
                    ));
                }
                Ok(Reached { greeted, mailbox: Some(mailbox), process })
            }
        }
    }

    /// Starts an emulated device, and stops it after a time, as if its power failed.
    ///
    /// # Errors
    /// As [`Self::reach`].
    pub fn reach_until(&self, after: Duration) -> Result<()> {
        let _running = self.start()?;
        std::thread::sleep(after);
        Ok(())
    }

    fn start(&self) -> Result<(Transport, Mailbox)> {
        match self {
            Place::Port { path, .. } => bail!("the device on {path} is started by its power alone"),
            Place::Emulated { board, image, is_flashed, maker_key, state, front } => {
                board.machine_name()?;
                ensure!(
                    board.memory.store.is_some(),
                    "the board {} has no memory for people; boards that do: {}",
                    board.name,
                    crate::board::with_store().join(", ")
                );
                let front = front.as_deref().map(Front::at).transpose()?;
                // Image and memory are looked at first, so that no firmware is built for nothing.
                let image = image.as_deref().map(|path| Ok::<_, Error>((path, AlignedBytes::read(path)?)));
                let image = image.transpose()?;
                image.as_ref().map(|(path, bytes)| bytes.image(path).map(drop)).transpose()?;
                ensure!(
                    image.is_some() || state.exists(),
                    "there is no device {} yet; give the image with which it begins: --image",
                    state.display()
                );
                let ram = SharedRam::kept(board, state)?
                    .with_context(|| format!("the board {} shares no memory here", board.name))?;
                let mut mailbox = Mailbox::new(ram)?;
                install(
                    mailbox.ram_mut(),
                    image.as_ref().map(|(path, bytes)| (*path, bytes.bytes())),
                    *is_flashed,
                )?;
                maker_key.map(|key| mailbox.burn(key)).transpose()?;
                let elf = board.build_example("door")?;
                let qemu = board.device(&elf, mailbox.ram().path(), front.as_ref())?;
                let process_file = process_file(mailbox.ram().path());
                Ok((Transport::emulator(qemu, Some(process_file))?, mailbox))
            }
        }
    }

    /// Pairs with the device, whose button is pressed already; that of an emulated one is pressed here. The board's key is
    /// kept under `name`, or the board's name.
    ///
    /// # Errors
    /// As [`Self::reach`] and [`Greeted::pair`]; when the key file cannot be written.
    pub fn pair(&self, keys: &mut Keys, name: Option<&str>) -> Result<Paired> {
        let Reached { mut greeted, mut mailbox, .. } = self.reach()?;
        if let Some(mailbox) = &mut mailbox {
            mailbox.press()?;
        }
        let (board, fingerprint) = greeted.pair(&keys.pair())?;
        let name = name.map_or_else(|| greeted.hello().board.to_string(), str::to_string);
        keys.add(&name, &board)?;
        if let Some(mailbox) = &mut mailbox {
            mailbox.press()?;
        }
        Ok(Paired { name, fingerprint, is_confirmed: mailbox.is_some() })
    }

    /// Reaches the device and opens a session.
    ///
    /// # Errors
    /// As [`Self::reach`] and [`Greeted::open`].
    pub fn open(&self, keys: &Keys, name: Option<&str>) -> Result<(Session, Option<Mailbox>)> {
        let Reached { greeted, mailbox, .. } = self.reach()?;
        Ok((greeted.open(keys, name)?, mailbox))
    }
}
