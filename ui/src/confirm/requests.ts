/** Shows the gateway a code. */
import type { Code } from '../bindings/Code';
import type { Confirmation } from '../bindings/Confirmation';
import { host } from '../host';
import { CONFIRM } from '../host/paths';

export const confirm = (code: string) => host.request<Confirmation>('POST', CONFIRM, { code } satisfies Code);
