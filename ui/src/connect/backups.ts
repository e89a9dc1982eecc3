/** Kept files, as they are listed. Pure. */
import type { BackupView } from '../bindings/BackupView';
import type { PlanAction } from '../bindings/PlanAction';
import { count } from '../format/labels';

/** Days after which what is neither pinned nor the newest may go. */
export const OLD_DAYS = 90;

const BEFORE: Record<PlanAction, string> = {
  connect: 'Before it was connected',
  disconnect: 'Before it was disconnected',
  consolidate: 'Before its servers came along',
  restore: 'Before it was restored',
};

export const takenBefore = (what: PlanAction) => BEFORE[what];

/** What a check found, in a sentence, and the tone of it. */
export function verdict(checked: readonly Pick<BackupView, 'intact'>[]): { good: boolean; text: string } {
  const broken = checked.filter(({ intact }) => intact === false).length;
  const copies = (n: number) => count(n, 'copy', 'copies');
  if (broken === 0)
    return { good: true, text: `Intact: ${copies(checked.length)}, none missing or changed.` };
  const are = broken === 1 ? 'is missing or not what it was' : 'are missing or not what they were';
  return { good: false, text: `${copies(broken)} of ${checked.length} ${are}.` };
}
