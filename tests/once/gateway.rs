//! The real binary as a process, with few numbers for many clients.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The tenant, and its key of kind dnis.
pub(crate) const TENANT: &str = "once";
pub(crate) const KEY: &str = "once-dnis-key";
/// How many numbers there are; fewer than clients could hold, so that numbers change hands all the time.
const NUMBERS: usize = 12;

/// The numbers.
pub(crate) fn numbers() -> impl Iterator<Item = String> {
    (0..NUMBERS).map(|n| format!("49305550{n:03}"))
}

/// A running gateway; killed when dropped.
pub(crate) struct Gateway {
    child: Child,
    address: SocketAddr,
}

impl Gateway {
    /// Starts it in an empty directory. An allocation lasts a second over Interact.
    pub(crate) fn start(directory: &Path) -> Self {
        let numbers: String = numbers()
            .map(|number| format!("{{ number = \"{number}\", dnid = \"{number}\", group = \"lines\" }}, "))
            .collect();
        // The password is "password".
        let text = format!(
            "[log]\nrequests = \"none\"\n[gms]\nanonymous_tenant = \"{TENANT}\"\n[interact]\nallocation_timeout = 1\n\
             [[tenant]]\nid = \"{TENANT}\"\n\
             users = [{{ name = \"admin\", password_hash = \"$argon2id$v=19$m=19456,t=2,p=1$\
             Bon9LKDirvIhYIa4ME7ENQ$RW6yam07XUK0Im6uGx/mDBPViqYteT6SlP9hyC/WDWg\" }}]\n\
             applications = [{{ name = \"numbers\", kind = \"dnis\", key = \"{KEY}\" }}]\n\
             groups = [{{ name = \"lines\", policy = \"random\" }}]\nnumbers = [{numbers}]\n"
        );
        let file = directory.join("gateway.toml");
        fs::write(&file, text).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_dnis-gateway"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(file)
            .arg("--data")
            .arg(directory.join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(directory.join("stderr.log")).unwrap())
            .spawn()
            .expect("the binary that was built for this test starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is a pipe")).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").map(str::parse);
        let address = address.unwrap_or_else(|| panic!("its first line is '{line}'")).unwrap();
        Self { child, address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
