/** The activity on the screen: the newest page kept fresh by events, older pages as they are asked for. */
import type { ActivityRow } from '../bindings/ActivityRow';
import { Act } from '../host/act.svelte';
import { Reading } from '../live/reading.svelte';
import { page } from './requests';
import { append, merge, query, unsettled, type Filter } from './rows';

const PAGE = 50;
/** As many rows as the gateway gives at once. */
const LONGEST = 1_000;
/** Calls that may have come since, and pushed the others down. */
const SLACK = 20;

export class History {
  rows = $state.raw<ActivityRow[]>([]);
  /** Where older rows go on; `null` at the end. */
  #next = $state.raw<string | null>(null);
  older = new Act();
  newest: Reading<string, unknown>;
  #asked = '';

  /** To be called while a component is set up. */
  constructor(private readonly filter: () => Filter) {
    this.newest = new Reading({
      key: () => query(filter(), PAGE),
      load: (asked) => this.#refresh(asked),
      topics: ['activity'],
    });
  }

  get more(): boolean {
    return this.#next !== null;
  }

  async #refresh(asked: string): Promise<number> {
    // A call that was running when it was loaded is followed to its end, however far down it stands.
    const depth = asked === this.#asked ? unsettled(this.rows) : 0;
    const deeper = new URLSearchParams(asked);
    if (depth > PAGE - SLACK) deeper.set('limit', String(Math.min(LONGEST, depth + SLACK)));
    const { items, next } = await page(deeper.toString());
    // Where nothing follows, this is all there is.
    const merged = asked === this.#asked && next !== null ? merge(this.rows, items) : [...items];
    // Where the rows were joined, the end of what was loaded stays the end.
    if (merged.length === items.length) this.#next = next;
    this.#asked = asked;
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
