//! The HTTP side: listeners, authentication, the dashboard's pages, the tail endpoints.
