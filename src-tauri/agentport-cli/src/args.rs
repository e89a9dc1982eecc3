//! Arguments of all commands. Each command's own arguments are defined in its file under `commands/`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser};

use crate::{commands::Command, output::OutputFormat};

/// Lets AI agents act on your accounts, and asks you first.
#[derive(Debug, Parser)]
#[command(name = "agentport", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct CliArgs {
    #[command(flatten)]
    pub common: CommonArgs,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, ClapArgs)]
pub(crate) struct CommonArgs {
    /// Where the gateway keeps its data [default: the platform's data directory]
    #[arg(long, value_name = "DIR", env = "AGENTPORT_HOME", global = true)]
    pub home: Option<PathBuf>,
    /// How to print data
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t, global = true)]
    pub output: OutputFormat,
    /// A file with the owner's password; `-` reads it from the first line of stdin
    #[arg(long, value_name = "FILE", env = "AGENTPORT_OWNER_PASSWORD_FILE", global = true)]
    pub owner_password_file: Option<PathBuf>,
}

/// Where an agent's command finds its key. Without the flag: `AGENTPORT_API_KEY`, then the key that `auth login` stored.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct AgentKey {
    /// A file with the agent's key [default: $AGENTPORT_API_KEY, else the key `auth login` stored]
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    #[test]
    fn definition_is_sound() {
        CliArgs::command().debug_assert();
    }

    #[test]
    fn takes_every_command_as_documented() {
        for line in [
            "serve",
            "serve --port 4747",
            "serve --port 0 -o json --vault key-file",
            "serve --vault passphrase-file /tmp/f --home /tmp/h",
            "discover --folder /tmp --all -o json",
            "connect cursor --via http-environment --folder /tmp --dry-run",
            "connect cursor --file /tmp/mcp.json --yes",
            "disconnect cursor --yes",
            "consolidate claude-desktop --keep a --keep b --rename c=c-2 --use-existing d --via bridge",
            "consolidate --all --yes",
            "restore cursor --take-original --remove-integrations --dry-run",
            "restore cursor --keep-current --yes",
            "backups",
            "backups list --client cursor",
            "backups verify",
            "backups prune --older-than 90d",
            "agents list",
            "agents show cursor",
            "agents rename cursor Cursor",
            "agents set cursor --profile work",
            "agents trust cursor --for 30m",
            "agents revoke cursor -o json",
            "agents requests",
            "agents approve 4731",
            "agents approve 4731 --name Cursor --profile work",
            "agents approve 0192 --as cursor",
            "agents refuse 4731",
            "keys create claude --expires 30d --profile work",
            "keys list -o json",
            "keys revoke claude",
            "profiles list",
            "profiles create work --integration files --tag a --hide-tool files/write* --mode direct --naming bare",
            "settings get",
            "settings get approval_expiry_minutes",
            "settings set approval_expiry_minutes 15",
            "settings second-factor on",
            "settings second-factor off",
            "settings second-factor status -o json",
            "settings second-factor recovery-codes",
            "backup save /tmp/b.json",
            "backup save -",
            "backup load /tmp/b.json --dry-run",
            "integrations add --id files --name Files --tag a --tag b --env K=V --secret-env T -- npx -y server /folder",
            "integrations add --id x --url https://example.com/mcp --header Name:{token}",
            "integrations add exa",
            "integrations add exa --auth token --token --api-key-file /tmp/k",
            "integrations add notion --auth oauth --no-open --timeout 60",
            "integrations credentials files",
            "integrations list --installed",
            "integrations show files",
            "integrations remove files",
            "integrations restart files",
            "integrations set files --default allow --read-only-may-run on",
            "policy set files write_file deny --agent claude",
            "policy list",
            "policy denials",
            "policy denials --end 0192",
            "approvals list",
            "approvals show 0192",
            "approvals approve 0192 --grant for:30m --every-agent --arguments {}",
            "approvals deny 0192 --reason no",
            "approvals pause",
            "approvals resume",
            "logs --follow --agent a --integration i --outcome ok --since 24h --limit 5",
            "audit list",
            "audit verify",
            "audit export",
            "status --owner-password-file /tmp/p",
            "doctor",
            "doctor --fix -o json --api-key-file /tmp/k",
            "auth login --api-key ap_x",
            "bridge --client claude-desktop --home /tmp/h --no-start",
            "auth login",
            "auth status",
            "auth logout",
            "tools list --integration files",
            "tools describe --integration files --tool read_file",
            "tools call --integration files --tool read_file --args {} --info why --wait --wait-timeout 5",
            "tools await-approval --request-id 0192 --timeout 5",
            "tools classify --integration files --tool write_file changes",
            "tools classify --integration files --tool write_file --clear",
            "tools await-approval --approval-url http://127.0.0.1:4747/approve/0192",
            "skill show",
            "skill install claude-code --dir /tmp --dry-run --force",
            "skill remove codex",
            "completions fish --name ap",
            "man --dir /tmp/man",
        ] {
            let words = std::iter::once("agentport").chain(line.split(' '));
            if let Err(refused) = CliArgs::try_parse_from(words) {
                panic!("{line}\n{refused}");
            }
        }
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        for line in [
            "",
            "serve --port 70000",
            "connect",
            "connect cursor --file /a --folder /b",
            "connect cursor --dry-run --yes",
            "consolidate",
            "consolidate --all cursor",
            "consolidate cursor --rename a",
            "restore cursor --take-original --keep-current",
            "backups prune",
            "agents approve",
            "agents approve 4731 --as cursor --name x",
            "agents approve 4731 --as cursor --profile x",
            "agents rename cursor",
            "keys create",
            "keys create a --expires soon",
            "integrations add --id x",
            "integrations add --id x --url https://a --env K=V",
            "integrations add --id x --header A:{token} -- cmd",
            "integrations add --id x --url https://a -- cmd",
            "integrations add --id X -- cmd",
            "integrations add --id x --env KV -- cmd",
            "integrations add --id x --secret-env K=V -- cmd",
            "integrations list --installed --available",
            "policy set files write_file maybe",
            "approvals approve 0192 --grant forever",
            "approvals approve 0192 --arguments [1]",
            "integrations add exa -- cmd",
            "logs --outcome splendid",
            "tools await-approval",
            "tools classify --integration files --tool write_file",
            "tools classify --integration files --tool write_file undeclared",
            "tools classify --integration files --tool write_file reads --clear",
            "tools await-approval --request-id a --approval-url b",
        ] {
            let words =
                std::iter::once("agentport").chain(line.split(' ').filter(|w| !w.is_empty()));
            assert!(CliArgs::try_parse_from(words).is_err(), "{line}");
        }
    }
}
