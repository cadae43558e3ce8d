//! The parameters of a page: from the query, and from a form's body.

/// What a page can be asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Params {
    pub(super) action: Option<String>,
    pub(super) processname: Option<String>,
    pub(super) message: Option<String>,
    pub(super) limit: Option<String>,
    pub(super) channel: Option<String>,
}

impl Params {
    /// As the original reads them: the first of a name in the query, the last in a body, and the
    /// body before the query.
    pub(super) fn read(query: &str, body: &[u8]) -> Self {
        let mut params = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if let Some(place @ None) = params.named(&name) {
                *place = Some(value.into_owned());
            }
        }
        for (name, value) in form_urlencoded::parse(body) {
            if let Some(place) = params.named(&name) {
                *place = Some(value.into_owned());
            }
        }
        params
    }

    fn named(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name {
            "action" => &mut self.action,
            "processname" => &mut self.processname,
            "message" => &mut self.message,
            "limit" => &mut self.limit,
            "channel" => &mut self.channel,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_query_and_the_last_of_the_body_count() {
        for (query, body, action, name) in [
            ("", "", None, None),
            (
                "action=stop&processname=a%3Ab",
                "",
                Some("stop"),
                Some("a:b"),
            ),
            ("action=stop&action=start", "", Some("stop"), None),
            ("", "action=stop&action=start", Some("start"), None),
            (
                "action=stop&processname=x",
                "action=start",
                Some("start"),
                Some("x"),
            ),
            ("other=1&action=", "x=y", Some(""), None),
        ] {
            let params = Params::read(query, body.as_bytes());
            assert_eq!(params.action.as_deref(), action, "{query} {body}");
            assert_eq!(params.processname.as_deref(), name, "{query} {body}");
        }
    }
}
