//! JSON that commands print, beside the book's chapter on it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::root;

/// Types by path, such as `people[].name`. A value that is null has none.
pub type Shape = BTreeMap<String, BTreeSet<&'static str>>;

fn add(shape: &mut Shape, path: &str, value: &Value) {
    let types = shape.entry(path.to_string()).or_default();
    match value {
        Value::Null => {}
        Value::Bool(_) => _ = types.insert("bool"),
        Value::Number(_) => _ = types.insert("number"),
        Value::String(_) => _ = types.insert("string"),
        Value::Array(elements) => {
            types.insert("array");
            elements.iter().for_each(|element| add(shape, &format!("{path}[]"), element));
        }
        Value::Object(fields) => {
            types.insert("object");
            fields.iter().for_each(|(name, field)| add(shape, &format!("{path}.{name}"), field));
        }
    }
}

/// The types of a value and of all that is in it.
pub fn shape(value: &Value) -> Shape {
    let mut shape = Shape::new();
    add(&mut shape, "", value);
    shape
}

/// The example of a command in the chapter: the block of JSON below the heading that is the command.
///
/// # Panics
/// When there is none.
pub fn documented(command: &str) -> Value {
    let chapter = std::fs::read_to_string(root().join("docs/src/json.md")).unwrap();
    let section =
        chapter.split_once(&format!("\n## {command}\n")).unwrap_or_else(|| panic!("no section {command}")).1;
    let block = section.split_once("```json\n").unwrap().1.split_once("```").unwrap().0;
    serde_json::from_str(block).unwrap_or_else(|error| panic!("{command}: {error}\n{block}"))
}

/// A value for the chapter: of each list the first element.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Array(elements) if elements.iter().all(Value::is_number) && elements.len() <= 5 => {
            value.clone()
        }
        Value::Array(elements) => Value::Array(elements.iter().take(1).map(shortened).collect()),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), shortened(field))).collect()
        }
        _ => value.clone(),
    }
}

/// Whether a null of one shape hides what the other has below this path.
fn is_hidden(path: &str, shape: &Shape) -> bool {
    let above = path.match_indices(['.', '[']).map(|(end, _)| &path[..end]);
    above.filter(|above| !above.is_empty()).any(|above| {
        let is_empty = |types: &BTreeSet<&str>| {
            types.is_empty() || types.contains("array") && !shape.contains_key(&format!("{above}[]"))
        };
        shape.get(above).is_some_and(is_empty)
    })
}

/// Compares what a command printed with its example in the chapter.
///
/// # Panics
/// When they have other fields or types; with what the command printed, shortened for the chapter.
pub fn check(command: &str, printed: &str) {
    let printed: Value =
        serde_json::from_str(printed).unwrap_or_else(|error| panic!("{command}: {error}\n{printed}"));
    let (real, told) = (shape(&printed), shape(&documented(command)));
    let missing = |of: &Shape, from: &Shape| -> Vec<String> {
        let is_missing = |path: &&String| !from.contains_key(*path) && !is_hidden(path, from);
        of.keys().filter(is_missing).cloned().collect()
    };
    let other: Vec<&String> = told
        .iter()
        .filter(|(path, types)| {
            real.get(*path).is_some_and(|real| !types.is_empty() && !real.is_empty() && real != *types)
        })
        .map(|(path, _)| path)
        .collect();
    let (untold, unprinted) = (missing(&real, &told), missing(&told, &real));
    assert!(
        untold.is_empty() && unprinted.is_empty() && other.is_empty(),
        "{command}: the chapter lacks {untold:?}, the command does not print {unprinted:?}, types differ for {other:?}; it prints\n{}",
        serde_json::to_string_pretty(&shortened(&printed)).unwrap()
    );
}
