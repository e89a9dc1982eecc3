/** Are we let in? In the desktop app there is nothing to be let into, but its gateway may not run. */
import type { ChoosePassword } from '../bindings/ChoosePassword';
import type { Desktop } from '../bindings/Desktop';
import type { Login } from '../bindings/Login';
import type { Port } from '../bindings/Port';
import type { Session } from '../bindings/Session';
import { host, whenSigned, whenStopped } from '../host';
import { DESKTOP, DESKTOP_PORT, DESKTOP_TRY_AGAIN, LOGIN, LOGOUT, PASSWORD, SESSION } from '../host/paths';

type State = 'checking' | 'unreachable' | 'trouble' | 'needs_password' | 'out' | 'in';

/** How soon a gateway that is starting is asked for again. */
const SOON_MS = 300;

class SessionState {
  state = $state<State>('checking');
  version = $state('');
  /** What the desktop app says of itself, as it was when last asked; `null` in a browser. */
  desktop = $state.raw<Desktop | null>(null);
  /** The owner's password was chosen a moment ago, here. */
  fresh = $state(false);

  constructor() {
    whenSigned((signedIn) => {
      if (signedIn && (this.state === 'out' || this.state === 'needs_password')) this.state = 'in';
      if (!signedIn && this.state === 'in') this.state = 'out';
    });
    whenStopped(() => void this.look());
  }

  async check(): Promise<void> {
    this.state = 'checking';
    if (host.desktop !== null) return this.look();
    try {
      const { signed_in, needs_password, version } = await host.request<Session>('GET', SESSION);
      this.version = version;
      this.state = signed_in ? 'in' : needs_password ? 'needs_password' : 'out';
    } catch {
      this.state = 'unreachable';
    }
  }

  /** Asks the desktop app how its gateway is. */
  async look(): Promise<void> {
    try {
      this.#know(await host.request<Desktop>('GET', DESKTOP));
    } catch {
      this.state = 'unreachable';
    }
  }

  /** Starts a gateway that did not start. */
  async tryAgain(): Promise<void> {
    this.#know(await host.request<Desktop>('POST', DESKTOP_TRY_AGAIN));
  }

  async usePort(port: number): Promise<void> {
    this.#know(await host.request<Desktop>('PUT', DESKTOP_PORT, { port } satisfies Port));
  }

  async signIn(password: string, code: string | null): Promise<void> {
    const login: Login = code === null ? { password } : { password, code };
    await host.request('POST', LOGIN, login);
    this.state = 'in';
  }

  async choosePassword(choice: ChoosePassword): Promise<void> {
    await host.request('POST', PASSWORD, choice);
    if (this.state === 'needs_password') this.fresh = true;
    this.state = 'in';
  }

  async signOut(): Promise<void> {
    await host.request('POST', LOGOUT);
    this.state = 'out';
  }

  #know(desktop: Desktop): void {
    this.desktop = desktop;
    this.version = desktop.version;
    // It has no port while it starts, or ends: that is nothing to tell of, and what is open stays open.
    const between = desktop.trouble !== null && desktop.port === 0;
    if (!between) this.state = desktop.trouble === null ? 'in' : 'trouble';
    else if (this.state !== 'in') setTimeout(() => void this.look(), SOON_MS);
  }
}

export const session = new SessionState();
