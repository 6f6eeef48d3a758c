//! A chip's loader that is a drive: a UF2 file is copied to it. The loader takes the blocks as they come, starts the firmware after
//! the last one, and the drive is gone.
//!
//! Each such drive has a file `INFO_UF2.TXT`, whose line `Board-ID` names the board. Nothing is written to any other drive.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use sysinfo::Disks;

use super::{Checked, FlashPlan, Flashed};
use crate::output;

/// The file that tells what a drive is.
pub const INFO: &str = "INFO_UF2.TXT";
/// Time in which a loader that has taken all blocks starts the firmware.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that are written at once.
const STEP: usize = 64 * 1024;
/// Bytes that are written last, alone: one block of a UF2 file.
const LAST: usize = 512;

/// Copies a plan to the drive of its board: the one in this folder, or the only one that is mounted.
///
/// # Errors
/// When there is no such drive or there are several, the folder is something else, or the loader does not take the file.
pub fn copy(plan: &FlashPlan, folder: Option<&Path>) -> Result<Flashed> {
    let file = plan.uf2()?;
    let wanted = plan.chip()?.uf2_board.as_deref().with_context(|| {
        format!(
            "the board.toml of {} does not say what its drive is called (chip.uf2_board)",
            plan.board.name
        )
    })?;
    let drive = match folder {
        Some(folder) => {
            check(folder, wanted)?;
            folder.to_path_buf()
        }
        None => only(&mounted(), wanted)?,
    };
    send(&file, &drive, PATIENCE)?;
    Ok(plan.flashed(format!("the drive {}", drive.display()), Checked::Taken))
}

/// Whether a board's drive is mounted.
pub fn is_there(wanted: &str) -> bool {
    mounted().iter().any(|(_, board)| board == wanted)
}

/// The drives of loaders that are mounted, and their boards.
fn mounted() -> Vec<(PathBuf, String)> {
    let disks = Disks::new_with_refreshed_list();
    let folders = disks.iter().map(|disk| disk.mount_point().to_path_buf());
    folders.filter_map(|folder| board_of(&folder).map(|board| (folder, board))).collect()
}

/// The board that a drive says it is.
fn board_of(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(INFO)).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Board-ID:"))?;
    Some(line.trim().to_string())
}

fn check(folder: &Path, wanted: &str) -> Result<()> {
    let folder_name = folder.display();
    match board_of(folder) {
        Some(board) if board == wanted => Ok(()),
        Some(board) => {
            bail!("{folder_name} is the drive of a board {board}, not {wanted}: nothing is written")
        }
        None => bail!(
            "{folder_name} is not the drive of a loader: it has no {INFO} with a line Board-ID. Nothing is written; hold the \
             board's boot button while you plug it in"
        ),
    }
}

fn only(mounted: &[(PathBuf, String)], wanted: &str) -> Result<PathBuf> {
    let ours: Vec<&PathBuf> =
        mounted.iter().filter(|(_, board)| board == wanted).map(|(folder, _)| folder).collect();
    match &*ours {
        [drive] => Ok((*drive).clone()),
        [] => {
            let others: Vec<String> =
                mounted.iter().map(|(folder, board)| format!("{} is a {board}", folder.display())).collect();
            let others = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
            bail!(
                "no drive of a board {wanted} is mounted{others}: hold the boot button while you plug the board in, and mount \
                 the drive that appears"
            )
        }
        several => {
            let names: Vec<String> =
                several.iter().map(|drive| format!("--drive {}", drive.display())).collect();
            bail!("{} drives of boards {wanted} are mounted; choose one: {}", several.len(), names.join(", "))
        }
    }
}

/// A file on its way to a drive.
struct Copied {
    /// Number of bytes that the drive has taken for certain.
    taken: usize,
    /// How writing ended.
    ended: io::Result<()>,
}

impl Copied {
    /// Whether the drive has all of a file's bytes. The loader may go with the last block, before it says that it has taken it; the
    /// drive of a pulled cable went before.
    fn check(self, length: usize, drive: &Path) -> Result<()> {
        match self.ended {
            Err(error) if self.taken + LAST < length => Err(anyhow!(error).context(format!(
                "{}: only {} of {length} bytes were copied. Was the cable pulled? Hold the board's boot button while you plug it in, \
                 and start again",
                drive.display(),
                self.taken
            ))),
            _ => Ok(()),
        }
    }
}

/// Copies a file, and waits until the drive is gone.
fn send(file: &[u8], drive: &Path, patience: Duration) -> Result<()> {
    let bar = output::byte_bar(file.len(), "copying");
    let copied = write(file, &drive.join("geode.uf2"), |bytes| bar.inc(bytes as u64));
    bar.finish_and_clear();
    let refused = copied.ended.as_ref().err().map(ToString::to_string);
    copied.check(file.len(), drive)?;
    let start = Instant::now();
    while board_of(drive).is_some() {
        if start.elapsed() > patience {
            let refused = refused.map_or(String::new(), |error| format!(" ({error})"));
            bail!(
                "{} has not started what was copied to it: the loader has not taken all blocks{refused}. Is it a board of this kind, and \
                 is the chip locked? Try again",
                drive.display()
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn write(file: &[u8], path: &Path, written: impl FnMut(usize)) -> Copied {
    match File::create(path) {
        Ok(target) => hand_over(file, target, File::sync_data, written),
        Err(error) => Copied { taken: 0, ended: Err(error) },
    }
}

/// Writes a file in steps. A step counts when it is not only in this computer's memory.
fn hand_over<T: Write>(
    file: &[u8],
    mut target: T,
    sync: impl Fn(&T) -> io::Result<()>,
    mut written: impl FnMut(usize),
) -> Copied {
    let (most, last) = file.split_at(file.len().saturating_sub(LAST));
    let mut taken = 0;
    for step in most.chunks(STEP).chain([last]) {
        let ended = target.write_all(step).and_then(|()| sync(&target));
        if ended.is_err() {
            return Copied { taken, ended };
        }
        taken += step.len();
        written(step.len());
    }
    Copied { taken, ended: Ok(()) }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn drive(board: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("UF2 Bootloader v1.0\r\nModel: Raspberry Pi RP2350\r\nBoard-ID: {board}\r\n");
        std::fs::write(folder.path().join(INFO), text).unwrap();
        folder
    }

    #[test]
    fn drive_of_another_board_and_folder_that_is_no_drive_are_refused() {
        let other = drive("RP2");
        let said = check(other.path(), "RP2350").unwrap_err().to_string();
        assert!(said.contains("board RP2, not RP2350"), "{said}");
        let stick = tempfile::tempdir().unwrap();
        let said = check(stick.path(), "RP2350").unwrap_err().to_string();
        assert!(said.contains("not the drive of a loader"), "{said}");
        assert!(check(drive("RP2350").path(), "RP2350").is_ok());
    }

    #[test]
    fn only_drive_of_the_board_is_taken_and_several_are_named() {
        let at = |name: &str, board: &str| (PathBuf::from(name), board.to_string());
        let ours = at("/media/a", "RP2350");
        assert_eq!(only(&[at("/media/b", "RP2"), ours.clone()], "RP2350").unwrap(), ours.0);
        let said = only(&[at("/media/b", "RP2")], "RP2350").unwrap_err().to_string();
        assert!(said.contains("boot button") && said.contains("/media/b is a RP2"), "{said}");
        let said = only(&[ours, at("/media/c", "RP2350")], "RP2350").unwrap_err().to_string();
        assert!(said.contains("--drive /media/a, --drive /media/c"), "{said}");
    }

    /// A drive that goes when it has this many bytes.
    struct Going(usize);

    impl Write for Going {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.0);
            self.0 -= count;
            if count > 0 { Ok(count) } else { Err(io::ErrorKind::NotConnected.into()) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn drive_that_goes_before_the_last_block_has_not_taken_the_file() {
        let file = vec![7; 2 * STEP + 3 * LAST];
        let copied = |bytes: usize, is_synced: bool| {
            let sync = |_: &Going| if is_synced { Ok(()) } else { Err(io::ErrorKind::NotConnected.into()) };
            let mut counted = 0;
            let copied = hand_over(&file, Going(bytes), sync, |step| counted += step);
            assert_eq!(copied.taken, counted);
            copied.check(file.len(), Path::new("/media/board")).map_err(|error| error.to_string())
        };
        // Within the last block, and after it.
        for bytes in [file.len() - LAST, file.len() - 1, file.len()] {
            assert_eq!(copied(bytes, true), Ok(()), "{bytes}");
        }
        for (bytes, taken) in
            [(0, 0), (STEP, STEP), (2 * STEP + 7, 2 * STEP), (file.len() - LAST - 1, 2 * STEP)]
        {
            let said = copied(bytes, true).unwrap_err();
            let words = format!("/media/board: only {taken} of {} bytes", file.len());
            assert!(said.contains(&words) && said.contains("cable"), "{said}");
        }
        // All in this computer's memory, and nothing on the drive.
        assert!(copied(file.len(), false).unwrap_err().contains("only 0 of"));
    }

    #[test]
    fn drive_that_is_gone_is_no_success_of_its_own() {
        let drive = drive("RP2350");
        let gone = drive.path().join("gone");
        let said = send(&[7; 3 * LAST], &gone, PATIENCE).unwrap_err().to_string();
        assert!(said.contains("only 0 of 1536 bytes"), "{said}");
    }

    #[test]
    fn file_is_taken_when_the_drive_goes_and_not_when_it_stays() {
        let drive = drive("RP2350");
        let (root, file) = (drive.path().to_path_buf(), vec![7; STEP + 1]);
        let said = send(&file, &root, Duration::from_millis(100)).unwrap_err().to_string();
        assert!(said.contains("has not started"), "{said}");
        let path = root.join("geode.uf2");
        assert_eq!(std::fs::read(&path).unwrap(), file);
        std::fs::remove_file(&path).unwrap();
        let loader = std::thread::spawn(move || {
            while std::fs::metadata(root.join("geode.uf2")).map_or(0, |data| data.len()) <= STEP as u64 {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::fs::remove_file(root.join(INFO)).unwrap();
        });
        send(&file, drive.path(), PATIENCE).unwrap();
        loader.join().unwrap();
    }
}
