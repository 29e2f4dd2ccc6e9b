//! A test in a network namespace of its own: fixed addresses and ports, and no packet gets out.

use std::process::Command;

const MARKER: &str = "BELLHOP_TEST_NAMESPACE";

/// True inside: the test goes on. Outside it runs this test of this binary again, inside, waits, fails if that
/// failed, and says false: the test returns. `test` is its full name, as `--exact` takes it.
///
/// Inside there are all of 127/8, ::1 and 192.0.2.1; other addresses swallow what is sent to them.
pub fn enter_or_reexec(test: &str) -> bool {
    if std::env::var(MARKER).is_ok_and(|inside| inside == test) {
        return true;
    }
    let again = Command::new(super::scripts().join("namespace.sh"))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads", "1", "--nocapture", "--include-ignored"])
        .env(MARKER, test)
        .output()
        .expect("tests/interop/sip/namespace.sh starts");
    let output = String::from_utf8_lossy(&again.stdout);
    print!("{output}");
    eprint!("{}", String::from_utf8_lossy(&again.stderr));
    // Also when it found no test of this name.
    assert!(again.status.success() && output.contains("1 passed"), "{test} in a namespace: {}", again.status);
    false
}
