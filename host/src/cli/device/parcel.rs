//! `host device backup`, `host device restore`: people on their way from board to board.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use host::device::keys::Keys;
use host::device::parcel::{self, Carried};
use host::name::visible;
use host::output::{self, Named, Planned};
use host::secret::hex;
use host::usage::ensure_use;
use link::message::{Arrival, ArrivalResult, PersonId};
use link::session::PublicKey;
use serde::Serialize;

use super::{At, show};

/// A board at one end.
#[derive(Serialize)]
struct End {
    name: String,
    key: String,
}

impl End {
    fn text(&self) -> String {
        format!("{} (key {})", visible(&self.name), &self.key[..16])
    }
}

#[derive(Serialize)]
struct BackedUp {
    file: String,
    people: usize,
    from: End,
    to: End,
}

pub fn back_up(file: &Path, receiver: Option<&str>, place: &At, json: bool) -> Result<()> {
    let inputs =
        [("--key", Some(&place.key)), ("--image", place.image.as_ref()), ("--state", place.state.as_ref())];
    let inputs = inputs.into_iter().filter_map(|(option, path)| Named::given(option, path)).collect();
    ensure_use(file != Path::new("-"), || {
        "a backup goes to a file, as standard output tells what was done; give FILE a name".to_string()
    })?;
    Planned { outputs: vec![Named::new("FILE", file)], inputs, ..Planned::default() }.check()?;
    let keys = Keys::read(&place.key)?;
    let to = receiver.map(|name| keys.board(name)).transpose()?;
    let (mut session, mut mailbox) = place.open_with(&keys)?;
    let own = *session.board();
    let to = to.unwrap_or(own);
    let bar = output::bar(0, "backing up people");
    let carried = parcel::back_up(&mut session, mailbox.as_mut(), &to, |done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let carried = carried?;
    output::write_whole(file, &carried.emit())?;
    let end =
        |key: &PublicKey| End { name: keys.name_of(key).unwrap_or_default().to_string(), key: hex(key) };
    let done = BackedUp {
        file: file.display().to_string(),
        people: carried.people(),
        from: end(&own),
        to: end(&to),
    };
    show(json, &done, |out, BackedUp { file, people, from, to }| {
        writeln!(out, "{people} people of {} in {file}, sealed for {}", from.text(), to.text())
    })
}

/// What became of somebody.
#[derive(Serialize)]
struct Moved {
    name: String,
    /// The number; for somebody who was left out the one of who is in the way, if that is known.
    id: Option<PersonId>,
    result: &'static str,
    why: Option<&'static str>,
}

impl Moved {
    fn of(arrival: &Arrival) -> Self {
        let (result, id, why) = match arrival.result {
            ArrivalResult::Stored(id) => ("restored", Some(id), None),
            ArrivalResult::Same(id) => ("there", Some(id), None),
            ArrivalResult::NameTaken => {
                ("left out", None, Some("somebody else, or the same person with other photos, has this name"))
            }
            ArrivalResult::Known(id) => {
                ("left out", Some(id), Some("the face is enrolled under another name and this number"))
            }
            ArrivalResult::Full => ("left out", None, Some("there is no room")),
        };
        Moved { name: arrival.name.to_string(), id, result, why }
    }
}

pub fn restore(file: &Path, place: &At, json: bool) -> Result<()> {
    let name = file.display();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
    let cannot = || format!("{name} cannot be restored");
    let carried = Carried::parse(&bytes).with_context(cannot)?;
    let keys = Keys::read(&place.key)?;
    // Before a device is started for nothing.
    carried.ensure_sender_is_known(&keys).with_context(cannot)?;
    let (mut session, mut mailbox) = place.open_with(&keys)?;
    let bar = output::bar(carried.people(), "restoring people");
    let mut moved = Vec::new();
    let restored = parcel::restore(&mut session, mailbox.as_mut(), &keys, &carried, |arrival| {
        bar.inc(1);
        moved.push(Moved::of(arrival));
    });
    bar.finish_and_clear();
    if moved.is_empty() {
        restored.with_context(cannot)?;
    } else {
        restored.with_context(|| {
            format!(
                "after {} of {} people of {name}; start again: whoever is there already is not taken twice",
                moved.len(),
                carried.people()
            )
        })?;
    }
    show(json, &moved, |out, moved| {
        if moved.is_empty() {
            return writeln!(out, "nobody is in {name}");
        }
        writeln!(out, "{:8}  {:>10}  name", "result", "number")?;
        for Moved { name, id, result, why } in moved {
            let id = id.map_or(String::from("-"), |id| id.to_string());
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            writeln!(out, "{result:8}  {id:>10}  {}{why}", visible(name))?;
        }
        Ok(())
    })
}
