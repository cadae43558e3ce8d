use std::borrow::Cow;

use http::StatusCode;
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;

use crate::status::reason;

/// A problem document (RFC 9457), the answer for programs.
///
/// `type`, `title` and `status` are always written; `detail` and `request_id` only when there is
/// something to say.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: Cow<'static, str>,
    title: Cow<'static, str>,
    status: StatusCode,
    detail: Option<String>,
    instance: Option<String>,
    members: Vec<(Cow<'static, str>, Value)>,
}

impl Problem {
    /// `about:blank`, titled with the status' reason.
    pub fn new(status: StatusCode) -> Self {
        Self {
            kind: Cow::Borrowed("about:blank"),
            title: Cow::Borrowed(reason(status)),
            status,
            detail: None,
            instance: None,
            members: Vec::new(),
        }
    }

    /// Sets `type`: a URI that says what kind of problem this is.
    pub fn set_type(&mut self, uri: impl Into<Cow<'static, str>>) -> &mut Self {
        self.kind = uri.into();
        self
    }

    /// Sets `title`: the kind of problem in a few words, the same each time.
    pub fn set_title(&mut self, title: impl Into<Cow<'static, str>>) -> &mut Self {
        self.title = title.into();
        self
    }

    /// Sets `detail`: what the client may read about this occurrence.
    pub fn set_detail(&mut self, detail: impl Into<String>) -> &mut Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets `instance`: a URI of this occurrence.
    pub fn set_instance(&mut self, uri: impl Into<String>) -> &mut Self {
        self.instance = Some(uri.into());
        self
    }

    /// Sets a member of your own, such as errors by field. The names of the document's own members
    /// are taken, and setting them here does nothing.
    pub fn set_member(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Value>,
    ) -> &mut Self {
        let name = name.into();
        if OWN_MEMBERS.contains(&&*name) {
            return self;
        }
        self.set_own_member(name, value.into());
        self
    }

    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The kind of problem in a few words.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What the client may read about this occurrence.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    pub(crate) fn set_own_member(&mut self, name: Cow<'static, str>, value: Value) {
        match self.members.iter_mut().find(|(it, _)| *it == name) {
            Some((_, old)) => *old = value,
            None => self.members.push((name, value)),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.kind)?;
        map.serialize_entry("title", &self.title)?;
        map.serialize_entry("status", &self.status.as_u16())?;
        if let Some(detail) = &self.detail {
            map.serialize_entry("detail", detail)?;
        }
        if let Some(instance) = &self.instance {
            map.serialize_entry("instance", instance)?;
        }
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

const OWN_MEMBERS: [&str; 7] = [
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "request_id",
    "debug",
];
