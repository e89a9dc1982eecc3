/** What both ways of adding have in common: name, id, tags, and the attempt itself. */
import type { AddIntegration } from '../bindings/AddIntegration';
import type { Connection } from '../bindings/Connection';
import { Act } from '../host/act.svelte';
import { link } from '../route/route';
import { router } from '../route/router.svelte';
import { toasts } from '../shell/toasts.svelte';
import { suggestId } from './connection';
import { add } from './requests';

export class Adding {
  act = new Act();
  #name = $state<string | null>(null);
  #id = $state<string | null>(null);
  tags = $state<string[]>([]);

  /** @param suggested what it might be called, from what was filled in so far */
  constructor(private readonly suggested: () => string) {}

  get name(): string {
    return this.#name ?? this.suggested();
  }

  set name(name: string) {
    this.#name = name;
  }

  /** Follows the name until it is written by hand. */
  get id(): string {
    return this.#id ?? suggestId(this.name);
  }

  set id(id: string) {
    this.#id = id;
  }

  /** The upstream did not answer, so nothing was kept. */
  get unreachable(): boolean {
    return this.act.error?.status === 502;
  }

  async add(
    connection: Connection,
    secrets: Record<string, string>,
    keep_unreachable = false,
  ): Promise<void> {
    const name = this.name.trim();
    const body: AddIntegration = { id: this.id, tags: [...this.tags], connection, secrets, keep_unreachable };
    if (name !== '') body.name = name;
    const added = await this.act.run(() => add(body));
    if (!added) return;
    toasts.show({ text: `${name || this.id} was added.` });
    router.go(link.integration(this.id));
  }
}
