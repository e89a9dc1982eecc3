/**
 * From what the owner wants to what was done. A plan is made, changed by choices, and carried out as it is shown: with
 * another choice it is made anew, and what is not for the newest choice can't be applied.
 */
import type { Applied } from '../bindings/Applied';
import type { ConnectionMethod } from '../bindings/ConnectionMethod';
import type { PlanView } from '../bindings/PlanView';
import type { PlanAction } from '../bindings/PlanAction';
import { failure, type Failure } from '../host/asyncAction.svelte';
import { nameConflicts, type NameConflict } from './importChoices';
import { differs } from './differs';
import { draft, want, type Draft } from './draft';
import { apply, plan } from './requests';

export class Planning {
  /** What is wanted; `null` while nothing is. */
  draft = $state.raw<Draft | null>(null);
  plan = $state.raw<PlanView | null>(null);
  done = $state.raw<Applied | null>(null);
  /** A plan is being made, or carried out. */
  busy = $state<'making' | 'applying' | null>(null);
  error = $state.raw<Failure | null>(null);
  /** The gateway would not carry this plan out, since something changed: its words. */
  stale = $state<string | null>(null);
  /** What is another in a plan that was made anew for that reason. */
  differs = $state.raw<readonly string[]>([]);
  /** Name conflicts there were, so that a choice made can still be seen. */
  asked = $state.raw<Readonly<Record<string, NameConflict>>>({});
  /** What the plan was made for. */
  #planned = $state.raw<Draft | null>(null);
  #turn = 0;

  constructor(readonly client: string) {}

  /** It can be applied as it stands. */
  get ready(): boolean {
    return (
      this.plan !== null &&
      this.busy === null &&
      this.#planned === this.draft &&
      this.stale === null &&
      this.plan.id !== '' &&
      !this.plan.is_empty &&
      this.plan.conflicts.length === 0
    );
  }

  begin(what: PlanAction, path: string | null = null, via: ConnectionMethod | null = null): Promise<void> {
    this.close();
    return this.want({ ...draft(what, path), via });
  }

  /** Another choice: the plan on the screen stays until there is one for it. */
  async want(wanted: Draft): Promise<void> {
    if (this.busy === 'applying' || this.done !== null) return;
    const turn = ++this.#turn;
    const before = this.stale === null ? null : this.plan;
    this.draft = wanted;
    this.busy = 'making';
    this.error = null;
    this.differs = [];
    try {
      const made = await plan(this.client, want(wanted));
      if (turn !== this.#turn) return;
      const asked = nameConflicts(made).map((conflict) => [conflict.server, conflict] as const);
      this.asked = { ...this.asked, ...Object.fromEntries(asked) };
      this.plan = made;
      this.#planned = wanted;
      this.stale = null;
      if (before !== null) this.differs = differs(before, made);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.error = failure(error);
    }
    this.busy = null;
  }

  /** The same once more: after something changed, or failed. */
  async again(): Promise<void> {
    if (this.draft !== null) await this.want(this.draft);
  }

  async apply(): Promise<void> {
    if (!this.ready || this.plan === null) return;
    const { id } = this.plan;
    this.busy = 'applying';
    this.error = null;
    this.differs = [];
    try {
      this.done = await apply(id);
    } catch (error) {
      const failed = failure(error);
      // Of a plan there is no 404 but of one that is too old to be known.
      if (failed.status === 409 || failed.status === 404) this.stale = failed.message;
      else this.error = failed;
    }
    this.busy = null;
  }

  close(): void {
    this.#turn += 1;
    this.draft = null;
    this.plan = null;
    this.#planned = null;
    this.done = null;
    this.busy = null;
    this.error = null;
    this.stale = null;
    this.differs = [];
    this.asked = {};
  }
}
