/** Are we let in? */
import type { ChoosePassword } from '../bindings/ChoosePassword';
import type { Login } from '../bindings/Login';
import type { Session } from '../bindings/Session';
import { host, whenSigned } from '../host';

type State = 'checking' | 'unreachable' | 'needs_password' | 'out' | 'in';

class SessionState {
  state = $state<State>('checking');
  version = $state('');

  constructor() {
    whenSigned((signedIn) => {
      if (signedIn && (this.state === 'out' || this.state === 'needs_password')) this.state = 'in';
      if (!signedIn && this.state === 'in') this.state = 'out';
    });
  }

  async check(): Promise<void> {
    this.state = 'checking';
    try {
      const { signed_in, needs_password, version } = await host.request<Session>('GET', '/control/session');
      this.version = version;
      this.state = signed_in || !host.signsIn ? 'in' : needs_password ? 'needs_password' : 'out';
    } catch {
      this.state = 'unreachable';
    }
  }

  async signIn(password: string): Promise<void> {
    await host.request('POST', '/control/login', { password } satisfies Login);
    this.state = 'in';
  }

  async choosePassword(choice: ChoosePassword): Promise<void> {
    await host.request('POST', '/control/password', choice);
    this.state = 'in';
  }

  async signOut(): Promise<void> {
    await host.request('POST', '/control/logout');
    this.state = 'out';
  }
}

export const session = new SessionState();
