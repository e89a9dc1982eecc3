/** Shows the gateway a code. */
import type { Code } from '../bindings/Code';
import type { Confirmation } from '../bindings/Confirmation';
import { host } from '../host';

export const confirm = (code: string) =>
  host.request<Confirmation>('POST', '/control/confirm', { code } satisfies Code);
