use std::{any::type_name, borrow::Cow, fmt, marker::PhantomData};

use http::request::Parts;

use crate::cookie;

/// What tells one session from the next, so that tokens can be bound to it.
///
/// [`Csrf::session_cookie`](crate::Csrf::session_cookie) takes a cookie's name,
/// [`Csrf::session_extension`](crate::Csrf::session_extension) what another layer knows, and
/// [`Csrf::session`](crate::Csrf::session) a closure; implement this trait for what they cannot say:
/// why the session could not be found out, or which one came before.
///
/// The value must change when the visitor signs in and out. It goes under a MAC and nowhere else.
pub trait Binding: Send + Sync + 'static {
    /// The session of this request, or `None` for a visitor without one.
    ///
    /// # Errors
    ///
    /// When it cannot be known, which is most often a layer in the wrong place. Requests that need
    /// a token are then refused as `session_unavailable`.
    fn current<'a>(&self, parts: &'a Parts) -> Result<Option<Cow<'a, [u8]>>, SessionUnavailable>;

    /// The session before the current one, if that is remembered. It serves only to tell an honest
    /// visitor whose form is from before the change: their token is still refused.
    fn previous<'a>(&self, parts: &'a Parts) -> Option<Cow<'a, [u8]>> {
        let _ = parts;
        None
    }
}

/// The session of a request could not be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionUnavailable {
    what: &'static str,
}

impl SessionUnavailable {
    /// Names what was missing, for the log: ``"the `Session` extension"``.
    #[must_use]
    pub fn new(what: &'static str) -> Self {
        Self { what }
    }

    pub(crate) fn what(self) -> &'static str {
        self.what
    }
}

impl fmt::Display for SessionUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is missing", self.what)
    }
}

impl std::error::Error for SessionUnavailable {}

pub(crate) struct ByClosure<F>(pub(crate) F);

impl<F> Binding for ByClosure<F>
where
    F: for<'a> Fn(&'a Parts) -> Option<Cow<'a, [u8]>> + Send + Sync + 'static,
{
    fn current<'a>(&self, parts: &'a Parts) -> Result<Option<Cow<'a, [u8]>>, SessionUnavailable> {
        Ok((self.0)(parts))
    }
}

/// What another layer has put into the extensions.
pub(crate) struct ByExtension<T, F> {
    session: F,
    extension: PhantomData<fn() -> T>,
}

impl<T, F> ByExtension<T, F> {
    pub(crate) fn new(session: F) -> Self {
        Self {
            session,
            extension: PhantomData,
        }
    }
}

impl<T, F> Binding for ByExtension<T, F>
where
    T: Send + Sync + 'static,
    F: for<'a> Fn(&'a T) -> Option<Cow<'a, [u8]>> + Send + Sync + 'static,
{
    fn current<'a>(&self, parts: &'a Parts) -> Result<Option<Cow<'a, [u8]>>, SessionUnavailable> {
        match parts.extensions.get::<T>() {
            Some(extension) => Ok((self.session)(extension)),
            None => Err(SessionUnavailable::new(type_name::<T>())),
        }
    }
}

/// The value of a cookie that another part of the service sets at login.
pub(crate) struct ByCookie(pub(crate) String);

impl Binding for ByCookie {
    fn current<'a>(&self, parts: &'a Parts) -> Result<Option<Cow<'a, [u8]>>, SessionUnavailable> {
        // With two of them there is no telling which one the session layer takes. All of them
        // together are a value that changes whenever the session does.
        let mut values = cookie::values(&parts.headers, &self.0);
        let Some(first) = values.next() else {
            return Ok(None);
        };
        let mut all = Cow::Borrowed(first);
        for value in values {
            let all = all.to_mut();
            all.push(b';');
            all.extend_from_slice(value);
        }
        Ok(Some(all))
    }
}

/// Binds tokens to the session of `tower-sessions`:
/// `.session_binding(mainstay_csrf::TowerSessions)`.
///
/// `SessionManagerLayer` has to be outside of ours. A visitor has no session until something is
/// stored in it; a form that was loaded before that moment is a stale one after it, so let signing
/// in be what makes the session, or store something on the first page.
#[cfg(feature = "tower-sessions")]
#[derive(Clone, Copy, Debug)]
pub struct TowerSessions;

#[cfg(feature = "tower-sessions")]
impl Binding for TowerSessions {
    fn current<'a>(&self, parts: &'a Parts) -> Result<Option<Cow<'a, [u8]>>, SessionUnavailable> {
        let session = parts
            .extensions
            .get::<tower_sessions::Session>()
            .ok_or(SessionUnavailable::new("the session of tower-sessions"))?;
        Ok(session
            .id()
            .map(|id| Cow::Owned(id.0.to_be_bytes().to_vec())))
    }
}
