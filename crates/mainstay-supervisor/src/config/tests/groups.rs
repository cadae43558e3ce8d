//! From sections to groups.

use super::Site;
use crate::config::{FcgiSocket, GroupKind};

#[test]
fn groups_claim_programs_and_share_them() {
    let site = Site::running(
        "[program:a]\ncommand=%(group_name)s\npriority=2\n\
         [program:b]\ncommand=%(group_name)s\npriority=1\n\
         [program:c]\ncommand=%(group_name)s\n\
         [group:g]\nprograms=a,b\n[group:h]\nprograms=a\npriority=5\n",
    );
    let config = site.config();
    let groups: Vec<(&str, Vec<(&str, &str)>)> = config
        .groups
        .iter()
        .map(|group| {
            let processes = group.processes.iter();
            let processes = processes
                .map(|p| (p.name.as_str(), p.command.as_str()))
                .collect();
            (group.name.as_str(), processes)
        })
        .collect();
    assert_eq!(
        groups,
        [
            ("h", vec![("a", "h")]),
            ("c", vec![("c", "c")]),
            ("g", vec![("b", "g"), ("a", "g")]),
        ]
    );
    let members: Vec<_> = config
        .groups
        .iter()
        .flat_map(|g| g.processes.iter().map(|p| &p.group))
        .collect();
    assert_eq!(members, ["h", "c", "g", "g"]);
}

#[test]
fn listeners_have_a_pool() {
    let site = Site::running(
        "[eventlistener:e]\ncommand=a\nevents=tick_5, PROCESS_STATE\nbuffer_size=3\n\
         [eventlistener:f]\ncommand=a\nevents=EVENT\npriority=7\n",
    );
    let config = site.config();
    assert_eq!(
        config.groups[0].kind,
        GroupKind::Listeners {
            buffer_size: 3,
            events: vec!["TICK_5".into(), "PROCESS_STATE".into()],
            result_handler: "supervisor.dispatchers:default_handler".into(),
        }
    );
    let priorities: Vec<_> = config
        .groups
        .iter()
        .map(|g| (g.priority, g.processes[0].priority))
        .collect();
    assert_eq!(priorities, [(-1, 999), (7, 7)]);
}

#[test]
fn fcgi_programs_have_a_socket_alone_and_in_groups() {
    let section = "[fcgi-program:f]\ncommand=a\nsocket=unix:///run/../x.sock\nuser=nobody\n\
                   socket_mode=0660\nsocket_backlog=7\nnumprocs=2\nprocess_name=f%(process_num)d\n";
    let socket = FcgiSocket {
        url: "unix:///x.sock".into(),
        backlog: Some(7),
        owner: Some((65534, Some(65534))),
        mode: Some(0o660),
    };
    let config = Site::running(section).config();
    assert_eq!(config.groups[0].kind, GroupKind::Fcgi(socket.clone()));

    let config = Site::running(&format!("{section}[group:g]\nprograms=f\n")).config();
    assert_eq!(config.groups.len(), 1);
    assert_eq!(config.groups[0].kind, GroupKind::Programs);
    for process in &config.groups[0].processes {
        assert_eq!(process.socket.as_deref(), Some(&socket));
    }
}

#[test]
fn the_owner_of_a_socket() {
    for (setting, uid, expected) in [
        ("socket_owner=app", 0, Some((1000, None))),
        ("socket_owner=app:nogroup", 0, Some((1000, Some(65534)))),
        ("user=app", 0, Some((1000, Some(1000)))),
        ("user=app", 1000, None),
        ("", 0, None),
    ] {
        let text = format!("[fcgi-program:f]\ncommand=a\nsocket=unix:///x\n{setting}\n");
        let mut site = Site::running(&text);
        site.context.uid = uid;
        assert_eq!(site.process().socket.unwrap().owner, expected, "{setting}");
    }
}

#[test]
fn the_host_of_a_socket_is_in_lower_case() {
    for (socket, expected) in [
        ("tcp://LocalHost:9000", "tcp://localhost:9000"),
        ("tcp://127.0.0.1:09000", "tcp://127.0.0.1:9000"),
        ("unix:///Run/X", "unix:///Run/X"),
    ] {
        let text = format!("[fcgi-program:f]\ncommand=a\nsocket={socket}\n");
        let process = Site::running(&text).process();
        assert_eq!(process.socket.unwrap().url, expected);
    }
}
