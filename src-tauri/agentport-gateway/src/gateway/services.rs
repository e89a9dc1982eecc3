//! Wiring: each service is built once, lower layers first, and gets the few it works with.

use std::{path::Path, sync::Arc};

use agentport_api::Settings;
use agentport_core::{Secret, Timestamp};
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{StartError, database};
use crate::{
    accounts::{Accounts, SignInNeeded},
    address::{ExternalAddress, GatewayAddress},
    agent_api::AgentApi,
    agents::Agents,
    approvals::{ApprovalServices, Approvals},
    audit::Audit,
    auth::Authenticator,
    call::{CallAdmission, CallDispatcher, CallPipeline, CallRecorder, ToolResolver},
    catalogue::Catalogue,
    control::{Control, exposure::TcpExposure, password},
    data_dir::DataDir,
    directory::PendingTokens,
    events::Events,
    housekeeping::Housekeeping,
    imports::BundleStore,
    installs::Installer,
    integrations::{Integrations, PendingAdds, UpstreamEvents},
    journal::Journal,
    mcp::sessions::Sessions,
    oauth_server::OAuthServer,
    policy::PolicyStore,
    settings::{CallSwitch, SettingsStore},
    shutdown::StopSignals,
    sign_ins::{SignInAttempts, SignIns},
    store::Store,
    upstream::UpstreamRegistry,
    vault::{SentSecrets, Vault, VaultChoice},
};

/// Missed resource updates a slow MCP session may have before it loses some.
const RESOURCE_UPDATE_BACKLOG: usize = 64;

/// The opened data directory.
pub(super) struct OpenStorage {
    store: Store,
    vault: Arc<Vault>,
    pub(super) settings: Settings,
    pub(super) warnings: Vec<String>,
    /// The password of the options became the owner's.
    pub(super) password_set: bool,
}

impl OpenStorage {
    /// `password` becomes the owner's if none was chosen before.
    pub(super) async fn open(
        home: &DataDir,
        vault: VaultChoice,
        password: Option<Secret>,
    ) -> Result<Self, StartError> {
        let store = Store::open(&home.database()).await.map_err(database)?;
        let (vault, warning) = Vault::unlock(vault, home).await?;
        let vault = Arc::new(vault);
        let mut password_set = false;
        if let Some(password) = &password
            && !password::has_password(&store).await.map_err(database)?
        {
            password::set_password(&store, password).await?;
            password_set = true;
        }
        let settings = store.settings().await.map_err(database)?;
        Ok(Self { store, vault, settings, warnings: warning.into_iter().collect(), password_set })
    }
}

/// Everything that runs, and the signals that end it.
#[derive(Clone, Default)]
pub(super) struct GatewayTasks {
    pub(super) tracker: TaskTracker,
    pub(super) running_calls: TaskTracker,
    pub(super) stop: StopSignals,
    pub(super) background_stop: CancellationToken,
    pub(super) journal_stop: CancellationToken,
}

/// The services of a gateway, for handing each API the ones it uses.
pub(super) struct GatewayServices {
    pub(super) base: BaseServices,
    pub(super) address: GatewayAddress,
    pub(super) external: ExternalAddress,
    pub(super) tasks: GatewayTasks,
    pub(super) upstreams: UpstreamRegistry,
    pub(super) approvals: Arc<Approvals>,
    pub(super) integrations: Arc<Integrations>,
    pub(super) installer: Arc<Installer>,
    pub(super) sign_ins: Arc<SignIns>,
    pub(super) oauth_server: Arc<OAuthServer>,
    pub(super) calls: Arc<CallPipeline>,
    pub(super) resource_updates: broadcast::Sender<String>,
}

/// Storage and the services that know no call: what calls, approvals, integrations and the APIs work with.
pub(super) struct BaseServices {
    pub(super) store: Store,
    pub(super) vault: Arc<Vault>,
    pub(super) journal: Arc<Journal>,
    pub(super) events: Events,
    pub(super) audit: Audit,
    pub(super) agents: Arc<Agents>,
    pub(super) settings: Arc<SettingsStore>,
    pub(super) switch: Arc<CallSwitch>,
    pub(super) policy: Arc<PolicyStore>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) accounts: Arc<Accounts>,
    /// Accounts that need the owner, for the task that shows them.
    pub(super) needy: Mutex<Option<mpsc::UnboundedReceiver<SignInNeeded>>>,
    tokens: Arc<PendingTokens>,
    secrets: Arc<SentSecrets>,
}

impl BaseServices {
    async fn build(
        storage: OpenStorage,
        home: &DataDir,
        tasks: &GatewayTasks,
    ) -> Result<Self, StartError> {
        let OpenStorage { store, vault, settings, .. } = storage;
        let journal_stop = tasks.journal_stop.clone();
        let journal =
            Journal::open(&home.journal_dir(), store.clone(), &tasks.tracker, journal_stop)
                .await
                .map_err(database)?;
        let events = Events::new();
        let audit = Audit::open(store.clone(), vault.derive("audit"));
        let agents = Agents::load(store.clone()).await.map_err(database)?;
        let switch = CallSwitch::load(store.clone(), events.clone(), audit.clone()).await;
        let policy = PolicyStore::load(store.clone(), events.clone()).await;
        let (needed, needy) = mpsc::unbounded_channel();
        let accounts = Accounts::new(
            store.clone(),
            vault.clone(),
            events.clone(),
            audit.clone(),
            tasks.tracker.clone(),
            needed,
        );
        Ok(Self {
            accounts: Arc::new(accounts),
            needy: Mutex::new(Some(needy)),
            tokens: Arc::new(PendingTokens::new(vault.derive("tokens handed in"))),
            secrets: Arc::new(SentSecrets::default()),
            journal: Arc::new(journal),
            agents: Arc::new(agents),
            settings: Arc::new(SettingsStore::new(settings)),
            switch: Arc::new(switch.map_err(database)?),
            policy: Arc::new(policy.map_err(database)?),
            catalogue: Arc::new(Catalogue::new()),
            store,
            vault,
            events,
            audit,
        })
    }

    fn approvals(&self, tasks: &GatewayTasks) -> Arc<Approvals> {
        Arc::new(Approvals::new(ApprovalServices {
            store: self.store.clone(),
            journal: self.journal.clone(),
            vault: self.vault.clone(),
            events: self.events.clone(),
            audit: self.audit.clone(),
            settings: self.settings.clone(),
            policy: self.policy.clone(),
            catalogue: self.catalogue.clone(),
            tokens: self.tokens.clone(),
            tasks: tasks.tracker.clone(),
            soft_stop: tasks.stop.soft.clone(),
        }))
    }

    fn upstreams(
        &self,
        home: &DataDir,
        tasks: &GatewayTasks,
        approvals: &Arc<Approvals>,
        updates: &broadcast::Sender<String>,
    ) -> UpstreamRegistry {
        let upstream_events = Arc::new(UpstreamEvents {
            catalogue: self.catalogue.clone(),
            events: self.events.clone(),
            tasks: tasks.tracker.clone(),
            updates: updates.clone(),
            store: self.store.clone(),
            approvals: approvals.clone(),
            accounts: self.accounts.clone(),
        });
        let stop = tasks.background_stop.clone();
        let children = Some(home.children_dir());
        let upstreams =
            UpstreamRegistry::new(tasks.tracker.clone(), stop, upstream_events, children);
        upstreams.set_inherited_environment(self.settings.load().inherited_environment.clone());
        upstreams
    }

    fn integrations(
        &self,
        home: &DataDir,
        approvals: &Arc<Approvals>,
        upstreams: &UpstreamRegistry,
    ) -> Arc<Integrations> {
        Arc::new(Integrations {
            store: self.store.clone(),
            vault: self.vault.clone(),
            events: self.events.clone(),
            audit: self.audit.clone(),
            settings: self.settings.clone(),
            policy: self.policy.clone(),
            approvals: approvals.clone(),
            catalogue: self.catalogue.clone(),
            upstreams: upstreams.clone(),
            secrets: self.secrets.clone(),
            accounts: self.accounts.clone(),
            bundles: BundleStore::new(home.bundles_dir()),
            pending_adds: PendingAdds::default(),
        })
    }

    fn calls(
        &self,
        tasks: &GatewayTasks,
        approvals: &Arc<Approvals>,
        upstreams: &UpstreamRegistry,
        installer: &Arc<Installer>,
    ) -> Arc<CallPipeline> {
        let soft_stop = tasks.stop.soft.clone();
        Arc::new(CallPipeline {
            resolver: ToolResolver {
                catalogue: self.catalogue.clone(),
                upstreams: upstreams.clone(),
            },
            admission: CallAdmission::new(soft_stop, self.switch.clone(), self.settings.clone()),
            policy: self.policy.clone(),
            approvals: approvals.clone(),
            agents: self.agents.clone(),
            accounts: self.accounts.clone(),
            tokens: self.tokens.clone(),
            recorder: CallRecorder::new(self.journal.clone()),
            dispatcher: CallDispatcher {
                store: self.store.clone(),
                settings: self.settings.clone(),
                catalogue: self.catalogue.clone(),
                upstreams: upstreams.clone(),
                installer: installer.clone(),
                secrets: self.secrets.clone(),
            },
            continuations: Default::default(),
            tasks: tasks.tracker.clone(),
            running: tasks.running_calls.clone(),
            hard_stop: tasks.stop.hard.clone(),
        })
    }
}

impl GatewayServices {
    pub(super) async fn build(
        storage: OpenStorage,
        home: &DataDir,
        port: u16,
        tasks: GatewayTasks,
    ) -> Result<Self, StartError> {
        let base = BaseServices::build(storage, home, &tasks).await?;
        let approvals = base.approvals(&tasks);
        let resource_updates = broadcast::Sender::new(RESOURCE_UPDATE_BACKLOG);
        let upstreams = base.upstreams(home, &tasks, &approvals, &resource_updates);
        let integrations = base.integrations(home, &approvals, &upstreams);
        let sign_ins = Arc::new(SignIns {
            accounts: base.accounts.clone(),
            catalogue: base.catalogue.clone(),
            integrations: integrations.clone(),
            events: base.events.clone(),
            tasks: tasks.tracker.clone(),
            attempts: SignInAttempts::default(),
        });
        let installer = Arc::new(Installer {
            integrations: integrations.clone(),
            sign_ins: sign_ins.clone(),
            tokens: base.tokens.clone(),
        });
        let oauth_server = Arc::new(OAuthServer::new(
            base.store.clone(),
            base.agents.clone(),
            base.events.clone(),
            base.audit.clone(),
            base.settings.clone(),
            tasks.tracker.clone(),
        ));
        let calls = base.calls(&tasks, &approvals, &upstreams, &installer);
        Ok(Self {
            base,
            address: GatewayAddress { port },
            external: ExternalAddress::default(),
            tasks,
            upstreams,
            approvals,
            integrations,
            installer,
            sign_ins,
            oauth_server,
            calls,
            resource_updates,
        })
    }

    pub(super) fn agent_api(&self) -> Arc<AgentApi> {
        Arc::new(AgentApi {
            address: self.address.clone(),
            auth: Authenticator::new(
                self.base.agents.clone(),
                self.base.policy.clone(),
                self.base.events.clone(),
            ),
            events: self.base.events.clone(),
            calls: self.calls.clone(),
            approvals: self.approvals.clone(),
            catalogue: self.base.catalogue.clone(),
            policy: self.base.policy.clone(),
            sign_ins: self.sign_ins.clone(),
            settings: self.base.settings.clone(),
            switch: self.base.switch.clone(),
            store: self.base.store.clone(),
            resource_updates: self.resource_updates.clone(),
            stop: self.tasks.stop.clone(),
        })
    }

    pub(super) fn control(
        &self,
        sessions: Arc<Sessions>,
        front: TcpExposure,
        root: &Path,
        started_at: Timestamp,
    ) -> Control {
        Control {
            address: self.address.clone(),
            external: self.external.clone(),
            store: self.base.store.clone(),
            vault: self.base.vault.clone(),
            events: self.base.events.clone(),
            audit: self.base.audit.clone(),
            agents: self.base.agents.clone(),
            settings: self.base.settings.clone(),
            switch: self.base.switch.clone(),
            policy: self.base.policy.clone(),
            catalogue: self.base.catalogue.clone(),
            upstreams: self.upstreams.clone(),
            journal: self.base.journal.clone(),
            approvals: self.approvals.clone(),
            integrations: self.integrations.clone(),
            installer: self.installer.clone(),
            sign_ins: self.sign_ins.clone(),
            oauth_server: self.oauth_server.clone(),
            tasks: self.tasks.tracker.clone(),
            soft_stop: self.tasks.stop.soft.clone(),
            sessions,
            logins: Arc::default(),
            front: Arc::new(front),
            codes: Arc::default(),
            changing: Arc::default(),
            home: root.to_string_lossy().into(),
            started_at,
        }
    }

    pub(super) fn housekeeping(&self, sessions: Arc<Sessions>) -> Housekeeping {
        Housekeeping {
            store: self.base.store.clone(),
            agents: self.base.agents.clone(),
            policy: self.base.policy.clone(),
            settings: self.base.settings.clone(),
            sessions,
        }
    }
}
