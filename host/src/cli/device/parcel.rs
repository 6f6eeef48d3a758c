//! `host device backup`, `host device restore`: people on their way from board to board.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use host::device::keys::Keys;
use host::device::parcel::{self, Carried};
use host::name::visible;
use host::output::{self, Named, Planned};
use host::secret::{hex, short};
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

/// What the key file calls a board.
fn name_of(keys: &Keys, key: &PublicKey) -> Option<String> {
    keys.boards().find(|(_, known)| known == key).map(|(name, _)| name.to_string())
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
    let to = match receiver {
        None => None,
        Some(name) => {
            let known = keys.boards().find(|(known, _)| *known == name);
            let names: Vec<_> = keys.boards().map(|(name, _)| visible(name)).collect();
            let (_, key) = known.with_context(|| {
                format!("the key file has no board called {name}; it has {}", names.join(", "))
            })?;
            Some(key)
        }
    };
    let (mut session, mailbox) = place.open_with(&keys)?;
    let own = *session.board();
    let to = to.unwrap_or(own);
    if let Some(mut mailbox) = mailbox
        && to != own
    {
        mailbox.press()?;
    }
    let bar = output::bar(0, "backing up people");
    let carried = parcel::back_up(&mut session, &to, |done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let carried = carried?;
    output::write_whole(file, &carried.emit())?;
    let end = |key: &PublicKey| End { name: name_of(&keys, key).unwrap_or_default(), key: hex(key) };
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
    let carried = Carried::parse(&bytes).with_context(|| format!("{name} cannot be restored"))?;
    let keys = Keys::read(&place.key)?;
    let called = |key: &PublicKey| {
        name_of(&keys, key).map_or(String::new(), |name| format!(" ({} in the key file)", visible(&name)))
    };
    let from = &carried.label.from;
    ensure!(
        name_of(&keys, from).is_some(),
        "{name} is from a board with key {}, which the key file does not have: whoever made the file may have put anybody in it. \
         If it is yours, pair with that board first",
        short(from)
    );
    let (mut session, mailbox) = place.open_with(&keys)?;
    let own = *session.board();
    if carried.to != own {
        bail!(
            "{name} is sealed for the board with key {}{}, and this one is {} with key {}: it can be restored on that board only. To \
             move the same people here, make another file on the board that this one is from, {}{}, with `host device backup --for {}`",
            short(&carried.to),
            called(&carried.to),
            visible(session.name()),
            short(&own),
            short(from),
            called(from),
            visible(session.name())
        );
    }
    if let Some(mut mailbox) = mailbox
        && *from != own
    {
        mailbox.press()?;
    }
    let bar = output::bar(carried.people(), "restoring people");
    let mut moved = Vec::new();
    let restored = parcel::restore(&mut session, &carried, |arrival| {
        bar.inc(1);
        moved.push(Moved::of(&arrival));
    });
    bar.finish_and_clear();
    if moved.is_empty() {
        restored.with_context(|| format!("nobody of {name} was restored"))?;
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
