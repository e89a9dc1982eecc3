/**
 * The activity on the screen: the newest page kept fresh by events, older pages as they are asked for. What comes while
 * the owner reads stands aside, so that nothing moves under the pointer.
 */
import type { ActivityRow } from '../bindings/ActivityRow';
import { AsyncAction } from '../host/asyncAction.svelte';
import { LiveQuery } from '../live/query.svelte';
import { page } from './requests';
import { append, merge, query, sinceThen, unsettled, type Filter } from './rows';

const PAGE = 50;
/** As many rows as the gateway gives at once. */
const LONGEST = 1_000;
/** Calls that may have come since, and pushed the others down. */
const SLACK = 20;

export class History {
  rows = $state.raw<ActivityRow[]>([]);
  /** The row the list begins with, where newer ones stand aside. */
  #top = $state.raw<string | null>(null);
  /** So much came that the newest page no longer reaches what is shown. */
  #behind = $state(false);
  #held = $derived(sinceThen(this.rows, this.#top));
  /** Where older rows go on; `null` at the end. */
  #next = $state.raw<string | null>(null);
  older = new AsyncAction();
  newest: LiveQuery<string, unknown>;
  #asked = '';

  /** To be called while a component is set up. */
  constructor(
    private readonly filter: () => Filter,
    /** Is the owner reading, so that the list should stay as it is? */
    private readonly reading: () => boolean,
  ) {
    this.newest = new LiveQuery({
      key: () => query(filter(), PAGE),
      load: (asked) => this.#refresh(asked),
      topics: ['activity'],
      keep: true,
    });
  }

  get more(): boolean {
    return this.#next !== null;
  }

  get shown(): readonly ActivityRow[] {
    return this.#held.shown;
  }

  /** How many stand aside; at least so many where `behind`. */
  get fresh(): number {
    return this.#behind ? PAGE : this.#held.fresh;
  }

  get behind(): boolean {
    return this.#behind;
  }

  /** Lets in what stands aside. */
  showFresh(): void {
    if (this.#behind) {
      this.#asked = '';
      this.newest.reload();
    }
    this.#top = null;
  }

  async #refresh(asked: string): Promise<number> {
    // A call that was running when it was loaded is followed to its end, however far down it stands.
    const depth = asked === this.#asked ? unsettled(this.rows) : 0;
    const deeper = new URLSearchParams(asked);
    if (depth > PAGE - SLACK) deeper.set('limit', String(Math.min(LONGEST, depth + SLACK)));
    const { items, next } = await page(deeper.toString());
    // Something else is asked by now; that answer counts.
    if (asked !== query(this.filter(), PAGE)) return this.rows.length;
    const same = asked === this.#asked;
    const end = items.at(-1)?.id;
    if (same && next !== null && this.reading() && !this.rows.some(({ id }) => id === end)) {
      this.#behind = true;
      return this.rows.length;
    }
    this.#behind = false;
    // Where nothing follows, this is all there is.
    const merged = same && next !== null ? merge(this.rows, items) : [...items];
    // Where the rows were joined, the end of what was loaded stays the end.
    if (merged.length === items.length) this.#next = next;
    this.#asked = asked;
    this.#top = same && this.reading() ? (this.#top ?? this.rows[0]?.id ?? null) : null;
    this.rows = merged;
    return merged.length;
  }

  async loadOlder(): Promise<void> {
    const before = this.#next;
    if (before === null) return;
    const filter = this.filter();
    await this.older.run(async () => {
      const { items, next } = await page(query(filter, PAGE, before));
      if (query(filter, PAGE) !== this.#asked) return;
      this.rows = append(this.rows, items);
      this.#next = next;
    });
  }
}
