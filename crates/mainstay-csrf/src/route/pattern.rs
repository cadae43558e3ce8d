//! Routes as axum writes them, `/users/{id}` and `/files/{*path}`, compared with paths.

use std::borrow::Cow;

use crate::scope;

/// Says what is wrong with a route that no router of axum would have.
pub(super) fn check(route: &str) -> Result<(), &'static str> {
    if !route.starts_with('/') {
        return Err("a route is written as the router has it, from its first slash");
    }
    for segment in route.split('/') {
        if segment.starts_with([':', '*']) {
            return Err("parameters are written `{name}` and `{*rest}`");
        }
        let single = segment.replace("{{", "").replace("}}", "");
        let (open, close) = (single.matches('{').count(), single.matches('}').count());
        if open != close || open > 1 {
            return Err("a brace is missing, or there is one too many");
        }
    }
    Ok(())
}

/// Whether a path has the shape of a route, in whichever spelling: escapes and a slash at the end
/// make no difference. It errs on the side of yes.
pub(super) fn covers(route: &str, path: &str) -> bool {
    let path = match path.contains('%') {
        true => Cow::Owned(scope::path(path)),
        false => Cow::Borrowed(path),
    };
    let mut segments = path.trim_end_matches('/').split('/');
    for wanted in route.trim_end_matches('/').split('/') {
        if wanted.starts_with("{*") {
            return segments.next().is_some();
        }
        match segments.next() {
            Some(segment) if fits(wanted, segment) => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

fn fits(wanted: &str, segment: &str) -> bool {
    if wanted.contains("{{") {
        return wanted.replace("{{", "{").replace("}}", "}") == segment;
    }
    match (wanted.split_once('{'), wanted.rsplit_once('}')) {
        (Some((before, _)), Some((_, after))) => {
            segment.starts_with(before) && segment.ends_with(after)
        }
        _ => wanted == segment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_compared_segment_by_segment() {
        for (route, path, covered) in [
            ("/", "/", true),
            ("/", "/a", false),
            ("/a", "/a", true),
            ("/a", "/a/", true),
            ("/a", "/%61", true),
            ("/a", "/A", false),
            ("/a", "/a/b", false),
            ("/a/b", "/a", false),
            ("/{x}", "/a", true),
            ("/{x}", "/a/b", false),
            ("/{x}/b", "/a/b", true),
            ("/{x}.json", "/a.json", true),
            ("/{x}.json", "/a.html", false),
            ("/{*rest}", "/a/b/c", true),
            ("/a/{*rest}", "/a/b/c", true),
            ("/a/{*rest}", "/a", false),
            ("/{{x}}", "/%7Bx%7D", false),
            ("/{{x}}", "/{x}", true),
        ] {
            assert_eq!(covers(route, path), covered, "{route} {path}");
        }
    }
}
