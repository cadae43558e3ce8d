//! Passwords: what a refusal tells, and what becomes of old hashes.

use std::time::{Duration, Instant};

use crate::site::{CHEAP, Site};

const PASSWORD: &str = "correct horse battery";

#[test]
fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let site = Site::start();
    site.client().sign_up("Ada", PASSWORD);

    let mut browser = site.client();
    let wrong = browser.try_log_in("Ada", "wrong wrong wrong");
    let unknown = browser.try_log_in("Eve", "wrong wrong wrong");
    assert_eq!((wrong.status, unknown.status), (401, 401));
    assert_eq!(
        wrong.stable_body().replace("Ada", "Eve"),
        unknown.stable_body()
    );

    let wrong = browser.log_in_by_script("Ada", "wrong wrong wrong");
    let unknown = browser.log_in_by_script("Eve", "wrong wrong wrong");
    assert_eq!((wrong.status, unknown.status), (401, 401));
    assert_eq!(wrong.body, unknown.body);
    let names = |answer: &crate::client::Answer| -> Vec<String> {
        answer
            .headers
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    };
    assert_eq!(names(&wrong), names(&unknown));
    assert_eq!(site.count("sessions"), 0);
}

/// A hash takes some 200 ms here, everything else less than 5: without the work for a name that is not
/// there, the two would be a factor of forty apart. The least of several is measured, in turns, as others
/// use this machine too.
#[test]
fn and_it_takes_as_long() {
    let site = Site::with("[passwords]\nlog_n = 15\nr = 8\np = 3\n");
    site.client().sign_up("Ada", PASSWORD);
    let mut browser = site.client();
    let mut time = |name: &str| {
        let start = Instant::now();
        browser.try_log_in(name, "wrong wrong wrong");
        start.elapsed()
    };
    let pairs: Vec<(Duration, Duration)> = (0..5).map(|_| (time("Ada"), time("Eve"))).collect();
    let wrong = pairs.iter().map(|pair| pair.0).min().unwrap();
    let unknown = pairs.iter().map(|pair| pair.1).min().unwrap();
    assert!(
        unknown * 5 > wrong && wrong * 5 > unknown,
        "wrong {wrong:?}, unknown {unknown:?}"
    );
}

#[test]
fn an_old_hash_is_upgraded_at_login() {
    let site = Site::with(CHEAP);
    site.client().sign_up("Ada", PASSWORD);
    let old = site.stored_password("ada");
    assert!(old.contains("ln=10"), "{old}");

    let dearer = CHEAP.replace("10", "11");
    let site = Site::in_folder(site.stop(), &dearer, None);
    assert_eq!(
        site.client().try_log_in("Ada", "wrong wrong wrong").status,
        401
    );
    assert_eq!(
        site.stored_password("ada"),
        old,
        "a wrong password upgrades nothing"
    );

    site.client().log_in("Ada", PASSWORD);
    let new = site.stored_password("ada");
    assert!(new.contains("ln=11"), "{new}");

    site.client().log_in("Ada", PASSWORD);
    assert_eq!(site.stored_password("ada"), new, "once is enough");
}
