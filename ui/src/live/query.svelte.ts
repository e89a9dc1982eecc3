/**
 * A value read from the gateway and kept fresh: read again when its key changes or a topic's revision grows.
 *
 * What was read stays on the screen while it is read anew, so that nothing flickers. However many events come while a
 * read is under way, one more read follows. Answers that were overtaken are dropped.
 */
import { untrack } from 'svelte';
import { failure, type Failure } from '../host/asyncAction.svelte';
import { live } from './live.svelte';
import type { Topic } from './reducer';

interface QuerySource<K, T> {
  /** What is read, such as an id. Reactive; `null` reads nothing. */
  key: () => K;
  load: (key: NonNullable<K>) => Promise<T>;
  topics: readonly Topic[];
  /** What was read under one key stays on the screen until there is something under the next: for a search. */
  keep?: boolean;
}

export class LiveQuery<K, T> {
  value = $state.raw<T>();
  error = $state.raw<Failure | null>(null);
  #source: QuerySource<K, T>;
  #key: K | undefined;
  #turn = 0;
  #running = false;
  #dirty = false;

  /** To be called while a component is set up: it lives as long as that does. */
  constructor(source: QuerySource<K, T>) {
    this.#source = source;
    $effect(() => {
      for (const topic of source.topics) live.revision(topic);
      const key = source.key();
      untrack(() => this.#again(key));
    });
    $effect(() => () => {
      this.#turn += 1;
    });
  }

  /** Nothing to show yet, and nothing went wrong. */
  get waiting(): boolean {
    return this.value === undefined && this.error === null;
  }

  reload(): void {
    this.#again(this.#source.key());
  }

  #again(key: K): void {
    if (key !== this.#key) {
      this.#key = key;
      this.#turn += 1;
      this.#running = false;
      if (!this.#source.keep) this.value = undefined;
      this.error = null;
    }
    if (key === null || key === undefined) return;
    if (this.#running) this.#dirty = true;
    else void this.#read(key);
  }

  async #read(key: NonNullable<K>): Promise<void> {
    const turn = ++this.#turn;
    this.#running = true;
    this.#dirty = false;
    try {
      const value = await this.#source.load(key);
      if (turn !== this.#turn) return;
      this.value = value;
      this.error = null;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.error = failure(error);
    }
    this.#running = false;
    if (this.#dirty) void this.#read(key);
  }
}
