/** What both ways of adding have in common: name, id, tags, and the attempt itself. */
import type { AddIntegration } from '../bindings/AddIntegration';
import type { Connection } from '../bindings/Connection';
import type { IntegrationView } from '../bindings/IntegrationView';
import { link } from '../route/route';
import { router } from '../route/router.svelte';
import { toasts } from '../shell/toasts.svelte';
import { Attempt } from './attempt.svelte';
import { suggestId } from './connection';
import { add } from './requests';

/** A name for one attempt, by which it is watched and cancelled. */
const newAttempt = () => `add-${crypto.randomUUID()}`;

export class Adding extends Attempt {
  #name = $state<string | null>(null);
  #id = $state<string | null>(null);
  tags = $state<string[]>([]);
  /** The page is no longer open: the attempt goes on, and tells of itself in a note. */
  left = false;

  /** @param suggested what it might be called, from what was filled in so far; empty where the server is to say */
  constructor(private readonly suggested: () => string = () => '') {
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
    return this.#id ?? suggestId(this.name);
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
    const id = this.id.trim();
    const attempt = id === '' ? newAttempt() : id;
    const body: AddIntegration = {
      attempt,
      tags: [...this.tags],
      connection,
      secrets,
      keep_unreachable,
      untried: false,
    };
    if (name !== '') body.name = name;
    if (id !== '') body.id = id;
    let view: IntegrationView | null = null;
    const added = await this.run(attempt, async () => {
      view = await add(body);
    });
    const there = view as IntegrationView | null;
    const called = there?.display_name ?? (name || id || 'It');
    const open = () => router.go(there === null ? link.integrations() : link.integration(there.id));
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
