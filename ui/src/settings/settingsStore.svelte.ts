/** The settings on the screen: read once for all sections, changed one by one, each change with a way back. */
import type { Settings } from '../bindings/Settings';
import { failure } from '../host/asyncAction.svelte';
import { LiveQuery } from '../live/query.svelte';
import { toasts } from '../shell/toasts.svelte';
import { back } from './fields';
import { patch, read } from './requests';

export class SettingsStore {
  query = new LiveQuery({ key: () => 'all', load: read, topics: ['settings'] });

  get value(): Settings | null {
    return this.query.value ?? null;
  }

  /** Throws what the gateway refuses. */
  async save(change: Partial<Settings>, text = 'Saved.'): Promise<void> {
    const before = this.value;
    this.query.value = await patch(change);
    if (before === null) return;
    const run = () => {
      patch(back(before, change)).then(
        (settings) => (this.query.value = settings),
        (error: unknown) => toasts.show({ text: failure(error).message }),
      );
    };
    toasts.show({ text, action: { label: 'Undo', run } });
  }
}
