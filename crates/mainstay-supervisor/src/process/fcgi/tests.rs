use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;

use tempfile::TempDir;
use tokio::task::LocalSet;

use super::*;
use crate::config::Level;

fn sockets() -> Sockets {
    Sockets::new(MainLog::new(Level::Info))
}

fn config(url: impl Into<String>) -> FcgiSocket {
    FcgiSocket {
        url: url.into(),
        backlog: None,
        owner: None,
        mode: None,
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[tokio::test(start_paused = true)]
async fn the_address_stays_over_a_restart_and_goes_with_the_last_process() {
    let work = async {
        let port = free_port();
        let config = config(format!("tcp://LOCALHOST:{port}"));
        let sockets = sockets();
        let one = sockets.share(&config).unwrap();
        let two = sockets.share(&config).unwrap();
        assert_eq!(sockets.open.borrow().len(), 1);
        let connect = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        drop(one);
        tokio::time::sleep(LINGER * 2).await;
        assert!(connect(), "the other process has it");
        drop(two);
        assert!(connect(), "a restart would be under way");
        let again = sockets.share(&config).unwrap();
        tokio::time::sleep(LINGER * 2).await;
        assert!(connect(), "taken again");
        drop(again);
        tokio::time::sleep(LINGER * 2).await;
        assert!(!connect(), "nobody has it");
        assert!(sockets.open.borrow().is_empty());
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test]
async fn sockets_go_with_the_table_even_if_shares_are_left() {
    let work = async {
        let port = free_port();
        let sockets = sockets();
        let share = sockets
            .share(&config(format!("tcp://127.0.0.1:{port}")))
            .unwrap();
        drop(sockets);
        drop(share);
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test]
async fn unused_sockets_can_be_closed_at_once() {
    let work = async {
        let port = free_port();
        let sockets = sockets();
        let ours = config(format!("tcp://127.0.0.1:{port}"));
        let share = sockets.share(&ours).unwrap();
        let connect = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        sockets.close_unused(&ours);
        assert!(connect(), "it is in use");
        drop(share);
        sockets.close_unused(&config("tcp://127.0.0.1:1"));
        assert!(connect(), "another one was meant");
        sockets.close_unused(&ours);
        assert!(!connect());
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test]
async fn a_socket_file_has_its_mode_and_replaces_an_old_one_only() {
    let work = async {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("s");
        let url = format!("unix://{}", path.display());
        let user = fs::metadata(folder.path()).unwrap();
        let config = FcgiSocket {
            mode: Some(0o640),
            owner: Some((user.uid(), Some(user.gid()))),
            backlog: Some(7),
            ..config(url)
        };
        for _ in 0..2 {
            let sockets = sockets();
            let share = sockets.share(&config).unwrap();
            let file = fs::metadata(&path).unwrap();
            assert_eq!(file.mode() & 0o7777, 0o640);
            assert!(file.file_type().is_socket());
            UnixStream::connect(&path).unwrap().write_all(b"x").unwrap();
            assert!(share.descriptor().is_ok());
            // The file stays, as the original leaves it; the next one replaces it.
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        let error = sockets().share(&config).unwrap_err();
        assert!(error.contains("not a socket"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    };
    LocalSet::new().run_until(work).await;
}

#[tokio::test]
async fn what_cannot_be_bound_is_said() {
    let work = async {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("tcp://{}", taken.local_addr().unwrap());
        for (url, reason) in [
            (url.as_str(), "in use"),
            ("unix:///no/such/folder/s", "No such file"),
        ] {
            let error = sockets().share(&config(url)).unwrap_err();
            assert!(
                error.starts_with(&format!("could not listen on {url}: ")),
                "{error}"
            );
            assert!(error.contains(reason), "{error}");
        }
    };
    LocalSet::new().run_until(work).await;
}
