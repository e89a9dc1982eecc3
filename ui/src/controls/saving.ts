/** Keeps what the gateway answers as a file, and says where it went. */
import { host } from '../host';
import { DESKTOP_REVEAL } from '../host/paths';
import { failure } from '../host/asyncAction.svelte';
import { toasts } from '../shell/toasts.svelte';

/** True when it went well; what went wrong is told. */
export async function save(path: string, name: string): Promise<boolean> {
  try {
    const saved = await host.save(path, name);
    if (saved === null) {
      toasts.show({ text: `${name} goes to your downloads.` });
      return true;
    }
    const { file } = saved;
    toasts.show({ text: `Saved as ${file}.`, action: { label: 'Show', run: () => void reveal(file) } });
    return true;
  } catch (error) {
    toasts.show({ text: failure(error).message });
    return false;
  }
}

async function reveal(file: string): Promise<void> {
  try {
    await host.request('POST', DESKTOP_REVEAL, { file });
  } catch (error) {
    toasts.show({ text: failure(error).message });
  }
}
