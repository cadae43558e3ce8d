//! What `[supervisord]` says that has consequences elsewhere.

use super::Site;

#[test]
fn a_mask_that_is_not_applied_is_said() {
    let unused = "For [supervisord], umask=077 has no effect in the foreground, where the mask of whoever \
                  started the daemon is kept (022); a program's own umask= works everywhere";
    for (text, expected) in [
        ("umask=077\nnodaemon=true\n", &[unused][..]),
        // The same as it is; applied on the way to the background; not asked for.
        ("umask=022\nnodaemon=true\n", &[]),
        ("umask=077\n", &[]),
        ("nodaemon=true\n", &[]),
    ] {
        let site = Site::running(text);
        assert_eq!(site.warnings(), expected, "{text}");
    }
}

#[test]
fn a_check_says_so_as_well() {
    let site = Site::running("umask=077\nnodaemon=true\n");
    let report = site.check();
    assert!(report.is_ok());
    let text = report.to_string();
    assert!(
        text.starts_with("warning: For [supervisord], umask=077 has no effect"),
        "{text}"
    );
}
