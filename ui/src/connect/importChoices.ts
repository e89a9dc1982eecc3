/** The servers of a consolidation, one row each, whether they come along or stay. Pure. */
import type { ImportView } from '../bindings/ImportView';
import type { PlanView } from '../bindings/PlanView';
import type { ConflictView } from '../bindings/ConflictView';

export type NameConflict = Extract<ConflictView, { kind: 'name' }>;
export type LinesConflict = Extract<ConflictView, { kind: 'lines' }>;

export interface Along {
  server: string;
  /** It comes along, as this. */
  as: ImportView | null;
  /** Why it stays. */
  stays: string | null;
  /** Its name is something else's here. Stays once it was asked, so that the choice can be seen and changed. */
  conflict: NameConflict | null;
}

/**
 * Rows keep their place while choices move servers between coming and staying: in the order they have in the file
 * (`order`), and behind it whatever the file does not name.
 */
export function alongs(
  plan: PlanView,
  asked: Readonly<Record<string, NameConflict>>,
  order: readonly string[],
  /** Those a choice was made for, which may have left nothing else to show. */
  chosen: readonly string[] = [],
): Along[] {
  const names = new Set([
    ...plan.imports.map(({ server }) => server),
    ...plan.left.map(({ server }) => server),
    ...nameConflicts(plan).map(({ server }) => server),
    ...chosen.filter((server) => server in asked),
  ]);
  const sorted = [
    ...order.filter((name) => names.has(name)),
    ...[...names].filter((name) => !order.includes(name)).toSorted(),
  ];
  return [...new Set(sorted)].map((server) => ({
    server,
    as: plan.imports.find((each) => each.server === server) ?? null,
    stays: plan.left.find((each) => each.server === server)?.why ?? null,
    conflict: nameConflicts(plan).find((each) => each.server === server) ?? asked[server] ?? null,
  }));
}

export function nameConflicts({ conflicts }: Pick<PlanView, 'conflicts'>): NameConflict[] {
  return conflicts.filter((conflict) => conflict.kind === 'name');
}

export function linesConflicts({ conflicts }: Pick<PlanView, 'conflicts'>): LinesConflict[] {
  return conflicts.filter((conflict) => conflict.kind === 'lines');
}
