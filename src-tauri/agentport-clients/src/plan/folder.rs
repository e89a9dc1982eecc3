//! Relative paths in the servers of a project's file.
//!
//! A client starts a project's servers in the project's folder; the gateway starts every server in a folder of its own.
//! So relative paths are resolved against the project's folder. In a user's file, which has no folder, a server with a
//! relative path is not moved: the file does not say which folder the client would use.

use std::path::{Path, PathBuf};

/// File name extensions of scripts.
const SCRIPTS: [&str; 14] =
    ["cjs", "cts", "dll", "exe", "jar", "js", "mjs", "mts", "php", "py", "rb", "sh", "ts", "tsx"];

/// Name of the folder, to distinguish projects.
pub(super) fn name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let name = agentport_core::sanitize::sanitize_line(&name, 40);
    if name.is_empty() { "project".to_owned() } else { name }
}

/// Why a server cannot be started from another folder, as a sentence.
pub(super) type FolderProblem = String;

/// The command with a path that works from any folder, and the folder to start the server in. `true`: something was
/// resolved against the project's folder.
pub(super) fn settled(
    command: &str,
    args: &[String],
    cwd: Option<&str>,
    folder: Option<&Path>,
) -> Result<(String, Option<String>, bool), FolderProblem> {
    let from_home = |path: &str| path.starts_with('~');
    if let Some(path) = [Some(command), cwd].into_iter().flatten().find(|path| from_home(path)) {
        let path = agentport_core::sanitize::sanitize_line(path, 80);
        return Err(format!(
            "It names {path}, and which home directory is meant only the client knows."
        ));
    }
    let relative_cwd = cwd.filter(|cwd| !is_absolute(cwd));
    let relative_command = is_relative_program(command).then_some(command);
    let relative_arg = args.iter().position(|arg| is_relative_path(arg));
    let relative_arg =
        relative_arg.filter(|at| !names_folder(command, &args[..*at])).map(|at| args[at].as_str());
    // With a folder of its own, relative arguments are resolved there as they always were.
    let unsettled = relative_cwd.or(relative_command).or(relative_arg.filter(|_| cwd.is_none()));
    let Some(unsettled) = unsettled else {
        return Ok((command.to_owned(), cwd.map(str::to_owned), false));
    };
    let Some(folder) = folder else {
        let path = agentport_core::sanitize::sanitize_line(unsettled, 80);
        return Err(format!(
            "It names {path}, which depends on the folder the client starts it in."
        ));
    };
    let start = cwd.map_or_else(|| folder.to_owned(), |cwd| join(folder, cwd));
    let command = match relative_command {
        Some(relative) => join(&start, relative).to_string_lossy().into_owned(),
        None => command.to_owned(),
    };
    Ok((command, Some(start.to_string_lossy().into_owned()), true))
}

/// Options that set a program's working folder, so that its relative paths work from anywhere. Only those before the
/// first relative path count: later ones belong to the script.
const FOLDER_OPTIONS: [(&str, &[&str]); 12] = [
    ("uv", &["--directory"]),
    ("uvx", &["--directory"]),
    ("npm", &["--prefix", "-C"]),
    ("npx", &["--prefix", "-C"]),
    ("pnpm", &["--dir", "-C"]),
    ("yarn", &["--cwd"]),
    ("bun", &["--cwd"]),
    ("bunx", &["--cwd"]),
    ("poetry", &["--directory", "-C"]),
    ("make", &["--directory", "-C"]),
    ("gmake", &["--directory", "-C"]),
    ("git", &["-C"]),
];

/// Does the command line name the absolute folder it works in?
fn names_folder(command: &str, args: &[String]) -> bool {
    let name = command.rsplit(['/', '\\']).next().unwrap_or(command).to_ascii_lowercase();
    // `cmd /c uv …`, as Windows needs it for scripts.
    if matches!(name.as_str(), "cmd" | "cmd.exe")
        && let [flag, program, rest @ ..] = args
        && flag.eq_ignore_ascii_case("/c")
    {
        return names_folder(program, rest);
    }
    let name =
        [".exe", ".cmd", ".bat"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    let Some((_, options)) = FOLDER_OPTIONS.iter().find(|(program, _)| *program == name) else {
        return false;
    };
    args.iter().enumerate().any(|(at, arg)| {
        let value = options.iter().find_map(|option| match arg.strip_prefix(option)? {
            "" => args.get(at + 1).map(String::as_str),
            rest if option.starts_with("--") => rest.strip_prefix('='),
            rest => Some(rest),
        });
        value.is_some_and(is_absolute)
    })
}

/// A program by a path that is not from the root: one without a separator is looked up along `PATH`.
fn is_relative_program(command: &str) -> bool {
    command.contains(['/', '\\']) && !is_absolute(command)
}

fn is_relative_path(arg: &str) -> bool {
    let value = match arg.split_once('=') {
        Some((flag, value)) if flag.starts_with('-') => value,
        _ if arg.starts_with('-') => return false,
        _ => arg,
    };
    if matches!(value, "." | "..")
        || ["./", "../", ".\\", "..\\"].iter().any(|start| value.starts_with(start))
    {
        return true;
    }
    let is_path = !is_absolute(value) && !value.starts_with(['@', '~']) && !value.contains("://");
    let ending = Path::new(value).extension().and_then(|ending| ending.to_str());
    is_path
        && !value.contains(char::is_whitespace)
        && ending.is_some_and(|ending| SCRIPTS.contains(&ending))
}

/// On this system or another: a file may be shared between machines.
fn is_absolute(path: &str) -> bool {
    let drive = path.as_bytes();
    path.starts_with(['/', '\\'])
        || drive.len() >= 3
            && drive[0].is_ascii_alphabetic()
            && drive[1] == b':'
            && matches!(drive[2], b'/' | b'\\')
}

/// `path` within `folder`, without the `.` and `..` it begins with.
fn join(folder: &Path, path: &str) -> PathBuf {
    if is_absolute(path) {
        return PathBuf::from(path);
    }
    let mut joined = folder.to_owned();
    let mut at_start = true;
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." if at_start => {
                joined.pop();
            }
            part => {
                at_start = false;
                joined.push(part);
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        command: &str,
        args: &[&str],
        cwd: Option<&str>,
        want: Option<(&str, Option<&str>)>,
        folder: Option<&str>,
    ) {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let got = settled(command, &args, cwd, folder.map(Path::new)).ok();
        let got = got.as_ref().map(|(command, cwd, _)| (command.as_str(), cwd.as_deref()));
        assert_eq!(got, want, "{command} {args:?} {cwd:?} in {folder:?}");
    }

    #[test]
    fn absolute_paths_stay() {
        for folder in [None, Some("/p")] {
            check("npx", &["-y", "@scope/pkg", "docs/x"], None, Some(("npx", None)), folder);
            check("/bin/x", &["/a/b.js"], None, Some(("/bin/x", None)), folder);
            check("node", &["./x.js"], Some("/srv"), Some(("node", Some("/srv"))), folder);
            check("C:\\x\\node.exe", &["C:/y.js"], None, Some(("C:\\x\\node.exe", None)), folder);
            check(
                "uvx",
                &["--from", "git+https://h.test/x.py", "x"],
                None,
                Some(("uvx", None)),
                folder,
            );
        }
    }

    #[test]
    fn relative_paths_are_resolved_in_the_folder() {
        let here = Some("/home/me/p");
        check("./run", &[], None, Some(("/home/me/p/run", Some("/home/me/p"))), here);
        check("node", &["dist/index.js"], None, Some(("node", Some("/home/me/p"))), here);
        check("node", &["--config=./c"], None, Some(("node", Some("/home/me/p"))), here);
        check("uv", &["run", "."], None, Some(("uv", Some("/home/me/p"))), here);
        check("bin/x", &[], Some("../q"), Some(("/home/me/q/bin/x", Some("/home/me/q"))), here);
        check("node", &["x.js"], Some("sub"), Some(("node", Some("/home/me/p/sub"))), here);
    }

    #[test]
    fn a_command_line_may_name_its_folder() {
        for (command, args) in [
            ("uv", &["--directory", "/srv/x", "run", "server.py"] as &[&str]),
            ("/opt/uv", &["run", "--directory=/srv/x", "./server.py"]),
            ("uvx", &["--directory", "/srv/x", "run.py"]),
            ("npm", &["--prefix", "/srv/x", "exec", "index.js"]),
            ("pnpm", &["-C", "/srv/x", "tsx", "src/main.ts"]),
            ("yarn", &["--cwd", "/srv/x", "node", "a.js"]),
            ("poetry", &["-C", "/srv/x", "run", "python", "server.py"]),
            ("make", &["-C/srv/x", "run.sh"]),
            ("C:\\tools\\uv.EXE", &["--directory", "C:\\x", "run", "server.py"]),
            ("cmd", &["/c", "uv", "--directory", "C:\\x", "run", "server.py"]),
        ] {
            check(command, args, None, Some((command, None)), None);
            check(command, args, None, Some((command, None)), Some("/p"));
        }
        for (command, args) in [
            ("uv", &["--directory", "x", "run", "server.py"] as &[&str]),
            ("uv", &["--directory", "~/x", "run", "server.py"]),
            // That is the script's own argument.
            ("uv", &["run", "server.py", "--directory", "/srv/x"]),
            ("node", &["--directory", "/srv/x", "server.js"]),
            ("uv", &["--project", "/srv/x", "run", "server.py"]),
        ] {
            check(command, args, None, None, None);
        }
    }

    #[test]
    fn relative_paths_without_a_folder_are_refused() {
        check("./run", &[], None, None, None);
        check("./run", &[], Some("/srv"), None, None);
        check("node", &["index.js"], None, None, None);
        check("node", &[], Some("sub"), None, None);
        check("~/bin/x", &[], None, None, None);
        check("x", &[], Some("~"), None, Some("/p"));
    }
}
