/**
 * Paths of the control API, and of the desktop app around the pages (`/desktop…`). `{…}` stands for one segment of a
 * path: `fill` puts an escaped value in its place. The same names as in the Rust crate `agentport-api`, `paths.rs`.
 */

export const STATUS = '/control/status';
export const PAUSE = '/control/pause';
export const EVENTS = '/control/events';
export const APPROVALS = '/control/approvals';
export const APPROVAL = '/control/approvals/{id}';
export const APPROVE = '/control/approvals/{id}/approve';
export const DENY = '/control/approvals/{id}/deny';
export const KEYS = '/control/keys';
export const KEY = '/control/keys/{id}';
export const KEY_TRUST = '/control/keys/{id}/trust';
export const CONSENTS = '/control/consents';
export const CONSENT = '/control/consents/{id}';
export const CONSENT_APPROVE = '/control/consents/{id}/approve';
export const CONSENT_DENY = '/control/consents/{id}/deny';
export const PROFILES = '/control/profiles';
export const PROFILE = '/control/profiles/{name}';
export const DIRECTORY = '/control/available';
export const DIRECTORY_ENTRY = '/control/available/{id}';
export const DIRECTORY_INSTALL = '/control/available/{id}/install';
export const DIRECTORY_PREVIEW = '/control/available/{id}/preview';
export const IMPORT_READ = '/control/imports/read';
export const IMPORT_PREVIEW = '/control/imports/preview';
export const IMPORT_INSTALL = '/control/imports/install';
export const INTEGRATIONS = '/control/integrations';
export const INTEGRATION = '/control/integrations/{id}';
export const INTEGRATION_ADDING = '/control/integrations/{id}/adding';
export const INTEGRATION_CREDENTIALS = '/control/integrations/{id}/credentials';
export const INTEGRATION_RESTART = '/control/integrations/{id}/restart';
export const INTEGRATION_PIN = '/control/integrations/{id}/pin';
export const INTEGRATION_TOOLS = '/control/integrations/{id}/tools';
export const INTEGRATION_TOOL_EFFECT = '/control/integrations/{id}/tools/effect';
export const INTEGRATION_LOG = '/control/integrations/{id}/log';
export const CONNECTION_COMPARE = '/control/connections/compare';
export const DEFINITION = '/control/definitions/{digest}';
export const ACCOUNTS = '/control/accounts';
export const ACCOUNT = '/control/accounts/{id}';
export const ACCOUNT_CREDENTIALS = '/control/accounts/{id}/credentials';
export const ACCOUNT_FORGET_REGISTRATION = '/control/accounts/{id}/forget-registration';
export const INTEGRATION_ACCOUNTS = '/control/integrations/{id}/accounts';
export const INTEGRATION_CHOSEN_ACCOUNTS = '/control/integrations/{id}/accounts/chosen';
export const SIGN_INS = '/control/sign-ins';
export const SIGN_IN = '/control/sign-ins/{id}';
export const SIGN_IN_CALLBACK = '/control/sign-ins/{id}/callback';
export const POLICY = '/control/policy';
export const POLICY_RULE = '/control/policy/{id}';
export const POLICY_RULE_RESTORE = '/control/policy/{id}/restore';
export const POLICY_CATEGORY = '/control/policy/category';
export const DENIALS = '/control/denials';
export const DENIAL = '/control/denials/{id}';

export const SETTINGS = '/control/settings';
export const ACTIVITY = '/control/activity';
export const ACTIVITY_CHART = '/control/activity/chart';
export const ACTIVITY_EXPORT = '/control/activity/export';
export const AUDIT = '/control/audit';
export const AUDIT_VERIFY = '/control/audit/verify';
export const AUDIT_EXPORT = '/control/audit/export';
export const SECOND_FACTOR = '/control/second-factor';
export const SECOND_FACTOR_BEGIN = '/control/second-factor/begin';
export const SECOND_FACTOR_ENABLE = '/control/second-factor/enable';
export const SECOND_FACTOR_RECOVERY_CODES = '/control/second-factor/recovery-codes';
export const CONFIRM = '/control/confirm';
export const BACKUP = '/control/backup';
export const RESTORE = '/control/restore';
export const OWNER_PASSWORD = '/control/owner-password';
export const SESSION = '/control/session';
export const LOGIN = '/control/login';
export const LOGOUT = '/control/logout';
export const PASSWORD = '/control/password';
export const CLIENTS = '/control/clients';
export const CLIENT_PLAN = '/control/clients/{id}/plan';
export const CLIENT_PLAN_APPLY = '/control/clients/plans/{id}/apply';
export const CLIENT_BACKUPS = '/control/clients/backups';
export const CLIENT_BACKUPS_VERIFY = '/control/clients/backups/verify';

export const DESKTOP = '/desktop';
export const DESKTOP_AUTOSTART = '/desktop/autostart';
export const DESKTOP_COPY = '/desktop/copy';
export const DESKTOP_ON_CLOSE = '/desktop/on-close';
export const DESKTOP_OPEN = '/desktop/open';
export const DESKTOP_PORT = '/desktop/port';
export const DESKTOP_QUIT = '/desktop/quit';
export const DESKTOP_REVEAL = '/desktop/reveal';
export const DESKTOP_SAVE = '/desktop/save';
export const DESKTOP_STREAM = '/desktop/stream/{name}';
export const DESKTOP_TEST_NOTIFICATION = '/desktop/test-notification';
export const DESKTOP_TRY_AGAIN = '/desktop/try-again';
export const DESKTOP_VIEW = '/desktop/view';
export const DESKTOP_WINDOW = '/desktop/window';

/** The path with `value` in the place of its `{…}`, escaped as one segment. */
export function fill(pattern: string, value: string): string {
  return pattern.replace(/\{\w+\}/, () => encodeURIComponent(value));
}

/** The path with a query behind it; without one where nothing is asked. */
export function withQuery(path: string, query: string | Record<string, string>): string {
  const text = typeof query === 'string' ? query : new URLSearchParams(query).toString();
  return text === '' ? path : `${path}?${text}`;
}
