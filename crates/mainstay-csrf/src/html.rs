use std::fmt;

use crate::escape::Html;

/// `<input type="hidden" …>` with the token: what [`CsrfToken::field`](crate::CsrfToken::field)
/// returns.
///
/// `Display` writes it. Put it first in the form, before any file: what comes before it has to be
/// read before the token is found. Template engines take it for ready HTML with the features
/// `askama`, `maud` and `minijinja`.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
}

/// `<meta …>` with the token: what [`CsrfToken::meta`](crate::CsrfToken::meta) returns.
///
/// For the page's head, where scripts read it.
#[derive(Clone, Copy)]
pub struct Meta<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(
            f,
            ["<input type=\"hidden\" name=\"", "\" value=\"", "\">"],
            self.name,
            self.value,
        )
    }
}

impl fmt::Display for Meta<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(
            f,
            ["<meta name=\"", "\" content=\"", "\">"],
            self.name,
            self.value,
        )
    }
}

/// Nothing at all where there is no token, so that a template serves every preset.
fn write(f: &mut fmt::Formatter<'_>, frame: [&str; 3], name: &str, value: &str) -> fmt::Result {
    if value.is_empty() {
        return Ok(());
    }
    // Base64 of either alphabet has no character that means anything in an attribute.
    write!(
        f,
        "{}{}{}{value}{}",
        frame[0],
        Html(name),
        frame[1],
        frame[2]
    )
}

macro_rules! ready_html {
    ($($name:ident),*) => {$(
        // The default would show the token.
        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("name", &self.name).finish_non_exhaustive()
            }
        }

        #[cfg(feature = "askama")]
        impl askama::FastWritable for $name<'_> {
            fn write_into(
                &self,
                dest: &mut dyn fmt::Write,
                _: &dyn askama::Values,
            ) -> askama::Result<()> {
                Ok(write!(dest, "{self}")?)
            }
        }

        #[cfg(feature = "askama")]
        impl askama::filters::HtmlSafe for $name<'_> {}

        #[cfg(feature = "maud")]
        impl maud::Render for $name<'_> {
            fn render_to(&self, buffer: &mut String) {
                use fmt::Write;

                // Writing to a string cannot fail.
                let _ = write!(buffer, "{self}");
            }
        }

        #[cfg(feature = "minijinja")]
        impl From<$name<'_>> for minijinja::Value {
            fn from(html: $name<'_>) -> Self {
                Self::from_safe_string(html.to_string())
            }
        }
    )*};
}

ready_html!(Field, Meta);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_nothing_is_written_without_a_token() {
        let field = Field {
            name: "a\"><script>'&b",
            value: "tok-en",
        };
        assert_eq!(
            field.to_string(),
            "<input type=\"hidden\" name=\"a&quot;&gt;&lt;script&gt;&#39;&amp;b\" value=\"tok-en\">"
        );
        let meta = Meta {
            name: "csrf-token",
            value: "tok-en",
        };
        assert_eq!(
            meta.to_string(),
            "<meta name=\"csrf-token\" content=\"tok-en\">"
        );
        assert!(!format!("{field:?}{meta:?}").contains("tok-en"));
        assert_eq!(
            Field {
                name: "a",
                value: ""
            }
            .to_string(),
            ""
        );
    }
}
