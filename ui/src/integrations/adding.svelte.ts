/** What both ways of adding have in common: name, id, tags, and the attempt itself. */
import type { AddIntegration } from '../bindings/AddIntegration';
import type { Connection } from '../bindings/Connection';
import { link } from '../route/route';
import { router } from '../route/router.svelte';
import { toasts } from '../shell/toasts.svelte';
import { Attempt } from './attempt.svelte';
import { suggestId } from './connection';
import { add } from './requests';

export class Adding extends Attempt {
  #name = $state<string | null>(null);
  #id = $state<string | null>(null);
  tags = $state<string[]>([]);
  /** The page is no longer open: the attempt goes on, and tells of itself in a note. */
  left = false;

  /**
   * @param suggested what it might be called, from what was filled in so far
   * @param fallbackId the id where there is no name to make one of
   */
  constructor(
    private readonly suggested: () => string,
    private readonly fallbackId: () => string = () => '',
  ) {
    super();
  }

  get name(): string {
    return this.#name ?? this.suggested();
  }

  set name(name: string) {
    this.#name = name;
  }

  /** Follows the name until it is written by hand. */
  get id(): string {
    return this.#id ?? (suggestId(this.name) || this.fallbackId());
  }

  set id(id: string) {
    this.#id = id;
  }

  async add(
    connection: Connection,
    secrets: Record<string, string>,
    keep_unreachable = false,
  ): Promise<void> {
    const name = this.name.trim();
    const body: AddIntegration = {
      id: this.id,
      tags: [...this.tags],
      connection,
      secrets,
      keep_unreachable,
      untried: false,
    };
    if (name !== '') body.name = name;
    const added = await this.run(body.id, () => add(body));
    const called = name || body.id;
    const open = () => router.go(link.integration(body.id));
    if (!this.left) {
      if (!added) return;
      toasts.show({ text: `${called} was added.` });
      open();
    } else if (added) {
      toasts.show({ text: `${called} was added.`, action: { label: 'Open', run: open } });
    } else if (this.action.error) {
      toasts.show({ text: `${called} was not added. ${this.action.error.message}` });
    }
  }
}
