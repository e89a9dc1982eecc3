/** What the owner enters to answer a request to install something: which secrets, and how a refusal is told. Pure. */
import type { ApprovalView } from '../bindings/ApprovalView';
import type { AvailableIntegration } from '../bindings/AvailableIntegration';
import type { TokenField } from '../bindings/TokenField';
import type { Failure } from '../host/asyncAction.svelte';
import { isObject } from '../host/json';
import { link } from '../route/route';

/** The gateway's own tool by which agents ask for an install. */
const INSTALL = 'agentport__install_integration';

export interface ToEnter {
  item: AvailableIntegration;
  /** The one secret there is; `null` where there are several or other values, which only the install sheet asks for. */
  only: TokenField | null;
  /** It is installed by signing in, which the install sheet does. */
  signIn: boolean;
}

/** `null` where the request wants no more than a yes. */
export function toEnter({
  install,
  arguments: asked,
}: Pick<ApprovalView, 'install' | 'arguments'>): ToEnter | null {
  if (install == null) return null;
  const token = install.auth.find((way) => way.method === 'token');
  const byConsent = install.auth.some(({ method }) => method === 'oauth');
  const wanted = isObject(asked) ? asked['auth_method'] : null;
  if (byConsent && (wanted === 'oauth' || token === undefined)) {
    return { item: install, only: null, signIn: true };
  }
  if (token === undefined) {
    // Its values are filled in where its whole command is shown.
    return install.launch === undefined ? null : { item: install, only: null, signIn: false };
  }
  const [first, ...others] = token.fields;
  return { item: install, only: first !== undefined && others.length === 0 ? first : null, signIn: false };
}

/** Where there is more to read of what the request is about. What is yet to be installed has no page of its own. */
export function more({ tool, integration }: Pick<ApprovalView, 'tool' | 'integration'>): string {
  return tool === INSTALL ? link.install(integration) : link.integration(integration);
}

/** Why what was entered can't be used, to stand at its field. `null` where the failure is about something else. */
export function refusal(error: Failure | null, field: TokenField): string | null {
  return error !== null && (error.field === 'secrets' || error.field === field.name) ? error.message : null;
}
