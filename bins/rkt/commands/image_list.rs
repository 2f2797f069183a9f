//! `rkt image list`

use std::cmp::Ordering;
use std::str::FromStr;

use clap::Args;
use gantry_cli::{Context, Failure, Table, full_time, relative_time, report, say, size};
use gantry_ops::image::{self, Row};
use gantry_ops::{Store, Verdict};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::cli::Globals;
use crate::setup::{Format, json as printed};

/// What is listed, and how.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Columns to show: id, name, size, importtime, lastused, verdict
    #[arg(
        long,
        value_name = "FIELD,…",
        default_value = "id,name,size,importtime,lastused"
    )]
    fields: Fields,
    /// Columns to sort by, the first that differs counts: name, importtime, lastused, size
    #[arg(long, value_name = "FIELD,…", default_value = "importtime", value_parser = sortable)]
    sort: Fields,
    /// asc or desc
    #[arg(long, value_name = "ORDER", default_value = "asc", value_parser = order)]
    order: Order,
    /// Leave the headings out
    #[arg(long)]
    no_legend: bool,
    /// Whole IDs, bytes and exact times
    #[arg(long)]
    full: bool,
    /// Data for programs in place of the table
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    Name,
    Size,
    ImportTime,
    LastUsed,
    Verdict,
}

impl Field {
    /// Word on the command line, heading, field.
    const ALL: [(&'static str, &'static str, Self); 6] = [
        ("id", "ID", Self::Id),
        ("name", "NAME", Self::Name),
        ("size", "SIZE", Self::Size),
        ("importtime", "IMPORT TIME", Self::ImportTime),
        ("lastused", "LAST USED", Self::LastUsed),
        ("verdict", "VERDICT", Self::Verdict),
    ];

    fn heading(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, _, field)| *field == self);
        known.map_or("", |(_, heading, _)| heading)
    }
}

/// Fields separated by commas, in any case, none twice. Source: rkt 1.30, pkg/flag/optionlist.go.
#[derive(Debug, Clone)]
struct Fields(Vec<Field>);

impl FromStr for Fields {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut fields = Vec::new();
        for word in text.split(',').filter(|_| !text.is_empty()) {
            let word = word.to_lowercase();
            let known = Field::ALL.iter().find(|(name, _, _)| *name == word);
            let (_, _, field) = known.ok_or_else(|| format!("unknown option {word:?}"))?;
            if fields.contains(field) {
                return Err(format!("duplicated option {word:?}"));
            }
            fields.push(*field);
        }
        Ok(Self(fields))
    }
}

fn sortable(text: &str) -> Result<Fields, String> {
    let fields: Fields = text.parse()?;
    let not = [Field::Id, Field::Verdict];
    match fields.0.iter().find(|field| not.contains(field)) {
        Some(field) => Err(format!(
            "unknown option {:?}",
            field.heading().to_lowercase()
        )),
        None => Ok(fields),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Asc,
    Desc,
}

fn order(text: &str) -> Result<Order, String> {
    match text.to_lowercase().as_str() {
        "asc" => Ok(Order::Asc),
        "desc" => Ok(Order::Desc),
        _ => Err("wrong sort order".to_owned()),
    }
}

impl ListArgs {
    /// Prints a row per image. Records that cannot be read are reported and do not fail the command.
    ///
    /// # Errors
    ///
    /// When the store cannot be read at all.
    pub(crate) fn run(
        &self,
        store: &Store,
        globals: &Globals,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let (mut rows, problems) = image::list(store)?;
        rows.sort_by(|a, b| self.compare(a, b));
        if self.order == Order::Desc {
            rows.reverse();
        }
        match self.format {
            Some(format) => say(context.out, printed(&Ok(all(&rows)), format)?)?,
            None => write!(context.out, "{}", self.table(&rows)).map_err(Failure::Output)?,
        }
        for problem in problems {
            report("list", &problem.into(), globals.debug, context.err);
        }
        Ok(())
    }

    fn compare(&self, a: &Row, b: &Row) -> Ordering {
        let by = |field: &Field| match field {
            // The name alone: no identifier holds a colon.
            Field::Name => a.name.split(':').next().cmp(&b.name.split(':').next()),
            Field::LastUsed => a.last_used.cmp(&b.last_used),
            Field::Size => a.size.cmp(&b.size),
            _ => a.import_time.cmp(&b.import_time),
        };
        (self.sort.0.iter().map(by))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    fn table(&self, rows: &[Row]) -> Table {
        let now = Timestamp::now();
        let mut table = Table::new();
        if !self.no_legend {
            table.row(self.fields.0.iter().map(|field| field.heading()));
        }
        for row in rows {
            table.row(self.fields.0.iter().map(|field| match field {
                Field::Id if self.full => row.id.key(),
                Field::Id => row.id.list_id(),
                Field::Name => row.name.clone(),
                Field::Size if self.full => row.size.to_string(),
                Field::Size => size(row.size),
                Field::ImportTime => self.time(row.import_time, now),
                Field::LastUsed => self.time(row.last_used, now),
                Field::Verdict => verdict(row),
            }));
        }
        table
    }

    fn time(&self, nanos: u64, now: Timestamp) -> String {
        match Timestamp::from_nanosecond(nanos.into()) {
            Err(_) => String::new(),
            Ok(time) if self.full => full_time(time, &TimeZone::system()),
            Ok(time) => relative_time(time, now),
        }
    }
}

/// Why an image is believed, in few words.
fn verdict(row: &Row) -> String {
    let said = match &row.verdict {
        Verdict::Signed { by } => {
            let keys: Vec<String> = by
                .iter()
                .map(|signer| match signer.legacy {
                    true => format!("{} (legacy key)", signer.fingerprint),
                    false => signer.fingerprint.clone(),
                })
                .collect();
            format!("signed by {}", keys.join(", "))
        }
        Verdict::Waived { option } => format!("not checked ({option})"),
    };
    match row.claimed_by {
        Some(uid) => format!("{said}, says user {uid}"),
        None => said,
    }
}

/// All rows; `null` without any, as the original has it.
fn all(rows: &[Row]) -> Value {
    match rows {
        [] => Value::Null,
        rows => rows.iter().map(data).collect(),
    }
}

fn data(row: &Row) -> Value {
    json!({
        "id": row.id.key(),
        "name": row.name,
        "import_time": row.import_time,
        "last_used_time": row.last_used,
        "size": row.size,
        "verdict": verdict(row),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_words_of_any_case_and_none_twice() {
        let fields = |text: &str| text.parse::<Fields>().map(|fields| fields.0);
        assert_eq!(
            fields("Name,LASTUSED,verdict").unwrap(),
            [Field::Name, Field::LastUsed, Field::Verdict]
        );
        assert_eq!(fields("").unwrap(), []);
        for (bad, error) in [
            ("name,", "unknown option \"\""),
            ("latest", "unknown option \"latest\""),
            ("id,size,ID", "duplicated option \"id\""),
            (" id", "unknown option \" id\""),
        ] {
            assert_eq!(fields(bad).unwrap_err(), error);
        }
        assert_eq!(sortable("id").unwrap_err(), "unknown option \"id\"");
        assert!(sortable("size,Name").is_ok() && order("DESC") == Ok(Order::Desc));
        assert_eq!(order("up").unwrap_err(), "wrong sort order");
    }
}
