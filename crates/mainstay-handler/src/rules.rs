use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc};

use http::{HeaderMap, StatusCode};

use crate::{Error, HttpError, Origin, PanicError, Problem, StatusError, rejection};

/// Which errors are known, and so how one is answered.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    recognisers: Vec<Recogniser>,
    /// Whether the sentences of axum's rejections go without serde's detail.
    pub(crate) terse: bool,
}

/// How an error is answered.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: StatusCode,
    pub(crate) origin: Origin,
    pub(crate) message: Option<Cow<'a, str>>,
    pub(crate) problem: Problem,
    /// Those that the recognised error wants; not those that were added to the [`Error`].
    pub(crate) headers: HeaderMap,
    /// Whether those headers come from a link in the chain, and so are not in the response yet.
    pub(crate) by_rule: bool,
    /// The status that somebody wanted, though it is not one of an error.
    pub(crate) misused: Option<StatusCode>,
}

impl Rules {
    pub(crate) fn recognize<E: HttpError>(&mut self) {
        self.recognisers.push(Recogniser {
            link: Arc::new(|link| link.downcast_ref::<E>().map(|it| Known::Borrowed(it))),
            #[cfg(feature = "anyhow")]
            context: Arc::new(context::<E>),
        });
    }

    pub(crate) fn map_error<E, F>(&mut self, map: F)
    where
        E: StdError + 'static,
        F: Fn(&E) -> Option<StatusError> + Send + Sync + 'static,
    {
        self.recognisers.push(Recogniser {
            link: Arc::new(move |link| link.downcast_ref().and_then(&map).map(Known::Owned)),
            #[cfg(feature = "anyhow")]
            context: Arc::new(|_| None),
        });
    }

    /// First hit wins: the status that was set, the error that was given as known, the chain from
    /// the outermost link inwards, each against the built-in types and then the rules in order.
    pub(crate) fn resolve<'a>(&self, error: &'a Error) -> Answer<'a> {
        let mut answer = if let Some(status) = error.responded() {
            Answer::new(error.status().unwrap_or(status), Origin::Known)
        } else if let Some(status) = error.status() {
            Answer::of_error(status, Origin::Known)
        } else if let Some(known) = error.as_known() {
            self.known(&Known::Borrowed(known))
        } else if let Some(known) = self.find(error) {
            Answer {
                by_rule: true,
                ..self.known(&known)
            }
        } else {
            Answer::of_error(StatusCode::INTERNAL_SERVER_ERROR, Origin::Unknown)
        };
        if let Some(message) = error.message() {
            answer.message = Some(Cow::Borrowed(message));
        }
        if let Some(message) = &answer.message {
            answer.problem.set_detail(&**message);
        }
        for (name, value) in error.members() {
            answer.problem.set_member(*name, value.clone());
        }
        answer
    }

    fn known<'a>(&self, known: &Known<'a>) -> Answer<'a> {
        let error = known.get();
        let origin = match error.is_panic() {
            true => Origin::Panic,
            false => Origin::Known,
        };
        let mut answer = Answer::of_error(error.status(), origin);
        if answer.misused.is_some() {
            // Its texts were written for another status.
            return answer;
        }
        answer.message = match known {
            Known::Borrowed(error) => error.public_message(),
            Known::Owned(error) => error.public_message().map(|it| Cow::Owned(it.into_owned())),
        };
        if self.terse && rejection::is_one(error) {
            answer.message = answer.message.map(rejection::shortened);
        }
        error.headers(&mut answer.headers);
        error.problem(&mut answer.problem);
        answer
    }

    fn find<'a>(&self, error: &'a Error) -> Option<Known<'a>> {
        #[cfg(feature = "anyhow")]
        if let Some(known) = self.find_context(error) {
            return Some(known);
        }
        error.causes().find_map(|link| {
            built_in(link)
                .map(Known::Borrowed)
                .or_else(|| self.recognisers.iter().find_map(|rule| (rule.link)(link)))
        })
    }

    /// What was attached by anyhow's `.context(…)`, which is no link of the chain by its own type.
    /// It comes first because it is wrapped around the rest.
    #[cfg(feature = "anyhow")]
    fn find_context<'a>(&self, error: &'a Error) -> Option<Known<'a>> {
        let cause = error.as_anyhow()?;
        context::<StatusError>(cause).or_else(|| {
            self.recognisers
                .iter()
                .find_map(|rule| (rule.context)(cause))
        })
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("recognisers", &self.recognisers.len())
            .field("terse", &self.terse)
            .finish()
    }
}

impl Answer<'_> {
    fn of_error(status: StatusCode, origin: Origin) -> Self {
        if is_error(status) {
            return Self::new(status, origin);
        }
        let answer = Self::new(StatusCode::INTERNAL_SERVER_ERROR, origin);
        Self {
            misused: Some(status),
            ..answer
        }
    }

    fn new(status: StatusCode, origin: Origin) -> Self {
        Self {
            status,
            origin,
            message: None,
            problem: Problem::new(status),
            headers: HeaderMap::new(),
            by_rule: false,
            misused: None,
        }
    }
}

/// Whether a status says that something went wrong. Numbers from 600 on, which HTTP does not know,
/// are taken for mistakes of their own.
pub(crate) fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// One `case` of the switch over error types.
#[derive(Clone)]
struct Recogniser {
    link: Arc<InLink>,
    #[cfg(feature = "anyhow")]
    context: Arc<InContext>,
}

type InLink = dyn for<'a> Fn(&'a (dyn StdError + 'static)) -> Option<Known<'a>> + Send + Sync;
#[cfg(feature = "anyhow")]
type InContext = dyn for<'a> Fn(&'a anyhow::Error) -> Option<Known<'a>> + Send + Sync;

enum Known<'a> {
    Borrowed(&'a dyn HttpError),
    Owned(StatusError),
}

impl<'a> Known<'a> {
    fn get(&self) -> &dyn HttpError {
        match self {
            Known::Borrowed(error) => *error,
            Known::Owned(error) => error,
        }
    }
}

/// Asked for a type, anyhow looks among the links of the chain as well; those wait for their turn.
#[cfg(feature = "anyhow")]
fn context<E: HttpError>(cause: &anyhow::Error) -> Option<Known<'_>> {
    let found = cause.downcast_ref::<E>()?;
    let is_link = |link: &(dyn StdError + 'static)| {
        link.downcast_ref::<E>()
            .is_some_and(|link| std::ptr::eq(link, found))
    };
    (!cause.chain().any(is_link)).then_some(Known::Borrowed(found))
}

fn built_in<'a>(link: &'a (dyn StdError + 'static)) -> Option<&'a dyn HttpError> {
    if let Some(error) = link.downcast_ref::<StatusError>() {
        return Some(error);
    }
    if let Some(error) = link.downcast_ref::<PanicError>() {
        return Some(error);
    }
    rejection::find(link)
}

impl dyn HttpError {
    fn is_panic(&self) -> bool {
        (self as &dyn StdError).is::<PanicError>()
    }
}
