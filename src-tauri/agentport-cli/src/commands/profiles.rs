//! `agentport profiles`: which integrations and tools an agent sees, and how they are listed.

use agentport_api::paths;
use agentport_core::{
    IntegrationId,
    profile::{ListMode, Naming, Profile},
};
use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::{client::OwnerClient, context::Context, exit::ExitStatus, output};

#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesCommand {
    /// List profiles
    List,
    /// Show one
    Show { name: String },
    /// Make one
    Create {
        name: String,
        #[command(flatten)]
        fields: ProfileFields,
    },
    /// Change one; what is not given stays as it is
    Set {
        name: String,
        #[command(flatten)]
        fields: ProfileFields,
        /// Show every integration
        #[arg(long, conflicts_with = "integrations")]
        all_integrations: bool,
        /// Ask for no tags
        #[arg(long, conflicts_with = "tags")]
        no_tags: bool,
        /// Hide no tools
        #[arg(long, conflicts_with = "hidden_tools")]
        no_hidden_tools: bool,
    },
    /// Remove one that no agent uses
    Remove { name: String },
}

#[derive(Debug, Args)]
pub(crate) struct ProfileFields {
    /// Show this integration, and others only if named as well [default: every integration]
    #[arg(long = "integration", value_name = "ID")]
    integrations: Vec<IntegrationId>,
    /// Show only integrations with this tag, or with one of several
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Hide a tool; the name may end in *
    #[arg(long = "hide-tool", value_name = "ID/TOOL")]
    hidden_tools: Vec<String>,
    /// List the agentport__* tools only, or every visible tool as well
    #[arg(long)]
    mode: Option<ListModeArg>,
    /// How directly listed tools are named
    #[arg(long)]
    naming: Option<Names>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ListModeArg {
    Meta,
    Direct,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Names {
    /// <integration>__<tool>
    Prefixed,
    /// The tool's own name
    Bare,
}

impl ProfileFields {
    /// What was given replaces what `profile` has.
    fn apply(self, profile: &mut Profile) {
        if !self.integrations.is_empty() {
            profile.integrations = Some(self.integrations);
        }
        if !self.tags.is_empty() {
            profile.tags = self.tags;
        }
        if !self.hidden_tools.is_empty() {
            profile.hidden_tools = self.hidden_tools;
        }
        match self.mode {
            Some(ListModeArg::Meta) => profile.mode = ListMode::Meta,
            Some(ListModeArg::Direct) => profile.mode = ListMode::Direct,
            None => {}
        }
        match self.naming {
            Some(Names::Prefixed) => profile.naming = Naming::Prefixed,
            Some(Names::Bare) => profile.naming = Naming::Bare,
            None => {}
        }
    }
}

impl ProfilesCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let owner = context.owner().await?;
        match self {
            Self::List => {
                let answer = owner.get(paths::PROFILES).await?;
                context.output.list(&answer, list)?;
            }
            Self::Show { name } => {
                let profile = find(&owner, &name).await?;
                context.output.own(&profile, || show(&profile))?;
            }
            Self::Create { name, fields } => {
                let all: Vec<Profile> = owner.list(paths::PROFILES).await?;
                if all.iter().any(|profile| profile.name == name) {
                    bail!(
                        "there is a profile {name:?} already; change it with `agentport profiles set {name}`"
                    );
                }
                let mut profile = Profile {
                    name,
                    integrations: None,
                    tags: Vec::new(),
                    hidden_tools: Vec::new(),
                    mode: ListMode::default(),
                    naming: Naming::default(),
                };
                fields.apply(&mut profile);
                put(&owner, &profile, context).await?;
            }
            Self::Set { name, fields, all_integrations, no_tags, no_hidden_tools } => {
                let mut profile = find(&owner, &name).await?;
                if all_integrations {
                    profile.integrations = None;
                }
                if no_tags {
                    profile.tags.clear();
                }
                if no_hidden_tools {
                    profile.hidden_tools.clear();
                }
                fields.apply(&mut profile);
                put(&owner, &profile, context).await?;
            }
            Self::Remove { name } => {
                owner.delete(&paths::fill(paths::PROFILE, &name)).await?;
                context.output.own(&json!({ "name": name, "removed": true }), || {
                    format!("Removed {name}.")
                })?;
            }
        }
        Ok(ExitStatus::Done)
    }
}

async fn find(owner: &OwnerClient, name: &str) -> Result<Profile> {
    let all: Vec<Profile> = owner.list(paths::PROFILES).await?;
    match all.into_iter().find(|profile| profile.name == name) {
        Some(profile) => Ok(profile),
        None => bail!("there is no profile {name:?}; `agentport profiles list` lists them"),
    }
}

async fn put(owner: &OwnerClient, profile: &Profile, context: &Context) -> Result<()> {
    owner.put(&paths::fill(paths::PROFILE, &profile.name), profile).await?;
    context.output.own(profile, || show(profile))
}

fn integrations(profile: &Profile) -> String {
    match &profile.integrations {
        None => "all".into(),
        Some(only) => only.iter().map(IntegrationId::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn listing(profile: &Profile) -> &'static str {
    match (profile.mode, profile.naming) {
        (ListMode::Meta, _) => "meta",
        (ListMode::Direct, Naming::Prefixed) => "direct, prefixed names",
        (ListMode::Direct, Naming::Bare) => "direct, bare names",
    }
}

fn show(profile: &Profile) -> String {
    output::fields(&[
        ("Profile", profile.name.clone()),
        ("Integrations", integrations(profile)),
        ("Tags", profile.tags.join(", ")),
        ("Hidden tools", profile.hidden_tools.join(", ")),
        ("Listing", listing(profile).into()),
    ])
}

fn list(profiles: Vec<Profile>) -> String {
    let rows = profiles.iter().map(|profile| {
        [
            profile.name.clone(),
            integrations(profile),
            profile.tags.join(", "),
            profile.hidden_tools.join(", "),
            listing(profile).into(),
        ]
    });
    let headings = ["NAME", "INTEGRATIONS", "TAGS", "HIDDEN TOOLS", "LISTING"];
    output::table(headings, rows.collect(), "There are no profiles: every agent sees everything.")
}
