//! A chip's loader that is a drive: a UF2 file is copied to it. The loader takes the blocks as they come, starts the firmware after
//! the last one, and the drive is gone.
//!
//! Each such drive has a file `INFO_UF2.TXT`, whose line `Board-ID` names the board. Nothing is written to any other drive.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sysinfo::Disks;

use super::{Checked, Flashed, Plan};
use crate::output;

/// The file that tells what a drive is.
pub const INFO: &str = "INFO_UF2.TXT";
/// Time in which a loader that has taken all blocks starts the firmware.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that are written at once.
const STEP: usize = 64 * 1024;

/// Copies a plan to the drive of its board: the one in this folder, or the only one that is mounted.
///
/// # Errors
/// When there is no such drive or there are several, the folder is something else, or the loader does not take the file.
pub fn copy(plan: &Plan, folder: Option<&Path>) -> Result<Flashed> {
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

/// Copies a file, and waits until the drive is gone.
fn send(file: &[u8], drive: &Path, patience: Duration) -> Result<()> {
    let bar = output::byte_bar(file.len(), "copying");
    let copied = write(file, &drive.join("geode.uf2"), |bytes| bar.inc(bytes as u64));
    bar.finish_and_clear();
    // The last bytes may be refused by a drive that is gone already.
    let start = Instant::now();
    while board_of(drive).is_some() {
        if start.elapsed() > patience {
            copied.with_context(|| format!("cannot write to {}", drive.display()))?;
            bail!(
                "{} has not started what was copied to it: the loader has not taken all blocks. Is it a board of this kind, and \
                 is the chip locked? Try again",
                drive.display()
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn write(file: &[u8], path: &Path, mut written: impl FnMut(usize)) -> std::io::Result<()> {
    let mut target = File::create(path)?;
    for step in file.chunks(STEP) {
        target.write_all(step)?;
        target.sync_data()?;
        written(step.len());
    }
    Ok(())
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
