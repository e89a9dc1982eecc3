//! `ap`, the short name of `agentport`: replaces itself by the `agentport` in the same folder, with the same arguments.
//!
//! A separate small program, so that the large one is compiled, linked and shipped once.

use std::{
    env,
    io::{self, Write as _},
    process::{Command, ExitCode},
};

fn main() -> ExitCode {
    let failed = match beside() {
        Ok(mut agentport) => match become_it(agentport.args(env::args_os().skip(1))) {
            Ok(code) => return code,
            Err(error) => error,
        },
        Err(error) => error,
    };
    // With stderr closed there is nowhere to report it.
    let _ = writeln!(io::stderr(), "error: ap needs agentport beside it: {failed}");
    ExitCode::FAILURE
}

fn beside() -> io::Result<Command> {
    let here = env::current_exe()?;
    Ok(Command::new(here.with_file_name(format!("agentport{}", env::consts::EXE_SUFFIX))))
}

#[cfg(unix)]
fn become_it(agentport: &mut Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    // `arg0` makes its help speak of `ap`. exec(2) returns only errors.
    Err(agentport.arg0("ap").exec())
}

#[cfg(not(unix))]
fn become_it(agentport: &mut Command) -> io::Result<ExitCode> {
    let code = agentport.status()?.code();
    Ok(code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
