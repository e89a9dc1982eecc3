/** Light, dark, or as the system has it. Kept in this browser only. */

export type Theme = 'system' | 'light' | 'dark';

const KEPT_AS = 'agentport-theme';

function kept(): Theme {
  try {
    const value = localStorage.getItem(KEPT_AS);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    // Storage may be switched off; then nothing is remembered.
    return 'system';
  }
}

class ThemeState {
  value = $state<Theme>(kept());

  choose(value: Theme): void {
    this.value = value;
    try {
      localStorage.setItem(KEPT_AS, value);
    } catch {
      // As above.
    }
    this.apply();
  }

  apply(): void {
    if (this.value === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = this.value;
  }
}

export const theme = new ThemeState();
