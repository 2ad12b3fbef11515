//! A layer around another: every text in an event or span is made safe before the inner layer sees it.
//!
//! Needed because the fmt layer of tracing-subscriber 0.3.23 escapes messages and errors, but writes fields given as
//! `%value` as they are, line breaks included, and the journald layer escapes nothing.

use std::fmt;

use tracing::field::{Field, Value, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::text;

/// Most fields of an event or span: what the macros of `tracing` take.
const FIELDS_MAX: usize = 32;

/// Longest value, in bytes: a log line quotes an error or an address, not an article. The journal splits lines at 48 KB.
const VALUE_BYTES_MAX: usize = 4 * 1024;

/// Causes of an error that are followed: an error may name itself as its cause.
const CAUSES_MAX: usize = 8;

/// `Inner` behind the guard.
pub(super) struct Guarded<Inner> {
    inner: Inner,
}

impl<Inner> Guarded<Inner> {
    pub(super) fn new(inner: Inner) -> Self {
        Self { inner }
    }
}

impl<S, Inner> Layer<S> for Guarded<Inner>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    Inner: Layer<S>,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut values = SafeValues::default();
        event.record(&mut values);
        values.with_set(event.metadata(), |set| {
            let event = match event.parent() {
                Some(parent) => Event::new_child_of(parent.clone(), event.metadata(), set),
                None if event.is_root() => Event::new_child_of(None, event.metadata(), set),
                None => Event::new(event.metadata(), set),
            };
            self.inner.on_event(&event, context);
        });
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut values = SafeValues::default();
        attributes.record(&mut values);
        values.with_set(attributes.metadata(), |set| {
            let attributes = match attributes.parent() {
                Some(parent) => Attributes::child_of(parent.clone(), attributes.metadata(), set),
                None if attributes.is_root() => Attributes::new_root(attributes.metadata(), set),
                None => Attributes::new(attributes.metadata(), set),
            };
            self.inner.on_new_span(&attributes, id, context);
        });
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let Some(metadata) = context.metadata(id) else { return };
        let mut values = SafeValues::default();
        record.record(&mut values);
        values.with_set(metadata, |set| self.inner.on_record(id, &Record::new(set), context));
    }
}

/// The values of an event or span, texts made safe, numbers as they were.
#[derive(Default)]
struct SafeValues {
    values: Vec<(Field, SafeValue)>,
}

enum SafeValue {
    Float(f64),
    Signed(i64),
    Unsigned(u64),
    Truth(bool),
    Text(String),
    /// Shown without quotes.
    Shown(tracing::field::DisplayValue<String>),
}

impl SafeValues {
    fn with_set(&self, metadata: &'static Metadata<'static>, use_it: impl FnOnce(&tracing::field::ValueSet<'_>)) {
        let fields = metadata.fields();
        // A set has a fixed length; what is over stays empty and is passed over.
        let (Some(filler), false) = (fields.iter().next(), self.values.is_empty()) else {
            return use_it(&fields.value_set(&[]));
        };
        let mut padded: [(&Field, Option<&dyn Value>); FIELDS_MAX] = [(&filler, None); FIELDS_MAX];
        for (place, (field, value)) in padded.iter_mut().zip(&self.values) {
            *place = (field, Some(value.as_value()));
        }
        use_it(&fields.value_set(&padded));
    }

    fn push(&mut self, field: &Field, value: SafeValue) {
        self.values.push((field.clone(), value));
    }
}

impl SafeValue {
    fn as_value(&self) -> &dyn Value {
        match self {
            Self::Float(value) => value,
            Self::Signed(value) => value,
            Self::Unsigned(value) => value,
            Self::Truth(value) => value,
            Self::Text(value) => value,
            Self::Shown(value) => value,
        }
    }
}

impl Visit for SafeValues {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, SafeValue::Float(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, SafeValue::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, SafeValue::Unsigned(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, SafeValue::Truth(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, SafeValue::Text(safe(value)));
    }

    /// The error and its causes, each once: many messages quote their cause already.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut told = bounded(&tracing::field::display(value));
        for cause in std::iter::successors(value.source(), |cause| cause.source()).take(CAUSES_MAX) {
            let cause = bounded(&tracing::field::display(cause));
            if !told.contains(&cause) {
                told = format!("{told}: {cause}");
            }
        }
        self.push(field, SafeValue::Shown(tracing::field::display(safe(&told))));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, SafeValue::Shown(tracing::field::display(safe(&bounded(value)))));
    }
}

/// A value as one safe line of bounded length.
fn safe(value: &str) -> String {
    let end = value.floor_char_boundary(VALUE_BYTES_MAX);
    let cut = if end < value.len() { "…" } else { "" };
    text::for_terminal(&value[..end]).replace(['\n', '\t'], " ") + cut
}

/// The value as text, written no further than is kept.
fn bounded(value: &dyn fmt::Debug) -> String {
    let mut written = Bounded(String::new());
    // An error only says that the bound was reached.
    let _ = fmt::write(&mut written, format_args!("{value:?}"));
    written.0
}

struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        // One byte over the bound lets `safe` see that something is missing.
        let room = (VALUE_BYTES_MAX + 4).saturating_sub(self.0.len());
        let end = piece.floor_char_boundary(room);
        self.0.push_str(&piece[..end]);
        if end < piece.len() { Err(fmt::Error) } else { Ok(()) }
    }
}
