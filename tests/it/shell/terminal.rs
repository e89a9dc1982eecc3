//! A pseudo-terminal with scripted input.

use std::process::Command;

use agentport_tests::programs;

/// Runs its arguments on a terminal, all but the first, shows the screen on stdout, and answers each question with one
/// line of the first. A question for a secret has been asked once the terminal no longer echoes.
const SOMEBODY: &str = r#"
import os, pty, sys, termios
typed = sys.argv[1].splitlines()
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
screen = b""
while True:
    try:
        some = os.read(terminal, 4096)
    except OSError:
        break
    if not some:
        break
    screen += some
    asks_secret = screen.endswith(b": ")
    if typed and (asks_secret or screen.endswith(b"] ")):
        while asks_secret and termios.tcgetattr(terminal)[3] & termios.ECHO:
            os.sched_yield()
        os.write(terminal, typed.pop(0).encode() + b"\n")
        screen = b""
    sys.stdout.buffer.write(some)
    sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

/// `command` on a terminal, where `typed` are the answers to what it asks, in their order.
pub(super) fn on_a_terminal(command: &Command, typed: &[String]) -> Command {
    let mut outer = Command::new(programs::python());
    outer.args(["-c", SOMEBODY, &typed.join("\n")]);
    outer.arg(command.get_program()).args(command.get_args());
    outer
}
