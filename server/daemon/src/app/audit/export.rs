//! Records as the text of a file, piece by piece.

use bytes::Bytes;
use codeplane_core::audit::AuditSeq;
use codeplane_store::{AuditFilter, AuditItem, EventOrder};

use super::super::App;
use super::super::error::Error;
use super::csv;
use super::line::{FORMAT, Line};
use super::read::AuditQuery;

/// How many records of a table are read at a time.
const ROWS: usize = 256;

/// Most bytes of a piece: far below what a message may have.
const PIECE_BYTES: usize = 256 << 10;

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExportFormat {
    /// The chain, so that it can be verified.
    JsonLines,
    /// A table for people.
    Csv,
}

/// An export under way. It has no queue: each piece is read when it is asked for.
#[derive(Debug)]
pub(crate) struct Export {
    app: App,
    step: Step,
    /// What was read and is still to be given away.
    read: Bytes,
}

#[derive(Debug)]
enum Step {
    /// The first line, then the chain.
    Header(Part),
    /// Links behind a record.
    Chain { part: Part, after: AuditSeq, records: u64 },
    /// The heading of the table, then its rows.
    Heading(Box<AuditFilter>),
    /// Rows behind a record.
    Rows { filter: Box<AuditFilter>, after: Option<AuditSeq> },
    /// That was all.
    Done,
}

/// Which part of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    /// The checkpoint it begins behind; none: with everything that is kept.
    behind: Option<AuditSeq>,
    /// The last record that must be in it; none: to the end.
    through: Option<AuditSeq>,
}

impl App {
    /// Begins an export.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter that cannot be, or one of a chain.
    pub(crate) async fn export_audit(
        &self,
        format: ExportFormat,
        query: &AuditQuery,
    ) -> Result<Export, Error> {
        let filter = self.audit_filter(query).await?;
        let step = match format {
            ExportFormat::Csv => Step::Heading(Box::new(filter)),
            ExportFormat::JsonLines if query.filter.terms().is_empty() => {
                Step::Header(self.part(filter).await?)
            }
            ExportFormat::JsonLines => {
                let why = "is for CSV only: a chain with holes cannot be verified; \
                           since and until work with both";
                return Err(Error::invalid("filter", why));
            }
        };
        Ok(Export { app: self.clone(), step, read: Bytes::new() })
    }

    /// The part of the chain in which the records of a time are.
    async fn part(&self, filter: AuditFilter) -> Result<Part, Error> {
        let failed = |error| self.store_error(error);
        let one = |order| self.store.audit_records(filter.clone(), order, 1, None);
        let through = match filter.until {
            None => None,
            Some(_) => {
                let last = one(EventOrder::NewestFirst).await.map_err(failed)?;
                // None at all is a part as well: up to before the first.
                Some(last.records.first().map_or(AuditSeq::NONE, |record| record.seq))
            }
        };
        let behind = match filter.since {
            None => None,
            Some(_) => {
                let first = one(EventOrder::OldestFirst).await.map_err(failed)?;
                let newest = self.store.audit_head().borrow().seq.next();
                let before = first.records.first().map_or(newest, |record| record.seq);
                self.store.checkpoint_before(before).await.map_err(failed)?
            }
        };
        Ok(Part { behind, through })
    }
}

impl Export {
    /// The next bytes of the file; none at the end.
    ///
    /// # Errors
    /// Those of every read.
    ///
    /// # Cancel safety
    /// Safe: the same bytes come again.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while self.read.is_empty() {
            let Some(text) = self.lines().await? else { return Ok(None) };
            self.read = text.into();
        }
        let length = self.read.len().min(PIECE_BYTES);
        Ok(Some(self.read.split_to(length)))
    }

    /// The next lines; none at the end.
    async fn lines(&mut self) -> Result<Option<String>, Error> {
        let (text, next) = match &self.step {
            Step::Done => return Ok(None),
            Step::Header(part) => {
                let after = part.behind.map_or(AuditSeq::NONE, |behind| AuditSeq(behind.0 - 1));
                (self.header(*part), Step::Chain { part: *part, after, records: 0 })
            }
            Step::Chain { part, after, records } => self.chain(*part, *after, *records).await?,
            Step::Heading(filter) => {
                (csv::heading(), Step::Rows { filter: filter.clone(), after: None })
            }
            Step::Rows { filter, after } => self.rows(filter, *after).await?,
        };
        self.step = next;
        Ok(Some(text))
    }

    fn header(&self, part: Part) -> String {
        let keys = self.app.audit_public_keys().iter().map(ToString::to_string).collect();
        let header = Line::Header {
            format: FORMAT.to_owned(),
            host: self.app.host.to_string(),
            part: part.behind.is_some() || part.through.is_some(),
            keys,
        };
        header.text()
    }

    async fn chain(
        &self,
        part: Part,
        after: AuditSeq,
        records: u64,
    ) -> Result<(String, Step), Error> {
        let walked = self.app.store.audit_chain(after).await;
        let walked = walked.map_err(|error| self.app.store_error(error))?;
        let (mut text, mut records, mut is_over) = (String::new(), records, false);
        for item in &walked.items {
            let line = match item {
                // Of the record that the part begins behind, only its checkpoint.
                AuditItem::Record(record) if Some(record.seq) == part.behind => continue,
                AuditItem::Record(record) => {
                    records += 1;
                    Line::record(record)
                }
                AuditItem::Checkpoint(checkpoint) => {
                    // Everything that was asked for is signed.
                    is_over = part.through.is_some_and(|last| checkpoint.statement.seq >= last);
                    Line::checkpoint(self.app.host, checkpoint)
                }
            };
            text.push_str(&line.text());
            if is_over {
                break;
            }
        }
        Ok(match walked.next {
            Some(after) if !is_over => (text, Step::Chain { part, after, records }),
            Some(_) | None => (text + &Line::End { records }.text(), Step::Done),
        })
    }

    async fn rows(
        &self,
        filter: &AuditFilter,
        after: Option<AuditSeq>,
    ) -> Result<(String, Step), Error> {
        let page =
            self.app.store.audit_records(filter.clone(), EventOrder::OldestFirst, ROWS, after);
        let page = page.await.map_err(|error| self.app.store_error(error))?;
        let text = page.records.iter().map(csv::row).collect();
        Ok(match page.next {
            next @ Some(_) => (text, Step::Rows { filter: Box::new(filter.clone()), after: next }),
            None => (text, Step::Done),
        })
    }
}
