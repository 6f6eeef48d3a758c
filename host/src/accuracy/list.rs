//! Lists in CSV files. Errors name the line.

use anyhow::{Context, Result, ensure};
use csv::{ReaderBuilder, StringRecord, Trim};
use serde::de::DeserializeOwned;

/// Rows of a list with exactly the columns of `header`. `hint` is called if the columns differ.
///
/// # Errors
/// Names the line.
pub fn rows<T: DeserializeOwned>(text: &str, header: &str, hint: &str) -> Result<Vec<T>> {
    checked(text, |columns| {
        let found = joined(columns);
        ensure!(found == header, "line 1 is {found:?}, {header} is expected{hint}");
        Ok(())
    })
}

/// Rows of a list that has at least these columns, in any order.
///
/// # Errors
/// Names the columns that are missing, or the line.
pub fn rows_with<T: DeserializeOwned>(text: &str, needed: &[&str]) -> Result<Vec<T>> {
    checked(text, |columns| {
        let is_missing = |name: &&&str| !columns.iter().any(|column| column == **name);
        let missing: Vec<&str> = needed.iter().filter(is_missing).copied().collect();
        ensure!(missing.is_empty(), "line 1 lacks the columns {}", missing.join(", "));
        Ok(())
    })
}

fn checked<T: DeserializeOwned>(text: &str, check: impl Fn(&StringRecord) -> Result<()>) -> Result<Vec<T>> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_bytes());
    let columns = reader.headers().context("line 1")?.clone();
    check(&columns)?;
    let row = |record: Result<StringRecord, csv::Error>| -> Result<T> {
        let line_of = |position: Option<&csv::Position>| position.map_or(0, csv::Position::line);
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = line_of(error.position());
                return Err(error).with_context(|| format!("line {line}"));
            }
        };
        let line = line_of(record.position());
        record.deserialize(Some(&columns)).with_context(|| format!("line {line}: {:?}", joined(&record)))
    };
    reader.records().map(row).collect()
}

fn joined(record: &StringRecord) -> String {
    record.iter().collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn read(text: &str) -> Result<Vec<(PathBuf, u32)>> {
        rows(text, "path,number", "")
    }

    #[test]
    fn quoted_paths_blank_lines_and_line_ends_of_windows_are_read() {
        let read = read("path,number\r\n\"a, b/1.jpg\",7\r\n\r\nc, 8\r\n").unwrap();
        assert_eq!(read, [("a, b/1.jpg".into(), 7), ("c".into(), 8)]);
    }

    #[test]
    fn bad_lines_and_headers_are_named() {
        let said = |text: &str| format!("{:#}", read(text).unwrap_err());
        assert!(said("path,number\na,1\nb,x\n").contains("line 3: \"b,x\""));
        assert!(said("path,number\na,1\nb,2,3\n").contains("line 3"));
        assert!(said("path,numbers\n").contains("line 1 is \"path,numbers\", path,number is expected"));
        assert!(said("").contains("line 1"));
    }
}
